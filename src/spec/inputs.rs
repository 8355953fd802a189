//! What a spec is given from outside.

use std::collections::BTreeMap;

use crate::kind::Catalog;

/// What the spec's text does not say itself.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    /// The environment that was asked for; the project's own default otherwise.
    pub environment: Option<String>,
    /// Values of variables, by name, and where each comes from: `--var`, `ATLAS_VAR_image_tag`.
    pub variables: BTreeMap<String, (String, String)>,
    /// The kinds that it can use.
    pub kinds: Catalog,
}
