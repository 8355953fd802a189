//! What the checks of the kinds find, and where in the spec it stands.

use super::declare::Block;
use super::desired::Instance;
use crate::diagnostic::{Diagnostic, Diagnostics, Span};

/// Collects what a kind's own checks find.
pub struct Findings<'a> {
    blocks: &'a [Block],
    found: Diagnostics,
}

impl<'a> Findings<'a> {
    pub(super) fn new(blocks: &'a [Block]) -> Self {
        Self { blocks, found: Diagnostics::default() }
    }

    /// Something that must not be applied.
    pub fn error(
        &mut self,
        instance: &Instance,
        path: &str,
        summary: &str,
        detail: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.push(Diagnostic::error(summary, detail), instance, |block| block.span_at(path), hint.into());
    }

    /// Something that is worth a look.
    pub fn warning(
        &mut self,
        instance: &Instance,
        path: &str,
        summary: &str,
        detail: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.push(Diagnostic::warning(summary, detail), instance, |block| block.span_at(path), hint.into());
    }

    /// Something that must not be applied about a text below an attribute, for values whose order the normal form does
    /// not keep.
    pub fn error_about(
        &mut self,
        instance: &Instance,
        attribute: &str,
        text: &str,
        summary: &str,
        detail: impl Into<String>,
        hint: impl Into<String>,
    ) {
        let problem = Diagnostic::error(summary, detail);
        self.push(problem, instance, |block| block.span_of(attribute, text), hint.into());
    }

    /// Whether the block of a resource itself says an attribute.
    #[must_use]
    pub fn says(&self, instance: &Instance, attribute: &str) -> bool {
        self.block(instance).is_some_and(|block| block.has(attribute))
    }

    pub(super) fn into_diagnostics(self) -> Diagnostics {
        self.found
    }

    fn block(&self, instance: &Instance) -> Option<&'a Block> {
        self.blocks.get(instance.declaration.block)
    }

    fn push(&mut self, problem: Diagnostic, instance: &Instance, place: impl Fn(&Block) -> Span, hint: String) {
        let span = self.block(instance).map_or(instance.declaration.header, place);
        self.found.push(problem.at(span).hint(hint).of(&instance.address));
    }
}
