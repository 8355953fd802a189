//! Access logs, and what S3 refuses of them.
//!
//! Sources: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_LoggingEnabled.html> and
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerLogs.html>.

use super::acl;
use crate::address::Address;
use crate::diagnostic::code;
use crate::kind::rule;
use crate::kind::schema::{Attribute, Type};
use crate::kind::view::{Findings, Resource, View};
use crate::value::Value;

/// The attributes of an access log.
pub static LOGGING: &[Attribute] = &[
    Attribute::new(
        "to",
        Type::address(&["bucket"]),
        "The bucket that receives the logs, in the same region.",
        &["\"bucket.access\"", "\"bucket.access-2\""],
    )
    .required(),
    Attribute::new("prefix", Type::text(&rule::ANY), "What the logs' names begin with.", &["\"a/\"", "\"b/\""])
        .default("\"\""),
    Attribute::new(
        "partitioned_by",
        Type::choice(&["event-time", "delivery-time"]),
        "The logs' names have account, region, bucket and day in them as well: the day of what happened, or of the log.",
        &["\"event-time\"", "\"delivery-time\""],
    ),
    Attribute::new(
        "grants",
        Type::set(const { &Type::object(acl::GRANT) }),
        "Who else has which right on the logs. It counts only where the receiving bucket's owner does not own everything.",
        &["[{ group = \"authenticated-users\", right = \"read\" }]", "[{ account = \"a1b2\", right = \"read\" }]"],
    ),
];

/// Good access logs, the last one with all that can be said.
pub const EXAMPLES: &[&str] = &[
    "{ to = \"bucket.access\", prefix = \"a/\" }",
    "{ to = \"bucket.access\", prefix = \"b/\", partitioned_by = \"event-time\", grants = [{ group = \"log-delivery\", right = \"full-control\" }] }",
];

/// Finds what S3 would refuse.
pub fn check(resource: &Resource<'_>, spec: &dyn View, findings: &mut Findings) {
    let said = resource.attributes.get("logging");
    let to = said.at("to").and_then(Value::as_str).and_then(|to| Address::parse(to).ok());
    if let Some(target) = to.and_then(|to| spec.get(&to)).filter(|target| target.place() != resource.place()) {
        findings.error(
            "logging.to",
            &code::LOG_IN_ANOTHER_REGION,
            format!("{} is not in {}", target.address, resource.place().unwrap_or_default()),
            "S3 writes access logs within one region only: name a bucket of the same region",
        );
    }
    let grants = said.at("grants").map(Value::items).unwrap_or_default();
    acl::check_grants("logging.grants", grants, findings);
    for (at, grant) in grants.iter().enumerate() {
        let right = grant.at("right").and_then(Value::as_str).unwrap_or_default();
        if right.ends_with("-acl") {
            let detail = "S3 gives the rights `read`, `write` and `full-control` on logs";
            findings.error(format!("logging.grants.{at}.right"), &code::REFUSED_BY_S3, detail, "choose one of them");
        }
    }
}
