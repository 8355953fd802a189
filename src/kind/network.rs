//! A network on a container engine.

use super::attributes::{ENGINE, LABELS, TEXT};
use super::claim::{Exclusive, Reads, Within};
use super::schema::{Attribute, Host, Kind, Places, Type};
use super::shared::{Shared::Static, Texts};
use super::verdict::Verdict;
use super::{engine_rule, rule};
use crate::diagnostic::code;

/// A network that containers, regions and clusters share. An engine changes nothing about a network that exists, so every
/// change replaces it: <https://docs.docker.com/reference/api/engine/>.
pub static NETWORK: Kind = Kind {
    name: "network",
    summary: Static("A network on a container engine: what containers, LocalStack regions and clusters share."),
    places: Places::One,
    host: Host::World,
    object: true,
    coexists: true,
    hosts_others: false,
    example: Texts::NONE,
    attributes: Static(&[
        Attribute::new(
            "name",
            Type::text(&engine_rule::DOCKER_NAME),
            "The network's name. The resource's own name by default.",
            &["\"ledger\"", "\"ledger-2\""],
        )
        .replaces(),
        ENGINE,
        Attribute::new("driver", Type::text(&rule::SOME), "The driver.", &["\"bridge\"", "\"macvlan\""])
            .default("\"bridge\"")
            .replaces(),
        Attribute::new(
            "subnet",
            Type::text(&rule::CIDR),
            "Its addresses. The engine chooses some by default.",
            &["\"10.77.0.0/24\"", "\"10.78.0.0/24\""],
        )
        .replaces(),
        Attribute::new(
            "gateway",
            Type::text(&rule::IP),
            "The gateway's address.",
            &["\"10.77.0.1\"", "\"10.77.0.254\""],
        )
        .beside(&["subnet = \"10.77.0.0/24\""])
        .replaces(),
        Attribute::new(
            "ip_range",
            Type::text(&rule::CIDR),
            "The part of `subnet` of which the engine gives addresses to whoever asks for none.",
            &["\"10.77.0.128/25\"", "\"10.77.0.64/26\""],
        )
        .beside(&["subnet = \"10.77.0.0/24\""])
        .replaces(),
        Attribute::new(
            "subnets",
            Type::set(const { &Type::object(RANGE) }),
            "Several ranges of addresses, such as one of IPv4 and one of IPv6, each with its gateway.",
            &[
                "[{ subnet = \"10.77.0.0/24\" }, { subnet = \"fd00:77::/64\" }]",
                "[{ subnet = \"10.77.0.0/24\", gateway = \"10.77.0.254\", ip_range = \"10.77.0.128/25\" }, { subnet = \"fd00:78::/64\" }]",
            ],
        )
        .beside(&["ipv6 = true"])
        .instead_of(&["subnet", "gateway", "ip_range"])
        .replaces(),
        Attribute::new(
            "options",
            Type::map(&TEXT),
            "What the driver is told.",
            &[
                "{ \"com.docker.network.bridge.enable_icc\" = \"false\" }",
                "{ \"com.docker.network.bridge.enable_icc\" = \"false\", \"com.docker.network.driver.mtu\" = \"1400\" }",
            ],
        )
        .replaces(),
        Attribute::new("internal", Type::Bool, "Nothing in it reaches the outside.", &["true"])
            .default("false")
            .replaces(),
        Attribute::new("ipv6", Type::Bool, "It has IPv6 addresses as well.", &["true"])
            .beside(&["subnet = \"fd00:77::/64\""])
            .default("false")
            .replaces(),
        LABELS.replaces(),
    ]),
    outputs: Static(&[]),
    claims: Static(&[
        Exclusive::new("network name", "name", Within::Engine(Static("engine")), Reads::Name),
        Exclusive::new("subnet", "subnet", Within::Engine(Static("engine")), Reads::Subnet),
        Exclusive::new("subnet", "subnets.*.subnet", Within::Engine(Static("engine")), Reads::Subnet),
    ]),
    usage: Static(&["containers"]),
    exact: Static(&[]),
    check: Static(&|resource, _, findings| {
        let set = |name| !resource.attributes.get(name).is_null();
        for (name, what) in [("gateway", "a gateway"), ("ip_range", "a range")] {
            if set(name) && !set("subnet") {
                findings.error(
                    name,
                    &code::GATEWAY_WITHOUT_SUBNET,
                    format!("an engine takes {what} only along with the subnet that it is in"),
                    "set `subnet` as well",
                );
            }
        }
    }),
    loss: Static(&|_| Verdict::safe("a network holds nothing")),
    update_loss: Static(&|_, _, _| None),
};

static RANGE: &[Attribute] = &[
    Attribute::new("subnet", Type::text(&rule::CIDR), "Its addresses.", &["\"10.77.0.0/24\"", "\"fd00:77::/64\""])
        .required(),
    Attribute::new("gateway", Type::text(&rule::IP), "The gateway's address.", &["\"10.77.0.1\"", "\"10.77.0.254\""]),
    Attribute::new(
        "ip_range",
        Type::text(&rule::CIDR),
        "The part of it of which the engine gives addresses to whoever asks for none.",
        &["\"10.77.0.128/25\"", "\"10.77.0.64/26\""],
    ),
];
