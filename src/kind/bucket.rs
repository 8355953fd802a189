//! An S3 bucket.

use super::attributes::{KMS_KEY, TAGS, TAGS_EXCLUSIVE, check_kms_key};
use super::claim::{Exclusive, Reads, Within};
use super::count::Count;
use super::schema::{Attribute, Host, Kind, Output, Places, Type};
use super::shared::{Shared::Static, Texts};
use super::verdict::{Usage, Verdict, counted};
use super::view::{Findings, Resource, View};
use super::{amount, duration, iam, rule};
use crate::address::Address;
use crate::diagnostic::code;
use crate::value::Value;

/// An S3 bucket.
pub static BUCKET: Kind = Kind {
    name: "bucket",
    summary: Static("An object store bucket, closed and encrypted unless the spec says otherwise."),
    places: Places::Regions,
    host: Host::Region,
    object: true,
    coexists: true,
    hosts_others: false,
    example: Texts::Static(&["name = \"${region}-logs\""]),
    attributes: Static(&[
        Attribute::new(
            "name",
            Type::text(&rule::BUCKET),
            "The bucket's name, unique in all of S3. The resource's own name by default.",
            &["\"us-east-1-audit-logs\"", "\"us-east-1-audit-trail\""],
        )
        .replaces(),
        Attribute::new("versioning", Type::Bool, "Keep every version of every object.", &["true", "false"])
            .default("false"),
        Attribute::new(
            "encryption",
            Type::choice(&["aes256", "kms"]),
            "How objects are encrypted at rest. S3 encrypts every object since 2023.",
            &["\"aes256\"", "\"kms\""],
        )
        .default("\"aes256\""),
        KMS_KEY,
        Attribute::new(
            "public_access",
            Type::choice(&["blocked", "allowed"]),
            "Whether the four public access blocks are on.",
            &["\"blocked\"", "\"allowed\""],
        )
        .default("\"blocked\""),
        Attribute::new(
            "object_ownership",
            Type::choice(&["bucket-owner-enforced", "bucket-owner-preferred", "object-writer"]),
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
            "policy",
            Type::json(&iam::RESOURCE_POLICY),
            "The bucket's policy, as IAM writes it, besides what `secure_transport` adds.",
            POLICY_EXAMPLES,
        ),
        Attribute::new(
            "lifecycle",
            Type::list(const { &Type::object(LIFECYCLE) }),
            "Rules that expire objects or move them to cheaper storage.",
            &["[{ id = \"old\", expire_after = \"365d\" }]", "[{ id = \"old\", expire_after = \"30d\" }]"],
        ),
        Attribute::new(
            "replication",
            Type::object(REPLICATION),
            "Where new objects are copied to. Both buckets need `versioning = true`.",
            &[
                "{ to = \"bucket.replica@eu-central-1\", role = \"role.replicate\" }",
                "{ to = \"bucket.replica@eu-central-1\", role = \"role.replicate\", prefix = \"logs/\" }",
            ],
        )
        .beside(&["versioning = true"]),
        Attribute::new(
            "logging",
            Type::object(LOGGING),
            "Where S3 writes who accessed what.",
            &["{ to = \"bucket.access\", prefix = \"a/\" }", "{ to = \"bucket.access\", prefix = \"b/\" }"],
        ),
        Attribute::new(
            "force_empty",
            Type::Bool,
            "Remove the objects in the bucket, every version, when the bucket itself is deleted. Without it S3 refuses to delete a bucket that is not empty. Either way, the plan shows what would be lost, and it needs --allow-loss.",
            &["true", "false"],
        )
        .default("false"),
        TAGS,
        TAGS_EXCLUSIVE,
    ]),
    outputs: Static(&[Output {
        name: "arn",
        doc: Static("The bucket's ARN."),
        formula: Some(Static(&|facts| Some(format!("arn:aws:s3:::{}", facts.attributes.get("name").as_str()?)))),
    }]),
    claims: Static(&[Exclusive::new("bucket name", "name", Within::Store, Reads::Name)]),
    usage: Static(&["objects", "bytes"]),
    exact: Static(&["objects"]),
    check: Static(&check),
    loss: Static(&bucket_loss),
    update_loss: Static(&|_, _, _| None),
};

/// Two good bucket policies.
const POLICY_EXAMPLES: &[&str] = &[
    r#"'{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::us-east-1-audit-logs/*"}]}'"#,
    r#"'{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"s3:PutObject","Resource":"arn:aws:s3:::us-east-1-audit-logs/*"}]}'"#,
];

static REPLICATION: &[Attribute] = &[
    Attribute::new(
        "to",
        Type::address(&["bucket"]),
        "The bucket that receives the copies, in any region.",
        &["\"bucket.replica@eu-central-1\"", "\"bucket.other@eu-central-1\""],
    )
    .required(),
    Attribute::new(
        "role",
        Type::address(&["role"]),
        "The role that S3 takes on to copy. Without it a role with just the rights for that is made, \
         as `role.BUCKET-replication`.",
        &["\"role.replicate\"", "\"role.replicate-2\""],
    ),
    Attribute::new("prefix", Type::text(&rule::SOME), "Which objects; all by default.", &["\"logs/\"", "\"tmp/\""]),
];

static LOGGING: &[Attribute] = &[
    Attribute::new(
        "to",
        Type::address(&["bucket"]),
        "The bucket that receives the logs, in the same region.",
        &["\"bucket.access\"", "\"bucket.access-2\""],
    )
    .required(),
    Attribute::new("prefix", Type::text(&rule::ANY), "What the logs' names begin with.", &["\"a/\"", "\"b/\""])
        .default("\"\""),
];

static TRANSITION: Type = Type::object(
    const {
        &[
            Attribute::new(
                "after",
                Type::Duration(0, 36_500 * 86_400),
                "At this age, in whole days.",
                &["\"30d\"", "\"90d\""],
            )
            .required(),
            Attribute::new(
                "to",
                Type::choice(&[
                    "standard-ia",
                    "onezone-ia",
                    "intelligent-tiering",
                    "glacier-ir",
                    "glacier",
                    "deep-archive",
                ]),
                "The storage class.",
                &["\"standard-ia\"", "\"glacier\""],
            )
            .required(),
        ]
    },
);

static LIFECYCLE: &[Attribute] = &[
    Attribute::new("id", Type::text(&rule::SOME), "The rule's name.", &["\"old\"", "\"tmp\""]).required(),
    Attribute::new("prefix", Type::text(&rule::ANY), "Which objects; all by default.", &["\"logs/\"", "\"tmp/\""]),
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
    Attribute::new(
        "transitions",
        Type::list(&TRANSITION),
        "Move objects to cheaper storage as they age.",
        &["[{ after = \"30d\", to = \"standard-ia\" }]", "[{ after = \"90d\", to = \"glacier\" }]"],
    ),
];

fn check(resource: &Resource<'_>, spec: &dyn View, findings: &mut Findings) {
    check_kms_key(resource, findings);
    for (at, rule) in resource.attributes.get("lifecycle").items().iter().enumerate() {
        check_rule(&format!("lifecycle.{at}"), rule, findings);
    }
    let get = |path: &str| resource.attributes.at(path).and_then(Value::as_str);
    if get("replication.to").is_some() && resource.attributes.get("versioning") != &Value::Bool(true) {
        findings.error(
            "replication",
            &code::REPLICATION_WITHOUT_VERSIONS,
            "S3 replicates versions only, and this bucket keeps none",
            "set `versioning = true` here and on the bucket that receives the copies",
        );
    }
    if get("replication.to").is_some() && get("replication.role").is_none() {
        findings.error(
            "replication",
            &code::REPLICATION_WITHOUT_ROLE,
            "a role with the right rights can be made only where the target is plain and no KMS key is in use",
            "declare a role that S3 may take on, and name it: `role = \"role.NAME\"`",
        );
    }
    let target = get("logging.to").and_then(|to| Address::parse(to).ok()).and_then(|address| spec.get(&address));
    if let Some(target) = target.filter(|target| target.place() != resource.place()) {
        findings.error(
            "logging.to",
            &code::LOG_IN_ANOTHER_REGION,
            format!("{} is not in {}", target.address, resource.place().unwrap_or_default()),
            "S3 writes access logs within one region only: name a bucket of the same region",
        );
    }
}

/// S3 counts in days, and a rule has to do something:
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html>.
fn check_rule(path: &str, rule: &Value, findings: &mut Findings) {
    let days = ["expire_after", "expire_noncurrent_after", "abort_uploads_after"];
    let own = days.iter().filter_map(|name| Some((format!("{path}.{name}"), rule.at(name)?)));
    let moves = rule.at("transitions").map(Value::items).unwrap_or_default().iter().enumerate();
    let moves = moves.filter_map(|(at, one)| Some((format!("{path}.transitions.{at}.after"), one.at("after")?)));
    let mut acts = false;
    for (path, value) in own.chain(moves) {
        acts = true;
        let seconds = value.as_str().and_then(|text| duration::parse(text).ok()).unwrap_or_default();
        if !seconds.is_multiple_of(86_400) {
            findings.error(
                &path,
                &code::PART_OF_A_DAY,
                "S3 counts the age of objects in whole days",
                "write whole days, such as \"30d\"",
            );
        }
    }
    if !acts {
        findings.error(
            path,
            &code::IDLE_RULE,
            "S3 refuses a rule without any action",
            "say `expire_after`, `expire_noncurrent_after`, `abort_uploads_after` or `transitions`",
        );
    }
}

fn bucket_loss(usage: &Usage) -> Verdict {
    match (counted(usage, "objects"), counted(usage, "bytes")) {
        (Count::Exactly(0), _) => Verdict::safe("the bucket is empty"),
        (Count::Unknown, _) => Verdict::lossy("what the bucket holds could not be observed"),
        (objects, bytes) => {
            let (objects, bytes) = (objects.words("object"), amount::bytes(bytes.least()));
            Verdict::lossy(format!("the bucket holds {objects}, {bytes}"))
        }
    }
}
