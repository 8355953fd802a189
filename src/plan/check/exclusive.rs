//! A port, a subnet or a name is given up before it is taken, and nothing is taken that another object keeps.

use foldhash::HashMap;

use super::checker::{Checker, Violations};
use crate::action::Verb;
use crate::plan::claims::{ClaimIndex, Claimants, concerns, contested, without};

pub fn check(checker: &Checker<'_>, violations: &mut Violations) {
    let claimants = Claimants::new(checker.desired, checker.observed);
    let whats = contested(checker.observed, std::iter::empty());
    if whats.is_empty() {
        return;
    }
    let mut taken = Vec::new();
    for (at, step, change) in checker.steps().filter(|(_, step, _)| !matches!(step.verb, Verb::Delete | Verb::Forget)) {
        let instance = checker.desired.get(&change.address).filter(|_| concerns(&whats, &change.kind));
        let Some(instance) = instance else { continue };
        let mut claims = claimants.of_instance(instance);
        if let Some(object) = checker.object(change).filter(|_| step.verb != Verb::Create) {
            claims = without(claims, &claimants.of_object(object));
        }
        taken.extend(claims.into_iter().map(|claim| (claim, at)));
    }
    if taken.is_empty() {
        return;
    }
    let takers = ClaimIndex::new(taken);
    let mut touched: HashMap<&str, usize> = HashMap::default();
    for (at, step, change) in checker.steps().filter(|(_, step, _)| !matches!(step.verb, Verb::Create | Verb::Forget)) {
        if let Some(before) = &change.before
            && (step.verb == Verb::Delete || !touched.contains_key(before.identity.as_str()))
        {
            touched.insert(before.identity.as_str(), at);
        }
    }
    let whats = takers.iter().map(|(claim, _)| claim.what).collect();
    for object in checker.observed.objects().iter().filter(|object| concerns(&whats, &object.kind)) {
        let giver = touched.get(object.identity.as_str());
        for claim in claimants.of_object(object) {
            for (_, taker) in takers.hits(&claim) {
                let change = &checker.plan.changes[checker.plan.steps[taker].change];
                let own = change.after.as_ref().is_some_and(|after| after.identity == object.identity);
                let waits = giver.is_some_and(|giver| checker.waits(taker, *giver));
                let alone = own && giver.is_none();
                if !waits && !alone {
                    let what = format!("{} would take the {claim} while `{}` has it", change.address, object.identity);
                    violations.add(Some(change), what);
                }
            }
        }
    }
}
