//! A session in one region: everything that lives there is listed at once, and looked at as far as it is Atlas's business.

use async_trait::async_trait;
use futures_util::stream::{self, StreamExt as _};

use super::api::{self, Api, Evidence, LookPurpose};
use super::error::reason;
use super::object::Description;
use super::region::Region;
use super::{mark, served};
use crate::driver::{Claims, Class, DriverError, Listing, Look, Request, Seen, Session, with_retries};
use crate::identity::Identity;
use crate::kind::{Kind, KindRef, Outputs};
use crate::observed::{Mark, Object};
use crate::value::Attributes;

/// How many calls are on their way at once to one region for each kind.
const CONCURRENCY: usize = 16;

/// How many pages of a thousand are counted of what one of many objects holds.
const PAGES: usize = 10;

/// A session in a region.
pub(super) struct InRegion {
    region: Region,
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
    pub const fn new(region: Region) -> Self {
        Self { region }
    }

    /// Lists all of one kind and looks at each, several at once.
    async fn all(
        &self,
        api: &'static dyn Api,
        kind: &KindRef,
        claims: &Claims<'_>,
    ) -> Result<Vec<Looked>, DriverError> {
        let listed = with_retries(|| api.list(&self.region)).await?;
        let looks: Vec<_> = listed.into_iter().map(|key| self.look(api, kind, key, claims)).collect();
        Ok(stream::iter(looks).buffer_unordered(CONCURRENCY).filter_map(|found| async { found }).collect().await)
    }

    async fn look(&self, api: &'static dyn Api, kind: &KindRef, key: String, claims: &Claims<'_>) -> Option<Looked> {
        let key = key.as_str();
        let name = key.rsplit('/').next().unwrap_or_default();
        let identity = self.region.identity.inside(kind.name, name);
        if claims.all_but.is_some_and(|seen| seen.contains(identity.as_str())) {
            return None;
        }
        let wanted = claims.wanted.get(identity.as_str());
        let (any, wanted) = (wanted.is_some(), wanted.copied().flatten());
        let only_ours = !any && claims.all_but.is_none();
        // What the spec does not want may be about to be removed, so what it holds matters.
        let count = if claims.evidence || !any { Evidence::Pages(PAGES) } else { Evidence::None };
        let purpose = LookPurpose { owner: only_ours.then_some(claims.owner), wanted, count };
        let seen = async {
            match with_retries(|| api::look(api, &self.region, key, purpose)).await? {
                Some(described) => described.object(kind, &self.region, wanted).await.map(Some),
                None => Ok(None),
            }
        };
        match seen.await {
            Ok(object) => object.map(Box::new).map(Looked::Seen),
            // An object that is not wanted and may not be looked at is ignored.
            Err(error) if error.class == Class::Denied && only_ours => None,
            Err(error) if error.class == Class::Unreachable => {
                Some(Looked::Hidden(self.region.identity.clone(), error))
            }
            // The region was there to list it, so it is this one object that can't be looked at.
            Err(error) => Some(Looked::Hidden(identity, error)),
        }
    }

    /// What is hidden when the objects of a kind may not be listed: those that are wanted, and all others of the kind.
    fn unlisted(&self, kind: &KindRef, claims: &Claims<'_>) -> impl Iterator<Item = Identity> {
        let all = self.region.identity.inside(kind.name, "");
        let mut wanted: Vec<&str> = claims.wanted.keys().copied().collect();
        wanted.retain(|identity| identity.starts_with(all.as_str()));
        let wanted: Vec<Identity> = wanted.into_iter().map(Identity::from_text).collect();
        wanted.into_iter().chain([self.region.identity.inside(kind.name, "*")])
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
            Some(key) => api::look(api, &self.region, &key, LookPurpose { owner: None, wanted, count }).await,
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
        let kinds = kinds.iter().filter_map(|kind| Some((served::by(kind)?, kind)));
        let looked = kinds.map(|(api, kind)| async move { (kind, self.all(api, kind, claims).await) });
        let looked = futures_util::future::join_all(looked).await;
        let is_denied = |error: &DriverError| error.class == Class::Denied;
        let any = looked.iter().any(|(_, found)| !found.as_ref().is_err_and(is_denied));
        let mut listing = Listing::default();
        for (kind, found) in looked {
            match found {
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
        api::create(by(want.kind)?, &self.region, want).await?;
        Ok(want.derived.clone())
    }

    async fn update(&self, seen: &Seen, want: &Request<'_>) -> Result<Outputs, DriverError> {
        let api = by(want.kind)?;
        let described = self.again(api, seen, Some(want.attributes)).await?;
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
