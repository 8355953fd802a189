//! Texts that nobody can guess, and that nobody else has.

use crate::driver::{Class, DriverError};

/// A random text. `what` says for what, in the error.
pub(super) fn token(what: &str) -> Result<String, DriverError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| {
        DriverError::new(Class::Transient, format!("this machine gives no random numbers for {what}: {error}"))
    })?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
