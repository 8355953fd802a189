//! Whether the spec or a file that it names changed: their times and sizes are looked at.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tokio::sync::mpsc;
use tokio::time::sleep;

use super::steady::Trigger;

/// How often the files are looked at.
const EVERY: Duration = Duration::from_secs(2);
/// How many files of folders are looked at.
const MOST: usize = 20_000;

/// When each file was written, and how large it is.
type Stamps = BTreeMap<PathBuf, (Option<SystemTime>, u64)>;

/// Tells whenever the spec, the lock beside it or what is in the folders that it names changed, until nobody listens any more.
pub async fn watch(spec: PathBuf, folders: Vec<PathBuf>, wake: mpsc::UnboundedSender<Trigger>) {
    let mut known = stamps(&spec, &folders);
    while !wake.is_closed() {
        sleep(EVERY).await;
        let now = stamps(&spec, &folders);
        // What is being written at this moment is looked at once it is still.
        if now != known {
            known = now;
            if wake.send(Trigger::SpecChanged).is_err() {
                return;
            }
        }
    }
}

fn stamps(spec: &Path, folders: &[PathBuf]) -> Stamps {
    let mut stamps = Stamps::new();
    let mut open: Vec<PathBuf> = folders.to_vec();
    open.extend([spec.to_owned(), spec.with_extension("lock")]);
    while let Some(path) = open.pop() {
        let Ok(found) = fs::metadata(&path) else { continue };
        if found.is_dir() {
            let entries = fs::read_dir(&path).into_iter().flatten().filter_map(Result::ok);
            open.extend(entries.map(|entry| entry.path()));
        }
        stamps.insert(path, (found.modified().ok(), found.len()));
        if stamps.len() >= MOST {
            break;
        }
    }
    stamps
}

#[cfg(test)]
mod tests {
    use super::stamps;

    #[test]
    fn a_file_that_is_written_in_a_folder_is_noticed() {
        let folder = tempfile::tempdir().expect("a folder");
        let (spec, chart) = (folder.path().join("atlas.toml"), folder.path().join("chart"));
        std::fs::create_dir_all(chart.join("templates")).expect("made");
        std::fs::write(&spec, "a").expect("written");
        let first = stamps(&spec, std::slice::from_ref(&chart));
        assert_eq!(first, stamps(&spec, std::slice::from_ref(&chart)));
        std::fs::write(chart.join("templates/a.yaml"), "kind: Pod").expect("written");
        let second = stamps(&spec, std::slice::from_ref(&chart));
        assert_ne!(first, second);
        std::fs::write(&spec, "ab").expect("written");
        assert_ne!(second, stamps(&spec, &[chart]));
    }
}
