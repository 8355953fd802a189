//! Reading what an object tells of itself. Nothing here trusts the shape of what it reads: a custom resource can have
//! anything anywhere.

use serde_json::Value;

/// The most characters of a reason: some controllers put whole manifests into their messages.
const LONGEST: usize = 300;

/// One entry of `status.conditions`.
///
/// <https://github.com/kubernetes/community/blob/master/contributors/devel/sig-architecture/api-conventions.md#typical-status-properties>
#[derive(Clone, Debug)]
pub struct ToldCondition<'a> {
    /// Its type: `Ready`.
    pub kind: &'a str,
    /// `True`, `False` or `Unknown`; empty where a controller has none, as Argo CD's Application.
    pub status: &'a str,
    /// A word.
    pub reason: &'a str,
    /// A sentence.
    pub message: &'a str,
    /// How bad it is; only Cluster API has it.
    pub severity: &'a str,
    /// Whether it was told of another generation than the object now has: it says nothing of what is wanted now.
    pub stale: bool,
}

impl ToldCondition<'_> {
    /// Whether it holds. Some controllers write it in lower case.
    pub fn is_true(&self) -> bool {
        self.status.eq_ignore_ascii_case("true")
    }

    /// Whether it does not hold.
    pub fn is_false(&self) -> bool {
        self.status.eq_ignore_ascii_case("false")
    }

    /// Whether its controller can't say yet.
    pub fn is_unknown(&self) -> bool {
        self.status.eq_ignore_ascii_case("unknown")
    }

    /// Why it is as it is.
    pub fn why(&self) -> String {
        let why = because(self.reason, self.message);
        if why.is_empty() { format!("{} is {}", self.kind, self.status) } else { why }
    }

    /// What to say instead, when it is stale.
    pub fn outdated(&self) -> String {
        format!("{} is not yet told of its newest generation", self.kind)
    }
}

/// An object and what was read of it.
#[derive(Debug)]
pub struct ObjectFacts<'a> {
    /// The object.
    pub object: &'a Value,
    /// Its conditions, in their order.
    pub told: Vec<ToldCondition<'a>>,
    /// Seconds since it was created, when known.
    pub age: Option<u64>,
}

impl<'a> ObjectFacts<'a> {
    /// Reads an object; an error says what is odd about its shape.
    pub fn read(object: &'a Value, age: Option<u64>) -> Result<Self, String> {
        let status = object.get("status").unwrap_or(&Value::Null);
        if !(status.is_null() || status.is_object()) {
            return Err("its status is not an object".into());
        }
        Ok(Self { object, told: conditions(status.get("conditions"), generation(object))?, age })
    }

    /// The condition of a type.
    pub fn find(&self, kind: &str) -> Option<&ToldCondition<'a>> {
        find(&self.told, kind)
    }

    /// Whether its controller has told anything at all.
    pub fn has_status(&self) -> bool {
        is_set(self.object, "/status")
    }
}

/// The condition of a type among some.
pub fn find<'b, 'a>(told: &'b [ToldCondition<'a>], kind: &str) -> Option<&'b ToldCondition<'a>> {
    told.iter().find(|one| one.kind == kind)
}

/// Reads a list of conditions. A map, or entries that are no conditions, are an error and not guessed at; an empty map
/// is what some write for an empty list.
pub fn conditions(list: Option<&Value>, generation: Option<i64>) -> Result<Vec<ToldCondition<'_>>, String> {
    match list {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(entries)) => entries.iter().map(|entry| told(entry, generation)).collect(),
        Some(Value::Object(none)) if none.is_empty() => Ok(Vec::new()),
        Some(_) => Err("its conditions are not a list".into()),
    }
}

/// Reads one condition.
fn told(entry: &Value, generation: Option<i64>) -> Result<ToldCondition<'_>, String> {
    let kind = entry.get("type").and_then(Value::as_str).ok_or("one of its conditions has no type")?;
    let status = match entry.get("status") {
        None | Some(Value::Null) => "",
        Some(status) => status.as_str().ok_or_else(|| format!("the status of its condition {kind} is not a text"))?,
    };
    let observed = number(entry, "/observedGeneration");
    Ok(ToldCondition {
        kind,
        status,
        reason: text(entry, "/reason"),
        message: text(entry, "/message"),
        severity: text(entry, "/severity"),
        stale: generation.zip(observed).is_some_and(|(now, then)| now != then),
    })
}

/// Its API group, empty for the core one, and its kind.
pub fn group_kind(object: &Value) -> (&str, &str) {
    let version = text(object, "/apiVersion");
    (version.split_once('/').map_or("", |(group, _)| group), text(object, "/kind"))
}

/// The generation of what is wanted of it.
pub fn generation(object: &Value) -> Option<i64> {
    number(object, "/metadata/generation")
}

/// The text at a place; empty when there is none.
pub fn text<'a>(object: &'a Value, at: &str) -> &'a str {
    object.pointer(at).and_then(Value::as_str).unwrap_or_default()
}

/// The whole number at a place.
pub fn number(object: &Value, at: &str) -> Option<i64> {
    object.pointer(at).and_then(Value::as_i64)
}

/// The whole number at a place; 0 when there is none, as controllers leave zeros out.
pub fn count(object: &Value, at: &str) -> i64 {
    number(object, at).unwrap_or(0)
}

/// The list at a place; empty when there is none.
pub fn list<'a>(object: &'a Value, at: &str) -> &'a [Value] {
    object.pointer(at).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Whether a place says yes: `true`, or `"true"` as annotations have it.
pub fn flag(object: &Value, at: &str) -> bool {
    match object.pointer(at) {
        Some(Value::Bool(yes)) => *yes,
        Some(Value::String(word)) => word == "true",
        _ => false,
    }
}

/// Whether there is anything at a place.
pub fn is_set(object: &Value, at: &str) -> bool {
    match object.pointer(at) {
        None | Some(Value::Null | Value::Bool(false)) => false,
        Some(Value::String(text)) => !text.is_empty(),
        Some(Value::Array(entries)) => !entries.is_empty(),
        Some(Value::Object(fields)) => !fields.is_empty(),
        Some(_) => true,
    }
}

/// A reason of a word and a sentence, of which either can be missing.
pub fn because(reason: &str, message: &str) -> String {
    let (reason, message) = (plain(reason), plain(message));
    match (reason.is_empty(), message.is_empty()) {
        (_, true) => reason,
        (true, _) => message,
        _ if message.starts_with(&reason) => message,
        _ => format!("{reason}: {message}"),
    }
}

/// A message as one line of bounded length without a final period.
pub fn plain(message: &str) -> String {
    let line = message.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = line.trim_end_matches(['.', ' ']);
    if line.chars().count() <= LONGEST {
        return line.to_owned();
    }
    let mut short: String = line.chars().take(LONGEST).collect();
    short.push('…');
    short
}
