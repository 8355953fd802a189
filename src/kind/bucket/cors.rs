//! Rules by which pages of other sites may use a bucket, and what S3 refuses of them.
//!
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/ManageCorsUsing.html>.

use foldhash::HashSet;

use crate::diagnostic::code;
use crate::kind::attributes::TEXT;
use crate::kind::rule;
use crate::kind::schema::{Attribute, Type};
use crate::kind::view::Findings;
use crate::value::Value;

/// How many rules a bucket has at most.
const MOST: usize = 100;

/// The attributes of a rule.
pub static RULE: &[Attribute] = &[
    Attribute::new("id", Type::text(&rule::SOME), "The rule's name.", &["\"site\"", "\"tools\""]),
    Attribute::new(
        "origins",
        Type::set(&TEXT),
        "The sites whose pages may use the bucket, each with one `*` at most.",
        &["[\"https://example.com\"]", "[\"*\"]"],
    )
    .required(),
    Attribute::new(
        "methods",
        Type::set(const { &Type::choice(&["GET", "PUT", "POST", "DELETE", "HEAD"]) }),
        "What they may do.",
        &["[\"GET\"]", "[\"GET\", \"HEAD\"]"],
    )
    .required(),
    Attribute::new(
        "headers",
        Type::set(&TEXT),
        "The headers that they may send, each with one `*` at most.",
        &["[\"*\"]", "[\"authorization\"]"],
    ),
    Attribute::new("expose", Type::set(&TEXT), "The headers that they may read.", &["[\"ETag\"]", "[\"x-amz-*\"]"]),
    Attribute::new(
        "max_age",
        Type::Duration(0, 2_147_483_647),
        "How long a browser keeps the answer to what it asked beforehand.",
        &["\"50m\"", "\"1h\""],
    ),
];

/// Good rules, the last ones with all that a rule can say.
pub const EXAMPLES: &[&str] = &[
    "[{ origins = [\"https://example.com\"], methods = [\"GET\"] }]",
    "[{ id = \"tools\", origins = [\"https://*.example.com\", \"https://example.org\"], methods = [\"GET\", \"PUT\", \"HEAD\"], headers = [\"authorization\", \"x-*\"], expose = [\"ETag\"], max_age = \"50m\" }, \
     { origins = [\"*\"], methods = [\"HEAD\"] }]",
];

/// Finds what S3 would refuse in the rules of a bucket.
pub fn check(rules: &[Value], findings: &mut Findings) {
    let mut refuse = |path: String, detail: String, hint: &str| {
        findings.error(path, &code::REFUSED_BY_S3, detail, hint);
    };
    if rules.len() > MOST {
        refuse(
            "cors".to_owned(),
            format!("S3 takes {MOST} rules, and these are {}", rules.len()),
            "put what is alike into one rule",
        );
    }
    let mut names = HashSet::default();
    for (at, rule) in rules.iter().enumerate() {
        if rule.at("id").and_then(Value::as_str).is_some_and(|id| !names.insert(id)) {
            let detail = "another rule of this bucket has this name".to_owned();
            refuse(format!("cors.{at}.id"), detail, "give each rule a name of its own, or none");
        }
        for list in ["origins", "headers"] {
            let texts = rule.at(list).map(Value::items).unwrap_or_default().iter().filter_map(Value::as_str);
            for text in texts.filter(|text| text.matches('*').count() > 1) {
                let detail = format!("`{text}` has more than one `*`, and S3 takes one");
                refuse(format!("cors.{at}.{list}"), detail, "write one rule for each, or a shorter pattern");
            }
        }
    }
}
