//! References in texts that are not the spec's own: plain manifests of its apps.

use std::collections::BTreeMap;

use super::place::{Declared, Index, Several, Unresolved};
use super::refer::refer;
use super::scope::Scope;
use crate::address::Address;
use crate::desired::{Desired, Instance};
use crate::kind::{self, Catalog};
use crate::suggest::suggest;
use crate::value::{Part, Template, Text, Value};

/// What the texts of other files may refer to: the variables of a spec, as `${var.NAME}`, and what its resources tell, as
/// `${bucket.logs.arn}`. Anything else between `${` and `}` belongs to whoever reads the text, as a script's `${name}` does.
/// `$${var.NAME}` stands for the characters themselves.
pub struct OutsideReferences<'d> {
    index: Index,
    variables: &'d BTreeMap<String, Value>,
}

/// What is wrong with a reference, and the way out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}; {hint}, or write `$${{{hole}}}` where the characters themselves are meant")]
pub struct OutsideFault {
    hole: String,
    what: String,
    hint: String,
}

/// How long a reference may be: longer than two names and a path of attributes.
const LONGEST: usize = 1_024;

/// A piece of a text.
enum OutsidePiece<'t> {
    Literal(&'t str),
    Hole(&'t str),
}

impl<'d> OutsideReferences<'d> {
    /// Those of a spec.
    #[must_use]
    pub fn of(desired: &'d Desired) -> Self {
        let mut index = Index::new(desired.kinds.clone());
        for cluster in desired.of_kind("cluster") {
            if let Some(region) = cluster.attributes.get("region").as_str() {
                index.place_cluster(cluster.declaration.name.clone(), region.to_owned());
            }
        }
        let mut all: BTreeMap<(&'static str, Text), Vec<Address>> = BTreeMap::new();
        for instance in desired.instances().iter().filter(|one| one.kind.name != kind::OBJECT.name) {
            let address = &instance.address;
            let key = if address.parent().is_some() { address.as_str().into() } else { address.name().into() };
            all.entry((instance.kind.name, key)).or_default().push(address.clone());
        }
        for ((kind, key), addresses) in all {
            let declared = match addresses.as_slice() {
                [one] if one.place().is_none() || one.parent().is_some() => Declared::Once(one.clone()),
                [one] => Declared::In(one.clone()),
                _ => Declared::At(Several::new(addresses, &index)),
            };
            index.insert(kind, key, declared);
        }
        Self { index, variables: &desired.variables }
    }

    /// A text in which the variables that are no text stand as what they are, so that whatever reads it sees a number where one is
    /// meant.
    #[must_use]
    pub fn with_numbers(&self, text: &str) -> String {
        self.with(text, |value| match value {
            Value::Int(_) | Value::Float(_) | Value::Bool(_) => Some(value.to_json().to_string()),
            _ => None,
        })
    }

    /// A text with the values of all variables in it, for people.
    #[must_use]
    pub fn with_variables(&self, text: &str) -> String {
        self.with(text, |value| Some(shown(value)))
    }

    fn with(&self, text: &str, said: impl Fn(&Value) -> Option<String>) -> String {
        let mut all = String::with_capacity(text.len());
        for piece in pieces(text, &self.index.kinds) {
            match piece {
                OutsidePiece::Literal(text) => all.push_str(text),
                OutsidePiece::Hole(hole) => {
                    let value = hole.strip_prefix("var.").and_then(|name| self.variables.get(name));
                    all.push_str(&value.and_then(&said).unwrap_or_else(|| format!("${{{hole}}}")));
                }
            }
        }
        all
    }

    /// A value of such a text, read with the references of an app.
    ///
    /// # Errors
    /// When a reference leads nowhere.
    pub fn read(&self, value: Value, app: &Instance) -> Result<Value, OutsideFault> {
        Ok(match value {
            Value::String(text) if text.contains("${") => self.text(&text, app)?,
            Value::List(items) => {
                Value::List(items.into_iter().map(|item| self.read(item, app)).collect::<Result<_, _>>()?)
            }
            Value::Map(entries) => {
                let entries = entries.into_iter().map(|(key, item)| Ok((self.key(key, app)?, self.read(item, app)?)));
                Value::Map(entries.collect::<Result<_, OutsideFault>>()?)
            }
            other => other,
        })
    }

    fn key(&self, key: Text, app: &Instance) -> Result<Text, OutsideFault> {
        if !key.contains("${") {
            return Ok(key);
        }
        match self.text(&key, app)? {
            Value::String(key) => Ok(key),
            _ => Err(OutsideFault {
                hole: key.trim_start_matches("${").trim_end_matches('}').to_owned(),
                what: format!("the key `{key}` has to be known before anything is made"),
                hint: "take a variable".to_owned(),
            }),
        }
    }

    fn text(&self, text: &str, app: &Instance) -> Result<Value, OutsideFault> {
        let mut parts: Vec<Part> = Vec::new();
        for piece in pieces(text, &self.index.kinds) {
            let part = match piece {
                OutsidePiece::Literal(text) => Part::Literal(unescaped(text, &self.index.kinds).into()),
                OutsidePiece::Hole(hole) => self.hole(hole, app)?,
            };
            match (parts.last_mut(), part) {
                (Some(Part::Literal(before)), Part::Literal(more)) => before.push_str(&more),
                (_, part) => parts.push(part),
            }
        }
        Ok(match parts.as_slice() {
            [Part::Literal(only)] => Value::String(only.clone()),
            _ => Value::Template(Box::new(Template(parts))),
        })
    }

    fn hole(&self, hole: &str, app: &Instance) -> Result<Part, OutsideFault> {
        let fault = |what: String, hint: String| OutsideFault { hole: hole.to_owned(), what, hint };
        if let Some(name) = hole.strip_prefix("var.") {
            return match self.variables.get(name) {
                Some(value) => Ok(Part::Literal(shown(value).into())),
                None => {
                    let known: Vec<&str> = self.variables.keys().map(String::as_str).collect();
                    let hint =
                        suggest(name, &known).unwrap_or_else(|| format!("declare [var.{name}] with a `default`"));
                    Err(fault(format!("the spec declares no variable `{name}`"), hint))
                }
            };
        }
        let place = app.place();
        let region = place.and_then(|cluster| self.index.region_of(cluster));
        let scope = Scope { name: app.address.name(), place, region, cluster: place, ..Scope::bare() };
        let reference = refer(hole, &scope, &self.index);
        reference.map(Part::Reference).map_err(|Unresolved { detail, hint, .. }| fault(detail, hint))
    }
}

/// The value of a variable, as text.
fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_json().to_string(), str::to_owned)
}

/// Whether a hole is the spec's: it names a variable, or begins with the name of a kind.
fn is_ours(hole: &str, kinds: &Catalog) -> bool {
    hole.split_once('.').is_some_and(|(first, rest)| !rest.is_empty() && (first == "var" || kinds.get(first).is_some()))
}

/// Cuts a text at the holes that are the spec's.
fn pieces<'t>(text: &'t str, kinds: &Catalog) -> Vec<OutsidePiece<'t>> {
    let mut all = Vec::new();
    let (mut from, mut at) = (0, 0);
    while let Some(found) = text[at..].find("${") {
        let start = at + found;
        let inside = start + 2;
        at = inside;
        let Some(hole) = hole_at(&text[inside..]) else { continue };
        let length = hole.len();
        if text[..start].ends_with('$') || !is_ours(hole, kinds) {
            continue;
        }
        all.push(OutsidePiece::Literal(&text[from..start]));
        all.push(OutsidePiece::Hole(hole));
        at = inside + length + 1;
        from = at;
    }
    all.push(OutsidePiece::Literal(&text[from..]));
    all
}

/// What stands before the closing brace, where that is near: no reference is longer, and none has a line break.
fn hole_at(text: &str) -> Option<&str> {
    let end = text.bytes().take(LONGEST).position(|byte| matches!(byte, b'}' | b'\n'))?;
    text[end..].starts_with('}').then(|| &text[..end])
}

/// A text with `${var.NAME}` for `$${var.NAME}`, where it would be the spec's.
fn unescaped(text: &str, kinds: &Catalog) -> String {
    let mut all = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("$${") {
        let hole = hole_at(&rest[at + 3..]);
        all.push_str(&rest[..at]);
        all.push_str(if hole.is_some_and(|hole| is_ours(hole, kinds)) { "${" } else { "$${" });
        rest = &rest[at + 3..];
    }
    all.push_str(rest);
    all
}

#[cfg(test)]
mod tests {
    use super::OutsideReferences;
    use crate::spec::{Inputs, compile};
    use crate::value::Value;

    const SPEC: &str = "[project]\nname = \"t\"\n[var.tag]\ndefault = \"1.2\"\n[var.count]\ndefault = 3\n[region.a]\n[region.b]\n\
        [bucket.logs]\nregions = [\"a\", \"b\"]\nname = \"${region}-logs\"\n\
        [cluster.dc]\nregion = \"b\"\n[namespace.n]\nclusters = [\"dc\"]\n\
        [app.w]\nclusters = [\"dc\"]\nnamespace = \"n\"\nmanifests = [\"k8s/*.yaml\"]\n";

    #[test]
    fn only_what_is_the_specs_is_read() {
        let (desired, diagnostics) = compile(SPEC, &Inputs::default());
        let desired = desired.unwrap_or_else(|| panic!("{diagnostics:#?}"));
        let app = desired.of_kind("app").next().expect("declared");
        let references = OutsideReferences::of(&desired);
        let read = |text: &str| references.read(Value::from(text), app);
        for (text, wanted) in [
            ("v${var.tag}", "v1.2"),
            ("${name} ${1:-x} ${a.b} $${x} ${", "${name} ${1:-x} ${a.b} $${x} ${"),
            ("$${var.tag} ${var.count}", "${var.tag} 3"),
            ("${bucket.logs.arn}", "${bucket.logs@b.arn}"),
            ("${x ${bucket.logs@a.name}}", "${x ${bucket.logs@a.name}}"),
        ] {
            let read = read(text).unwrap_or_else(|fault| panic!("{text}: {fault}"));
            let read = match &read {
                Value::Template(template) => template.to_string(),
                other => other.as_str().expect("a text").to_owned(),
            };
            assert_eq!(read, wanted, "{text}");
        }
        assert_eq!(references.with_numbers("replicas: ${var.count} # ${var.tag}"), "replicas: 3 # ${var.tag}");
        for (text, wanted) in [
            ("${var.tga}", "did you mean `tag`"),
            ("${bucket.log.arn}", "the spec declares no bucket `log`"),
            ("${bucket.logs.size}", "a bucket tells no `size`"),
            ("${bucket.logs@c.arn}", "bucket.logs does not stand in c"),
            ("${app.name}", "`$${app.name}`"),
        ] {
            let fault = read(text).expect_err(text).to_string();
            assert!(fault.contains(wanted), "{text}: {fault}");
        }
    }
}
