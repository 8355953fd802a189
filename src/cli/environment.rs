//! The process's environment: the one place that reads it.
#![allow(clippy::disallowed_methods, reason = "the one place that reads the environment")]

use std::collections::BTreeMap;
use std::time::Duration;

/// The variables that `ATLAS_VAR_name` gives, by name, each with where it comes from.
pub fn variables() -> BTreeMap<String, (String, String)> {
    std::env::vars_os()
        .filter_map(|(key, value)| {
            let key = key.into_string().ok()?;
            let name = key.strip_prefix("ATLAS_VAR_")?.to_owned();
            Some((name, (value.into_string().ok()?, key)))
        })
        .collect()
}

/// At which crash point a test wants this process to die, and where it wants the points written down.
#[cfg(feature = "crash-points")]
pub fn crash_orders() -> Option<(u64, Option<std::path::PathBuf>)> {
    let die_at = std::env::var("ATLAS_CRASH_AT").ok()?.parse().ok()?;
    Some((die_at, std::env::var_os("ATLAS_CRASH_LOG").map(Into::into)))
}

/// A variable that a driver asks for by name: where an engine listens, the value of a secret.
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// What sort of terminal this is.
#[cfg(all(feature = "docker", unix))]
pub fn terminal() -> String {
    std::env::var("TERM").unwrap_or_else(|_| "xterm".into())
}

/// How long a lease lasts that is not renewed: `ATLAS_LEASE_SECONDS`, half a minute by default.
pub fn lease() -> Duration {
    let seconds = std::env::var("ATLAS_LEASE_SECONDS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.filter(|seconds| *seconds > 0).unwrap_or(30))
}

/// Whether the environment asks for colour or against it; none when it says nothing.
/// See <https://no-color.org> and <https://bixense.com/clicolors/>.
pub fn colour() -> Option<bool> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    if set("NO_COLOR").is_some() {
        return Some(false);
    }
    if set("CLICOLOR_FORCE").is_some_and(|value| value != "0") {
        return Some(true);
    }
    match set("TERM") {
        Some(term) if term == "dumb" => Some(false),
        _ => set("CLICOLOR").filter(|value| value == "0").map(|_| false),
    }
}

/// The width that `COLUMNS` asks for.
pub fn columns() -> Option<usize> {
    std::env::var("COLUMNS").ok()?.parse().ok().filter(|width| *width >= 20)
}
