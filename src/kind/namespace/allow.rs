//! Which connections of a namespace are allowed, in few words.

use crate::diagnostic::code;
use crate::kind::rule;
use crate::kind::schema::{Attribute, Type};
use crate::kind::view::{Findings, Resource};
use crate::path::join;
use crate::value::Value;

/// Connections that the network policy of the namespace lets through: <https://kubernetes.io/docs/concepts/services-networking/network-policies/>.
pub const ALLOW: Attribute = Attribute::new(
    "allow",
    Type::list(const { &Type::object(CONNECTION) }),
    "Connections that are allowed beside `network = \"default-deny\"`. A side that is not said is every pod of the namespace.",
    &[
        "[{ from = { namespace = \"ingress\" }, to = { pods = { app = \"web\" } }, ports = [8080] }]",
        "[{ to = { cidr = \"10.0.0.0/8\" }, ports = [5432, \"53/udp\"] }, { from = \"here\" }]",
    ],
);

static CONNECTION: &[Attribute] = &[
    Attribute::new(
        "from",
        Type::word_or_object(&WORDS, SIDE),
        "Who connects.",
        &["{ namespace = \"ingress\" }", "\"anywhere\""],
    ),
    Attribute::new(
        "to",
        Type::word_or_object(&WORDS, SIDE),
        "To what.",
        &["{ pods = { app = \"web\" } }", "{ cidr = \"10.0.0.0/8\" }"],
    ),
    Attribute::new(
        "ports",
        Type::Texts,
        "On which ports: a number, one with a protocol (`\"53/udp\"`), a range (`\"8000-8100\"`), or a port's name in a container. On all by default.",
        &["[8080]", "[5432, \"53/udp\"]"],
    ),
];

/// Words for a side: any address at all, and every pod of the namespace.
const WORDS: [&str; 2] = ["anywhere", "here"];

static SIDE: &[Attribute] = &[
    Attribute::new(
        "namespace",
        Type::text(&rule::DNS_LABEL),
        "Pods of this namespace, in place of the own one.",
        &["\"ingress\"", "\"monitoring\""],
    ),
    Attribute::new(
        "pods",
        Type::map(const { &Type::text(&rule::ANY) }),
        "Only pods with these labels.",
        &["{ app = \"web\" }", "{ app = \"db\" }"],
    ),
    Attribute::new(
        "cidr",
        Type::text(&rule::CIDR),
        "A range of addresses outside of the cluster.",
        &["\"10.0.0.0/8\"", "\"192.0.2.0/24\""],
    ),
    Attribute::new(
        "except",
        Type::set(const { &Type::text(&rule::CIDR) }),
        "Parts of `cidr` that are left out.",
        &["[\"10.1.0.0/16\"]", "[\"10.2.0.0/16\"]"],
    ),
];

/// Where in a connection of `allow` one of its sides is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    /// Pods of the namespace itself.
    Inside,
    /// Pods of other namespaces, or addresses.
    Outside,
}

impl Side {
    /// Where the side is that a spec says like this; `own` is the namespace itself.
    #[must_use]
    pub fn of(said: &Value, own: &str) -> Self {
        // A namespace that only a reference tells is another one: nobody refers to the own name, and a side that is taken for inside
        // would open what nobody asked for.
        let other = said.at("namespace").is_some_and(|name| !name.is_null() && name.as_str() != Some(own));
        let addresses = said.at("cidr").is_some_and(|cidr| !cidr.is_null());
        match other || addresses || said.as_str() == Some("anywhere") {
            true => Self::Outside,
            false => Self::Inside,
        }
    }
}

/// A port of a connection.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AllowedPort<'a> {
    /// A number, or the name of a port of a container.
    pub port: &'a str,
    /// The last port of a range.
    pub end: Option<&'a str>,
    /// The protocol as the API writes it.
    pub protocol: &'static str,
}

impl<'a> AllowedPort<'a> {
    /// Reads a port as a spec says it.
    #[must_use]
    pub fn read(text: &'a str) -> Option<Self> {
        let (port, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
        let protocol = match protocol.to_ascii_lowercase().as_str() {
            "tcp" => "TCP",
            "udp" => "UDP",
            "sctp" => "SCTP",
            _ => return None,
        };
        let number = |text: &str| text.parse::<u16>().ok().filter(|port| *port > 0);
        if number(port).is_some() {
            return Some(Self { port, end: None, protocol });
        }
        if let Some((first, last)) = port.split_once('-')
            && let Some((from, to)) = number(first).zip(number(last))
        {
            return (from <= to).then_some(Self { port: first, end: Some(last), protocol });
        }
        // https://kubernetes.io/docs/reference/kubernetes-api/service-resources/service-v1/: an IANA service name.
        let of_names = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let is_name = port.len() <= 15 && port.chars().all(of_names) && port.contains(|c: char| c.is_ascii_lowercase());
        is_name.then_some(Self { port, end: None, protocol })
    }
}

/// Refuses connections that mean nothing.
pub fn check(resource: &Resource<'_>, findings: &mut Findings) {
    let all = resource.attributes.get(ALLOW.name).items();
    if all.is_empty() {
        return;
    }
    if resource.attributes.get("network").as_str() == Some("open") {
        let detail =
            "`allow` counts only beside `network = \"default-deny\"`: it would close what is open to all others";
        findings.error(ALLOW.name, &code::ALLOWED_CONNECTION, detail, "remove `network = \"open\"`, or `allow`");
    }
    let own = resource.attributes.get("name").as_str().unwrap_or_else(|| resource.address.name());
    let mut seen: Vec<(&Value, &Value)> = Vec::new();
    for (at, one) in all.iter().enumerate() {
        let path = format!("{}.{at}", ALLOW.name);
        let side = |name: &str| one.at(name).unwrap_or(&Value::Null);
        let mut refuse = |detail: String, hint: &str| findings.error(&path, &code::ALLOWED_CONNECTION, detail, hint);
        let sides = (side("from"), side("to"));
        if sides.0.is_null() && sides.1.is_null() {
            refuse(
                "it says neither `from` nor `to`".to_owned(),
                "say one of them; `from = \"here\"` is all pods of the namespace",
            );
        }
        if Side::of(sides.0, own) == Side::Outside && Side::of(sides.1, own) == Side::Outside {
            refuse(
                "neither side of it is in this namespace".to_owned(),
                "leave one side out, which then is every pod of the namespace, or say it by `pods` alone",
            );
        }
        if seen.contains(&sides) {
            refuse("it has the same two sides as one before it".to_owned(), "put the ports of both into one");
        }
        seen.push(sides);
        for (name, said) in [("from", sides.0), ("to", sides.1)] {
            let says = |part: &str| said.at(part).is_some_and(|part| !part.is_null());
            if says("cidr") && (says("pods") || says("namespace")) {
                refuse(format!("`{name}` has addresses and pods"), "write two connections");
            }
            if says("except") && !says("cidr") {
                refuse(
                    format!("`except` in `{name}` has no `cidr` that it is a part of"),
                    "say `cidr`, or remove `except`",
                );
            }
        }
        for port in texts(side("ports")) {
            if AllowedPort::read(port).is_none() {
                let hint = "write 8080, \"53/udp\", \"8000-8100\", or the name of a container's port";
                findings.error(join(&path, "ports"), &code::ALLOWED_CONNECTION, format!("`{port}` is no port"), hint);
            }
        }
    }
}

/// The texts of a value that may be one or several.
#[must_use]
pub fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::List(items) => items.iter().filter_map(Value::as_str).collect(),
        one => one.as_str().into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::AllowedPort;

    #[test]
    fn ports_are_numbers_ranges_and_names() {
        let read = |text| {
            AllowedPort::read(text).map(|port| (port.port.to_owned(), port.end.map(str::to_owned), port.protocol))
        };
        assert_eq!(read("8080"), Some(("8080".into(), None, "TCP")));
        assert_eq!(read("53/udp"), Some(("53".into(), None, "UDP")));
        assert_eq!(read("8000-8100"), Some(("8000".into(), Some("8100".into()), "TCP")));
        assert_eq!(read("http-metrics"), Some(("http-metrics".into(), None, "TCP")));
        for none in ["0", "70000", "9-3", "80/http", "", "HTTP"] {
            assert_eq!(read(none), None, "{none}");
        }
    }
}
