//! YAML with its lines: what a compose file says, and where.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Options, Spanned, from_str_with_options};

use super::untaken::ComposeFault;

/// The largest file that is read: people write some kilobytes.
const LARGEST: usize = 4 * 1024 * 1024;

/// How deep values may stand in values: a compose file takes ten.
const DEEPEST: usize = 24;

/// A value, and the line on which it begins.
#[derive(Clone, Debug, Default)]
pub struct Yaml {
    pub content: YamlContent,
    pub line: usize,
    /// The variable whose value it is, where it was nothing but `${NAME}`.
    pub variable: Option<String>,
}

#[derive(Clone, Debug, Default)]
pub enum YamlContent {
    #[default]
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    List(Vec<Yaml>),
    Map(Vec<YamlEntry>),
}

/// One key of a mapping.
#[derive(Clone, Debug)]
pub struct YamlEntry {
    pub key: String,
    pub line: usize,
    pub value: Yaml,
}

/// Reads a file: one document, merge keys resolved. What grows beyond measure, by aliases or by nesting, is an error.
pub fn parse(text: &str) -> Result<Yaml, ComposeFault> {
    if text.len() > LARGEST {
        let why = format!("it has {} bytes; at most {LARGEST} are read", text.len());
        return Err(ComposeFault { line: None, why, way_out: "name a compose file".into() });
    }
    from_str_with_options(text, options()).map_err(|error| {
        let line = error.location().and_then(|location| usize::try_from(location.line()).ok());
        let why = error.without_snippet().to_string();
        ComposeFault { line: line.filter(|line| *line > 0), why, way_out: "correct the YAML".into() }
    })
}

fn options() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! { max_nodes: 100_000, max_events: 300_000, max_depth: DEEPEST, flow_nesting_limit: DEEPEST },
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: 100_000 },
        // `no` and `on` are texts, as compose reads them.
        strict_booleans: true,
        // What is not known here (`!reset`) would change what the file means.
        reject_unsupported_tags: true,
    }
}

impl Yaml {
    /// The entries of a mapping; none of anything else.
    pub fn entries(&self) -> &[YamlEntry] {
        match &self.content {
            YamlContent::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The value under a key.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entries().iter().find(|entry| entry.key == key).map(|entry| &entry.value)
    }

    pub const fn is_null(&self) -> bool {
        matches!(self.content, YamlContent::Null)
    }

    /// A single value as text, as compose hands it on; none of lists, mappings and nothing.
    pub fn text(&self) -> Option<String> {
        match &self.content {
            YamlContent::Text(text) => Some(text.clone()),
            YamlContent::Bool(flag) => Some(flag.to_string()),
            YamlContent::Int(number) => Some(number.to_string()),
            YamlContent::Float(number) => Some(number.to_string()),
            YamlContent::Null | YamlContent::List(_) | YamlContent::Map(_) => None,
        }
    }

    pub fn flag(&self) -> Option<bool> {
        match &self.content {
            YamlContent::Bool(flag) => Some(*flag),
            YamlContent::Text(text) => text.parse().ok(),
            _ => None,
        }
    }

    pub fn int(&self) -> Option<i64> {
        match &self.content {
            YamlContent::Int(number) => Some(*number),
            YamlContent::Text(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    pub fn number(&self) -> Option<f64> {
        self.text()?.trim().parse().ok().filter(|number: &f64| number.is_finite())
    }

    /// What it is, in a word.
    pub const fn sort(&self) -> &'static str {
        match self.content {
            YamlContent::Null => "nothing",
            YamlContent::Bool(_) => "true or false",
            YamlContent::Int(_) | YamlContent::Float(_) => "a number",
            YamlContent::Text(_) => "text",
            YamlContent::List(_) => "a list",
            YamlContent::Map(_) => "a mapping",
        }
    }
}

impl<'de> Deserialize<'de> for Yaml {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Spanned { value, defined, .. } = Spanned::<YamlContent>::deserialize(deserializer)?;
        Ok(Self { content: value, line: usize::try_from(defined.line()).unwrap_or_default(), variable: None })
    }
}

impl<'de> Deserialize<'de> for YamlContent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ContentVisitor)
    }
}

struct ContentVisitor;

impl<'de> Visitor<'de> for ContentVisitor {
    type Value = YamlContent;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E: Error>(self) -> Result<YamlContent, E> {
        Ok(YamlContent::Null)
    }

    fn visit_none<E: Error>(self) -> Result<YamlContent, E> {
        Ok(YamlContent::Null)
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<YamlContent, E> {
        Ok(YamlContent::Bool(flag))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<YamlContent, E> {
        Ok(YamlContent::Int(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<YamlContent, E> {
        Ok(i64::try_from(number).map_or_else(|_| YamlContent::Text(number.to_string()), YamlContent::Int))
    }

    fn visit_i128<E: Error>(self, number: i128) -> Result<YamlContent, E> {
        Ok(YamlContent::Text(number.to_string()))
    }

    fn visit_u128<E: Error>(self, number: u128) -> Result<YamlContent, E> {
        Ok(YamlContent::Text(number.to_string()))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<YamlContent, E> {
        Ok(YamlContent::Float(number))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<YamlContent, E> {
        Ok(YamlContent::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<YamlContent, A::Error> {
        let mut all = Vec::new();
        while let Some(item) = items.next_element()? {
            all.push(item);
        }
        Ok(YamlContent::List(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<YamlContent, A::Error> {
        let mut all = Vec::new();
        while let Some(Spanned { value: key, defined, .. }) = entries.next_key::<Spanned<String>>()? {
            let line = usize::try_from(defined.line()).unwrap_or_default();
            all.push(YamlEntry { key, line, value: entries.next_value()? });
        }
        Ok(YamlContent::Map(all))
    }
}
