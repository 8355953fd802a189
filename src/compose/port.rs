//! Published ports, in the short form and in the long one.

use super::service::ServiceDraft;
use super::untaken::Untakable;
use super::yaml::{Yaml, YamlContent, YamlEntry};
use crate::kind::port_range::{self, WIDEST};
use crate::value::Value;

pub(super) fn ports(service: &mut ServiceDraft<'_>, from: &YamlEntry) -> Result<(), Untakable> {
    let YamlContent::List(items) = &from.value.content else {
        return Err(Untakable::sort(from.value.sort(), "a list"));
    };
    for item in items {
        let published = match &item.content {
            YamlContent::Map(_) => long(service, item),
            _ => item.text().ok_or_else(|| Untakable::sort(item.sort(), "a port")).and_then(|text| short(&text)),
        };
        match published.and_then(|published| published.texts(service.count())) {
            Ok(PortTexts::Of(all)) => {
                if service.count() > 1 {
                    let why = "its containers can't all publish one port, so the first does";
                    let way_out = format!("say a range of {} ports, such as \"8080-8090:80\"", service.count());
                    service.leave("ports", item.line, Untakable::new(why, way_out));
                }
                all.iter().for_each(|one| service.push("ports", Value::from(one.as_str()), from));
            }
            Ok(PortTexts::OneEach(all)) => {
                service.push("ports", Value::from(all[0].as_str()), from);
                service.spread.push(all);
            }
            Err(why) => service.leave("ports", item.line, why),
        }
    }
    Ok(())
}

/// A port that a service publishes, or a range of them.
struct PublishedPorts {
    address: String,
    outside: (u32, u32),
    inside: (u32, u32),
    protocol: String,
}

/// Ports in the words of the spec.
enum PortTexts {
    /// Each is published by the service.
    Of(Vec<String>),
    /// Each is published by another one of its containers.
    OneEach(Vec<String>),
}

/// `[[ADDRESS:]OUTSIDE:]INSIDE[/PROTOCOL]`, ranges included.
fn short(text: &str) -> Result<PublishedPorts, Untakable> {
    let (ports, protocol) = text.rsplit_once('/').unwrap_or((text, "tcp"));
    let mut parts = ports.rsplitn(3, ':');
    let (inside, outside, address) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
    published(address.unwrap_or_default(), outside.unwrap_or_default(), inside, protocol)
}

fn long(service: &mut ServiceDraft<'_>, item: &Yaml) -> Result<PublishedPorts, Untakable> {
    for entry in item.entries() {
        let nothing = |why: &str| Untakable::new(why, "there is nothing to do");
        let why = match entry.key.as_str() {
            "target" | "published" | "host_ip" | "protocol" => continue,
            "mode" => nothing("on one engine there is one way to publish a port"),
            "name" | "app_protocol" => nothing("it is told to people and to other tools only"),
            other => Untakable::unknown(other, &["target", "published", "host_ip", "protocol", "mode"]),
        };
        service.leave(format!("ports.{}", entry.key), entry.line, why);
    }
    let text = |key: &str| item.get(key).and_then(Yaml::text).unwrap_or_default();
    let address = text("host_ip");
    let address = if address.contains(':') && !address.starts_with('[') { format!("[{address}]") } else { address };
    let protocol = Some(text("protocol")).filter(|text| !text.is_empty()).unwrap_or_else(|| "tcp".into());
    published(&address, &text("published"), &text("target"), &protocol)
}

/// What compose binds to every address of the machine is bound so here.
fn published(address: &str, outside: &str, inside: &str, protocol: &str) -> Result<PublishedPorts, Untakable> {
    if outside.is_empty() {
        let why = format!("the engine would choose a port of its own for {inside} each time");
        return Err(Untakable::new(why, format!("say which port: \"{inside}:{inside}\"")));
    }
    let address = if address.is_empty() { "0.0.0.0" } else { address };
    let protocol = if protocol == "tcp" { String::new() } else { format!("/{protocol}") };
    Ok(PublishedPorts { address: address.to_owned(), outside: range(outside)?, inside: range(inside)?, protocol })
}

impl PublishedPorts {
    /// Each port of the spec by itself, of a service with so many containers.
    fn texts(&self, count: usize) -> Result<PortTexts, Untakable> {
        let (outer, inner) = (self.outside, self.inside);
        let (wide, deep) = (outer.1 - outer.0 + 1, inner.1 - inner.0 + 1);
        let text = |outside: u32, inside: u32| format!("{}:{outside}:{inside}{}", self.address, self.protocol);
        if deep == 1 && wide > 1 && count > 1 {
            let ports = (outer.0..=outer.1).take(count).map(|port| text(port, inner.0)).collect::<Vec<_>>();
            if ports.len() < count {
                let why = format!("{count} containers would share {wide} ports");
                return Err(Untakable::new(why, "say as many ports as containers"));
            }
            return Ok(PortTexts::OneEach(ports));
        }
        if wide != deep {
            let why = format!("the engine would choose among {}-{} for {}", outer.0, outer.1, inner.0);
            return Err(Untakable::new(why, "say as many ports outside as inside"));
        }
        if wide > WIDEST {
            let why = format!("it stands for more than {WIDEST} ports");
            return Err(Untakable::new(why, "say those that are needed, or `network_mode: host`"));
        }
        Ok(PortTexts::Of((0..wide).map(|at| text(outer.0 + at, inner.0 + at)).collect()))
    }
}

fn range(text: &str) -> Result<(u32, u32), Untakable> {
    let none = || Untakable::new(format!("`{text}` is no port and no range of ports"), "write it as \"8080:80\"");
    port_range::ends(text).ok_or_else(none)
}

#[cfg(test)]
mod tests {
    use super::{PortTexts, short};

    fn texts(text: &str, count: usize) -> Option<Vec<String>> {
        match short(text).and_then(|ports| ports.texts(count)).ok()? {
            PortTexts::Of(all) | PortTexts::OneEach(all) => Some(all),
        }
    }

    #[test]
    fn short_ports_are_read() {
        for (text, count, expected) in [
            ("8080:80", 1, vec!["0.0.0.0:8080:80"]),
            ("127.0.0.1:8001:8001/udp", 1, vec!["127.0.0.1:8001:8001/udp"]),
            ("[::1]:80:80", 1, vec!["[::1]:80:80"]),
            ("9090-9091:8080-8081", 1, vec!["0.0.0.0:9090:8080", "0.0.0.0:9091:8081"]),
            ("9090-9095:80", 2, vec!["0.0.0.0:9090:80", "0.0.0.0:9091:80"]),
        ] {
            assert_eq!(texts(text, count), Some(expected.into_iter().map(str::to_owned).collect()), "{text}");
        }
        assert_eq!(texts("9090-9091:80", 3), None);
        for text in ["3000", "3000-3005", "8000-8010:80", "99999:80", "a:b", "", "1-65535:1-65535", "9-1:1-9"] {
            assert_eq!(texts(text, 1), None, "{text}");
        }
    }
}
