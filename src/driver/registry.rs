//! Which driver serves which kind in which world.

use std::sync::Arc;

use super::Driver;
use crate::desired::{Desired, Instance, World};
use crate::diagnostic::{Diagnostic, Diagnostics, code};
use crate::kind::{self, Kind};

/// The kinds that AWS serves.
const AWS_KINDS: [&str; 4] = ["bucket", "queue", "policy", "role"];

/// The kinds that container engines serve. A region is made, changed or removed there only: one of AWS is given. So is a
/// cluster: one that exists already is given.
const DOCKER_KINDS: [&str; 5] = ["region", "network", "volume", "container", "cluster"];

/// The drivers of one run.
#[derive(Clone, Default)]
pub struct Registry {
    sandbox: Option<Arc<dyn Driver>>,
    aws: Option<Arc<dyn Driver>>,
    docker: Option<Arc<dyn Driver>>,
    kubernetes: Option<Arc<dyn Driver>>,
    world: World,
}

impl Registry {
    /// The drivers of a world. The sandbox serves every kind, and only there.
    #[must_use]
    pub fn new(world: World, sandbox: Option<Arc<dyn Driver>>) -> Self {
        Self { sandbox, aws: None, docker: None, kubernetes: None, world }
    }

    /// Adds AWS, which serves its kinds in the real world.
    #[must_use]
    pub fn with_aws(mut self, aws: Option<Arc<dyn Driver>>) -> Self {
        self.aws = aws;
        self
    }

    /// Adds container engines, which serve their kinds in the real world.
    #[must_use]
    pub fn with_docker(mut self, docker: Option<Arc<dyn Driver>>) -> Self {
        self.docker = docker;
        self
    }

    /// Adds Kubernetes, which knows the clusters that exist already.
    #[must_use]
    pub fn with_kubernetes(mut self, kubernetes: Option<Arc<dyn Driver>>) -> Self {
        self.kubernetes = kubernetes;
        self
    }

    /// The driver of a kind, if there is one.
    #[must_use]
    pub fn of(&self, kind: &'static Kind) -> Option<&Arc<dyn Driver>> {
        match self.world {
            World::Sandbox => self.sandbox.as_ref(),
            World::Real if AWS_KINDS.contains(&kind.name) => self.aws.as_ref(),
            World::Real => self.docker.as_ref().filter(|_| DOCKER_KINDS.contains(&kind.name)),
        }
    }

    /// Tells every driver the token of the lease under which this run writes.
    pub fn fence(&self, token: u64) {
        self.all().for_each(|driver| driver.fence(token));
    }

    /// Every driver, once.
    pub fn all(&self) -> impl Iterator<Item = &Arc<dyn Driver>> {
        let sandbox = self.sandbox.iter().filter(|_| self.world == World::Sandbox);
        let real = self.docker.iter().chain(&self.aws).chain(&self.kubernetes).filter(|_| self.world == World::Real);
        sandbox.chain(real)
    }

    /// Says of every kind that has no driver in this world that its resources can't be made, at the first of them.
    #[must_use]
    pub fn missing(&self, desired: &Desired) -> Diagnostics {
        let mut diagnostics = Diagnostics::default();
        let (world, hint) = match self.world {
            World::Real => ("real", "use an environment with `world = \"sandbox\"`, where every kind works"),
            World::Sandbox => ("sandbox", "build Atlas with its default features: this build leaves the sandbox out"),
        };
        for kind in kind::ALL.iter().filter(|kind| kind.object && self.of(kind).is_none()) {
            // What is given takes nobody to make it.
            let needs = |one: &&Instance| match kind.name {
                _ if self.world == World::Sandbox => true,
                "region" => !one.attributes.get("localstack").is_null(),
                "cluster" => !one.attributes.get("k3d").is_null(),
                _ => true,
            };
            let mut resources: Vec<_> = desired.of_kind(kind.name).filter(needs).collect();
            resources.sort_by_key(|instance| instance.declaration.header);
            let Some(first) = resources.first() else { continue };
            let more = match resources.len() - 1 {
                0 => String::new(),
                1 => ", here and in one other place".into(),
                n => format!(", here and in {n} other places"),
            };
            let detail = format!("no driver for `{}` in world `{world}` yet{more}", kind.name);
            diagnostics.push(
                Diagnostic::error(&code::NO_DRIVER, detail).at(first.declaration.header).hint(hint).of(&first.address),
            );
        }
        if self.world == World::Real {
            let nowhere = [
                (
                    "region",
                    &code::REGION_NOWHERE,
                    ["aws", "localstack"].as_slice(),
                    "say `aws = {}` for AWS itself, `aws = { endpoint = \"…\" }` for what speaks like it, or \
                     `localstack = {}` for a container",
                ),
                (
                    "cluster",
                    &code::CLUSTER_NOWHERE,
                    ["k3d", "kubeconfig", "eks"].as_slice(),
                    "say `k3d = {}` for a cluster in containers on this machine's engine, \
                     `kubeconfig = { context = \"…\" }` for one that exists already, or `eks = {}` for one of AWS's",
                ),
            ];
            for (kind, code, ways, hint) in nowhere {
                let lost = |one: &&Instance| ways.iter().all(|way| one.attributes.get(way).is_null());
                for one in desired.of_kind(kind).filter(lost) {
                    let detail = format!("nothing can reach {} in world `real` yet", one.address);
                    diagnostics
                        .push(Diagnostic::error(code, detail).at(one.declaration.header).hint(hint).of(&one.address));
                }
            }
        }
        diagnostics.finish();
        diagnostics
    }
}
