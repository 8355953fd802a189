//! A table of a database.

use foldhash::{HashMap, HashSet};

use super::count::Count;
use super::rule;
use super::schema::{Attribute, Host, Kind, Places, Type};
use super::shared::{Shared::Static, Texts};
use super::verdict::{Usage, Verdict, counted};
use super::view::{Findings, Location, Resource, View};
use crate::diagnostic::code;
use crate::suggest::{listed, suggest};
use crate::value::{Attributes, Value};

/// A table inside a database.
pub static TABLE: Kind = Kind {
    name: "table",
    summary: Static("A table of a database: columns, keys, indexes and where its rows live."),
    places: Places::Inside("database"),
    host: Host::Parent,
    object: true,
    coexists: true,
    hosts_others: false,
    example: Texts::Static(&["columns = [{ name = \"id\", type = \"UUID\" }, { name = \"region\", type = \"STRING\" }]", "primary_key = [\"id\"]"]),
    attributes: Static(&[
        Attribute::new(
            "name",
            Type::text(&rule::SQL_NAME),
            "The table's name. The resource's own name by default.",
            &["\"transactions\"", "\"transactions_2\""],
        )
        .replaces(),
        Attribute::new(
            "columns",
            Type::list(const { &Type::object(COLUMN) }),
            "Its columns, in order.",
            &[
                "[{ name = \"id\", type = \"UUID\" }, { name = \"region\", type = \"STRING\" }]",
                "[{ name = \"id\", type = \"UUID\" }, { name = \"region\", type = \"STRING\" }, { name = \"note\", type = \"STRING\" }]",
            ],
        )
        .required(),
        Attribute::new(
            "primary_key",
            Type::list(const { &Type::text(&rule::SQL_NAME) }),
            "The columns of the primary key.",
            &["[\"id\"]", "[\"region\", \"id\"]"],
        )
        .required(),
        Attribute::new(
            "indexes",
            Type::set(const { &Type::object(INDEX) }),
            "Secondary indexes.",
            &["[{ columns = [\"region\"] }]", "[{ columns = [\"id\", \"region\"], unique = true }]"],
        ),
        Attribute::new(
            "locality",
            Type::choice(&["regional by table", "regional by row", "global"]),
            "Where its rows live.",
            &["\"regional by table\"", "\"global\""],
        )
        .default("\"regional by table\""),
        Attribute::new(
            "region_column",
            Type::text(&rule::SQL_NAME),
            "The column that says in which region a row lives, for `locality = \"regional by row\"`.",
            &["\"region\"", "\"id\""],
        )
        .beside(&["locality = \"regional by row\""]),
    ]),
    outputs: Static(&[]),
    claims: Static(&[]),
    usage: Static(&["rows"]),
    exact: Static(&["rows"]),
    check: Static(&check),
    loss: Static(&|usage| match counted(usage, "rows") {
        Count::Exactly(0) => Verdict::safe("the table is empty"),
        Count::Unknown => Verdict::lossy("how many rows the table holds could not be observed"),
        rows => Verdict::lossy(format!("the table holds {}", rows.words("row"))),
    }),
    update_loss: Static(&dropped_columns),
};

static COLUMN: &[Attribute] = &[
    Attribute::new("name", Type::text(&rule::SQL_NAME), "Its name.", &["\"id\"", "\"amount\""]).required(),
    Attribute::new("type", Type::text(&rule::SOME), "Its SQL type.", &["\"UUID\"", "\"DECIMAL(19,2)\""]).required(),
    Attribute::new("nullable", Type::Bool, "Whether it may be null.", &["false", "true"]).default("false"),
    Attribute::new(
        "default",
        Type::text(&rule::SOME),
        "Its default, as an SQL expression.",
        &["\"now()\"", "\"gen_random_uuid()\""],
    ),
];

static INDEX: &[Attribute] = &[
    Attribute::new(
        "columns",
        Type::list(const { &Type::text(&rule::SQL_NAME) }),
        "The indexed columns, in order.",
        &["[\"timestamp\"]", "[\"status\"]"],
    )
    .required(),
    Attribute::new("unique", Type::Bool, "Whether no two rows may share them.", &["false", "true"]).default("false"),
];

fn check(resource: &Resource<'_>, spec: &dyn View, findings: &mut Findings) {
    let attributes = resource.attributes;
    let mut columns: Vec<&str> = Vec::new();
    let mut known: HashSet<&str> = HashSet::default();
    for (index, column) in attributes.get("columns").items().iter().enumerate() {
        let Some(name) = column.at("name").and_then(Value::as_str) else { continue };
        if !known.insert(name) {
            findings.error(
                format!("columns.{index}.name"),
                &code::COLUMN_TWICE,
                format!("`{name}` is already a column of this table"),
                "remove one of them, or rename it",
            );
        }
        columns.push(name);
    }
    let mut expect = |attribute: &str, name: &Value| {
        let Some(name) = name.as_str().filter(|name| !known.contains(name)) else { return };
        findings.error_at(
            Location::Text { attribute: attribute.to_owned(), text: name.to_owned() },
            &code::UNKNOWN_COLUMN,
            format!("this table has no column `{name}`"),
            suggest(name, &columns[..columns.len().min(500)])
                .unwrap_or_else(|| format!("its columns are {}", listed(columns.iter().copied(), ", "))),
        );
    };
    attributes.get("primary_key").items().iter().for_each(|name| expect("primary_key", name));
    for index in attributes.get("indexes").items() {
        index.at("columns").map_or(&[][..], Value::items).iter().for_each(|name| expect("indexes", name));
    }
    expect("region_column", attributes.get("region_column"));
    check_locality(resource, spec, findings);
}

fn check_locality(resource: &Resource<'_>, spec: &dyn View, findings: &mut Findings) {
    let text = |name| resource.attributes.get(name).as_str();
    let locality = text("locality").unwrap_or_default();
    let Some(database) = resource.address.parent().and_then(|parent| spec.get(&parent)) else { return };
    if locality != "regional by table" && database.attributes.get("engine").as_str() == Some("postgresql") {
        findings.error(
            "locality",
            &code::UNKNOWN_LOCALITY,
            format!("PostgreSQL has no `{locality}` tables"),
            "remove `locality`, or use `engine = \"cockroachdb\"` for the database",
        );
    }
    if text("region_column").is_some() && locality != "regional by row" {
        findings.error(
            "region_column",
            &code::COLUMN_WITHOUT_LOCALITY,
            "`region_column` has no effect unless rows live by region",
            "set `locality = \"regional by row\"`, or remove `region_column`",
        );
    }
}

/// A column that goes, or that takes another type, takes what is in it along.
fn dropped_columns(before: &Attributes, after: &Attributes, usage: &Usage) -> Option<Verdict> {
    fn columns(attributes: &Attributes) -> impl Iterator<Item = (&str, Option<&Value>)> {
        let columns = attributes.get("columns").items().iter();
        columns.filter_map(|column| Some((column.at("name")?.as_str()?, column.at("type"))))
    }
    let kept: HashMap<&str, Option<&Value>> = columns(after).collect();
    let lost: Vec<&str> =
        columns(before).filter(|(name, ty)| kept.get(name) != Some(ty)).map(|(name, _)| name).collect();
    if lost.is_empty() {
        return None;
    }
    let which = lost.join(", ");
    Some(match counted(usage, "rows") {
        Count::Exactly(0) => Verdict::safe(format!("the table is empty, so nothing is in {which}")),
        Count::Unknown => Verdict::lossy(format!("how many rows would lose what is in {which} could not be observed")),
        rows => Verdict::lossy(format!("{} would lose what is in {which}", rows.words("row"))),
    })
}
