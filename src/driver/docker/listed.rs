//! What objects of an engine have in common when they are looked at: which object one is, and whose.

use std::collections::HashMap;

use super::mark::{self, Labels};
use super::names;
use super::note::Notes;
use crate::identity::Identity;
use crate::kind::{KindRef, Outputs, Usage, engine_word, normal_attributes};
use crate::observed::{Condition, Mark, Object};
use crate::value::{Attributes, Value};

/// An object as a list of the engine tells it.
#[derive(Clone, Debug)]
pub(super) struct Listed {
    /// The engine's own name of it.
    pub id: String,
    pub name: String,
    /// Its own labels, without those that only its image brings along.
    pub labels: Labels,
}

/// A listed object, and which one it is.
#[derive(Clone, Debug)]
pub(super) struct Identified {
    pub kind: KindRef,
    pub identity: Identity,
    pub hosts: Vec<Identity>,
    pub listed: Listed,
    pub mark: Option<Mark>,
    /// Whether its mark is certain to be its own. A container that is called otherwise than its mark says was renamed, or it
    /// is a copy of what Atlas made, and nobody can tell which.
    pub is_certain: bool,
}

impl Identified {
    /// Tells which object of a kind that lives in nothing a listed one is: the one that a note knows by the engine's own
    /// name of it; the one that its mark says, when its name agrees; or else the one of its name, which is nobody's.
    pub fn of(kind: KindRef, engine: Option<&str>, listed: Listed, notes: &Notes) -> Self {
        if let Some((identity, labels)) = notes.of(&kind, &listed.id) {
            let (identity, mark) = (identity.clone(), mark::read(labels));
            return Self { kind, identity, hosts: Vec::new(), listed, mark, is_certain: true };
        }
        let own = mark::identity(&listed.labels).filter(|own| own.kind() == kind.name);
        if let (Some(identity), Some(mark)) = (own, mark::read(&listed.labels)) {
            let is_certain = name_of(&identity, &mark) == listed.name;
            // Nothing else can be renamed.
            if is_certain || ["container", "region"].contains(&kind.name) {
                return Self { kind, identity, hosts: Vec::new(), listed, mark: Some(mark), is_certain };
            }
        }
        let identity = Identity::root_scoped(kind.name, engine.map(engine_word).as_deref(), &listed.name);
        Self { kind, identity, hosts: Vec::new(), listed, mark: None, is_certain: true }
    }

    /// The object with what was read of it.
    pub fn object(self, attributes: Attributes, outputs: Outputs, usage: Usage, condition: Condition) -> Object {
        Object {
            attributes: normal_attributes(&self.kind, attributes),
            kind: self.kind,
            identity: self.identity,
            hosts: self.hosts,
            outputs,
            usage,
            mark: self.mark,
            external: false,
            unsaid: Vec::new(),
            condition,
        }
    }
}

/// The name that an object with this mark has on its engine.
fn name_of(identity: &Identity, mark: &Mark) -> String {
    match identity.kind() {
        "region" => names::region(&mark.project, &mark.environment, &identity.name()),
        _ => identity.name().into_owned(),
    }
}

/// The entries of a table of texts on an object that are Atlas's business: others bring some as well (an image its
/// labels and variables), so only those count that the spec names, and that Atlas made along with the object.
pub(super) fn said(
    name: &str,
    there: &HashMap<String, String>,
    labels: &Labels,
    managed: &impl Fn(&str) -> bool,
    wanted: Option<&Attributes>,
) -> Value {
    if !managed(name) {
        return Value::Null;
    }
    let keys = labels.get(&format!("atlas.keys.{name}")).map(|keys| keys.split(' ').collect::<Vec<_>>());
    let named = |key: &str| {
        wanted.is_some_and(|wanted| matches!(wanted.get(name), Value::Map(entries) if entries.contains_key(key)))
    };
    let own = |key: &str| match &keys {
        Some(keys) => keys.contains(&key),
        None => !mark::is_own(key),
    };
    let entries = there.iter().filter(|(key, _)| !mark::is_own(key) && (own(key) || named(key)));
    Value::Map(entries.map(|(key, value)| (key.into(), Value::from(value.as_str()))).collect())
}

#[cfg(test)]
mod tests {
    use super::{Identified, Listed};
    use crate::address::Address;
    use crate::desired::OnRemove;
    use crate::driver::docker::mark;
    use crate::driver::docker::note::Notes;
    use crate::identity::Identity;
    use crate::kind;
    use crate::observed::Mark;

    #[test]
    fn an_object_is_the_one_of_its_mark_only_if_its_name_agrees() {
        let mark = |kind: &str, name: &str| Mark {
            project: "p".into(),
            environment: "e".into(),
            address: Address::new(kind, name, None),
            protect: false,
            on_remove: OnRemove::Delete,
            needs: Vec::new(),
            applied: String::new(),
        };
        // The kind, the name in the mark, the name on the engine, the name by which it counts, and whether the mark counts
        // and is certain.
        for (kind, marked, called, counts_as, has_mark, is_certain) in [
            ("volume", "data", "data", "data", true, true),
            ("volume", "data", "copy", "copy", false, true),
            ("network", "net", "other", "other", false, true),
            ("container", "cache", "cache", "cache", true, true),
            ("container", "cache", "copy", "cache", true, false),
            ("region", "us-east-1", "p-e-us-east-1", "us-east-1", true, true),
            ("region", "us-east-1", "q-e-us-east-1", "us-east-1", true, false),
        ] {
            let identity = Identity::root(kind, marked);
            let labels = mark::labels(&mark(kind, marked), &identity);
            let listed = Listed { id: "1".into(), name: called.into(), labels };
            let found = Identified::of(kind::get(kind).expect("a kind").into(), None, listed, &Notes::default());
            let told = (&*found.identity.name(), found.mark.is_some(), found.is_certain);
            assert_eq!(told, (counts_as, has_mark, is_certain), "{kind} {marked} called {called}");
        }
        // A mark of one kind on an object of another is none.
        let labels = mark::labels(&mark("container", "data"), &Identity::root("container", "data"));
        let listed = Listed { id: "1".into(), name: "data".into(), labels };
        let found = Identified::of(kind::get("volume").expect("a kind").into(), None, listed, &Notes::default());
        assert_eq!((found.identity, found.mark), (Identity::root("volume", "data"), None));
    }
}
