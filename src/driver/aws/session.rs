//! A session in one region: what is wanted there and what is the owner's is looked at, as far as it is Atlas's business.

use std::sync::Arc;

use async_trait::async_trait;
use foldhash::HashSet;
use futures_util::stream::{self, StreamExt as _};

use super::api::{self, Api, Evidence, LookPurpose};
use super::error::reason;
use super::looks::{CONCURRENCY, KindLook, Looks};
use super::object::Description;
use super::region::Region;
use super::{mark, served};
use crate::driver::{Claims, Class, DriverError, Listing, Look, Request, Seen, Session, with_retries};
use crate::identity::Identity;
use crate::kind::{Kind, KindRef, Outputs};
use crate::observed::{Mark, Object};
use crate::value::Attributes;

/// How many pages of a thousand are counted of what one of many objects holds.
const PAGES: usize = 10;

/// So many objects are asked for one by one before a list is asked which of them are there.
const FEW: usize = 8;

/// A session in a region.
pub(super) struct InRegion {
    region: Region,
    looks: Arc<Looks>,
}

/// An object to look at.
struct Candidate<'a> {
    /// What the service's calls name it by.
    key: String,
    /// The first look at it, when that is known.
    found: Option<Description>,
    /// Whether it is wanted whoever owns it, and what the spec says about it.
    wanted: Option<Option<&'a Attributes>>,
}

impl Candidate<'_> {
    const fn any(key: String) -> Self {
        Self { key, found: None, wanted: None }
    }
}

/// What came of looking at one object, or at all of one kind.
enum Looked {
    Seen(Box<Object>),
    /// The identity that could not be looked at: of the object, or of the whole region.
    Hidden(Identity, DriverError),
}

impl Looked {
    fn add_to(self, listing: &mut Listing) {
        match self {
            Self::Seen(object) => listing.objects.push(*object),
            Self::Hidden(identity, error) => drop(listing.unreachable.insert(identity, reason(&error))),
        }
    }
}

impl InRegion {
    pub const fn new(region: Region, looks: Arc<Looks>) -> Self {
        Self { region, looks }
    }

    /// Looks at all of one kind that is asked for, several at once.
    async fn all(
        &self,
        api: &'static dyn Api,
        kind: &KindRef,
        claims: &Claims<'_>,
    ) -> Result<Vec<Looked>, DriverError> {
        let look = self.looks.of(api, &self.region, claims.look).await?;
        let mut looked = Vec::new();
        let candidates = match claims.all_but {
            Some(seen) => {
                let names = look.names(api, &self.region).await?;
                let unseen = |key: &&String| !seen.contains(self.identity(kind, key).as_str());
                names.iter().filter(unseen).map(|key| Candidate::any(key.clone())).collect()
            }
            None => self.candidates(api, kind, claims, &look, &mut looked).await?,
        };
        let looks: Vec<_> = candidates.into_iter().map(|one| self.look(api, kind, one, claims)).collect();
        let mut looks = stream::iter(looks).buffer_unordered(CONCURRENCY);
        while let Some(found) = looks.next().await {
            looked.extend(found);
        }
        Ok(looked)
    }

    /// What is wanted of a kind, and what is the owner's. A kind of which an earlier look found nothing of the owner's, and of
    /// which nothing is wanted, is not asked for.
    async fn candidates<'c>(
        &self,
        api: &'static dyn Api,
        kind: &KindRef,
        claims: &Claims<'c>,
        look: &KindLook,
        looked: &mut Vec<Looked>,
    ) -> Result<Vec<Candidate<'c>>, DriverError> {
        let wanted = self.wanted(kind, claims);
        if wanted.is_empty() && self.looks.has_none(api, &self.region, claims).await? {
            return Ok(Vec::new());
        }
        let own = self.looks.own(api, &self.region, claims, look).await?;
        // To list all names is one question, and so is to ask for one that may not be there.
        let names = match look.listed() {
            None if !wanted.is_empty() && (api.is_listed_first() || wanted.len() > FEW) => {
                Some(look.names(api, &self.region).await?)
            }
            listed => listed,
        };
        let mut candidates: Vec<Candidate<'c>> = Vec::new();
        let mut taken: HashSet<String> = HashSet::default();
        for (name, said) in wanted {
            let Some(key) = api.key(&self.region, &name, said).await? else { continue };
            let found = own.found.get(&key).cloned();
            if found.is_some() || names.is_none_or(|names| names.contains(&key)) {
                taken.insert(key.clone());
                candidates.push(Candidate { key, found, wanted: Some(said) });
            }
        }
        // IAM and S3 tell of what belongs to every region; an object is where its mark says it is.
        let is_here = |found: &Description| {
            found.mark.as_ref().is_some_and(|mark| mark.address.place() == Some(self.region.name()))
        };
        for (key, found) in own.found.iter().filter(|(key, found)| is_here(found) && !taken.contains(*key)) {
            candidates.push(Candidate { key: key.clone(), found: Some(found.clone()), wanted: None });
        }
        for (key, class, why) in own.failed.iter().filter(|(key, ..)| !taken.contains(key)) {
            looked.push(self.hidden(kind, key, DriverError::new(*class, why.clone())));
        }
        Ok(candidates)
    }

    /// What is wanted of a kind here, by name, with what the spec says about it.
    fn wanted<'c>(&self, kind: &KindRef, claims: &Claims<'c>) -> Vec<(String, Option<&'c Attributes>)> {
        let all = self.region.identity.inside(kind.name, "");
        let wanted = claims.wanted.iter().filter(|(identity, _)| identity.starts_with(all.as_str()));
        wanted.map(|(identity, said)| (Identity::from_text(*identity).name().into_owned(), *said)).collect()
    }

    fn identity(&self, kind: &KindRef, key: &str) -> Identity {
        self.region.identity.inside(kind.name, served::by(kind).map_or(key, |api| api.name(key)))
    }

    /// The region was there to tell of the object, so it is this one that can't be looked at, unless nothing answers.
    fn hidden(&self, kind: &KindRef, key: &str, error: DriverError) -> Looked {
        match error.class {
            Class::Unreachable => Looked::Hidden(self.region.identity.clone(), error),
            _ => Looked::Hidden(self.identity(kind, key), error),
        }
    }

    fn looked(&self, kind: &KindRef, key: &str, seen: Result<Option<Object>, DriverError>) -> Option<Looked> {
        match seen {
            Ok(object) => object.map(Box::new).map(Looked::Seen),
            Err(error) => Some(self.hidden(kind, key, error)),
        }
    }

    async fn look(
        &self,
        api: &'static dyn Api,
        kind: &KindRef,
        candidate: Candidate<'_>,
        claims: &Claims<'_>,
    ) -> Option<Looked> {
        let Candidate { key, found, wanted: any } = candidate;
        let wanted = any.flatten();
        // What the spec does not want may be about to be removed, so what it holds matters.
        let count = if claims.evidence || any.is_none() { Evidence::Pages(PAGES) } else { Evidence::None };
        let purpose = LookPurpose { wanted, count, whole: false, beside: any.is_some() };
        let seen = async {
            let described = with_retries(|| async {
                match found.clone() {
                    Some(found) => api::look_on(api, &self.region, found, purpose).await,
                    None => api::look(api, &self.region, &key, purpose).await,
                }
            });
            match described.await? {
                Some(described) => described.object(kind, &self.region, wanted).await.map(Some),
                None => Ok(None),
            }
        };
        self.looked(kind, &key, seen.await)
    }

    /// Looks at all of one object, unless it is somebody's.
    async fn survey_one(&self, api: &'static dyn Api, kind: &KindRef, key: &str) -> Option<Looked> {
        let look = || async {
            let Some(found) = api.find(&self.region, key).await? else { return Ok(None) };
            if found.mark.is_some() {
                return Ok(None);
            }
            let purpose = LookPurpose { whole: true, ..LookPurpose::default() };
            let Some(described) = api::look_on(api, &self.region, found, purpose).await? else { return Ok(None) };
            // Tags are told where a spec says them, and this one would say all of them.
            let wanted = mark::all_as_wanted(&described.tags);
            described.object(kind, &self.region, Some(&wanted)).await.map(Some)
        };
        self.looked(kind, key, with_retries(look).await)
    }

    /// What is hidden when the objects of a kind may not be listed: those that are wanted, and all others of the kind.
    fn unlisted(&self, kind: &KindRef, claims: &Claims<'_>) -> impl Iterator<Item = Identity> {
        let wanted = self.wanted(kind, claims).into_iter().map(|(name, _)| name).chain(["*".to_owned()]);
        wanted.map(|name| self.region.identity.inside(kind.name, &name)).collect::<Vec<_>>().into_iter()
    }

    /// Looks at one object, whoever owns it.
    async fn describe(
        &self,
        api: &'static dyn Api,
        identity: &Identity,
        wanted: Option<&Attributes>,
        count: Evidence,
    ) -> Result<Option<Description>, DriverError> {
        match api.key(&self.region, &identity.name(), wanted).await? {
            Some(key) => {
                api::look(api, &self.region, &key, LookPurpose { wanted, count, ..LookPurpose::default() }).await
            }
            None => Ok(None),
        }
    }

    /// What was seen of an object, or what is seen of it now.
    async fn again(
        &self,
        api: &'static dyn Api,
        seen: &Seen,
        want: Option<&Attributes>,
    ) -> Result<Description, DriverError> {
        if let Some(described) = seen.raw::<Description>() {
            return Ok(described.clone());
        }
        self.describe(api, &seen.object.identity, want, Evidence::None).await?.ok_or_else(gone)
    }

    /// Gives the error of a failed call, or a conflict when its object is gone.
    async fn unless_gone(
        &self,
        api: &'static dyn Api,
        key: &str,
        done: Result<(), DriverError>,
    ) -> Result<(), DriverError> {
        match done {
            Err(error) if matches!(error.class, Class::Invalid | Class::Transient) => {
                match api.find(&self.region, key).await {
                    Ok(None) => Err(gone()),
                    _ => Err(error),
                }
            }
            done => done,
        }
    }
}

#[async_trait]
impl Session for InRegion {
    fn creates_marked(&self, kind: &Kind) -> bool {
        served::by(kind).is_none_or(|api| api.creates_tagged())
    }

    async fn list(&self, kinds: &[KindRef], claims: &Claims<'_>) -> Result<Listing, DriverError> {
        if let Err(error) = self.region.answers().await {
            let mut listing = Listing::default();
            Looked::Hidden(self.region.identity.clone(), error).add_to(&mut listing);
            return Ok(listing);
        }
        let kinds = kinds.iter().filter_map(|kind| Some((served::by(kind)?, kind)));
        let looked = kinds.map(|(api, kind)| async move { (kind, self.all(api, kind, claims).await) });
        let looked = futures_util::future::join_all(looked).await;
        let is_denied = |error: &DriverError| error.class == Class::Denied;
        let any = looked.iter().any(|(_, found)| !found.as_ref().is_err_and(is_denied));
        let mut listing = Listing::default();
        for (kind, found) in looked {
            match found {
                // Whoever may not see objects of a kind that nothing is wanted of neither makes nor removes any.
                Err(error)
                    if any
                        && is_denied(&error)
                        && claims.all_but.is_none()
                        && !claims.evidence
                        && self.wanted(kind, claims).is_empty() =>
                {
                    tracing::info!(region = self.region.name(), kind = kind.name, "not looked for: {}", error.chain());
                }
                Ok(found) => found.into_iter().for_each(|one| one.add_to(&mut listing)),
                // Who may list nothing at all has the wrong credentials for the region.
                Err(error) if any && is_denied(&error) => {
                    let hidden = self.unlisted(kind, claims);
                    listing.unreachable.extend(hidden.map(|identity| (identity, reason(&error))));
                }
                Err(error) => Looked::Hidden(self.region.identity.clone(), error).add_to(&mut listing),
            }
        }
        Ok(listing)
    }

    async fn survey(&self, kinds: &[KindRef]) -> Result<Listing, DriverError> {
        self.region.answers().await?;
        let mut listing = Listing::default();
        for (kind, api) in kinds.iter().filter_map(|kind| Some((kind, served::by(kind)?))) {
            let names = match with_retries(|| api.list(&self.region)).await {
                Err(error) if error.class == Class::Denied => {
                    Looked::Hidden(self.region.identity.inside(kind.name, "*"), error).add_to(&mut listing);
                    continue;
                }
                names => names?,
            };
            let looks: Vec<_> = names.iter().map(|key| self.survey_one(api, kind, key)).collect();
            let mut looks = stream::iter(looks).buffer_unordered(CONCURRENCY);
            while let Some(found) = looks.next().await {
                found.into_iter().for_each(|one| one.add_to(&mut listing));
            }
        }
        Ok(listing)
    }

    async fn read(&self, look: &Look<'_>) -> Result<Option<Seen>, DriverError> {
        let api = by(look.kind)?;
        // What is about to go is counted to its end: what came after a bound would go unnoticed.
        let count = if look.evidence { Evidence::Exact } else { Evidence::None };
        let Some(described) = self.describe(api, look.identity, look.wanted, count).await? else { return Ok(None) };
        let object = described.object(look.kind, &self.region, look.wanted).await?;
        Ok(Some(Seen::with(object, described)))
    }

    async fn prepare(&self, want: &Request<'_>) -> Result<(), DriverError> {
        by(want.kind)?.prepare(&self.region, want).await
    }

    async fn create(&self, want: &Request<'_>) -> Result<Outputs, DriverError> {
        let api = by(want.kind)?;
        if let Some(key) = api.key(&self.region, &want.identity.name(), Some(want.attributes)).await? {
            self.looks.take(api, &self.region, &key).await?;
        }
        api::create(api, &self.region, want).await?;
        Ok(want.derived.clone())
    }

    async fn update(&self, seen: &Seen, want: &Request<'_>) -> Result<Outputs, DriverError> {
        let api = by(want.kind)?;
        let described = self.again(api, seen, Some(want.attributes)).await?;
        self.looks.take(api, &self.region, &described.key).await?;
        let done = api::update(api, &self.region, &described, want).await;
        self.unless_gone(api, &described.key, done).await?;
        Ok(want.derived.clone())
    }

    async fn delete(&self, seen: &Seen) -> Result<(), DriverError> {
        let api = by(&seen.object.kind)?;
        match self.again(api, seen, None).await {
            Ok(described) => api.delete(&self.region, &described).await,
            Err(error) if error.class == Class::Conflict => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn mark(&self, seen: &Seen, mark: Option<&Mark>) -> Result<(), DriverError> {
        let api = by(&seen.object.kind)?;
        let described = self.again(api, seen, None).await?;
        if mark.is_some() {
            self.looks.take(api, &self.region, &described.key).await?;
        }
        let tags = match mark {
            Some(mark) => mark::remarked(&described.tags, mark),
            None => mark::without(&described.tags),
        };
        let done = api.retag(&self.region, &described.key, &described.tags, tags).await;
        self.unless_gone(api, &described.key, done).await
    }
}

fn by(kind: &Kind) -> Result<&'static dyn Api, DriverError> {
    served::by(kind).ok_or_else(|| DriverError::new(Class::Invalid, format!("no {} lives in a region", kind.name)))
}

fn gone() -> DriverError {
    DriverError::new(Class::Conflict, "it is gone")
}
