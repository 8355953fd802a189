//! Images: there already, or pulled.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::time::Duration;

use bollard::auth::DockerCredentials;
use bollard::models::{ContainerInspectResponse, ContainerSummary, ImageConfig, ImageInspect};
use bollard::query_parameters::{CreateImageOptionsBuilder, ListImagesOptionsBuilder};
use futures_util::StreamExt as _;
use tokio::time::Instant;

use super::super::credentials;
use super::super::engine::Engine;
use super::super::error::{classify, is_absent};
use super::super::mark::{Labels, get, is_of_tools};
use super::super::pace::Pace;
use super::super::reference::ImageReference;
use crate::driver::{Class, DriverError};
use crate::value::Attributes;

/// How often it is told how far a pull has come.
const OFTEN: Duration = Duration::from_millis(250);

/// How long a registry may take to say what a tag leads to.
const REGISTRY: Duration = Duration::from_secs(10);

/// Makes sure that the engine has an image, and tells about it.
pub(super) async fn ensure(
    engine: &Engine,
    image: &str,
    pull: &str,
    pace: &Pace<'_>,
) -> Result<ImageInspect, DriverError> {
    if pull != "always"
        && let Some(there) = inspect(engine, image).await?
    {
        return Ok(there);
    }
    if pull == "never" {
        let hint = "build or load it there, or set `pull = \"missing\"`";
        let message = format!("the engine has no image `{image}`, and `pull` is \"never\": {hint}");
        return Err(DriverError::new(Class::Invalid, message));
    }
    fetch(engine, image, pace).await?;
    let there = inspect(engine, image).await?;
    there.ok_or_else(|| DriverError::new(Class::Transient, format!("`{image}` was pulled and is not there")))
}

/// The digest under which the image's own registry has it; none for one that was never there.
pub(super) fn digest(there: &ImageInspect, image: &str) -> Option<String> {
    let wanted = ImageReference::parse(image);
    let all = there.repo_digests.iter().flatten().map(|one| ImageReference::parse(one));
    let mut own = all.filter(|one| one.is_beside(&wanted));
    own.find_map(|one| one.digest().map(str::to_owned))
}

/// The labels of the images of some containers that have a certain label, by image, in one call. Nothing is asked when no
/// container has it.
pub(in super::super) async fn labels_of_images(
    engine: &Engine,
    containers: &[ContainerSummary],
    label: &str,
) -> Result<HashMap<String, Labels>, DriverError> {
    if !containers.iter().any(|one| one.labels.as_ref().is_some_and(|labels| labels.contains_key(label))) {
        return Ok(HashMap::new());
    }
    let filters = HashMap::from([("label", vec![label])]);
    let options = ListImagesOptionsBuilder::default().all(true).filters(&filters).build();
    let found = engine.docker().await?.list_images(Some(options)).await;
    let found = found.map_err(|error| classify("listing images", &error))?;
    Ok(found.into_iter().map(|image| (plain(&image.id).to_owned(), image.labels)).collect())
}

/// The image of a listed container, as [`labels_of_images`] calls it.
pub(in super::super) fn image_of(container: &ContainerSummary) -> Option<&str> {
    container.image_id.as_deref().map(plain)
}

/// A container without the variables and labels that only its image brings along, or that tools such as compose keep track with.
/// One that Atlas made says itself which are its own.
pub(in super::super) async fn own_of(
    engine: &Engine,
    mut seen: ContainerInspectResponse,
) -> Result<ContainerInspectResponse, DriverError> {
    let labels = seen.config.as_ref().and_then(|config| config.labels.as_ref());
    let is_region =
        |labels: &Labels| labels.get("atlas.identity").is_some_and(|identity| identity.starts_with("region/"));
    if labels.is_some_and(|labels| labels.contains_key("atlas.keys.environment") || is_region(labels)) {
        return Ok(seen);
    }
    let image = config_of_image(engine, &seen).await?.unwrap_or_default();
    if let Some(config) = &mut seen.config {
        let theirs: HashSet<&String> = image.env.iter().flatten().collect();
        config.env.iter_mut().for_each(|env| env.retain(|pair| !theirs.contains(pair)));
        let of_image = |key: &String, value: &String| image.labels.as_ref().and_then(|all| all.get(key)) == Some(value);
        config.labels.iter_mut().for_each(|all| all.retain(|key, value| !is_of_tools(key) && !of_image(key, value)));
    }
    Ok(seen)
}

/// What the tag of a container's image leads to by now, where the spec has it pulled `always` and that is another image than the
/// one that the container was made from. Where the registry can't be asked nobody knows, and nothing is replaced for that.
pub(in super::super) async fn moved_tag(
    engine: &Engine,
    seen: &ContainerInspectResponse,
    wanted: Option<&Attributes>,
) -> Option<String> {
    let wanted = wanted.filter(|wanted| wanted.get("pull").as_str() == Some("always"))?;
    let image = wanted.get("image").as_str()?;
    let labels = seen.config.as_ref().and_then(|config| config.labels.as_ref())?;
    let made_from = get(labels, super::DIGEST)?;
    let same_image = seen.config.as_ref().and_then(|config| config.image.as_deref()) == Some(image);
    if ImageReference::parse(image).digest().is_some() || !same_image {
        return None;
    }
    let now = engine.digest_of_tag(image, ask_registry(engine, image)).await?;
    (now != made_from).then_some(now)
}

async fn ask_registry(engine: &Engine, image: &str) -> Option<String> {
    let ask = async {
        let credentials = credentials::of(engine, image).await.ok()?;
        let answer = engine.docker().await.ok()?.inspect_registry_image(image, credentials).await;
        let answer = answer.inspect_err(|error| tracing::info!(image, "the registry can't be asked: {error}")).ok()?;
        answer.descriptor.digest
    };
    tokio::time::timeout(REGISTRY, ask).await.ok().flatten()
}

/// What the image of a container says; none when it is gone.
pub(in super::super) async fn config_of_image(
    engine: &Engine,
    container: &ContainerInspectResponse,
) -> Result<Option<ImageConfig>, DriverError> {
    match &container.image {
        Some(image) => Ok(inspect(engine, image).await?.and_then(|image| image.config)),
        None => Ok(None),
    }
}

/// The labels of a container's image, where the container has any that matter. None when the image is gone.
pub(in super::super) async fn labels_of_image(
    engine: &Engine,
    container: &ContainerInspectResponse,
) -> Result<Option<Labels>, DriverError> {
    let labels = container.config.as_ref().and_then(|config| config.labels.as_ref());
    let (Some(image), true) = (&container.image, labels.is_some_and(|labels| labels.contains_key("atlas.identity")))
    else {
        return Ok(None);
    };
    Ok(inspect(engine, image).await?.and_then(|image| image.config?.labels))
}

fn plain(image: &str) -> &str {
    image.trim_start_matches("sha256:")
}

async fn inspect(engine: &Engine, image: &str) -> Result<Option<ImageInspect>, DriverError> {
    match engine.docker().await?.inspect_image(image).await {
        Ok(there) => Ok(Some(there)),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(classify("looking at an image", &error)),
    }
}

async fn fetch(engine: &Engine, image: &str, pace: &Pace<'_>) -> Result<(), DriverError> {
    let credentials: Option<DockerCredentials> = credentials::of(engine, image).await?;
    // Without a tag or a digest the engine would pull every tag.
    let whole = if ImageReference::parse(image).is_exact() { image.to_owned() } else { format!("{image}:latest") };
    let options = CreateImageOptionsBuilder::default().from_image(&whole).build();
    let mut steps = engine.docker().await?.create_image(Some(options), None, credentials);
    let doing = format!("pulling {image}");
    let mut layers = Layers::default();
    let mut told = None::<Instant>;
    while let Some(step) = steps.next().await {
        let step = step.map_err(|error| unavailable(image, &error))?;
        if let Some(detail) = step.error_detail.and_then(|detail| detail.message) {
            let message = format!("the image `{image}` can't be pulled: {detail}");
            return Err(DriverError::new(Class::Invalid, message));
        }
        let status = step.status.unwrap_or_default();
        let (current, total) = step.progress_detail.map_or((None, None), |detail| (detail.current, detail.total));
        layers.learn(step.id.as_deref().unwrap_or_default(), &status, current, total);
        if !layers.0.is_empty() && told.is_none_or(|told| told.elapsed() > OFTEN) {
            told = Some(Instant::now());
            pace.measure(&doing, layers.to_string());
        }
    }
    if !layers.0.is_empty() {
        pace.measure(&doing, layers.to_string());
    }
    Ok(())
}

/// The layers of an image, as far as they are there.
#[derive(Default)]
struct Layers(BTreeMap<String, Layer>);

#[derive(Default)]
struct Layer {
    bytes: i64,
    of_bytes: i64,
    there: bool,
}

impl Layers {
    /// The engine's words for how far a layer is:
    /// <https://docs.docker.com/reference/cli/docker/image/pull/>.
    fn learn(&mut self, id: &str, status: &str, current: Option<i64>, total: Option<i64>) {
        let known = ["Pulling fs layer", "Waiting", "Downloading", "Verifying Checksum", "Download complete"];
        let there = ["Pull complete", "Already exists"].contains(&status);
        if !there && !known.contains(&status) {
            return;
        }
        let layer = self.0.entry(id.to_owned()).or_default();
        layer.there |= there;
        // Unpacking counts anew, and what was fetched is known by then.
        if status == "Downloading" {
            layer.of_bytes = total.unwrap_or(layer.of_bytes).max(layer.of_bytes);
            layer.bytes = current.unwrap_or(layer.bytes).max(layer.bytes);
        } else if there || status == "Download complete" {
            layer.bytes = layer.of_bytes;
        }
    }
}

impl fmt::Display for Layers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let there = self.0.values().filter(|layer| layer.there).count();
        let bytes: i64 = self.0.values().map(|layer| layer.bytes).sum();
        let of_bytes: i64 = self.0.values().map(|layer| layer.of_bytes).sum();
        let megabytes = |bytes: i64| bytes as f64 / 1e6;
        write!(f, "{there} of {} layers, {:.1} of {:.1} MB", self.0.len(), megabytes(bytes), megabytes(of_bytes))
    }
}

fn unavailable(image: &str, error: &bollard::errors::Error) -> DriverError {
    let text = error.to_string();
    let why = classify("pulling", error);
    let anonymous = ["no basic auth credentials", "unauthorized", "authentication required"];
    if anonymous.iter().any(|word| text.contains(word)) {
        let registry = ImageReference::parse(image).registry;
        let message = format!("the image `{image}` is not for just anybody; log in with `docker login {registry}`");
        return DriverError::new(Class::Denied, message);
    }
    let unknown = ["not found", "denied", "does not exist", "manifest unknown"].iter().any(|word| text.contains(word));
    if unknown {
        let message = format!("there is no image `{image}`, or it is not for you to pull: {}", why.message);
        return DriverError::new(Class::Invalid, message);
    }
    DriverError::new(why.class, format!("the image `{image}` can't be pulled: {}", why.message))
}

#[cfg(test)]
mod tests {
    use super::Layers;

    #[test]
    fn a_pull_is_counted_in_layers_and_bytes() {
        let mut layers = Layers::default();
        layers.learn("8", "Pulling from library/redis", None, None);
        for id in ["a", "b", "c"] {
            layers.learn(id, "Pulling fs layer", None, None);
        }
        layers.learn("c", "Already exists", None, None);
        layers.learn("a", "Downloading", Some(1_500_000), Some(4_000_000));
        layers.learn("b", "Downloading", Some(100_000), Some(1_000_000));
        assert_eq!(layers.to_string(), "1 of 3 layers, 1.6 of 5.0 MB");
        layers.learn("a", "Download complete", None, None);
        layers.learn("a", "Extracting", Some(32), Some(4_000_000));
        assert_eq!(layers.to_string(), "1 of 3 layers, 4.1 of 5.0 MB");
        layers.learn("a", "Pull complete", None, None);
        layers.learn("b", "Pull complete", None, None);
        assert_eq!(layers.to_string(), "3 of 3 layers, 5.0 of 5.0 MB");
    }
}
