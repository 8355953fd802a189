//! The conditions of objects, each in the fewest words that make the case.

use atlas::driver::kubernetes::condition::condition;
use atlas::observed::Condition;
use serde_json::{Value, json};

/// The word of a condition.
fn word(condition: &Condition) -> &'static str {
    match condition {
        Condition::Ready => "ready",
        Condition::Progressing(_) => "progressing",
        Condition::Degraded(_) => "degraded",
        Condition::Unknown(_) => "unknown",
    }
}

/// The condition of an object of a kind as "word: reason".
fn told(kind: &str, fields: Value, age: Option<u64>) -> String {
    let (version, kind) = kind.rsplit_once('/').unwrap_or(("v1", kind));
    let mut object = json!({"apiVersion": version, "kind": kind, "metadata": {"generation": 1}});
    for (name, value) in fields.as_object().cloned().unwrap_or_default() {
        object[name] = value;
    }
    let condition = condition(&object, age);
    match &condition {
        Condition::Ready => "ready".into(),
        Condition::Progressing(why) | Condition::Degraded(why) | Condition::Unknown(why) => {
            format!("{}: {why}", word(&condition))
        }
    }
}

/// Checks cases of a kind: what the object has, and the start of what is said of it.
fn check(kind: &str, cases: &[(Value, &str)]) {
    for (fields, expected) in cases {
        let said = told(kind, fields.clone(), None);
        assert!(said.starts_with(expected), "{kind} {fields}\n  said {said}\n  not  {expected}");
    }
}

/// One condition.
fn one(kind: &str, status: &str) -> Value {
    json!({"type": kind, "status": status})
}

/// One condition with its reason and message.
fn why(kind: &str, status: &str, reason: &str, message: &str) -> Value {
    json!({"type": kind, "status": status, "reason": reason, "message": message})
}

/// A status of conditions.
fn all<const N: usize>(conditions: [Value; N]) -> Value {
    json!({"status": {"conditions": Value::from(conditions.to_vec())}})
}

#[test]
fn what_holds_for_every_kind() {
    let kind = "example.org/v1/Widget";
    check(
        kind,
        &[
            (
                json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}, "status": []}),
                "progressing: is being deleted",
            ),
            (
                json!({"metadata": {"generation": 3}, "status": {"observedGeneration": 2}}),
                "progressing: its controller has seen generation 2 and not yet 3",
            ),
            (all([why("Reconciling", "True", "Busy", "Doing it.")]), "progressing: Busy: Doing it"),
            (all([one("Reconciling", "True"), why("Ready", "False", "NoDisk", "")]), "progressing: NoDisk"),
            (all([why("Stalled", "True", "Stuck", "Can't")]), "degraded: Stuck: Can't"),
            (all([one("Stalled", "False"), one("Reconciling", "False")]), "ready"),
            (all([one("Ready", "True"), one("Other", "False")]), "ready"),
            (all([one("Ready", "False")]), "progressing: Ready is False"),
            (all([one("Ready", "Unknown")]), "progressing"),
            (all([one("Ready", "False"), why("Error", "True", "Broken", "")]), "degraded: Broken"),
            (all([one("Error", "False"), one("Synced", "False")]), "ready"),
            (all([one("Failed", "True")]), "degraded"),
            (all([one("Available", "False")]), "progressing"),
            (all([one("Succeeded", "False")]), "degraded"),
            (json!({"status": {"phase": "Error"}}), "degraded: its phase is Error"),
        ],
    );
}

#[test]
fn what_an_older_generation_told_is_no_failure() {
    let stale = |kind: &str, status: &str| json!({"type": kind, "status": status, "observedGeneration": 1});
    let newer = json!({"generation": 2});
    for (kind, told_of) in [
        ("example.org/v1/Widget", stale("Ready", "False")),
        ("example.org/v1/Widget", stale("Ready", "True")),
        ("example.org/v1/Widget", stale("Stalled", "True")),
        ("example.org/v1/Widget", stale("Failed", "True")),
        ("cert-manager.io/v1/Issuer", stale("Ready", "False")),
        ("gateway.networking.k8s.io/v1/GatewayClass", stale("Accepted", "False")),
        ("policy/v1/PodDisruptionBudget", stale("DisruptionAllowed", "False")),
    ] {
        let said = told(kind, json!({"metadata": newer, "status": {"conditions": [told_of]}}), None);
        assert!(said.starts_with("progressing"), "{kind}: {said}");
    }
    let object = json!({"metadata": newer, "status": {"observedGeneration": 1, "conditions": [
        why("Progressing", "False", "ProgressDeadlineExceeded", "")]}});
    assert!(told("apps/v1/Deployment", object, None).starts_with("progressing"));
}

#[test]
fn odd_shapes_are_unknown() {
    for status in [
        json!({"conditions": {"Ready": true}}),
        json!({"conditions": ["Ready"]}),
        json!({"conditions": [{"status": "True"}]}),
        json!({"conditions": [{"type": "Ready", "status": true}]}),
        json!("Ready"),
    ] {
        for kind in ["example.org/v1/Widget", "apps/v1/Deployment", "Pod"] {
            let said = told(kind, json!({"status": status}), None);
            assert!(said.starts_with("unknown"), "{kind} {status}: {said}");
        }
    }
    assert_eq!(told("example.org/v1/Widget", json!({"status": {"conditions": {}, "a": 1}}), None), "ready");
    assert_eq!(word(&condition(&json!([]), None)), "unknown");
}

#[test]
fn an_object_without_status_has_a_grace() {
    for (kind, age, expected) in [
        ("example.org/v1/Widget", Some(3), "progressing"),
        ("example.org/v1/Widget", Some(10), "ready"),
        ("example.org/v1/Widget", None, "ready"),
        ("rbac.authorization.k8s.io/v1/Role", Some(0), "ready"),
        ("monitoring.coreos.com/v1/ServiceMonitor", Some(0), "ready"),
        ("cert-manager.io/v1/Certificate", Some(900), "progressing"),
    ] {
        let said = told(kind, json!({}), age);
        assert!(said.starts_with(expected), "{kind} {age:?}: {said}");
    }
}

#[test]
fn deployments() {
    let full = json!({"replicas": 2, "updatedReplicas": 2, "readyReplicas": 2, "availableReplicas": 2,
        "conditions": [why("Progressing", "True", "NewReplicaSetAvailable", ""), one("Available", "True")]});
    let with = |field: &str, value: Value| {
        let mut status = full.clone();
        status[field] = value;
        json!({"spec": {"replicas": 2, "progressDeadlineSeconds": 600}, "status": status})
    };
    let late = json!([why("Progressing", "False", "ProgressDeadlineExceeded", "timed out")]);
    let quota = json!([why("ReplicaFailure", "True", "FailedCreate", "quota")]);
    let mut refused = with("replicas", json!(0));
    refused["status"]["conditions"] = quota;
    check(
        "apps/v1/Deployment",
        &[
            (with("x", json!(1)), "ready"),
            (with("replicas", json!(1)), "progressing: 1 of 2 replicas are created"),
            (with("updatedReplicas", json!(1)), "progressing: 1 of 2 replicas are updated"),
            (with("replicas", json!(3)), "progressing: 1 replica is still to end"),
            (with("availableReplicas", json!(1)), "progressing: 1 of 2 replicas are available"),
            (with("readyReplicas", json!(0)), "progressing: 0 of 2 replicas are ready"),
            (with("conditions", late), "degraded: ProgressDeadlineExceeded: timed out"),
            (with("conditions", json!([one("Available", "True")])), "progressing: its new replica set"),
            (refused, "progressing: FailedCreate: quota"),
            (json!({"spec": {"paused": true}, "status": {"observedGeneration": 0}}), "ready"),
        ],
    );
}

#[test]
fn other_workloads() {
    let set = |strategy: Value, updated: i64| {
        json!({"spec": {"replicas": 3, "updateStrategy": strategy}, "status": {"replicas": 3, "readyReplicas": 3,
            "currentReplicas": 3, "updatedReplicas": updated, "currentRevision": "a", "updateRevision": "b"}})
    };
    check(
        "apps/v1/StatefulSet",
        &[
            (set(json!({}), 1), "progressing: not all replicas are of the newest revision"),
            (set(json!({"rollingUpdate": {"partition": 2}}), 1), "ready"),
            (set(json!({"rollingUpdate": {"partition": 0}}), 1), "progressing: 1 of 3 replicas are updated"),
            (set(json!({"type": "OnDelete"}), 0), "ready"),
            (json!({"spec": {"updateStrategy": {"type": "OnDelete"}}}), "progressing: 0 of 1 replica is created"),
        ],
    );
    let nodes = |updated: i64, ready: i64, strategy: &str| {
        json!({"spec": {"updateStrategy": {"type": strategy}}, "status": {"observedGeneration": 1,
            "desiredNumberScheduled": 2, "currentNumberScheduled": 2, "updatedNumberScheduled": updated,
            "numberAvailable": ready, "numberReady": ready}})
    };
    check(
        "apps/v1/DaemonSet",
        &[
            (nodes(2, 2, ""), "ready"),
            (nodes(1, 2, ""), "progressing: 1 of 2 replicas are updated"),
            (nodes(1, 2, "OnDelete"), "ready"),
            (nodes(2, 1, ""), "progressing: 1 of 2 replicas are available"),
            (json!({"status": {}}), "progressing: its controller has not seen it yet"),
        ],
    );
    let replicas = json!({"spec": {"replicas": 1}, "status": {"replicas": 1, "fullyLabeledReplicas": 1,
        "availableReplicas": 1, "readyReplicas": 1}});
    for kind in ["apps/v1/ReplicaSet", "ReplicationController"] {
        check(
            kind,
            &[
                (replicas.clone(), "ready"),
                (all([one("ReplicaFailure", "True")]), "progressing"),
                (json!({}), "progressing"),
            ],
        );
    }
}

#[test]
fn jobs() {
    let job = "batch/v1/Job";
    check(
        job,
        &[
            (json!({}), "progressing: it has not started yet"),
            (json!({"status": {"startTime": "now", "active": 1}}), "ready"),
            (all([one("Complete", "True")]), "ready"),
            (
                all([why("Failed", "True", "BackoffLimitExceeded", "too often.")]),
                "degraded: BackoffLimitExceeded: too often",
            ),
            (json!({"spec": {"suspend": true}}), "ready"),
        ],
    );
    check("batch/v1/CronJob", &[(json!({}), "ready"), (json!({"spec": {"suspend": true}}), "ready")]);
}

#[test]
fn storage_and_network() {
    let phase = |phase: &str| json!({"status": {"phase": phase}});
    check(
        "PersistentVolumeClaim",
        &[(phase("Bound"), "ready"), (phase("Pending"), "progressing"), (phase("Lost"), "degraded")],
    );
    check(
        "PersistentVolume",
        &[(phase("Released"), "ready"), (phase("Pending"), "progressing"), (phase("Failed"), "degraded")],
    );
    check("Namespace", &[(phase("Active"), "ready"), (phase("Terminating"), "progressing: is being deleted")]);
    let balancer = |at: Value| json!({"spec": {"type": "LoadBalancer"}, "status": {"loadBalancer": {"ingress": at}}});
    check(
        "Service",
        &[(json!({}), "ready"), (balancer(json!([])), "progressing"), (balancer(json!([{"ip": "1.2.3.4"}])), "ready")],
    );
    check("networking.k8s.io/v1/Ingress", &[(json!({"status": {"loadBalancer": {}}}), "ready")]);
}

#[test]
fn cluster_objects() {
    check(
        "apiextensions.k8s.io/v1/CustomResourceDefinition",
        &[
            (json!({}), "progressing: it is not established yet"),
            (all([why("Established", "False", "Installing", "")]), "progressing"),
            (all([one("Established", "True")]), "ready"),
            (all([one("Established", "True"), one("NamesAccepted", "False")]), "degraded"),
            (all([one("Terminating", "True")]), "progressing"),
        ],
    );
    check(
        "apiregistration.k8s.io/v1/APIService",
        &[
            (json!({}), "progressing"),
            (all([one("Available", "False")]), "progressing"),
            (all([one("Available", "True")]), "ready"),
        ],
    );
    let allowed = |reason: &str| all([why("DisruptionAllowed", "False", reason, "")]);
    check(
        "policy/v1/PodDisruptionBudget",
        &[
            (json!({}), "progressing"),
            (allowed("InsufficientPods"), "ready"),
            (allowed("SyncFailed"), "degraded: SyncFailed"),
        ],
    );
    let scaler = "autoscaling/v2/HorizontalPodAutoscaler";
    let blind = all([one("AbleToScale", "True"), why("ScalingActive", "False", "FailedGetResourceMetric", "")]);
    check(
        scaler,
        &[(json!({}), "progressing"), (all([one("AbleToScale", "True")]), "ready"), (blind.clone(), "progressing")],
    );
    assert!(told(scaler, blind.clone(), Some(5)).starts_with("progressing"));
    assert!(told(scaler, blind, Some(500)).starts_with("degraded"));
    let hidden =
        |text: &str| json!({"metadata": {"annotations": {"autoscaling.alpha.kubernetes.io/conditions": text}}});
    check(
        "autoscaling/v1/HorizontalPodAutoscaler",
        &[
            (hidden(r#"[{"type":"AbleToScale","status":"True"}]"#), "ready"),
            (hidden(r#"[{"type":"AbleToScale","status":"False","reason":"FailedGetScale"}]"#), "degraded"),
            (hidden("{"), "unknown"),
        ],
    );
}
