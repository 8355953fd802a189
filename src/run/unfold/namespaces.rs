//! What namespaces come to, and what apps have of them.

use foldhash::HashMap;

use super::findings::refuse_taken;
use crate::address::Address;
use crate::desired::{Desired, Edge, Instance, TakeOver};
use crate::diagnostic::{Diagnostic, Diagnostics, code};
use crate::identity::Identity;
use crate::kind;
use crate::render::objects::{self, Unfolded, of_namespace};

/// What a namespace comes to by what the spec says of it.
pub(super) fn objects_of_namespace(
    namespace: &Instance,
    desired: &Desired,
    taken: &mut HashMap<Identity, Address>,
    diagnostics: &mut Diagnostics,
) -> Unfolded {
    let objects = of_namespace(&namespace.attributes, namespace.object_name());
    let span = namespace.declaration.header;
    match objects::unfold(namespace, objects, &desired.kinds) {
        Ok(mut unfolded) => {
            // The spec makes all of it again, so what protects the namespace does not keep a right from being taken back. Whatever of it
            // another one declares too is the spec's, as everything is that a namespace says of itself.
            for object in &mut unfolded.instances {
                object.settings.protect = false;
                object.settings.fields.take_over = TakeOver::Everything;
            }
            refuse_taken(namespace, span, &unfolded.instances, taken, diagnostics);
            unfolded
        }
        Err(fault) => {
            let diagnostic = Diagnostic::error(&code::TWO_WITH_ONE_OBJECT, fault.to_string()).at(span);
            diagnostics.push(diagnostic.hint("give one of the two another name").of(&namespace.address));
            Unfolded::default()
        }
    }
}

/// The objects on clusters that resources stand for already, each with the resource. A namespace is an object as well.
pub(super) fn taken_names(desired: &Desired) -> HashMap<Identity, Address> {
    let namespaces = desired.of_kind("namespace").filter_map(|one| {
        let cluster = one.identity.host()?;
        Some((cluster.object("Namespace", None, one.object_name()), one.address.clone()))
    });
    namespaces.collect()
}

/// Lets an object wait for the namespace of the spec that it is in, where that is not its app's.
pub(super) fn needs_its_namespace(
    object: &mut Instance,
    app: &Instance,
    namespaces: &HashMap<Identity, Address>,
    last: &HashMap<Address, Vec<Address>>,
) {
    let namespace = object.attributes.get("namespace").as_str();
    let cluster = object.identity.host();
    let of =
        namespace.zip(cluster).and_then(|(name, cluster)| namespaces.get(&cluster.object("Namespace", None, name)));
    if let Some(namespace) = of.filter(|namespace| !app.hosts.contains(namespace)) {
        let span = object.declaration.header;
        for to in std::iter::once(namespace).chain(last.get(namespace).into_iter().flatten()).cloned() {
            object.references.push(Edge { to, attribute: "depends_on".into(), span, blocks: true });
        }
    }
}

/// What of a namespace other objects wait for: all of it.
pub(super) fn parts_of_namespaces(desired: &Desired) -> HashMap<Address, Vec<Address>> {
    let mut parts: HashMap<Address, Vec<Address>> = HashMap::default();
    for object in desired.of_kind(kind::OBJECT.name) {
        if let Some(namespace) = object.address.parent().filter(|parent| parent.kind() == "namespace") {
            parts.entry(namespace).or_default().push(object.address.clone());
        }
    }
    parts
}
