//! The load balancer of a cluster: it publishes the API and the ports, and leads to the nodes that are there.

use bollard::exec::{CreateExecOptions, StartExecOptions};

use super::super::container;
use super::super::error::classify;
use super::apply::ClusterWork;
use super::labels::{BALANCED, labels};
use super::node::ClusterNode;
use super::outdated::is_outdated;
use super::ports::{bindings_of, in_words};
use crate::driver::DriverError;

/// How k3d's load balancer looks up the addresses of nodes again, without dropping connections.
const RELOAD: [&str; 3] = ["nginx", "-s", "reload"];
/// How often it is asked whether that command ended, and how long the pause between is.
const ASKED: u32 = 40;
const PAUSE: std::time::Duration = std::time::Duration::from_millis(50);

impl ClusterWork<'_> {
    /// Removes a load balancer that has to go, or to be made again, when it holds ports that nodes are about to publish. Those of the
    /// nodes that are made again before the API can be asked again let their pods go first.
    pub async fn give_way(&mut self, turns: &[&ClusterNode]) -> Result<(), DriverError> {
        let Some(old) = self.balancer.clone() else { return Ok(()) };
        let publishes = |node: &ClusterNode| {
            let there = self.seen.and_then(|seen| seen.nodes.get(&node.name));
            let outdated = there.is_none_or(|there| is_outdated(node, there, &self.layout));
            outdated && !self.layout.ports().of_node(node).is_empty()
        };
        let goes = !self.layout.has_balancer();
        if goes || (!self.is_current() && self.layout.nodes().iter().any(publishes)) {
            let unasked = turns.iter().position(|node| node.is_first()).map_or(turns, |first| &turns[..=first]);
            self.drain_early(unasked).await?;
            container::remove(self.engine, old.id.as_deref().unwrap_or_default()).await?;
            self.balancer = None;
        }
        Ok(())
    }

    /// Brings the load balancer to what it should be, and lets it lead to the nodes that are there.
    pub async fn balance(&mut self) -> Result<(), DriverError> {
        if !self.layout.has_balancer() {
            return Ok(());
        }
        let mut nodes = self.layout.nodes();
        nodes.retain(|node| self.there.contains(&node.name));
        match self.balancer.take() {
            Some(there) if self.is_made_so(&there) => {
                let id = there.id.clone().unwrap_or_default();
                container::write(self.engine, &id, &[self.layout.routes(&nodes)]).await?;
                if container::not_running(&there).is_some() {
                    container::resume(self.engine, &there).await?;
                } else if self.moved {
                    self.reload(&id).await?;
                }
                self.balancer = container::inspect(self.engine, &id).await?;
            }
            old => {
                let blueprint = self.layout.of_balancer(&nodes);
                if let Some(old) = old {
                    container::remove(self.engine, old.id.as_deref().unwrap_or_default()).await?;
                }
                self.balancer = Some(container::create(self.engine, &blueprint, &self.pace).await?);
            }
        }
        self.moved = false;
        Ok(())
    }

    /// Whether there is a load balancer as it should be.
    pub fn is_current(&self) -> bool {
        self.balancer.as_ref().is_some_and(|there| self.is_made_so(there))
    }

    /// Whether a load balancer is made as it should be, publishes what it was made to, and has started, as it may lack its files otherwise.
    fn is_made_so(&self, there: &bollard::models::ContainerInspectResponse) -> bool {
        labels(there).get(BALANCED) == Some(&self.layout.balanced())
            && in_words(&bindings_of(there)) == in_words(&self.layout.ports().of_balancer())
            && container::has_started(there)
    }

    /// Lets it look up the addresses of nodes again; one that is not k3d's own, and does that in another way, is started again.
    async fn reload(&self, id: &str) -> Result<(), DriverError> {
        let docker = self.engine.docker().await?;
        let command = RELOAD.iter().map(|word| (*word).to_owned()).collect();
        let options = CreateExecOptions { cmd: Some(command), ..CreateExecOptions::default() };
        let ran = async {
            let exec = docker.create_exec(id, options).await?.id;
            docker.start_exec(&exec, Some(StartExecOptions { detach: true, ..StartExecOptions::default() })).await?;
            for _ in 0..ASKED {
                let now = docker.inspect_exec(&exec).await?;
                if now.running != Some(true) {
                    return Ok(now.exit_code == Some(0));
                }
                tokio::time::sleep(PAUSE).await;
            }
            Ok::<_, bollard::errors::Error>(false)
        };
        if ran.await.unwrap_or(false) {
            return Ok(());
        }
        let again = docker.restart_container(id, None).await;
        again.map_err(|error| classify("starting the load balancer again", &error))
    }
}
