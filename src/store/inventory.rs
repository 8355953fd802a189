//! What was there after the last run: one address a line, ordered.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use crate::address::Address;
use crate::crash::point;
use crate::recorded::Inventory;

pub(super) fn parse(text: &str) -> Inventory {
    // A line that another version wrote is passed over.
    Inventory { made: text.lines().filter_map(|line| Address::parse(line).ok()).collect() }
}

pub(super) fn text(inventory: &Inventory) -> String {
    inventory.made.iter().map(|address| format!("{address}\n")).collect()
}

/// Writes the file whole or not at all. It is not synced: losing it costs one word of the next drift.
pub(super) fn write(path: &Path, text: &str) -> io::Result<()> {
    let part = path.with_extension("part");
    let mut file = super::open_private(OpenOptions::new().create(true).write(true).truncate(true), &part)?;
    file.write_all(text.as_bytes())?;
    point("inventory: before it is in place");
    fs::rename(&part, path)
}
