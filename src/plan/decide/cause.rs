//! Why something is done about an object that is there, in words.

use crate::action::{Action, Cause};
use crate::address::Address;
use crate::kind::Kind;
use crate::observed::{Condition, Object};
use crate::plan::change::AttributeChange;
use crate::plan::drift::is_only_begun;

/// What the reason for a change follows from.
pub(super) struct Circumstances<'a> {
    pub kind: &'a Kind,
    pub object: &'a Object,
    pub action: Action,
    pub attributes: &'a [AttributeChange],
    /// Whether it was nobody's, or somebody else's.
    pub taken_over: bool,
    /// Whether an Argo CD delivered it until now.
    pub handed_back: bool,
    /// The address that its mark has, where that is another one.
    pub renamed_from: Option<&'a Address>,
    /// Something that it needs and that is replaced.
    pub replaced_need: Option<&'a Address>,
    pub in_replaced_host: bool,
    /// Something that it names and that is made anew.
    pub remade: Option<&'a Address>,
    /// What it makes room for.
    pub room: Option<&'a Address>,
    /// Whether it is replaced although nothing of it differs.
    pub forced: bool,
    /// Why its API refuses to change it.
    pub fixed: Option<&'a str>,
}

impl Circumstances<'_> {
    /// The cause, and the reason in words.
    pub fn cause(&self) -> (Cause, String) {
        let drifted = self.attributes.iter().any(|change| change.drift.is_some());
        let asked = self.attributes.iter().any(|change| !change.drift.is_some());
        let only_unknown =
            !self.attributes.is_empty() && self.attributes.iter().all(|one| !one.is_known() || one.before == one.after);
        let only_begun = || asked && is_only_begun(self.kind, self.object);
        let waits = matches!(self.object.condition, Condition::Progressing(_))
            && self.attributes.iter().all(|change| change.path == "condition");
        let because_of_others = self.in_replaced_host || only_unknown;
        match (self.replaced_need, self.renamed_from, self.remade, self.room) {
            (Some(need), ..) if because_of_others => (Cause::ReplacedDependency, format!("{need} is replaced")),
            _ if self.action == Action::Forget => (Cause::Spec, "Atlas was asked to let go of it".into()),
            _ if self.handed_back => (Cause::Spec, "Argo CD delivered it until now".into()),
            _ if self.taken_over => (Cause::Spec, format!("it exists and belonged to {}", self.object.owner())),
            (_, Some(old), ..) => (Cause::Spec, format!("it was known as {old}")),
            _ if waits => (Cause::Spec, "it is on its way, and is waited for".into()),
            _ if only_begun() => (Cause::Spec, "it was begun and not finished".into()),
            (_, _, Some(target), _) if !drifted => (Cause::ReplacedDependency, format!("{target} is made anew")),
            _ if drifted && asked => {
                (Cause::Spec, "the spec changed, and so did the object, behind Atlas's back".into())
            }
            _ if drifted => (Cause::Drift, "was changed behind Atlas's back".into()),
            (.., Some(other)) => (Cause::Spec, format!("it makes room for {other}")),
            _ if self.fixed.is_some() => {
                (Cause::Spec, format!("it can't be changed: {}", self.fixed.unwrap_or_default()))
            }
            _ if self.forced => (Cause::Spec, "its replacement was asked for".into()),
            _ => (Cause::Spec, "the spec changed".into()),
        }
    }
}
