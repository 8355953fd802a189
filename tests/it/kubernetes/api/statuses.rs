//! The status that controllers would give an object.

use serde_json::{Value, json};

use super::json;
use super::kinds::Kind;
use super::world::World;

/// The status that an object should get. `None`: it has it, or gets none.
pub fn wanted(kind: &Kind, object: &Value, now: &str) -> Option<Value> {
    if kind.custom {
        return None;
    }
    let generation = json::number(object, "metadata.generation").unwrap_or(0);
    let replicas = json::number(object, "spec.replicas").unwrap_or(1);
    let seen = json::number(object, "status.observedGeneration") == Some(generation);
    match kind.kind.as_str() {
        "Deployment" if !seen => Some(deployment(object, generation, replicas, now)),
        "StatefulSet" if !seen => Some(counted(
            &json!({
                "observedGeneration": generation, "collisionCount": 0, "currentRevision": revision(object),
                "updateRevision": revision(object),
            }),
            &["replicas", "readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas"],
            replicas,
        )),
        "ReplicaSet" | "ReplicationController" if !seen => Some(counted(
            &json!({ "observedGeneration": generation }),
            &["replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas"],
            replicas,
        )),
        "DaemonSet" if !seen => Some(json!({
            "currentNumberScheduled": 1, "numberMisscheduled": 0, "desiredNumberScheduled": 1, "numberReady": 1,
            "observedGeneration": generation, "updatedNumberScheduled": 1, "numberAvailable": 1,
        })),
        "Job" => job(object, now),
        "Pod" => pod(object, now),
        "PersistentVolumeClaim" => claim(object),
        "Service" => service(object),
        "CustomResourceDefinition" => definition(object, now),
        "PodDisruptionBudget" if !seen => Some(json!({
            "observedGeneration": generation, "disruptionsAllowed": 0, "currentHealthy": 0, "desiredHealthy": 0,
            "expectedPods": 0, "conditions": [{ "type": "DisruptionAllowed", "status": "False",
                "observedGeneration": generation, "lastTransitionTime": now, "reason": "InsufficientPods",
                "message": "" }],
        })),
        "APIService" if json::list(object, "status.conditions").is_empty() => {
            let message = "Local APIServices are always available";
            Some(json!({ "conditions": [World::condition("Available", true, "Local", message, now)] }))
        }
        _ => None,
    }
}

fn revision(object: &Value) -> String {
    let name = json::text(object, "metadata.name");
    let sum = json::at(object, "spec.template").map(Value::to_string).unwrap_or_default();
    let sum = sum.bytes().fold(5381_u32, |sum, byte| sum.wrapping_mul(33) ^ u32::from(byte));
    format!("{name}-{sum:08x}")
}

/// Counts the revision of a deployment whose template is another one than before.
pub fn count_revision(object: &mut Value, status: &Value) {
    let progress = |status: &Value| {
        let found = json::list(status, "conditions").iter().find(|one| json::text(one, "type") == "Progressing");
        found.map(|one| json::text(one, "message").to_owned()).unwrap_or_default()
    };
    let same = progress(object.get("status").unwrap_or(&Value::Null)) == progress(status);
    let notes = json::object(object, "metadata.annotations");
    let name = "deployment.kubernetes.io/revision";
    let before: u32 = notes.get(name).and_then(Value::as_str).and_then(|text| text.parse().ok()).unwrap_or(0);
    notes.insert(name.to_owned(), json!(if same { before.max(1) } else { before + 1 }.to_string()));
}

fn counted(base: &Value, fields: &[&str], count: i64) -> Value {
    let mut status = base.clone();
    json::set(&mut status, "replicas", count);
    for field in fields.iter().filter(|_| count > 0) {
        json::set(&mut status, field, count);
    }
    status
}

fn deployment(object: &Value, generation: i64, replicas: i64, now: &str) -> Value {
    let name = revision(object);
    let since = |kind: &str| {
        let old = json::list(object, "status.conditions").iter().find(|one| json::text(one, "type") == kind);
        old.map_or(now, |old| json::text(old, "lastTransitionTime")).to_owned()
    };
    let progress = format!("ReplicaSet \"{name}\" has successfully progressed.");
    let conditions = json!([
        { "type": "Available", "status": "True", "lastUpdateTime": since("Available"),
            "lastTransitionTime": since("Available"), "reason": "MinimumReplicasAvailable",
            "message": "Deployment has minimum availability." },
        { "type": "Progressing", "status": "True", "lastUpdateTime": now,
            "lastTransitionTime": since("Progressing"), "reason": "NewReplicaSetAvailable", "message": progress },
    ]);
    // The conditions of others stay.
    let own = ["Available", "Progressing"];
    let others = json::list(object, "status.conditions").iter().filter(|one| !own.contains(&json::text(one, "type")));
    let conditions: Vec<Value> = conditions.as_array().into_iter().flatten().chain(others).cloned().collect();
    let base = json!({ "observedGeneration": generation, "conditions": conditions });
    let mut status = base;
    if replicas > 0 {
        for field in ["replicas", "updatedReplicas", "readyReplicas", "availableReplicas"] {
            json::set(&mut status, field, replicas);
        }
    }
    status
}

fn job(object: &Value, now: &str) -> Option<Value> {
    if !json::list(object, "status.conditions").is_empty() {
        return None;
    }
    if json::at(object, "spec.suspend") == Some(&json!(true)) {
        let message = "Job suspended";
        let condition = json!({ "type": "Suspended", "status": "True", "lastProbeTime": now, "lastTransitionTime": now,
            "reason": "JobSuspended", "message": message });
        return Some(json!({ "conditions": [condition], "ready": 0, "terminating": 0, "uncountedTerminatedPods": {} }));
    }
    let condition = |kind: &str| {
        json!({ "type": kind, "status": "True", "lastProbeTime": now, "lastTransitionTime": now,
            "reason": "CompletionsReached", "message": "Reached expected number of succeeded pods" })
    };
    Some(json!({
        "conditions": [condition("SuccessCriteriaMet"), condition("Complete")],
        "startTime": now, "completionTime": now, "succeeded": json::number(object, "spec.completions").unwrap_or(1),
        "ready": 0, "terminating": 0, "uncountedTerminatedPods": {},
    }))
}

fn pod(object: &Value, now: &str) -> Option<Value> {
    if json::text(object, "status.phase") != "Pending" {
        return None;
    }
    let conditions: Vec<Value> =
        ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"]
            .iter()
            .map(|kind| json!({ "type": kind, "status": "True", "lastProbeTime": null, "lastTransitionTime": now }))
            .collect();
    let containers: Vec<Value> = json::list(object, "spec.containers")
        .iter()
        .map(|one| {
            json!({ "name": one["name"], "state": { "running": { "startedAt": now } }, "lastState": {}, "ready": true,
                "restartCount": 0, "image": one["image"], "imageID": "", "started": true })
        })
        .collect();
    Some(json!({
        "phase": "Running", "conditions": conditions, "hostIP": "192.168.49.2", "podIP": "10.244.0.5",
        "podIPs": [{ "ip": "10.244.0.5" }], "startTime": now, "containerStatuses": containers,
        "qosClass": json::text(object, "status.qosClass"),
    }))
}

fn claim(object: &Value) -> Option<Value> {
    let size = json::at(object, "spec.resources.requests").cloned().unwrap_or_default();
    let bound = json::text(object, "status.phase") == "Bound";
    if bound && json::at(object, "status.capacity") == Some(&size) {
        return None;
    }
    Some(json!({ "phase": "Bound", "accessModes": json::at(object, "spec.accessModes"), "capacity": size }))
}

fn service(object: &Value) -> Option<Value> {
    let balanced = json::text(object, "spec.type") == "LoadBalancer";
    let given = !json::list(object, "status.loadBalancer.ingress").is_empty();
    match (balanced, given) {
        (true, false) => {
            let last = json::text(object, "spec.clusterIP").rsplit('.').next().unwrap_or("1").to_owned();
            Some(json!({ "loadBalancer": { "ingress": [{ "ip": format!("203.0.113.{last}"), "ipMode": "VIP" }] } }))
        }
        (false, true) => Some(json!({ "loadBalancer": {} })),
        _ => None,
    }
}

fn definition(object: &Value, now: &str) -> Option<Value> {
    let names = json::at(object, "spec.names").cloned().unwrap_or_default();
    let established = json::list(object, "status.conditions")
        .iter()
        .any(|one| json::text(one, "type") == "Established" && json::text(one, "status") == "True");
    let mut stored: Vec<Value> = json::list(object, "status.storedVersions").to_vec();
    for version in json::list(object, "spec.versions") {
        let name = version.get("name").cloned().unwrap_or_default();
        if version.get("storage") == Some(&json!(true)) && !stored.contains(&name) {
            stored.push(name);
        }
    }
    let same = json::list(object, "status.storedVersions") == stored.as_slice();
    if established && json::at(object, "status.acceptedNames") == Some(&names) && same {
        return None;
    }
    let mut conditions: Vec<Value> = json::list(object, "status.conditions").to_vec();
    if !established {
        conditions = vec![
            World::condition("NamesAccepted", true, "NoConflicts", "no conflicts found", now),
            World::condition("Established", true, "InitialNamesAccepted", "the initial names have been accepted", now),
        ];
    }
    Some(json!({ "conditions": conditions, "acceptedNames": names, "storedVersions": stored }))
}
