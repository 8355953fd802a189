//! Containers: looked at, made, brought to what they should be.

mod blueprint;
mod image;
mod look;
mod make;
mod wait;

pub(super) use blueprint::{Blueprint, Join, blueprint, mounts};
pub(super) use look::{attributes, compare_secrets, condition, inspect, labelled, list, listed, with_labels};
pub(super) use make::{create, remove, update, wake};
pub(super) use wait::Wait;

/// The label of the digest under which a registry has the image that a container was made from.
pub(super) const DIGEST: &str = "atlas.digest";
