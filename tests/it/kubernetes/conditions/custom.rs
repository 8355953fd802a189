//! Custom resources that have a rule, each in the fewest words that make the case.

use atlas::driver::kubernetes::condition::condition;
use atlas::observed::Condition;
use serde_json::{Value, json};

/// Checks cases of a kind: what the object has, and the word for it.
fn check(kind: &str, cases: &[(Value, &str)]) {
    let (version, kind) = kind.rsplit_once('/').unwrap_or(("v1", kind));
    for (fields, expected) in cases {
        let mut object = json!({"apiVersion": version, "kind": kind, "metadata": {"generation": 1}});
        for (name, value) in fields.as_object().cloned().unwrap_or_default() {
            object[name] = value;
        }
        let said = condition(&object, Some(600));
        let word = match &said {
            Condition::Ready => "ready",
            Condition::Progressing(_) => "progressing",
            Condition::Degraded(_) => "degraded",
            Condition::Unknown(_) => "unknown",
        };
        assert_eq!(word, *expected, "{object}\n  said {said:?}");
    }
}

/// A status of conditions, written as "Ready=False:Reason Other=True".
fn all(conditions: &str) -> Value {
    json!({"status": {"conditions": list(conditions)}})
}

/// Conditions, written as "Ready=False:Reason Other=True".
fn list(conditions: &str) -> Value {
    let one = |text: &str| {
        let (kind, rest) = text.split_once('=').unwrap_or((text, ""));
        let (status, reason) = rest.split_once(':').unwrap_or((rest, ""));
        json!({"type": kind, "status": status, "reason": reason})
    };
    conditions.split(' ').map(one).collect()
}

/// A status with a phase.
fn phase(phase: &str) -> Value {
    json!({"status": {"phase": phase}})
}

#[test]
fn argo() {
    let health = |word: &str| json!({"status": {"health": {"status": word}}});
    let mut syncing = health("Missing");
    syncing["status"]["operationState"] = json!({"phase": "Running"});
    let mut broken = health("Healthy");
    broken["status"]["conditions"] = json!([{"type": "ComparisonError", "message": "no such path"}]);
    check(
        "argoproj.io/v1alpha1/Application",
        &[
            (json!({}), "progressing"),
            (health("Healthy"), "ready"),
            (health("Suspended"), "ready"),
            (health("Progressing"), "progressing"),
            (health("Degraded"), "degraded"),
            (health("Missing"), "unknown"),
            (syncing, "progressing"),
            (broken, "degraded"),
        ],
    );
    check(
        "argoproj.io/v1alpha1/ApplicationSet",
        &[
            (all("ErrorOccurred=False ResourcesUpToDate=True"), "ready"),
            (all("ErrorOccurred=True ResourcesUpToDate=True"), "degraded"),
            (all("RolloutProgressing=True ResourcesUpToDate=True"), "progressing"),
        ],
    );
    check("argoproj.io/v1alpha1/AppProject", &[(json!({}), "ready")]);
    let run = [(phase("Running"), "progressing"), (phase("Successful"), "ready"), (phase("Error"), "degraded")];
    check("argoproj.io/v1alpha1/AnalysisRun", &run);
    check("argoproj.io/v1alpha1/Experiment", &run);
    check("argoproj.io/v1alpha1/AnalysisRun", &[(phase("Inconclusive"), "unknown")]);
}

#[test]
fn rollouts() {
    let old = |replicas: i64, stable: &str| {
        json!({"spec": {"replicas": 2}, "status": {"replicas": replicas, "updatedReplicas": 2, "availableReplicas": 2,
            "currentPodHash": "b", "stableRS": stable}})
    };
    check(
        "argoproj.io/v1alpha1/Rollout",
        &[
            (phase("Healthy"), "ready"),
            (phase("Paused"), "ready"),
            (phase("Degraded"), "degraded"),
            (json!({"spec": {"paused": true}}), "ready"),
            (json!({"status": {"observedGeneration": "0", "phase": "Healthy"}}), "progressing"),
            (json!({"status": {"observedGeneration": "6d5f9c", "phase": "Healthy"}}), "ready"),
            (all("Progressing=False:RolloutAborted"), "degraded"),
            (old(2, "b"), "ready"),
            (old(2, "a"), "progressing"),
            (old(3, "b"), "progressing"),
        ],
    );
}

#[test]
fn flux() {
    for kind in ["kustomize.toolkit.fluxcd.io/v1/Kustomization", "source.toolkit.fluxcd.io/v1/GitRepository"] {
        check(
            kind,
            &[
                (json!({}), "progressing"),
                (all("Ready=True Released=False"), "ready"),
                (all("Ready=Unknown"), "progressing"),
                (all("Ready=False:DependencyNotReady"), "progressing"),
                (all("Reconciling=True:ProgressingWithRetry Ready=False:Broken"), "progressing"),
                (all("Ready=False:Broken"), "degraded"),
                (all("Stalled=True Ready=False"), "degraded"),
                (json!({"spec": {"suspend": true}, "status": {"observedGeneration": 0}}), "ready"),
            ],
        );
    }
    check("source.toolkit.fluxcd.io/v1/HelmRepository", &[(json!({"spec": {"type": "oci"}}), "ready")]);
    check("notification.toolkit.fluxcd.io/v1beta3/Alert", &[(json!({}), "ready")]);
}

#[test]
fn crossplane() {
    let managed = [
        (all("Synced=True Ready=True"), "ready"),
        (all("Synced=True Ready=False:Creating"), "progressing"),
        (all("Synced=False:ReconcileError Ready=True"), "degraded"),
        (all("Synced=False:ReconcilePaused"), "ready"),
        (all("LastAsyncOperation=False Synced=True Ready=True"), "degraded"),
    ];
    check("s3.aws.upbound.io/v1beta1/Bucket", &managed);
    check("iam.aws.crossplane.io/v1/Role", &managed);
    let composite = |conditions: &str| {
        let mut object = all(conditions);
        object["spec"] = json!({"crossplane": {"compositionRef": {"name": "a"}}});
        object
    };
    check(
        "platform.example.org/v1/Database",
        &[
            (json!({"spec": {"compositionRef": {"name": "a"}}}), "progressing"),
            (composite("Synced=True Ready=True"), "ready"),
            (composite("Synced=False Ready=True"), "degraded"),
        ],
    );
    check(
        "pkg.crossplane.io/v1/Function",
        &[
            (all("Installed=True Healthy=True"), "ready"),
            (all("Installed=True Healthy=False"), "degraded"),
            (all("Installed=True Healthy=Unknown"), "progressing"),
            (all("Installed=False:UnpackingPackage"), "progressing"),
        ],
    );
    check("apiextensions.crossplane.io/v1/Composition", &[(json!({}), "ready")]);
    check("aws.upbound.io/v1beta1/ProviderConfig", &[(json!({}), "ready")]);
}

#[test]
fn certificates_and_secrets() {
    check(
        "cert-manager.io/v1/Certificate",
        &[
            (all("Ready=False Issuing=True"), "progressing"),
            (all("Ready=False"), "degraded"),
            (all("Ready=True"), "ready"),
        ],
    );
    check(
        "cert-manager.io/v1/CertificateRequest",
        &[
            (all("Ready=False:Pending"), "progressing"),
            (all("Ready=False:Failed"), "degraded"),
            (all("Denied=True"), "degraded"),
        ],
    );
    let state = |state: &str| json!({"status": {"state": state}});
    for kind in ["acme.cert-manager.io/v1/Order", "acme.cert-manager.io/v1/Challenge"] {
        check(kind, &[(state("valid"), "ready"), (state("pending"), "progressing"), (state("errored"), "degraded")]);
    }
    let ready = [(json!({}), "progressing"), (all("Ready=True"), "ready"), (all("Ready=False"), "degraded")];
    for kind in
        ["cert-manager.io/v1/ClusterIssuer", "external-secrets.io/v1/SecretStore", "serving.knative.dev/v1/Service"]
    {
        check(kind, &ready);
    }
    check("bitnami.com/v1alpha1/SealedSecret", &[(all("Synced=True"), "ready"), (all("Synced=False"), "degraded")]);
}

#[test]
fn gateways() {
    let mut listener = all("Accepted=True Programmed=True");
    listener["status"]["listeners"] = json!([{"name": "web", "conditions": list("Accepted=False")}]);
    check(
        "gateway.networking.k8s.io/v1/Gateway",
        &[
            (all("Accepted=True Programmed=True"), "ready"),
            (all("Accepted=True Programmed=False"), "progressing"),
            (all("Accepted=Unknown:Pending"), "progressing"),
            (all("Accepted=False"), "degraded"),
            (listener, "degraded"),
        ],
    );
    let parents = |each: &[&str]| {
        let each: Vec<_> =
            each.iter().map(|one| json!({"parentRef": {"name": "a"}, "conditions": list(one)})).collect();
        json!({"status": {"parents": each}})
    };
    let mut left = parents(&["Accepted=False", "Accepted=True"]);
    left["status"]["parents"][0]["conditions"][0]["observedGeneration"] = json!(0);
    check(
        "gateway.networking.k8s.io/v1/HTTPRoute",
        &[
            (parents(&[]), "progressing"),
            (parents(&["Accepted=True ResolvedRefs=True"]), "ready"),
            (parents(&["Accepted=True", "Accepted=False"]), "degraded"),
            (parents(&["Accepted=True", "Accepted=Unknown"]), "progressing"),
            (parents(&["Accepted=True ResolvedRefs=False"]), "degraded"),
            (left, "ready"),
        ],
    );
}

#[test]
fn operators() {
    check(
        "monitoring.coreos.com/v1/Alertmanager",
        &[
            (all("Available=True Reconciled=True"), "ready"),
            (all("Available=True Reconciled=False"), "degraded"),
            (all("Available=Degraded:SomePodsNotReady"), "progressing"),
            (all("Available=False:NoPodReady"), "degraded"),
            (json!({"spec": {"paused": true}}), "ready"),
        ],
    );
    check(
        "keda.sh/v1alpha1/ScaledObject",
        &[
            (all("Ready=True Active=False Fallback=False"), "ready"),
            (all("Ready=True Paused=True"), "ready"),
            (all("Ready=True Fallback=True"), "degraded"),
            (all("Ready=False"), "degraded"),
        ],
    );
    check(
        "kafka.strimzi.io/v1beta2/Kafka",
        &[
            (all("NotReady=True:Creating"), "progressing"),
            (all("NotReady=True"), "degraded"),
            (all("Ready=True Warning=True"), "ready"),
        ],
    );
    check(
        "postgresql.cnpg.io/v1/Cluster",
        &[
            (phase("Cluster in healthy state"), "ready"),
            (phase("Failing over"), "progressing"),
            (phase("Waiting for user action"), "degraded"),
            (all("cnpg.io/hibernation=True"), "ready"),
        ],
    );
    let mut info = all("Ready=False");
    info["status"]["conditions"][0]["severity"] = json!("Info");
    check(
        "cluster.x-k8s.io/v1beta1/Cluster",
        &[
            (phase("Provisioned"), "ready"),
            (phase("Failed"), "degraded"),
            (info, "progressing"),
            (all("Ready=False"), "degraded"),
        ],
    );
    check("cluster.x-k8s.io/v1beta1/Machine", &[(phase("Running"), "ready"), (phase("Provisioning"), "progressing")]);
}
