//! What an app means: the objects that its chart comes to. Pure: no file, clock, network or randomness of its own.

pub mod app;
mod bytes;
mod fault;
pub mod helm;
pub mod objects;
pub mod template;
pub mod value;
pub mod yaml;

pub use fault::RenderFault;
pub use value::{ChartValue, UnknownValue};
