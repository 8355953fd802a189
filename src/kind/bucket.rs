//! An S3 bucket.

mod acl;
mod configurations;
mod cors;
mod inventory;
mod lifecycle;
mod logging;
mod loss;
mod notifications;
mod object_lock;
mod replication;
mod tiering;
mod website;

use super::attributes::{IN_POLICIES, KMS_KEY, TAGS, TAGS_EXCLUSIVE, check_kms_key};
use super::claim::{Exclusive, Reads, Within};
use super::schema::{Attribute, Host, Kind, Output, Places, Type};
use super::shared::{Shared::Static, Texts};
use super::view::{Findings, Resource, View};
use super::{document, iam, limits, rule};
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
            Type::choice(&["aes256", "kms", "kms-dsse"]),
            "How objects are encrypted at rest. S3 encrypts every object since 2023.",
            &["\"aes256\"", "\"kms\"", "\"kms-dsse\""],
        )
        .default("\"aes256\""),
        KMS_KEY,
        Attribute::new(
            "bucket_key",
            Type::Bool,
            "Ask KMS for one key for the bucket instead of one for each object, which costs less.",
            &["true", "false"],
        )
        .beside(&["encryption = \"kms\""]),
        Attribute::new(
            "customer_keys",
            Type::choice(&["blocked", "allowed"]),
            "Whether objects may be encrypted with keys that come along with each request (SSE-C); as the bucket has it by default. AWS blocks that for new buckets.",
            &["\"blocked\"", "\"allowed\""],
        ),
        Attribute::new(
            "public_access",
            Type::word_or_object(&["blocked", "allowed"], PUBLIC_ACCESS),
            "Whether the four public access blocks are on, or which of them.",
            &["\"blocked\"", "\"allowed\"", "{ block_policies = false, restrict = false }"],
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
            "acl",
            Type::word_or_object(acl::WORDS, acl::LIST),
            "The bucket's access control list. It counts only where `object_ownership` is not \"bucket-owner-enforced\"; there it is \"private\" unless the spec says otherwise.",
            &["{ grants = [{ group = \"log-delivery\", right = \"write\" }] }", "\"private\""],
        )
        .beside(&["object_ownership = \"object-writer\""]),
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
            "The bucket's policy, as IAM writes it, besides what `secure_transport` adds. Queues and buckets are only named in it, so each may name this one.",
            POLICY_EXAMPLES,
        )
        .only_names(IN_POLICIES),
        Attribute::new(
            "lifecycle",
            Type::set(const { &Type::object(lifecycle::RULE) }),
            "Rules that expire objects or move them to cheaper storage: all that the bucket has.",
            LIFECYCLE_EXAMPLES,
        ),
        Attribute::new(
            "transition_minimum",
            Type::choice(&["128-kib", "by-class"]),
            "How large an object has to be for a rule of `lifecycle` to move it: 128 KiB, or as it is for each storage class.",
            &["\"by-class\"", "\"128-kib\""],
        )
        .beside(&["lifecycle = [{ id = \"cheap\", transitions = [{ after = \"30d\", to = \"glacier\" }] }]"]),
        Attribute::new(
            "intelligent_tiering",
            Type::set(const { &Type::object(tiering::TIERING) }),
            "When objects of the storage class `intelligent-tiering` are archived: all that the bucket has.",
            tiering::EXAMPLES,
        ),
        Attribute::new(
            "replication",
            Type::object(replication::SHORT),
            "Where new objects are copied to. Both buckets need `versioning = true`.",
            &[
                "{ to = \"bucket.replica@eu-central-1\", role = \"role.replicate\" }",
                "{ to = \"bucket.replica@eu-central-1\", role = \"role.replicate\", prefix = \"logs/\" }",
            ],
        )
        .beside(&["versioning = true"]),
        Attribute::new(
            "replication_rules",
            Type::object(replication::LONG),
            "Where new objects are copied to, in place of `replication`, with all that S3 takes.",
            REPLICATION_EXAMPLES,
        )
        .beside(&["versioning = true"])
        .instead_of(&["replication"]),
        Attribute::new(
            "logging",
            Type::object(logging::LOGGING),
            "Where S3 writes who accessed what.",
            logging::EXAMPLES,
        ),
        Attribute::new(
            "inventory",
            Type::set(const { &Type::object(inventory::INVENTORY) }),
            "Lists of its objects, which S3 writes to another bucket: all that the bucket has.",
            inventory::EXAMPLES,
        ),
        Attribute::new(
            "cors",
            Type::list(const { &Type::object(cors::RULE) }),
            "Which pages of other sites may use the bucket: all rules that it has, of which the first that fits counts.",
            cors::EXAMPLES,
        ),
        Attribute::new(
            "notifications",
            Type::object(notifications::NOTIFICATIONS),
            "Whom S3 tells what happens in the bucket: all that it tells anybody.",
            notifications::EXAMPLES,
        ),
        Attribute::new(
            "website",
            Type::object(website::WEBSITE),
            "The bucket as a website. Who may read it is for `policy` and `public_access` to say.",
            website::EXAMPLES,
        ),
        Attribute::new(
            "object_lock",
            Type::word_or_object(&["enabled"], object_lock::RETENTION),
            "Objects can be locked so that nobody removes them before their time; as a table, how long new ones are. S3 can't turn it off again.",
            &["\"enabled\"", "{ mode = \"governance\", days = 30 }", "{ mode = \"governance\", years = 1 }"],
        )
        .beside(&["versioning = true"])
        .removal_replaces(),
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
    loss: Static(&loss::of_deletion),
    update_loss: Static(&loss::of_update),
};

/// Good lifecycle rules, the last ones with all that a rule can say.
const LIFECYCLE_EXAMPLES: &[&str] = &[
    "[{ id = \"old\", expire_after = \"365d\" }]",
    "[{ id = \"old\", expire_after = \"30d\" }]",
    "[{ id = \"temporary\", tags = { temp = \"true\", team = \"ledger\" }, larger_than = 1024, smaller_than = 1048576, expire_after = \"30d\" }, \
     { id = \"tidy\", prefix = \"logs/\", remove_markers = true, expire_noncurrent_after = \"90d\", keep_noncurrent = 3, abort_uploads_after = \"7d\" }, \
     { id = \"later\", enabled = false, tags = { temp = \"true\" }, expire_on = \"2040-01-01\", transitions = [{ on = \"2039-01-01\", to = \"glacier\" }] }, \
     { id = \"cheap\", larger_than = 131072, transitions = [{ after = \"30d\", to = \"standard-ia\" }], noncurrent_transitions = [{ after = \"30d\", to = \"glacier\", keep = 2 }] }]",
];

/// Two good replications in the long form, the second with most of what it can say.
const REPLICATION_EXAMPLES: &[&str] = &[
    "{ role = \"role.replicate\", rules = [{ id = \"all\", priority = 1, to = \"bucket.replica@eu-central-1\", delete_markers = true }] }",
    "{ role = \"role.replicate\", rules = [\
     { id = \"all\", enabled = false, priority = 1, to = \"bucket.replica@eu-central-1\", storage_class = \"glacier\", replica_changes = true, existing = true }, \
     { id = \"some\", priority = 2, prefix = \"logs/\", tags = { copy = \"true\" }, to = \"bucket.replica@eu-central-1\", account = \"111122223333\", own_copies = true }, \
     { id = \"secret\", priority = 3, tags = { secret = \"yes\" }, to = \"bucket.replica@eu-central-1\", encrypted = true, kms_key = \"arn:aws:kms:eu-central-1:111122223333:alias/a\", within_15_minutes = true, metrics = true }] }",
];

/// What S3 is told in XML.
const IN_XML: [&str; 10] = [
    "lifecycle",
    "replication",
    "replication_rules",
    "logging",
    "cors",
    "notifications",
    "website",
    "acl",
    "inventory",
    "intelligent_tiering",
];

/// Two good bucket policies.
const POLICY_EXAMPLES: &[&str] = &[
    r#"'{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::us-east-1-audit-logs/*"}]}'"#,
    r#"'{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"s3:PutObject","Resource":"arn:aws:s3:::us-east-1-audit-logs/*"}]}'"#,
];

/// The four blocks: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html>.
static PUBLIC_ACCESS: &[Attribute] = &[
    Attribute::new("block_acls", Type::Bool, "Refuse ACLs that open something to all.", &["true", "false"])
        .default("true"),
    Attribute::new("ignore_acls", Type::Bool, "Take no notice of such ACLs that are there.", &["true", "false"])
        .default("true"),
    Attribute::new("block_policies", Type::Bool, "Refuse policies that open something to all.", &["true", "false"])
        .default("true"),
    Attribute::new("restrict", Type::Bool, "Let such policies count for the account itself only.", &["true", "false"])
        .default("true"),
];

/// S3 refuses a policy that opens the bucket to all while such policies are blocked:
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html>. What a condition narrows
/// may be closed enough.
fn check_public(resource: &Resource<'_>, findings: &mut Findings) {
    let access = resource.attributes.get("public_access");
    let blocked = access.as_str() == Some("blocked") || access.at("block_policies") == Some(&Value::Bool(true));
    let policy = resource.attributes.get("policy").as_str();
    if blocked && policy.is_some_and(document::opens_to_all) {
        findings.error(
            "policy",
            &code::PUBLIC_POLICY,
            "it opens the bucket to everybody, and S3 refuses that while `public_access` blocks such policies",
            "name who may do it, or set `public_access = \"allowed\"`",
        );
    }
}

fn check(resource: &Resource<'_>, spec: &dyn View, findings: &mut Findings) {
    check_kms_key(resource, findings);
    let encryption = resource.attributes.get("encryption").as_str();
    if resource.attributes.get("bucket_key") == &Value::Bool(true) && encryption != Some("kms") {
        findings.error(
            "bucket_key",
            &code::KEY_WITHOUT_ENCRYPTION,
            "S3 has a key for a bucket only where `encryption` is \"kms\"",
            "set `encryption = \"kms\"`, or remove `bucket_key`",
        );
    }
    limits::check_tags(resource, false, findings);
    check_public(resource, findings);
    lifecycle::check(resource.attributes, findings);
    replication::check(resource, findings);
    for name in IN_XML {
        limits::check_characters(name, resource.attributes.get(name), findings);
    }
    acl::check(resource, findings);
    cors::check(resource.attributes.get("cors").items(), findings);
    notifications::check(resource, spec, findings);
    website::check(resource.attributes.get("website"), findings);
    object_lock::check(resource, findings);
    inventory::check(resource, spec, findings);
    tiering::check(resource.attributes.get("intelligent_tiering").items(), findings);
    logging::check(resource, spec, findings);
}
