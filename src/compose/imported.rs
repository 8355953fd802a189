//! What a compose file becomes.

use super::untaken::Untaken;
use crate::address::Address;
use crate::value::Value;

/// What a compose file becomes.
#[derive(Clone, Debug, Default)]
pub struct Imported {
    /// The project's name.
    pub project: String,
    /// The blocks of the spec: networks, volumes, containers.
    pub blocks: Vec<ImportedBlock>,
    /// What could not be taken beside that: of no block's part of the file.
    pub untaken: Vec<Untaken>,
    /// Variables whose values stand in the blocks and look like secrets, as `ADDRESS: NAME`.
    pub secrets: Vec<String>,
}

/// A block of the spec.
#[derive(Clone, Debug)]
pub struct ImportedBlock {
    /// Its address.
    pub address: Address,
    /// What it says, in the order of its kind's attributes.
    pub lines: Vec<(&'static str, Value)>,
    /// What of its part of the file could not be taken.
    pub untaken: Vec<Untaken>,
}

impl Imported {
    /// All that could not be taken, in the order of the file.
    #[must_use]
    pub fn all_untaken(&self) -> Vec<&Untaken> {
        let mut all: Vec<&Untaken> =
            self.untaken.iter().chain(self.blocks.iter().flat_map(|block| &block.untaken)).collect();
        all.sort_by_key(|untaken| untaken.line);
        all
    }
}
