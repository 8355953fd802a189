//! The kinds that the server knows: the built-in ones, and those of custom resource definitions.

use serde_json::Value;

use super::custom;
use super::failure::Subject;
use super::json;
use super::path::Set;
use super::schema::Type;

/// A kind in one version.
#[derive(Clone, Debug)]
pub struct Kind {
    /// The API group; empty for the core.
    pub group: String,
    /// The version.
    pub version: String,
    /// The kind.
    pub kind: String,
    /// The plural, as paths have it.
    pub plural: String,
    /// The singular.
    pub singular: String,
    /// Short names.
    pub short: Vec<String>,
    /// Words for several kinds, as `all`.
    pub categories: Vec<String>,
    /// Whether objects are in namespaces.
    pub namespaced: bool,
    /// Whether there is a status subresource.
    pub status: bool,
    /// Whether there is a scale subresource.
    pub scale: bool,
    /// The type of objects.
    pub shape: Type,
    /// Whether a custom resource definition made it.
    pub custom: bool,
    /// The schema of the definition, for defaults and validation.
    pub schema: Value,
}

/// group/version kind plural short names (or -) flags: n namespaced, s status, c scale, a in `all`, e in `api-extensions`.
const BUILT_IN: &str = "
v1 Namespace namespaces ns s
v1 Node nodes no s
v1 Pod pods po nsa
v1 PodTemplate podtemplates - n
v1 ReplicationController replicationcontrollers rc nsca
v1 Service services svc nsa
v1 Endpoints endpoints ep n
v1 ConfigMap configmaps cm n
v1 Secret secrets - n
v1 ServiceAccount serviceaccounts sa n
v1 PersistentVolumeClaim persistentvolumeclaims pvc ns
v1 PersistentVolume persistentvolumes pv s
v1 LimitRange limitranges limits n
v1 ResourceQuota resourcequotas quota ns
v1 Event events ev n
apps/v1 Deployment deployments deploy nsca
apps/v1 StatefulSet statefulsets sts nsca
apps/v1 DaemonSet daemonsets ds nsa
apps/v1 ReplicaSet replicasets rs nsca
apps/v1 ControllerRevision controllerrevisions - n
batch/v1 Job jobs - nsa
batch/v1 CronJob cronjobs cj nsa
networking.k8s.io/v1 Ingress ingresses ing ns
networking.k8s.io/v1 IngressClass ingressclasses - -
networking.k8s.io/v1 NetworkPolicy networkpolicies netpol n
networking.k8s.io/v1 IPAddress ipaddresses ip -
networking.k8s.io/v1 ServiceCIDR servicecidrs - s
rbac.authorization.k8s.io/v1 Role roles - n
rbac.authorization.k8s.io/v1 RoleBinding rolebindings - n
rbac.authorization.k8s.io/v1 ClusterRole clusterroles - -
rbac.authorization.k8s.io/v1 ClusterRoleBinding clusterrolebindings - -
policy/v1 PodDisruptionBudget poddisruptionbudgets pdb ns
autoscaling/v2 HorizontalPodAutoscaler horizontalpodautoscalers hpa nsa
storage.k8s.io/v1 StorageClass storageclasses sc -
storage.k8s.io/v1 VolumeAttachment volumeattachments - s
storage.k8s.io/v1 CSIDriver csidrivers - -
storage.k8s.io/v1 CSINode csinodes - -
storage.k8s.io/v1 CSIStorageCapacity csistoragecapacities - n
apiextensions.k8s.io/v1 CustomResourceDefinition customresourcedefinitions crd,crds se
admissionregistration.k8s.io/v1 ValidatingWebhookConfiguration validatingwebhookconfigurations - e
admissionregistration.k8s.io/v1 MutatingWebhookConfiguration mutatingwebhookconfigurations - e
admissionregistration.k8s.io/v1 ValidatingAdmissionPolicy validatingadmissionpolicies - se
admissionregistration.k8s.io/v1 ValidatingAdmissionPolicyBinding validatingadmissionpolicybindings - e
apiregistration.k8s.io/v1 APIService apiservices - se
scheduling.k8s.io/v1 PriorityClass priorityclasses pc -
coordination.k8s.io/v1 Lease leases - n
events.k8s.io/v1 Event events ev n
discovery.k8s.io/v1 EndpointSlice endpointslices - n
node.k8s.io/v1 RuntimeClass runtimeclasses - -
";

/// All built-in kinds.
pub fn built_in() -> Vec<Kind> {
    BUILT_IN.lines().filter(|line| !line.is_empty()).map(line).collect()
}

fn line(line: &str) -> Kind {
    let words: Vec<&str> = line.split(' ').collect();
    let [api, kind, plural, short, flags] = words.as_slice() else { panic!("a line of five words: {line}") };
    let (group, version) = api.rsplit_once('/').unwrap_or(("", api));
    let table = match group {
        "" => "core",
        group => group.split('.').next().unwrap_or(group),
    };
    let shape = Type::named(&format!("{table}.{version}.{kind}")).unwrap_or(Type::Any);
    Kind {
        group: group.to_owned(),
        version: version.to_owned(),
        kind: (*kind).to_owned(),
        plural: (*plural).to_owned(),
        singular: kind.to_lowercase(),
        short: short.split(',').filter(|name| *name != "-").map(str::to_owned).collect(),
        categories: match (flags.contains('a'), flags.contains('e')) {
            (true, _) => vec!["all".to_owned()],
            (_, true) => vec!["api-extensions".to_owned()],
            _ => Vec::new(),
        },
        namespaced: flags.contains('n'),
        status: flags.contains('s'),
        scale: flags.contains('c'),
        shape,
        custom: false,
        schema: Value::Null,
    }
}

/// The kinds of a definition, one for each version that is served.
pub fn defined(definition: &Value) -> Vec<Kind> {
    let names = |field: &str| {
        json::list(definition, &format!("spec.names.{field}"))
            .iter()
            .filter_map(|name| Some(name.as_str()?.to_owned()))
            .collect::<Vec<String>>()
    };
    let served = |version: &&Value| version.get("served") == Some(&Value::Bool(true));
    let kind = |version: &Value| {
        let schema = json::at(version, "schema.openAPIV3Schema").cloned().unwrap_or_default();
        let kind = json::text(definition, "spec.names.kind");
        let singular = json::text(definition, "spec.names.singular");
        Kind {
            group: json::text(definition, "spec.group").to_owned(),
            version: json::text(version, "name").to_owned(),
            kind: kind.to_owned(),
            plural: json::text(definition, "spec.names.plural").to_owned(),
            singular: if singular.is_empty() { kind.to_lowercase() } else { singular.to_owned() },
            short: names("shortNames"),
            categories: names("categories"),
            namespaced: json::text(definition, "spec.scope") == "Namespaced",
            status: json::at(version, "subresources.status").is_some(),
            scale: json::at(version, "subresources.scale").is_some(),
            shape: custom::root(&schema),
            custom: true,
            schema,
        }
    };
    json::list(definition, "spec.versions").iter().filter(served).map(kind).collect()
}

impl Kind {
    /// The group and the version, as `apiVersion` has them.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    /// An object of this kind, for messages.
    pub fn subject(&self, name: &str) -> Subject {
        Subject {
            group: self.group.clone(),
            resource: self.plural.clone(),
            kind: self.kind.clone(),
            name: name.to_owned(),
        }
    }

    /// Whether it is a built-in kind of that name.
    pub fn is(&self, kind: &str) -> bool {
        !self.custom && self.kind == kind
    }

    /// Whether objects count their changes.
    pub fn counts_generations(&self) -> bool {
        let built_in = "DaemonSet Deployment ReplicaSet StatefulSet CronJob Job Pod PodTemplate ReplicationController \
                        CustomResourceDefinition EndpointSlice Ingress IngressClass NetworkPolicy PodDisruptionBudget \
                        PriorityClass ValidatingWebhookConfiguration MutatingWebhookConfiguration \
                        ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding";
        self.custom || built_in.split_whitespace().any(|kind| kind == self.kind)
    }

    /// Whether an update may come without a resource version.
    pub fn updates_blindly(&self) -> bool {
        let strict = "PodDisruptionBudget CSIDriver CSINode CSIStorageCapacity VolumeAttachment Lease RuntimeClass \
                      ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding MutatingWebhookConfiguration \
                      ValidatingWebhookConfiguration CustomResourceDefinition APIService";
        !self.custom && !strict.split_whitespace().any(|kind| kind == self.kind)
    }

    /// Whether an update creates what is not there.
    pub fn creates_on_update(&self) -> bool {
        let kinds =
            "RuntimeClass RoleBinding ClusterRoleBinding Role ClusterRole Lease LimitRange Event Service Endpoints";
        !self.custom && kinds.split_whitespace().any(|kind| kind == self.kind)
    }

    /// Whether a deletion answers with the object that is gone.
    pub fn returns_deleted(&self) -> bool {
        let kinds = "CSIDriver CSINode StorageClass VolumeAttachment ResourceQuota PersistentVolume ServiceAccount \
                     PersistentVolumeClaim Namespace Pod Service PodTemplate";
        !self.custom && kinds.split_whitespace().any(|kind| kind == self.kind)
    }

    /// The fields that a write cannot change.
    pub fn ignored(&self, subresource: &str) -> Set {
        match subresource {
            "" if self.status => Set::of(&["status"]),
            "" => Set::default(),
            "scale" | "finalize" => Set::of(&["status"]),
            "status" if self.custom => Set::of(&["metadata", "spec"]),
            "status" if self.group == "apps" => Set::of(&["spec", "metadata.labels"]),
            "status" if self.kind == "Pod" => {
                Set::of(&["spec", "metadata.deletionTimestamp", "metadata.ownerReferences"])
            }
            _ => Set::of(&["spec"]),
        }
    }
}
