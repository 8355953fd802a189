//! Values and names as a spec writes them: the other direction of reading one.

use crate::value::Value;

/// A value as TOML writes it, in one line.
#[must_use]
pub fn toml_of(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        Value::List(items) => format!("[{}]", items.iter().map(toml_of).collect::<Vec<_>>().join(", ")),
        Value::Map(entries) => {
            let entries: Vec<String> =
                entries.iter().map(|(name, value)| format!("{} = {}", key(name), toml_of(value))).collect();
            if entries.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", entries.join(", ")) }
        }
        other => other.to_json().to_string(),
    }
}

/// A text between quotes. A `${` that somebody else's text has is no reference.
#[must_use]
pub fn quoted(text: &str) -> String {
    let json = serde_json::Value::from(text.replace("${", "$${")).to_string();
    // TOML takes the escapes of JSON, and wants one more character escaped.
    json.replace('\u{7f}', "\\u007F")
}

/// A key, between quotes where it needs them.
#[must_use]
pub fn key(name: &str) -> String {
    let bare = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if bare { name.to_owned() } else { serde_json::Value::from(name).to_string() }
}

/// The name of a block for an object of a name: small letters, digits, `_` and `-`, 60 of them at most, so that a number has
/// room.
#[must_use]
pub fn block_name(name: &str) -> String {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
    let name: String = name.to_lowercase().chars().map(|c| if good(c) { c } else { '-' }).take(60).collect();
    if name.is_empty() { "unnamed".to_owned() } else { name }
}

/// Whether the name of a variable says that its value is secret, and not where that is.
#[must_use]
pub fn is_secret_name(name: &str) -> bool {
    const WORDS: [&str; 7] = ["PASSWORD", "PASSWD", "SECRET", "TOKEN", "API_KEY", "PRIVATE_KEY", "CREDENTIAL"];
    let name = name.to_uppercase();
    WORDS.iter().any(|word| name.contains(word)) && !name.ends_with("_FILE")
}

#[cfg(test)]
mod tests {
    use super::super::read_value;
    use super::{block_name, quoted, toml_of};
    use crate::kind::Type;
    use crate::kind::literal;

    #[test]
    fn what_is_written_is_read_again() {
        for text in ["plain", "a \"quoted\" one", "two\nlines\ttab", "\u{7f}\u{1}", "back\\slash", "ünïcode €"] {
            assert_eq!(literal(&quoted(text)).as_str(), Some(text));
        }
        let value = literal("{ a = [1, true, \"x\"], \"b c\" = { d = \"${x}\" } }");
        assert_eq!(toml_of(&value), "{ a = [1, true, \"x\"], \"b c\" = { d = \"$${x}\" } }");
        let read = read_value(&Type::Any, &quoted("arn:${aws:username}")).expect("a text");
        assert_eq!(read.as_str(), Some("arn:${aws:username}"));
    }

    #[test]
    fn a_block_has_a_good_name_whatever_its_object_is_called() {
        for (name, block) in [
            ("Orders.fifo", "orders-fifo"),
            ("a_b-c", "a_b-c"),
            ("Zähler", "z-hler"),
            ("", "unnamed"),
            (&"x".repeat(80), &"x".repeat(60)),
        ] {
            assert_eq!(block_name(name), block);
        }
    }
}
