//! What stands between the engine and the world: the contract of drivers, the protocol that holds for all of them, and the
//! drivers themselves.

#[cfg(feature = "aws")]
pub mod aws;
mod cache;
mod calls;
mod contract;
#[cfg(any(feature = "charts", feature = "docker"))]
pub mod credentials;
#[cfg(feature = "docker")]
pub mod docker;
mod error;
mod foreign;
mod hidden;
#[cfg(feature = "kubernetes")]
pub mod kubernetes;
mod observe;
mod preview;
#[cfg(any(feature = "aws", feature = "docker"))]
mod probe;
mod progress;
pub mod protocol;
mod registry;
mod retry;
#[cfg(feature = "sandbox")]
pub mod sandbox;
mod scrubbed;
pub mod secret;
mod sessions;
mod survey;
mod told;

use std::sync::Arc;

pub use cache::{Cache, NoCache};
pub use calls::{CallCounts, Calls};
pub use contract::{Claims, Driver, Listing, Look, Preview, Request, Seen, Service, Session, Wanted};
#[cfg(any(feature = "charts", feature = "docker"))]
pub use credentials::Credentials;
pub use error::{Class, DriverError};
pub use foreign::{look_for_foreign_objects, look_for_newcomers};
pub use hidden::Hidden;
pub use observe::{look_into, observe, still_open};
pub use preview::preview;
pub use progress::{Busy, Progress};
pub use registry::Registry;
pub use retry::with_retries;
pub use sessions::Sessions;
pub use survey::survey;
pub use told::objects_of;

/// What the surroundings say: environment variables by name.
pub type Variables = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;
