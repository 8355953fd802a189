//! Waiting until a container is what it should be.

use std::time::Duration;

use bollard::models::{ContainerInspectResponse, ContainerStateStatusEnum as Status, HealthStatusEnum};
use bollard::query_parameters::LogsOptionsBuilder;
use futures_util::StreamExt as _;

use super::super::engine::Engine;
use super::super::pace::Pace;
use super::inspect;
use super::look::lack_of_memory;
use crate::driver::probe::{answers, connects};
use crate::driver::{Class, DriverError};
use crate::value::{Attributes, Value};

/// How long one probe may take.
const PROBE: Duration = Duration::from_secs(3);
/// After this many restarts by the engine itself, the container counts as one that does not stay up.
const RESTARTS: i64 = 5;
/// How often it is looked.
const PAUSE: Duration = Duration::from_millis(100);

/// What has to be so.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Wait {
    /// It runs once, and has to end well.
    pub once: bool,
    pub healthy: bool,
    pub http: Option<String>,
    pub tcp: Option<String>,
    pub log: Option<String>,
}

impl Wait {
    /// What the spec says of a container.
    pub fn of(wanted: &Attributes) -> Self {
        let value = wanted.get("wait");
        let once = wanted.get("run").as_str() == Some("once");
        let text = |key: &str| value.at(key).filter(|_| !value.is_null()).and_then(Value::as_str).map(str::to_owned);
        let healthy = value.as_str() == Some("healthy");
        Self { once, healthy, http: text("http"), tcp: text("tcp"), log: text("log") }
    }

    fn is_more_than_running(&self) -> bool {
        self.healthy || self.http.is_some() || self.tcp.is_some() || self.log.is_some()
    }
}

/// Waits until a container runs and all of this is so, within the time of its step.
pub(super) async fn wait(
    engine: &Engine,
    id: &str,
    wait: &Wait,
    pace: &Pace<'_>,
) -> Result<ContainerInspectResponse, DriverError> {
    let limit = pace.limit;
    let mut before = None;
    // While the engine starts it again it runs for a moment, and has no exit code then.
    let mut last_end = None;
    let mut first_count = None;
    loop {
        let seen = inspect(engine, id).await?;
        let seen = seen.ok_or_else(|| DriverError::new(Class::Conflict, "the container was removed meanwhile"))?;
        let state = seen.state.clone().unwrap_or_default();
        // Only what happens while it is waited for counts.
        let count = seen.restart_count.unwrap_or_default();
        let restarts = count - *first_count.get_or_insert(count);
        if wait.once && state.status == Some(Status::EXITED) && state.exit_code == Some(0) {
            return Ok(seen);
        }
        let ended = matches!(state.status, Some(Status::EXITED | Status::DEAD)) || restarts >= RESTARTS;
        if state.status == Some(Status::RESTARTING) {
            last_end = state.exit_code;
        }
        let missing = match missing(engine, id, &seen, wait, pace.left().min(PROBE)).await? {
            None if wait.once => "it is not done".to_owned(),
            // A container that fails at once still runs for a moment, so one that only has to run is looked at twice.
            None if wait.is_more_than_running() || before == Some(state.started_at.clone()) => return Ok(seen),
            None => "it does not go on running".to_owned(),
            Some(missing) => missing,
        };
        before = Some(state.started_at.clone());
        let late = pace.left() < PAUSE;
        if ended || late {
            let said = last_words(engine, id).await;
            let why = match ended {
                true if restarts >= RESTARTS => format!(
                    "it ended again and again, {restarts} times, with exit code {}",
                    last_end.or(state.exit_code).unwrap_or_default()
                ),
                true => {
                    format!("it ended with exit code {}{}", state.exit_code.unwrap_or_default(), lack_of_memory(&state))
                }
                false => match last_end {
                    Some(code) => {
                        format!("{missing} after {} s: it ends again and again, with exit code {code}", limit.as_secs())
                    }
                    None => format!("{missing} after {} s", limit.as_secs()),
                },
            };
            return Err(DriverError::new(Class::Invalid, format!("{why}{said}")));
        }
        pace.waiting(&missing);
        tokio::time::sleep(PAUSE).await;
    }
}

/// What is still missing, in words.
async fn missing(
    engine: &Engine,
    id: &str,
    seen: &ContainerInspectResponse,
    wait: &Wait,
    probe: Duration,
) -> Result<Option<String>, DriverError> {
    let state = seen.state.clone().unwrap_or_default();
    if state.status != Some(Status::RUNNING) {
        return Ok(Some("it does not run".into()));
    }
    if wait.healthy {
        let health = state.health.unwrap_or_default();
        if health.status != Some(HealthStatusEnum::HEALTHY) {
            let last = health.log.and_then(|log| log.last().and_then(|one| one.output.clone())).unwrap_or_default();
            let last = if last.trim().is_empty() { String::new() } else { format!(", which says `{}`,", short(&last)) };
            let word = match health.status {
                Some(HealthStatusEnum::STARTING | HealthStatusEnum::UNHEALTHY) => "its health check does not pass",
                _ => "it has no health check to pass",
            };
            return Ok(Some(format!("{word}{last}")));
        }
    }
    if let Some(url) = &wait.http
        && let Err(why) = answers(url, probe).await
    {
        return Ok(Some(format!("{url} does not answer well ({why})")));
    }
    if let Some(address) = &wait.tcp
        && let Err(why) = connects(address, probe).await
    {
        return Ok(Some(format!("{address} takes no connections ({why})")));
    }
    if let Some(text) = &wait.log
        && !logs(engine, id, "all").await?.contains(text.as_str())
    {
        return Ok(Some(format!("it has not written `{text}`")));
    }
    Ok(None)
}

/// The last lines that it wrote, for the message about what went wrong.
async fn last_words(engine: &Engine, id: &str) -> String {
    match logs(engine, id, "5").await {
        Ok(text) if !text.trim().is_empty() => format!("; its last words: `{}`", short(&text)),
        _ => String::new(),
    }
}

async fn logs(engine: &Engine, id: &str, tail: &str) -> Result<String, DriverError> {
    let options = LogsOptionsBuilder::default().stdout(true).stderr(true).tail(tail).build();
    let mut lines = engine.docker().await?.logs(id, Some(options));
    let mut text = String::new();
    while let Some(Ok(line)) = lines.next().await {
        text.push_str(&line.to_string());
    }
    Ok(text)
}

/// At most two hundred characters, in one line.
fn short(text: &str) -> String {
    let line = text.trim().replace(['\n', '\r'], " ");
    match line.char_indices().nth(200) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line,
    }
}
