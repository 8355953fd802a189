//! What is known of the resources of a spec while it is planned, and while the plan is carried out.

use std::borrow::Cow;

use foldhash::HashMap;

use super::baseline::Baseline;
use super::foretold::Foretold;
use super::resolve::{Resolved, Resolver};
use crate::address::Address;
use crate::desired::{Desired, Edge, Instance};
use crate::kind::Outputs;
use crate::value::Attributes;

/// What is known of each resource so far: what the planner learnt of it, or else what was seen of it. Of what others only
/// name, also what it will be called.
#[derive(Clone, Default)]
pub struct Known<'a> {
    learnt: HashMap<Address, Resolved<'a>>,
    foretold: Foretold,
    baseline: Option<&'a Baseline<'a>>,
}

impl<'a> Known<'a> {
    /// Has learnt nothing yet, and knows what was seen.
    #[must_use]
    pub fn on(baseline: &'a Baseline<'a>, desired: &Desired) -> Self {
        let foretold = Foretold::of(desired, |address| baseline.outputs_of(address));
        Self { learnt: HashMap::default(), foretold, baseline: Some(baseline) }
    }

    /// Learns about a resource.
    pub fn learn(&mut self, address: Address, resolved: Resolved<'a>) {
        for (inside, outputs) in self.foretold.learn_host(&address, &resolved.outputs) {
            // What was planned without its host being known is completed.
            if let Some(known) = self.learnt.get_mut(inside) {
                let known = known.outputs.to_mut();
                for (name, text) in outputs {
                    known.entry(name.clone()).or_insert_with(|| text.clone());
                }
            }
        }
        self.learnt.insert(address, resolved);
    }

    /// Learns about the resources that edges lead to, from the spec and from what is known of their outputs.
    pub fn learn_targets<'e>(
        &mut self,
        edges: impl IntoIterator<Item = &'e Edge>,
        desired: &'a Desired,
        outputs_of: impl Fn(&'a Instance) -> Cow<'a, Outputs>,
    ) {
        for other in edges.into_iter().filter_map(|edge| desired.get(&edge.to)) {
            let resolved = Resolved { attributes: Cow::Borrowed(&other.attributes), outputs: outputs_of(other) };
            self.learn(other.address.clone(), resolved);
        }
    }

    /// What an API will know a resource by that others only name.
    #[must_use]
    pub fn called(&self, address: &Address) -> Option<&str> {
        self.foretold.called(address)
    }

    /// Keeps what is known of some resources only, and by itself.
    #[must_use]
    pub fn only<'b>(mut self, addresses: impl Iterator<Item = &'b Address>) -> Known<'static> {
        let resolved = |address: &'b Address| {
            let (attributes, outputs) = match self.learnt.remove(address) {
                Some(known) => (known.attributes.into_owned(), known.outputs.into_owned()),
                None => (self.attributes_of(address)?.clone(), self.outputs_of(address)?.clone()),
            };
            Some((address.clone(), Resolved { attributes: Cow::Owned(attributes), outputs: Cow::Owned(outputs) }))
        };
        let learnt = addresses.filter_map(resolved).collect();
        Known { learnt, foretold: self.foretold, baseline: None }
    }
}

impl Resolver for Known<'_> {
    fn attributes_of(&self, address: &Address) -> Option<&Attributes> {
        if let Some(known) = self.learnt.get(address) {
            return Some(&known.attributes);
        }
        self.baseline
            .and_then(|baseline| baseline.attributes_of(address))
            .or_else(|| self.foretold.attributes_of(address))
    }

    fn outputs_of(&self, address: &Address) -> Option<&Outputs> {
        if let Some(known) = self.learnt.get(address) {
            return Some(&known.outputs);
        }
        self.foretold.outputs_of(address).or_else(|| self.baseline?.outputs_of(address))
    }
}

impl std::fmt::Debug for Known<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(&self.learnt).finish()
    }
}
