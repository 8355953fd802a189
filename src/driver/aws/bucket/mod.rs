//! Buckets, over S3.

mod lifecycle;
mod look;
mod write;

pub(super) use look::{list, look};
pub(super) use write::{create, delete, forget, update};
