//! Registry credentials from Docker's own configuration and its credential helpers.
//!
//! <https://docs.docker.com/reference/cli/docker/login/#credential-helper-protocol>

use std::collections::HashMap;
use std::process::Stdio;

use base64::Engine as _;
use bollard::auth::DockerCredentials;
use serde::Deserialize;
use tokio::io::AsyncWriteExt as _;

use super::engine::Engine;
use super::reference::ImageReference;
use crate::driver::{Class, DriverError};

/// What Docker calls its own registry in its configuration.
const HUB: &str = "https://index.docker.io/v1/";

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

/// The credentials for the registry of an image; none when nobody logged in there. No text repeats them from then on.
pub(super) async fn of(engine: &Engine, image: &str) -> Result<Option<DockerCredentials>, DriverError> {
    let credentials = found(engine, image).await?;
    if let Some(DockerCredentials { username, password, identitytoken, registrytoken, .. }) = &credentials {
        // The pair is hidden as well: a header holds its encoding, in which a short password alone would not be found.
        let pair =
            username.as_ref().zip(password.as_ref()).map(|(username, password)| format!("{username}:{password}"));
        let values = [password, identitytoken, registrytoken, &pair].into_iter().flatten();
        values.for_each(|value| engine.hidden.remember(value.as_bytes(), "Docker's own configuration"));
    }
    Ok(credentials)
}

async fn found(engine: &Engine, image: &str) -> Result<Option<DockerCredentials>, DriverError> {
    let Ok(text) = std::fs::read_to_string(engine.configuration().join("config.json")) else { return Ok(None) };
    let config: DockerConfig = serde_json::from_str(&text).map_err(|error| {
        DriverError::new(Class::Invalid, format!("Docker's own config.json can't be read: {error}"))
    })?;
    let registry = ImageReference::parse(image).registry;
    let key = if registry == "docker.io" { HUB } else { registry };
    let helper = config.cred_helpers.get(key).or(config.creds_store.as_ref());
    if let Some(helper) = helper {
        return ask(helper, key).await;
    }
    let auth = config.auths.get(key).or_else(|| config.auths.get(&format!("https://{key}")));
    let Some(auth) = auth else { return Ok(None) };
    let pair = auth.auth.as_ref().and_then(|text| base64::prelude::BASE64_STANDARD.decode(text).ok());
    let pair = pair.and_then(|bytes| String::from_utf8(bytes).ok());
    let (username, password) = pair.as_ref().and_then(|pair| pair.split_once(':')).unzip();
    Ok(Some(DockerCredentials {
        username: username.map(str::to_owned),
        password: password.map(str::to_owned),
        identitytoken: auth.identitytoken.clone(),
        serveraddress: Some(key.to_owned()),
        ..Default::default()
    }))
}

/// Asks a credential helper, which is a program of its own. That it knows nothing is no error.
async fn ask(helper: &str, registry: &str) -> Result<Option<DockerCredentials>, DriverError> {
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
    let token = answer.username == "<token>";
    Ok(Some(DockerCredentials {
        username: (!token).then_some(answer.username),
        password: (!token).then(|| answer.secret.clone()),
        identitytoken: token.then_some(answer.secret),
        serveraddress: Some(registry.to_owned()),
        ..Default::default()
    }))
}
