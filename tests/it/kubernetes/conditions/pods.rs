//! Pods, and why they are not ready.

use atlas::driver::kubernetes::condition::{PodTrouble, condition, pod_trouble};
use atlas::observed::Condition;
use serde_json::{Value, json};

/// A pod in a phase with containers.
fn pod(phase: &str, containers: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {},
        "status": {"phase": phase, "containerStatuses": containers}})
}

/// A pod with a container that waits for a reason.
fn waiting(reason: &str, message: &str) -> Value {
    pod("Pending", json!([{"name": "app", "state": {"waiting": {"reason": reason, "message": message}}}]))
}

/// The trouble of a pod that has one.
fn trouble(pod: &Value) -> PodTrouble {
    pod_trouble(pod).unwrap_or_else(|| panic!("no trouble in {pod}"))
}

#[test]
fn phases() {
    let mut ready = pod("Running", json!([]));
    ready["status"]["conditions"] = json!([{"type": "Ready", "status": "True"}]);
    assert_eq!(condition(&ready, None), Condition::Ready);
    assert_eq!(condition(&pod("Succeeded", json!([])), None), Condition::Ready);
    assert!(matches!(condition(&pod("Failed", json!([])), None), Condition::Degraded(_)));
    assert!(matches!(condition(&pod("Running", json!([])), None), Condition::Progressing(_)));
    assert!(matches!(condition(&pod("Pending", json!([])), None), Condition::Progressing(_)));
    assert!(matches!(condition(&pod("", json!([])), None), Condition::Progressing(_)));
    assert!(matches!(condition(&pod("Odd", json!([])), None), Condition::Unknown(_)));
}

#[test]
fn what_is_under_way_is_no_trouble() {
    for reason in ["ContainerCreating", "PodInitializing"] {
        assert_eq!(pod_trouble(&waiting(reason, "")), None);
        assert!(matches!(condition(&waiting(reason, ""), None), Condition::Progressing(_)));
    }
    assert_eq!(pod_trouble(&pod("Running", json!([{"name": "app", "state": {"running": {}}}]))), None);
    let mut ending = waiting("ImagePullBackOff", "");
    ending["metadata"]["deletionTimestamp"] = json!("now");
    assert_eq!(pod_trouble(&ending), None);
}

#[test]
fn containers_that_do_not_start() {
    let image = waiting("ImagePullBackOff", "Back-off pulling image \"x\"");
    let expected = PodTrouble {
        reason: "ImagePullBackOff".into(),
        text: "container `app`: ImagePullBackOff: Back-off pulling image \"x\"".into(),
        container: Some("app".into()),
        fatal: false,
    };
    assert_eq!(trouble(&image), expected);
    assert_eq!(condition(&image, None), Condition::Degraded(expected.text));
    for (reason, message, fatal) in [
        ("ErrImagePull", "", false),
        ("InvalidImageName", "", true),
        ("ErrImageNeverPull", "", true),
        ("CreateContainerConfigError", "secret \"a\" not found", false),
        ("CreateContainerConfigError", "container has runAsNonRoot and image will run as root", true),
        ("RunContainerError", "", false),
    ] {
        let trouble = trouble(&waiting(reason, message));
        assert_eq!((trouble.reason.as_str(), trouble.fatal), (reason, fatal), "{message}");
    }
}

#[test]
fn containers_that_end() {
    let end = |code: i64, reason: &str| json!({"terminated": {"exitCode": code, "reason": reason}});
    let back_off = json!({"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m0s"}});
    let app = |state: Value, last: Value| {
        pod("Running", json!([{"name": "app", "restartCount": 3, "state": state, "lastState": last}]))
    };
    for (pod, reason, text, fatal) in [
        (
            app(back_off.clone(), end(1, "Error")),
            "CrashLoopBackOff",
            "CrashLoopBackOff: exit code 1, restarted 3 times",
            false,
        ),
        (
            app(back_off.clone(), end(137, "OOMKilled")),
            "CrashLoopBackOff",
            "CrashLoopBackOff: OOMKilled, exit code 137, restarted 3 times",
            false,
        ),
        (
            app(back_off, end(128, "StartError")),
            "CrashLoopBackOff",
            "CrashLoopBackOff: StartError, exit code 128, restarted 3 times",
            true,
        ),
        (
            app(json!({"running": {}}), end(137, "OOMKilled")),
            "OOMKilled",
            "OOMKilled: exit code 137, restarted 3 times",
            false,
        ),
        (
            app(json!({"running": {}}), end(0, "Completed")),
            "Completed",
            "Completed: exit code 0, restarted 3 times",
            false,
        ),
        (app(end(2, "Error"), json!({})), "Error", "Error: exit code 2, restarted 3 times", false),
    ] {
        let trouble = trouble(&pod);
        assert_eq!(trouble.reason, reason);
        assert_eq!(trouble.text, format!("container `app`: {text}"));
        assert_eq!(trouble.fatal, fatal, "{text}");
    }
    assert_eq!(pod_trouble(&app(end(0, "Completed"), json!({}))), None);
    let mut once = app(end(2, "Error"), json!({}));
    assert!(matches!(condition(&once, None), Condition::Progressing(_)));
    once["spec"]["restartPolicy"] = json!("Never");
    assert!(trouble(&once).fatal);
    assert!(matches!(condition(&once, None), Condition::Degraded(_)));
}

#[test]
fn containers_that_initialise_come_first() {
    let mut both = waiting("PodInitializing", "");
    both["status"]["initContainerStatuses"] = json!([
        {"name": "done", "state": {"terminated": {"exitCode": 0}}, "ready": true},
        {"name": "init", "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]);
    assert_eq!(trouble(&both).text, "container `init`: CrashLoopBackOff");
    both["status"]["containerStatuses"] =
        json!([{"name": "app", "state": {"waiting": {"reason": "InvalidImageName"}}}]);
    assert_eq!(trouble(&both).container.as_deref(), Some("app"), "what is fatal is said first");
}

#[test]
fn pods_without_a_node() {
    let told = |reason: &str| {
        let mut pod = pod("Pending", json!([]));
        pod["status"]["conditions"] = json!([{"type": "PodScheduled", "status": "False", "reason": reason,
                "message": "0/3 nodes are available."}]);
        pod
    };
    let none = told("Unschedulable");
    let expected = PodTrouble {
        reason: "Unschedulable".into(),
        text: "Unschedulable: 0/3 nodes are available".into(),
        container: None,
        fatal: false,
    };
    assert_eq!(trouble(&none), expected);
    assert_eq!(condition(&none, Some(3)), Condition::Progressing(expected.text.clone()));
    assert_eq!(condition(&none, Some(15)), Condition::Degraded(expected.text.clone()));
    assert_eq!(condition(&none, None), Condition::Degraded(expected.text));
    assert_eq!(trouble(&told("SchedulingGated")).reason, "SchedulingGated");
    assert!(matches!(condition(&told("SchedulingGated"), None), Condition::Progressing(_)));
}

#[test]
fn pods_that_failed() {
    let mut evicted = pod("Failed", json!([]));
    evicted["status"]["reason"] = json!("Evicted");
    evicted["status"]["message"] = json!("The node was low on memory.");
    let said = trouble(&evicted);
    assert_eq!((said.text.as_str(), said.fatal), ("Evicted: The node was low on memory", true));
    let failed =
        pod("Failed", json!([{"name": "app", "state": {"terminated": {"exitCode": 3, "message": "no database"}}}]));
    assert_eq!(
        condition(&failed, None),
        Condition::Degraded("container `app`: Error: exit code 3, no database".into())
    );
}
