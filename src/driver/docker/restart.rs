//! An engine that is started again in the middle of a step is waited for, as long as the step may take.

use std::sync::PoisonError;
use std::time::Duration;

use bollard::errors::Error;
use tokio::time::Instant;

use super::engine::Engine;
use super::pace::Pace;
use crate::driver::{Class, DriverError};

/// How often it is asked whether it is there again, and how long one answer may take.
const PAUSE: Duration = Duration::from_millis(250);
const ANSWER: Duration = Duration::from_secs(5);
/// How long is waited where nobody says how long the step may take.
const USUAL: Duration = Duration::from_secs(120);

/// What came of a call; where its engine went away meanwhile and is there again, an error that lets the step try once more.
pub(super) async fn outlast<T>(
    engine: &Engine,
    pace: Option<&Pace<'_>>,
    result: Result<T, DriverError>,
) -> Result<T, DriverError> {
    match result {
        Err(error) if error.class == Class::Unreachable && is_there_again(engine, pace).await => {
            Err(DriverError { class: Class::Transient, ..error })
        }
        other => other,
    }
}

/// Waits for an engine that answered in this run. Several steps that wait for one do so until the same moment, so that an engine
/// that stays away is waited for once.
async fn is_there_again(engine: &Engine, pace: Option<&Pace<'_>>) -> bool {
    let Some(docker) = engine.connected() else { return false };
    let since = || engine.gone_since.lock().unwrap_or_else(PoisonError::into_inner);
    let end = *since().get_or_insert_with(Instant::now) + pace.map_or(USUAL, |pace| pace.limit);
    loop {
        match tokio::time::timeout(ANSWER, docker.ping()).await {
            Ok(Ok(_)) => {
                since().take();
                return true;
            }
            // One that takes the connection and says nothing is not one that is being started.
            Err(_) | Ok(Err(Error::RequestTimeoutError)) => return false,
            Ok(Err(_)) if Instant::now() >= end => return false,
            Ok(Err(_)) => {}
        }
        if let Some(pace) = pace {
            pace.waiting("the container engine does not answer");
        }
        tokio::time::sleep(PAUSE).await;
    }
}
