//! Paths into values: `dead_letter.queue`, `allow.0.actions`, `labels."app.kubernetes.io/name"`.

/// The parts of a path. A part that holds a dot stands in double quotes.
#[must_use]
pub fn split(path: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        if let Some((quoted, behind)) = rest.strip_prefix('"').and_then(|open| open.split_once('"')) {
            parts.push(quoted);
            rest = behind.strip_prefix('.').unwrap_or(behind);
        } else {
            let (part, behind) = rest.split_once('.').unwrap_or((rest, ""));
            parts.push(part);
            rest = behind;
        }
    }
    parts
}

/// A path with one more part.
#[must_use]
pub fn join(path: &str, part: &str) -> String {
    let quote = if part.contains('.') || part.is_empty() { "\"" } else { "" };
    let dot = if path.is_empty() { "" } else { "." };
    format!("{path}{dot}{quote}{part}{quote}")
}

#[cfg(test)]
mod tests {
    use super::{join, split};

    #[test]
    fn a_joined_path_is_split_again() {
        let parts = ["labels", "app.kubernetes.io/name", "0", "x"];
        let path = parts.iter().fold(String::new(), |path, part| join(&path, part));
        assert_eq!(path, "labels.\"app.kubernetes.io/name\".0.x");
        assert_eq!(split(&path), parts);
        assert_eq!(split(""), [""; 0]);
        assert_eq!(split("a.b\"c"), ["a", "b\"c"]);
    }
}
