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
mod cluster;
mod container;
mod database;
pub mod document;
mod drill;
pub mod duration;
mod fault;
pub mod iam;
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
pub use cluster::EXISTING;
pub use fault::Fault;
pub use json_schema::json_schema;
pub use normal::{default_of, literal, normal, normal_attributes};
pub use reserved::Reserved;
pub use schema::{Attribute, Facts, Host, Kind, Output, Outputs, Places, Risk, Rule, Type, Usage, Verdict};
pub use view::{Finding, Findings, Location, Resource, View};

/// Every kind, hosts before what lives in them: the order in which people read a spec.
pub static ALL: &[&Kind] = &[
    &region::REGION,
    &bucket::BUCKET,
    &queue::QUEUE,
    &policy::POLICY,
    &role::ROLE,
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

/// The name of a container engine as it stands in identities, whose parts are told apart by other characters.
#[must_use]
pub fn engine_word(engine: &str) -> String {
    engine.replace(|c: char| !c.is_ascii_alphanumeric(), "-")
}

/// The name that an identity ends with, behind what its object lives in and the engine or namespace that it is in there.
#[must_use]
pub fn name_in(identity: &str) -> &str {
    identity.rsplit(['/', ':']).next().unwrap_or_default()
}
