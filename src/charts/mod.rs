//! Charts from where they are: folders and archives below a spec, repositories, and registries.
//!
//! ```text
//! ChartSource ─ a path ──────────────────────────────→ files ─┐
//!             └ published ─ ChartLock ─ cache, or network ────┴→ Chart, with its dependencies → LoadedChart
//! ```
//!
//! What somebody publishes is pinned in a lock file, by its version and the digest of its archive. Only [`resolve`], which
//! `atlas lock` calls, asks a repository what there is. Everything else takes what is locked, from the cache in `.atlas` where it is
//! there, and checks the digest either way.

mod archives;
mod dependency;
mod folder;
mod found;
mod load;
mod lock;
mod network;
mod problem;
mod resolve;

pub use folder::inside;
pub use load::{ChartSurroundings, Charts, LoadedChart, local_chart};
pub use lock::{ChartLock, LockedChart};
pub use problem::ChartProblem;
pub use resolve::{Resolution, resolve};
