//! One region: how it is reached, and its clients.

use std::sync::Arc;
use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, retry::RetryConfig};
use aws_sdk_s3::config::Credentials;
use tokio::sync::OnceCell;

use super::error::classify;
use crate::driver::DriverError;

/// How a region is reached: the attribute `aws` of a `region`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// AWS's own name of it, which is the resource's name.
    pub name: String,
    /// Another endpoint than AWS's own.
    pub endpoint: Option<String>,
    /// The profile of the standard credential chain.
    pub profile: Option<String>,
    /// Whether the region is a container, which takes any credentials, and must not get to see real ones.
    pub contained: bool,
}

/// A region with its clients, which are made when they are first needed.
pub(super) struct Region {
    pub settings: Settings,
    clients: OnceCell<Clients>,
    account: OnceCell<String>,
}

/// One client for each service.
pub(super) struct Clients {
    pub s3: aws_sdk_s3::Client,
    pub sqs: aws_sdk_sqs::Client,
    pub iam: aws_sdk_iam::Client,
    sts: aws_sdk_sts::Client,
}

impl Region {
    pub fn new(settings: Settings) -> Arc<Self> {
        Arc::new(Self { settings, clients: OnceCell::new(), account: OnceCell::new() })
    }

    pub fn name(&self) -> &str {
        &self.settings.name
    }

    pub fn identity(&self) -> String {
        format!("region/{}", self.settings.name)
    }

    pub async fn clients(&self) -> &Clients {
        self.clients.get_or_init(|| connect(&self.settings)).await
    }

    /// The account that owns what is made here, asked for once.
    pub async fn account(&self) -> Result<&str, DriverError> {
        let ask = || async {
            let answer = self.clients().await.sts.get_caller_identity().send().await;
            let answer = answer.map_err(|error| classify("asking who is calling", &error))?;
            Ok(answer.account().unwrap_or_default().to_owned())
        };
        self.account.get_or_try_init(ask).await.map(String::as_str)
    }
}

async fn connect(settings: &Settings) -> Clients {
    // An endpoint that does not answer must be known as such before a person loses patience, and the SDK's own attempts
    // come on top of these limits.
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(3))
        .read_timeout(Duration::from_secs(30))
        .operation_timeout(Duration::from_secs(90))
        .build();
    let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .region(aws_config::Region::new(settings.name.clone()))
        .retry_config(RetryConfig::adaptive().with_max_attempts(4).with_initial_backoff(Duration::from_millis(200)))
        .timeout_config(timeouts);
    if settings.contained {
        loader = loader.credentials_provider(Credentials::new("test", "test", None, None, "LocalStack"));
    }
    if let Some(profile) = &settings.profile {
        loader = loader.profile_name(profile);
    }
    if let Some(endpoint) = &settings.endpoint {
        loader = loader.endpoint_url(endpoint);
    }
    let config = loader.load().await;
    // Only AWS itself answers under a host name for each bucket.
    let s3 = aws_sdk_s3::config::Builder::from(&config).force_path_style(settings.endpoint.is_some()).build();
    Clients {
        s3: aws_sdk_s3::Client::from_conf(s3),
        sqs: aws_sdk_sqs::Client::new(&config),
        iam: aws_sdk_iam::Client::new(&config),
        sts: aws_sdk_sts::Client::new(&config),
    }
}
