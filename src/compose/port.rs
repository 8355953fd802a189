//! Published ports, in the short form and in the long one.

use super::service::ServiceDraft;
use super::untaken::Untakable;
use super::yaml::{Yaml, YamlContent, YamlEntry};
use crate::value::Value;

/// The most ports that one range may stand for.
const WIDEST: u32 = 256;

pub(super) fn ports(service: &mut ServiceDraft<'_>, from: &YamlEntry) -> Result<(), Untakable> {
    let YamlContent::List(items) = &from.value.content else {
        return Err(Untakable::sort(from.value.sort(), "a list"));
    };
    for item in items {
        let published = match &item.content {
            YamlContent::Map(_) => long(service, item),
            _ => item.text().ok_or_else(|| Untakable::sort(item.sort(), "a port")).and_then(|text| short(&text)),
        };
        match published {
            Ok(all) => all.iter().for_each(|one| service.push("ports", Value::from(one.as_str()), from)),
            Err(why) => service.leave("ports", item.line, why),
        }
    }
    Ok(())
}

/// `[[ADDRESS:]OUTSIDE:]INSIDE[/PROTOCOL]`, ranges included.
fn short(text: &str) -> Result<Vec<String>, Untakable> {
    let (ports, protocol) = text.rsplit_once('/').unwrap_or((text, "tcp"));
    let mut parts = ports.rsplitn(3, ':');
    let (inside, outside, address) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
    published(address.unwrap_or_default(), outside.unwrap_or_default(), inside, protocol)
}

fn long(service: &mut ServiceDraft<'_>, item: &Yaml) -> Result<Vec<String>, Untakable> {
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

/// Each port of the spec by itself. What compose binds to every address of the machine is bound so here.
fn published(address: &str, outside: &str, inside: &str, protocol: &str) -> Result<Vec<String>, Untakable> {
    if outside.is_empty() {
        let why = format!("the engine would choose a port of its own for {inside} each time");
        return Err(Untakable::new(why, format!("say which port: \"{inside}:{inside}\"")));
    }
    let (outer, inner) = (range(outside)?, range(inside)?);
    if outer.1 - outer.0 != inner.1 - inner.0 {
        let why = format!("the engine would choose among {outside} for {inside}");
        return Err(Untakable::new(why, "say as many ports outside as inside"));
    }
    if outer.1 - outer.0 >= WIDEST {
        let why = format!("it stands for more than {WIDEST} ports");
        return Err(Untakable::new(why, "say those that are needed, or `network_mode: host`"));
    }
    let address = if address.is_empty() { "0.0.0.0" } else { address };
    let protocol = if protocol == "tcp" { String::new() } else { format!("/{protocol}") };
    Ok((0..=outer.1 - outer.0).map(|at| format!("{address}:{}:{}{protocol}", outer.0 + at, inner.0 + at)).collect())
}

fn range(text: &str) -> Result<(u32, u32), Untakable> {
    let port = |text: &str| text.parse::<u16>().ok().map(u32::from);
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    match (port(first), port(last)) {
        (Some(first), Some(last)) if first <= last => Ok((first, last)),
        _ => Err(Untakable::new(format!("`{text}` is no port and no range of ports"), "write it as \"8080:80\"")),
    }
}

#[cfg(test)]
mod tests {
    use super::short;

    #[test]
    fn short_ports_are_read() {
        for (text, expected) in [
            ("8080:80", vec!["0.0.0.0:8080:80"]),
            ("127.0.0.1:8001:8001/udp", vec!["127.0.0.1:8001:8001/udp"]),
            ("[::1]:80:80", vec!["[::1]:80:80"]),
            ("9090-9091:8080-8081", vec!["0.0.0.0:9090:8080", "0.0.0.0:9091:8081"]),
        ] {
            assert_eq!(short(text).ok(), Some(expected.into_iter().map(str::to_owned).collect()), "{text}");
        }
        for text in ["3000", "3000-3005", "8000-8010:80", "99999:80", "a:b", "", "1-65535:1-65535", "9-1:1-9"] {
            assert!(short(text).is_err(), "{text}");
        }
    }
}
