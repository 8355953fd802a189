//! Where the charts are found on which another one depends.

use std::collections::BTreeMap;
use std::path::{Component, Path};

use serde::Deserialize;
use serde_saphyr::from_slice;

use crate::desired::{ChartSource, PublishedChart};
use crate::kind::{CHART, REPOSITORY};
use crate::render::helm::Dependency;
use crate::render::template::semver::fits;

/// What `Chart.lock` says, which `helm dependency update` writes.
#[derive(Default, Deserialize)]
pub struct HelmLock {
    #[serde(default)]
    dependencies: Vec<HelmLockEntry>,
}

#[derive(Deserialize)]
struct HelmLockEntry {
    #[serde(default)]
    name: String,
    #[serde(default)]
    repository: String,
    #[serde(default)]
    version: String,
}

impl HelmLock {
    /// The lock among the files of a chart. A chart without one leaves the choice open.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn of(files: &BTreeMap<String, Vec<u8>>) -> Result<Self, String> {
        let Some((name, text)) = ["Chart.lock", "requirements.lock"].iter().find_map(|name| files.get_key_value(*name))
        else {
            return Ok(Self::default());
        };
        from_slice(text).map_err(|error| format!("{name}: {}", error.without_snippet()))
    }

    /// The version that it has of a dependency, where that still will do.
    fn version(&self, dependency: &Dependency) -> Option<&str> {
        let same = |entry: &&HelmLockEntry| {
            let is_it = entry.name == dependency.name && entry.repository == dependency.repository;
            is_it && fits(&dependency.version, &entry.version)
        };
        self.dependencies.iter().find(same).map(|entry| entry.version.as_str())
    }
}

/// Where a dependency of a chart comes from. `folder` is the chart's own, below the spec; an archive has none.
///
/// # Errors
/// When the chart does not say it in a way that others could follow.
pub fn source(dependency: &Dependency, folder: Option<&str>, lock: &HelmLock) -> Result<ChartSource, String> {
    let Dependency { name, version, repository, .. } = dependency;
    if name.is_empty()
        || name.contains(|c: char| !(c.is_ascii_alphanumeric() || "._-".contains(c)))
        || name.starts_with('.')
    {
        return Err(format!("it depends on `{name}`, which is no name of a chart"));
    }
    let repository = repository.trim_end_matches('/');
    let wanted = lock.version(dependency).unwrap_or(version).to_owned();
    if let Some(path) = repository.strip_prefix("file://") {
        let Some(folder) = folder else {
            return Err(format!("it depends on `{name}` in the folder {path}, which its archive does not have"));
        };
        let path =
            joined(folder, path).ok_or_else(|| format!("`{name}` in {path} leads out of the folder of the spec"))?;
        return Ok(ChartSource::Path(path));
    }
    if repository.starts_with("oci://") {
        let chart = format!("{repository}/{name}");
        (CHART.check)(&chart).map_err(|fault| format!("it depends on `{name}`: {}", fault.reason))?;
        return Ok(ChartSource::Published(PublishedChart { repository: None, chart, wanted }));
    }
    if repository.starts_with("https://") || repository.starts_with("http://") {
        // Credentials in it would stand in the lock.
        (REPOSITORY.check)(repository).map_err(|fault| format!("it depends on `{name}`: {}", fault.reason))?;
        let repository = Some(repository.to_owned());
        return Ok(ChartSource::Published(PublishedChart { repository, chart: name.clone(), wanted }));
    }
    Err(match repository {
        "" => format!("it depends on `{name}`, which is not in its folder charts, and says no repository of it"),
        _ => format!(
            "it depends on `{name}` of the repository `{repository}`, which only some machines know by that name; its URL has to \
             stand in the Chart.yaml"
        ),
    })
}

/// A path that is relative to a folder, in its shortest form; none where it leads out of where the folder is relative to.
fn joined(folder: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    for part in Path::new(folder).components().chain(Path::new(path).components()) {
        match part {
            Component::CurDir => {}
            Component::Normal(part) => parts.push(part.to_str()?),
            Component::ParentDir => drop(parts.pop()?),
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(if parts.is_empty() { ".".to_owned() } else { parts.join("/") })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dependency(repository: &str, version: &str) -> Dependency {
        let (name, version, repository) = ("sub".to_owned(), version.to_owned(), repository.to_owned());
        Dependency { name, version, repository, ..Dependency::default() }
    }

    #[test]
    fn every_form_of_a_repository_leads_somewhere_or_is_refused() {
        let published = |repository: Option<&str>, chart: &str| {
            let repository = repository.map(str::to_owned);
            Ok(ChartSource::Published(PublishedChart { repository, chart: chart.into(), wanted: "1.x".into() }))
        };
        let path = |path: &str| Ok(ChartSource::Path(path.into()));
        for (repository, found) in [
            ("https://a.example.com/x/", published(Some("https://a.example.com/x"), "sub")),
            ("oci://a.example.com/x", published(None, "oci://a.example.com/x/sub")),
            ("file://../sub", path("charts/sub")),
            ("file://./inner", path("charts/web/inner")),
            ("file://../..", path(".")),
            ("file://../../../sub", Err("leads out of the folder of the spec")),
            ("file:///sub", Err("leads out of the folder of the spec")),
            ("", Err("says no repository")),
            ("@stable", Err("only some machines know")),
            ("alias:stable", Err("only some machines know")),
            ("https://me:pass@a.example.com", Err("no credentials")),
        ] {
            let said = source(&dependency(repository, "1.x"), Some("charts/web"), &HelmLock::default());
            match found {
                Ok(found) => assert_eq!(said, Ok(found), "{repository}"),
                Err(why) => assert!(said.clone().is_err_and(|said| said.contains(why)), "{repository}: {said:?}"),
            }
        }
        assert!(source(&dependency("file://../sub", "1.x"), None, &HelmLock::default()).is_err());
    }

    #[test]
    fn a_lock_of_helm_decides_where_it_still_fits() {
        let text =
            "dependencies:\n- {name: sub, repository: https://a.example.com, version: 1.2.3}\ndigest: sha256:x\n";
        let lock =
            HelmLock::of(&BTreeMap::from([("Chart.lock".to_owned(), text.as_bytes().to_vec())])).expect("a lock");
        for (repository, version, wanted) in [
            ("https://a.example.com", "1.x", "1.2.3"),
            ("https://a.example.com", "2.x", "2.x"),
            ("https://b.example.com", "1.x", "1.x"),
        ] {
            match source(&dependency(repository, version), Some("web"), &lock) {
                Ok(ChartSource::Published(found)) => assert_eq!(found.wanted, wanted, "{repository} {version}"),
                other => panic!("{other:?}"),
            }
        }
    }
}
