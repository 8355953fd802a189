//! What the dispositions of a resource's hosts and needs mean for the resource itself.

use super::{Decider, Disposition};
use crate::action::{Action, Order};
use crate::address::Address;
use crate::desired::Instance;
use crate::plan::change::Blocked;

impl<'a> Decider<'a> {
    /// Why the object can't be observed, if it can't.
    pub(super) fn unreachable(&self, instance: &Instance) -> Option<Blocked> {
        if let Some(reason) = self.observed.unreachable().get(&instance.identity) {
            return Some(Blocked { by: instance.address.clone(), reason: reason.clone() });
        }
        let mut blocked = None;
        for host in &instance.hosts {
            match self.disposition(host) {
                Some(Disposition::Blocked(why)) => blocked = Some((**why).clone()),
                _ => return None,
            }
        }
        blocked
    }

    /// What an app waits for of which nobody can tell yet what it comes to.
    pub(super) fn undecided(&mut self, instance: &Instance) -> Option<Blocked> {
        let is_new =
            |one: &&Address| matches!(self.disposition(one), Some(Disposition::Made | Disposition::Replaced(_)));
        let Some(undecided) = self.desired.undecided(&instance.address) else {
            // What decided is about to be another one, and may decide otherwise.
            let by = self.desired.decided_by(&instance.address).iter().find(is_new)?.clone();
            let reason = "decides what the app comes to, and is made anew; apply again once it is there".to_owned();
            return Some(Blocked { by, reason });
        };
        // Whatever blocks one of those that decide is the better word.
        let blocked = undecided.by.iter().find_map(|one| match self.disposition(one) {
            Some(Disposition::Blocked(why)) => Some((**why).clone()),
            _ => None,
        });
        let by = undecided.by.iter().find(is_new).or(undecided.by.first()).unwrap_or(&instance.address).clone();
        let reason = undecided.reason.clone();
        self.claim_former(instance);
        Some(blocked.unwrap_or(Blocked { by, reason }))
    }

    /// The first of its needs that is blocked, when what it needs is not there.
    pub(super) fn waits_for(&self, instance: &Instance, action: Action) -> Option<Blocked> {
        let blocked = |address: &Address| match self.disposition(address) {
            Some(Disposition::Blocked(why)) => Some((**why).clone()),
            _ => None,
        };
        // What is there goes on without one of its hosts; to make it, all of them have to be in order.
        if matches!(action, Action::Create | Action::Replace(_)) {
            return instance.needs().find_map(blocked);
        }
        instance.references.iter().filter(|edge| edge.blocks).find_map(|edge| blocked(&edge.to))
    }

    /// The host behind which this happens, if no host is there yet.
    pub(super) fn deferred(&self, instance: &Instance) -> Option<Address> {
        let gone = |host: &&Address| {
            matches!(self.disposition(host), Some(Disposition::Made | Disposition::Replaced(_) | Disposition::Repaired))
        };
        let first = instance.hosts.iter().find(gone)?;
        let none_stays = !instance.hosts.iter().any(|host| matches!(self.disposition(host), Some(Disposition::Stays)));
        none_stays.then(|| first.clone())
    }

    /// The host that is not ready now, when none of its hosts can be looked into.
    pub(super) fn repaired_host(&self, instance: &Instance) -> Option<Address> {
        let host = self.deferred(instance)?;
        matches!(self.disposition(&host), Some(Disposition::Repaired)).then_some(host)
    }

    /// The order in which its hosts are replaced, when none of them stays.
    pub(super) fn host_order(&self, instance: &Instance) -> Option<Order> {
        let mut order = None;
        for host in &instance.hosts {
            match self.disposition(host) {
                Some(Disposition::Replaced(one)) => order = order.max(Some(*one)),
                _ => return None,
            }
        }
        order
    }

    pub(super) fn replaced_need(&self, instance: &Instance) -> Option<&'a Address> {
        let replaced =
            |address: &Address| matches!(self.disposition(address), Some(Disposition::Replaced(_) | Disposition::Made));
        self.graph.needs(&instance.address).map(|(address, _)| address).find(|address| replaced(address))
    }
}
