//! A request, taken apart.

use std::collections::BTreeMap;

use serde_json::Value;

/// A request.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// The method.
    pub method: String,
    /// The path.
    pub path: String,
    /// The query, decoded.
    pub query: BTreeMap<String, String>,
    /// What answers the client takes.
    pub accept: String,
    /// What the body is.
    pub content_type: String,
    /// Who asks, as the user agent says.
    pub agent: String,
    /// The body.
    pub body: Vec<u8>,
}

/// What a path is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The API group.
    pub group: String,
    /// The version.
    pub version: String,
    /// The namespace; empty for none.
    pub namespace: String,
    /// The plural; empty for the list of resources.
    pub plural: String,
    /// The name; empty for a list.
    pub name: String,
    /// The subresource; empty for none.
    pub subresource: String,
}

impl Asked {
    /// A word of the query.
    pub fn word(&self, name: &str) -> &str {
        self.query.get(name).map(String::as_str).unwrap_or_default()
    }

    /// Whether the query says that something is so.
    pub fn says(&self, name: &str) -> bool {
        matches!(self.word(name), "true" | "1")
    }

    /// The body as JSON.
    pub fn json(&self) -> Result<Value, String> {
        serde_json::from_slice(&self.body).map_err(|error| error.to_string())
    }

    /// Reads a query.
    pub fn parse_query(text: &str) -> BTreeMap<String, String> {
        text.split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .map(|(name, value)| (decoded(name, true), decoded(value, true)))
            .collect()
    }

    /// What the path is about, if it is below an API version.
    pub fn place(&self) -> Option<Place> {
        let words: Vec<String> =
            self.path.split('/').filter(|word| !word.is_empty()).map(|word| decoded(word, false)).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let (group, version, rest) = match words.as_slice() {
            ["api", version, rest @ ..] => ("", *version, rest),
            ["apis", group, version, rest @ ..] => (*group, *version, rest),
            _ => return None,
        };
        let mut place = Place { group: group.to_owned(), version: version.to_owned(), ..Place::default() };
        let rest = match rest {
            ["namespaces", _, "status" | "finalize"] => rest,
            ["namespaces", namespace, plural, ..] if !plural.is_empty() => {
                place.namespace = (*namespace).to_owned();
                &rest[2..]
            }
            _ => rest,
        };
        let word = |index: usize| rest.get(index).map(|word| (*word).to_owned()).unwrap_or_default();
        (place.plural, place.name, place.subresource) = (word(0), word(1), word(2));
        (rest.len() <= 3).then_some(place)
    }
}

fn decoded(text: &str, query: bool) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, more)) = rest.split_first() {
        let hex = more.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match (first, hex.and_then(|hex| u8::from_str_radix(hex, 16).ok())) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &more[2..];
                continue;
            }
            (b'+', _) if query => bytes.push(b' '),
            (byte, _) => bytes.push(*byte),
        }
        rest = more;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(path: &str) -> Place {
        Asked { path: path.to_owned(), ..Asked::default() }.place().unwrap()
    }

    #[test]
    fn paths_are_taken_apart() {
        let deployment = place("/apis/apps/v1/namespaces/web/deployments/a/status");
        assert_eq!((deployment.group.as_str(), deployment.namespace.as_str()), ("apps", "web"));
        assert_eq!((deployment.plural.as_str(), deployment.subresource.as_str()), ("deployments", "status"));
        assert_eq!(place("/api/v1/namespaces/web").name, "web");
        assert_eq!(place("/api/v1/namespaces/web/status").subresource, "status");
        assert_eq!(place("/api/v1/namespaces/web/pods").plural, "pods");
        assert_eq!(Asked::parse_query("a=b%2Cc&d=e+f")["a"], "b,c");
    }
}
