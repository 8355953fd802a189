//! An SQS queue.

use super::attributes::{IN_POLICIES, KMS_KEY, TAGS, TAGS_EXCLUSIVE, check_kms_key, leaves_kms_key};
use super::count::Count;
use super::schema::{Attribute, Host, Kind, Output, Places, Type};
use super::shared::{Shared::Static, Texts};
use super::verdict::{Usage, Verdict, counted};
use super::view::{Findings, Location, Resource, View};
use super::{duration, iam, limits, rule};
use crate::address::Address;
use crate::diagnostic::code;
use crate::value::{Attributes, Value};

/// An SQS queue. Limits from
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html>.
pub static QUEUE: Kind = Kind {
    name: "queue",
    summary: Static("A message queue, standard or FIFO, with an optional dead-letter queue."),
    places: Places::Regions,
    host: Host::Region,
    object: true,
    coexists: true,
    hosts_others: false,
    example: Texts::NONE,
    attributes: Static(&[
        Attribute::new(
            "name",
            Type::text(&rule::QUEUE),
            "The queue's name. The resource's own name by default.",
            &["\"orders\"", "\"orders-2\""],
        )
        .replaces(),
        Attribute::new(
            "fifo",
            Type::Bool,
            "Keep the order and deliver once. The name must then end with `.fifo`.",
            &["true"],
        )
        .beside(&["name = \"orders.fifo\""])
        .default("false")
        .replaces(),
        Attribute::new(
            "visibility_timeout",
            Type::Duration(0, 43_200),
            "How long a received message stays hidden from others.",
            &["\"30s\"", "\"1m\""],
        )
        .default("\"30s\""),
        Attribute::new(
            "retention",
            Type::Duration(60, 1_209_600),
            "How long a message is kept.",
            &["\"4d\"", "\"14d\""],
        )
        .default("\"4d\""),
        Attribute::new("delay", Type::Duration(0, 900), "How long a new message stays hidden.", &["\"0s\"", "\"5s\""])
            .default("\"0s\""),
        Attribute::new(
            "max_message_size",
            Type::Int(1_024, 1_048_576),
            "The largest message, in bytes.",
            &["262144", "65536"],
        )
        .default("262144"),
        Attribute::new(
            "receive_wait",
            Type::Duration(0, 20),
            "How long a receive call waits for a message (long polling).",
            &["\"0s\"", "\"20s\""],
        )
        .default("\"0s\""),
        Attribute::new(
            "dead_letter",
            Type::object(
                const {
                    &[
                        Attribute::new(
                            "queue",
                            Type::address(&["queue"]),
                            "The queue that takes what could not be handled, in the same region.",
                            &["\"queue.dead\"", "\"queue.dead-2\""],
                        )
                        .required(),
                        Attribute::new("max_receives", Type::Int(1, 1_000), "After how many receives.", &["5", "3"])
                            .default("5"),
                    ]
                },
            ),
            "Where messages go that could not be handled.",
            &["{ queue = \"queue.dead\", max_receives = 5 }", "{ queue = \"queue.dead\", max_receives = 3 }"],
        ),
        Attribute::new(
            "encryption",
            Type::choice(&["sqs", "kms", "none"]),
            "How messages are encrypted at rest.",
            &["\"sqs\"", "\"none\""],
        )
        .default("\"sqs\""),
        KMS_KEY,
        Attribute::new(
            "kms_reuse",
            Type::Duration(60, 86_400),
            "How long SQS uses a data key again before it asks KMS for another one; five minutes by default.",
            &["\"5m\"", "\"1h\""],
        )
        .beside(&["encryption = \"kms\""]),
        Attribute::new(
            "deduplicate_by_content",
            Type::Bool,
            "Of a FIFO queue: two messages of one content within five minutes are one, where they say no id.",
            &["true", "false"],
        )
        .beside(FIFO),
        Attribute::new(
            "deduplication_scope",
            Type::choice(&["queue", "message-group"]),
            "Of a FIFO queue: within what a message is recognized as one that was sent before; the queue by default.",
            &["\"queue\"", "\"message-group\""],
        )
        .beside(FIFO),
        Attribute::new(
            "throughput_limit",
            Type::choice(&["queue", "message-group"]),
            "Of a FIFO queue: for what the limit of messages a second counts; the queue by default.",
            &["\"queue\"", "\"message-group\""],
        )
        .beside(&["fifo = true", "name = \"orders.fifo\"", "deduplication_scope = \"message-group\""]),
        Attribute::new(
            "redrive_allow",
            Type::object(
                const {
                    &[
                        Attribute::new(
                            "from",
                            Type::choice(&["all", "none", "listed"]),
                            "Which queues may use this one as their dead-letter queue.",
                            &["\"all\"", "\"none\""],
                        )
                        .required(),
                        Attribute::new(
                            "queues",
                            Type::set(const { &Type::address(&["queue"]) }),
                            "Those queues, for `from = \"listed\"`. They are only named here, so each may name this one as its dead-letter queue.",
                            &["[\"queue.orders\"]", "[]"],
                        )
                        .only_names(&["queue"]),
                    ]
                },
            ),
            "Who may send what it could not handle here.",
            &["{ from = \"all\" }", "{ from = \"none\" }"],
        ),
        Attribute::new(
            "policy",
            Type::json(&iam::RESOURCE_POLICY),
            "The queue's policy, as IAM writes it. Queues and buckets are only named in it, so each may name this one.",
            POLICY_EXAMPLES,
        )
        .only_names(IN_POLICIES),
        TAGS,
        TAGS_EXCLUSIVE,
    ]),
    outputs: Static(&[
        Output {
            name: "arn",
            doc: Static("The queue's ARN."),
            formula: Some(Static(&|facts| {
                let account = facts.host?.get("account")?;
                let name = facts.attributes.get("name").as_str()?;
                Some(format!("arn:aws:sqs:{}:{account}:{name}", facts.place?))
            })),
        },
        Output {
            name: "url",
            doc: Static("Where clients send to and receive from."),
            formula: Some(Static(&|facts| {
                let (host, name) = (facts.host?, facts.attributes.get("name").as_str()?);
                let account = host.get("account")?;
                Some(match host.get("endpoint") {
                    Some(endpoint) => format!("{endpoint}/{account}/{name}"),
                    // A region that is there and has no endpoint of its own is AWS's:
                    // <https://docs.aws.amazon.com/general/latest/gr/sqs-service.html>.
                    None => format!("https://sqs.{}.amazonaws.com/{account}/{name}", facts.place?),
                })
            })),
        },
    ]),
    claims: Static(&[]),
    usage: Static(&["depth"]),
    exact: Static(&[]),
    check: Static(&check),
    loss: Static(&|usage| match counted(usage, "depth") {
        Count::Exactly(0) => Verdict::safe("the queue is empty"),
        Count::Unknown => Verdict::lossy("the queue's depth could not be observed"),
        depth => Verdict::lossy(format!("about {} in the queue", depth.words("message"))),
    }),
    update_loss: Static(&update_loss),
};

/// What makes a queue a FIFO queue.
const FIFO: &[&str] = &["fifo = true", "name = \"orders.fifo\""];

/// What only a FIFO queue does, and its default:
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/high-throughput-fifo.html>.
const FIFO_ONLY: [&str; 3] = ["deduplicate_by_content", "deduplication_scope", "throughput_limit"];

/// Two good queue policies.
const POLICY_EXAMPLES: &[&str] = &[
    r#"'{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"sqs:SendMessage","Resource":"arn:aws:sqs:us-east-1:000000000000:orders"}]}'"#,
    r#"'{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"sqs:ReceiveMessage","Resource":"arn:aws:sqs:us-east-1:000000000000:orders"}]}'"#,
];

fn check(resource: &Resource<'_>, spec: &dyn View, findings: &mut Findings) {
    let attributes = resource.attributes;
    let fifo = attributes.get("fifo") == &Value::Bool(true);
    let name = attributes.get("name").as_str().unwrap_or_default();
    if fifo && !name.ends_with(".fifo") {
        findings.error_at(
            Location::First(&["name", "fifo"]),
            &code::FIFO_WITHOUT_ENDING,
            format!("SQS takes a FIFO queue only under a name that ends with `.fifo`; this one is `{name}`"),
            format!("set `name = \"{name}.fifo\"`"),
        );
    }
    if !fifo && name.ends_with(".fifo") {
        findings.error(
            "name",
            &code::FIFO_NAME,
            "a name that ends with `.fifo` belongs to a FIFO queue",
            "set `fifo = true`, or choose another name",
        );
    }
    check_fifo_only(resource, fifo, findings);
    limits::check_tags(resource, false, findings);
    check_kms_key(resource, findings);
    check_dead_letter(resource, fifo, spec, findings);
}

fn check_fifo_only(resource: &Resource<'_>, fifo: bool, findings: &mut Findings) {
    let is = |name: &str, word: &str| resource.attributes.get(name).as_str() == Some(word);
    let says = |name: &str| is(name, "message-group") || resource.attributes.get(name) == &Value::Bool(true);
    for name in FIFO_ONLY.into_iter().filter(|name| !fifo && says(name)) {
        findings.error(
            name,
            &code::FIFO_ONLY,
            format!("only a FIFO queue has `{name}`"),
            format!("set `fifo = true`, or remove `{name}`"),
        );
    }
    if fifo && is("throughput_limit", "message-group") && !is("deduplication_scope", "message-group") {
        findings.error(
            "throughput_limit",
            &code::FIFO_ONLY,
            "SQS counts for each message group only where it recognizes messages within one",
            "set `deduplication_scope = \"message-group\"` as well",
        );
    }
}

fn check_dead_letter(resource: &Resource<'_>, fifo: bool, spec: &dyn View, findings: &mut Findings) {
    let path = "dead_letter.queue";
    let Some(target) = resource.attributes.at(path).and_then(Value::as_str) else { return };
    let Some(other) = Address::parse(target).ok().and_then(|address| spec.get(&address)) else { return };
    if other.address == resource.address {
        findings.error(
            path,
            &code::DEAD_LETTER_OF_ITSELF,
            "a queue can't be its own dead-letter queue",
            "declare a second queue for what could not be handled",
        );
        return;
    }
    if (other.attributes.get("fifo") == &Value::Bool(true)) != fifo {
        let word = |fifo| if fifo { "a FIFO queue" } else { "a standard queue" };
        findings.error(
            path,
            &code::DEAD_LETTER_TYPE,
            format!("{} is {}, this is {}", other.address, word(!fifo), word(fifo)),
            "give the dead-letter queue the same `fifo` as this one",
        );
    }
    if other.place() != resource.place() {
        findings.error(
            path,
            &code::DEAD_LETTER_REGION,
            format!("{} is not in {}", other.address, resource.place().unwrap_or_default()),
            "SQS moves messages within one region only: name a queue of the same region",
        );
    }
}

/// What a change of a queue loses, at once or from then on.
fn update_loss(before: &Attributes, after: &Attributes, usage: &Usage) -> Option<Verdict> {
    let key = leaves_kms_key(before, after).then(|| match counted(usage, "depth") {
        Count::Exactly(0) => Verdict::safe("the queue is empty"),
        _ => Verdict::recoverable(
            "what is in the queue stays encrypted with the former key, and is lost once that key is",
        ),
    });
    shorter_retention(before, after, usage).or(key)
}

/// Messages that are older than a shorter retention go at once.
fn shorter_retention(before: &Attributes, after: &Attributes, usage: &Usage) -> Option<Verdict> {
    let seconds = |attributes: &Attributes| duration::parse(attributes.get("retention").as_str()?).ok();
    let (old, new) = (seconds(before)?, seconds(after)?);
    if new >= old {
        return None;
    }
    Some(match counted(usage, "depth") {
        Count::Exactly(0) => Verdict::safe("the queue is empty"),
        Count::Unknown => Verdict::lossy("the queue's depth could not be observed"),
        depth => {
            let limit = duration::format(new);
            Verdict::lossy(format!("of about {}, those older than {limit} would go", depth.words("message")))
        }
    })
}
