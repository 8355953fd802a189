//! Objects that can't be removed before their time.
//!
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html>.

use crate::diagnostic::code;
use crate::kind::schema::{Attribute, Type};
use crate::kind::view::{Findings, Resource};
use crate::value::{Attributes, Value};

/// How long new objects are locked.
pub static RETENTION: &[Attribute] = &[
    Attribute::new(
        "mode",
        Type::choice(&["governance", "compliance"]),
        "Whether somebody with the right for it can remove an object all the same. With \"compliance\" nobody can.",
        &["\"governance\"", "\"compliance\""],
    )
    .required(),
    Attribute::new("days", Type::Int(1, 36_500), "For so many days.", &["30", "365"]),
    Attribute::new("years", Type::Int(1, 100), "For so many years.", &["1", "7"]),
];

/// Finds what S3 would refuse.
pub fn check(resource: &Resource<'_>, findings: &mut Findings) {
    let lock = resource.attributes.get("object_lock");
    if lock.is_null() {
        return;
    }
    if resource.attributes.get("versioning") != &Value::Bool(true) {
        let detail = "S3 locks versions only, and this bucket keeps none";
        findings.error("object_lock", &code::REFUSED_BY_S3, detail, "set `versioning = true`");
    }
    let says = |name: &str| lock.at(name).is_some();
    if matches!(lock, Value::Map(_)) && says("days") == says("years") {
        let detail = "S3 takes days or years";
        findings.error("object_lock", &code::REFUSED_BY_S3, detail, "say one of `days` and `years`");
    }
}

/// What a change of the lock means for what is there.
pub fn of_update(before: &Attributes, after: &Attributes) -> Option<&'static str> {
    let (was, is) = (before.get("object_lock"), after.get("object_lock"));
    (matches!(was, Value::Map(_)) && was != is).then_some(
        "what is there stays locked as it was, but what is written from now on is locked as the spec says now",
    )
}
