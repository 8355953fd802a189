//! A world that takes no time: resources that break, rivals that change them back, and an API that fails, with a governor over it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use atlas::action::{Action, Order, Verb};
use atlas::address::Address;
use atlas::desired::{ReconcileMode, ReconcileSettings};
use atlas::reconcile::{Deed, Difference, Divergence, Governor, Group, Hold, Rulings, Situation, Standing, Suspension};

use crate::support::address;

/// How a resource is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    Fine,
    /// These attributes are not as they should be.
    Drifted(BTreeSet<&'static str>),
    Gone,
    /// It does not do what it is for, and has to be replaced.
    Broken,
    /// It works, and can only be made right by replacing it.
    Outdated,
    /// It is on its way by itself.
    Rolling,
}

/// A world of resources, with what is done to them counted.
pub struct VirtualWorld {
    pub governor: Governor,
    pub now: Duration,
    pub resources: BTreeMap<Address, State>,
    /// The resources whose calls fail, with why.
    pub denied: BTreeMap<Address, String>,
    /// Whose changes would lose data.
    pub lossy: BTreeSet<Address>,
    /// What the spec asks for and nobody applied.
    pub unapplied: BTreeSet<Address>,
    /// What the spec does not have any more.
    pub removed: BTreeSet<Address>,
    /// Places that do not answer.
    pub unseen: BTreeSet<String>,
    pub suspended: Vec<Suspension>,
    pub mode: ReconcileMode,
    pub approved: bool,
    /// Every action, with its time.
    pub actions: Vec<(Duration, Address, Verb)>,
    pub last: Rulings,
}

impl VirtualWorld {
    pub fn of(names: &[&str]) -> Self {
        Self::with(names, ReconcileSettings::default())
    }

    pub fn with(names: &[&str], limits: ReconcileSettings) -> Self {
        Self {
            governor: Governor::new(limits, 7),
            now: Duration::from_secs(1_000_000),
            resources: names.iter().map(|name| (address(name), State::Fine)).collect(),
            denied: BTreeMap::new(),
            lossy: BTreeSet::new(),
            unapplied: BTreeSet::new(),
            removed: BTreeSet::new(),
            unseen: BTreeSet::new(),
            suspended: Vec::new(),
            mode: ReconcileMode::Heal,
            approved: true,
            actions: Vec::new(),
            last: Rulings::default(),
        }
    }

    pub fn set(&mut self, name: &str, state: State) {
        self.resources.insert(address(name), state);
    }

    pub fn drift(&mut self, name: &str, field: &'static str) {
        self.set(name, State::Drifted(BTreeSet::from([field])));
    }

    pub fn is_fine(&self, name: &str) -> bool {
        self.resources[&address(name)] == State::Fine
    }

    /// Why a resource is left as it is.
    pub fn held(&self, name: &str) -> Option<&Hold> {
        self.last.held.get(&address(name))
    }

    /// How often a resource was acted on since a moment.
    pub fn acted_since(&self, name: &str, since: Duration) -> usize {
        let address = address(name);
        self.actions.iter().filter(|(at, one, _)| *at >= since && *one == address).count()
    }

    /// Makes a pass, and lets so much time go by after it.
    pub fn pass(&mut self, then: u64) {
        let situation = self.situation();
        let suspended: Vec<(&Suspension, Duration)> =
            self.suspended.iter().map(|one| (one, Duration::from_secs(60))).collect();
        let standing = Standing { mode: self.mode, approved: self.approved, moved_on: BTreeSet::new(), suspended };
        let rulings = self.governor.rule(&situation, &standing, self.now);
        self.governor.begin(&rulings, self.now);
        let mut deeds = Vec::new();
        for candidate in situation.candidates.iter().filter(|one| rulings.acting.contains(&one.address)) {
            deeds.extend(self.act(candidate));
        }
        self.governor.learn(&situation, &deeds, self.now);
        self.last = rulings;
        self.now += Duration::from_secs(then);
    }

    pub fn situation(&self) -> Situation {
        let mut situation = Situation { unseen: self.unseen.clone(), ..Situation::default() };
        let left = self.governor.left(self.now);
        for (address, state) in &self.resources {
            let group = group(address);
            let population = situation.groups.entry(group.clone()).or_default();
            population.all += 1;
            let is_lost = matches!(state, State::Gone | State::Broken);
            population.lost += usize::from(is_lost);
            population.unavailable += usize::from(is_lost || *state == State::Rolling);
            if *state == State::Rolling {
                situation.on_their_way.insert(address.clone(), "2 of 3 replicas are ready".into());
            }
            situation.candidates.extend(self.candidate(address, state, group, left.get(address)));
        }
        situation
    }

    fn candidate(
        &self,
        address: &Address,
        state: &State,
        group: Group,
        left: Option<&Vec<String>>,
    ) -> Option<Divergence> {
        let (action, mut difference, mut fields) = match state {
            _ if self.removed.contains(address) => (Action::Delete, Difference::Removal, Vec::new()),
            State::Fine if !self.unapplied.contains(address) => return None,
            State::Fine => (Action::Update, Difference::Change, vec!["retention".to_owned()]),
            State::Drifted(fields) => {
                (Action::Update, Difference::Drift, fields.iter().map(|one| (*one).to_owned()).collect())
            }
            State::Gone => (Action::Create, Difference::Missing, Vec::new()),
            State::Broken => (Action::Replace(Order::DeleteFirst), Difference::Drift, vec!["condition".to_owned()]),
            State::Outdated => (Action::Replace(Order::DeleteFirst), Difference::Drift, vec!["image".to_owned()]),
            State::Rolling => (Action::Update, Difference::Drift, vec!["image".to_owned()]),
        };
        // What is in quarantine does not show in a plan.
        fields.retain(|field| !left.is_some_and(|left| left.contains(field)));
        if fields.is_empty() && action == Action::Update {
            return None;
        }
        if self.unapplied.contains(address) {
            difference = Difference::Change;
        }
        Some(Divergence {
            address: address.clone(),
            group,
            action,
            difference,
            only_drift: difference == Difference::Drift,
            fields,
            loss: self.lossy.contains(address).then(|| "it holds 3 objects".to_owned()),
            on_its_way: (*state == State::Rolling).then(|| "2 of 3 replicas are ready".to_owned()),
            is_broken: *state == State::Broken,
            hosts: Vec::new(),
            writers: vec!["the field manager `rival`".to_owned()],
        })
    }

    fn act(&mut self, candidate: &Divergence) -> Vec<Deed> {
        let address = &candidate.address;
        let verbs: &[Verb] = match candidate.action {
            Action::Create => &[Verb::Create],
            Action::Replace(_) => &[Verb::Delete, Verb::Create],
            Action::Delete => &[Verb::Delete],
            _ => &[Verb::Update],
        };
        if let Some(error) = self.denied.get(address) {
            self.actions.push((self.now, address.clone(), verbs[0]));
            return vec![Deed { address: address.clone(), verb: verbs[0], error: Some(error.clone()) }];
        }
        self.actions.push((self.now, address.clone(), verbs[0]));
        if candidate.action == Action::Delete {
            self.resources.remove(address);
            self.removed.remove(address);
        } else if let Some(State::Drifted(fields)) = self.resources.get_mut(address) {
            // Only what the plan shows is repaired: what is in quarantine stays.
            fields.retain(|field| !candidate.fields.iter().any(|one| one == field));
            if fields.is_empty() {
                self.resources.insert(address.clone(), State::Fine);
            }
        } else {
            self.resources.insert(address.clone(), State::Fine);
        }
        self.unapplied.remove(address);
        verbs.iter().map(|verb| Deed { address: address.clone(), verb: *verb, error: None }).collect()
    }
}

pub fn group(address: &Address) -> Group {
    Group { kind: address.kind().to_owned(), place: address.place().unwrap_or_default().to_owned() }
}
