//! From desired, recorded and observed to a [`Plan`]: a plain function of its arguments.
//!
//! The stages, in order: [`decide`] says what to do about each resource of the spec, `orphan` about each object that
//! the spec no longer has, `hold` lets wait what must not be touched, `select` keeps the part that was asked for, `contents`
//! gives hosts the verdict of what lives in them, `schedule` and `claims` turn changes into steps, and [`check`] verifies the
//! result without trusting any of them. Nothing here asks the world, the clock or a file.

mod baseline;
mod change;
mod check;
mod claims;
mod contents;
mod decide;
pub mod diff;
mod drift;
mod emptied;
mod foretold;
mod gate;
mod gone;
mod handover;
mod hold;
mod json;
mod known;
mod options;
mod orphan;
mod planned;
pub mod references;
mod refusal;
mod render;
mod resolve;
mod rollout;
mod saved;
mod schedule;
mod select;
mod show;
mod wanted;

use std::collections::BTreeMap;

use foldhash::{HashMap, HashMapExt as _, HashSet};

pub use change::{AttributeChange, Blocked, Change, Drifted, Target};
pub use check::check;
pub use foretold::Foretold;
pub use gate::{Gate, WatchedObject};
pub use gone::is_gone;
pub use json::PlanJson;
pub use known::Known;
pub use options::{Options, Selector, selected};
pub use planned::{Plan, Summary};
pub use render::{dependants, render, render_drift};
pub use resolve::{Resolved, Resolver};
pub use saved::{Approval, SavedPlan, SavedPlanError};
pub use schedule::Step;
pub use show::value as show_value;
pub use wanted::what_is_wanted;

pub use change::{address_of, applied};

use crate::action::Action;
use crate::address::Address;
use crate::desired::Desired;
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Span, code};
use crate::graph::DependencyGraph;
use crate::identity::{Identity, host_of};
use crate::observed::{Object, Observed};
use crate::recorded::Recorded;
use crate::suggest::suggest;

/// Plans. Whatever stands in the way of applying is an error among the plan's diagnostics.
#[must_use]
pub fn plan(
    desired: &Desired,
    graph: &DependencyGraph,
    recorded: &Recorded,
    observed: &Observed,
    options: &Options,
) -> Plan {
    let mut diagnostics = Diagnostics::default();
    let baseline = baseline::Baseline::look(desired, graph, observed, options);
    let mut decider = decide::Decider::new(desired, graph, recorded, observed, options, &baseline);
    if options.destroy {
        decider.unreached();
    } else {
        decider.run(&mut diagnostics);
        decider.refuse_incomplete(&mut diagnostics);
    }
    let decide::Decider { mut changes, unchanged, claimed, known, .. } = decider;
    changes.extend(orphan::orphans(observed, &claimed, desired, options, &mut diagnostics));
    changes.extend(orphan::interrupted(observed, recorded, &claimed, desired, options));
    changes.extend(orphan::unseen(observed, desired));
    hold::hold_back(&mut changes, &options.held);
    hold::hold(&mut changes, observed);
    let lists = [
        ("--target", &options.targets),
        ("--exclude", &options.excludes),
        ("--replace", &options.replace),
        ("adopt", &options.adopt),
        ("forget", &options.forget),
    ];
    for (flag, selectors) in lists {
        diagnostics.append(unknown_selectors(flag, selectors, &changes, desired));
    }
    select::select(&mut changes, options, &mut diagnostics);
    if !options.destroy {
        handover::hold(&mut changes, desired, observed);
        rollout::hold(&mut changes, desired);
    }
    retain_relevant(&changes, &mut diagnostics);
    warn_of_unreachable(desired, observed, &mut diagnostics);
    warn_of_lost_protection(&changes, &mut diagnostics);
    tell_refused(&changes, observed, &mut diagnostics);
    if !options.destroy {
        emptied::refuse(&changes, desired, &mut diagnostics);
    }
    let contents = contents::roll_up(&mut changes, desired, observed, &mut diagnostics);
    let mut steps = schedule::schedule(&changes);
    claims::link(&changes, &mut steps, desired, observed, &mut diagnostics);
    schedule::tidy(&mut steps);
    let gates = if options.destroy { Vec::new() } else { rollout::gates(&changes, &steps, desired) };
    tell_circle(&steps, &gates, &mut diagnostics);
    let layers = layers(&changes, desired);
    let hosts = hosts(&changes, observed);
    let named = changes.iter().flat_map(|change| change.depends_on.iter().chain([&change.address]));
    let asked: HashSet<&Address> = named.filter(|address| graph.is_needed(address)).collect();
    let known = known.only(asked.into_iter());
    diagnostics.finish();
    Plan {
        project: desired.project.clone(),
        environment: desired.environment.clone(),
        changes,
        steps,
        gates,
        unchanged,
        layers,
        hosts,
        contents,
        locations: observed.locations().clone(),
        known,
        diagnostics,
    }
}

/// A selector that selects nothing is a mistake, most often of spelling.
#[must_use]
pub fn unknown_selectors(flag: &str, selectors: &[Selector], changes: &[Change], desired: &Desired) -> Diagnostics {
    let mut diagnostics = Diagnostics::default();
    for selector in selectors {
        let known = desired.objects().any(|instance| selector.matches(&instance.address))
            || changes.iter().any(|change| selector.matches(&change.address));
        if !known {
            let text = selector.address().as_str();
            // An address without a place means all places.
            let part = |address| if text.contains('@') { address } else { whole(address) };
            let all = desired.objects().map(|instance| part(instance.address.as_str()));
            let all: Vec<&str> = all.chain(changes.iter().map(|change| part(change.address.as_str()))).collect();
            let diagnostic = Diagnostic::error(&code::UNKNOWN_SELECTOR, format!("{flag} {text} selects nothing"));
            diagnostics.push(match suggest(text, &all) {
                Some(hint) => diagnostic.hint(hint),
                None => diagnostic.hint("`atlas status` lists every address"),
            });
        }
    }
    diagnostics
}

/// The part of an address that all its places share.
fn whole(address: &str) -> &str {
    address.split_once('@').map_or(address, |(whole, _)| whole)
}

/// A part of a plan has only the diagnostics of that part.
fn retain_relevant(changes: &[Change], diagnostics: &mut Diagnostics) {
    let kept: HashSet<&Address> = changes.iter().map(|change| &change.address).collect();
    diagnostics.retain(|diagnostic| diagnostic.address.as_ref().is_none_or(|address| kept.contains(address)));
}

/// Warns of what could not be looked at: once for each cause, however much it hides.
fn warn_of_unreachable(desired: &Desired, observed: &Observed, diagnostics: &mut Diagnostics) {
    let unreachable = observed.unreachable();
    if unreachable.is_empty() {
        return;
    }
    let named = desired.objects().filter(|instance| unreachable.contains_key(&instance.identity));
    let headers: HashMap<&str, Span> =
        named.map(|instance| (instance.identity.as_str(), instance.declaration.header)).collect();
    let hosts_others = |kind: &str| desired.kinds.get(kind).is_none_or(|kind| kind.hosts_others);
    let mut causes: BTreeMap<(&str, Option<&str>), Vec<&str>> = BTreeMap::new();
    for (identity, reason) in unreachable {
        // Two hosts that give no reason why they do not answer have nothing in common.
        let alone = (reason == "does not answer").then_some(identity.as_str());
        causes.entry((reason, alone)).or_default().push(identity);
    }
    for ((reason, _), identities) in causes {
        let hosts = identities.iter().any(|identity| hosts_others(address_of(identity).kind()));
        let holds = if hosts { "what it holds is unknown, and nothing in it is changed" } else { "it is not changed" };
        let detail = format!("{}: {reason}; {holds}", names_of(&identities));
        let header = identities.iter().find_map(|identity| headers.get(identity)).copied();
        diagnostics
            .push(Diagnostic::warning(unseen(reason, hosts), detail).at(header).hint("plan again once it answers"));
    }
}

/// The code for something that could not be looked at.
fn unseen(reason: &str, hosts: bool) -> &'static Code {
    match (reason.starts_with("denies access"), reason.contains("does not answer"), hosts) {
        (true, _, true) => &code::HOST_DENIES,
        (true, _, false) => &code::OBJECT_DENIES,
        (false, true, true) => &code::UNREACHABLE,
        (false, true, false) => &code::OBJECT_SILENT,
        (false, false, true) => &code::HOST_UNSEEN,
        (false, false, false) => &code::OBJECT_UNSEEN,
    }
}

/// What some objects are called, at most a handful of them.
fn names_of(identities: &[&str]) -> String {
    const MOST: usize = 5;
    let names: Vec<String> = identities.iter().take(MOST).map(|identity| name_of(identity)).collect();
    match identities.len().saturating_sub(MOST) {
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    }
}

/// What an object is called, or all of a kind that no listing shows.
fn name_of(identity: &str) -> String {
    let address = address_of(identity);
    match host_of(identity) {
        Some(host) if address.name() == "*" => format!("any other {} of {}", address.kind(), address_of(host)),
        _ => address.to_string(),
    }
}

/// Reports what an API would refuse to make, what somebody else declares otherwise, and what nobody can try.
fn tell_refused(changes: &[Change], observed: &Observed, diagnostics: &mut Diagnostics) {
    if observed.refused().is_empty() && observed.contested().is_empty() && observed.untried().is_empty() {
        return;
    }
    for change in changes
        .iter()
        .filter(|change| change.acts() && matches!(change.action, Action::Create | Action::Update | Action::Adopt))
    {
        let Some(after) = &change.after else { continue };
        if let Some(who) = observed.contested().get(&after.identity).filter(|_| change.action == Action::Update) {
            let diagnostic = Diagnostic::error(&code::CONTESTED, format!("{}: {who}", change.address)).at(change.span);
            let hint = "leave it to them with `ignore`, or take it over: `take_over = true` for this object in `objects` of its app";
            diagnostics.push(diagnostic.hint(hint).of(&change.address));
        }
        if let Some(why) = observed.untried().get(&after.identity) {
            let diagnostic = Diagnostic::warning(&code::UNTRIED, format!("{}: {why}", change.address)).at(change.span);
            let hint = "the manifest is compared as it stands; what the server fills in shows as well";
            diagnostics.push(diagnostic.hint(hint).of(&change.address));
        }
        let Some(why) = observed.refused().get(&after.identity) else { continue };
        let diagnostic = Diagnostic::error(&code::REFUSED_BY_API, format!("{}: {why}", change.address));
        diagnostics
            .push(diagnostic.at(change.span).hint("mend what it is made of; nothing was changed").of(&change.address));
    }
}

/// Reports a rollout whose clusters wait for each other: something on the first one needs what is behind the others.
fn tell_circle(steps: &[schedule::Step], gates: &[Gate], diagnostics: &mut Diagnostics) {
    if gates.is_empty() || schedule::stuck(steps, &[]).is_some() || schedule::stuck(steps, gates).is_none() {
        return;
    }
    let names: Vec<String> = gates.iter().map(|gate| gate.app.to_string()).collect();
    let detail = format!("a batch of the rollout waits for one behind it; it is one of {}", names.join(", "));
    let hint = "put the clusters in an order in which each needs only those before it";
    diagnostics.push(Diagnostic::error(&code::ROLLOUT_CIRCLE, detail).hint(hint).of(&gates[0].app));
}

/// Says whose protection a plan takes away without an edit of its `protect`: what is taken over follows the spec alone.
fn warn_of_lost_protection(changes: &[Change], diagnostics: &mut Diagnostics) {
    for change in changes.iter().filter(|change| change.unprotects()) {
        let detail = format!("the object of {} is protected by its mark, and would not be any more", change.address);
        diagnostics.push(
            Diagnostic::warning(&code::UNPROTECTED, detail)
                .at(change.span)
                .hint("write `protect = true` into its block to keep it")
                .of(&change.address),
        );
    }
}

/// The objects in which something is done, and those in which they live, each once.
fn hosts(changes: &[Change], observed: &Observed) -> HashMap<Identity, Object> {
    let mut seen: HashSet<&str> = HashSet::default();
    let acting = changes.iter().filter(|change| change.acts());
    let targets = acting.flat_map(|change| change.before.iter().chain(&change.after));
    let mut hosts = HashMap::new();
    let mut open: Vec<&str> = targets.flat_map(|target| &target.hosts).map(|host| host.as_str()).collect();
    while let Some(host) = open.pop() {
        if !seen.insert(host) {
            continue;
        }
        open.extend(host_of(host));
        // The name of what has several hosts tells none of them.
        if let Some(object) = observed.at(host) {
            open.extend(object.hosts.iter().map(|above| above.as_str()));
            hosts.insert(object.identity.clone(), object.clone());
        }
    }
    hosts
}

/// The host of every resource in the plan, and of those hosts. What has several hosts stands by itself.
fn layers(changes: &[Change], desired: &Desired) -> HashMap<Address, Address> {
    let mut layers = HashMap::with_capacity(changes.len());
    for change in changes {
        if let [host] = change.hosts.as_slice() {
            layers.insert(change.address.clone(), host.clone());
        }
        let mut next = change.hosts.first();
        while let Some(instance) = next.and_then(|host| desired.get(host)) {
            if let [host] = instance.hosts.as_slice()
                && layers.insert(instance.address.clone(), host.clone()).is_some()
            {
                break;
            }
            next = instance.hosts.first();
        }
    }
    layers
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use foldhash::HashSet;

    use super::warn_of_unreachable;
    use crate::desired::Desired;
    use crate::diagnostic::Diagnostics;
    use crate::identity::Identity;
    use crate::observed::{Observed, Owner};

    fn warned(entries: &[(&str, &str)]) -> Vec<(String, String)> {
        let entry = |(identity, reason): &(&str, &str)| (Identity::from_text(*identity), (*reason).to_owned());
        let unreachable = entries.iter().map(entry).collect();
        let owner = Owner::new("t", "e");
        let observed = Observed::new(&owner, Vec::new(), unreachable, BTreeSet::new(), HashSet::default());
        let mut diagnostics = Diagnostics::default();
        warn_of_unreachable(&Desired::default(), &observed, &mut diagnostics);
        diagnostics.iter().map(|one| (one.summary().to_owned(), one.detail.clone())).collect()
    }

    #[test]
    fn one_warning_for_each_cause_under_a_title_that_says_what_is_so() {
        let engine = "the container engine at tcp://x does not answer: refused";
        let names = (0..7).map(|at| format!("container/c{at}")).collect::<Vec<_>>();
        let all: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), engine)).collect();
        let said = warned(&all);
        assert_eq!(said.len(), 1, "{said:?}");
        assert_eq!(said[0].0, "object that does not answer");
        assert!(said[0].1.starts_with("container.c0, container.c1, "), "{said:?}");
        assert!(said[0].1.contains("container.c4 and 2 more: the container engine"), "{said:?}");
        let denied = "denies access: ExpiredToken";
        let said = warned(&[("region/a", denied), ("region/b", denied), ("region/c", "does not answer")]);
        let titles: Vec<&str> = said.iter().map(|(title, _)| title.as_str()).collect();
        assert_eq!(titles, ["host that denies access", "host that does not answer"]);
        assert!(said[0].1.starts_with("region.a, region.b: denies access"), "{said:?}");
        let said = warned(&[("region/a", "does not answer"), ("region/b", "does not answer")]);
        assert_eq!(said.len(), 2, "{said:?}");
        let said = warned(&[("region/a/bucket/b", "denies access: 403"), ("region/c", "is paused")]);
        let titles: Vec<&str> = said.iter().map(|(title, _)| title.as_str()).collect();
        assert_eq!(titles, ["object that denies access", "host that can't be looked at"]);
    }
}
