//! Inventories: lists of what a bucket holds, which S3 writes to another bucket, and what it refuses of them.
//!
//! Sources: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketInventoryConfiguration.html> and
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_InventoryS3BucketDestination.html>.

use super::configurations;
use crate::address::Address;
use crate::diagnostic::code;
use crate::kind::rule;
use crate::kind::schema::{Attribute, Type};
use crate::kind::view::{Findings, Resource, View};
use crate::value::Value;

/// The attributes of an inventory.
pub static INVENTORY: &[Attribute] = &[
    configurations::ID,
    configurations::ENABLED,
    Attribute::new(
        "to",
        Type::address(&["bucket"]),
        "The bucket that receives the lists, in the same region. Its policy has to let S3 write there.",
        &["\"bucket.access\"", "\"arn:aws:s3:::us-east-1-reports\""],
    )
    .required(),
    Attribute::new(
        "account",
        Type::text(&rule::SOME),
        "The account that has that bucket.",
        &["\"111122223333\"", "\"444455556666\""],
    ),
    Attribute::new(
        "to_prefix",
        Type::text(&rule::SOME),
        "What the lists' names begin with.",
        &["\"inventory/\"", "\"lists/\""],
    ),
    Attribute::new(
        "format",
        Type::choice(&["csv", "orc", "parquet"]),
        "How the lists are written.",
        &["\"csv\"", "\"parquet\""],
    )
    .default("\"csv\""),
    Attribute::new(
        "schedule",
        Type::choice(&["daily", "weekly"]),
        "How often a list is written.",
        &["\"daily\"", "\"weekly\""],
    )
    .default("\"daily\""),
    Attribute::new(
        "versions",
        Type::choice(&["current", "all"]),
        "Which versions of an object are listed.",
        &["\"current\"", "\"all\""],
    )
    .default("\"current\""),
    Attribute::new("prefix", Type::text(&rule::SOME), "Which objects; all by default.", &["\"logs/\"", "\"tmp/\""]),
    Attribute::new(
        "fields",
        Type::set(const { &Type::choice(FIELDS) }),
        "What is told of an object besides its bucket, its name and its version.",
        &["[\"size\", \"last-modified-date\"]", "[\"storage-class\"]"],
    ),
    Attribute::new(
        "encryption",
        Type::choice(&["aes256", "kms"]),
        "How the lists are encrypted; as the receiving bucket says by default.",
        &["\"aes256\""],
    ),
    Attribute::new(
        "kms_key",
        Type::text(&rule::SOME),
        "The ARN of the KMS key for `encryption = \"kms\"`.",
        &["\"arn:aws:kms:us-east-1:111122223333:key/a\"", "\"arn:aws:kms:us-east-1:111122223333:key/b\""],
    ),
];

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_InventoryConfiguration.html>, in the words of Atlas.
const FIELDS: &[&str] = &[
    "bucket-key-status",
    "checksum-algorithm",
    "e-tag",
    "encryption-status",
    "intelligent-tiering-access-tier",
    "intelligent-tiering-reference-date",
    "is-multipart-uploaded",
    "last-modified-date",
    "lifecycle-expiration-date",
    "object-access-control-list",
    "object-lock-event-hold-duration",
    "object-lock-event-hold-status",
    "object-lock-legal-hold-status",
    "object-lock-mode",
    "object-lock-retain-until-date",
    "object-owner",
    "replication-status",
    "size",
    "storage-class",
];

/// Good inventories, the last ones with all that one can say.
pub const EXAMPLES: &[&str] = &[
    "[{ id = \"all\", to = \"bucket.access\" }]",
    "[{ id = \"all\", enabled = false, to = \"bucket.access\", account = \"111122223333\", to_prefix = \"inventory/\", format = \"parquet\", schedule = \"weekly\", versions = \"all\", prefix = \"logs/\", fields = [\"size\", \"storage-class\"], encryption = \"kms\", kms_key = \"arn:aws:kms:us-east-1:111122223333:key/a\" }, \
     { id = \"small\", to = \"bucket.access\", format = \"orc\", encryption = \"aes256\" }]",
];

/// Finds what S3 would refuse.
pub fn check(resource: &Resource<'_>, spec: &dyn View, findings: &mut Findings) {
    let all = resource.attributes.get("inventory").items();
    configurations::check("inventory", all, findings);
    for (at, one) in all.iter().enumerate() {
        let path = |name: &str| format!("inventory.{at}.{name}");
        let to = one.at("to").and_then(Value::as_str).and_then(|to| Address::parse(to).ok());
        if let Some(bucket) = to.and_then(|address| spec.get(&address)).filter(|to| to.place() != resource.place()) {
            let detail = format!("{} is not in {}", bucket.address, resource.place().unwrap_or_default());
            let hint = "S3 writes inventories within one region only: name a bucket of the same region";
            findings.error(path("to"), &code::REFUSED_BY_S3, detail, hint);
        }
        let kms = one.at("encryption").and_then(Value::as_str) == Some("kms");
        let key = one.at("kms_key").is_some_and(|key| !key.is_null());
        if kms != key {
            let (name, detail, hint) = if kms {
                ("encryption", "S3 has to know the key for lists that KMS encrypts", "say `kms_key` as well")
            } else {
                (
                    "kms_key",
                    "a key has no effect on lists that KMS does not encrypt",
                    "say `encryption = \"kms\"` as well",
                )
            };
            findings.error(path(name), &code::REFUSED_BY_S3, detail, hint);
        }
    }
}
