//! What somebody else delivers for apps.

use crate::address::Address;
use crate::identity::Identity;

/// An object that somebody else delivers for an app: an Argo CD that Atlas gave an Application for it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DeliveredObject {
    /// The app.
    pub app: Address,
    /// The object as the identity of it goes on behind that of its cluster: `Deployment/shop:web`.
    pub object: String,
}

impl DeliveredObject {
    /// An object of a cluster as an app has it; none for what is on no cluster.
    #[must_use]
    pub fn of(app: &Address, object: &Identity) -> Option<Self> {
        let within = object.as_str().strip_prefix(object.host_str()?)?;
        Some(Self { app: app.clone(), object: within.trim_start_matches('/').to_owned() })
    }
}
