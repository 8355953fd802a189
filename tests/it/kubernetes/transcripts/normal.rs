//! Answers without what differs by nature: identifiers, versions, times, addresses, and what controllers say.

use serde_json::{Map, Value, json};

/// How much of a message counts: a server repeats whole objects in some, as its language writes them.
const MESSAGE: usize = 160;

/// An answer in its normal form. `namespace` is that of the transcript.
pub fn normal(value: Value, namespace: &str) -> Value {
    part("", value, namespace)
}

fn part(key: &str, value: Value, namespace: &str) -> Value {
    match value {
        Value::Object(all) => map(all, namespace),
        Value::Array(all) => {
            let mut all: Vec<Value> = all.into_iter().map(|one| part("", one, namespace)).collect();
            let word = |one: &Value, name: &str| one[name].as_str().unwrap_or_default().to_owned();
            if key == "managedFields" {
                all.retain(|one| one["subresource"] != "status");
                all.sort_by_key(|one| ["operation", "manager", "subresource"].map(|name| word(one, name)));
            }
            // A map of Go has no order.
            if key == "causes" {
                all.sort_by_key(|one| ["message", "field"].map(|name| word(one, name)));
            }
            Value::Array(all)
        }
        Value::String(text) => Value::String(words(key, &text.replace(namespace, "NS"))),
        Value::Number(_) if ["nodePort", "healthCheckNodePort"].contains(&key) => json!("N"),
        other => other,
    }
}

fn map(all: Map<String, Value>, namespace: &str) -> Value {
    let mut normal = Map::new();
    for (key, value) in all {
        // What an object is at the moment is not what it is to be.
        if key == "status" && value.is_object() || key == "deployment.kubernetes.io/revision" {
            continue;
        }
        let value = match key.as_str() {
            "resourceVersion" | "continue" => json!("N"),
            _ => part(&key, value, namespace),
        };
        let is_empty = key == "annotations" && value.as_object().is_some_and(Map::is_empty);
        if !is_empty {
            normal.insert(words("", &key.replace(namespace, "NS")), value);
        }
    }
    Value::Object(normal)
}

/// A text whose identifiers, times and addresses are words.
fn words(key: &str, text: &str) -> String {
    let mut normal = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let found = [(uid as fn(&str) -> usize, "UID"), (time, "T"), (address, "IP")];
        let found =
            found.iter().find_map(|(length, word)| Some((length(rest), *word)).filter(|(length, _)| *length > 0));
        let (length, word) = found.unwrap_or((first.len_utf8(), &rest[..first.len_utf8()]));
        normal.push_str(word);
        rest = &rest[length..];
    }
    if key != "message" {
        return normal;
    }
    // A server repeats whole objects as its language writes them, and in an order of chance what is wrong; the causes have it all.
    let cuts = [("Invalid value: \"{", 15), ("Invalid value: {", 15), ("\n@@", 0), (" is invalid: [", 12)];
    let ends = cuts.iter().filter_map(|(start, kept)| Some(normal.find(start)? + kept));
    let normal = ends.min().map_or_else(|| normal.clone(), |end| normal[..end].to_owned());
    // Versions of objects, and of the server.
    let is_version = normal.contains("esource version") || normal.contains("ResourceVersion in");
    let normal: String =
        if is_version { normal.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect() } else { normal };
    let normal = (0..6).fold(normal, |text, _| if is_version { text.replace("00", "0") } else { text });
    normal.chars().take(MESSAGE).collect()
}

/// The length of an identifier at the start of a text.
fn uid(text: &str) -> usize {
    let bytes = text.as_bytes();
    let is_part = |at: usize| match at {
        8 | 13 | 18 | 23 => bytes[at] == b'-',
        _ => bytes[at].is_ascii_hexdigit(),
    };
    if bytes.len() >= 36 && (0..36).all(is_part) { 36 } else { 0 }
}

/// The length of a time at the start of a text.
fn time(text: &str) -> usize {
    const FORM: &str = "0000-00-00T00:00:00";
    let fits = text.len() > FORM.len()
        && FORM
            .bytes()
            .zip(text.bytes())
            .all(|(form, byte)| if form == b'0' { byte.is_ascii_digit() } else { byte == form });
    if !fits {
        return 0;
    }
    let end = text[FORM.len()..].find('Z').filter(|end| *end <= 10);
    end.map_or(0, |end| FORM.len() + end + 1)
}

/// The length of an address of a service at the start of a text.
fn address(text: &str) -> usize {
    if !text.starts_with("10.") {
        return 0;
    }
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    if text[..end].split('.').filter(|part| !part.is_empty()).count() == 4 { end } else { 0 }
}

#[test]
fn what_differs_by_nature_is_a_word() {
    let answer = json!({
        "metadata": { "uid": "0a1b2c3d-0000-1111-2222-333344445555", "resourceVersion": "12", "creationTimestamp": "2026-01-02T03:04:05Z" },
        "spec": { "clusterIP": "10.0.12.1", "image": "web:10.1" }, "status": { "a": 1 }, "message": "t-1 is wrong",
    });
    let wanted = json!({
        "metadata": { "uid": "UID", "resourceVersion": "N", "creationTimestamp": "T" },
        "spec": { "clusterIP": "IP", "image": "web:10.1" }, "message": "NS is wrong",
    });
    assert_eq!(normal(answer, "t-1"), wanted);
}
