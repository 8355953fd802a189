//! Atlas keeps a whole multi-region platform the way one TOML file says it should be.
//!
//! ```text
//! atlas.toml ─spec→ Desired ─graph→ DependencyGraph ─┐
//! world ──driver::observe────────→ Observed ─────────┼─plan→ Plan ─check→ approved ─execute→ Report
//! journal ──store────────────────→ Recorded ─────────┘              ↑__________again__________│
//! ```
//!
//! The modules, in reading order. A module imports only what stands above it, and no two files import each other. Pure ones
//! know no file, clock, environment, terminal or thread, and hold no `async`. A test reads this table and keeps it true.
//!
//! | module | what | pure |
//! |---|---|---|
//! | [`path`] | paths into values | yes |
//! | [`suggest`] | did you mean …? | yes |
//! | [`mutation`] | places at which a test breaks the engine | yes |
//! | [`crash`] | places at which a test lets the process die | |
//! | `parallel` | the same thing done to many things, on all cores | yes |
//! | [`address`] | Atlas's own name for a resource | yes |
//! | [`identity`] | a driver's deterministic name for an object | yes |
//! | [`value`] | values of attributes, known or still to be resolved | yes |
//! | [`action`] | what is done about a resource, why, and in which steps | yes |
//! | [`diagnostic`] | what is wrong, where it stands in the spec, and the way out | yes |
//! | [`style`] | how pieces of output look | yes |
//! | [`kind`] | what each kind of resource is, as data; its checks, over a view of the spec | yes |
//! | [`desired`] | what a spec comes to: resources, environments, settings | yes |
//! | [`expression`] | expressions in CEL over JSON | yes |
//! | [`spec`] | text → [`desired::Desired`] | yes |
//! | [`compose`] | a compose file → the blocks of a spec | yes |
//! | [`render`] | a chart and its values → the objects that they mean | yes |
//! | [`graph`] | desired → [`graph::DependencyGraph`] | yes |
//! | [`observed`] | what the world tells | yes |
//! | [`recorded`] | what the journal and the inventory tell | yes |
//! | [`plan`] | desired, recorded and observed → [`plan::Plan`] | yes |
//! | [`driver`] | the contract with the world, and who keeps it | error.rs |
//! | [`execute`] | plan → [`execute::Report`] | queue.rs, retry.rs |
//! | [`store`] | records: a trait and its two keepers, on disk and in S3 | |
//! | [`charts`] | charts from folders, archives, repositories and registries; their lock | dependency.rs, lock.rs, problem.rs |
//! | [`run`] | everything above in order, without a terminal: open, complete, plan, approve, apply, prove | |
//! | [`reconcile`] | the loop that heals: trigger, governor, pass | alarm.rs, governor.rs, hold.rs, pace.rs, past.rs, quota.rs, remembered.rs, situation.rs, suspension.rs, trigger.rs |
//! | `telemetry` | logs to standard error | |
//! | [`cli`] | one file per command; the only writer to the terminal | |

pub mod action;
pub mod address;
pub mod charts;
pub mod cli;
pub mod compose;
pub mod crash;
pub mod desired;
pub mod diagnostic;
pub mod driver;
pub mod execute;
pub mod expression;
pub mod graph;
pub mod identity;
pub mod kind;
pub mod mutation;
pub mod observed;
mod parallel;
pub mod path;
pub mod plan;
pub mod reconcile;
pub mod recorded;
pub mod render;
pub mod run;
pub mod spec;
pub mod store;
pub mod style;
pub mod suggest;
mod telemetry;
pub mod value;
