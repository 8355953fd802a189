//! One service on its way to a container: what is known of it so far.

use std::collections::BTreeMap;

use super::untaken::{Untakable, Untaken};
use super::yaml::{Yaml, YamlContent, YamlEntry};
use crate::value::{Text, Value};

/// What the whole file tells about its services.
pub(super) struct ComposeFile<'a> {
    pub project: &'a str,
    /// Where the file's folder is, seen from the spec; empty where both are one.
    pub beside: &'a str,
    /// The folder that `~` stands for.
    pub home: Option<&'a str>,
    /// What the environment of this process says, and only that.
    pub environment: super::Lookup<'a>,
    /// What the `.env` beside the file says.
    pub dotenv: &'a BTreeMap<String, String>,
    /// The services, the networks and so on by their names in the file.
    pub services: Vec<YamlEntry>,
    pub networks: &'a [YamlEntry],
    pub volumes: &'a [YamlEntry],
    pub configs: BTreeMap<&'a str, &'a Yaml>,
    pub secrets: BTreeMap<&'a str, &'a Yaml>,
    /// The names of blocks by kind and by name in the file: one, or one for each container of a service.
    pub blocks: BTreeMap<(&'static str, String), Vec<String>>,
}

impl ComposeFile<'_> {
    /// The address of what has a name in the file.
    pub fn address(&self, kind: &'static str, name: &str) -> Option<String> {
        self.addresses(kind, name).into_iter().next()
    }

    /// The addresses of all that has a name in the file.
    pub fn addresses(&self, kind: &'static str, name: &str) -> Vec<String> {
        self.names(kind, name).iter().map(|name| format!("{kind}.{name}")).collect()
    }

    /// The names of the blocks of what has a name in the file.
    pub fn names(&self, kind: &'static str, name: &str) -> &[String] {
        self.blocks.get(&(kind, name.to_owned())).map_or(&[], Vec::as_slice)
    }
}

/// What a service waits for.
pub(super) struct Need {
    pub service: String,
    pub condition: String,
    pub line: usize,
}

/// A service on its way to a container.
pub(super) struct ServiceDraft<'a> {
    pub file: &'a ComposeFile<'a>,
    /// All that the file says of it.
    pub from: &'a Yaml,
    pub name: &'a str,
    pub line: usize,
    /// Whether it names an image, beside what builds one.
    pub names_image: bool,
    /// The attributes so far, each with the key that it comes from and its line.
    pub values: BTreeMap<&'static str, (Value, String, usize)>,
    /// The tables among them, by attribute and by key.
    pub tables: BTreeMap<&'static str, BTreeMap<String, Value>>,
    pub needs: Vec<Need>,
    pub untaken: Vec<Untaken>,
    /// The networks and volumes that it uses, by their names in the file.
    pub used: Vec<(&'static str, String)>,
    /// Variables whose values look secret and stand in the block.
    pub secrets: Vec<String>,
    /// Why there is no container for it at all.
    pub left_out: bool,
    /// Ports of which each of its containers publishes another one, each list in the order of the containers.
    pub spread: Vec<Vec<String>>,
}

impl<'a> ServiceDraft<'a> {
    pub fn new(file: &'a ComposeFile<'a>, entry: &'a YamlEntry) -> Self {
        Self {
            file,
            from: &entry.value,
            name: &entry.key,
            line: entry.line,
            names_image: entry.value.get("image").is_some_and(|image| !image.is_null()),
            values: BTreeMap::new(),
            tables: BTreeMap::new(),
            needs: Vec::new(),
            untaken: Vec::new(),
            used: Vec::new(),
            secrets: Vec::new(),
            left_out: false,
            spread: Vec::new(),
        }
    }

    /// How many containers it is to have.
    pub fn count(&self) -> usize {
        self.file.names("container", self.name).len().max(1)
    }

    /// Notes what is not taken.
    pub fn leave(&mut self, key: impl Into<String>, line: usize, why: Untakable) {
        let Untakable { why, way_out } = why;
        self.untaken.push(Untaken { part: format!("services.{}", self.name), key: key.into(), line, why, way_out });
    }

    pub fn set(&mut self, attribute: &'static str, value: impl Into<Value>, from: &YamlEntry) {
        self.values.insert(attribute, (value.into(), from.key.clone(), from.line));
    }

    /// Adds to a list.
    pub fn push(&mut self, attribute: &'static str, value: Value, from: &YamlEntry) {
        let known = self.values.entry(attribute).or_insert_with(|| (Value::List(vec![]), from.key.clone(), from.line));
        if let Value::List(items) = &mut known.0 {
            items.push(value);
        }
    }

    /// Adds to a table. What was there under the key is no more.
    pub fn put(&mut self, attribute: &'static str, key: &str, value: Value, from: &YamlEntry) {
        // A table is put together at the end: to insert into a sorted list one by one takes the square of its length.
        self.values.entry(attribute).or_insert_with(|| (Value::Null, from.key.clone(), from.line));
        self.tables.entry(attribute).or_default().insert(key.to_owned(), value);
    }

    /// Keys of a mapping that are not read, each named.
    pub fn leave_others(&mut self, from: &YamlEntry, path: &str, known: &[&str]) {
        for entry in from.value.entries().iter().filter(|entry| !known.contains(&entry.key.as_str())) {
            let key = format!("{path}.{}", entry.key);
            self.leave(
                key,
                entry.line,
                Untakable::new(
                    "no attribute of a container says this",
                    "leave it out, or see `atlas explain container`",
                ),
            );
        }
    }
}

/// A table with these entries.
pub(super) fn table<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::map(entries.into_iter().map(|(key, value)| (Text::from(key), value)).collect())
}

/// A text, or a list of them.
pub(super) fn texts(value: &Yaml) -> Result<Vec<(String, usize)>, Untakable> {
    match &value.content {
        YamlContent::List(items) => {
            let one = |item: &Yaml| Some((item.text()?, item.line));
            let all: Option<Vec<_>> = items.iter().map(one).collect();
            all.ok_or_else(|| Untakable::new("not all of its items are texts", "write each as a text"))
        }
        _ => match value.text() {
            Some(text) => Ok(vec![(text, value.line)]),
            None => Err(Untakable::sort(value.sort(), "a list of texts")),
        },
    }
}

/// Pairs, as a list of `KEY=VALUE` or as a mapping. A value that is left out is none.
pub(super) fn pairs(value: &Yaml, between: &[char]) -> Result<Vec<(String, Option<Yaml>, usize)>, Untakable> {
    match &value.content {
        YamlContent::Map(entries) => {
            let one = |entry: &YamlEntry| {
                let value = Some(entry.value.clone()).filter(|value| !value.is_null());
                (entry.key.clone(), value, entry.line)
            };
            Ok(entries.iter().map(one).collect())
        }
        YamlContent::List(items) => {
            let one = |item: &Yaml| {
                let text = item.text()?;
                let Some((key, value)) = text.split_once(between) else { return Some((text, None, item.line)) };
                let content = YamlContent::Text(value.to_owned());
                Some((
                    key.to_owned(),
                    Some(Yaml { content, line: item.line, variable: item.variable.clone() }),
                    item.line,
                ))
            };
            let all: Option<Vec<_>> = items.iter().map(one).collect();
            all.ok_or_else(|| Untakable::new("not all of its items are texts", "write each as \"KEY=VALUE\""))
        }
        _ => Err(Untakable::sort(value.sort(), "a mapping, or a list of \"KEY=VALUE\"")),
    }
}
