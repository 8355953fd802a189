//! Replication rules: everything that S3 has a word for, and what it refuses.
//!
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-add-config.html>.

use foldhash::HashSet;

use super::lifecycle::says;
use crate::diagnostic::code;
use crate::kind::attributes::TEXT;
use crate::kind::rule;
use crate::kind::schema::{Attribute, Type};
use crate::kind::view::{Findings, Resource};
use crate::value::Value;

const TO: Attribute = Attribute::new(
    "to",
    Type::address(&["bucket"]),
    "The bucket that receives the copies, in any region.",
    &["\"bucket.replica@eu-central-1\"", "\"bucket.other@eu-central-1\""],
)
.required();

const ROLE: Attribute = Attribute::new(
    "role",
    Type::address(&["role"]),
    "The role that S3 takes on to copy. Without it a role with just the rights for that is made, \
     as `role.BUCKET-replication`.",
    &["\"role.replicate\"", "\"role.replicate-2\""],
);

const PREFIX: Attribute =
    Attribute::new("prefix", Type::text(&rule::SOME), "Which objects; all by default.", &["\"logs/\"", "\"tmp/\""]);

/// The short form: one rule.
pub static SHORT: &[Attribute] = &[TO, ROLE, PREFIX];

/// The long form: any number of rules, with all that S3 takes.
pub static LONG: &[Attribute] = &[
    ROLE,
    Attribute::new(
        "rules",
        Type::set(const { &Type::object(RULE) }),
        "The rules: all that the bucket has.",
        &["[{ id = \"all\", priority = 1, to = \"bucket.replica@eu-central-1\" }]"],
    )
    .required(),
];

static RULE: &[Attribute] = &[
    Attribute::new("id", Type::text(&rule::SOME), "The rule's name.", &["\"all\"", "\"logs\""]).required(),
    Attribute::new("enabled", Type::Bool, "Whether the rule does anything.", &["true", "false"]).default("true"),
    Attribute::new(
        "priority",
        Type::Int(0, 2_147_483_647),
        "Of two rules that match one object, that with the higher number counts.",
        &["1", "2"],
    )
    .default("0"),
    PREFIX,
    Attribute::new(
        "tags",
        Type::map(&TEXT),
        "Only objects with all of these tags.",
        &["{ copy = \"true\" }", "{ copy = \"yes\" }"],
    ),
    TO,
    Attribute::new(
        "storage_class",
        Type::choice(&[
            "standard",
            "standard-ia",
            "onezone-ia",
            "intelligent-tiering",
            "glacier-ir",
            "glacier",
            "deep-archive",
        ]),
        "The storage class of the copies; that of the object by default.",
        &["\"standard-ia\"", "\"glacier\""],
    ),
    Attribute::new("delete_markers", Type::Bool, "Copy also that an object was deleted.", &["true", "false"])
        .default("false"),
    Attribute::new("existing", Type::Bool, "Copy also what was there before the rule.", &["true", "false"])
        .default("false"),
    Attribute::new(
        "replica_changes",
        Type::Bool,
        "Copy also changes of the metadata of what is a copy itself.",
        &["true", "false"],
    )
    .default("false"),
    Attribute::new(
        "account",
        Type::text(&rule::SOME),
        "The account that the receiving bucket is in, where it is another one.",
        &["\"111122223333\"", "\"444455556666\""],
    ),
    Attribute::new("own_copies", Type::Bool, "The copies belong to `account`.", &["true", "false"]).default("false"),
    Attribute::new("encrypted", Type::Bool, "Copy also what is encrypted with KMS.", &["true", "false"])
        .default("false"),
    Attribute::new(
        "kms_key",
        Type::text(&rule::SOME),
        "The ARN of the KMS key for the copies of what is encrypted.",
        &["\"arn:aws:kms:eu-central-1:111122223333:alias/a\"", "\"arn:aws:kms:eu-central-1:111122223333:alias/b\""],
    ),
    Attribute::new("within_15_minutes", Type::Bool, "Pay for copies within 15 minutes.", &["true", "false"])
        .default("false"),
    Attribute::new("metrics", Type::Bool, "Measure how far the copies are behind.", &["true", "false"])
        .default("false"),
];

/// Finds what S3 would refuse in the replication of a bucket.
pub fn check(resource: &Resource<'_>, findings: &mut Findings) {
    let get = |path: &str| resource.attributes.at(path).filter(|value| !value.is_null());
    let Some(form) = ["replication", "replication_rules"].into_iter().find(|form| get(form).is_some()) else { return };
    if resource.attributes.get("versioning") != &Value::Bool(true) {
        findings.error(
            form,
            &code::REPLICATION_WITHOUT_VERSIONS,
            "S3 replicates versions only, and this bucket keeps none",
            "set `versioning = true` here and on the bucket that receives the copies",
        );
    }
    if get(&format!("{form}.role")).is_none() {
        findings.error(
            form,
            &code::REPLICATION_WITHOUT_ROLE,
            "a role with the right rights can be made only where the target is plain and no KMS key or other account is in use",
            "declare a role that S3 may take on, and name it: `role = \"role.NAME\"`",
        );
    }
    let rules = get("replication_rules.rules").map(Value::items).unwrap_or_default();
    let mut taken = Taken::default();
    for (at, rule) in rules.iter().enumerate() {
        check_rule(&format!("replication_rules.rules.{at}"), rule, &mut taken, findings);
    }
}

/// The names and the priorities of the rules before.
#[derive(Default)]
struct Taken<'a> {
    names: HashSet<&'a str>,
    priorities: HashSet<i64>,
}

fn check_rule<'a>(path: &str, rule: &'a Value, taken: &mut Taken<'a>, findings: &mut Findings) {
    let says = |name: &str| says(rule, name);
    let mut refuse = |name: &str, detail: &str, hint: &str| {
        findings.error(format!("{path}.{name}"), &code::REPLICATION_RULE, detail, hint);
    };
    if rule.at("id").and_then(Value::as_str).is_some_and(|id| !taken.names.insert(id)) {
        refuse("id", "another rule of this bucket has this name", "give each rule a name of its own");
    }
    if rule.at("priority").and_then(Value::as_int).is_some_and(|number| !taken.priorities.insert(number)) {
        let detail = "another rule of this bucket has this priority, so that S3 could not tell which of them counts";
        refuse("priority", detail, "give each rule a `priority` of its own");
    }
    if says("delete_markers") && says("tags") {
        let detail = "the mark of a deletion has no tags, so S3 refuses `delete_markers` beside them";
        refuse("delete_markers", detail, "remove it, or `tags`");
    }
    if says("own_copies") && !says("account") {
        refuse("own_copies", "S3 has to know whose the copies become", "say `account` as well");
    }
    if says("encrypted") != says("kms_key") {
        let (name, other) = if says("encrypted") { ("encrypted", "kms_key") } else { ("kms_key", "encrypted") };
        refuse(
            name,
            "S3 copies what is encrypted with KMS only under a key for the copies",
            &format!("say `{other}` as well"),
        );
    }
    if says("within_15_minutes") && !says("metrics") {
        refuse("within_15_minutes", "S3 keeps to that only where it measures", "set `metrics = true` as well");
    }
}
