//! Charts in archives: tar, packed with gzip.

use std::collections::hash_map::Entry;
use std::io::Read as _;
use std::path::Component;

use flate2::read::GzDecoder;
use foldhash::HashMap;

use super::entry::{ChartEntry, FILE_SIZE, without_mark};
use crate::render::fault::RenderFault;

/// How many bytes a chart may have when it is unpacked.
pub(super) const CHART_SIZE: u64 = 100 << 20;

/// The files of a packed chart, without the folder that they are all in.
///
/// `left` is how many bytes the chart may still have, with the archives in it.
pub(super) fn unpack(archive: &[u8], left: &mut u64) -> Result<Vec<ChartEntry>, RenderFault> {
    let unpacked = GzDecoder::new(archive).take(*left + 1);
    let mut archive = tar::Archive::new(unpacked);
    let mut files: Vec<ChartEntry> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::default();
    let broken = |_| RenderFault::new("the archive is broken, or no tar archive packed with gzip");
    for entry in archive.entries().map_err(broken)? {
        let mut entry = entry.map_err(broken)?;
        let kind = entry.header().entry_type();
        if kind.is_dir() || kind.is_pax_global_extensions() || kind.is_pax_local_extensions() {
            continue;
        }
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let name = inner_name(&path)?;
        if entry.size() > FILE_SIZE as u64 || entry.size() > *left {
            return Err(RenderFault::new(format!("{path} makes the chart larger than Helm takes it")));
        }
        let mut data = Vec::new();
        entry.read_to_end(&mut data).map_err(broken)?;
        *left = left.saturating_sub(data.len() as u64);
        // As in Helm, the last of two files with one path is the one.
        let entry = ChartEntry { name, data: without_mark(&data) };
        match places.entry(entry.name.clone()) {
            Entry::Occupied(place) => files[*place.get()] = entry,
            Entry::Vacant(free) => {
                free.insert(files.len());
                files.push(entry);
            }
        }
    }
    if files.is_empty() {
        return Err(RenderFault::new("the archive has no files"));
    }
    Ok(files)
}

/// The path within the chart's folder. Paths that lead out of it are refused.
fn inner_name(path: &str) -> Result<String, RenderFault> {
    let path = path.replace('\\', "/");
    let Some((folder, rest)) = path.split_once('/') else {
        return Err(RenderFault::new(format!("the archive has {path} outside of the chart's folder")));
    };
    let mut parts = Vec::new();
    for part in std::path::Path::new(rest).components() {
        match part {
            Component::Normal(part) => parts.push(part.to_string_lossy()),
            Component::CurDir => {}
            _ => return Err(RenderFault::new(format!("the archive has a path that leads out of it: {path}"))),
        }
    }
    if folder == "Chart.yaml" || parts.is_empty() {
        return Err(RenderFault::new(format!("the archive has {path} outside of the chart's folder")));
    }
    Ok(parts.join("/"))
}
