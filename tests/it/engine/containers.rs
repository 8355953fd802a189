//! What `docker inspect` says in the words of the spec; containers that somebody changed behind Atlas's back; volumes
//! with data in them.

use atlas::action::{Action, Cause};
use atlas::kind::Kind;
use atlas::plan::Options;
use serde_json::{Map, Value, json};

use super::{Engine, RUNS, container, head, until};
use crate::support::{Place, actions, execute, summary};

/// An attribute as `docker inspect` shows it, in the words of the spec. The engine fills in what the spec leaves out
/// (addresses of a network, variables of an image): an attribute that is not wanted at all is not compared then.
pub fn attribute_of(kind: &Kind, attribute: &str, seen: &Value, wanted: &Value) -> Value {
    let (config, host) = (&seen["Config"], &seen["HostConfig"]);
    let mebi = |value: &Value| value.as_i64().filter(|number| *number > 0).map(|number| number / 1_048_576);
    let ipam = &seen["IPAM"]["Config"][0];
    let plain = match (kind.name, attribute) {
        (_, "name") => json!(seen["Name"].as_str().unwrap_or_default().trim_start_matches('/')),
        (_, "labels") => labels(if kind.name == "container" { &config["Labels"] } else { &seen["Labels"] }),
        (_, "driver") => seen["Driver"].clone(),
        ("network", "subnet") => ipam["Subnet"].clone(),
        ("network", "gateway") => ipam["Gateway"].clone(),
        ("network", "ip_range") => ipam["IPRange"].clone(),
        ("network", "subnets") => ranges(&seen["IPAM"]["Config"], wanted),
        ("network", "options") => seen["Options"].clone(),
        ("network", "internal") => seen["Internal"].clone(),
        ("network", "ipv6") => seen["EnableIPv6"].clone(),
        ("volume", "options") => seen["Options"].clone(),
        (_, "image") => config["Image"].clone(),
        (_, "command") => config["Cmd"].clone(),
        (_, "entrypoint") => config["Entrypoint"].clone(),
        (_, "environment") => variables(config, wanted),
        (_, "secrets") => return secrets(config, wanted),
        (_, "ports") => ports(host, wanted),
        (_, "binds") => sorted(&host["Binds"]),
        (_, "volumes") => mounts(host),
        (_, "tmpfs") => json!(host["Tmpfs"].as_object().map(|all| all.keys().collect::<Vec<_>>())),
        (_, "networks") => networks(seen, wanted),
        (_, "restart") => host["RestartPolicy"]["Name"].clone(),
        (_, "memory_mib") => json!(mebi(&host["Memory"])),
        (_, "cpu_millis") => json!(host["NanoCpus"].as_i64().filter(|nanos| *nanos > 0).map(|nanos| nanos / 1_000_000)),
        (_, "pids") => json!(host["PidsLimit"].as_i64().filter(|pids| *pids > 0)),
        (_, "capabilities") => capabilities(host),
        (_, "privileged") => host["Privileged"].clone(),
        (_, "ulimits") => ulimits(host),
        (_, "network_mode") => json!(Some(&host["NetworkMode"]).filter(|mode| **mode == "host" || **mode == "none")),
        (_, "hostname") => config["Hostname"].clone(),
        (_, "extra_hosts") => pairs(&host["ExtraHosts"]),
        (_, "dns") => host["Dns"].clone(),
        (_, "dns_search") => host["DnsSearch"].clone(),
        (_, "restart_retries") => json!(host["RestartPolicy"]["MaximumRetryCount"].as_i64().filter(|count| *count > 0)),
        (_, "swap_mib") => json!(
            (host["MemorySwap"].as_i64().unwrap_or_default() - host["Memory"].as_i64().unwrap_or_default()) / 1_048_576
        ),
        (_, "shm_mib") => json!(mebi(&host["ShmSize"])),
        (_, "security_options") => sorted(&host["SecurityOpt"]),
        (_, "sysctls") => host["Sysctls"].clone(),
        (_, "devices") => devices(&host["Devices"], wanted),
        (_, "groups") => sorted(&host["GroupAdd"]),
        (_, "init") => json!(host["Init"] == true),
        (_, "read_only") => host["ReadonlyRootfs"].clone(),
        (_, "stop_signal") => config["StopSignal"].clone(),
        (_, "stop_timeout") => json!(config["StopTimeout"].as_i64().map(|seconds| format!("{seconds}s"))),
        (_, "logging") => logging(&host["LogConfig"], wanted),
        (_, "user") => config["User"].clone(),
        (_, "workdir") => config["WorkingDir"].clone(),
        (_, "health") => health(&config["Healthcheck"]),
        _ => panic!("{}.{attribute} has no place in docker inspect", kind.name),
    };
    let nothing = plain.is_null() || plain == json!("") || plain == json!({}) || plain == json!([]);
    let chosen =
        ["hostname", "swap_mib", "shm_mib", "stop_signal", "logging", "entrypoint", "user", "workdir", "health"];
    let own =
        matches!(attribute, "subnet" | "gateway" | "ip_range" | "subnets" | "command") || chosen.contains(&attribute);
    if wanted.is_null() && (nothing || own) { Value::Null } else { plain }
}

/// The ranges of a network are those that were asked for. The engine chooses gateways that nobody names.
fn ranges(all: &Value, wanted: &Value) -> Value {
    let asked = |subnet: &Value| wanted.as_array().into_iter().flatten().find(|one| one["subnet"] == *subnet);
    let entry = |one: &Value| {
        let mut range = json!({ "subnet": one["Subnet"] });
        if one["Gateway"].is_string() && asked(&one["Subnet"]).is_none_or(|asked| asked["gateway"].is_string()) {
            range["gateway"] = one["Gateway"].clone();
        }
        if one["IPRange"].as_str().is_some_and(|text| !text.is_empty()) {
            range["ip_range"] = one["IPRange"].clone();
        }
        range
    };
    let there: Vec<Value> = all.as_array().into_iter().flatten().map(entry).collect();
    let asked = wanted.as_array().cloned().unwrap_or_default();
    let same = there.len() == asked.len() && asked.iter().all(|one| there.contains(one));
    if same { wanted.clone() } else { json!(there) }
}

fn pairs(all: &Value) -> Value {
    let all = all.as_array().into_iter().flatten().filter_map(|pair| pair.as_str()?.split_once(':'));
    all.map(|(name, value)| (name.to_owned(), json!(value))).collect::<Map<_, _>>().into()
}

fn devices(all: &Value, wanted: &Value) -> Value {
    let part = |one: &Value, key: &str| one[key].as_str().unwrap_or_default().to_owned();
    let all = all.as_array().into_iter().flatten();
    let mut there: Vec<String> = all
        .map(|one| {
            let (from, to) = (part(one, "PathOnHost"), part(one, "PathInContainer"));
            format!("{from}:{to}:{}", part(one, "CgroupPermissions"))
        })
        .collect();
    let whole = |device: &Value| match device.as_str().unwrap_or_default() {
        short if !short.contains(':') => format!("{short}:{short}:rwm"),
        whole => whole.to_owned(),
    };
    let mut asked: Vec<String> = wanted.as_array().into_iter().flatten().map(whole).collect();
    there.sort();
    asked.sort();
    if there == asked { wanted.clone() } else { json!(there) }
}

fn logging(there: &Value, wanted: &Value) -> Value {
    let mut all = json!({ "driver": there["Type"] });
    if wanted["options"].is_object() || there["Config"].as_object().is_some_and(|options| !options.is_empty()) {
        all["options"] = there["Config"].clone();
    }
    all
}

fn labels(all: &Value) -> Value {
    let own =
        all.as_object().into_iter().flatten().filter(|(key, value)| !key.starts_with("atlas.") && *value != "theirs");
    own.map(|(key, value)| (key.clone(), value.clone())).collect::<Map<_, _>>().into()
}

fn variables(config: &Value, wanted: &Value) -> Value {
    let all = config["Env"].as_array().into_iter().flatten().filter_map(|pair| pair.as_str()?.split_once('='));
    // What the image brings along is no attribute.
    let usual = |(name, value): &(&str, &str)| (*name == "PATH" || *value == "theirs") && wanted.get(name).is_none();
    all.filter(|one| !usual(one)).map(|(name, value)| (name.to_owned(), json!(value))).collect::<Map<_, _>>().into()
}

/// The container has the values, and the spec has the references to them.
fn secrets(config: &Value, wanted: &Value) -> Value {
    let there = variables(config, &Value::Null);
    let value = match (&wanted["TOKEN"]["env"], &wanted["TOKEN"]["file"]) {
        (Value::String(_), _) => json!({ "TOKEN": super::SECRET.1 }),
        (_, Value::String(_)) => json!({ "TOKEN": "another-token" }),
        _ => json!({}),
    };
    if there == value { wanted.clone() } else { there }
}

fn ports(host: &Value, wanted: &Value) -> Value {
    let mut all = Vec::new();
    for (inside, bindings) in host["PortBindings"].as_object().into_iter().flatten() {
        let bindings = bindings.as_array().into_iter().flatten();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        all.extend(bindings.map(|one| format!("{}:{}:{inside}", text(&one["HostIp"]), text(&one["HostPort"]))));
    }
    let whole = |port: &Value| {
        let port = port.as_str().unwrap_or_default();
        let port = if port.contains('/') { port.to_owned() } else { format!("{port}/tcp") };
        if port.matches(':').count() == 2 { port } else { format!("127.0.0.1:{port}") }
    };
    let mut asked: Vec<String> = wanted.as_array().into_iter().flatten().map(whole).collect();
    all.sort();
    asked.sort();
    if all == asked { wanted.clone() } else { json!(all) }
}

fn sorted(list: &Value) -> Value {
    let mut all: Vec<&str> = list.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    all.sort_unstable();
    json!(all)
}

fn mounts(host: &Value) -> Value {
    let mounts = host["Mounts"].as_array().into_iter().flatten();
    let entry = |mount: &Value| {
        assert!(mount["Source"].as_str().is_some_and(|name| name.ends_with("-data")), "{mount}");
        json!({ "volume": "volume.data", "to": mount["Target"], "read_only": mount["ReadOnly"] == true })
    };
    mounts.map(entry).collect::<Vec<_>>().into()
}

fn networks(seen: &Value, wanted: &Value) -> Value {
    let all = seen["NetworkSettings"]["Networks"].as_object().cloned().unwrap_or_default();
    let names: Vec<&String> = all.keys().collect();
    if wanted.is_null() {
        return if ["bridge", "host", "none"].iter().any(|own| names == [own]) { Value::Null } else { json!(names) };
    }
    let asked = wanted[0]["aliases"].as_array().cloned().unwrap_or_default();
    let same = names.len() == 1 && names[0].ends_with("-shared") && aliases(seen, names[0]) == asked;
    if same { wanted.clone() } else { json!(all) }
}

/// The names that a container was given in a network. Engines before 25 add the short form of its id.
fn aliases(seen: &Value, network: &str) -> Vec<Value> {
    let all = seen["NetworkSettings"]["Networks"][network]["Aliases"].as_array().cloned().unwrap_or_default();
    let id = seen["Id"].as_str().unwrap_or_default();
    all.into_iter().filter(|alias| alias.as_str().is_some_and(|alias| !id.starts_with(alias))).collect()
}

fn capabilities(host: &Value) -> Value {
    let list = |key: &str| {
        let all = host[key].as_array().into_iter().flatten().filter_map(Value::as_str);
        all.map(|one| one.trim_start_matches("CAP_").to_owned()).collect::<Vec<_>>()
    };
    let both = [("add", list("CapAdd")), ("drop", list("CapDrop"))];
    both.into_iter()
        .filter(|(_, all)| !all.is_empty())
        .map(|(key, all)| (key.to_owned(), json!(all)))
        .collect::<Map<_, _>>()
        .into()
}

fn ulimits(host: &Value) -> Value {
    let all = host["Ulimits"].as_array().into_iter().flatten();
    let limit = |one: &Value| match one["Soft"] == one["Hard"] {
        true => one["Soft"].clone(),
        false => json!({ "soft": one["Soft"], "hard": one["Hard"] }),
    };
    all.map(|one| (one["Name"].as_str().unwrap_or_default().to_owned(), limit(one))).collect::<Map<_, _>>().into()
}

fn health(seen: &Value) -> Value {
    if seen.is_null() {
        return Value::Null;
    }
    let seconds = |key: &str| format!("{}s", seen[key].as_i64().unwrap_or_default() / 1_000_000_000);
    let (how, what) = if seen["Test"][0] == "CMD-SHELL" {
        ("shell", seen["Test"][1].clone())
    } else {
        ("command", json!(seen["Test"].as_array().map(|all| &all[1..])))
    };
    json!({
        how: what,
        "interval": seconds("Interval"), "timeout": seconds("Timeout"), "start_period": seconds("StartPeriod"),
        "retries": seen["Retries"],
    })
}

/// What somebody does to a container behind Atlas's back, and the plan's reason for it. Each is healed in place.
const MEDDLING: [(&str, &[&[&str]], &str); 10] = [
    ("stopped", &[&["stop", "-t", "1", "NAME"]], "condition"),
    ("killed", &[&["kill", "NAME"]], "condition"),
    ("paused", &[&["pause", "NAME"]], "condition"),
    ("renamed", &[&["rename", "NAME", "NAME-other"]], "name"),
    ("disconnected", &[&["network", "disconnect", "drifting-net", "NAME"]], "networks"),
    ("connected to another network", &[&["network", "connect", "drifting-other", "NAME"]], "networks"),
    (
        "without its alias",
        &[&["network", "disconnect", "drifting-net", "NAME"], &["network", "connect", "drifting-net", "NAME"]],
        "networks",
    ),
    ("restarted otherwise", &[&["update", "--restart", "always", "NAME"]], "restart"),
    ("given more memory", &[&["update", "--memory", "96m", "--memory-swap", "192m", "NAME"]], "memory_mib"),
    ("given more processes", &[&["update", "--pids-limit", "77", "NAME"]], "pids"),
];

#[tokio::test]
async fn what_somebody_does_to_a_container_is_undone_in_place() {
    let Some(engine) = Engine::here() else { return };
    let subject = "memory_mib = 64\npids = 50\nnetworks = [{ network = \"network.net\", aliases = [\"store\"] }]\n";
    let spec = format!(
        "{}[network.net]\nname = \"drifting-net\"\n[network.other]\nname = \"drifting-other\"\n{}",
        head("drifting"),
        container("drifting", subject)
    );
    engine.converge(&spec, &Options::default(), &[]).await.expect("made");
    let id = engine.id("drifting");
    let mut failed = Vec::new();
    for (word, commands, path) in MEDDLING {
        for command in commands {
            let command: Vec<String> = command.iter().map(|word| word.replace("NAME", "drifting")).collect();
            let command: Vec<&str> = command.iter().map(String::as_str).collect();
            engine.docker(&command);
        }
        let outcome = healed(&engine, &spec, &id, path).await;
        println!("container {word:30} {}", outcome.as_ref().map_or_else(String::as_str, |()| "healed in place"));
        failed.extend(outcome.err().map(|error| format!("{word}: {error}")));
    }
    engine.clean("drifting").await;
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

async fn healed(engine: &Engine, spec: &str, id: &str, path: &str) -> Result<(), String> {
    let (_, plan) = engine.plan(spec, &Options::default()).await;
    let found = plan.changes.iter().map(|change| (change.address.to_string(), change.action, change.cause));
    if found.collect::<Vec<_>>() != [("container.drifting".to_owned(), Action::Update, Cause::Drift)] {
        return Err(format!("planned: {}", summary(&plan)));
    }
    let named = plan.changes[0].attributes.iter().any(|one| one.drift.is_some() && one.path.starts_with(path));
    if !named {
        return Err(format!("{path} is not named: {}", summary(&plan)));
    }
    engine.converge(spec, &Options::default(), &[]).await?;
    let seen = engine.inspect("container", "drifting");
    let joined: Vec<&String> =
        seen["NetworkSettings"]["Networks"].as_object().into_iter().flatten().map(|(name, _)| name).collect();
    let well = seen["Id"] == id
        && seen["State"]["Status"] == "running"
        && joined == ["drifting-net"]
        && aliases(&seen, "drifting-net") == ["store"]
        && seen["HostConfig"]["Memory"] == 64 * 1_048_576
        && seen["HostConfig"]["PidsLimit"] == 50
        && seen["HostConfig"]["RestartPolicy"]["Name"] == "unless-stopped";
    if well { Ok(()) } else { Err(format!("afterwards: {seen}")) }
}

#[tokio::test]
async fn an_engine_that_has_two_names_has_each_object_once() {
    let Some(engine) = Engine::here() else { return };
    // The network is on the usual engine, and the volume on an engine given by its address, which is the same engine.
    let spec = format!("{}[network.two-names]\n[volume.two-names]\nengine = \"{}\"\n", head("two-names"), engine.host);
    engine.converge(&spec, &Options::default(), &[]).await.unwrap_or_else(|error| panic!("{error}"));
    engine.clean("two-names").await;
}

#[tokio::test]
async fn a_container_that_was_made_and_never_started_is_made_again() {
    let Some(engine) = Engine::here() else { return };
    // A container whose port is taken is created and can't start, as after a run that ended between the two.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port();
    let spec =
        format!("{}{}", head("halfway"), container("halfway", &format!("restart = \"no\"\nports = [\"{port}:80\"]\n")));
    engine.converge(&spec, &Options::default(), &[]).await.expect_err("the port is taken");
    assert_eq!(engine.inspect("container", "halfway")["State"]["Status"], "created");
    let id = engine.id("halfway");
    let (_, plan) = engine.plan(&spec, &Options::default()).await;
    assert_eq!(json!(actions(&plan)), json!({ "container.halfway": "update" }), "{}", summary(&plan));
    assert!(summary(&plan).contains("never started"), "{}", summary(&plan));
    // Atlas itself began it, and nobody else touched it: neither the plan nor `drift` says otherwise.
    let change = &plan.changes[0];
    assert_eq!((change.cause, change.reason.as_str()), (Cause::Spec, "it was begun and not finished"));
    assert!(change.attributes.iter().all(|one| !one.drift.is_some()), "{:?}", change.attributes);
    let place = Place::with(&spec);
    let drift = engine.json(&place, 0, &["drift", "--json"]);
    assert_eq!((&drift["drift"], &drift["unknown"]), (&json!([]), &json!([])), "{drift:#}");
    // An edit of the spec meanwhile is a change.
    place.edit("restart", "user = \"0\"\nrestart");
    let plan = engine.json(&place, 0, &["plan", "--json"]);
    assert_eq!(plan["changes"][0]["cause"], "spec", "{plan:#}");
    engine.expect(&place, 0, &["drift"]);
    drop(taken);
    engine.converge(&spec, &Options::default(), &[]).await.expect("started");
    assert_ne!(engine.id("halfway"), id, "an engine may hold a remainder of one that could not start");
    engine.clean("halfway").await;
}

#[tokio::test]
async fn a_volume_with_data_is_not_deleted_by_accident() {
    let Some(engine) = Engine::here() else { return };
    let keeper = "command = [\"/bin/sh\", \"-c\", \"trap 'exit 0' TERM; echo 0123456789 > /data/file; sync; sleep 1d & wait\"]\n\
        volumes = [{ volume = \"volume.full\", to = \"/data\" }]\n";
    let with = format!("{}[volume.empty]\nname = \"loss-empty\"\n[volume.full]\nname = \"loss-full\"\n", head("loss"));
    let spec = with.clone() + &container("loss-keeper", keeper);
    engine.converge(&spec, &Options::default(), &[]).await.expect("made");
    let file = format!("{}/file", engine.docker(&["volume", "inspect", "-f", "{{.Mountpoint}}", "loss-full"]));
    until("the file is written", || std::fs::read(&file).is_ok_and(|bytes| bytes.len() == 11));
    engine.converge(&with, &Options::default(), &[]).await.expect("the container goes");
    let (pipeline, plan) = engine.plan(&head("loss"), &Options::default()).await;
    let verdict = |address: &str| {
        let change = plan.changes.iter().find(|change| change.address.to_string() == address).expect("planned");
        let verdict = change.verdict.clone().expect("a deletion");
        (format!("{:?}", change.risk()), verdict.evidence)
    };
    assert_eq!(verdict("volume.empty"), ("Safe".into(), "the volume is empty".into()));
    assert_eq!(verdict("volume.full"), ("Lossy".into(), "the volume holds 11 bytes".into()));
    let refused = atlas::run::refuse_loss(&plan, &[], None);
    assert!(format!("{refused:?}").contains("--allow-loss volume.full"), "{refused:?}");
    assert!(!format!("{refused:?}").contains("volume.empty"), "{refused:?}");
    let report = execute(&pipeline, plan, &[]).await;
    assert!(report.undone().any(|address| address.as_str() == "volume.full"));
    assert_eq!(std::fs::read(&file).expect("there still").len(), 11);
    assert!(engine.inspect("volume", "loss-empty").is_null());
    engine.converge(&head("loss"), &Options::default(), &["volume.full"]).await.expect("allowed");
    assert!(engine.inspect("volume", "loss-full").is_null());
}

#[tokio::test]
async fn many_volumes_go_at_a_time() {
    let Some(engine) = Engine::here() else { return };
    let blocks: String = (0..12).map(|at| format!("[volume.v{at}]\nname = \"many-{at}\"\n")).collect();
    engine.converge(&(head("many") + &blocks), &Options::default(), &[]).await.expect("made");
    // Somebody else asks what volumes hold all the while, which engines before 23 can do once at a time only.
    let host = engine.host.clone();
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let asked = {
        let stop = stop.clone();
        std::thread::spawn(move || {
            let other = Engine::at(&host);
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                let _ = other.ask(&["system", "df"]);
            }
        })
    };
    let gone = engine.converge(&head("many"), &Options::default(), &[]).await;
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    asked.join().expect("it ends");
    gone.expect("empty volumes go without anybody's leave");
}

#[tokio::test]
async fn a_folder_beside_the_spec_is_bound_wherever_that_is() {
    let Some(engine) = Engine::here() else { return };
    let own = engine.folder.path().join("data");
    std::fs::create_dir(&own).expect("made");
    let binds = RUNS[2].1.replace(']', ", \"./data/:/data:ro\"]");
    let spec = head("beside") + &container("beside", &format!("binds = {binds}\n"));
    engine.converge(&spec, &Options::default(), &[]).await.expect("made, and nothing left to do");
    let seen = engine.inspect("container", "beside");
    let there = seen["HostConfig"]["Binds"]
        .as_array()
        .expect("binds")
        .iter()
        .any(|bind| *bind == format!("{}:/data:ro", own.display()));
    assert!(there, "{}", seen["HostConfig"]["Binds"]);
    engine.clean("beside").await;
}
