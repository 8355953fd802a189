//! Objects that keep a number of pods.
//!
//! <https://github.com/kubernetes-sigs/cli-utils/blob/master/pkg/kstatus/README.md>

use serde_json::Value;

use super::general::degraded;
use super::read::{ObjectFacts, count, flag, number, text};
use crate::observed::Condition;

/// What the API server writes for "no deadline at all".
///
/// <https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#progress-deadline-seconds>
const NO_DEADLINE: i64 = i32::MAX as i64;

/// Whether a user stopped a Deployment: it waits for the user and for nothing else, so that nothing is to wait for it.
pub fn is_paused(object: &Value) -> bool {
    flag(object, "/spec/paused")
}

/// A Deployment.
pub fn deployment(facts: &ObjectFacts) -> Condition {
    let object = facts.object;
    let progressing = facts.find("Progressing");
    if let Some(one) = progressing.filter(|one| one.reason == "ProgressDeadlineExceeded") {
        return degraded(one);
    }
    let wanted = replicas(object);
    let have = count(object, "/status/replicas");
    let updated = count(object, "/status/updatedReplicas");
    let available = count(object, "/status/availableReplicas");
    let lacks = short(have, wanted, "created")
        .or_else(|| short(updated, wanted, "updated"))
        .or_else(|| surplus(have, wanted))
        .or_else(|| short(available, updated, "available"))
        .or_else(|| short(count(object, "/status/readyReplicas"), wanted, "ready"));
    if let Some(lacks) = lacks {
        return Condition::Progressing(failure(facts).unwrap_or(lacks));
    }
    // Without a deadline its controller never reports progress.
    let deadline = number(object, "/spec/progressDeadlineSeconds").unwrap_or(NO_DEADLINE);
    if deadline != NO_DEADLINE
        && !progressing.is_some_and(|one| one.is_true() && one.reason == "NewReplicaSetAvailable")
    {
        return Condition::Progressing("its new replica set is not available yet".into());
    }
    match facts.find("Available") {
        Some(one) if one.is_true() => Condition::Ready,
        Some(one) => Condition::Progressing(one.why()),
        None => Condition::Progressing("it is not available yet".into()),
    }
}

/// A StatefulSet. With `OnDelete` it is the user who brings pods to a new revision, and no one waits for that; that its
/// pods are ready is still waited for, unlike in kstatus.
pub fn stateful_set(facts: &ObjectFacts) -> Condition {
    let object = facts.object;
    let wanted = replicas(object);
    let have = count(object, "/status/replicas");
    let lacks = short(have, wanted, "created")
        .or_else(|| short(count(object, "/status/readyReplicas"), wanted, "ready"))
        .or_else(|| surplus(have, wanted));
    if let Some(lacks) = lacks {
        return Condition::Progressing(lacks);
    }
    if text(object, "/spec/updateStrategy/type") == "OnDelete" {
        return Condition::Ready;
    }
    // https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#partitions
    if let Some(partition) = number(object, "/spec/updateStrategy/rollingUpdate/partition") {
        let updated = count(object, "/status/updatedReplicas");
        return waits(short(updated, wanted.saturating_sub(partition), "updated"));
    }
    if let Some(lacks) = short(count(object, "/status/currentReplicas"), wanted, "current") {
        return Condition::Progressing(lacks);
    }
    if text(object, "/status/currentRevision") != text(object, "/status/updateRevision") {
        return Condition::Progressing("not all replicas are of the newest revision".into());
    }
    Condition::Ready
}

/// A DaemonSet. Its controller always tells which generation it has seen: without, it has not looked at it at all.
pub fn daemon_set(facts: &ObjectFacts) -> Condition {
    let object = facts.object;
    let observed = number(object, "/status/observedGeneration");
    let wanted = number(object, "/status/desiredNumberScheduled");
    let (Some(_), Some(wanted)) = (observed, wanted) else {
        return Condition::Progressing("its controller has not seen it yet".into());
    };
    let updated = if text(object, "/spec/updateStrategy/type") == "OnDelete" {
        wanted
    } else {
        count(object, "/status/updatedNumberScheduled")
    };
    waits(
        short(count(object, "/status/currentNumberScheduled"), wanted, "scheduled")
            .or_else(|| short(updated, wanted, "updated"))
            .or_else(|| short(count(object, "/status/numberAvailable"), wanted, "available"))
            .or_else(|| short(count(object, "/status/numberReady"), wanted, "ready")),
    )
}

/// A ReplicaSet, or a ReplicationController, which is its forerunner with the same fields.
pub fn replica_set(facts: &ObjectFacts) -> Condition {
    let object = facts.object;
    if let Some(failure) = failure(facts) {
        return Condition::Progressing(failure);
    }
    let wanted = replicas(object);
    waits(
        short(count(object, "/status/fullyLabeledReplicas"), wanted, "labelled")
            .or_else(|| short(count(object, "/status/availableReplicas"), wanted, "available"))
            .or_else(|| short(count(object, "/status/readyReplicas"), wanted, "ready"))
            .or_else(|| surplus(count(object, "/status/replicas"), wanted)),
    )
}

/// How many replicas are wanted; one where nothing is said.
fn replicas(object: &Value) -> i64 {
    number(object, "/spec/replicas").unwrap_or(1)
}

/// Why pods can't be created, as a quota or a webhook has it: its controller goes on trying, but this is what it waits
/// for.
fn failure(facts: &ObjectFacts) -> Option<String> {
    let failure = facts.find("ReplicaFailure").filter(|one| one.is_true())?;
    Some(failure.why())
}

/// What is lacking, when there are fewer than wanted.
fn short(have: i64, wanted: i64, what: &str) -> Option<String> {
    let verb = if wanted == 1 { "replica is" } else { "replicas are" };
    (have < wanted).then(|| format!("{have} of {wanted} {verb} {what}"))
}

/// What is still to go, when there are more than wanted.
fn surplus(have: i64, wanted: i64) -> Option<String> {
    match have.saturating_sub(wanted) {
        ..=0 => None,
        1 => Some("1 replica is still to end".into()),
        more => Some(format!("{more} replicas are still to end")),
    }
}

/// Ready when nothing is lacking.
fn waits(lacks: Option<String>) -> Condition {
    lacks.map_or(Condition::Ready, Condition::Progressing)
}
