//! The drivers of one run, by name, and what none of them serves.

use std::sync::Arc;

use super::Hidden;
use super::contract::{Driver, Service};
use crate::desired::{Desired, Instance, WorldChoice};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, code};
use crate::kind::{self, Kind, Usage};
use crate::observed::{Condition, Object};
use crate::value::Attributes;

/// The drivers of one run, in the order in which they were registered.
#[derive(Clone, Default)]
pub struct Registry {
    drivers: Vec<Arc<dyn Driver>>,
    hidden: Arc<Hidden>,
}

impl Registry {
    /// Registers drivers.
    #[must_use]
    pub fn new(drivers: impl IntoIterator<Item = Arc<dyn Driver>>) -> Self {
        Self { drivers: drivers.into_iter().collect(), hidden: Arc::default() }
    }

    /// The same drivers, whose texts repeat none of these values.
    #[must_use]
    pub fn without(self, hidden: Arc<Hidden>) -> Self {
        Self { hidden, ..self }
    }

    /// What no text of a driver may repeat.
    #[must_use]
    pub const fn hidden(&self) -> &Arc<Hidden> {
        &self.hidden
    }

    /// Every driver.
    pub fn drivers(&self) -> impl ExactSizeIterator<Item = &Arc<dyn Driver>> {
        self.drivers.iter()
    }

    /// Tells every driver the token of the lease under which this run writes.
    pub fn fence(&self, token: u64) {
        self.drivers.iter().for_each(|driver| driver.fence(token));
    }

    /// The driver that keeps objects of a kind in a host, and its position.
    #[must_use]
    pub fn keeper(&self, kind: &Kind, host: Option<&Object>) -> Option<(usize, &Arc<dyn Driver>)> {
        self.drivers.iter().enumerate().find(|(_, driver)| driver.serves(kind, host) == Service::Keeps)
    }

    /// Why an object with these attributes could not be made in any host.
    #[must_use]
    pub fn refusal(&self, kind: &Kind, attributes: &Attributes) -> Option<String> {
        self.drivers.iter().find_map(|driver| driver.refuses(kind, attributes))
    }

    /// Reports the resources that no driver serves in their hosts: once for each kind, at the first of them.
    #[must_use]
    pub fn missing(&self, desired: &Desired) -> Diagnostics {
        let mut diagnostics = Diagnostics::default();
        for kind in desired.kinds.iter().filter(|kind| kind.object) {
            let mut resources: Vec<&Instance> =
                desired.of_kind(kind.name).filter(|one| !self.is_served(one, desired)).collect();
            resources.sort_by_key(|instance| instance.declaration.header);
            let Some(first) = resources.first() else { continue };
            if let Some(nowhere) = nowhere(first).filter(|_| !self.simulates()) {
                resources.iter().for_each(|one| diagnostics.push(nowhere(one)));
                continue;
            }
            let more = match resources.len() - 1 {
                0 => String::new(),
                1 => ", here and in one other place".into(),
                n => format!(", here and in {n} other places"),
            };
            let (world, hint) = match desired.world {
                WorldChoice::Real => ("real", "use an environment with `world = \"sandbox\"`, where every kind works"),
                WorldChoice::Sandbox => {
                    ("sandbox", "build Atlas with its default features: this build leaves the sandbox out")
                }
            };
            let detail = format!("no driver for `{}` in world `{world}` yet{more}", kind.name);
            diagnostics.push(
                Diagnostic::error(&code::NO_DRIVER, detail).at(first.declaration.header).hint(hint).of(&first.address),
            );
        }
        diagnostics.finish();
        diagnostics
    }

    fn simulates(&self) -> bool {
        self.drivers.iter().any(|driver| driver.simulates())
    }

    /// Whether a driver makes a resource's object where it is to live, or tells of one that is there in any case.
    fn is_served(&self, instance: &Instance, desired: &Desired) -> bool {
        let host = instance.hosts.first().and_then(|host| desired.get(host)).map(stand_in);
        let serves = |driver: &Arc<dyn Driver>| match driver.serves(&instance.kind, host.as_ref()) {
            Service::None => false,
            Service::Tells => is_external(instance),
            Service::Keeps => !is_external(instance) || driver.simulates(),
        };
        // What is there in any case may be told of in the world itself, as a cluster is that exists already.
        let told = |driver: &Arc<dyn Driver>| driver.serves(&instance.kind, None) == Service::Tells;
        let is_told = is_external(instance) && self.drivers.iter().any(told);
        (self.simulates() || nowhere(instance).is_none()) && (is_told || self.drivers.iter().any(serves))
    }
}

/// The object that a resource will have, as far as the spec tells.
fn stand_in(instance: &Instance) -> Object {
    Object {
        kind: instance.kind.clone(),
        identity: instance.identity.clone(),
        hosts: Vec::new(),
        attributes: instance.attributes.clone(),
        outputs: kind::Outputs::new(),
        usage: Usage::new(),
        mark: None,
        external: is_external(instance),
        unsaid: Vec::new(),
        condition: Condition::Ready,
    }
}

/// Whether a resource's object is there in any case: a region of AWS, a cluster that exists already.
fn is_external(instance: &Instance) -> bool {
    let says = |name: &str| !instance.attributes.get(name).is_null();
    match instance.kind.name {
        "region" => says("aws"),
        "cluster" => kind::EXISTING.iter().any(|way| says(way)),
        _ => false,
    }
}

/// What is said of a region or a cluster of which the spec does not tell where it is in the real world.
fn nowhere(instance: &Instance) -> Option<fn(&Instance) -> Diagnostic> {
    let says = |name: &&str| !instance.attributes.get(name).is_null();
    let region = || !["aws", "localstack"].iter().any(says);
    let cluster = || !["k3d", "kubeconfig", "eks"].iter().any(says);
    match instance.kind.name {
        "region" if region() => Some(|one| {
            let hint = "say `aws = {}` for AWS itself, `aws = { endpoint = \"…\" }` for what speaks like it, or \
                        `localstack = {}` for a container";
            unreachable(one, &code::REGION_NOWHERE, hint)
        }),
        "cluster" if cluster() => Some(|one| {
            let hint = "say `k3d = {}` for a cluster in containers on this machine's engine, \
                        `kubeconfig = { context = \"…\" }` for one that exists already, or `eks = {}` for one of AWS's";
            unreachable(one, &code::CLUSTER_NOWHERE, hint)
        }),
        _ => None,
    }
}

fn unreachable(instance: &Instance, code: &'static Code, hint: &str) -> Diagnostic {
    let detail = format!("nothing can reach {} in world `real` yet", instance.address);
    Diagnostic::error(code, detail).at(instance.declaration.header).hint(hint).of(&instance.address)
}
