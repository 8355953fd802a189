//! A plan as one JSON object, written as it is read: a large one is never there a second time.

use serde::Serialize;
use serde::ser::SerializeStruct as _;

use super::planned::Plan;
use crate::diagnostic::{Diagnostics, SourceText};

/// A plan as one JSON object, as `docs/reference/json.md` describes it.
pub struct PlanJson<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// Everything that is said beside it.
    pub diagnostics: &'a Diagnostics,
    /// The spec that the diagnostics point into.
    pub source: SourceText<'a>,
}

impl Serialize for PlanJson<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut entry = serializer.serialize_struct("Plan", 7)?;
        entry.serialize_field("format_version", &1)?;
        entry.serialize_field("project", &self.plan.project)?;
        entry.serialize_field("environment", &self.plan.environment)?;
        entry.serialize_field("fingerprint", &self.plan.fingerprint())?;
        entry.serialize_field("changes", &self.plan.changes)?;
        entry.serialize_field("summary", &self.plan.summary())?;
        if !self.plan.gates.is_empty() {
            entry.serialize_field("rollouts", &self.plan.gates)?;
        }
        entry.serialize_field("diagnostics", &self.source.to_json(self.diagnostics))?;
        entry.end()
    }
}
