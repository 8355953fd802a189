//! The network of a cluster, and the addresses in it that its servers keep.
//!
//! k3s refuses a server that comes back under another address, as those that keep the data together know each other by theirs.
//! An engine gives an address only to who names it where somebody chose the network's range, and gives any free one to everybody
//! else. So a cluster's own network has a chosen range, half of which is for its servers alone.

use std::net::Ipv4Addr;

use bollard::models::{IpamConfig, Network};

use crate::driver::{Class, DriverError};

/// Of a range smaller than this no half is kept: it has to serve all nodes.
const SMALLEST: u8 = 26;

/// What a network tells.
#[derive(Clone, Debug, Default)]
pub(super) struct NetworkFacts {
    pub id: String,
    pub range: Option<String>,
    pub gateway: Option<String>,
    /// The addresses that servers keep; none where the network was made otherwise.
    pub fixed: Option<FixedAddresses>,
}

/// The addresses of a range that are for servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FixedAddresses {
    base: u32,
    prefix: u8,
}

impl FixedAddresses {
    /// Those of a range, `172.20.0.0/16`; none of one that is too small, or of another version of IP.
    pub fn of(range: &str) -> Option<Self> {
        let (base, prefix) = range.split_once('/')?;
        let (base, prefix): (Ipv4Addr, u8) = (base.parse().ok()?, prefix.parse().ok()?);
        let mask = u32::MAX.checked_shl(32 - u32::from(prefix))?;
        (prefix <= SMALLEST).then_some(Self { base: u32::from(base) & mask, prefix })
    }

    /// The address of the server of a number, from 0.
    pub fn of_server(&self, at: i64) -> Option<String> {
        let offset = u32::try_from(at).ok()?.checked_add(2)?;
        (offset < self.half()).then(|| Ipv4Addr::from(self.base + offset).to_string())
    }

    /// The addresses that the engine gives to everybody else.
    fn others(&self) -> String {
        format!("{}/{}", Ipv4Addr::from(self.base + self.half()), self.prefix + 1)
    }

    /// How the network is to be made.
    pub fn config(&self) -> IpamConfig {
        IpamConfig {
            subnet: Some(format!("{}/{}", Ipv4Addr::from(self.base), self.prefix)),
            gateway: Some(Ipv4Addr::from(self.base + 1).to_string()),
            ip_range: Some(self.others()),
            ..IpamConfig::default()
        }
    }

    const fn half(&self) -> u32 {
        1 << (31 - self.prefix)
    }
}

impl NetworkFacts {
    /// What the networks of a name tell, of which only the first counts.
    pub fn of(found: Vec<Network>) -> Result<Self, DriverError> {
        let network = found.into_iter().next();
        let network =
            network.ok_or_else(|| DriverError::new(Class::Transient, "the cluster's network is not there"))?;
        let configs = network.ipam.and_then(|ipam| ipam.config).unwrap_or_default();
        let is_old = |config: &&IpamConfig| config.subnet.as_ref().is_some_and(|subnet| !subnet.contains(':'));
        let config = configs.iter().find(is_old).or_else(|| configs.first());
        let range = config.and_then(|config| config.subnet.clone());
        let fixed = range.as_deref().and_then(FixedAddresses::of);
        let others = config.and_then(|config| config.ip_range.clone());
        Ok(Self {
            id: network.id.unwrap_or_default(),
            fixed: fixed.filter(|fixed| others == Some(fixed.others())),
            gateway: config.and_then(|config| config.gateway.clone()).filter(|gateway| !gateway.contains(':')),
            range,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::FixedAddresses;

    #[test]
    fn servers_have_the_lower_half_of_a_range() {
        let fixed = FixedAddresses::of("172.20.0.0/16").expect("large enough");
        assert_eq!((fixed.of_server(0), fixed.of_server(2)), (Some("172.20.0.2".into()), Some("172.20.0.4".into())));
        assert_eq!(fixed.others(), "172.20.128.0/17");
        let config = fixed.config();
        assert_eq!((config.subnet.as_deref(), config.gateway.as_deref()), (Some("172.20.0.0/16"), Some("172.20.0.1")));
        let small = FixedAddresses::of("10.1.2.70/26").expect("large enough");
        assert_eq!((small.others(), small.of_server(29)), ("10.1.2.96/27".into(), Some("10.1.2.95".into())));
        assert_eq!((small.of_server(30), small.of_server(-3)), (None, None));
        for none in ["10.1.2.0/27", "fd00::/64", "10.0.0.0", "10.0.0.0/x", "0.0.0.0/0"] {
            assert_eq!(FixedAddresses::of(none), None, "{none}");
        }
    }
}
