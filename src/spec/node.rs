//! The spec's text as a tree that remembers where everything stands.

use crate::diagnostic::{Diagnostic, Span, code};
use crate::path::split;
use crate::suggest::suggest;
use crate::value::Text;

/// A value and where it stands.
#[derive(Clone, Debug)]
pub struct Node {
    /// The bytes of the value.
    pub span: Span,
    /// The value itself.
    pub content: Content,
}

/// What a [`Node`] holds.
#[derive(Clone, Debug)]
pub enum Content {
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number with a fraction.
    Float(f64),
    /// A text; TOML's dates and times are kept as theirs.
    String(Text),
    /// Values in order.
    Array(Vec<Node>),
    /// Values by key.
    Table(Table),
}

/// One entry of a [`Table`].
#[derive(Clone, Debug)]
pub struct TableEntry {
    /// Where the key stands.
    pub key: Span,
    /// The value.
    pub node: Node,
}

/// Entries by key, ordered by key, in as little memory as they take: a spec has a table for each block, and most have a
/// handful of entries.
#[derive(Clone, Debug, Default)]
pub struct Table(Vec<(Text, TableEntry)>);

impl TableEntry {
    /// The mistake to write something else where a table is expected.
    pub(super) fn not_a_table(&self, what: &str) -> Diagnostic {
        let detail = format!("{what} is a table, this is {}", self.node.describe());
        Diagnostic::error(&code::WRONG_TYPE, detail).at(self.key)
    }
}

impl Node {
    /// The sort of value, in words.
    #[must_use]
    pub const fn describe(&self) -> &'static str {
        match self.content {
            Content::Bool(_) => "true or false",
            Content::Int(_) => "a whole number",
            Content::Float(_) => "a number",
            Content::String(_) => "a text",
            Content::Array(_) => "a list",
            Content::Table(_) => "a table",
        }
    }

    /// The text, when it is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match &self.content {
            Content::String(text) => Some(text),
            _ => None,
        }
    }

    /// The table, when it is one.
    #[must_use]
    pub const fn as_table(&self) -> Option<&Table> {
        match &self.content {
            Content::Table(table) => Some(table),
            _ => None,
        }
    }

    /// Where a text stands in the value.
    #[must_use]
    pub fn find(&self, text: &str) -> Option<Span> {
        match &self.content {
            Content::String(own) => (own == text).then_some(self.span),
            Content::Array(items) => items.iter().find_map(|item| item.find(text)),
            Content::Table(table) => table.values().find_map(|entry| entry.node.find(text)),
            _ => None,
        }
    }

    /// Where the value at a path such as `allow.0.actions` stands, as deep as the path can be followed.
    #[must_use]
    pub fn span_at(&self, path: &str) -> Span {
        let mut node = self;
        for part in split(path) {
            let next = match &node.content {
                Content::Table(table) => table.get(part).map(|entry| &entry.node),
                Content::Array(items) => part.parse::<usize>().ok().and_then(|index| items.get(index)),
                _ => None,
            };
            match next {
                Some(next) => node = next,
                None => break,
            }
        }
        node.span
    }
}

impl Table {
    /// A table without entries.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// The entry of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&TableEntry> {
        self.find(key).ok().map(|at| &self.0[at].1)
    }

    /// Whether there is an entry of a key.
    #[must_use]
    pub fn contains_key(&self, key: &str) -> bool {
        self.find(key).is_ok()
    }

    /// Takes out the entry of a key.
    pub fn remove(&mut self, key: &str) -> Option<TableEntry> {
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

    /// The entry of a key, to be changed.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut TableEntry> {
        self.find(key).ok().map(|at| &mut self.0[at].1)
    }

    /// Every entry with its key, the entry to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&Text, &mut TableEntry)> {
        self.0.iter_mut().map(|(key, entry)| (&*key, entry))
    }

    /// Keeps some entries.
    pub fn retain(&mut self, mut keep: impl FnMut(&Text, &mut TableEntry) -> bool) {
        self.0.retain_mut(|(key, entry)| keep(key, entry));
    }

    /// Every entry with its key.
    pub fn iter(&self) -> impl Iterator<Item = (&Text, &TableEntry)> {
        self.0.iter().map(|(key, entry)| (key, entry))
    }

    /// Every key.
    pub fn keys(&self) -> impl Iterator<Item = &Text> {
        self.0.iter().map(|(key, _)| key)
    }

    /// Every entry.
    pub fn values(&self) -> impl Iterator<Item = &TableEntry> {
        self.0.iter().map(|(_, entry)| entry)
    }

    /// Merges an overlay over this table: tables by key, anything else replaced.
    pub fn merge(&mut self, overlay: Self) {
        let mut fresh = Vec::new();
        for (key, entry) in overlay.0 {
            match self.find(&key) {
                Err(_) => fresh.push((key, entry)),
                Ok(at) => match (&mut self.0[at].1.node.content, entry) {
                    (Content::Table(below), TableEntry { node: Node { content: Content::Table(above), .. }, .. }) => {
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
    pub fn has_duplicate_keys(&self) -> bool {
        self.0.windows(2).any(|two| two[0].0 == two[1].0)
    }

    fn find(&self, key: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(own, _)| own.as_str().cmp(key))
    }
}

impl FromIterator<(Text, TableEntry)> for Table {
    fn from_iter<I: IntoIterator<Item = (Text, TableEntry)>>(entries: I) -> Self {
        let mut entries: Vec<(Text, TableEntry)> = entries.into_iter().collect();
        entries.sort_by(|a, b| a.0.cmp(&b.0));
        entries.shrink_to_fit();
        Self(entries)
    }
}

impl IntoIterator for Table {
    type Item = (Text, TableEntry);
    type IntoIter = std::vec::IntoIter<(Text, TableEntry)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// What is said of a key that its table does not take.
pub fn unknown_key(key: &str, entry: &TableEntry, place: &str, known: &[&str]) -> Diagnostic {
    let hint = match suggest(key, known) {
        Some(hint) => hint,
        None if key == "new" => "only a block of an environment says `new`".to_owned(),
        None => format!("{place} takes {}", known.join(", ")),
    };
    Diagnostic::error(&code::UNKNOWN_KEY, format!("{place} has no `{key}`")).at(entry.key).hint(hint)
}
