//! The suite that all drivers share, for namespaces: every attribute of their schema, on the double or on a cluster that is given. The
//! other client sends its own requests.

use std::sync::Arc;
use std::time::{Duration, Instant};

use atlas::driver::kubernetes::Kubernetes;
use atlas::driver::{Driver, Hidden, Registry};
use atlas::kind::{self, Attribute, Kind};
use atlas::run::{self, Pipeline, Setup};
use atlas::spec::Inputs;
use serde_json::{Value, json};

use super::api::ApiServer;
use super::harness::Cluster;
use crate::attributes::{base, stages};
use crate::conformance::{Lines, Stand, suite};

/// What a namespace has in the API, besides itself.
const CONTENTS: [&str; 5] = [
    "/api/v1/NS/resourcequotas",
    "/api/v1/NS/limitranges",
    "/api/v1/NS/serviceaccounts",
    "/api/v1/NS/secrets",
    "/apis/networking.k8s.io/v1/NS/networkpolicies",
];

/// Attributes that come to objects of their own. The namespace says in an annotation what was said of them.
const PARTS: [&str; 5] = ["limits", "allow", "service_accounts", "secrets", "image_pull_secrets"];

/// The values of the secrets that the examples refer to.
const SECRETS: [&str; 2] = ["GHCR_TOKEN", "LEDGER_DB_PASSWORD"];

#[test]
fn namespaces_conform() {
    let stand = Namespaces::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("made");
    let cells = runtime.block_on(suite(&stand, &[kind::get("namespace").expect("a kind")]));
    assert!(cells > 20, "{cells}");
}

/// A cluster, and a second one where no cluster is given.
struct Namespaces {
    cluster: Cluster,
    second: Option<ApiServer>,
}

impl Namespaces {
    fn new() -> Self {
        let cluster = Cluster::new("");
        let second = cluster.server.is_some().then(ApiServer::start);
        if let Some(second) = &second {
            cluster.place.write("second", &second.kubeconfig("test"));
        }
        std::fs::create_dir_all(cluster.place.path("secrets")).expect("made");
        for name in ["quay", "ca.crt"] {
            cluster.place.write(&format!("secrets/{name}"), "planted");
        }
        Self { cluster, second }
    }

    /// The name that the subject has, where its block says no other one of its own.
    fn own_name(&self) -> String {
        format!("{}-subject", self.cluster.namespace)
    }

    /// Lines under names that no other test uses.
    fn named(&self, mut lines: Lines) -> Lines {
        let name = match lines.get("name") {
            Some(name) => format!("{}-{}", self.cluster.namespace, name.trim_matches('"')),
            None => self.own_name(),
        };
        lines.insert("name".into(), format!("\"{name}\""));
        if let Some(others) = lines.get_mut("depends_on") {
            *others = others.replace("queue.transactions@us-east-1", "namespace.other@dc-us");
        }
        lines
    }

    /// One request of somebody else. The suite runs in a runtime, in which nothing may block.
    fn ask(&self, method: &str, path: &str, body: Option<&Value>, sort: &str) -> Result<Value, String> {
        let cluster = &self.cluster;
        std::thread::scope(|scope| {
            scope.spawn(|| cluster.ask(method, path, body, sort)).join().expect("the request is sent")
        })
    }

    fn patch(&self, path: &str, patch: &Value) -> Result<(), String> {
        let path = format!("{path}?fieldManager=somebody");
        self.ask("PATCH", &path, Some(patch), "application/merge-patch+json").map(drop)
    }

    /// The namespaces of this test, in every cluster.
    fn left(&self) -> Vec<String> {
        let all = self.ask("GET", "/api/v1/namespaces", None, "").unwrap_or_default();
        let all = all["items"].as_array().cloned().unwrap_or_default();
        let names = all.iter().filter_map(|one| one["metadata"]["name"].as_str()).map(str::to_owned);
        names.filter(|name| name.starts_with(&format!("{}-", self.cluster.namespace))).collect()
    }

    /// Removes a namespace, and waits until it is gone.
    fn remove(&self, name: &str) -> Result<(), String> {
        let path = format!("/api/v1/namespaces/{name}");
        let end = Instant::now() + Duration::from_secs(60);
        while self.ask("GET", &path, None, "").is_ok() {
            // It may be on its way out already.
            let _ = self.ask("DELETE", &path, None, "application/json");
            if Instant::now() > end {
                return Err(format!("`{name}` is still there"));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// What a spec says of an attribute of the subject.
    fn said(&self, kind: &Kind, spec: &str, attribute: &str) -> Value {
        let pipeline = self.pipeline(spec);
        let mut all = pipeline.desired.instances().iter();
        let subject = all.find(|one| one.address.to_string() == self.subject(kind)).expect("the subject");
        subject.attributes.get(attribute).to_json()
    }
}

impl Stand for Namespaces {
    fn name(&self) -> &'static str {
        "kubernetes"
    }

    fn attributes(&self, kind: &'static Kind) -> Vec<&'static Attribute> {
        kind::attributes_of(kind).collect()
    }

    fn limit(&self, _: &Kind, case: &str) -> Option<&'static str> {
        (case == "clusters" && self.second.is_none()).then_some("one cluster is given")
    }

    fn plain(&self, kind: &Kind) -> Lines {
        self.named(base(kind))
    }

    fn stages(&self, kind: &Kind, attribute: &Attribute) -> Vec<Lines> {
        stages(kind, attribute).into_iter().map(|lines| self.named(lines)).collect()
    }

    fn spec(&self, kind: &Kind, lines: Option<&Lines>) -> String {
        let head = |name: &str, file: &str, context: &str| {
            format!("[cluster.{name}]\nkubeconfig = {{ file = \"{file}\", context = \"{context}\" }}\n\n")
        };
        let mut text = format!("[project]\nname = \"{}\"\n\n", self.cluster.namespace);
        text.push_str(&head("dc-us", "kubeconfig", &self.cluster.context));
        let all: String = lines.into_iter().flatten().map(|(name, value)| format!("{name} = {value}\n")).collect();
        if all.contains("dc-eu") {
            text.push_str(&head("dc-eu", "second", "test"));
        }
        if all.contains("namespace.other") {
            let name = format!("{}-other", self.cluster.namespace);
            text.push_str(&format!("[namespace.other]\nname = \"{name}\"\nclusters = [\"dc-us\"]\n\n"));
        }
        if lines.is_some() {
            text.push_str(&format!("[{}.subject]\n{all}", kind.name));
        }
        text
    }

    fn may_lose(&self, kind: &Kind) -> Vec<String> {
        vec![self.subject(kind), "namespace.subject@dc-eu".to_owned(), "namespace.other@dc-us".to_owned()]
    }

    fn pipeline(&self, spec: &str) -> Pipeline {
        self.cluster.place.write("atlas.toml", spec);
        let hidden: Arc<Hidden> = Arc::default();
        let variables: atlas::driver::Variables =
            Arc::new(|name: &str| SECRETS.contains(&name).then(|| format!("planted-{name}")));
        let file = self.cluster.place.path("atlas.toml");
        let setup =
            Setup { file, inputs: Inputs::default(), variables: Arc::clone(&variables), hidden: Arc::clone(&hidden) };
        let read = run::read(&setup).unwrap_or_else(|error| panic!("{error:?}\n{spec}"));
        let driver = Kubernetes::new(self.cluster.place.path("."), &variables, &hidden);
        let registry = Registry::new([Arc::new(driver) as Arc<dyn Driver>]);
        Pipeline::new(read.desired, registry).unwrap_or_else(|diagnostics| panic!("{diagnostics:#?}\n{spec}"))
    }

    fn look(&self, _: &Kind, lines: &Lines) -> Value {
        let name = name_of(lines);
        let Ok(namespace) = self.ask("GET", &format!("/api/v1/namespaces/{name}"), None, "") else {
            return Value::Null;
        };
        let contents = CONTENTS.iter().map(|path| {
            let listed = self.ask("GET", &path.replace("NS", &format!("namespaces/{name}")), None, "");
            let items = listed.unwrap_or_default()["items"].as_array().cloned().unwrap_or_default();
            let named = items.into_iter().map(|one| (text(&one["metadata"]["name"]), one));
            let plural = path.rsplit('/').next().unwrap_or_default().to_owned();
            (plural, Value::Object(named.collect()))
        });
        let contents: serde_json::Map<String, Value> = contents.collect();
        json!({ "namespace": namespace, "contents": contents })
    }

    async fn make(&self, _: &'static Kind, lines: &Lines) -> Result<(), String> {
        let name = name_of(lines);
        let body = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } });
        self.ask("POST", "/api/v1/namespaces?fieldManager=somebody", Some(&body), "application/json")?;
        // The server gives it an account in its own time.
        let account = format!("/api/v1/namespaces/{name}/serviceaccounts/default");
        let end = Instant::now() + Duration::from_secs(20);
        while self.ask("GET", &account, None, "").is_err() && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    fn unmake(&self, _: &Kind, lines: &Lines) -> Result<(), String> {
        self.remove(&name_of(lines))
    }

    fn check(&self, _: &'static Kind, attribute: &Attribute, seen: &Value, wanted: &Value) -> Result<(), String> {
        let metadata = &seen["namespace"]["metadata"];
        let there = |plural: &str, name: &str| !seen["contents"][plural][name].is_null();
        let keys = |of: &Value| of.as_object().map(|all| all.keys().cloned().collect::<Vec<_>>()).unwrap_or_default();
        let has = |plural: &str| keys(wanted).iter().all(|name| there(plural, name));
        let good = match attribute.name {
            "name" => metadata["name"] == *wanted,
            "pod_security" => metadata["labels"]["pod-security.kubernetes.io/enforce"] == *wanted,
            "network" => there("networkpolicies", "atlas-default-deny") == (wanted == "default-deny"),
            "quota" => {
                let hard = &seen["contents"]["resourcequotas"]["atlas-quota"]["spec"]["hard"];
                hard.is_null() == wanted.is_null() && hard["requests.cpu"] == wanted["cpu"]
            }
            "labels" | "annotations" => keys(wanted).iter().all(|key| metadata[attribute.name][key] == wanted[key]),
            "limits" => there("limitranges", "atlas-limits") != wanted.is_null(),
            "allow" => {
                let own = keys(&seen["contents"]["networkpolicies"]);
                let own = own.iter().filter(|name| *name != "atlas-default-deny").count();
                (own > 0) != wanted.is_null()
            }
            "service_accounts" => has("serviceaccounts"),
            "secrets" => has("secrets"),
            "image_pull_secrets" => {
                let pulls = &seen["contents"]["serviceaccounts"]["default"]["imagePullSecrets"];
                let pulls: Vec<&Value> = pulls.as_array().into_iter().flatten().map(|one| &one["name"]).collect();
                has("secrets") && json!(pulls) == json!(keys(wanted))
            }
            other => return Err(format!("nobody looks at `{other}`")),
        };
        if good { Ok(()) } else { Err(format!("`{}` is to be {wanted}, and there is {seen}", attribute.name)) }
    }

    fn drifts(&self, kind: &Kind, attribute: &Attribute) -> bool {
        kind.attribute(attribute.name).is_some() && attribute.name != "name"
    }

    async fn meddle(
        &self,
        kind: &'static Kind,
        attribute: &Attribute,
        lines: &Lines,
        other: &str,
    ) -> Result<(), String> {
        let name = name_of(lines);
        let path = format!("/api/v1/namespaces/{name}");
        let value = self.said(kind, other, attribute.name);
        match attribute.name {
            "pod_security" => {
                self.patch(&path, &json!({ "metadata": { "labels": { "pod-security.kubernetes.io/enforce": value } } }))
            }
            "labels" | "annotations" => self.patch(&path, &json!({ "metadata": { attribute.name: value } })),
            "network" => {
                let policy = format!("/apis/networking.k8s.io/v1/namespaces/{name}/networkpolicies/atlas-default-deny");
                self.ask("DELETE", &policy, None, "application/json").map(drop)
            }
            "quota" => {
                let hard = json!({ "requests.cpu": value["cpu"], "limits.cpu": value["cpu"] });
                self.patch(&format!("{path}/resourcequotas/atlas-quota"), &json!({ "spec": { "hard": hard } }))
            }
            part if PARTS.contains(&part) => {
                let live = self.ask("GET", &path, None, "")?;
                let said = live["metadata"]["annotations"]["atlas/namespace"].as_str().unwrap_or_default().to_owned();
                let mut said: Value = serde_json::from_str(&said).map_err(|error| error.to_string())?;
                said["said"][part] = value;
                self.patch(&path, &json!({ "metadata": { "annotations": { "atlas/namespace": said.to_string() } } }))
            }
            other => Err(format!("nobody knows how to change `{other}`")),
        }
    }

    fn same(&self, before: &Value, after: &Value) -> bool {
        self.id(before).is_some() && self.id(before) == self.id(after)
    }

    fn id(&self, seen: &Value) -> Option<String> {
        seen["namespace"]["metadata"]["uid"].as_str().map(str::to_owned)
    }

    fn cuts_off(&self) -> bool {
        true
    }

    fn cut_off(&self, on: bool) {
        self.cluster.cut_off(on);
    }

    async fn clean(&self, _: &'static Kind) {
        for name in self.left() {
            self.remove(&name).expect("it goes");
        }
        if let Some(second) = &self.second {
            let named = |one: &Value| text(&one["metadata"]["name"]).starts_with(&self.cluster.namespace);
            for one in second.objects("Namespace").iter().filter(|one| named(one)) {
                second.delete("Namespace", None, &text(&one["metadata"]["name"]));
            }
        }
    }
}

fn name_of(lines: &Lines) -> String {
    lines["name"].trim_matches('"').to_owned()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
