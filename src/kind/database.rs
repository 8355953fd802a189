//! A database and its topology.

use super::count::Count;
use super::rule;
use super::schema::{Attribute, Host, Kind, Output, Places, Type};
use super::shared::{Shared::Static, Texts};
use super::verdict::{Verdict, counted};
use super::view::{Findings, Resource, View};
use crate::diagnostic::code;
use crate::value::Value;

/// A database over several regions.
pub static DATABASE: Kind = Kind {
    name: "database",
    summary: Static("A database, the regions that it spans and what it survives."),
    places: Places::One,
    host: Host::AnyServer,
    object: true,
    coexists: true,
    hosts_others: true,
    example: Texts::Static(&["regions = [\"us-east-1\", \"eu-central-1\", \"us-west-2\"]"]),
    attributes: Static(&[
        Attribute::new(
            "name",
            Type::text(&rule::SQL_NAME),
            "The database's name. The resource's own name by default.",
            &["\"ledger\"", "\"ledger_2\""],
        )
        .replaces(),
        Attribute::new(
            "engine",
            Type::choice(&["cockroachdb", "postgresql"]),
            "What runs it.",
            &["\"cockroachdb\"", "\"postgresql\""],
        )
        .beside(&["regions = [\"us-east-1\"]"])
        .default("\"cockroachdb\"")
        .replaces(),
        Attribute::new(
            "server",
            Type::address(&["app"]),
            "The app that serves it: the database answers as long as one of its places does.",
            &["\"app.cockroachdb\"", "\"app.cockroachdb-2\""],
        )
        .replaces(),
        Attribute::new(
            "regions",
            Type::set(const { &Type::Name("region") }),
            "The regions that hold its data.",
            &[
                "[\"us-east-1\", \"eu-central-1\", \"us-west-2\"]",
                "[\"us-east-1\", \"eu-central-1\", \"us-west-2\", \"eu-west-1\"]",
            ],
        )
        .required(),
        Attribute::new(
            "primary_region",
            Type::Name("region"),
            "The region that decides by default.",
            &["\"us-east-1\"", "\"eu-central-1\""],
        ),
        Attribute::new(
            "survive",
            Type::choice(&["zone", "region"]),
            "The largest failure that loses neither data nor service.",
            &["\"zone\"", "\"region\""],
        )
        .default("\"zone\""),
    ]),
    outputs: Static(&[Output { name: "url", doc: Static("Where it answers, without credentials."), formula: None }]),
    claims: Static(&[]),
    usage: Static(&["rows"]),
    exact: Static(&["rows"]),
    check: Static(&check),
    loss: Static(&|usage| match counted(usage, "rows") {
        Count::Exactly(0) => Verdict::safe("the database holds no rows"),
        Count::Unknown => Verdict::lossy("what the database holds could not be observed"),
        rows => Verdict::lossy(format!("the database holds {}", rows.words("row"))),
    }),
    update_loss: Static(&|_, _, _| None),
};

/// The rules of multi-region databases.
/// Source: <https://www.cockroachlabs.com/docs/stable/multiregion-survival-goals>.
fn check(resource: &Resource<'_>, _: &dyn View, findings: &mut Findings) {
    let attributes = resource.attributes;
    let text = |name| attributes.get(name).as_str();
    let regions: Vec<&str> = attributes.get("regions").items().iter().filter_map(Value::as_str).collect();
    if text("survive") == Some("region") && regions.len() < 3 {
        findings.error(
            "survive",
            &code::TOO_FEW_REGIONS,
            format!("`survive = \"region\"` needs three regions, and {} has {}", resource.address, regions.len()),
            "add a region to `regions` (it needs no application, only a database node), or use `survive = \"zone\"`",
        );
    }
    if let Some(primary) = text("primary_region")
        && !regions.contains(&primary)
    {
        findings.error(
            "primary_region",
            &code::PRIMARY_REGION,
            format!("`{primary}` is not in `regions`, which has {}", regions.join(", ")),
            "choose one of them, or add it to `regions`",
        );
    }
    if text("engine") == Some("postgresql") && regions.len() > 1 {
        findings.error(
            "engine",
            &code::ENGINE_WITHOUT_REGIONS,
            format!("PostgreSQL keeps a database in one place, and `regions` has {}", regions.len()),
            "use `engine = \"cockroachdb\"`, or one region",
        );
    }
}
