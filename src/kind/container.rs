//! A container on a container engine.

use super::attributes::{ENGINE, LABELS, TEXT};
use super::claim::{Exclusive, Reads, Within};
use super::rule;
use super::schema::{Attribute, Host, Kind, Output, Places, Type, Verdict};
use super::view::{Findings, Resource, View};
use crate::diagnostic::code;
use crate::path::join;
use crate::value::Value;

static TEXTS: Type = Type::Text(&rule::SOME);

/// A container. What an engine can change about one that exists is an update (its networks, its restart policy, its
/// limits), and so is to start it again, or to give it back its name; anything else replaces it, another name in the spec
/// as well, as that makes it another object. An old and a new one can't stand side by side: both would publish the same
/// ports.
pub static CONTAINER: Kind = Kind {
    name: "container",
    summary: "A container on a container engine, kept running the way the spec says.",
    places: Places::One,
    host: Host::World,
    object: true,
    coexists: false,
    example: &["image = \"redis:8\""],
    attributes: &[
        Attribute::new(
            "name",
            Type::Text(&rule::DOCKER_NAME),
            "The container's name. The resource's own name by default.",
            &["\"cache\"", "\"cache-2\""],
        ),
        ENGINE,
        Attribute::new(
            "image",
            Type::Text(&rule::SOME),
            "The image to run, by tag or by digest.",
            &["\"redis:8\"", "\"redis:7\""],
        )
        .required()
        .replaces(),
        Attribute::new(
            "pull",
            Type::Choice(&["missing", "always", "never"]),
            "When the image is pulled before the container is made.",
            &["\"missing\"", "\"always\""],
        )
        .default("\"missing\""),
        Attribute::new(
            "command",
            Type::List(&TEXTS),
            "What it runs, in place of the image's own command.",
            &["[\"sleep\", \"1d\"]", "[\"sleep\", \"2d\"]"],
        )
        .replaces(),
        Attribute::new(
            "entrypoint",
            Type::List(&TEXTS),
            "What stands before the command, in place of the image's own.",
            &["[\"/bin/sh\", \"-c\"]", "[\"/usr/bin/env\"]"],
        )
        .replaces(),
        Attribute::new(
            "environment",
            Type::Map(&TEXT),
            "Environment variables.",
            &["{ MODE = \"fast\" }", "{ MODE = \"safe\", LEVEL = \"2\" }"],
        )
        .replaces(),
        Attribute::new(
            "secrets",
            Type::Map(&Type::Secret),
            "Environment variables whose values are secret: only their references are shown. Another value in a container than the \
             reference leads to is seen, and replaces it.",
            &["{ TOKEN = { env = \"LEDGER_TOKEN\" } }", "{ TOKEN = { file = \"token.txt\" } }"],
        )
        .replaces(),
        Attribute::new(
            "ports",
            Type::Set(&Type::Text(&rule::PUBLISH)),
            "Ports of the engine's machine that lead into the container. Without an address they are bound to 127.0.0.1.",
            &["[\"8080:80\"]", "[\"8081:80\", \"127.0.0.1:8082:53/udp\"]"],
        )
        .replaces(),
        Attribute::new(
            "binds",
            Type::Set(&Type::Text(&rule::BIND)),
            "Folders of the engine's machine in the container, \"FROM:TO\" or \"FROM:TO:ro\".",
            &["[\"/srv/data:/data:ro\"]", "[\"/srv/data:/data\"]"],
        )
        .replaces(),
        Attribute::new(
            "volumes",
            Type::Set(&Type::Object(MOUNT)),
            "Volumes in the container.",
            &[
                "[{ volume = \"volume.data\", to = \"/data\" }]",
                "[{ volume = \"volume.data\", to = \"/data\", read_only = true }]",
            ],
        )
        .replaces(),
        Attribute::new(
            "tmpfs",
            Type::Set(&Type::Text(&rule::FOLDER)),
            "Folders that live in memory.",
            &["[\"/tmp\"]", "[\"/tmp\", \"/run\"]"],
        )
        .replaces(),
        Attribute::new(
            "networks",
            Type::Set(&Type::Object(JOIN)),
            "The networks that it is in. The engine's default network when there are none.",
            &[
                "[{ network = \"network.shared\" }]",
                "[{ network = \"network.shared\", aliases = [\"cache\"] }]",
            ],
        ),
        Attribute::new(
            "restart",
            Type::Choice(&["no", "always", "unless-stopped", "on-failure"]),
            "When the engine starts it again by itself.",
            &["\"unless-stopped\"", "\"always\""],
        )
        .default("\"unless-stopped\""),
        Attribute::new("memory_mib", Type::Int(6, 16_777_216), "The most memory, in MiB.", &["512", "256"]),
        Attribute::new("cpu_millis", Type::Int(10, 1_000_000), "The most processor time, in thousandths of a core.", &["500", "750"]),
        Attribute::new("pids", Type::Int(1, 4_194_304), "The most processes.", &["100", "200"]),
        Attribute::new(
            "capabilities",
            Type::Object(CAPABILITIES),
            "Linux capabilities, beside the engine's usual ones.",
            &["{ add = [\"NET_ADMIN\"] }", "{ drop = [\"ALL\"] }"],
        )
        .replaces(),
        Attribute::new("privileged", Type::Bool, "It may do anything to its machine.", &["true"])
            .default("false")
            .replaces(),
        Attribute::new(
            "ulimits",
            Type::Map(&Type::Int(0, i64::MAX)),
            "Limits of its processes, by name.",
            &["{ nofile = 4096 }", "{ nofile = 8192 }"],
        )
        .replaces(),
        Attribute::new("user", Type::Text(&rule::SOME), "The user that runs it.", &["\"1000:1000\"", "\"65534\""])
            .replaces(),
        Attribute::new("workdir", Type::Text(&rule::FOLDER), "Where it starts.", &["\"/srv\"", "\"/tmp\""]).replaces(),
        Attribute::new(
            "health",
            Type::Object(HEALTH),
            "How the engine finds out whether it is well.",
            &["{ command = [\"true\"], interval = \"1s\" }", "{ command = [\"true\"], interval = \"2s\" }"],
        )
        .replaces(),
        Attribute::new(
            "wait",
            Type::WordOrObject(&["running", "healthy"], WAIT),
            "What has to be so before it counts as made, within its `timeout`. That it runs, by default.",
            &["\"running\"", "{ tcp = \"127.0.0.1:8080\" }"],
        ),
        LABELS.replaces(),
    ],
    outputs: &[
        Output { name: "id", doc: "The engine's own name of it.", formula: None },
        Output { name: "digest", doc: "The digest of the image that it runs: the registry's, or the engine's own of an image that comes from none.", formula: None },
    ],
    claims: &[
        Exclusive::new("container name", "name", Within::Engine("engine"), Reads::Name),
        Exclusive::new("port", "ports.*", Within::Engine("engine"), Reads::Published),
        Exclusive::new("address", "networks.*.address", Within::Beside("network"), Reads::Address),
    ],
    usage: &[],
    check,
    loss: |_| Verdict::recoverable("a container is made again from its image; what it wrote outside of its volumes goes"),
    update_loss: |_, _, _| None,
};

pub(super) static MOUNT: &[Attribute] = &[
    Attribute::new("volume", Type::Address(&["volume"]), "The volume.", &["\"volume.data\"", "\"volume.more\""])
        .required(),
    Attribute::new("to", Type::Text(&rule::FOLDER), "Where in the container.", &["\"/data\"", "\"/var/lib\""])
        .required(),
    Attribute::new("read_only", Type::Bool, "It can't be written there.", &["true"]).default("false"),
];

static JOIN: &[Attribute] = &[
    Attribute::new("network", Type::Address(&["network"]), "The network.", &["\"network.shared\"", "\"network.more\""])
        .required(),
    Attribute::new(
        "aliases",
        Type::Set(&Type::Text(&rule::DNS_LABEL)),
        "Names that it has there.",
        &["[\"cache\"]", "[\"store\"]"],
    ),
    Attribute::new("address", Type::Text(&rule::IP), "Its address there.", &["\"10.77.0.9\"", "\"10.77.0.10\""]),
];

static CAPABILITIES: &[Attribute] = &[
    Attribute::new(
        "add",
        Type::Set(&Type::Text(&rule::CAPABILITY)),
        "Those it has as well.",
        &["[\"NET_ADMIN\"]", "[\"SYS_TIME\"]"],
    ),
    Attribute::new(
        "drop",
        Type::Set(&Type::Text(&rule::CAPABILITY)),
        "Those it has not.",
        &["[\"ALL\"]", "[\"MKNOD\"]"],
    ),
];

static HEALTH: &[Attribute] = &[
    Attribute::new(
        "command",
        Type::List(&TEXTS),
        "What is run inside, and ends with 0 while it is well.",
        &["[\"true\"]", "[\"false\"]"],
    )
    .required(),
    Attribute::new("interval", Type::Duration(1, 86_400), "How often.", &["\"10s\"", "\"1s\""]).default("\"10s\""),
    Attribute::new("timeout", Type::Duration(1, 86_400), "How long it may take.", &["\"5s\"", "\"2s\""])
        .default("\"5s\""),
    Attribute::new("retries", Type::Int(1, 1_000), "After how many failures it is not well.", &["3", "5"]).default("3"),
    Attribute::new(
        "start_period",
        Type::Duration(0, 86_400),
        "How long failures don't count in the beginning.",
        &["\"0s\"", "\"5s\""],
    )
    .default("\"0s\""),
];

static WAIT: &[Attribute] = &[
    Attribute::new(
        "http",
        Type::Text(&rule::URL),
        "An address that answers with a good status.",
        &["\"http://127.0.0.1:8080/\"", "\"http://127.0.0.1:8081/\""],
    ),
    Attribute::new(
        "tcp",
        Type::Text(&rule::SOME),
        "A HOST:PORT that takes connections.",
        &["\"127.0.0.1:8080\"", "\"127.0.0.1:8081\""],
    ),
    Attribute::new("log", Type::Text(&rule::SOME), "A text that it writes.", &["\"ready\"", "\"Ready.\""]),
];

fn check(resource: &Resource<'_>, _: &dyn View, findings: &mut Findings) {
    if resource.attributes.get("wait").as_str() == Some("healthy") && resource.attributes.get("health").is_null() {
        // The image may bring a health check of its own, which only the engine knows.
        findings.warning(
            "wait",
            &code::HEALTH_OF_IMAGE,
            "it waits to be healthy, and the spec says no `health`",
            "set `health`, unless the image has a health check of its own",
        );
    }
    let variables = |name: &str| match resource.attributes.get(name) {
        Value::Map(entries) => Some(entries),
        _ => None,
    };
    let (Some(plain), Some(secret)) = (variables("environment"), variables("secrets")) else { return };
    for (name, _) in secret.iter().filter(|(name, _)| plain.get(name.as_str()).is_some()) {
        findings.error(
            join("secrets", name),
            &code::SAID_TWICE,
            format!("`{name}` stands in `environment` as well"),
            "keep one of them",
        );
    }
}
