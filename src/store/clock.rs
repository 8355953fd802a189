//! The one place that asks for the time of day.

use std::time::SystemTime;
#[cfg(feature = "aws")]
use std::time::{Duration, Instant};

/// This moment in UTC, to the second. It is written down and shown, and never decides anything.
#[allow(clippy::disallowed_methods, reason = "the one place that asks for the time of day")]
pub fn now() -> String {
    let seconds = jiff::Timestamp::now().as_second();
    jiff::Timestamp::from_second(seconds).map(|time| time.to_string()).unwrap_or_default()
}

/// This moment, for the times of files.
#[allow(clippy::disallowed_methods, reason = "a lease is about time, and this is where it is looked at")]
pub fn this_moment() -> SystemTime {
    SystemTime::now()
}

/// Milliseconds since 1970.
pub fn since_1970() -> u64 {
    let now = this_moment().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}

/// A moment by both clocks of the machine: one of them goes on while the machine sleeps, and nobody can set the other one
/// back.
#[cfg(feature = "aws")]
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    wall: SystemTime,
    steady: Instant,
}

#[cfg(feature = "aws")]
impl Moment {
    /// This moment.
    pub fn now() -> Self {
        Self { wall: this_moment(), steady: Instant::now() }
    }

    /// How long ago it was, by the clock that says more.
    pub fn elapsed(self) -> Duration {
        let wall = this_moment().duration_since(self.wall).unwrap_or_default();
        wall.max(self.steady.elapsed())
    }
}
