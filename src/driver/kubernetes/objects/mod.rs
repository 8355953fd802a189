//! What Atlas keeps on a cluster: namespaces with their guard rails, apps, and the objects of apps.
//!
//! Objects are applied by the server, under the name `atlas`. Whose an object is, is told by an annotation; what Atlas has on a
//! cluster is found by a label, by the records of its apps, and by what its namespaces say.

mod api;
mod app;
mod displaced;
mod done;
mod fields;
mod given;
mod list;
mod manifest;
mod mark;
mod namespace;
mod parts;
mod pulls;
mod read;
mod rivals;
mod said;
mod secret;
mod session;
mod state;
mod trial;
mod wait;

pub use api::{ClusterApi, Reconnect};
pub use secret::missing as missing_secret;
pub use session::ClusterSession;
pub use state::ClusterState;
