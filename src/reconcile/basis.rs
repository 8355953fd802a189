//! What a pass compares the world with: the spec as it was last applied, or as it stands.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use crate::address::Address;
use crate::desired::{ReconcileMode, ReconcileSettings};
use crate::run::{self, AppliedSpec, RunError, Setup, Spec};
use crate::value::long_hash;

/// What a pass compares the world with.
pub struct Basis {
    /// The spec.
    pub spec: Spec,
    /// What the loop does.
    pub mode: ReconcileMode,
    /// Its limits.
    pub limits: ReconcileSettings,
    /// Whether all that the spec asks for was approved.
    pub approved: bool,
    /// The resources that a later run of another spec changed.
    pub moved_on: BTreeSet<Address>,
    /// A digest of the spec, which tells another one from it.
    pub digest: String,
    /// What is worth saying of how it was found, in whole sentences.
    pub notes: Vec<String>,
    /// The spec as it stands without its resources, for the next time that it can't be read.
    pub frame: Spec,
}

/// Finds it. `frame` is what is known of the spec from an earlier pass, so that one that is broken by now stops nobody from healing.
///
/// # Errors
/// When the spec can't be used, and nothing is known that could stand in its place.
pub fn find(setup: &Setup, mode: Option<ReconcileMode>, frame: Option<&Spec>) -> Result<Basis, RunError> {
    let mut notes = Vec::new();
    let (current, broken) = match (run::read(setup), frame) {
        (Ok(current), _) => (Some(current), None),
        (Err(error), Some(_)) => {
            notes.push(format!("The spec can't be used as it stands ({error}), so what was last applied counts."));
            (None, Some(error))
        }
        (Err(error), None) => return Err(error),
    };
    let frame = match (&current, frame) {
        (Some(current), _) => current.bare(),
        (None, frame) => {
            frame.map(Spec::bare).ok_or_else(|| RunError::Records(io::Error::other("no spec is known")))?
        }
    };
    let limits = frame.desired.reconcile.clone();
    let mode = mode.unwrap_or(limits.mode);
    match current {
        Some(current) if mode == ReconcileMode::Apply => {
            let digest = digest_of(current.source.text().text, &current.parts.variables);
            Ok(Basis { spec: current, mode, limits, approved: true, moved_on: BTreeSet::new(), digest, notes, frame })
        }
        // What can't be read is not applied; what was applied before is still kept up.
        current => {
            let mode = if current.is_none() && mode == ReconcileMode::Apply { ReconcileMode::Heal } else { mode };
            let applied = match AppliedSpec::read(frame.store.as_ref()) {
                Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                    notes.push(format!("What was last applied can't be read: {error}."));
                    None
                }
                applied => applied.map_err(RunError::Records)?,
            };
            match (applied, current) {
                (Some(applied), _) => {
                    let spec = applied.compile(&frame)?;
                    let (approved, digest) = (applied.approved, digest_of(&applied.text, &applied.variables));
                    Ok(Basis { spec, mode, limits, approved, moved_on: applied.moved_on, digest, notes, frame })
                }
                (None, Some(mut current)) => {
                    // To repair a part of it is not to approve the rest.
                    current.parts.is_applied = true;
                    let nothing = "Nothing is known to be applied as a whole yet, so only what differs from Atlas's own marks is repaired; \
                                   `atlas apply` changes that.";
                    notes.push(nothing.to_owned());
                    let digest = digest_of(current.source.text().text, &current.parts.variables);
                    let moved_on = BTreeSet::new();
                    Ok(Basis { spec: current, mode, limits, approved: false, moved_on, digest, notes, frame })
                }
                (None, None) => Err(broken.unwrap_or_else(|| RunError::Records(io::Error::other("no spec is known")))),
            }
        }
    }
}

/// The same for a spec that stands and for one that was applied.
fn digest_of(text: &str, variables: &BTreeMap<String, (String, String)>) -> String {
    long_hash(&serde_json::to_vec(&(text, variables)).unwrap_or_default())
}
