//! Whom S3 tells what happens in a bucket, and what it refuses of that.
//!
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventNotifications.html>.

use foldhash::HashSet;

use crate::address::Address;
use crate::diagnostic::code;
use crate::kind::rule;
use crate::kind::schema::{Attribute, Type};
use crate::kind::view::{Findings, Resource, View};
use crate::value::Value;

/// The attributes of the whole: everything that a bucket tells anybody.
pub static NOTIFICATIONS: &[Attribute] = &[
    Attribute::new(
        "queues",
        Type::set(const { &Type::object(TO_QUEUE) }),
        "Queues that are told. The policy of each has to let `s3.amazonaws.com` send to it.",
        &["[{ id = \"new\", to = \"queue.orders\", events = [\"s3:ObjectCreated:*\"] }]"],
    ),
    Attribute::new(
        "topics",
        Type::set(const { &Type::object(TO_OTHER) }),
        "Topics of SNS that are told, by their ARNs.",
        &["[{ id = \"new\", to = \"arn:aws:sns:us-east-1:111122223333:news\", events = [\"s3:ObjectCreated:*\"] }]"],
    ),
    Attribute::new(
        "functions",
        Type::set(const { &Type::object(TO_OTHER) }),
        "Functions of Lambda that are told, by their ARNs.",
        &[
            "[{ id = \"new\", to = \"arn:aws:lambda:us-east-1:111122223333:function:news\", events = [\"s3:ObjectCreated:*\"] }]",
        ],
    ),
    Attribute::new("event_bridge", Type::Bool, "Whether EventBridge is told everything.", &["true", "false"])
        .default("false"),
];

/// Good notifications, the last ones with most of what can be said.
pub const EXAMPLES: &[&str] = &[
    "{ queues = [{ id = \"new\", to = \"queue.orders\", events = [\"s3:ObjectCreated:*\"] }] }",
    "{ queues = [{ id = \"new\", to = \"queue.orders\", events = [\"s3:ObjectCreated:Put\", \"s3:ObjectCreated:Copy\"], prefix = \"in/\", suffix = \".csv\" }, \
     { id = \"gone\", to = \"queue.orders\", events = [\"s3:ObjectRemoved:*\"] }] }",
    "{ event_bridge = true }",
];

const ID: Attribute = Attribute::new("id", Type::text(&rule::SOME), "Its name.", &["\"new\"", "\"gone\""]).required();

const EVENTS: Attribute = Attribute::new(
    "events",
    Type::set(const { &Type::choice(ALL) }),
    "What is told.",
    &["[\"s3:ObjectCreated:*\"]", "[\"s3:ObjectRemoved:*\"]"],
)
.required();

const PREFIX: Attribute =
    Attribute::new("prefix", Type::text(&rule::SOME), "Which objects; all by default.", &["\"in/\"", "\"out/\""]);

const SUFFIX: Attribute =
    Attribute::new("suffix", Type::text(&rule::SOME), "How their names end.", &["\".csv\"", "\".json\""]);

static TO_QUEUE: &[Attribute] = &[
    ID,
    Attribute::new(
        "to",
        Type::address(&["queue"]),
        "The queue, in the same region. S3 takes standard queues only.",
        &["\"queue.orders\"", "\"queue.transactions\""],
    )
    .required(),
    EVENTS,
    PREFIX,
    SUFFIX,
];

static TO_OTHER: &[Attribute] = &[
    ID,
    Attribute::new(
        "to",
        Type::text(&rule::SOME),
        "The ARN.",
        &["\"arn:aws:sns:us-east-1:111122223333:news\"", "\"arn:aws:sns:us-east-1:111122223333:more\""],
    )
    .required(),
    EVENTS,
    PREFIX,
    SUFFIX,
];

/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-event-types-and-destinations.html>.
const ALL: &[&str] = &[
    "s3:ObjectCreated:*",
    "s3:ObjectCreated:Put",
    "s3:ObjectCreated:Post",
    "s3:ObjectCreated:Copy",
    "s3:ObjectCreated:CompleteMultipartUpload",
    "s3:ObjectRemoved:*",
    "s3:ObjectRemoved:Delete",
    "s3:ObjectRemoved:DeleteMarkerCreated",
    "s3:ObjectRestore:*",
    "s3:ObjectRestore:Post",
    "s3:ObjectRestore:Completed",
    "s3:ObjectRestore:Delete",
    "s3:ObjectTagging:*",
    "s3:ObjectTagging:Put",
    "s3:ObjectTagging:Delete",
    "s3:ObjectAcl:Put",
    "s3:LifecycleExpiration:*",
    "s3:LifecycleExpiration:Delete",
    "s3:LifecycleExpiration:DeleteMarkerCreated",
    "s3:LifecycleTransition",
    "s3:IntelligentTiering",
    "s3:ReducedRedundancyLostObject",
    "s3:Replication:*",
    "s3:Replication:OperationFailedReplication",
    "s3:Replication:OperationMissedThreshold",
    "s3:Replication:OperationReplicatedAfterThreshold",
    "s3:Replication:OperationNotTracked",
];

/// The lists of those who are told.
pub const LISTS: [&str; 3] = ["queues", "topics", "functions"];

/// Finds what S3 would refuse.
pub fn check(resource: &Resource<'_>, spec: &dyn View, findings: &mut Findings) {
    let said = resource.attributes.get("notifications");
    let mut names = HashSet::default();
    for list in LISTS {
        for (at, one) in said.at(list).map(Value::items).unwrap_or_default().iter().enumerate() {
            let path = |name: &str| format!("notifications.{list}.{at}.{name}");
            if one.at("id").and_then(Value::as_str).is_some_and(|id| !names.insert(id)) {
                let hint = "give each a name of its own";
                findings.error(path("id"), &code::REFUSED_BY_S3, "another one of this bucket has this name", hint);
            }
            let to = one.at("to").and_then(Value::as_str).and_then(|to| Address::parse(to).ok());
            let Some(queue) = to.and_then(|address| spec.get(&address)).filter(|_| list == "queues") else { continue };
            if queue.place() != resource.place() {
                let detail = format!("{} is not in {}", queue.address, resource.place().unwrap_or_default());
                let hint = "S3 tells queues of its own region only: name one there";
                findings.error(path("to"), &code::REFUSED_BY_S3, detail, hint);
            }
            if queue.attributes.get("fifo") == &Value::Bool(true) {
                let detail = format!("{} is a FIFO queue, and S3 tells standard queues only", queue.address);
                let hint = "name a standard queue, or let EventBridge pass it on: `event_bridge = true`";
                findings.error(path("to"), &code::REFUSED_BY_S3, detail, hint);
            }
        }
    }
}
