//! Apps of which everything would go while nothing of what they give is their own: most often a chart with the wrong values.

use foldhash::{HashMap, HashSet};

use super::change::Change;
use crate::action::Action;
use crate::address::Address;
use crate::desired::Desired;
use crate::diagnostic::{Diagnostic, Diagnostics, code};

/// Refuses to remove all objects of an app that gives nothing but objects of others. One that gives nothing at all is refused when it is
/// rendered.
pub fn refuse(changes: &[Change], desired: &Desired, diagnostics: &mut Diagnostics) {
    let mut gone: HashMap<Address, usize> = HashMap::default();
    for change in changes.iter().filter(|change| change.acts() && change.action == Action::Delete) {
        let app = change.address.parent().filter(|parent| parent.kind() == "app" && desired.get(parent).is_some());
        if let Some(app) = app.filter(|_| desired.get(&change.address).is_none()) {
            *gone.entry(app).or_default() += 1;
        }
    }
    if gone.is_empty() {
        return;
    }
    let is_foreign = |change: &&Change| change.blocked.as_ref().is_some_and(|blocked| blocked.by == change.address);
    let foreign: HashSet<&Address> = changes.iter().filter(is_foreign).map(|change| &change.address).collect();
    let mut given: HashMap<Address, bool> = HashMap::default();
    for instance in desired.instances() {
        if let Some(app) = instance.address.parent().filter(|parent| gone.contains_key(parent)) {
            *given.entry(app).or_insert(true) &= foreign.contains(&instance.address);
        }
    }
    for app in given.into_iter().filter(|(_, is_foreign)| *is_foreign).map(|(app, _)| app) {
        let Some(instance) = desired.get(&app) else { continue };
        let count = gone[&app];
        let objects = if count == 1 { "the one object" } else { "all objects" };
        let detail =
            format!("{app}: {objects} that it has would go ({count}), and all that it gives is somebody else's");
        let hint = "take over what is meant with `atlas adopt`, or remove the block of the app";
        diagnostics.push(Diagnostic::error(&code::EMPTIED, detail).at(instance.declaration.header).hint(hint).of(&app));
    }
}
