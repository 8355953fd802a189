//! Ranges of published ports: `[ADDRESS:]FIRST-LAST:FIRST-LAST[/PROTOCOL]` stands for as many ports as it has numbers.

use super::fault::Fault;

/// The most ports that one range may stand for. An engine runs a program of its own for each of them.
pub const WIDEST: u32 = 1_000;

/// A range of ports of the machine, and where each of them leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortRange<'a> {
    /// What stands before it: an address and a colon, or nothing.
    pub before: &'a str,
    /// The first and the last port of the machine.
    pub outside: (u32, u32),
    /// The first and the last port inside.
    pub inside: (u32, u32),
    /// What stands behind it: a protocol, the nodes of a cluster, or nothing.
    pub behind: &'a str,
}

impl<'a> PortRange<'a> {
    /// Reads one. None where the text says a single port, or nothing that could be one.
    #[must_use]
    pub fn read(text: &'a str) -> Option<Self> {
        let end = text.find(['/', '@']).unwrap_or(text.len());
        let (pair, behind) = text.split_at(end);
        let (rest, inside) = pair.rsplit_once(':')?;
        let start = rest.rfind(':').map_or(0, |at| at + 1);
        let (before, outside) = rest.split_at(start);
        if !inside.contains('-') && !outside.contains('-') {
            return None;
        }
        Some(Self { before, outside: ends(outside)?, inside: ends(inside)?, behind })
    }

    /// Whether it stands for ports.
    ///
    /// # Errors
    /// When one side is wider than the other, or both are too wide.
    pub fn check(&self) -> Result<(), Fault> {
        let [wide, deep] = [self.outside, self.inside].map(|(first, last)| last - first + 1);
        if wide != deep {
            return Err(Fault::new(format!("{wide} ports lead to {deep}")).hint("say as many ports outside as inside"));
        }
        if wide > WIDEST {
            let fault = Fault::new(format!("it stands for {wide} ports, and {WIDEST} are the most"));
            return Err(fault.hint("say those that are needed"));
        }
        Ok(())
    }

    /// Each of its ports as a text of its own.
    pub fn ports(self) -> impl Iterator<Item = String> {
        let Self { before, outside, inside, behind } = self;
        (0..=outside.1 - outside.0).map(move |at| format!("{before}{}:{}{behind}", outside.0 + at, inside.0 + at))
    }
}

/// The ports that a text stands for: itself, unless it is a range.
#[must_use]
pub fn ports(text: &str) -> Vec<String> {
    match PortRange::read(text).filter(|range| range.check().is_ok()) {
        Some(range) => range.ports().collect(),
        None => vec![text.to_owned()],
    }
}

/// The ends of `FIRST-LAST`, or of a single port.
#[must_use]
pub fn ends(text: &str) -> Option<(u32, u32)> {
    let port = |text: &str| text.parse::<u16>().ok().map(u32::from);
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    port(first).zip(port(last)).filter(|(first, last)| first <= last)
}

#[cfg(test)]
mod tests {
    use super::{PortRange, ports};

    #[test]
    fn a_range_is_each_of_its_ports() {
        for (text, expected) in [
            ("8080-8081:80-81", vec!["8080:80", "8081:81"]),
            ("0.0.0.0:8080-8081:80-81/udp", vec!["0.0.0.0:8080:80/udp", "0.0.0.0:8081:81/udp"]),
            ("[::1]:8080-8080:80", vec!["[::1]:8080:80"]),
            ("8080-8081:80-81@agent:0-1", vec!["8080:80@agent:0-1", "8081:81@agent:0-1"]),
            ("8080:80@agent:0-1", vec!["8080:80@agent:0-1"]),
            ("8080-8082:80-81", vec!["8080-8082:80-81"]),
        ] {
            assert_eq!(ports(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_range_is_none() {
        for text in ["8080", "8080:80", "9-1:1-9", "a-b:1-2", "-:1", "80:80@agent:0-1", "1-99999:1-99999"] {
            assert_eq!(PortRange::read(text), None, "{text}");
        }
        assert!(PortRange::read("1-1001:1-1001").is_some_and(|range| range.check().is_err()));
    }
}
