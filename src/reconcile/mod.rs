//! The loop that heals: look, plan, ask the governor, do what it allows, and again.
//!
//! ```text
//! trigger ─→ basis (what was last applied) ─run::plan→ Situation ─Governor→ Rulings ─run::apply→ what was done ─┐
//!    ↑                                                              ↑________________ learns ____________________│
//!    └──────────────────────────────────── when the next pass comes ←────────────────────────────────────────────┘
//! ```
//!
//! A pass is a thin caller of [`crate::run`]. What it may do is for the [`Governor`] to say, a plain function of what was seen, what was
//! done before and what time it is: alarm, quota, pace and past are its parts, and all of them are pure.

mod alarm;
mod basis;
mod files;
mod governor;
mod hold;
mod metrics;
mod pace;
mod pass;
mod past;
mod quota;
mod reconciler;
mod remembered;
mod rivals;
mod serve;
mod situation;
mod steady;
mod suspension;
mod trigger;

pub use files::watch;
pub use governor::{Deed, Governor, Rulings, Standing};
pub use hold::{Hold, in_words};
pub use metrics::Metrics;
pub use pass::{LoopPass, PassEnding};
pub use reconciler::{Reconciler, SteadyClock, Terms, WallClock};
pub use serve::{listen, serve};
pub use situation::{Difference, Divergence, Group, Population, Situation};
pub use steady::{LoopEvent, Reins, Trigger, run};
pub use suspension::{Suspension, Suspensions};
