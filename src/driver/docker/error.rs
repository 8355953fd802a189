//! From the engine's errors to classes, and to the way out.

use std::error::Error as _;
use std::io::ErrorKind;

use bollard::errors::Error;

use crate::driver::{Class, DriverError};

/// Whether the engine says that something is not there.
pub(super) fn is_absent(error: &Error) -> bool {
    matches!(error, Error::DockerResponseServerError { status_code: 404, .. })
}

/// Whether the engine says that it is so already.
pub(super) fn is_done(error: &Error) -> bool {
    matches!(error, Error::DockerResponseServerError { status_code: 304, .. })
}

/// Classifies an error; `what` was being done.
pub(super) fn classify(what: &str, error: &Error) -> DriverError {
    match error {
        Error::DockerResponseServerError { status_code, message } => {
            let (class, hint) = of_server(*status_code, message);
            DriverError::new(class, format!("{what}: {}{hint}", message.trim_end_matches('.')))
        }
        Error::DockerStreamError { error } => DriverError::new(Class::Invalid, format!("{what}: {error}")),
        Error::RequestTimeoutError => {
            DriverError::new(Class::Unreachable, format!("{what}: the engine takes too long to answer"))
        }
        Error::JsonDataError { message, .. } => {
            DriverError::new(Class::Invalid, format!("{what}: the engine's answer can't be read: {message}"))
        }
        _ => {
            let class = if io_kind(error).is_some() || innermost(error).contains("connection") {
                Class::Unreachable
            } else {
                Class::Transient
            };
            DriverError::new(class, format!("{what}: {}", innermost(error)))
        }
    }
}

fn of_server(status: u16, message: &str) -> (Class, &'static str) {
    match status {
        _ if message.contains("no space left on device") => {
            (Class::Invalid, "; free some on the engine's disk, for example with `docker system prune`")
        }
        _ if message.contains("could not find an available") && message.contains("address pool") => {
            (Class::Invalid, "; remove networks that nobody uses, or give this one a `subnet`")
        }
        _ if message.contains("Pool overlaps") => {
            (Class::Invalid, "; another network has these addresses: choose others")
        }
        _ if message.contains("exec format error") => (Class::Invalid, "; the image is for another architecture"),
        _ if message.contains("unable to apply caps") => {
            (Class::Invalid, "; this engine runs no privileged containers")
        }
        _ if is_remainder(message) => (
            Class::Transient,
            "; the engine holds a remainder of it since it died: restart the engine, or make a new one with --replace",
        ),
        _ if ["OCI runtime create failed", "operation not permitted", "operation not supported"]
            .iter()
            .any(|words| message.contains(words)) =>
        {
            (Class::Invalid, "")
        }
        400 | 404 => (Class::Invalid, ""),
        401 | 403 => (Class::Denied, ""),
        409 => (Class::Conflict, ""),
        429 => (Class::Throttled, ""),
        _ if message.contains("already allocated") || message.contains("address already in use") => {
            (Class::Conflict, "")
        }
        _ if message.contains("no such file or directory") || message.contains("executable file not found") => {
            (Class::Invalid, "")
        }
        _ => (Class::Transient, ""),
    }
}

/// Whether an engine that does not know a container to run finds a process of it all the same. It says so while that process
/// ends as well, so that one more try may help (moby/moby#36145, moby/moby#39630).
fn is_remainder(message: &str) -> bool {
    (message.contains("task ") && message.contains("already exists")) || message.contains("container with id exists")
}

/// Why an engine could not be reached at all, and the way out.
pub(super) fn refused(address: &str, error: &Error) -> DriverError {
    let (class, why) = match io_kind(error) {
        Some(ErrorKind::NotFound) => (
            Class::Unreachable,
            "there is no such socket; start Docker or Podman, or say in DOCKER_HOST where the engine listens".into(),
        ),
        Some(ErrorKind::PermissionDenied) => (
            Class::Denied,
            "permission denied; join the group that owns the socket (`docker` as a rule), or use an engine of your own"
                .into(),
        ),
        Some(ErrorKind::ConnectionRefused) => {
            (Class::Unreachable, "nobody listens there; start the engine, or correct DOCKER_HOST".into())
        }
        _ if matches!(error, Error::SocketNotFoundError(_)) => (
            Class::Unreachable,
            "there is no such socket; start Docker or Podman, or say in DOCKER_HOST where the engine listens".into(),
        ),
        _ => (Class::Unreachable, innermost(error)),
    };
    DriverError::new(class, format!("the container engine at {address} does not answer: {why}"))
}

/// The operating system's error that it comes from.
fn io_kind(error: &Error) -> Option<ErrorKind> {
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = next {
        if let Some(io) = error.downcast_ref::<std::io::Error>()
            && io.kind() != ErrorKind::Other
        {
            return Some(io.kind());
        }
        next = error.source();
    }
    None
}

fn innermost(error: &Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(inner) = next {
        text = inner.to_string();
        next = inner.source();
    }
    text
}
