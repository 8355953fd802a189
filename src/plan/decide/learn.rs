//! What is learnt of a resource for those that refer to it.

use std::borrow::Cow;

use foldhash::HashSet;

use super::Decider;
use crate::address::Address;
use crate::desired::{Desired, Instance, RENDERED};
use crate::diagnostic::{Diagnostic, Diagnostics, code};
use crate::kind::{Facts, Outputs};
use crate::observed::Object;
use crate::plan::change::Change;
use crate::plan::resolve::{Resolved, Resolver as _};
use crate::value::{Attributes, Value};

impl<'a> Decider<'a> {
    /// A reference to an attribute that the other resource does not set can never be completed.
    pub(super) fn unset_references(&self, instance: &Instance, change: &Change, diagnostics: &mut Diagnostics) {
        let Some(target) = &change.after else { return };
        for (_, value) in target.attributes.iter().filter(|(_, value)| !value.is_known()) {
            value.visit_references(&mut |reference| {
                let first = reference.path.split('.').next().unwrap_or_default();
                let is_computed = first == RENDERED && self.desired.completions().contains_key(&reference.address);
                let output = is_computed || is_output(self.desired, &reference.address, first);
                let unset = self
                    .known
                    .attributes_of(&reference.address)
                    .is_some_and(|attributes| attributes.at(&reference.path).is_none_or(Value::is_null));
                if unset && !output {
                    let edges = instance.references.iter().chain(&instance.names);
                    let edge = edges.into_iter().find(|edge| edge.to == reference.address);
                    let detail = format!("{} does not set `{}`", reference.address, reference.path);
                    diagnostics.push(
                        Diagnostic::error(&code::UNSET_ATTRIBUTE, detail)
                            .at(edge.map_or(instance.declaration.header, |edge| edge.span))
                            .hint(format!("set `{}` there, or remove the reference", reference.path))
                            .of(&instance.address),
                    );
                }
            });
        }
    }

    /// Apps that can't be completed with the values that are known by now.
    pub fn refuse_incomplete(&self, diagnostics: &mut Diagnostics) {
        for app in self.desired.completions().keys() {
            if let Some((fault, instance)) = self.known.fault_of(app).zip(self.desired.get(app)) {
                // Its objects need it, whether it has a change of its own or not.
                let diagnostic = Diagnostic::error(&code::CHART_FAULT, format!("{app}: {fault}"));
                let hint = format!("`atlas render {app}` shows more");
                diagnostics.push(diagnostic.at(instance.declaration.header).hint(hint));
            }
        }
    }

    /// Learns about a resource whose object is there and has all its outputs.
    pub(super) fn learn_observed(&mut self, instance: &'a Instance, object: &'a Object) {
        if self.graph.is_needed(&instance.address) {
            let attributes = Cow::Borrowed(&object.attributes);
            let resolved = Resolved { attributes, outputs: Cow::Borrowed(&object.outputs) };
            self.known.learn(instance.address.clone(), resolved);
        }
    }

    pub(super) fn learn(&mut self, instance: &'a Instance, attributes: &Attributes, mut outputs: Outputs) {
        if !self.graph.is_needed(&instance.address) {
            return;
        }
        let host = instance.hosts.first().and_then(|host| self.known.outputs_of(host));
        let facts = Facts { attributes, name: &instance.declaration.name, place: instance.place(), host };
        for (name, value) in instance.kind.derive_outputs(&facts) {
            if !outputs.contains_key(&name) {
                outputs.insert(name, value);
            }
        }
        let resolved =
            Resolved { attributes: self.attributes_for_others(instance, attributes), outputs: Cow::Owned(outputs) };
        self.known.learn(instance.address.clone(), resolved);
    }

    /// The attributes that others may ask for: those of the spec, unless more is known and somebody does ask.
    pub(super) fn attributes_for_others(&self, instance: &'a Instance, attributes: &Attributes) -> Cow<'a, Attributes> {
        let referred_to = || self.referred_to.get_or_init(|| referred_to(self.desired)).contains(&instance.address);
        if *attributes != instance.attributes && referred_to() {
            return Cow::Owned(attributes.clone());
        }
        Cow::Borrowed(&instance.attributes)
    }
}

/// Whether objects of a resource's kind tell something of this name beyond their attributes.
fn is_output(desired: &Desired, address: &Address, name: &str) -> bool {
    desired.kinds.get(address.kind()).is_some_and(|kind| kind.output(name).is_some())
}

/// The resources to whose attributes others refer.
fn referred_to(desired: &Desired) -> HashSet<Address> {
    let mut referred_to = HashSet::default();
    let values = desired.objects().flat_map(|instance| instance.attributes.iter());
    for (_, value) in values.filter(|(_, value)| !value.is_known()) {
        value.visit_references(&mut |reference| {
            let first = reference.path.split('.').next().unwrap_or_default();
            let output = is_output(desired, &reference.address, first);
            if !output {
                referred_to.insert(reference.address.clone());
            }
        });
    }
    referred_to
}
