//! Which names were meant by unknown ones.
//!
//! It is told once all of them are known: to look through all names for each wrong one would take their product.

use foldhash::HashMap;

use super::place::Index;
use super::scope::Globals;
use crate::diagnostic::Diagnostics;
use crate::suggest::Near;

/// Puts the name that was meant, most likely, into the hint of every diagnostic about an unknown name.
pub fn suggest(diagnostics: &mut Diagnostics, index: &Index, globals: &Globals<'_>) {
    let mut near: HashMap<&'static str, Near> = HashMap::default();
    for diagnostic in diagnostics.iter_mut() {
        let Some(unknown) = diagnostic.unknown.take() else { continue };
        let near = near.entry(unknown.among).or_insert_with(|| match unknown.among {
            "var" => Near::new(globals.names()),
            kind => Near::new(index.names(kind)),
        });
        if let Some(hint) = near.suggest(&unknown.name) {
            diagnostic.hint = Some(hint);
        }
    }
}
