//! The words in which a kind describes itself: one table per kind, from which the parser, the normal form, the JSON
//! Schema, `atlas explain` and the generated tests are all derived.

use std::fmt;
use std::mem::{forget, replace};
use std::sync::Arc;

use litemap::LiteMap;

use super::claim::Exclusive;
use super::fault::Fault;
use super::name::name;
use super::reserved::Reserved;
use super::shared::{Shared, Texts};
use super::verdict::{Usage, Verdict};
use super::view::{Findings, Resource, View};
use crate::value::{Attributes, Text, Value};

/// A kind of resource: its attributes, where it stands, what it tells once it exists, and what its deletion loses.
///
/// The kinds of this program are written down as statics. One that is made at run time begins with [`Kind::made`].
#[derive(Clone)]
pub struct Kind {
    /// The word in the spec and in addresses.
    pub name: &'static str,
    /// What it is for, in one sentence.
    pub summary: Shared<str>,
    /// How one declaration becomes several resources.
    pub places: Places,
    /// In what its objects live.
    pub host: Host,
    /// Whether it stands for an object in the world. A check or a drill does not.
    pub object: bool,
    /// Whether an old and a new object can stand side by side while one replaces the other, given different names.
    /// A cluster can't: both would publish the same ports.
    pub coexists: bool,
    /// Whether anything can live in an object of this kind.
    pub hosts_others: bool,
    /// The least that a good block says besides its place, as TOML lines.
    pub example: Texts,
    /// Its own attributes, in the order in which people read them.
    pub attributes: Shared<[Attribute]>,
    /// What is known of an object beyond its attributes.
    pub outputs: Shared<[Output]>,
    /// What only one object can have at a time, and by which attributes its objects claim it.
    pub claims: Shared<[Exclusive]>,
    /// Counters that a driver observes, such as the objects in a bucket: the evidence for a loss verdict.
    pub usage: Shared<[&'static str]>,
    /// Those of its counters that are exact. A service counts messages and bytes only roughly, and they come and go by
    /// themselves. Objects and rows belong to somebody.
    pub exact: Shared<[&'static str]>,
    /// Checks of one resource that need more than one attribute, or the rest of the spec.
    pub check: Shared<Check>,
    /// What deleting an object in use like this would lose.
    pub loss: Shared<LossRule>,
    /// What changing an object in place, from these attributes to those, would lose; none when nothing.
    pub update_loss: Shared<UpdateLossRule>,
}

/// Checks of one resource that need more than one attribute, or the rest of the spec.
pub type Check = dyn Fn(&Resource<'_>, &dyn View, &mut Findings) + Send + Sync;

/// What deleting an object in use like this would lose.
pub type LossRule = dyn Fn(&Usage) -> Verdict + Send + Sync;

/// What changing an object in place, from these attributes to those, would lose; none when nothing.
pub type UpdateLossRule = dyn Fn(&Attributes, &Attributes, &Usage) -> Option<Verdict> + Send + Sync;

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
    /// Never declared: what an app's chart comes to.
    Rendered,
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
#[derive(Clone)]
pub struct Attribute {
    /// The key in the spec.
    pub name: &'static str,
    /// What values it takes.
    pub ty: Type,
    /// What it is for.
    pub doc: Shared<str>,
    /// The value when the spec says nothing.
    pub default: Option<DefaultValue>,
    /// Whether the spec must say it.
    pub required: bool,
    /// Whether changing it replaces the object.
    pub replaces: bool,
    /// Whether an object that has a value of it is replaced when that is taken away, although it can be changed.
    pub removal_replaces: bool,
    /// Whether its value is kept out of every output.
    pub sensitive: bool,
    /// Good values, as TOML, at least one other than the default: shown by `explain`, and what the generated tests
    /// change it between. A kind that is made at run time may have none.
    pub examples: Texts,
    /// What the block has to say besides, for the examples to be good: TOML lines, or `!name` to leave one out.
    pub beside: Texts,
    /// Keys of the table, or items of the list, that belong to somebody else.
    pub reserved: Shared<[Reserved]>,
    /// Other attributes that say the same thing in another form, so that only this one or those can stand.
    pub instead_of: Texts,
    /// Kinds of which it only names objects: the API takes the name of one that is not there, so it needs none of them.
    pub only_names: Shared<[&'static str]>,
}

/// The value of an attribute of which the spec says nothing.
#[derive(Clone, Debug)]
pub enum DefaultValue {
    /// As a table of this program writes it, in TOML.
    Toml(&'static str),
    /// Made at run time, in its normal form.
    Made(Arc<Value>),
}

/// What values an attribute takes.
#[derive(Clone)]
pub enum Type {
    /// `true` or `false`.
    Bool,
    /// A whole number between two bounds, both included.
    Int(i64, i64),
    /// A duration such as `"30s"` or `"14d"`, between two bounds in seconds, both included.
    Duration(u64, u64),
    /// A text that keeps a rule.
    Text(Shared<Rule>),
    /// One of a few words.
    Choice(Shared<[&'static str]>),
    /// Values in an order that matters.
    List(Shared<Type>),
    /// Values whose order does not matter; the normal form is sorted and has no value twice.
    Set(Shared<Type>),
    /// Values by key.
    Map(Shared<Type>),
    /// A table with keys of its own.
    Object(Shared<[Attribute]>),
    /// One of a few words, or a table with keys of its own.
    WordOrObject(Shared<[&'static str]>, Shared<[Attribute]>),
    /// A limit: a whole number between two bounds, or a table of two, `soft` and `hard`.
    Limit(i64, i64),
    /// JSON as text, compared by meaning.
    Json(Shared<Rule>),
    /// The address of a resource of one of these kinds; of any kind when empty. It makes an edge.
    Address(Shared<[&'static str]>),
    /// The name of a declared resource of this kind: `"us-east-1"` for a region.
    Name(&'static str),
    /// A reference to a secret: `{ env = "NAME" }` or `{ file = "PATH" }`.
    Secret,
    /// One text or several in any order, where a number or a flag is the text of it: what a condition of a policy compares with.
    Texts,
    /// Any value at all.
    Any,
}

/// A rule that a text keeps.
pub struct Rule {
    /// What texts it allows, in a few words.
    pub says: Shared<str>,
    /// The same as a regular expression, for editors, where one can say it.
    pub pattern: Option<Shared<str>>,
    /// The normal form of a text, where several say the same; none where each says something else.
    pub normal: Option<Shared<NormalForm>>,
    /// The texts that one stands for in a set, where it stands for several: a range for its numbers.
    pub several: Option<Shared<SeveralTexts>>,
    /// The check itself.
    pub check: Shared<RuleCheck>,
}

/// The normal form of a text.
pub type NormalForm = dyn Fn(&str) -> String + Send + Sync;

/// The texts that a text stands for.
pub type SeveralTexts = dyn Fn(&str) -> Vec<String> + Send + Sync;

/// Whether a text keeps a rule.
pub type RuleCheck = dyn Fn(&str) -> Result<(), Fault> + Send + Sync;

/// What is known of an object beyond its attributes.
pub struct Output {
    /// The word in a reference: `${bucket.audit-logs.arn}`.
    pub name: &'static str,
    /// What it is.
    pub doc: Shared<str>,
    /// How it follows from what is already known, where the outside world defines that. Without a formula the
    /// driver tells it once the object exists.
    pub formula: Option<Shared<Formula>>,
}

/// How an output follows from what is already known.
pub type Formula = dyn Fn(&Facts<'_>) -> Option<String> + Send + Sync;

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

impl Attribute {
    /// An optional attribute without a default, of a table of this program.
    #[must_use]
    pub const fn new(name: &'static str, ty: Type, doc: &'static str, examples: &'static [&'static str]) -> Self {
        Self {
            name,
            ty,
            doc: Shared::Static(doc),
            default: None,
            required: false,
            replaces: false,
            removal_replaces: false,
            sensitive: false,
            examples: Texts::Static(examples),
            beside: Texts::NONE,
            reserved: Shared::Static(&[]),
            instead_of: Texts::NONE,
            only_names: Shared::Static(&[]),
        }
    }

    /// An optional attribute without a default, made at run time.
    #[must_use]
    pub fn made(text: &str, ty: Type, doc: &str) -> Self {
        Self { doc: doc.into(), ..Self::new(name(text), ty, "", &[]) }
    }

    /// Other attributes that say the same thing in another form.
    #[must_use]
    pub const fn instead_of(mut self, others: &'static [&'static str]) -> Self {
        // Constant code can't drop the old list, so it forgets it. It is empty.
        forget(replace(&mut self.instead_of, Texts::Static(others)));
        self
    }

    /// Kinds of which it only names objects.
    #[must_use]
    pub const fn only_names(mut self, kinds: &'static [&'static str]) -> Self {
        forget(replace(&mut self.only_names, Shared::Static(kinds)));
        self
    }

    /// The value when the spec says nothing, as TOML.
    #[must_use]
    pub const fn default(mut self, toml: &'static str) -> Self {
        // Constant code can't drop the old value, so it forgets it. An attribute has one default.
        forget(self.default.replace(DefaultValue::Toml(toml)));
        self
    }

    /// The value when the spec says nothing, worked out at run time.
    #[must_use]
    pub fn default_value(mut self, value: Value) -> Self {
        self.default = Some(DefaultValue::Made(Arc::new(value)));
        self
    }

    /// The spec must say it.
    #[must_use]
    pub const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// To take its value away replaces the object.
    #[must_use]
    pub const fn removal_replaces(mut self) -> Self {
        self.removal_replaces = true;
        self
    }

    /// Whether a change of its value replaces the object.
    #[must_use]
    pub const fn is_replaced_for(&self, after: &Value) -> bool {
        self.replaces || self.removal_replaces && matches!(after, Value::Null)
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
        forget(replace(&mut self.beside, Texts::Static(lines)));
        self
    }

    /// Keys that belong to somebody else.
    #[must_use]
    pub const fn reserved(mut self, keys: &'static [Reserved]) -> Self {
        forget(replace(&mut self.reserved, Shared::Static(keys)));
        self
    }

    /// Its value is kept out of every output.
    #[must_use]
    pub const fn sensitive(mut self) -> Self {
        self.sensitive = true;
        self
    }

    /// A good value, as TOML.
    #[must_use]
    pub fn example(&self) -> &str {
        self.examples.iter().next().unwrap_or("…")
    }
}

/// As people read it.
impl fmt::Display for DefaultValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Toml(toml) => f.write_str(toml),
            Self::Made(value) => write!(f, "{}", value.to_json()),
        }
    }
}

impl Output {
    /// What the driver tells once the object exists, of a kind that is made at run time.
    #[must_use]
    pub fn made(text: &str, doc: &str) -> Self {
        Self { name: name(text), doc: doc.into(), formula: None }
    }
}

impl Kind {
    /// A kind made at run time, with the least that a kind needs. Each declaration is one object, which lives in the world
    /// itself and has no attributes of its own. Atlas can't tell what the object holds, so its deletion counts as a loss.
    #[must_use]
    pub fn made(text: &str, summary: &str) -> Self {
        Self {
            name: name(text),
            summary: summary.into(),
            places: Places::One,
            host: Host::World,
            object: true,
            coexists: true,
            hosts_others: false,
            example: Texts::NONE,
            attributes: Shared::Static(&[]),
            outputs: Shared::Static(&[]),
            claims: Shared::Static(&[]),
            usage: Shared::Static(&[]),
            exact: Shared::Static(&[]),
            check: Shared::Static(&|_, _, _| {}),
            loss: Shared::Static(&|_| Verdict::lossy("nobody can say what it holds")),
            update_loss: Shared::Static(&|_, _, _| None),
        }
    }

    /// Whether one of its counters is exact.
    #[must_use]
    pub fn counts_exactly(&self, counter: &str) -> bool {
        self.exact.contains(&counter)
    }

    /// One of its own attributes.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|attribute| attribute.name == name)
    }

    /// One of its outputs.
    #[must_use]
    pub fn output(&self, name: &str) -> Option<&Output> {
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

    /// Whether what an object is known by, or one of its outputs, follows from the spec and from its host: it is the same
    /// whether the object is there or not.
    #[must_use]
    pub fn foretells(&self, output: Option<&str>) -> bool {
        let name = output.unwrap_or_else(|| self.output("arn").map_or("name", |arn| arn.name));
        name == "name" || self.output(name).is_some_and(|output| output.formula.is_some())
    }

    /// The outputs that follow from what is known already.
    #[must_use]
    pub fn derive_outputs(&self, facts: &Facts<'_>) -> Outputs {
        let known = |output: &Output| Some((output.name.into(), (output.formula.as_ref()?)(facts)?));
        self.outputs.iter().filter_map(known).collect()
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl PartialEq for Kind {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}
