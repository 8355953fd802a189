//! In which order the containers of a cluster get their turn, where ports of the machine move from one to another.

use std::collections::{BTreeMap, BTreeSet};

use super::apply::ClusterWork;
use super::node::{self, ClusterNode};
use super::outdated::is_outdated;
use super::ports::{bindings_of, outside};
use crate::driver::{Class, DriverError};

/// The ports of the engine's machine that containers have and want, by the name of the container.
#[derive(Default)]
pub(super) struct Moves {
    /// The ports that a container has now and gives up when it gets its turn.
    pub given_up: BTreeMap<String, BTreeSet<String>>,
    /// The ports that a container is to have.
    pub wanted: BTreeMap<String, BTreeSet<String>>,
}

impl Moves {
    /// The nodes in their usual order, each after those that have a port which it wants. The load balancer gets its turn with the
    /// first server. Nodes that leave are among them only where somebody waits for their ports.
    pub fn order(&self, usual: &[String], balancer: &str) -> Result<Vec<String>, DriverError> {
        let mut order = TurnOrder { moves: self, balancer, first: usual.first(), done: Vec::new(), open: Vec::new() };
        for name in usual {
            order.visit(name)?;
        }
        Ok(order.done)
    }

    fn holders(&self, name: &str) -> impl Iterator<Item = (&String, &String)> {
        let wanted = self.wanted.get(name);
        self.given_up.iter().filter(move |(holder, _)| holder.as_str() != name).filter_map(move |(holder, ports)| {
            ports.iter().find(|port| wanted.is_some_and(|wanted| wanted.contains(*port))).map(|port| (holder, port))
        })
    }
}

struct TurnOrder<'a> {
    moves: &'a Moves,
    balancer: &'a str,
    first: Option<&'a String>,
    done: Vec<String>,
    open: Vec<&'a str>,
}

impl<'a> TurnOrder<'a> {
    fn visit(&mut self, name: &'a str) -> Result<(), DriverError> {
        if self.done.iter().any(|done| done == name) {
            return Ok(());
        }
        self.open.push(name);
        let is_first = self.first.is_some_and(|first| first == name);
        let with_balancer = [name, self.balancer];
        let takers = if is_first { &with_balancer[..] } else { &with_balancer[..1] };
        for taker in takers {
            let moves = self.moves;
            for (holder, port) in moves.holders(taker) {
                // The first server gives its ports up before the load balancer takes them; the load balancer before any node does.
                if holder == self.balancer || holder == name {
                    continue;
                }
                if self.open.contains(&holder.as_str()) {
                    let message = format!(
                        "{holder} and {taker} are to change ports with one another, {port} among them; move one of them to a \
                         port that neither has first, and then on"
                    );
                    return Err(DriverError::new(Class::Invalid, message));
                }
                self.visit(holder)?;
            }
        }
        self.open.pop();
        self.done.push(name.to_owned());
        Ok(())
    }
}

impl ClusterWork<'_> {
    /// The nodes that there shall be in the order in which they get their turn, and among them those that leave and have ports that
    /// others wait for.
    pub fn turns(&self, nodes: &[ClusterNode]) -> Result<Vec<ClusterNode>, DriverError> {
        let layout = &self.layout;
        let mut moves = Moves::default();
        let balancer = node::balancer(&layout.name);
        let ports = layout.ports();
        for node in nodes {
            moves.wanted.insert(node.name.clone(), outside(&ports.of_node(node)));
        }
        if layout.has_balancer() {
            moves.wanted.insert(balancer.clone(), outside(&ports.of_balancer()));
        }
        for (name, there) in self.seen.into_iter().flat_map(|seen| &seen.nodes) {
            let stays = nodes.iter().find(|node| node.name == *name);
            let kept = stays.map(|node| outside(&ports.of_node(node))).unwrap_or_default();
            if stays.is_none_or(|node| is_outdated(node, there, layout)) {
                let given_up = outside(&bindings_of(there)).difference(&kept).cloned().collect();
                moves.given_up.insert(name.clone(), given_up);
            }
        }
        let usual: Vec<String> = nodes.iter().map(|node| node.name.clone()).collect();
        let order = moves.order(&usual, &balancer)?;
        Ok(order.iter().filter_map(|name| ClusterNode::named(name, &layout.name)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::Moves;

    const USUAL: [&str; 4] = ["s0", "s1", "a0", "a1"];

    fn order(given_up: &[(&str, &str)], wanted: &[(&str, &str)]) -> Result<Vec<String>, String> {
        let mut moves = Moves::default();
        for (name, port) in given_up {
            moves.given_up.entry((*name).into()).or_default().insert((*port).into());
        }
        for (name, port) in wanted {
            moves.wanted.entry((*name).into()).or_default().insert((*port).into());
        }
        moves.order(&USUAL.map(String::from), "lb").map_err(|error| error.to_string())
    }

    #[test]
    fn who_has_a_port_gives_it_up_before_another_takes_it() {
        assert_eq!(order(&[], &[("s0", "80/tcp")]).expect("good"), USUAL);
        assert_eq!(order(&[("a1", "80/tcp")], &[("a0", "80/tcp")]).expect("good"), ["s0", "s1", "a1", "a0"]);
        // Of the load balancer with the first server, also from a node that leaves.
        assert_eq!(order(&[("a1", "80/tcp")], &[("lb", "80/tcp")]).expect("good"), ["a1", "s0", "s1", "a0"]);
        assert_eq!(order(&[("a7", "80/tcp")], &[("lb", "80/tcp")]).expect("good"), ["a7", "s0", "s1", "a0", "a1"]);
        assert_eq!(order(&[("s0", "80/tcp")], &[("lb", "80/tcp")]).expect("good"), USUAL);
        assert_eq!(order(&[("a7", "80/tcp")], &[("s1", "81/tcp")]).expect("good"), USUAL);
    }

    #[test]
    fn two_that_change_ports_with_one_another_are_refused() {
        let said = order(&[("a0", "80/tcp"), ("a1", "81/tcp")], &[("a0", "81/tcp"), ("a1", "80/tcp")]);
        let said = said.expect_err("neither can be first");
        assert!(said.contains("a0 and a1 are to change ports"), "{said}");
    }
}
