//! What is there and nobody's, as blocks of a spec: how something that exists comes under Atlas.

use std::collections::{BTreeMap, BTreeSet};

use super::blocks;
use super::error::RunError;
use super::open::Opened;
use super::plan::recorded;
use crate::address::Address;
use crate::driver::{self, Class, DriverError};
use crate::identity::Identity;
use crate::observed::{Mark, Object, Observed};
use crate::plan::{Foretold, references};
use crate::spec::{block_name, is_secret_name};
use crate::value::Value;

/// What is there and nobody's.
#[derive(Debug, Default)]
pub struct Survey {
    /// The resources that the objects would be.
    pub addresses: Vec<Address>,
    /// Their blocks, as a spec writes them.
    pub text: String,
    /// Variables of containers that look like secrets, as `ADDRESS: NAME`: their values stand in the text.
    pub secrets: Vec<String>,
    /// What could not be looked at, and why.
    pub unseen: BTreeMap<Identity, String>,
}

/// Looks for everything that is nobody's: in a region of the spec, or without one on the container engines. Where names are
/// given, only what is called so; `*` stands for anything in them.
///
/// # Errors
/// When the region is not in the spec or does not answer, or a driver can't be asked.
pub async fn survey(opened: &Opened, region: Option<&Address>, names: &[String]) -> Result<Survey, RunError> {
    let (recorded, _) = recorded(opened)?;
    let pipeline = &opened.pipeline;
    let observed = pipeline.observe(&recorded).await?;
    let host = match region {
        None => None,
        Some(address) => Some(host(opened, &observed, address)?),
    };
    let driver::Listing { mut objects, mut unreachable, .. } = driver::survey(&pipeline.sessions, host).await?;
    // What the spec has is for `adopt ADDRESS` to take over.
    let wanted: BTreeSet<&str> = pipeline.desired.objects().map(|one| one.identity.as_str()).collect();
    let is_named = |name: &str| names.is_empty() || names.iter().any(|pattern| fits(pattern, name));
    objects.retain(|object| !wanted.contains(object.identity.as_str()) && is_named(&object.identity.name()));
    let place = host.map(|host| host.identity.name().into_owned());
    // Where one can't be said, what names it can't be said either.
    let raw = objects.clone();
    let mut left_out: BTreeSet<Identity> = BTreeSet::new();
    let addresses = loop {
        objects = raw.iter().filter(|object| !left_out.contains(&object.identity)).cloned().collect();
        let addresses = name_all(opened, &mut objects, place.as_deref());
        let (all, others) = (objects.iter_mut().collect(), observed.objects());
        references::name(all, others, pipeline.sessions.owner(), |_| None, |_| None, &Foretold::default());
        let faults = objects.iter().filter_map(|object| Some((object.identity.clone(), blocks::fault(object)?)));
        let faults: Vec<(Identity, String)> = faults.collect();
        if faults.is_empty() {
            break addresses;
        }
        left_out.extend(faults.iter().map(|(identity, _)| identity.clone()));
        unreachable.extend(faults);
    };
    let desired = &pipeline.desired;
    let environment = Some(&*desired.environment).filter(|name| desired.environments.iter().any(|one| one == name));
    let all = objects.iter().zip(&addresses);
    let text = all.map(|(object, address)| blocks::block(object, address, environment)).collect();
    let secrets = objects.iter().zip(&addresses).flat_map(|(object, address)| secrets(object, address)).collect();
    Ok(Survey { addresses, text, secrets, unseen: unreachable })
}

/// The object of a region.
fn host<'a>(opened: &Opened, observed: &'a Observed, address: &Address) -> Result<&'a Object, RunError> {
    let instance = opened.pipeline.desired.get(address);
    let found = instance.and_then(|instance| observed.at(&instance.identity));
    found.ok_or_else(|| {
        let why = match instance {
            None => format!("the spec has no {address}"),
            Some(instance) => match observed.why_unreachable(&instance.identity) {
                Some(why) => format!("{address} {why}"),
                None => format!("{address} is not there"),
            },
        };
        RunError::Driver(DriverError::new(Class::Unreachable, why))
    })
}

/// Gives each object the address that its resource would have, as a provisional mark, so that objects can name each other.
fn name_all(opened: &Opened, objects: &mut [Object], place: Option<&str>) -> Vec<Address> {
    let (desired, owner) = (&opened.pipeline.desired, opened.pipeline.sessions.owner());
    let mut taken: BTreeSet<(&str, String)> =
        desired.instances().iter().map(|one| (one.kind.name, one.address.name().to_owned())).collect();
    let mut addresses = Vec::new();
    for object in objects {
        let base = block_name(&object.identity.name());
        let free = |name: &String| !taken.contains(&(object.kind.name, name.clone()));
        let numbered = (2..).map(|number| format!("{base}-{number}"));
        let name = std::iter::once(base.clone()).chain(numbered).find(free).unwrap_or(base.clone());
        taken.insert((object.kind.name, name.clone()));
        let address = Address::new(object.kind.name, &name, place);
        object.mark = Some(Mark::unapplied(owner, address.clone()));
        addresses.push(address);
    }
    addresses
}

/// The variables of a container whose names say that their values are secret.
fn secrets(object: &Object, address: &Address) -> Vec<String> {
    let Value::Map(variables) = object.attributes.get("environment") else { return Vec::new() };
    variables.keys().filter(|name| is_secret_name(name)).map(|name| format!("{address}: {name}")).collect()
}

/// Whether a name is as a pattern says, in which `*` stands for anything.
fn fits(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((begin, rest)) => name.strip_prefix(begin).is_some_and(|name| {
            name.char_indices().map(|(at, _)| at).chain([name.len()]).any(|at| fits(rest, &name[at..]))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn a_star_stands_for_anything() {
        for (pattern, name, so) in [
            ("shop", "shop", true),
            ("shop", "shops", false),
            ("shop-*", "shop-web-1", true),
            ("shop-*", "shop", false),
            ("*-web-*", "shop-web-1", true),
            ("*", "", true),
            ("a*b*c", "axxbxc", true),
            ("a*b*c", "axxbx", false),
        ] {
            assert_eq!(fits(pattern, name), so, "{pattern} {name}");
        }
    }
}
