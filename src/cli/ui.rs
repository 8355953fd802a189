//! The sole writer to the terminal.

use std::borrow::Cow;
use std::io::{self, BufRead as _, BufWriter, IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;

use super::args::Global;
use super::environment;
use crate::style::{Palette, Role, is_harmful, readable};

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
        // A reader that is gone changes nothing: the work is done, and the exit code still tells its result.
        let _ = self.pass(guarded(text, self.palette).as_bytes());
    }

    /// All that is typed or piped in.
    ///
    /// # Errors
    /// When it can't be read, or is no text.
    pub fn rest(&self) -> io::Result<String> {
        io::read_to_string(io::stdin().lock())
    }

    /// Writes a document that other programs read: as it is, unless a terminal shows it.
    pub fn document(&self, text: &str) {
        if io::stdout().is_terminal() {
            self.out(&readable(&text.replace("\r\n", "\n")));
        } else {
            let _ = self.pass(text.as_bytes());
        }
    }

    /// Passes on what somebody else wrote, as it is. Whether anybody still reads.
    pub fn pass(&self, bytes: &[u8]) -> bool {
        let mut stdout = io::stdout().lock();
        let written = stdout.write_all(bytes).and_then(|()| stdout.flush());
        self.is_written(written)
    }

    /// Whether something was written; when not, and somebody still reads, that is said once.
    fn is_written(&self, written: io::Result<()>) -> bool {
        let Err(error) = written else { return true };
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
        // JSON escapes control characters by itself.
        let _ = self.pass(format!("{value}\n").as_bytes());
    }

    /// Writes one JSON value for people to read as well, as it is made: a large one is never there a second time.
    pub fn out_pretty(&self, value: &impl Serialize) {
        let mut stdout = BufWriter::with_capacity(1 << 16, io::stdout().lock());
        let written = serde_json::to_writer_pretty(&mut stdout, value).map_err(io::Error::from);
        let written = written.and_then(|()| stdout.write_all(b"\n")).and_then(|()| stdout.flush());
        // What could not be written is not tried again when the buffer goes.
        let _ = stdout.into_parts();
        let _ = self.is_written(written);
    }

    /// Says something besides the result: not when quiet, not among JSON.
    pub fn note(&self, text: &str) {
        if !self.quiet && !self.json {
            self.out(text);
        }
    }

    /// Says something beside the output proper, which `--quiet` leaves out.
    pub fn side(&self, text: &str) {
        if !self.quiet && !self.json {
            self.err(text);
        }
    }

    /// Says something that must not be missed.
    pub fn err(&self, text: &str) {
        write_error(&guarded(text, self.error_palette));
    }

    /// Asks a question that only `yes` answers. None when there is no terminal to ask at.
    ///
    /// The answer is waited for on a thread of its own, which the end of the program does not wait for.
    pub async fn ask(&self, question: &str) -> Option<bool> {
        if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
            return None;
        }
        self.err(&format!("{} ", self.error_palette.paint(Role::Strong, question)));
        let read = || {
            let mut answer = String::new();
            io::stdin().lock().read_line(&mut answer).map(|_| answer)
        };
        let answer = tokio::task::spawn_blocking(read).await.ok()?.ok()?;
        Some(answer.trim() == "yes")
    }
}

/// Says what is wrong with the command line. It repeats what was typed, so it has no colour when that holds control
/// characters.
pub fn write_usage(error: &clap::Error) {
    let typed = std::env::args_os().any(|one| one.to_string_lossy().contains(is_harmful));
    let coloured = !typed && environment::colour().unwrap_or_else(|| io::stderr().is_terminal());
    let text = error.render();
    let text = if coloured { text.ansi().to_string() } else { text.to_string() };
    write_error(&guarded(&text, Palette::new(coloured)));
}

/// A text without effects on the terminal, except the colours that were asked for. What was typed, and names of files,
/// may stand anywhere in it.
fn guarded(text: &str, palette: Palette) -> Cow<'_, str> {
    let suspicious = |byte: u8| byte < b' ' && !b"\n\t".contains(&byte) || matches!(byte, 0x7f | 0xc2 | 0xe2);
    if !text.bytes().any(suspicious) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if let Some(colour) = colour(rest).filter(|_| palette.has_colour()) {
            safe.push_str(colour);
            rest = &rest[colour.len()..];
            continue;
        }
        match c {
            '\n' | '\t' => safe.push(c),
            c if is_harmful(c) => safe.extend(c.escape_unicode()),
            c => safe.push(c),
        }
        rest = &rest[c.len_utf8()..];
    }
    Cow::Owned(safe)
}

/// The sequence that sets a colour with which a text begins.
fn colour(text: &str) -> Option<&str> {
    let inside = text.strip_prefix("\u{1b}[")?;
    let end = inside.find(|c: char| !c.is_ascii_digit() && c != ';')?;
    inside[end..].starts_with('m').then(|| &text[..end + 3])
}

/// Writes to standard error, where no [`Ui`] is at hand.
pub fn write_error(text: &str) {
    // If standard error is closed as well, the message is lost.
    let _ = io::stderr().lock().write_all(text.as_bytes());
}
