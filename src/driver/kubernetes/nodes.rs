//! The nodes of a cluster as its API tells them: their labels and taints, the pods that leave them, and what stays behind.

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::api::core::v1::{ConfigMap, Node, PersistentVolume, Pod, Taint};
use kube::api::{DeleteParams, EvictParams, ListParams, Patch, PatchParams};
use kube::{Api, Client, Error};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::access::ANSWER;
use super::error::classify;
use crate::driver::{Class, DriverError};

/// How often a node is looked at while it is drained.
const PAUSE: Duration = Duration::from_millis(500);
/// The label by which a volume says on which node it is: <https://kubernetes.io/docs/reference/labels-annotations-taints/>.
const HOSTNAME: &str = "kubernetes.io/hostname";
/// The ConfigMap with what CoreDNS reads besides.
const COREDNS: &str = "coredns-custom";
/// What marks a node that was closed to pods to be drained.
const DRAINED: &str = "atlas/drained";
/// What marks a pod that the kubelet made from a file, which no API removes.
const MIRROR: &str = "kubernetes.io/config.mirror";

/// The nodes of one cluster.
pub struct ClusterNodes {
    client: Client,
}

/// What is to be changed about a node, besides what others say of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct NodeChanges {
    /// Labels by key; none takes one away.
    pub labels: BTreeMap<String, Option<String>>,
    /// Taints that go, and taints that come, each as `KEY=VALUE:EFFECT`.
    pub taints: (Vec<String>, Vec<String>),
}

/// A node as it reports itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeReport {
    /// Whether it is ready.
    pub is_ready: bool,
    /// When it said so, in the API's words.
    pub at: String,
}

/// A node that joined its cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinedNode {
    /// Its name.
    pub name: String,
    /// Whether it was closed to pods to be drained.
    pub is_drained: bool,
    /// Its labels, whoever put them there.
    pub labels: BTreeMap<String, String>,
    /// Its taints, whoever put them there, each as `KEY=VALUE:EFFECT`.
    pub taints: Vec<String>,
}

/// A taint in its parts, as `KEY=VALUE:EFFECT` has them; no value and an empty one are the same.
#[must_use]
pub fn taint_of(text: &str) -> (&str, &str, &str) {
    let (pair, effect) = text.rsplit_once(':').unwrap_or((text, "NoSchedule"));
    let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
    (key, value, effect)
}

/// How many persistent volumes there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Volumes {
    /// In the whole cluster.
    pub all: u64,
    /// On some of its nodes.
    pub on_some: u64,
}

impl ClusterNodes {
    /// The nodes of the cluster that a client reaches.
    #[must_use]
    pub const fn new(client: Client) -> Self {
        Self { client }
    }

    /// Changes labels and taints of a node, and leaves alone what others put there.
    ///
    /// # Errors
    /// When the API does not answer, or refuses.
    pub async fn change(&self, node: &str, changes: &NodeChanges) -> Result<(), DriverError> {
        if *changes == NodeChanges::default() {
            return Ok(());
        }
        // A node that has not joined yet gets all of it when it does.
        let Some(seen) = self.get(node).await? else { return Ok(()) };
        let mut patch = json!({ "metadata": { "labels": changes.labels } });
        let (going, coming) = &changes.taints;
        if !going.is_empty() || !coming.is_empty() {
            let own: Vec<Taint> = going.iter().chain(coming).map(|text| taint(text)).collect();
            let before = seen.spec.unwrap_or_default().taints.unwrap_or_default();
            let is_own = |one: &Taint| own.iter().any(|own| (&own.key, &own.effect) == (&one.key, &one.effect));
            let others = before.into_iter().filter(|one| !is_own(one));
            let all: Vec<Taint> = others.chain(coming.iter().map(|text| taint(text))).collect();
            patch["spec"] = json!({ "taints": all });
            // Whoever changed its taints meanwhile is not overwritten.
            patch["metadata"]["resourceVersion"] = seen.metadata.resource_version.into();
        }
        self.patch(node, patch).await
    }

    /// Asks the pods of a node to leave it, as `kubectl drain` does: no new ones come, each gets its time to end, and disruption
    /// budgets count. Pods of daemon sets stay.
    ///
    /// # Errors
    /// When some don't leave in time. The node takes pods again then.
    pub async fn drain(&self, node: &str, limit: Duration, tell: impl Fn(&str)) -> Result<(), DriverError> {
        let Some(seen) = self.get(node).await? else { return Ok(()) };
        // One that somebody closed to pods stays closed afterwards.
        if seen.spec.and_then(|spec| spec.unschedulable) != Some(true) {
            let patch =
                json!({ "metadata": { "annotations": { DRAINED: "true" } }, "spec": { "unschedulable": true } });
            self.patch(node, patch).await?;
        }
        let end = Instant::now() + limit;
        let drained = loop {
            match self.evict_all(node).await {
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
                Ok(Some(left)) if Instant::now() >= end => {
                    let message =
                        format!("{left} within {} s; let it go, or set `k3d.drain` to \"0s\"", limit.as_secs());
                    break Err(DriverError::new(Class::Invalid, message));
                }
                Ok(Some(left)) => tell(&left),
            }
            tokio::time::sleep(PAUSE).await;
        };
        if drained.is_err() {
            // What failed is said already.
            let _ = self.allow(node).await;
        }
        drained
    }

    /// Lets a node take pods again that was closed to be drained; one that somebody else closed stays closed.
    ///
    /// # Errors
    /// When the API does not answer, or refuses.
    pub async fn allow(&self, node: &str) -> Result<(), DriverError> {
        if !self.get(node).await?.is_some_and(|node| is_drained(&node)) {
            return Ok(());
        }
        let patch = json!({ "metadata": { "annotations": { DRAINED: null } }, "spec": { "unschedulable": null } });
        self.patch(node, patch).await
    }

    /// Takes a node out of the cluster. k3s takes a server out of its own data store then.
    ///
    /// # Errors
    /// When the API does not answer, or refuses.
    pub async fn remove(&self, node: &str) -> Result<(), DriverError> {
        match answer(self.nodes().delete(node, &DeleteParams::default())).await {
            Err(refused) if refused.code == Some(404) => Ok(()),
            other => {
                other?;
                Ok(())
            }
        }
    }

    /// All nodes that joined.
    ///
    /// # Errors
    /// When the API does not answer, or refuses.
    pub async fn joined(&self) -> Result<Vec<JoinedNode>, DriverError> {
        let all = answer(self.nodes().list(&ListParams::default())).await?.items.into_iter();
        let joined = |node: Node| {
            let is_drained = is_drained(&node);
            let taints = node.spec.and_then(|spec| spec.taints).unwrap_or_default();
            let taints = taints.iter().map(taint_text).collect();
            let labels = node.metadata.labels.unwrap_or_default();
            Some(JoinedNode { name: node.metadata.name?, is_drained, labels, taints })
        };
        Ok(all.filter_map(joined).collect())
    }

    /// Lets pods find names that no name server knows, beside what others told the cluster's own; whether its namespace is there.
    ///
    /// CoreDNS of k3s reads each `*.server` of this ConfigMap: <https://docs.k3s.io/networking/networking-services#coredns>.
    ///
    /// # Errors
    /// When the API does not answer, or refuses.
    pub async fn tell_hosts(&self, hosts: &BTreeMap<String, String>) -> Result<bool, DriverError> {
        let api = Api::<ConfigMap>::namespaced(self.client.clone(), "kube-system");
        let map = json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": COREDNS }, "data": { "atlas.server": zones(hosts) },
        });
        let how = PatchParams::apply("atlas-cluster").force();
        match answer(api.patch(COREDNS, &how, &Patch::Apply(map))).await {
            Err(refused) if refused.code == Some(404) => Ok(false),
            other => {
                other?;
                Ok(true)
            }
        }
    }

    /// Whether a node is in the cluster.
    ///
    /// # Errors
    /// When the API does not answer, or refuses.
    pub async fn has(&self, node: &str) -> Result<bool, DriverError> {
        Ok(self.get(node).await?.is_some())
    }

    /// What a node last said of itself; none when it is no part of the cluster, or said nothing yet.
    ///
    /// # Errors
    /// When the API does not answer, or refuses.
    pub async fn report(&self, node: &str) -> Result<Option<NodeReport>, DriverError> {
        let conditions = self.get(node).await?.and_then(|node| node.status?.conditions).unwrap_or_default();
        let ready = conditions.into_iter().find(|one| one.type_ == "Ready");
        Ok(ready.map(|one| NodeReport {
            is_ready: one.status == "True",
            at: one.last_heartbeat_time.map(|time| time.0.to_string()).unwrap_or_default(),
        }))
    }

    /// Counts persistent volumes, and those among them that are on nodes with certain names.
    ///
    /// # Errors
    /// When the API does not answer, or refuses.
    pub async fn volumes(&self, some: impl Fn(&str) -> bool) -> Result<Volumes, DriverError> {
        let api = Api::<PersistentVolume>::all(self.client.clone());
        let all = answer(api.list(&ListParams::default())).await?.items;
        let on_some = all.iter().filter(|volume| nodes_of(volume).iter().any(|node| some(node))).count();
        Ok(Volumes { all: all.len() as u64, on_some: on_some as u64 })
    }

    fn nodes(&self) -> Api<Node> {
        Api::all(self.client.clone())
    }

    async fn patch(&self, node: &str, patch: Value) -> Result<(), DriverError> {
        match answer(self.nodes().patch(node, &PatchParams::default(), &Patch::Merge(patch))).await {
            Err(refused) if refused.code == Some(404) => Ok(()),
            other => {
                other?;
                Ok(())
            }
        }
    }

    async fn get(&self, node: &str) -> Result<Option<Node>, DriverError> {
        Ok(answer(self.nodes().get_opt(node)).await?)
    }

    /// Asks every pod to leave that is still there; one that is, and why it stays.
    async fn evict_all(&self, node: &str) -> Result<Option<String>, DriverError> {
        let here = ListParams::default().fields(&format!("spec.nodeName={node}"));
        let pods = answer(Api::<Pod>::all(self.client.clone()).list(&here)).await?;
        let mut left = None;
        for pod in pods.items.iter().filter(|pod| has_to_leave(pod)) {
            let name = pod.metadata.name.as_deref().unwrap_or_default();
            let namespace = pod.metadata.namespace.as_deref().unwrap_or("default");
            let mut why = "it has not ended yet".to_owned();
            if pod.metadata.deletion_timestamp.is_none() {
                let api = Api::<Pod>::namespaced(self.client.clone(), namespace);
                match answer(api.evict(name, &EvictParams::default())).await {
                    Err(refused) if refused.code == Some(404) => continue,
                    // A disruption budget does not allow it now.
                    Err(refused) if refused.code == Some(429) => why = refused.error.message,
                    other => drop(other?),
                }
            }
            left.get_or_insert(format!("the pod {namespace}/{name} does not leave {node}: {why}"));
        }
        Ok(left)
    }
}

/// What the API refused.
struct ApiFailure {
    code: Option<u16>,
    error: DriverError,
}

impl From<ApiFailure> for DriverError {
    fn from(refused: ApiFailure) -> Self {
        refused.error
    }
}

/// An answer of the API in time.
async fn answer<T>(asked: impl Future<Output = Result<T, Error>>) -> Result<T, ApiFailure> {
    match tokio::time::timeout(ANSWER, asked).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => {
            let code = if let Error::Api(status) = &error { Some(status.code) } else { None };
            Err(ApiFailure { code, error: classify(&error) })
        }
        Err(_) => {
            let error = DriverError::new(Class::Unreachable, format!("no answer within {} s", ANSWER.as_secs()));
            Err(ApiFailure { code: None, error })
        }
    }
}

/// Whether a node was closed to pods to be drained.
fn is_drained(node: &Node) -> bool {
    node.metadata.annotations.as_ref().is_some_and(|all| all.contains_key(DRAINED))
}

/// Whether a pod is one that leaves a node: one that something makes again elsewhere. That is none of a daemon set, none of the
/// kubelet's own, none that nobody owns, which would be gone for good, and none that ended.
fn has_to_leave(pod: &Pod) -> bool {
    let mut owners = pod.metadata.owner_references.iter().flatten();
    let ended = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    owners.clone().any(|owner| owner.controller == Some(true))
        && !owners.any(|owner| owner.kind == "DaemonSet")
        && !pod.metadata.annotations.as_ref().is_some_and(|all| all.contains_key(MIRROR))
        && !["Succeeded", "Failed"].contains(&ended.unwrap_or_default())
}

/// The nodes that a persistent volume is on; none for one that is not on a node.
fn nodes_of(volume: &PersistentVolume) -> Vec<&str> {
    let spec = volume.spec.as_ref();
    let required = spec.and_then(|spec| spec.node_affinity.as_ref()?.required.as_ref());
    let expressions = required.iter().flat_map(|all| &all.node_selector_terms).flat_map(|term| {
        term.match_expressions.iter().flatten().filter(|one| one.key == HOSTNAME && one.operator == "In")
    });
    expressions.flat_map(|one| one.values.iter().flatten()).map(String::as_str).collect()
}

/// Names in the words of CoreDNS: each is a zone of its own, and what is not said of it is asked of others, as always.
fn zones(hosts: &BTreeMap<String, String>) -> String {
    if hosts.is_empty() {
        return String::new();
    }
    let zones: Vec<String> = hosts.keys().map(|name| format!("{name}:53")).collect();
    let lines: String = hosts.iter().map(|(name, address)| format!("        {address} {name}\n")).collect();
    let zones = zones.join(" ");
    format!(
        "{zones} {{\n    errors\n    hosts {{\n{lines}        fallthrough\n    }}\n    forward . /etc/resolv.conf\n}}\n"
    )
}

/// A taint as k3s's command line has it: `KEY=VALUE:EFFECT`, or without a value.
fn taint(text: &str) -> Taint {
    let (key, value, effect) = taint_of(text);
    let value = Some(value).filter(|value| !value.is_empty()).map(str::to_owned);
    Taint { key: key.to_owned(), value, effect: effect.to_owned(), ..Taint::default() }
}

fn taint_text(taint: &Taint) -> String {
    let value = taint.value.as_deref().filter(|value| !value.is_empty()).map(|value| format!("={value}"));
    format!("{}{}:{}", taint.key, value.unwrap_or_default(), taint.effect)
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::{PersistentVolume, Pod};
    use serde_json::json;

    use super::{has_to_leave, nodes_of, taint, taint_text, zones};

    #[test]
    fn names_are_zones_of_their_own() {
        let hosts = [("a.test".to_owned(), "10.0.0.1".to_owned()), ("b".to_owned(), "10.0.0.2".to_owned())];
        let text = zones(&hosts.into());
        assert!(text.starts_with("a.test:53 b:53 {\n") && text.contains("        10.0.0.1 a.test\n"), "{text}");
        assert_eq!(text.matches('{').count(), text.matches('}').count());
        assert_eq!(zones(&std::collections::BTreeMap::new()), "");
    }

    #[test]
    fn a_volume_says_on_which_node_it_is() {
        let volume: PersistentVolume = serde_json::from_value(json!({
            "spec": { "nodeAffinity": { "required": { "nodeSelectorTerms": [
                { "matchExpressions": [{ "key": "kubernetes.io/hostname", "operator": "In", "values": ["a", "b"] }] },
            ] } } },
        }))
        .expect("a volume");
        assert_eq!(nodes_of(&volume), ["a", "b"]);
        assert!(nodes_of(&PersistentVolume::default()).is_empty());
    }

    #[test]
    fn only_pods_that_can_be_elsewhere_leave() {
        let pod = |more| serde_json::from_value::<Pod>(more).expect("a pod");
        let owner =
            |kind| json!([{ "apiVersion": "apps/v1", "kind": kind, "name": "n", "uid": "u", "controller": true }]);
        assert!(has_to_leave(&pod(json!({ "metadata": { "ownerReferences": owner("ReplicaSet") } }))));
        for stays in [
            json!({ "metadata": { "ownerReferences": owner("DaemonSet") } }),
            json!({ "metadata": { "annotations": { "kubernetes.io/config.mirror": "x" } } }),
            json!({ "metadata": { "ownerReferences": owner("Job") }, "status": { "phase": "Succeeded" } }),
            json!({ "metadata": {} }),
        ] {
            assert!(!has_to_leave(&pod(stays.clone())), "{stays}");
        }
    }

    #[test]
    fn taints_are_read_as_k3s_reads_them() {
        let read = |text| (taint(text).key, taint(text).value, taint(text).effect);
        assert_eq!(read("a=b:NoSchedule"), ("a".into(), Some("b".into()), "NoSchedule".into()));
        assert_eq!(read("a:NoExecute"), ("a".into(), None, "NoExecute".into()));
        for text in ["a=b:NoSchedule", "a:NoExecute"] {
            assert_eq!(taint_text(&taint(text)), text);
        }
    }
}
