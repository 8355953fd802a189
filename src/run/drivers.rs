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
    Registry::new([docker(spec), aws(spec, write), kubernetes(spec)].into_iter().flatten())
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

#[cfg(feature = "docker")]
#[allow(clippy::unnecessary_wraps, reason = "the same shape as without engines")]
fn docker(spec: &Spec) -> Option<Arc<dyn Driver>> {
    Some(Arc::new(engines(spec)))
}

/// The container engines that a spec names.
#[cfg(feature = "docker")]
#[must_use]
pub fn engines(spec: &Spec) -> crate::driver::docker::Docker {
    crate::driver::docker::Docker::new(spec.base.clone(), &spec.variables, Arc::clone(&spec.hidden))
}

#[cfg(not(feature = "docker"))]
fn docker(_: &Spec) -> Option<Arc<dyn Driver>> {
    None
}

#[cfg(feature = "kubernetes")]
#[allow(clippy::unnecessary_wraps, reason = "the same shape as without Kubernetes")]
fn kubernetes(spec: &Spec) -> Option<Arc<dyn Driver>> {
    use crate::driver::kubernetes::{ClusterClients, Kubernetes};
    // Clusters in containers are reached through their engines.
    #[cfg(feature = "docker")]
    let made: Option<Arc<dyn ClusterClients>> = Some(Arc::new(engines(spec)));
    #[cfg(not(feature = "docker"))]
    let made: Option<Arc<dyn ClusterClients>> = None;
    Some(Arc::new(Kubernetes::reaching(spec.base.clone(), &spec.variables, made)))
}

#[cfg(not(feature = "kubernetes"))]
fn kubernetes(_: &Spec) -> Option<Arc<dyn Driver>> {
    None
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
