//! What earlier looks told of whose objects are: which were somebody else's, and whether any were of the owner's.
//!
//! Only the tags of an object tell whose it is, and most services tell the tags of one object at a time. So what was seen to be
//! somebody else's is not asked for again for an hour, also by later runs. An object with another name than those is asked for
//! at once. What another machine takes over under a name that was seen here, and then leaves out of the spec, is noticed here
//! within that hour.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::driver::Cache;

/// How long it is relied on, in seconds.
const AGE: u64 = 3_600;

/// What is known of every scope: an account, or a region of it, as its owner sees it.
pub(super) struct OwnershipCache {
    cache: Arc<dyn Cache>,
    scopes: Mutex<BTreeMap<String, ScopeOwnership>>,
}

/// What is known of one scope, by kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct ScopeOwnership {
    /// The scope, as two of them may share the name of a file.
    scope: String,
    kinds: BTreeMap<String, KindOwnership>,
}

/// What is known of the objects of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KindOwnership {
    /// When all of them were looked at, in seconds.
    at: u64,
    /// Whether any of them was the owner's.
    pub own: bool,
    /// Those that were somebody else's, by what the service's calls name them by.
    pub foreign: BTreeSet<String>,
}

impl OwnershipCache {
    pub fn new(cache: Arc<dyn Cache>) -> Self {
        Self { cache, scopes: Mutex::default() }
    }

    /// What may be relied on; none when that is nothing.
    pub fn of(&self, scope: &str, kind: &str) -> Option<KindOwnership> {
        let known = self.with(scope, |known| known.kinds.get(kind).cloned())?;
        let now = self.cache.now();
        (known.at <= now && now < known.at.saturating_add(AGE)).then_some(known)
    }

    /// Learns what a look at all objects of a kind told. One that left out what was known before is as old as that.
    pub fn learn(&self, scope: &str, kind: &str, before: Option<&KindOwnership>, own: bool, foreign: BTreeSet<String>) {
        let at = before.map_or_else(|| self.cache.now(), |before| before.at);
        // A look may lag behind what was made a moment ago, so what was the owner's stays so for that hour.
        let own = own || self.of(scope, kind).is_some_and(|known| known.own);
        let fresh = KindOwnership { at, own, foreign };
        self.change(scope, |known| {
            let known = known.kinds.entry(kind.to_owned()).or_default();
            if *known != fresh {
                *known = fresh;
                return true;
            }
            false
        });
    }

    /// Learns that an object is about to become the owner's.
    pub fn take(&self, scope: &str, kind: &str, key: &str) {
        let now = self.cache.now();
        self.change(scope, |known| {
            let known =
                known.kinds.entry(kind.to_owned()).or_insert_with(|| KindOwnership { at: now, ..Default::default() });
            let news = known.foreign.remove(key) || !known.own;
            known.own = true;
            news
        });
    }

    fn change(&self, scope: &str, change: impl FnOnce(&mut ScopeOwnership) -> bool) {
        let text = self.with(scope, |known| change(known).then(|| serde_json::to_string(known).unwrap_or_default()));
        if let Some(text) = text {
            self.cache.keep(&file(scope), &text);
        }
    }

    fn with<T>(&self, scope: &str, ask: impl FnOnce(&mut ScopeOwnership) -> T) -> T {
        let mut scopes = self.scopes.lock().unwrap_or_else(PoisonError::into_inner);
        let read = || {
            let kept = self.cache.recall(&file(scope)).and_then(|text| serde_json::from_str(&text).ok());
            let kept = kept.filter(|kept: &ScopeOwnership| kept.scope == scope);
            kept.unwrap_or_else(|| ScopeOwnership { scope: scope.to_owned(), kinds: BTreeMap::new() })
        };
        ask(scopes.entry(scope.to_owned()).or_insert_with(read))
    }
}

fn file(scope: &str) -> String {
    let digest = Sha256::digest(scope.as_bytes());
    let hex: String = digest[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("aws-{hex}.json")
}

#[cfg(test)]
mod tests {
    use super::{AGE, OwnershipCache};
    use crate::driver::Cache;
    use std::collections::{BTreeMap, BTreeSet};
    use std::sync::{Arc, Mutex};

    const NOW: u64 = 1_000_000;

    #[derive(Default)]
    struct Texts(Mutex<BTreeMap<String, String>>);

    impl Cache for Texts {
        fn recall(&self, name: &str) -> Option<String> {
            self.0.lock().expect("sound").get(name).cloned()
        }

        fn keep(&self, name: &str, text: &str) {
            self.0.lock().expect("sound").insert(name.to_owned(), text.to_owned());
        }

        fn now(&self) -> u64 {
            NOW
        }
    }

    fn names(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn what_was_learnt_is_known_to_later_runs_of_the_same_scope_only() {
        let texts = Arc::new(Texts::default());
        let known = || OwnershipCache::new(Arc::clone(&texts) as Arc<dyn Cache>);
        assert_eq!(known().of("1", "queue"), None);
        known().learn("1", "queue", None, false, names(&["a", "b"]));
        let later = known().of("1", "queue").expect("known");
        assert_eq!((later.own, later.foreign), (false, names(&["a", "b"])));
        assert_eq!(known().of("2", "queue"), None);
        assert_eq!(known().of("1", "bucket"), None);
        known().take("1", "role", "r");
        assert!(known().of("1", "role").expect("known").own, "what is made first is known as well");
        known().learn("1", "role", None, false, names(&[]));
        assert!(known().of("1", "role").expect("known").own, "a list may lag behind");
        known().take("1", "queue", "a");
        let later = known().of("1", "queue").expect("known");
        assert_eq!((later.own, later.foreign), (true, names(&["b"])));
        // A file that something else wrote is no news.
        texts.0.lock().expect("sound").values_mut().for_each(|text| *text = text.replace("\"1\"", "\"other\""));
        assert_eq!(known().of("1", "queue"), None);
        texts.0.lock().expect("sound").values_mut().for_each(|text| text.truncate(5));
        assert_eq!(known().of("1", "queue"), None);
    }

    #[test]
    fn it_is_relied_on_for_an_hour_from_the_look_at_all() {
        let texts = Arc::new(Texts::default());
        let known = || OwnershipCache::new(Arc::clone(&texts) as Arc<dyn Cache>);
        known().learn("1", "queue", None, false, names(&["a"]));
        let age = |by: u64, later: bool| {
            let at = if later { NOW + by } else { NOW - by };
            for text in texts.0.lock().expect("sound").values_mut() {
                let mut json: serde_json::Value = serde_json::from_str(text).expect("JSON");
                json["kinds"]["queue"]["at"] = at.into();
                *text = json.to_string();
            }
        };
        age(AGE - 60, false);
        let before = known().of("1", "queue").expect("not old yet");
        // A look that left out what was known does not make that younger.
        known().learn("1", "queue", Some(&before), false, names(&["a", "b"]));
        assert_eq!(known().of("1", "queue").expect("known").at, before.at);
        age(AGE, false);
        assert_eq!(known().of("1", "queue"), None);
        age(60, true);
        assert_eq!(known().of("1", "queue"), None, "a clock that was wrong");
    }
}
