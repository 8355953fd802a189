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
mod diagnostics;
mod documents;
mod engine;
mod flagship;
mod folders;
mod fuzz;
mod growth;
mod outages;
mod records;
mod safety;
mod scenarios;
mod simulation;

mod support;
mod terminal;
