//! Finding out beforehand whether an engine will take a container: by making one of that sort that never starts.

use bollard::query_parameters::{CreateContainerOptionsBuilder, RemoveContainerOptionsBuilder};

use super::super::engine::Engine;
use super::super::error::{classify, is_absent};
use super::super::mark::{get, take_from};
use super::super::pace::Pace;
use super::blueprint::Blueprint;
use super::make::body;
use super::{image, inspect};
use crate::driver::DriverError;

/// The label of a container that only shows whether the engine takes one of that sort.
const TRIAL: &str = "atlas.trial";

/// Fetches the image of a container that is about to be made, and finds out whether the engine takes such a container.
pub(in super::super) async fn prepare(
    engine: &Engine,
    blueprint: &Blueprint,
    pace: &Pace<'_>,
) -> Result<(), DriverError> {
    // An image that is only known later can't be tried now.
    let Some(image) = blueprint.body.image.clone() else { return Ok(()) };
    let there = image::ensure(engine, &image, &blueprint.pull, pace).await?;
    let mut body = body(blueprint, &there, &image);
    let labels = body.labels.get_or_insert_default();
    take_from(labels);
    labels.insert(TRIAL.into(), blueprint.name.clone());
    if let Some(host) = &mut body.host_config {
        // A volume would be made, or filled from the image, and a network may be one that is made anew by then.
        host.mounts = None;
        host.binds.iter_mut().for_each(|binds| binds.retain(|bind| bind.starts_with('/')));
    }
    end_trial(engine, &blueprint.name).await?;
    let name = name_of(&blueprint.name);
    let options = CreateContainerOptionsBuilder::default().name(&name).build();
    let made = engine.docker().await?.create_container(Some(options), body).await;
    made.map_err(|error| classify("trying whether the engine takes such a container", &error))?;
    end_trial(engine, &blueprint.name).await
}

/// Removes what was made for the trial of a container, also by a run that was interrupted.
pub(in super::super) async fn end_trial(engine: &Engine, container: &str) -> Result<(), DriverError> {
    let name = name_of(container);
    let Some(seen) = inspect(engine, &name).await? else { return Ok(()) };
    // Any other container of that name belongs to somebody else.
    let labels = seen.config.and_then(|config| config.labels).unwrap_or_default();
    if get(&labels, TRIAL) != Some(container) {
        return Ok(());
    }
    let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
    match engine.docker().await?.remove_container(&seen.id.unwrap_or(name), Some(options)).await {
        Err(error) if !is_absent(&error) => Err(classify("removing a container", &error)),
        _ => Ok(()),
    }
}

fn name_of(container: &str) -> String {
    format!("{container}.atlas-trial")
}
