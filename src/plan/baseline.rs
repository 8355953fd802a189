//! The baseline of a plan: which resources are as the spec says already. That is so of almost everything in almost every
//! plan, so it is found out by one cheap comparison, on all cores, and the planner decides about the rest.

use super::options::{Options, selected};
use super::resolve::Resolver;
use crate::address::Address;
use crate::desired::{Desired, Instance};
use crate::graph::{DependencyGraph, Position};
use crate::kind::Outputs;
use crate::observed::{Object, Observed};
use crate::parallel::{self, SHARE};
use crate::value::Attributes;

/// The resources of a spec beside their objects.
pub struct Baseline<'a> {
    desired: &'a Desired,
    graph: &'a DependencyGraph,
    observed: &'a Observed,
    options: &'a Options,
    instances: Vec<&'a Instance>,
    /// Where among the observed objects the one with the identity of each resource is.
    seen: Vec<Option<usize>>,
    unchanged: Vec<bool>,
}

impl<'a> Baseline<'a> {
    /// Looks at every resource of a spec. When everything is destroyed, nothing is to keep as it is.
    pub fn look(
        desired: &'a Desired,
        graph: &'a DependencyGraph,
        observed: &'a Observed,
        options: &'a Options,
    ) -> Self {
        let instances: Vec<&Instance> = desired.objects().collect();
        let seen = parallel::map(instances.len(), SHARE, |at| observed.position(&instances[at].identity));
        let mut baseline = Self { desired, graph, observed, options, instances, seen, unchanged: Vec::new() };
        if !options.destroy {
            baseline.unchanged = parallel::map(baseline.instances.len(), SHARE, |at| baseline.compare(at));
        }
        baseline
    }

    /// The resource at a position.
    pub fn instance(&self, at: Position) -> &'a Instance {
        self.instances[at]
    }

    /// The observed object that a resource has and is to keep as it is, as long as nothing that it needs is touched: where
    /// it is among all of them.
    pub fn unchanged(&self, at: Position) -> Option<usize> {
        self.seen[at].filter(|_| self.unchanged[at])
    }

    fn object(&self, at: Position) -> Option<&'a Object> {
        self.seen[at].map(|seen| &self.observed.objects()[seen])
    }

    fn compare(&self, at: Position) -> bool {
        let instance = self.instances[at];
        let Some(object) = self.object(at) else { return false };
        if self.observed.unreachable().contains_key(&instance.identity) {
            return false;
        }
        object.external || self.is_plain(instance) && self.is_same(at, instance, object)
    }

    /// Whether nothing was asked about this resource in particular.
    pub fn is_plain(&self, instance: &Instance) -> bool {
        let address = &instance.address;
        instance.settings.ignore.is_empty()
            && instance.settings.kept.is_empty()
            && !selected(&self.options.replace, address)
            && !selected(&self.options.forget, address)
    }

    fn is_same(&self, at: Position, instance: &Instance, object: &Object) -> bool {
        object.belongs_to(&self.desired.project, &self.desired.environment)
            && self.is_marked(at, instance, object)
            && self.matches(&instance.kind, &instance.attributes, &object.attributes)
    }

    /// Whether an object is ready, and its mark is what the spec asks for.
    pub fn is_marked(&self, at: Position, instance: &Instance, object: &Object) -> bool {
        let Some(mark) = object.mark.as_ref().filter(|mark| mark.address == instance.address) else { return false };
        let settings = &instance.settings;
        let needed = self.graph.needed(at);
        object.condition.is_ready()
            && (mark.protect, mark.on_remove) == (settings.protect, settings.on_remove)
            && needed.len() == mark.needs.len()
            && needed.zip(&mark.needs).all(|(need, marked)| self.instances[need].address == *marked)
    }
}

/// References are resolved with what was observed. A resource that refers to one that changes is decided about by
/// itself.
impl Resolver for Baseline<'_> {
    fn attributes_of(&self, address: &Address) -> Option<&Attributes> {
        Some(&self.object(self.graph.position(address)?)?.attributes)
    }

    fn outputs_of(&self, address: &Address) -> Option<&Outputs> {
        Some(&self.object(self.graph.position(address)?)?.outputs)
    }
}
