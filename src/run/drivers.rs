//! The drivers that a spec needs in its world. None of them is asked anything yet.

use std::sync::Arc;

use super::error::RunError;
use super::source::Spec;
#[cfg(feature = "sandbox")]
use crate::desired::Desired;
use crate::driver::{Driver, Registry};
#[cfg(feature = "sandbox")]
use crate::store::LocalFolder;

/// The drivers of the real world; those that keep a cache write it only when something is going to be written.
#[must_use]
pub fn real(spec: &Spec, write: bool) -> Registry {
    let [docker, kubernetes] = containers(spec);
    Registry::new([docker, aws(spec, write), kubernetes].into_iter().flatten())
}

#[cfg(feature = "aws")]
#[allow(clippy::unnecessary_wraps, reason = "the same shape as without AWS")]
fn aws(spec: &Spec, write: bool) -> Option<Arc<dyn Driver>> {
    let cache = crate::store::CacheFolder::new(&spec.local, &spec.desired, write);
    Some(Arc::new(crate::driver::aws::Aws::with_cache(Arc::new(cache))))
}

#[cfg(not(feature = "aws"))]
fn aws(_: &Spec, _: bool) -> Option<Arc<dyn Driver>> {
    None
}

/// The drivers of container engines and of clusters. Clusters in containers are reached through their engines, so both have the
/// same ones.
#[cfg(feature = "docker")]
fn containers(spec: &Spec) -> [Option<Arc<dyn Driver>>; 2] {
    let docker = Arc::new(engines(spec));
    let made: Arc<dyn crate::driver::kubernetes::ClusterClients> = docker.clone();
    let (base, variables) = (spec.base.clone(), &spec.variables);
    [
        Some(docker),
        Some(Arc::new(crate::driver::kubernetes::Kubernetes::reaching(base, variables, &spec.hidden, Some(made)))),
    ]
}

#[cfg(all(feature = "kubernetes", not(feature = "docker")))]
fn containers(spec: &Spec) -> [Option<Arc<dyn Driver>>; 2] {
    [None, Some(Arc::new(crate::driver::kubernetes::Kubernetes::new(spec.base.clone(), &spec.variables, &spec.hidden)))]
}

#[cfg(not(feature = "kubernetes"))]
fn containers(_: &Spec) -> [Option<Arc<dyn Driver>>; 2] {
    [None, None]
}

/// The container engines that a spec names.
#[cfg(feature = "docker")]
#[must_use]
pub fn engines(spec: &Spec) -> crate::driver::docker::Docker {
    crate::driver::docker::Docker::new(spec.base.clone(), &spec.variables, Arc::clone(&spec.hidden))
}

#[cfg(feature = "sandbox")]
pub(super) fn sandbox(spec: &Spec, write: bool) -> Result<Option<Arc<dyn Driver>>, RunError> {
    let world = world(&spec.local, &spec.desired, write)?;
    Ok(Some(Arc::new(crate::driver::sandbox::Sandbox::new(world))))
}

#[cfg(not(feature = "sandbox"))]
#[allow(clippy::unnecessary_wraps, reason = "the same shape as with the sandbox")]
pub(super) fn sandbox(_: &Spec, _: bool) -> Result<Option<Arc<dyn Driver>>, RunError> {
    Ok(None)
}

/// Opens the sandbox's world; for looking only when nothing is going to be written.
///
/// # Errors
/// When it can't be opened.
#[cfg(feature = "sandbox")]
pub fn world(local: &LocalFolder, desired: &Desired, write: bool) -> Result<crate::driver::sandbox::World, RunError> {
    use crate::driver::sandbox::World;
    use crate::driver::{Class, DriverError};
    let folder = local.world(&desired.environment);
    let invalid = |error: std::io::Error| DriverError::new(Class::Invalid, error.to_string());
    let open = || {
        // The database is written to beside the file as well, also by whoever only looks.
        local.refuse_links(&World::file(&folder)).map_err(invalid)?;
        if !write {
            return World::look(&folder).map_err(DriverError::from);
        }
        local.make(&folder).map_err(invalid)?;
        World::open(&folder).map_err(DriverError::from)
    };
    let opened = open();
    opened.map(|world| world.with_kinds(desired.kinds.clone())).map_err(|source| RunError::World { folder, source })
}
