//! The data of Secrets whose values are kept elsewhere: resolved here, written to the cluster, and told to nobody else.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value as Json, json};

use crate::driver::DriverError;
use crate::driver::secret::Secrets;
use crate::value::{Attributes, Text, Value};

/// What stands in the place of a value that is on the cluster.
const SOME_VALUE: &str = "(a value)";
/// What stands in the place of one that is not what its reference leads to.
const OTHER_VALUE: &str = "(another value)";

/// The data that references mean, as a Secret has it; none where it is no such Secret. What is left to others stays as it is live.
///
/// # Errors
/// When a reference leads nowhere.
pub fn data(
    secrets: &Secrets,
    attributes: &Attributes,
    live: Option<&Json>,
) -> Result<Option<Map<String, Json>>, DriverError> {
    let Value::Map(references) = attributes.get("secrets") else { return Ok(None) };
    let mut data = Map::new();
    for (key, reference) in references.iter().filter(|(_, reference)| reference.is_known()) {
        let encoded = match reference {
            Value::Map(_) => Some(STANDARD.encode(bytes(secrets, reference)?).into()),
            _ => live.map(|live| live["data"][key.as_str()].clone()).filter(Json::is_string),
        };
        data.extend(encoded.map(|encoded| (key.to_string(), encoded)));
    }
    Ok(Some(data))
}

/// Why the data of a Secret can't be had, where it can't.
#[must_use]
pub fn missing(secrets: &Secrets, attributes: &Attributes) -> Option<String> {
    data(secrets, attributes, None).err().map(|error| error.chain())
}

/// Puts the data that references mean into a manifest.
///
/// # Errors
/// When a reference leads nowhere.
pub fn fill(
    secrets: &Secrets,
    attributes: &Attributes,
    live: Option<&Json>,
    object: &mut Json,
) -> Result<(), DriverError> {
    if let Some(data) = data(secrets, attributes, live)? {
        object["data"] = Json::Object(data);
    }
    Ok(())
}

/// Whether a Secret has this data.
pub fn has(live: &Json, data: &Map<String, Json>) -> bool {
    data.iter().all(|(key, value)| live["data"][key.as_str()] == *value)
}

/// The references that are wanted, but where a Secret has something else, a word in the place of its value.
pub fn masked(wanted: &Value, told: &Value) -> Value {
    let Value::Map(told) = told else { return Value::Null };
    let one = |(key, item): (&Text, &Value)| match item {
        Value::Map(_) => item.clone(),
        item if wanted.at(&crate::path::join("", key)) == Some(item) => item.clone(),
        _ => OTHER_VALUE.into(),
    };
    Value::map(told.iter().map(|(key, item)| (key.clone(), one((key, item)))).collect())
}

/// The keys of the data of a Secret, without their values.
pub fn keys(data: &Value) -> Value {
    let Value::Map(data) = data else { return Value::Null };
    Value::map(data.keys().map(|key| (key.clone(), SOME_VALUE.into())).collect())
}

/// The value that a reference leads to. A password that somebody wrote into a file ends with a line break that is no part of it; a key
/// or a certificate of several lines is taken as it is, as OpenSSH wants a line break at the end of a key.
fn bytes(secrets: &Secrets, reference: &Value) -> Result<Vec<u8>, DriverError> {
    if !reference.at("password").is_none_or(Value::is_null) {
        return credentials(secrets, reference);
    }
    let mut bytes = secrets.bytes(reference)?;
    let line = bytes.strip_suffix(b"\n").map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    if let Some(length) =
        line.filter(|line| !line.contains(&b'\n') && std::str::from_utf8(line).is_ok()).map(<[u8]>::len)
    {
        bytes.truncate(length);
    }
    Ok(bytes)
}

/// The credentials of a registry, as kubelets read them:
/// <https://kubernetes.io/docs/tasks/configure-pod-container/pull-image-private-registry/#inspecting-the-secret-regcred>.
fn credentials(secrets: &Secrets, registry: &Value) -> Result<Vec<u8>, DriverError> {
    let text = |name: &str| registry.at(name).and_then(Value::as_str).unwrap_or_default();
    let password = secrets.text(registry.at("password").unwrap_or(&Value::Null))?;
    let username = text("username");
    let auth = STANDARD.encode(format!("{username}:{password}"));
    let config = json!({ "auths": { text("server"): { "username": username, "password": password, "auth": auth } } });
    Ok(config.to_string().into_bytes())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn secrets(folder: &std::path::Path) -> Secrets {
        let get = |name: &str| (name == "TOKEN").then(|| "hunter2".to_owned());
        Secrets::new(folder.to_owned(), Arc::new(get), Arc::default())
    }

    fn reference(json: Json) -> Attributes {
        Attributes::from_iter([("secrets", Value::from(json))])
    }

    #[test]
    fn a_line_break_at_the_end_of_one_line_is_no_part_of_it() {
        let folder = tempfile::tempdir().expect("made");
        let cases: [(&str, &[u8], &[u8]); 4] = [
            ("unix", b"hunter2\n", b"hunter2"),
            ("dos", b"hunter2\r\n", b"hunter2"),
            ("key", b"-----BEGIN\nabc\n", b"-----BEGIN\nabc\n"),
            ("bytes", b"\xff\xfe\n", b"\xff\xfe\n"),
        ];
        for (name, content, wanted) in cases {
            std::fs::write(folder.path().join(name), content).expect("written");
            let attributes = reference(json!({ "a.b": { "file": name } }));
            let data = data(&secrets(folder.path()), &attributes, None).expect("there").expect("a Secret");
            assert_eq!(data["a.b"], STANDARD.encode(wanted), "{name}");
        }
    }

    #[test]
    fn credentials_of_a_registry_are_as_kubelets_read_them() {
        let registry = json!({ "server": "ghcr.io", "username": "bot", "password": { "env": "TOKEN" } });
        let attributes = reference(json!({ ".dockerconfigjson": registry }));
        let data = data(&secrets(std::path::Path::new(".")), &attributes, None).expect("there").expect("a Secret");
        let text = STANDARD.decode(data[".dockerconfigjson"].as_str().expect("a text")).expect("base64");
        let read: Json = serde_json::from_slice(&text).expect("JSON");
        assert_eq!(read["auths"]["ghcr.io"]["auth"], STANDARD.encode("bot:hunter2"));
    }

    #[test]
    fn what_a_secret_has_is_masked() {
        let wanted = Value::from(json!({ "a": { "env": "TOKEN" }, "b": { "env": "OTHER" }, "left": "(a value)" }));
        let told =
            Value::from(json!({ "a": { "env": "TOKEN" }, "b": "aHVudGVyMg==", "left": "(a value)", "old": "eA==" }));
        let masked = masked(&wanted, &told);
        assert_eq!(
            masked,
            Value::from(json!({
                "a": { "env": "TOKEN" }, "b": OTHER_VALUE, "left": "(a value)", "old": OTHER_VALUE,
            }))
        );
    }
}
