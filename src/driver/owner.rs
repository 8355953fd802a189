//! Whose an object is, told the same way by every driver.

use super::{Class, DriverError};
use crate::observed::Mark;

/// Whether the mark on an object is of this resource, whatever else it says.
pub(super) fn owned_by(there: Option<&Mark>, owner: &Mark) -> bool {
    there.is_some_and(|mark| {
        (&mark.project, &mark.environment, &mark.address) == (&owner.project, &owner.environment, &owner.address)
    })
}

/// The refusal to touch an object that is somebody else's.
pub(super) fn taken(there: Option<&Mark>, identity: &str) -> DriverError {
    let owner = match there {
        Some(mark) => format!("{} of project {}, environment {}", mark.address, mark.project, mark.environment),
        None => "nobody that Atlas knows".into(),
    };
    DriverError::new(Class::Conflict, format!("`{identity}` is there and belongs to {owner}"))
}
