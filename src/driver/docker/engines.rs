//! The engines of a run: found by what specs, marks and identities say, and each connected to once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use foldhash::HashMap;

use super::engine::Engine;
use crate::driver::{Class, DriverError, Hidden, Variables};
use crate::identity::Identity;
use crate::kind::{self, engine_word};
use crate::value::{Attributes, Value};

/// All engines that were named so far. The usual one has no name.
pub(super) struct Engines {
    variables: Variables,
    hidden: Arc<Hidden>,
    named: Mutex<BTreeMap<Option<String>, Arc<Engine>>>,
    /// On which engine a listing saw an object, where nothing else tells that.
    seen_on: Mutex<HashMap<Identity, Option<String>>>,
}

impl Engines {
    pub fn new(variables: Variables, hidden: Arc<Hidden>) -> Self {
        Self { variables, hidden, named: Mutex::default(), seen_on: Mutex::default() }
    }

    /// The engine of a name.
    pub fn get(&self, name: Option<&str>) -> Arc<Engine> {
        let mut named = self.named.lock().unwrap_or_else(PoisonError::into_inner);
        let name = name.map(str::to_owned);
        let make = || Arc::new(Engine::new(name.clone(), Arc::clone(&self.variables), Arc::clone(&self.hidden)));
        Arc::clone(named.entry(name.clone()).or_insert_with(make))
    }

    /// Every engine that was named so far, and the usual one.
    pub fn all(&self) -> Vec<Arc<Engine>> {
        self.get(None);
        self.named.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// The engine that an object is on: where it was seen, as its attributes say, as its identity tells, or the usual one.
    pub fn of(&self, identity: &Identity, wanted: Option<&Attributes>) -> Result<Arc<Engine>, DriverError> {
        let seen = self.seen_on.lock().unwrap_or_else(PoisonError::into_inner).get(identity).cloned();
        match seen.or_else(|| named_by(identity.kind(), wanted?)) {
            Some(name) => Ok(self.get(name.as_deref())),
            None => self.told_by(identity),
        }
    }

    /// The engine that is told by an identity alone.
    pub fn told_by(&self, identity: &Identity) -> Result<Arc<Engine>, DriverError> {
        let Some(scope) = identity.scope() else { return Ok(self.get(None)) };
        let by_word = |engine: &Arc<Engine>| engine.name.as_deref().is_some_and(|name| engine_word(name) == scope);
        if let Some(engine) = self.all().into_iter().find(by_word) {
            return Ok(engine);
        }
        // An engine's address can't be restored from its scope, but a context's name may be the scope itself.
        let engine = Engine::new(Some(scope.to_string()), Arc::clone(&self.variables), Arc::clone(&self.hidden));
        match engine.is_known() {
            true => Ok(self.get(Some(&scope))),
            false => {
                let message = format!("it is on an engine `{scope}`, which nothing in the spec names any more");
                Err(DriverError::new(Class::Unreachable, message))
            }
        }
    }

    /// Remembers on which engine an object was seen.
    pub fn remember(&self, identity: &Identity, engine: &Engine) {
        let mut seen_on = self.seen_on.lock().unwrap_or_else(PoisonError::into_inner);
        seen_on.insert(identity.clone(), engine.name.clone());
    }

    /// Forgets where an object was seen: it is gone.
    pub fn forget(&self, identity: &Identity) {
        self.seen_on.lock().unwrap_or_else(PoisonError::into_inner).remove(identity);
    }
}

/// The name of the engine that an object's attributes put it on; nothing when they don't put it on any.
pub(super) fn named_by(kind: &str, attributes: &Attributes) -> Option<Option<String>> {
    let text = |path: &str| attributes.at(path).and_then(Value::as_str).map(str::to_owned);
    match kind {
        "region" => (!attributes.get("localstack").is_null()).then(|| text("localstack.engine")),
        // A cluster that exists already is on no engine.
        "cluster" => kind::EXISTING.iter().all(|way| attributes.get(way).is_null()).then(|| text("engine")),
        _ => Some(text("engine")),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::Engines;
    use crate::identity::Identity;
    use crate::value::{Attributes, Value};

    #[test]
    fn an_engine_is_found_by_whoever_knows_it() {
        let engines = Engines::new(Arc::new(|_| None), Arc::default());
        let name = |identity: &Identity, wanted: Option<&Attributes>| {
            engines.of(identity, wanted).map(|engine| engine.name.clone()).map_err(|error| error.message)
        };
        let plain = Identity::root("volume", "data");
        let far = Identity::root_scoped("volume", Some("tcp---h-1"), "data");
        let region = Identity::root("region", "us-east-1");
        let on = |path: &[&str]| Value::default().with(path, "tcp://h:1".into());
        let attributes: Attributes = [("engine", "tcp://h:1".into())].into_iter().collect();
        let localstack: Attributes = [("localstack", on(&["engine"]))].into_iter().collect();
        assert_eq!(name(&plain, None), Ok(None));
        let unknown = name(&far, None).expect_err("nothing names it");
        assert!(unknown.contains("tcp---h-1"), "{unknown}");
        let wanted = Ok(Some("tcp://h:1".to_owned()));
        assert_eq!(name(&far, Some(&attributes)), wanted);
        assert_eq!(name(&far, None), wanted, "a spec named it meanwhile");
        assert_eq!(name(&region, Some(&localstack)), wanted);
        assert_eq!(name(&region, None), Ok(None));
        engines.remember(&region, &engines.get(Some("tcp://h:1")));
        assert_eq!(name(&region, None), wanted, "a listing saw it there");
        engines.forget(&region);
        assert_eq!(name(&region, None), Ok(None));
    }
}
