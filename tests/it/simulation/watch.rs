//! What the world does to the engine, and whether what the engine does to the world was promised.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use atlas::address::Address;
use atlas::driver::{Class, DriverError, Request, Seen};
use atlas::identity::Identity;
use atlas::kind::{Count, Risk, Usage, counted};
use atlas::observed::{Mark, Object};
use tokio::time::Instant;

use super::random::Random;
use super::unruly::Unruly;

/// What the world does to the engine, and what the engine did to the world.
pub struct Watch {
    pub random: Random,
    /// How many calls in a hundred fail.
    pub faults: usize,
    /// Whether listings lag behind.
    pub lags: bool,
    /// Whether others put something into objects while they are looked at.
    pub grows: bool,
    /// Whether nobody else is at work: the faults have stopped.
    pub calm: bool,
    /// The hosts in which every call is denied.
    pub denied: BTreeSet<String>,
    /// What can't be listed: a host, or, as an empty text, the world.
    pub unlistable: Option<String>,
    /// The hosts of which a listing failed since somebody last asked.
    pub failed: BTreeSet<String>,
    /// What the approved plan does, by address: its verbs.
    pub approved: BTreeMap<Address, BTreeSet<&'static str>>,
    /// What the approved plan replaces: those that need it are changed only afterwards.
    pub replaced: BTreeSet<Address>,
    /// The resources whose data may be lost.
    pub allowed: BTreeSet<Address>,
    /// What may be taken over although nobody owns it.
    pub adopted: BTreeSet<Address>,
    /// What must not be deleted, and why: it would lose something that nobody allowed to be lost.
    pub kept: BTreeMap<Identity, String>,
    /// What the approved plan says that each object holds.
    pub shown: BTreeMap<Identity, Usage>,
    /// What was done against a promise.
    pub violations: Vec<String>,
    /// When each object was made, for as long as a listing may not show it.
    pub made: HashMap<Identity, Instant>,
    /// What the last listings did not show, although it was there.
    pub hidden: BTreeSet<Identity>,
    /// What was let go.
    pub forgotten: BTreeSet<Identity>,
    /// What was made and not marked at first.
    pub bare: BTreeSet<Identity>,
    /// What somebody else made.
    pub planted: BTreeSet<Identity>,
    /// What came into a host after the last plan was made.
    pub came: BTreeSet<Identity>,
    /// The regions that were looked at since then because they are to be removed.
    pub examined: BTreeSet<Identity>,
    /// Objects for which an attempt to make or to adopt them may have had its effect, or may have it later.
    pub doubtful: BTreeSet<String>,
}

impl Watch {
    pub fn new(random: Random) -> Self {
        Self {
            random,
            faults: 0,
            lags: false,
            grows: false,
            calm: false,
            denied: BTreeSet::new(),
            unlistable: None,
            failed: BTreeSet::new(),
            approved: BTreeMap::new(),
            replaced: BTreeSet::new(),
            allowed: BTreeSet::new(),
            adopted: BTreeSet::new(),
            kept: BTreeMap::new(),
            shown: BTreeMap::new(),
            violations: Vec::new(),
            made: HashMap::new(),
            hidden: BTreeSet::new(),
            forgotten: BTreeSet::new(),
            bare: BTreeSet::new(),
            planted: BTreeSet::new(),
            came: BTreeSet::new(),
            examined: BTreeSet::new(),
            doubtful: BTreeSet::new(),
        }
    }

    fn approved_as(&self, address: &Address, verb: &'static str) -> bool {
        self.approved.get(address).is_some_and(|verbs| verbs.contains(verb))
    }

    /// A host that denies everything in it, if an object is in one.
    pub fn denies(&self, identity: &str) -> Result<(), DriverError> {
        let denied = self.denied.iter().any(|host| within(identity, host));
        if denied { Err(DriverError::new(Class::Denied, "403")) } else { Ok(()) }
    }
}

/// Whether an object lives in a host, or is that host.
pub fn within(identity: &str, host: &str) -> bool {
    identity.strip_prefix(host).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether data would be lost with an object.
pub fn is_lossy(object: &Object) -> bool {
    (object.kind.loss)(&object.usage).risk == Risk::Lossy
}

impl Unruly {
    fn violation(&self, what: String) {
        self.watch(|watch| watch.violations.push(what));
    }

    fn exists(&self, address: &Address) -> bool {
        self.world().find("t", "default", address).expect("readable").is_some()
    }

    /// Every effect was approved, and comes after everything that it needs.
    pub fn watch_making(&self, mark: &Mark, hosts: &[Identity], verb: &'static str) {
        // A step that is tried again may find what it made or adopted before.
        let again = |verbs: &BTreeSet<&'static str>| verb == "update" && verbs.contains("adopt");
        let one = |verbs: &BTreeSet<&'static str>| verbs.contains(verb) || verbs.contains("create") || again(verbs);
        let allowed = self.watch(|watch| watch.approved.get(&mark.address).is_some_and(one));
        if !allowed {
            self.violation(format!("{verb} of {} was in no approved plan", mark.address));
        }
        // An existing object with several hosts goes on without one of them.
        if hosts.len() > 1 && verb != "create" {
            return;
        }
        for need in mark.needs.iter().filter(|need| !self.exists(need)) {
            self.violation(format!("{verb} of {} came before {need}", mark.address));
        }
    }

    /// An object that is not ours is taken over only when that was asked for.
    pub fn watch_adopting(&self, seen: &Seen, mark: &Mark) {
        let identity = &seen.object.identity;
        let Some(object) = self.world().get(identity).expect("readable") else { return };
        let ours = match &object.mark {
            Some(theirs) => theirs.project == mark.project,
            None => self.watch(|watch| watch.bare.contains(identity)),
        };
        if !ours && !self.watch(|watch| watch.adopted.contains(&mark.address)) {
            self.violation(format!("{identity} is not ours, and was taken over as {}", mark.address));
        }
    }

    /// A port is released before it is taken. An object that the engine can't see may still have it.
    pub fn watch_claims(&self, want: &Request<'_>) -> Result<(), DriverError> {
        let ports = want.attributes.get("ports");
        if want.kind.name != "cluster" || ports.items().is_empty() {
            return Ok(());
        }
        let mut others = Vec::new();
        for region in ["region/a", "region/b"] {
            let mut visit = |object: Object| {
                let other = object.kind.name == "cluster" && object.identity != *want.identity;
                let same = |port| object.attributes.get("ports").items().contains(port);
                if other && ports.items().iter().any(same) {
                    others.push(object);
                }
            };
            self.world().visit_host(region, &mut visit).expect("readable");
        }
        let Some(other) = others.first() else { return Ok(()) };
        if !self.is_unseen(&other.identity) {
            self.violation(format!("{} takes a port that {} has", want.mark.address, other.identity));
        }
        Err(DriverError::new(Class::Conflict, "the port is taken"))
    }

    /// Whether the engine could not see an object when it last looked.
    pub fn is_unseen(&self, identity: &Identity) -> bool {
        let outages = self.world().outages().expect("readable");
        self.watch(|watch| {
            let mut unseen = outages.keys().chain(&watch.denied).chain(&watch.failed);
            let mut hidden = watch.hidden.iter();
            hidden.any(|host| within(identity, host)) || unseen.any(|host| within(identity, host))
        })
    }

    pub fn watch_removal(&self, seen: &Seen, verb: &'static str) {
        let Some(object) = self.world().get(&seen.object.identity).expect("readable") else { return };
        let bare = self.watch(|watch| watch.bare.contains(&object.identity));
        let Some(address) = seen.object.resource() else {
            if !bare {
                self.violation(format!("{} is nobody's, and was to be removed", object.identity));
            }
            return;
        };
        let (allowed, replaced, kept) = self.watch(|watch| {
            let kept = watch.kept.get(&object.identity).cloned();
            (watch.approved_as(address, verb), watch.replaced.contains(address), kept)
        });
        if !allowed {
            self.violation(format!("{verb} of {address} was in no approved plan"));
        }
        if verb == "delete" && object.mark.as_ref().is_none_or(|mark| mark.protect || mark.project != "t") {
            self.violation(format!("{address} is protected or not ours, and was to be deleted"));
        }
        if let Some(kept) = kept.filter(|_| verb == "delete") {
            self.violation(format!("{address} was to be deleted, and with it {kept}"));
        }
        let owned = self.owned();
        let copies =
            owned.iter().filter(|other| other.mark.as_ref().is_some_and(|mark| &mark.address == address)).count();
        if verb != "delete" || replaced {
            return;
        }
        for user in owned.iter().filter(|user| user.identity != object.identity) {
            let unseen = self.watch(|watch| watch.hidden.iter().any(|host| user.identity.is_within(host)));
            let inside = user.hosts.contains(&object.identity);
            let needs = user.mark.as_ref().is_some_and(|mark| mark.needs.contains(address)) && copies == 1;
            if !unseen && (inside || needs) {
                self.violation(format!("{address} was deleted before {}", user.identity));
            }
        }
    }

    /// An object that is deleted with its data was allowed to be lost, and held no more than the plan said.
    pub fn watch_loss(&self, gone: &Object) {
        let came = self.watch(|watch| watch.came.iter().find(|came| came.is_within(&gone.identity)).cloned());
        if let Some(came) = came {
            self.violation(format!("{came} came into {} after the plan, and went along with it", gone.identity));
        }
        if let Some(address) = gone.resource().filter(|_| is_lossy(gone)) {
            self.watch_data(address, gone);
        }
    }

    /// An object that is changed loses only what was allowed to be lost, and held no more than the plan said.
    pub fn watch_update_loss(&self, before: &Object, want: &Request<'_>) {
        let verdict = (before.kind.update_loss)(&before.attributes, want.attributes, &before.usage);
        if verdict.is_some_and(|verdict| verdict.risk == Risk::Lossy) {
            self.watch_data(&want.mark.address, before);
        }
    }

    /// The data of an object is lost.
    fn watch_data(&self, address: &Address, lost: &Object) {
        let (allowed, shown) =
            self.watch(|watch| (watch.allowed.contains(address), watch.shown.get(&lost.identity).cloned()));
        if !allowed {
            self.violation(format!("{address} held data that nobody allowed to be lost"));
        }
        for (counter, held) in &lost.usage {
            let shown = shown.as_ref().map_or(Count::Unknown, |shown| counted(shown, counter));
            let (Count::Exactly(then), Count::Exactly(now)) = (shown, held) else { continue };
            // A counter that is not exact still tells something from nothing.
            if *now > then && (then == 0 || lost.kind.counts_exactly(counter)) {
                self.violation(format!("{address} held {now} {counter}, and the plan showed {then}"));
            }
        }
    }

    /// What an interrupted creation left without a mark.
    pub fn stray(&self) -> Vec<Identity> {
        let bare = self.watch(|watch| watch.bare.difference(&watch.forgotten).cloned().collect::<Vec<_>>());
        let unmarked = |identity: &Identity| {
            let object = self.world().get(identity).expect("readable");
            object.is_some_and(|object| object.mark.is_none())
        };
        bare.into_iter().filter(unmarked).collect()
    }

    /// Everything in the world that belongs to the project.
    pub fn owned(&self) -> Vec<Object> {
        let mut owned = self.all();
        owned.retain(|object| object.belongs_to("t", "default"));
        owned
    }

    /// Everything in the world.
    pub fn all(&self) -> Vec<Object> {
        let mut all = Vec::new();
        let mut open = vec![String::new(), "*".to_owned()];
        while let Some(host) = open.pop() {
            let mut visit = |object: Object| {
                open.push(object.identity.to_string());
                all.push(object);
            };
            self.world().visit_host(&host, &mut visit).expect("readable");
        }
        all
    }
}
