//! Addresses: Atlas's own name for a resource.
//!
//! An address is `kind.name@place`: `bucket.audit-logs@us-east-1`, `cluster.dc-us`. A resource that lives inside
//! another one is written behind a slash: `database.ledger/table/transactions`. None of its characters needs quoting
//! in a shell.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{BuildHasher as _, Hash, Hasher};
use std::sync::Arc;

use compact_str::CompactString;
use foldhash::fast::FixedState;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Atlas's name for one resource. Cheap to clone, ordered by its text.
///
/// It carries the hash of its text, because most lookups are by address: with a hundred thousand resources, comparing
/// hashes saves most reads of the texts from memory.
#[derive(Clone)]
pub struct Address {
    hash: u64,
    text: Arc<str>,
}

/// An address as somebody wrote it, checked, and cheap: most of those in a spec are only looked up.
#[derive(Clone, Copy, Debug)]
pub struct Written<'a>(&'a str);

/// Why a text is not an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an address: {reason}")]
pub struct AddressError {
    /// The text that was given.
    pub text: String,
    /// What is wrong with it, in a few words.
    pub reason: &'static str,
}

impl Address {
    /// The address of a resource, `kind.name` or `kind.name@place`.
    #[must_use]
    pub fn new(kind: &str, name: &str, place: Option<&str>) -> Self {
        match place {
            Some(place) => Self::from_text(&[kind, ".", name, "@", place].concat()),
            None => Self::from_text(&[kind, ".", name].concat()),
        }
    }

    /// The address of a resource inside this one: `database.ledger/table/transactions`.
    #[must_use]
    pub fn child(&self, kind: &str, name: &str) -> Self {
        Self::from_text(&[self.as_str(), "/", kind, "/", name].concat())
    }

    /// Reads an address that a person or a file wrote.
    ///
    /// # Errors
    /// When the text lacks a kind or a name, or holds a character that no address has.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        Written::parse(text).map(Written::to_owned)
    }

    /// The whole text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The kind of the resource: `bucket`, or `table` for `database.ledger/table/transactions`.
    #[must_use]
    pub fn kind(&self) -> &str {
        Written(&self.text).kind()
    }

    /// The name that the spec gave the resource.
    #[must_use]
    pub fn name(&self) -> &str {
        Written(&self.text).name()
    }

    /// The place of a resource that stands in several: a region or a cluster.
    #[must_use]
    pub fn place(&self) -> Option<&str> {
        Written(&self.text).place()
    }

    /// The resource that this one lives inside by name, if it is a child.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        let mut cuts = self.text.rmatch_indices('/');
        cuts.next()?;
        cuts.next().map(|(at, _)| Self::from_text(&self.text[..at]))
    }

    fn from_text(text: &str) -> Self {
        Self { hash: FixedState::default().hash_one(text), text: text.into() }
    }
}

impl<'a> Written<'a> {
    /// Reads an address without making one of its own.
    ///
    /// # Errors
    /// When the text lacks a kind or a name, or holds a character that no address has.
    pub fn parse(text: &'a str) -> Result<Self, AddressError> {
        let fail = |reason| Err(AddressError { text: text.to_owned(), reason });
        let known = |c: u8| c.is_ascii_alphanumeric() || b"-_.@/:".contains(&c);
        if !text.bytes().all(known) {
            return fail("it may hold letters, digits and `-_.@/:` only");
        }
        let head = text.split('/').next().unwrap_or_default();
        let Some((kind, rest)) = head.split_once('.') else {
            return fail("write it as kind.name or kind.name@place");
        };
        let name = rest.split('@').next().unwrap_or_default();
        if kind.is_empty() || name.is_empty() || rest.ends_with('@') || rest.matches('@').count() > 1 {
            return fail("write it as kind.name or kind.name@place");
        }
        if text.contains('/') && (text.split('/').count().is_multiple_of(2) || text.split('/').any(str::is_empty)) {
            return fail("write what lives inside another resource as parent/kind/name");
        }
        Ok(Self(text))
    }

    /// The address itself.
    #[must_use]
    pub fn to_owned(self) -> Address {
        Address::from_text(self.0)
    }

    /// The whole text.
    #[must_use]
    pub const fn as_str(self) -> &'a str {
        self.0
    }

    /// Whether the resource lives inside another one by name.
    #[must_use]
    pub fn is_inside(self) -> bool {
        self.0.contains('/')
    }

    /// As [`Address::kind`].
    #[must_use]
    pub fn kind(self) -> &'a str {
        match self.0.rsplit_once('/') {
            Some((before, _)) => before.rsplit('/').next().unwrap_or_default(),
            None => self.0.split('.').next().unwrap_or_default(),
        }
    }

    /// As [`Address::name`].
    #[must_use]
    pub fn name(self) -> &'a str {
        match self.0.rsplit_once('/') {
            Some((_, name)) => name,
            None => self.0.split_once('.').map_or("", |(_, rest)| rest.split('@').next().unwrap_or_default()),
        }
    }

    /// As [`Address::place`].
    #[must_use]
    pub fn place(self) -> Option<&'a str> {
        let head = self.0.split('/').next()?;
        head.split_once('@').map(|(_, place)| place)
    }
}

impl fmt::Display for Written<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl PartialEq for Address {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash && (Arc::ptr_eq(&self.text, &other.text) || self.text == other.text)
    }
}

impl Eq for Address {}

impl Hash for Address {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

impl PartialOrd for Address {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Address {
    fn cmp(&self, other: &Self) -> Ordering {
        self.text.cmp(&other.text)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = CompactString::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::Address;

    fn address(text: &str) -> Address {
        Address::parse(text).expect("a good address")
    }

    #[test]
    fn the_parts_of_an_address_are_read_back() {
        let bucket = address("bucket.audit-logs@us-east-1");
        assert_eq!((bucket.kind(), bucket.name(), bucket.place()), ("bucket", "audit-logs", Some("us-east-1")));
        assert_eq!(bucket.parent(), None);
        let table = address("database.ledger/table/transactions");
        assert_eq!((table.kind(), table.name(), table.place()), ("table", "transactions", None));
        assert_eq!(table.parent(), Some(address("database.ledger")));
        assert_eq!(address("app.ledger@dc-us/Deployment/ledger-app").parent(), Some(address("app.ledger@dc-us")));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in ["", "bucket", "bucket.", ".x", "bucket.x@", "bucket.x y", "a.b@c@d", "database.x/table"] {
            assert!(Address::parse(text).is_err(), "{text}");
        }
    }
}
