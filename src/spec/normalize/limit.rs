//! Limits of two values.

use super::Normalizer;
use crate::diagnostic::{Diagnostic, Span, code};
use crate::kind::Type;
use crate::path::join;
use crate::spec::node::{Table, unknown_key};
use crate::value::Value;

impl Normalizer<'_> {
    /// Two limits: the one that counts, and how far it may be raised.
    pub(super) fn limit(&mut self, (min, max): (i64, i64), table: &Table, at: Span, path: &str) -> Value {
        const KEYS: [&str; 2] = ["soft", "hard"];
        for (key, entry) in table.iter().filter(|(key, _)| !KEYS.contains(&key.as_str())) {
            self.diagnostics.push(unknown_key(key, entry, &format!("`{path}`"), &KEYS));
        }
        let mut both = [None, None];
        for (key, slot) in KEYS.iter().zip(&mut both) {
            match table.get(key) {
                Some(entry) => *slot = self.value(&Type::Int(min, max), &entry.node, &join(path, key)).as_int(),
                None => self.diagnostics.push(
                    Diagnostic::error(&code::MISSING_ATTRIBUTE, format!("`{path}` needs `{key}`"))
                        .at(at)
                        .hint("write { soft = 1024, hard = 2048 }, or one number for both"),
                ),
            }
        }
        let [Some(soft), Some(hard)] = both else { return Value::Null };
        if soft > hard {
            let detail = format!("the soft limit {soft} is above the hard one, {hard}");
            self.diagnostics
                .push(Diagnostic::error(&code::OUT_OF_RANGE, detail).at(at).hint("raise `hard`, or lower `soft`"));
        }
        Value::default().with(&["soft"], Value::Int(soft)).with(&["hard"], Value::Int(hard))
    }
}
