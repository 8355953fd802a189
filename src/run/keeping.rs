//! What a run keeps of itself for later: the spec as it applied it, and its plan.

use std::collections::BTreeSet;
use std::io;

use serde::{Deserialize, Serialize};

use super::applied::AppliedSpec;
use super::open::Opened;
use crate::address::Address;
use crate::plan::{Options, Plan, PlanJson, render};
use crate::store::{Document, Store};
use crate::style::Palette;

/// A plan with more changes than this is kept by its numbers alone.
const MOST_CHANGES: usize = 10_000;
/// How wide a kept plan is.
const WIDTH: usize = 100;

/// The plan of a run, as it was kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct KeptPlan {
    /// As people read it.
    pub text: String,
    /// As `atlas plan --json` prints it.
    pub plan: serde_json::Value,
}

impl KeptPlan {
    /// The plan with a fingerprint; none when it is not kept, or not any more.
    ///
    /// # Errors
    /// When it is there and can't be read.
    pub fn read(store: &dyn Store, fingerprint: &str) -> io::Result<Option<Self>> {
        let text = store.document(&Document::Plan(fingerprint.to_owned()))?;
        text.map(|text| serde_json::from_str(&text).map_err(io::Error::other)).transpose()
    }
}

/// Keeps the plan of a run that is about to begin.
pub(super) fn keep_plan(opened: &Opened, plan: &Plan) -> io::Result<()> {
    let mut kept = KeptPlan { text: String::new(), plan: serde_json::json!({ "summary": plan.summary() }) };
    if plan.changes.len() <= MOST_CHANGES {
        kept.text = render(plan, Palette::new(false), WIDTH);
        let json = PlanJson { plan, diagnostics: &plan.diagnostics, source: opened.source.text() };
        kept.plan = serde_json::to_value(json)?;
    }
    opened.store.keep_document(&Document::Plan(plan.fingerprint()), &serde_json::to_string(&kept)?)
}

/// Notes what is about to be applied, before anything is: the whole spec, or which resources a part of it changes.
///
/// What the loop repairs to is the spec as it was last applied, and is known already.
pub(super) fn keep_applied(opened: &Opened, options: &Options, plan: &Plan, is_part: bool) -> io::Result<()> {
    if opened.parts.is_applied {
        return Ok(());
    }
    let kept = opened.kept.as_ref();
    let store = opened.store.as_ref();
    let is_all = options.targets.is_empty() && options.excludes.is_empty() && options.held.is_empty() && !is_part;
    let acting = || -> BTreeSet<Address> {
        plan.changes.iter().filter(|change| change.acts()).map(|change| change.address.clone()).collect()
    };
    match (options.destroy, is_all) {
        // What was taken away on purpose is not brought back.
        (true, true) => AppliedSpec::change(store, |_| None),
        (false, true) => {
            // What can't be kept can't be repaired to; what was applied before it must not come back.
            let Some(kept) = kept else { return AppliedSpec::change(store, |_| None) };
            let known = AppliedSpec::read(store).ok().flatten();
            // Most runs apply what was applied before.
            if known.is_some_and(|known| known.approved && known.moved_on.is_empty() && known.says_the_same_as(kept)) {
                return Ok(());
            }
            AppliedSpec::change(store, |_| Some(kept.clone()))
        }
        (is_destroyed, false) => {
            let moved_on = acting();
            let is_left = is_destroyed || !options.forget.is_empty();
            AppliedSpec::change(store, |known| {
                let mut known = known?;
                if is_left || kept.is_none_or(|kept| !known.says_the_same_as(kept)) {
                    known.moved_on.extend(moved_on.iter().cloned());
                }
                Some(known)
            })
        }
    }
}

/// Notes that a person stopped a run: what it did not do is not done without them. Ending the loop stops nobody's run.
pub(super) fn keep_stopped(opened: &Opened) -> io::Result<()> {
    if opened.parts.is_applied || opened.command == "reconcile" {
        return Ok(());
    }
    AppliedSpec::change(opened.store.as_ref(), |known| Some(AppliedSpec { approved: false, ..known? }))
}
