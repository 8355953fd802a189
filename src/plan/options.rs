//! What a person asks of a plan besides the spec.

use std::collections::BTreeMap;

use crate::address::Address;

/// What a person asks of a plan besides the spec.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Delete everything that this project and environment own.
    pub destroy: bool,
    /// Only these, and what they need.
    pub targets: Vec<Selector>,
    /// All but these, and what needs them.
    pub excludes: Vec<Selector>,
    /// Replace these, whether they differ or not.
    pub replace: Vec<Selector>,
    /// Take over these, which exist and are not Atlas's.
    pub adopt: Vec<Selector>,
    /// Let go of these.
    pub forget: Vec<Selector>,
    /// Targets alone, without what they need.
    pub exact: bool,
    /// What is left as it is for now, and why: by exact address.
    pub held: BTreeMap<Address, String>,
}

/// An address, or the part of one that all places or all contents share: `bucket.audit-logs` selects every
/// `bucket.audit-logs@…`, `database.ledger` also its tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector(Address);

impl Selector {
    /// Selects by an address.
    #[must_use]
    pub const fn new(address: Address) -> Self {
        Self(address)
    }

    /// The address as it was given.
    #[must_use]
    pub const fn address(&self) -> &Address {
        &self.0
    }

    /// Whether it selects this address.
    #[must_use]
    pub fn matches(&self, address: &Address) -> bool {
        match address.as_str().strip_prefix(self.0.as_str()) {
            Some(rest) => rest.is_empty() || rest.starts_with(['@', '/']),
            None => false,
        }
    }
}

/// Whether any of them selects this address.
#[must_use]
pub fn selected(selectors: &[Selector], address: &Address) -> bool {
    selectors.iter().any(|selector| selector.matches(address))
}
