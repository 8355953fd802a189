//! Expressions in CEL, the language that Kubernetes uses for the same purpose, over values that are JSON:
//! <https://github.com/google/cel-spec/blob/master/doc/langdef.md>.
//!
//! The crate `cel` reads them. They are evaluated here, for three reasons: what is not there is told from what is wrong, the
//! work is bounded however an expression nests its macros, and nothing of the values is copied.

mod check;
mod ends;
mod evaluate;
mod functions;
mod value;

use cel::IdedExpr;
use cel::parser::Parser;
use serde_json::Value as Json;

pub use ends::{ExpressionFault, Undecided};
use value::CelValue;

/// The most characters of an expression.
const LONGEST: usize = 1_000;
/// How deep brackets may nest, every `?` counted as one more.
const DEEPEST: usize = 24;
/// The stack that the parser gets: it calls itself several times for each level.
const STACK: usize = 16 << 20;

/// An expression that can be evaluated.
#[derive(Clone, Debug, PartialEq)]
pub struct Expression {
    text: String,
    root: IdedExpr,
}

impl Expression {
    /// Reads an expression over some variables.
    ///
    /// # Errors
    /// When it is no CEL, is too long or too deep, or names what is not there.
    pub fn compile(text: &str, variables: &[&str]) -> Result<Self, ExpressionFault> {
        bound(text)?;
        let parsed = stacker::maybe_grow(STACK / 2, STACK, || Parser::new().parse_with_source_info(text));
        let (root, places) = parsed.map_err(|errors| syntax(text, &errors))?;
        check::check(&root, text, &places, variables)?;
        Ok(Self { text: text.to_owned(), root })
    }

    /// Its text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it is true of some values.
    ///
    /// # Errors
    /// When something that it asks for is not there, or it is neither true nor false.
    pub fn decide(&self, variables: &[(&str, &Json)]) -> Result<bool, Undecided> {
        let known = variables.iter().map(|(name, value)| (*name, CelValue::of(value))).collect();
        match evaluate::Evaluation::new(known).value(&self.root)? {
            CelValue::Bool(is_so) => Ok(is_so),
            CelValue::Null => Err(Undecided::Missing("it gives null".to_owned())),
            other => Err(Undecided::Wrong(format!("it gives {}, and not true or false", other.told()))),
        }
    }
}

/// Refuses what would take the parser too much time or stack. What stands in quotes counts as well: to tell it apart is what
/// the parser is for.
fn bound(text: &str) -> Result<(), ExpressionFault> {
    let fault = |message: String| Err(ExpressionFault { message, hint: None });
    if text.trim().is_empty() {
        return fault("the expression is empty".to_owned());
    }
    if text.chars().count() > LONGEST {
        return fault(format!("the expression has more than {LONGEST} characters"));
    }
    let (mut depth, mut deepest, mut chain): (usize, usize, usize) = (0, 0, 0);
    for letter in text.chars() {
        match letter {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
        chain += usize::from(letter == '?');
    }
    match deepest + chain > DEEPEST {
        true => fault(format!("the expression nests deeper than {DEEPEST} levels")),
        false => Ok(()),
    }
}

/// The first thing that the parser did not understand, without the words of its grammar.
fn syntax(text: &str, errors: &cel::ParseErrors) -> ExpressionFault {
    let Some(first) = errors.errors.first() else {
        return ExpressionFault { message: "it is no CEL".to_owned(), hint: None };
    };
    // Such as: Syntax error: mismatched input '=' expecting {'==', '!='}
    let plain = first.msg.split(" expecting ").next().unwrap_or_default();
    let quoted = plain.split_once('\'').and_then(|(_, rest)| Some(rest.rsplit_once('\'')?.0));
    let column = usize::try_from(first.pos.1).unwrap_or_default();
    let at =
        if first.pos.0 == 1 && column < text.len() { format!(" at character {}", column + 1) } else { String::new() };
    let message = match quoted {
        Some("<EOF>") => "it ends too early".to_owned(),
        Some(quoted) => format!("`{quoted}` can't stand there{at}"),
        None => plain.trim_start_matches("Syntax error: ").to_owned() + &at,
    };
    ExpressionFault { message, hint: Some("write it in CEL, such as `object.status.phase == 'Running'`".to_owned()) }
}

#[cfg(test)]
mod tests;
