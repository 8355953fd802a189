//! Times and durations as Go has them.

pub mod calendar;
pub mod duration;
pub mod layout;
pub mod moment;
pub mod reading;
