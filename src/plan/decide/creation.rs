//! What is not there, what is not ours, and what is there and not ready.

use super::{Decider, Disposition};
use crate::action::{Action, Cause};
use crate::desired::{Instance, OnRemove};
use crate::diagnostic::{Diagnostic, Diagnostics, code};
use crate::observed::{Mark, Object};
use crate::plan::change::{Blocked, Change};
use crate::plan::diff;
use crate::plan::refusal::mark_changes;
use crate::value::Attributes;

impl<'a> Decider<'a> {
    pub(super) fn creation(&self, instance: &'a Instance, after: Attributes) -> Change {
        let repaired = self.repaired_host(instance);
        let (cause, reason) = match &repaired {
            Some(host) => (Cause::Drift, format!("unknown until {host} is ready again; made only if it is gone")),
            None if self.observed.was_made(&instance.address) => {
                (Cause::Missing, "was deleted behind Atlas's back".into())
            }
            None => (Cause::Spec, "new".into()),
        };
        let mut attributes = diff::creation(&instance.kind, &after);
        // The mark is made along with the object; its settings are shown where they are not the defaults.
        let usual = Mark { protect: false, on_remove: OnRemove::Delete, ..self.mark(instance) };
        attributes.extend(mark_changes(&usual, &self.mark(instance)));
        Change {
            action: Action::Create,
            cause,
            reason,
            attributes,
            after: Some(self.target(instance, after, self.mark(instance))),
            deferred: self.deferred(instance),
            unsure: repaired.is_some(),
            ..self.blank(instance)
        }
    }

    pub(super) fn foreign(
        &mut self,
        instance: &'a Instance,
        object: &Object,
        diagnostics: &mut Diagnostics,
    ) -> Disposition {
        let reason = format!("exists and belongs to {}", object.owner());
        diagnostics.push(
            Diagnostic::warning(&code::FOREIGN, format!("`{}` {reason}; it is left alone", object.identity))
                .at(instance.declaration.header)
                .hint(format!("take it over with: atlas adopt {}", instance.address))
                .of(&instance.address),
        );
        let blocked = Blocked { by: instance.address.clone(), reason };
        self.changes.push(self.waiting(instance, blocked.clone()));
        Disposition::Blocked(Box::new(blocked))
    }
}
