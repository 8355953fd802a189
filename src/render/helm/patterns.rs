//! Patterns of file names: those of `.helmignore` and those of `.Files.Glob`.

use regex::Regex;

/// A pattern as Go's `filepath.Match` takes it. None where it is not well formed.
#[must_use]
pub(super) fn of_ignore(pattern: &str) -> Option<Regex> {
    let mut chars = pattern.chars();
    let mut out = String::from(r"(?s)\A(?:");
    while let Some(c) = chars.next() {
        match c {
            '*' => out.push_str("[^/]*"),
            '?' => out.push_str("[^/]"),
            '[' => class(&mut chars, '^', &mut out)?,
            '\\' => literal(chars.next()?, &mut out),
            other => literal(other, &mut out),
        }
    }
    out.push_str(r")\z");
    Regex::new(&out).ok()
}

/// A pattern of `.Files.Glob`, in which `**` goes through folders. A pattern that is not well formed matches everything.
#[must_use]
pub(super) fn of_glob(pattern: &str) -> Option<Regex> {
    Regex::new(&glob(pattern).unwrap_or_else(|| "(?s).*".to_owned())).ok()
}

fn glob(pattern: &str) -> Option<String> {
    let mut chars = pattern.chars().peekable();
    let mut out = String::from(r"(?s)\A(?:");
    let mut open = 0_usize;
    while let Some(c) = chars.next() {
        match c {
            '*' => {
                let mut stars = 1;
                while chars.next_if_eq(&'*').is_some() {
                    stars += 1;
                }
                out.push_str(if stars > 1 { ".*" } else { "[^/]*" });
            }
            '?' => out.push_str("[^/]"),
            '[' => class(&mut chars, '!', &mut out)?,
            '{' => {
                open += 1;
                out.push_str("(?:");
            }
            '}' if open > 0 => {
                open -= 1;
                out.push(')');
            }
            ',' if open > 0 => out.push('|'),
            '\\' => literal(chars.next()?, &mut out),
            other => literal(other, &mut out),
        }
    }
    out.push_str(r")\z");
    (open == 0).then_some(out)
}

fn literal(c: char, out: &mut String) {
    out.push_str(&regex::escape(c.encode_utf8(&mut [0; 4])));
}

/// Reads a class of characters up to its bracket.
fn class(chars: &mut impl Iterator<Item = char>, negation: char, out: &mut String) -> Option<()> {
    let mut inner = String::new();
    let mut first = true;
    loop {
        let c = chars.next()?;
        match c {
            ']' if !inner.is_empty() && inner != "^" => break,
            ']' => return None,
            c if first && c == negation => inner.push('^'),
            '-' => inner.push('-'),
            '\\' => literal_in_class(chars.next()?, &mut inner),
            other => literal_in_class(other, &mut inner),
        }
        first = false;
    }
    out.push('[');
    out.push_str(&inner);
    out.push(']');
    Some(())
}

fn literal_in_class(c: char, out: &mut String) {
    if !c.is_alphanumeric() {
        out.push('\\');
    }
    out.push(c);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stop_at_folders_unless_doubled() {
        let fits = |pattern: &str, name: &str| of_glob(pattern).unwrap().is_match(name);
        assert!(fits("config/*.{yaml,yml}", "config/a.yml"));
        assert!(!fits("config/*.yaml", "config/b/a.yaml"));
        assert!(fits("config/**.yaml", "config/b/a.yaml"));
        assert!(fits("[!a]b", "cb"));
        assert!(!fits("**.md", "a.mdx"));
    }

    #[test]
    fn classes_and_escapes_of_ignore_files() {
        let fits = |pattern: &str, name: &str| of_ignore(pattern).is_some_and(|regex| regex.is_match(name));
        assert!(fits("[a-c]?.txt", "bx.txt"));
        assert!(!fits("*.txt", "a/b.txt"));
        assert!(fits(r"a\*", "a*"));
        assert!(of_ignore("[a").is_none());
    }
}
