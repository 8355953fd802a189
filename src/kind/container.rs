//! A container on a container engine.

use super::attributes::{ENGINE, LABELS, TEXT};
use super::claim::{Exclusive, Reads, Within};
use super::rule;
use super::schema::{Attribute, Host, Kind, Output, Places, Type};
use super::shared::{Shared::Static, Texts};
use super::verdict::Verdict;
use super::view::{Findings, Resource, View};
use crate::diagnostic::code;
use crate::path::join;
use crate::value::Value;

static TEXTS: Type = Type::text(&rule::SOME);

/// A container. What an engine can change about one that exists is an update (its networks, its restart policy, its
/// limits), and so is to start it again, or to give it back its name; anything else replaces it, another name in the spec
/// as well, as that makes it another object. An old and a new one can't stand side by side: both would publish the same
/// ports.
pub static CONTAINER: Kind = Kind {
    name: "container",
    summary: Static("A container on a container engine, kept running the way the spec says."),
    places: Places::One,
    host: Host::World,
    object: true,
    coexists: false,
    hosts_others: false,
    example: Texts::Static(&["image = \"redis:8\""]),
    attributes: Static(&[
        Attribute::new(
            "name",
            Type::text(&rule::DOCKER_NAME),
            "The container's name. The resource's own name by default.",
            &["\"cache\"", "\"cache-2\""],
        ),
        ENGINE,
        Attribute::new(
            "image",
            Type::text(&rule::SOME),
            "The image to run, by tag or by digest.",
            &["\"redis:8\"", "\"redis:7\""],
        )
        .required()
        .replaces(),
        Attribute::new(
            "pull",
            Type::choice(&["missing", "always", "never"]),
            "When the image is pulled before the container is made.",
            &["\"missing\"", "\"always\""],
        )
        .default("\"missing\""),
        Attribute::new(
            "command",
            Type::list(&TEXTS),
            "What it runs, in place of the image's own command.",
            &["[\"sleep\", \"1d\"]", "[\"sleep\", \"2d\"]"],
        )
        .replaces(),
        Attribute::new(
            "entrypoint",
            Type::list(&TEXTS),
            "What stands before the command, in place of the image's own.",
            &["[\"/bin/sh\", \"-c\"]", "[\"/usr/bin/env\"]"],
        )
        .replaces(),
        Attribute::new(
            "environment",
            Type::map(&TEXT),
            "Environment variables.",
            &["{ MODE = \"fast\" }", "{ MODE = \"safe\", LEVEL = \"2\" }"],
        )
        .replaces(),
        Attribute::new(
            "secrets",
            Type::map(const { &Type::Secret }),
            "Environment variables whose values are secret: only their references are shown. Another value in a container than the \
             reference leads to is seen, and replaces it.",
            &["{ TOKEN = { env = \"LEDGER_TOKEN\" } }", "{ TOKEN = { file = \"token.txt\" } }"],
        )
        .replaces(),
        Attribute::new(
            "ports",
            Type::set(const { &Type::text(&rule::PUBLISH) }),
            "Ports of the engine's machine that lead into the container. Without an address they are bound to 127.0.0.1.",
            &["[\"8080:80\"]", "[\"8081:80\", \"127.0.0.1:8082:53/udp\"]"],
        )
        .replaces(),
        Attribute::new(
            "binds",
            Type::set(const { &Type::text(&rule::BIND) }),
            "Folders of the engine's machine in the container, \"FROM:TO\" or \"FROM:TO:ro\".",
            &["[\"/srv/data:/data:ro\"]", "[\"/srv/data:/data\"]"],
        )
        .replaces(),
        Attribute::new(
            "volumes",
            Type::set(const { &Type::object(MOUNT) }),
            "Volumes in the container.",
            &[
                "[{ volume = \"volume.data\", to = \"/data\" }]",
                "[{ volume = \"volume.data\", to = \"/data\", read_only = true }]",
            ],
        )
        .replaces(),
        Attribute::new(
            "tmpfs",
            Type::set(const { &Type::text(&rule::FOLDER) }),
            "Folders that live in memory.",
            &["[\"/tmp\"]", "[\"/tmp\", \"/run\"]"],
        )
        .replaces(),
        Attribute::new(
            "networks",
            Type::set(const { &Type::object(JOIN) }),
            "The networks that it is in. The engine's default network when there are none.",
            &[
                "[{ network = \"network.shared\" }]",
                "[{ network = \"network.shared\", aliases = [\"cache\"] }]",
            ],
        ),
        Attribute::new(
            "restart",
            Type::choice(&["no", "always", "unless-stopped", "on-failure"]),
            "When the engine starts it again by itself.",
            &["\"unless-stopped\"", "\"always\""],
        )
        .default("\"unless-stopped\""),
        Attribute::new("memory_mib", Type::Int(6, 16_777_216), "The most memory, in MiB.", &["512", "256"]),
        Attribute::new("cpu_millis", Type::Int(10, 1_000_000), "The most processor time, in thousandths of a core.", &["500", "750"]),
        Attribute::new("pids", Type::Int(1, 4_194_304), "The most processes.", &["100", "200"]),
        Attribute::new(
            "capabilities",
            Type::object(CAPABILITIES),
            "Linux capabilities, beside the engine's usual ones.",
            &["{ add = [\"NET_ADMIN\"] }", "{ drop = [\"ALL\"] }"],
        )
        .replaces(),
        Attribute::new("privileged", Type::Bool, "It may do anything to its machine.", &["true"])
            .default("false")
            .replaces(),
        Attribute::new(
            "ulimits",
            Type::map(const { &Type::Int(0, i64::MAX) }),
            "Limits of its processes, by name.",
            &["{ nofile = 4096 }", "{ nofile = 8192 }"],
        )
        .replaces(),
        Attribute::new("user", Type::text(&rule::SOME), "The user that runs it.", &["\"1000:1000\"", "\"65534\""])
            .replaces(),
        Attribute::new("workdir", Type::text(&rule::FOLDER), "Where it starts.", &["\"/srv\"", "\"/tmp\""]).replaces(),
        Attribute::new(
            "health",
            Type::object(HEALTH),
            "How the engine finds out whether it is well.",
            &["{ command = [\"true\"], interval = \"1s\" }", "{ command = [\"true\"], interval = \"2s\" }"],
        )
        .replaces(),
        Attribute::new(
            "wait",
            Type::word_or_object(&["running", "healthy"], WAIT),
            "What has to be so before it counts as made, within its `timeout`. That it runs, by default.",
            &["\"running\"", "{ tcp = \"127.0.0.1:8080\" }"],
        ),
        LABELS.replaces(),
    ]),
    outputs: Static(&[
        Output { name: "id", doc: Static("The engine's own name of it."), formula: None },
        Output { name: "digest", doc: Static("The digest of the image that it runs: the registry's, or the engine's own of an image that comes from none."), formula: None },
    ]),
    claims: Static(&[
        Exclusive::new("container name", "name", Within::Engine(Static("engine")), Reads::Name),
        Exclusive::new("port", "ports.*", Within::Engine(Static("engine")), Reads::Published),
        Exclusive::new("address", "networks.*.address", Within::Beside(Static("network")), Reads::Address),
    ]),
    usage: Static(&[]),
    exact: Static(&[]),
    check: Static(&check),
    loss: Static(&|_| Verdict::recoverable("a container is made again from its image; what it wrote outside of its volumes goes")),
    update_loss: Static(&|_, _, _| None),
};

pub(super) static MOUNT: &[Attribute] = &[
    Attribute::new("volume", Type::address(&["volume"]), "The volume.", &["\"volume.data\"", "\"volume.more\""])
        .required(),
    Attribute::new("to", Type::text(&rule::FOLDER), "Where in the container.", &["\"/data\"", "\"/var/lib\""])
        .required(),
    Attribute::new("read_only", Type::Bool, "It can't be written there.", &["true"]).default("false"),
];

static JOIN: &[Attribute] = &[
    Attribute::new("network", Type::address(&["network"]), "The network.", &["\"network.shared\"", "\"network.more\""])
        .required(),
    Attribute::new(
        "aliases",
        Type::set(const { &Type::text(&rule::DNS_LABEL) }),
        "Names that it has there.",
        &["[\"cache\"]", "[\"store\"]"],
    ),
    Attribute::new("address", Type::text(&rule::IP), "Its address there.", &["\"10.77.0.9\"", "\"10.77.0.10\""]),
];

static CAPABILITIES: &[Attribute] = &[
    Attribute::new(
        "add",
        Type::set(const { &Type::text(&rule::CAPABILITY) }),
        "Those it has as well.",
        &["[\"NET_ADMIN\"]", "[\"SYS_TIME\"]"],
    ),
    Attribute::new(
        "drop",
        Type::set(const { &Type::text(&rule::CAPABILITY) }),
        "Those it has not.",
        &["[\"ALL\"]", "[\"MKNOD\"]"],
    ),
];

static HEALTH: &[Attribute] = &[
    Attribute::new(
        "command",
        Type::list(&TEXTS),
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
        Type::text(&rule::URL),
        "An address that answers with a good status.",
        &["\"http://127.0.0.1:8080/\"", "\"http://127.0.0.1:8081/\""],
    ),
    Attribute::new(
        "tcp",
        Type::text(&rule::SOME),
        "A HOST:PORT that takes connections.",
        &["\"127.0.0.1:8080\"", "\"127.0.0.1:8081\""],
    ),
    Attribute::new("log", Type::text(&rule::SOME), "A text that it writes.", &["\"ready\"", "\"Ready.\""]),
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
