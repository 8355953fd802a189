//! No object, however odd, makes for a panic: one odd custom resource must not keep the others from being looked at.

use atlas::driver::kubernetes::condition::{condition, pod_trouble};
use serde_json::{Value, json};

#[test]
fn no_shape_is_a_panic() {
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"generation": 1},
        "spec": {"restartPolicy": "Never"},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "False"}], "containerStatuses": [
            {"name": "a", "restartCount": 1, "state": {"waiting": {"reason": "CrashLoopBackOff"}},
             "lastState": {"terminated": {"exitCode": 1, "reason": "Error"}}}]}});
    let set = json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"generation": 1},
        "spec": {"replicas": 1, "updateStrategy": {"rollingUpdate": {"partition": 1}}},
        "status": {"observedGeneration": 1, "replicas": 1, "readyReplicas": 1}});
    let route = json!({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": {"generation": 1},
        "status": {"parents": [{"parentRef": {"name": "a"}, "conditions": [{"type": "Accepted", "status": "True"}]}]}});
    let mut odd = vec![json!(null), json!(true), json!(i64::MIN), json!(i64::MAX), json!(1.5), json!("x"), json!("")];
    odd.extend([json!([]), json!({}), json!([7]), json!([{}]), json!([null])]);
    for object in [pod, set, route] {
        for place in places(&object, String::new()) {
            for value in &odd {
                let mut changed = object.clone();
                if let Some(at) = changed.pointer_mut(&place) {
                    *at = value.clone();
                }
                let _ = (condition(&changed, Some(1)), pod_trouble(&changed));
            }
        }
    }
}

/// All places in a value.
fn places(value: &Value, at: String) -> Vec<String> {
    let inner: Vec<(String, &Value)> = match value {
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), value)).collect(),
        Value::Array(entries) => entries.iter().enumerate().map(|(nth, value)| (nth.to_string(), value)).collect(),
        _ => Vec::new(),
    };
    let mut all: Vec<String> =
        inner.into_iter().flat_map(|(name, value)| places(value, format!("{at}/{name}"))).collect();
    all.push(at);
    all
}
