//! What a container says.

use crate::kind::attributes::{ENGINE, LABELS, TEXT};
use crate::kind::schema::{Attribute, Type};
use crate::kind::{engine_rule, rule};

static TEXTS: Type = Type::text(&rule::SOME);

/// Every attribute. What an engine can change about a container that exists is changed; the rest replaces it.
pub static ATTRIBUTES: &[Attribute] = &[
        Attribute::new(
            "name",
            Type::text(&engine_rule::DOCKER_NAME),
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
            "env_file",
            Type::list(const { &Type::text(&rule::PATH) }),
            "Files of environment variables beside the spec, `NAME=VALUE` on each line, as compose reads them. Their content counts: \
             an edited file is a change. A later file counts more than an earlier one, and `environment` more than all of them.",
            &["[\"app.env\"]", "[\"app.env\", \"more.env\"]"],
        ),
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
            Type::set(const { &Type::text(&engine_rule::PUBLISH) }),
            "Ports of the engine's machine that lead into the container. Without an address they are bound to 127.0.0.1. A range stands for \
             each of its ports.",
            &["[\"8080:80\"]", "[\"8081:80\", \"127.0.0.1:8082-8083:53-54/udp\"]"],
        )
        .replaces(),
        Attribute::new(
            "binds",
            Type::set(const { &Type::text(&engine_rule::PROJECT_BIND) }),
            "Folders of the engine's machine in the container, \"FROM:TO\" or \"FROM:TO:ro\". One that begins with `./` or `../` is beside the spec.",
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
            Type::set(const { &Type::text(&engine_rule::FOLDER) }),
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
            "network_mode",
            Type::choice(&["host", "none"]),
            "It shares the network of the engine's machine, or has none at all.",
            &["\"none\"", "\"host\""],
        )
        .instead_of(&["networks"])
        .replaces(),
        Attribute::new(
            "hostname",
            Type::text(&engine_rule::HOSTNAME),
            "The name that it has of itself. The beginning of its id by default.",
            &["\"ledger\"", "\"ledger-2\""],
        )
        .replaces(),
        Attribute::new(
            "extra_hosts",
            Type::map(&TEXT),
            "Names that it finds without asking anybody, with their addresses. `host-gateway` is the engine's machine.",
            &["{ \"db.local\" = \"10.77.0.9\" }", "{ \"db.local\" = \"10.77.0.10\" }"],
        )
        .replaces(),
        Attribute::new(
            "dns",
            Type::list(const { &Type::text(&rule::IP) }),
            "The servers that it asks for names, in this order.",
            &["[\"10.77.0.2\"]", "[\"10.77.0.3\", \"10.77.0.2\"]"],
        )
        .replaces(),
        Attribute::new(
            "dns_search",
            Type::list(&TEXTS),
            "The domains in which it looks for short names, in this order.",
            &["[\"ledger.test\"]", "[\"shop.test\", \"ledger.test\"]"],
        )
        .replaces(),
        Attribute::new(
        "run",
        Type::choice(&["always", "once"]),
        "Whether it is to run, or to have run: `once` is a job, which is in order when it ended with exit code 0, and runs again \
         when it is replaced.",
        &["\"always\"", "\"once\""],
    )
    .default("\"always\""),
    Attribute::new(
            "restart",
            Type::choice(&["no", "always", "unless-stopped", "on-failure"]),
            "When the engine starts it again by itself.",
            &["\"unless-stopped\"", "\"always\""],
        )
        .default("\"unless-stopped\""),
        Attribute::new(
            "restart_retries",
            Type::Int(1, 1_000_000),
            "After how many failures the engine leaves it, with `restart = \"on-failure\"`.",
            &["3", "5"],
        )
        .beside(&["restart = \"on-failure\""]),
        Attribute::new("memory_mib", Type::Int(6, 16_777_216), "The most memory, in MiB.", &["512", "256"]).removal_replaces(),
        Attribute::new(
            "swap_mib",
            Type::Int(0, 16_777_216),
            "The most swap space beside `memory_mib`, in MiB. As much as memory by default.",
            &["128", "0"],
        )
        .beside(&["memory_mib = 256"]),
        Attribute::new("shm_mib", Type::Int(1, 16_777_216), "The size of /dev/shm, in MiB.", &["128", "256"]).replaces(),
        Attribute::new("cpu_millis", Type::Int(10, 1_000_000), "The most processor time, in thousandths of a core.", &["500", "750"]).removal_replaces(),
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
            "security_options",
            Type::set(&TEXTS),
            "How the machine's security modules treat it, in the engine's words.",
            &["[\"no-new-privileges\"]", "[\"no-new-privileges\", \"seccomp=unconfined\"]"],
        )
        .replaces(),
        Attribute::new(
            "sysctls",
            Type::map(&TEXT),
            "Settings of the kernel that are its own.",
            &["{ \"net.ipv4.ip_default_ttl\" = \"63\" }", "{ \"net.ipv4.ip_default_ttl\" = \"62\" }"],
        )
        .replaces(),
        Attribute::new(
            "devices",
            Type::set(const { &Type::text(&engine_rule::DEVICE) }),
            "Devices of the engine's machine in the container, \"FROM\" or \"FROM:TO:rwm\".",
            &["[\"/dev/full\"]", "[\"/dev/full:/dev/more:r\", \"/dev/zero\"]"],
        )
        .replaces(),
        Attribute::new(
            "ulimits",
            Type::map(const { &Type::Limit(0, i64::MAX) }),
            "Limits of its processes, by name: a number, or `soft` and `hard` where the processes may raise it themselves.",
            &["{ nofile = 4096 }", "{ nofile = { soft = 1024, hard = 8192 }, core = 0 }"],
        )
        .replaces(),
        Attribute::new("user", Type::text(&rule::SOME), "The user that runs it.", &["\"1000:1000\"", "\"65534\""])
            .replaces(),
        Attribute::new(
            "groups",
            Type::set(&TEXTS),
            "Further groups of the user that runs it.",
            &["[\"1000\"]", "[\"1000\", \"1001\"]"],
        )
        .replaces(),
        Attribute::new("workdir", Type::text(&engine_rule::FOLDER), "Where it starts.", &["\"/srv\"", "\"/tmp\""]).replaces(),
        Attribute::new("init", Type::Bool, "A small program of the engine's starts it, hands signals on and clears up after it.", &["true"])
            .default("false")
            .replaces(),
        Attribute::new("read_only", Type::Bool, "Its own files can't be written.", &["true"]).default("false").replaces(),
        Attribute::new(
            "stop_signal",
            Type::text(&engine_rule::SIGNAL),
            "The signal that ends it.",
            &["\"SIGINT\"", "\"SIGHUP\""],
        )
        .replaces(),
        Attribute::new(
            "stop_timeout",
            Type::Duration(0, 3_600),
            "How long it may take to end before it is killed. 10s by default.",
            &["\"5s\"", "\"20s\""],
        )
        .replaces(),
        Attribute::new(
            "health",
            Type::object(HEALTH),
            "How the engine finds out whether it is well.",
            &["{ command = [\"true\"], interval = \"1s\" }", "{ command = [\"true\"], interval = \"2s\" }"],
        )
        .replaces(),
        Attribute::new(
            "logging",
            Type::object(LOGGING),
            "Where what it writes goes. As the engine is set up by default.",
            &["{ driver = \"local\" }", "{ driver = \"json-file\", options = { \"max-size\" = \"1m\" } }"],
        )
        .replaces(),
        Attribute::new(
            "wait",
            Type::word_or_object(&["running", "healthy"], WAIT),
            "What has to be so before it counts as made, within its `timeout`. That it runs, by default.",
            &["\"running\"", "{ tcp = \"127.0.0.1:8080\" }"],
        ),
        LABELS.replaces(),
];

pub static MOUNT: &[Attribute] = &[
    Attribute::new("volume", Type::address(&["volume"]), "The volume.", &["\"volume.data\"", "\"volume.more\""])
        .required(),
    Attribute::new("to", Type::text(&engine_rule::FOLDER), "Where in the container.", &["\"/data\"", "\"/var/lib\""])
        .required(),
    Attribute::new("read_only", Type::Bool, "It can't be written there.", &["true"]).default("false"),
];

static JOIN: &[Attribute] = &[
    Attribute::new("network", Type::address(&["network"]), "The network.", &["\"network.shared\"", "\"network.more\""])
        .required(),
    Attribute::new(
        "aliases",
        Type::set(const { &Type::text(&engine_rule::DOCKER_NAME) }),
        "Names that it has there.",
        &["[\"cache\"]", "[\"store\"]"],
    ),
    Attribute::new("address", Type::text(&rule::IP), "Its address there.", &["\"10.77.0.9\"", "\"10.77.0.10\""]),
];

static CAPABILITIES: &[Attribute] = &[
    Attribute::new(
        "add",
        Type::set(const { &Type::text(&engine_rule::CAPABILITY) }),
        "Those it has as well.",
        &["[\"NET_ADMIN\"]", "[\"SYS_TIME\"]"],
    ),
    Attribute::new(
        "drop",
        Type::set(const { &Type::text(&engine_rule::CAPABILITY) }),
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
    ),
    Attribute::new(
        "shell",
        Type::text(&rule::SOME),
        "The same as a line for the container's own shell.",
        &["\"test -e /ready\"", "\"true || false\""],
    ),
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
        "An address that answers with a good status. Over HTTPS any certificate will do.",
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

static LOGGING: &[Attribute] = &[
    Attribute::new("driver", Type::text(&rule::SOME), "The engine's word for it.", &["\"local\"", "\"json-file\""])
        .required(),
    Attribute::new(
        "options",
        Type::map(&TEXT),
        "What that is told.",
        &["{ \"max-size\" = \"1m\" }", "{ \"max-size\" = \"2m\" }"],
    ),
];
