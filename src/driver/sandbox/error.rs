//! What can go wrong with the sandbox's world.

use crate::driver::{Class, DriverError};

/// A problem of the world itself, or one that a call in it runs into.
#[derive(Debug, thiserror::Error)]
pub enum WorldError {
    /// The database could not be used.
    #[error("the sandbox's world can't be used")]
    Database(#[from] rusqlite::Error),
    /// The file could not be looked at.
    #[error("the sandbox's world can't be read")]
    Disk(#[source] std::io::Error),
    /// A stored object could not be read.
    #[error("the sandbox's world holds something unreadable at `{0}`")]
    Unreadable(String),
    /// The call itself fails.
    #[error(transparent)]
    Call(#[from] DriverError),
}

impl From<WorldError> for DriverError {
    fn from(error: WorldError) -> Self {
        match error {
            WorldError::Call(error) => error,
            WorldError::Database(rusqlite::Error::SqliteFailure(failure, _))
                if failure.code == rusqlite::ErrorCode::DatabaseBusy =>
            {
                Self::new(Class::Transient, "the sandbox's world is busy")
            }
            WorldError::Database(error) => Self::from_source(Class::Invalid, "the sandbox's database failed", error),
            error => Self::from_source(Class::Invalid, "the sandbox's world is unusable", error),
        }
    }
}
