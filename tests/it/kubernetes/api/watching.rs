//! Watches: what happens to objects, one line each.

use serde_json::{Value, json};

use super::asked::{Asked, Place};
use super::failure::Failure;
use super::json;
use super::kinds::Kind;
use super::lists;
use super::selector::Selector;
use super::world::{Key, World};

/// A watch that is going on.
pub struct Watch {
    kind: Kind,
    namespace: String,
    selector: Selector,
    metadata: bool,
    seen: u64,
    ended: bool,
}

impl Watch {
    /// Begins a watch, and what it says first.
    pub fn begin(world: &World, kind: &Kind, place: &Place, asked: &Asked) -> Result<(Self, Vec<Value>), Failure> {
        let mut watch = Self {
            kind: kind.clone(),
            namespace: place.namespace.clone(),
            selector: lists::selector(asked, place)?,
            metadata: lists::only_metadata(asked),
            seen: world.version(),
            ended: false,
        };
        let version = asked.word("resourceVersion");
        if version.is_empty() || version == "0" || asked.says("sendInitialEvents") {
            let mut first: Vec<Value> = world
                .list(kind, &place.namespace)
                .into_iter()
                .filter(|(_, object)| watch.selector.fits(object))
                .map(|(_, object)| watch.event("ADDED", object))
                .collect();
            if asked.says("sendInitialEvents") {
                first.push(watch.bookmark());
            }
            return Ok((watch, first));
        }
        let from: u64 = version.parse().map_err(|_| {
            let why = format!("strconv.ParseUint: parsing {version:?}: invalid syntax");
            Failure::new(500, "", format!("resourceVersion: Invalid value: {version:?}: {why}"))
        })?;
        if from < world.oldest {
            watch.ended = true;
            let failure = Failure::gone(&format!("too old resource version: {from} ({})", world.version()));
            return Ok((watch, vec![json!({ "type": "ERROR", "object": failure.body })]));
        }
        watch.seen = from;
        Ok((watch, Vec::new()))
    }

    /// Whether it will say nothing more.
    pub fn ended(&self) -> bool {
        self.ended
    }

    /// What happened since it was asked the last time.
    pub fn next(&mut self, world: &World) -> Vec<Value> {
        let mut events = Vec::new();
        for happening in world.since(self.seen) {
            if self.about(&happening.key) {
                let fits = |object: &Option<Value>| object.as_ref().is_some_and(|object| self.selector.fits(object));
                let event = match (fits(&happening.old), fits(&happening.new)) {
                    (false, true) => happening.new.as_ref().map(|new| self.event("ADDED", new)),
                    (true, true) => happening.new.as_ref().map(|new| self.event("MODIFIED", new)),
                    (true, false) => happening.old.as_ref().map(|old| {
                        let mut last = old.clone();
                        json::set(&mut last, "metadata.resourceVersion", happening.version.to_string());
                        self.event("DELETED", &last)
                    }),
                    (false, false) => None,
                };
                events.extend(event);
            }
        }
        self.seen = world.version();
        events
    }

    fn about(&self, key: &Key) -> bool {
        key.group == self.kind.group
            && key.plural == self.kind.plural
            && (self.namespace.is_empty() || self.namespace == key.namespace)
    }

    fn event(&self, kind: &str, object: &Value) -> Value {
        json!({ "type": kind, "object": lists::shown(&self.kind, object, self.metadata) })
    }

    fn bookmark(&self) -> Value {
        json!({ "type": "BOOKMARK", "object": { "kind": self.kind.kind, "apiVersion": self.kind.api_version(),
            "metadata": { "resourceVersion": self.seen.to_string(),
                "annotations": { "k8s.io/initial-events-end": "true" } } } })
    }
}
