//! Logs for whoever looks inside: to standard error, only when asked for.

use tracing_subscriber::EnvFilter;

/// Starts logging. `verbosity` is how often `-v` was given: nothing, Atlas's own steps, everything of Atlas's.
///
/// Libraries are heard from `warn` on only: below that, some of them write down whole requests with their credentials.
pub fn start(verbosity: u8, colour: bool) {
    let filter = match verbosity {
        0 => return,
        1 => "atlas=debug",
        _ => "warn,atlas=trace",
    };
    // A second start, as tests do it, changes nothing.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter))
        .with_ansi(colour)
        .with_writer(std::io::stderr)
        .without_time()
        .try_init();
}
