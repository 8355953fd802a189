//! Charts of all sorts, each as a few files that a test writes.

mod harness;
mod manifests;
mod scopes;
mod structure;
mod structures;
mod values;
mod words;
mod yaml;
