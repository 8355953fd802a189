//! The inventory in a file.

use std::io::{self, Read as _, Write as _};
use std::path::Path;

use crate::crash::point;
use crate::recorded::Inventory;
use crate::store::folder::{at, open_anew, open_known};
use crate::store::inventory::{parse, text};

/// Reads it; an empty one when there is none.
pub fn read(path: &Path) -> io::Result<Inventory> {
    let mut bytes = Vec::new();
    let Some(mut file) = open_known(path)? else { return Ok(Inventory::default()) };
    file.read_to_end(&mut bytes).map_err(at(path))?;
    Ok(parse(&String::from_utf8_lossy(&bytes)))
}

/// Writes the file whole or not at all. It is not synced: losing it costs one word of the next drift.
pub fn write(path: &Path, inventory: &Inventory) -> io::Result<()> {
    let part = path.with_extension("part");
    let mut file = open_anew(&part)?;
    file.write_all(text(inventory).as_bytes()).map_err(at(&part))?;
    point("inventory: before it is in place");
    std::fs::rename(&part, path).map_err(at(path))
}
