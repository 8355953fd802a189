//! A volume on a container engine.

use super::attributes::{ENGINE, LABELS, TEXT};
use super::claim::{Exclusive, Reads, Within};
use super::count::Count;
use super::schema::{Attribute, Host, Kind, Places, Type};
use super::shared::{Shared::Static, Texts};
use super::verdict::{Usage, Verdict, counted};
use super::{amount, engine_rule, rule};

/// A volume: data that outlives the containers that use it.
pub static VOLUME: Kind = Kind {
    name: "volume",
    summary: Static("A volume on a container engine: data that outlives the containers that use it."),
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
            "The volume's name. The resource's own name by default.",
            &["\"ledger-data\"", "\"ledger-data-2\""],
        )
        .replaces(),
        ENGINE,
        Attribute::new("driver", Type::text(&rule::SOME), "The driver.", &["\"local\"", "\"nfs\""])
            .default("\"local\"")
            .replaces(),
        Attribute::new(
            "options",
            Type::map(&TEXT),
            "What the driver is told.",
            &[
                "{ type = \"tmpfs\", device = \"tmpfs\", o = \"size=8m\" }",
                "{ type = \"tmpfs\", device = \"tmpfs\", o = \"size=9m\" }",
            ],
        )
        .replaces(),
        LABELS.replaces(),
    ]),
    outputs: Static(&[]),
    claims: Static(&[Exclusive::new("volume name", "name", Within::Engine(Static("engine")), Reads::Name)]),
    usage: Static(&["bytes", "containers"]),
    exact: Static(&[]),
    check: Static(&|_, _, _| {}),
    loss: Static(&volume_loss),
    update_loss: Static(&|_, _, _| None),
};

fn volume_loss(usage: &Usage) -> Verdict {
    let users = match counted(usage, "containers").least() {
        0 => String::new(),
        1 => ", and 1 container uses it".to_owned(),
        users => format!(", and {users} containers use it"),
    };
    match counted(usage, "bytes") {
        Count::Exactly(0) => Verdict::safe("the volume is empty"),
        Count::Unknown => Verdict::lossy(format!("what the volume holds could not be observed{users}")),
        bytes => Verdict::lossy(format!("the volume holds {}{users}", amount::bytes(bytes.least()))),
    }
}
