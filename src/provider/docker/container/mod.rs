//! Containers: looked at, made, brought to what they should be.

mod image;
mod look;
mod make;
mod wait;

pub(super) use look::{attributes, condition, inspect, labelled, list, listed};
pub(super) use make::{Blueprint, Join, blueprint, create, remove, update, wake};
pub(super) use wait::Wait;
