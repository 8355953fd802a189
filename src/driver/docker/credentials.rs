//! The credentials for the registries of images, in the words of the engine.

use bollard::auth::DockerCredentials;

use super::engine::Engine;
use super::reference::ImageReference;
use crate::driver::{DriverError, credentials};

/// The credentials for the registry of an image; none when nobody logged in there. No text repeats them from then on.
pub(super) async fn of(engine: &Engine, image: &str) -> Result<Option<DockerCredentials>, DriverError> {
    let registry = ImageReference::parse(image).registry;
    let found = credentials::of(&engine.variables, &engine.hidden, registry).await?;
    Ok(found.map(|found| DockerCredentials {
        username: found.username,
        password: found.password,
        identitytoken: found.token,
        serveraddress: Some(found.server),
        ..Default::default()
    }))
}
