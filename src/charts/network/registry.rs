//! Charts in OCI registries: a tag for each version, and the archive as the one layer of what it names.
//!
//! <https://helm.sh/docs/topics/registries/>

use std::collections::BTreeMap;
use std::sync::Arc;

use oci_client::client::{ClientConfig, ClientProtocol};
use oci_client::errors::{OciDistributionError, OciErrorCode};
use oci_client::manifest::OciDescriptor;
use oci_client::secrets::RegistryAuth;
use oci_client::{Client, Reference};
use tokio::io::AsyncWrite;
use tokio::sync::Mutex;

use super::settings::{CONNECT, NAME, SILENCE, is_local};
use crate::charts::archives;
use crate::charts::found::FoundChart;
use crate::charts::index::newest;
use crate::charts::lock::LockedChart;
use crate::driver::{Credentials, Hidden, Variables, credentials};

/// What Helm calls the layer that is a chart's archive.
const ARCHIVE: &str = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";
/// What older versions of Helm called it.
const OLDER_ARCHIVE: &str = "application/tar+gzip";
/// How many tags are asked for at once, and at most.
const TAGS: usize = 1_000;
const MOST_TAGS: usize = 100_000;

/// OCI registries. Each is a client of its own, which keeps its token.
pub struct Registries {
    variables: Variables,
    hidden: Arc<Hidden>,
    known: Mutex<BTreeMap<String, Arc<ChartRegistry>>>,
}

struct ChartRegistry {
    client: Client,
    credentials: RegistryAuth,
}

impl Registries {
    pub fn new(variables: &Variables, hidden: &Arc<Hidden>) -> Self {
        Self { variables: variables.clone(), hidden: Arc::clone(hidden), known: Mutex::default() }
    }

    /// The newest version of a chart that will do.
    pub async fn find(&self, chart: &str, wanted: &str) -> Result<FoundChart, String> {
        let (host, path) = parts(chart);
        let registry = self.registry(host).await?;
        let version = match is_exact(wanted) {
            true => wanted.trim().to_owned(),
            false => registry.newest(host, path, wanted).await?,
        };
        let reference = Reference::with_tag(host.into(), path.into(), tag(&version));
        let manifest = registry.client.pull_image_manifest(&reference, &registry.credentials).await;
        let (manifest, _) = manifest.map_err(|error| said(host, &error))?;
        let is_archive = |layer: &&OciDescriptor| [ARCHIVE, OLDER_ARCHIVE].contains(&layer.media_type.as_str());
        let Some(layer) = manifest.layers.iter().find(is_archive) else {
            return Err(format!("{reference} is no chart; it has {}", kinds(&manifest.layers)));
        };
        let Some(digest) = layer.digest.strip_prefix("sha256:") else {
            return Err(format!("{reference} has the digest {}, and no SHA-256", layer.digest));
        };
        Ok(FoundChart { version, digest: Some(digest.to_owned()), url: None })
    }

    /// The archive that is locked.
    pub async fn pull(&self, chart: &str, locked: &LockedChart) -> Result<Vec<u8>, String> {
        let (host, path) = parts(chart);
        let registry = self.registry(host).await?;
        let digest = format!("sha256:{}", locked.digest);
        let reference = Reference::with_digest(host.into(), path.into(), digest.clone());
        let layer = OciDescriptor { digest, media_type: ARCHIVE.into(), ..OciDescriptor::default() };
        registry.client.store_auth_if_needed(reference.resolve_registry(), &registry.credentials).await;
        let mut bytes = Bounded(Vec::new());
        registry.client.pull_blob(&reference, &layer, &mut bytes).await.map_err(|error| said(host, &error))?;
        Ok(bytes.0)
    }

    async fn registry(&self, host: &str) -> Result<Arc<ChartRegistry>, String> {
        let mut known = self.known.lock().await;
        if let Some(registry) = known.get(host) {
            return Ok(Arc::clone(registry));
        }
        let found = credentials::of(&self.variables, &self.hidden, host).await.map_err(|error| error.to_string())?;
        let credentials = match found {
            Some(Credentials { username: Some(name), password: Some(password), .. }) => {
                RegistryAuth::Basic(name, password)
            }
            Some(Credentials { token: Some(token), .. }) => RegistryAuth::Bearer(token),
            _ => RegistryAuth::Anonymous,
        };
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        // As everywhere, a registry of this machine may be without TLS, and no other.
        let protocol = if is_local(name) { ClientProtocol::Http } else { ClientProtocol::Https };
        let client = Client::try_from(ClientConfig {
            protocol,
            connect_timeout: Some(CONNECT),
            read_timeout: Some(SILENCE),
            user_agent: NAME,
            ..ClientConfig::default()
        });
        let client = client.map_err(|error| said(host, &error))?;
        let registry = Arc::new(ChartRegistry { client, credentials });
        known.insert(host.to_owned(), Arc::clone(&registry));
        Ok(registry)
    }
}

impl ChartRegistry {
    /// The newest version of a range, by the tags of a chart.
    async fn newest(&self, host: &str, path: &str, wanted: &str) -> Result<String, String> {
        let reference = Reference::with_tag(host.into(), path.into(), "latest".into());
        let mut versions: Vec<String> = Vec::new();
        loop {
            let last = versions.last().map(|version| tag(version));
            let some = self.client.list_tags(&reference, &self.credentials, Some(TAGS), last.as_deref()).await;
            let some = some.map_err(|error| said(host, &error))?.tags;
            let ended = some.len() < TAGS || versions.len() > MOST_TAGS;
            // A registry that does not know pages gives all of them each time.
            let new: Vec<String> =
                some.iter().map(|tag| tag.replace('_', "+")).filter(|tag| !versions.contains(tag)).collect();
            if new.is_empty() {
                break;
            }
            versions.extend(new);
            if ended {
                break;
            }
        }
        let all: Vec<&str> = versions.iter().map(String::as_str).collect();
        newest(&all, wanted).map(|at| versions[at].clone())
    }
}

/// Bytes of an archive, which are no more than archives have.
struct Bounded(Vec<u8>);

impl AsyncWrite for Bounded {
    fn poll_write(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
        bytes: &[u8],
    ) -> std::task::Poll<std::io::Result<usize>> {
        let fits = (self.0.len() + bytes.len()) as u64 <= archives::LARGEST;
        std::task::Poll::Ready(match fits {
            true => {
                self.0.extend_from_slice(bytes);
                Ok(bytes.len())
            }
            false => Err(archives::too_large()),
        })
    }

    fn poll_flush(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn poll_shutdown(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::task::Poll::Ready(Ok(()))
    }
}

/// The host and the path of `oci://HOST/PATH`.
fn parts(chart: &str) -> (&str, &str) {
    let place = chart.strip_prefix("oci://").unwrap_or(chart);
    place.split_once('/').unwrap_or((place, ""))
}

/// A tag can't have a `+`, so Helm writes it otherwise.
fn tag(version: &str) -> String {
    version.replace('+', "_")
}

/// Whether a range is one whole version.
fn is_exact(wanted: &str) -> bool {
    let wanted = wanted.trim();
    let numbers = wanted.split(['-', '+']).next().unwrap_or_default();
    numbers.split('.').count() == 3 && crate::render::template::semver::SemanticVersion::read(wanted).is_ok()
}

fn kinds(layers: &[OciDescriptor]) -> String {
    match layers.iter().map(|layer| layer.media_type.as_str()).collect::<Vec<_>>().as_slice() {
        [] => "no layer".to_owned(),
        kinds => format!("layers of {}", kinds.join(", ")),
    }
}

/// What a registry says, in words.
fn said(host: &str, error: &OciDistributionError) -> String {
    let login = format!("`docker login {host}` keeps credentials");
    match error {
        OciDistributionError::AuthenticationFailure(_) | OciDistributionError::UnauthorizedError { .. } => {
            format!("{host} refuses the credentials, or wants some; {login}")
        }
        OciDistributionError::ImageManifestNotFoundError(_) => format!("{host} has no such version of it"),
        OciDistributionError::RegistryError { envelope, .. }
            if envelope
                .errors
                .iter()
                .any(|one| matches!(one.code, OciErrorCode::ManifestUnknown | OciErrorCode::NameUnknown)) =>
        {
            format!("{host} has no such version of it")
        }
        OciDistributionError::RegistryError { envelope, .. } => {
            let all: Vec<String> =
                envelope.errors.iter().map(|one| format!("{:?}: {}", one.code, one.message)).collect();
            format!("{host} answers {}", all.join(", "))
        }
        OciDistributionError::RequestError(error) => {
            let mut inner: &dyn std::error::Error = error;
            while let Some(source) = inner.source() {
                inner = source;
            }
            format!("{host} can't be asked: {inner}")
        }
        other => format!("{host}: {other}"),
    }
}
