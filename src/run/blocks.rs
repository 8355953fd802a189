//! Objects as blocks of a spec.

use std::fmt::Write as _;

use crate::address::Address;
use crate::diagnostic::code;
use crate::kind::{Host, default_of};
use crate::observed::Object;
use crate::spec::read_value;
use crate::value::Value;

/// The block of an object: what it says beside the defaults of its kind. Nothing is said twice. In a spec with environments it
/// stands in the one that was looked at, as the others are other worlds.
pub fn block(object: &Object, address: &Address, environment: Option<&str>) -> String {
    let place = environment.map(|name| format!("environment.{}.", key(name))).unwrap_or_default();
    let mut text = format!("\n[{place}{}.{}]\n", address.kind(), key(address.name()));
    if environment.is_some() {
        text.push_str("new = true\n");
    }
    if let Some(place) = address.place().filter(|_| object.kind.host != Host::World) {
        let _ = writeln!(text, "regions = [{}]", string(place));
    }
    for attribute in object.kind.attributes.iter() {
        let value = object.attributes.get(attribute.name);
        let is_name = attribute.name == "name" && value.as_str() == Some(address.name());
        if !value.is_null() && !is_name && *value != default_of(attribute) {
            let _ = writeln!(text, "{} = {}", attribute.name, toml(value));
        }
    }
    text
}

/// What of an object no spec can say, and why; none when all of it can be said.
pub fn fault(object: &Object) -> Option<String> {
    object.kind.attributes.iter().find_map(|attribute| {
        let value = object.attributes.get(attribute.name);
        if value.is_null() || *value == default_of(attribute) {
            return None;
        }
        let found = read_value(&attribute.ty, &toml(value)).err()?;
        // What it names is found out once all blocks stand beside each other.
        let elsewhere =
            [&code::REFERENCE_TO_NOTHING, &code::NO_SUCH_PLACE, &code::SEVERAL_PLACES].map(|code| code.name);
        let mut faults = found.iter().filter(|fault| !elsewhere.contains(&fault.code.name));
        let why = faults.next()?.detail.clone();
        Some(format!("can't be said in a spec: `{}`: {why}", attribute.name))
    })
}

/// A value as TOML writes it, in one line.
fn toml(value: &Value) -> String {
    match value {
        Value::String(text) => string(text),
        Value::List(items) => format!("[{}]", items.iter().map(toml).collect::<Vec<_>>().join(", ")),
        Value::Map(entries) => {
            let entries: Vec<String> =
                entries.iter().map(|(name, value)| format!("{} = {}", key(name), toml(value))).collect();
            if entries.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", entries.join(", ")) }
        }
        other => other.to_json().to_string(),
    }
}

/// A text between quotes. A `${` that somebody else's text has is no reference.
fn string(text: &str) -> String {
    let json = serde_json::Value::from(text.replace("${", "$${")).to_string();
    // TOML takes the escapes of JSON, and wants one more character escaped.
    json.replace('\u{7f}', "\\u007F")
}

/// A key, between quotes where it needs them.
fn key(name: &str) -> String {
    let bare = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if bare { name.to_owned() } else { serde_json::Value::from(name).to_string() }
}

#[cfg(test)]
mod tests {
    use super::{string, toml};
    use crate::kind::Type;
    use crate::kind::literal;
    use crate::spec::read_value;

    #[test]
    fn what_is_written_is_read_again() {
        for text in ["plain", "a \"quoted\" one", "two\nlines\ttab", "\u{7f}\u{1}", "back\\slash", "ünïcode €"] {
            assert_eq!(literal(&string(text)).as_str(), Some(text));
        }
        let value = literal("{ a = [1, true, \"x\"], \"b c\" = { d = \"${x}\" } }");
        assert_eq!(toml(&value), "{ a = [1, true, \"x\"], \"b c\" = { d = \"$${x}\" } }");
        let read = read_value(&Type::Any, &string("arn:${aws:username}")).expect("a text");
        assert_eq!(read.as_str(), Some("arn:${aws:username}"));
    }
}
