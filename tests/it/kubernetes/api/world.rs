//! All that the server holds, and the log of what happened to it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::{Value, json};

use super::json;
use super::kinds::{Kind, built_in, defined};

/// Where an object is.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// The API group.
    pub group: String,
    /// The plural of the kind.
    pub plural: String,
    /// The namespace; empty for none.
    pub namespace: String,
    /// The name.
    pub name: String,
}

/// What happened to an object.
#[derive(Clone, Debug)]
pub struct Happening {
    /// The version that it made.
    pub version: u64,
    /// Where.
    pub key: Key,
    /// The object before.
    pub old: Option<Value>,
    /// The object after; of a deletion the last one, with the version of the deletion.
    pub new: Option<Value>,
}

/// A function that changes objects on their way in.
pub type Mutate = Arc<dyn Fn(&str, &mut Value) + Send + Sync>;
/// A function that refuses objects on their way in.
pub type Validate = Arc<dyn Fn(&str, &Value) -> Result<(), String> + Send + Sync>;

/// All that the server holds.
pub struct World {
    objects: BTreeMap<Key, Value>,
    leaving: BTreeSet<Key>,
    owned: BTreeSet<Key>,
    version: u64,
    log: Vec<Happening>,
    kinds: Vec<Kind>,
    /// Below this version nothing can be watched any more.
    pub oldest: u64,
    /// Whether controllers do their work.
    pub controllers: bool,
    /// What containers said, by namespace and pod.
    pub logs: HashMap<(String, String), String>,
    /// Mutating admission.
    pub mutate: Vec<Mutate>,
    /// Validating admission.
    pub validate: Vec<Validate>,
    /// The version up to which controllers have done their work.
    pub settled: u64,
    /// How many addresses and ports were given out.
    pub given: u32,
}

/// The version of a world in which nothing has happened yet.
const FIRST: u64 = 100;

impl Default for World {
    fn default() -> Self {
        Self {
            objects: BTreeMap::new(),
            leaving: BTreeSet::new(),
            owned: BTreeSet::new(),
            version: FIRST,
            log: Vec::new(),
            kinds: built_in(),
            oldest: FIRST,
            controllers: true,
            logs: HashMap::new(),
            mutate: Vec::new(),
            validate: Vec::new(),
            settled: 0,
            given: 0,
        }
    }
}

/// Puts a key into a set, or takes it out.
fn keep(set: &mut BTreeSet<Key>, key: &Key, wanted: bool) {
    if wanted {
        set.insert(key.clone());
    } else {
        set.remove(key);
    }
}

impl Key {
    /// The key of an object of a kind.
    pub fn of(kind: &Kind, namespace: &str, name: &str) -> Self {
        Self {
            group: kind.group.clone(),
            plural: kind.plural.clone(),
            namespace: if kind.namespaced { namespace.to_owned() } else { String::new() },
            name: name.to_owned(),
        }
    }
}

impl World {
    /// The object at a key.
    pub fn get(&self, key: &Key) -> Option<&Value> {
        self.objects.get(key)
    }

    /// All objects of a kind, of one namespace or of all if it is empty.
    pub fn list(&self, kind: &Kind, namespace: &str) -> Vec<(&Key, &Value)> {
        let fits = |key: &Key| {
            key.group == kind.group && key.plural == kind.plural && (namespace.is_empty() || key.namespace == namespace)
        };
        self.objects.iter().filter(|(key, _)| fits(key)).collect()
    }

    /// All objects.
    pub fn all(&self) -> impl Iterator<Item = (&Key, &Value)> {
        self.objects.iter()
    }

    /// The objects that are on their way out.
    pub fn leaving(&self) -> &BTreeSet<Key> {
        &self.leaving
    }

    /// The objects that say that they belong to others.
    pub fn owned(&self) -> &BTreeSet<Key> {
        &self.owned
    }

    /// The newest version.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// What happened after a version.
    pub fn since(&self, version: u64) -> &[Happening] {
        let first = self.log.partition_point(|happening| happening.version <= version);
        &self.log[first..]
    }

    /// Puts an object in its place, with a new version.
    pub fn put(&mut self, key: &Key, mut object: Value) -> Value {
        self.version += 1;
        json::set(&mut object, "metadata.resourceVersion", self.version.to_string());
        let old = self.objects.insert(key.clone(), object.clone());
        keep(&mut self.leaving, key, json::at(&object, "metadata.deletionTimestamp").is_some());
        keep(&mut self.owned, key, json::at(&object, "metadata.ownerReferences").is_some());
        self.note(key, old, Some(object.clone()));
        object
    }

    /// Takes an object away.
    pub fn take(&mut self, key: &Key) -> Option<Value> {
        let old = self.objects.remove(key)?;
        keep(&mut self.leaving, key, false);
        keep(&mut self.owned, key, false);
        self.version += 1;
        let mut last = old.clone();
        json::set(&mut last, "metadata.resourceVersion", self.version.to_string());
        self.note(key, Some(old), Some(last.clone()));
        if let Some(happening) = self.log.last_mut() {
            happening.old = happening.new.take();
        }
        Some(last)
    }

    fn note(&mut self, key: &Key, old: Option<Value>, new: Option<Value>) {
        if key.plural == "customresourcedefinitions" {
            self.define();
        }
        self.log.push(Happening { version: self.version, key: key.clone(), old, new });
    }

    /// The kinds that are served.
    pub fn kinds(&self) -> &[Kind] {
        &self.kinds
    }

    /// The kind of a path.
    pub fn kind(&self, group: &str, version: &str, plural: &str) -> Option<Kind> {
        let fits = |kind: &&Kind| kind.group == group && kind.version == version && kind.plural == plural;
        self.kinds.iter().find(fits).cloned()
    }

    /// A kind by its name, or by its plural, with or without its group behind a dot.
    pub fn named(&self, name: &str) -> Option<Kind> {
        let (short, group) = name.split_once('.').unwrap_or((name, ""));
        let fits =
            |kind: &&Kind| (kind.kind == short || kind.plural == short) && (group.is_empty() || kind.group == group);
        self.kinds.iter().find(fits).cloned()
    }

    /// The kind of an object, by its `apiVersion` and `kind`.
    pub fn kind_of(&self, object: &Value) -> Option<Kind> {
        let (api, name) = (json::text(object, "apiVersion"), json::text(object, "kind"));
        self.kinds.iter().find(|kind| kind.kind == name && kind.api_version() == api).cloned()
    }

    /// Serves what the established definitions define.
    fn define(&mut self) {
        self.kinds.retain(|kind| !kind.custom);
        let established = |object: &&Value| {
            json::list(object, "status.conditions")
                .iter()
                .any(|one| json::text(one, "type") == "Established" && json::text(one, "status") == "True")
        };
        let more: Vec<Kind> = self
            .objects
            .iter()
            .filter(|(key, _)| key.plural == "customresourcedefinitions")
            .map(|(_, object)| object)
            .filter(established)
            .flat_map(defined)
            .collect();
        self.kinds.extend(more);
    }

    /// A condition's place in a list of conditions, with the time at which it last changed.
    pub fn condition(kind: &str, status: bool, reason: &str, message: &str, now: &str) -> Value {
        json!({
            "type": kind,
            "status": if status { "True" } else { "False" },
            "lastTransitionTime": now,
            "reason": reason,
            "message": message,
        })
    }
}
