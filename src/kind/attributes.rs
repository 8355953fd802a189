//! Attributes that several kinds have, and those that every kind takes.

use super::schema::{Attribute, Kind, Places, Type};
use super::view::{Findings, Resource};
use super::{reserved, rule};
use crate::diagnostic::code;
use crate::path::split;
use crate::value::Attributes;

/// What every kind takes besides its own attributes. They steer Atlas and are not sent to any driver.
pub static COMMON: &[Attribute] = &[
    Attribute::new(
        "depends_on",
        Type::set(const { &Type::address(&[]) }),
        "Resources that have to be in order before this one, besides those that it refers to.",
        &["[\"queue.transactions@us-east-1\"]", "[]"],
    ),
    Attribute::new(
        "protect",
        Type::Bool,
        "Never delete or replace the object, also when this block is removed. It is written on the object itself.",
        &["true", "false"],
    )
    .default("false"),
    Attribute::new(
        "ignore",
        Type::set(const { &Type::text(&rule::SOME) }),
        "Attributes that are left to others once the object exists.",
        &["[\"tags\"]", "[]"],
    ),
    Attribute::new("timeout", Type::Duration(1, 86_400), "How long one step may take.", &["\"10m\"", "\"30m\""])
        .default("\"10m\""),
    Attribute::new(
        "on_remove",
        Type::choice(&["delete", "forget"]),
        "What happens to the object when this block is removed.",
        &["\"delete\"", "\"forget\""],
    )
    .default("\"delete\""),
    Attribute::new(
        "renamed_from",
        Type::text(&rule::SOME),
        "The address that this resource had before. The object stays as it is, and keeps its name where the block says none.",
        &["\"bucket.former\"", "\"bucket.earlier\""],
    ),
];

/// A text that keeps no rule.
pub static TEXT: Type = Type::text(&rule::ANY);

/// What policies on buckets and queues name without AWS asking whether it is there. It does ask of principals.
pub const IN_POLICIES: &[&str] = &["bucket", "queue"];

/// Tags of the object, as AWS allows them: <https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html>.
pub const TAGS: Attribute = Attribute::new(
    "tags",
    Type::map(&TEXT),
    "Tags of the object, besides the ownership mark.",
    &["{ team = \"ledger\" }", "{ team = \"payments\" }"],
)
.reserved(reserved::TAGS);

/// Whether tags that others put on the object are removed.
pub const TAGS_EXCLUSIVE: Attribute = Attribute::new(
    "tags_exclusive",
    Type::Bool,
    "Remove tags that the spec does not have. Otherwise those that others add are left alone.",
    &["true", "false"],
)
.default("false");

/// The key of an object that is encrypted with KMS.
pub const KMS_KEY: Attribute = Attribute::new(
    "kms_key",
    Type::text(&rule::SOME),
    "The KMS key for `encryption = \"kms\"`.",
    &["\"alias/audit\"", "\"alias/ledger\""],
)
.beside(&["encryption = \"kms\""]);

/// The container engine that something is on.
pub const ENGINE: Attribute = Attribute::new(
    "engine",
    Type::text(&rule::SOME),
    "The container engine that it is on: a Docker context, or an address such as `tcp://10.0.0.7:2376`. The one that Docker's \
     own tools would use by default.",
    &["\"build\"", "\"tcp://10.0.0.7:2376\""],
)
.replaces();

/// Labels of an object on a container engine.
pub const LABELS: Attribute = Attribute::new(
    "labels",
    Type::map(&TEXT),
    "Labels, besides the ownership mark.",
    &["{ team = \"ledger\" }", "{ team = \"payments\" }"],
)
.reserved(reserved::LABELS);

/// Whether a change leaves the KMS key with which what is there is encrypted.
pub fn leaves_kms_key(before: &Attributes, after: &Attributes) -> bool {
    let differs = ["encryption", "kms_key"].iter().any(|name| before.get(name) != after.get(name));
    differs && with_kms(before)
}

fn with_kms(attributes: &Attributes) -> bool {
    attributes.get("encryption").as_str().is_some_and(|word| word.starts_with("kms"))
}

/// A key has no effect on an object that is encrypted otherwise.
pub fn check_kms_key(resource: &Resource<'_>, findings: &mut Findings) {
    let attributes = resource.attributes;
    if !attributes.get("kms_key").is_null() && !with_kms(attributes) {
        findings.error(
            "kms_key",
            &code::KEY_WITHOUT_ENCRYPTION,
            "`kms_key` has no effect while `encryption` is not \"kms\"",
            "set `encryption = \"kms\"`, or remove `kms_key`",
        );
    }
}

/// The `regions` of a kind that stands in several.
pub static REGIONS: Attribute = Attribute::new(
    "regions",
    Type::set(const { &Type::Name("region") }),
    "The regions that it stands in: one object in each.",
    &["[\"us-east-1\", \"eu-central-1\"]", "[\"us-east-1\"]"],
)
.required();

/// The `clusters` of a kind that stands on several.
pub static CLUSTERS: Attribute = Attribute::new(
    "clusters",
    Type::set(const { &Type::Name("cluster") }),
    "The clusters that it stands on: one object on each. `{ labels = { tier = \"edge\" } }` chooses those that have these `labels`.",
    &["[\"dc-us\", \"dc-eu\"]", "[\"dc-us\"]"],
)
.required();

/// The attribute that says where resources of a kind stand, if there is one.
#[must_use]
pub fn place_attribute(kind: &Kind) -> Option<&'static Attribute> {
    match kind.places {
        Places::Regions => Some(&REGIONS),
        Places::Clusters => Some(&CLUSTERS),
        Places::One | Places::Inside(_) | Places::Rendered => None,
    }
}

/// Everything that a block of this kind may say, in the order in which people read it.
pub fn attributes_of(kind: &Kind) -> impl Iterator<Item = &Attribute> {
    place_attribute(kind).into_iter().chain(&*kind.attributes).chain(COMMON)
}

/// A part of a path that leads nowhere.
pub struct UnknownPart<'p> {
    /// The part.
    pub part: &'p str,
    /// The path that it stands behind; empty at the first part.
    pub within: &'p str,
    /// What could have stood there.
    pub known: Vec<&'static str>,
}

/// The type of what is at the end of a path into a kind's attributes, such as `dead_letter.queue`.
///
/// # Errors
/// The first part that leads nowhere.
pub fn attribute_at<'k, 'p>(kind: &'k Kind, path: &'p str) -> Result<&'k Type, UnknownPart<'p>> {
    let names = |attributes: &[Attribute]| attributes.iter().map(|one| one.name).collect();
    let parts = split(path);
    let mut attributes: Option<&[Attribute]> = Some(&kind.attributes);
    let mut ty = &TEXT;
    let mut before = 0;
    for part in parts {
        let unknown = |known| UnknownPart { part, within: path[..before].trim_end_matches('.'), known };
        ty = match (attributes, ty) {
            (Some(attributes), _) => match attributes.iter().find(|one| one.name == part) {
                Some(attribute) => &attribute.ty,
                None => return Err(unknown(names(attributes))),
            },
            (None, Type::Map(item)) => item,
            (None, Type::List(item) | Type::Set(item)) if part.parse::<usize>().is_ok() => item,
            (None, Type::Any) => ty,
            _ => return Err(unknown(Vec::new())),
        };
        attributes = match ty {
            Type::Object(inner) | Type::WordOrObject(_, inner) => Some(inner),
            _ => None,
        };
        // `path` is where the parts stand in, so their ends tell how much of it was followed.
        before = (part.as_ptr() as usize - path.as_ptr() as usize + part.len()).min(path.len());
    }
    Ok(ty)
}
