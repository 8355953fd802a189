//! Retrying a look after an error that may pass.

use std::time::Duration;

use super::{Class, DriverError};

/// How often one look is tried.
const ATTEMPTS: u32 = 5;

/// Retries a look after an error that may pass, on top of what an SDK itself tries: one bad answer among thousands must
/// not make a whole region unknown, nor fail a step before it began.
///
/// # Errors
/// The last one, once it was tried often enough, or at once when to try again can't help.
pub async fn with_retries<T, F>(look: impl Fn() -> F) -> Result<T, DriverError>
where
    F: Future<Output = Result<T, DriverError>>,
{
    let mut pause = Duration::from_millis(100);
    for _ in 1..ATTEMPTS {
        match look().await {
            Err(error) if matches!(error.class, Class::Transient | Class::Throttled) => {
                tracing::debug!(error = error.chain(), ?pause, "looking again");
                tokio::time::sleep(pause).await;
                pause *= 2;
            }
            other => return other,
        }
    }
    look().await
}
