//! Logs of what happens inside: to standard error, only when asked for, and without hidden values.

use std::io::{self, Write};
use std::sync::{Arc, LazyLock};

use tracing_subscriber::EnvFilter;

use crate::driver::Hidden;

/// A process has one log, and so one set of values that it must not repeat.
static HIDDEN: LazyLock<Arc<Hidden>> = LazyLock::new(Arc::default);

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
        .with_writer(|| ScrubbedLines(io::stderr()))
        .without_time()
        .try_init();
}

/// What no line of the log repeats.
#[must_use]
pub fn hidden() -> &'static Arc<Hidden> {
    &HIDDEN
}

/// Lines of the log, each of which is written as one piece.
struct ScrubbedLines<W>(W);

impl<W: Write> Write for ScrubbedLines<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.write_all(HIDDEN.scrub(&String::from_utf8_lossy(line)).as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::{ScrubbedLines, hidden};

    #[test]
    fn no_line_repeats_a_hidden_value() {
        hidden().remember(b"a-password-of-a-test", "a test");
        let mut lines = ScrubbedLines(Vec::new());
        lines.write_all(b"DEBUG looking again error=\"bad password a-password-of-a-test\"\n").expect("written");
        assert_eq!(lines.0, b"DEBUG looking again error=\"bad password (secret)\"\n");
    }
}
