//! The words in which a kind describes itself: one table per kind, from which the parser, the normal form, the JSON
//! Schema, `atlas explain` and the generated tests are all derived.

use litemap::LiteMap;
use serde::Serialize;

use super::claim::Exclusive;
use super::count::Count;
use super::fault::Fault;
use super::reserved::Reserved;
use super::view::{Findings, Resource, View};
use crate::value::{Attributes, Text};

/// A kind of resource: its attributes, where it stands, what it tells once it exists, and what its deletion loses.
pub struct Kind {
    /// The word in the spec and in addresses.
    pub name: &'static str,
    /// What it is for, in one sentence.
    pub summary: &'static str,
    /// How one declaration becomes several resources.
    pub places: Places,
    /// In what its objects live.
    pub host: Host,
    /// Whether it stands for an object in the world. A check or a drill does not.
    pub object: bool,
    /// Whether an old and a new object can stand side by side while one replaces the other, given different names.
    /// A cluster can't: both would publish the same ports.
    pub coexists: bool,
    /// The least that a good block says besides its place, as TOML lines.
    pub example: &'static [&'static str],
    /// Its own attributes, in the order in which people read them.
    pub attributes: &'static [Attribute],
    /// What is known of an object beyond its attributes.
    pub outputs: &'static [Output],
    /// What only one object can have at a time, and by which attributes its objects claim it.
    pub claims: &'static [Exclusive],
    /// Counters that a driver observes, such as the objects in a bucket: the evidence for a loss verdict.
    pub usage: &'static [&'static str],
    /// Checks of one resource that need more than one attribute, or the rest of the spec.
    pub check: fn(&Resource<'_>, &dyn View, &mut Findings),
    /// What deleting an object in use like this would lose.
    pub loss: fn(&Usage) -> Verdict,
    /// What changing an object in place, from these attributes to those, would lose; none when nothing.
    pub update_loss: fn(&Attributes, &Attributes, &Usage) -> Option<Verdict>,
}

/// How one declaration becomes several resources.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Places {
    /// One declaration, one resource.
    One,
    /// One resource in each of its `regions`.
    Regions,
    /// One resource on each of its `clusters`.
    Clusters,
    /// Declared inside another resource: `[database.ledger.table.transactions]`.
    Inside(&'static str),
}

/// In what an object lives: what has to answer before the object can be observed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host {
    /// Nothing but the world itself.
    World,
    /// The region at its place, or that its `region` attribute names.
    Region,
    /// The cluster at its place.
    Cluster,
    /// The resource that it is declared inside.
    Parent,
    /// Any one of the apps that its `server` attribute names; without it, any one of its `regions`.
    AnyServer,
}

/// One attribute of a kind.
#[derive(Clone, Copy)]
pub struct Attribute {
    /// The key in the spec.
    pub name: &'static str,
    /// What values it takes.
    pub ty: Type,
    /// What it is for.
    pub doc: &'static str,
    /// The value when the spec says nothing, as TOML.
    pub default: Option<&'static str>,
    /// Whether the spec must say it.
    pub required: bool,
    /// Whether changing it replaces the object.
    pub replaces: bool,
    /// Whether its value is kept out of every output.
    pub sensitive: bool,
    /// Good values, as TOML, at least one other than the default: shown by `explain`, and what the generated tests
    /// change it between.
    pub examples: &'static [&'static str],
    /// What the block has to say besides, for the examples to be good: TOML lines, or `!name` to leave one out.
    pub beside: &'static [&'static str],
    /// Keys of the table, or items of the list, that belong to somebody else.
    pub reserved: &'static [Reserved],
}

/// What values an attribute takes.
#[derive(Clone, Copy)]
pub enum Type {
    /// `true` or `false`.
    Bool,
    /// A whole number between two bounds, both included.
    Int(i64, i64),
    /// A duration such as `"30s"` or `"14d"`, between two bounds in seconds, both included.
    Duration(u64, u64),
    /// A text that keeps a rule.
    Text(&'static Rule),
    /// One of a few words.
    Choice(&'static [&'static str]),
    /// Values in an order that matters.
    List(&'static Type),
    /// Values whose order does not matter; the normal form is sorted and has no value twice.
    Set(&'static Type),
    /// Values by key.
    Map(&'static Type),
    /// A table with keys of its own.
    Object(&'static [Attribute]),
    /// One of a few words, or a table with keys of its own.
    WordOrObject(&'static [&'static str], &'static [Attribute]),
    /// JSON as text, compared by meaning.
    Json(&'static Rule),
    /// The address of a resource of one of these kinds; of any kind when empty. It makes an edge.
    Address(&'static [&'static str]),
    /// The name of a declared resource of this kind: `"us-east-1"` for a region.
    Name(&'static str),
    /// A reference to a secret: `{ env = "NAME" }` or `{ file = "PATH" }`.
    Secret,
    /// Any value at all.
    Any,
}

/// A rule that a text keeps.
pub struct Rule {
    /// What texts it allows, in a few words.
    pub says: &'static str,
    /// The same as a regular expression, for editors, where one can say it.
    pub pattern: Option<&'static str>,
    /// The check itself.
    pub check: fn(&str) -> Result<(), Fault>,
}

/// What is known of an object beyond its attributes.
pub struct Output {
    /// The word in a reference: `${bucket.audit-logs.arn}`.
    pub name: &'static str,
    /// What it is.
    pub doc: &'static str,
    /// How it follows from what is already known, where the outside world defines that. Without a formula the
    /// driver tells it once the object exists.
    pub formula: Option<fn(&Facts<'_>) -> Option<String>>,
}

/// What a formula may use.
pub struct Facts<'a> {
    /// The object's attributes.
    pub attributes: &'a Attributes,
    /// The resource's name in the spec.
    pub name: &'a str,
    /// Its place.
    pub place: Option<&'a str>,
    /// The outputs of its host, as far as they are known.
    pub host: Option<&'a Outputs>,
}

/// Outputs of an object, by name.
pub type Outputs = LiteMap<Text, String>;

/// Counters that a driver observed, by name: the evidence for a verdict.
pub type Usage = LiteMap<Text, Count>;

/// One counter, unknown where nobody counted.
#[must_use]
pub fn counted(usage: &Usage, counter: &str) -> Count {
    usage.get(counter).copied().unwrap_or(Count::Unknown)
}

/// How bad it would be to be wrong about a deletion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Risk {
    /// Nothing is lost.
    Safe,
    /// What is lost can be made again from elsewhere.
    Recoverable,
    /// Data would be gone for good. It needs `--allow-loss`.
    Lossy,
}

/// The verdict on a destructive step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// How bad.
    pub risk: Risk,
    /// What was observed that says so.
    pub evidence: String,
}

impl Attribute {
    /// An optional attribute without a default.
    #[must_use]
    pub const fn new(name: &'static str, ty: Type, doc: &'static str, examples: &'static [&'static str]) -> Self {
        Self {
            name,
            ty,
            doc,
            default: None,
            required: false,
            replaces: false,
            sensitive: false,
            examples,
            beside: &[],
            reserved: &[],
        }
    }

    /// The value when the spec says nothing, as TOML.
    #[must_use]
    pub const fn default(mut self, toml: &'static str) -> Self {
        self.default = Some(toml);
        self
    }

    /// The spec must say it.
    #[must_use]
    pub const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// A change replaces the object.
    #[must_use]
    pub const fn replaces(mut self) -> Self {
        self.replaces = true;
        self
    }

    /// What the block has to say besides, for the examples to be good.
    #[must_use]
    pub const fn beside(mut self, lines: &'static [&'static str]) -> Self {
        self.beside = lines;
        self
    }

    /// Keys that belong to somebody else.
    #[must_use]
    pub const fn reserved(mut self, keys: &'static [Reserved]) -> Self {
        self.reserved = keys;
        self
    }

    /// Its value is kept out of every output.
    #[must_use]
    pub const fn sensitive(mut self) -> Self {
        self.sensitive = true;
        self
    }
}

impl Kind {
    /// Whether anything can live in an object of this kind.
    #[must_use]
    pub fn hosts_others(&self) -> bool {
        matches!(self.name, "region" | "cluster" | "namespace" | "app" | "database")
    }

    /// Whether one of its counters is exact. Of messages and bytes a service tells about how many there are, and they come
    /// and go by themselves; objects and rows are somebody's.
    #[must_use]
    pub fn counts_exactly(&self, counter: &str) -> bool {
        matches!((self.name, counter), ("bucket", "objects") | ("table" | "database", "rows"))
    }

    /// One of its own attributes.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&'static Attribute> {
        self.attributes.iter().find(|attribute| attribute.name == name)
    }

    /// One of its outputs.
    #[must_use]
    pub fn output(&self, name: &str) -> Option<&'static Output> {
        self.outputs.iter().find(|output| output.name == name)
    }

    /// What an API knows an object of this kind by where another object names it: its ARN where it has one, as on AWS, and
    /// its name everywhere else.
    #[must_use]
    pub fn known_by<'a>(&self, attributes: &'a Attributes, outputs: &'a Outputs) -> Option<&'a str> {
        match self.output("arn") {
            Some(arn) => outputs.get(arn.name).map(String::as_str),
            None => attributes.get("name").as_str(),
        }
    }

    /// Whether its objects are one and the same in every region of an account, as those of IAM are: their ARN names the
    /// account and no region.
    #[must_use]
    pub fn spans_regions(&self) -> bool {
        let attributes = [("name", "n".into()), ("path", "/".into())].into_iter().collect();
        let host = Outputs::from_iter([("account".into(), "0".to_owned())]);
        let facts = Facts { attributes: &attributes, name: "n", place: Some("r"), host: Some(&host) };
        let arn = self.output("arn").and_then(|output| output.formula).and_then(|formula| formula(&facts));
        arn.is_some_and(|arn| matches!(arn.split(':').collect::<Vec<_>>().as_slice(), [_, _, _, "", "0", ..]))
    }

    /// The outputs that follow from what is known already.
    #[must_use]
    pub fn derive_outputs(&self, facts: &Facts<'_>) -> Outputs {
        let known = |output: &Output| Some((output.name.into(), output.formula?(facts)?));
        self.outputs.iter().filter_map(known).collect()
    }
}

impl std::fmt::Debug for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl Verdict {
    /// Nothing is lost, and why.
    #[must_use]
    pub fn safe(evidence: impl Into<String>) -> Self {
        Self { risk: Risk::Safe, evidence: evidence.into() }
    }

    /// What is lost can be made again, and from what.
    #[must_use]
    pub fn recoverable(evidence: impl Into<String>) -> Self {
        Self { risk: Risk::Recoverable, evidence: evidence.into() }
    }

    /// Data would be gone for good: which.
    #[must_use]
    pub fn lossy(evidence: impl Into<String>) -> Self {
        Self { risk: Risk::Lossy, evidence: evidence.into() }
    }
}

impl Risk {
    /// The word that people and JSON read.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::Recoverable => "recoverable",
            Self::Lossy => "lossy",
        }
    }
}

impl Type {
    /// The type in words, for `explain` and for messages: `duration`, `list of text`.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Bool => "true or false".into(),
            Self::Int(min, i64::MAX) => format!("whole number, {min} or more"),
            Self::Int(min, max) => format!("whole number from {min} to {max}"),
            Self::Duration(min, max) => {
                let text = super::duration::format;
                format!("duration from {} to {}", text(*min), text(*max))
            }
            Self::Text(rule) => rule.says.into(),
            Self::Choice(words) => quoted(words).join(" or "),
            Self::List(item) => format!("list of {}", item.describe()),
            Self::Set(item) => format!("set of {}", item.describe()),
            Self::Map(item) => format!("table of {} by key", item.describe()),
            Self::Object(_) => "table".into(),
            Self::WordOrObject(words, _) => format!("{} or a table", quoted(words).join(", ")),
            Self::Json(rule) => format!("JSON text, {}", rule.says),
            Self::Address([]) => "resource address".into(),
            Self::Address(kinds) => format!("{} address", kinds.join(" or ")),
            Self::Name(kind) => format!("{kind} name"),
            Self::Secret => "secret reference, { env = \"NAME\" } or { file = \"PATH\" }".into(),
            Self::Any => "any value".into(),
        }
    }
}

fn quoted(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| format!("\"{word}\"")).collect()
}

impl PartialEq for Kind {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}
