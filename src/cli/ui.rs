//! The sole writer to the terminal.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use std::sync::atomic::{AtomicBool, Ordering};

use super::args::Global;
use super::environment;
use crate::style::{Palette, Role};

/// The terminal, or whatever stands in its place.
pub struct Ui {
    palette: Palette,
    error_palette: Palette,
    width: usize,
    json: bool,
    quiet: bool,
    live: bool,
    unwritten: AtomicBool,
}

impl Ui {
    /// Looks at where output goes.
    pub fn new(global: &Global) -> Self {
        let wanted = if global.no_color { Some(false) } else { environment::colour() };
        let terminal = terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
        let out = io::stdout().is_terminal();
        let err = io::stderr().is_terminal();
        Self {
            palette: Palette::new(wanted.unwrap_or(out) && !global.json),
            error_palette: Palette::new(wanted.unwrap_or(err)),
            width: environment::columns().or(terminal).unwrap_or(100).clamp(40, 160),
            json: global.json,
            quiet: global.quiet,
            live: err && !global.json && !global.quiet,
            unwritten: AtomicBool::new(false),
        }
    }

    /// How standard output is painted.
    pub const fn palette(&self) -> Palette {
        self.palette
    }

    /// How standard error is painted.
    pub const fn error_palette(&self) -> Palette {
        self.error_palette
    }

    /// How many characters a line may have.
    pub const fn width(&self) -> usize {
        self.width
    }

    /// Whether JSON was asked for.
    pub const fn json(&self) -> bool {
        self.json
    }

    /// Whether only what matters was asked for.
    pub const fn quiet(&self) -> bool {
        self.quiet
    }

    /// Whether progress can be shown by moving the cursor.
    pub const fn live(&self) -> bool {
        self.live
    }

    /// Whether a person types what is read and sees what is written.
    #[cfg(all(feature = "docker", unix))]
    pub fn talks(&self) -> bool {
        io::stdin().is_terminal() && io::stdout().is_terminal()
    }

    /// Writes the result of a command. A reader that went away ends the program quietly.
    pub fn out(&self, text: &str) {
        // When nobody reads any more, what was done is done, and the exit code still tells.
        let _ = self.pass(text.as_bytes());
    }

    /// Passes on what somebody else wrote, as it is. Whether anybody still reads.
    pub fn pass(&self, bytes: &[u8]) -> bool {
        let mut stdout = io::stdout().lock();
        let Err(error) = stdout.write_all(bytes).and_then(|()| stdout.flush()) else { return true };
        if error.kind() != io::ErrorKind::BrokenPipe && !self.unwritten.swap(true, Ordering::Relaxed) {
            self.err(&format!("error: the output can't be written: {error}\n"));
        }
        false
    }

    /// Whether some output could not be written.
    pub fn failed(&self) -> bool {
        self.unwritten.load(Ordering::Relaxed)
    }

    /// Writes one JSON value, on a line of its own.
    pub fn out_json(&self, value: &serde_json::Value) {
        self.out(&format!("{value}\n"));
    }

    /// Writes one JSON value for people to read as well.
    pub fn out_pretty(&self, value: &serde_json::Value) {
        self.out(&format!("{}\n", serde_json::to_string_pretty(value).unwrap_or_default()));
    }

    /// Says something besides the result: not when quiet, not among JSON.
    pub fn note(&self, text: &str) {
        if !self.quiet && !self.json {
            self.out(text);
        }
    }

    /// Says something that whoever wants quiet can do without, beside the output proper.
    pub fn side(&self, text: &str) {
        if !self.quiet && !self.json {
            write_error(text);
        }
    }

    /// Says something that must not be missed.
    pub fn err(&self, text: &str) {
        write_error(text);
    }

    /// Asks a question that only `yes` answers. None when there is no terminal to ask at.
    pub fn ask(&self, question: &str) -> Option<bool> {
        if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
            return None;
        }
        self.err(&format!("{} ", self.error_palette.paint(Role::Strong, question)));
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer).ok()?;
        Some(answer.trim() == "yes")
    }
}

/// Writes to standard error, for whoever has no [`Ui`] at hand.
pub fn write_error(text: &str) {
    // If even standard error is gone there is nobody left to tell.
    let _ = io::stderr().lock().write_all(text.as_bytes());
}
