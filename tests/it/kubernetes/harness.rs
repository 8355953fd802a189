//! A cluster for a test, with a spec beside it, and everybody else who works on the cluster.

use std::sync::atomic::{AtomicU32, Ordering};

use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::{Value, json};

use super::api::ApiServer;
use crate::support::Place;

/// A cluster, the namespace of one test in it, and a folder with a spec.
pub struct Cluster {
    pub place: Place,
    /// The server of this test; none where a cluster was given.
    pub server: Option<ApiServer>,
    /// The namespace that the test has for itself.
    pub namespace: String,
    /// The context of its kubeconfig.
    pub context: String,
    kubeconfig: String,
    runtime: tokio::runtime::Runtime,
    client: Client,
}

/// So that no two tests on one cluster have the same namespace.
static NEXT: AtomicU32 = AtomicU32::new(0);

impl Cluster {
    /// A cluster with a spec of a namespace, in which `NS` stands for its name. Nobody waits for pods that nothing starts.
    pub fn new(blocks: &str) -> Self {
        let at = NEXT.fetch_add(1, Ordering::Relaxed);
        let namespace = format!("atlas-test-{}-{at}", std::process::id());
        let place = Place::empty();
        let given = std::env::var("ATLAS_TEST_KUBECONFIG").ok();
        let server = given.is_none().then(ApiServer::start);
        let text = match (&given, &server) {
            (Some(path), _) => std::fs::read_to_string(path).expect("it is there"),
            (None, Some(server)) => server.kubeconfig("test"),
            (None, None) => unreachable!("one of them is there"),
        };
        place.write("kubeconfig", &text);
        let kubeconfig = Kubeconfig::from_yaml(&text).expect("a kubeconfig");
        let context = kubeconfig.current_context.clone().expect("it has a context");
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("made");
        let client = runtime.block_on(async {
            let options = KubeConfigOptions { context: Some(context.clone()), ..KubeConfigOptions::default() };
            let config = Config::from_custom_kubeconfig(kubeconfig, &options).await.expect("usable");
            Client::try_from(config).expect("made")
        });
        let project = format!("p{}-{at}", std::process::id());
        let head = format!(
            "[project]\nname = \"{project}\"\n\n[cluster.dc]\nkubeconfig = {{ file = \"kubeconfig\", context = \"{context}\" }}\n\n\
             [namespace.NS]\nclusters = [\"dc\"]\npod_security = \"privileged\"\nnetwork = \"open\"\n\n"
        );
        let cluster = Self { place, server, namespace, context, kubeconfig: text, runtime, client };
        cluster.spec(&format!("{head}{blocks}"));
        cluster
    }

    /// A cluster with one app of one chart, of which `text` is the only template.
    pub fn with_chart(text: &str) -> Self {
        let cluster =
            Self::new("[app.web]\nclusters = [\"dc\"]\nnamespace = \"NS\"\nchart = \"web\"\nwait = \"applied\"\n");
        cluster.chart("web", text);
        cluster
    }

    /// Writes the spec, in which `NS` is the namespace of the test.
    pub fn spec(&self, text: &str) {
        self.place.write("atlas.toml", &text.replace("NS", &self.namespace));
    }

    /// Makes the cluster one that does not answer, or one that does again. Somebody else still reaches it.
    pub fn cut_off(&self, on: bool) {
        let (_, rest) = self.kubeconfig.split_once("server: ").expect("it names a server");
        let rest = rest.trim_start_matches('"');
        let url = rest.split(['"', ',', '\n', '}']).next().unwrap_or_default().trim();
        let nowhere = self.kubeconfig.replace(url, "http://127.0.0.1:1");
        self.place.write("kubeconfig", if on { &nowhere } else { &self.kubeconfig });
    }

    /// Adds to the spec.
    pub fn add(&self, text: &str) {
        self.spec(&format!("{}\n{text}", self.place.read("atlas.toml")));
    }

    /// Writes a chart with one template, in which `NS` is the namespace of the test.
    pub fn chart(&self, name: &str, text: &str) {
        std::fs::create_dir_all(self.place.path(&format!("{name}/templates"))).expect("made");
        self.place.write(&format!("{name}/Chart.yaml"), &format!("apiVersion: v2\nname: {name}\nversion: 0.1.0\n"));
        self.place.write(&format!("{name}/templates/all.yaml"), &text.replace("NS", &self.namespace));
    }

    /// Applies, and expects that the plan is empty after that.
    pub fn converge(&self) -> String {
        self.place.converge()
    }

    /// Expects an empty plan.
    pub fn is_converged(&self) {
        self.place.is_converged();
    }

    /// The changes of a plan, as `ACTION REST-OF-ADDRESS`.
    pub fn changes(&self) -> Vec<String> {
        let plan = self.place.json(&["plan", "--json"]);
        let changes = plan["changes"].as_array().cloned().unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let short = |address: String| address.split_once('/').map_or(address.clone(), |(_, rest)| rest.to_owned());
        changes
            .iter()
            .map(|change| format!("{} {}", text(&change["action"]), short(text(&change["address"]))))
            .collect()
    }

    /// What the API answers to a question.
    pub fn get(&self, path: &str) -> Option<Value> {
        self.ask("GET", path, None, "").ok()
    }

    /// An object of a kind in the namespace of the test: `deployments/web`.
    pub fn object(&self, object: &str) -> Option<Value> {
        self.get(&self.path(object))
    }

    /// What somebody else does with an object of the namespace, under a name of his own.
    pub fn edit(&self, manager: &str, object: &str, patch: &Value) {
        let path = format!("{}?fieldManager={manager}", self.path(object));
        self.ask("PATCH", &path, Some(patch), "application/merge-patch+json").expect("it is taken");
    }

    /// Makes an object in the namespace.
    pub fn create(&self, manager: &str, object: &Value) {
        let kind = object["kind"].as_str().expect("a kind");
        let plural = format!("{}s", kind.to_lowercase());
        let path = format!("{}?fieldManager={manager}", self.path(&plural));
        self.ask("POST", &path, Some(object), "application/json").expect("it is made");
    }

    /// Deletes an object of the namespace.
    pub fn delete(&self, object: &str) {
        self.ask("DELETE", &self.path(object), Some(&json!({ "propagationPolicy": "Background" })), "application/json")
            .expect("it is deleted");
    }

    /// The path of what `deployments/web` names in the namespace of the test.
    pub fn path(&self, object: &str) -> String {
        let plural = object.split('/').next().unwrap_or_default();
        if plural.starts_with("clusterrole") {
            return format!("/apis/rbac.authorization.k8s.io/v1/{object}");
        }
        let group = match plural {
            "deployments" | "statefulsets" | "daemonsets" | "replicasets" => "/apis/apps/v1",
            "jobs" | "cronjobs" => "/apis/batch/v1",
            "networkpolicies" | "ingresses" => "/apis/networking.k8s.io/v1",
            "roles" | "rolebindings" => "/apis/rbac.authorization.k8s.io/v1",
            "poddisruptionbudgets" => "/apis/policy/v1",
            "horizontalpodautoscalers" => "/apis/autoscaling/v2",
            "widgets" => "/apis/atlas.test/v1",
            _ => "/api/v1",
        };
        format!("{group}/namespaces/{}/{object}", self.namespace)
    }

    /// One call, with a body.
    pub fn ask(&self, method: &str, path: &str, body: Option<&Value>, kind: &str) -> Result<Value, String> {
        let request = http::Request::builder().method(method).uri(path).header("content-type", kind);
        let body = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
        let request = request.body(body).expect("a good request");
        self.runtime.block_on(self.client.request(request)).map_err(|error| error.to_string())
    }
}

impl Cluster {
    /// One call as it is: the code and the text of its answer.
    pub fn raw(&self, method: &str, path: &str, body: Option<String>, sort: &str) -> (u16, String) {
        use http_body_util::BodyExt as _;
        let request = http::Request::builder().method(method).uri(path).header("content-type", sort);
        let request = request.header("accept", "application/json").header("user-agent", "transcript/1");
        let request = request.body(kube::client::Body::from(body.unwrap_or_default().into_bytes()));
        let request = request.expect("a good request");
        self.runtime.block_on(async {
            let response = self.client.send(request).await.expect("it answers");
            let code = response.status().as_u16();
            let bytes = response.into_body().collect().await.expect("all of it").to_bytes();
            (code, String::from_utf8_lossy(&bytes).into_owned())
        })
    }
}

/// What stays after a test goes with its namespace; on a cluster that was given nobody else would take it away.
impl Drop for Cluster {
    fn drop(&mut self) {
        if self.server.is_none() {
            let _ = self.ask("DELETE", &format!("/api/v1/namespaces/{}", self.namespace), None, "application/json");
        }
    }
}

/// A Deployment in the least that one says, with some lines more at its container.
pub fn deployment(name: &str, replicas: u32, image: &str, more: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}}}\nspec:\n  replicas: {replicas}\n  selector: {{matchLabels: \
         {{app: {name}}}}}\n  template:\n    metadata: {{labels: {{app: {name}}}}}\n    spec:\n      containers:\n      - name: app\n        \
         image: {image}\n{more}"
    )
}

/// The definition of a kind `Widget` of a group, which takes anything.
pub fn definition(group: &str) -> String {
    format!(
        "
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {{name: widgets.{group}}}
spec:
  group: {group}
  scope: Namespaced
  names: {{plural: widgets, singular: widget, kind: Widget}}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {{openAPIV3Schema: {{type: object, x-kubernetes-preserve-unknown-fields: true}}}}
"
    )
}
