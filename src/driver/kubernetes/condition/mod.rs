//! The condition of a Kubernetes object, as it tells it itself: whether it does what it is for, is on its way there, or
//! does not get there.
//!
//! The rules are those of kstatus, <https://github.com/kubernetes-sigs/cli-utils/tree/master/pkg/kstatus>, and for
//! custom resources those that Argo CD knows, <https://argo-cd.readthedocs.io/en/stable/operator-manual/health/>. What an
//! app says of an object goes before all of them.

mod application;
mod builtin;
mod delivery;
mod general;
mod judge;
mod own;
mod platform;
mod pod;
mod read;
mod rule;
mod workload;

use serde_json::Value;

use crate::observed::Condition;
pub use application::{APPLICATIONS, is_given};
pub use pod::{PodTrouble, pod_trouble};
use read::ObjectFacts;
use rule::ConditionRule;

/// The condition of an object by what it tells itself. `age` is the seconds since it was created, when known.
#[must_use]
pub fn condition(object: &Value, age: Option<u64>) -> Condition {
    if !object.is_object() {
        return Condition::Unknown("it is not an object".into());
    }
    let (group, kind) = read::group_kind(object);
    let rule = rule_of(object, group, kind);
    if let Some(deletion) = general::deletion(object) {
        return deletion;
    }
    if let Some(own) = own::condition(object) {
        return own;
    }
    if let Some(delivered) = application::of_application(object) {
        return delivered;
    }
    // What is stopped does not look at new generations either.
    if is_stopped(object, group, kind) || rule.is_some_and(|rule| judge::is_idle(rule, object)) {
        return Condition::Ready;
    }
    if let Some(unobserved) = general::unobserved(object) {
        return unobserved;
    }
    let facts = match ObjectFacts::read(object, age) {
        Ok(facts) => facts,
        Err(odd) => return Condition::Unknown(odd),
    };
    let own = general::standard(&facts)
        .or_else(|| built_in(&facts, group, kind))
        .or_else(|| rule.map(|rule| judge::judge(rule, &facts)))
        .unwrap_or_else(|| general::own_word(&facts, group));
    // An ApplicationSet is as ready as what it made.
    let delivered = own.is_ready().then(|| application::of_all(object)).flatten();
    delivered.unwrap_or(own)
}

/// Whether a user stopped one of Kubernetes' own objects. A Job is asked itself, as it may have failed before.
fn is_stopped(object: &Value, group: &str, kind: &str) -> bool {
    matches!((group, kind), ("apps" | "extensions", "Deployment")) && workload::is_paused(object)
}

/// What the rules for Kubernetes' own objects say.
fn built_in(facts: &ObjectFacts, group: &str, kind: &str) -> Option<Condition> {
    Some(match (group, kind) {
        ("", "Pod") => pod::pod(facts),
        ("", "Service") => builtin::service(facts),
        ("", "PersistentVolumeClaim") => builtin::volume_claim(facts),
        ("", "PersistentVolume") => builtin::volume(facts),
        ("", "Namespace") => builtin::namespace(facts),
        ("", "ReplicationController") | ("apps" | "extensions", "ReplicaSet") => workload::replica_set(facts),
        ("apps" | "extensions", "Deployment") => workload::deployment(facts),
        ("apps", "StatefulSet") => workload::stateful_set(facts),
        ("apps" | "extensions", "DaemonSet") => workload::daemon_set(facts),
        ("batch", "Job") => builtin::job(facts),
        ("policy", "PodDisruptionBudget") => builtin::disruption_budget(facts),
        ("autoscaling", "HorizontalPodAutoscaler") => builtin::autoscaler(facts),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => builtin::definition(facts),
        ("apiregistration.k8s.io", "APIService") => builtin::api_service(facts),
        // A load balancer for an Ingress may never come, and a CronJob is there to wait: both are ready at once.
        ("", "ConfigMap" | "Secret") | ("batch", "CronJob") | ("networking.k8s.io" | "extensions", "Ingress") => {
            Condition::Ready
        }
        _ => return None,
    })
}

/// The rule for a custom resource.
fn rule_of(object: &Value, group: &str, kind: &str) -> Option<&'static ConditionRule> {
    let mut rules = delivery::RULES.iter().chain(platform::RULES);
    rules.find(|rule| judge::is_for(rule, object, group, kind))
}
