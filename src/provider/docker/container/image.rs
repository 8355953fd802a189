//! Images: there already, or pulled.

use bollard::auth::DockerCredentials;
use bollard::models::ImageInspect;
use bollard::query_parameters::CreateImageOptionsBuilder;
use futures_util::StreamExt as _;

use super::super::credentials;
use super::super::engine::Engine;
use super::super::error::{classify, is_absent};
use crate::provider::{Class, ProviderError};

/// Makes sure that the engine has an image, and tells about it.
pub(super) async fn ensure(engine: &Engine, image: &str, pull: &str) -> Result<ImageInspect, ProviderError> {
    if pull != "always"
        && let Some(there) = inspect(engine, image).await?
    {
        return Ok(there);
    }
    if pull == "never" {
        let hint = "build or load it there, or set `pull = \"missing\"`";
        let message = format!("the engine has no image `{image}`, and `pull` is \"never\": {hint}");
        return Err(ProviderError::new(Class::Invalid, message));
    }
    fetch(engine, image).await?;
    let there = inspect(engine, image).await?;
    there.ok_or_else(|| ProviderError::new(Class::Transient, format!("`{image}` was pulled and is not there")))
}

async fn inspect(engine: &Engine, image: &str) -> Result<Option<ImageInspect>, ProviderError> {
    match engine.docker().await?.inspect_image(image).await {
        Ok(there) => Ok(Some(there)),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(classify("looking at an image", &error)),
    }
}

async fn fetch(engine: &Engine, image: &str) -> Result<(), ProviderError> {
    let credentials: Option<DockerCredentials> = credentials::of(engine, image).await?;
    // Without a tag or a digest the engine would pull every tag.
    let last = image.rsplit('/').next().unwrap_or(image);
    let whole = if last.contains([':', '@']) { image.to_owned() } else { format!("{image}:latest") };
    let options = CreateImageOptionsBuilder::default().from_image(&whole).build();
    let mut steps = engine.docker().await?.create_image(Some(options), None, credentials);
    let mut layers = std::collections::BTreeSet::new();
    while let Some(step) = steps.next().await {
        let step = step.map_err(|error| unavailable(image, &error))?;
        if let Some(detail) = step.error_detail.and_then(|detail| detail.message) {
            return Err(ProviderError::new(Class::Invalid, format!("the image `{image}` can't be pulled: {detail}")));
        }
        let layer = step.id.unwrap_or_default();
        let bytes = step.progress_detail.and_then(|detail| detail.current).unwrap_or_default();
        layers.insert(layer.clone());
        tracing::debug!(
            image,
            layer,
            bytes,
            layers = layers.len(),
            status = step.status.unwrap_or_default(),
            "pulling"
        );
    }
    Ok(())
}

fn unavailable(image: &str, error: &bollard::errors::Error) -> ProviderError {
    let text = error.to_string();
    let why = classify("pulling", error);
    let unknown = ["not found", "denied", "does not exist", "manifest unknown"].iter().any(|word| text.contains(word));
    if unknown {
        let message = format!("there is no image `{image}`, or it is not for you to pull: {}", why.message);
        return ProviderError::new(Class::Invalid, message);
    }
    ProviderError::new(why.class, format!("the image `{image}` can't be pulled: {}", why.message))
}
