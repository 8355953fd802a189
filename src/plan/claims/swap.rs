//! Which objects have to be made anew so that two can swap what they claim.
//!
//! An object that is changed in place gives up what it had and takes what it is to have at once. Where each of some
//! waits for what another one has, one of them is made anew instead: it is deleted, the others change, and it is made
//! again. So is an object that moves from a network that has to be deleted before its new network can be made.

use foldhash::{HashMap, HashSet};
use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};

use super::{ClaimIndex, Claimants, without};
use crate::address::Address;
use crate::desired::{Desired, Instance};
use crate::graph::DependencyGraph;
use crate::kind::Claim;
use crate::observed::{Object, Observed};
use crate::plan::baseline::Baseline;
use crate::plan::diff;
use crate::plan::resolve::Resolver as _;

/// An object that would be changed in place, and claims something.
struct InPlace<'a> {
    instance: &'a Instance,
    object: &'a Object,
    gives: Vec<Claim<'a>>,
    takes: Vec<Claim<'a>>,
}

/// The resources that have to be made anew to make room, each with the one that it makes room for.
pub fn swaps(
    desired: &Desired,
    graph: &DependencyGraph,
    observed: &Observed,
    baseline: &Baseline<'_>,
) -> HashMap<Address, Address> {
    let claimants = Claimants::new(desired, observed);
    let changed = |at: &usize| baseline.unchanged(*at).is_none();
    let instances = graph.positions().filter(changed).map(|at| baseline.instance(at));
    let mut in_place: Vec<InPlace<'_>> = Vec::new();
    let mut new: Vec<&Instance> = Vec::new();
    for instance in instances.filter(|instance| !instance.kind.claims.is_empty()) {
        let Some(object) = observed.at(&instance.identity) else {
            new.push(instance);
            continue;
        };
        if object.belongs_to(&desired.project, &desired.environment)
            && !object.external
            && stays(instance, object, baseline)
        {
            let (before, after) = (claimants.of_object(object), claimants.of_instance(instance));
            let (gives, takes) = (without(before.clone(), &after), without(after, &before));
            in_place.push(InPlace { instance, object, gives, takes });
        }
    }
    let mut replaced = circles(&in_place);
    // Only an object that is changed in place can hold up a deletion that a new object waits for.
    if !new.is_empty() && !in_place.is_empty() {
        replaced.extend(users(desired, graph, observed, &claimants, &new, &in_place));
    }
    replaced
}

/// Whether an object would be changed in place.
fn stays(instance: &Instance, object: &Object, baseline: &Baseline<'_>) -> bool {
    let after = baseline.resolve(&instance.kind, &instance.attributes);
    !diff::diff(&instance.kind, &object.attributes, &after, None).iter().any(|change| change.replaces)
}

/// Whether an object may be made anew for the sake of another one: nothing lives in it, and nothing protects it.
fn may_go(one: &InPlace<'_>) -> bool {
    !one.object.kind.hosts_others && one.object.mark.as_ref().is_some_and(|mark| !mark.protect)
}

/// Breaks each circle of objects that wait for each other at one of them.
fn circles(in_place: &[InPlace<'_>]) -> HashMap<Address, Address> {
    let mut replaced: HashMap<Address, Address> = HashMap::default();
    let all = in_place.iter().enumerate();
    let index =
        ClaimIndex::new(all.flat_map(|(at, one)| one.gives.iter().map(move |claim| (claim.clone(), at))).collect());
    let mut graph: DiGraph<usize, ()> = DiGraph::new();
    let nodes: Vec<NodeIndex> = (0..in_place.len()).map(|at| graph.add_node(at)).collect();
    for (taker, one) in in_place.iter().enumerate() {
        for (_, giver) in one.takes.iter().flat_map(|claim| index.hits(claim)).filter(|(_, giver)| *giver != taker) {
            graph.update_edge(nodes[taker], nodes[giver], ());
        }
    }
    loop {
        let mut broken: Vec<NodeIndex> = Vec::new();
        for circle in kosaraju_scc(&graph).into_iter().filter(|circle| circle.len() > 1) {
            let mut members: Vec<&InPlace<'_>> = circle.iter().map(|node| &in_place[graph[*node]]).collect();
            members.sort_by_key(|one| &one.instance.address);
            let Some(chosen) = members.iter().find(|one| may_go(one)) else { continue };
            let other = members.iter().find(|one| one.instance.address != chosen.instance.address);
            replaced.extend(other.map(|other| (chosen.instance.address.clone(), other.instance.address.clone())));
            broken
                .extend(circle.iter().find(|node| in_place[graph[**node]].instance.address == chosen.instance.address));
        }
        if broken.is_empty() {
            return replaced;
        }
        // An object that is made anew gives up everything before it takes anything.
        let edges: Vec<_> =
            broken.iter().flat_map(|node| graph.edges(*node).map(|edge| petgraph::visit::EdgeRef::id(&edge))).collect();
        let edges: HashSet<_> = edges.into_iter().collect();
        graph.retain_edges(|_, edge| !edges.contains(&edge));
    }
}

/// Objects that use one that has to be deleted before another one can be made, and that are to use that other one: they
/// stop using the first only when they are made anew.
fn users<'a>(
    desired: &'a Desired,
    graph: &DependencyGraph,
    observed: &'a Observed,
    claimants: &Claimants<'a>,
    new: &[&'a Instance],
    in_place: &[InPlace<'_>],
) -> HashMap<Address, Address> {
    let mut replaced = HashMap::default();
    let claims = |at: usize| claimants.of_instance(new[at]).into_iter().map(move |claim| (claim, at));
    let comes = ClaimIndex::new((0..new.len()).flat_map(claims).collect());
    let goes = |object: &&Object| {
        let wanted = object.resource().and_then(|address| desired.get(address));
        object.belongs_to(&desired.project, &desired.environment)
            && wanted.is_none_or(|instance| instance.identity != object.identity)
    };
    let mut pairs: HashMap<&Address, Vec<&Address>> = HashMap::default();
    for object in observed.objects().iter().filter(|object| !object.kind.claims.is_empty()).filter(goes) {
        let Some(leaves) = object.resource() else { continue };
        for claim in claimants.of_object(object) {
            pairs.entry(leaves).or_default().extend(comes.hits(&claim).map(|(_, at)| &new[at].address));
        }
    }
    pairs.retain(|_, takers| !takers.is_empty());
    if pairs.is_empty() {
        return replaced;
    }
    for one in in_place.iter().filter(|one| may_go(one)) {
        let needed = one.object.mark.iter().flat_map(|mark| &mark.needs).filter_map(|need| pairs.get(need));
        let taker = needed.flatten().find(|taker| graph.needs(&one.instance.address).any(|(need, _)| need == **taker));
        replaced.extend(taker.map(|taker| (one.instance.address.clone(), (*taker).clone())));
    }
    replaced
}
