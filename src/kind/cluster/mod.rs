//! A Kubernetes cluster.

mod checks;
mod k3d;

pub use checks::EXISTING;

use checks::number;

use super::claim::{Exclusive, Reads, Within};
use super::cluster_port::CLUSTER_PORT;
use super::count::Count;
use super::rule;
use super::schema::{Attribute, Host, Kind, Output, Places, Type};
use super::shared::{Shared::Static, Texts};
use super::verdict::{Usage, Verdict, counted};
use crate::value::Attributes;

/// A Kubernetes cluster in a region.
pub static CLUSTER: Kind = Kind {
    name: "cluster",
    summary: Static("A Kubernetes cluster: what namespaces and apps live in."),
    places: Places::One,
    host: Host::Region,
    object: true,
    coexists: false,
    hosts_others: true,
    example: Texts::Static(&["region = \"us-east-1\""]),
    attributes: Static(&[
        Attribute::new(
            "region",
            Type::Name("region"),
            "The region that it stands in. A cluster of a kubeconfig may stand in none.",
            &["\"us-east-1\"", "\"eu-central-1\""],
        )
        .replaces(),
        Attribute::new(
            "servers",
            Type::Int(1, 7),
            "How many servers run the control plane. Several keep its data together, and one of three may fail.",
            &["1", "3"],
        )
        .default("1"),
        Attribute::new("agents", Type::Int(0, 1_000), "How many agents run pods.", &["2", "3"]).default("0"),
        Attribute::new("version", Type::text(&rule::SOME), "The Kubernetes version.", &["\"1.33\"", "\"1.32\""])
            .default("\"1.33\""),
        Attribute::new(
            "ports",
            Type::set(const { &Type::text(&CLUSTER_PORT) }),
            "Ports of the machine that lead to the cluster's load balancer, and from there to its nodes: all of them, or those \
             that stand behind an `@`, as k3d has it: `@server:0`, `@agent:*`, `@server:0:direct` past the load balancer. A range stands \
             for each of its ports.",
            &["[\"8080:80\"]", "[\"8081-8082:80-81@server:0\"]"],
        ),
        Attribute::new(
            "engine",
            Type::text(&rule::SOME),
            "The container engine that it runs on. This machine's own by default.",
            &["\"tcp://10.0.0.7:2376\"", "\"tcp://10.0.0.8:2376\""],
        )
        .replaces(),
        Attribute::new(
            "labels",
            Type::map(const { &Type::text(&rule::ANY) }),
            "Labels on every node; those that others put there stay. Where the cluster exists already, nothing is labelled. Apps and namespaces \
             choose clusters by them.",
            &["{ tier = \"ledger\" }", "{ tier = \"batch\" }"],
        ),
        Attribute::new(
            "k3d",
            Type::object(k3d::K3D),
            "How it is laid out on a container engine, where the spec's own words don't say it.",
            &["{ api_port = 6550 }", "{ api_port = 6551 }"],
        ),
        Attribute::new(
            "kubeconfig",
            Type::object(KUBECONFIG),
            "The cluster exists already, and a kubeconfig has an entry for it. Atlas neither makes nor removes it.",
            &["{ context = \"ledger-us\" }", "{ context = \"ledger-us\", file = \"clusters/us.yaml\" }"],
        ),
        Attribute::new(
            "eks",
            Type::object(EKS),
            "The cluster exists already, at AWS. Tokens come from AWS's own command line. Atlas neither makes nor removes it.",
            &["{}", "{ name = \"ledger-us\" }"],
        ),
    ]),
    outputs: Static(&[Output { name: "endpoint", doc: Static("Where the Kubernetes API answers."), formula: None }]),
    claims: Static(&[
        Exclusive::new("port", "ports.*", Within::Engine(Static("engine")), Reads::Port).unless(&EXISTING),
        Exclusive::new("port", "k3d.api_port", Within::Engine(Static("engine")), Reads::Port).unless(&EXISTING),
    ]),
    usage: Static(&["volumes", "volumes_leaving"]),
    exact: Static(&["volumes", "volumes_leaving"]),
    check: Static(&checks::check),
    loss: Static(&loss),
    update_loss: Static(&update_loss),
};

static KUBECONFIG: &[Attribute] = &[
    Attribute::new("context", Type::text(&rule::SOME), "Its context.", &["\"ledger-us\"", "\"ledger-eu\""]).required(),
    Attribute::new(
        "file",
        Type::text(&rule::SOME),
        "The kubeconfig. Those that `kubectl` would read by default: `KUBECONFIG`, or `~/.kube/config`.",
        &["\"clusters/us.yaml\"", "\"~/.kube/other\""],
    ),
];

static EKS: &[Attribute] = &[
    Attribute::new(
        "name",
        Type::text(&rule::SOME),
        "AWS's name of it. The resource's own name by default.",
        &["\"ledger-us\"", "\"ledger-eu\""],
    ),
    Attribute::new(
        "endpoint",
        Type::text(&rule::URL),
        "Where its API answers. AWS is asked by default.",
        &["\"https://ABC.gr7.us-east-1.eks.amazonaws.com\"", "\"https://DEF.gr7.us-east-1.eks.amazonaws.com\""],
    ),
    Attribute::new(
        "certificate_authority",
        Type::text(&rule::SOME),
        "The authority of its certificate, in base64. AWS is asked by default.",
        &["\"LS0tLS1CRUdJTi==\"", "\"LS0tLS1FTkQt\""],
    ),
    Attribute::new(
        "profile",
        Type::text(&rule::SOME),
        "The profile of AWS's command line.",
        &["\"staging\"", "\"production\""],
    ),
];

/// What the cluster's own storage holds lives on its nodes, so it goes with them.
fn loss(usage: &Usage) -> Verdict {
    match counted(usage, "volumes") {
        Count::Exactly(0) => Verdict::recoverable("it has no persistent volume; the spec makes the cluster again"),
        Count::Unknown => Verdict::lossy("what it holds could not be observed, as its API does not answer"),
        volumes => Verdict::lossy(format!("it has {}", volumes.words("persistent volume"))),
    }
}

/// A node that goes takes along what the cluster's own storage keeps on it.
fn update_loss(before: &Attributes, after: &Attributes, usage: &Usage) -> Option<Verdict> {
    let fewer = ["servers", "agents"].iter().any(|count| number(after, count) < number(before, count));
    fewer.then(|| match counted(usage, "volumes_leaving") {
        Count::Exactly(0) => Verdict::safe("no persistent volume is on the nodes that go"),
        Count::Unknown => {
            Verdict::lossy("what is on the nodes that go could not be observed, as the API does not answer")
        }
        volumes => Verdict::lossy(format!("{} on the nodes that go", volumes.words("persistent volume"))),
    })
}
