//! What the checks of a kind see of a spec, and what they find: plain data, whoever holds the spec itself.

use crate::address::Address;
use crate::diagnostic::{Code, Severity, Span};
use crate::value::Attributes;

/// One resource of a spec.
#[derive(Clone, Copy, Debug)]
pub struct Resource<'a> {
    /// Its address.
    pub address: &'a Address,
    /// Its attributes in normal form; references in them are not resolved yet.
    pub attributes: &'a Attributes,
    /// In what it lives.
    pub hosts: &'a [Address],
    /// Where the name of its block stands in the spec: of two resources it tells which one is declared first.
    pub header: Span,
}

/// The spec that a resource is part of.
pub trait View {
    /// The resource with this address.
    fn get(&self, address: &Address) -> Option<Resource<'_>>;

    /// The resources of one kind, ordered by address.
    fn of_kind(&self, kind: &str) -> Box<dyn Iterator<Item = Resource<'_>> + '_>;
}

/// Where in the block of its resource a finding stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// At the attribute with this path; at the name of the block when that is empty, or the block does not say it.
    Path(String),
    /// At the first of these attributes that the block itself says.
    First(&'static [&'static str]),
    /// At a text somewhere below an attribute, for values whose order the normal form does not keep.
    Text {
        /// The attribute.
        attribute: String,
        /// The text.
        text: String,
    },
}

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// Where it stands.
    pub location: Location,
    /// What sort of problem it is.
    pub code: &'static Code,
    /// What is special about this case.
    pub detail: String,
    /// The way out.
    pub hint: String,
}

/// Collects what the checks of one resource find.
#[derive(Debug, Default)]
pub struct Findings(Vec<Finding>);

impl<'a> Resource<'a> {
    /// The region or cluster that it stands at, if its kind stands in several.
    #[must_use]
    pub fn place(&self) -> Option<&'a str> {
        self.address.place()
    }
}

impl Findings {
    /// Something that must not be applied, at an attribute.
    pub fn error(
        &mut self,
        path: impl Into<String>,
        code: &'static Code,
        detail: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.push(Severity::Error, Location::Path(path.into()), code, detail.into(), hint.into());
    }

    /// Something that is worth a look, at an attribute.
    pub fn warning(
        &mut self,
        path: impl Into<String>,
        code: &'static Code,
        detail: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.push(Severity::Warning, Location::Path(path.into()), code, detail.into(), hint.into());
    }

    /// Something that must not be applied, somewhere else than at one path.
    pub fn error_at(
        &mut self,
        location: Location,
        code: &'static Code,
        detail: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.push(Severity::Error, location, code, detail.into(), hint.into());
    }

    /// Takes out all that was found so far.
    pub fn take(&mut self) -> impl Iterator<Item = Finding> {
        self.0.drain(..)
    }

    fn push(&mut self, severity: Severity, location: Location, code: &'static Code, detail: String, hint: String) {
        self.0.push(Finding { severity, location, code, detail, hint });
    }
}
