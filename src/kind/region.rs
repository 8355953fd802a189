//! A region: what every regional resource lives in.

use super::assume_role::ASSUME_ROLE;
use super::attributes::{ENGINE, TEXT};
use super::claim::{Exclusive, Reads, Within};
use super::schema::{Attribute, Facts, Host, Kind, Output, Places, Type};
use super::shared::{Shared::Static, Texts};
use super::verdict::Verdict;
use super::view::{Findings, Resource, View};
use super::{engine_rule, reserved, rule};
use crate::diagnostic::code;
use crate::value::Value;

/// A region of a cloud, or something that stands in for one.
pub static REGION: Kind = Kind {
    name: "region",
    summary: Static("A region: what buckets, queues, roles and clusters live in."),
    places: Places::One,
    host: Host::World,
    object: true,
    coexists: false,
    hosts_others: true,
    example: Texts::NONE,
    attributes: Static(&[
        Attribute::new(
            "aws",
            Type::object(
                const {
                    &[
                        Attribute::new(
                            "endpoint",
                            Type::text(&rule::URL),
                            "An AWS-compatible endpoint to use instead of AWS itself.",
                            &["\"http://127.0.0.1:4566\"", "\"http://127.0.0.1:4567\""],
                        ),
                        Attribute::new(
                            "profile",
                            Type::text(&rule::SOME),
                            "The profile of the standard credential chain.",
                            &["\"staging\"", "\"production\""],
                        ),
                        Attribute::new(
                            "assume_role",
                            Type::object(ASSUME_ROLE),
                            "The role that these credentials take on first. All calls of the region are made as it.",
                            &["{ role = \"arn:aws:iam::123456789012:role/deploy\" }"],
                        ),
                        Attribute::new(
                            "accounts",
                            Type::set(const { &Type::text(&rule::ACCOUNT) }),
                            "The accounts in which the region may be used: with the credentials of another one nothing is asked or done there.",
                            &["[\"123456789012\"]", "[\"123456789012\", \"210987654321\"]"],
                        ),
                        Attribute::new(
                            "tag_search",
                            Type::set(
                                const { &Type::choice(&["bucket", "queue", "policy", "instance_profile", "oidc_provider"]) },
                            ),
                            "The kinds whose objects the Resource Groups Tagging API finds here. Of AWS itself it is all of these, of another endpoint none, and what it does not find is listed and asked for its tags.",
                            &["[\"bucket\", \"queue\"]", "[]"],
                        ),
                    ]
                },
            ),
            "The region is AWS's own, or any AWS-compatible endpoint.",
            &["{}", "{ endpoint = \"http://127.0.0.1:4566\" }"],
        ),
        Attribute::new(
            "localstack",
            Type::object(LOCALSTACK),
            "The region is a LocalStack container that Atlas runs.",
            &["{ port = 4566 }", "{ port = 4567 }"],
        )
        .replaces(),
    ]),
    outputs: Static(&[
        Output {
            name: "account",
            doc: Static("The account that owns what is made here."),
            formula: Some(Static(&account)),
        },
        Output { name: "endpoint", doc: Static("Where the region answers."), formula: Some(Static(&endpoint)) },
    ]),
    claims: Static(&[Exclusive::new(
        "port",
        "localstack.port",
        Within::Engine(Static("localstack.engine")),
        Reads::Port,
    )]),
    usage: Static(&[]),
    exact: Static(&[]),
    check: Static(&check),
    loss: Static(&|_| Verdict::safe("nothing lives in it")),
    update_loss: Static(&|_, _, _| None),
};

static LOCALSTACK: &[Attribute] = &[
    Attribute::new("port", Type::Int(1, 65_535), "The port on the engine's machine.", &["4566", "4567"])
        .default("4566"),
    Attribute::new(
        "image",
        Type::text(&rule::SOME),
        "The image to run. LocalStack 4.4 is what is tested; images after 4.14 want a token, and get `LOCALSTACK_AUTH_TOKEN` from where Atlas runs.",
        &["\"localstack/localstack:4.4\"", "\"localstack/localstack:4.3\""],
    )
    .default("\"localstack/localstack:4.4\""),
    Attribute::new(
        "services",
        Type::set(const { &Type::text(&rule::SOME) }),
        "The services that it loads.",
        &["[\"iam\", \"s3\", \"sqs\", \"sts\"]", "[\"s3\"]"],
    )
    .default("[\"iam\", \"s3\", \"sqs\", \"sts\"]"),
    Attribute::new(
        "persist",
        Type::Bool,
        "It keeps its contents when it stops, where its edition can. Its data is in a volume of its own in any case.",
        &["true"],
    )
    .default("false"),
    Attribute::new(
        "network",
        Type::address(&["network"]),
        "The network that it is in, under its region's name.",
        &["\"network.shared\"", "\"network.more\""],
    ),
    Attribute::new(
        "command",
        Type::list(&TEXT),
        "What it runs, in place of the image's own.",
        &["[\"start\"]", "[\"run\"]"],
    ),
    Attribute::new(
        "binds",
        Type::set(const { &Type::text(&engine_rule::BIND) }),
        "Folders of the engine's machine in the container.",
        &["[\"/opt/localstack:/opt/localstack:ro\"]", "[\"/srv:/srv\"]"],
    ),
    Attribute::new(
        "environment",
        Type::map(&TEXT),
        "More environment variables.",
        &["{ DEBUG = \"1\" }", "{ DEBUG = \"0\" }"],
    )
    .reserved(reserved::LOCALSTACK),
    ENGINE,
];

fn check(resource: &Resource<'_>, _: &dyn View, findings: &mut Findings) {
    let get = |one: &Resource<'_>, name: &str| one.attributes.at(name).cloned().filter(|value| !value.is_null());
    if get(resource, "aws").is_some() && get(resource, "localstack").is_some() {
        findings.error(
            "localstack",
            &code::REGION_TWO_THINGS,
            "a region is either AWS or a LocalStack container",
            "keep `aws` or `localstack`, not both",
        );
    }
}

/// LocalStack's own account: <https://docs.localstack.cloud/aws/capabilities/config/multi-account-setups/>.
fn account(facts: &Facts<'_>) -> Option<String> {
    localstack_port(facts).map(|_| "000000000000".into())
}

/// A region on another machine than this one answers at that machine.
fn endpoint(facts: &Facts<'_>) -> Option<String> {
    let port = localstack_port(facts)?;
    let engine = facts.attributes.at("localstack.engine").and_then(Value::as_str);
    let machine = engine.and_then(|engine| engine.split_once("://"));
    let machine = machine.filter(|(how, _)| ["tcp", "http", "https", "ssh"].contains(how)).map(|(_, machine)| machine);
    let machine = machine.map(|machine| machine.rsplit('@').next().unwrap_or(machine));
    let host = machine.map_or("127.0.0.1", |machine| machine.split([':', '/']).next().unwrap_or(machine));
    Some(format!("http://{host}:{port}"))
}

fn localstack_port(facts: &Facts<'_>) -> Option<i64> {
    match facts.attributes.at("localstack.port") {
        Some(Value::Int(port)) => Some(*port),
        _ => None,
    }
}
