//! References to secrets, alone and by key.

use litemap::LiteMap;

use super::Normalizer;
use crate::diagnostic::{Diagnostic, Span, code};
use crate::kind::Type;
use crate::path::join;
use crate::spec::node::{Content, Table};
use crate::value::{Text, Value};

impl Normalizer<'_> {
    /// The secrets of a table by key.
    pub(super) fn secrets(&mut self, table: &Table, path: &str) -> Value {
        let mut found = Vec::new();
        self.secrets_below(table, "", path, &mut found);
        Value::map(found.into_iter().collect())
    }

    /// The secrets of a table by key. TOML takes `ca.crt = …` for a table `ca` with a `crt` in it, and what it means is the key `ca.crt`.
    fn secrets_below(&mut self, table: &Table, before: &str, path: &str, found: &mut Vec<(Text, Value)>) {
        for (key, entry) in table.iter() {
            let key: Text = if before.is_empty() { key.clone() } else { format!("{before}.{key}").into() };
            let holds_tables = |table: &Table| {
                !table.is_empty() && table.iter().all(|(_, entry)| matches!(entry.node.content, Content::Table(_)))
            };
            match &entry.node.content {
                Content::Table(inner) if holds_tables(inner) => self.secrets_below(inner, &key, path, found),
                _ if found.iter().any(|(known, _)| *known == key) => {
                    let detail = format!("the key `{key}` is said twice, with quotes and without");
                    let diagnostic = Diagnostic::error(&code::SAID_IN_TWO_WAYS, detail).at(entry.key);
                    self.diagnostics.push(diagnostic.hint("keep one of the two"));
                }
                _ => {
                    let value = self.value(&Type::Secret, &entry.node, &join(path, &key));
                    found.push((key, value));
                }
            }
        }
    }

    /// One reference to a secret.
    pub(super) fn secret(&mut self, table: &Table, span: Span) -> Value {
        let source = match table.iter().next() {
            Some((key, entry)) if table.len() == 1 && (key == "env" || key == "file") => {
                entry.node.as_str().filter(|text| !text.is_empty()).map(|text| (key, text))
            }
            _ => None,
        };
        match source {
            Some((key, text)) => Value::Map(LiteMap::from_iter([(key.clone(), text.into())])),
            None => {
                self.diagnostics.push(
                    Diagnostic::error(&code::PLAIN_SECRET, "a secret's value never stands in the spec")
                        .at(span)
                        .hint("write { env = \"NAME\" } or { file = \"PATH\" }")
                        .redacted(),
                );
                Value::Null
            }
        }
    }
}
