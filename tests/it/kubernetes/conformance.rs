//! From nothing to objects, through every change, and back to nothing.

use serde_json::json;

use super::harness::{Cluster, deployment};

/// One object of each of twenty kinds.
const TWENTY: &str = "
apiVersion: v1
kind: ServiceAccount
metadata: {name: web}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: web}
data: {greeting: {{ .Values.word | default \"hello\" | quote }}}
---
apiVersion: v1
kind: Secret
metadata: {name: web}
stringData: {password: {{ .Values.word | default \"planted-secret\" | quote }}}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  ports: [{name: http, port: 80}]
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: web}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
---
apiVersion: v1
kind: LimitRange
metadata: {name: web}
spec: {limits: [{type: Container, default: {memory: 256Mi}}]}
---
apiVersion: v1
kind: ResourceQuota
metadata: {name: web}
spec: {hard: {pods: \"20\"}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      serviceAccountName: web
      containers:
      - {name: app, image: nginx:1, envFrom: [{configMapRef: {name: web}}], resources: {requests: {cpu: 1000m}}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: store}
spec:
  serviceName: web
  selector: {matchLabels: {app: store}}
  template:
    metadata: {labels: {app: store}}
    spec: {containers: [{name: app, image: nginx:1}]}
  volumeClaimTemplates:
  - {metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent}
spec:
  selector: {matchLabels: {app: agent}}
  template:
    metadata: {labels: {app: agent}}
    spec: {containers: [{name: app, image: nginx:1}]}
---
apiVersion: batch/v1
kind: Job
metadata: {name: once}
spec: {template: {spec: {restartPolicy: Never, containers: [{name: app, image: nginx:1}]}}}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly}
spec:
  schedule: \"0 3 * * *\"
  jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: app, image: nginx:1}]}}}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web}
spec: {podSelector: {matchLabels: {app: web}}, ingress: [{ports: [{port: 80}]}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec: {rules: [{host: web.test, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: web}
rules: [{apiGroups: [\"\"], resources: [pods], verbs: [get, list]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: web}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: web}
subjects: [{kind: ServiceAccount, name: web}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: \"NS:web\"}
rules: [{apiGroups: [\"\"], resources: [nodes], verbs: [get]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: \"NS:web\"}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: \"NS:web\"}
subjects: [{kind: ServiceAccount, name: web, namespace: NS}]
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec: {maxUnavailable: 1, selector: {matchLabels: {app: web}}}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 2
  maxReplicas: 4
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 70}}}]
";

#[test]
fn twenty_kinds_are_made_seen_as_they_are_and_removed() {
    let cluster = Cluster::with_chart(TWENTY);
    let plan = cluster.changes();
    assert_eq!(plan.iter().filter(|change| change.starts_with("create ")).count(), 22, "{plan:?}");
    let told = cluster.converge();
    assert!(!told.contains("planted-secret") && !told.contains("cGxhbnRlZC1zZWNyZXQ"), "{told}");
    // A plan from another place, without a record of anything, says the same.
    std::fs::remove_dir_all(cluster.place.path(".atlas")).expect("records");
    cluster.is_converged();
    // Each object that somebody removes comes back, and nothing else happens.
    for object in ["services/web", "deployments/web", "roles/web", "horizontalpodautoscalers/web", "configmaps/web"] {
        cluster.delete(object);
    }
    assert_eq!(cluster.changes().len(), 5);
    cluster.converge();
    // Without its block everything goes, and with it the record.
    let spec = cluster.place.read("atlas.toml");
    let (rest, _) = spec.split_once("[app.web]").expect("an app");
    cluster.spec(rest);
    assert!(cluster.changes().iter().all(|change| change.starts_with("delete ")));
    cluster.place.expect(0, &["apply", "--yes", "--allow-loss", "app.web"]);
    cluster.is_converged();
    for gone in ["configmaps/atlas-app-web", "deployments/web", "roles/web"] {
        assert_eq!(cluster.object(gone), None, "{gone}");
    }
    let role = format!("/apis/rbac.authorization.k8s.io/v1/clusterroles/{}:web", cluster.namespace);
    assert_eq!(cluster.get(&role), None);
    // What the claims of a StatefulSet made stays until somebody says that it may go.
    let namespace = format!("namespace.{}@dc", cluster.namespace);
    cluster.place.expect(0, &["destroy", "--yes", "--allow-loss", &namespace]);
    assert_eq!(cluster.get(&format!("/api/v1/namespaces/{}", cluster.namespace)), None);
}

#[test]
fn a_change_of_the_values_changes_what_follows_from_it_and_nothing_else() {
    let cluster = Cluster::with_chart(TWENTY);
    cluster.converge();
    cluster.add("[app.web.values]\nword = \"good day\"\n");
    assert_eq!(cluster.changes(), ["update app.web@dc", "update ConfigMap/web", "update Secret/web"]);
    let plan = cluster.place.expect(0, &["plan"]);
    assert!(plan.contains("data.greeting: \"hello\" -> \"good day\""), "{plan}");
    assert!(plan.contains("data.password: (sensitive) -> (sensitive)"), "{plan}");
    cluster.converge();
    assert_eq!(cluster.object("configmaps/web").expect("there")["data"]["greeting"], "good day");
}

#[test]
fn what_the_server_will_not_change_is_made_anew_and_said_before() {
    let cluster = Cluster::with_chart(&deployment("web", 1, "nginx:1", ""));
    cluster.converge();
    let before = cluster.object("deployments/web").expect("there")["metadata"]["uid"].clone();
    cluster.chart("web", &deployment("web", 1, "nginx:1", "").replace("app: web}", "app: web, tier: a}"));
    let plan = cluster.place.expect(0, &["plan"]);
    assert!(plan.contains("-/+ app.web@dc/Deployment/web") && plan.contains("field is immutable"), "{plan}");
    cluster.converge();
    assert_ne!(cluster.object("deployments/web").expect("there")["metadata"]["uid"], before);
}

#[test]
fn a_namespace_has_its_guard_rails_and_keeps_them() {
    let cluster = Cluster::new("");
    let spec = cluster.place.read("atlas.toml");
    let closed = spec.replace(
        "network = \"open\"",
        "network = \"default-deny\"\nquota = { cpu = \"8000m\", pods = 20 }\nlabels = { team = \"shop\" }",
    );
    cluster.spec(&closed.replace("\"privileged\"", "\"restricted\""));
    cluster.converge();
    let namespace = || cluster.get(&format!("/api/v1/namespaces/{}", cluster.namespace)).expect("there");
    assert_eq!(namespace()["metadata"]["labels"]["pod-security.kubernetes.io/enforce"], "restricted");
    cluster.delete("networkpolicies/atlas-default-deny");
    cluster.edit("somebody", "resourcequotas/atlas-quota", &json!({ "spec": { "hard": { "pods": "900" } } }));
    assert_eq!(cluster.changes().len(), 1);
    let plan = cluster.place.expect(0, &["plan"]);
    assert!(
        plan.contains("network") && plan.contains("\"open\" -> \"default-deny\"") && plan.contains("900 -> 20"),
        "{plan}"
    );
    cluster.converge();
    cluster.spec(&spec);
    cluster.converge();
    assert_eq!(cluster.object("networkpolicies/atlas-default-deny"), None);
    assert_eq!(cluster.object("resourcequotas/atlas-quota"), None);
}

#[test]
fn a_replacement_that_could_not_be_made_deletes_nothing() {
    let cluster = Cluster::with_chart(&deployment("web", 1, "nginx:1", ""));
    cluster.converge();
    cluster.chart(
        "web",
        &deployment("web", 1, "nginx:1", "").replace("matchLabels: {app: web}", "matchLabels: {app: other}"),
    );
    let refused = cluster.place.run(&["apply", "--yes"]);
    assert_ne!(refused.code, 0, "{refused:?}");
    assert!(cluster.object("deployments/web").is_some(), "{refused:?}");
}

#[test]
fn plain_manifests_and_kustomizations_are_apps_as_well() {
    let cluster = Cluster::new(
        "[app.web]\nclusters = [\"dc\"]\nnamespace = \"NS\"\nmanifests = [\"k8s/*.yaml\"]\nwait = \"applied\"\n",
    );
    std::fs::create_dir_all(cluster.place.path("k8s")).expect("made");
    cluster.place.write("k8s/a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: b}\n---\n");
    let list = "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: ConfigMap, metadata: {name: b}, data: {port: \"80\"}}\n";
    cluster.place.write("k8s/b.yaml", list);
    cluster.converge();
    assert_eq!(cluster.object("configmaps/b").expect("there")["data"]["port"], "80");
    let rendered = cluster.place.expect(0, &["render", "app.web@dc"]);
    assert!(rendered.starts_with("---\n# Source: k8s/a.yaml\n") && rendered.contains("name: b"), "{rendered}");
    // Two forms of one thing are refused together.
    cluster.add("kustomize = \"overlay\"\n");
    assert!(cluster.place.run(&["validate"]).stderr.contains("`kustomize`"));
    cluster.place.edit("manifests = [\"k8s/*.yaml\"]", "");
    std::fs::create_dir_all(cluster.place.path("overlay")).expect("made");
    std::fs::create_dir_all(cluster.place.path("bin")).expect("made");
    let with = |program: bool| {
        if program {
            cluster.place.program(
                "kustomize",
                "#!/bin/sh\necho 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {built: \"yes\"}'\n",
            );
        }
        let mut command = cluster.place.command(&["apply", "--yes"]);
        crate::support::Run::of(command.env("PATH", cluster.place.path("bin")).output().expect("it runs"))
    };
    let without = with(false);
    assert!(without.code == 1 && without.stderr.contains("neither `kustomize` nor `kubectl` is there"), "{without:?}");
    let built = with(true);
    assert_eq!(built.code, 0, "{built:?}");
    assert_eq!(cluster.object("configmaps/a").expect("there")["data"]["built"], "yes");
    assert_eq!(cluster.object("configmaps/b"), None);
    cluster.place.edit("kustomize = \"overlay\"", "manifests = [\"../*.yaml\"]");
    assert!(cluster.place.run(&["validate"]).stderr.contains("leads out of the project"));
}
