//! What services wait for: each says it of another one, and here that one says when it counts as there.

use std::collections::{BTreeMap, BTreeSet};

use super::service::ServiceDraft;
use super::untaken::Untakable;
use super::yaml::{Yaml, YamlEntry};
use crate::value::Value;

/// Turns what services need into `depends_on`, and into what those that are needed say of themselves.
pub(super) fn meet(services: &mut [ServiceDraft<'_>]) {
    let by_name: BTreeMap<String, usize> =
        services.iter().enumerate().map(|(at, service)| (service.name.to_owned(), at)).collect();
    for at in 0..services.len() {
        let needs = std::mem::take(&mut services[at].needs);
        let mut known: BTreeSet<String> = BTreeSet::new();
        for need in needs {
            let Some(other) = by_name.get(&need.service).copied().filter(|other| !services[*other].left_out) else {
                let why = format!("there is no block for the service `{}`", need.service);
                services[at].leave("depends_on", need.line, Untakable::new(why, "it does not wait for that then"));
                continue;
            };
            if services[at].left_out {
                continue;
            }
            let from = YamlEntry { key: "depends_on".into(), line: need.line, value: Yaml::default() };
            for address in services[at].file.addresses("container", &need.service) {
                if known.insert(address.clone()) {
                    services[at].push("depends_on", Value::from(address.as_str()), &from);
                }
            }
            match need.condition.as_str() {
                "service_healthy" => services[other].set("wait", "healthy", &from),
                "service_completed_successfully" => services[other].set("run", "once", &from),
                _ => {}
            }
        }
    }
}
