//! The rules for what delivers applications: Argo, Flux and Crossplane.

use super::rule::{
    Comparison, ConditionRule, Means, Reasons, RuleStep, awaited, busy, failed, phase, ready, unless, wrong,
};

/// A run that ends well, ill or undecided.
const RUN: &[RuleStep] = &[
    phase(&["Pending", "Running"], Means::Progressing),
    phase(&["Successful", "Succeeded"], Means::Ready),
    phase(&["Failed", "Error"], Means::Degraded),
    phase(&["Inconclusive"], Means::Unknown),
];

/// What Argo CD says of the objects of an Application, after what keeps it from looking at them.
///
/// <https://argo-cd.readthedocs.io/en/stable/operator-manual/health/>
const APPLICATION: &[RuleStep] = &[
    any("ComparisonError"),
    any("InvalidSpecError"),
    any("SyncError"),
    health(&["Healthy", "Suspended"], Means::Ready),
    health(&["Degraded"], Means::Degraded),
    RuleStep::Word {
        at: "/status/operationState/phase",
        words: &["Running", "Terminating"],
        means: Means::Progressing,
        why: "/status/operationState/message",
    },
    health(&["Progressing"], Means::Progressing),
    health(&["Missing", "Unknown"], Means::Unknown),
];

/// <https://argo-cd.readthedocs.io/en/stable/operator-manual/applicationset/>
const APPLICATION_SET: &[RuleStep] =
    &[wrong("ErrorOccurred"), failed("ResourcesUpToDate"), busy("RolloutProgressing"), ready("ResourcesUpToDate")];

/// A Rollout. Since 1.0 it has a phase; the rest is for those before.
///
/// <https://argo-rollouts.readthedocs.io/en/stable/features/specification/>
const ROLLOUT: &[RuleStep] = &[
    RuleStep::Differ {
        one: "/metadata/annotations/rollout.argoproj.io~1workload-generation",
        other: "/status/workloadObservedGeneration",
        waiting: "its controller has not seen the newest generation of its workload yet",
    },
    phase(&["Healthy", "Paused"], Means::Ready),
    phase(&["Degraded"], Means::Degraded),
    phase(&["Progressing"], Means::Progressing),
    any("InvalidSpec"),
    RuleStep::When {
        condition: "Progressing",
        is: Comparison::Any,
        for_: Reasons::Only(&["RolloutAborted", "ProgressDeadlineExceeded"]),
        means: Means::Degraded,
    },
    RuleStep::Set { at: "/status/pauseConditions", means: Means::Ready },
    RuleStep::Fewer { have: "/status/updatedReplicas", want: "/spec/replicas", or: 1, what: "replicas are updated" },
    RuleStep::Fewer {
        have: "/status/availableReplicas",
        want: "/status/updatedReplicas",
        or: 0,
        what: "replicas are available",
    },
    RuleStep::Fewer {
        have: "/status/updatedReplicas",
        want: "/status/replicas",
        or: 0,
        what: "replicas are of the newest revision",
    },
    RuleStep::Differ {
        one: "/status/blueGreen/activeSelector",
        other: "/status/currentPodHash",
        waiting: "its service is still to be switched over",
    },
    RuleStep::Differ {
        one: "/status/stableRS",
        other: "/status/currentPodHash",
        waiting: "its steps are still to be done",
    },
    RuleStep::Differ {
        one: "/status/canary/stableRS",
        other: "/status/currentPodHash",
        waiting: "its steps are still to be done",
    },
    RuleStep::Set { at: "/status/currentPodHash", means: Means::Ready },
];

/// Flux follows kstatus itself: while it tries again it says so with `Reconciling`, and `Stalled` once it gives up;
/// what is false beyond these is from before it did.
///
/// <https://fluxcd.io/flux/components/kustomize/kustomizations/#conditions>
const FLUX: &[RuleStep] = &[
    ready("Ready"),
    unless("Ready", &["DependencyNotReady", "Progressing", "ProgressingWithRetry"], Means::Progressing),
    failed("Ready"),
    awaited("Ready"),
];

/// A managed or a composite resource of Crossplane. Before it first has what it makes it is `Synced` and not yet
/// `Ready`.
///
/// <https://docs.crossplane.io/latest/managed-resources/managed-resources/#conditions>
const MANAGED: &[RuleStep] = &[
    unless("Synced", &["ReconcilePaused"], Means::Ready),
    failed("LastAsyncOperation"),
    failed("Synced"),
    awaited("Synced"),
    ready("Ready"),
    awaited("Ready"),
];

/// A package of Crossplane. While it is unpacked, and as long as nobody knows how its revision is, it is under way.
///
/// <https://docs.crossplane.io/latest/packages/providers/#provider-conditions>
const PACKAGE: &[RuleStep] = &[
    unless("Installed", &["UnpackingPackage"], Means::Progressing),
    failed("Installed"),
    awaited("Installed"),
    failed("Healthy"),
    awaited("Healthy"),
    ready("Healthy"),
];

/// An Operation of Crossplane, or what makes one every now and then.
///
/// <https://docs.crossplane.io/latest/operations/operation/>
const OPERATION: &[RuleStep] =
    &[failed("Succeeded"), ready("Succeeded"), awaited("Succeeded"), failed("Synced"), ready("Synced")];

/// Where Crossplane's users say that it is to leave an object alone.
const CROSSPLANE_PAUSED: &[&str] = &["/metadata/annotations/crossplane.io~1paused"];

/// The rules.
pub const RULES: &[ConditionRule] = &[
    ConditionRule::of("argoproj.io", &["Application"], APPLICATION),
    ConditionRule::of("argoproj.io", &["ApplicationSet"], APPLICATION_SET),
    ConditionRule::at_once(
        "argoproj.io",
        &["AppProject", "AnalysisTemplate", "ClusterAnalysisTemplate", "WorkflowTemplate", "ClusterWorkflowTemplate"],
    ),
    ConditionRule::of("argoproj.io", &["Rollout"], ROLLOUT).idle(&["/spec/paused"]),
    ConditionRule::of("argoproj.io", &["AnalysisRun", "Experiment", "Workflow"], RUN),
    // They have no status, unless it is of an older version of Flux.
    ConditionRule::at_once("notification.toolkit.fluxcd.io", &["Alert", "Provider"]),
    ConditionRule::of(
        "source.toolkit.fluxcd.io",
        &["HelmRepository"],
        &[
            // https://fluxcd.io/flux/components/source/helmrepositories/#helmrepository-status
            RuleStep::Word { at: "/spec/type", words: &["oci"], means: Means::Ready, why: "" },
            ready("Ready"),
            failed("Ready"),
            awaited("Ready"),
        ],
    )
    .idle(&["/spec/suspend"]),
    ConditionRule::of("*.toolkit.fluxcd.io", &[], FLUX).idle(&["/spec/suspend"]),
    ConditionRule::of("pkg.crossplane.io", &["Provider", "Function", "Configuration"], PACKAGE).idle(CROSSPLANE_PAUSED),
    ConditionRule::of(
        "pkg.crossplane.io",
        &["ProviderRevision", "FunctionRevision", "ConfigurationRevision"],
        &[ready("Healthy"), ready("RevisionHealthy"), failed("Healthy"), failed("RevisionHealthy")],
    ),
    ConditionRule::at_once("pkg.crossplane.io", &[]),
    ConditionRule::of(
        "apiextensions.crossplane.io",
        &["CompositeResourceDefinition"],
        &[awaited("Offered"), ready("Established"), awaited("Established")],
    ),
    ConditionRule::at_once("apiextensions.crossplane.io", &[]),
    ConditionRule::of("ops.crossplane.io", &[], OPERATION),
    ConditionRule::of("*", &[], MANAGED)
        .marked(&["/spec/forProvider", "/spec/crossplane", "/spec/compositionRef", "/spec/compositionSelector"])
        .idle(CROSSPLANE_PAUSED),
    ConditionRule::at_once(
        "*.crossplane.io",
        &["ProviderConfig", "ClusterProviderConfig", "ProviderConfigUsage", "StoreConfig"],
    ),
    ConditionRule::at_once(
        "*.upbound.io",
        &["ProviderConfig", "ClusterProviderConfig", "ProviderConfigUsage", "StoreConfig"],
    ),
    ConditionRule::of("*.crossplane.io", &[], MANAGED).idle(CROSSPLANE_PAUSED),
    ConditionRule::of("*.upbound.io", &[], MANAGED).idle(CROSSPLANE_PAUSED),
];

/// A condition whose mere presence is a failure.
const fn any(condition: &'static str) -> RuleStep {
    RuleStep::When { condition, is: Comparison::Any, for_: Reasons::Any, means: Means::Degraded }
}

/// The health that Argo CD has worked out for all that an Application holds.
const fn health(words: &'static [&'static str], means: Means) -> RuleStep {
    RuleStep::Word { at: "/status/health/status", words, means, why: "/status/health/message" }
}
