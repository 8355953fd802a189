//! The rules for what applications stand on: certificates, secrets, monitoring, networks, databases and clusters.

use super::rule::{
    Comparison, ConditionRule, Means, Reasons, RuleStep, awaited, busy, failed, phase, ready, state, unless, wrong,
};

/// An object that is ready or not, as most controllers have it.
const READY_OR_NOT: &[RuleStep] = &[ready("Ready"), failed("Ready"), awaited("Ready")];

/// <https://cert-manager.io/docs/usage/certificate/>
const CERTIFICATE: &[RuleStep] = &[busy("Issuing"), failed("Ready"), ready("Ready")];

/// <https://cert-manager.io/docs/usage/certificaterequest/#conditions>
const CERTIFICATE_REQUEST: &[RuleStep] = &[
    wrong("Denied"),
    wrong("InvalidRequest"),
    unless("Ready", &["Pending"], Means::Progressing),
    failed("Ready"),
    ready("Ready"),
];

/// An ACME Order or Challenge.
///
/// <https://cert-manager.io/docs/concepts/acme-orders-challenges/>
const ACME: &[RuleStep] = &[
    state(&["valid"], Means::Ready),
    state(&["invalid", "expired", "errored"], Means::Degraded),
    state(&["pending", "ready", "processing"], Means::Progressing),
];

/// <https://prometheus-operator.dev/docs/api-reference/api/>
const PROMETHEUS: &[RuleStep] = &[
    failed("Reconciled"),
    ready("Available"),
    unless("Available", &["SomePodsNotReady"], Means::Progressing),
    RuleStep::When { condition: "Available", is: Comparison::NotTrue, for_: Reasons::Any, means: Means::Degraded },
];

/// <https://external-secrets.io/latest/api/clusterexternalsecret/>
const CLUSTER_EXTERNAL_SECRET: &[RuleStep] =
    &[ready("Ready"), wrong("PartiallyReady"), wrong("NotReady"), failed("Ready")];

/// <https://keda.sh/docs/latest/reference/scaledobject-spec/>
const SCALED: &[RuleStep] =
    &[failed("Ready"), unless("Ready", &["PartialTriggerError"], Means::Degraded), wrong("Fallback"), ready("Ready")];

/// What a Gateway, or one of its listeners, says.
///
/// <https://gateway-api.sigs.k8s.io/guides/implementers/#conditions>
const LISTENER: &[RuleStep] = &[
    failed("ResolvedRefs"),
    unless("Accepted", &["Pending"], Means::Progressing),
    failed("Accepted"),
    awaited("Programmed"),
];

/// A Gateway.
const GATEWAY: &[RuleStep] = &[
    failed("ResolvedRefs"),
    unless("Accepted", &["Pending"], Means::Progressing),
    failed("Accepted"),
    awaited("Programmed"),
    RuleStep::Each { list: "/status/listeners", name: "/name", steps: LISTENER, decides: false, left_over: false },
    ready("Programmed"),
    ready("Accepted"),
];

/// What one parent of a route, or one ancestor of a policy, says of it.
const PARENT: &[RuleStep] = &[
    failed("ResolvedRefs"),
    unless("Accepted", &["Pending"], Means::Progressing),
    failed("Accepted"),
    awaited("Programmed"),
    ready("Accepted"),
    awaited("Accepted"),
];

/// A route, which is there once all of its parents have taken it. Of a parent that it no longer has, some controllers
/// leave the old word in place.
const ROUTE: &[RuleStep] = &[RuleStep::Each {
    list: "/status/parents",
    name: "/parentRef/name",
    steps: PARENT,
    decides: true,
    left_over: true,
}];

/// A policy for what is behind a route.
const POLICY: &[RuleStep] = &[RuleStep::Each {
    list: "/status/ancestors",
    name: "/ancestorRef/name",
    steps: PARENT,
    decides: true,
    left_over: false,
}];

/// <https://strimzi.io/docs/operators/latest/deploying>
const STRIMZI: &[RuleStep] = &[
    RuleStep::When { condition: "ReconciliationPaused", is: Comparison::True, for_: Reasons::Any, means: Means::Ready },
    RuleStep::When {
        condition: "NotReady",
        is: Comparison::True,
        for_: Reasons::Only(&["Creating"]),
        means: Means::Progressing,
    },
    wrong("NotReady"),
    ready("Ready"),
];

/// A cluster of CloudNativePG, by the sentence that is its phase. What its operator does by itself is under way, also
/// where the database is not to be reached meanwhile; what waits for a user is not.
///
/// <https://cloudnative-pg.io/documentation/current/>
const CNPG: &[RuleStep] = &[
    RuleStep::When { condition: "cnpg.io/hibernation", is: Comparison::True, for_: Reasons::Any, means: Means::Ready },
    postgres(&["Cluster in healthy state"], Means::Ready),
    postgres(
        &[
            "Cluster cannot execute instance online upgrade due to missing architecture binary",
            "Cluster cannot proceed to reconciliation due to an unknown plugin being required",
            "Cluster has incomplete or invalid image catalog",
            "Cluster is unrecoverable and needs manual intervention",
            "Cluster upgrade delayed",
            "Unable to create required cluster objects",
            "Waiting for user action",
        ],
        Means::Degraded,
    ),
    postgres(&[], Means::Progressing),
];

/// <https://github.com/bitnami-labs/sealed-secrets#readme>
const SEALED_SECRET: &[RuleStep] = &[failed("Synced"), ready("Synced")];

/// A cluster of Cluster API: one that is being made is not ready for a reason that is a mere information.
///
/// <https://cluster-api.sigs.k8s.io/developer/core/controllers/cluster>
const CLUSTER: &[RuleStep] = &[
    phase(&["Failed"], Means::Degraded),
    RuleStep::When { condition: "Ready", is: Comparison::False, for_: Reasons::Severe, means: Means::Degraded },
    awaited("Available"),
    phase(&["Provisioned"], Means::Ready),
    phase(&[], Means::Progressing),
];

/// A machine, or a number of them.
const MACHINES: &[RuleStep] = &[
    phase(&["Failed", "Unknown"], Means::Degraded),
    phase(&["Running"], Means::Ready),
    phase(&[], Means::Progressing),
];

/// Where users of Cluster API say that it is to leave an object alone.
const CAPI_PAUSED: &[&str] = &["/spec/paused"];

/// The rules.
pub const RULES: &[ConditionRule] = &[
    ConditionRule::of("cert-manager.io", &["Certificate"], CERTIFICATE),
    ConditionRule::of("certmanager.k8s.io", &["Certificate"], CERTIFICATE),
    ConditionRule::of("cert-manager.io", &["CertificateRequest"], CERTIFICATE_REQUEST),
    ConditionRule::of("cert-manager.io", &["Issuer", "ClusterIssuer"], READY_OR_NOT),
    ConditionRule::of("certmanager.k8s.io", &["Issuer", "ClusterIssuer"], READY_OR_NOT),
    ConditionRule::of("acme.cert-manager.io", &["Order", "Challenge"], ACME),
    ConditionRule::of(
        "monitoring.coreos.com",
        &["Prometheus", "PrometheusAgent", "Alertmanager", "ThanosRuler"],
        PROMETHEUS,
    )
    .idle(&["/spec/paused"]),
    ConditionRule::at_once("monitoring.coreos.com", &[]),
    ConditionRule::of(
        "external-secrets.io",
        &["ExternalSecret", "SecretStore", "ClusterSecretStore", "PushSecret", "ClusterPushSecret"],
        READY_OR_NOT,
    ),
    ConditionRule::of("external-secrets.io", &["ClusterExternalSecret"], CLUSTER_EXTERNAL_SECRET),
    ConditionRule::at_once("generators.external-secrets.io", &[]),
    ConditionRule::of("keda.sh", &["ScaledObject", "ScaledJob"], SCALED),
    ConditionRule::at_once("keda.sh", &["TriggerAuthentication", "ClusterTriggerAuthentication"]),
    ConditionRule::of(
        "serving.knative.dev",
        &["Service", "Route", "Configuration", "Revision", "DomainMapping"],
        READY_OR_NOT,
    ),
    ConditionRule::of("gateway.networking.k8s.io", &["Gateway"], GATEWAY),
    ConditionRule::of(
        "gateway.networking.k8s.io",
        &["GatewayClass"],
        &[unless("Accepted", &["Pending", "Waiting"], Means::Progressing), failed("Accepted"), ready("Accepted")],
    ),
    ConditionRule::of(
        "gateway.networking.k8s.io",
        &["HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "UDPRoute"],
        ROUTE,
    ),
    ConditionRule::of("gateway.networking.k8s.io", &["BackendTLSPolicy"], POLICY),
    ConditionRule::at_once("gateway.networking.k8s.io", &["ReferenceGrant"]),
    ConditionRule::of("kafka.strimzi.io", &[], STRIMZI)
        .idle(&["/metadata/annotations/strimzi.io~1pause-reconciliation"]),
    ConditionRule::of(
        "core.strimzi.io",
        &["StrimziPodSet"],
        &[
            RuleStep::Fewer { have: "/status/readyPods", want: "/status/pods", or: 1, what: "pods are ready" },
            RuleStep::Always(Means::Ready),
        ],
    ),
    ConditionRule::of("postgresql.cnpg.io", &["Cluster"], CNPG),
    ConditionRule::of("bitnami.com", &["SealedSecret"], SEALED_SECRET),
    ConditionRule::of("cluster.x-k8s.io", &["Cluster"], CLUSTER).idle(CAPI_PAUSED),
    ConditionRule::of("cluster.x-k8s.io", &["Machine", "MachineDeployment", "MachinePool"], MACHINES).idle(CAPI_PAUSED),
];

/// The phase of a cluster of CloudNativePG.
const fn postgres(words: &'static [&'static str], means: Means) -> RuleStep {
    RuleStep::Word { at: "/status/phase", words, means, why: "/status/phaseReason" }
}
