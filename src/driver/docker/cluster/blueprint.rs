//! What the containers of a cluster are made from.

use std::collections::BTreeMap;

use bollard::models::{
    ContainerCreateBody, HostConfig, HostConfigCgroupnsModeEnum, Mount, MountType, RestartPolicy, RestartPolicyNameEnum,
};

use super::super::container::{self, Blueprint, Join};
use super::super::table::texts;
use super::labels::BALANCED;
use super::layout::{K3D, Layout};
use super::node::{self, ClusterNode, NodeRole};
use super::ports::{Bindings, ROUTES, in_words};
use crate::value::{Text, Value};

/// Where k3s keeps all of its data in a node, and its storage what local volumes hold.
pub(super) const DATA: &str = "/var/lib/rancher/k3s";
/// Where a node keeps the password by which the cluster knows it.
pub(super) const PASSWORD: &str = "/etc/rancher/node/password";
/// What a node runs before k3s.
const ENTRYPOINT: &str = include_str!("entrypoint.sh");
const ENTRYPOINT_AT: &str = "/etc/rancher/atlas-entrypoint.sh";
/// What a node reads in place of `/proc/meminfo`, where its memory is limited.
const MEMINFO_AT: &str = "/etc/rancher/atlas-meminfo";

impl Layout<'_> {
    /// How a node is made.
    pub fn of_node(&self, node: &ClusterNode) -> Blueprint {
        let settings = self.settings(node);
        let server = node.role == NodeRole::Server;
        let mut mounts = vec![mount(node::images(&self.name), "/k3d/images"), mount(self.data(&node.name), DATA)];
        mounts.extend(container::mounts(self.wanted.at("k3d.volumes").unwrap_or(&Value::Null)));
        let bindings = self.ports().of_node(node);
        let host = HostConfig {
            privileged: Some(self.wanted.at("k3d.privileged") != Some(&Value::Bool(false))),
            // k3s has to be the first process where control groups are of version 2, and buries others then.
            init: Some(false),
            cgroupns_mode: Some(HostConfigCgroupnsModeEnum::PRIVATE),
            tmpfs: Some(["/run", "/var/run"].iter().map(|path| ((*path).to_owned(), String::new())).collect()),
            binds: Some(self.list("k3d.binds").into_iter().chain(settings.binds).collect()),
            memory: settings.memory_mib.map(|mebibytes| mebibytes * container::MEBI),
            mounts: Some(mounts),
            extra_hosts: Some(self.hosts().iter().map(|(name, address)| format!("{name}:{address}")).collect()),
            ..outer(bindings.clone())
        };
        let mut args = self.list(if server { "k3d.server_args" } else { "k3d.agent_args" });
        args.extend(settings.args);
        let body = ContainerCreateBody {
            hostname: Some(node.name.clone()),
            image: Some(self.image()),
            cmd: Some(self.command(node, args)),
            env: Some(self.environment(node, settings.environment)),
            exposed_ports: Some(exposed(&bindings)),
            labels: Some(self.node_labels(node)),
            host_config: Some(host),
            ..Default::default()
        };
        let mut files = self.registries();
        files.push((ENTRYPOINT_AT.trim_start_matches('/').into(), ENTRYPOINT.into()));
        files.extend(
            settings.memory_mib.map(|mebibytes| (MEMINFO_AT.trim_start_matches('/').into(), meminfo(mebibytes))),
        );
        files.push((PASSWORD.trim_start_matches('/').into(), self.password(&node.name)));
        let networks = vec![Join { address: self.address(node), ..self.join(&node.name) }];
        let wrapper = vec!["/bin/sh".into(), ENTRYPOINT_AT.into()];
        Blueprint { files, wrapper, networks, ..self.blueprint(&node.name, body) }
    }

    /// How the load balancer is made, leading to nodes that are there.
    pub fn of_balancer(&self, nodes: &[ClusterNode]) -> Blueprint {
        let name = node::balancer(&self.name);
        let bindings = self.ports().of_balancer();
        let mut labels = self.common_labels("loadbalancer");
        labels.insert(BALANCED.into(), self.balanced());
        let body = ContainerCreateBody {
            hostname: Some(name.clone()),
            image: Some(self.balancer_image()),
            exposed_ports: Some(exposed(&bindings)),
            labels: Some(labels),
            host_config: Some(HostConfig { init: Some(true), ..outer(bindings) }),
            ..Default::default()
        };
        Blueprint { files: vec![self.routes(nodes)], ..self.blueprint(&name, body) }
    }

    /// The file by which the load balancer knows where to lead.
    pub fn routes(&self, nodes: &[ClusterNode]) -> (String, String) {
        (ROUTES.trim_start_matches('/').into(), self.ports().routes(nodes).to_string())
    }

    /// What the load balancer is made from; whatever differs from it makes it again.
    pub fn balanced(&self) -> String {
        let published = in_words(&self.ports().of_balancer());
        serde_json::json!([self.balancer_image(), self.network, published]).to_string()
    }

    fn blueprint(&self, name: &str, body: ContainerCreateBody) -> Blueprint {
        let networks = vec![self.join(name)];
        Blueprint { name: name.to_owned(), pull: "missing".into(), body, networks, ..Blueprint::default() }
    }

    fn join(&self, name: &str) -> Join {
        Join { network: self.network.clone(), aliases: vec![name.to_owned()], address: None }
    }

    fn list(&self, path: &str) -> Vec<String> {
        let items = self.wanted.at(path).map(Value::items).unwrap_or_default();
        items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect()
    }

    /// Where k3s looks for mirrors of registries; JSON is YAML as well:
    /// <https://docs.k3s.io/installation/private-registry>.
    fn registries(&self) -> Vec<(String, String)> {
        let Some(Value::Map(registries)) = self.wanted.at("k3d.registries") else { return Vec::new() };
        let mirror = |(registry, endpoints): (&Text, &Value)| {
            (registry.to_string(), serde_json::json!({ "endpoint": endpoints.to_json() }))
        };
        let mirrors: serde_json::Map<_, _> = registries.iter().map(mirror).collect();
        vec![("etc/rancher/k3s/registries.yaml".into(), serde_json::json!({ "mirrors": mirrors }).to_string())]
    }

    fn command(&self, node: &ClusterNode, args: Vec<String>) -> Vec<String> {
        let mut words = vec![node.role.word().to_owned()];
        if node.role == NodeRole::Server {
            words.extend(["--tls-san".into(), self.machine.clone(), "--tls-san".into(), "0.0.0.0".into()]);
            if self.has_balancer() {
                words.extend(["--tls-san".into(), node::balancer(&self.name)]);
            }
            match node.at {
                0 if self.has_several_servers() => words.push("--cluster-init".into()),
                0 => {}
                _ => words.extend(["--server".into(), self.url()]),
            }
            words.extend(self.list("k3d.taints").into_iter().map(|taint| format!("--node-taint={taint}")));
        }
        let labels = self.kubernetes_labels(node);
        words.extend(labels.iter().map(|(key, value)| format!("--node-label={key}={value}")));
        words.extend(args);
        words
    }

    fn environment(&self, node: &ClusterNode, more: BTreeMap<String, String>) -> Vec<String> {
        let own = texts(self.wanted.at("k3d.environment").unwrap_or(&Value::Null)).chain(more);
        let mut all: Vec<String> = own.map(|(key, value)| format!("{key}={value}")).collect();
        all.push(format!("K3S_TOKEN={}", self.token));
        all.push("K3S_KUBECONFIG_OUTPUT=/output/kubeconfig.yaml".into());
        if node.role == NodeRole::Agent {
            all.push(format!("K3S_URL={}", self.url()));
        }
        all.extend(self.net.gateway.as_ref().map(|gateway| format!("ATLAS_GATEWAY={gateway}")));
        all
    }

    /// The image of the nodes.
    pub fn image(&self) -> String {
        image(self.wanted.at("k3d.image"), self.wanted.get("version"))
    }

    fn balancer_image(&self) -> String {
        let own = self.wanted.at("k3d.loadbalancer_image").and_then(Value::as_str).map(str::to_owned);
        own.unwrap_or_else(|| format!("ghcr.io/k3d-io/k3d-proxy:{}", K3D.trim_start_matches('v')))
    }
}

/// The image of a version: k3s has no tag for a minor version, so its first release stands for it.
pub(super) fn image(own: Option<&Value>, version: &Value) -> String {
    if let Some(image) = own.and_then(Value::as_str) {
        return image.to_owned();
    }
    let version = version.as_str().unwrap_or_default().trim_start_matches('v');
    let whole = if version.matches('.').count() < 2 { format!("{version}.0") } else { version.to_owned() };
    let whole = whole.replace('+', "-");
    let suffix = if whole.contains("-k3s") { "" } else { "-k3s1" };
    format!("rancher/k3s:v{whole}{suffix}")
}

/// What the kernel would say of a machine with so much memory, as far as the kubelet reads it.
fn meminfo(mebibytes: i64) -> String {
    let all = mebibytes * 1024;
    format!("MemTotal: {all} kB\nMemFree: {all} kB\nMemAvailable: {all} kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n")
}

/// What every container of a cluster finds around it.
fn outer(bindings: Bindings) -> HostConfig {
    let name = Some(RestartPolicyNameEnum::UNLESS_STOPPED);
    HostConfig {
        port_bindings: Some(bindings),
        restart_policy: Some(RestartPolicy { name, maximum_retry_count: None }),
        ..Default::default()
    }
}

fn exposed(bindings: &Bindings) -> Vec<String> {
    let mut exposed: Vec<String> = bindings.keys().cloned().collect();
    exposed.sort();
    exposed
}

fn mount(volume: String, to: &str) -> Mount {
    Mount { typ: Some(MountType::VOLUME), source: Some(volume), target: Some(to.to_owned()), ..Default::default() }
}

#[cfg(test)]
mod tests {
    use super::image;

    #[test]
    fn a_version_leads_to_an_image() {
        for (version, wanted) in [
            ("1.33", "rancher/k3s:v1.33.0-k3s1"),
            ("v1.33.4", "rancher/k3s:v1.33.4-k3s1"),
            ("1.33.4+k3s2", "rancher/k3s:v1.33.4-k3s2"),
        ] {
            assert_eq!(image(None, &version.into()), wanted);
        }
        assert_eq!(image(Some(&"own:1".into()), &"1.33".into()), "own:1");
    }
}
