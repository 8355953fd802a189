//! The roles that pieces of output play, and how each looks. Without colour every role is plain text.

use anstyle::{AnsiColor, Style};

/// Turns text into styled text, or leaves it plain.
#[derive(Clone, Copy, Debug, Default)]
pub struct Palette {
    colour: bool,
}

/// What a piece of text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Something new.
    Create,
    /// Something changed in place.
    Update,
    /// Something destroyed, or an error.
    Delete,
    /// Something destroyed and made anew.
    Replace,
    /// Something adopted or forgotten.
    Adopt,
    /// Worth a look.
    Warning,
    /// What matters most in a line.
    Strong,
    /// What can be skipped at first.
    Dim,
}

/// A text without effects on the terminal: control characters, and those that turn the direction of the text around
/// them, are shown as escapes.
#[must_use]
pub fn harmless(text: &str) -> String {
    let escape = |c: char| if is_harmful(c) { c.escape_unicode().to_string() } else { c.to_string() };
    text.chars().map(escape).collect()
}

/// The same for a text of several lines.
#[must_use]
pub fn readable(text: &str) -> String {
    text.split('\n').map(harmless).collect::<Vec<_>>().join("\n")
}

impl Palette {
    /// A palette with colour or without.
    #[must_use]
    pub const fn new(colour: bool) -> Self {
        Self { colour }
    }

    /// Whether it has colour.
    #[must_use]
    pub const fn has_colour(self) -> bool {
        self.colour
    }

    /// The text as its role looks.
    #[must_use]
    pub fn paint(self, role: Role, text: &str) -> String {
        if !self.colour || text.is_empty() {
            return text.to_owned();
        }
        let style = match role {
            Role::Create => AnsiColor::Green.on_default(),
            Role::Update | Role::Warning => AnsiColor::Yellow.on_default(),
            Role::Delete => AnsiColor::Red.on_default(),
            Role::Replace => AnsiColor::Magenta.on_default(),
            Role::Adopt => AnsiColor::Cyan.on_default(),
            Role::Strong => Style::new().bold(),
            Role::Dim => Style::new().dimmed(),
        };
        format!("{style}{text}{style:#}")
    }
}

/// Whether a character has an effect on the terminal, a line break and a tab among them.
#[must_use]
pub const fn is_harmful(c: char) -> bool {
    let turns = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    turns || matches!(c, '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}')
}
