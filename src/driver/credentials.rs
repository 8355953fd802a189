//! Credentials of registries, and of whoever else stands in Docker's own configuration, with its credential helpers.
//!
//! <https://docs.docker.com/reference/cli/docker/login/#credential-helper-protocol>

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use base64::Engine as _;
use serde::Deserialize;
use tokio::io::AsyncWriteExt as _;

use super::{Class, DriverError, Hidden, Variables};

/// What Docker calls its own registry in its configuration.
const HUB: &str = "https://index.docker.io/v1/";
/// The hosts of that registry.
const HUB_HOSTS: [&str; 3] = ["docker.io", "index.docker.io", "registry-1.docker.io"];

/// What somebody is known by.
#[derive(Clone, Default)]
pub struct Credentials {
    /// The name.
    pub username: Option<String>,
    /// The password that goes with it.
    pub password: Option<String>,
    /// A token in place of both.
    pub token: Option<String>,
    /// What the configuration calls the registry.
    pub server: String,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct DockerConfig {
    auths: HashMap<String, Auth>,
    creds_store: Option<String>,
    cred_helpers: HashMap<String, String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Auth {
    auth: Option<String>,
    identitytoken: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    username: String,
    secret: String,
}

/// The folder of Docker's own configuration.
#[must_use]
pub fn folder(variables: &Variables) -> PathBuf {
    let said = |name: &str| variables(name).filter(|value| !value.is_empty());
    let home = || said("HOME").map(|home| Path::new(&home).join(".docker"));
    said("DOCKER_CONFIG").map(PathBuf::from).or_else(home).unwrap_or_default()
}

/// The credentials for a registry, by its host and port; none when nobody logged in there. No text repeats them from then on.
///
/// # Errors
/// When the configuration can't be read, or the program that it names can't be run.
pub async fn of(variables: &Variables, hidden: &Hidden, registry: &str) -> Result<Option<Credentials>, DriverError> {
    let credentials = found(&folder(variables), registry).await?;
    if let Some(Credentials { username, password, token, .. }) = &credentials {
        // The pair is hidden as well: a header holds its encoding, in which a short password alone would not be found.
        let pair =
            username.as_ref().zip(password.as_ref()).map(|(username, password)| format!("{username}:{password}"));
        let values = [password, token, &pair].into_iter().flatten();
        values.for_each(|value| hidden.remember(value.as_bytes(), "Docker's own configuration"));
    }
    Ok(credentials)
}

async fn found(folder: &Path, registry: &str) -> Result<Option<Credentials>, DriverError> {
    let Ok(text) = std::fs::read_to_string(folder.join("config.json")) else { return Ok(None) };
    let config: DockerConfig = serde_json::from_str(&text).map_err(|error| {
        DriverError::new(Class::Invalid, format!("Docker's own config.json can't be read: {error}"))
    })?;
    let key = if HUB_HOSTS.contains(&registry) { HUB } else { registry };
    let helper = config.cred_helpers.get(key).or(config.creds_store.as_ref());
    if let Some(helper) = helper {
        return ask(helper, key).await;
    }
    let auth = config.auths.get(key).or_else(|| config.auths.get(&format!("https://{key}")));
    let Some(auth) = auth else { return Ok(None) };
    let pair = auth.auth.as_ref().and_then(|text| base64::prelude::BASE64_STANDARD.decode(text).ok());
    let pair = pair.and_then(|bytes| String::from_utf8(bytes).ok());
    let (username, password) = pair.as_ref().and_then(|pair| pair.split_once(':')).unzip();
    Ok(Some(Credentials {
        username: username.map(str::to_owned),
        password: password.map(str::to_owned),
        token: auth.identitytoken.clone(),
        server: key.to_owned(),
    }))
}

/// Asks a credential helper, which is a program of its own. That it knows nothing is no error.
async fn ask(helper: &str, registry: &str) -> Result<Option<Credentials>, DriverError> {
    let program = format!("docker-credential-{helper}");
    let failed = |error: std::io::Error| {
        let message = format!("`{program}`, which Docker's config.json names, can't be run: {error}");
        DriverError::new(Class::Invalid, message)
    };
    // A program by its name and without a shell, told what to look up on its standard input.
    let mut child = tokio::process::Command::new(&program)
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(failed)?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(registry.as_bytes()).await.map_err(failed)?;
    }
    let output = child.wait_with_output().await.map_err(failed)?;
    let Ok(answer) = serde_json::from_slice::<Answer>(&output.stdout) else { return Ok(None) };
    let is_token = answer.username == "<token>";
    Ok(Some(Credentials {
        username: (!is_token).then_some(answer.username),
        password: (!is_token).then(|| answer.secret.clone()),
        token: is_token.then_some(answer.secret),
        server: registry.to_owned(),
    }))
}
