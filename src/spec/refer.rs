//! What a reference such as `bucket.logs.arn` means for a resource.

use super::place::{Index, Unresolved};
use super::scope::Scope;
use super::template::split_reference;
use crate::diagnostic::code;
use crate::kind::Kind;
use crate::suggest::suggest;
use crate::value::Reference;

/// The reference that stands between `${` and `}`, for a resource of a scope.
pub fn refer(hole: &str, scope: &Scope<'_>, index: &Index) -> Result<Reference, Unresolved> {
    let Some((target, attribute)) = split_reference(hole) else { return Err(without_meaning(hole, scope)) };
    let Some(address) = index.choose(target, scope, false)?.first().cloned() else {
        return Err(without_meaning(hole, scope));
    };
    if let Some(kind) = index.kinds.get(address.kind()) {
        if !kind.object {
            let detail = format!("{address} stands for no object, so it has nothing to tell");
            let hint = "refer to an object".to_owned();
            return Err(Unresolved { code: &code::WRONG_KIND, detail, hint, unknown: None });
        }
        tells(kind, attribute.split('.').next().unwrap_or_default())?;
    }
    Ok(Reference { address, path: attribute.into() })
}

fn without_meaning(hole: &str, scope: &Scope<'_>) -> Unresolved {
    let words = scope.words();
    // IAM's own variables look the same: `${aws:username}`.
    let hint = if hole.contains(':') {
        format!("write `$${{{hole}}}` for the characters themselves, which IAM takes for a variable of its own")
    } else {
        suggest(hole, &words)
            .unwrap_or_else(|| format!("write ${{kind.name.attribute}}, ${{var.NAME}}, or one of {}", words.join(", ")))
    };
    let detail = format!("`{hole}` has no meaning here");
    Unresolved { code: &code::REFERENCE_TO_NOTHING, detail, hint, unknown: None }
}

/// Whether a kind tells something of this name.
fn tells(kind: &Kind, name: &str) -> Result<(), Unresolved> {
    let sensitive = kind.attribute(name).is_some_and(|attribute| attribute.sensitive);
    if (kind.attribute(name).is_some() || kind.output(name).is_some()) && !sensitive {
        return Ok(());
    }
    let open = kind.attributes.iter().filter(|attribute| !attribute.sensitive).map(|attribute| attribute.name);
    let known: Vec<&str> = kind.outputs.iter().map(|output| output.name).chain(open).collect();
    let hint = suggest(name, &known).unwrap_or_else(|| format!("it tells {}", known.join(", ")));
    Err(Unresolved {
        code: &code::UNKNOWN_OUTPUT,
        detail: format!("a {} tells no `{name}`", kind.name),
        hint,
        unknown: None,
    })
}
