//! Working out what to lock: which version each published chart is taken in, with everything that it depends on.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::stream::{self, StreamExt as _};

use super::archives::Archives;
use super::found::FoundChart;
use super::load::{BareChart, ChartSurroundings, read_local, read_lock, unpacked};
use super::lock::{ChartLock, LockedChart};
use super::network::{Network, finish};
use super::problem::ChartProblem;
use crate::desired::{ChartSource, PublishedChart};
use crate::value::long_hash;

/// How many charts are asked for at once.
const AT_ONCE: usize = 8;
/// How many charts a spec may come to, with all that they depend on.
const MOST: usize = 5_000;

/// What there is to lock.
#[derive(Debug, Default)]
pub struct Resolution {
    /// What was locked before.
    pub former: ChartLock,
    /// What is to be locked now.
    pub lock: ChartLock,
    /// What can't be locked, by the chart that an app names.
    pub problems: Vec<(ChartSource, ChartProblem)>,
}

/// A chart to be looked at, and the one of an app that it is there for.
type Queued = (ChartSource, ChartSource);

/// Works out what to lock for some charts. What is locked already stays as it is, unless everything is to be `anew`.
///
/// # Errors
/// When the lock that is there can't be read, or nobody can be asked.
pub fn resolve(
    charts: BTreeSet<ChartSource>,
    surroundings: &ChartSurroundings,
    anew: bool,
) -> Result<Resolution, ChartProblem> {
    let former = read_lock(&surroundings.lock)?;
    let archives = Archives::new(surroundings.local.clone());
    let work = async {
        let mut resolving = Resolving {
            surroundings,
            archives,
            network: None,
            anew,
            done: BTreeSet::new(),
            resolution: Resolution { former, ..Resolution::default() },
        };
        let mut queue: Vec<Queued> = charts.into_iter().map(|chart| (chart.clone(), chart)).collect();
        while !queue.is_empty() {
            queue = resolving.round(queue).await;
        }
        Ok(resolving.resolution)
    };
    finish(work).map_err(ChartProblem::Lock)
}

struct Resolving<'s> {
    surroundings: &'s ChartSurroundings,
    archives: Archives,
    /// There once somebody has to be asked.
    network: Option<Network>,
    anew: bool,
    done: BTreeSet<ChartSource>,
    resolution: Resolution,
}

impl Resolving<'_> {
    /// Looks at some charts, and says which ones they depend on.
    async fn round(&mut self, queue: Vec<Queued>) -> Vec<Queued> {
        let mut roots: BTreeMap<ChartSource, ChartSource> = BTreeMap::new();
        for (chart, root) in queue {
            if self.done.len() >= MOST {
                let why = format!("it is one of more than {MOST} charts");
                self.resolution.problems.push((root, ChartProblem::Content(why)));
            } else if self.done.insert(chart.clone()) {
                roots.insert(chart, root);
            }
        }
        let published = roots.keys().filter_map(|chart| match chart {
            ChartSource::Published(chart) => Some(chart.clone()),
            ChartSource::Path(_) => None,
        });
        let pulled = self.pull(published.collect()).await;
        let mut read: Vec<(ChartSource, Result<BareChart, ChartProblem>)> = Vec::new();
        for (chart, pulled) in pulled {
            let bare = pulled.and_then(|(locked, bytes)| {
                let bare = unpacked(&bytes, Some(&locked.version))?;
                self.resolution.lock.insert(chart.clone(), locked);
                Ok(bare)
            });
            read.push((ChartSource::Published(chart), bare));
        }
        let paths = roots.keys().filter_map(|chart| match chart {
            ChartSource::Path(path) => Some((chart.clone(), read_local(&self.surroundings.base, path))),
            ChartSource::Published(_) => None,
        });
        read.extend(paths);
        self.next(read, &roots)
    }

    /// What the charts of a round depend on.
    fn next(
        &mut self,
        read: Vec<(ChartSource, Result<BareChart, ChartProblem>)>,
        roots: &BTreeMap<ChartSource, ChartSource>,
    ) -> Vec<Queued> {
        let mut next = Vec::new();
        for (chart, bare) in read {
            let root = roots.get(&chart).unwrap_or(&chart);
            match bare.and_then(|bare| bare.needs(chart == *root)) {
                Ok(needs) => next.extend(needs.into_iter().map(|need| (need.source, root.clone()))),
                Err(problem) => {
                    let problem = if chart == *root { problem } else { problem.below(root.chart(), &chart) };
                    self.resolution.problems.push((root.clone(), problem));
                }
            }
        }
        next
    }

    /// The archives of published charts, some at a time.
    async fn pull(
        &mut self,
        charts: Vec<PublishedChart>,
    ) -> Vec<(PublishedChart, Result<(LockedChart, Vec<u8>), ChartProblem>)> {
        if self.network.is_none() && !charts.is_empty() {
            match Network::new(&self.surroundings.variables, &self.surroundings.hidden) {
                Ok(network) => self.network = Some(network),
                Err(why) => {
                    return charts.into_iter().map(|chart| (chart.clone(), Err(refused(chart, why.clone())))).collect();
                }
            }
        }
        let Some(network) = &self.network else { return Vec::new() };
        let own = &*self;
        let work = charts.into_iter().map(|chart| async move {
            let pulled = own.one(network, &chart).await;
            let pulled = pulled.map_err(|why| refused(chart.clone(), own.surroundings.hidden.scrub(&why).into_owned()));
            (chart, pulled)
        });
        stream::iter(work).buffered(AT_ONCE).collect().await
    }

    /// The archive of one chart: what is locked already, or the newest version that will do.
    async fn one(&self, network: &Network, chart: &PublishedChart) -> Result<(LockedChart, Vec<u8>), String> {
        let locked = match self.resolution.former.get(chart).filter(|_| !self.anew) {
            Some(locked) => locked.clone(),
            None => {
                let FoundChart { version, digest, url } = network.find(chart).await?;
                let Some(digest) = digest else {
                    // Where nobody says the digest, it is the one of what is there now.
                    let wanted = LockedChart { version, digest: String::new(), url };
                    let bytes = network.pull(chart, &wanted).await?;
                    let locked = LockedChart { digest: long_hash(&bytes), ..wanted };
                    self.archives.keep(&locked.digest, &bytes);
                    return Ok((locked, bytes));
                };
                LockedChart { version, digest, url }
            }
        };
        let bytes = match self.archives.get(&locked.digest) {
            Some(bytes) => bytes,
            None => self.archives.pull(network, chart, &locked).await?,
        };
        Ok((locked, bytes))
    }
}

fn refused(chart: PublishedChart, why: String) -> ChartProblem {
    ChartProblem::NotPulled { chart, why }
}
