//! Objects name each other by address in the spec, and by what their API knows them by in the world: an ARN, a name. This
//! is the one place that turns the one into the other.

use foldhash::HashMap;

use super::foretold::Foretold;
use super::resolve::Resolver;
use crate::address::Address;
use crate::identity::Identity;
use crate::kind::{Attribute, Catalog, Kind, Type, normal};
use crate::observed::{Object, Owner};
use crate::value::{Attributes, Text, Value};

/// A resource that is named where its API does not know it by anything yet.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{attribute}` names {address}, which is not there yet")]
pub struct Unknown {
    /// The attribute that names it.
    pub attribute: &'static str,
    /// The resource.
    pub address: Address,
}

/// Attributes with what the API knows the objects by in the place of their addresses.
///
/// # Errors
/// When it knows one of them by nothing yet.
pub fn resolved(
    kind: &Kind,
    attributes: &Attributes,
    known: &impl Resolver,
    kinds: &Catalog,
) -> Result<Attributes, Unknown> {
    let mut resolved = attributes.clone();
    for attribute in kind.attributes.iter().filter(|attribute| names_others(&attribute.ty)) {
        let value = attributes.get(attribute.name);
        if value.is_null() {
            continue;
        }
        let mut missing = None;
        let value = replaced(attribute, value, &mut |_, text| {
            let address = Address::parse(text).ok()?;
            let found = known_by(&address, known, kinds);
            if found.is_none() {
                missing.get_or_insert(address);
            }
            found
        });
        if let Some(address) = missing {
            return Err(Unknown { attribute: attribute.name, address });
        }
        resolved.set(attribute.name, value);
    }
    Ok(resolved)
}

/// Replaces what the APIs know these objects by with addresses. What is no object of the owner's is left as the API
/// says it, and so is an ARN that the spec itself says there, by identity in `said`. The objects may name each other, and
/// `others` that have been named already. What is nobody's yet counts as the resource that `wanted` knows for it, as it may be
/// taken over. Where objects are only named, a resource is what it will be called by `foretold`, whether it is there or not.
pub fn name<'s>(
    mut objects: Vec<&mut Object>,
    others: &[Object],
    owner: &Owner,
    said: impl Fn(&Identity) -> Option<&'s Attributes>,
    wanted: impl Fn(&Identity) -> Option<&'s Address>,
    foretold: &Foretold,
) {
    if !objects
        .iter()
        .any(|object| object.kind.attributes.iter().any(|attribute| is_said(attribute, &object.attributes)))
    {
        return;
    }
    let names = Names::of(others.iter().chain(objects.iter().map(|object| &**object)), owner, wanted, foretold);
    for object in &mut objects {
        let Object { kind, identity, attributes, .. } = &mut **object;
        for attribute in kind.attributes.iter() {
            if !is_said(attribute, attributes) {
                continue;
            }
            let said = said(identity).map(|said| said.get(attribute.name));
            let value = replaced(attribute, attributes.get(attribute.name), &mut |place, text| {
                if said.is_some_and(|said| says(said, text)) {
                    return None;
                }
                names.find(&place, text, identity).map(ToString::to_string)
            });
            attributes.set(attribute.name, normal(&attribute.ty, value));
        }
    }
}

/// What texts mean that stand in the place of an address.
struct Names<'a> {
    /// The objects that are there, by kind and by what the API knows them by.
    there: HashMap<(&'static str, String), Vec<Named>>,
    /// The resources that are only named, in the same way.
    foretold: HashMap<(&'static str, String), Vec<Named>>,
    resources: &'a Foretold,
}

/// An object that others may name.
struct Named {
    address: Address,
    identity: Identity,
}

/// Where an address stands.
struct AddressPlace<'a> {
    /// The kinds that may be named there.
    kinds: &'a [&'static str],
    /// Whether objects of this sort are only named there.
    only_names: bool,
}

impl<'a> Names<'a> {
    fn of<'o, 's>(
        objects: impl Iterator<Item = &'o Object>,
        owner: &Owner,
        wanted: impl Fn(&Identity) -> Option<&'s Address>,
        resources: &'a Foretold,
    ) -> Self {
        let mut names = Self { there: HashMap::default(), foretold: HashMap::default(), resources };
        for object in objects {
            let address = match &object.mark {
                Some(mark) => owner.has(mark).then_some(&mark.address),
                None => wanted(&object.identity),
            };
            let text = object.kind.known_by(&object.attributes, &object.outputs);
            if let Some((address, text)) = address.zip(text) {
                let named = Named { address: address.clone(), identity: object.identity.clone() };
                names.there.entry((object.kind.name, text.to_owned())).or_default().push(named);
            }
        }
        for (address, kind, identity) in resources.all() {
            if let Some(text) = resources.called(address) {
                let named = Named { address: address.clone(), identity: identity.clone() };
                names.foretold.entry((kind, text.to_owned())).or_default().push(named);
            }
        }
        names
    }

    /// The address that a text stands for. Where objects are only named, the former name of one says nothing any more.
    fn find(&self, place: &AddressPlace<'_>, text: &str, identity: &Identity) -> Option<&Address> {
        let keys = || place.kinds.iter().map(|kind| (*kind, text.to_owned()));
        let is_current = |named: &&Named| !place.only_names || self.resources.called(&named.address).is_none();
        let mut all: Vec<&Named> = keys().filter_map(|key| self.there.get(&key)).flatten().filter(is_current).collect();
        if place.only_names {
            all.extend(keys().filter_map(|key| self.foretold.get(&key)).flatten());
        }
        nearest(&all, identity).map(|named| &named.address)
    }
}

/// Two regions behind endpoints of their own may have the same account, and so the same ARNs, and two engines the same
/// names: then the object with the same host is meant.
fn nearest<'a>(all: &[&'a Named], identity: &Identity) -> Option<&'a Named> {
    let here = (identity.host_str(), identity.scope());
    let near = all.iter().find(|named| (named.identity.host_str(), named.identity.scope()) == here);
    near.or(all.first()).copied()
}

fn known_by(address: &Address, known: &impl Resolver, kinds: &Catalog) -> Option<String> {
    let kind = kinds.get(address.kind())?;
    let (attributes, outputs) = (known.attributes_of(address)?, known.outputs_of(address)?);
    kind.known_by(attributes, outputs).map(str::to_owned)
}

/// Whether a value has this text somewhere in it.
fn says(value: &Value, text: &str) -> bool {
    match value {
        Value::String(own) => own == text,
        Value::List(items) => items.iter().any(|item| says(item, text)),
        Value::Map(entries) => entries.values().any(|item| says(item, text)),
        _ => false,
    }
}

fn is_said(attribute: &Attribute, attributes: &Attributes) -> bool {
    names_others(&attribute.ty) && !attributes.get(attribute.name).is_null()
}

/// Whether a value of this type can name another resource by its address.
fn names_others(ty: &Type) -> bool {
    match ty {
        Type::Address(_) => true,
        Type::List(item) | Type::Set(item) | Type::Map(item) => names_others(item),
        Type::Object(attributes) | Type::WordOrObject(_, attributes) => {
            attributes.iter().any(|attribute| names_others(&attribute.ty))
        }
        _ => false,
    }
}

/// A value with other texts where it names another resource; `other` gets the place of each, and the text.
fn replaced(
    attribute: &Attribute,
    value: &Value,
    other: &mut impl FnMut(AddressPlace<'_>, &str) -> Option<String>,
) -> Value {
    replaced_in(&attribute.ty, !attribute.only_names.is_empty(), value, other)
}

fn replaced_in(
    ty: &Type,
    only_names: bool,
    value: &Value,
    other: &mut impl FnMut(AddressPlace<'_>, &str) -> Option<String>,
) -> Value {
    match (ty, value) {
        (Type::Address(kinds), Value::String(text)) => other(AddressPlace { kinds, only_names }, text)
            .map_or_else(|| value.clone(), |text| Value::String(text.into())),
        (Type::List(item) | Type::Set(item), Value::List(items)) => {
            Value::List(items.iter().map(|value| replaced_in(item, only_names, value, other)).collect())
        }
        (Type::Map(item), Value::Map(entries)) => {
            let entry = |(key, value): (&Text, &Value)| (key.clone(), replaced_in(item, only_names, value, other));
            Value::Map(entries.iter().map(entry).collect())
        }
        (Type::Object(attributes) | Type::WordOrObject(_, attributes), Value::Map(entries)) => {
            let entry = |(key, value): (&Text, &Value)| {
                let attribute = attributes.iter().find(|attribute| attribute.name == key.as_str());
                let value = attribute.map_or_else(|| value.clone(), |attribute| replaced(attribute, value, other));
                (key.clone(), value)
            };
            Value::Map(entries.iter().map(entry).collect())
        }
        _ => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::{name, resolved};
    use crate::address::Address;
    use crate::identity::Identity;
    use crate::kind::{self, Catalog, Outputs, Usage};
    use crate::observed::{Condition, Mark, Object, Owner};
    use crate::plan::{Foretold, Known, Resolved};
    use crate::value::{Attributes, Value};

    fn queue(region: &str, name: &str, attributes: &[(&'static str, &str)]) -> Object {
        let identity = Identity::root("region", region).inside("queue", name);
        let attributes = attributes.iter().map(|(name, toml)| (*name, kind::literal(toml)));
        Object {
            kind: kind::get("queue").expect("a kind").into(),
            identity: identity.clone(),
            hosts: identity.host().into_iter().collect(),
            attributes: attributes.collect(),
            outputs: Outputs::from_iter([("arn".into(), format!("arn:aws:sqs:x:0:{name}"))]),
            usage: Usage::new(),
            mark: Some(Mark {
                project: "p".into(),
                environment: "e".into(),
                address: Address::new("queue", name, Some(region)),
                protect: false,
                on_remove: crate::desired::OnRemove::Delete,
                needs: Vec::new(),
                applied: String::new(),
            }),
            external: false,
            unsaid: Vec::new(),
            condition: Condition::Ready,
        }
    }

    #[test]
    fn what_stands_for_an_address_is_put_in_and_taken_out_again() {
        let dead = queue("a", "dead", &[]);
        let wanted: Attributes =
            [("dead_letter", kind::literal("{ queue = \"queue.dead@a\", max_receives = 3 }"))].into_iter().collect();
        let mut known = Known::default();
        let facts = Resolved {
            attributes: std::borrow::Cow::Borrowed(&dead.attributes),
            outputs: std::borrow::Cow::Borrowed(&dead.outputs),
        };
        known.learn(Address::new("queue", "dead", Some("a")), facts);
        let told = resolved(&dead.kind, &wanted, &known, &Catalog::default()).expect("it is there");
        assert_eq!(told.at("dead_letter.queue").and_then(Value::as_str), Some("arn:aws:sqs:x:0:dead"));
        let gone = resolved(&dead.kind, &wanted, &Known::default(), &Catalog::default()).expect_err("it is not there");
        assert_eq!(gone.to_string(), "`dead_letter` names queue.dead@a, which is not there yet");
        // Two regions with one account: the queue in the same region is meant.
        let (mut near, mut far) = (queue("a", "dead", &[]), queue("b", "dead", &[]));
        let mut object = queue("a", "live", &[]);
        object.attributes = told;
        let mut later = object.clone();
        let (owner, nothing) = (Owner::new("p", "e"), Foretold::default());
        name(vec![&mut far, &mut near, &mut object], &[], &owner, |_| None, |_| None, &nothing);
        assert_eq!(object.attributes, wanted);
        // And so it is when the others were named before.
        name(vec![&mut later], &[far, near], &owner, |_| None, |_| None, &nothing);
        assert_eq!(later.attributes, wanted);
    }

    #[test]
    fn what_belongs_to_others_stays_as_the_api_says_it() {
        let mut object =
            queue("a", "live", &[("dead_letter", "{ queue = \"arn:aws:sqs:x:9:theirs\", max_receives = 3 }")]);
        let before = object.attributes.clone();
        name(vec![&mut object], &[], &Owner::new("p", "e"), |_| None, |_| None, &Foretold::default());
        assert_eq!(object.attributes, before);
    }
}
