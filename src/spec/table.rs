//! A table of the spec: entries by key, ordered by key, in as little memory as they take. A spec has one for each block,
//! and most have a handful of entries.

use super::node::{Content, Entry};
use crate::value::Text;

/// Entries by key, ordered by key.
#[derive(Clone, Debug, Default)]
pub struct Table(Vec<(Text, Entry)>);

impl Table {
    /// A table without entries.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// The entry of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Entry> {
        self.find(key).ok().map(|at| &self.0[at].1)
    }

    /// Whether there is an entry of a key.
    #[must_use]
    pub fn contains_key(&self, key: &str) -> bool {
        self.find(key).is_ok()
    }

    /// Takes out the entry of a key.
    pub fn remove(&mut self, key: &str) -> Option<Entry> {
        self.find(key).ok().map(|at| self.0.remove(at).1)
    }

    /// How many entries there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no entries.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Every entry with its key.
    pub fn iter(&self) -> impl Iterator<Item = (&Text, &Entry)> {
        self.0.iter().map(|(key, entry)| (key, entry))
    }

    /// Every key.
    pub fn keys(&self) -> impl Iterator<Item = &Text> {
        self.0.iter().map(|(key, _)| key)
    }

    /// Every entry.
    pub fn values(&self) -> impl Iterator<Item = &Entry> {
        self.0.iter().map(|(_, entry)| entry)
    }

    /// Merges an overlay over this table: tables by key, anything else replaced.
    pub fn merge(&mut self, overlay: Self) {
        let mut fresh = Vec::new();
        for (key, entry) in overlay.0 {
            match self.find(&key) {
                Err(_) => fresh.push((key, entry)),
                Ok(at) => match (&mut self.0[at].1.node.content, entry) {
                    (Content::Table(below), Entry { node: super::Node { content: Content::Table(above), .. }, .. }) => {
                        below.merge(above);
                    }
                    (_, entry) => self.0[at].1 = entry,
                },
            }
        }
        self.0.append(&mut fresh);
        self.0.sort_by(|a, b| a.0.cmp(&b.0));
    }

    /// Whether a key has two entries, as it never has where one parser read the whole table.
    pub fn has_twins(&self) -> bool {
        self.0.windows(2).any(|two| two[0].0 == two[1].0)
    }

    fn find(&self, key: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(own, _)| own.as_str().cmp(key))
    }
}

impl FromIterator<(Text, Entry)> for Table {
    fn from_iter<I: IntoIterator<Item = (Text, Entry)>>(entries: I) -> Self {
        let mut entries: Vec<(Text, Entry)> = entries.into_iter().collect();
        entries.sort_by(|a, b| a.0.cmp(&b.0));
        entries.shrink_to_fit();
        Self(entries)
    }
}

impl IntoIterator for Table {
    type Item = (Text, Entry);
    type IntoIter = std::vec::IntoIter<(Text, Entry)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
