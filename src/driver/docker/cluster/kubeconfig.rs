//! A cluster's kubeconfig: read from its first server, and kept where the spec says.
//!
//! Names of entries are k3d's: <https://k3d.io/stable/usage/kubeconfig/>.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::super::container;
use super::super::engine::Engine;
use crate::driver::{Class, DriverError};

/// Where k3s writes it.
const INSIDE: &str = "/output/kubeconfig.yaml";

/// Where kubeconfigs are kept on this machine.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Kubeconfigs {
    /// Atlas's own folder, in which no link is followed.
    pub root: PathBuf,
    /// The folder for files of Atlas's own.
    pub own: PathBuf,
    /// Where versions kept them that did not tell projects apart.
    pub older: PathBuf,
    /// The user's own kubeconfig.
    pub user: Option<PathBuf>,
}

/// The kubeconfig that a server wrote; none before it did.
pub(super) async fn read(engine: &Engine, server: &str) -> Result<Option<Value>, DriverError> {
    let text = container::read_file(engine, server, INSIDE).await?;
    // A file that is only half written yet is no kubeconfig yet.
    let config = text.and_then(|text| serde_saphyr::from_str::<Value>(&text).ok());
    Ok(config.filter(|value| value["clusters"][0].is_object()))
}

/// Finds out, before anything is made, what keeps a cluster's kubeconfig from being kept.
pub(super) fn may_keep(cluster: &str, wish: &str, kept: &Kubeconfigs) -> Result<(), DriverError> {
    match wish {
        "none" => Ok(()),
        "file" => refuse_links(&own_file(cluster, kept), kept),
        _ => there(&user_file(kept)?).map(std::mem::drop),
    }
}

/// Keeps a cluster's kubeconfig where the spec says.
pub(super) async fn keep(
    engine: &Engine,
    server: &str,
    cluster: &str,
    wish: &str,
    endpoint: &str,
    kept: &Kubeconfigs,
) -> Result<(), DriverError> {
    if wish == "none" {
        return drop(cluster, kept);
    }
    let inside = read(engine, server).await?;
    let inside = inside.ok_or_else(|| DriverError::new(Class::Transient, "the server wrote no kubeconfig yet"))?;
    let fresh = renamed(inside, cluster, endpoint);
    if wish == "file" {
        let own = own_file(cluster, kept);
        refuse_links(&own, kept)?;
        return write(&own, &fresh);
    }
    let path = user_file(kept)?;
    write(&path, &merged(there(&path)?, &fresh))
}

/// Takes away what was kept of a cluster.
pub(super) fn drop(cluster: &str, kept: &Kubeconfigs) -> Result<(), DriverError> {
    for own in [own_file(cluster, kept), file_in(&kept.older, cluster)] {
        // Behind a link there is nothing that Atlas wrote.
        if refuse_links(&own, kept).is_err() {
            continue;
        }
        match std::fs::remove_file(&own) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(&own, &error)),
            _ => {}
        }
    }
    let Some(user) = kept.user.as_ref().filter(|path| path.exists()) else { return Ok(()) };
    // In one that can't be read, Atlas's entries can't be told from the others.
    let Ok(before) = there(user) else { return Ok(()) };
    let after = without(before.clone(), cluster);
    if after == before { Ok(()) } else { write(user, &after) }
}

fn own_file(cluster: &str, kept: &Kubeconfigs) -> PathBuf {
    file_in(&kept.own, cluster)
}

fn file_in(folder: &Path, cluster: &str) -> PathBuf {
    folder.join(format!("k3d-{cluster}.yaml"))
}

/// Refuses a file of Atlas's own when it, or a folder on the way to it, is a link: what is done to it would be done
/// elsewhere.
fn refuse_links(file: &Path, kept: &Kubeconfigs) -> Result<(), DriverError> {
    let part = part_of(file);
    let mut all = file.ancestors().chain([part.as_path()]).filter(|path| path.starts_with(&kept.root));
    match all.find(|path| path.is_symlink()) {
        None => Ok(()),
        Some(link) => {
            let what = format!("`{}` is a link, and Atlas follows none in its own folder; remove it", link.display());
            Err(failed(file, &what))
        }
    }
}

/// What a file is called until all of it is written.
fn part_of(file: &Path) -> PathBuf {
    file.with_extension("part")
}

fn user_file(kept: &Kubeconfigs) -> Result<PathBuf, DriverError> {
    let hint = "neither KUBECONFIG nor HOME says where your kubeconfig is; set one, or `kubeconfig = \"file\"`";
    kept.user.clone().ok_or_else(|| DriverError::new(Class::Invalid, hint))
}

/// The kubeconfig that the user has; an empty one when there is none. One that can't be read is left alone.
fn there(path: &Path) -> Result<Value, DriverError> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) if !text.trim().is_empty() => text,
        Ok(_) => return Ok(json!({})),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(json!({})),
        Err(error) => return Err(failed(path, &error)),
    };
    serde_saphyr::from_str(&text).map_err(|error| failed(path, &error))
}

/// The kubeconfig with k3d's names in it, and the address at which this machine reaches the cluster.
fn renamed(mut inside: Value, cluster: &str, endpoint: &str) -> Value {
    let (context, user) = (format!("k3d-{cluster}"), format!("admin@k3d-{cluster}"));
    let mut server = inside["clusters"][0]["cluster"].take();
    server["server"] = endpoint.into();
    let credentials = inside["users"][0]["user"].take();
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{ "name": context, "cluster": server }],
        "users": [{ "name": user, "user": credentials }],
        "contexts": [{ "name": context, "context": { "cluster": context, "user": user } }],
        "current-context": context,
    })
}

/// The user's kubeconfig with a cluster's entries in it, in place of those of the same names. Everything else stays, and
/// which context is current as well.
fn merged(mut before: Value, fresh: &Value) -> Value {
    if before.as_object().is_some_and(serde_json::Map::is_empty) {
        return fresh.clone();
    }
    for list in ["clusters", "users", "contexts"] {
        let mut entries = before[list].as_array().cloned().unwrap_or_default();
        for entry in fresh[list].as_array().into_iter().flatten() {
            entries.retain(|one| one["name"] != entry["name"]);
            entries.push(entry.clone());
        }
        before[list] = entries.into();
    }
    for key in ["apiVersion", "kind", "current-context"] {
        if before[key].as_str().is_none_or(str::is_empty) {
            before[key] = fresh[key].clone();
        }
    }
    before
}

/// The user's kubeconfig without a cluster's entries.
fn without(mut before: Value, cluster: &str) -> Value {
    let (context, user) = (format!("k3d-{cluster}"), format!("admin@k3d-{cluster}"));
    for list in ["clusters", "users", "contexts"] {
        if let Some(entries) = before[list].as_array_mut() {
            entries.retain(|one| one["name"] != context.as_str() && one["name"] != user.as_str());
        }
    }
    if before["current-context"] == context.as_str() {
        before["current-context"] = "".into();
    }
    before
}

/// Writes a file whole or not at all, closed to others: it holds keys.
fn write(path: &Path, config: &Value) -> Result<(), DriverError> {
    let text = serde_saphyr::to_string(config).map_err(|error| failed(path, &error))?;
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    std::fs::create_dir_all(folder).map_err(|error| failed(path, &error))?;
    let part = part_of(path);
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&part).and_then(|mut file| {
        std::io::Write::write_all(&mut file, text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&part, path)
    });
    written.map_err(|error| failed(path, &error))
}

fn failed(path: &Path, error: &dyn std::fmt::Display) -> DriverError {
    DriverError::new(Class::Invalid, format!("the kubeconfig `{}` can't be kept: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{merged, renamed, without};

    #[test]
    fn what_others_wrote_stays() {
        let inside = json!({
            "clusters": [{ "name": "default", "cluster": { "server": "https://127.0.0.1:6443" } }],
            "users": [{ "name": "default", "user": { "token": "t" } }],
        });
        let fresh = renamed(inside, "dc-us", "https://127.0.0.1:6550");
        assert_eq!(fresh["clusters"][0]["cluster"]["server"], "https://127.0.0.1:6550");
        let mine = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "work", "preferences": { "colors": true },
            "clusters": [{ "name": "work", "cluster": {} }], "users": [], "contexts": [{ "name": "work" }],
        });
        let both = merged(mine.clone(), &fresh);
        assert_eq!(both["current-context"], "work");
        assert_eq!(both["clusters"].as_array().map(Vec::len), Some(2));
        assert_eq!(merged(both.clone(), &fresh), both, "a second time changes nothing");
        assert_eq!(without(both, "dc-us"), mine);
    }
}
