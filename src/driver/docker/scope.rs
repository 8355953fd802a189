//! What one owner's session is about, and what all sessions share.

use std::path::PathBuf;
use std::sync::Arc;

use super::engines::Engines;
use super::names;
use crate::driver::secret::Secrets;
use crate::driver::{DriverError, Variables};
use crate::identity::{Identity, host_of};
use crate::kind::KindRef;
use crate::observed::Owner;
use crate::value::Value;

/// What all sessions share.
pub(super) struct Surroundings {
    /// The folder of the spec, below which kubeconfigs are.
    pub base: PathBuf,
    pub secrets: Secrets,
    pub variables: Variables,
    pub engines: Engines,
}

/// What a session is about.
pub(super) struct SessionScope {
    pub surroundings: Arc<Surroundings>,
    pub owner: Owner,
    /// The region whose clusters it is about; none when it is about what lives in nothing.
    pub host: Option<Identity>,
}

impl SessionScope {
    /// The engines that are known so far.
    pub fn engines(&self) -> &Engines {
        &self.surroundings.engines
    }

    /// The value of a secret, which goes to the engine and nowhere else.
    pub fn secret(&self, reference: &Value) -> Result<String, DriverError> {
        self.surroundings.secrets.text(reference)
    }

    /// The name that an object of the owner's has on its engine.
    pub fn name(&self, identity: &Identity) -> String {
        match identity.kind() {
            "region" => names::region(&self.owner.project, &self.owner.environment, &identity.name()),
            _ => identity.name().into_owned(),
        }
    }

    /// The identity that a text is, when it is one of those that this session is about.
    pub fn own(&self, kinds: &[KindRef], text: &str) -> Option<Identity> {
        // Most of what is wanted is elsewhere, so this comes before the text is parsed.
        let is_here = match &self.host {
            Some(host) => text.starts_with(host.as_str()) && host_of(text) == Some(host.as_str()),
            None => host_of(text).is_none(),
        };
        let identity = is_here.then(|| Identity::from_text(text))?;
        kinds.iter().any(|kind| kind.name == identity.kind()).then_some(identity)
    }
}
