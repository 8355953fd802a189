//! A network on a container engine.

use super::attributes::{ENGINE, LABELS};
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
    ]),
    usage: Static(&["containers"]),
    exact: Static(&[]),
    check: Static(&|resource, _, findings| {
        let set = |name| !resource.attributes.get(name).is_null();
        if set("gateway") && !set("subnet") {
            findings.error(
                "gateway",
                &code::GATEWAY_WITHOUT_SUBNET,
                "an engine takes a gateway only along with the subnet that it is in",
                "set `subnet` as well",
            );
        }
    }),
    loss: Static(&|_| Verdict::safe("a network holds nothing")),
    update_loss: Static(&|_, _, _| None),
};
