//! A pod, and why it does not become ready by itself: what the workload that keeps it waits for.
//!
//! <https://github.com/kubernetes-sigs/cli-utils/blob/master/pkg/kstatus/README.md> and
//! <https://kubernetes.io/docs/tasks/debug/debug-application/debug-pods/>

use serde_json::Value;

use super::read::{ObjectFacts, ToldCondition, because, conditions, count, find, is_set, list, number, plain, text};
use crate::observed::Condition;

/// What a container waits for in the ordinary course of things.
const ORDINARY: [&str; 3] = ["", "ContainerCreating", "PodInitializing"];

/// Reasons that follow from the pod itself: only another pod can do better.
const OF_ITSELF: [&str; 2] = ["InvalidImageName", "ErrImageNeverPull"];

/// Reasons of a container that could not be started at all: its command is not in its image, or can't be run.
const NEVER_STARTED: [&str; 2] = ["StartError", "ContainerCannotRun"];

/// Seconds that the scheduler, and the autoscaler of nodes behind it, may take before a pod counts as one that no node
/// takes. As in kstatus.
const SCHEDULING: u64 = 15;

/// What keeps a pod from becoming ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodTrouble {
    /// In one word: `ImagePullBackOff`.
    pub reason: String,
    /// In a few: ``container `app`: ImagePullBackOff: Back-off pulling image "x"``.
    pub text: String,
    /// Which container has it; none when the pod as a whole has.
    pub container: Option<String>,
    /// Whether there is no use in waiting: the cause is in the pod itself, which never changes. An image that can't be
    /// pulled may be pushed yet, a node may join, and a container that crashes may find its database: these are not
    /// fatal. Nor is `CreateContainerConfigError`, as long as it is for a Secret or ConfigMap that may come with the
    /// next object applied; one who sees it last may give up by the clock, which is not looked at here.
    pub fatal: bool,
}

/// Where a trouble was found: a pod that restarts may well become ready, one that is stuck does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// No node takes it, or it may not be given to one.
    Unscheduled,
    /// It is kept from starting, or was ended for good.
    Stuck,
    /// It was started again after it had ended.
    Restarted,
}

/// A pod. Unlike kstatus, for which a pod is done either way, one that failed does not do what it is for; and one whose
/// container is kept from starting by its image or settings is degraded just as one that crashes.
pub fn pod(facts: &ObjectFacts) -> Condition {
    let phase = text(facts.object, "/status/phase");
    if phase == "Succeeded" {
        return Condition::Ready;
    }
    if !matches!(phase, "" | "Pending" | "Running" | "Failed") {
        return Condition::Unknown(format!("its phase is {phase}"));
    }
    if phase == "Running"
        && let Some(ready) = facts.find("Ready").filter(|one| one.is_true())
    {
        return if ready.stale { Condition::Progressing(ready.outdated()) } else { Condition::Ready };
    }
    match find_trouble(facts.object) {
        Some((Stage::Stuck, trouble)) => Condition::Degraded(trouble.text),
        Some((Stage::Unscheduled, trouble)) if is_given_up(facts, &trouble.reason) => Condition::Degraded(trouble.text),
        Some((_, trouble)) => Condition::Progressing(trouble.text),
        None => Condition::Progressing(waits(facts, phase)),
    }
}

/// Whether no node has taken it for too long; a pod of unknown age was there for long.
fn is_given_up(facts: &ObjectFacts, reason: &str) -> bool {
    reason == "Unschedulable" && facts.age.is_none_or(|age| age >= SCHEDULING)
}

/// What a pod without trouble waits for.
fn waits(facts: &ObjectFacts, phase: &str) -> String {
    match phase {
        "" => "no one has taken it up yet".into(),
        "Pending" => "its containers are being created".into(),
        _ => facts
            .find("Ready")
            .filter(|one| one.is_false())
            .map_or_else(|| "it is not ready yet".into(), ToldCondition::why),
    }
}

/// Whether a pod that is not ready can't become so by itself, and why.
#[must_use]
pub fn pod_trouble(pod: &Value) -> Option<PodTrouble> {
    find_trouble(pod).map(|(_, trouble)| trouble)
}

/// The worst trouble of a pod: a fatal one, or else the first, in the order that its containers start.
fn find_trouble(pod: &Value) -> Option<(Stage, PodTrouble)> {
    let phase = text(pod, "/status/phase");
    let told = conditions(pod.pointer("/status/conditions"), None).unwrap_or_default();
    let ready = find(&told, "Ready").is_some_and(|one| one.is_true());
    if ready || phase == "Succeeded" || is_set(pod, "/metadata/deletionTimestamp") {
        return None;
    }
    if phase == "Failed" {
        return Some((Stage::Stuck, failed(pod)));
    }
    let placed = phase == "Running";
    if let Some(one) = find(&told, "PodScheduled").filter(|one| one.is_false() && !placed) {
        let reason = if one.reason.is_empty() { "Unschedulable" } else { one.reason };
        let text = because(reason, one.message);
        return Some((Stage::Unscheduled, PodTrouble { reason: reason.into(), text, container: None, fatal: false }));
    }
    let mut all: Vec<_> = containers(pod).filter_map(waiting).collect();
    let once = text(pod, "/spec/restartPolicy") == "Never";
    all.extend(containers(pod).filter_map(|one| ended(one, once)));
    let worst = all.iter().position(|(_, trouble)| trouble.fatal).unwrap_or(0);
    all.into_iter().nth(worst)
}

/// The states of its containers, those that initialise it first.
fn containers(pod: &Value) -> impl Iterator<Item = &Value> {
    list(pod, "/status/initContainerStatuses").iter().chain(list(pod, "/status/containerStatuses"))
}

/// The trouble of a pod that has ended for good: evicted, or one of its containers failed and is not to be restarted.
fn failed(pod: &Value) -> PodTrouble {
    let whole = because(text(pod, "/status/reason"), text(pod, "/status/message"));
    let container = containers(pod).find(|one| exit_code(one, "/state/terminated").is_some_and(|code| code != 0));
    match container {
        Some(container) if whole.is_empty() => {
            let end = "/state/terminated";
            of(container, end_word(container, end), &exit(container, end), true)
        }
        _ => {
            let reason = text(pod, "/status/reason");
            let reason = if reason.is_empty() { "Failed" } else { reason };
            let text = if whole.is_empty() { "it has failed".into() } else { whole };
            PodTrouble { reason: reason.into(), text, container: None, fatal: true }
        }
    }
}

/// The trouble of a container that is kept from starting.
fn waiting(container: &Value) -> Option<(Stage, PodTrouble)> {
    let reason = text(container, "/state/waiting/reason");
    if ORDINARY.contains(&reason) {
        return None;
    }
    let message = text(container, "/state/waiting/message");
    let last = "/lastState/terminated";
    let fatal = OF_ITSELF.contains(&reason)
        || NEVER_STARTED.contains(&text(container, "/lastState/terminated/reason"))
        // https://kubernetes.io/docs/tasks/configure-pod-container/security-context/
        || (reason == "CreateContainerConfigError" && message.contains("runAsNonRoot"));
    let why = if reason == "CrashLoopBackOff" && is_set(container, last) {
        let word = end_word(container, last);
        let word = if word == "Error" { String::new() } else { format!("{word}, ") };
        format!("{word}{}{}", exit(container, last), again(container))
    } else {
        plain(message)
    };
    Some((Stage::Stuck, of(container, reason, &why, fatal)))
}

/// The trouble of a container that has ended, for good when it is to run `once`, or that runs again after it had. One
/// that initialises is to end well.
fn ended(container: &Value, once: bool) -> Option<(Stage, PodTrouble)> {
    let at = if is_set(container, "/state/terminated") { "/state/terminated" } else { "/lastState/terminated" };
    let now = at == "/state/terminated";
    let code = exit_code(container, at)?;
    let waits = !ORDINARY.contains(&text(container, "/state/waiting/reason"));
    let fine = container.get("ready").and_then(Value::as_bool) == Some(true);
    if waits || fine || (now && code == 0) {
        return None;
    }
    let why = format!("{}{}", exit(container, at), again(container));
    let over = now && once;
    let fatal = over || NEVER_STARTED.contains(&end_word(container, at));
    Some((if over { Stage::Stuck } else { Stage::Restarted }, of(container, end_word(container, at), &why, fatal)))
}

/// A container's exit code at one of its ends.
fn exit_code(container: &Value, end: &str) -> Option<i64> {
    number(container, &format!("{end}/exitCode"))
}

/// Why a container ended, in a word: `OOMKilled`.
fn end_word<'a>(container: &'a Value, end: &str) -> &'a str {
    match text(container, &format!("{end}/reason")) {
        "" => "Error",
        word => word,
    }
}

/// How a container ended: "exit code 137", and what it left to say.
fn exit(container: &Value, end: &str) -> String {
    let code = exit_code(container, end).map_or_else(|| "no exit code".into(), |code| format!("exit code {code}"));
    match plain(text(container, &format!("{end}/message"))) {
        message if message.is_empty() => code,
        message => format!("{code}, {message}"),
    }
}

/// How often a container was started again.
fn again(container: &Value) -> String {
    match count(container, "/restartCount") {
        ..=0 => String::new(),
        1 => ", restarted once".into(),
        times => format!(", restarted {times} times"),
    }
}

/// A trouble of a container.
fn of(container: &Value, reason: &str, why: &str, fatal: bool) -> PodTrouble {
    let name = text(container, "/name");
    let text = format!("container `{name}`: {}", because(reason, why));
    PodTrouble { reason: reason.into(), text, container: Some(name.into()), fatal }
}
