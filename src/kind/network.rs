//! A network on a container engine.

use super::attributes::{ENGINE, LABELS};
use super::claim::{Exclusive, Reads, Within};
use super::rule;
use super::schema::{Attribute, Host, Kind, Places, Type, Verdict};
use crate::diagnostic::code;

/// A network that containers, regions and clusters share. An engine changes nothing about a network that exists, so every
/// change replaces it: <https://docs.docker.com/reference/api/engine/>.
pub static NETWORK: Kind = Kind {
    name: "network",
    summary: "A network on a container engine: what containers, LocalStack regions and clusters share.",
    places: Places::One,
    host: Host::World,
    object: true,
    coexists: true,
    example: &[],
    attributes: &[
        Attribute::new(
            "name",
            Type::Text(&rule::DOCKER_NAME),
            "The network's name. The resource's own name by default.",
            &["\"ledger\"", "\"ledger-2\""],
        )
        .replaces(),
        ENGINE,
        Attribute::new("driver", Type::Text(&rule::SOME), "The driver.", &["\"bridge\"", "\"macvlan\""])
            .default("\"bridge\"")
            .replaces(),
        Attribute::new(
            "subnet",
            Type::Text(&rule::CIDR),
            "Its addresses. The engine chooses some by default.",
            &["\"10.77.0.0/24\"", "\"10.78.0.0/24\""],
        )
        .replaces(),
        Attribute::new(
            "gateway",
            Type::Text(&rule::IP),
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
    ],
    outputs: &[],
    claims: &[
        Exclusive::new("network name", "name", Within::Engine("engine"), Reads::Name),
        Exclusive::new("subnet", "subnet", Within::Engine("engine"), Reads::Subnet),
    ],
    usage: &["containers"],
    check: |resource, _, findings| {
        let set = |name| !resource.attributes.get(name).is_null();
        if set("gateway") && !set("subnet") {
            findings.error(
                "gateway",
                &code::GATEWAY_WITHOUT_SUBNET,
                "an engine takes a gateway only along with the subnet that it is in",
                "set `subnet` as well",
            );
        }
    },
    loss: |_| Verdict::safe("a network holds nothing"),
    update_loss: |_, _, _| None,
};
