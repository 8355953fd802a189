//! Every key that a service of a compose file can have, and what becomes of it.
//!
//! Source: <https://github.com/compose-spec/compose-spec/blob/main/schema/compose-spec.json>.

use super::service::{ServiceDraft, pairs, texts};
use super::untaken::Untakable;
use super::yaml::YamlEntry;
use super::{health, join, limit, mount, port, start, variable};
use crate::value::Value;

/// What becomes of a key.
enum Taking {
    /// A text as it is.
    Text(&'static str),
    /// True or false.
    Flag(&'static str),
    /// A text or a list of them, as a list.
    Texts(&'static str),
    /// A mapping or a list of `KEY=VALUE`, as a table.
    Pairs(&'static str),
    /// Something of its own.
    Own(fn(&mut ServiceDraft<'_>, &YamlEntry) -> Result<(), Untakable>),
    /// Read before everything else.
    Earlier,
    /// Not taken: why, and the way out.
    Not(&'static str, &'static str),
}

use Taking::{Earlier, Flag, Not, Own, Pairs, Text, Texts};

const NO_ATTRIBUTE: &str = "no attribute of a container says this";
const BUILD_ELSEWHERE: &str = "leave it to what builds and runs on your own machine";
const SWARM: &str = "leave it out; the limits of the machine count then";

static KEYS: &[(&str, Taking)] = &[
    ("annotations", Not(NO_ATTRIBUTE, "say it as `labels` where they do as well")),
    ("attach", Not("it is about what a terminal shows", "see `atlas logs container.NAME -f`")),
    ("blkio_config", Not(NO_ATTRIBUTE, SWARM)),
    ("build", Own(start::build)),
    ("cap_add", Own(limit::cap_add)),
    ("cap_drop", Own(limit::cap_drop)),
    ("cgroup", Not(NO_ATTRIBUTE, "leave it to how the engine is set up")),
    ("cgroup_parent", Not(NO_ATTRIBUTE, "leave it to how the engine is set up")),
    ("command", Own(start::command)),
    ("configs", Own(mount::configs)),
    ("container_name", Text("name")),
    ("cpu_count", Not("it counts on Windows only", "say `cpus`")),
    ("cpu_percent", Not("it counts on Windows only", "say `cpus`")),
    ("cpu_period", Not(NO_ATTRIBUTE, "say `cpus`, which means the same")),
    ("cpu_quota", Not(NO_ATTRIBUTE, "say `cpus`, which means the same")),
    ("cpu_rt_period", Not(NO_ATTRIBUTE, SWARM)),
    ("cpu_rt_runtime", Not(NO_ATTRIBUTE, SWARM)),
    ("cpu_shares", Not("it is a share and no limit", "say `cpus`")),
    ("cpus", Own(limit::cpus)),
    ("cpuset", Not(NO_ATTRIBUTE, "say `cpus` for how much it may have")),
    ("credential_spec", Not("it counts on Windows only", "leave it out")),
    ("depends_on", Own(start::depends_on)),
    ("deploy", Own(limit::deploy)),
    ("develop", Not("it is about working on the image", BUILD_ELSEWHERE)),
    ("device_cgroup_rules", Not(NO_ATTRIBUTE, "name each device in `devices`")),
    ("devices", Own(limit::devices)),
    ("dns", Texts("dns")),
    ("dns_opt", Not(NO_ATTRIBUTE, "leave it to how the engine is set up")),
    ("dns_search", Texts("dns_search")),
    ("domainname", Not(NO_ATTRIBUTE, "say the whole name as `hostname`")),
    ("driver_opts", Not(NO_ATTRIBUTE, "say them of the network or the volume that they are about")),
    ("entrypoint", Own(start::entrypoint)),
    ("env_file", Own(variable::env_file)),
    ("environment", Own(variable::environment)),
    (
        "expose",
        Not("it changes nothing: in one network all ports of a container can be reached", "there is nothing to do"),
    ),
    ("extends", Earlier),
    ("external_links", Not("links are legacy", "put both into one network, where they find each other by name")),
    ("extra_hosts", Own(variable::extra_hosts)),
    ("gpus", Not(NO_ATTRIBUTE, "name the devices in `devices`")),
    ("group_add", Texts("groups")),
    ("healthcheck", Own(health::healthcheck)),
    ("hostname", Text("hostname")),
    ("image", Text("image")),
    ("init", Flag("init")),
    ("ipc", Not(NO_ATTRIBUTE, "share what both need through a volume")),
    ("isolation", Not("it counts on Windows only", "leave it out")),
    ("label_file", Not("labels are read from no file", "write them as `labels`")),
    ("labels", Own(variable::labels)),
    ("links", Own(join::links)),
    ("logging", Own(start::logging)),
    ("mac_address", Not(NO_ATTRIBUTE, "let the engine choose it")),
    ("mem_limit", Own(limit::mem_limit)),
    ("mem_reservation", Not("it is a wish and no limit", "say `mem_limit`")),
    ("mem_swappiness", Not(NO_ATTRIBUTE, SWARM)),
    ("memswap_limit", Own(limit::memswap_limit)),
    ("models", Not("Atlas runs no models", "run one as a container of its own")),
    ("network_mode", Own(join::network_mode)),
    ("networks", Own(join::networks)),
    ("oom_kill_disable", Not(NO_ATTRIBUTE, "say `mem_limit` high enough")),
    ("oom_score_adj", Not(NO_ATTRIBUTE, "say `mem_limit` high enough")),
    ("pid", Not(NO_ATTRIBUTE, "leave it out; it sees only its own processes then")),
    ("pids_limit", Own(limit::pids_limit)),
    ("platform", Not("the engine takes the image for its own machine", "name an image of the platform by its digest")),
    ("ports", Own(port::ports)),
    (
        "post_start",
        Not(
            "nothing is run in a container once it started",
            "let its command do it, or a container with `run = \"once\"`",
        ),
    ),
    ("pre_stop", Not("nothing is run in a container before it stops", "let its command do it on its stop signal")),
    ("privileged", Flag("privileged")),
    ("profiles", Earlier),
    ("provider", Not("what another program provides is no container", "make it by what provides it")),
    ("pull_policy", Own(start::pull_policy)),
    ("pull_refresh_after", Not(NO_ATTRIBUTE, "say `pull_policy: always`")),
    ("read_only", Flag("read_only")),
    ("restart", Own(start::restart)),
    ("runtime", Not(NO_ATTRIBUTE, "make it the default runtime of the engine")),
    ("scale", Own(limit::scale)),
    ("secrets", Own(mount::secrets)),
    ("security_opt", Texts("security_options")),
    ("shm_size", Own(limit::shm_size)),
    ("stdin_open", Not("nobody types into it", "see `atlas exec container.NAME -- COMMAND`")),
    ("stop_grace_period", Own(start::stop_grace_period)),
    ("stop_signal", Text("stop_signal")),
    ("storage_opt", Not(NO_ATTRIBUTE, "leave it to how the engine is set up")),
    ("sysctls", Pairs("sysctls")),
    ("tmpfs", Own(mount::tmpfs)),
    ("tty", Not("it has no terminal", "see `atlas exec container.NAME -- COMMAND`")),
    ("ulimits", Own(limit::ulimits)),
    ("use_api_socket", Not("the engine's credentials are not handed on", "bind the socket in `volumes`")),
    ("user", Text("user")),
    ("userns_mode", Not(NO_ATTRIBUTE, "leave it to how the engine is set up")),
    ("uts", Not(NO_ATTRIBUTE, "say `hostname`")),
    ("volumes", Own(mount::volumes)),
    ("volumes_from", Not("whose volumes they are is not followed", "name each volume in `volumes`")),
    ("working_dir", Text("workdir")),
];

/// Takes all that a service says.
pub(super) fn take(service: &mut ServiceDraft<'_>, from: &YamlEntry) {
    // What is said twice in two ways counts as compose counts it: what stands further down in the table.
    for (key, taking) in KEYS {
        let Some(entry) = from.value.entries().iter().find(|entry| entry.key == *key) else { continue };
        // A key without a value says nothing.
        if entry.value.is_null() && *key != "networks" {
            continue;
        }
        if let Err(why) = one(service, taking, entry) {
            service.leave(*key, entry.line, why);
        }
    }
    let known: Vec<&str> = KEYS.iter().map(|(key, _)| *key).collect();
    for entry in from.value.entries().iter().filter(|entry| !known.contains(&entry.key.as_str())) {
        service.leave(entry.key.clone(), entry.line, Untakable::unknown(&entry.key, &known));
    }
    join::by_default(service, from);
    settle(service);
}

/// What can't stand beside each other: an engine would not take it, and neither does a spec.
fn settle(service: &mut ServiceDraft<'_>) {
    for other in ["networks", "ports"] {
        if !service.values.contains_key("network_mode") {
            break;
        }
        if let Some((_, key, line)) = service.values.remove(other) {
            let why = "it has no network of its own, as `network_mode` says";
            service.leave(key, line, Untakable::new(why, "leave it out, or `network_mode`"));
        }
    }
    let restart = service.values.get("restart").and_then(|(restart, ..)| restart.as_str());
    if restart != Some("on-failure")
        && let Some((_, key, line)) = service.values.remove("restart_retries")
    {
        let why = Untakable::new("how often counts only with `on-failure`", "leave it out");
        service.leave(key, line, why);
    }
}

fn one(service: &mut ServiceDraft<'_>, taking: &Taking, from: &YamlEntry) -> Result<(), Untakable> {
    let value = &from.value;
    match taking {
        Earlier => {}
        Not(why, way_out) => return Err(Untakable::new(*why, *way_out)),
        Text(attribute) => {
            let text = value.text().ok_or_else(|| Untakable::sort(value.sort(), "a text"))?;
            service.set(attribute, text.as_str(), from);
        }
        Flag(attribute) => {
            let flag = value.flag().ok_or_else(|| Untakable::sort(value.sort(), "true or false"))?;
            service.set(attribute, Value::Bool(flag), from);
        }
        Texts(attribute) => {
            texts(value)?.iter().for_each(|(text, _)| service.push(attribute, Value::from(text.as_str()), from));
        }
        Pairs(attribute) => {
            for (key, value, _) in pairs(value, &['='])? {
                let text = value.and_then(|value| value.text()).unwrap_or_default();
                service.put(attribute, &key, Value::from(text.as_str()), from);
            }
        }
        Own(take) => return take(service, from),
    }
    Ok(())
}
