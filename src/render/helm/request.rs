//! What a rendering is asked for, and what comes of it.

use std::rc::Rc;

use super::capabilities::Capabilities;
use super::tables::ValueTable;
use crate::render::value::{ChartValue, UnknownValue};

/// What a rendering is asked for.
#[derive(Clone, Debug)]
pub struct RenderRequest {
    /// The name of the release.
    pub name: String,
    /// The namespace of the release.
    pub namespace: String,
    /// Which revision of the release it is, from 1.
    pub revision: i64,
    /// Whether the release is there already.
    pub is_upgrade: bool,
    /// The values, with all layers laid over each other.
    pub values: ValueTable,
    /// What the cluster can do.
    pub capabilities: Capabilities,
    /// Whether the values are held against the charts' schemas.
    pub check_schema: bool,
    /// Whether what lies in the folders `crds` is given too.
    pub include_crds: bool,
    /// The time of day in nanoseconds since 1970, which stays the same all through.
    pub now: i128,
    /// What all randomness comes from. A rendering with the same seed gives the same passwords and keys.
    pub seed: [u8; 32],
    /// The unknown values that the values hold, each at the place of its number.
    pub unknowns: Vec<Rc<UnknownValue>>,
}

impl RenderRequest {
    /// A first release of a name in a namespace, without values of its own, on the cluster that Helm takes for granted.
    #[must_use]
    pub fn new(name: impl Into<String>, namespace: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            namespace: namespace.into(),
            revision: 1,
            is_upgrade: false,
            values: ValueTable::default(),
            capabilities: Capabilities::default(),
            check_schema: true,
            include_crds: false,
            now: 0,
            seed: [0; 32],
            unknowns: Vec::new(),
        }
    }
}

/// What came of a rendering.
#[derive(Debug, Default)]
pub struct Rendered {
    /// The objects in the order in which they are installed.
    pub objects: Vec<Manifest>,
    /// The hooks in the order of their kinds.
    pub hooks: Vec<Manifest>,
    /// Hooks of moments that Helm does not know, which Helm drops without a word.
    pub strange: Vec<Manifest>,
    /// The definitions of custom resources of the folders `crds`, by their full paths.
    pub crds: Vec<Manifest>,
    /// All values that are not known yet, those that were computed from others too.
    pub unknowns: Vec<Rc<UnknownValue>>,
}

/// An object, with the text that it was read from.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// The file that it came from, as Helm names it.
    pub file: String,
    /// Its text.
    pub text: String,
    /// Its kind, or nothing.
    pub kind: String,
    /// Its name, or nothing.
    pub name: String,
    /// What sort of hook it is, where it is one.
    pub hook: Option<ChartHook>,
    /// What the text says, with whole numbers as such.
    pub value: ChartValue,
}

/// What sort of hook an object is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChartHook {
    /// The moments at which it runs: `pre-install`, `test`.
    pub events: Vec<String>,
    /// Hooks of one moment run in the order of their weights.
    pub weight: i64,
    /// When it is deleted.
    pub delete_policies: Vec<String>,
    /// When its logs are shown.
    pub log_policies: Vec<String>,
    /// A moment that Helm does not know.
    pub strange: Option<String>,
}
