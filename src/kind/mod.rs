//! The kinds of resources: one file each, with its attributes, defaults, normal form, references and loss rule.
//!
//! A kind is a table of data ([`Kind`]), and knows a spec only as its checks see it ([`View`]). The parser, the JSON Schema,
//! `atlas explain` and the tests that change every attribute once are derived from that table, so a new attribute is one
//! entry and a new kind is one file and one line in [`ALL`].
//!
//! A kind can also be made at run time. It has the same data, owned instead of static ([`Shared`]). Code that works on a spec or
//! on a world looks up kinds in the spec's [`Catalog`] and holds them as [`KindRef`]. [`ALL`] is only for what describes this
//! program itself, such as its documentation.

pub mod amount;
mod app;
mod arn;
mod assume_role;
mod attributes;
mod bucket;
mod catalog;
mod chart_rule;
mod check;
mod claim;
mod cluster;
pub mod cluster_nodes;
pub mod cluster_port;
mod container;
mod count;
mod database;
mod deliver;
pub mod document;
mod drill;
pub mod duration;
pub mod engine_rule;
mod fault;
mod group;
pub mod iam;
mod instance_profile;
pub mod json;
mod json_schema;
mod kind_ref;
mod limits;
mod name;
mod namespace;
mod network;
mod normal;
mod object;
mod oidc_provider;
mod own;
mod policy;
pub mod port;
pub mod port_range;
mod queue;
mod reconcile;
mod region;
mod reserved;
mod rights;
mod role;
pub mod rule;
mod schema;
mod secrets;
mod shared;
mod table;
mod types;
mod user;
mod verdict;
mod view;
mod volume;

pub use attributes::{COMMON, UnknownPart, attribute_at, attributes_of, place_attribute};
pub use catalog::{Catalog, ROOT_KEYS, UnfitKind};
pub use chart_rule::{CHART, REPOSITORY, SOURCES};
pub use claim::{Claim, Claimant, Exclusive, Reads, Within, region_of};
pub use cluster::EXISTING;
pub use count::Count;
pub use deliver::argo_settings;
pub use fault::Fault;
pub use json_schema::json_schema;
pub use kind_ref::KindRef;
pub use name::{name, names};
pub use namespace::ROLE_ARN;
pub use namespace::allow::{AllowedPort, Side, texts};
pub use normal::{default_of, literal, normal, normal_attributes};
pub use object::{OBJECT, is_of_kubernetes};
pub use own::{ALL, get};
pub use reconcile::{RECONCILE, percent};
pub use reserved::Reserved;
pub use schema::{
    Attribute, Check, DefaultValue, Facts, Formula, Host, Kind, LossRule, Output, Outputs, Places, Rule, RuleCheck,
    Type, UpdateLossRule,
};
pub use shared::{Shared, Texts};
pub use user::hindrance;
pub use verdict::{Risk, Usage, Verdict, counted};
pub use view::{Finding, Findings, Location, Resource, View};

/// The name of a container engine as it stands in identities, whose parts are told apart by other characters.
#[must_use]
pub fn engine_word(engine: &str) -> String {
    engine.replace(|c: char| !c.is_ascii_alphanumeric(), "-")
}
