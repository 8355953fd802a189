//! The one integration test binary.
#![allow(clippy::disallowed_macros, clippy::disallowed_methods, reason = "tests print what they counted")]

mod architecture;
mod attributes;
mod bad_input;
mod broken;
#[cfg(feature = "aws")]
mod bucket;
mod causes;
#[cfg(feature = "charts")]
mod charts;
mod checker;
mod claims;
mod cloud;
mod conformance;
#[cfg(feature = "crash-points")]
mod crashes;
mod diagnostics;
mod documents;
mod drift;
mod engine;
mod expressions;
mod flagship;
mod folders;
mod fuzz;
mod growth;
mod hosts;
mod import;
mod intents;
mod key_value;
#[cfg(feature = "kubernetes")]
mod kubernetes;
mod limits;
mod made_kinds;
mod names;
mod older_records;
mod outages;
mod parts;
mod preparing;
mod quotas;
mod reconcile;
mod records;
mod render;
mod replaced_hosts;
mod run;
mod safety;
mod scenarios;
mod secrets;
#[cfg(feature = "aws")]
mod shared_records;
mod simulation;
mod stopping;

mod support;
mod tables;
mod terminal;
mod two_drivers;
mod updates;
