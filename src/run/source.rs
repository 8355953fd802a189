//! A spec as it was read: its text for pointing into, and what it compiled to.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use crate::charts::ChartSurroundings;
use crate::desired::Desired;
use crate::diagnostic::{Diagnostics, SourceText};
use crate::driver::{Hidden, Variables};
use crate::store::{LocalFolder, Store};

/// A spec's text and what it is called.
#[derive(Clone, Debug)]
pub struct SpecText {
    name: String,
    text: String,
}

/// A spec that was read and compiled.
pub struct Spec {
    /// Its text.
    pub source: SpecText,
    /// What it asks for.
    pub desired: Desired,
    /// Where its records are.
    pub store: Arc<dyn Store>,
    /// The folder beside it, with the sandbox's worlds.
    pub local: LocalFolder,
    /// What is worth a look in it.
    pub warnings: Diagnostics,
    /// Where drivers look for environment variables.
    pub variables: Variables,
    /// What no text may repeat.
    pub hidden: Arc<Hidden>,
    /// Where its relative paths begin.
    pub base: PathBuf,
    /// What its charts are looked for with.
    pub charts: ChartSurroundings,
    /// What it is made of besides its text.
    pub parts: SpecParts,
}

/// What a spec is made of besides its text.
#[derive(Clone, Debug, Default)]
pub struct SpecParts {
    /// The values of variables that were given besides it, by name, and where each comes from.
    pub variables: BTreeMap<String, (String, String)>,
    /// The files and folders that it names, by their paths from its folder.
    pub files: BTreeSet<PathBuf>,
    /// Whether nothing is noted of it as applied when it is carried out: it is what was last applied, from the records, or nobody
    /// approved all of it.
    pub is_applied: bool,
}

impl Spec {
    /// The same spec without its resources: its name, its records and its surroundings.
    #[must_use]
    pub fn bare(&self) -> Self {
        Self {
            source: SpecText::new(self.source.name.clone(), String::new()),
            desired: self.desired.bare(),
            store: Arc::clone(&self.store),
            local: self.local.clone(),
            warnings: Diagnostics::default(),
            variables: Arc::clone(&self.variables),
            hidden: Arc::clone(&self.hidden),
            base: self.base.clone(),
            charts: self.charts.clone(),
            parts: SpecParts::default(),
        }
    }
}

impl SpecText {
    /// A text, and what it is called.
    #[must_use]
    pub const fn new(name: String, text: String) -> Self {
        Self { name, text }
    }

    /// The text, for pointing into it.
    #[must_use]
    pub fn text(&self) -> SourceText<'_> {
        SourceText { name: &self.name, text: &self.text }
    }
}
