//! The condition of an object whose app says itself when it is ready and when it has failed.

use serde_json::Value;

use super::general;
use crate::expression::{Expression, Undecided};
use crate::observed::Condition;
use crate::render::objects::{FAILED_ANNOTATION, READY_ANNOTATION};

/// What an object's own rules say; nothing where it has none that decide.
pub fn condition(object: &Value) -> Option<Condition> {
    let rule = |name: &str| object["metadata"]["annotations"][name].as_str();
    let (ready, failed) = (rule(READY_ANNOTATION), rule(FAILED_ANNOTATION));
    let all = ready.into_iter().chain(failed);
    // What its controller tells of a generation before this one decides nothing, unless a rule asks for the generation itself.
    if ready.is_some()
        && !{ all }.any(|text| text.contains("observedGeneration"))
        && let Some(unobserved) = general::unobserved(object)
    {
        return Some(unobserved);
    }
    let is_ready = ready.map(|text| decide(text, object));
    if is_ready == Some(Ok(true)) {
        return Some(Condition::Ready);
    }
    match failed.map(|text| (text, decide(text, object))) {
        Some((text, Ok(true))) => return Some(Condition::Degraded(format!("`{text}`"))),
        Some((text, Err(Undecided::Wrong(why)))) => return Some(undecidable(FAILED_ANNOTATION, text, &why)),
        _ => {}
    }
    let text = ready?;
    Some(match is_ready? {
        Ok(_) => Condition::Progressing(format!("not yet `{text}`")),
        Err(Undecided::Missing(what)) => Condition::Progressing(format!("not yet `{text}`: {what}")),
        Err(Undecided::Wrong(why)) => undecidable(READY_ANNOTATION, text, &why),
    })
}

fn decide(text: &str, object: &Value) -> Result<bool, Undecided> {
    let expression = Expression::compile(text, &["object"]).map_err(|fault| Undecided::Wrong(fault.message))?;
    expression.decide(&[("object", object)])
}

/// An expression that is wrong never becomes true, so nobody waits for it.
fn undecidable(annotation: &str, text: &str, why: &str) -> Condition {
    Condition::Degraded(format!("its annotation `{annotation}`, `{text}`, can't be decided: {why}"))
}
