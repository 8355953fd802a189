//! AWS: buckets, queues and what IAM has, in regions of AWS itself or behind any endpoint that
//! speaks its protocols.
//!
//! A region of AWS is *external*: it is there, or does not answer, and Atlas never makes or removes one. A region that is
//! a LocalStack container is somebody else's to make, and is opened like any other. Objects carry their mark as tags, so
//! what belongs to whom is known without any records. Looking is done in as few calls as the spec needs: each service
//! lists its objects once, and of each object only what the spec manages is read.
//!
//! Each kind is one file: an `Api` with a table of its parts, and one line in `served.rs`.

mod api;
mod assumed;
mod bucket;
mod error;
mod external;
mod group;
mod iam;
mod instance_profile;
mod looks;
mod mark;
mod object;
mod oidc_provider;
mod ownership_cache;
mod policy;
mod queue;
mod region;
mod rights;
mod role;
mod search;
mod served;
mod session;
mod user;

use std::sync::Arc;

use async_trait::async_trait;

use super::{Cache, Driver, DriverError, NoCache, Service, Session};
use crate::kind::Kind;
use crate::observed::{Object, Owner};
use external::External;
use looks::Looks;
use region::{REGION, Reaches, Region, RegionSettings};
use session::InRegion;

/// AWS as a driver. It knows nothing of any spec: everything comes from the host objects and from what is wanted.
pub struct Aws {
    reaches: Arc<Reaches>,
    looks: Arc<Looks>,
}

impl Aws {
    /// AWS, before it was asked for anything. It knows nothing of earlier runs.
    #[must_use]
    pub fn new() -> Self {
        Self::with_cache(Arc::new(NoCache))
    }

    /// The same with what earlier runs kept to save questions.
    #[must_use]
    pub fn with_cache(cache: Arc<dyn Cache>) -> Self {
        Self { reaches: Arc::default(), looks: Arc::new(Looks::new(cache)) }
    }
}

impl Default for Aws {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Driver for Aws {
    fn name(&self) -> &'static str {
        "aws"
    }

    fn serves(&self, kind: &Kind, host: Option<&Object>) -> Service {
        let is_ours = |host: &Object| ["aws", "localstack"].iter().any(|way| !host.attributes.get(way).is_null());
        match host {
            None if kind.name == REGION => Service::Tells,
            Some(host) if host.kind.name == REGION && is_ours(host) && served::by(kind).is_some() => Service::Keeps,
            _ => Service::None,
        }
    }

    async fn open(&self, host: Option<&Object>, _: &Owner) -> Result<Arc<dyn Session>, DriverError> {
        let Some(host) = host else { return Ok(Arc::new(External::new(Arc::clone(&self.reaches)))) };
        let reach = self.reaches.of(RegionSettings::of_host(host)?);
        let region = Region::new(reach, host.identity.clone(), host.outputs.clone());
        Ok(Arc::new(InRegion::new(region, Arc::clone(&self.looks))))
    }
}
