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
mod hold;
mod known;
mod options;
mod orphan;
mod planned;
pub mod references;
mod refusal;
mod render;
mod resolve;
mod saved;
mod schedule;
mod select;
mod show;

use foldhash::{HashMap, HashMapExt as _, HashSet};

pub use change::{AttributeChange, Blocked, Change, Target};
pub use check::check;
pub use known::Known;
pub use options::{Options, Selector, selected};
pub use planned::{Plan, Summary};
pub use render::{render, render_drift};
pub use resolve::{Resolved, Resolver};
pub use saved::{Approval, SavedPlan, SavedPlanError};
pub use schedule::Step;
pub use show::value as show_value;

use change::address_of;

use crate::address::Address;
use crate::desired::Desired;
use crate::diagnostic::{Diagnostic, Diagnostics, code};
use crate::graph::DependencyGraph;
use crate::identity::host_of;
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
    }
    let decide::Decider { mut changes, unchanged, claimed, known, .. } = decider;
    changes.extend(orphan::orphans(observed, &claimed, desired, options, &mut diagnostics));
    changes.extend(orphan::interrupted(observed, recorded, &claimed, desired, options));
    changes.extend(orphan::unseen(observed, desired));
    hold::hold(&mut changes, observed);
    unknown_selectors(&changes, desired, options, &mut diagnostics);
    select::select(&mut changes, options, &mut diagnostics);
    retain_relevant(&changes, &mut diagnostics);
    warn_of_unreachable(desired, observed, &mut diagnostics);
    contents::roll_up(&mut changes, desired, observed, &mut diagnostics);
    let mut steps = schedule::schedule(&changes);
    claims::link(&changes, &mut steps, desired, observed, &mut diagnostics);
    schedule::tidy(&mut steps);
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
        unchanged,
        layers,
        hosts,
        place: observed.place().to_owned(),
        known,
        diagnostics,
    }
}

/// A selector that selects nothing is a mistake, most often of spelling.
fn unknown_selectors(changes: &[Change], desired: &Desired, options: &Options, diagnostics: &mut Diagnostics) {
    let lists = [
        ("--target", &options.targets),
        ("--exclude", &options.excludes),
        ("--replace", &options.replace),
        ("adopt", &options.adopt),
        ("forget", &options.forget),
    ];
    for (flag, selectors) in lists {
        for selector in selectors {
            let known = desired.objects().any(|instance| selector.matches(&instance.address))
                || changes.iter().any(|change| selector.matches(&change.address));
            if !known {
                let all: Vec<&str> = desired.objects().map(|instance| instance.address.as_str()).collect();
                let text = selector.address().as_str();
                let diagnostic = Diagnostic::error(&code::UNKNOWN_SELECTOR, format!("{flag} {text} selects nothing"));
                diagnostics.push(match suggest(text, &all) {
                    Some(hint) => diagnostic.hint(hint),
                    None => diagnostic.hint("`atlas status` lists every address"),
                });
            }
        }
    }
}

/// A part of a plan has only the diagnostics of that part.
fn retain_relevant(changes: &[Change], diagnostics: &mut Diagnostics) {
    let kept: HashSet<&Address> = changes.iter().map(|change| &change.address).collect();
    diagnostics.retain(|diagnostic| diagnostic.address.as_ref().is_none_or(|address| kept.contains(address)));
}

fn warn_of_unreachable(desired: &Desired, observed: &Observed, diagnostics: &mut Diagnostics) {
    for (identity, reason) in observed.unreachable() {
        let host = desired.objects().find(|instance| &instance.identity == identity);
        let name = address_of(identity);
        let detail = format!("{name}: {reason}; what it holds is unknown, and nothing in it is changed");
        let diagnostic =
            Diagnostic::warning(&code::UNREACHABLE, detail).at(host.map(|instance| instance.declaration.header));
        diagnostics.push(diagnostic.hint("plan again once it answers"));
    }
}

/// The objects in which something is done, and those in which they live, each once.
fn hosts(changes: &[Change], observed: &Observed) -> Vec<Object> {
    let mut seen: HashSet<&str> = HashSet::default();
    let acting = changes.iter().filter(|change| change.acts());
    let targets = acting.flat_map(|change| change.before.iter().chain(&change.after));
    let mut hosts = Vec::new();
    for mut host in targets.flat_map(|target| &target.hosts).map(|host| host.as_str()) {
        while seen.insert(host) {
            hosts.extend(observed.at(host).cloned());
            match host_of(host) {
                Some(above) => host = above,
                None => break,
            }
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
