//! How the server says no: a status object with a code, a reason and details.

use serde_json::{Value, json};

/// A refused request.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The status code.
    pub code: u16,
    /// The whole status object.
    pub body: Value,
    /// After how many seconds the client may try again.
    pub retry_after: Option<u32>,
}

/// What a request is about, as messages name it.
#[derive(Clone, Debug, Default)]
pub struct Subject {
    /// The API group.
    pub group: String,
    /// The plural of the kind.
    pub resource: String,
    /// The kind.
    pub kind: String,
    /// The name of the object.
    pub name: String,
}

impl Subject {
    fn shown(&self) -> String {
        if self.group.is_empty() { self.resource.clone() } else { format!("{}.{}", self.resource, self.group) }
    }

    fn details(&self, kind: &str) -> Value {
        let mut details = json!({ "name": self.name, "group": self.group, "kind": kind });
        if let Some(details) = details.as_object_mut() {
            details.retain(|_, value| value != "");
        }
        details
    }
}

/// One thing that is wrong with an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// Its sort, as `FieldValueInvalid`.
    pub reason: &'static str,
    /// What is wrong.
    pub message: String,
    /// Where.
    pub field: String,
}

impl Cause {
    /// A value that is wrong.
    pub fn invalid(field: &str, value: &Value, detail: &str) -> Self {
        let message = format!("Invalid value: {}: {detail}", shown(value));
        Self { reason: "FieldValueInvalid", message, field: field.to_owned() }
    }

    /// A value that must be there.
    pub fn required(field: &str, detail: &str) -> Self {
        let message = if detail.is_empty() { "Required value".to_owned() } else { format!("Required value: {detail}") };
        Self { reason: "FieldValueRequired", message, field: field.to_owned() }
    }

    /// What may not be.
    pub fn forbidden(field: &str, detail: &str) -> Self {
        Self { reason: "FieldValueForbidden", message: format!("Forbidden: {detail}"), field: field.to_owned() }
    }

    /// A value that is not one of the known ones.
    pub fn unsupported(field: &str, value: &str, known: &[&str]) -> Self {
        let known: Vec<String> = known.iter().map(|word| format!("{word:?}")).collect();
        let message = format!("Unsupported value: {value:?}: supported values: {}", known.join(", "));
        Self { reason: "FieldValueNotSupported", message, field: field.to_owned() }
    }

    /// A value that is there twice.
    pub fn duplicate(field: &str, value: &str) -> Self {
        let message = format!("Duplicate value: {value:?}");
        Self { reason: "FieldValueDuplicate", message, field: field.to_owned() }
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Object(_) | Value::Array(_) => value.to_string(),
        value => value.to_string(),
    }
}

impl Failure {
    /// A status object.
    pub fn new(code: u16, reason: &str, message: impl Into<String>) -> Self {
        let mut body = json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure" });
        body["message"] = json!(message.into());
        if !reason.is_empty() {
            body["reason"] = json!(reason);
        }
        body["code"] = json!(code);
        Self { code, body, retry_after: None }
    }

    /// With details.
    pub fn details(mut self, details: Value) -> Self {
        let code = self.body.as_object_mut().and_then(|body| body.shift_remove("code"));
        self.body["details"] = details;
        self.body["code"] = code.unwrap_or_default();
        self
    }

    /// 400.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    /// 404 for an object.
    pub fn not_found(subject: &Subject) -> Self {
        let message = format!("{} {:?} not found", subject.shown(), subject.name);
        Self::new(404, "NotFound", message).details(subject.details(&subject.resource))
    }

    /// 404 for a path.
    pub fn no_such_path() -> Self {
        Self::new(404, "NotFound", "the server could not find the requested resource").details(json!({}))
    }

    /// 405.
    pub fn not_allowed() -> Self {
        Self::new(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")
            .details(json!({}))
    }

    /// 409 for an object that is there already.
    pub fn exists(subject: &Subject, leaving: bool) -> Self {
        let start = if leaving { "object is being deleted: " } else { "" };
        let message = format!("{start}{} {:?} already exists", subject.shown(), subject.name);
        Self::new(409, "AlreadyExists", message).details(subject.details(&subject.resource))
    }

    /// 409 for another version.
    pub fn conflict(subject: &Subject, why: &str) -> Self {
        let message = format!("Operation cannot be fulfilled on {} {:?}: {why}", subject.shown(), subject.name);
        Self::new(409, "Conflict", message).details(subject.details(&subject.resource))
    }

    /// 409 for a version that is not the newest.
    pub fn modified(subject: &Subject) -> Self {
        Self::conflict(
            subject,
            "the object has been modified; please apply your changes to the latest version and try again",
        )
    }

    /// 409 for fields that other managers own.
    pub fn owned(message: String, causes: &[Cause]) -> Self {
        Self::new(409, "Conflict", message).details(json!({ "causes": listed(causes) }))
    }

    /// 422.
    pub fn invalid(subject: &Subject, causes: &[Cause]) -> Self {
        let mut all: Vec<String> = Vec::new();
        for cause in causes {
            let text = format!("{}: {}", cause.field, cause.message);
            // The message says nothing twice; the causes do.
            if !all.contains(&text) {
                all.push(text);
            }
        }
        let all = if let [one] = all.as_slice() { one.clone() } else { format!("[{}]", all.join(", ")) };
        let kind =
            if subject.group.is_empty() { subject.kind.clone() } else { format!("{}.{}", subject.kind, subject.group) };
        let mut details = subject.details(&subject.kind);
        details["causes"] = listed(causes);
        Self::new(422, "Invalid", format!("{kind} {:?} is invalid: {all}", subject.name)).details(details)
    }

    /// 422 for the options of a request.
    pub fn options(kind: &str, cause: Cause) -> Self {
        let subject = Subject { group: "meta.k8s.io".to_owned(), kind: kind.to_owned(), ..Subject::default() };
        Self::invalid(&subject, &[cause])
    }

    /// 422 for a patch that does not fit.
    pub fn unfit() -> Self {
        Self::new(422, "Invalid", "the server rejected our request due to an error in our request").details(json!({}))
    }

    /// 403 for an object.
    pub fn forbidden(subject: &Subject, why: &str) -> Self {
        let message = format!("{} {:?} is forbidden: {why}", subject.shown(), subject.name);
        Self::new(403, "Forbidden", message).details(subject.details(&subject.resource))
    }

    /// 403 for a namespace that is on its way out.
    pub fn terminating(subject: &Subject, namespace: &str) -> Self {
        let why = format!("unable to create new content in namespace {namespace} because it is being terminated");
        let mut failure = Self::forbidden(subject, &why);
        failure.body["details"]["causes"] = json!([{
            "reason": "NamespaceTerminating",
            "message": format!("namespace {namespace} is being terminated"),
            "field": "metadata.namespace",
        }]);
        failure
    }

    /// 500 with its cause.
    pub fn internal(message: &str) -> Self {
        Self::new(500, "InternalError", format!("Internal error occurred: {message}"))
            .details(json!({ "causes": [{ "message": message }] }))
    }

    /// 410 for a version that is too old.
    pub fn gone(message: &str) -> Self {
        Self::new(410, "Expired", message)
    }
}

fn listed(causes: &[Cause]) -> Value {
    causes
        .iter()
        .map(|cause| json!({ "reason": cause.reason, "message": cause.message, "field": cause.field }))
        .collect()
}
