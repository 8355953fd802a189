//! Go's syntax of regular expressions in Rust's.

/// The same pattern in Rust's syntax.
pub fn translated(source: &str) -> Result<String, String> {
    let mut out = String::with_capacity(source.len() + 16);
    let mut rest = source;
    let mut within = false;
    while let Some(c) = rest.chars().next() {
        let after = &rest[c.len_utf8()..];
        rest = match c {
            '\\' => escape(&mut out, after, within)?,
            '[' if !within => {
                within = true;
                out.push('[');
                let negated = after.strip_prefix('^');
                if negated.is_some() {
                    out.push('^');
                }
                let body = negated.unwrap_or(after);
                // A bracket that comes first stands for itself.
                match body.strip_prefix(']') {
                    Some(body) => {
                        out.push_str("\\]");
                        body
                    }
                    None => body,
                }
            }
            '[' if after.starts_with(':') && after.contains(":]") => {
                let end = after.find(":]").map_or(0, |end| end + 2);
                out.push('[');
                out.push_str(&after[..end]);
                &after[end..]
            }
            '[' | '&' | '~' if within => {
                out.push('\\');
                out.push(c);
                after
            }
            ']' if within => {
                within = false;
                out.push(']');
                after
            }
            '{' if !within && !is_count(after) => {
                out.push_str("\\{");
                after
            }
            '(' if !within && after.starts_with('?') => flags(&mut out, after)?,
            '*' | '+' | '?' | '{' if !within => repetition(&mut out, rest)?,
            c => {
                out.push(c);
                after
            }
        };
    }
    Ok(out)
}

/// A repetition, greedy or not. Go does not let another one follow it, and counts to 1000.
fn repetition<'t>(out: &mut String, rest: &'t str) -> Result<&'t str, String> {
    let operator = if rest.starts_with('{') { rest.find('}').map_or(1, |end| end + 1) } else { 1 };
    let count = rest[..operator].trim_matches(['{', '}']).split(',').filter_map(|it| it.parse::<u64>().ok()).max();
    if count.is_some_and(|count| count > 1000) {
        return Err(format!("invalid repeat count: `{}`", &rest[..operator]));
    }
    let end = operator + usize::from(rest[operator..].starts_with('?'));
    let after = &rest[end..];
    if after.starts_with(['*', '+', '?']) || (after.starts_with('{') && is_count(&after[1..])) {
        return Err(format!("invalid nested repetition operator: `{}`", &rest[..end + 1]));
    }
    out.push_str(&rest[..end]);
    Ok(after)
}

/// Whether what follows a brace makes it a count of repetitions.
fn is_count(after: &str) -> bool {
    let Some((inner, _)) = after.split_once('}') else { return false };
    let (least, most) = inner.split_once(',').unwrap_or((inner, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    !least.is_empty() && digits(least) && digits(most)
}

/// Rust has more flags than Go, of which a pattern for Go must have none.
fn flags<'t>(out: &mut String, after: &'t str) -> Result<&'t str, String> {
    let known = after[1..].find(|c: char| !"imsU-".contains(c)).map_or("", |end| &after[1 + end..]);
    if !known.starts_with([':', ')', 'P', '<']) {
        return Err(format!(
            "invalid or unsupported Perl syntax: `(?{}`",
            &after[1..].chars().take(1).collect::<String>()
        ));
    }
    out.push('(');
    Ok(after)
}

fn escape<'t>(out: &mut String, after: &'t str, within: bool) -> Result<&'t str, String> {
    let Some(c) = after.chars().next() else { return Err("trailing backslash at end of expression".into()) };
    let rest = &after[c.len_utf8()..];
    // Classes are of ASCII in Go.
    let class = match c {
        'd' => Some("0-9"),
        'w' => Some("0-9A-Za-z_"),
        's' => Some("\\t\\n\\x0C\\r "),
        _ => None,
    };
    let negated = match c {
        'D' => Some("[^0-9]"),
        'W' => Some("[^0-9A-Za-z_]"),
        'S' => Some("[^\\t\\n\\x0C\\r ]"),
        'b' if !within => Some("(?-u:\\b)"),
        'B' if !within => Some("(?-u:\\B)"),
        _ => None,
    };
    if let Some(class) = class {
        out.push_str(&if within { class.to_owned() } else { format!("[{class}]") });
        return Ok(rest);
    }
    if let Some(whole) = negated {
        out.push_str(whole);
        return Ok(rest);
    }
    match c {
        'Q' if !within => {
            let (literal, rest) = rest.split_once("\\E").unwrap_or((rest, ""));
            out.push_str(&regex::escape(literal));
            Ok(rest)
        }
        '0'..='7' => octal(out, after),
        'p' | 'P' if rest.starts_with("{^") => {
            out.push('\\');
            out.push(if c == 'p' { 'P' } else { 'p' });
            out.push('{');
            Ok(&rest[2..])
        }
        'x' | 'p' | 'P' if rest.starts_with('{') => {
            let end = rest.find('}').ok_or("a brace has no end")? + 1;
            out.push('\\');
            out.push(c);
            out.push_str(&rest[..end]);
            Ok(&rest[end..])
        }
        'a' | 'f' | 'n' | 'r' | 't' | 'v' | 'x' | 'p' | 'P' => {
            out.push('\\');
            out.push(c);
            Ok(rest)
        }
        'A' | 'z' if !within => {
            out.push('\\');
            out.push(c);
            Ok(rest)
        }
        c if c.is_ascii_alphanumeric() || !c.is_ascii() => Err(format!("invalid escape sequence: `\\{c}`")),
        c => {
            let literal = regex::escape(c.encode_utf8(&mut [0; 4]));
            out.push_str(&literal);
            // These stand for more than themselves only within brackets.
            Ok(rest)
        }
    }
}

/// `\0` and numbers of several octal digits are characters; one digit would be a back reference, which Go does not have.
fn octal<'t>(out: &mut String, after: &'t str) -> Result<&'t str, String> {
    let digits = after.bytes().take(3).take_while(|byte| (b'0'..=b'7').contains(byte)).count();
    if digits == 1 && !after.starts_with('0') {
        return Err(format!("invalid escape sequence: `\\{}`", &after[..1]));
    }
    let code = u32::from_str_radix(&after[..digits], 8).unwrap_or(0);
    out.push_str(&format!("\\x{{{code:x}}}"));
    Ok(&after[digits..])
}
