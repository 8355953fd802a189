//! What is known of the resources of a spec while it is planned, and while the plan is carried out.

use std::borrow::Cow;
use std::sync::Arc;

use foldhash::HashMap;

use super::baseline::Baseline;
use super::foretold::Foretold;
use super::resolve::{Resolved, Resolver};
use crate::address::Address;
use crate::desired::{Completion, Desired, Edge, Instance, RENDERED};
use crate::kind::Outputs;
use crate::value::Attributes;

/// What is known of each resource so far: what the planner learnt of it, or else what was seen of it. Of what others only
/// name, also what it will be called.
#[derive(Clone, Default)]
pub struct Known<'a> {
    learnt: HashMap<Address, Resolved<'a>>,
    foretold: Foretold,
    baseline: Option<&'a Baseline<'a>>,
    completions: Arc<HashMap<Address, Completion>>,
    /// Of each of these apps whose values are known, its attributes with what was computed, or why that can't be.
    completed: HashMap<Address, Result<Attributes, String>>,
}

impl<'a> Known<'a> {
    /// Has learnt nothing yet, and knows what was seen.
    #[must_use]
    pub fn on(baseline: &'a Baseline<'a>, desired: &Desired) -> Self {
        let foretold = Foretold::of(desired, |address| baseline.outputs_of(address));
        let completions = Arc::clone(desired.completions());
        let mut known = Self { foretold, baseline: Some(baseline), completions, ..Self::default() };
        for app in desired.completions().keys() {
            known.complete_app(app);
        }
        known
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
        self.learnt.insert(address.clone(), resolved);
        self.complete_app(&address);
    }

    /// Why an app could not be completed with the values that are known by now.
    #[must_use]
    pub fn fault_of(&self, app: &Address) -> Option<&str> {
        self.completed.get(app)?.as_ref().err().map(String::as_str)
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
        let Self { foretold, completions, completed, .. } = self;
        Known { learnt, foretold, baseline: None, completions, completed }
    }

    /// Computes what an app tells, where it is one that does and its values are known.
    fn complete_app(&mut self, app: &Address) {
        let Some(completion) = self.completions.get(app) else { return };
        let plain = self.plain_attributes_of(app).filter(|attributes| attributes.get("values").is_known());
        let completed = plain.map(|plain| {
            let mut all = plain.clone();
            all.set(RENDERED, completion.of(plain.get("values"))?);
            Ok(all)
        });
        match completed {
            Some(completed) => drop(self.completed.insert(app.clone(), completed)),
            None => drop(self.completed.remove(app)),
        }
    }

    /// The attributes of a resource without what completes it.
    fn plain_attributes_of(&self, address: &Address) -> Option<&Attributes> {
        if let Some(known) = self.learnt.get(address) {
            return Some(&known.attributes);
        }
        self.baseline
            .and_then(|baseline| baseline.attributes_of(address))
            .or_else(|| self.foretold.attributes_of(address))
    }
}

impl Resolver for Known<'_> {
    fn attributes_of(&self, address: &Address) -> Option<&Attributes> {
        match self.completed.get(address) {
            Some(Ok(completed)) => Some(completed),
            _ => self.plain_attributes_of(address),
        }
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
