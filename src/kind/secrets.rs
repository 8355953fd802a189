//! Secrets of apps and namespaces: Kubernetes Secrets whose values are kept elsewhere.

use super::rule;
use super::schema::{Attribute, Type};
use super::view::{Findings, Resource};
use crate::diagnostic::code;
use crate::path::join;
use crate::value::Value;

/// Secrets by name, each with its keys.
pub const SECRETS: Attribute = Attribute::new(
    "secrets",
    Type::map(const { &Type::map(const { &Type::Secret }) }),
    "Secrets that are kept in the namespace, each with its keys. The spec has references; their values are read when a Secret is \
     written, and stand nowhere else.",
    &[
        "{ ledger-db = { password = { env = \"LEDGER_DB_PASSWORD\" } } }",
        "{ ledger-db = { \"ca.crt\" = { file = \"secrets/ca.crt\" } } }",
    ],
);

/// Refuses names and keys that no Secret has.
///
/// <https://kubernetes.io/docs/concepts/configuration/secret/#restriction-names-data>
pub fn check(resource: &Resource<'_>, findings: &mut Findings) {
    let Value::Map(all) = resource.attributes.get(SECRETS.name) else { return };
    for (name, keys) in all.iter() {
        let path = join(SECRETS.name, name);
        refuse_name(name, &path, "Secret", findings);
        let Value::Map(keys) = keys else { continue };
        for key in keys.keys().filter(|key| !is_key(key)) {
            let detail = format!("`{key}` can't be a key of a Secret");
            let hint = "use letters, digits, `-`, `_` and `.`, at most 253";
            findings.error(join(&path, key), &code::BROKEN_RULE, detail, hint);
        }
    }
}

/// Refuses a name that no object in a namespace can have: <https://kubernetes.io/docs/concepts/overview/working-with-objects/names/>.
pub fn refuse_name(name: &str, path: &str, what: &str, findings: &mut Findings) {
    if let Err(fault) = (rule::DNS_SUBDOMAIN.check)(name) {
        let detail = format!("`{name}` can't be the name of a {what}: {}", fault.reason);
        findings.error(path, &code::BROKEN_RULE, detail, format!("write a {}", rule::DNS_SUBDOMAIN.says));
    }
}

fn is_key(key: &str) -> bool {
    let of_keys = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    (1..=253).contains(&key.len()) && key.chars().all(of_keys) && key != "." && !key.starts_with("..")
}
