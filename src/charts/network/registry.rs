//! Charts in OCI registries: a tag for each version, and the archive as the one layer of what it names.
//!
//! <https://helm.sh/docs/topics/registries/>, <https://github.com/opencontainers/distribution-spec/blob/main/spec.md>

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use regex::Regex;
use reqwest::header::{HeaderMap, LINK, WWW_AUTHENTICATE};
use reqwest::{StatusCode, Url};
use serde::Deserialize;
use tokio::sync::Mutex;

use super::http::{Http, HttpCredentials, is_closed, is_local};
use super::index::newest;
use crate::charts::found::{FoundChart, LARGEST_ARCHIVE};
use crate::charts::lock::{LockedChart, is_digest};
use crate::driver::{Credentials, Hidden, Variables, credentials};
use crate::render::template::semver::SemanticVersion;

/// What Helm calls the layer that is a chart's archive, and what older versions of it did.
const ARCHIVES: [&str; 2] = ["application/vnd.cncf.helm.chart.content.v1.tar+gzip", "application/tar+gzip"];
/// What a manifest is called.
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// The largest manifest, list of tags or token that is read: <https://github.com/opencontainers/distribution-spec> asks for 4 MiB.
const LARGEST: u64 = 4 << 20;
/// How many pages of tags are read, and how many tags are asked for at once.
const PAGES: usize = 1_000;
const TAGS: usize = 1_000;

/// OCI registries.
pub struct Registries {
    http: Arc<Http>,
    variables: Variables,
    hidden: Arc<Hidden>,
    /// What each registry wants to be shown for each path.
    shown: Mutex<BTreeMap<String, HttpCredentials>>,
}

/// A chart in a registry.
struct RegistryPlace<'a> {
    host: &'a str,
    path: &'a str,
    shown: HttpCredentials,
}

#[derive(Deserialize)]
struct ImageManifest {
    #[serde(default)]
    layers: Vec<ArchiveLayer>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ArchiveLayer {
    #[serde(default)]
    media_type: String,
    #[serde(default)]
    digest: String,
}

#[derive(Deserialize)]
struct TagList {
    tags: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Token {
    token: Option<String>,
    access_token: Option<String>,
}

impl Registries {
    pub fn new(http: Arc<Http>, variables: &Variables, hidden: &Arc<Hidden>) -> Self {
        Self { http, variables: variables.clone(), hidden: Arc::clone(hidden), shown: Mutex::default() }
    }

    /// The newest version of a chart that will do.
    pub async fn find(&self, chart: &str, wanted: &str) -> Result<FoundChart, String> {
        let place = self.place(chart).await?;
        let version = match is_exact(wanted) {
            true => wanted.trim().to_owned(),
            false => self.newest(&place, wanted).await?,
        };
        let url = place.url(&format!("manifests/{}", tag(&version)))?;
        let answer = self.http.get(&url, &place.shown, MANIFEST, LARGEST).await;
        let answer = answer.map_err(|unanswered| match unanswered.is_absent() {
            true => format!("{} has no such version of it", place.host),
            false => unanswered.told(place.host),
        })?;
        let manifest: ImageManifest = read(&answer.bytes, place.host)?;
        let is_archive = |layer: &&ArchiveLayer| ARCHIVES.contains(&layer.media_type.as_str());
        let Some(layer) = manifest.layers.iter().find(is_archive) else {
            return Err(format!("{} has something of that name that is no chart", place.host));
        };
        let digest = layer.digest.strip_prefix("sha256:").filter(|digits| is_digest(digits));
        let digest = digest.ok_or_else(|| format!("{} says no SHA-256 of it", place.host))?;
        Ok(FoundChart { version, digest: Some(digest.to_owned()), url: None })
    }

    /// The archive that is locked.
    pub async fn pull(&self, chart: &str, locked: &LockedChart) -> Result<Vec<u8>, String> {
        let place = self.place(chart).await?;
        let url = place.url(&format!("blobs/sha256:{}", locked.digest))?;
        let answer = self.http.get(&url, &place.shown, "*/*", LARGEST_ARCHIVE).await;
        answer.map(|answer| answer.bytes).map_err(|unanswered| match unanswered.is_absent() {
            true => format!("{} does not have what is locked any more", place.host),
            false => unanswered.told(place.host),
        })
    }

    /// The newest version of a range, by the tags of a chart.
    async fn newest(&self, place: &RegistryPlace<'_>, wanted: &str) -> Result<String, String> {
        let mut tags: BTreeSet<String> = BTreeSet::new();
        let mut url = place.url(&format!("tags/list?n={TAGS}"))?;
        let mut is_linked = false;
        for _ in 0..PAGES {
            let answer = match self.http.get(&url, &place.shown, "application/json", LARGEST).await {
                Err(unanswered) if unanswered.is_absent() => break,
                ended => ended.map_err(|unanswered| unanswered.told(place.host))?,
            };
            let some: TagList = read(&answer.bytes, place.host)?;
            let some = some.tags.unwrap_or_default();
            let last = some.last().cloned();
            let before = tags.len();
            tags.extend(some);
            // Whoever gives pages says where the next one is; who does not may still give some only.
            url = match (next(&answer.headers, &url), last) {
                _ if tags.len() == before => break,
                (Some(next), _) if next.origin() == url.origin() => {
                    is_linked = true;
                    next
                }
                (Some(_), _) => break,
                (None, _) if is_linked => break,
                (None, Some(last)) => place.url(&format!("tags/list?n={TAGS}&last={last}"))?,
                (None, None) => break,
            };
        }
        let versions: Vec<String> = tags.iter().map(|tag| tag.replace('_', "+")).collect();
        let all: Vec<&str> = versions.iter().map(String::as_str).collect();
        newest(&all, wanted).map(|at| versions[at].clone())
    }

    /// Where a chart is, and what has to be shown there.
    async fn place<'a>(&self, chart: &'a str) -> Result<RegistryPlace<'a>, String> {
        let place = chart.strip_prefix("oci://").unwrap_or(chart);
        let (host, path) = place.split_once('/').unwrap_or((place, ""));
        let mut known = self.shown.lock().await;
        let shown = match known.get(place) {
            Some(shown) => shown.clone(),
            None => {
                let shown = self.wanted_there(host, path).await?;
                known.insert(place.to_owned(), shown.clone());
                shown
            }
        };
        Ok(RegistryPlace { host, path, shown })
    }

    /// What a registry wants to be shown: nothing, credentials, or a token that its token service gives for them.
    /// <https://distribution.github.io/distribution/spec/auth/token/>
    async fn wanted_there(&self, host: &str, path: &str) -> Result<HttpCredentials, String> {
        let url = root(host)?;
        let unanswered = match self.http.get(&url, &HttpCredentials::Nothing, "*/*", LARGEST).await {
            Ok(_) => return Ok(HttpCredentials::Nothing),
            Err(unanswered) if unanswered.status == Some(StatusCode::UNAUTHORIZED) => unanswered,
            // Who has nothing to say there may still have charts.
            Err(unanswered) if unanswered.is_absent() => return Ok(HttpCredentials::Nothing),
            Err(unanswered) => return Err(unanswered.told(host)),
        };
        let found = credentials::of(&self.variables, &self.hidden, host).await;
        let own = match &found {
            Ok(Some(Credentials { username: Some(name), password: Some(password), .. })) => {
                HttpCredentials::Basic(name.clone(), password.clone())
            }
            _ => HttpCredentials::Nothing,
        };
        let challenge =
            unanswered.headers.get(WWW_AUTHENTICATE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let Some(mut realm) = part(challenge, "realm").filter(|_| challenge.starts_with("Bearer")) else {
            return Ok(own);
        };
        if let Some(service) = part(challenge, "service") {
            let pairs = [("service", service.as_str()), ("scope", &format!("repository:{path}:pull"))];
            realm = Url::parse_with_params(&realm, pairs).map(String::from).unwrap_or(realm);
        }
        let realm =
            Url::parse(&realm).map_err(|error| format!("{host} names a token service that is no URL: {error}"))?;
        if !is_closed(&realm) {
            return Err(format!("{host} names a token service without TLS, which is shown no credentials"));
        }
        let answer = self.http.get(&realm, &own, "application/json", LARGEST).await;
        let token: Token = read(&answer.map_err(|unanswered| unanswered.told(host))?.bytes, host)?;
        let token = token.token.or(token.access_token).ok_or_else(|| format!("{host} gives no token"))?;
        self.hidden.remember(token.as_bytes(), "a token of a registry");
        Ok(HttpCredentials::Bearer(token))
    }
}

impl RegistryPlace<'_> {
    fn url(&self, rest: &str) -> Result<Url, String> {
        root(self.host)?
            .join(&format!("{}/{rest}", self.path))
            .map_err(|error| format!("`{}` is no path: {error}", self.path))
    }
}

/// Where a registry begins. As everywhere, one of this machine may be without TLS, and no other.
fn root(host: &str) -> Result<Url, String> {
    let parse = |scheme: &str| Url::parse(&format!("{scheme}://{host}/v2/"));
    let url = parse("https").map_err(|error| format!("`{host}` is no host of a registry: {error}"))?;
    match url.host_str().is_some_and(is_local) {
        true => parse("http").map_err(|error| error.to_string()),
        false => Ok(url),
    }
}

/// Where the next page is, as <https://www.rfc-editor.org/rfc/rfc8288> has it.
fn next(headers: &HeaderMap, url: &Url) -> Option<Url> {
    let link = headers.get(LINK)?.to_str().ok()?;
    let (target, parameters) = link.strip_prefix('<')?.split_once('>')?;
    parameters.contains("next").then(|| url.join(target).ok()).flatten()
}

/// A part of a challenge: `realm` of `Bearer realm="https://…",service="…"`.
fn part(challenge: &str, name: &str) -> Option<String> {
    let pairs = Regex::new(r#"(\w+)="([^"]*)""#).ok()?;
    let found = pairs.captures_iter(challenge).find(|pair| &pair[1] == name)?;
    Some(found[2].to_owned())
}

fn read<'b, T: Deserialize<'b>>(bytes: &'b [u8], host: &str) -> Result<T, String> {
    serde_json::from_slice(bytes).map_err(|error| format!("{host} gives what is no answer of a registry: {error}"))
}

/// A tag can't have a `+`, so Helm writes it otherwise.
fn tag(version: &str) -> String {
    version.replace('+', "_")
}

/// Whether a range is one whole version.
fn is_exact(wanted: &str) -> bool {
    let wanted = wanted.trim();
    let numbers = wanted.split(['-', '+']).next().unwrap_or_default();
    numbers.split('.').count() == 3 && SemanticVersion::read(wanted).is_ok()
}

#[cfg(test)]
mod tests {
    use super::{part, root};

    #[test]
    fn challenges_are_taken_apart() {
        let challenge = r#"Bearer realm="https://auth.example.com/token",service="registry.example.com",scope="a,b""#;
        for (name, found) in
            [("realm", Some("https://auth.example.com/token")), ("service", Some("registry.example.com")), ("x", None)]
        {
            assert_eq!(part(challenge, name).as_deref(), found, "{name}");
        }
    }

    #[test]
    fn registries_of_this_machine_are_asked_without_tls() {
        for (host, url) in [
            ("localhost:5000", "http://localhost:5000/v2/"),
            ("[::1]", "http://[::1]/v2/"),
            ("a.example.com", "https://a.example.com/v2/"),
            ("10.0.0.1:5000", "https://10.0.0.1:5000/v2/"),
        ] {
            assert_eq!(root(host).map(String::from).as_deref(), Ok(url), "{host}");
        }
        for host in ["a:99999", "[[]", "a:1:2"] {
            assert!(root(host).is_err(), "{host}");
        }
    }
}
