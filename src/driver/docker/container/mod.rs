//! Containers: looked at, made, brought to what they should be.

mod blueprint;
mod image;
mod look;
mod make;
mod trial;
mod wait;

pub(super) use blueprint::{Blueprint, Join, blueprint, mounts};
pub(super) use image::{image_of, labels_of_image, labels_of_images};
pub(super) use look::{
    attributes, compare_secrets, condition, has_started, inspect, list, listed, marked, name, with_labels,
};
pub(super) use make::{create, remove, remove_unstarted, resume, update};
pub(super) use trial::{end_trial, prepare};
pub(super) use wait::Wait;

/// The label of the digest under which a registry has the image that a container was made from.
pub(super) const DIGEST: &str = "atlas.digest";
