//! Words of the command line that set values: `a.b[0].c=1,d={x,y}`.

use std::rc::Rc;

use super::tables::{ValueTable, empty, get, put, table};
use crate::render::fault::RenderFault;
use crate::render::value::ChartValue;

/// The largest index that a list may get.
const INDEX: usize = 65_536;
/// How deep keys may lie within each other.
const DEPTH: usize = 30;

/// How the value of a word is taken.
#[derive(Clone, Copy)]
pub enum SetKind<'a> {
    /// `--set`: whole numbers, true, false and null are taken for what they say, all else for text.
    Plain,
    /// `--set-string`: always text.
    Text,
    /// `--set-json`: JSON, after a key or as a whole map.
    Json,
    /// `--set-literal`: the text as it stands, commas and backslashes too.
    Literal,
    /// `--set-file`: what the file of that name has.
    File(&'a dyn Fn(&str) -> Result<String, RenderFault>),
}

/// Sets values by a word.
///
/// # Errors
/// Where the word is not well formed, or goes through a value that is no table or list.
pub fn set(values: &ValueTable, word: &str, kind: SetKind<'_>) -> Result<(), RenderFault> {
    if matches!(kind, SetKind::Json) && word.trim_start().starts_with('{') {
        let read: serde_json::Value =
            serde_json::from_str(word.trim()).map_err(|_| RenderFault::new("what is set is no JSON"))?;
        let joined = match ChartValue::from(read) {
            ChartValue::Map(over) => super::tables::overlay(values, &over),
            _ => return Err(RenderFault::new("what is set is no map")),
        };
        let joined = joined.borrow().clone();
        *values.borrow_mut() = joined;
        return Ok(());
    }
    let mut words = SetWords { rest: word, kind };
    while words.key(values, 0)? == SetEnd::More {}
    Ok(())
}

/// Whether a word went on after a key and its value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum SetEnd {
    More,
    /// It ended, perhaps in the midst of a key. Helm then keeps what was set, and says nothing.
    Here,
}

/// What is left of a word.
struct SetWords<'a> {
    rest: &'a str,
    kind: SetKind<'a>,
}

impl SetWords<'_> {
    /// Takes characters up to one of the stops, which is taken too. A backslash makes the next character an ordinary one.
    fn until(&mut self, stops: &[char]) -> (String, Option<char>) {
        let mut taken = String::new();
        let mut chars = self.rest.chars();
        while let Some(c) = chars.next() {
            if stops.contains(&c) {
                self.rest = chars.as_str();
                return (taken, Some(c));
            }
            if c == '\\' && !matches!(self.kind, SetKind::Literal) {
                taken.extend(chars.next());
            } else {
                taken.push(c);
            }
        }
        self.rest = "";
        (taken, None)
    }

    fn key(&mut self, values: &ValueTable, depth: usize) -> Result<SetEnd, RenderFault> {
        let stops: &[char] =
            if matches!(self.kind, SetKind::Literal) { &['=', '[', '.'] } else { &['=', '[', ',', '.'] };
        let (key, stop) = self.until(stops);
        match stop {
            None if key.is_empty() => Ok(SetEnd::Here),
            None | Some(',') => Err(RenderFault::new(format!("the key \"{key}\" has no value"))),
            Some('[') => {
                let Some(index) = self.index()? else { return Ok(SetEnd::Here) };
                let list = match get(values, &key) {
                    None => Rc::default(),
                    Some(ChartValue::List(list)) => list,
                    Some(_) => return Err(RenderFault::new(format!("\"{key}\" is no list"))),
                };
                let item = self.item(&list, index, depth)?;
                let end = if item.is_some() { SetEnd::More } else { SetEnd::Here };
                insert(values, &key, item.unwrap_or(ChartValue::List(list)));
                Ok(end)
            }
            Some('.') => self.inner(values, &key, depth),
            Some(_) => {
                let end = if self.rest.is_empty() { SetEnd::Here } else { SetEnd::More };
                let value = self.value()?;
                insert(values, &key, value);
                Ok(end)
            }
        }
    }

    fn inner(&mut self, values: &ValueTable, key: &str, depth: usize) -> Result<SetEnd, RenderFault> {
        if depth >= DEPTH {
            return Err(RenderFault::new(format!("the keys are more than {DEPTH} deep")));
        }
        let inner = match get(values, key) {
            None => empty(),
            Some(value) => table(&value).ok_or_else(|| RenderFault::new(format!("\"{key}\" is no table")))?,
        };
        let end = self.key(&inner, depth + 1)?;
        let set = !inner.borrow().is_empty();
        if set {
            insert(values, key, ChartValue::Map(inner));
        } else if end == SetEnd::More {
            return Err(RenderFault::new(format!("the key \"{key}\" has no value")));
        }
        Ok(end)
    }

    /// The index before a bracket. None where the word ends before it.
    fn index(&mut self) -> Result<Option<usize>, RenderFault> {
        let (text, stop) = self.until(&[']']);
        if stop.is_none() {
            return Ok(None);
        }
        let index = text.parse::<usize>().ok().filter(|index| *index <= INDEX);
        index.map(Some).ok_or_else(|| RenderFault::new(format!("\"{text}\" is no index from 0 to {INDEX}")))
    }

    /// A list with an item set. None where the word ends before its value.
    fn item(
        &mut self,
        list: &Rc<Vec<ChartValue>>,
        index: usize,
        depth: usize,
    ) -> Result<Option<ChartValue>, RenderFault> {
        if depth >= DEPTH {
            return Err(RenderFault::new(format!("the keys are more than {DEPTH} deep")));
        }
        let (text, stop) = self.until(&['[', '.', '=']);
        if !text.is_empty() {
            return Err(RenderFault::new(format!("\"{text}\" follows an index")));
        }
        let present = list.get(index);
        let value = match stop {
            None => None,
            Some('=') => Some(self.value()?),
            Some('[') => {
                let Some(next) = self.index()? else { return Ok(None) };
                let inner = match present {
                    Some(ChartValue::List(inner)) => Rc::clone(inner),
                    None | Some(ChartValue::Nil) => Rc::default(),
                    Some(_) => return Err(RenderFault::new("an index goes into what is no list")),
                };
                self.item(&inner, next, depth + 1)?
            }
            Some(_) => {
                let inner = present.and_then(table).unwrap_or_default();
                (self.key(&inner, depth + 1)? == SetEnd::More).then_some(ChartValue::Map(inner))
            }
        };
        let Some(value) = value else { return Ok(None) };
        let mut items = list.as_ref().clone();
        if items.len() <= index {
            items.resize(index + 1, ChartValue::Nil);
        }
        items[index] = value;
        Ok(Some(ChartValue::list(items)))
    }

    fn value(&mut self) -> Result<ChartValue, RenderFault> {
        match self.kind {
            SetKind::Json => return self.json(),
            SetKind::Literal => return Ok(ChartValue::text(std::mem::take(&mut self.rest))),
            _ => {}
        }
        if self.rest.is_empty() {
            return Ok(ChartValue::text(""));
        }
        let Some(rest) = self.rest.strip_prefix('{') else {
            let (text, _) = self.until(&[',']);
            return self.typed(&text);
        };
        self.rest = rest;
        let mut items = Vec::new();
        loop {
            let (text, stop) = self.until(&[',', '}']);
            if stop.is_none() {
                return Err(RenderFault::new("a list must end with }"));
            }
            items.push(self.typed(&text)?);
            if stop == Some('}') {
                self.rest = self.rest.strip_prefix(',').unwrap_or(self.rest);
                return Ok(ChartValue::list(items));
            }
        }
    }

    fn typed(&self, text: &str) -> Result<ChartValue, RenderFault> {
        Ok(match self.kind {
            SetKind::File(read) => ChartValue::text(read(text)?),
            SetKind::Plain => typed(text),
            _ => ChartValue::text(text),
        })
    }

    fn json(&mut self) -> Result<ChartValue, RenderFault> {
        let rest = self.rest.trim_start();
        if let Some(rest) = rest.strip_prefix(',') {
            self.rest = rest;
            return Ok(ChartValue::Nil);
        }
        let mut stream = serde_json::Deserializer::from_str(rest).into_iter::<serde_json::Value>();
        let read = match stream.next() {
            None => ChartValue::Nil,
            Some(Ok(read)) => ChartValue::from(read),
            Some(Err(_)) => return Err(RenderFault::new("the value is no JSON")),
        };
        let after = rest.get(stream.byte_offset()..).unwrap_or_default().trim_start();
        self.rest = after.strip_prefix(',').unwrap_or(after);
        Ok(read)
    }
}

/// An empty key is left alone.
fn insert(values: &ValueTable, key: &str, value: ChartValue) {
    if !key.is_empty() {
        put(values, key, value);
    }
}

fn typed(text: &str) -> ChartValue {
    match text.to_ascii_lowercase().as_str() {
        "true" => ChartValue::Bool(true),
        "false" => ChartValue::Bool(false),
        "null" => ChartValue::Nil,
        "0" => ChartValue::Int64(0),
        _ if text.starts_with('0') => ChartValue::text(text),
        _ => text.parse().map_or_else(|_| ChartValue::text(text), ChartValue::Int64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::yaml;

    fn after(words: &[(&str, SetKind<'_>)]) -> String {
        let values = empty();
        for (word, kind) in words {
            set(&values, word, *kind).unwrap();
        }
        yaml::write(&ChartValue::Map(values)).unwrap()
    }

    #[test]
    fn words() {
        assert_eq!(
            after(&[("a.b=1,c={x,2,true},d[1].e=null", SetKind::Plain)]),
            "a:\n  b: 1\nc:\n- x\n- 2\n- true\nd:\n- null\n- e: null\n"
        );
        assert_eq!(after(&[(r"a\.b=007,c=x\,y,d=", SetKind::Plain)]), "a.b: \"007\"\nc: x,y\nd: \"\"\n");
        assert_eq!(after(&[("a=1,b=true", SetKind::Text)]), "a: \"1\"\nb: \"true\"\n");
        assert_eq!(after(&[(r#"a={"x":[1]}, b=[2]"#, SetKind::Json)]), "' b':\n- 2\na:\n  x:\n  - 1\n");
        assert_eq!(after(&[("a.b=x,y\\z=1", SetKind::Literal)]), "a:\n  b: x,y\\z=1\n");
    }

    #[test]
    fn faults_of_words() {
        for word in ["a", "a,b=1", "a.b", "a[x]=1", "a[70000]=1", "a={1,2", "a[0]b=1"] {
            assert!(set(&empty(), word, SetKind::Plain).is_err(), "{word}");
        }
        let values = empty();
        set(&values, "a=1", SetKind::Plain).unwrap();
        assert!(set(&values, "a.b=1", SetKind::Plain).is_err());
        assert!(set(&values, &"a.".repeat(100), SetKind::Plain).is_err());
    }
}
