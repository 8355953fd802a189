//! What all actions of one pass share: how many there may be, how many of one kind may be disturbed, and where.

use std::collections::BTreeMap;

use super::hold::Hold;
use super::situation::{Difference, Divergence, Group, Population, Situation};
use crate::action::Action;
use crate::desired::ReconcileSettings;

/// What is left of the shared limits of one pass.
pub struct Quota<'a> {
    situation: &'a Situation,
    /// Actions of this hour, and of this pass.
    hour: usize,
    pass: usize,
    /// How many deletions the pass would have.
    deletes: usize,
    /// How many it may have.
    most_deletes: usize,
    /// How many more of each group this pass has disturbed.
    disturbed: BTreeMap<&'a Group, usize>,
    /// The place at which this pass disturbs something.
    place: Option<&'a str>,
}

impl<'a> Quota<'a> {
    /// The limits of a pass that could act on these.
    pub fn new(
        limits: &ReconcileSettings,
        situation: &'a Situation,
        free: &[&'a Divergence],
        hour: usize,
        pass: usize,
    ) -> Self {
        let deletes = free.iter().filter(|one| one.action == Action::Delete).count();
        // An empty source is more likely a mistake than a wish: nothing may take most of everything away by itself.
        let share = (situation.all() + deletes) * usize::from(limits.freeze_above) / 100;
        let most_deletes = limits.max_deletes.min(share.max(1));
        let deletes = if deletes > most_deletes { deletes } else { 0 };
        Self { situation, hour, pass, deletes, most_deletes, disturbed: BTreeMap::new(), place: None }
    }

    /// Takes what an action needs, or says why there is none left.
    pub fn take(&mut self, candidate: &'a Divergence, limits: &ReconcileSettings, max_actions: usize) -> Option<Hold> {
        if candidate.action == Action::Delete && self.deletes > 0 {
            return Some(Hold::TooManyDeletes { deletes: self.deletes, most: self.most_deletes });
        }
        if self.hour == 0 {
            return Some(Hold::AllSpent(max_actions));
        }
        if self.pass == 0 {
            return Some(Hold::Paced);
        }
        if candidate.disturbs()
            && let Some(hold) = self.disturb(candidate, limits)
        {
            return Some(hold);
        }
        self.hour -= 1;
        self.pass -= 1;
        None
    }

    /// Disturbs one of a group, if there is room: not too many of one kind, and only at one place, while the others are in order.
    fn disturb(&mut self, candidate: &'a Divergence, limits: &ReconcileSettings) -> Option<Hold> {
        // A removal that the spec asks for takes away what nothing needs any more.
        if candidate.difference == Difference::Removal {
            return None;
        }
        let group = &candidate.group;
        if let Some(place) = self.other_place(group) {
            return Some(Hold::OtherPlace(place.to_owned()));
        }
        let Population { all, unavailable, .. } = self.situation.groups.get(group).copied().unwrap_or_default();
        let most = (all * usize::from(limits.max_unavailable) / 100).max(1);
        let disturbed = self.disturbed.entry(group).or_default();
        let (kind, place) = (group.kind.clone(), group.place.clone());
        if unavailable + *disturbed >= most {
            return Some(Hold::Unavailable { unavailable: unavailable + *disturbed, all, kind, place });
        }
        *disturbed += 1;
        self.place = Some(&group.place);
        None
    }

    /// Another place that is not in order, or at which this pass disturbs something already.
    fn other_place(&self, group: &Group) -> Option<&str> {
        let is_other = |place: &str| !place.is_empty() && !group.place.is_empty() && place != group.place;
        let worked_on = self.place.filter(|place| is_other(place));
        let unseen = || self.situation.unseen.iter().map(String::as_str).find(|place| is_other(place));
        let is_ill = |(other, population): &(&Group, &Population)| {
            other.kind == group.kind && is_other(&other.place) && population.unavailable > 0
        };
        let ill = || self.situation.groups.iter().find(is_ill).map(|(other, _)| other.place.as_str());
        worked_on.or_else(unseen).or_else(ill)
    }
}
