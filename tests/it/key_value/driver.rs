//! A driver for the key-value store, written from docs/drivers.md alone. An object is an entry whose key is its
//! identity; its contents are the entries below `IDENTITY#COUNTER/`.

use std::sync::Arc;

use async_trait::async_trait;
use atlas::driver::{Claims, Class, Driver, DriverError, Listing, Look, Request, Seen, Service, Session};
use atlas::identity::Identity;
use atlas::kind::{Count, Host, Kind, KindRef, Outputs, Usage};
use atlas::observed::{Condition, Mark, Object, Owner};
use atlas::value::{Text, Value};
use serde_json::json;

use super::store::{Entry, Moved, Store};

pub struct KeyValue(pub Arc<Store>);

struct Below {
    store: Arc<Store>,
    host: Option<Identity>,
}

#[async_trait]
impl Driver for KeyValue {
    fn name(&self) -> &'static str {
        "key-value"
    }

    /// Everything but what lives in several hosts at once: a key has one place.
    fn serves(&self, kind: &Kind, _: Option<&Object>) -> Service {
        let several = kind.host == Host::AnyServer || kind.name == "table";
        if several { Service::None } else { Service::Keeps }
    }

    fn simulates(&self) -> bool {
        true
    }

    fn reads_host(&self) -> bool {
        false
    }

    async fn open(&self, host: Option<&Object>, _: &Owner) -> Result<Arc<dyn Session>, DriverError> {
        Ok(Arc::new(Below { store: Arc::clone(&self.0), host: host.map(|host| host.identity.clone()) }))
    }
}

#[async_trait]
impl Session for Below {
    async fn list(&self, kinds: &[KindRef], claims: &Claims<'_>) -> Result<Listing, DriverError> {
        let prefix = self.host.as_ref().map(|host| format!("{host}/")).unwrap_or_default();
        let mut objects = Vec::new();
        for (key, entry) in self.store.range(&prefix) {
            let identity = Identity::from_text(key);
            let kind = kinds.iter().find(|kind| kind.name == identity.kind());
            let (Some(kind), true) = (kind, identity.host() == self.host) else { continue };
            let object = self.object(kind, &identity, &entry)?;
            if claims.ask_for(&identity, object.mark.as_ref()) {
                objects.push(object);
            }
        }
        Ok(Listing { objects, ..Listing::default() })
    }

    async fn read(&self, look: &Look<'_>) -> Result<Option<Seen>, DriverError> {
        let Some(entry) = self.store.get(look.identity) else { return Ok(None) };
        Ok(Some(Seen::with(self.object(look.kind, look.identity, &entry)?, entry.revision)))
    }

    async fn create(&self, want: &Request<'_>) -> Result<Outputs, DriverError> {
        if let Some(host) = want.hosts.iter().find(|host| self.store.get(host).is_none()) {
            return Err(DriverError::new(Class::Invalid, format!("`{host}` is not there")));
        }
        self.write(want, None)
    }

    async fn update(&self, seen: &Seen, want: &Request<'_>) -> Result<Outputs, DriverError> {
        self.write(want, Some(revision(seen)?))
    }

    async fn delete(&self, seen: &Seen) -> Result<(), DriverError> {
        let key = seen.object.identity.as_str();
        if !self.store.range(&format!("{key}/")).is_empty() {
            return Err(DriverError::new(Class::Conflict, "something lives in it"));
        }
        self.store.remove(key, revision(seen)?).map_err(moved)?;
        for (below, entry) in self.store.range(&format!("{key}#")) {
            self.store.remove(&below, entry.revision).map_err(moved)?;
        }
        Ok(())
    }

    async fn mark(&self, seen: &Seen, mark: Option<&Mark>) -> Result<(), DriverError> {
        let text = body(&seen.object, mark).to_string();
        self.store.put(&seen.object.identity, text, Some(revision(seen)?)).map_err(moved)
    }
}

impl Below {
    fn object(&self, kind: &KindRef, identity: &Identity, entry: &Entry) -> Result<Object, DriverError> {
        let unreadable = |error| DriverError::from_source(Class::Invalid, format!("`{identity}` is no object"), error);
        let (attributes, outputs, mark): (serde_json::Map<_, _>, Outputs, Option<Mark>) =
            serde_json::from_str(&entry.text).map_err(unreadable)?;
        let mut object = Object {
            kind: kind.clone(),
            identity: identity.clone(),
            hosts: identity.host().into_iter().collect(),
            attributes: atlas::value::Attributes::default(),
            outputs,
            usage: self.usage(kind, identity),
            mark,
            external: false,
            unsaid: Vec::new(),
            condition: Condition::Ready,
        };
        for (name, value) in attributes {
            if let Some(attribute) = kind.attribute(&name) {
                object.attributes.set(attribute.name, serde_json::from_value::<Value>(value).map_err(unreadable)?);
            }
        }
        Ok(object)
    }

    fn usage(&self, kind: &Kind, identity: &Identity) -> Usage {
        let count = |counter: &&str| {
            let held = self.store.range(&format!("{identity}#{counter}/")).len();
            (Text::from(*counter), Count::Exactly(held as u64))
        };
        kind.usage.iter().map(count).collect()
    }

    fn write(&self, want: &Request<'_>, expected: Option<u64>) -> Result<Outputs, DriverError> {
        let mut outputs = want.derived.clone();
        for output in want.kind.outputs.iter() {
            outputs.entry(output.name.into()).or_insert_with(|| match output.name {
                "account" => "000000000000".to_owned(),
                _ => format!("kv://{}", want.identity),
            });
        }
        let text = json!([want.attributes, outputs, want.mark]).to_string();
        self.store.put(want.identity, text, expected).map_err(moved)?;
        Ok(outputs)
    }
}

fn body(object: &Object, mark: Option<&Mark>) -> serde_json::Value {
    json!([object.attributes, object.outputs, mark])
}

fn moved(error: Moved) -> DriverError {
    DriverError::from_source(Class::Conflict, "it is not what was seen", error)
}

fn revision(seen: &Seen) -> Result<u64, DriverError> {
    seen.raw().copied().ok_or_else(|| DriverError::new(Class::Conflict, "it was not seen in this session"))
}
