//! One entry of a plan: what is done about one resource, and everything that doing it takes.

use std::borrow::Cow;

use serde::Serialize;

use crate::action::{Action, Cause};
use crate::address::Address;
use crate::desired::FieldRules;
use crate::diagnostic::Span;
use crate::identity::Identity;
use crate::kind::{KindRef, Risk, Usage, Verdict};
use crate::observed::{Mark, Object};
use crate::path::split;
use crate::value::{Attributes, Value, hash};

/// What is done about one resource.
#[derive(Clone, Debug)]
pub struct Change {
    /// The resource.
    pub address: Address,
    /// Its kind.
    pub kind: KindRef,
    /// What is done.
    pub action: Action,
    /// Why.
    pub cause: Cause,
    /// The reason in words, for people.
    pub reason: String,
    /// The host that does not exist yet, behind which this happens.
    pub deferred: Option<Address>,
    /// Whether the object may be there, unseen: its host is degraded. Once the host is ready again, the object is made
    /// only if it is gone.
    pub unsure: bool,
    /// Why it has to wait for another run.
    pub blocked: Option<Blocked>,
    /// What a destructive step would lose.
    pub verdict: Option<Verdict>,
    /// What it needs, ordered.
    pub depends_on: Vec<Address>,
    /// The differences, ordered by path.
    pub attributes: Vec<AttributeChange>,
    /// In what it lives.
    pub hosts: Vec<Address>,
    /// What is made, with the references that only the execution can resolve. None for a deletion.
    pub after: Option<Target>,
    /// What is there now. None for a creation.
    pub before: Option<Target>,
    /// How long one step may take, in seconds.
    pub timeout: u64,
    /// What holds between Atlas and others who write the object.
    pub fields: FieldRules,
    /// Whether what it made stays when it is deleted: somebody else takes care of that from then on.
    pub spares: bool,
    /// Whether Atlas lets go of the object because an Argo CD is to deliver it.
    pub lets_go: bool,
    /// Where the resource is declared; none for what the spec no longer has.
    pub span: Option<Span>,
}

/// One object, as it is or as it is to be.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// Its deterministic name.
    pub identity: Identity,
    /// The identities of what it lives in.
    pub hosts: Vec<Identity>,
    /// Its attributes.
    pub attributes: Attributes,
    /// What it held when it was looked at; nothing is known of what is to be.
    pub usage: Usage,
    /// Its mark. The part that tells what was applied is filled in at execution.
    pub mark: Option<Mark>,
    /// The attribute paths that are left to others: they are no part of what is applied.
    pub ignored: Vec<String>,
    /// Whether an interrupted run left the object without that mark, or may have, where it was not seen: a listing may lag
    /// behind what was made.
    pub unmarked: bool,
}

/// Why a resource has to wait for another run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Blocked {
    /// What it waits for.
    pub by: Address,
    /// Why, in words.
    pub reason: String,
}

/// One difference.
#[derive(Clone, Debug, PartialEq)]
pub struct AttributeChange {
    /// The attribute, with a path into it.
    pub path: String,
    /// The value that was observed.
    pub before: Value,
    /// The value that is desired.
    pub after: Value,
    /// Whether it is left out of every output.
    pub sensitive: bool,
    /// Whether it replaces the object.
    pub replaces: bool,
    /// Whether the observed value is not what Atlas last applied.
    pub drift: Drifted,
}

/// Whether somebody changed an attribute behind Atlas's back, and what is known of the value before that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Drifted {
    /// Nobody did.
    #[default]
    None,
    /// It was what the spec asks for.
    FromDesired,
    /// It was something else, which nobody knows any more: a mark keeps digests of what was applied, and the spec has
    /// changed since.
    FromUnknown,
}

impl Drifted {
    /// Whether somebody changed it.
    #[must_use]
    pub fn is_some(self) -> bool {
        self != Self::None
    }
}

impl Change {
    /// Lets it wait for another run.
    pub fn block(&mut self, blocked: Blocked) {
        self.reason = blocked.words(&self.address);
        self.verdict = None;
        self.blocked = Some(blocked);
    }

    /// Whether anything is going to be done.
    #[must_use]
    pub const fn acts(&self) -> bool {
        self.blocked.is_none() && !matches!(self.action, Action::NoOp)
    }

    /// Whether it takes over an object that its mark protects, and would protect it no more.
    #[must_use]
    pub fn unprotects(&self) -> bool {
        let protects = |target: &Option<Target>| {
            target.as_ref().and_then(|target| target.mark.as_ref()).is_some_and(|mark| mark.protect)
        };
        self.acts() && self.action == Action::Adopt && protects(&self.before) && !protects(&self.after)
    }

    /// How risky it is.
    #[must_use]
    pub fn risk(&self) -> Risk {
        self.verdict.as_ref().map_or(Risk::Safe, |verdict| verdict.risk)
    }

    /// The fingerprint of this change and of the reality that it was made from.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        // What is left to others, or is made by chance, is another one each time.
        fn side(target: &Option<Target>) -> Option<(&str, Cow<'_, Attributes>, &Option<Mark>)> {
            target.as_ref().map(|target| {
                (target.identity.as_str(), without_ignored(&target.attributes, &target.ignored), &target.mark)
            })
        }
        let all = (
            &self.address,
            self.action.word(),
            self.action.symbol(),
            &self.deferred,
            &self.blocked,
            &self.verdict,
            &self.depends_on,
            side(&self.before),
            side(&self.after),
        );
        hash(&serde_json::to_vec(&all).unwrap_or_default())
    }
}

impl Target {
    /// An object as it was observed.
    #[must_use]
    pub fn of(object: &Object) -> Self {
        Self {
            identity: object.identity.clone(),
            hosts: object.hosts.clone(),
            attributes: object.attributes.clone(),
            usage: object.usage.clone(),
            mark: object.mark.clone(),
            ignored: Vec::new(),
            unmarked: false,
        }
    }

    /// What its mark says of these attributes once they are applied, as [`Attributes::fingerprint`] writes it.
    #[must_use]
    pub fn applied(&self, attributes: &Attributes) -> String {
        applied(&self.ignored, attributes)
    }
}

impl Blocked {
    /// What a resource waits for, in words.
    #[must_use]
    pub fn words(&self, own: &Address) -> String {
        if &self.by == own {
            return self.reason.clone();
        }
        // The full reason is shown once, at the resource that it is about.
        let short = self.reason.split(": ").next().unwrap_or_default();
        format!("{} {short}", self.by)
    }
}

impl AttributeChange {
    /// Whether the desired value is known before the apply.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.after.is_known()
    }
}

/// A value as it is shown: what is not known yet, or must not be shown, is `null`.
struct Shown<'a>(&'a Value, bool);

impl Serialize for Shown<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            _ if self.1 => serializer.serialize_unit(),
            Value::Template(_) => serializer.serialize_unit(),
            Value::List(items) => serializer.collect_seq(items.iter().map(|item| Shown(item, false))),
            Value::Map(entries) => serializer.collect_map(entries.iter().map(|(key, item)| (key, Shown(item, false)))),
            value => value.serialize(serializer),
        }
    }
}

impl Serialize for AttributeChange {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct as _;
        let hide = self.sensitive;
        let mut entry = serializer.serialize_struct("AttributeChange", 5)?;
        entry.serialize_field("path", &self.path)?;
        entry.serialize_field("before", &Shown(&self.before, hide))?;
        entry.serialize_field("after", &Shown(&self.after, hide))?;
        entry.serialize_field("known", &self.is_known())?;
        entry.serialize_field("sensitive", &self.sensitive)?;
        entry.end()
    }
}

impl Serialize for Change {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct as _;
        let mut entry = serializer.serialize_struct("Change", 12)?;
        entry.serialize_field("address", &self.address)?;
        entry.serialize_field("kind", self.kind.name)?;
        entry.serialize_field("action", &self.action)?;
        entry.serialize_field("cause", &self.cause)?;
        entry.serialize_field("reason", &self.reason)?;
        entry.serialize_field("deferred", &self.deferred.is_some())?;
        entry.serialize_field("unsure", &self.unsure)?;
        entry.serialize_field("blocked", &self.blocked)?;
        entry.serialize_field("risk", &self.risk())?;
        entry.serialize_field("evidence", &self.verdict.as_ref().map(|verdict| verdict.evidence.as_str()))?;
        entry.serialize_field("depends_on", &self.depends_on)?;
        entry.serialize_field("attributes", &self.attributes)?;
        entry.end()
    }
}

/// What a person calls an object that only its identity names: its kind and its name there.
#[must_use]
pub fn address_of(identity: &str) -> Address {
    let mut parts = identity.rsplit('/');
    let name = parts.next().unwrap_or_default();
    Address::new(parts.next().unwrap_or_default(), name, None)
}

/// What a mark says of attributes once they are applied, as [`Attributes::fingerprint`] writes it: without what is left to others.
#[must_use]
pub fn applied(ignore: &[String], attributes: &Attributes) -> String {
    without_ignored(attributes, ignore).fingerprint()
}

/// The attributes of an object as its mark tells them: without what is left to others.
fn without_ignored<'a>(attributes: &'a Attributes, ignore: &[String]) -> Cow<'a, Attributes> {
    if ignore.is_empty() {
        return Cow::Borrowed(attributes);
    }
    let mut applied = attributes.clone();
    for path in ignore {
        let parts = split(path);
        let own = attributes.iter().map(|(name, _)| name).find(|name| parts.first() == Some(name));
        if let Some(name) = own {
            let rest = applied.get(name).clone().with(&parts[1..], Value::Null);
            applied.set(name, rest);
        }
    }
    Cow::Owned(applied)
}
