//! What the server refuses of metadata: names, labels, annotations, finalizers, owners.

use serde_json::Value;

use super::failure::Cause;
use super::json;
use super::kinds::Kind;

const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and \
                         must start and end with an alphanumeric character (e.g. 'example.com', regex used for \
                         validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start \
                     and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is \
                     '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const LABEL_VALUE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and \
                           must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', \
                           regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const QUALIFIED: &str = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an \
                         alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation \
                         is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

/// What is wrong with a change to the metadata of an object.
pub fn change(old: &Value, new: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    for field in ["name", "namespace", "uid", "creationTimestamp", "deletionTimestamp"] {
        let path = format!("metadata.{field}");
        if json::at(old, &path) != json::at(new, &path) {
            let value = json::at(new, &path).cloned().unwrap_or(Value::String(String::new()));
            causes.push(Cause::invalid(&path, &value, "field is immutable"));
        }
    }
    if json::at(old, "metadata.deletionTimestamp").is_some() {
        let before = json::list(old, "metadata.finalizers");
        let added: Vec<&Value> =
            json::list(new, "metadata.finalizers").iter().filter(|one| !before.contains(one)).collect();
        if !added.is_empty() {
            let names: Vec<String> = added.iter().map(|one| format!("{one}")).collect();
            let detail = format!(
                "no new finalizers can be added if the object is being deleted, found new finalizers \
                 []string{{{}}}",
                names.join(", ")
            );
            causes.push(Cause::forbidden("metadata.finalizers", &detail));
        }
    }
    // The server looks at the metadata twice.
    causes.extend(causes.clone());
    causes
}

fn inner(c: char, more: &str) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit() || more.contains(c)
}

/// Whether a text is a DNS label.
pub fn is_label(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| inner(c, "-")) && !text.starts_with('-') && !text.ends_with('-')
}

fn is_qualified(text: &str, upper_bound: usize) -> bool {
    let ends = |c: char| c.is_ascii_alphanumeric();
    text.len() <= upper_bound
        && text.starts_with(ends)
        && text.ends_with(ends)
        && text.chars().all(|c| ends(c) || "-_.".contains(c))
}

/// What is wrong with the metadata of an object.
pub fn metadata(kind: &Kind, object: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    name(kind, json::text(object, "metadata.name"), &mut causes);
    for (index, finalizer) in json::list(object, "metadata.finalizers").iter().enumerate() {
        let text = finalizer.as_str().unwrap_or_default();
        // Of custom resources nobody asks for more than a qualified name: Argo CD's own finalizer has no slash.
        let is_own = kind.group.is_empty() || !kind.group.contains('.') || kind.group.ends_with(".k8s.io");
        if is_own && !text.contains('/') && !["foregroundDeletion", "orphan", "kubernetes"].contains(&text) {
            let detail = "name is neither a standard finalizer name nor is it fully qualified";
            causes.push(Cause::invalid(&format!("metadata.finalizers[{index}]"), finalizer, detail));
        }
    }
    labels(object, "metadata.labels", &mut causes);
    annotations(object, &mut causes);
    for owner in json::list(object, "metadata.ownerReferences") {
        for field in ["apiVersion", "kind", "name", "uid"] {
            if json::text(owner, field).is_empty() {
                let path = format!("metadata.ownerReferences.{field}");
                let detail = if field == "apiVersion" { "version must not be empty" } else { "must not be empty" };
                causes.push(Cause::invalid(&path, &"".into(), detail));
            }
        }
    }
    causes
}

fn name(kind: &Kind, name: &str, causes: &mut Vec<Cause>) {
    let free = kind.group == "rbac.authorization.k8s.io";
    let (fits, most, rule) = match kind.kind.as_str() {
        _ if free => (!name.contains(['/', '%']) && name != "." && name != "..", usize::MAX, "may not contain '/'"),
        "Service" | "Namespace" if name.contains('.') => (false, 63, "must not contain dots"),
        "Service" | "Namespace" => (is_label(name), 63, LABEL),
        _ => (name.split('.').all(is_label), 253, SUBDOMAIN),
    };
    if name.is_empty() {
        causes.push(Cause::required("metadata.name", "name or generateName is required"));
    } else if !fits {
        causes.push(Cause::invalid("metadata.name", &name.into(), rule));
    }
    if name.len() > most {
        let unit = if kind.is("Service") { "characters" } else { "bytes" };
        causes.push(Cause::invalid("metadata.name", &name.into(), &format!("must be no more than {most} {unit}")));
    }
}

fn annotations(object: &Value, causes: &mut Vec<Cause>) {
    let mut total = 0;
    for (name, value) in json::members(object, "metadata.annotations") {
        qualified(&name.to_lowercase(), name, "metadata.annotations", causes);
        total += name.len() + value.as_str().map_or(0, str::len);
    }
    if total > 262_144 {
        let message = "Too long: may not be more than 262144 bytes".to_owned();
        let field = "metadata.annotations".to_owned();
        causes.push(Cause { reason: "FieldValueTooLong", message, field });
    }
}

/// Says what is wrong with a name that may have a prefix; `shown` is how it was given.
fn qualified(name: &str, shown: &str, path: &str, causes: &mut Vec<Cause>) {
    let mut refuse = |detail: &str| causes.push(Cause::invalid(path, &shown.into(), detail));
    let parts: Vec<&str> = name.split('/').collect();
    let part = match parts.as_slice() {
        [part] => part,
        [prefix, part] => {
            if prefix.is_empty() {
                refuse("prefix part must be non-empty");
            } else if !prefix.split('.').all(is_label) {
                refuse(&format!("prefix part {SUBDOMAIN}"));
            }
            part
        }
        _ => {
            let rule = QUALIFIED.strip_prefix("name part ").unwrap_or(QUALIFIED);
            return refuse(&format!(
                "a valid label key {rule} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
            ));
        }
    };
    if part.is_empty() {
        refuse("name part must be non-empty");
    } else if part.len() > 63 {
        refuse("name part must be no more than 63 bytes");
    }
    if !is_qualified(part, usize::MAX) {
        refuse(QUALIFIED);
    }
}

fn labels(object: &Value, path: &str, causes: &mut Vec<Cause>) {
    for (name, value) in json::members(object, path) {
        qualified(name, name, path, causes);
        let text = value.as_str().unwrap_or_default();
        if text.len() > 63 {
            causes.push(Cause::invalid(path, value, "must be no more than 63 bytes"));
        }
        if !text.is_empty() && !is_qualified(text, usize::MAX) {
            causes.push(Cause::invalid(path, value, LABEL_VALUE));
        }
    }
}
