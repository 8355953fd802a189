//! What holds for objects of every kind, as kstatus has it, and what is said of those that have no rule of their own.
//!
//! <https://github.com/kubernetes-sigs/cli-utils/blob/master/pkg/kstatus/README.md>

use serde_json::Value;

use super::read::{ObjectFacts, ToldCondition, find, generation, is_set, number, text};
use crate::observed::Condition;
use crate::render::objects::is_own_group;

/// Seconds that the controller of a custom resource has to tell anything: many never do, and such an object is ready.
const GRACE: u64 = 10;

/// Types that say, when true, that something is wrong. An `Error` that is false is good news.
const FAILURES: [&str; 5] = ["Degraded", "Error", "ErrorOccurred", "Failed", "Failing"];

/// Whether it is on its way out: then all else it tells is of no use.
pub fn deletion(object: &Value) -> Option<Condition> {
    is_set(object, "/metadata/deletionTimestamp").then(|| Condition::Progressing("is being deleted".into()))
}

/// Whether its controller has not yet seen what is wanted now: whatever it tells, a failure too, is about the past.
pub fn unobserved(object: &Value) -> Option<Condition> {
    let wanted = generation(object)?;
    let seen = observed(object, wanted)?;
    (seen != wanted)
        .then(|| Condition::Progressing(format!("its controller has seen generation {seen} and not yet {wanted}")))
}

/// The generation that its controller has seen. Argo Rollouts writes it as a text, which before its 0.10 was a hash:
/// one that is no number, or is beyond the generation, is such a hash.
///
/// <https://argo-cd.readthedocs.io/en/stable/operator-manual/health/>
fn observed(object: &Value, wanted: i64) -> Option<i64> {
    let at = "/status/observedGeneration";
    number(object, at).or_else(|| text(object, at).parse().ok().filter(|seen| *seen <= wanted))
}

/// What the two standard conditions say: they overrule the rules of a kind. The failure that is being retried is more
/// telling than the word that it is.
pub fn standard(facts: &ObjectFacts) -> Option<Condition> {
    for one in facts.told.iter().filter(|one| one.is_true()) {
        match one.kind {
            "Reconciling" => {
                let failed = facts.find("Ready").filter(|ready| ready.is_false() && !ready.stale);
                return Some(Condition::Progressing(failed.unwrap_or(one).why()));
            }
            "Stalled" => return Some(degraded(one)),
            _ => {}
        }
    }
    None
}

/// A failure, unless it is an older generation's.
pub fn degraded(one: &ToldCondition) -> Condition {
    if one.stale { Condition::Progressing(one.outdated()) } else { Condition::Degraded(one.why()) }
}

/// What an object says that has no rule of its own. Not every condition needs to be true: only the ones that sum up an
/// object count.
pub fn own_word(facts: &ObjectFacts, group: &str) -> Condition {
    if !facts.has_status() {
        return silent(facts.age, group);
    }
    let failure = facts.told.iter().find(|one| FAILURES.contains(&one.kind) && one.is_true());
    if let Some(ready) = facts.find("Ready").and_then(|ready| summary(ready, failure)) {
        return ready;
    }
    if let Some(failure) = failure {
        return degraded(failure);
    }
    if let Some(one) = find(&facts.told, "Succeeded") {
        return if one.is_false() { degraded(one) } else { summary(one, None).unwrap_or_default() };
    }
    if let Some(available) = facts.find("Available").and_then(|one| summary(one, None)) {
        return available;
    }
    match text(facts.object, "/status/phase") {
        word @ ("Failed" | "Error") => Condition::Degraded(format!("its phase is {word}")),
        _ => Condition::Ready,
    }
}

/// What a condition says that sums up an object. Like kstatus, one that is false is a wait: most controllers say so
/// while they work, and none tells the two apart.
fn summary(one: &ToldCondition, failure: Option<&ToldCondition>) -> Option<Condition> {
    if !(one.is_true() || one.is_false() || one.is_unknown()) {
        return None;
    }
    Some(match failure {
        _ if one.stale => Condition::Progressing(one.outdated()),
        _ if one.is_true() => Condition::Ready,
        Some(failure) => degraded(failure),
        None => Condition::Progressing(one.why()),
    })
}

/// What is said of an object that tells nothing.
fn silent(age: Option<u64>, group: &str) -> Condition {
    match age {
        Some(age) if age < GRACE && !is_own_group(group) => {
            Condition::Progressing("its controller has not told anything yet".into())
        }
        _ => Condition::Ready,
    }
}
