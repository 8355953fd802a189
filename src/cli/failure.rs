//! Failures of commands, in words and exit codes.

use std::borrow::Cow;
use std::process::ExitCode;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::ui::Ui;
use crate::diagnostic::{Diagnostic, Diagnostics, Lines, Severity, SourceText, Span};
use crate::run::{FileError, Opened, Refusal, Rejection, RunError};
use crate::store::LockError;
use crate::style::{Palette, Role, readable};

/// Why a command failed.
#[derive(Debug)]
pub struct Failure(Box<Details>);

#[derive(Debug)]
struct Details {
    what: String,
    why: Option<String>,
    hint: Option<String>,
    diagnostics: Option<SourcedDiagnostics>,
    code: u8,
    told: bool,
}

/// Diagnostics with the text that they point into.
#[derive(Debug)]
struct SourcedDiagnostics {
    name: String,
    text: String,
    diagnostics: Diagnostics,
}

impl Failure {
    /// A failure, in one sentence.
    pub fn new(what: impl Into<String>) -> Self {
        Self(Box::new(Details { what: what.into(), why: None, hint: None, diagnostics: None, code: 1, told: false }))
    }

    /// A failure because of errors among diagnostics.
    pub fn found(source: SourceText<'_>, diagnostics: Diagnostics) -> Self {
        let found = SourcedDiagnostics { name: source.name.to_owned(), text: source.text.to_owned(), diagnostics };
        let mut failure = Self::new("the spec can't be used");
        failure.0.diagnostics = Some(found);
        failure
    }

    /// A failure that was told already.
    pub fn told() -> Self {
        let mut failure = Self::new("");
        failure.0.told = true;
        failure
    }

    /// What it comes from.
    pub fn because(mut self, why: impl Into<String>) -> Self {
        self.0.why = Some(why.into());
        self
    }

    /// The way out.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Another exit code than 1.
    pub fn code(mut self, code: u8) -> Self {
        self.0.code = code;
        self
    }

    /// Another summary.
    pub fn titled(mut self, what: impl Into<String>) -> Self {
        self.0.what = what.into();
        self
    }

    /// Says it, and gives the exit code.
    pub fn show(self, ui: &Ui) -> ExitCode {
        let Details { what, why, hint, diagnostics, code, told } = *self.0;
        let code = ExitCode::from(code);
        if told {
            return code;
        }
        if ui.json() {
            let found = diagnostics.as_ref();
            let diagnostics = found.map(|found| found.source().to_json(&found.diagnostics));
            ui.out_json(&serde_json::json!({
                "event": "error",
                "error": what,
                "cause": why,
                "hint": hint,
                "diagnostics": diagnostics.unwrap_or_else(|| serde_json::json!([])),
            }));
            return code;
        }
        // They may contain names of files and typed text.
        let (what, why, hint) = (readable(&what), why.map(|why| readable(&why)), hint.map(|hint| readable(&hint)));
        let palette = ui.error_palette();
        if let Some(found) = &diagnostics {
            ui.err(&render(found.source(), &found.diagnostics, palette, ui.width()));
            let errors = found.diagnostics.iter().filter(|one| one.severity == Severity::Error).count();
            let plural = if errors == 1 { "error" } else { "errors" };
            ui.err(&format!("{} {}: {errors} {plural}\n", palette.paint(Role::Delete, "error:"), what));
            return code;
        }
        let why = why.map(|why| format!(": {why}")).unwrap_or_default();
        ui.err(&format!("{} {}{why}\n", palette.paint(Role::Delete, "error:"), what));
        if let Some(hint) = hint {
            ui.err(&format!("{} {hint}\n", palette.paint(Role::Adopt, " help:")));
        }
        code
    }
}

impl SourcedDiagnostics {
    fn source(&self) -> SourceText<'_> {
        SourceText { name: &self.name, text: &self.text }
    }
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        match error {
            error @ RunError::File { .. } => file(error, "the spec"),
            RunError::Refused(refused) => {
                let Rejection { why, source, diagnostics } = *refused;
                Self::found(source.text(), diagnostics).titled(why.to_string())
            }
            RunError::Unwritten { path, source } => {
                Self::new(format!("`{}` can't be written", path.display())).because(source.to_string())
            }
            RunError::Locking(problem) => Self::new("the charts can't be locked").because(problem.to_string()),
            RunError::NoStore(source) => Self::new("the records can't be reached")
                .because(source.to_string())
                .hint("build Atlas with its default features"),
            RunError::World { folder, source } => Self::new(format!(
                "the sandbox's world in `{}` can't be opened",
                folder.display()
            ))
            .because(source.chain())
            .hint(
                "check the disk and its permissions; if the file is beyond repair, `atlas sandbox reset` begins a \
                         new world",
            ),
            RunError::Locked(error) => locked(error),
            RunError::Records(source) => {
                Self::new("the records can't be read, so it is not known what an interrupted run left open")
                    .because(source.to_string())
                    .hint(
                        "make them readable; without them, what such a run had just made may look like somebody else's",
                    )
            }
            RunError::Inventory(source) => {
                Self::new("the inventory can't be read, so it is not known what was there after the last run")
                    .because(source.to_string())
                    .hint("make it readable, or delete it: then what is gone looks as if it had never been there")
            }
            RunError::Journal(source) => {
                Self::new("the journal can't be written, so nothing was done").because(source.to_string())
            }
            RunError::Driver(error) => Self::new("the world can't be observed").because(error.chain()),
            RunError::Moved { .. } => Self::new("all of this plan has moved since it was saved; nothing was done")
                .hint("plan again, and apply that")
                .code(3),
        }
    }
}

/// The failure for a file that can't be used: the spec, or a plan.
pub fn file(error: RunError, what: &str) -> Failure {
    let RunError::File { path, source } = error else { return error.into() };
    let (name, spec) = (path.display(), what == "the spec");
    match source {
        FileError::Missing if spec => Failure::new(format!("{what} `{name}` can't be read"))
            .because("there is no such file")
            .hint("write one with `atlas init`, or name it with `-f FILE`"),
        FileError::Folder => {
            let flag = if spec { "-f " } else { "" };
            Failure::new(format!("{what} `{name}` is a folder"))
                .hint(format!("name the file in it, such as `{flag}{}`", path.join("atlas.toml").display()))
        }
        FileError::NotText { .. } => Failure::new(format!("{what} `{name}` can't be read"))
            .because(source.to_string())
            .hint(if spec { "save it as UTF-8" } else { "name a file that `atlas plan --out` wrote" }),
        source => Failure::new(format!("{what} `{name}` can't be read")).because(source.to_string()),
    }
}

/// The failure for a plan with errors.
pub fn found(opened: &Opened, diagnostics: Diagnostics) -> Failure {
    Failure::found(opened.source.text(), diagnostics).titled(Refusal::Plan.to_string())
}

/// The failure for a lock that can't be taken.
pub fn locked(error: LockError) -> Failure {
    match error {
        LockError::Held(_) => Failure::new("another run holds the lock")
            .because(error.to_string())
            .hint("wait until that run ends; it releases its lock then")
            .code(5),
        LockError::Unreadable(_) => Failure::new("another run may hold the lock")
            .because(error.to_string())
            .hint("wait until the lock is free, and find out what wrote there")
            .code(5),
        LockError::Stuck(_) => Failure::new("another run is about to take the lock")
            .because(error.to_string())
            .hint("let it go on if it was stopped, or end it")
            .code(5),
        LockError::Disk(source) => Failure::new("the records can't be written, so nothing was done")
            .because(source.to_string())
            .hint("check that what keeps the records answers, has room, and lets you write"),
        LockError::Thread(ref source) => Failure::new("nothing was done")
            .because(format!("{error} ({source})"))
            .hint("raise the limit (`ulimit -u`, or that of the container), or end what uses it up"),
    }
}

/// Writes diagnostics for people: each with the line that it is about, a caret, the reason and the way out.
pub fn render(source: SourceText<'_>, diagnostics: &Diagnostics, palette: Palette, width: usize) -> String {
    let renderer = if palette.has_colour() { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.term_width(width);
    // What may be a secret is hidden wherever its line is shown, whatever the diagnostic is about. The places in the text stay the same.
    let secret = diagnostics.iter().filter(|one| one.redacted).filter_map(|one| one.span);
    let hidden = masked(source.text, secret);
    let source = SourceText { text: &hidden, ..source };
    let lines = source.lines();
    let one = |diagnostic: &Diagnostic| match diagnostic.span {
        Some(span) => pointed(source, &lines, diagnostic, span, &renderer) + "\n\n",
        None => plain(diagnostic, palette),
    };
    let mut text: String = diagnostics.iter().take(MOST_SHOWN).map(one).collect();
    let more = diagnostics.iter().count().saturating_sub(MOST_SHOWN);
    if more > 0 {
        text.push_str(&format!("… and {more} more; --json has all of them\n\n"));
    }
    text
}

/// How many diagnostics a person is shown at once.
const MOST_SHOWN: usize = 100;

fn plain(diagnostic: &Diagnostic, palette: Palette) -> String {
    let code = diagnostic.code.name;
    let word = match diagnostic.severity {
        Severity::Error => palette.paint(Role::Delete, &format!("error[{code}]:")),
        Severity::Warning => palette.paint(Role::Warning, &format!("warning[{code}]:")),
    };
    let help = palette.paint(Role::Adopt, " help:");
    let hint = diagnostic.hint.as_ref().map(|hint| format!("{help} {}\n", readable(hint)));
    format!("{word} {}: {}\n{}\n", diagnostic.summary(), readable(&diagnostic.detail), hint.unwrap_or_default())
}

/// A text in which some places are hidden, byte by byte.
fn masked(text: &str, places: impl Iterator<Item = Span>) -> Cow<'_, str> {
    let mut text = Cow::Borrowed(text);
    for place in places {
        let hidden: String = text[place.range()].bytes().map(|byte| if byte == b'\n' { '\n' } else { '*' }).collect();
        text.to_mut().replace_range(place.range(), &hidden);
    }
    text
}

fn pointed(
    source: SourceText<'_>,
    lines: &Lines<'_>,
    diagnostic: &Diagnostic,
    span: Span,
    renderer: &Renderer,
) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    // Only the lines of the span are given to the renderer, so that a huge spec costs nothing here.
    let start = source.text[..span.range().start].rfind('\n').map_or(0, |at| at + 1);
    let end = source.text[span.range().end..].find('\n').map_or(source.text.len(), |at| span.range().end + at);
    let (line, _) = lines.position(span.start);
    let inner = span.range().start - start..span.range().end - start;
    let shown = source.text[start..end].to_owned();
    let annotation = AnnotationKind::Primary.span(inner).label(readable(&diagnostic.detail));
    let snippet = Snippet::source(shown).line_start(line).path(readable(source.name)).annotation(annotation);
    let mut group: Group<'_> =
        Group::with_title(level.primary_title(diagnostic.summary()).id(diagnostic.code.name)).element(snippet);
    if let Some(hint) = &diagnostic.hint {
        group = group.element(Level::HELP.message(readable(hint)));
    }
    renderer.render(&[group])
}
