//! What one look at the world asks only once: what there is of a kind, and which of it is the owner's. IAM's objects belong to
//! every region of an account, so the regions share the answers.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::stream::{self, StreamExt as _};
use tokio::sync::OnceCell;

use super::api::{Api, SearchTerm};
use super::object::Description;
use super::ownership_cache::{KindOwnership, OwnershipCache};
use super::region::Region;
use super::search::search;
use super::served;
use crate::driver::{Cache, Claims, Class, DriverError, with_retries};
use crate::observed::Owner;

/// How many calls are on their way at once to one region for each kind.
pub(super) const CONCURRENCY: usize = 16;

/// The answers that regions share, and what earlier looks told.
pub(super) struct Looks {
    known: OwnershipCache,
    /// By scope and kind.
    kinds: Answers<(String, &'static str), KindLook>,
    /// By scope: the ARNs that the tag search found; none when nobody may search.
    searches: Answers<String, OnceCell<Option<Vec<String>>>>,
}

/// Answers with the number of the look that they are of.
type Answers<K, T> = Mutex<HashMap<K, (u64, Arc<T>)>>;

/// What one look tells of a kind.
#[derive(Default)]
pub(super) struct KindLook {
    names: OnceCell<HashSet<String>>,
    own: OnceCell<OwnObjects>,
}

/// The owner's objects of a kind, wherever their marks say that they are.
#[derive(Default)]
pub(super) struct OwnObjects {
    pub found: HashMap<String, Description>,
    /// What could not be looked at, by what the service's calls name it by, and why.
    pub failed: Vec<(String, Class, String)>,
}

impl Looks {
    pub fn new(cache: Arc<dyn Cache>) -> Self {
        Self { known: OwnershipCache::new(cache), kinds: Mutex::default(), searches: Mutex::default() }
    }

    /// What this look tells of a kind.
    pub async fn of(&self, api: &'static dyn Api, region: &Region, look: u64) -> Result<Arc<KindLook>, DriverError> {
        let key = (scope(api, region).await?, api.kind());
        Ok(of_look(&self.kinds, key, look))
    }

    /// Whether an earlier look found nothing of a kind that is the owner's, so that nothing need be asked where nothing is
    /// wanted.
    pub async fn has_none(
        &self,
        api: &'static dyn Api,
        region: &Region,
        claims: &Claims<'_>,
    ) -> Result<bool, DriverError> {
        // To search for tags is one question for all kinds, and finds what other machines made as well.
        let searched = term(api, region).await.is_some();
        Ok(!searched && self.known(api, region, claims).await?.is_some_and(|known| !known.own))
    }

    /// The owner's objects of a kind.
    pub async fn own<'a>(
        &self,
        api: &'static dyn Api,
        region: &Region,
        claims: &Claims<'_>,
        look: &'a KindLook,
    ) -> Result<&'a OwnObjects, DriverError> {
        look.own
            .get_or_try_init(|| async {
                let Some(keys) = self.tagged(api, region, claims).await? else {
                    return self.sweep(api, region, claims, look).await;
                };
                let Sorted { mut own, denied, .. } = read(api, region, claims.owner, keys).await;
                // What has the owner's tags and may not be read is the owner's all the same.
                let why = || "its tags are the project's, and it may not be read".to_owned();
                own.failed.extend(denied.into_iter().map(|key| (key, Class::Denied, why())));
                if api.directory().search.is_none() {
                    let scope = scope(api, region).await?;
                    let any = !own.found.is_empty() || !own.failed.is_empty();
                    self.known.learn(&scope, api.kind(), None, any, BTreeSet::new());
                }
                Ok(own)
            })
            .await
    }

    /// Learns that an object is about to become the owner's.
    pub async fn take(&self, api: &'static dyn Api, region: &Region, key: &str) -> Result<(), DriverError> {
        self.known.take(&scope(api, region).await?, api.kind(), key);
        Ok(())
    }

    /// What the owner's tags are on, by what the service's calls name it by, where a few calls tell that; none where each object
    /// has to be asked.
    async fn tagged(
        &self,
        api: &'static dyn Api,
        region: &Region,
        claims: &Claims<'_>,
    ) -> Result<Option<Vec<String>>, DriverError> {
        let Some(term) = term(api, region).await else {
            return with_retries(|| api.tagged(region, claims.owner)).await;
        };
        let cell = of_look(&self.searches, scope(api, region).await?, claims.look);
        let ask = || async {
            let mut apis = Vec::new();
            for one in served::all().filter(|one| one.directory().scope == api.directory().scope) {
                if self::term(one, region).await.is_some() {
                    apis.push(one);
                }
            }
            with_retries(|| search(region, api.directory().scope, &apis, claims.owner)).await
        };
        let arns = cell.get_or_try_init(ask).await?;
        Ok(arns.as_ref().map(|arns| arns.iter().filter_map(|arn| (term.key)(arn)).map(str::to_owned).collect()))
    }

    /// Asks every object for its tags but those that were somebody else's a short while ago.
    async fn sweep(
        &self,
        api: &'static dyn Api,
        region: &Region,
        claims: &Claims<'_>,
        look: &KindLook,
    ) -> Result<OwnObjects, DriverError> {
        let names = look.names(api, region).await?;
        let known = self.known(api, region, claims).await?;
        let foreign = known.as_ref().map(|known| &known.foreign);
        let asked = names.iter().filter(|name| foreign.is_none_or(|foreign| !foreign.contains(*name))).cloned();
        let Sorted { own, others, denied } = read(api, region, claims.owner, asked.collect()).await;
        let still = foreign.into_iter().flatten().filter(|name| names.contains(*name)).cloned();
        let scope = scope(api, region).await?;
        let foreign = others.into_iter().chain(still).collect();
        let any = !own.found.is_empty() || !own.failed.is_empty() || !denied.is_empty();
        self.known.learn(&scope, api.kind(), known.as_ref(), any, foreign);
        Ok(own)
    }

    /// What earlier looks told. Before a removal nothing is taken from them.
    async fn known(
        &self,
        api: &'static dyn Api,
        region: &Region,
        claims: &Claims<'_>,
    ) -> Result<Option<KindOwnership>, DriverError> {
        if claims.evidence {
            return Ok(None);
        }
        Ok(self.known.of(&scope(api, region).await?, api.kind()))
    }
}

impl KindLook {
    /// What the service's calls name each object by, of all that are there.
    pub async fn names(&self, api: &'static dyn Api, region: &Region) -> Result<&HashSet<String>, DriverError> {
        let list = || async { Ok(with_retries(|| api.list(region)).await?.into_iter().collect()) };
        self.names.get_or_try_init(list).await
    }

    /// The names, when this look listed them.
    pub fn listed(&self) -> Option<&HashSet<String>> {
        self.names.get()
    }
}

/// What the tag search finds a kind by; none where it does not.
async fn term(api: &dyn Api, region: &Region) -> Option<SearchTerm> {
    let term = api.directory().search?;
    region.searches(api.kind()).await.then_some(term)
}

/// The account, or the region of it, that the names of a kind reach through.
async fn scope(api: &dyn Api, region: &Region) -> Result<String, DriverError> {
    region.scope(api.directory().scope).await
}

/// The answer of one look; that of an older look is dropped.
fn of_look<K: Eq + std::hash::Hash, T: Default>(all: &Answers<K, T>, key: K, look: u64) -> Arc<T> {
    let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
    let (then, answer) = all.entry(key).or_insert_with(|| (look, Arc::default()));
    if *then != look {
        (*then, *answer) = (look, Arc::default());
    }
    Arc::clone(answer)
}

/// Objects by whose they are.
#[derive(Default)]
struct Sorted {
    own: OwnObjects,
    /// Somebody else's, and those that may not be read, by what the service's calls name them by.
    others: Vec<String>,
    denied: Vec<String>,
}

/// Reads the tags of objects.
async fn read(api: &'static dyn Api, region: &Region, owner: &Owner, keys: Vec<String>) -> Sorted {
    let read = |key: String| async move {
        let found = with_retries(|| api.find(region, &key)).await;
        (key, found)
    };
    let mut reads = stream::iter(keys.into_iter().map(read).collect::<Vec<_>>()).buffer_unordered(CONCURRENCY);
    let mut sorted = Sorted::default();
    while let Some((key, found)) = reads.next().await {
        match found {
            Ok(Some(described)) if described.mark.as_ref().is_some_and(|mark| owner.has(mark)) => {
                sorted.own.found.insert(key, described);
            }
            Ok(Some(_)) => sorted.others.push(key),
            Ok(None) => {}
            Err(error) if error.class == Class::Denied => sorted.denied.push(key),
            Err(error) => sorted.own.failed.push((key, error.class, error.chain())),
        }
    }
    sorted
}
