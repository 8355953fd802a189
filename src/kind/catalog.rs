//! The kinds that a spec can use: those of this program, and those that were made for it at run time.

use std::sync::Arc;

use foldhash::{HashMap, HashSet};

use super::attributes::{COMMON, place_attribute};
use super::kind_ref::KindRef;
use super::object::is_of_kubernetes;
use super::own;
use super::schema::{Host, Kind, Places};

/// What may stand at the top of a spec besides the kinds.
pub const ROOT_KEYS: [&str; 4] = ["project", "var", "environment", "reconcile"];

/// The kinds that a spec can use, cheap to clone. By default, those of this program.
#[derive(Clone, Default)]
pub struct Catalog(Option<Arc<MadeKinds>>);

/// The kinds that were made at run time.
struct MadeKinds {
    /// In the order in which the caller gave them. The caller should put hosts before what lives in them.
    kinds: Vec<KindRef>,
    by_name: HashMap<&'static str, usize>,
    /// Those whose resources are declared inside one of another kind, by that.
    inside: HashMap<&'static str, Vec<usize>>,
}

/// A kind that can't be part of a catalog.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the kind `{kind}` can't be used: {reason}")]
pub struct UnfitKind {
    /// The name of the kind.
    pub kind: String,
    /// Why, in words.
    pub reason: String,
}

impl Catalog {
    /// The kinds of this program and these.
    ///
    /// # Errors
    /// When a spec could not tell one of them from another kind, or one of its attributes from another one.
    pub fn new(made: impl IntoIterator<Item = Arc<Kind>>) -> Result<Self, UnfitKind> {
        let kinds: Vec<KindRef> = made.into_iter().map(KindRef::from).collect();
        let mut by_name = HashMap::default();
        let mut inside: HashMap<&'static str, Vec<usize>> = HashMap::default();
        for (at, kind) in kinds.iter().enumerate() {
            let taken = own::get(kind.name).is_some()
                || kind.name == own::OBJECT.name
                || by_name.insert(kind.name, at).is_some();
            let reason = if taken { Some("another one has its name".to_owned()) } else { unfit(kind) };
            if let Some(reason) = reason {
                return Err(UnfitKind { kind: kind.name.to_owned(), reason });
            }
            if let Places::Inside(parent) = kind.places {
                inside.entry(parent).or_default().push(at);
            }
        }
        Ok(if kinds.is_empty() { Self::default() } else { Self(Some(Arc::new(MadeKinds { kinds, by_name, inside }))) })
    }

    /// The kind with this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&KindRef> {
        let made = || self.0.as_ref().and_then(|made| made.by_name.get(name).map(|at| &made.kinds[*at]));
        if is_of_kubernetes(name) || name == own::OBJECT.name {
            return Some(&own::OBJECT);
        }
        own::REFS.iter().find(|kind| kind.name == name).or_else(made)
    }

    /// Every kind, this program's own before those that were made, and otherwise hosts before what lives in them.
    pub fn iter(&self) -> impl Iterator<Item = &KindRef> {
        own::REFS.iter().chain([&own::OBJECT]).chain(self.0.iter().flat_map(|made| &made.kinds))
    }

    /// The names of all kinds that a spec can declare, in the same order.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.iter().filter(|kind| kind.places != Places::Rendered).map(|kind| kind.name)
    }

    /// The names of the kinds that may stand at the top of a spec.
    pub fn top(&self) -> impl Iterator<Item = &'static str> {
        self.iter().filter(|kind| !matches!(kind.places, Places::Inside(_) | Places::Rendered)).map(|kind| kind.name)
    }

    /// The kinds of which resources are declared inside one of this kind. Of many kinds most have none, and there may be
    /// many blocks.
    pub fn inside(&self, kind: &str) -> impl Iterator<Item = &KindRef> {
        let declared = move |inner: &&KindRef| matches!(inner.places, Places::Inside(parent) if parent == kind);
        let own = own::REFS.iter().filter(declared);
        let made = self.0.iter().flat_map(move |made| {
            let inside = made.inside.get(kind).map(Vec::as_slice).unwrap_or_default();
            inside.iter().map(|at| &made.kinds[*at])
        });
        own.chain(made)
    }

    /// The kinds of which objects can live in an object of a kind; without one, in the world itself. A cluster that exists
    /// already lives in nothing that Atlas knows, so it is looked for in the world as well.
    pub fn living_in(&self, host: Option<&Kind>) -> impl Iterator<Item = &KindRef> {
        let host = host.map(|host| host.name);
        let lives = move |kind: &&KindRef| match (kind.host, host) {
            (Host::World, None) => true,
            (Host::Region, None) => kind.name == "cluster",
            (Host::Region, Some("region")) | (Host::Cluster, Some("cluster")) => true,
            // A namespace is in no other one.
            (Host::Cluster, Some("namespace")) => kind.name != "namespace",
            (Host::AnyServer, Some("app" | "region")) => true,
            (Host::Parent, Some(host)) => kind.places == Places::Inside(host),
            _ => false,
        };
        self.iter().filter(|kind| kind.object).filter(lives)
    }
}

impl std::fmt::Debug for Catalog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// Why a kind can't be declared in a spec, whatever other kinds there are.
fn unfit(kind: &Kind) -> Option<String> {
    let good = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if kind.name.is_empty() || !kind.name.chars().all(good) || ROOT_KEYS.contains(&kind.name) {
        return Some("a kind's name consists of letters, digits, `-` and `_`, and means nothing else in a spec".into());
    }
    let mut seen: HashSet<&str> = COMMON.iter().chain(place_attribute(kind)).map(|one| one.name).collect();
    let twice = kind.attributes.iter().find(|attribute| !seen.insert(attribute.name));
    twice.map(|attribute| format!("it has the attribute `{}` twice, or every kind has it", attribute.name))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::Catalog;
    use crate::kind::{Attribute, Kind, Type};

    fn kind(name: &str) -> Arc<Kind> {
        Arc::new(Kind::made(name, "A kind of a test."))
    }

    #[test]
    fn a_catalog_has_the_kinds_of_this_program_and_those_that_were_made() {
        let catalog = Catalog::new([kind("topic")]).expect("good");
        assert_eq!(catalog.get("topic").map(|kind| kind.name), Some("topic"));
        assert!(catalog.get("queue").is_some() && catalog.get("topics").is_none());
        assert_eq!((catalog.names().next(), catalog.names().last()), (Some("region"), Some("topic")));
        assert!(Catalog::default().get("topic").is_none());
        assert!(catalog.living_in(None).any(|kind| kind.name == "topic"));
    }

    #[test]
    fn kinds_that_a_spec_could_not_tell_apart_are_refused() {
        let reason = |kinds: Vec<Arc<Kind>>| Catalog::new(kinds).expect_err("unfit").to_string();
        assert_eq!(reason(vec![kind("queue")]), "the kind `queue` can't be used: another one has its name");
        assert!(reason(vec![kind("topic"), kind("topic")]).ends_with("another one has its name"));
        for name in ["", "a.b", "a/b", "project"] {
            assert!(reason(vec![kind(name)]).contains("letters, digits"), "{name}");
        }
        let attributes = vec![Attribute::made("protect", Type::Bool, "Twice.")];
        let twice = Kind { attributes: attributes.into(), ..Kind::made("topic", "A topic.") };
        assert!(reason(vec![Arc::new(twice)]).contains("`protect` twice"));
    }
}
