//! Variables in texts, as compose fills them in: `$NAME`, `${NAME}`, `${NAME:-default}`, `${NAME:?message}`, `${NAME:+other}`.
//!
//! Source: <https://github.com/compose-spec/compose-spec/blob/main/12-interpolation.md>.

use std::collections::BTreeSet;

/// How the value of a variable is looked up.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// How deep defaults may stand in defaults.
const DEEPEST: usize = 16;

/// How long a text may become: values in values double with each of them.
const LONGEST: usize = 1024 * 1024;

/// Fills in the variables of a text. Those that are not set stand empty, and are noted.
///
/// # Errors
/// When the text is no template, or something in it has to be set and is not.
pub fn interpolate(text: &str, lookup: Lookup<'_>, unset: &mut BTreeSet<String>) -> Result<String, String> {
    fill(text, lookup, unset, 0)
}

/// The variable of which a text is the whole value, without a default: `$NAME`, `${NAME}`, `${NAME:?message}`.
pub fn sole_variable(text: &str) -> Option<&str> {
    let rest = text.strip_prefix('$')?;
    let Some(inner) = rest.strip_prefix('{') else {
        return Some(rest).filter(|name| !name.is_empty() && name_length(name) == name.len());
    };
    let name = &inner[..name_length(inner)];
    let after = &inner[name.len()..];
    let end = closing(inner)?;
    let plain = after == "}" || (after.starts_with(":?") || after.starts_with('?')) && end + 1 == inner.len();
    Some(name).filter(|name| plain && !name.is_empty())
}

fn fill(text: &str, lookup: Lookup<'_>, unset: &mut BTreeSet<String>, depth: usize) -> Result<String, String> {
    if depth > DEEPEST {
        return Err(format!("defaults stand in defaults more than {DEEPEST} times"));
    }
    let mut whole = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        whole.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            whole.push('$');
            rest = after;
        } else if let Some(inner) = rest.strip_prefix('{') {
            let Some(end) = closing(inner) else { return Err("`${` is never closed".into()) };
            whole.push_str(&braced(&inner[..end], lookup, unset, depth)?);
            rest = &inner[end + 1..];
        } else {
            let length = name_length(rest);
            if length == 0 {
                return Err("a `$` that begins no variable is written `$$`".into());
            }
            whole.push_str(&value(&rest[..length], lookup, unset));
            rest = &rest[length..];
        }
        if whole.len() > LONGEST {
            return Err(format!("it becomes longer than {LONGEST} bytes"));
        }
    }
    whole.push_str(rest);
    Ok(whole)
}

fn braced(inner: &str, lookup: Lookup<'_>, unset: &mut BTreeSet<String>, depth: usize) -> Result<String, String> {
    let name = &inner[..name_length(inner)];
    let rest = &inner[name.len()..];
    if name.is_empty() {
        return Err(format!("`${{{inner}}}` names no variable"));
    }
    if rest.is_empty() {
        return Ok(value(name, lookup, unset));
    }
    // With a colon an empty value counts as none.
    let (empty_counts, operation) = match rest.strip_prefix(':') {
        Some(operation) => (false, operation),
        None => (true, rest),
    };
    let set = lookup(name).filter(|value| empty_counts || !value.is_empty());
    let mut argument = operation.chars();
    match argument.next() {
        Some('-') => match set {
            Some(value) => Ok(value),
            None => fill(argument.as_str(), lookup, unset, depth + 1),
        },
        Some('+') => match set {
            Some(_) => fill(argument.as_str(), lookup, unset, depth + 1),
            None => Ok(String::new()),
        },
        Some('?') => set.ok_or_else(|| match argument.as_str() {
            "" => format!("`{name}` has to be set"),
            message => format!("`{name}` has to be set: {message}"),
        }),
        _ => Err(format!("`${{{inner}}}` is no variable")),
    }
}

fn value(name: &str, lookup: Lookup<'_>, unset: &mut BTreeSet<String>) -> String {
    lookup(name).unwrap_or_else(|| {
        unset.insert(name.to_owned());
        String::new()
    })
}

/// Where a name that a text begins with ends.
fn name_length(text: &str) -> usize {
    let good = |(at, c): (usize, char)| c == '_' || c.is_ascii_alphabetic() || at > 0 && c.is_ascii_digit();
    text.char_indices().find(|one| !good(*one)).map_or(text.len(), |(at, _)| at)
}

/// Where the brace closes that was opened before a text.
fn closing(text: &str) -> Option<usize> {
    let mut open = 0_usize;
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        match c {
            '{' if before == '$' => open += 1,
            '}' if open == 0 => return Some(at),
            '}' => open -= 1,
            _ => {}
        }
        before = c;
    }
    None
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{interpolate, sole_variable};

    fn filled(text: &str) -> Result<String, String> {
        let lookup = |name: &str| match name {
            "A" => Some("one".to_owned()),
            "EMPTY" => Some(String::new()),
            "B2" => Some("two".to_owned()),
            _ => None,
        };
        interpolate(text, &lookup, &mut BTreeSet::new())
    }

    #[test]
    fn variables_are_filled_in_as_compose_does() {
        for (text, expected) in [
            ("plain", "plain"),
            ("$A-$B2", "one-two"),
            ("${A}b", "oneb"),
            ("$$A $${A}", "$A ${A}"),
            ("${NONE}x$NONE", "x"),
            ("${NONE:-d}${NONE-d}${EMPTY:-d}${EMPTY-d}${A:-d}", "dddone"),
            ("${A:+yes}${EMPTY:+yes}${EMPTY+yes}${NONE+yes}", "yesyes"),
            ("${NONE:-${B2}/${NONE:-${A}}}", "two/one"),
            ("${NONE:-a{b}}", "a{b}"),
            ("${A:?set it}", "one"),
            ("${NONE:-:}", ":"),
        ] {
            assert_eq!(filled(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_template_is_an_error() {
        for text in
            ["$", "a $ b", "${A", "${}", "${1A}", "${A!x}", "${A:}", "${NONE:?}", "${NONE:?set it}", "${EMPTY:?x}"]
        {
            assert!(filled(text).is_err(), "{text}");
        }
        let deep = "${N:-".repeat(5_000) + &"}".repeat(5_000);
        assert!(filled(&deep).is_err());
    }

    #[test]
    fn a_text_may_be_one_variable() {
        for (text, name) in [
            ("$A", Some("A")),
            ("${A}", Some("A")),
            ("${A:?x}", Some("A")),
            ("${A:-x}", None),
            ("${A}x", None),
            ("$A$B", None),
            ("${A}${B}", None),
            ("${A:?x}y", None),
            ("A", None),
            ("$", None),
        ] {
            assert_eq!(sole_variable(text), name, "{text}");
        }
    }
}
