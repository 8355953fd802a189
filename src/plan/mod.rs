//! From desired, recorded and observed to a [`Plan`]: a plain function of its arguments.
//!
//! The stages, in order: [`decide`] says what to do about each resource of the spec, `orphan` about each object that
//! the spec no longer has, `select` keeps the part that was asked for, `schedule` turns changes into steps, and
//! [`check`] verifies the result without trusting any of them. Nothing here asks the world, the clock or a file.

mod action;
mod baseline;
mod change;
mod check;
mod decide;
pub mod diff;
mod options;
mod orphan;
pub mod references;
mod refusal;
mod render;
mod resolve;
mod saved;
mod schedule;
mod select;
mod show;

use foldhash::{HashMap, HashMapExt as _, HashSet};
use serde::Serialize;

pub use action::{Action, Cause, Order};
pub use change::{AttributeChange, Blocked, Change, Target};
pub use check::check;
pub use options::{Options, Selector, selected};
pub use render::{render, render_drift};
pub use resolve::{Facts, Known, Knows};
pub use saved::{Approval, SavedPlan, SavedPlanError};
pub use schedule::{Step, Verb};
pub use show::value as show_value;

use crate::address::Address;
use crate::diagnostic::{Diagnostic, Diagnostics, SourceText};
use crate::graph::DependencyGraph;
use crate::observed::{Object, Observed};
use crate::recorded::Recorded;
use crate::spec::Desired;
use crate::value::long_hash;

/// What is going to happen, completely: execution makes no choices.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The project.
    pub project: String,
    /// The environment.
    pub environment: String,
    /// What is done about each resource that does not stay as it is, what is needed first.
    pub changes: Vec<Change>,
    /// The units of work.
    pub steps: Vec<Step>,
    /// How many resources stay as they are.
    pub unchanged: usize,
    /// The host of every resource in the plan, and of those hosts, for showing the layers.
    pub layers: HashMap<Address, Address>,
    /// The objects in which something is done and that are there already, as they were seen.
    pub hosts: Vec<Object>,
    /// What is known of the resources that others refer to or live in.
    pub known: Known<'static>,
    /// What the planner wants said.
    pub diagnostics: Diagnostics,
}

/// How many resources have each action.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// To be created.
    pub create: usize,
    /// To be updated.
    pub update: usize,
    /// To be replaced.
    pub replace: usize,
    /// To be deleted.
    pub delete: usize,
    /// To be adopted.
    pub adopt: usize,
    /// To be forgotten.
    pub forget: usize,
    /// As the spec says.
    pub no_op: usize,
    /// Waiting for another run.
    pub blocked: usize,
}

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
    unknown_selectors(&changes, desired, options, &mut diagnostics);
    select::select(&mut changes, options, &mut diagnostics);
    retain_relevant(&changes, &mut diagnostics);
    warn_of_unreachable(desired, observed, &mut diagnostics);
    let steps = schedule::schedule(&changes);
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
        known,
        diagnostics,
    }
}

impl Plan {
    /// Whether everything is as the spec says, as far as can be seen.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// The change of a resource.
    #[must_use]
    pub fn change(&self, address: &Address) -> Option<&Change> {
        self.changes.iter().find(|change| &change.address == address)
    }

    /// How many resources have each action.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let mut summary = Summary { no_op: self.unchanged, ..Summary::default() };
        for change in &self.changes {
            let count = match change.action {
                _ if change.blocked.is_some() => &mut summary.blocked,
                Action::NoOp => &mut summary.no_op,
                Action::Create => &mut summary.create,
                Action::Update => &mut summary.update,
                Action::Replace(_) => &mut summary.replace,
                Action::Delete => &mut summary.delete,
                Action::Adopt => &mut summary.adopt,
                Action::Forget => &mut summary.forget,
            };
            *count += 1;
        }
        summary
    }

    /// What tells this plan, and the reality that it was made from, from any other.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let mut text = format!("{}\n{}\n{}\n", self.project, self.environment, self.unchanged);
        for change in &self.changes {
            text.push_str(&format!("{} {}\n", change.address, change.fingerprint()));
        }
        long_hash(text.as_bytes())
    }

    /// The plan as one JSON object, as `docs/reference/json.md` describes it.
    #[must_use]
    pub fn to_json(&self, source: &SourceText<'_>) -> serde_json::Value {
        serde_json::json!({
            "format_version": 1,
            "project": self.project,
            "environment": self.environment,
            "fingerprint": self.fingerprint(),
            "changes": self.changes,
            "summary": self.summary(),
            "diagnostics": source.to_json(&self.diagnostics),
        })
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
                let diagnostic =
                    Diagnostic::error("address that is not in the spec", format!("{flag} {text} selects nothing"));
                diagnostics.push(match crate::spec::suggest(text, &all) {
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
        let diagnostic = Diagnostic::warning("host that does not answer", detail)
            .at(host.map(|instance| instance.declaration.header));
        diagnostics.push(diagnostic.hint("plan again once it answers"));
    }
}

/// What a person calls an object that only its identity names: its kind and its name there.
fn address_of(identity: &str) -> Address {
    let mut parts = identity.rsplit('/');
    let name = parts.next().unwrap_or_default();
    Address::new(parts.next().unwrap_or_default(), name, None)
}

/// The objects in which something is done, each once.
fn hosts(changes: &[Change], observed: &Observed) -> Vec<Object> {
    let mut seen: HashSet<&str> = HashSet::default();
    let targets = changes.iter().filter(|change| change.acts()).flat_map(|change| change.before.iter().chain(&change.after));
    let hosts = targets.flat_map(|target| &target.hosts).filter(|host| seen.insert(host.as_str()));
    hosts.filter_map(|host| observed.at(host).cloned()).collect()
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
