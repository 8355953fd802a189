//! Files of variables, one `NAME=VALUE` on a line, as compose reads its `.env` and its `env_file`.
//!
//! Source: <https://docs.docker.com/compose/how-tos/environment-variables/variable-interpolation/#env-file-syntax>.

use std::collections::{BTreeMap, BTreeSet};

use super::interpolate::{Lookup, interpolate};

/// Why a file of variables can't be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvFileFault {
    /// The line.
    pub line: usize,
    /// Why.
    pub why: String,
}

/// The most that all values together may hold.
const LARGEST: usize = 4 * 1024 * 1024;

/// Reads a file of variables. A name without a value has the one that `lookup` tells, if there is one; variables in values are
/// those of `lookup`, then those of the lines before.
///
/// # Errors
/// When a line says no variable.
pub fn read_env_file(text: &str, lookup: Lookup<'_>) -> Result<BTreeMap<String, String>, EnvFileFault> {
    let mut rest = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    let mut size = 0;
    while !rest.is_empty() {
        let line = text[..text.len() - rest.len()].matches('\n').count() + 1;
        let fault = |why: String| EnvFileFault { line, why };
        let trimmed = rest.trim_start_matches([' ', '\t', '\r']);
        if let Some(next) = trimmed.strip_prefix('\n') {
            rest = next;
            continue;
        }
        if trimmed.is_empty() || trimmed.starts_with('#') {
            rest = after_line(trimmed);
            continue;
        }
        let end = trimmed.find('\n').unwrap_or(trimmed.len());
        let statement = trimmed.strip_prefix("export ").map_or(trimmed, |after| after.trim_start_matches([' ', '\t']));
        let name_end = statement.find(['=', ':', '\n', '#']).unwrap_or(statement.len());
        let name = statement[..name_end].trim();
        if !is_name(name) {
            return Err(fault(format!("`{}` is no NAME=VALUE", trimmed[..end].trim_end().escape_debug())));
        }
        let after = &statement[name_end..];
        let Some(raw) = after.strip_prefix(['=', ':']) else {
            found.extend(lookup(name).map(|value| (name.to_owned(), value)));
            rest = after_line(statement);
            continue;
        };
        let (template, next) = value(raw).map_err(fault)?;
        let known = |name: &str| lookup(name).or_else(|| found.get(name).cloned());
        let filled = match template {
            RawText::Literal(text) => text,
            RawText::Template(text) => interpolate(&text, &known, &mut BTreeSet::new()).map_err(fault)?,
        };
        size += filled.len();
        if size > LARGEST {
            return Err(fault(format!("all values together hold more than {LARGEST} bytes")));
        }
        found.insert(name.to_owned(), filled);
        rest = next;
    }
    Ok(found)
}

/// A value before its variables are filled in.
enum RawText {
    Literal(String),
    Template(String),
}

/// The value that a text begins with, and what comes after its line.
fn value(text: &str) -> Result<(RawText, &str), String> {
    let text = text.trim_start_matches([' ', '\t']);
    if let Some(inner) = text.strip_prefix('\'') {
        let Some(end) = inner.find('\'') else { return Err("`'` is never closed".into()) };
        return Ok((RawText::Literal(inner[..end].to_owned()), end_of_line(&inner[end + 1..])?));
    }
    if let Some(inner) = text.strip_prefix('"') {
        let (value, after) = double_quoted(inner)?;
        return Ok((RawText::Template(value), end_of_line(after)?));
    }
    let line = text.split('\n').next().unwrap_or_default();
    let comment = line.match_indices('#').find(|(at, _)| *at == 0 || line[..*at].ends_with([' ', '\t']));
    let value = comment.map_or(line, |(at, _)| &line[..at]).trim_end();
    Ok((RawText::Template(value.to_owned()), after_line(text)))
}

/// What stands before the closing quote, its escapes resolved, and what comes after it.
fn double_quoted(text: &str) -> Result<(String, &str), String> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Ok((value, &text[at + 1..])),
            '\\' => match chars.next().map(|(_, c)| c) {
                Some('n') => value.push('\n'),
                Some('r') => value.push('\r'),
                Some('t') => value.push('\t'),
                // It stays a `$` when variables are filled in.
                Some('$') => value.push_str("$$"),
                Some(c @ ('"' | '\\')) => value.push(c),
                Some(other) => value.extend(['\\', other]),
                None => break,
            },
            c => value.push(c),
        }
    }
    Err("`\"` is never closed".into())
}

/// After a closing quote there is nothing more on the line but a comment.
fn end_of_line(text: &str) -> Result<&str, String> {
    let line = text.split('\n').next().unwrap_or_default().trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(after_line(text));
    }
    Err(format!("`{}` stands after the closing quote", line.escape_debug()))
}

fn after_line(text: &str) -> &str {
    text.find('\n').map_or("", |at| &text[at + 1..])
}

fn is_name(name: &str) -> bool {
    let good = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    !name.is_empty() && name.chars().all(good) && !name.starts_with(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::read_env_file;

    fn lookup(name: &str) -> Option<String> {
        (name == "OUTSIDE").then(|| "outside".to_owned())
    }

    #[test]
    fn lines_are_read_as_compose_reads_them() {
        let text = "\u{feff}# a comment\n\nA=1\nexport B = two words  # and a comment\nC='$A # no comment'\r\nD=\"$A\\n\\$A\"\nE=${A}-${NONE:-d}\n\
            F=a#b\nG=\nH: yaml\nOUTSIDE\nMISSING\n  I=x\nJ=\"two\nlines\"\nK=${OUTSIDE}\nL=$$A\nA_B=${G:-empty}";
        let found = read_env_file(text, &lookup).expect("a good file");
        let expected = [
            ("A", "1"),
            ("A_B", "empty"),
            ("B", "two words"),
            ("C", "$A # no comment"),
            ("D", "1\n$A"),
            ("E", "1-d"),
            ("F", "a#b"),
            ("G", ""),
            ("H", "yaml"),
            ("I", "x"),
            ("J", "two\nlines"),
            ("K", "outside"),
            ("L", "$A"),
            ("OUTSIDE", "outside"),
        ];
        let found: Vec<(&str, &str)> = found.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn what_is_no_variable_is_an_error_with_its_line() {
        for (text, line) in [
            ("A=1\nno name\n", 2),
            ("A='open\n", 1),
            ("A=1\n\nB=\"open", 3),
            ("A='x' y", 1),
            ("=x", 1),
            ("1A=x", 1),
            ("A=${", 1),
            ("A=${X:?needed}", 1),
        ] {
            assert_eq!(read_env_file(text, &lookup).expect_err(text).line, line, "{text}");
        }
        let doubled: String = (1..60).map(|at| format!("V{at}=${{V{}}}${{V{}}}\n", at - 1, at - 1)).collect();
        assert!(read_env_file(&format!("V0=0123456789\n{doubled}"), &lookup).is_err(), "a bomb");
    }
}
