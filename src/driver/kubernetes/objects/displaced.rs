//! Items of lists that somebody put in the place of Atlas's own, by changing what tells one item from another: the number of a port.
//!
//! To the server such an item is another one, of somebody else, and it stays where Atlas applies its own again. Where the two can't be
//! beside each other, as two ports of one name can't, the item that was put there has to go. So Atlas becomes its owner, and then does
//! not apply it.

use serde_json::{Map, Value as Json};

use super::fields::{MANAGER, item_at};

/// The managers of an object's fields with Atlas in the place of whoever put an item where one of Atlas's own was; none where nobody
/// did. What somebody applies is his declared wish, and stays his.
#[must_use]
pub fn managers(live: &Json, wanted: &Json) -> Option<Vec<Json>> {
    let mut all = live["metadata"]["managedFields"].as_array()?.clone();
    let is_main = |entry: &Json| entry["subresource"].as_str().is_none_or(str::is_empty);
    let own =
        all.iter().position(|entry| entry["manager"] == MANAGER && entry["operation"] == "Apply" && is_main(entry))?;
    let mut is_any = false;
    for at in 0..all.len() {
        if all[at]["operation"] != "Update" || !is_main(&all[at]) {
            continue;
        }
        let mut found = Vec::new();
        if let Some(fields) = all[at]["fieldsV1"].as_object() {
            collect(fields, live, wanted, &mut Vec::new(), &mut found);
        }
        for path in found {
            is_any = true;
            if let Some(fields) = cut(&mut all[at]["fieldsV1"], &path) {
                put(&mut all[own]["fieldsV1"], &path, fields);
            }
        }
    }
    is_any.then_some(all)
}

/// The items of a set of fields that stand where a wanted one is gone.
fn collect(
    fields: &Map<String, Json>,
    live: &Json,
    wanted: &Json,
    path: &mut Vec<String>,
    found: &mut Vec<Vec<String>>,
) {
    for (key, inner) in fields {
        let (there, inside) = match key.split_once(':') {
            Some(("f", name)) => (live.get(name), wanted.get(name)),
            Some(("k", _)) => {
                (item_at(live, key), wanted.as_array().into_iter().flatten().find(|one| is_item(key, one)))
            }
            _ => continue,
        };
        path.push(key.clone());
        match (there, inside) {
            (Some(there), Some(inside)) => {
                if let Some(inner) = inner.as_object() {
                    collect(inner, there, inside, path, found);
                }
            }
            (Some(there), None) if key.starts_with("k:") && is_in_place_of_lost(key, there, live, wanted) => {
                found.push(path.clone());
            }
            _ => {}
        }
        path.pop();
    }
}

/// Whether an item stands where a wanted one is gone, of which it has the name: an item of another name is somebody else's. A key tells by
/// what the items of a list are told apart.
fn is_in_place_of_lost(key: &str, item: &Json, live: &Json, wanted: &Json) -> bool {
    let Some(names) = keys(key) else { return false };
    let is_same =
        |one: &Json, other: &Json| names.keys().all(|name| one.get(name).is_none() || one.get(name) == other.get(name));
    let there = |one: &Json| live.as_array().is_some_and(|all| all.iter().any(|other| is_same(one, other)));
    let is_lost = |one: &&Json| !there(one) && one.get("name") == item.get("name");
    wanted.as_array().is_some_and(|all| all.iter().any(|one| is_lost(&one)))
}

/// Whether a key stands for an item, which may leave out a part of the key that has a default.
fn is_item(key: &str, item: &Json) -> bool {
    keys(key).is_some_and(|keys| keys.iter().all(|(name, value)| item.get(name).is_none_or(|own| own == value)))
}

fn keys(key: &str) -> Option<Map<String, Json>> {
    serde_json::from_str(key.strip_prefix("k:")?).ok()
}

/// Takes the fields at a path out of a set.
fn cut(fields: &mut Json, path: &[String]) -> Option<Json> {
    let (last, rest) = path.split_last()?;
    let parent = rest.iter().try_fold(fields, |fields, key| fields.get_mut(key))?;
    parent.as_object_mut()?.remove(last)
}

/// Adds fields at a path to a set.
fn put(fields: &mut Json, path: &[String], more: Json) {
    let Some((last, rest)) = path.split_last() else { return };
    let parent = rest.iter().fold(fields, |fields, key| &mut fields[key]);
    parent[last] = more;
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::managers;

    /// A Service with one port, whose managers own the ports of these numbers.
    fn service(port: u16, own: Option<u16>, operation: &str) -> Json {
        let of = |port: u16| json!({ "f:spec": { "f:ports": { format!("k:{{\"port\":{port},\"protocol\":\"TCP\"}}"): { ".": {}, "f:port": {} } } } });
        let own = own.map_or_else(|| json!({ "f:spec": { "f:ports": {} } }), of);
        json!({
            "metadata": { "managedFields": [
                { "manager": "atlas", "operation": "Apply", "fieldsV1": own },
                { "manager": "somebody", "operation": operation, "fieldsV1": of(port) },
            ] },
            "spec": { "ports": [{ "port": port, "protocol": "TCP" }] },
        })
    }

    #[test]
    fn what_stands_where_an_own_item_was_becomes_atlas_own() {
        let wanted = json!({ "spec": { "ports": [{ "port": 80 }] } });
        let all = managers(&service(8080, None, "Update"), &wanted).expect("it is in the way");
        let key = "k:{\"port\":8080,\"protocol\":\"TCP\"}";
        assert_eq!(all[0]["fieldsV1"]["f:spec"]["f:ports"][key]["f:port"], json!({}));
        assert_eq!(all[1]["fieldsV1"]["f:spec"]["f:ports"], json!({}));
    }

    #[test]
    fn what_is_beside_an_own_item_or_applied_stays_whose_it_is() {
        let wanted = json!({ "spec": { "ports": [{ "port": 80 }] } });
        let mut beside = service(8080, Some(80), "Update");
        beside["spec"]["ports"] = json!([{ "port": 80, "protocol": "TCP" }, { "port": 8080, "protocol": "TCP" }]);
        assert_eq!(managers(&beside, &wanted), None);
        assert_eq!(managers(&service(8080, None, "Apply"), &wanted), None);
        assert_eq!(managers(&service(80, None, "Update"), &wanted), None);
    }
}
