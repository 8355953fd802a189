//! Containers: looked at, made, brought to what they should be.

mod attributes;
mod blueprint;
mod image;
mod look;
mod make;
mod trial;
mod wait;

pub(super) use attributes::{attributes, compare_secrets};
pub(super) use blueprint::{Blueprint, Join, blueprint, mounts};
pub(super) use image::{config_of_image, image_of, labels_of_image, labels_of_images, moved_tag, own_of};
pub(super) use look::{
    condition, has_ended_well, has_started, inspect, is_joined, is_unhealthy, list, listed, marked, name,
    nameless_volumes, not_running, read_file, with_labels,
};
pub(super) use make::{create, remove, remove_but, remove_unstarted, resume, update, write};
pub(super) use trial::{end_trial, prepare};
pub(super) use wait::Wait;

/// The label of the digest under which a registry has the image that a container was made from.
pub(super) const DIGEST: &str = "atlas.digest";

/// The bytes of a MiB.
pub(super) const MEBI: i64 = 1_048_576;
