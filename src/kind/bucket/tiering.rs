//! Which objects of the storage class `intelligent-tiering` are archived when nobody reads them, and what S3 refuses of that.
//!
//! Sources: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_Tiering.html> and
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketIntelligentTieringConfiguration.html>.

use super::configurations;
use crate::diagnostic::code;
use crate::kind::attributes::TEXT;
use crate::kind::schema::{Attribute, Type};
use crate::kind::view::Findings;
use crate::kind::{duration, rule};
use crate::value::Value;

const DAY: u64 = 86_400;

/// The attributes of a configuration. S3 takes 90 days at least for the archive, 180 for the deep one, and 730 at most.
pub static TIERING: &[Attribute] = &[
    configurations::ID,
    configurations::ENABLED,
    Attribute::new("prefix", Type::text(&rule::SOME), "Which objects; all by default.", &["\"logs/\"", "\"tmp/\""]),
    Attribute::new(
        "tags",
        Type::map(&TEXT),
        "Only objects with all of these tags.",
        &["{ archive = \"true\" }", "{ archive = \"yes\" }"],
    ),
    Attribute::new(
        "archive_after",
        Type::Duration(90 * DAY, 730 * DAY),
        "Archive what nobody read for so long. It is back within hours.",
        &["\"90d\"", "\"120d\""],
    ),
    Attribute::new(
        "deep_archive_after",
        Type::Duration(180 * DAY, 730 * DAY),
        "Archive deeply what nobody read for so long. It is back within 12 hours.",
        &["\"180d\"", "\"365d\""],
    ),
];

/// Good configurations, the last ones with all that one can say.
pub const EXAMPLES: &[&str] = &[
    "[{ id = \"all\", archive_after = \"90d\" }]",
    "[{ id = \"all\", enabled = false, prefix = \"logs/\", tags = { archive = \"true\", team = \"ledger\" }, archive_after = \"120d\", deep_archive_after = \"365d\" }, \
     { id = \"small\", tags = { archive = \"true\" }, deep_archive_after = \"180d\" }]",
];

/// Finds what S3 would refuse.
pub fn check(all: &[Value], findings: &mut Findings) {
    configurations::check("intelligent_tiering", all, findings);
    let tiers = ["archive_after", "deep_archive_after"];
    for (at, one) in all.iter().enumerate() {
        let path = format!("intelligent_tiering.{at}");
        let said = |name: &str| one.at(name).and_then(Value::as_str).and_then(|text| duration::parse(text).ok());
        if tiers.iter().all(|name| said(name).is_none()) {
            let detail = "it archives nothing, which S3 refuses";
            findings.error(&path, &code::REFUSED_BY_S3, detail, "say `archive_after` or `deep_archive_after`");
        }
        for name in tiers.iter().filter(|name| said(name).is_some_and(|seconds| !seconds.is_multiple_of(DAY))) {
            let detail = "S3 counts in whole days";
            let hint = "write whole days, such as \"180d\"";
            findings.error(format!("{path}.{name}"), &code::PART_OF_A_DAY, detail, hint);
        }
    }
}
