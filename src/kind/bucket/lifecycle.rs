//! Lifecycle rules: everything that S3 has a word for, and what it refuses.
//!
//! Sources: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html> and
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-transition-general-considerations.html>.

use foldhash::HashSet;

use crate::diagnostic::code;
use crate::kind::attributes::TEXT;
use crate::kind::schema::{Attribute, Type};
use crate::kind::view::Findings;
use crate::kind::{duration, rule};
use crate::value::{Attributes, Value};

const DAY: u64 = 86_400;

/// How many rules a bucket has at most: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/how-to-set-lifecycle-configuration-intro.html>.
const MOST: usize = 1_000;

/// The largest object that S3 takes, 50 TB, in bytes: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html>.
const LARGEST: i64 = 50 << 40;

const DAYS: Type = Type::Duration(DAY, 36_500 * DAY);

/// The attributes of a rule.
pub static RULE: &[Attribute] = &[
    Attribute::new("id", Type::text(&rule::SOME), "The rule's name.", &["\"old\"", "\"tmp\""]).required(),
    Attribute::new("enabled", Type::Bool, "Whether the rule does anything.", &["true", "false"]).default("true"),
    Attribute::new("prefix", Type::text(&rule::ANY), "Which objects; all by default.", &["\"logs/\"", "\"tmp/\""]),
    Attribute::new(
        "tags",
        Type::map(&TEXT),
        "Only objects with all of these tags.",
        &["{ temp = \"true\" }", "{ temp = \"yes\" }"],
    ),
    Attribute::new("larger_than", Type::Int(0, LARGEST), "Only objects of more bytes.", &["131072", "1048576"]),
    Attribute::new("smaller_than", Type::Int(1, LARGEST), "Only objects of fewer bytes.", &["131072", "1048576"]),
    Attribute::new("expire_after", DAYS, "Remove objects of this age.", &["\"365d\"", "\"30d\""]),
    Attribute::new("expire_on", DATE, "Remove objects from this day on.", &["\"2040-01-01\"", "\"2041-01-01\""]),
    Attribute::new(
        "remove_markers",
        Type::Bool,
        "Remove the mark that an object was deleted, once it has no old version any more.",
        &["true", "false"],
    )
    .default("false"),
    Attribute::new("expire_noncurrent_after", DAYS, "Remove old versions of this age.", &["\"90d\"", "\"30d\""]),
    Attribute::new(
        "keep_noncurrent",
        KEPT,
        "How many old versions `expire_noncurrent_after` leaves, whatever their age.",
        &["3", "5"],
    ),
    Attribute::new(
        "abort_uploads_after",
        DAYS,
        "Remove the parts of uploads that were never finished.",
        &["\"7d\"", "\"1d\""],
    ),
    Attribute::new(
        "transitions",
        Type::set(&TRANSITION),
        "Move objects to cheaper storage as they age.",
        &["[{ after = \"30d\", to = \"standard-ia\" }]", "[{ after = \"90d\", to = \"glacier\" }]"],
    ),
    Attribute::new(
        "noncurrent_transitions",
        Type::set(&NONCURRENT_TRANSITION),
        "Move old versions to cheaper storage as they age.",
        &["[{ after = \"30d\", to = \"standard-ia\" }]", "[{ after = \"90d\", to = \"glacier\", keep = 2 }]"],
    ),
];

const DATE: Type = Type::text(&rule::DATE);
/// How many old versions S3 can be told to leave.
const KEPT: Type = Type::Int(1, 100);
const AGE: Type = Type::Duration(0, 36_500 * DAY);

const TO: Attribute = Attribute::new(
    "to",
    Type::choice(&["standard-ia", "onezone-ia", "intelligent-tiering", "glacier-ir", "glacier", "deep-archive"]),
    "The storage class.",
    &["\"standard-ia\"", "\"glacier\""],
)
.required();

static TRANSITION: Type = Type::object(
    const {
        &[
            Attribute::new("after", AGE, "At this age, in whole days.", &["\"30d\"", "\"90d\""]),
            Attribute::new("on", DATE, "On this day.", &["\"2040-01-01\"", "\"2041-01-01\""]),
            TO,
        ]
    },
);

static NONCURRENT_TRANSITION: Type = Type::object(
    const {
        &[
            Attribute::new("after", AGE, "This long after they became old, in whole days.", &["\"30d\"", "\"90d\""])
                .required(),
            TO,
            Attribute::new("keep", KEPT, "How many old versions stay where they are.", &["2", "5"]),
        ]
    },
);

/// The attributes by which a rule does something.
const ACTIONS: [&str; 7] = [
    "expire_after",
    "expire_on",
    "remove_markers",
    "expire_noncurrent_after",
    "abort_uploads_after",
    "transitions",
    "noncurrent_transitions",
];

/// Finds what S3 would refuse in the rules of a bucket.
pub fn check(attributes: &Attributes, findings: &mut Findings) {
    let rules = attributes.get("lifecycle").items();
    if rules.is_empty() && !attributes.get("transition_minimum").is_null() {
        let detail = "S3 keeps it with the rules of `lifecycle`, and there are none";
        findings.error("transition_minimum", &code::LIFECYCLE_RULE, detail, "say `lifecycle` as well, or remove it");
    }
    if rules.len() > MOST {
        let detail = format!("S3 takes {MOST} rules, and these are {}", rules.len());
        findings.error("lifecycle", &code::LIFECYCLE_RULE, detail, "put what is alike into one rule");
    }
    let mut names = HashSet::default();
    for (at, rule) in rules.iter().enumerate() {
        let path = format!("lifecycle.{at}");
        check_id(&path, rule, &mut names, findings);
        check_days(&path, rule, findings);
        check_pairs(&path, rule, findings);
        check_transitions(&path, rule, findings);
        if !ACTIONS.iter().any(|name| says(rule, name)) {
            findings.error(
                path,
                &code::IDLE_RULE,
                "S3 refuses a rule without any action",
                "say `expire_after`, `expire_noncurrent_after`, `abort_uploads_after` or `transitions`",
            );
        }
    }
}

/// What a rule says in days, by the path within it.
pub fn days(value: Option<&Value>) -> Option<u64> {
    duration::parse(value?.as_str()?).ok().map(|seconds| seconds / DAY)
}

/// Whether a rule says something; a flag that is off says nothing.
pub fn says(rule: &Value, name: &str) -> bool {
    rule.at(name).is_some_and(|value| !value.is_null() && value != &Value::Bool(false))
}

fn check_id<'a>(path: &str, rule: &'a Value, names: &mut HashSet<&'a str>, findings: &mut Findings) {
    if let Some(id) = rule.at("id").and_then(Value::as_str).filter(|id| !names.insert(id)) {
        findings.error(
            format!("{path}.id"),
            &code::RULE_TWICE,
            format!("another rule of this bucket is named `{id}`"),
            "give each rule a name of its own",
        );
    }
}

fn check_days(path: &str, rule: &Value, findings: &mut Findings) {
    let own = ["expire_after", "expire_noncurrent_after", "abort_uploads_after"].map(str::to_owned);
    let moves = ["transitions", "noncurrent_transitions"].into_iter().flat_map(|list| {
        (0..rule.at(list).map_or(0, |moves| moves.items().len())).map(move |at| format!("{list}.{at}.after"))
    });
    for inner in own.into_iter().chain(moves) {
        let seconds = rule.at(&inner).and_then(Value::as_str).and_then(|text| duration::parse(text).ok());
        if seconds.is_some_and(|seconds| !seconds.is_multiple_of(DAY)) {
            findings.error(
                format!("{path}.{inner}"),
                &code::PART_OF_A_DAY,
                "S3 counts the age of objects in whole days",
                "write whole days, such as \"30d\"",
            );
        }
    }
}

/// What can't stand beside what, or not without it.
fn check_pairs(path: &str, rule: &Value, findings: &mut Findings) {
    let mut refuse = |name: &str, detail: &str, hint: &str| {
        findings.error(format!("{path}.{name}"), &code::LIFECYCLE_RULE, detail, hint);
    };
    let both = |a, b| says(rule, a) && says(rule, b);
    if both("expire_after", "expire_on") {
        refuse("expire_on", "objects expire at an age or on a day, not both", "remove one of the two");
    }
    if says(rule, "remove_markers") && (says(rule, "expire_after") || says(rule, "expire_on")) {
        let detail = "S3 takes `remove_markers` only in a rule in which objects do not expire themselves";
        refuse("remove_markers", detail, "make a second rule of it");
    }
    if says(rule, "remove_markers") && says(rule, "tags") {
        let detail = "the mark of a deletion has no tags, so S3 refuses `remove_markers` beside them";
        refuse("remove_markers", detail, "make a second rule of it, without `tags`");
    }
    let filter = ["tags", "larger_than", "smaller_than"].into_iter().find(|name| says(rule, name));
    if let Some(filter) = filter.filter(|_| says(rule, "abort_uploads_after")) {
        let detail =
            format!("an upload that was not finished has neither tags nor a size, so S3 refuses `{filter}` here");
        refuse("abort_uploads_after", &detail, "make a second rule of it, with a prefix only");
    }
    if says(rule, "keep_noncurrent") && !says(rule, "expire_noncurrent_after") {
        let detail = "`keep_noncurrent` limits `expire_noncurrent_after`, which is not said";
        refuse("keep_noncurrent", detail, "say `expire_noncurrent_after` as well");
    }
    let number = |name: &str| rule.at(name).and_then(Value::as_int);
    if number("larger_than").zip(number("smaller_than")).is_some_and(|(above, below)| above >= below) {
        refuse("smaller_than", "no object is smaller than this and larger than `larger_than`", "raise it");
    }
}

/// Objects move before they expire, and stay for 30 days before they move to infrequent access.
fn check_transitions(path: &str, rule: &Value, findings: &mut Findings) {
    for (list, expires) in [
        ("transitions", days(rule.at("expire_after"))),
        ("noncurrent_transitions", days(rule.at("expire_noncurrent_after"))),
    ] {
        for (at, one) in rule.at(list).map(Value::items).unwrap_or_default().iter().enumerate() {
            let mut refuse = |name: &str, detail: String, hint: &str| {
                findings.error(format!("{path}.{list}.{at}.{name}"), &code::LIFECYCLE_RULE, detail, hint);
            };
            let (after, to) = (days(one.at("after")), one.at("to").and_then(Value::as_str).unwrap_or_default());
            if says(one, "after") == says(one, "on") {
                let name = if says(one, "on") { "on" } else { "to" };
                refuse(name, "objects move at an age or on a day".to_owned(), "say one of `after` and `on`");
            }
            let Some(after) = after else { continue };
            if to.ends_with("-ia") && after < 30 {
                refuse(
                    "after",
                    format!("S3 moves nothing to `{to}` before it is 30 days old"),
                    "write \"30d\" or more",
                );
            }
            if expires.is_some_and(|expires| expires <= after) {
                refuse("after", "they expire before that".to_owned(), "let them move earlier, or expire later");
            }
        }
    }
}
