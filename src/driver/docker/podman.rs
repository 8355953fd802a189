//! What Podman says in other words than Docker, brought back to the words in which it was asked.
//!
//! Podman speaks Docker's API, and tells of a container what became of it, with its own defaults filled in:
//! <https://docs.podman.io/en/latest/_static/api.html>.

use bollard::models::{HostConfig, ResourcesUlimits};
use serde_json::Value;

use super::reference::ImageReference;

/// The most processes that a container of Podman has when nobody says how many:
/// <https://docs.podman.io/en/latest/markdown/podman-run.1.html#pids-limit-limit>.
const PIDS: i64 = 2_048;
/// The limits that Podman gives to every container.
const USUAL_LIMITS: [&str; 2] = ["nofile", "nproc"];

/// The capabilities that containers have when nobody says which:
/// <https://docs.podman.io/en/latest/markdown/podman-run.1.html#cap-add-capability>.
const USUAL_CAPABILITIES: [&str; 11] = [
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

/// One `FROM:TO` or `FROM:TO:ro` of the engine's machine or of a volume. Podman's further options are its defaults.
pub(super) struct Bind {
    /// A folder, or the name of a volume.
    pub from: String,
    pub to: String,
    pub read_only: bool,
}

impl Bind {
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, ':');
        let (from, to) = (parts.next()?.to_owned(), parts.next()?.to_owned());
        let read_only = parts.next().is_some_and(|options| options.split(',').any(|option| option == "ro"));
        Some(Self { from, to, read_only })
    }

    /// Whether it is a volume's and no folder's.
    pub fn is_volume(&self) -> bool {
        !self.from.starts_with('/')
    }
}

/// An image's name in the spec's spelling, where both lead to the same.
pub(super) fn image(there: String, wanted: Option<&str>) -> String {
    match wanted {
        Some(wanted) if ImageReference::parse(wanted).means(&ImageReference::parse(&there)) => wanted.to_owned(),
        _ => there,
    }
}

/// How many processes a container may have; none where it is only Podman's default.
pub(super) fn pids(host: &HostConfig, said: bool) -> Option<i64> {
    host.pids_limit.filter(|pids| *pids > 0 && (said || *pids != PIDS))
}

/// The limits of a container's processes by name, without those that Podman adds of its own. `said` tells of a name whether
/// the spec says it.
pub(super) fn ulimits(limits: &[ResourcesUlimits], said: impl Fn(&str) -> bool) -> Vec<(String, (i64, i64))> {
    let entry = |limit: &ResourcesUlimits| {
        let (name, soft) = (limit.name.as_deref()?, limit.soft?);
        let both = (soft, limit.hard.unwrap_or(soft));
        let Some(own) = name.strip_prefix("RLIMIT_").map(str::to_lowercase) else {
            return Some((name.to_owned(), both));
        };
        (!USUAL_LIMITS.contains(&own.as_str()) || said(&own)).then_some((own, both))
    };
    limits.iter().filter_map(entry).collect()
}

/// Whether a container has none of the usual capabilities but those that it was given: Podman writes `ALL` out.
pub(super) fn drops_all(host: &HostConfig) -> bool {
    let named = |list: &Option<Vec<String>>, name: &str| {
        list.iter().flatten().any(|one| one.trim_start_matches("CAP_") == name)
    };
    USUAL_CAPABILITIES.iter().all(|name| named(&host.cap_drop, name) || named(&host.cap_add, name))
}

/// Answers about containers with the states that Docker knows: one that ended just now is `stopped` to Podman until its
/// leftovers are cleared away.
pub(super) fn states(mut answer: Value) -> Value {
    match &mut answer {
        Value::Array(all) => all.iter_mut().for_each(|one| exited(&mut one["State"])),
        one => exited(&mut one["State"]["Status"]),
    }
    answer
}

fn exited(state: &mut Value) {
    if state == "stopped" {
        *state = "exited".into();
    }
}

#[cfg(test)]
mod tests {
    use bollard::models::{HostConfig, ResourcesUlimits};
    use serde_json::json;

    use super::{Bind, image, pids, states, ulimits};

    #[test]
    fn what_podman_adds_is_left_out() {
        let volume = Bind::parse("cache:/data:rw,rprivate,nosuid,nodev,rbind").expect("a bind");
        assert!(volume.is_volume() && !volume.read_only);
        let limit = |name: &str, soft| ResourcesUlimits { name: Some(name.into()), soft: Some(soft), hard: Some(soft) };
        let there = [limit("RLIMIT_NOFILE", 1024), limit("RLIMIT_NPROC", 1024), limit("RLIMIT_CORE", 0)];
        assert_eq!(ulimits(&there, |_| false), [("core".to_owned(), (0, 0))]);
        assert_eq!(
            ulimits(&there, |name| name == "nofile"),
            [("nofile".to_owned(), (1024, 1024)), ("core".to_owned(), (0, 0))]
        );
        let host = HostConfig { pids_limit: Some(2048), ..Default::default() };
        assert_eq!((pids(&host, false), pids(&host, true)), (None, Some(2048)));
    }

    #[test]
    fn an_image_is_spelt_as_the_spec_spells_it() {
        assert_eq!(image("docker.io/library/redis:8".into(), Some("redis:8")), "redis:8");
        assert_eq!(image("docker.io/library/redis:8".into(), Some("redis:7")), "docker.io/library/redis:8");
        assert_eq!(image("quay.io/redis:8".into(), None), "quay.io/redis:8");
    }

    #[test]
    fn states_are_docker_s() {
        assert_eq!(states(json!([{ "State": "stopped" }, { "State": "running" }]))[0]["State"], "exited");
        assert_eq!(states(json!({ "State": { "Status": "stopped" } }))["State"]["Status"], "exited");
    }
}
