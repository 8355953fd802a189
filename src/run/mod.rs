//! The whole of a run, without a terminal: [`open`] → [`complete`] → [`plan`] → [`approve`] → [`apply`] → [`prove`].
//!
//! Each is a call with a typed outcome, and what one gives the next one takes. Nothing here prints, asks or exits: the
//! command line, and whoever else runs Atlas, are thin callers that choose the words. What goes on is told as
//! [`crate::execute::Event`]s, what is worth saying besides as [`Notice`]s, and what stands in the way as [`RunError`]s,
//! which keep the class of a driver's error.
//!
//! ```no_run
//! # async fn pass(setup: &atlas::run::Setup) -> Result<(), atlas::run::RunError> {
//! use atlas::run::{self, Purpose, Consent, Manner};
//!
//! let lease = std::time::Duration::from_secs(30);
//! let mut opened = run::open(run::read(setup)?, Purpose::Write { command: "apply", lease })?;
//! run::complete(&mut opened).await?;
//! let planned = run::plan(&opened, &atlas::plan::Options::default()).await?;
//! let approved = run::approve(&opened, planned, Consent::default())?;
//! let applied = run::apply(&opened, approved, Manner::unattended(16)).await?;
//! let proof = run::prove(&opened, applied).await;
//! println!("{}", proof.ending.word());
//! # Ok(())
//! # }
//! ```

mod applied;
mod apply;
mod approve;
mod blocks;
mod complete;
mod destination;
mod drivers;
mod error;
mod files;
mod history;
mod keeping;
mod lock;
mod manifests;
mod moment;
mod open;
mod pipeline;
mod plan;
mod prove;
mod source;
mod survey;
mod unfold;

pub use applied::{AppliedSpec, KeptFile};
pub use apply::{Applied, Manner, apply};
pub use approve::{Approved, Consent, approve, refuse_loss};
pub use complete::complete;
pub use destination::Destination;
#[cfg(feature = "docker")]
pub use drivers::engines;
pub use drivers::real;
#[cfg(feature = "sandbox")]
pub use drivers::world;
pub use error::{FileError, Notice, Refusal, Rejection, RunError};
pub use files::{read_text, set_text};
pub use history::history;
pub use keeping::KeptPlan;
pub use lock::{LockedCharts, lock};
pub use manifests::ManifestText;
pub use moment::at_this_moment;
pub use open::{Opened, Purpose, Setup, chart_surroundings, open, open_with, read, read_others};
pub use pipeline::{Pipeline, drift};
pub use plan::{Planned, inventory, plan, recorded};
pub use prove::{Ending, Proof, Unproven, prove};
pub use source::{Spec, SpecParts, SpecText};
pub use survey::{Survey, survey};
pub use unfold::{chart_request, plain_texts};
