//! Which engine is meant, and the connection to it: chosen as Docker's own tools choose it.
//!
//! <https://docs.docker.com/engine/manage-resources/contexts/>

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bollard::models::SystemInfo;
use bollard::{API_DEFAULT_VERSION, Docker};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use tokio::sync::OnceCell;
use tokio::time::Instant;

use super::error::{classify, refused};
use crate::driver::{Class, DriverError, Hidden, Variables};

/// How long one request may take, in seconds; to stop a container takes ten.
const TIMEOUT: u64 = 120;
/// How long it may take to connect.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The oldest API that has all that Atlas asks for: Docker 19.03 and Podman 3 speak it.
const OLDEST: (usize, usize) = (1, 40);

/// An engine, connected to when it is first asked.
pub(super) struct Engine {
    /// The name that the spec calls it by; none for the usual one.
    pub name: Option<String>,
    pub variables: Variables,
    /// What no text may repeat, credentials for registries among it.
    pub hidden: Arc<Hidden>,
    docker: OnceCell<Docker>,
    #[cfg(unix)]
    said: super::ssh::Said,
    architecture: OnceCell<String>,
    is_podman: OnceCell<bool>,
    own_name: OnceCell<String>,
    /// What registries said of tags: each is asked for once.
    tags: Mutex<HashMap<String, Arc<OnceCell<Option<String>>>>>,
    /// Held while it counts what volumes hold.
    pub counting: tokio::sync::Mutex<()>,
    /// Since when it does not answer any more, after it did in this run.
    pub gone_since: Mutex<Option<Instant>>,
}

/// Where an engine listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub address: String,
    /// The folder with `ca.pem`, `cert.pem` and `key.pem`.
    pub certificates: Option<PathBuf>,
}

#[derive(Deserialize)]
struct CurrentContext {
    #[serde(rename = "currentContext")]
    context: Option<String>,
}

#[derive(Deserialize)]
struct Context {
    #[serde(rename = "Endpoints")]
    endpoints: Endpoints,
}

#[derive(Deserialize)]
struct Endpoints {
    docker: Option<Endpoint>,
}

#[derive(Deserialize)]
struct Endpoint {
    #[serde(rename = "Host")]
    host: Option<String>,
}

impl Engine {
    pub fn new(name: Option<String>, variables: Variables, hidden: Arc<Hidden>) -> Self {
        Self {
            name,
            variables,
            hidden,
            docker: OnceCell::new(),
            #[cfg(unix)]
            said: super::ssh::Said::default(),
            architecture: OnceCell::new(),
            is_podman: OnceCell::new(),
            own_name: OnceCell::new(),
            tags: Mutex::default(),
            counting: tokio::sync::Mutex::default(),
            gone_since: Mutex::default(),
        }
    }

    /// The digest that the registry has for a tag, as `ask` finds it out, once for each.
    pub async fn digest_of_tag(&self, image: &str, ask: impl Future<Output = Option<String>>) -> Option<String> {
        let known = {
            let mut tags = self.tags.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(tags.entry(image.to_owned()).or_default())
        };
        known.get_or_init(|| ask).await.clone()
    }

    /// Whether it is Podman, as far as it was asked.
    pub fn is_podman(&self) -> bool {
        self.is_podman.get().copied().unwrap_or_default()
    }

    /// The connection. A version that both sides speak is agreed upon once.
    pub async fn docker(&self) -> Result<&Docker, DriverError> {
        let connect = || async {
            // An address that never answers must not block a plan that may need nothing of it.
            match tokio::time::timeout(CONNECT_TIMEOUT, self.connect()).await {
                Ok(connected) => connected,
                Err(_) => {
                    let address = self.place().map(|place| place.address).unwrap_or_default();
                    let message = format!(
                        "the container engine at {address} does not answer within {} s; start it, or correct DOCKER_HOST",
                        CONNECT_TIMEOUT.as_secs()
                    );
                    Err(DriverError::new(Class::Unreachable, message))
                }
            }
        };
        self.docker.get_or_try_init(connect).await
    }

    /// The connection, where there was one already.
    pub fn connected(&self) -> Option<&Docker> {
        self.docker.get()
    }

    async fn connect(&self) -> Result<Docker, DriverError> {
        let place = self.place()?;
        let docker = self.open(&place)?;
        let docker = match docker.negotiate_version().await {
            Ok(docker) => docker,
            Err(error) => return Err(self.refused(&place, &error).await),
        };
        let version = docker.client_version();
        let spoken = (version.major_version, version.minor_version);
        if spoken < OLDEST {
            let message = format!(
                "the engine at {} speaks version {}.{} of Docker's API, and Atlas needs {}.{}; update the engine",
                place.address, spoken.0, spoken.1, OLDEST.0, OLDEST.1
            );
            return Err(DriverError::new(Class::Invalid, message));
        }
        let about = docker.version().await.map_err(|error| refused(&place.address, &error))?;
        // A second connection finds out the same.
        let _ = self.architecture.set(about.arch.unwrap_or_default());
        let mut parts = about.components.iter().flatten();
        let _ = self.is_podman.set(parts.any(|part| part.name.contains("Podman")));
        Ok(docker)
    }

    #[cfg(unix)]
    fn open(&self, place: &Place) -> Result<Docker, DriverError> {
        if place.address.starts_with("ssh://") {
            return super::ssh::open(&place.address, &self.said, TIMEOUT);
        }
        open(place)
    }

    #[cfg(not(unix))]
    fn open(&self, place: &Place) -> Result<Docker, DriverError> {
        open(place)
    }

    #[cfg(unix)]
    async fn refused(&self, place: &Place, error: &bollard::errors::Error) -> DriverError {
        if place.address.starts_with("ssh://")
            && let Some(said) = self.said.last_words().await
        {
            let message = format!("the container engine at {} does not answer: ssh says `{said}`", place.address);
            return DriverError::new(Class::Unreachable, message);
        }
        refused(&place.address, error)
    }

    #[cfg(not(unix))]
    #[allow(clippy::unused_async, reason = "the same shape as where there is ssh")]
    async fn refused(&self, place: &Place, error: &bollard::errors::Error) -> DriverError {
        refused(&place.address, error)
    }

    /// What the engine calls itself, by whichever address it is reached. None where it does not tell, as behind a proxy that
    /// lets few calls pass.
    pub async fn own_name(&self) -> Option<&str> {
        let ask = || async {
            let docker = self.docker().await?;
            let about = docker.info().await.map_err(|error| classify("asking the engine who it is", &error))?;
            let is_podman = self.is_podman();
            Ok::<_, DriverError>(own_name(&about, is_podman))
        };
        match self.own_name.get_or_try_init(ask).await {
            Ok(name) => Some(name),
            Err(error) => {
                tracing::debug!(%error, "the engine does not say who it is");
                None
            }
        }
    }

    /// The volumes with their sizes as engines tell them that speak an API before 1.52.
    pub async fn volumes_of_old(&self) -> Result<Vec<serde_json::Value>, DriverError> {
        let answer = self.raw("/system/df", "counting what volumes hold").await?.unwrap_or_default();
        Ok(answer["Volumes"].as_array().cloned().unwrap_or_default())
    }

    /// An answer as plain JSON, where the client can't parse it. None where only the client can reach the engine.
    /// `what` is being done.
    pub async fn raw(&self, path: &str, what: &str) -> Result<Option<serde_json::Value>, DriverError> {
        let place = self.place()?;
        let asked = async {
            match place.address.split_once("://") {
                #[cfg(unix)]
                Some(("unix", socket)) => get(tokio::net::UnixStream::connect(socket).await?, path).await.map(Some),
                #[cfg(unix)]
                Some(("ssh", _)) => get(super::ssh::stream(&place.address, &self.said)?, path).await.map(Some),
                Some(("tcp" | "http", machine)) if place.certificates.is_none() => {
                    let stream = tokio::net::TcpStream::connect(machine.trim_end_matches('/')).await?;
                    get(stream, path).await.map(Some)
                }
                _ => Ok(None),
            }
        };
        let failed = |why: String| DriverError::new(Class::Transient, format!("{what}: {why}"));
        let answer = tokio::time::timeout(Duration::from_secs(TIMEOUT), asked).await;
        let answer = answer.map_err(|_| failed("no answer".into()))?.map_err(|error| failed(error.to_string()))?;
        match answer.as_ref().and_then(|answer| answer["message"].as_str()) {
            Some(refusal) => Err(failed(refusal.to_owned())),
            None => Ok(answer),
        }
    }

    /// Where it listens.
    pub fn place(&self) -> Result<Place, DriverError> {
        let get = |name: &str| self.variable(name);
        let folder = self.configuration();
        if let Some(name) = &self.name {
            return if name.contains("://") { Ok(at(name, &get, &folder)) } else { of_context(name, &folder) };
        }
        if let Some(address) = get("DOCKER_HOST") {
            return Ok(at(&address, &get, &folder));
        }
        let config = std::fs::read_to_string(folder.join("config.json")).ok();
        let chosen = config.and_then(|text| serde_json::from_str::<CurrentContext>(&text).ok()?.context);
        match get("DOCKER_CONTEXT").or(chosen).filter(|name| name != "default") {
            Some(name) => of_context(&name, &folder),
            None => Ok(Place { address: usual(&get), certificates: None }),
        }
    }
}

impl Engine {
    /// The folder of Docker's own configuration.
    pub fn configuration(&self) -> PathBuf {
        crate::driver::credentials::folder(&self.variables)
    }

    /// Whether its name leads to an address.
    pub fn is_known(&self) -> bool {
        self.place().is_ok()
    }

    /// Whether anything that could be an engine is there at all.
    pub fn is_there(&self) -> bool {
        self.place().is_ok_and(|place| match place.address.strip_prefix("unix://") {
            Some(path) => Path::new(path).exists(),
            None => true,
        })
    }

    /// The machine on which the ports that it publishes answer.
    pub fn machine(&self) -> String {
        let address = self.place().map(|place| place.address).unwrap_or_default();
        let remote =
            address.split_once("://").filter(|(how, _)| !["unix", "npipe"].contains(how)).map(|(_, rest)| rest);
        let remote = remote.map(|rest| rest.rsplit('@').next().unwrap_or(rest));
        let host = remote.and_then(|rest| rest.split([':', '/']).next()).filter(|host| !host.is_empty());
        host.unwrap_or("127.0.0.1").to_owned()
    }

    /// The architecture of its machine, as images call it.
    pub fn architecture(&self) -> Option<&str> {
        self.architecture.get().map(String::as_str)
    }

    /// A variable of the surroundings, unless it is empty.
    pub fn variable(&self, name: &str) -> Option<String> {
        (self.variables)(name).filter(|value| !value.is_empty())
    }
}

/// Docker keeps an id for as long as its data is there; engines before version 25 that run on one machine share it, so the
/// folder of the data tells them apart. Podman tells another id each time that it is asked, so its machine stands for it.
fn own_name(about: &SystemInfo, is_podman: bool) -> String {
    let text = |part: &Option<String>| part.clone().unwrap_or_default();
    let id = about.id.as_ref().filter(|id| !is_podman && !id.is_empty());
    let who = id.map_or_else(|| format!("on {}", text(&about.name)), Clone::clone);
    format!("engine {who} in {}", text(&about.docker_root_dir))
}

/// The address on which a machine publishes what Atlas itself has to reach: not for others, unless it is another machine.
pub(super) fn published_on(machine: &str) -> &'static str {
    if machine == "127.0.0.1" { "127.0.0.1" } else { "0.0.0.0" }
}

/// The first socket that is there: Docker's, Docker Desktop's, Podman's.
fn usual(get: &impl Fn(&str) -> Option<String>) -> String {
    let docker = "/var/run/docker.sock".to_owned();
    let home = get("HOME").map(|home| format!("{home}/.docker/run/docker.sock"));
    let own = get("XDG_RUNTIME_DIR").map(|folder| format!("{folder}/podman/podman.sock"));
    let all = [Some(docker.clone()), home, own, Some("/run/podman/podman.sock".into())];
    let there = all.into_iter().flatten().find(|path| Path::new(path).exists());
    format!("unix://{}", there.unwrap_or(docker))
}

/// Asks an engine once. In this version of HTTP an answer comes in one piece, and ends with the connection.
async fn get(
    mut stream: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    path: &str,
) -> std::io::Result<serde_json::Value> {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    stream.write_all(format!("GET {path} HTTP/1.0\r\nHost: engine\r\n\r\n").as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let body = answer.windows(4).position(|window| window == b"\r\n\r\n").map_or(answer.len(), |at| at + 4);
    Ok(serde_json::from_slice(&answer[body..])?)
}

fn at(address: &str, get: &impl Fn(&str) -> Option<String>, folder: &Path) -> Place {
    let certificates = get("DOCKER_CERT_PATH").map_or_else(|| folder.to_owned(), PathBuf::from);
    let secured =
        get("DOCKER_TLS_VERIFY").is_some() && address.starts_with("tcp://") || address.starts_with("https://");
    Place { address: address.to_owned(), certificates: secured.then_some(certificates) }
}

/// A context is kept under the digest of its name.
fn of_context(name: &str, folder: &Path) -> Result<Place, DriverError> {
    let digest = digest(name);
    let meta = folder.join("contexts/meta").join(&digest).join("meta.json");
    let missing = |why: String| {
        let hint = "`docker context ls` lists those that there are";
        DriverError::new(Class::Invalid, format!("there is no Docker context `{name}`: {why}; {hint}"))
    };
    let text = std::fs::read_to_string(&meta).map_err(|error| missing(error.to_string()))?;
    let context: Context = serde_json::from_str(&text).map_err(|error| missing(error.to_string()))?;
    let host = context.endpoints.docker.and_then(|endpoint| endpoint.host);
    let address = host.ok_or_else(|| missing("it names no address".into()))?;
    let certificates = folder.join("contexts/tls").join(digest).join("docker");
    Ok(Place { address, certificates: certificates.join("ca.pem").exists().then_some(certificates) })
}

fn digest(name: &str) -> String {
    Sha256::digest(name.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn open(place: &Place) -> Result<Docker, DriverError> {
    let address = place.address.as_str();
    let opened = match (address.split_once("://").map(|(how, _)| how), &place.certificates) {
        (Some("unix" | "npipe"), _) => Docker::connect_with_local(address, TIMEOUT, API_DEFAULT_VERSION),
        (Some("tcp" | "https"), Some(folder)) => Docker::connect_with_ssl(
            address,
            &folder.join("key.pem"),
            &folder.join("cert.pem"),
            &folder.join("ca.pem"),
            TIMEOUT,
            API_DEFAULT_VERSION,
        ),
        (Some("tcp" | "http"), None) => Docker::connect_with_http(address, TIMEOUT, API_DEFAULT_VERSION),
        _ => {
            let hint = "Atlas reaches engines by unix://, npipe://, tcp:// and ssh://";
            return Err(DriverError::new(Class::Invalid, format!("an engine can't be reached at `{address}`: {hint}")));
        }
    };
    opened.map_err(|error| refused(address, &error))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Engine, digest};

    fn place(name: Option<&str>, variables: &[(&str, &str)]) -> String {
        let owned: Vec<(String, String)> =
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let get = move |name: &str| owned.iter().find(|(own, _)| own == name).map(|(_, value)| value.clone());
        let engine = Engine::new(name.map(str::to_owned), Arc::new(get), Arc::default());
        engine.place().map_or_else(|error| error.to_string(), |place| format!("{place:?}"))
    }

    #[test]
    fn an_engine_is_chosen_as_docker_s_tools_choose_it() {
        let home = tempfile::tempdir().expect("a folder");
        let folder = home.path().to_str().expect("text");
        assert!(place(Some("remote"), &[("DOCKER_CONFIG", folder)]).contains("there is no Docker context `remote`"));
        let meta = home.path().join("contexts/meta").join(digest("remote"));
        std::fs::create_dir_all(&meta).expect("made");
        let text = r#"{ "Name": "remote", "Endpoints": { "docker": { "Host": "tcp://10.0.0.7:2375" } } }"#;
        std::fs::write(meta.join("meta.json"), text).expect("written");
        for (name, variables) in [
            (Some("remote"), vec![]),
            (None, vec![("DOCKER_CONTEXT", "remote")]),
            (None, vec![("DOCKER_HOST", "tcp://10.0.0.7:2375"), ("DOCKER_CONTEXT", "other")]),
            (Some("tcp://10.0.0.7:2375"), vec![("DOCKER_HOST", "unix:///else")]),
        ] {
            let all: Vec<_> = variables.into_iter().chain([("DOCKER_CONFIG", folder)]).collect();
            assert!(place(name, &all).contains("\"tcp://10.0.0.7:2375\", certificates: None"), "{name:?} {all:?}");
        }
        std::fs::write(home.path().join("config.json"), r#"{ "currentContext": "remote" }"#).expect("written");
        assert!(place(None, &[("DOCKER_CONFIG", folder)]).contains("10.0.0.7"));
        let secured = [("DOCKER_HOST", "tcp://h:1"), ("DOCKER_TLS_VERIFY", "1"), ("DOCKER_CERT_PATH", "/certs")];
        assert!(place(None, &secured).contains("Some(\"/certs\")"));
    }
}
