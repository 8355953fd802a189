//! What Atlas keeps on a cluster: namespaces with their guard rails, apps, and the objects of apps.
//!
//! Objects are applied by the server, under the name `atlas`. Whose an object is, is told by an annotation; what Atlas has on a
//! cluster is found by a label and by the records of its apps.

mod api;
mod app;
mod done;
mod fields;
mod list;
mod manifest;
mod mark;
mod namespace;
mod read;
mod session;
mod state;
mod trial;
mod wait;

pub use api::ClusterApi;
pub use session::ClusterSession;
pub use state::ClusterState;
