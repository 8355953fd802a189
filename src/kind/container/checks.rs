//! What is wrong with a container in its spec.

use crate::diagnostic::code;
use crate::kind::view::{Findings, Resource, View};
use crate::path::join;
use crate::value::{Attributes, Value};

pub fn check(resource: &Resource<'_>, _: &dyn View, findings: &mut Findings) {
    health(resource.attributes, findings);
    variables(resource.attributes, findings);
    companions(resource.attributes, findings);
}

fn health(attributes: &Attributes, findings: &mut Findings) {
    let health = attributes.get("health");
    if attributes.get("wait").as_str() == Some("healthy") && health.is_null() {
        // The image may bring a health check of its own, which only the engine knows.
        findings.warning(
            "wait",
            &code::HEALTH_OF_IMAGE,
            "it waits to be healthy, and the spec says no `health`",
            "set `health`, unless the image has a health check of its own",
        );
    }
    let says = |key: &str| health.at(key).is_some_and(|value| !value.is_null());
    if !health.is_null() && says("command") == says("shell") {
        findings.error(
            "health",
            &code::HEALTH_COMMAND,
            "a health check has one of `command` and `shell`",
            "keep `command = [\"redis-cli\", \"ping\"]`, or `shell = \"redis-cli ping | grep PONG\"`",
        );
    }
}

/// Engines take variables as `NAME=VALUE`, and a container has each of them once.
fn variables(attributes: &Attributes, findings: &mut Findings) {
    let entries = |name: &str| match attributes.get(name) {
        Value::Map(entries) => entries.keys().map(ToString::to_string).collect(),
        _ => Vec::new(),
    };
    let (plain, secret) = (entries("environment"), entries("secrets"));
    for (list, names) in [("environment", &plain), ("secrets", &secret)] {
        for name in names.iter().filter(|name| name.is_empty() || name.contains(['=', '\0'])) {
            findings.error(
                join(list, name),
                &code::VARIABLE_NAME,
                format!("`{}` is no name of an environment variable", name.escape_debug()),
                "a name has one character at least, and no `=`",
            );
        }
    }
    for name in secret.iter().filter(|name| plain.contains(name)) {
        findings.error(
            join("secrets", name),
            &code::SAID_TWICE,
            format!("`{name}` stands in `environment` as well"),
            "keep one of them",
        );
    }
}

/// What an engine drops, or refuses, without something else.
fn companions(attributes: &Attributes, findings: &mut Findings) {
    let says = |name: &str| !attributes.get(name).is_null();
    let mut missing = |name: &'static str, other: &str, so: bool| {
        if says(name) && !so {
            let why = format!("`{name}` counts only with `{other}`");
            findings.error(name, &code::WITHOUT_ITS_COMPANION, why, format!("say `{other}`, or remove `{name}`"));
        }
    };
    let on_failure = attributes.get("restart").as_str() == Some("on-failure");
    missing("restart_retries", "restart = \"on-failure\"", on_failure);
    missing("swap_mib", "memory_mib", says("memory_mib"));
    if says("ports") && says("network_mode") {
        findings.error(
            "ports",
            &code::WITHOUT_ITS_COMPANION,
            "no port is published for a container that has no network of its own",
            "remove `ports` or `network_mode`",
        );
    }
}
