//! What a chart repository says that it has: its `index.yaml`.
//!
//! <https://helm.sh/docs/topics/chart_repository/#the-index-file>

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use serde_saphyr::{Options, from_slice_with_options};

use crate::charts::lock::is_digest;
use crate::render::template::semver::{SemanticVersion, holds, read};
use crate::suggest::suggest;

/// How many values an index may have: the largest public ones have about a million.
const MOST_NODES: usize = 8_000_000;

/// What a repository has.
#[derive(Debug, Deserialize)]
pub struct RepositoryIndex {
    /// Whoever leaves something empty says nothing of it.
    #[serde(default)]
    entries: Option<BTreeMap<String, Option<Vec<Option<IndexEntry>>>>>,
}

/// One version of a chart in a repository.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct IndexEntry {
    /// The version.
    #[serde(default, deserialize_with = "empty")]
    pub version: String,
    /// Where the archive is: whole URLs, or such as are relative to the index.
    #[serde(default, deserialize_with = "empty")]
    pub urls: Vec<String>,
    /// The SHA-256 of the archive, where the repository says it.
    #[serde(default)]
    digest: Option<String>,
}

impl RepositoryIndex {
    /// Reads an index.
    ///
    /// # Errors
    /// When it is none.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        from_slice_with_options(bytes, options()).map_err(|error| {
            let line = error.location().map_or_else(String::new, |at| format!("line {}: ", at.line()));
            format!("its index.yaml can't be read: {line}{}", error.without_snippet())
        })
    }

    /// The newest version of a chart that will do.
    ///
    /// # Errors
    /// When there is none.
    pub fn newest(&self, chart: &str, wanted: &str) -> Result<&IndexEntry, String> {
        let all = self.entries.iter().flatten();
        let Some((_, entries)) = all.clone().find(|(name, _)| *name == chart) else {
            let known: Vec<&str> = all.map(|(name, _)| name.as_str()).collect();
            let hint = suggest(chart, &known).map_or_else(String::new, |hint| format!("; {hint}"));
            return Err(format!("it has no such chart{hint}"));
        };
        // An entry without an archive can't be taken, whatever version it is.
        let entries: Vec<&IndexEntry> =
            entries.iter().flatten().flatten().filter(|entry| !entry.urls.is_empty()).collect();
        let versions: Vec<&str> = entries.iter().map(|entry| entry.version.as_str()).collect();
        newest(&versions, wanted).map(|at| entries[at])
    }
}

impl IndexEntry {
    /// The SHA-256 of the archive in hexadecimal digits, where the repository says one.
    pub fn digest(&self) -> Option<&str> {
        let digest = self.digest.as_deref()?;
        Some(digest.strip_prefix("sha256:").unwrap_or(digest)).filter(|digest| is_digest(digest))
    }
}

/// Which of some versions is the newest that will do. Versions before a release will do where the range names such a one.
///
/// # Errors
/// When none will do, or the range is none.
pub fn newest(versions: &[&str], wanted: &str) -> Result<usize, String> {
    let wanted = wanted.trim();
    // A version that is named as a whole is that one, as in Helm.
    if let Some(at) = versions.iter().position(|version| !wanted.is_empty() && *version == wanted) {
        return Ok(at);
    }
    let range = read(if wanted.is_empty() { "*" } else { wanted })
        .map_err(|_| format!("`{wanted}` is no range of versions"))?;
    let readable = || {
        let all = versions.iter().enumerate();
        all.filter_map(|(at, version)| Some((at, SemanticVersion::read(version).ok()?)))
    };
    let newest = |versions: &mut dyn Iterator<Item = (usize, SemanticVersion)>| {
        versions.max_by(|(_, one), (_, other)| one.order(other)).map(|(at, _)| at)
    };
    newest(&mut readable().filter(|(_, version)| holds(&range, version))).ok_or_else(|| {
        match newest(&mut readable().filter(|(_, version)| version.pre.is_empty())).or_else(|| newest(&mut readable()))
        {
            None => "there is no version of it".to_owned(),
            Some(at) if wanted.is_empty() => {
                format!(
                    "there is no release of it, only versions such as {0}; say `version = \"{0}\"` to have it",
                    versions[at]
                )
            }
            Some(at) => format!("no version of it is {wanted}; the newest is {}", versions[at]),
        }
    })
}

fn empty<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(deserializer: D) -> Result<T, D::Error> {
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}

fn options() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! { max_nodes: MOST_NODES, max_events: 3 * MOST_NODES, max_total_scalar_bytes: 256 << 20 },
    }
}

#[cfg(test)]
mod tests {
    use super::{RepositoryIndex, newest};

    const INDEX: &str = r#"
apiVersion: v1
entries:
  web:
    - { version: 1.2.0, urls: [charts/web-1.2.0.tgz], digest: "sha256:00" }
    - { version: 1.10.0, urls: [web-1.10.0.tgz], digest: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa }
    - { version: 2.0.0-rc.1, urls: [web-2.0.0-rc.1.tgz] }
    - { version: 3.0.0, urls: [] }
    - { version: nonsense, urls: [x] }
  other: []
  void:
  holes: [null, { version: null, urls: null, digest: null }, { version: 1.0.0, urls: [a.tgz], digest: null }]
"#;

    #[test]
    fn the_newest_version_that_will_do_is_taken() {
        let index = RepositoryIndex::read(INDEX.as_bytes()).expect("an index");
        for (wanted, found) in [
            ("", "1.10.0"),
            ("*", "1.10.0"),
            ("~1.2", "1.2.0"),
            ("1.x", "1.10.0"),
            ("<1.10", "1.2.0"),
            ("2.0.0-rc.1", "2.0.0-rc.1"),
            (">=1.0.0-0", "2.0.0-rc.1"),
            ("nonsense", "nonsense"),
        ] {
            let entry = index.newest("web", wanted).unwrap_or_else(|why| panic!("{wanted}: {why}"));
            assert_eq!(entry.version, found, "{wanted}");
        }
        assert_eq!(index.newest("web", "1.10.0").expect("there").digest().map(str::len), Some(64));
        assert_eq!(index.newest("holes", "").expect("there").version, "1.0.0");
        assert_eq!(index.newest("web", "1.2.0").expect("there").digest(), None, "what is no digest counts for none");
        for (chart, wanted, why) in [
            ("wep", "", "did you mean"),
            ("web", "4.x", "the newest is 1.10.0"),
            ("web", "not a range", "no range of versions"),
            ("other", "", "there is no version of it"),
            ("void", "", "there is no version of it"),
        ] {
            let said = index.newest(chart, wanted).expect_err(why);
            assert!(said.contains(why), "{said}");
        }
    }

    #[test]
    fn versions_before_a_release_are_named_where_there_is_nothing_else() {
        let said = newest(&["1.0.0-rc.1"], "").expect_err("no release");
        assert!(said.contains("version = \"1.0.0-rc.1\""), "{said}");
    }

    #[test]
    fn what_is_no_index_is_refused() {
        for text in ["entries: 3", "<html></html>: [", "entries: {a: {b: c}}"] {
            assert!(RepositoryIndex::read(text.as_bytes()).is_err(), "{text}");
        }
    }
}
