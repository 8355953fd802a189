//! What must hold after a run: its claims are true, and in the end everything converges.

use std::collections::{BTreeMap, BTreeSet};

use atlas::address::Address;
use atlas::desired::Desired;
use atlas::identity::Identity;
use atlas::plan::{Options, Plan};
use atlas::run::{Ending, Opened, Proof, Purpose};

use super::life::Life;
use super::model::Model;
use super::turn::{Came, Turn, told};
use super::unruly::LAG;
use super::watch::within;

impl Life {
    /// Nothing is planned in a host that can't be looked into, and no such host is destroyed.
    pub fn nothing_where_unseen(&self, plan: &Plan) -> Result<(), String> {
        let unseen = self.unseen_hosts()?;
        if unseen.is_empty() {
            return Ok(());
        }
        for change in plan.changes.iter().filter(|change| change.acts()) {
            let targets = change.before.iter().chain(&change.after);
            let destroys = change.before.as_ref().filter(|_| change.action.destroys());
            let hides = |host: &String| destroys.is_some_and(|before| within(host, &before.identity));
            let mut hosts = targets.flat_map(|target| unseen.iter().filter(|host| target.identity.is_within(host)));
            if let Some(host) = hosts.next().or_else(|| unseen.iter().find(|host| hides(host))) {
                let what = format!("{} of {}", change.action.word(), change.address);
                return Err(format!("{what} is planned: {host} can't be seen"));
            }
        }
        Ok(())
    }

    /// The hosts that exist and could not be looked into.
    fn unseen_hosts(&self) -> Result<Vec<String>, String> {
        let outages = self.unruly().world().outages().map_err(|error| error.to_string())?;
        let mut unseen: Vec<String> = outages.into_keys().collect();
        self.unruly().watch(|watch| {
            // A host that no listing shows is not known to deny anything.
            let listed = |host: &&String| !watch.hidden.iter().any(|hidden| within(host, hidden));
            unseen.extend(watch.denied.iter().filter(listed).chain(&watch.failed).cloned());
        });
        unseen.retain(|host| self.unruly().world().get(host).is_ok_and(|object| object.is_some()));
        Ok(unseen)
    }

    /// What was done to the world against a promise.
    pub fn violations(&self, model: &Model) -> Result<(), String> {
        let violations = self.unruly().watch(|watch| std::mem::take(&mut watch.violations));
        if violations.is_empty() {
            Ok(())
        } else {
            Err(format!("{}\n{}\n{}", violations.join("\n"), self.plan, model.text()))
        }
    }

    /// Only intents whose outcome is unknown stay open: what was denied or refused is settled.
    pub fn intents(&self, crashed: bool) -> Result<(), String> {
        let pending: BTreeSet<String> =
            self.records.pending().into_keys().map(|intent| intent.identity.to_string()).collect();
        self.unruly().watch(|watch| {
            if crashed {
                watch.doubtful.extend(pending.iter().cloned());
            }
            watch.doubtful.retain(|identity| pending.contains(identity));
        });
        let open = |identity: &&String| {
            let doubtful = self.worlds.iter().any(|world| world.watch(|watch| watch.doubtful.contains(*identity)));
            let bare = |world: &std::sync::Arc<super::unruly::Unruly>| {
                world.world().get(identity).is_ok_and(|object| object.is_some_and(|object| object.mark.is_none()))
            };
            // Of what can't be seen nobody knows whether it is still there, though chaos may have taken it.
            let unseen = self.unruly().is_unseen(&Identity::from_text(identity.as_str()));
            !doubtful && !unseen && !self.worlds.iter().any(bare)
        };
        match pending.iter().find(open) {
            Some(identity) => Err(format!("the intent of {identity} is open, and its outcome is known")),
            None => Ok(()),
        }
    }

    /// What a run claims at its end is so.
    pub fn claims(&self, opened: &Opened, proof: &Proof, options: &Options) -> Result<(), String> {
        let partial = !options.targets.is_empty() || !options.excludes.is_empty();
        if proof.ending != Ending::Converged || partial {
            return Ok(());
        }
        let failed = self.unruly().watch(|watch| watch.failed.clone());
        if !failed.is_empty() {
            return Err(format!("it converged, and {failed:?} could not be looked into: {}", told(proof)));
        }
        let unseen = self.unseen_hosts()?;
        let desired = &opened.pipeline.desired;
        let owned = self.unruly().owned();
        let hidden = |host: &&String| {
            let wanted = desired.objects().any(|one| within(&one.identity, host)) && !options.destroy;
            wanted || owned.iter().any(|object| within(&object.identity, host))
        };
        if let Some(host) = unseen.iter().find(hidden) {
            return Err(format!("it converged, and {host} can't be seen: {}", told(proof)));
        }
        let nothing = Desired::default();
        self.as_the_spec_says(if options.destroy { &nothing } else { desired })
            .map_err(|broken| format!("it converged, and {broken}: {}", told(proof)))
    }

    /// The world is as a spec says.
    fn as_the_spec_says(&self, desired: &Desired) -> Result<(), String> {
        let world = self.unruly().world();
        for instance in desired.objects() {
            let object = world.get(&instance.identity).map_err(|error| error.to_string())?;
            let object = object.filter(|object| object.resource() == Some(&instance.address));
            let Some(object) = object else { return Err(format!("{} is not there", instance.address)) };
            if object.mark.as_ref().is_none_or(|mark| mark.protect != instance.settings.protect) {
                return Err(format!("the mark of {} is not as it should be", instance.address));
            }
            for (name, value) in instance.attributes.iter().filter(|(_, value)| value.is_known()) {
                if object.attributes.get(name) != value {
                    let now = object.attributes.get(name);
                    return Err(format!("`{name}` of {} is {now:?}, not {value:?}", instance.address));
                }
            }
        }
        if self.unruly().watch(|watch| watch.hidden.is_empty()) { self.nothing_twice(desired) } else { Ok(()) }
    }

    /// The faults stop: everything converges, with nothing twice and nothing left over.
    pub async fn settle(&mut self, model: &Model) -> Result<(), String> {
        for region in ["region/a", "region/b"] {
            self.unruly().world().set_outage(region, false).map_err(|error| error.to_string())?;
        }
        self.unruly().watch(|watch| {
            (watch.faults, watch.lags, watch.grows, watch.calm) = (0, false, false, true);
            watch.denied.clear();
        });
        let mut last = None;
        for _ in 0..8 {
            tokio::time::sleep(LAG).await;
            let opened = self.open(model, Purpose::Look).map_err(|error| format!("{error:?}"))?;
            self.clear_foreign(&opened.pipeline.desired)?;
            let came = self.run(model, Turn::plain()).await?;
            match came {
                Came::Refused => return Ok(()),
                Came::Ended(Ending::Converged, 0) => {
                    return self.nothing_twice(&opened.pipeline.desired).and_then(|()| self.nothing_stray());
                }
                came => last = Some(came),
            }
        }
        Err(format!("it does not converge: {last:?}\n{}\n{}", self.plan, model.text()))
    }

    /// Removes what belongs to others and is in the way, as its owners would. What an interrupted run left unmarked
    /// stays: the engine has to find it.
    fn clear_foreign(&self, desired: &Desired) -> Result<(), String> {
        let regions: Vec<&str> = desired.of_kind("region").map(|region| region.identity.as_str()).collect();
        for object in self.unruly().all() {
            let identity = object.identity.as_str();
            let left =
                self.unruly().watch(|watch| watch.planted.contains(identity) || watch.forgotten.contains(identity));
            let nobodys = object.mark.is_none() && left;
            let others = object.mark.as_ref().is_some_and(|mark| mark.project != "t");
            // An object in a region that is to be deleted would keep that region for ever.
            let in_the_way = !regions.iter().any(|region| within(identity, region));
            let wanted = desired.objects().any(|instance| instance.identity == object.identity);
            if (nobodys || others) && (in_the_way || wanted) {
                self.unruly().world().destroy(identity).map_err(|error| error.to_string())?;
            }
        }
        Ok(())
    }

    fn nothing_stray(&self) -> Result<(), String> {
        let stray = self.unruly().stray();
        if stray.is_empty() { Ok(()) } else { Err(format!("nobody takes away {stray:?}")) }
    }

    fn nothing_twice(&self, desired: &Desired) -> Result<(), String> {
        let mut seen: BTreeMap<Address, String> = BTreeMap::new();
        for object in self.unruly().owned() {
            let mark = object.mark.expect("owned");
            let wanted = desired.get(&mark.address).map(|instance| instance.identity.as_str());
            if wanted != Some(object.identity.as_str()) {
                return Err(format!("{} is left over as {}", object.identity, mark.address));
            }
            if seen.insert(mark.address.clone(), object.identity.to_string()).is_some() {
                return Err(format!("{} is there twice", mark.address));
            }
        }
        let wanted = desired.objects().count();
        if seen.len() == wanted { Ok(()) } else { Err(format!("{} objects, and {wanted} resources", seen.len())) }
    }
}
