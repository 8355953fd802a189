//! The suite for an engine's kinds. The other client is the engine's own command line.

use std::fmt::Write as _;

use atlas::kind::{self, Attribute, Kind};
use atlas::run::Pipeline;
use serde_json::Value;

use super::{Engine, RUNS, free_port, head};
use crate::attributes::{base, say, stages};
use crate::conformance::{Lines, Stand, suite};

/// What this engine can't do, and why.
const LIMITS: &[(&str, &str, &str)] = &[
    ("network", "driver", "a machine without the kernel's module can't have networks of the driver macvlan"),
    ("network", "engine", "there is one engine"),
    ("volume", "engine", "there is one engine"),
    ("volume", "driver", "an engine brings one driver of volumes, `local`; others are plugins"),
    ("container", "engine", "there is one engine"),
    ("container", "privileged", "an engine in a container that may not do everything can't allow it to others"),
];

/// Examples for real containers, in place of those in the table: two values, and what has to stand beside them.
const EXAMPLES: &[(&str, &str, [&str; 2], &[&str])] = &[
    ("network", "name", ["\"conformance-one\"", "\"conformance-two\""], &[]),
    ("volume", "name", ["\"conformance-one\"", "\"conformance-two\""], &[]),
    ("container", "name", ["\"conformance-one\"", "\"conformance-two\""], &[]),
    ("container", "image", ["\"atlas-test/empty:1\"", "\"atlas-test/empty:2\""], &[]),
    (
        "container",
        "command",
        [
            "[\"/bin/sh\", \"-c\", \"trap 'exit 0' TERM; sleep 1d & wait\"]",
            "[\"/bin/sh\", \"-c\", \"trap 'exit 0' TERM; sleep 2d & wait\"]",
        ],
        &[],
    ),
    (
        "container",
        "entrypoint",
        ["[\"/bin/sh\", \"-c\"]", "[\"/usr/bin/env\", \"sh\", \"-c\"]"],
        &["command = [\"trap 'exit 0' TERM; sleep 1d & wait\"]"],
    ),
    ("container", "ports", ["[\"PORT1:80\"]", "[\"PORT2-PORT2:80-80\", \"127.0.0.1:PORT1:53/udp\"]"], &[]),
    (
        "container",
        "binds",
        [
            "[\"/usr:/usr:ro\", \"/lib:/lib:ro\", \"/lib64:/lib64:ro\", \"/bin:/bin:ro\", \"/srv:/data:ro\"]",
            "[\"/usr:/usr:ro\", \"/lib:/lib:ro\", \"/lib64:/lib64:ro\", \"/bin:/bin:ro\", \"/srv:/data\"]",
        ],
        &[],
    ),
    // No command is good for a job and for a server.
    ("container", "run", ["\"once\"", "\"once\""], &["command = [\"/bin/sh\", \"-c\", \"exit 0\"]"]),
    // What is not the first process ends of any signal.
    ("container", "stop_signal", ["\"SIGTERM\"", "\"SIGUSR1\""], &["init = true"]),
    (
        "container",
        "wait",
        ["\"healthy\"", "{ log = \"ready\" }"],
        &["health = { command = [\"true\"], interval = \"1s\" }"],
    ),
];

/// An image with a user, variables, an entrypoint, a command, a folder to start in, a health check, a volume, a label and a
/// signal; `scripts/servers` makes it.
const FULL: &str = "atlas-test/full:1";

/// What steers Atlas and leaves no trace on the object.
const UNSEEN: [&str; 5] = ["pull", "run", "wait", "engine", "env_file"];

#[tokio::test]
async fn networks_conform() {
    conforms("network").await;
}

#[tokio::test]
async fn volumes_conform() {
    conforms("volume").await;
}

#[tokio::test]
async fn containers_conform() {
    conforms("container").await;
}

/// An image that brings a word for everything: what it says is never taken for the spec's.
#[tokio::test]
async fn containers_of_an_image_that_says_everything_conform() {
    let Some(engine) = Engine::here() else { return };
    let engine = Engine { image: FULL, ..engine };
    suite(&engine, &[kind::get("container").expect("a kind")]).await;
}

async fn conforms(kind: &str) {
    let Some(engine) = Engine::here() else { return };
    suite(&engine, &[kind::get(kind).expect("a kind")]).await;
}

impl Stand for Engine {
    fn name(&self) -> &'static str {
        "docker"
    }

    fn limit(&self, kind: &Kind, case: &str) -> Option<&'static str> {
        LIMITS.iter().find(|(of, what, _)| (*of, *what) == (kind.name, case)).map(|(.., why)| *why)
    }

    fn plain(&self, kind: &Kind) -> Lines {
        self.plain_lines(kind)
    }

    fn stages(&self, kind: &Kind, attribute: &Attribute) -> Vec<Lines> {
        self.stages_here(kind, attribute)
    }

    fn spec(&self, kind: &Kind, lines: Option<&Lines>) -> String {
        self.whole_spec(kind, lines)
    }

    fn subject(&self, kind: &Kind) -> String {
        subject(kind)
    }

    fn pipeline(&self, spec: &str) -> Pipeline {
        self.pipeline(spec)
    }

    fn look(&self, kind: &Kind, lines: &Lines) -> Value {
        self.inspect(kind.name, &name_of(lines))
    }

    async fn make(&self, kind: &'static Kind, lines: &Lines) -> Result<(), String> {
        let name = name_of(lines);
        match kind.name {
            "container" => drop(self.start(&name, &[])),
            other => drop(self.docker(&[other, "create", &name])),
        }
        Ok(())
    }

    fn unmake(&self, kind: &Kind, lines: &Lines) -> Result<(), String> {
        let force: &[&str] = if kind.name == "container" { &["--force"] } else { &[] };
        self.ask(&[&[kind.name, "rm"], force, &[&name_of(lines)]].concat()).map(drop)
    }

    fn check(&self, kind: &'static Kind, attribute: &Attribute, seen: &Value, wanted: &Value) -> Result<(), String> {
        if seen.is_null() {
            return Err("it is not there".into());
        }
        if kind.name == "container" && attribute.name != "run" && seen["State"]["Running"] != true {
            return Err(format!("it does not run: {}", seen["State"]));
        }
        if UNSEEN.contains(&attribute.name) {
            return Ok(());
        }
        let now = super::containers::attribute_of(kind, attribute.name, seen, wanted);
        if now == *wanted { Ok(()) } else { Err(format!("docker inspect says {now}, not {wanted}")) }
    }

    fn steers(&self, attribute: &Attribute) -> bool {
        UNSEEN.contains(&attribute.name)
    }

    /// What can change about a container that exists is changed in `containers`, in ten ways; nothing else can.
    fn drifts(&self, _: &Kind, _: &Attribute) -> bool {
        false
    }

    async fn meddle(&self, _: &'static Kind, attribute: &Attribute, _: &Lines, _: &str) -> Result<(), String> {
        Err(format!("nobody can change {}", attribute.name))
    }

    fn same(&self, before: &Value, after: &Value) -> bool {
        let own = |seen: &Value| [seen["Id"].clone(), seen["CreatedAt"].clone(), seen["Created"].clone()];
        !before.is_null() && own(before) == own(after)
    }

    fn id(&self, seen: &Value) -> Option<String> {
        seen["Id"].as_str().map(str::to_owned)
    }

    async fn clean(&self, kind: &'static Kind) {
        self.clean(&self.project(kind)).await;
    }
}

impl Engine {
    fn project(&self, kind: &Kind) -> String {
        self.named(kind.name)
    }

    /// Two suites may run at once, so what they make has names of its own.
    fn named(&self, name: &str) -> String {
        if self.image == FULL { format!("full-{name}") } else { format!("conformance-{name}") }
    }

    /// A spec whose subject says these lines, with what they refer to.
    fn whole_spec(&self, kind: &Kind, lines: Option<&Lines>) -> String {
        let mut text = head(&self.project(kind));
        let all: String = lines.into_iter().flatten().map(|(name, value)| format!("{name} = {value}\n")).collect();
        for (address, name) in [("volume.data", "data"), ("network.shared", "shared")] {
            if all.contains(address) {
                let _ = writeln!(text, "[{address}]\nname = \"{}\"\n", self.named(name));
            }
        }
        if lines.is_some() {
            let _ = writeln!(text, "[{}.subject]\n{all}", kind.name);
        }
        text
    }

    /// The least that a good block says here.
    fn plain_lines(&self, kind: &Kind) -> Lines {
        let mut lines = base(kind);
        if kind.name == "container" {
            lines.extend(RUNS.map(|(name, value)| (name.to_owned(), value.to_owned())));
            lines.insert("image".to_owned(), format!("\"{}\"", self.image));
        }
        named(lines, &self.project(kind))
    }

    /// The specs that an attribute's test goes through: those of its table, of containers that can run here.
    fn stages_here(&self, kind: &Kind, attribute: &Attribute) -> Vec<Lines> {
        let plain = self.plain_lines(kind);
        let own = EXAMPLES.iter().find(|(k, a, ..)| (*k, *a) == (kind.name, attribute.name));
        let Some((.., examples, beside)) = own else {
            let all = stages(kind, attribute).into_iter().map(|lines| {
                let more = lines.into_iter().filter(|(name, _)| name != "image");
                plain.clone().into_iter().chain(more).collect()
            });
            return all.collect();
        };
        let ports = [free_port().to_string(), free_port().to_string()];
        let with = |example: &&str| {
            let mut lines = plain.clone();
            beside.iter().for_each(|line| say(&mut lines, line));
            let example = example
                .replace("conformance-", &self.named(""))
                .replace("PORT1", &ports[0])
                .replace("PORT2", &ports[1]);
            lines.insert(attribute.name.to_owned(), example);
            lines
        };
        [plain.clone()].into_iter().chain(examples.iter().map(with)).chain([plain.clone()]).collect()
    }
}

fn subject(kind: &Kind) -> String {
    format!("{}.subject", kind.name)
}

fn named(mut lines: Lines, name: &str) -> Lines {
    lines.entry("name".to_owned()).or_insert_with(|| format!("\"{name}\""));
    lines
}

fn name_of(lines: &Lines) -> String {
    lines["name"].trim_matches('"').to_owned()
}
