//! What differs between an object and what is desired of it.

use super::change::{AttributeChange, Drifted};
use super::drift::LastApplied;
use crate::desired::{Instance, Settings};
use crate::kind::{Kind, Type};
use crate::observed::Object;
use crate::path::{join, split};
use crate::value::{Attributes, Text, Value};

/// Every difference, ordered by path. Tables are compared key by key, anything else as a whole.
///
/// `applied` is what Atlas last applied, as the object's mark tells it: it tells drift from change.
#[must_use]
pub fn diff(
    kind: &Kind,
    before: &Attributes,
    after: &Attributes,
    applied: Option<&LastApplied<'_>>,
) -> Vec<AttributeChange> {
    if before == after {
        return Vec::new();
    }
    let mut changes = Vec::new();
    for attribute in kind.attributes.iter() {
        let (old, new) = (before.get(attribute.name), after.get(attribute.name));
        if old == new {
            continue;
        }
        let found = AttributeChange {
            path: attribute.name.to_owned(),
            before: Value::Null,
            after: Value::Null,
            sensitive: attribute.sensitive,
            replaces: attribute.is_replaced_for(new),
            drift: Drifted::None,
        };
        compare(&attribute.ty, &found, old, new, &mut changes);
    }
    changes.sort_by(|a, b| a.path.cmp(&b.path));
    if let Some(applied) = applied {
        applied.tell(kind, before, &mut changes);
    }
    changes
}

/// Every difference between a resource and its object, told apart as drift or change. An object that has `moved` is called
/// otherwise than the spec says.
#[must_use]
pub fn of_object(instance: &Instance, object: &Object, after: &Attributes, moved: bool) -> Vec<AttributeChange> {
    let (kind, unapplied) = (&instance.kind, instance.settings.unapplied());
    let applied = object.mark.as_ref().and_then(|mark| LastApplied::read(kind, &mark.applied, &unapplied));
    let mut changes = diff(kind, &object.attributes, after, applied.as_ref());
    if moved {
        // What leaves no trace on an object is known from the spec alone, which says another name now.
        let untraced = changes.iter_mut().filter(|change| change.before.is_null());
        untraced.for_each(|change| change.drift = Drifted::None);
    }
    changes
}

/// Every attribute of an object that is to be made, as differences from nothing.
#[must_use]
pub fn creation(kind: &Kind, after: &Attributes) -> Vec<AttributeChange> {
    list(kind, after, false)
}

/// Every attribute of an object that is to go, as differences to nothing.
#[must_use]
pub fn deletion(kind: &Kind, before: &Attributes) -> Vec<AttributeChange> {
    list(kind, before, true)
}

/// Whether two paths are about the same: one of them leads to the other, or on from it.
#[must_use]
pub fn is_about(path: &str, other: &str) -> bool {
    let within =
        |path: &str, of: &str| path.strip_prefix(of).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    within(path, other) || within(other, path)
}

/// The repair of an object, as a change of its condition. What was only begun was never in order, so nobody moved it.
#[must_use]
pub fn repair(word: &str, only_begun: bool) -> AttributeChange {
    AttributeChange {
        path: "condition".into(),
        before: word.into(),
        after: "running".into(),
        sensitive: false,
        replaces: false,
        drift: if only_begun { Drifted::None } else { Drifted::FromDesired },
    }
}

/// Takes over what the spec leaves to others from what was observed, and what stays as it was made where that is there.
pub fn leave_ignored(kind: &Kind, settings: &Settings, observed: &Attributes, desired: &mut Attributes) {
    let kept = settings.kept.iter().map(|path| (path, true));
    for (path, is_kept) in settings.ignore.iter().map(|path| (path, false)).chain(kept) {
        let parts = split(path);
        let Some(attribute) = parts.first().and_then(|name| kind.attribute(name)) else { continue };
        let there = observed.at(path).cloned().unwrap_or_default();
        if is_kept && there.is_null() {
            continue;
        }
        desired.set(attribute.name, desired.get(attribute.name).clone().with(&parts[1..], there));
    }
}

/// Says again what a spec leaves to others of an object that is made anew: there is nobody yet who would say it.
pub fn say_again(instance: &Instance, said: &Attributes, desired: &mut Attributes) {
    let ignored = instance.settings.ignore.iter();
    for path in ignored.filter(|path| said.at(path).is_some_and(|value| !value.is_null())) {
        let parts = split(path);
        let name = said.iter().map(|(name, _)| name).find(|name| parts.first() == Some(name));
        if let (Some(name), None | Some(Value::Null)) = (name, desired.at(path)) {
            let value = said.at(path).cloned().unwrap_or_default();
            desired.set(name, desired.get(name).clone().with(&parts[1..], value));
        }
    }
}

fn list(kind: &Kind, attributes: &Attributes, gone: bool) -> Vec<AttributeChange> {
    let entry = |(name, value): (&'static str, &Value)| {
        let (before, after) = if gone { (value.clone(), Value::Null) } else { (Value::Null, value.clone()) };
        let sensitive = kind.attribute(name).is_some_and(|attribute| attribute.sensitive);
        AttributeChange { path: name.to_owned(), before, after, sensitive, replaces: false, drift: Drifted::None }
    };
    attributes.iter().map(entry).collect()
}

fn compare(ty: &Type, found: &AttributeChange, old: &Value, new: &Value, changes: &mut Vec<AttributeChange>) {
    match (ty, old, new) {
        (Type::Object(_) | Type::WordOrObject(..) | Type::Map(_) | Type::Any, Value::Map(old), Value::Map(new)) => {
            let mut keys: Vec<&Text> = old.keys().chain(new.keys()).collect();
            keys.sort();
            keys.dedup();
            for key in keys {
                let (a, b) = (old.get(key).unwrap_or(&Value::Null), new.get(key).unwrap_or(&Value::Null));
                if a != b {
                    let part = ty.attribute(key);
                    let replaces = found.replaces || part.is_some_and(|part| part.is_replaced_for(b));
                    let inner = AttributeChange { path: join(&found.path, key), replaces, ..found.clone() };
                    compare(part.map_or(&Type::Any, |part| &part.ty), &inner, a, b, changes);
                }
            }
        }
        _ => {
            let replaces = found.replaces || replaces_within(ty, old, new);
            changes.push(AttributeChange { before: old.clone(), after: new.clone(), replaces, ..found.clone() });
        }
    }
}

/// Whether a table that differs as a whole differs in a part whose change replaces the object.
fn replaces_within(ty: &Type, old: &Value, new: &Value) -> bool {
    let part_of = |value: &Value, name: &str| value.at(name).cloned().unwrap_or_default();
    ty.attributes().iter().any(|part| {
        let (before, after) = (part_of(old, part.name), part_of(new, part.name));
        before != after && (part.is_replaced_for(&after) || replaces_within(&part.ty, &before, &after))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::diff;
    use crate::kind::Catalog;
    use crate::value::{Attributes, Value};

    /// The paths that differ between two writings of a cluster's `k3d`, each with whether it replaces the cluster.
    fn paths(before: &serde_json::Value, after: &serde_json::Value) -> Vec<(String, bool)> {
        let catalog = Catalog::default();
        let kind = catalog.get("cluster").expect("a kind");
        let of = |k3d: &serde_json::Value| Attributes::from_iter([("k3d", Value::from(k3d.clone()))]);
        let changes = diff(kind, &of(before), &of(after), None);
        changes.into_iter().map(|change| (change.path, change.replaces)).collect()
    }

    #[test]
    fn a_part_of_a_table_replaces_what_its_attribute_says() {
        let with = |subnet: &str, drain: &str| json!({ "subnet": subnet, "drain": drain });
        let found = |path: &str, replaces| vec![(path.to_owned(), replaces)];
        let some = with("10.9.0.0/16", "30s");
        assert_eq!(paths(&some, &with("10.8.0.0/16", "30s")), found("k3d.subnet", true));
        assert_eq!(paths(&some, &with("10.9.0.0/16", "1m")), found("k3d.drain", false));
        // Where the table comes or goes as a whole.
        assert_eq!(paths(&json!(null), &some), found("k3d", true));
        assert_eq!(paths(&some, &json!(null)), found("k3d", true));
        assert_eq!(paths(&json!(null), &json!({ "drain": "30s" })), found("k3d", false));
    }
}
