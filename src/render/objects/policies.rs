//! The network policies of a namespace: <https://kubernetes.io/docs/concepts/services-networking/network-policies/>.
//!
//! A policy stands on the side that is in the namespace. Where both sides are, there is one for each: what is denied by default is
//! denied in both directions.

use super::declared::{map, object};
use super::manifest::AppObject;
use crate::kind::{AllowedPort, Side, texts};
use crate::value::Value;

/// The label that every namespace has: <https://kubernetes.io/docs/reference/labels-annotations-taints/#kubernetes-io-metadata-name>.
const NAME_LABEL: &str = "kubernetes.io/metadata.name";
/// How much of what a policy is about stands in its name.
const LONGEST: usize = 40;

/// Which way the connections of a policy go, seen from the namespace.
#[derive(Clone, Copy)]
enum Direction {
    In,
    Out,
}

/// The policies that let connections through.
pub(super) fn policies(connections: &[Value], namespace: &str) -> Vec<AppObject> {
    let mut all = Vec::new();
    for one in connections {
        let side = |name: &str| one.at(name).cloned().unwrap_or_default();
        let (from, to) = (side("from"), side("to"));
        let ports = ports(one.at("ports").unwrap_or(&Value::Null));
        let called = called(&from, &to);
        if Side::of(&to, namespace) == Side::Inside {
            all.push(policy(&called, Direction::In, namespace, (&to, &from), &ports));
        }
        if Side::of(&from, namespace) == Side::Inside {
            all.push(policy(&called, Direction::Out, namespace, (&from, &to), &ports));
        }
    }
    all
}

fn policy(
    called: &str,
    direction: Direction,
    namespace: &str,
    (own, other): (&Value, &Value),
    ports: &[Value],
) -> AppObject {
    let (word, kind, rules, side) = match direction {
        Direction::In => ("in", "Ingress", "ingress", "from"),
        Direction::Out => ("out", "Egress", "egress", "to"),
    };
    let mut rule = Vec::new();
    if let Some(peer) = peer(other, namespace) {
        rule.push((side, Value::List(vec![peer])));
    }
    if !ports.is_empty() {
        rule.push(("ports", Value::List(ports.to_vec())));
    }
    let spec = map(&[
        ("podSelector", pods(own)),
        ("policyTypes", Value::List(vec![kind.into()])),
        (rules, Value::List(vec![map(&rule)])),
    ]);
    let name = format!("{called}-{word}");
    object(("networking.k8s.io/v1", "NetworkPolicy"), &name, namespace, map(&[("spec", spec)]))
}

/// Who is on the other side; none where anybody may be.
fn peer(said: &Value, own: &str) -> Option<Value> {
    if said.as_str() == Some("anywhere") {
        return None;
    }
    let part = |name: &str| said.at(name).filter(|part| !part.is_null());
    if let Some(cidr) = part("cidr") {
        let mut block = vec![("cidr", cidr.clone())];
        block.extend(part("except").map(|except| ("except", except.clone())));
        return Some(map(&[("ipBlock", map(&block))]));
    }
    let namespace = part("namespace").filter(|namespace| namespace.as_str() != Some(own));
    let selector = |namespace: &Value| map(&[("matchLabels", map(&[(NAME_LABEL, namespace.clone())]))]);
    Some(match (namespace, part("pods")) {
        (Some(namespace), None) => map(&[("namespaceSelector", selector(namespace))]),
        (Some(namespace), Some(_)) => map(&[("namespaceSelector", selector(namespace)), ("podSelector", pods(said))]),
        (None, _) => map(&[("podSelector", pods(said))]),
    })
}

/// The selector of the pods of a side; all of them where none are named.
fn pods(said: &Value) -> Value {
    match said.at("pods") {
        Some(labels @ Value::Map(_)) => map(&[("matchLabels", labels.clone())]),
        _ => map(&[]),
    }
}

fn ports(said: &Value) -> Vec<Value> {
    let number = |text: &str| text.parse().map_or_else(|_| text.into(), Value::Int);
    let ports = texts(said).into_iter().filter_map(AllowedPort::read).map(|port| {
        let mut all = vec![("port", number(port.port)), ("protocol", port.protocol.into())];
        all.extend(port.end.map(|end| ("endPort", number(end))));
        map(&all)
    });
    ports.collect()
}

/// What the policies of a connection are called: for people by its sides, for good by the digest of them. Other ports change a policy,
/// and other sides are another one.
fn called(from: &Value, to: &Value) -> String {
    let words = format!("{}-to-{}", words(from), words(to));
    let short: String = words.chars().take(LONGEST).collect();
    let digest = Value::List(vec![from.clone(), to.clone()]).digest();
    format!("atlas-{}-{digest}", short.trim_end_matches('-'))
}

fn words(side: &Value) -> String {
    let mut parts: Vec<&str> = Vec::new();
    let text = |name: &str| side.at(name).and_then(Value::as_str);
    parts.extend(side.as_str());
    parts.extend(text("namespace"));
    parts.extend(text("cidr"));
    if let Some(Value::Map(labels)) = side.at("pods") {
        parts.extend(labels.values().filter_map(Value::as_str));
    }
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let text: String = parts.join("-").chars().map(plain).collect();
    let text = text.trim_matches('-').to_owned();
    if text.is_empty() { "here".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::policies;
    use crate::value::Value;

    /// The policies of a connection in the namespace `shop`, each by its name without the digest.
    fn of(connection: serde_json::Value) -> Vec<(String, serde_json::Value)> {
        let all = policies(&[Value::from(connection)], "shop");
        all.into_iter().map(|one| (one.name, one.manifest.to_json()["spec"].clone())).collect()
    }

    #[test]
    fn a_connection_within_the_namespace_is_allowed_on_both_sides() {
        let all =
            of(json!({ "from": { "pods": { "app": "web" } }, "to": { "pods": { "app": "db" } }, "ports": "5432" }));
        let (web, db) = (json!({ "matchLabels": { "app": "web" } }), json!({ "matchLabels": { "app": "db" } }));
        let ports = json!([{ "port": 5432, "protocol": "TCP" }]);
        assert!(all[0].0.starts_with("atlas-web-to-db-") && all[0].0.ends_with("-in"), "{}", all[0].0);
        assert_eq!(
            all[0].1,
            json!({
                "podSelector": db, "policyTypes": ["Ingress"], "ingress": [{ "from": [{ "podSelector": web }], "ports": ports }],
            })
        );
        assert_eq!(
            all[1].1,
            json!({
                "podSelector": web, "policyTypes": ["Egress"], "egress": [{ "to": [{ "podSelector": db }], "ports": ports }],
            })
        );
    }

    #[test]
    fn what_is_outside_has_a_policy_on_the_side_that_is_inside() {
        let all = of(
            json!({ "from": { "namespace": "ingress", "pods": { "app": "proxy" } }, "to": { "pods": { "app": "web" } } }),
        );
        assert_eq!(all.len(), 1);
        assert_eq!(
            all[0].1["ingress"],
            json!([{ "from": [{
            "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": "ingress" } },
            "podSelector": { "matchLabels": { "app": "proxy" } },
        }] }])
        );
        let all =
            of(json!({ "to": { "cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"] }, "ports": ["53/udp", "8000-8100"] }));
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].1["podSelector"], json!({}));
        assert_eq!(
            all[0].1["egress"],
            json!([{
                "to": [{ "ipBlock": { "cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"] } }],
                "ports": [{ "port": 53, "protocol": "UDP" }, { "port": 8000, "protocol": "TCP", "endPort": 8100 }],
            }])
        );
        let all = of(json!({ "from": "anywhere" }));
        assert_eq!(all[0].1["ingress"], json!([{}]));
    }

    #[test]
    fn the_own_namespace_by_its_name_is_inside() {
        assert_eq!(of(json!({ "from": { "namespace": "shop" } })).len(), 2);
    }
}
