//! The addresses and ports of services.

use serde_json::{Value, json};

use super::json;
use super::world::World;

/// Gives a service its address and its ports, or those that it had.
pub fn allocate(world: &mut World, object: &mut Value, old: Option<&Value>) {
    if let Some(old) = old {
        let_go(object, old);
    }
    let kind = json::text(object, "spec.type").to_owned();
    let had = old.filter(|old| json::text(old, "spec.type") != "ExternalName");
    if kind == "ExternalName" {
        for field in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
            if had.is_some() {
                json::remove(object, &format!("spec.{field}"));
            }
        }
    } else {
        if let Some(had) = had.filter(|_| json::text(object, "spec.clusterIP").is_empty()) {
            json::copy(had, object, "spec.clusterIP");
            json::copy(had, object, "spec.clusterIPs");
        }
        if json::text(object, "spec.clusterIP").is_empty() {
            world.given += 1;
            json::set(object, "spec.clusterIP", format!("10.96.{}.{}", world.given / 250, world.given % 250 + 1));
        }
        let address = json::text(object, "spec.clusterIP").to_owned();
        json::default(object, "spec.clusterIPs", json!([address]));
        let family = if address.contains(':') { "IPv6" } else { "IPv4" };
        let selects = json::at(object, "spec.selector").is_some();
        if address == "None" && !selects {
            json::default(object, "spec.ipFamilies", json!([family, "IPv6"]));
            json::default(object, "spec.ipFamilyPolicy", "RequireDualStack");
        }
        json::default(object, "spec.ipFamilies", json!([family]));
        json::default(object, "spec.ipFamilyPolicy", "SingleStack");
    }
    let allocate = json::at(object, "spec.allocateLoadBalancerNodePorts") != Some(&json!(false));
    let ports = kind == "NodePort" || kind == "LoadBalancer" && allocate;
    let before: Vec<Value> = had.map(|had| json::list(had, "spec.ports").to_vec()).unwrap_or_default();
    let Some(spec) = object.get_mut("spec") else { return };
    for port in json::items(spec, "ports") {
        if ports && json::number(port, "nodePort").is_none() {
            let same =
                |other: &&Value| other.get("port") == port.get("port") && other.get("protocol") == port.get("protocol");
            let known = before.iter().find(same).and_then(|other| json::number(other, "nodePort"));
            world.given += 1;
            json::set(port, "nodePort", known.unwrap_or_else(|| 30_000 + i64::from(world.given % 2_700)));
        }
    }
}

/// Takes away what belongs to the type that a service had, where nobody changed it.
fn let_go(object: &mut Value, old: &Value) {
    let (before, now) = (json::text(old, "spec.type").to_owned(), json::text(object, "spec.type").to_owned());
    let outside = |kind: &str| kind == "NodePort" || kind == "LoadBalancer";
    let same = |object: &Value, path: &str| json::at(object, path) == json::at(old, path);
    if outside(&before) && !outside(&now) {
        if json::list(object, "spec.externalIPs").is_empty() && same(object, "spec.externalTrafficPolicy") {
            json::remove(object, "spec.externalTrafficPolicy");
        }
        let known: Vec<Value> =
            json::list(old, "spec.ports").iter().filter_map(|port| port.get("nodePort").cloned()).collect();
        for port in object.get_mut("spec").into_iter().flat_map(|spec| json::items(spec, "ports")) {
            if port.get("nodePort").is_some_and(|number| known.contains(number)) {
                json::remove(port, "nodePort");
            }
        }
    }
    if before == "LoadBalancer" && now != "LoadBalancer" {
        for field in ["spec.allocateLoadBalancerNodePorts", "spec.loadBalancerClass"] {
            if same(object, field) {
                json::remove(object, field);
            }
        }
    }
    if now == "ExternalName" && same(object, "spec.internalTrafficPolicy") {
        json::remove(object, "spec.internalTrafficPolicy");
    }
    if before == "ExternalName" && now != "ExternalName" && same(object, "spec.externalName") {
        json::remove(object, "spec.externalName");
    }
}
