//! The one integration test binary.

mod architecture;
mod attributes;
mod bad_input;
mod broken;
mod causes;
mod documents;
mod flagship;
mod outages;
mod safety;
mod scenarios;
mod support;
