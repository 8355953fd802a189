//! What the spec says of an object, and what only this machine can tell of that.

use std::path::Path;

use crate::value::{Attributes, Value};

/// The spec's side of an object that is looked at.
#[derive(Clone, Copy)]
pub(super) struct SpecSide<'a> {
    /// What the spec says of it; none when the spec does not have it.
    pub wanted: Option<&'a Attributes>,
    /// The folder of the spec, where relative paths begin.
    pub base: &'a Path,
    /// The value of a secret, if it can be had.
    pub secret: &'a dyn Fn(&Value) -> Option<String>,
}
