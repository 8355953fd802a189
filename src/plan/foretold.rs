//! What resources will be called that others only name: it follows from the spec and from their hosts, whether their objects
//! are there or not.

use foldhash::HashMap;

use crate::address::Address;
use crate::desired::{Desired, Instance};
use crate::identity::Identity;
use crate::kind::{Facts, KindRef, Outputs};
use crate::value::Attributes;

/// What is foretold of every resource that another one only names.
#[derive(Clone, Default)]
pub struct Foretold {
    resources: HashMap<Address, NamedResource>,
    /// Which of them live in each host.
    inside: HashMap<Address, Vec<Address>>,
}

#[derive(Clone)]
struct NamedResource {
    kind: KindRef,
    identity: Identity,
    /// As the spec says them.
    attributes: Attributes,
    outputs: Outputs,
}

impl Foretold {
    /// What follows from a spec, and from what is known of the outputs of hosts and of the resources themselves.
    pub fn of<'h>(desired: &Desired, known: impl Fn(&Address) -> Option<&'h Outputs>) -> Self {
        let mut foretold = Self::default();
        for instance in named(desired) {
            if foretold.resources.contains_key(&instance.address) {
                continue;
            }
            let lives_in = instance.hosts.first();
            if let Some(host) = lives_in {
                foretold.inside.entry(host.clone()).or_default().push(instance.address.clone());
            }
            let mut resource = NamedResource {
                kind: instance.kind.clone(),
                identity: instance.identity.clone(),
                attributes: instance.attributes.clone(),
                outputs: known(&instance.address).cloned().unwrap_or_default(),
            };
            resource.learn(instance.foretold(lives_in.and_then(&known)));
            foretold.resources.insert(instance.address.clone(), resource);
        }
        foretold
    }

    /// Learns of a host: what lives in it may be called otherwise then. Gives what that is, with what is foretold of it.
    pub fn learn_host(&mut self, host: &Address, outputs: &Outputs) -> impl Iterator<Item = (&Address, &Outputs)> {
        let inside = self.inside.get(host).map(Vec::as_slice).unwrap_or_default();
        for address in inside {
            let Some(resource) = self.resources.get_mut(address) else { continue };
            let (name, place) = (address.name(), address.place());
            let facts = Facts { attributes: &resource.attributes, name, place, host: Some(outputs) };
            resource.learn(resource.kind.derive_outputs(&facts));
        }
        inside.iter().filter_map(|address| Some((address, self.outputs_of(address)?)))
    }

    /// The attributes of a resource, as the spec says them.
    pub fn attributes_of(&self, address: &Address) -> Option<&Attributes> {
        self.resources.get(address).map(|resource| &resource.attributes)
    }

    /// The outputs of a resource, as far as they are foretold.
    pub fn outputs_of(&self, address: &Address) -> Option<&Outputs> {
        self.resources.get(address).map(|resource| &resource.outputs)
    }

    /// What an API will know a resource by.
    pub fn called(&self, address: &Address) -> Option<&str> {
        let resource = self.resources.get(address)?;
        resource.kind.known_by(&resource.attributes, &resource.outputs)
    }

    /// Every resource, with its kind and the identity of its object.
    pub fn all(&self) -> impl Iterator<Item = (&Address, &'static str, &Identity)> {
        self.resources.iter().map(|(address, resource)| (address, resource.kind.name, &resource.identity))
    }
}

impl NamedResource {
    /// Outputs with a formula follow from it alone; one that can't be told now is unknown.
    fn learn(&mut self, mut told: Outputs) {
        for output in self.kind.outputs.iter().filter(|output| output.formula.is_some()) {
            match told.remove(output.name) {
                Some(text) => drop(self.outputs.insert(output.name.into(), text)),
                None => drop(self.outputs.remove(output.name)),
            }
        }
    }
}

/// The resources that others only name; one may come several times.
fn named(desired: &Desired) -> impl Iterator<Item = &Instance> {
    desired.objects().flat_map(|instance| &instance.names).filter_map(|edge| desired.get(&edge.to))
}
