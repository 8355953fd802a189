//! What was there and is gone.

use super::change::Change;
use crate::action::{Action, Cause};
use crate::recorded::Inventory;

/// Whether an object was there and is gone: known from the world where it remembers, and from the inventory where it does
/// not.
#[must_use]
pub fn is_gone(change: &Change, inventory: &Inventory) -> bool {
    let made_again = change.action == Action::Create && change.acts() && !change.unsure;
    made_again && (change.cause == Cause::Missing || inventory.made.contains(&change.address))
}
