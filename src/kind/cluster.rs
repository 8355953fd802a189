//! A Kubernetes cluster.

use super::claim::{Exclusive, Reads, Within};
use super::container::MOUNT;
use super::schema::{Attribute, Host, Kind, Output, Places, Type};
use super::shared::{Shared::Static, Texts};
use super::verdict::Verdict;
use super::view::{Findings, Resource, View};
use super::{engine_rule, reserved, rule};
use crate::diagnostic::code;

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
            "The region that it stands in.",
            &["\"us-east-1\"", "\"eu-central-1\""],
        )
        .required()
        .replaces(),
        Attribute::new("servers", Type::Int(1, 7), "How many servers run the control plane.", &["1", "3"])
            .default("1")
            .replaces(),
        Attribute::new("agents", Type::Int(0, 1_000), "How many agents run pods.", &["2", "3"]).default("0"),
        Attribute::new("version", Type::text(&rule::SOME), "The Kubernetes version.", &["\"1.33\"", "\"1.32\""])
            .default("\"1.33\""),
        Attribute::new(
            "ports",
            Type::set(const { &Type::text(&rule::PORT) }),
            "Ports of the machine that lead to the cluster's load balancer.",
            &["[\"8080:80\"]", "[\"8081:80\"]"],
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
            "Labels on every node.",
            &["{ tier = \"ledger\" }", "{ tier = \"batch\" }"],
        ),
        Attribute::new(
            "k3d",
            Type::object(K3D),
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
    usage: Static(&[]),
    exact: Static(&[]),
    check: Static(&check),
    loss: Static(&|_| Verdict::recoverable("nothing was seen in it; the spec makes the cluster again")),
    update_loss: Static(&|_, _, _| None),
};

static K3D: &[Attribute] = &[
    Attribute::new(
        "image",
        Type::text(&rule::SOME),
        "The k3s image. By default the one of `version`: `rancher/k3s:v1.33.0-k3s1` for \"1.33\".",
        &["\"rancher/k3s:v1.33.4-k3s1\"", "\"rancher/k3s:v1.32.8-k3s1\""],
    ),
    Attribute::new(
        "api_port",
        Type::Int(1, 65_535),
        "The port of the engine's machine that leads to the Kubernetes API. The engine chooses one by default.",
        &["6550", "6551"],
    ),
    Attribute::new(
        "network",
        Type::address(&["network"]),
        "The network that its nodes are in, which may be shared. One of its own by default.",
        &["\"network.shared\"", "\"network.more\""],
    ),
    Attribute::new(
        "server_args",
        Type::list(const { &Type::text(&rule::SOME) }),
        "More arguments for `k3s server`.",
        &["[\"--disable=traefik\"]", "[\"--disable=servicelb\"]"],
    )
    .reserved(reserved::K3S),
    Attribute::new(
        "agent_args",
        Type::list(const { &Type::text(&rule::SOME) }),
        "More arguments for `k3s agent`.",
        &["[\"--kubelet-arg=max-pods=50\"]", "[\"--kubelet-arg=max-pods=60\"]"],
    )
    .reserved(reserved::K3S),
    Attribute::new(
        "taints",
        Type::set(const { &Type::text(&rule::SOME) }),
        "Taints of the servers, \"KEY=VALUE:EFFECT\".",
        &["[\"node-role.kubernetes.io/control-plane=true:NoSchedule\"]", "[\"tier=batch:NoSchedule\"]"],
    ),
    Attribute::new(
        "binds",
        Type::set(const { &Type::text(&engine_rule::BIND) }),
        "Folders of the engine's machine in every node.",
        &["[\"/srv/images:/images:ro\"]", "[\"/srv:/srv\"]"],
    ),
    Attribute::new(
        "volumes",
        Type::set(const { &Type::object(MOUNT) }),
        "Volumes in every node.",
        &[
            "[{ volume = \"volume.data\", to = \"/data\" }]",
            "[{ volume = \"volume.data\", to = \"/data\", read_only = true }]",
        ],
    ),
    Attribute::new(
        "registries",
        Type::map(const { &Type::list(const { &Type::text(&rule::URL) }) }),
        "Where its nodes pull the images of a registry from, in that order: k3s's mirrors, by registry. A registry of your own \
         in the same network is one.",
        &["{ \"docker.io\" = [\"http://registry:5000\"] }", "{ \"docker.io\" = [\"http://mirror:5000\"] }"],
    ),
    Attribute::new(
        "privileged",
        Type::Bool,
        "Its nodes may do anything to their machine, which k3s needs unless the engine isolates containers otherwise.",
        &["true", "false"],
    )
    .default("true"),
    Attribute::new(
        "kubeconfig",
        Type::choice(&["none", "file", "merge"]),
        "What becomes of its kubeconfig: nothing, a file below `.atlas`, or an entry `k3d-NAME` in the user's own, which keeps \
         all its other entries.",
        &["\"file\"", "\"merge\""],
    )
    .default("\"none\""),
];

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

/// The attributes that say how a cluster is reached that exists already.
pub const EXISTING: [&str; 2] = ["kubeconfig", "eks"];

fn check(resource: &Resource<'_>, _: &dyn View, findings: &mut Findings) {
    let ways = ["k3d"].into_iter().chain(EXISTING);
    let said: Vec<&str> = ways.filter(|way| !resource.attributes.get(way).is_null()).collect();
    if let [first, second, ..] = said.as_slice() {
        findings.error(
            *second,
            &code::CLUSTER_TWO_THINGS,
            format!("`{first}` and `{second}` are different clusters"),
            format!("keep `{first}` or `{second}`, not both"),
        );
    }
}
