//! Label selectors and field selectors.

use serde_json::Value;

use super::json;

/// One demand of a label selector.
enum Demand {
    Is(String, Vec<String>),
    IsNot(String, Vec<String>),
    Has(String),
    HasNot(String),
}

/// What a list is narrowed down to.
#[derive(Default)]
pub struct Selector {
    labels: Vec<Demand>,
    fields: Vec<(String, String, bool)>,
}

impl Selector {
    /// Reads both selectors of a query.
    pub fn parse(labels: &str, fields: &str) -> Result<Self, String> {
        let mut selector = Self::default();
        for text in split(labels) {
            selector.labels.push(demand(&text)?);
        }
        for text in fields.split(',').filter(|text| !text.is_empty()) {
            let (equal, pair) = match text.split_once("!=") {
                Some(pair) => (false, pair),
                None => {
                    let pair = text.split_once("==").or_else(|| text.split_once('='));
                    (true, pair.ok_or_else(|| format!("invalid selector: '{text}'; can't understand '{text}'"))?)
                }
            };
            selector.fields.push((pair.0.to_owned(), pair.1.to_owned(), equal));
        }
        Ok(selector)
    }

    /// Whether an object is wanted.
    pub fn fits(&self, object: &Value) -> bool {
        let label = |name: &str| {
            let labels = json::at(object, "metadata.labels");
            labels.and_then(|labels| labels.get(name)).and_then(Value::as_str)
        };
        let wanted = |demand: &Demand| match demand {
            Demand::Is(name, values) => label(name).is_some_and(|value| values.iter().any(|one| one == value)),
            Demand::IsNot(name, values) => !label(name).is_some_and(|value| values.iter().any(|one| one == value)),
            Demand::Has(name) => label(name).is_some(),
            Demand::HasNot(name) => label(name).is_none(),
        };
        let field = |(path, value, equal): &(String, String, bool)| {
            let actual =
                json::at(object, path).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
            (actual.unwrap_or_default() == *value) == *equal
        };
        self.labels.iter().all(wanted) && self.fields.iter().all(field)
    }
}

/// Splits at commas outside of brackets.
fn split(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut depth = 0;
    for c in text.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        match parts.last_mut() {
            Some(last) if c != ',' || depth > 0 => last.push(c),
            _ => parts.push(String::new()),
        }
    }
    parts.into_iter().map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}

fn demand(text: &str) -> Result<Demand, String> {
    if let Some(name) = text.strip_prefix('!') {
        return Ok(Demand::HasNot(name.trim().to_owned()));
    }
    if let Some((left, values)) = text.strip_suffix(')').and_then(|text| text.split_once('(')) {
        let values = values.split(',').map(|value| value.trim().to_owned()).collect();
        let mut words = left.split_whitespace();
        let name = words.next().unwrap_or_default().to_owned();
        return match words.next() {
            Some("in") => Ok(Demand::Is(name, values)),
            Some("notin") => Ok(Demand::IsNot(name, values)),
            _ => Err(format!("unable to parse requirement: {text}")),
        };
    }
    for (sign, equal) in [("!=", false), ("==", true), ("=", true)] {
        if let Some((name, value)) = text.split_once(sign) {
            let (name, values) = (name.trim().to_owned(), vec![value.trim().to_owned()]);
            return Ok(if equal { Demand::Is(name, values) } else { Demand::IsNot(name, values) });
        }
    }
    if text.contains(char::is_whitespace) {
        let found = text.split_whitespace().nth(1).unwrap_or_default();
        return Err(format!("unable to parse requirement: found '{found}', expected: in, notin, =, ==, !=, gt, lt"));
    }
    Ok(Demand::Has(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn selectors_select() {
        let object = json!({ "metadata": { "name": "n", "labels": { "a": "1", "b": "2" } } });
        let fits = |labels: &str| Selector::parse(labels, "").unwrap().fits(&object);
        assert!(
            fits("a=1,b in (2,3)") && fits("a") && fits("!c") && fits("c!=1") && fits("a notin (2)") && fits("a==1")
        );
        assert!(!fits("a=2") && !fits("c") && !fits("b in (1)") && !fits("!a") && !fits("a!=1"));
        assert!(Selector::parse("", "metadata.name=n").unwrap().fits(&object));
        assert!(!Selector::parse("", "metadata.name!=n").unwrap().fits(&object));
    }
}
