//! What is known of the resources of a spec while it is planned, and while the plan is carried out.

use std::borrow::Cow;

use foldhash::HashMap;

use super::baseline::Baseline;
use super::resolve::{Resolved, Resolver};
use crate::address::Address;
use crate::kind::Outputs;
use crate::value::Attributes;

/// What is known of each resource so far: what the planner learnt of it, or else what was seen of it.
#[derive(Clone, Default)]
pub struct Known<'a> {
    learnt: HashMap<Address, Resolved<'a>>,
    baseline: Option<&'a Baseline<'a>>,
}

impl<'a> Known<'a> {
    /// Has learnt nothing yet, and knows what was seen.
    #[must_use]
    pub fn on(baseline: &'a Baseline<'a>) -> Self {
        Self { learnt: HashMap::default(), baseline: Some(baseline) }
    }

    /// Learns about a resource.
    pub fn learn(&mut self, address: Address, resolved: Resolved<'a>) {
        self.learnt.insert(address, resolved);
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
        Known { learnt: addresses.filter_map(resolved).collect(), baseline: None }
    }
}

impl Resolver for Known<'_> {
    fn attributes_of(&self, address: &Address) -> Option<&Attributes> {
        match self.learnt.get(address) {
            Some(known) => Some(&known.attributes),
            None => self.baseline?.attributes_of(address),
        }
    }

    fn outputs_of(&self, address: &Address) -> Option<&Outputs> {
        match self.learnt.get(address) {
            Some(known) => Some(&known.outputs),
            None => self.baseline?.outputs_of(address),
        }
    }
}

impl std::fmt::Debug for Known<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(&self.learnt).finish()
    }
}
