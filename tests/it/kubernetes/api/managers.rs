//! Who owns which fields of an object: `metadata.managedFields`, and what writes do to it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::compare::{Comparison, compare};
use super::failure::{Cause, Failure};
use super::items;
use super::json;
use super::merge::{merge, with_parents, without};
use super::path::{Set, shown};
use super::schema::Type;

/// How many managers of updates are kept apart.
const MOST_UPDATERS: usize = 10;

/// What tells one manager from another. An applier is the same in all versions.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Manager {
    /// `Apply` or `Update`.
    pub operation: String,
    /// The name of the manager.
    pub name: String,
    /// The version that it writes in; none for appliers.
    pub version: String,
    /// The subresource that it writes to; none for the object itself.
    pub subresource: String,
}

impl Manager {
    fn shown(&self) -> String {
        let mut text = format!("{:?}", self.name);
        if !self.subresource.is_empty() {
            text += &format!(" with subresource {:?}", self.subresource);
        }
        if self.operation == "Update" {
            text += &format!(" using {}", self.version);
        }
        text
    }
}

/// What a manager owns.
#[derive(Clone, Debug, PartialEq)]
struct Owned {
    version: String,
    time: Option<String>,
    fields: Set,
}

/// All managers of an object.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Managers(BTreeMap<Manager, Owned>);

/// One write: what it is done as.
pub struct Writing<'a> {
    /// The type of the object.
    pub shape: &'a Type,
    /// The version that is written in, as `apps/v1`.
    pub version: &'a str,
    /// The name of the manager.
    pub manager: &'a str,
    /// The subresource that is written to.
    pub subresource: &'a str,
    /// The fields that such a write cannot change.
    pub ignored: &'a Set,
    /// The time of the write.
    pub now: &'a str,
}

/// What no manager ever owns.
fn stripped() -> Set {
    let names = "apiVersion kind metadata metadata.name metadata.namespace metadata.creationTimestamp metadata.selfLink \
                 metadata.uid metadata.clusterName metadata.generation metadata.managedFields metadata.resourceVersion";
    Set::of(&names.split_whitespace().collect::<Vec<_>>())
}

impl Managers {
    /// The managers of an object.
    pub fn of(object: &Value) -> Self {
        let mut all = BTreeMap::new();
        for entry in json::list(object, "metadata.managedFields") {
            let word = |name| json::text(entry, name).to_owned();
            let version = word("apiVersion");
            let manager = Manager {
                operation: word("operation"),
                name: word("manager"),
                version: if word("operation") == "Apply" { String::new() } else { version.clone() },
                subresource: word("subresource"),
            };
            let fields = Set::decode(entry.get("fieldsV1").unwrap_or(&Value::Null));
            let time = json::at(entry, "time").and_then(Value::as_str).map(str::to_owned);
            all.insert(manager, Owned { version, time, fields });
        }
        Self(all)
    }

    /// Writes the managers into an object.
    pub fn put(&self, object: &mut Value) {
        let mut all: Vec<(&Manager, &Owned)> = self.0.iter().collect();
        if all.is_empty() {
            json::remove(object, "metadata.managedFields");
            return;
        }
        all.sort_by_key(|(manager, owned)| {
            let time = owned.time.clone().unwrap_or_default();
            (&manager.operation, time, &manager.name, &owned.version, &manager.subresource)
        });
        let entry = |(manager, owned): (&Manager, &Owned)| {
            let mut entry = json!({
                "manager": manager.name, "operation": manager.operation, "apiVersion": owned.version,
            });
            if let Some(time) = &owned.time {
                entry["time"] = json!(time);
            }
            entry["fieldsType"] = json!("FieldsV1");
            entry["fieldsV1"] = owned.fields.encode();
            if !manager.subresource.is_empty() {
                entry["subresource"] = json!(manager.subresource);
            }
            entry
        };
        json::set(object, "metadata.managedFields", all.into_iter().map(entry).collect::<Value>());
    }

    /// Whether nobody owns anything.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn take(&mut self, found: &Comparison, own: Option<&Manager>, force: bool) -> Result<(), Failure> {
        let changed = found.modified.union(&found.added);
        let others = || self.0.iter().filter(|(manager, _)| Some(*manager) != own);
        let conflicts: Vec<(Manager, Set)> = others()
            .map(|(manager, owned)| (manager.clone(), owned.fields.intersection(&changed)))
            .filter(|(_, set)| !set.is_empty())
            .collect();
        if !force && !conflicts.is_empty() {
            let mut sorted: Vec<&(Manager, Set)> = conflicts.iter().collect();
            sorted.sort_by_key(|(manager, _)| {
                (&manager.name, &manager.operation, &manager.version, &manager.subresource)
            });
            return Err(refused(&sorted));
        }
        for (manager, owned) in &mut self.0 {
            if Some(manager) != own {
                let lost = conflicts.iter().find(|(other, _)| other == manager);
                if let Some((_, lost)) = lost {
                    owned.fields = owned.fields.difference(lost);
                }
                owned.fields = owned.fields.difference(&found.removed);
            }
        }
        self.0.retain(|_, owned| !owned.fields.is_empty());
        Ok(())
    }

    /// A write that is not an apply: the writer owns what it changed.
    pub fn update(&mut self, writing: &Writing<'_>, live: &Value, new: &Value) {
        let (live, new) = (bare(live), bare(new));
        let found = compare(writing.shape, &live, &new).without(writing.ignored);
        // Forced, so that there are no conflicts.
        if self.take(&found, None, true).is_err() {
            return;
        }
        let fields = found.modified.union(&found.added).without(writing.ignored).difference(&stripped());
        if !fields.is_empty() {
            let manager = Manager {
                operation: "Update".to_owned(),
                name: if writing.manager.is_empty() { "unknown" } else { writing.manager }.to_owned(),
                version: writing.version.to_owned(),
                subresource: writing.subresource.to_owned(),
            };
            let before = self.0.get(&manager).map(|owned| owned.fields.clone()).unwrap_or_default();
            let owned = Owned {
                version: writing.version.to_owned(),
                time: Some(writing.now.to_owned()),
                fields: before.union(&fields),
            };
            self.0.insert(manager, owned);
        }
        self.cap();
    }

    /// An apply: what comes of the live object. `None`: it stays as it is.
    pub fn apply(
        &mut self,
        writing: &Writing<'_>,
        live: &Value,
        applied: &Value,
        force: bool,
    ) -> Result<Option<Value>, Failure> {
        let live = &bare(live);
        let manager = Manager {
            operation: "Apply".to_owned(),
            name: writing.manager.to_owned(),
            version: String::new(),
            subresource: writing.subresource.to_owned(),
        };
        let merged = merge(writing.shape, live, applied);
        let last = self.0.get(&manager).cloned();
        let fields = items::fields(writing.shape, applied).without(writing.ignored);
        let time = last.as_ref().and_then(|last| last.time.clone());
        self.0.insert(manager.clone(), Owned { version: writing.version.to_owned(), time, fields });
        let pruned = match last.filter(|last| !last.fields.is_empty()) {
            Some(last) => self.prune(writing.shape, &merged, &last.fields),
            None => merged,
        };
        let found = compare(writing.shape, live, &pruned).without(writing.ignored);
        self.take(&found, Some(&manager), force)?;
        let changed = *live != pruned;
        if let Some(owned) = self.0.get_mut(&manager) {
            owned.fields = owned.fields.difference(&stripped());
            if changed || owned.time.is_none() && !owned.fields.is_empty() {
                owned.time = changed.then(|| writing.now.to_owned());
            }
            if owned.fields.is_empty() {
                self.0.remove(&manager);
            }
        }
        Ok(changed.then_some(pruned))
    }

    /// Takes away what the applier applied the last time and nobody wants now.
    fn prune(&self, shape: &Type, merged: &Value, last: &Set) -> Value {
        let none = || json!({});
        let last = with_parents(shape, last);
        let pruned = without(shape, merged, &last).unwrap_or_else(none);
        let wanted = self.0.values().fold(Set::default(), |all, owned| all.union(&owned.fields));
        let of = |value: &Value| with_parents(shape, &items::fields(shape, value));
        let all = of(merged);
        let kept = of(&pruned).union(&with_parents(shape, &wanted));
        let pruned = without(shape, merged, &all.difference(&kept)).unwrap_or_else(none);
        let gone = all.difference(&of(&pruned)).intersection(&last);
        without(shape, merged, &gone).unwrap_or_else(none)
    }

    /// Lays the oldest updaters together if there are too many.
    fn cap(&mut self) {
        let mut updaters: Vec<(Option<String>, Manager)> = self
            .0
            .iter()
            .filter(|(manager, _)| manager.operation == "Update")
            .map(|(manager, owned)| (owned.time.clone(), manager.clone()))
            .collect();
        updaters.sort();
        let mut count = updaters.len();
        let mut first: BTreeMap<String, Manager> = BTreeMap::new();
        for (time, manager) in updaters {
            if count <= MOST_UPDATERS {
                break;
            }
            let Some(before) = first.get(&manager.version) else {
                first.insert(manager.version.clone(), manager);
                continue;
            };
            let bucket = Manager {
                operation: "Update".to_owned(),
                name: "ancient-changes".to_owned(),
                version: manager.version.clone(),
                subresource: String::new(),
            };
            let mut owned = match self.0.remove(&bucket).or_else(|| self.0.remove(before)) {
                Some(owned) => owned,
                None => continue,
            };
            if let Some(more) = self.0.remove(&manager) {
                owned.fields = owned.fields.union(&more.fields);
                owned.time = time;
                count -= 1;
            }
            self.0.insert(bucket, owned);
        }
    }
}

/// An object without its managers: they own nothing of it.
fn bare(object: &Value) -> Value {
    let mut object = object.clone();
    json::remove(&mut object, "metadata.managedFields");
    object
}

fn refused(conflicts: &[&(Manager, Set)]) -> Failure {
    let mut causes = Vec::new();
    let mut lines = Vec::new();
    for (manager, set) in conflicts {
        lines.push(format!("conflicts with {}:", manager.shown()));
        for path in set.paths() {
            lines.push(format!("- {}", shown(&path)));
            let message = format!("conflict with {}", manager.shown());
            causes.push(Cause { reason: "FieldManagerConflict", message, field: shown(&path) });
        }
    }
    let message = match causes.as_slice() {
        [one] => format!("Apply failed with 1 conflict: {}: {}", one.message, one.field),
        all => format!("Apply failed with {} conflicts: {}", all.len(), lines.join("\n")),
    };
    Failure::owned(message, &causes)
}
