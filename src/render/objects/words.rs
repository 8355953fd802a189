//! What is known of kinds: to which group they belong, and whether they are in a namespace.

/// The groups whose kinds are Kubernetes' own: <https://kubernetes.io/docs/reference/kubernetes-api/>. No two of them have
/// a kind of one name that means different things.
const OWN_GROUPS: [&str; 21] = [
    "",
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "apiregistration.k8s.io",
    "apps",
    "authentication.k8s.io",
    "authorization.k8s.io",
    "autoscaling",
    "batch",
    "certificates.k8s.io",
    "coordination.k8s.io",
    "discovery.k8s.io",
    "events.k8s.io",
    "extensions",
    "flowcontrol.apiserver.k8s.io",
    "networking.k8s.io",
    "node.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "scheduling.k8s.io",
    "storage.k8s.io",
];

/// Kubernetes' own kinds that are in no namespace.
const CLUSTER_WIDE: [&str; 23] = [
    "APIService",
    "CSIDriver",
    "CSINode",
    "CertificateSigningRequest",
    "ClusterRole",
    "ClusterRoleBinding",
    "CustomResourceDefinition",
    "FlowSchema",
    "IngressClass",
    "MutatingAdmissionPolicy",
    "MutatingAdmissionPolicyBinding",
    "MutatingWebhookConfiguration",
    "Namespace",
    "Node",
    "PersistentVolume",
    "PriorityClass",
    "PriorityLevelConfiguration",
    "RuntimeClass",
    "StorageClass",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
    "ValidatingWebhookConfiguration",
    "VolumeAttachment",
];

/// Kinds of Kubernetes' own whose words other groups use for something else as well, as Knative does with `Service`.
const TAKEN: [&str; 12] = [
    "ConfigMap",
    "DaemonSet",
    "Deployment",
    "Endpoint",
    "Event",
    "Ingress",
    "Job",
    "Namespace",
    "NetworkPolicy",
    "Pod",
    "Secret",
    "Service",
];

/// Kinds that make pods.
pub(super) const WORKLOADS: [&str; 8] =
    ["CronJob", "DaemonSet", "Deployment", "Job", "Pod", "ReplicaSet", "ReplicationController", "StatefulSet"];

/// The group of an API version; empty for Kubernetes' first group.
#[must_use]
pub fn group(api_version: &str) -> &str {
    api_version.split_once('/').map_or("", |(group, _)| group)
}

/// Whether a group is one of Kubernetes' own.
#[must_use]
pub fn is_own(group: &str) -> bool {
    OWN_GROUPS.contains(&group)
}

/// The word for a kind in identities: with its group, unless that is Kubernetes' own.
#[must_use]
pub fn full_word(api_version: &str, kind: &str) -> String {
    match group(api_version) {
        group if is_own(group) => kind.to_owned(),
        group => format!("{kind}.{group}"),
    }
}

/// Whether the short word for a kind of a group that is not Kubernetes' own would be taken for one that is.
pub(super) fn is_taken(kind: &str) -> bool {
    TAKEN.contains(&kind) || CLUSTER_WIDE.contains(&kind) || WORKLOADS.contains(&kind)
}

/// Kinds of other groups that are in no namespace, of those that many clusters have.
const OTHERS_CLUSTER_WIDE: [(&str, &[&str]); 14] = [
    ("cert-manager.io", &["ClusterIssuer"]),
    ("cilium.io", &["CiliumClusterwideNetworkPolicy", "CiliumLoadBalancerIPPool", "CiliumNode"]),
    ("constraints.gatekeeper.sh", &["*"]),
    (
        "crd.projectcalico.org",
        &["BGPConfiguration", "BGPPeer", "FelixConfiguration", "GlobalNetworkPolicy", "GlobalNetworkSet", "IPPool"],
    ),
    ("apiextensions.crossplane.io", &["*"]),
    ("external-secrets.io", &["ClusterExternalSecret", "ClusterSecretStore"]),
    ("gateway.networking.k8s.io", &["GatewayClass"]),
    ("karpenter.k8s.aws", &["*"]),
    ("karpenter.sh", &["*"]),
    ("kyverno.io", &["ClusterCleanupPolicy", "ClusterPolicy"]),
    ("pkg.crossplane.io", &["*"]),
    (
        "projectcalico.org",
        &["BGPConfiguration", "BGPPeer", "FelixConfiguration", "GlobalNetworkPolicy", "GlobalNetworkSet", "IPPool"],
    ),
    ("snapshot.storage.k8s.io", &["VolumeSnapshotClass", "VolumeSnapshotContent"]),
    ("templates.gatekeeper.sh", &["*"]),
];

/// Whether objects of a kind are in no namespace, as far as that is known without asking a cluster.
pub(super) fn is_cluster_wide(api_version: &str, kind: &str) -> bool {
    match group(api_version) {
        group if is_own(group) => CLUSTER_WIDE.contains(&kind),
        group => {
            let known = OTHERS_CLUSTER_WIDE.iter().find(|(other, _)| *other == group);
            known.is_some_and(|(_, kinds)| kinds.contains(&kind) || kinds.contains(&"*"))
        }
    }
}
