//! Chart repositories: an index and archives, over HTTP.

use std::collections::BTreeMap;
use std::sync::Arc;

use reqwest::Url;
use tokio::sync::{Mutex, OnceCell};

use super::http::{Http, HttpCredentials, Unanswered, is_closed};
use super::index::{IndexEntry, RepositoryIndex};
use crate::charts::found::{FoundChart, LARGEST_ARCHIVE};
use crate::charts::lock::LockedChart;
use crate::driver::{Credentials, Hidden, Variables, credentials};

/// The largest index that is read: the largest public ones have some 20 MiB.
const LARGEST_INDEX: u64 = 128 << 20;

/// An index, once somebody asked for it.
type KnownIndex = Arc<OnceCell<RepositoryIndex>>;

/// Chart repositories. The index of each is read once.
pub struct Repositories {
    http: Arc<Http>,
    variables: Variables,
    hidden: Arc<Hidden>,
    known: Mutex<BTreeMap<String, KnownIndex>>,
}

impl Repositories {
    pub fn new(http: Arc<Http>, variables: &Variables, hidden: &Arc<Hidden>) -> Self {
        Self { http, variables: variables.clone(), hidden: Arc::clone(hidden), known: Mutex::default() }
    }

    /// The newest version of a chart that will do.
    pub async fn find(&self, repository: &str, chart: &str, wanted: &str) -> Result<FoundChart, String> {
        let (entry, url) = self.entry(repository, chart, wanted).await?;
        let digest = entry.digest().map(str::to_owned);
        // A URL that is signed is a secret, and soon wrong: it is asked for again.
        let url = url.query().is_none().then(|| url.into());
        Ok(FoundChart { version: entry.version, digest, url })
    }

    /// The archive that is locked, from where it was, or from where the repository says it is now.
    pub async fn pull(&self, repository: &str, chart: &str, locked: &LockedChart) -> Result<Vec<u8>, String> {
        let told = |unanswered: Unanswered| unanswered.told(&host_of(repository));
        if let Some(url) = &locked.url {
            match self.get(repository, &below(repository, url)?, LARGEST_ARCHIVE).await {
                Err(unanswered) if unanswered.is_absent() => {}
                ended => return ended.map_err(told),
            }
        }
        let (_, url) = self.entry(repository, chart, &locked.version).await?;
        self.get(repository, &url, LARGEST_ARCHIVE).await.map_err(told)
    }

    /// The newest version of a chart that will do, as the index has it, and where its archive is.
    async fn entry(&self, repository: &str, chart: &str, wanted: &str) -> Result<(IndexEntry, Url), String> {
        let known = Arc::clone(self.known.lock().await.entry(repository.to_owned()).or_default());
        // Whoever wants the same index waits for it here, and nobody else does.
        let index = known.get_or_try_init(|| self.index(repository)).await?;
        let entry = index.newest(chart, wanted)?.clone();
        // An archive may be at several places, of which Helm takes the first as well.
        let url = below(repository, entry.urls.first().map(String::as_str).unwrap_or_default())?;
        Ok((entry, url))
    }

    async fn index(&self, repository: &str) -> Result<RepositoryIndex, String> {
        let url = below(repository, "index.yaml")?;
        let bytes = self.get(repository, &url, LARGEST_INDEX).await;
        RepositoryIndex::read(&bytes.map_err(|unanswered| unanswered.told(&host_of(repository)))?)
    }

    async fn get(&self, repository: &str, url: &Url, most: u64) -> Result<Vec<u8>, Unanswered> {
        let shown = self.shown(repository, url).await;
        self.http.get(url, &shown, "*/*", most).await.map(|answer| answer.bytes)
    }

    /// What Docker's configuration has for the host of a repository. Another host is not shown it, and neither is anybody who
    /// listens. Where the configuration can't be read, whoever wants credentials says so.
    async fn shown(&self, repository: &str, url: &Url) -> HttpCredentials {
        let is_own = Url::parse(repository).is_ok_and(|own| own.origin() == url.origin());
        if !is_own || !is_closed(url) {
            return HttpCredentials::Nothing;
        }
        match credentials::of(&self.variables, &self.hidden, &host_of(repository)).await {
            Ok(Some(Credentials { username: Some(name), password: Some(password), .. })) => {
                HttpCredentials::Basic(name, password)
            }
            _ => HttpCredentials::Nothing,
        }
    }
}

/// The host of a URL, and its port where that is not the usual one.
fn host_of(url: &str) -> String {
    let Ok(url) = Url::parse(url) else { return String::new() };
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// A URL as an index says it: a whole one, or one below the repository.
fn below(repository: &str, url: &str) -> Result<Url, String> {
    let base = Url::parse(&format!("{repository}/")).map_err(|error| format!("`{repository}` is no URL: {error}"))?;
    let url = base.join(url).map_err(|error| format!("`{url}` is no URL: {error}"))?;
    if !matches!(url.scheme(), "https" | "http") {
        return Err(format!("an archive is at a URL of the scheme {}, and not https", url.scheme()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("an archive is at a URL with credentials in it, which a lock would tell everybody".into());
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::below;

    #[test]
    fn urls_of_an_index_are_whole_or_below_the_repository() {
        for (url, found) in [
            ("web-1.tgz", "https://a.example.com/x/web-1.tgz"),
            ("charts/web-1.tgz?a=b", "https://a.example.com/x/charts/web-1.tgz?a=b"),
            ("/web-1.tgz", "https://a.example.com/web-1.tgz"),
            ("https://b.example.com/web-1.tgz", "https://b.example.com/web-1.tgz"),
        ] {
            assert_eq!(below("https://a.example.com/x", url).map(String::from).as_deref(), Ok(found), "{url}");
        }
        for url in ["file:///etc/passwd", "https://me:pass@a.example.com/web-1.tgz"] {
            assert!(below("https://a.example.com/x", url).is_err(), "{url}");
        }
    }
}
