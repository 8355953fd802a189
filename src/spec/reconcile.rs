//! `[reconcile]`: how the loop works that heals, and within which limits.

use super::node::{Table, TableEntry};
use super::normalize::Normalizer;
use super::place::Index;
use super::scope::{Globals, Scope};
use crate::desired::ReconcileSettings;
use crate::diagnostic::{Diagnostic, Diagnostics, code};
use crate::kind::{Attribute, RECONCILE, normal};
use crate::value::Attributes;

/// Reads `[reconcile]`, in which variables may stand; the defaults where there is none.
pub fn settings(root: &Table, source: &str, globals: &Globals<'_>, diagnostics: &mut Diagnostics) -> ReconcileSettings {
    let Some(entry) = root.get("reconcile") else { return ReconcileSettings::default() };
    let Some(table) = entry.node.as_table() else {
        diagnostics.push(entry.not_a_table("[reconcile]"));
        return ReconcileSettings::default();
    };
    let (scope, index) = (Scope { globals: Some(globals), ..Scope::bare() }, Index::default());
    let known: Vec<&Attribute> = RECONCILE.iter().collect();
    let mut normalizer = Normalizer::new(source, &scope, &index, diagnostics);
    let values = normalizer.object(&known, table, entry.key, "", "[reconcile]");
    let mut attributes = Attributes::default();
    for (attribute, (name, value)) in known.iter().zip(values) {
        attributes.set(name, normal(&attribute.ty, value));
    }
    let settings = ReconcileSettings::of(&attributes);
    check(&settings, entry, table, diagnostics);
    settings
}

/// Limits that contradict each other.
fn check(settings: &ReconcileSettings, entry: &TableEntry, table: &Table, diagnostics: &mut Diagnostics) {
    let mut refuse = |name: &str, detail: &str, hint: &str| {
        let at = table.get(name).map_or(entry.key, |entry| entry.node.span);
        diagnostics.push(Diagnostic::error(&code::OUT_OF_RANGE, detail).at(at).hint(hint));
    };
    if settings.backoff > settings.max_backoff {
        refuse("backoff", "the first wait after a failure is longer than the longest one", "raise `max_backoff`");
    }
    if settings.max_actions.is_some_and(|all| settings.max_actions_each > all) {
        let detail = "one resource may take more actions than all of them together";
        refuse("max_actions_each", detail, "raise `max_actions`");
    }
    if settings.max_heals > settings.max_actions_each && table.contains_key("max_heals") {
        let detail = "an attribute may be repaired more often than its resource may be acted on in an hour";
        refuse("max_heals", detail, "raise `max_actions_each`");
    }
}
