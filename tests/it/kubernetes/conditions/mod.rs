//! The conditions of objects, of Kubernetes' own kinds and of others.

mod cases;
mod custom;
mod pods;
mod shapes;
