//! Ports of a cluster, in the words of k3d: `[ADDRESS:]PORT:INSIDE[/PROTOCOL][@NODES]`, and ranges of them.
//!
//! Sources: <https://k3d.io/stable/usage/exposing_services/>, and for what stands behind the `@`
//! <https://k3d.io/stable/design/concepts/#nodefilters>.

use super::engine_rule::{PUBLISH, short_port};
use super::fault::Fault;
use super::port_range::{self, PortRange};
use super::schema::Rule;
use super::shared::Shared::Static;

/// A port of the engine's machine that leads into a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterPort<'a> {
    /// The address of the machine that it is bound to, without brackets; none where the spec leaves it to Atlas.
    pub address: Option<&'a str>,
    /// The port of the machine.
    pub outside: &'a str,
    /// The port inside.
    pub inside: &'a str,
    /// `tcp` or `udp`.
    pub protocol: &'a str,
    /// The nodes that it leads to; all of them where this is empty.
    pub nodes: Vec<NodeFilter>,
    /// Whether the node itself publishes it, past the load balancer.
    pub direct: bool,
}

/// Some nodes of a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeFilter {
    /// `server` or `agent`; none for both.
    pub role: Option<&'static str>,
    /// Their numbers, in ranges with both ends; none for all.
    pub numbers: Option<Vec<(i64, i64)>>,
}

/// A port of a cluster.
pub static CLUSTER_PORT: Rule = Rule {
    says: Static("port of a cluster, \"[ADDRESS:]PORT:INSIDE[/udp][@NODES]\""),
    pattern: Some(Static(
        "^(([0-9.]+|\\[[0-9a-fA-F:]+\\]):)?[0-9]{1,5}(-[0-9]{1,5})?:[0-9]{1,5}(-[0-9]{1,5})?(/(tcp|udp))?(@[a-z]+(:([0-9,-]+|\\*))?(:(proxy|direct))?(;[a-z]+(:([0-9,-]+|\\*))?)*)?$",
    )),
    normal: Some(Static(&|text| {
        let (port, nodes) = text.split_once('@').unwrap_or((text, ""));
        let port =
            if port.starts_with("127.0.0.1:") { port.strip_suffix("/tcp").unwrap_or(port) } else { short_port(port) };
        match nodes.strip_suffix(":proxy").unwrap_or(nodes) {
            "" | "loadbalancer" => port.to_owned(),
            nodes => format!("{port}@{}", nodes.replace("servers", "server").replace("agents", "agent")),
        }
    })),
    several: Some(Static(&port_range::ports)),
    check: Static(&check),
};

impl<'a> ClusterPort<'a> {
    /// Reads one.
    ///
    /// # Errors
    /// When it is no port of a cluster.
    pub fn parse(text: &'a str) -> Result<Self, Fault> {
        let (port, filters) = text.split_once('@').map_or((text, None), |(port, filters)| (port, Some(filters)));
        (PUBLISH.check)(port)?;
        let (pair, protocol) = port.split_once('/').unwrap_or((port, "tcp"));
        if protocol == "sctp" {
            return Err(Fault::new("k3d's load balancer knows no SCTP").hint("use tcp or udp"));
        }
        let mut parts = pair.rsplitn(3, ':');
        let (inside, outside) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let address = parts.next().map(|address| address.trim_matches(['[', ']']));
        let (nodes, direct) = filters.map_or(Ok((Vec::new(), false)), read_filters)?;
        let one_node = matches!(nodes.as_slice(), [NodeFilter { role: Some(_), numbers: Some(numbers) }]
            if matches!(numbers.as_slice(), [(first, last)] if first == last));
        if direct && !one_node {
            return Err(Fault::new("only one node can publish a port past the load balancer")
                .hint("name it, as in \"8080:80@server:0:direct\""));
        }
        Ok(Self { address, outside, inside, protocol, nodes, direct })
    }

    /// Whether it leads to a node.
    #[must_use]
    pub fn leads_to(&self, role: &str, number: i64) -> bool {
        self.nodes.is_empty() || self.nodes.iter().any(|filter| filter.names(role, number))
    }
}

impl NodeFilter {
    /// Reads filters as they stand behind an `@`, with semicolons between them.
    ///
    /// # Errors
    /// When one of them names no nodes.
    pub fn read(text: &str) -> Result<Vec<Self>, Fault> {
        text.split(';').map(read_filter).collect()
    }

    /// Whether it names a node.
    #[must_use]
    pub fn names(&self, role: &str, number: i64) -> bool {
        let within = |numbers: &Vec<(i64, i64)>| numbers.iter().any(|(first, last)| (*first..=*last).contains(&number));
        self.role.is_none_or(|own| own == role) && self.numbers.as_ref().is_none_or(within)
    }
}

fn check(text: &str) -> Result<(), Fault> {
    match PortRange::read(text) {
        Some(range) => {
            range.check()?;
            range.ports().try_for_each(|port| ClusterPort::parse(&port).map(drop))
        }
        None => ClusterPort::parse(text).map(drop),
    }
}

/// What stands behind the `@`: filters with semicolons between them, and whether the node itself publishes the port.
fn read_filters(text: &str) -> Result<(Vec<NodeFilter>, bool), Fault> {
    let (text, direct) = match text.rsplit_once(':') {
        Some((rest, "direct")) => (rest, true),
        Some((rest, "proxy")) => (rest, false),
        _ => (text, false),
    };
    if text == "loadbalancer" {
        return Ok((Vec::new(), direct));
    }
    Ok((NodeFilter::read(text)?, direct))
}

fn read_filter(text: &str) -> Result<NodeFilter, Fault> {
    let (group, numbers) = text.split_once(':').map_or((text, None), |(group, numbers)| (group, Some(numbers)));
    let role = match group {
        "all" => None,
        "server" | "servers" => Some("server"),
        "agent" | "agents" => Some("agent"),
        _ => {
            return Err(Fault::new(format!("`{group}` are no nodes of a cluster"))
                .hint("after the @ stand `loadbalancer`, `server:0`, `agent:*`, `all` and such"));
        }
    };
    let numbers = match numbers {
        None | Some("*") => None,
        Some(list) => Some(list.split(',').map(read_range).collect::<Result<_, _>>()?),
    };
    Ok(NodeFilter { role, numbers })
}

fn read_range(text: &str) -> Result<(i64, i64), Fault> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let number = |text: &str| text.parse::<u16>().ok().map(i64::from);
    match (number(first), number(last)) {
        (Some(first), Some(last)) if first <= last => Ok((first, last)),
        _ => Err(Fault::new(format!("`{text}` is no number of a node"))
            .hint("nodes are counted from 0: `server:0`, `agent:0-2`, `agent:0,3`")),
    }
}

#[cfg(test)]
mod tests {
    use super::{CLUSTER_PORT, ClusterPort};

    #[test]
    fn ports_are_read_in_k3d_s_words() {
        let parse = |text| ClusterPort::parse(text).expect("a port");
        let usual = parse("8080:80");
        assert!(usual.leads_to("server", 0) && usual.leads_to("agent", 7) && !usual.direct);
        let some = parse("0.0.0.0:8080:53/udp@server:0;agent:1-2,4");
        assert_eq!((some.address, some.outside, some.inside, some.protocol), (Some("0.0.0.0"), "8080", "53", "udp"));
        let led: Vec<i64> = (0..6).filter(|number| some.leads_to("agent", *number)).collect();
        assert_eq!((led, some.leads_to("server", 0), some.leads_to("server", 1)), (vec![1, 2, 4], true, false));
        assert!(parse("[::1]:1:2@server:0:direct").direct);
        assert!(!parse("1:2@agents:*:proxy").leads_to("server", 0));
    }

    #[test]
    fn ranges_stand_for_each_of_their_ports() {
        assert!((CLUSTER_PORT.check)("0.0.0.0:8080-8082:80-82/udp@agent:0-1").is_ok());
        for text in ["8080-8082:80", "8080-8081:80-81@x", "1-2:1-2@agent:*:direct", "0-1:0-1"] {
            assert!((CLUSTER_PORT.check)(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_k3d_would_not_take_is_none() {
        for text in [
            "8080",
            "8080:80@",
            "8080:80@x",
            "8080:80@server:x",
            "8080:80@server:2-1",
            "1:2@agent:*:direct",
            "1:2/sctp",
            "0:1",
        ] {
            assert!((CLUSTER_PORT.check)(text).is_err(), "{text}");
        }
    }

    #[test]
    fn several_texts_say_the_same() {
        let normal = CLUSTER_PORT.normal.as_ref().expect("it has one");
        for (text, same) in [
            ("8080:80/tcp", "8080:80"),
            ("8080:80@loadbalancer", "8080:80"),
            ("8080:80@servers:*:proxy", "8080:80@server:*"),
            ("8080:80@server:0:direct", "8080:80@server:0:direct"),
            ("127.0.0.1:8080:80/tcp", "127.0.0.1:8080:80"),
        ] {
            assert_eq!(normal(text), same);
        }
    }
}
