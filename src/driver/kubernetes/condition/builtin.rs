//! Kubernetes' own objects besides pods and what keeps them.
//!
//! <https://github.com/kubernetes-sigs/cli-utils/blob/master/pkg/kstatus/README.md> and, for the kinds that it does not
//! know, <https://argo-cd.readthedocs.io/en/stable/operator-manual/health/>.

use serde_json::Value;

use super::general::degraded;
use super::read::{ObjectFacts, ToldCondition, because, conditions, flag, is_set, list, text};
use crate::observed::Condition;

/// Seconds that a new autoscaler may be without metrics: those of pods that just started are not there yet.
const FIRST_METRICS: u64 = 120;

/// Reasons for which an autoscaler can't do anything.
const CAN_NOT_SCALE: [&str; 3] = ["FailedGetScale", "FailedUpdateScale", "InvalidSelector"];

/// Reasons for which an autoscaler does not know what to do.
const NO_METRICS: [&str; 5] = [
    "FailedGetResourceMetric",
    "FailedGetObjectMetric",
    "FailedGetPodsMetric",
    "FailedGetExternalMetric",
    "FailedComputeMetricsReplicas",
];

/// A Job. One that runs is ready, as in kstatus: all that was asked for is there, and whether what it does goes well is
/// another question (<https://github.com/kubernetes-sigs/cli-utils/issues/329>). One that is suspended waits for its
/// user.
pub fn job(facts: &ObjectFacts) -> Condition {
    if let Some(failed) = facts.find("Failed").filter(|one| one.is_true()) {
        return degraded(failed);
    }
    let complete = facts.find("Complete").is_some_and(ToldCondition::is_true);
    if complete || flag(facts.object, "/spec/suspend") || is_set(facts.object, "/status/startTime") {
        return Condition::Ready;
    }
    Condition::Progressing("it has not started yet".into())
}

/// A PersistentVolumeClaim. Whether its class binds it only with its first pod is not told here: one who waits for it
/// has to know that from the class.
pub fn volume_claim(facts: &ObjectFacts) -> Condition {
    match text(facts.object, "/status/phase") {
        "Bound" => Condition::Ready,
        "Lost" => Condition::Degraded("its volume is lost".into()),
        _ => Condition::Progressing("it is not bound to a volume yet".into()),
    }
}

/// A PersistentVolume. One that was released waits for its administrator, and nothing waits for it.
pub fn volume(facts: &ObjectFacts) -> Condition {
    match text(facts.object, "/status/phase") {
        "Available" | "Bound" | "Released" => Condition::Ready,
        "Failed" => Condition::Degraded(or(facts, "it could not be reclaimed")),
        _ => Condition::Progressing("it is not available yet".into()),
    }
}

/// A Service. kstatus asks only for its address in the cluster; a load balancer is for the one outside.
pub fn service(facts: &ObjectFacts) -> Condition {
    let outside = text(facts.object, "/spec/type") == "LoadBalancer";
    if outside && list(facts.object, "/status/loadBalancer/ingress").is_empty() {
        return Condition::Progressing("its load balancer has no address yet".into());
    }
    Condition::Ready
}

/// A Namespace.
pub fn namespace(facts: &ObjectFacts) -> Condition {
    if text(facts.object, "/status/phase") == "Terminating" {
        return Condition::Progressing("is being deleted".into());
    }
    Condition::Ready
}

/// A PodDisruptionBudget. That too few pods are there is its business and no fault of its own:
/// <https://github.com/argoproj/argo-cd/issues/20171>.
pub fn disruption_budget(facts: &ObjectFacts) -> Condition {
    if !facts.has_status() {
        return Condition::Progressing("its controller has not seen it yet".into());
    }
    let wrong = facts.told.iter().find(|one| one.is_false() && one.reason != "InsufficientPods");
    wrong.map_or(Condition::Ready, degraded)
}

/// A CustomResourceDefinition.
pub fn definition(facts: &ObjectFacts) -> Condition {
    if facts.find("Terminating").is_some_and(ToldCondition::is_true) {
        return Condition::Progressing("is being deleted".into());
    }
    if let Some(refused) = facts.find("NamesAccepted").filter(|one| one.is_false()) {
        return degraded(refused);
    }
    if let Some(wrong) = facts.find("NonStructuralSchema").filter(|one| one.is_true()) {
        return degraded(wrong);
    }
    match facts.find("Established") {
        Some(one) if one.is_true() => Condition::Ready,
        Some(one) if one.is_false() && one.reason != "Installing" => degraded(one),
        _ => Condition::Progressing("it is not established yet".into()),
    }
}

/// An APIService. Its server may still be starting, so that one that is not available is waited for.
pub fn api_service(facts: &ObjectFacts) -> Condition {
    match facts.find("Available") {
        Some(one) if one.stale => Condition::Progressing(one.outdated()),
        Some(one) if one.is_true() => Condition::Ready,
        Some(one) => Condition::Progressing(one.why()),
        None => Condition::Progressing("it is not available yet".into()),
    }
}

/// A HorizontalPodAutoscaler, whose conditions version 1 hides in an annotation.
pub fn autoscaler(facts: &ObjectFacts) -> Condition {
    let hidden = text(facts.object, "/metadata/annotations/autoscaling.alpha.kubernetes.io~1conditions");
    if !facts.told.is_empty() || hidden.is_empty() {
        return scaling(&facts.told, facts.age);
    }
    let Ok(hidden) = serde_json::from_str::<Value>(hidden) else {
        return Condition::Unknown("the annotation with its conditions is not JSON".into());
    };
    match conditions(Some(&hidden), None) {
        Ok(told) => scaling(&told, facts.age),
        Err(odd) => Condition::Unknown(odd),
    }
}

/// What the conditions of an autoscaler say.
fn scaling(told: &[ToldCondition], age: Option<u64>) -> Condition {
    if let Some(wrong) = told.iter().find(|one| CAN_NOT_SCALE.contains(&one.reason)) {
        return degraded(wrong);
    }
    if let Some(wrong) = told.iter().find(|one| NO_METRICS.contains(&one.reason)) {
        return match age {
            Some(age) if age >= FIRST_METRICS => degraded(wrong),
            _ => Condition::Progressing(wrong.why()),
        };
    }
    if told.iter().any(|one| matches!(one.kind, "AbleToScale" | "ScalingLimited") && one.is_true()) {
        return Condition::Ready;
    }
    Condition::Progressing("it has not looked at its target yet".into())
}

/// The message of its status, or else some words.
fn or(facts: &ObjectFacts, words: &str) -> String {
    let message = because(text(facts.object, "/status/reason"), text(facts.object, "/status/message"));
    if message.is_empty() { words.into() } else { message }
}
