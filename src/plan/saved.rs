//! A plan in a file: approved now, applied later, and only where neither reality nor the spec has moved.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::options::{Options, Selector};
use super::planned::Plan;
use crate::address::Address;
use crate::graph::DependencyGraph;
use crate::mutation::{Mutation, broken};
use crate::value::long_hash;

/// The version of the file's format.
const FORMAT: u32 = 1;

/// What `plan --out` writes.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SavedPlan {
    atlas_plan: u32,
    project: String,
    environment: String,
    fingerprint: String,
    options: SavedOptions,
    /// What is done about each resource, and the fingerprint of the change and of the reality that it was made from.
    changes: BTreeMap<String, SavedChange>,
    /// Guards the file against truncation and editing, not against a forger.
    checksum: String,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct SavedOptions {
    destroy: bool,
    targets: Vec<Address>,
    excludes: Vec<Address>,
    replace: Vec<Address>,
    adopt: Vec<Address>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct SavedChange {
    action: String,
    fingerprint: String,
    /// The account, engine or server in which it happens.
    #[serde(default)]
    place: String,
}

/// Why a saved plan can't be used at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SavedPlanError {
    /// It is no saved plan, or only part of one.
    #[error("it is not a saved plan, or it is cut off: {0}")]
    Unreadable(String),
    /// It was changed after it was written.
    #[error("it was edited after `plan --out` wrote it")]
    Edited,
    /// It has the format of another version of Atlas.
    #[error("it has format {0}, and this version of Atlas reads format {FORMAT}")]
    Format(u32),
    /// It belongs elsewhere.
    #[error("it is for project `{project}`, environment `{environment}`")]
    Elsewhere {
        /// The project that it is for.
        project: String,
        /// The environment that it is for.
        environment: String,
    },
}

/// What of a saved plan may still be done.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Approval {
    /// What is done, exactly as it was approved.
    pub approved: BTreeSet<Address>,
    /// What moved since, by address, and how.
    pub moved: BTreeMap<Address, String>,
    /// What would be done now and was never approved.
    pub unapproved: BTreeSet<Address>,
}

impl SavedPlan {
    /// Saves a plan.
    #[must_use]
    pub fn new(plan: &Plan, options: &Options) -> Self {
        let addresses = |list: &[Selector]| list.iter().map(|selector| selector.address().clone()).collect();
        let mut saved = Self {
            atlas_plan: FORMAT,
            project: plan.project.clone(),
            environment: plan.environment.clone(),
            fingerprint: plan.fingerprint(),
            options: SavedOptions {
                destroy: options.destroy,
                targets: addresses(&options.targets),
                excludes: addresses(&options.excludes),
                replace: addresses(&options.replace),
                adopt: addresses(&options.adopt),
            },
            changes: entries(plan),
            checksum: String::new(),
        };
        saved.checksum = saved.sum();
        saved
    }

    /// Writes it as text.
    #[must_use]
    pub fn to_text(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// Reads it back.
    ///
    /// # Errors
    /// When the text is no saved plan, was edited, or has another format.
    pub fn from_text(text: &str) -> Result<Self, SavedPlanError> {
        #[derive(Deserialize)]
        struct Version {
            atlas_plan: u32,
        }
        let unreadable = |error: serde_json::Error| SavedPlanError::Unreadable(error.to_string());
        let version: Version = serde_json::from_str(text).map_err(unreadable)?;
        if version.atlas_plan != FORMAT {
            return Err(SavedPlanError::Format(version.atlas_plan));
        }
        let saved: Self = serde_json::from_str(text).map_err(unreadable)?;
        if saved.checksum == saved.sum() { Ok(saved) } else { Err(SavedPlanError::Edited) }
    }

    /// Whether it belongs to this project and environment.
    ///
    /// # Errors
    /// When it belongs elsewhere.
    pub fn belongs_to(&self, project: &str, environment: &str) -> Result<(), SavedPlanError> {
        if self.project == project && self.environment == environment {
            return Ok(());
        }
        Err(SavedPlanError::Elsewhere { project: self.project.clone(), environment: self.environment.clone() })
    }

    /// What was asked of the plan besides the spec.
    #[must_use]
    pub fn options(&self) -> Options {
        let selectors = |list: &[Address]| list.iter().cloned().map(Selector::new).collect();
        Options {
            destroy: self.options.destroy,
            targets: selectors(&self.options.targets),
            excludes: selectors(&self.options.excludes),
            replace: selectors(&self.options.replace),
            adopt: selectors(&self.options.adopt),
            ..Options::default()
        }
    }

    /// Compares what was approved with what would be done now. A change that needs something that moved counts as moved
    /// as well: it was approved together with that.
    #[must_use]
    pub fn approve(&self, now: &Plan, graph: &DependencyGraph) -> Approval {
        let mut approval = Approval::default();
        let fresh = entries(now);
        let blocked: BTreeSet<&str> = now
            .changes
            .iter()
            .filter(|change| change.blocked.is_some())
            .map(|change| change.address.as_str())
            .collect();
        for (address, saved) in &self.changes {
            let Ok(parsed) = Address::parse(address) else { continue };
            match fresh.get(address.as_str()) {
                Some(change) if change.place != saved.place && !broken(Mutation::ApplyAnywhere) => {
                    let place =
                        |place: &str| if place.is_empty() { "nowhere known".to_owned() } else { place.to_owned() };
                    let (then, now) = (place(&saved.place), place(&change.place));
                    approval.moved.insert(parsed, format!("it was approved for [{then}], and this is [{now}]"));
                }
                Some(change) if change.fingerprint == saved.fingerprint => {
                    approval.approved.insert(parsed);
                }
                Some(change) if change.action == saved.action => {
                    approval.moved.insert(parsed, format!("its {} is not the same any more", saved.action));
                }
                Some(change) => {
                    let what = format!("{} was approved, now it would be {}", saved.action, change.action);
                    approval.moved.insert(parsed, what);
                }
                None if blocked.contains(address.as_str()) => {
                    approval.moved.insert(parsed, format!("{} was approved, now it has to wait", saved.action));
                }
                None => {
                    approval.moved.insert(parsed, format!("{} was approved, now there is nothing to do", saved.action));
                }
            }
        }
        for address in fresh.keys().filter(|address| !self.changes.contains_key(*address)) {
            approval.unapproved.extend(Address::parse(address));
        }
        let baseline = approval.moved.keys().chain(&approval.unapproved);
        let above: Vec<Address> = graph.all_dependants_of(baseline).into_iter().cloned().collect();
        for address in above.into_iter().filter(|address| approval.approved.remove(address)) {
            approval.moved.insert(address, "it needs something that is not as it was approved".into());
        }
        approval
    }

    fn sum(&self) -> String {
        let bare = Self { checksum: String::new(), ..self.clone() };
        long_hash(serde_json::to_string(&bare).unwrap_or_default().as_bytes())
    }
}

/// The changes of a plan by address. Where an address has two, an interrupted replacement, they count as one.
fn entries(plan: &Plan) -> BTreeMap<String, SavedChange> {
    let mut entries: BTreeMap<String, SavedChange> = BTreeMap::new();
    for change in plan.changes.iter().filter(|change| change.acts()) {
        let (action, fingerprint) = (change.action.word().to_owned(), change.fingerprint());
        match entries.get_mut(change.address.as_str()) {
            Some(entry) => {
                entry.action = format!("{} and {action}", entry.action);
                entry.fingerprint.push_str(&fingerprint);
            }
            None => {
                let place = plan.place_of(change);
                entries.insert(change.address.to_string(), SavedChange { action, fingerprint, place });
            }
        }
    }
    entries
}
