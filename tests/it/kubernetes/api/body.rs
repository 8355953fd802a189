//! How a write is asked for, and what is read out of its body.

use serde_json::{Value, json};

use super::decode::decode;
use super::defaults;
use super::failure::{Cause, Failure, Subject};
use super::json;
use super::kinds::Kind;
use super::managers::Writing;
use super::path::Set;
use super::pod_checks;
use super::world::Key;

/// What becomes of fields that a kind does not have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unknown {
    /// Nothing is said.
    Ignore,
    /// The answer warns.
    #[default]
    Warn,
    /// The request is refused.
    Refuse,
}

/// How a write is to be done.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The name of the manager.
    pub manager: String,
    /// Whether an apply takes what others own.
    pub force: bool,
    /// Whether nothing is kept.
    pub dry_run: bool,
    /// What becomes of unknown fields.
    pub unknown: Unknown,
}

/// What a write is about.
#[derive(Clone, Debug)]
pub struct Target {
    /// The kind.
    pub kind: Kind,
    /// The namespace; empty for none.
    pub namespace: String,
    /// The name; empty for a create.
    pub name: String,
    /// The subresource; empty for the object itself.
    pub subresource: String,
}

/// What came of a write.
#[derive(Clone, Debug)]
pub struct Written {
    /// The object.
    pub object: Value,
    /// Whether it is new.
    pub created: bool,
    /// What the answer warns of.
    pub warnings: Vec<String>,
}

impl Target {
    /// Where the object is.
    pub fn key(&self) -> Key {
        Key::of(&self.kind, &self.namespace, &self.name)
    }

    /// The write of a manager.
    pub fn writing<'a>(
        &'a self,
        version: &'a str,
        options: &'a Options,
        ignored: &'a Set,
        now: &'a str,
    ) -> Writing<'a> {
        Writing {
            shape: &self.kind.shape,
            version,
            manager: &options.manager,
            subresource: &self.subresource,
            ignored,
            now,
        }
    }
}

/// Reads a body, and says whether an empty list was left out of it: refuses what is no object of the kind, drops what the kind does not have, fills in defaults.
pub fn read(
    kind: &Kind,
    body: &Value,
    options: &Options,
    warnings: &mut Vec<String>,
) -> Result<(Value, bool), Failure> {
    let (api, name) = (json::text(body, "apiVersion"), json::text(body, "kind"));
    let refuse = |why: &str| {
        let name = if name.is_empty() { &kind.kind } else { name };
        let (version, wanted) = (&kind.version, &kind.kind);
        Err(Failure::bad_request(format!("{name} in version {version:?} cannot be handled as a {wanted}: {why}")))
    };
    if !body.is_object() {
        return refuse("couldn't get version/kind; json parse error");
    }
    if kind.custom && !api.is_empty() && api != kind.api_version() {
        return Err(Failure::bad_request(format!(
            "the API version in the data ({api}) does not match the expected API version ({})",
            kind.api_version()
        )));
    }
    if kind.custom && !name.is_empty() && name != kind.kind {
        let subject = Subject { kind: name.to_owned(), ..kind.subject(json::text(body, "metadata.name")) };
        let cause = Cause::invalid("kind", &json!(name), &format!("must be {}", kind.kind));
        return Err(Failure::invalid(&subject, &[cause]));
    }
    if !api.is_empty() && api != kind.api_version() {
        return refuse(&format!(
            "no kind {:?} is registered for version {api:?} in scheme \
             \"k8s.io/kubernetes/pkg/api/legacyscheme/scheme.go:30\"",
            if name.is_empty() { &kind.kind } else { name }
        ));
    }
    if !name.is_empty() && name != kind.kind {
        let group = if kind.group.is_empty() { "core" } else { kind.group.split('.').next().unwrap_or_default() };
        return refuse(&format!("converting ({}.{name}) to ({group}.{}): unknown conversion", kind.version, kind.kind));
    }
    let decoded = decode(kind, body);
    if let Some(misfit) = decoded.misfit.filter(|_| !kind.custom) {
        return refuse(&misfit);
    }
    let broken = |text: &Value| !text.as_str().is_some_and(defaults::is_base64);
    if kind.is("Secret") && json::members(body, "data").any(|(_, text)| broken(text)) {
        return refuse("illegal base64 data at input byte 0");
    }
    let words: Vec<String> = decoded.unknown.iter().map(|path| format!("unknown field {path:?}")).collect();
    match options.unknown {
        Unknown::Refuse if !words.is_empty() => return refuse(&format!("strict decoding error: {}", words.join(", "))),
        Unknown::Warn => warnings.extend(words),
        _ => {}
    }
    let mut object = decoded.object;
    defaults::fill(kind, &mut object);
    if !kind.custom {
        for path in ["spec.template.spec", "spec.jobTemplate.spec.template.spec"] {
            warnings.extend(json::at(&object, path).into_iter().flat_map(|spec| pod_checks::warnings(spec, path)));
        }
        if kind.kind == "Pod" {
            warnings.extend(json::at(&object, "spec").into_iter().flat_map(|spec| pod_checks::warnings(spec, "spec")));
        }
    }
    Ok((object, decoded.emptied))
}
