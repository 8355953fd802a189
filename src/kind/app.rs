//! An app: what a Helm chart, manifests or a kustomization come to on a cluster.

use super::chart_rule::SOURCES;
use super::schema::{Attribute, Host, Kind, Places, Type};
use super::secrets::{self, SECRETS};
use super::shared::{Shared::Static, Texts};
use super::verdict::Verdict;
use super::view::{Findings, Location, Resource};
use super::{chart_rule, deliver, rule};
use crate::diagnostic::code;
use crate::path::join;
use crate::suggest::suggest;
use crate::value::Value;

/// An app on each of its clusters.
pub static APP: Kind = Kind {
    name: "app",
    summary: Static("A Helm chart with its values, or plain manifests, on each of its clusters."),
    places: Places::Clusters,
    host: Host::Cluster,
    object: true,
    coexists: false,
    hosts_others: true,
    example: Texts::Static(&["chart = \"charts/cockroachdb\""]),
    attributes: Static(&[
        Attribute::new(
            "name",
            Type::text(&rule::DNS_LABEL),
            "The release's name. The resource's own name by default.",
            &["\"ledger\"", "\"ledger-2\""],
        )
        .replaces(),
        Attribute::new(
            "namespace",
            Type::text(&rule::DNS_LABEL),
            "The namespace that it runs in.",
            &["\"default\"", "\"kube-public\""],
        )
        .default("\"default\"")
        .replaces(),
        Attribute::new(
            "chart",
            Type::text(&chart_rule::CHART),
            "The chart: a folder or an archive below the spec, a name in `repository`, or a place in a registry. Its content \
             counts: an edited chart is a change.",
            &["\"charts/ledger-app\"", "\"oci://registry.example.com/charts/ledger\""],
        ),
        Attribute::new(
            "repository",
            Type::text(&chart_rule::REPOSITORY),
            "The chart repository that the chart is in, by its URL. `atlas lock` pins what is taken from there.",
            &["\"https://charts.example.com/stable\"", "\"https://charts.example.com/edge\""],
        )
        .beside(&["chart = \"ledger\""]),
        Attribute::new(
            "version",
            Type::text(&chart_rule::VERSIONS),
            "Which version of a chart from a repository or a registry, or a range of them. The newest release by default.",
            &["\"1.2.3\"", "\"~1.2\""],
        )
        .beside(&["chart = \"ledger\"", "repository = \"https://charts.example.com/stable\""]),
        Attribute::new(
            "manifests",
            Type::list(const { &Type::text(&rule::PATH) }),
            "Files of manifests, in place of a chart. A `*` in a file's name stands for anything, and `${…}` means what it means here.",
            &["[\"k8s/*.yaml\"]", "[\"k8s/web.yaml\"]"],
        )
        .instead_of(&["chart", "kustomize"])
        .beside(&["!chart"]),
        Attribute::new(
            "kustomize",
            Type::text(&rule::PATH),
            "The folder of a kustomization, in place of a chart. `kustomize` or `kubectl` has to be there to build it.",
            &["\"overlays/prod\"", "\"overlays/staging\""],
        )
        .instead_of(&["chart", "manifests"])
        .beside(&["!chart"]),
        Attribute::new(
            "api_versions",
            Type::set(const { &Type::text(&rule::SOME) }),
            "APIs that something outside of the spec brings to the cluster, which the chart is to find there, as \
             `.Capabilities.APIVersions` has them.",
            &["[\"monitoring.coreos.com/v1\"]", "[\"gateway.networking.k8s.io/v1/HTTPRoute\"]"],
        ),
        Attribute::new(
            "values",
            Type::map(const { &Type::Any }),
            "Values for the chart, over its own.",
            &["{ replicas = 2 }", "{ replicas = 3 }"],
        ),
        SECRETS,
        deliver::DELIVER,
        Attribute::new(
            "objects",
            Type::map(
                const {
                    &Type::object(
                        const {
                            &[
                                Attribute::new(
                                    "ignore",
                                    Type::set(const { &Type::text(&rule::POINTER) }),
                                    "What is left to others once the object exists, as JSON pointers into it.",
                                    &["[\"/spec/replicas\"]", "[\"/data/counter\"]"],
                                ),
                                Attribute::new(
                                    "ignore_managers",
                                    Type::set(const { &Type::text(&rule::SOME) }),
                                    "Field managers to whom everything in it is left that they own, whether the app says it or not.",
                                    &["[\"keda-operator\"]", "[\"vpa-updater\"]"],
                                ),
                                Attribute::new(
                                    "take_over",
                                    Type::Any,
                                    "`true`, or JSON pointers: what is taken from others who apply it with another value. Otherwise that is \
                                     a conflict, and an error of the plan.",
                                    &["true", "[\"/spec/replicas\"]"],
                                ),
                                Attribute::new(
                                    "protect",
                                    Type::Bool,
                                    "Never delete or replace it, whatever holds for the app.",
                                    &["true", "false"],
                                ),
                                Attribute::new(
                                    "ready",
                                    Type::text(&rule::SOME),
                                    "When it does what it is for, as an expression in CEL over `object`, in place of the rules for its kind.",
                                    &["\"object.status.phase == 'Running'\"", "\"object.status.ready\""],
                                ),
                                Attribute::new(
                                    "failed",
                                    Type::text(&rule::SOME),
                                    "When it has failed, as an expression in CEL: nobody waits for it any longer then.",
                                    &["\"object.status.phase == 'Failed'\"", "\"object.status.broken\""],
                                ),
                            ]
                        },
                    )
                },
            ),
            "What holds for some of its objects, by the part of their addresses behind the app's. A `*` stands for any name.",
            &[
                "{ \"Deployment/web\" = { ignore = [\"/spec/replicas\"] } }",
                "{ \"PersistentVolumeClaim/*\" = { protect = true } }",
            ],
        ),
        Attribute::new(
            "rollout",
            Type::object(
                const {
                    &[
                        Attribute::new(
                            "max_clusters",
                            Type::Int(1, 10_000),
                            "On how many clusters at once. One by default.",
                            &["1", "2"],
                        ),
                        Attribute::new(
                            "pause",
                            Type::Duration(0, 604_800),
                            "How long it has to have been ready there before it goes on to the next ones.",
                            &["\"5m\"", "\"1h\""],
                        ),
                    ]
                },
            ),
            "Cluster by cluster, in the order of `clusters`: each batch waits until the one before it is ready. On all at once by default.",
            &["{ max_clusters = 1, pause = \"5m\" }", "{ max_clusters = 2 }"],
        ),
        Attribute::new(
            "wait",
            Type::choice(&["ready", "applied"]),
            "What a step waits for: until the object does what it is for, or only until the server has it.",
            &["\"ready\"", "\"applied\""],
        )
        .default("\"ready\""),
    ]),
    outputs: Static(&[]),
    claims: Static(&[]),
    usage: Static(&[]),
    exact: Static(&[]),
    check: Static(&|resource, spec, findings| {
        let says = |name: &&str| !resource.attributes.get(name).is_null();
        if !SOURCES.iter().any(says) {
            findings.error(
                "chart",
                &code::MISSING_ATTRIBUTE,
                format!("app `{}` needs `chart`", resource.address.name()),
                "write `chart = \"charts/ledger-app\"`, or `manifests` or `kustomize` in its place",
            );
        }
        source(resource, findings);
        secrets::check(resource, findings);
        check_take_over(resource, findings);
        deliver::check(resource, spec, findings);
        const BUILT_IN: [&str; 4] = ["default", "kube-system", "kube-public", "kube-node-lease"];
        let Some(namespace) = resource.attributes.get("namespace").as_str() else { return };
        let declared = resource.hosts.iter().any(|host| host.kind() == "namespace");
        if !declared && !BUILT_IN.contains(&namespace) {
            // Of many namespaces the first are enough to look for the one that was meant.
            let some = spec.of_kind("namespace").take(500);
            let names: Vec<&str> = some.filter_map(|other| other.attributes.get("name").as_str()).collect();
            findings.error(
                "namespace",
                &code::UNDECLARED_NAMESPACE,
                format!("no namespace `{namespace}` is declared on {}", resource.place().unwrap_or_default()),
                suggest(namespace, &names)
                    .unwrap_or_else(|| format!("declare [namespace.{namespace}] on the same clusters")),
            );
        }
    }),
    loss: Static(&|_| Verdict::recoverable("nothing was seen in it but what its chart makes again; volumes are kept")),
    update_loss: Static(&|_, _, _| None),
};

/// Whether what is said of a repository and a version belongs to the chart.
fn source(resource: &Resource<'_>, findings: &mut Findings) {
    let text = |name: &str| resource.attributes.get(name).as_str();
    let (repository, version) = (text("repository"), text("version"));
    let Some(chart) = text("chart") else {
        let alone = [("repository", repository), ("version", version)].into_iter().find(|(_, said)| said.is_some());
        if let Some((name, _)) = alone {
            let what = format!("`{name}` is about a chart, and the app is made of something else");
            findings.error(name, &code::CHART_SOURCE, what, format!("remove `{name}`"));
        }
        return;
    };
    let is_in_registry = chart_rule::is_in_registry(chart);
    if let (Some(repository), true) = (repository, is_in_registry) {
        findings.error(
            "repository",
            &code::CHART_SOURCE,
            format!("`{chart}` says the registry that the chart is in, and `repository` says {repository}"),
            "keep one of them",
        );
    }
    if repository.is_some() && chart.contains('/') && !is_in_registry {
        findings.error(
            "chart",
            &code::CHART_SOURCE,
            format!("`{chart}` is no name of a chart in a repository"),
            "write the name alone, or remove `repository` where the chart is a folder",
        );
    }
    if version.is_some() && repository.is_none() && !is_in_registry {
        findings.error(
            "version",
            &code::CHART_SOURCE,
            format!("`{chart}` lies in the folder of the spec, and has the version that its Chart.yaml says"),
            "remove `version`, or say the `repository` that the chart is in",
        );
    }
}

/// What is taken over is everything, or a list of pointers.
fn check_take_over(resource: &Resource<'_>, findings: &mut Findings) {
    let Value::Map(objects) = resource.attributes.get("objects") else { return };
    for (pattern, said) in objects.iter() {
        let is_pointer = |item: &Value| item.as_str().is_some_and(|text| (rule::POINTER.check)(text).is_ok());
        let is_good = match said.at("take_over") {
            None | Some(Value::Null | Value::Bool(_)) => true,
            Some(Value::List(pointers)) => pointers.iter().all(is_pointer),
            Some(_) => false,
        };
        if !is_good {
            findings.error_at(
                Location::Path(join(&join("objects", pattern), "take_over")),
                &code::WRONG_TYPE,
                "`take_over` is neither true or false nor a list of JSON pointers",
                "write `take_over = true`, or `take_over = [\"/spec/replicas\"]`",
            );
        }
    }
}
