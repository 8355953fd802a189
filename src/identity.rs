//! Identities: a driver's deterministic name for an object.
//!
//! An identity is a chain of kind and name, hosts first: `region/us-east-1/bucket/us-east-1-audit-logs`. It is a type, so
//! that nobody but this file takes its text apart or puts it together. A name that holds a `/` or a `%` of its own is
//! written with `%2F` and `%25`, so two different chains never have one text.

use std::borrow::{Borrow, Cow};
use std::fmt;
use std::ops::Deref;

use serde::{Deserialize, Serialize};

/// A driver's deterministic name for an object, hosts first. Ordered and hashed as its text.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Identity(Box<str>);

impl Identity {
    /// The identity of what lives in nothing but the world itself.
    #[must_use]
    pub fn root(kind: &str, name: &str) -> Self {
        Self([kind, "/", &escaped(name)].concat().into())
    }

    /// The identity of what lives in this one.
    #[must_use]
    pub fn inside(&self, kind: &str, name: &str) -> Self {
        Self([&self.0, "/", kind, "/", &escaped(name)].concat().into())
    }

    /// The identity of what lives in this one under a name that is only unique within a scope, such as a namespace of a
    /// cluster.
    #[must_use]
    pub fn scoped(&self, kind: &str, scope: &str, name: &str) -> Self {
        Self([&self.0, "/", kind, "/", &escaped(scope), ":", &escaped(name)].concat().into())
    }

    /// The identity of what lives in nothing but the world itself, in a scope such as a container engine.
    #[must_use]
    pub fn root_scoped(kind: &str, scope: Option<&str>, name: &str) -> Self {
        match scope {
            Some(scope) => Self([kind, "/", &escaped(scope), ":", &escaped(name)].concat().into()),
            None => Self::root(kind, name),
        }
    }

    /// The identity of an object of a cluster, in a namespace where it is in one. Names of roles may hold colons.
    #[must_use]
    pub fn object(&self, kind: &str, namespace: Option<&str>, name: &str) -> Self {
        let name = escaped(name).replace(':', "%3A");
        let scope = namespace.map_or_else(String::new, |namespace| format!("{}:", escaped(namespace)));
        Self([&self.0, "/", kind, "/", &scope, &name].concat().into())
    }

    /// An identity as it was written before, in a mark, in a record or in a test.
    #[must_use]
    pub fn from_text(text: impl Into<String>) -> Self {
        Self(text.into().into())
    }

    /// The whole text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The kind of the object.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.0.rsplit('/').nth(1).unwrap_or_default()
    }

    /// The name of the object where it lives, without the scope that tells it apart there.
    #[must_use]
    pub fn name(&self) -> Cow<'_, str> {
        let last = self.0.rsplit('/').next().unwrap_or_default();
        unescaped(last.rsplit(':').next().unwrap_or_default())
    }

    /// The scope in which the name is told apart, such as a namespace or a container engine.
    #[must_use]
    pub fn scope(&self) -> Option<Cow<'_, str>> {
        let last = self.0.rsplit('/').next().unwrap_or_default();
        last.rsplit_once(':').map(|(scope, _)| unescaped(scope))
    }

    /// The identity of what the object lives in, as the chain says it; none when it lives in nothing.
    #[must_use]
    pub fn host(&self) -> Option<Self> {
        self.host_str().map(Self::from_text)
    }

    /// As [`Identity::host`], for looking it up.
    #[must_use]
    pub fn host_str(&self) -> Option<&str> {
        host_of(&self.0)
    }

    /// Whether the object lives in a host, however deep, or is that host.
    #[must_use]
    pub fn is_within(&self, host: &str) -> bool {
        self.0.strip_prefix(host).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

/// What stands before the last kind and name of a chain.
#[must_use]
pub fn host_of(chain: &str) -> Option<&str> {
    Some(chain.rsplit_once('/')?.0.rsplit_once('/')?.0)
}

fn escaped(name: &str) -> Cow<'_, str> {
    if name.contains(['/', '%']) {
        return Cow::Owned(name.replace('%', "%25").replace('/', "%2F"));
    }
    Cow::Borrowed(name)
}

fn unescaped(name: &str) -> Cow<'_, str> {
    if name.contains('%') {
        return Cow::Owned(name.replace("%2F", "/").replace("%3A", ":").replace("%25", "%"));
    }
    Cow::Borrowed(name)
}

impl Deref for Identity {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Identity {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Identity {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for Identity {
    fn eq(&self, other: &str) -> bool {
        *self.0 == *other
    }
}

impl PartialEq<&str> for Identity {
    fn eq(&self, other: &&str) -> bool {
        *self.0 == **other
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Identity;

    #[test]
    fn the_parts_of_an_identity_are_read_back() {
        let region = Identity::root("region", "us-east-1");
        let bucket = region.inside("bucket", "logs");
        assert_eq!(bucket, "region/us-east-1/bucket/logs");
        assert_eq!((bucket.kind(), &*bucket.name(), bucket.host()), ("bucket", "logs", Some(region.clone())));
        assert_eq!(region.host(), None);
        let app = region.inside("cluster", "c").scoped("app", "ledger", "web");
        assert_eq!((&*app.name(), app.scope().as_deref(), app.kind()), ("web", Some("ledger"), "app"));
        let role = region.object("ClusterRole", None, "system:basic-user");
        assert_eq!((role.kind(), &*role.name(), role.scope()), ("ClusterRole", "system:basic-user", None));
        assert!(app.is_within(&region) && !app.is_within("region/us-east") && region.is_within(&region));
    }

    #[test]
    fn no_two_chains_have_one_text() {
        let odd = Identity::root("volume", "a/b%2F");
        assert_eq!(&*odd.name(), "a/b%2F");
        assert_eq!(odd.host(), None);
        assert_ne!(odd, Identity::root("volume", "a").inside("b%2F", ""));
    }
}
