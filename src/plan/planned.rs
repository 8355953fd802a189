//! A plan: what is going to happen, completely.

use foldhash::{HashMap, HashSet};
use serde::Serialize;

use super::change::Change;
use super::gate::Gate;
use super::known::Known;
use super::schedule::Step;
use crate::action::Action;
use crate::address::Address;
use crate::diagnostic::Diagnostics;
use crate::identity::Identity;
use crate::observed::{Locations, Object, whereabouts};
use crate::value::long_hash;

/// What is going to happen, completely: execution makes no choices.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The project.
    pub project: String,
    /// The environment.
    pub environment: String,
    /// What is done about each resource that does not stay as it is, what is needed first.
    pub changes: Vec<Change>,
    /// The units of work.
    pub steps: Vec<Step>,
    /// What stands between the batches of rollouts.
    pub gates: Vec<Gate>,
    /// How many resources stay as they are.
    pub unchanged: usize,
    /// The host of every resource in the plan, and of those hosts, for showing the layers.
    pub layers: HashMap<Address, Address>,
    /// The objects in which something is done and that are there already, and those in which they live, as they were seen.
    pub hosts: HashMap<Identity, Object>,
    /// What was seen in each host that goes, at any depth; none for one into which nobody could look.
    pub contents: HashMap<Identity, HashSet<Identity>>,
    /// What the sessions spoke to for what changes and for its hosts, where the outputs of the hosts do not tell it.
    pub locations: Locations,
    /// What is known of the resources that others refer to or live in.
    pub known: Known<'static>,
    /// What the planner wants said.
    pub diagnostics: Diagnostics,
}

/// How many resources have each action.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// To be created.
    pub create: usize,
    /// To be updated.
    pub update: usize,
    /// To be replaced.
    pub replace: usize,
    /// To be deleted.
    pub delete: usize,
    /// To be adopted.
    pub adopt: usize,
    /// To be forgotten.
    pub forget: usize,
    /// As the spec says.
    pub no_op: usize,
    /// Waiting for another run.
    pub blocked: usize,
}

impl Plan {
    /// Whether everything is as the spec says, as far as can be seen.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// The change of a resource.
    #[must_use]
    pub fn change(&self, address: &Address) -> Option<&Change> {
        self.changes.iter().find(|change| &change.address == address)
    }

    /// How many resources have each action.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let mut summary = Summary { no_op: self.unchanged, ..Summary::default() };
        for change in &self.changes {
            let count = match change.action {
                _ if change.blocked.is_some() => &mut summary.blocked,
                Action::NoOp => &mut summary.no_op,
                Action::Create => &mut summary.create,
                Action::Update => &mut summary.update,
                Action::Replace(_) => &mut summary.replace,
                Action::Delete => &mut summary.delete,
                Action::Adopt => &mut summary.adopt,
                Action::Forget => &mut summary.forget,
            };
            *count += 1;
        }
        summary
    }

    /// The fingerprint of this plan and of the reality that it was made from.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let mut text = format!("{}\n{}\n{}\n", self.project, self.environment, self.unchanged);
        for change in &self.changes {
            text.push_str(&format!("{} {}\n", change.address, change.fingerprint()));
        }
        long_hash(text.as_bytes())
    }

    /// Where a change happens: the accounts, endpoints, engines and servers that its hosts tell of; empty where nothing tells
    /// it. What is approved for one place is not done in another.
    #[must_use]
    pub fn place_of(&self, change: &Change) -> String {
        let targets = || change.before.iter().chain(&change.after);
        let own = targets().map(|target| &target.identity);
        // What a host with several hosts lives in is not told by its name.
        let mut hosts: Vec<&Identity> = targets().flat_map(|target| &target.hosts).collect();
        let mut at = 0;
        while let Some(host) = hosts.get(at).copied() {
            let above = self.hosts.get(host.as_str()).into_iter().flat_map(|object| &object.hosts);
            let new: Vec<&Identity> = above.filter(|above| !hosts.contains(above)).collect();
            hosts.extend(new);
            at += 1;
        }
        whereabouts(&self.locations, own, hosts.into_iter(), |host| self.hosts.get(host))
    }
}
