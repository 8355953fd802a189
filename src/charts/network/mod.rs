//! Asking those who publish charts: repositories over HTTP, and OCI registries. A build without the feature `charts` asks nobody.

#[cfg(feature = "charts")]
mod http;
#[cfg(feature = "charts")]
mod index;
#[cfg(feature = "charts")]
mod registry;
#[cfg(feature = "charts")]
mod repository;

use std::sync::Arc;
use std::time::Duration;

use super::found::FoundChart;
use super::lock::LockedChart;
use crate::desired::PublishedChart;
use crate::driver::{Hidden, Variables};

/// How long one archive or one index may take in all.
const WHOLE: Duration = Duration::from_secs(300);

/// Whoever publishes charts.
pub struct Network {
    #[cfg(feature = "charts")]
    repositories: repository::Repositories,
    #[cfg(feature = "charts")]
    registries: registry::Registries,
}

#[cfg(feature = "charts")]
impl Network {
    /// With the credentials of Docker's configuration, which no text repeats from then on.
    ///
    /// # Errors
    /// When this machine has no certificates to trust, or this build asks nobody.
    pub fn new(variables: &Variables, hidden: &Arc<Hidden>) -> Result<Self, String> {
        let http = Arc::new(http::Http::new()?);
        let repositories = repository::Repositories::new(Arc::clone(&http), variables, hidden);
        Ok(Self { repositories, registries: registry::Registries::new(http, variables, hidden) })
    }

    async fn newest(&self, chart: &PublishedChart) -> Result<FoundChart, String> {
        match &chart.repository {
            Some(repository) => self.repositories.find(repository, &chart.chart, &chart.wanted).await,
            None => self.registries.find(&chart.chart, &chart.wanted).await,
        }
    }

    async fn archive(&self, chart: &PublishedChart, locked: &LockedChart) -> Result<Vec<u8>, String> {
        match &chart.repository {
            Some(repository) => self.repositories.pull(repository, &chart.chart, locked).await,
            None => self.registries.pull(&chart.chart, locked).await,
        }
    }
}

#[cfg(not(feature = "charts"))]
const NOBODY: &str = "this build pulls no charts; build it with the feature `charts`";

#[cfg(not(feature = "charts"))]
#[allow(clippy::unused_async, reason = "the same shape as with the feature")]
impl Network {
    /// Always refused.
    ///
    /// # Errors
    /// That this build asks nobody.
    pub fn new(_: &Variables, _: &Arc<Hidden>) -> Result<Self, String> {
        Err(NOBODY.into())
    }

    async fn newest(&self, _: &PublishedChart) -> Result<FoundChart, String> {
        Err(NOBODY.into())
    }

    async fn archive(&self, _: &PublishedChart, _: &LockedChart) -> Result<Vec<u8>, String> {
        Err(NOBODY.into())
    }
}

impl Network {
    /// The newest version of a chart that will do.
    ///
    /// # Errors
    /// Why there is none, or why nobody can say.
    pub async fn find(&self, chart: &PublishedChart) -> Result<FoundChart, String> {
        within(self.newest(chart)).await
    }

    /// The bytes of an archive that is locked. Whoever asks compares the digest.
    ///
    /// # Errors
    /// Why it can't be had.
    pub async fn pull(&self, chart: &PublishedChart, locked: &LockedChart) -> Result<Vec<u8>, String> {
        within(self.archive(chart, locked)).await
    }
}

/// Works something out that waits for the network, from wherever it is called.
///
/// # Errors
/// As the work itself, or when this machine gives no thread.
pub fn finish<T: Send>(work: impl Future<Output = Result<T, String>> + Send) -> Result<T, String> {
    let run = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.map_err(|error| error.to_string())?.block_on(work)
    };
    // Whoever calls may be on a thread that must not block in a runtime of its own.
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("charts".into()).spawn_scoped(scope, run);
        let thread = thread.map_err(|error| format!("no thread can be started: {error}"))?;
        thread.join().unwrap_or_else(|_| Err("the thread that pulls charts came to a bad end".into()))
    })
}

async fn within<T>(work: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    let late = |_| Err(format!("it takes longer than {} s", WHOLE.as_secs()));
    tokio::time::timeout(WHOLE, work).await.unwrap_or_else(late)
}
