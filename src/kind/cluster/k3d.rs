//! How a cluster is laid out on a container engine.

use crate::kind::container::MOUNT;
use crate::kind::schema::{Attribute, Type};
use crate::kind::{engine_rule, reserved, rule};

pub static K3D: &[Attribute] = &[
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
        "token",
        Type::Secret,
        "The word by which nodes join, which the cluster keeps for its life. One is made up by default. As k3d has it, it stands in \
         a label of every node, where everybody reads it who may use the engine.",
        &["{ env = \"LEDGER_TOKEN\" }", "{ file = \"token.txt\" }"],
    )
    .replaces(),
    Attribute::new(
        "nodes",
        Type::map(const { &Type::object(NODE) }),
        "What holds for some of the nodes, beside what holds for all of them. The keys name them in k3d's words: `server:0`, \
         `agent:*`, `agent:0,2`, several with a semicolon between them.",
        &[
            "{ \"server:0\" = { args = [\"--disable=traefik\"] } }",
            "{ \"server:*\" = { labels = { disk = \"fast\" }, memory_mib = 2048 } }",
        ],
    ),
    Attribute::new(
        "host_aliases",
        Type::map(const { &Type::text(&rule::IP) }),
        "Names that its nodes and its pods find without asking anybody, with their addresses. They find the engine's machine as \
         `host.k3d.internal` in any case.",
        &["{ \"db.local\" = \"10.77.0.9\" }", "{ \"db.local\" = \"10.77.0.10\" }"],
    )
    .reserved(reserved::K3D_HOSTS),
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

static NODE: &[Attribute] = &[
    Attribute::new(
        "args",
        Type::list(const { &Type::text(&rule::SOME) }),
        "More arguments for k3s, after those for all servers or agents.",
        &["[\"--disable=traefik\"]", "[\"--kubelet-arg=max-pods=50\"]"],
    )
    .reserved(reserved::K3S),
    Attribute::new(
        "environment",
        Type::map(const { &Type::text(&rule::ANY) }),
        "More environment variables.",
        &["{ HTTPS_PROXY = \"http://proxy:3128\" }", "{ NO_PROXY = \"10.0.0.0/8\" }"],
    )
    .reserved(reserved::K3S_VARIABLES),
    Attribute::new(
        "labels",
        Type::map(const { &Type::text(&rule::ANY) }),
        "More labels, which Kubernetes shows.",
        &["{ tier = \"ledger\" }", "{ tier = \"batch\" }"],
    ),
    Attribute::new(
        "binds",
        Type::set(const { &Type::text(&engine_rule::BIND) }),
        "More folders of the engine's machine.",
        &["[\"/srv/images:/images:ro\"]", "[\"/srv:/srv\"]"],
    ),
    Attribute::new(
        "memory_mib",
        Type::Int(6, 16_777_216),
        "The most memory that it has, in MiB, which is also what it tells Kubernetes that it has.",
        &["2048", "4096"],
    ),
];
