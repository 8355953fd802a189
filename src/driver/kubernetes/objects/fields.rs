//! Who owns which field of an object, as the server keeps it for server-side apply:
//! <https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management>.
//!
//! A set of fields is a tree whose keys are `f:NAME` for a key of a map, `k:{…}` for the item of a list with these keys, and
//! `v:…` for an item that is a value. What has nothing below it is owned as a whole.

use serde_json::{Map, Value as Json};

use crate::render::objects::{MARK_ANNOTATION, OWNER_LABEL};
use crate::value::{Text, Value};

/// The name under which Atlas applies.
pub const MANAGER: &str = "atlas";
/// The name under which Atlas leaves a field as it is that it does not apply any more.
pub const HANDED_OVER: &str = "atlas-handover";

/// A set of fields; none where nobody owns any.
pub type FieldSet<'a> = Option<&'a Map<String, Json>>;

/// The fields that Atlas owns because it applied them.
#[must_use]
pub fn applied(object: &Json) -> FieldSet<'_> {
    let entries = object["metadata"]["managedFields"].as_array()?;
    let own = |entry: &&Json| {
        entry["manager"] == MANAGER
            && entry["operation"] == "Apply"
            && entry["subresource"].as_str().is_none_or(str::is_empty)
    };
    entries.iter().find(own)?["fieldsV1"].as_object()
}

/// Those under whose names objects are made that Atlas takes over: what they applied and nobody wants any more goes.
const FORMER: [&str; 9] = [
    "argocd-application-controller",
    "argocd-controller",
    "before-first-apply",
    "helm",
    "helm-controller",
    "kubectl",
    "kubectl-client-side-apply",
    "kubectl-create",
    "kustomize-controller",
];

/// The managers of fields with Atlas in the place of whoever made the object; none where there is nothing to take over.
///
/// As <https://pkg.go.dev/k8s.io/client-go/util/csaupgrade> does it: a field that stays another one's is never removed.
#[must_use]
pub fn taken_over(object: &Json) -> Option<Vec<Json>> {
    if applied(object).is_some() {
        return None;
    }
    let entries = object["metadata"]["managedFields"].as_array()?;
    let is_former = |entry: &&Json| {
        let manager = entry["manager"].as_str().unwrap_or_default();
        entry["subresource"].as_str().is_none_or(str::is_empty)
            && (FORMER.contains(&manager) || manager.starts_with("kubectl-"))
    };
    let former: Vec<&Json> = entries.iter().filter(is_former).collect();
    let mut own = (*former.first()?).clone();
    let mut fields = Json::Object(Map::new());
    former.iter().for_each(|entry| unite(&mut fields, &entry["fieldsV1"]));
    own["manager"] = MANAGER.into();
    own["operation"] = "Apply".into();
    own["fieldsV1"] = fields;
    let mut all: Vec<Json> = entries.iter().filter(|entry| !is_former(entry)).cloned().collect();
    all.push(own);
    Some(all)
}

/// Takes out of what an object would become what Atlas owns of it now and does not apply any more: a trial on behalf of an object
/// that is only to be taken over leaves it.
pub fn remove_unapplied(now: &Json, then: &mut Json) {
    let (owned, kept) = (applied(now).cloned(), applied(then).cloned());
    if let Some(owned) = owned {
        remove_below(&owned, kept.as_ref(), then);
    }
}

fn remove_below(owned: &Map<String, Json>, kept: FieldSet<'_>, then: &mut Json) {
    for (key, inner) in owned.iter().filter(|(key, _)| *key != ".") {
        let Some(inner) = inner.as_object() else { continue };
        let kept = kept.and_then(|kept| below(kept, key));
        match (key.strip_prefix("f:"), kept) {
            (Some(name), None) => {
                if let Some(entries) = then.as_object_mut() {
                    entries.remove(name);
                }
            }
            (Some(name), Some(_)) if !inner.is_empty() => {
                if let Some(below) = then.get_mut(name) {
                    remove_below(inner, kept, below);
                }
            }
            (None, None) => {
                let at = item_at(then, key).cloned();
                if let (Some(at), Some(items)) = (at, then.as_array_mut()) {
                    items.retain(|item| *item != at);
                }
            }
            (None, Some(_)) => {
                let at = item_at(then, key).cloned();
                let items = then.as_array_mut().into_iter().flatten();
                items.filter(|item| Some(&**item) == at.as_ref()).for_each(|item| remove_below(inner, kept, item));
            }
            _ => {}
        }
    }
}

fn unite(all: &mut Json, more: &Json) {
    let (Some(all), Some(more)) = (all.as_object_mut(), more.as_object()) else { return };
    for (key, inner) in more {
        unite(all.entry(key.clone()).or_insert_with(|| Json::Object(Map::new())), inner);
    }
}

/// Whether a set has every field of a value: nobody took one of them away from whoever applied it. What says nothing, an empty
/// map or list, the server does not count.
#[must_use]
pub fn has_all(fields: FieldSet<'_>, value: &Value) -> bool {
    match value {
        Value::Template(_) => false,
        Value::Map(entries) if !entries.is_empty() => {
            let Some(fields) = fields else { return false };
            let has = |(key, item): (&Text, &Value)| match below(fields, &format!("f:{key}")) {
                None => says_nothing(item),
                inner => has_all(inner, item),
            };
            fields.is_empty() || entries.iter().all(has)
        }
        Value::List(items) if !items.is_empty() => {
            let Some(fields) = fields else { return false };
            let has = |item: &Value| key_of(fields, item).is_some_and(|key| has_all(below(fields, key), item));
            fields.is_empty() || items.iter().all(has)
        }
        _ => fields.is_some() || says_nothing(value),
    }
}

/// Whether somebody else owns a field of what is wanted that Atlas does not own any more.
#[must_use]
pub fn took_away(object: &Json, wanted: &Value) -> bool {
    let Some(own) = applied(object) else { return false };
    let entries = object["metadata"]["managedFields"].as_array().into_iter().flatten();
    let others = entries.filter(|entry| entry["manager"] != MANAGER && entry["subresource"] != "status");
    { others }.any(|entry| lost_to(Some(own), entry["fieldsV1"].as_object(), wanted))
}

fn lost_to(own: FieldSet<'_>, other: FieldSet<'_>, wanted: &Value) -> bool {
    let (Some(own), Some(other)) = (own, other) else { return own.is_none() && other.is_some() };
    match wanted {
        Value::Map(entries) => entries.iter().any(|(key, item)| {
            let key = format!("f:{key}");
            lost_to(below(own, &key), below(other, &key), item)
        }),
        Value::List(items) => items.iter().any(|item| {
            let key = key_of(other, item);
            key.is_some_and(|key| lost_to(below(own, key), below(other, key), item))
        }),
        _ => false,
    }
}

/// What an object is in the words of what is wanted of it: what is wanted, but where the object `now` differs from what the
/// server says that it would become `then`, what it is now.
///
/// Only fields that Atlas owns on one of the two are looked at. What the server writes otherwise than it was asked to, such as
/// `1` for `1000m`, stays as it was asked for.
#[must_use]
pub fn in_wanted_words(wanted: &Value, now: &Json, then: &Json) -> Value {
    let sides = Sides { now: Some(now), then: Some(then), owned_now: applied(now), owned_then: applied(then) };
    let Value::Map(entries) = wanted else { return Value::Null };
    map(entries.iter().map(|(key, item)| (key.as_str(), item)).collect(), entries.is_empty(), &sides)
}

/// The same part of an object as it is and as it would become, with who owns what of it.
#[derive(Clone, Copy)]
struct Sides<'a> {
    now: Option<&'a Json>,
    then: Option<&'a Json>,
    owned_now: FieldSet<'a>,
    owned_then: FieldSet<'a>,
}

impl<'a> Sides<'a> {
    /// The part behind a key of a map.
    fn key(&self, name: &str) -> Self {
        let field = format!("f:{name}");
        Self {
            now: self.now.and_then(|now| now.get(name)),
            then: self.then.and_then(|then| then.get(name)),
            owned_now: self.owned_now.and_then(|fields| below(fields, &field)),
            owned_then: self.owned_then.and_then(|fields| below(fields, &field)),
        }
    }

    /// The item of a list behind a key of a set.
    fn item(&self, key: &str) -> Self {
        Self {
            now: self.now.and_then(|now| item_at(now, key)),
            then: self.then.and_then(|then| item_at(then, key)),
            owned_now: self.owned_now.and_then(|fields| below(fields, key)),
            owned_then: self.owned_then.and_then(|fields| below(fields, key)),
        }
    }

    /// The keys of both sets that begin with one of these words, each once.
    fn keys(&self, words: &[&str]) -> Vec<&'a str> {
        let all = [self.owned_then, self.owned_now].into_iter().flatten().flat_map(|fields| fields.keys());
        let mut keys: Vec<&str> = Vec::new();
        for key in all.filter(|key| words.iter().any(|word| key.starts_with(word))) {
            if !keys.contains(&key.as_str()) {
                keys.push(key);
            }
        }
        keys
    }

    fn is_owned(&self) -> bool {
        self.owned_now.is_some() || self.owned_then.is_some()
    }

    /// Whether it is owned as a whole on every side that owns it.
    fn is_whole(&self) -> bool {
        self.keys(&["f:", "k:", "v:"]).is_empty()
    }
}

fn told(wanted: Option<&Value>, sides: &Sides<'_>) -> Value {
    if sides.now == sides.then || !sides.is_owned() {
        return wanted.cloned().unwrap_or_default();
    }
    match wanted {
        _ if sides.is_whole() => sides.now.cloned().map_or(Value::Null, Value::from),
        Some(Value::Map(entries)) => {
            map(entries.iter().map(|(key, item)| (key.as_str(), item)).collect(), entries.is_empty(), sides)
        }
        Some(Value::List(items)) => list(items, sides),
        None if !sides.keys(&["f:"]).is_empty() => map(Vec::new(), false, sides),
        None => list(&[], sides),
        Some(_) => sides.now.cloned().map_or(Value::Null, Value::from),
    }
}

/// What a map is; `says_empty` where one without entries is wanted as such.
fn map(wanted: Vec<(&str, &Value)>, says_empty: bool, sides: &Sides<'_>) -> Value {
    let mut entries: Vec<(Text, Value)> =
        wanted.iter().map(|(key, item)| ((*key).into(), told(Some(item), &sides.key(key)))).collect();
    for field in sides.keys(&["f:"]) {
        let key = field.trim_start_matches("f:");
        // What `kubectl apply` wrote down repeats the whole object, a Secret's data as well.
        let own = [MARK_ANNOTATION, OWNER_LABEL, "kubectl.kubernetes.io/last-applied-configuration"].contains(&key);
        if !own && !wanted.iter().any(|(known, _)| *known == key) {
            entries.push((key.into(), told(None, &sides.key(key))));
        }
    }
    entries.retain(|(_, item)| !item.is_null());
    if entries.is_empty() && !says_empty { Value::Null } else { Value::map(entries.into_iter().collect()) }
}

fn list(wanted: &[Value], sides: &Sides<'_>) -> Value {
    let keys = sides.keys(&["k:", "v:"]);
    let mut known = Vec::new();
    let mut items = Vec::new();
    for item in wanted {
        let key = keys.iter().find(|key| is_item(key, item));
        known.extend(key);
        let there = key.map(|key| sides.item(key));
        match there {
            Some(there) if there.now.is_none() => {}
            Some(there) => items.push(told(Some(item), &there)),
            None => items.push(item.clone()),
        }
    }
    // What Atlas applied once and nobody wants any more.
    for key in keys.iter().filter(|key| !known.contains(key)) {
        items.extend(sides.item(key).now.cloned().map(Value::from));
    }
    if items.is_empty() { Value::Null } else { Value::List(items) }
}

fn below<'a>(fields: &'a Map<String, Json>, key: &str) -> FieldSet<'a> {
    fields.get(key)?.as_object()
}

fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Map(entries) => entries.values().all(says_nothing),
        Value::List(items) => items.is_empty(),
        _ => false,
    }
}

/// The key of a set that stands for an item of a list.
fn key_of<'a>(fields: &'a Map<String, Json>, item: &Value) -> Option<&'a str> {
    fields.keys().map(String::as_str).find(|key| is_item(key, item))
}

/// Whether a key stands for an item. An item may leave out a part of the key that has a default, such as the protocol of a port.
fn is_item(key: &str, item: &Value) -> bool {
    if let Some(keys) = key.strip_prefix("k:") {
        let Ok(Json::Object(keys)) = serde_json::from_str(keys) else { return false };
        let Value::Map(entries) = item else { return false };
        let mut said = 0;
        let fits = keys.iter().all(|(name, value)| match entries.get(name.as_str()) {
            Some(own) => {
                said += 1;
                own.to_json() == *value
            }
            None => true,
        });
        return fits && said > 0;
    }
    let value = key.strip_prefix("v:").and_then(|text| serde_json::from_str::<Json>(text).ok());
    value.is_some_and(|value| item.to_json() == value)
}

/// The item of a list that a key stands for.
pub fn item_at<'a>(list: &'a Json, key: &str) -> Option<&'a Json> {
    let items = list.as_array()?;
    if let Some(keys) = key.strip_prefix("k:") {
        let Ok(Json::Object(keys)) = serde_json::from_str(keys) else { return None };
        return items.iter().find(|item| keys.iter().all(|(name, value)| item.get(name) == Some(value)));
    }
    let value = serde_json::from_str::<Json>(key.strip_prefix("v:")?).ok()?;
    items.iter().find(|item| **item == value)
}
