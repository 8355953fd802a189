//! Others who apply the same object: which of the fields that are wanted they hold against it, and what is left to them.
//!
//! A field that another manager *applies* is somebody's declared wish, as Atlas's own is: two such wishes that differ are a
//! conflict, and are told. A field that somebody *updated*, as `kubectl edit` does, is drift.
//!
//! <https://kubernetes.io/docs/reference/using-api/server-side-apply/#conflicts>

use serde_json::{Map, Value as Json};

use super::fields::{FieldSet, HANDED_OVER, MANAGER, applied, item_at};
use crate::desired::{FieldRules, TakeOver};

/// A field that another manager applies with another value than the one that is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContestedField {
    /// Who applies it.
    pub manager: String,
    /// Where it is in the object, as a JSON pointer.
    pub pointer: String,
}

/// The fields that others apply and would lose, by what the server says that an object would become when it is applied by force.
#[must_use]
pub fn contested(now: &Json, then: &Json, rules: &FieldRules) -> Vec<ContestedField> {
    let own = applied(then);
    of_each(now, rules, |entry, pointers| {
        let kept = appliers(then).find(|other| other["manager"] == entry["manager"]);
        let kept = kept.and_then(|other| other["fieldsV1"].as_object());
        lost(entry["fieldsV1"].as_object(), kept, own, (now, ""), pointers);
    })
}

/// The same where the server can't be asked: what others apply, and is wanted with another value than it has.
#[must_use]
pub fn contested_as_it_stands(now: &Json, wanted: &Json, rules: &FieldRules) -> Vec<ContestedField> {
    of_each(now, rules, |entry, pointers| differing(entry["fieldsV1"].as_object(), (now, wanted), "", pointers))
}

/// What a look at the entry of each applier finds, but for what may be taken over.
fn of_each(now: &Json, rules: &FieldRules, look: impl Fn(&Json, &mut Vec<String>)) -> Vec<ContestedField> {
    let mut found = Vec::new();
    for entry in appliers(now) {
        let manager = entry["manager"].as_str().unwrap_or_default();
        let mut pointers = Vec::new();
        look(entry, &mut pointers);
        pointers.retain(|pointer| !may_be_taken(pointer, &rules.take_over));
        found.extend(pointers.into_iter().map(|pointer| ContestedField { manager: manager.to_owned(), pointer }));
    }
    found
}

/// Whether anybody else applies an object.
#[must_use]
pub fn has_rivals(object: &Json) -> bool {
    appliers(object).next().is_some()
}

/// The conflict in words; none where there is none.
#[must_use]
pub fn told(contested: &[ContestedField]) -> Option<String> {
    const MOST: usize = 5;
    let first = contested.first()?;
    let of_first: Vec<&str> =
        contested.iter().filter(|one| one.manager == first.manager).map(|one| one.pointer.as_str()).collect();
    let more = of_first.len().saturating_sub(MOST);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let shown = of_first[..of_first.len().min(MOST)].join(", ");
    let others = contested.iter().any(|one| one.manager != first.manager);
    let others = if others { ", and others do so with other fields" } else { "" };
    Some(format!("`{}` applies {shown}{more} with another value{others}", first.manager))
}

/// Everybody else who writes an object, the latest first: the managers of its fields. Its status is nobody's business here.
pub fn writers(live: &Json) -> Vec<String> {
    let entries = live["metadata"]["managedFields"].as_array().into_iter().flatten();
    let others = entries.filter(|entry| {
        let manager = entry["manager"].as_str().unwrap_or_default();
        !manager.is_empty() && manager != MANAGER && manager != HANDED_OVER && entry["subresource"] != "status"
    });
    let mut others: Vec<(&str, &str)> = others
        .map(|entry| (entry["time"].as_str().unwrap_or_default(), entry["manager"].as_str().unwrap_or_default()))
        .collect();
    // Times are RFC 3339 in UTC, so that the later one is the larger text.
    others.sort_by(|a, b| b.cmp(a));
    let mut named: Vec<String> = Vec::new();
    for (_, manager) in others {
        let name = format!("the field manager `{manager}`");
        if !named.contains(&name) {
            named.push(name);
        }
    }
    named
}

/// Takes out of what is wanted what the managers own to whom that is left. The key of a list's item stays: without it nobody
/// could tell which item it is.
pub fn leave(live: &Json, rules: &FieldRules, object: &mut Json) {
    if rules.left_to.is_empty() {
        return;
    }
    let entries = live["metadata"]["managedFields"].as_array().into_iter().flatten();
    let theirs = entries.filter(|entry| {
        let manager = entry["manager"].as_str().unwrap_or_default();
        manager != MANAGER && rules.left_to.iter().any(|left| left == manager) && entry["subresource"] != "status"
    });
    for entry in theirs {
        if let Some(fields) = entry["fieldsV1"].as_object() {
            remove(fields, object);
        }
    }
}

/// The entries of others who apply an object. Its status is no part of what is applied here.
fn appliers(object: &Json) -> impl Iterator<Item = &Json> {
    let entries = object["metadata"]["managedFields"].as_array().into_iter().flatten();
    entries.filter(|entry| {
        let manager = entry["manager"].as_str().unwrap_or_default();
        let is_own = manager == MANAGER || manager == HANDED_OVER;
        entry["operation"] == "Apply" && !is_own && entry["subresource"] != "status"
    })
}

/// The fields of a set that are in `kept` no more, and that Atlas owns now.
fn lost(
    fields: FieldSet<'_>,
    kept: FieldSet<'_>,
    own: FieldSet<'_>,
    (value, pointer): (&Json, &str),
    found: &mut Vec<String>,
) {
    let (Some(fields), Some(own)) = (fields, own) else { return };
    for (key, inner) in fields.iter().filter(|(key, _)| *key != ".") {
        let Some(owned) = own.get(key) else { continue };
        let kept = kept.and_then(|kept| kept.get(key));
        let (part, name) = part_of(value, key);
        let pointer = format!("{pointer}/{name}");
        if inner.as_object().is_none_or(Map::is_empty) {
            if kept.is_none() {
                found.push(pointer);
            }
        } else {
            lost(inner.as_object(), kept.and_then(Json::as_object), owned.as_object(), (part, &pointer), found);
        }
    }
}

/// The fields of a set that are wanted with another value than they have.
fn differing(fields: FieldSet<'_>, (now, wanted): (&Json, &Json), pointer: &str, found: &mut Vec<String>) {
    for (key, inner) in fields.into_iter().flatten().filter(|(key, _)| *key != ".") {
        let ((there, name), (wanted, _)) = (part_of(now, key), part_of(wanted, key));
        let pointer = format!("{pointer}/{name}");
        match inner.as_object().filter(|inner| !inner.is_empty()) {
            _ if wanted.is_null() => {}
            None if there != wanted => found.push(pointer),
            None => {}
            inner => differing(inner, (there, wanted), &pointer, found),
        }
    }
}

/// What is behind a key of a set, and what it is called in a pointer: by its name where it is an item that has one.
fn part_of<'a>(value: &'a Json, key: &str) -> (&'a Json, String) {
    const NOTHING: &Json = &Json::Null;
    if let Some(name) = key.strip_prefix("f:") {
        return (value.get(name).unwrap_or(NOTHING), name.replace('~', "~0").replace('/', "~1"));
    }
    let item = item_at(value, key).unwrap_or(NOTHING);
    let keys: Map<String, Json> =
        key.strip_prefix("k:").and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    if let (1, Some(name)) = (keys.len(), keys.get("name").and_then(Json::as_str)) {
        return (item, format!("name={}", name.replace('~', "~0").replace('/', "~1")));
    }
    let items = value.as_array().into_iter().flatten();
    let at = { items }.position(|one| one == item).unwrap_or_default();
    (item, at.to_string())
}

fn may_be_taken(pointer: &str, take_over: &TakeOver) -> bool {
    match take_over {
        TakeOver::Nothing => false,
        TakeOver::Everything => true,
        TakeOver::Fields(fields) => fields.iter().any(|field| {
            pointer.strip_prefix(field.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        }),
    }
}

fn remove(fields: &Map<String, Json>, value: &mut Json) {
    for (key, inner) in fields.iter().filter(|(key, _)| *key != ".") {
        let inner = inner.as_object().filter(|inner| !inner.is_empty());
        match (key.strip_prefix("f:"), inner) {
            (Some(name), None) => {
                if let Some(entries) = value.as_object_mut() {
                    entries.remove(name);
                }
            }
            (Some(name), Some(inner)) => {
                if let Some(below) = value.get_mut(name) {
                    remove(inner, below);
                }
            }
            (None, inner) => {
                let Some(item) = item_at(value, key).cloned() else { continue };
                let Some(items) = value.as_array_mut() else { continue };
                let Some(at) = items.iter().position(|one| *one == item) else { continue };
                let keys = key.strip_prefix("k:").and_then(|text| serde_json::from_str::<Map<String, Json>>(text).ok());
                match (keys, inner) {
                    (Some(keys), Some(inner)) => {
                        remove(inner, &mut items[at]);
                        if let Some(entries) = items[at].as_object_mut() {
                            entries.extend(keys);
                        }
                    }
                    _ => drop(items.remove(at)),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{contested, contested_as_it_stands, leave, told};
    use crate::desired::{FieldRules, TakeOver};

    fn object(replicas: u32, managers: &[(&str, &str, Value)]) -> Value {
        let entries: Vec<Value> = managers
            .iter()
            .map(|(manager, operation, fields)| json!({ "manager": manager, "operation": operation, "fieldsV1": fields }))
            .collect();
        json!({
            "metadata": { "annotations": { "a/b": "x" }, "managedFields": entries },
            "spec": { "replicas": replicas, "containers": [{ "name": "app", "image": "a:1", "tty": true }] },
        })
    }

    fn spec(fields: &Value) -> Value {
        json!({ "f:spec": fields })
    }

    #[test]
    fn what_another_applier_would_lose_is_contested_and_nothing_else_is() {
        let image = json!({ "f:replicas": {}, "f:containers": { "k:{\"name\":\"app\"}": { ".": {}, "f:image": {}, "f:name": {} } } });
        let kept = json!({ "f:containers": { "k:{\"name\":\"app\"}": { ".": {}, "f:name": {} } } });
        let now = object(7, &[("argo", "Apply", spec(&image)), ("kubectl-edit", "Update", spec(&image))]);
        let then = object(2, &[("argo", "Apply", spec(&kept)), ("atlas", "Apply", spec(&image))]);
        let rules = |take_over: TakeOver| FieldRules { take_over, left_to: Vec::new() };
        let found = contested(&now, &then, &rules(TakeOver::Nothing));
        let pointers: Vec<&str> = found.iter().map(|one| one.pointer.as_str()).collect();
        assert_eq!(pointers, ["/spec/replicas", "/spec/containers/name=app/image"]);
        assert_eq!(
            told(&found).as_deref(),
            Some("`argo` applies /spec/replicas, /spec/containers/name=app/image with another value")
        );
        assert_eq!(contested(&now, &then, &rules(TakeOver::Everything)), []);
        let some = TakeOver::Fields(vec!["/spec/containers".into(), "/spec/repl".into()]);
        let found = contested(&now, &then, &rules(some));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].pointer, "/spec/replicas");
        // Where the server can't be asked, the values are compared.
        let wanted = json!({ "spec": { "replicas": 2, "containers": [{ "name": "app", "image": "a:1" }] } });
        let found = contested_as_it_stands(&now, &wanted, &rules(TakeOver::Nothing));
        assert_eq!(found.iter().map(|one| one.pointer.as_str()).collect::<Vec<_>>(), ["/spec/replicas"]);
        // Whoever only updated it, and whoever keeps what he has, is no rival.
        let edited = object(7, &[("kubectl-edit", "Update", spec(&image))]);
        assert_eq!(contested(&edited, &then, &rules(TakeOver::Nothing)), []);
        assert_eq!(
            contested(
                &now,
                &object(2, &[("argo", "Apply", spec(&image)), ("atlas", "Apply", spec(&image))]),
                &rules(TakeOver::Nothing)
            ),
            []
        );
    }

    #[test]
    fn what_is_left_to_a_manager_is_not_applied() {
        let fields = json!({ "f:replicas": {}, "f:containers": { "k:{\"name\":\"app\"}": { ".": {}, "f:name": {}, "f:image": {} } } });
        let live = object(
            7,
            &[
                ("keda", "Update", spec(&fields)),
                ("other", "Apply", json!({ "f:metadata": { "f:annotations": { "f:a/b": {} } } })),
            ],
        );
        let mut wanted = object(2, &[]);
        let rules = FieldRules { take_over: TakeOver::Nothing, left_to: vec!["keda".into()] };
        leave(&live, &rules, &mut wanted);
        assert_eq!(wanted["spec"], json!({ "containers": [{ "name": "app", "tty": true }] }));
        assert_eq!(wanted["metadata"]["annotations"], json!({ "a/b": "x" }));
    }
}
