//! A container on a container engine.

mod attributes;
mod checks;

pub(super) use attributes::MOUNT;

use super::amount;
use super::claim::{Exclusive, Reads, Within};
use super::count::Count;
use super::schema::{Host, Kind, Output, Places};
use super::shared::{Shared::Static, Texts};
use super::verdict::{Usage, Verdict, counted};

/// A container. What an engine can change about one that exists is an update (its networks, its restart policy, its
/// limits), and so is to start it again, or to give it back its name; anything else replaces it, another name in the spec
/// as well, as that makes it another object. An old and a new one can't stand side by side: both would publish the same
/// ports.
pub static CONTAINER: Kind = Kind {
    name: "container",
    summary: Static("A container on a container engine, kept running the way the spec says."),
    places: Places::One,
    host: Host::World,
    object: true,
    coexists: false,
    hosts_others: false,
    example: Texts::Static(&["image = \"redis:8\""]),
    attributes: Static(attributes::ATTRIBUTES),
    outputs: Static(&[
        Output { name: "id", doc: Static("The engine's own name of it."), formula: None },
        Output {
            name: "digest",
            doc: Static(
                "The digest of the image that it runs: the registry's, or the engine's own of an image that comes from none.",
            ),
            formula: None,
        },
    ]),
    claims: Static(&[
        Exclusive::new("container name", "name", Within::Engine(Static("engine")), Reads::Name),
        Exclusive::new("port", "ports.*", Within::Engine(Static("engine")), Reads::Published),
        Exclusive::new("address", "networks.*.address", Within::Beside(Static("network")), Reads::Address),
    ]),
    usage: Static(&["bytes"]),
    exact: Static(&[]),
    check: Static(&checks::check),
    loss: Static(&loss),
    update_loss: Static(&|_, _, _| None),
};

/// A volume that nobody named goes with its container, and nothing else has what is in it.
fn loss(usage: &Usage) -> Verdict {
    match counted(usage, "bytes") {
        Count::Exactly(0) => {
            Verdict::recoverable("a container is made again from its image; what it wrote outside of its volumes goes")
        }
        Count::Unknown => Verdict::lossy("what its volumes without a name hold could not be observed"),
        bytes => Verdict::lossy(format!("its volumes without a name hold {}", amount::bytes(bytes.least()))),
    }
}
