//! What a plan must not do to an object, in words; and what changes in an object's mark.

use super::change::{AttributeChange, Change, Drifted};
use crate::action::Action;
use crate::address::Address;
use crate::desired::{Instance, OnRemove};
use crate::diagnostic::{Diagnostic, code};
use crate::kind::Verdict;
use crate::observed::{Mark, Object};
use crate::value::Value;

/// The refusal to destroy a protected object.
pub fn protected(change: &Change) -> Diagnostic {
    let verb = if change.action == Action::Delete { "deleted" } else { "replaced" };
    let gone = change.span.is_none();
    let hint = if gone {
        "put its block back with `protect = false` and apply, then remove it; or let go of it with: atlas forget "
            .to_owned()
            + change.address.as_str()
    } else {
        "set `protect = false` and apply, then try again".to_owned()
    };
    let detail = format!("{} would be {verb} ({}), and its object is protected", change.address, change.reason);
    Diagnostic::error(&code::PROTECTED, detail).at(change.span).hint(hint).of(&change.address)
}

/// The refusal to destroy a host along with something protected that lives in it.
pub fn holds_protected(change: &Change, held: &Object) -> Diagnostic {
    let verb = if change.action == Action::Delete { "deleted" } else { "replaced" };
    let name = held.resource().map_or_else(|| held.identity.to_string(), ToString::to_string);
    let detail = format!(
        "{} would be {verb} ({}), and {name} lives in it, whose object is protected and belongs to {}",
        change.address,
        change.reason,
        held.owner()
    );
    Diagnostic::error(&code::PROTECTED, detail)
        .at(change.span)
        .hint(format!("set `protect = false` for {name} and apply, or take it out of {} first", change.address))
        .of(&change.address)
}

/// The refusal to replace an object that was to be taken over.
pub fn not_as_it_is(change: &Change) -> Diagnostic {
    let paths: Vec<&str> = change.attributes.iter().filter(|one| one.replaces).map(|one| one.path.as_str()).collect();
    let detail = format!("{} differs in {}, which no update can change", change.address, paths.join(", "));
    Diagnostic::error(&code::NOT_AS_IT_IS, detail)
        .at(change.span)
        .hint("write the spec as the object is, adopt it, and then change the spec")
        .of(&change.address)
}

/// What an object that is taken over has besides what the spec says; none when that is all of it.
pub fn left_out(change: &Change, object: &Object) -> Option<Diagnostic> {
    if object.unsaid.is_empty() || change.action != Action::Adopt {
        return None;
    }
    let detail =
        format!("{} has more than the spec says, which stays as it is: {}", change.address, object.unsaid.join(", "));
    let hint = "say it in the block as well to have it looked after";
    Some(Diagnostic::warning(&code::LEFT_OUT, detail).at(change.span).hint(hint).of(&change.address))
}

/// The refusal to replace an object only because of what its resource's former address says of its name; none when that is
/// not why.
pub fn not_its_name(change: &Change, instance: &Instance, object: &Object) -> Option<Diagnostic> {
    let known = object.attributes.get("name").as_str();
    let called = known.map_or_else(|| object.identity.name(), Into::into);
    let wanted = instance.object_name();
    if called == wanted {
        return None;
    }
    let detail = format!("the object of {} is called `{called}`, and by this it would be `{wanted}`", change.address);
    let hint = match known {
        Some(_) => format!("put `name = \"{called}\"` in the place of `renamed_from`"),
        None => format!("write the address under which it was made: {}.{called}", instance.kind.name),
    };
    let diagnostic = Diagnostic::error(&code::FORMER_NAME, detail).at(change.span).hint(hint);
    Some(diagnostic.of(&change.address))
}

/// What differs between the mark that an object has and the one that it is to have.
pub fn mark_changes(now: &Mark, wanted: &Mark) -> Vec<AttributeChange> {
    let list = |needs: &[Address]| Value::List(needs.iter().map(|need| need.as_str().into()).collect());
    let word = |mark: &Mark| match mark.on_remove {
        OnRemove::Delete => Value::from("delete"),
        OnRemove::Forget => Value::from("forget"),
    };
    let pairs = [
        ("address", Value::from(now.address.as_str()), Value::from(wanted.address.as_str())),
        ("depends_on", list(&now.needs), list(&wanted.needs)),
        ("on_remove", word(now), word(wanted)),
        ("protect", Value::Bool(now.protect), Value::Bool(wanted.protect)),
    ];
    let differing = pairs.into_iter().filter(|(_, before, after)| before != after);
    differing
        .map(|(path, before, after)| AttributeChange {
            path: path.to_owned(),
            before,
            after,
            sensitive: false,
            replaces: false,
            drift: Drifted::None,
        })
        .collect()
}

/// What deleting an object would lose. A host that is not ready hides its contents, which have no verdicts of their own then.
pub fn loss(object: &Object) -> Verdict {
    match object.condition.reason() {
        Some(word) if object.kind.hosts_others => {
            Verdict::lossy(format!("it is not well ({word}), so what lives in it could not be looked at"))
        }
        _ => (object.kind.loss)(&object.usage),
    }
}
