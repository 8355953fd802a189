//! From the client's errors to classes, and to words without credentials in them.

use kube::Error;
use kube::client::AuthError;
use kube::config::KubeconfigError;

use crate::driver::{Class, DriverError};

/// A kubeconfig that can't be used, and why.
pub(super) fn unusable(what: &str, error: &KubeconfigError) -> DriverError {
    if let KubeconfigError::Parse(error) = error {
        // The reader repeats the lines around a fault, and there may be a token among them.
        let at = error.location().map_or_else(String::new, |at| format!(" at line {}", at.line()));
        return DriverError::new(Class::Invalid, format!("{what} can't be used: it is no YAML of a kubeconfig{at}"));
    }
    DriverError::new(Class::Invalid, format!("{what} can't be used: {}", whole(error)))
}

/// Classifies what came of a call on an object.
pub(super) fn refused(error: &Error) -> DriverError {
    let Error::Api(status) = error else {
        // A connection that was closed in the midst of a call says nothing of the next one.
        let told = classify(error);
        let passes = ["connection closed", "connection reset", "broken pipe", "IncompleteMessage"];
        let class = if passes.iter().any(|words| told.message.contains(words)) { Class::Transient } else { told.class };
        return DriverError::new(class, told.message);
    };
    let because =
        |word: &str| status.details.iter().flat_map(|details| &details.causes).any(|cause| cause.reason == word);
    let class = match status.code {
        // What is being removed is gone soon, and can be made again then.
        403 if because("NamespaceTerminating") => Class::Transient,
        401 | 403 => Class::Denied,
        409 => Class::Conflict,
        429 => Class::Throttled,
        // The manifest does not fit its schema, which is told as an error of the server's own.
        500 if status.message.contains("failed to create typed patch object") => Class::Invalid,
        // A webhook that does not answer yet is told as an error of the server's own.
        408 | 410 | 500..=599 => Class::Transient,
        _ => Class::Invalid,
    };
    let said = if status.message.is_empty() { &status.reason } else { &status.message };
    DriverError::new(class, said.trim().to_owned())
}

/// Classifies what came of a question.
pub(super) fn classify(error: &Error) -> DriverError {
    match error {
        Error::Api(status) => {
            let class = match status.code {
                401 | 403 => Class::Denied,
                429 => Class::Throttled,
                404 => Class::Invalid,
                // What is not ready, or has no leader, is as good as not there.
                _ => Class::Unreachable,
            };
            let said = if status.message.is_empty() { &status.reason } else { &status.message };
            DriverError::new(class, format!("it answers with {} {}", status.code, said.trim()))
        }
        Error::Auth(error) => credentials(error),
        Error::InferKubeconfig(error) => unusable("the kubeconfig", error),
        Error::Service(inner) => match inner.downcast_ref::<AuthError>() {
            Some(error) => credentials(error),
            None => DriverError::new(Class::Unreachable, whole(inner.as_ref())),
        },
        Error::HyperError(_) => DriverError::new(Class::Unreachable, whole(error)),
        other => DriverError::new(Class::Invalid, whole(other)),
    }
}

/// Whether the server does not know who asks: the credentials may have ended, and others may be there by now.
pub(super) fn is_unknown(error: &DriverError) -> bool {
    error.class == Class::Denied && error.message.starts_with("it answers with 401")
}

/// Why there are no credentials. The standard output of the program for them is left out: it may hold some.
fn credentials(error: &AuthError) -> DriverError {
    let why = match error {
        AuthError::AuthExecStart(error) => format!("the program for its credentials can't be run: {error}"),
        AuthError::AuthExecRun { out, .. } => {
            let said = String::from_utf8_lossy(&out.stderr);
            let said = said.trim().lines().last().unwrap_or("nothing").trim().to_owned();
            format!("the program for its credentials fails, and says: {said}")
        }
        AuthError::AuthExecParse(_) => "the program for its credentials gives none that can be read".into(),
        other => whole(other),
    };
    DriverError::new(Class::Denied, why)
}

/// An error with what it comes from, each said once.
fn whole(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(inner) = next {
        let more = inner.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        next = inner.source();
    }
    text
}
