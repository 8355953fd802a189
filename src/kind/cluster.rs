//! A Kubernetes cluster.

use super::claim::{Exclusive, Reads, Within};
use super::cluster_port::{CLUSTER_PORT, ClusterPort, NodeFilter};
use super::container::MOUNT;
use super::count::Count;
use super::schema::{Attribute, Host, Kind, Output, Places, Type};
use super::shared::{Shared::Static, Texts};
use super::verdict::{Usage, Verdict, counted};
use super::view::{Findings, Location, Resource, View};
use super::{engine_rule, reserved, rule};
use crate::diagnostic::code;
use crate::value::{Attributes, Value};

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
             that stand behind an `@`, as k3d has it: `@server:0`, `@agent:*`, `@server:0:direct` past the load balancer.",
            &["[\"8080:80\"]", "[\"8081:80@server:0\"]"],
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
    usage: Static(&["volumes", "volumes_leaving"]),
    exact: Static(&["volumes", "volumes_leaving"]),
    check: Static(&check),
    loss: Static(&loss),
    update_loss: Static(&update_loss),
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
        "loadbalancer",
        Type::Bool,
        "A container that publishes the API and the ports and leads to the nodes, as k3d has it. Without one the first server \
         publishes them, and is made again when they change.",
        &["false", "true"],
    )
    .default("true"),
    Attribute::new(
        "loadbalancer_image",
        Type::text(&rule::SOME),
        "The image of the load balancer. k3d's own by default.",
        &["\"ghcr.io/k3d-io/k3d-proxy:5.8.3\"", "\"registry:5000/k3d-proxy:5.8.3\""],
    ),
    Attribute::new(
        "drain",
        Type::Duration(0, 3_600),
        "How long the pods of a node may take to leave it before it is made again or removed. \"0s\" doesn't ask them to.",
        &["\"2m\"", "\"0s\""],
    )
    .default("\"1m\""),
    Attribute::new(
        "environment",
        Type::map(const { &Type::text(&rule::ANY) }),
        "Environment variables of every node.",
        &["{ HTTPS_PROXY = \"http://proxy:3128\" }", "{ NO_PROXY = \"10.0.0.0/8\" }"],
    )
    .reserved(reserved::K3S_VARIABLES),
    Attribute::new(
        "subnet",
        Type::text(&rule::CIDR),
        "The addresses of the cluster's own network. The engine chooses some by default.",
        &["\"172.28.0.0/16\"", "\"172.29.0.0/16\""],
    )
    .replaces(),
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
    let says = |name: &str| !resource.attributes.get(name).is_null();
    if !says("region") && !says("kubeconfig") {
        findings.error(
            "region",
            &code::MISSING_ATTRIBUTE,
            format!("cluster `{}` needs `region`", resource.address.name()),
            "write `region = \"us-east-1\"`; only a cluster of a kubeconfig may stand in none",
        );
    }
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
    check_ports(resource.attributes, findings);
    let both = ["k3d.subnet", "k3d.network"].map(|path| resource.attributes.at(path).is_some_and(|one| !one.is_null()));
    if both == [true, true] {
        findings.error(
            "k3d.subnet",
            &code::CLUSTER_TWO_THINGS,
            "a network that is shared has addresses already",
            "say them at the network itself, with its `subnet`",
        );
    }
}

/// A port has to lead somewhere, and only a load balancer can choose among nodes.
fn check_ports(attributes: &Attributes, findings: &mut Findings) {
    let without = attributes.at("k3d.loadbalancer") == Some(&Value::Bool(false));
    let counts = [("server", number(attributes, "servers")), ("agent", number(attributes, "agents"))];
    for text in attributes.get("ports").items().iter().filter_map(Value::as_str) {
        let Ok(port) = ClusterPort::parse(text) else { continue };
        let there =
            |filter: &NodeFilter| counts.iter().any(|(role, count)| (0..*count).any(|at| filter.names(role, at)));
        let location = || Location::Text { attribute: "ports".into(), text: text.to_owned() };
        if !port.nodes.iter().all(there) {
            let [(_, servers), (_, agents)] = counts;
            findings.error_at(
                location(),
                &code::CLUSTER_PORT_NODES,
                format!(
                    "`{text}` leads to nodes that are not there: the cluster has {servers} servers and {agents} agents"
                ),
                "name nodes that the cluster has; they are counted from 0",
            );
        } else if without && !port.nodes.is_empty() && !port.direct {
            findings.error_at(
                location(),
                &code::CLUSTER_PORT_NODES,
                format!("`{text}` needs a load balancer, and `k3d.loadbalancer` is false"),
                "write it as \"8080:80@server:0:direct\", or keep the load balancer",
            );
        }
    }
}

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

fn number(attributes: &Attributes, name: &str) -> i64 {
    match attributes.get(name) {
        Value::Int(number) => *number,
        _ => 0,
    }
}
