//! An S3 bucket.

use super::schema::{Attribute, Host, Kind, Output, Places, Type, Usage, Verdict};
use super::{KMS_KEY, TAGS, check_kms_key, rule};

/// An S3 bucket.
pub static BUCKET: Kind = Kind {
    name: "bucket",
    summary: "An object store bucket, closed and encrypted unless the spec says otherwise.",
    places: Places::Regions,
    host: Host::Region,
    object: true,
    coexists: true,
    example: &["name = \"${region}-logs\""],
    attributes: &[
        Attribute::new(
            "name",
            Type::Text(&rule::BUCKET),
            "The bucket's name, unique in all of S3. The resource's own name by default.",
            &["\"us-east-1-audit-logs\"", "\"us-east-1-audit-trail\""],
        )
        .replaces(),
        Attribute::new("versioning", Type::Bool, "Keep every version of every object.", &["true", "false"])
            .default("false"),
        Attribute::new(
            "encryption",
            Type::Choice(&["aes256", "kms"]),
            "How objects are encrypted at rest. S3 encrypts every object since 2023.",
            &["\"aes256\"", "\"kms\""],
        )
        .default("\"aes256\""),
        KMS_KEY,
        Attribute::new(
            "public_access",
            Type::Choice(&["blocked", "allowed"]),
            "Whether the four public access blocks are on.",
            &["\"blocked\"", "\"allowed\""],
        )
        .default("\"blocked\""),
        Attribute::new(
            "object_ownership",
            Type::Choice(&["bucket-owner-enforced", "bucket-owner-preferred", "object-writer"]),
            "Who owns what others write.",
            &["\"bucket-owner-enforced\"", "\"object-writer\""],
        )
        .default("\"bucket-owner-enforced\""),
        Attribute::new(
            "secure_transport",
            Type::Bool,
            "Refuse requests that don't come over TLS, with a bucket policy.",
            &["true", "false"],
        )
        .default("false"),
        Attribute::new(
            "lifecycle",
            Type::List(&Type::Object(LIFECYCLE)),
            "Rules that expire objects.",
            &["[{ id = \"old\", expire_after = \"365d\" }]", "[{ id = \"old\", expire_after = \"30d\" }]"],
        ),
        TAGS,
    ],
    outputs: &[Output {
        name: "arn",
        doc: "The bucket's ARN.",
        formula: Some(|facts| Some(format!("arn:aws:s3:::{}", facts.attributes.get("name").as_str()?))),
    }],
    usage: &["objects", "bytes"],
    check: |instance, _, findings| check_kms_key(instance, findings),
    loss: bucket_loss,
    update_loss: |_, _, _| None,
};

static LIFECYCLE: &[Attribute] = &[
    Attribute::new("id", Type::Text(&rule::SOME), "The rule's name.", &["\"old\"", "\"tmp\""]).required(),
    Attribute::new("prefix", Type::Text(&rule::ANY), "Which objects; all by default.", &["\"logs/\"", "\"tmp/\""]),
    Attribute::new(
        "expire_after",
        Type::Duration(86_400, 36_500 * 86_400),
        "Remove objects of this age.",
        &["\"365d\"", "\"30d\""],
    ),
    Attribute::new(
        "expire_noncurrent_after",
        Type::Duration(86_400, 36_500 * 86_400),
        "Remove old versions of this age.",
        &["\"90d\"", "\"30d\""],
    ),
    Attribute::new(
        "abort_uploads_after",
        Type::Duration(86_400, 36_500 * 86_400),
        "Remove the parts of uploads that were never finished.",
        &["\"7d\"", "\"1d\""],
    ),
];

fn bucket_loss(usage: &Usage) -> Verdict {
    match (usage.get("objects").copied(), usage.get("bytes").copied().unwrap_or_default()) {
        (Some(0), _) => Verdict::safe("the bucket is empty"),
        (Some(objects), bytes) => Verdict::lossy(format!("the bucket holds objects: {objects}, bytes: {bytes}")),
        (None, _) => Verdict::lossy("what the bucket holds could not be observed"),
    }
}
