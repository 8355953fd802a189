//! `.Capabilities`: what the cluster and Helm can do, as templates see it.

use std::rc::Rc;

use crate::render::fault::RenderFault;
use crate::render::template::semver::fits;
use crate::render::value::{ChartValue, Methods};

/// What the cluster and Helm can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// The version of Kubernetes.
    pub kubernetes: KubernetesVersion,
    /// The versions of APIs, and kinds in them, that the cluster has: `apps/v1`, `apps/v1/Deployment`.
    pub apis: Rc<Vec<String>>,
    /// The version that Helm says it has.
    pub helm: String,
}

/// A version of Kubernetes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KubernetesVersion {
    full: Rc<str>,
    plain: Rc<str>,
    major: Rc<str>,
    minor: Rc<str>,
}

impl Default for Capabilities {
    /// What Helm 4.3.1 takes for granted where it asks no cluster.
    fn default() -> Self {
        let number = |text: &str| Rc::from(text);
        let version = Rc::from("v1.37.0");
        Self {
            kubernetes: KubernetesVersion {
                full: Rc::clone(&version),
                plain: version,
                major: number("1"),
                minor: number("37"),
            },
            apis: Rc::new(APIS.iter().map(|api| (*api).to_owned()).collect()),
            helm: "v4.3.1".to_owned(),
        }
    }
}

impl Capabilities {
    /// Whether the cluster's version lies in the range that a chart asks for.
    #[must_use]
    pub(super) fn fits(&self, range: &str) -> bool {
        fits(range, &self.kubernetes.plain)
    }
}

impl KubernetesVersion {
    /// The version with all that follows its numbers.
    #[must_use]
    pub fn full(&self) -> &str {
        &self.full
    }

    /// Reads a version: two numbers or more, with or without a `v`, and whatever follows them.
    ///
    /// # Errors
    /// Where it is no version.
    pub fn read(text: &str) -> Result<Self, RenderFault> {
        let fault = || RenderFault::new(format!("\"{text}\" is no version of Kubernetes"));
        let text = text.trim();
        let bare = text.strip_prefix('v').unwrap_or(text);
        let end = bare.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(bare.len());
        let numbers: Option<Vec<u64>> = bare[..end].split('.').map(|part| part.parse().ok()).collect();
        let numbers = numbers.filter(|numbers| numbers.len() >= 2).ok_or_else(fault)?;
        let patch = numbers.get(2).copied().unwrap_or(0);
        Ok(Self {
            full: format!("v{bare}").into(),
            plain: format!("v{}.{}.{patch}", numbers[0], numbers[1]).into(),
            major: numbers[0].to_string().into(),
            minor: numbers[1].to_string().into(),
        })
    }
}

impl Methods for Capabilities {
    fn call(&self, name: &str, arguments: &[ChartValue]) -> Option<Result<ChartValue, RenderFault>> {
        let value = match name {
            "KubeVersion" => ChartValue::Object(Rc::new(self.kubernetes.clone())),
            "APIVersions" => ChartValue::Object(Rc::new(Apis(Rc::clone(&self.apis)))),
            "HelmVersion" => ChartValue::Object(Rc::new(HelmVersion(self.helm.as_str().into()))),
            _ => return None,
        };
        Some(field(name, arguments, value))
    }

    fn value(&self) -> ChartValue {
        let parts = [
            ("KubeVersion", self.kubernetes.value()),
            ("APIVersions", Apis(Rc::clone(&self.apis)).value()),
            ("HelmVersion", HelmVersion(self.helm.as_str().into()).value()),
        ];
        ChartValue::map(parts.into_iter().map(|(name, value)| (name.into(), value)).collect())
    }

    fn type_name(&self) -> &'static str {
        "*common.Capabilities"
    }
}

impl Methods for KubernetesVersion {
    fn call(&self, name: &str, arguments: &[ChartValue]) -> Option<Result<ChartValue, RenderFault>> {
        let text = match name {
            "Version" | "GitVersion" => &self.full,
            "String" => &self.plain,
            "Major" => &self.major,
            "Minor" => &self.minor,
            _ => return None,
        };
        Some(field(name, arguments, ChartValue::Text(Rc::clone(text))))
    }

    /// It prints as the plain version, which is by far its most frequent use.
    fn value(&self) -> ChartValue {
        ChartValue::Text(Rc::clone(&self.plain))
    }

    fn type_name(&self) -> &'static str {
        "common.KubeVersion"
    }
}

/// The versions of APIs.
#[derive(Debug)]
struct Apis(Rc<Vec<String>>);

impl Methods for Apis {
    fn call(&self, name: &str, arguments: &[ChartValue]) -> Option<Result<ChartValue, RenderFault>> {
        (name == "Has").then(|| match arguments {
            [ChartValue::Text(api)] => Ok(ChartValue::Bool(self.0.iter().any(|known| **known == **api))),
            _ => Err(RenderFault::new("Has asks for one text")),
        })
    }

    fn value(&self) -> ChartValue {
        ChartValue::list(self.0.iter().map(|api| ChartValue::text(api.as_str())).collect())
    }

    fn type_name(&self) -> &'static str {
        "common.VersionSet"
    }
}

/// The version of Helm.
#[derive(Debug)]
struct HelmVersion(Rc<str>);

impl Methods for HelmVersion {
    fn call(&self, name: &str, arguments: &[ChartValue]) -> Option<Result<ChartValue, RenderFault>> {
        let text = match name {
            "Version" => &*self.0,
            "GitCommit" => COMMIT,
            "GitTreeState" => "clean",
            "GoVersion" => GO,
            "KubeClientVersion" => CLIENT,
            _ => return None,
        };
        Some(field(name, arguments, ChartValue::text(text)))
    }

    fn value(&self) -> ChartValue {
        let parts = [
            ("version", &*self.0),
            ("git_commit", COMMIT),
            ("git_tree_state", "clean"),
            ("go_version", GO),
            ("kube_client_version", CLIENT),
        ];
        ChartValue::map(parts.into_iter().map(|(name, text)| (name.into(), ChartValue::text(text))).collect())
    }

    fn type_name(&self) -> &'static str {
        "version.BuildInfo"
    }
}

fn field(name: &str, arguments: &[ChartValue], value: ChartValue) -> Result<ChartValue, RenderFault> {
    if arguments.is_empty() { Ok(value) } else { Err(RenderFault::new(format!("{name} takes no arguments"))) }
}

/// The commit, the Go and the client of the Helm that is followed.
const COMMIT: &str = "c0d08d0d6d9424d4a14febb5e8a3e51b0dd00dff";
const GO: &str = "go1.27.2";
const CLIENT: &str = "v1.37";

/// The versions of APIs that Helm knows without a cluster, in its own order.
const APIS: [&str; 57] = [
    "v1",
    "admissionregistration.k8s.io/v1",
    "admissionregistration.k8s.io/v1alpha1",
    "admissionregistration.k8s.io/v1beta1",
    "internal.apiserver.k8s.io/v1alpha1",
    "apps/v1",
    "apps/v1beta1",
    "apps/v1beta2",
    "authentication.k8s.io/v1",
    "authentication.k8s.io/v1alpha1",
    "authentication.k8s.io/v1beta1",
    "authorization.k8s.io/v1",
    "authorization.k8s.io/v1beta1",
    "autoscaling/v1",
    "autoscaling/v2",
    "batch/v1",
    "batch/v1beta1",
    "certificates.k8s.io/v1",
    "certificates.k8s.io/v1beta1",
    "certificates.k8s.io/v1alpha1",
    "coordination.k8s.io/v1alpha2",
    "coordination.k8s.io/v1beta1",
    "coordination.k8s.io/v1",
    "discovery.k8s.io/v1",
    "discovery.k8s.io/v1beta1",
    "events.k8s.io/v1",
    "events.k8s.io/v1beta1",
    "extensions/v1beta1",
    "flowcontrol.apiserver.k8s.io/v1",
    "flowcontrol.apiserver.k8s.io/v1beta1",
    "flowcontrol.apiserver.k8s.io/v1beta2",
    "flowcontrol.apiserver.k8s.io/v1beta3",
    "lifecycle.k8s.io/v1alpha1",
    "networking.k8s.io/v1",
    "networking.k8s.io/v1beta1",
    "node.k8s.io/v1",
    "node.k8s.io/v1alpha1",
    "node.k8s.io/v1beta1",
    "policy/v1",
    "policy/v1beta1",
    "rbac.authorization.k8s.io/v1",
    "rbac.authorization.k8s.io/v1beta1",
    "rbac.authorization.k8s.io/v1alpha1",
    "resource.k8s.io/v1",
    "resource.k8s.io/v1beta2",
    "resource.k8s.io/v1beta1",
    "resource.k8s.io/v1alpha3",
    "scheduling.k8s.io/v1alpha3",
    "scheduling.k8s.io/v1beta1",
    "scheduling.k8s.io/v1",
    "storage.k8s.io/v1beta1",
    "storage.k8s.io/v1",
    "storage.k8s.io/v1alpha1",
    "storagemigration.k8s.io/v1",
    "storagemigration.k8s.io/v1beta1",
    "apiextensions.k8s.io/v1beta1",
    "apiextensions.k8s.io/v1",
];
