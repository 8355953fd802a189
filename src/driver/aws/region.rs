//! One region: how it is reached, and its clients.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, retry::RetryConfig};
use aws_sdk_s3::config::Credentials;
use aws_sdk_s3::config::retry::{RetryPartition, TokenBucket};
use tokio::sync::OnceCell;

use super::assumed::{AssumedRole, RoleCredentials};
use super::error::classify;
use crate::driver::probe::{NO_ANSWER, answers};
use crate::driver::{Class, DriverError};
use crate::identity::Identity;
use crate::kind::Outputs;
use crate::observed::Object;
use crate::value::{Attributes, Value};

/// How far the names of a kind reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ApiScope {
    /// Each region has objects of its own.
    Region,
    /// All regions of an account share them.
    Account,
}

/// The kind of the hosts.
pub(super) const REGION: &str = "region";

/// How long the first question may take, in each of its attempts.
const FIRST_ATTEMPT: Duration = Duration::from_secs(10);

/// The region in which the tag search finds what IAM has:
/// <https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/supported-services.html>.
const GLOBAL: &str = "us-east-1";

/// The ways to regions. They are kept, and their connections and credentials with them, however often a region is opened.
#[derive(Default)]
pub(super) struct Reaches {
    regions: Mutex<BTreeMap<RegionSettings, Arc<Reach>>>,
    roles: Mutex<BTreeMap<RoleKey, Arc<RoleCredentials>>>,
}

/// A role, and the endpoint and the profile with which it is asked for.
type RoleKey = (AssumedRole, Option<String>, Option<String>);

/// How a region is reached.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RegionSettings {
    /// AWS's own name of it, which is the resource's name.
    pub name: String,
    /// Another endpoint than AWS's own.
    pub endpoint: Option<String>,
    /// The profile of the standard credential chain.
    pub profile: Option<String>,
    /// The role that those credentials take on first.
    pub role: Option<AssumedRole>,
    /// Whether the region is a container, which takes any credentials, and must not get to see real ones.
    pub contained: bool,
    /// The kinds that the tag search finds here; none when nothing is said of that.
    pub tag_search: Option<Vec<String>>,
}

/// The way to a region: its clients, which are made when they are first needed.
pub(super) struct Reach {
    pub settings: RegionSettings,
    role: Option<Arc<RoleCredentials>>,
    clients: OnceCell<Clients>,
}

/// A region with what it tells.
pub(super) struct Region {
    reach: Arc<Reach>,
    pub identity: Identity,
    /// What the host object tells.
    told: Outputs,
    /// The same with the account, which is asked for once where the host object does not tell it.
    outputs: OnceCell<Outputs>,
}

/// One client for each service.
struct Clients {
    s3: aws_sdk_s3::Client,
    sqs: aws_sdk_sqs::Client,
    iam: aws_sdk_iam::Client,
    sts: aws_sdk_sts::Client,
    tagging: aws_sdk_resourcegroupstagging::Client,
    /// Where what belongs to no region is searched for.
    global_tagging: aws_sdk_resourcegroupstagging::Client,
    /// Whether another endpoint than AWS's own is asked: the spec, the environment or the profile may say one.
    has_endpoint: bool,
}

impl Reaches {
    /// The way to one region.
    pub fn of(&self, settings: RegionSettings) -> Arc<Reach> {
        let role = settings.role.as_ref().map(|role| self.credentials(role, &settings));
        let mut reaches = self.regions.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Arc::new(Reach { settings: settings.clone(), role, clients: OnceCell::new() });
        Arc::clone(reaches.entry(settings.clone()).or_insert_with(new))
    }

    /// The credentials of a role, which regions share.
    fn credentials(&self, role: &AssumedRole, settings: &RegionSettings) -> Arc<RoleCredentials> {
        let key = (role.clone(), settings.endpoint.clone(), settings.profile.clone());
        let mut roles = self.roles.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(roles.entry(key).or_insert_with(|| Arc::new(RoleCredentials::new(role.clone()))))
    }
}

impl RegionSettings {
    /// A region of AWS, or of what speaks like it, as its attributes say.
    pub fn of_external(name: &str, attributes: &Attributes) -> Self {
        let get = |path: &str| attributes.at(path).and_then(Value::as_str).map(str::to_owned);
        let kinds = attributes.at("aws.tag_search").filter(|kinds| !kinds.is_null());
        let kinds = kinds.map(|kinds| kinds.items().iter().filter_map(Value::as_str).map(str::to_owned).collect());
        Self {
            name: name.to_owned(),
            endpoint: get("aws.endpoint"),
            profile: get("aws.profile"),
            role: AssumedRole::of(attributes),
            contained: false,
            tag_search: kinds,
        }
    }

    /// A region as its object tells it.
    pub fn of_host(host: &Object) -> Result<Self, DriverError> {
        let settings = Self::of_external(&host.identity.name(), &host.attributes);
        if host.attributes.get("localstack").is_null() {
            return Ok(settings);
        }
        let Some(endpoint) = host.outputs.get("endpoint").cloned() else {
            let why = format!("`{}` does not tell where it answers", host.identity);
            return Err(DriverError::new(Class::Invalid, why));
        };
        Ok(Self { endpoint: Some(endpoint), profile: None, contained: true, ..settings })
    }
}

impl Reach {
    async fn clients(&self) -> &Clients {
        self.clients.get_or_init(|| connect(&self.settings, self.role.as_deref())).await
    }

    /// The account of whoever is calling, which owns what is made.
    pub async fn caller(&self) -> Result<String, DriverError> {
        // It is the first question of all: where nobody answers, it has to be known in seconds, and nothing else is asked.
        let timeouts = TimeoutConfig::builder().operation_attempt_timeout(FIRST_ATTEMPT).build();
        let retries = RetryConfig::standard().with_max_attempts(2);
        let briefly = aws_sdk_sts::config::Builder::new().timeout_config(timeouts).retry_config(retries);
        let ask = self.clients().await.sts.get_caller_identity().customize().config_override(briefly);
        let answer = ask.send().await;
        let answer = answer.map_err(|error| classify("asking who is calling", &error))?;
        Ok(answer.account().unwrap_or_default().to_owned())
    }

    /// What a region of this account tells.
    pub fn outputs(&self, account: String) -> Outputs {
        let endpoint = self.settings.endpoint.as_ref().map(|endpoint| endpoint.trim_end_matches('/').to_owned());
        let endpoint = endpoint.map(|endpoint| ("endpoint".into(), endpoint));
        std::iter::once(("account".into(), account)).chain(endpoint).collect()
    }
}

impl Region {
    pub fn new(reach: Arc<Reach>, identity: Identity, told: Outputs) -> Self {
        Self { reach, identity, told, outputs: OnceCell::new() }
    }

    pub fn name(&self) -> &str {
        &self.reach.settings.name
    }

    /// Another endpoint than AWS's own, without a slash at its end.
    pub fn endpoint(&self) -> Option<&str> {
        self.reach.settings.endpoint.as_deref().map(|endpoint| endpoint.trim_end_matches('/'))
    }

    /// The client of S3.
    pub async fn s3(&self) -> &aws_sdk_s3::Client {
        &self.reach.clients().await.s3
    }

    /// The client of SQS.
    pub async fn sqs(&self) -> &aws_sdk_sqs::Client {
        &self.reach.clients().await.sqs
    }

    /// The client of IAM.
    pub async fn iam(&self) -> &aws_sdk_iam::Client {
        &self.reach.clients().await.iam
    }

    /// The client of the tag search.
    pub async fn tagging(&self, scope: ApiScope) -> &aws_sdk_resourcegroupstagging::Client {
        let clients = self.reach.clients().await;
        match scope {
            ApiScope::Region => &clients.tagging,
            ApiScope::Account => &clients.global_tagging,
        }
    }

    /// Whether the tag search finds objects of a kind here. AWS's own does; of what speaks like AWS nobody knows it.
    pub async fn searches(&self, kind: &str) -> bool {
        match &self.reach.settings.tag_search {
            Some(kinds) => kinds.iter().any(|one| one == kind),
            None => !self.reach.clients().await.has_endpoint,
        }
    }

    /// The account, or the region of it, as a text.
    pub async fn scope(&self, scope: ApiScope) -> Result<String, DriverError> {
        let settings = &self.reach.settings;
        let region = if scope == ApiScope::Region { self.name() } else { "" };
        let parts = [self.account().await?, self.endpoint().unwrap_or_default(), region];
        let profile = settings.profile.as_deref().unwrap_or_default();
        let searched = settings.tag_search.as_ref().map(|kinds| kinds.join(",")).unwrap_or_default();
        let role = settings.role.as_ref().map(|role| &*role.arn);
        Ok(parts.into_iter().chain([profile, &*searched]).chain(role).collect::<Vec<_>>().join(" "))
    }

    /// What the region tells, its account among it.
    pub async fn outputs(&self) -> Result<&Outputs, DriverError> {
        let complete = || async {
            if self.told.get("account").is_some_and(|account| !account.is_empty()) {
                return Ok(self.told.clone());
            }
            let mut outputs = self.told.clone();
            outputs.insert("account".into(), self.reach.caller().await?);
            Ok(outputs)
        };
        self.outputs.get_or_try_init(complete).await
    }

    /// Finds out in seconds whether a region that is a container answers at all: a process that hangs still takes connections.
    pub async fn answers(&self) -> Result<(), DriverError> {
        let Some(endpoint) = self.endpoint().filter(|_| self.reach.settings.contained) else { return Ok(()) };
        // What it says does not matter: other emulators than LocalStack have no such page.
        match answers(&format!("{endpoint}/_localstack/health"), FIRST_ATTEMPT).await {
            Err(why) if why == NO_ANSWER => {
                let why = format!("{endpoint} gives no answer within {} s", FIRST_ATTEMPT.as_secs());
                Err(DriverError::new(Class::Unreachable, why))
            }
            _ => Ok(()),
        }
    }

    /// The account that owns what is made here.
    pub async fn account(&self) -> Result<&str, DriverError> {
        Ok(self.outputs().await?.get("account").map(String::as_str).unwrap_or_default())
    }
}

async fn connect(settings: &RegionSettings, role: Option<&RoleCredentials>) -> Clients {
    // An endpoint that does not answer must be found out quickly, and the SDK's own attempts multiply these limits.
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(3))
        .read_timeout(Duration::from_secs(30))
        .operation_timeout(Duration::from_secs(90))
        .build();
    let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .region(aws_config::Region::new(settings.name.clone()))
        // Adaptive retries would slow down all calls of a client for one that was throttled.
        .retry_config(RetryConfig::standard().with_max_attempts(4).with_initial_backoff(Duration::from_millis(200)))
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
    let config = match role {
        Some(role) => role.put_into(config).await,
        None => config,
    };
    // Only AWS itself answers under a host name for each bucket.
    let has_endpoint = config.endpoint_url().is_some();
    let s3 = aws_sdk_s3::config::Builder::from(&config).force_path_style(has_endpoint);
    // By default an SDK stops its retries once some hundred calls of one client failed, and then fails at the first bad
    // answer. Steps and looks bound their attempts themselves, so each call gets all of its retries.
    let retries = || RetryPartition::custom("atlas").token_bucket(TokenBucket::unlimited()).build();
    let sqs = aws_sdk_sqs::config::Builder::from(&config);
    let iam = aws_sdk_iam::config::Builder::from(&config);
    let sts = aws_sdk_sts::config::Builder::from(&config);
    let tagging = || aws_sdk_resourcegroupstagging::config::Builder::from(&config).retry_partition(retries());
    let global = tagging().region(aws_config::Region::new(GLOBAL)).build();
    Clients {
        has_endpoint,
        tagging: aws_sdk_resourcegroupstagging::Client::from_conf(tagging().build()),
        global_tagging: aws_sdk_resourcegroupstagging::Client::from_conf(global),
        s3: aws_sdk_s3::Client::from_conf(s3.retry_partition(retries()).build()),
        sqs: aws_sdk_sqs::Client::from_conf(sqs.retry_partition(retries()).build()),
        iam: aws_sdk_iam::Client::from_conf(iam.retry_partition(retries()).build()),
        sts: aws_sdk_sts::Client::from_conf(sts.retry_partition(retries()).build()),
    }
}
