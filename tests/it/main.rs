//! The one integration test binary.
#![allow(clippy::disallowed_macros, clippy::disallowed_methods, reason = "tests print what they counted")]

mod architecture;
mod attributes;
mod bad_input;
mod broken;
mod causes;
mod cloud;
mod conformance;
#[cfg(feature = "crash-points")]
mod crashes;
mod documents;
mod engine;
mod flagship;
mod fuzz;
mod outages;
mod records;
mod run;
mod safety;
mod scenarios;
mod simulation;
mod stopping;

mod support;
mod terminal;
