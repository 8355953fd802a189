//! Credentials of a role that those of a region take on first:
//! <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>. They are asked for once for all regions that take on
//! the same role in the same way, and again before they end.

use std::error::Error as _;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::identity::IdentityCache;
use aws_config::sts::AssumeRoleProvider;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use aws_sdk_sts::config::SharedIdentityCache;
use aws_sdk_sts::operation::assume_role::AssumeRoleError;
use tokio::sync::OnceCell;

use super::error::{SdkError, classify, code};
use crate::driver::{Class, DriverError};
use crate::kind::duration;
use crate::value::{Attributes, Value};

/// Credentials are asked for again so long before they end, as a call that is on its way takes some of that time. The SDK
/// takes up to half of it away, so that not all clients ask at once.
const BEFORE_THEIR_END: Duration = Duration::from_secs(120);

/// A role to take on, as a region says it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct AssumedRole {
    pub arn: String,
    session_name: String,
    external_id: Option<String>,
    duration: Option<Duration>,
}

/// The credentials of a role, which are asked for when they are first needed.
pub(super) struct RoleCredentials {
    role: AssumedRole,
    shared: OnceCell<(SharedCredentialsProvider, SharedIdentityCache)>,
}

/// What asks for the credentials of a role, and says which role it was when that fails.
#[derive(Debug)]
struct RoleProvider {
    role: AssumedRole,
    inner: AssumeRoleProvider,
}

impl AssumedRole {
    /// What the attributes of a region say; none when its credentials take on no role.
    pub fn of(attributes: &Attributes) -> Option<Self> {
        let get = |name: &str| attributes.at(&format!("aws.assume_role.{name}")).and_then(Value::as_str);
        Some(Self {
            arn: get("role")?.to_owned(),
            session_name: get("session_name").unwrap_or("atlas").to_owned(),
            external_id: get("external_id").map(str::to_owned),
            duration: get("duration").and_then(|text| duration::parse(text).ok()).map(Duration::from_secs),
        })
    }
}

impl RoleCredentials {
    pub const fn new(role: AssumedRole) -> Self {
        Self { role, shared: OnceCell::const_new() }
    }

    /// The same configuration with the role's credentials, for which its own are the way to them.
    pub async fn put_into(&self, config: SdkConfig) -> SdkConfig {
        let make = || async {
            let provider = RoleProvider::new(&self.role, &config).await;
            let cache = IdentityCache::lazy().buffer_time(BEFORE_THEIR_END).build();
            (SharedCredentialsProvider::new(provider), cache)
        };
        let (provider, cache) = self.shared.get_or_init(make).await.clone();
        config.into_builder().credentials_provider(provider).identity_cache(cache).build()
    }
}

impl RoleProvider {
    async fn new(role: &AssumedRole, config: &SdkConfig) -> Self {
        let mut provider = AssumeRoleProvider::builder(&role.arn).session_name(&role.session_name).configure(config);
        if let Some(id) = &role.external_id {
            provider = provider.external_id(id);
        }
        if let Some(duration) = role.duration {
            provider = provider.session_length(duration);
        }
        Self { role: role.clone(), inner: provider.build().await }
    }

    /// Why the role could not be taken on, and what to do about it.
    fn explain(&self, error: &CredentialsError) -> DriverError {
        let AssumedRole { arn, external_id, .. } = &self.role;
        let what = format!("assuming the role `{arn}`");
        let Some(asked) = error.source().and_then(|source| source.downcast_ref::<SdkError<AssumeRoleError>>()) else {
            return DriverError::new(Class::Denied, format!("{what}: STS gives no credentials that can be used"));
        };
        let error = classify(&what, asked);
        let hint = match (error.class, external_id) {
            _ if asked.as_service_error().is_none() => "",
            (Class::Denied, None) => {
                "; its trust policy has to name who calls and may ask for an `external_id`, and who calls needs the right to `sts:AssumeRole`"
            }
            (Class::Denied, Some(_)) => {
                "; its trust policy has to name who calls and this `external_id`, and who calls needs the right to `sts:AssumeRole`"
            }
            _ if code(asked) == "ValidationError" => {
                "; `duration` may be no longer than the role's longest session, and than an hour where a role takes on another"
            }
            _ => "",
        };
        DriverError::new(error.class, format!("{}{hint}", error.chain()))
    }
}

impl ProvideCredentials for RoleProvider {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async {
            let asked = self.inner.provide_credentials().await;
            asked.map_err(|error| CredentialsError::provider_error(self.explain(&error)))
        })
    }
}
