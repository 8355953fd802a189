//! What only one object can have at a time: a port of a machine, a range of addresses, a name that counts in a whole account.
//!
//! A kind lists what its objects claim as data. The planner compares the claims before and after a change. A step that takes
//! a claim waits for the step that releases it.

use std::borrow::Cow;
use std::mem::{forget, replace};
use std::net::IpAddr;

use super::shared::Shared;
use crate::value::{Attributes, Value};

/// An attribute by which an object claims something for itself.
#[derive(Clone)]
pub struct Exclusive {
    /// What it claims, in a word or two: `port`.
    pub what: &'static str,
    /// The attribute, with a path into it; `*` stands for each item of a list: `networks.*.address`.
    pub at: Shared<str>,
    /// Among which objects it can be had once only.
    pub within: Within,
    /// How the value says what is claimed.
    pub reads: Reads,
    /// Attributes with which the object only is reached, and takes nothing for itself.
    pub unless: Shared<[&'static str]>,
}

/// Among which objects something can be had once only.
#[derive(Clone)]
pub enum Within {
    /// Those on the same container engine, which the attribute at this path names.
    Engine(Shared<str>),
    /// Those that name the same thing in this key beside it: an address is taken in one network.
    Beside(Shared<str>),
    /// Those of one object store: all of AWS, one LocalStack, one other endpoint.
    Store,
    /// Those of one account.
    Account,
}

/// How a value says what is claimed.
#[derive(Clone, Copy)]
pub enum Reads {
    /// It is a name.
    Name,
    /// It is a port of the addresses on which Atlas publishes what is on that engine, or a port of a cluster.
    Port,
    /// It is `[ADDRESS:]PORT:INSIDE[/PROTOCOL]`.
    Published,
    /// It is a range of addresses.
    Subnet,
    /// It is one address.
    Address,
}

/// Something that one object has, and no other one can have meanwhile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim<'a> {
    /// What it is, in a word or two.
    pub what: &'static str,
    /// Where it can be had once only: two claims can only be about the same thing in the same scope.
    pub scope: Cow<'a, str>,
    /// Which one: `8080/tcp`. Empty where only the range tells.
    pub name: Cow<'a, str>,
    /// The addresses for which it is claimed, the first and the last.
    pub range: (u128, u128),
    /// How the object says it.
    pub said: &'a str,
}

/// An object that claims something.
pub struct Claimant<'k, 'a> {
    /// What objects of its kind claim.
    pub exclusive: &'k [Exclusive],
    /// Its attributes. What is not known in them yet claims nothing.
    pub attributes: &'a Attributes,
    /// The identity and the attributes of the region that it is in.
    pub region: Option<(&'a str, &'a Attributes)>,
}

const ANY: (u128, u128) = (0, u128::MAX);

impl Exclusive {
    /// A claim by the attribute at a path.
    #[must_use]
    pub const fn new(what: &'static str, at: &'static str, within: Within, reads: Reads) -> Self {
        Self { what, at: Shared::Static(at), within, reads, unless: Shared::Static(&[]) }
    }

    /// With one of these attributes the object only is reached, and takes nothing for itself.
    #[must_use]
    pub const fn unless(mut self, attributes: &'static [&'static str]) -> Self {
        // Constant code can't drop the old value, so it forgets it. A claim says this once.
        forget(replace(&mut self.unless, Shared::Static(attributes)));
        self
    }
}

impl Claim<'_> {
    /// Identifies the claimed thing, apart from its addresses.
    #[must_use]
    pub fn thing(&self) -> (&str, &str, &str) {
        (self.what, &self.scope, &self.name)
    }

    /// Whether two claims are about the same thing.
    #[must_use]
    pub fn collides(&self, other: &Claim<'_>) -> bool {
        self.thing() == other.thing() && self.range.0 <= other.range.1 && other.range.0 <= self.range.1
    }
}

impl<'a> Claimant<'_, 'a> {
    /// Everything that it claims.
    #[must_use]
    pub fn claims(&self) -> Vec<Claim<'a>> {
        let reached = |way: &&str| !self.attributes.get(way).is_null();
        let mut claims = Vec::new();
        for exclusive in self.exclusive.iter().filter(|exclusive| !exclusive.unless.iter().any(reached)) {
            let (name, rest) = exclusive.at.split_once('.').unwrap_or((&exclusive.at, ""));
            self.visit(exclusive, self.attributes.get(name), rest, None, &mut claims);
        }
        claims
    }

    fn visit(
        &self,
        exclusive: &Exclusive,
        value: &'a Value,
        path: &str,
        beside: Option<&'a Value>,
        claims: &mut Vec<Claim<'a>>,
    ) {
        if path.is_empty() {
            claims.extend(self.scope(&exclusive.within, beside).and_then(|scope| read(exclusive, scope, value)));
            return;
        }
        let (first, rest) = path.split_once('.').unwrap_or((path, ""));
        match value {
            Value::List(items) if first == "*" => {
                items.iter().for_each(|item| self.visit(exclusive, item, rest, Some(item), claims));
            }
            Value::Map(entries) => {
                if let Some(inner) = entries.get(first) {
                    self.visit(exclusive, inner, rest, Some(value), claims);
                }
            }
            _ => {}
        }
    }

    fn scope(&self, within: &Within, beside: Option<&'a Value>) -> Option<Cow<'a, str>> {
        const NULL: &Value = &Value::Null;
        let region = |name: &str| self.region.map(|(_, attributes)| attributes.at(name).unwrap_or(NULL));
        let own = || self.region.map(|(identity, _)| Cow::Borrowed(identity));
        match within {
            Within::Engine(path) => {
                Some(self.attributes.at(path).and_then(Value::as_str).map_or(Cow::Borrowed(""), Cow::Borrowed))
            }
            Within::Beside(key) => Some(Cow::Borrowed(beside?.at(key)?.as_str()?)),
            Within::Store if !region("localstack")?.is_null() => own(),
            Within::Store => Some(match self.region?.1.at("aws.endpoint").and_then(Value::as_str) {
                Some(endpoint) => Cow::Borrowed(endpoint),
                None => Cow::Borrowed(""),
            }),
            // Where nothing says whose account it is, each region counts for itself.
            Within::Account => match region("aws")? {
                Value::Null => own(),
                account => Some(Cow::Owned(account.to_json().to_string())),
            },
        }
    }
}

fn read<'a>(exclusive: &Exclusive, scope: Cow<'a, str>, value: &'a Value) -> Option<Claim<'a>> {
    let text = value.as_str().unwrap_or_default();
    // What is on an engine of another machine is published on all of its addresses.
    let published = if scope.is_empty() { one("127.0.0.1")? } else { all(false) };
    let (name, range) = match (exclusive.reads, value) {
        (Reads::Port, Value::Int(port)) => (Cow::Owned(format!("{port}/tcp")), published),
        (_, value) if value.as_str().is_none_or(str::is_empty) => return None,
        (Reads::Name, _) => (Cow::Borrowed(text), ANY),
        (Reads::Port, _) => {
            let (port, _) = text.split_once('@').unwrap_or((text, ""));
            let (name, bound) = published_port(port)?;
            (name, if port.matches(':').count() > 1 { bound } else { published })
        }
        (Reads::Published, _) => published_port(text)?,
        (Reads::Subnet, _) => (Cow::Borrowed(""), subnet(text)?),
        (Reads::Address, _) => (Cow::Borrowed(""), one(text)?),
    };
    Some(Claim { what: exclusive.what, scope, name, range, said: text })
}

/// `[ADDRESS:]PORT:INSIDE[/PROTOCOL]`. Without an address it is bound to this machine alone.
fn published_port(text: &str) -> Option<(Cow<'static, str>, (u128, u128))> {
    let (ports, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    let (outside, _) = ports.rsplit_once(':')?;
    let (address, port) = outside.rsplit_once(':').unwrap_or(("127.0.0.1", outside));
    Some((Cow::Owned(format!("{port}/{protocol}")), one(address.trim_matches(['[', ']']))?))
}

/// One address as a range; the unspecified one stands for all of its sort.
fn one(text: &str) -> Option<(u128, u128)> {
    let address: IpAddr = text.parse().ok()?;
    if address.is_unspecified() {
        return Some(all(address.is_ipv6()));
    }
    let number = number(address);
    Some((number, number))
}

/// All addresses of a machine: those of the fourth version, or all of both.
fn all(both: bool) -> (u128, u128) {
    if both { ANY } else { (number(IpAddr::from([0, 0, 0, 0])), number(IpAddr::from([255, 255, 255, 255]))) }
}

fn subnet(text: &str) -> Option<(u128, u128)> {
    let (address, bits) = text.split_once('/')?;
    let address: IpAddr = address.parse().ok()?;
    let bits: u32 = bits.parse().ok()?;
    let free = if address.is_ipv4() { 32_u32.checked_sub(bits)? } else { 128_u32.checked_sub(bits)? };
    let mask = 1_u128.checked_shl(free).map_or(u128::MAX, |size| size - 1);
    let first = number(address) & !mask;
    Some((first, first | mask))
}

/// An address as a number; those of the fourth version stand where the sixth has them.
fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_ipv6_mapped()),
        IpAddr::V6(address) => u128::from(address),
    }
}

impl std::fmt::Display for Claim<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = if self.name.is_empty() { self.said } else { &self.name };
        write!(f, "{} {name}", self.what)
    }
}

/// The name of the region that an identity begins with.
#[must_use]
pub fn region_of(identity: &str) -> Option<&str> {
    identity.strip_prefix("region/")?.split('/').next()
}

#[cfg(test)]
mod tests {
    use super::{one, published_port, subnet};

    fn meet(a: (u128, u128), b: (u128, u128)) -> bool {
        a.0 <= b.1 && b.0 <= a.1
    }

    #[test]
    fn ranges_meet_where_addresses_do() {
        let net = |text| subnet(text).expect("a subnet");
        assert!(meet(net("10.77.0.0/16"), net("10.77.3.0/24")));
        assert!(!meet(net("10.77.0.0/24"), net("10.77.1.0/24")));
        assert!(meet(net("0.0.0.0/0"), net("10.77.1.0/24")));
        assert!(!meet(net("fd00::/64"), net("10.77.1.0/24")));
        assert!(subnet("10.0.0.0/33").is_none() && subnet("x/8").is_none());
    }

    #[test]
    fn a_port_on_all_addresses_is_taken_on_each() {
        let port = |text| published_port(text).expect("a port");
        assert_eq!(port("8080:80").0, "8080/tcp");
        assert_eq!(port("127.0.0.1:8080:53/udp").0, "8080/udp");
        assert!(meet(port("0.0.0.0:8080:80").1, port("8080:81").1));
        assert!(!meet(port("10.0.0.1:8080:80").1, port("8080:81").1));
        assert_eq!(one("127.0.0.1"), Some(port("8080:80").1));
    }
}
