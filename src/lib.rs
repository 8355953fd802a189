//! Atlas keeps a whole multi-region platform the way one TOML file says it should be.
//!
//! ```text
//! atlas.toml ─spec→ Desired ─graph→ DependencyGraph ─┐
//! world ──driver::observe────────→ Observed ─────────┼─plan→ Plan ─check→ approved ─execute→ Report
//! journal ──store────────────────→ Recorded ─────────┘              ↑__________again__________│
//! ```
//!
//! The modules, in reading order. Pure ones know no file, clock, environment or terminal, and hold no `async`; a test
//! keeps them so.
//!
//! | module | what | pure |
//! |---|---|---|
//! | [`address`], [`identity`], [`value`], [`diagnostic`], [`path`], [`style`] | the words that everything else uses | yes |
//! | `parallel` | the same thing done to many things, on all cores | yes |
//! | [`kind`] | what each kind of resource is, as data | yes |
//! | [`spec`] | text → [`spec::Desired`] | yes |
//! | [`graph`] | desired → [`graph::DependencyGraph`] | yes |
//! | [`observed`], [`recorded`] | what the world and the journal tell | yes |
//! | [`plan`] | desired, recorded and observed → [`plan::Plan`] | yes |
//! | [`execute`] | plan → [`execute::Report`]; its queue and its retry rule are pure | |
//! | [`driver`] | the contract with the world, and who keeps it | |
//! | [`store`] | journal, lock and history on disk | |
//! | [`pipeline`] | the stages in their order | |
//! | [`crash`] | places at which a test lets the process die | |
//! | [`mutation`] | places at which a test breaks the engine | |
//! | [`cli`] | one file per command; the only writer to the terminal | |

pub mod address;
pub mod cli;
pub mod crash;
pub mod diagnostic;
pub mod driver;
pub mod execute;
pub mod graph;
pub mod identity;
pub mod kind;
pub mod mutation;
pub mod observed;
mod parallel;
pub mod path;
pub mod pipeline;
pub mod plan;
pub mod recorded;
pub mod spec;
pub mod store;
pub mod style;
mod telemetry;
pub mod value;
