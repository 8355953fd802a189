//! Values as templates of charts see them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// Values by key. Go prints and ranges over maps in the order of their keys.
pub type Map = BTreeMap<Rc<str>, ChartValue>;

/// A map that several places may hold.
pub type ValueTable = Rc<RefCell<Map>>;

/// A value of a template. Maps are shared, as in Go: whoever changes one, by `set` or `merge`, changes it for everybody who holds it.
#[derive(Clone, Debug, Default)]
pub enum ChartValue {
    /// Nothing.
    #[default]
    Nil,
    /// True or false.
    Bool(bool),
    /// A whole number that Go has as `int`: literals, lengths, and what `int`, `until` and `range` give.
    Int(i64),
    /// A whole number that Go has as `int64`: what `--set` gives, and `int64`, `add` and the other sums. `typeOf` tells the two
    /// apart, and so do functions that ask for an `int`.
    Int64(i64),
    /// A number with a fraction, and every number that a YAML file has.
    Float(f64),
    /// A text.
    Text(Rc<str>),
    /// Values in order. Nothing in a template changes a list in its place.
    List(Rc<Vec<ChartValue>>),
    /// Values by key.
    Map(ValueTable),
    /// What has methods: `.Files`, `.Capabilities.APIVersions`.
    Object(Rc<dyn Methods>),
    /// What is not known yet. It prints as a mark, which the reader of the objects turns into a reference again.
    Unknown(Rc<UnknownValue>),
}

/// What is not known yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownValue {
    /// The number by which its mark stands for it in a text.
    pub id: u32,
    /// What it is, in words of the spec: `bucket.audit-logs@us-east-1.arn`.
    pub of: Rc<str>,
    /// Whether it will be a text that is never empty: a name, an ARN, an address.
    pub is_filled: bool,
}

/// Every number of JSON is one with a fraction, as Go reads it.
impl From<serde_json::Value> for ChartValue {
    fn from(value: serde_json::Value) -> Self {
        match value {
            serde_json::Value::Null => Self::Nil,
            serde_json::Value::Bool(truth) => Self::Bool(truth),
            serde_json::Value::Number(number) => Self::Float(number.as_f64().unwrap_or(f64::NAN)),
            serde_json::Value::String(text) => Self::text(text),
            serde_json::Value::Array(items) => Self::list(items.into_iter().map(Self::from).collect()),
            serde_json::Value::Object(entries) => {
                Self::map(entries.into_iter().map(|(key, value)| (Rc::from(key), Self::from(value))).collect())
            }
        }
    }
}

impl UnknownValue {
    /// The character before the number in a mark.
    pub const START: char = '\u{10FE00}';
    /// The character after it.
    pub const END: char = '\u{10FE01}';

    /// A text in which each mark is what `say` gives for its number.
    #[must_use]
    pub fn replace_marks(text: &str, mut say: impl FnMut(u32) -> String) -> String {
        let mut pieces = text.split(Self::START);
        let mut all = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            let (id, rest) = piece.split_once(Self::END).unwrap_or(("", piece));
            all.extend(id.parse().ok().map(&mut say));
            all.push_str(rest);
        }
        all
    }

    /// The mark that stands for it in texts.
    #[must_use]
    pub fn mark(&self) -> String {
        format!("{}{}{}", Self::START, self.id, Self::END)
    }
}

/// What has methods, and may have fields.
pub trait Methods: std::fmt::Debug {
    /// Calls a method, or reads a field. None where it has neither.
    ///
    /// # Errors
    /// Where the arguments do not fit the method.
    fn call(&self, name: &str, arguments: &[ChartValue]) -> Option<Result<ChartValue, super::fault::RenderFault>>;

    /// What it is where a template goes through it, tests or prints it.
    fn value(&self) -> ChartValue;

    /// Its type, as Go's `%T` says it.
    fn type_name(&self) -> &'static str;
}

impl ChartValue {
    /// A text.
    #[must_use]
    pub fn text(text: impl Into<Rc<str>>) -> Self {
        Self::Text(text.into())
    }

    /// Values in order.
    #[must_use]
    pub fn list(items: Vec<Self>) -> Self {
        Self::List(Rc::new(items))
    }

    /// Values by key, in a map of their own.
    #[must_use]
    pub fn map(entries: Map) -> Self {
        Self::Map(Rc::new(RefCell::new(entries)))
    }
}
