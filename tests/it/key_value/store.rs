//! A key-value store as many services have one: texts by key, each with a revision, written only when the revision is the
//! one that was read. It knows nothing of Atlas.

use std::collections::BTreeMap;
use std::sync::Mutex;

#[derive(Default)]
pub struct Store(Mutex<State>);

#[derive(Default)]
struct State {
    last: u64,
    entries: BTreeMap<String, Entry>,
}

/// A text, and the revision that it was written at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub revision: u64,
    pub text: String,
}

/// The entry is not at the revision that was expected.
#[derive(Debug, thiserror::Error)]
#[error("the entry is at another revision")]
pub struct Moved;

impl Store {
    pub fn get(&self, key: &str) -> Option<Entry> {
        self.0.lock().expect("sound").entries.get(key).cloned()
    }

    /// Everything whose key begins like this, in the order of keys.
    pub fn range(&self, prefix: &str) -> Vec<(String, Entry)> {
        let state = self.0.lock().expect("sound");
        let from = state.entries.range(prefix.to_owned()..);
        from.take_while(|(key, _)| key.starts_with(prefix)).map(|(key, entry)| (key.clone(), entry.clone())).collect()
    }

    /// Writes an entry that is at this revision; without one, an entry that is not there yet.
    pub fn put(&self, key: &str, text: String, expected: Option<u64>) -> Result<(), Moved> {
        let mut state = self.0.lock().expect("sound");
        if state.entries.get(key).map(|entry| entry.revision) != expected {
            return Err(Moved);
        }
        state.last += 1;
        let entry = Entry { revision: state.last, text };
        state.entries.insert(key.to_owned(), entry);
        Ok(())
    }

    /// Removes an entry that is at this revision; what is not there is removed already.
    pub fn remove(&self, key: &str, expected: u64) -> Result<(), Moved> {
        let mut state = self.0.lock().expect("sound");
        match state.entries.get(key) {
            Some(entry) if entry.revision != expected => Err(Moved),
            _ => {
                state.entries.remove(key);
                Ok(())
            }
        }
    }
}
