//! Judging an object by the rule of its kind.

use serde_json::Value;

use super::read::{
    ObjectFacts, ToldCondition, conditions, count, find, flag, generation, is_set, list, number, plain, text,
};
use super::rule::{Comparison, ConditionRule, Means, Reasons, RuleStep};
use crate::observed::Condition;

/// Whether a user stopped it.
pub fn is_idle(rule: &ConditionRule, object: &Value) -> bool {
    rule.idle.iter().any(|at| flag(object, at))
}

/// Whether a rule is for an object.
pub fn is_for(rule: &ConditionRule, object: &Value, group: &str, kind: &str) -> bool {
    rule.is_for(group, kind) && (rule.marks.is_empty() || rule.marks.iter().any(|at| is_set(object, at)))
}

/// The condition of an object by the rule of its kind.
pub fn judge(rule: &ConditionRule, facts: &ObjectFacts) -> Condition {
    first(rule.steps, facts.object, &facts.told, generation(facts.object))
        .unwrap_or_else(|| Condition::Progressing("its controller has not told how it is yet".into()))
}

/// What the first step says that says anything. `part` is the object, or one entry of a list in it.
fn first(steps: &[RuleStep], part: &Value, told: &[ToldCondition], generation: Option<i64>) -> Option<Condition> {
    steps.iter().find_map(|step| says(step, part, told, generation))
}

/// What one step says.
fn says(step: &RuleStep, part: &Value, told: &[ToldCondition], generation: Option<i64>) -> Option<Condition> {
    match *step {
        RuleStep::When { condition, is, ref for_, means } => {
            let one = find(told, condition).filter(|one| holds(one, is, for_))?;
            // A failure of an older generation may be just what the newer one repairs.
            Some(if one.stale { Condition::Progressing(one.outdated()) } else { meant(means, || one.why()) })
        }
        RuleStep::Word { at, words, means, why } => {
            let word = text(part, at);
            let one_of = if words.is_empty() { !word.is_empty() } else { words.contains(&word) };
            one_of.then(|| meant(means, || told_word(at, word, text(part, why))))
        }
        RuleStep::Set { at, means } => is_set(part, at).then(|| meant(means, || content(part, at))),
        RuleStep::Fewer { have, want, or, what } => {
            let (have, want) = (count(part, have), number(part, want).unwrap_or(or));
            (have < want).then(|| Condition::Progressing(format!("{have} of {want} {what}")))
        }
        RuleStep::Differ { one, other, waiting } => {
            let both = is_set(part, one) && is_set(part, other);
            (both && content(part, one) != content(part, other)).then(|| Condition::Progressing(waiting.into()))
        }
        RuleStep::Each { list: at, name, steps, decides, left_over } => {
            let entries = list(part, at);
            let newest = left_over && entries.iter().any(|entry| !is_old(entry, generation));
            let counts = entries.iter().filter(|entry| !(newest && is_old(entry, generation)));
            worst(counts.map(|entry| (text(entry, name), entry_says(steps, entry, generation))), decides)
        }
        RuleStep::Always(means) => Some(meant(means, String::new)),
    }
}

/// What an entry of a list says.
fn entry_says(steps: &[RuleStep], entry: &Value, generation: Option<i64>) -> Option<Condition> {
    match conditions(entry.get("conditions"), generation) {
        Ok(told) => first(steps, entry, &told, generation),
        Err(odd) => Some(Condition::Unknown(odd)),
    }
}

/// Whether an entry of a list tells of an older generation.
fn is_old(entry: &Value, generation: Option<i64>) -> bool {
    conditions(entry.get("conditions"), generation).is_ok_and(|told| told.iter().any(|one| one.stale))
}

/// The worst of what the entries of a list say; nothing when there are none, or none that count.
fn worst<'a>(each: impl Iterator<Item = (&'a str, Option<Condition>)>, decides: bool) -> Option<Condition> {
    let mut worst = None;
    for (name, said) in each {
        let said = match said {
            Some(said) => named(name, said),
            None if decides => Condition::Progressing(format!("{name} has not told how it is yet")),
            None => continue,
        };
        if worst.as_ref().is_none_or(|known| weight(&said) > weight(known)) {
            worst = Some(said);
        }
    }
    worst.filter(|worst| decides || *worst != Condition::Ready)
}

/// How bad a condition is.
const fn weight(condition: &Condition) -> u8 {
    match condition {
        Condition::Ready => 0,
        Condition::Progressing(_) => 1,
        Condition::Unknown(_) => 2,
        Condition::Degraded(_) => 3,
    }
}

/// The same condition, saying which entry it is of.
fn named(name: &str, condition: Condition) -> Condition {
    if name.is_empty() {
        return condition;
    }
    match condition {
        Condition::Ready => Condition::Ready,
        Condition::Progressing(why) => Condition::Progressing(format!("{name}: {why}")),
        Condition::Degraded(why) => Condition::Degraded(format!("{name}: {why}")),
        Condition::Unknown(why) => Condition::Unknown(format!("{name}: {why}")),
    }
}

/// Whether a condition is as a step has it.
fn holds(one: &ToldCondition, is: Comparison, reasons: &Reasons) -> bool {
    let status = match is {
        Comparison::True => one.is_true(),
        Comparison::False => one.is_false(),
        Comparison::NotTrue => !one.is_true(),
        Comparison::Any => true,
    };
    status
        && match reasons {
            Reasons::Any => true,
            Reasons::Only(these) => these.contains(&one.reason),
            Reasons::Severe => one.severity != "Info",
        }
}

/// A condition of a meaning.
fn meant(means: Means, why: impl FnOnce() -> String) -> Condition {
    match means {
        Means::Ready => Condition::Ready,
        Means::Progressing => Condition::Progressing(why()),
        Means::Degraded => Condition::Degraded(why()),
        Means::Unknown => Condition::Unknown(why()),
    }
}

/// What a word says: "phase is Failed: the disk is full".
fn told_word(at: &str, word: &str, why: &str) -> String {
    let field = at.rsplit('/').next().unwrap_or(at);
    match plain(why) {
        why if why.is_empty() => format!("its {field} is {}", plain(word)),
        why => format!("its {field} is {}: {why}", plain(word)),
    }
}

/// The content of a place as one line.
fn content(part: &Value, at: &str) -> String {
    match part.pointer(at) {
        Some(Value::String(text)) => plain(text),
        Some(other) => plain(&other.to_string()),
        None => String::new(),
    }
}
