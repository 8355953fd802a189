//! The kinds of resources: one file each, with its attributes, defaults, normal form, references and loss rule.
//!
//! A kind is a table of data ([`Kind`]), and knows a spec only as its checks see it ([`View`]). The parser, the JSON Schema, `atlas explain` and the tests that change every
//! attribute once are derived from that table, so a new attribute is one entry and a new kind is one file and one
//! line in [`ALL`].

pub mod amount;
mod app;
mod attributes;
mod bucket;
mod check;
mod claim;
mod cluster;
mod container;
mod count;
mod database;
pub mod document;
mod drill;
pub mod duration;
mod fault;
pub mod iam;
mod instance_profile;
pub mod json;
mod json_schema;
mod namespace;
mod network;
mod normal;
mod policy;
pub mod port;
mod queue;
mod region;
mod reserved;
mod role;
pub mod rule;
mod schema;
mod table;
mod view;
mod volume;

pub use attributes::{COMMON, UnknownPart, attribute_at, attributes_of, place_attribute};
pub use claim::{Claim, Claimant, Exclusive, Reads, Within, region_of};
pub use cluster::EXISTING;
pub use count::Count;
pub use fault::Fault;
pub use json_schema::json_schema;
pub use normal::{default_of, literal, normal, normal_attributes};
pub use reserved::Reserved;
pub use schema::{Attribute, Facts, Host, Kind, Output, Outputs, Places, Risk, Rule, Type, Usage, Verdict, counted};
pub use view::{Finding, Findings, Location, Resource, View};

/// Every kind, hosts before what lives in them: the order in which people read a spec.
pub static ALL: &[&Kind] = &[
    &region::REGION,
    &bucket::BUCKET,
    &queue::QUEUE,
    &policy::POLICY,
    &role::ROLE,
    &instance_profile::INSTANCE_PROFILE,
    &network::NETWORK,
    &volume::VOLUME,
    &container::CONTAINER,
    &cluster::CLUSTER,
    &namespace::NAMESPACE,
    &app::APP,
    &database::DATABASE,
    &table::TABLE,
    &check::CHECK,
    &drill::DRILL,
];

/// The kind with this name.
#[must_use]
pub fn get(name: &str) -> Option<&'static Kind> {
    ALL.iter().copied().find(|kind| kind.name == name)
}

/// The kinds of which objects can live in an object of a kind; without one, in the world itself. A cluster that exists
/// already lives in nothing that Atlas knows, so it is looked for in the world as well.
pub fn living_in(host: Option<&'static Kind>) -> impl Iterator<Item = &'static Kind> {
    let lives = move |kind: &&'static Kind| match (kind.host, host.map(|host| host.name)) {
        (Host::World, None) => true,
        (Host::Region, None) => kind.name == "cluster",
        (Host::Region, Some("region")) | (Host::Cluster, Some("cluster" | "namespace")) => true,
        (Host::AnyServer, Some("app" | "region")) => true,
        (Host::Parent, Some(host)) => kind.places == Places::Inside(host),
        _ => false,
    };
    ALL.iter().copied().filter(|kind| kind.object).filter(lives)
}

/// The name of a container engine as it stands in identities, whose parts are told apart by other characters.
#[must_use]
pub fn engine_word(engine: &str) -> String {
    engine.replace(|c: char| !c.is_ascii_alphanumeric(), "-")
}
