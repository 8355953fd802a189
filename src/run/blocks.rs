//! Objects as blocks of a spec.

use std::fmt::Write as _;

use crate::address::Address;
use crate::diagnostic::code;
use crate::kind::{Host, default_of};
use crate::observed::Object;
use crate::spec::{key, quoted, read_value, toml_of};

/// The block of an object: what it says beside the defaults of its kind. Nothing is said twice. In a spec with environments it
/// stands in the one that was looked at, as the others are other worlds.
pub fn block(object: &Object, address: &Address, environment: Option<&str>) -> String {
    let place = environment.map(|name| format!("environment.{}.", key(name))).unwrap_or_default();
    let mut text = format!("\n[{place}{}.{}]\n", address.kind(), key(address.name()));
    if environment.is_some() {
        text.push_str("new = true\n");
    }
    if let Some(place) = address.place().filter(|_| object.kind.host != Host::World) {
        let _ = writeln!(text, "regions = [{}]", quoted(place));
    }
    for attribute in object.kind.attributes.iter() {
        let value = object.attributes.get(attribute.name);
        let is_name = attribute.name == "name" && value.as_str() == Some(address.name());
        if !value.is_null() && !is_name && *value != default_of(attribute) {
            let _ = writeln!(text, "{} = {}", attribute.name, toml_of(value));
        }
    }
    text
}

/// What of an object no spec can say, and why; none when all of it can be said.
pub fn fault(object: &Object) -> Option<String> {
    object.kind.attributes.iter().find_map(|attribute| {
        let value = object.attributes.get(attribute.name);
        if value.is_null() || *value == default_of(attribute) {
            return None;
        }
        let found = read_value(&attribute.ty, &toml_of(value)).err()?;
        // What it names is found out once all blocks stand beside each other.
        let elsewhere =
            [&code::REFERENCE_TO_NOTHING, &code::NO_SUCH_PLACE, &code::SEVERAL_PLACES].map(|code| code.name);
        let mut faults = found.iter().filter(|fault| !elsewhere.contains(&fault.code.name));
        let why = faults.next()?.detail.clone();
        Some(format!("can't be said in a spec: `{}`: {why}", attribute.name))
    })
}
