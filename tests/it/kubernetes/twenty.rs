//! One object of each of twenty kinds, with a field that can change, and one that can't where the kind has such a one.

use serde_json::{Value, json};

/// An object, and what is done to it.
pub struct Row {
    /// What Kubernetes calls its kind.
    pub kind: &'static str,
    /// Its plural and its name.
    pub object: String,
    /// The whole of it, with the first value of its field.
    pub manifest: Value,
    /// The pointer to a field that can change.
    pub field: &'static str,
    /// What it changes to.
    pub other: Value,
    /// What the server does not let change, with what it is to be; nothing where everything can.
    pub fixed: Vec<(&'static str, Value)>,
}

impl Row {
    /// Its address behind that of its app.
    pub fn address(&self) -> String {
        format!("{}/{}", self.kind, self.name())
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.object.split_once('/').map_or("", |(_, name)| name)
    }

    /// What the field has at first.
    pub fn first(&self) -> Value {
        self.manifest.pointer(self.field).cloned().unwrap_or_default()
    }

    /// The object with the other value of its field.
    pub fn changed(&self) -> Value {
        with(&self.manifest, self.field, &self.other)
    }

    /// The object with another value of what can't change.
    pub fn refused(&self) -> Value {
        self.fixed.iter().fold(self.manifest.clone(), |object, (at, value)| with(&object, at, value))
    }
}

/// An object with another value at a pointer, whose last part may be new.
fn with(object: &Value, at: &str, value: &Value) -> Value {
    let mut object = object.clone();
    let (parent, key) = at.rsplit_once('/').expect("a pointer");
    let parent = object.pointer_mut(parent).expect("it is there");
    match parent.as_array_mut() {
        Some(items) => items[key.parse::<usize>().expect("a number")] = value.clone(),
        None => parent[key] = value.clone(),
    }
    object
}

fn row(api_version: &str, kind: &'static str, object: &str, body: Value, field: &'static str, other: Value) -> Row {
    let name = object.split_once('/').expect("plural/name").1;
    let mut manifest = json!({ "apiVersion": api_version, "kind": kind, "metadata": { "name": name } });
    for (key, value) in body.as_object().expect("an object") {
        manifest[key] = value.clone();
    }
    Row { kind, object: object.to_owned(), manifest, field, other, fixed: Vec::new() }
}

impl Row {
    fn fixed(mut self, fixed: Vec<(&'static str, Value)>) -> Self {
        self.fixed = fixed;
        self
    }
}

/// The twenty, for a namespace.
pub fn twenty(namespace: &str) -> Vec<Row> {
    [plain(), workloads(), rights(namespace), policies()].into_iter().flatten().collect()
}

fn plain() -> Vec<Row> {
    let claim = json!({ "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": "1Gi" } } });
    let least = json!({ "memory": "128Mi" });
    let limit = json!({ "type": "Container", "max": { "memory": "1Gi" }, "default": least, "defaultRequest": least });
    vec![
        row(
            "v1",
            "ServiceAccount",
            "serviceaccounts/web",
            json!({ "automountServiceAccountToken": true }),
            "/automountServiceAccountToken",
            json!(false),
        ),
        row(
            "v1",
            "ConfigMap",
            "configmaps/web",
            json!({ "data": { "word": "hello" } }),
            "/data/word",
            json!("good day"),
        ),
        row(
            "v1",
            "Secret",
            "secrets/web",
            json!({ "type": "Opaque", "data": { "key": "b25l" } }),
            "/data/key",
            json!("dHdv"),
        )
        .fixed(vec![("/type", json!("atlas.test/other"))]),
        row(
            "v1",
            "Service",
            "services/web",
            json!({ "spec": { "selector": { "app": "web" }, "ports": [{ "name": "http", "port": 80 }] } }),
            "/spec/ports/0/port",
            json!(81),
        )
        .fixed(vec![("/spec/clusterIP", json!("None"))]),
        row(
            "v1",
            "PersistentVolumeClaim",
            "persistentvolumeclaims/web",
            json!({ "metadata": { "name": "web", "labels": { "tier": "a" } }, "spec": claim }),
            "/metadata/labels/tier",
            json!("b"),
        )
        .fixed(vec![("/spec/accessModes/0", json!("ReadWriteMany"))]),
        row(
            "v1",
            "LimitRange",
            "limitranges/web",
            json!({ "spec": { "limits": [limit] } }),
            "/spec/limits/0/max/memory",
            json!("2Gi"),
        ),
        row(
            "v1",
            "ResourceQuota",
            "resourcequotas/web",
            json!({ "spec": { "hard": { "pods": "20" } } }),
            "/spec/hard/pods",
            json!("30"),
        ),
    ]
}

fn pods(app: &str, restart: &str) -> Value {
    json!({
        "metadata": { "labels": { "app": app } },
        "spec": { "restartPolicy": restart, "containers": [{ "name": "app", "image": "nginx:1" }] },
    })
}

fn workloads() -> Vec<Row> {
    const IMAGE: &str = "/spec/template/spec/containers/0/image";
    let selected =
        |app: &str| json!({ "selector": { "matchLabels": { "app": app } }, "template": pods(app, "Always") });
    let anew =
        || vec![("/spec/selector/matchLabels/app", json!("new")), ("/spec/template/metadata/labels/app", json!("new"))];
    let mut store = selected("store");
    store["serviceName"] = json!("web");
    store["volumeClaimTemplates"] = json!([{
        "metadata": { "name": "data" },
        "spec": { "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": "1Gi" } } },
    }]);
    let nightly = json!({ "schedule": "0 3 * * *", "jobTemplate": { "spec": { "template": pods("night", "Never") } } });
    let once = json!({ "parallelism": 1, "template": pods("once", "Never") });
    vec![
        row("apps/v1", "Deployment", "deployments/web", json!({ "spec": selected("web") }), IMAGE, json!("nginx:2"))
            .fixed(anew()),
        row("apps/v1", "StatefulSet", "statefulsets/store", json!({ "spec": store }), IMAGE, json!("nginx:2"))
            .fixed(vec![("/spec/serviceName", json!("other"))]),
        row("apps/v1", "DaemonSet", "daemonsets/agent", json!({ "spec": selected("agent") }), IMAGE, json!("nginx:2"))
            .fixed(anew()),
        row("batch/v1", "Job", "jobs/once", json!({ "spec": once }), "/spec/parallelism", json!(2))
            .fixed(vec![(IMAGE, json!("nginx:2"))]),
        row(
            "batch/v1",
            "CronJob",
            "cronjobs/nightly",
            json!({ "spec": nightly }),
            "/spec/schedule",
            json!("0 4 * * *"),
        ),
    ]
}

fn rights(namespace: &str) -> Vec<Row> {
    const GROUP: &str = "rbac.authorization.k8s.io";
    const VERSION: &str = "rbac.authorization.k8s.io/v1";
    let wide = format!("{namespace}:web");
    let rules = |resource: &str| json!({ "rules": [{ "apiGroups": [""], "resources": [resource], "verbs": ["get"] }] });
    let bound = |kind: &str, name: &str| {
        json!({
            "roleRef": { "apiGroup": GROUP, "kind": kind, "name": name },
            "subjects": [{ "kind": "ServiceAccount", "name": "web", "namespace": namespace }],
        })
    };
    let other = || vec![("/roleRef/name", json!("view"))];
    vec![
        row(VERSION, "Role", "roles/web", rules("pods"), "/rules/0/verbs/0", json!("list")),
        row(VERSION, "RoleBinding", "rolebindings/web", bound("Role", "web"), "/subjects/0/name", json!("other"))
            .fixed(other()),
        row(VERSION, "ClusterRole", &format!("clusterroles/{wide}"), rules("nodes"), "/rules/0/verbs/0", json!("list")),
        row(
            VERSION,
            "ClusterRoleBinding",
            &format!("clusterrolebindings/{wide}"),
            bound("ClusterRole", &wide),
            "/subjects/0/name",
            json!("other"),
        )
        .fixed(other()),
    ]
}

fn policies() -> Vec<Row> {
    let backend = json!({ "service": { "name": "web", "port": { "number": 80 } } });
    let rule =
        json!({ "host": "a.test", "http": { "paths": [{ "path": "/", "pathType": "Prefix", "backend": backend }] } });
    let target = json!({ "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" });
    vec![
        row(
            "networking.k8s.io/v1",
            "NetworkPolicy",
            "networkpolicies/web",
            json!({ "spec": { "podSelector": { "matchLabels": { "app": "web" } }, "ingress": [{ "ports": [{ "port": 80 }] }] } }),
            "/spec/ingress/0/ports/0/port",
            json!(81),
        ),
        row(
            "networking.k8s.io/v1",
            "Ingress",
            "ingresses/web",
            json!({ "spec": { "rules": [rule] } }),
            "/spec/rules/0/host",
            json!("b.test"),
        ),
        row(
            "policy/v1",
            "PodDisruptionBudget",
            "poddisruptionbudgets/web",
            json!({ "spec": { "maxUnavailable": 1, "selector": { "matchLabels": { "app": "web" } } } }),
            "/spec/maxUnavailable",
            json!(2),
        ),
        row(
            "autoscaling/v2",
            "HorizontalPodAutoscaler",
            "horizontalpodautoscalers/web",
            json!({ "spec": { "scaleTargetRef": target, "minReplicas": 2, "maxReplicas": 4, "metrics": [{
                "type": "Resource",
                "resource": { "name": "cpu", "target": { "type": "Utilization", "averageUtilization": 70 } },
            }] } }),
            "/spec/maxReplicas",
            json!(5),
        ),
    ]
}
