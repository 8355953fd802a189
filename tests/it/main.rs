//! The one integration test binary.
#![allow(clippy::disallowed_macros, clippy::disallowed_methods, reason = "tests print what they counted")]

mod architecture;
mod attributes;
mod bad_input;
mod broken;
mod causes;
mod checker;
mod claims;
mod cloud;
mod conformance;
#[cfg(feature = "crash-points")]
mod crashes;
mod documents;
mod drift;
mod engine;
mod flagship;
mod fuzz;
mod hosts;
mod outages;
mod records;
mod safety;
mod scenarios;
mod simulation;

mod support;
mod terminal;
