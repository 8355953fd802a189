//! The journal of the run that is going on, as JSON lines, wherever it is kept.

pub mod line;
mod writer;

pub use writer::{RunJournal, Sink};
