//! Chart repositories: an index and archives, over HTTP.

use std::collections::BTreeMap;
use std::sync::Arc;

use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode, Url};
use tokio::sync::Mutex;

use super::settings::{CONNECT, NAME, SILENCE, is_local};
use crate::charts::archives;
use crate::charts::found::FoundChart;
use crate::charts::index::RepositoryIndex;
use crate::charts::lock::LockedChart;
use crate::driver::{Credentials, Hidden, Variables, credentials};

/// The largest index that is read: the largest public ones have some 20 MiB.
const LARGEST_INDEX: u64 = 128 << 20;
/// How often somebody is asked who answers that it is too busy, or not at all.
const TRIES: u32 = 3;
/// How often an answer may lead to another place.
const REDIRECTS: usize = 5;

/// Chart repositories. The index of each is read once.
pub struct Repositories {
    client: Client,
    variables: Variables,
    hidden: Arc<Hidden>,
    known: Mutex<BTreeMap<String, Arc<RepositoryIndex>>>,
}

/// Why an answer is none.
struct Unanswered {
    why: String,
    /// Whether it may be otherwise the next time.
    passes: bool,
    is_absent: bool,
}

impl Repositories {
    pub fn new(variables: &Variables, hidden: &Arc<Hidden>) -> Result<Self, String> {
        let client = Client::builder()
            .user_agent(NAME)
            .connect_timeout(CONNECT)
            .read_timeout(SILENCE)
            .redirect(Policy::custom(|attempt| {
                // What was asked for over TLS is not taken without it.
                let falls =
                    attempt.previous().iter().any(|url| url.scheme() == "https") && attempt.url().scheme() != "https";
                if falls || attempt.previous().len() > REDIRECTS {
                    return attempt.error(if falls { "it leads from https to http" } else { "it leads on and on" });
                }
                attempt.follow()
            }))
            .build()
            .map_err(|error| told(&error))?;
        Ok(Self { client, variables: variables.clone(), hidden: Arc::clone(hidden), known: Mutex::default() })
    }

    /// The newest version of a chart that will do.
    pub async fn find(&self, repository: &str, chart: &str, wanted: &str) -> Result<FoundChart, String> {
        let index = self.index(repository).await?;
        let entry = index.newest(chart, wanted)?;
        // An archive may be at several places, of which Helm takes the first as well.
        let url = entry.urls.first().map(String::as_str).unwrap_or_default();
        let url = below(repository, url)?;
        let digest = entry.digest().map(str::to_owned);
        Ok(FoundChart { version: entry.version.clone(), digest, url: Some(url.into()) })
    }

    /// The archive that is locked, from where it was, or from where the repository says it is now.
    pub async fn pull(&self, repository: &str, chart: &str, locked: &LockedChart) -> Result<Vec<u8>, String> {
        let known = locked.url.as_deref().map(|url| below(repository, url)).transpose()?;
        if let Some(url) = &known {
            match self.get(repository, url, archives::LARGEST).await {
                Ok(bytes) => return Ok(bytes),
                Err(unanswered) if !unanswered.is_absent => return Err(unanswered.why),
                Err(_) => {}
            }
        }
        let found = self.find(repository, chart, &locked.version).await?;
        let url = found.url.as_deref().unwrap_or_default();
        let url = below(repository, url)?;
        self.get(repository, &url, archives::LARGEST).await.map_err(|unanswered| unanswered.why)
    }

    async fn index(&self, repository: &str) -> Result<Arc<RepositoryIndex>, String> {
        // Whoever wants the same index waits for it here, and finds it then.
        let mut known = self.known.lock().await;
        if let Some(index) = known.get(repository) {
            return Ok(Arc::clone(index));
        }
        let url = below(repository, "index.yaml")?;
        let bytes = self.get(repository, &url, LARGEST_INDEX).await.map_err(|unanswered| unanswered.why)?;
        let index = Arc::new(RepositoryIndex::read(&bytes)?);
        known.insert(repository.to_owned(), Arc::clone(&index));
        Ok(index)
    }

    async fn get(&self, repository: &str, url: &Url, most: u64) -> Result<Vec<u8>, Unanswered> {
        let credentials = self.credentials(repository, url).await.map_err(|why| Unanswered {
            why,
            passes: false,
            is_absent: false,
        })?;
        let mut tries = 1;
        loop {
            match self.once(url, credentials.as_ref(), most).await {
                Err(unanswered) if unanswered.passes && tries < TRIES => {
                    tokio::time::sleep(std::time::Duration::from_millis(250 << tries)).await;
                    tries += 1;
                }
                ended => return ended,
            }
        }
    }

    async fn once(&self, url: &Url, credentials: Option<&Credentials>, most: u64) -> Result<Vec<u8>, Unanswered> {
        let request = self.client.get(url.clone());
        let request = match credentials {
            Some(Credentials { username: Some(name), password, .. }) => request.basic_auth(name, password.as_ref()),
            _ => request,
        };
        let passing = |error: reqwest::Error| Unanswered {
            why: format!("{url} can't be read: {}", told(&error)),
            passes: !error.is_redirect(),
            is_absent: false,
        };
        let mut answer = request.send().await.map_err(passing)?;
        let status = answer.status();
        if !status.is_success() {
            let why = match status {
                StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                    format!(
                        "{url} answers {status}; `docker login {}` keeps credentials",
                        url.host_str().unwrap_or_default()
                    )
                }
                _ => format!("{url} answers {status}"),
            };
            let passes = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
            return Err(Unanswered {
                why,
                passes,
                is_absent: matches!(status, StatusCode::NOT_FOUND | StatusCode::GONE),
            });
        }
        let mut bytes = Vec::new();
        while let Some(more) = answer.chunk().await.map_err(passing)? {
            if bytes.len() as u64 + more.len() as u64 > most {
                let why = format!("{url} has more than {most} bytes");
                return Err(Unanswered { why, passes: false, is_absent: false });
            }
            bytes.extend_from_slice(&more);
        }
        Ok(bytes)
    }

    /// What Docker's configuration has for the host of a repository. Another host is not shown it, and neither is anybody who
    /// listens.
    async fn credentials(&self, repository: &str, url: &Url) -> Result<Option<Credentials>, String> {
        let own = Url::parse(repository).ok();
        let same = own.as_ref().is_some_and(|own| own.origin() == url.origin());
        let Some(host) = url.host_str().filter(|host| same && (url.scheme() == "https" || is_local(host))) else {
            return Ok(None);
        };
        let host = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        credentials::of(&self.variables, &self.hidden, &host).await.map_err(|error| error.to_string())
    }
}

/// A URL as an index says it: a whole one, or one below the repository.
fn below(repository: &str, url: &str) -> Result<Url, String> {
    let wrong = |error| format!("`{url}` is no URL: {error}");
    let base = Url::parse(&format!("{repository}/")).map_err(wrong)?;
    let url = base.join(url).map_err(wrong)?;
    match url.scheme() {
        "https" | "http" => Ok(url),
        other => Err(format!("`{url}` is a URL of the scheme {other}, and not https")),
    }
}

/// What an error says, with what is behind it.
fn told(error: &reqwest::Error) -> String {
    let mut error: &dyn std::error::Error = error;
    // The outer ones name the URL again, and no reason.
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
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
        assert!(below("https://a.example.com/x", "file:///etc/passwd").is_err());
    }
}
