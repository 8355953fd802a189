//! What a person told the loop to leave alone, why, and until when.

use serde::{Deserialize, Serialize};

use crate::address::Address;
use crate::plan::Selector;

/// What the loop leaves alone. It outranks everything that the loop would do by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suspension {
    /// The resource, with all of its places and what lives in it; none for everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
    /// Why.
    pub reason: String,
    /// Since when, in milliseconds since 1970.
    pub since: u64,
    /// Until when, in milliseconds since 1970.
    pub until: u64,
}

/// All of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suspensions {
    /// One for each thing that is suspended.
    pub suspended: Vec<Suspension>,
}

impl Suspension {
    /// Whether it still holds. `now` is in milliseconds since 1970. A clock that was set back lets it last longer, as a person would
    /// rather see it hold too long than not at all.
    #[must_use]
    pub const fn holds(&self, now: u64) -> bool {
        now < self.until
    }

    /// Whether it is about a resource that lives in these hosts.
    #[must_use]
    pub fn covers(&self, address: &Address, hosts: &[Address]) -> bool {
        let Some(own) = &self.address else { return true };
        let selector = Selector::new(own.clone());
        selector.matches(address) || hosts.iter().any(|host| selector.matches(host))
    }
}

impl Suspensions {
    /// Reads them from a record.
    ///
    /// # Errors
    /// When the record can't be understood. What it says has to be taken for a suspension of everything then.
    pub fn read(text: Option<&str>) -> Result<Self, serde_json::Error> {
        text.map_or_else(|| Ok(Self::default()), serde_json::from_str)
    }

    /// Writes them for a record; none when there are none.
    #[must_use]
    pub fn write(&self) -> Option<String> {
        (!self.suspended.is_empty()).then(|| serde_json::to_string_pretty(self).unwrap_or_default())
    }

    /// Adds one, in the place of an earlier one of the same. Those that ended go.
    pub fn add(&mut self, suspension: Suspension) {
        let now = suspension.since;
        self.suspended.retain(|one| one.address != suspension.address && one.holds(now));
        self.suspended.push(suspension);
    }

    /// Takes one away, or all of them when none is named; gives how many held.
    pub fn end(&mut self, address: Option<&Address>, now: u64) -> usize {
        let (ended, kept): (Vec<_>, Vec<_>) = std::mem::take(&mut self.suspended)
            .into_iter()
            .partition(|one| address.is_none() || one.address.as_ref() == address);
        self.suspended = kept;
        ended.iter().filter(|one| one.holds(now)).count()
    }

    /// Those that hold.
    pub fn holding(&self, now: u64) -> impl Iterator<Item = &Suspension> {
        self.suspended.iter().filter(move |one| one.holds(now))
    }
}

#[cfg(test)]
mod tests {
    use super::{Suspension, Suspensions};
    use crate::address::Address;

    fn address(text: &str) -> Address {
        Address::parse(text).expect("an address")
    }

    fn suspension(of: Option<&str>, since: u64, until: u64) -> Suspension {
        Suspension { address: of.map(address), reason: "migration".into(), since, until }
    }

    #[test]
    fn a_suspension_covers_all_places_and_what_lives_there() {
        let of = |text| suspension(Some(text), 0, 10);
        assert!(of("bucket.logs").covers(&address("bucket.logs@us"), &[]));
        assert!(!of("bucket.logs").covers(&address("bucket.logs-old@us"), &[]));
        assert!(of("cluster.dc").covers(&address("app.web@dc"), &[address("namespace.web@dc"), address("cluster.dc")]));
        assert!(suspension(None, 0, 10).covers(&address("queue.q"), &[]));
    }

    #[test]
    fn suspensions_end_by_themselves_or_when_somebody_resumes() {
        let mut all = Suspensions::default();
        all.add(suspension(Some("bucket.a"), 0, 10));
        all.add(suspension(None, 5, 100));
        assert_eq!(all.holding(7).count(), 2);
        assert_eq!(all.holding(50).count(), 1);
        assert_eq!(all.end(Some(&address("bucket.a")), 50), 0, "it had ended already");
        assert_eq!(all.end(None, 50), 1);
        assert_eq!(all.write(), None);
        assert_eq!(Suspensions::read(all.write().as_deref()).expect("nothing"), all);
    }
}
