//! What happens to a world between two runs.

use atlas::address::Address;
use atlas::desired::{Instance, OnRemove};
use atlas::identity::Identity;
use atlas::kind;
use atlas::observed::{Condition, Mark, Object};
use atlas::run::Purpose;
use atlas::value::{Attributes, Value};

use super::life::Life;
use super::model::{Model, REGIONS};

impl Life {
    /// Changes the world as somebody else would. Gives the resource whose identity a foreign object has now, if one was
    /// made.
    pub fn chaos(&mut self, model: &Model) -> Result<Option<Address>, String> {
        let owned = self.unruly().owned();
        if !owned.is_empty() && self.random.chance(40) {
            let victim = &owned[self.random.below(owned.len())].identity;
            self.unruly().world().destroy(victim).map_err(|error| error.to_string())?;
        }
        if !owned.is_empty() && self.random.chance(40) {
            let victim = &owned[self.random.below(owned.len())];
            self.rival(&victim.identity);
        }
        for object in owned.iter().filter(|object| !object.kind.usage.is_empty()) {
            if self.random.chance(15) {
                let more = 1 + self.random.below(6) as u64;
                self.unruly().fill(&object.identity, more);
            }
        }
        self.set_outages(&owned)?;
        if self.random.chance(10) {
            self.stray()?;
        }
        if self.random.chance(20) { self.foreign_object(model) } else { Ok(None) }
    }

    /// Sets how many calls fail during the next run, and whether listings lag.
    pub fn trouble(&mut self) {
        self.unruly().watch(|watch| {
            watch.faults = [0, 0, 5, 20][watch.random.below(4)];
            watch.lags = watch.random.chance(50);
            watch.grows = watch.random.chance(20);
            watch.calm = false;
        });
    }

    /// Hosts that do not answer, and hosts that answer and deny everything.
    fn set_outages(&mut self, owned: &[Object]) -> Result<(), String> {
        for region in ["region/a", "region/b"] {
            let out = self.random.chance(20);
            self.unruly().world().set_outage(region, out).map_err(|error| error.to_string())?;
        }
        let clusters = owned.iter().filter(|object| object.kind.name == "cluster").map(|one| one.identity.to_string());
        let hosts: Vec<String> = REGIONS.iter().map(|region| format!("region/{region}")).chain(clusters).collect();
        let denied = hosts.into_iter().filter(|_| self.random.chance(8)).collect();
        self.unruly().watch(|watch| watch.denied = denied);
        Ok(())
    }

    /// A rival writer changes an attribute behind Atlas's back.
    fn rival(&mut self, identity: &str) {
        let delay = format!("{}s", 1 + self.random.below(9));
        let edit = |object: &mut Object| match object.kind.attribute("delay") {
            Some(attribute) => object.attributes.set(attribute.name, delay.as_str().into()),
            None => {
                let flag = object.kind.attributes.iter().find(|one| one.name == "versioning");
                if let Some(flag) = flag {
                    object.attributes.set(flag.name, Value::Bool(true));
                }
            }
        };
        self.unruly().world().edit(identity, edit).expect("writable");
    }

    /// An object with a mark of this project for which no spec ever had a resource, or with a mark of another project.
    fn stray(&mut self) -> Result<(), String> {
        let region = REGIONS[self.random.below(2)];
        let identity = Identity::root("region", region).inside("queue", "stray");
        let there = |identity: &str| self.unruly().world().get(identity).expect("readable").is_some();
        if !there(&format!("region/{region}")) || there(&identity) {
            return Ok(());
        }
        let project = if self.random.chance(60) { "t" } else { "other" };
        let mark = Mark {
            project: project.into(),
            environment: "default".into(),
            address: Address::new("queue", "stray", Some(region)),
            protect: self.random.chance(20),
            on_remove: if self.random.chance(30) { OnRemove::Forget } else { OnRemove::Delete },
            needs: Vec::new(),
            applied: String::new(),
        };
        let stray = Object {
            mark: Some(mark),
            ..foreign(kind::get("queue").expect("a kind").into(), &identity, name("stray"))
        };
        self.unruly().world().plant(&stray).map_err(|error| error.to_string())
    }

    /// Makes an object of somebody else under the identity of one of ours. Not where an attempt to make ours may still
    /// have its effect: then nobody could tell the two apart.
    fn foreign_object(&mut self, model: &Model) -> Result<Option<Address>, String> {
        let opened = self.open(model, Purpose::Look).map_err(|error| format!("{error:?}"))?;
        let desired = &opened.pipeline.desired;
        let instances: Vec<&Instance> = desired.of_kind("bucket").chain(desired.of_kind("queue")).collect();
        let at = self.random.below(instances.len().max(1));
        let Some(instance) = instances.get(at) else { return Ok(None) };
        let doubtful = self.unruly().watch(|watch| watch.doubtful.contains(instance.identity.as_str()));
        Ok((!doubtful && self.plant(instance)?).then(|| instance.address.clone()))
    }

    /// Makes objects of somebody else in this account, under the identities that an interrupted run in another account
    /// was about to make.
    pub fn foreign_objects(&mut self, model: &Model) -> Result<(), String> {
        let opened = self.open(model, Purpose::Look).map_err(|error| format!("{error:?}"))?;
        let pending = self.records.pending();
        for instance in opened.pipeline.desired.objects() {
            let mut places = pending
                .keys()
                .filter(|intent| intent.identity == instance.identity)
                .map(|intent| &intent.place)
                .peekable();
            // Only where it is certain that the intents belong to other accounts: an object that was intended here
            // can't be told from one that somebody else makes.
            let elsewhere = places.peek().is_some()
                && places.all(|place| !place.is_empty() && !place.contains(self.unruly().account));
            let doubtful = self.unruly().watch(|watch| watch.doubtful.contains(instance.identity.as_str()));
            if elsewhere && !doubtful {
                self.plant(instance)?;
            }
        }
        Ok(())
    }

    /// Makes an object without a mark under a resource's identity, if nothing is there and its host is.
    fn plant(&self, instance: &Instance) -> Result<bool, String> {
        let (world, identity) = (self.unruly().world(), &instance.identity);
        let there =
            |identity: &str| world.get(identity).map(|object| object.is_some()).map_err(|error| error.to_string());
        if there(identity)? || !identity.host_str().map_or(Ok(true), there)? {
            return Ok(false);
        }
        let known = instance.attributes.iter().filter(|(_, value)| value.is_known());
        let attributes = known.map(|(name, value)| (name, value.clone())).collect();
        world.plant(&foreign(instance.kind.clone(), identity, attributes)).map_err(|error| error.to_string())?;
        self.unruly().watch(|watch| {
            // Listings show it at once: the lag is for objects that the engine made.
            watch.made.remove(identity);
            watch.bare.remove(identity);
            watch.planted.insert(identity.clone());
        });
        Ok(true)
    }
}

fn name(text: &str) -> Attributes {
    [("name", Value::from(text))].into_iter().collect()
}

/// An object that carries no mark.
pub fn foreign(kind: kind::KindRef, identity: &Identity, attributes: Attributes) -> Object {
    Object {
        kind,
        identity: identity.clone(),
        hosts: identity.host().into_iter().collect(),
        attributes,
        outputs: kind::Outputs::default(),
        usage: kind::Usage::default(),
        mark: None,
        external: false,
        unsaid: Vec::new(),
        condition: Condition::Ready,
    }
}
