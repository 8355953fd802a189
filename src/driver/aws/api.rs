//! What an API of AWS's does about objects of one kind, and what is the same for all kinds: an object is looked at and
//! changed part by part, along a table of its parts.

use std::pin::Pin;

use async_trait::async_trait;

use super::mark::{self, Tags};
use super::object::{Description, Told};
use super::region::{ApiScope, Region};
use crate::driver::protocol::is_managed;
use crate::driver::{Class, DriverError, Request};
use crate::observed::Owner;
use crate::value::Attributes;

/// What a call of a part comes to.
pub(super) type Call<'a, T> = Pin<Box<dyn Future<Output = Result<T, DriverError>> + Send + 'a>>;

/// What the tag search calls the objects of a kind, and what the service's calls name one by, told from its ARN.
pub(super) struct SearchTerm {
    pub filter: &'static str,
    pub key: fn(&str) -> Option<&str>,
}

/// How the objects of a kind are found.
pub(super) struct Directory {
    pub scope: ApiScope,
    /// None where the tag search does not find them.
    pub search: Option<SearchTerm>,
}

impl Directory {
    /// Each region has objects of its own.
    pub fn of_region(filter: &'static str, key: fn(&str) -> Option<&str>) -> Self {
        Self { scope: ApiScope::Region, search: Some(SearchTerm { filter, key }) }
    }

    /// All regions of an account share the objects, and their marks tell which region's they are.
    pub fn of_account(filter: &'static str, key: fn(&str) -> Option<&str>) -> Self {
        Self { scope: ApiScope::Account, search: Some(SearchTerm { filter, key }) }
    }
}

/// The objects of one kind, over the API that has them. Every kind is one of these, and one line in `served.rs`.
#[async_trait]
pub(super) trait Api: Sync {
    /// The name of the kind.
    fn kind(&self) -> &'static str;

    /// Whether the call that makes an object takes its tags along.
    fn creates_tagged(&self) -> bool {
        true
    }

    /// How the objects of the kind are found.
    fn directory(&self) -> Directory;

    /// What the owner's tags are on, by what the service's calls name it by, when a few calls of the service tell the tags of
    /// all objects; none when it has no such call, or the caller may not make it.
    async fn tagged(&self, _: &Region, _: &Owner) -> Result<Option<Vec<String>>, DriverError> {
        Ok(None)
    }

    /// Whether an object is only looked at once a list has it: another region may answer for one that is not here.
    fn is_listed_first(&self) -> bool {
        false
    }

    /// What the service's calls name each object by, of all that are there.
    async fn list(&self, region: &Region) -> Result<Vec<String>, DriverError>;

    /// The name of an object, told from what the service's calls name it by.
    fn name<'k>(&self, key: &'k str) -> &'k str {
        key.rsplit('/').next().unwrap_or_default()
    }

    /// What the service's calls name an object by, which is mostly its name; none when it is not there.
    async fn key(&self, _: &Region, name: &str, _: Option<&Attributes>) -> Result<Option<String>, DriverError> {
        Ok(Some(name.to_owned()))
    }

    /// The first look at an object, with the call that tells its tags; none when it is not there.
    async fn find(&self, region: &Region, key: &str) -> Result<Option<Description>, DriverError>;

    /// The second look: what every look at an object of this kind needs and the first call does not tell. Whether the
    /// object is still there.
    async fn complete(&self, _: &Region, _: &mut Description, _: Option<&Attributes>) -> Result<bool, DriverError> {
        Ok(true)
    }

    /// Counts what an object holds, with a bound no more than so many pages.
    async fn count(&self, _: &Region, _: &mut Description, _: Option<usize>) -> Result<(), DriverError> {
        Ok(())
    }

    /// Finds out beforehand what a creation would fail of, as an object may be deleted for its sake. No service of AWS rehearses
    /// a creation, so this is about what it refers to.
    async fn prepare(&self, _: &Region, _: &Request<'_>) -> Result<(), DriverError> {
        Ok(())
    }

    /// Makes an object with its mark, and gives what the service's calls name it by.
    async fn create(&self, region: &Region, want: &Request<'_>, tags: &Tags) -> Result<String, DriverError>;

    /// The attributes of an object just after its creation for these attributes: all parts that differ are written
    /// then.
    fn fresh(&self, attributes: &Attributes) -> Attributes {
        attributes.clone()
    }

    /// The parts that are written with calls of their own, in the order in which they are.
    fn parts(&self) -> &'static [ObjectPart];

    /// Gives an object other tags than it has. A service that takes them all at once does that here; the others take some
    /// away and put some on.
    async fn retag(&self, region: &Region, key: &str, there: &Tags, wanted: Tags) -> Result<(), DriverError> {
        let (gone, fresh) = mark::difference(there, wanted);
        if !gone.is_empty() {
            self.untag(region, key, gone).await?;
        }
        if fresh.is_empty() { Ok(()) } else { self.tag(region, key, fresh).await }
    }

    /// Takes tags away.
    async fn untag(&self, _: &Region, _: &str, _gone: Vec<String>) -> Result<(), DriverError> {
        Ok(())
    }

    /// Puts tags on.
    async fn tag(&self, _: &Region, _: &str, _fresh: Tags) -> Result<(), DriverError> {
        Ok(())
    }

    /// Deletes an object that was just seen, unless something forbids that, which is found out before anything of it goes.
    async fn delete(&self, region: &Region, described: &Description) -> Result<(), DriverError>;
}

/// A part of an object.
pub(super) struct ObjectPart {
    /// The attributes that it covers.
    pub covers: &'static [&'static str],
    /// Reads it; none when a look at the object tells it already.
    pub read: Option<for<'a> fn(PartRead<'a>) -> Call<'a, Told>>,
    /// Whether it is read although neither the spec nor the mark says anything about it, so that what others put there shows.
    pub always: bool,
    /// Writes what the attributes say.
    pub write: for<'a> fn(PartWrite<'a>) -> Call<'a, ()>,
    /// Removes it when the attributes no longer say it; none when `write` does that.
    pub clear: Option<for<'a> fn(PartWrite<'a>) -> Call<'a, ()>>,
}

/// A look at a part.
#[derive(Clone, Copy)]
pub(super) struct PartRead<'a> {
    pub region: &'a Region,
    pub described: &'a Description,
    pub wanted: Option<&'a Attributes>,
}

/// A change of a part.
#[derive(Clone, Copy)]
pub(super) struct PartWrite<'a> {
    pub region: &'a Region,
    pub key: &'a str,
    pub before: &'a Attributes,
    pub after: &'a Attributes,
}

/// What a look is for.
#[derive(Clone, Copy, Default)]
pub(super) struct LookPurpose<'a> {
    /// What the spec says about it.
    pub wanted: Option<&'a Attributes>,
    /// Whether what it holds is counted, and how far.
    pub count: Evidence,
    /// Whether all of it is read, and not only what the spec says something about.
    pub whole: bool,
    /// Whether it is told what else an object has that nobody has marked: it may be taken over.
    pub beside: bool,
}

/// How far what an object holds is counted.
#[derive(Clone, Copy, Default)]
pub(super) enum Evidence {
    /// Not at all.
    #[default]
    None,
    /// As far as so many pages go.
    Pages(usize),
    /// To its end.
    Exact,
}

/// Looks at one object, as far as it is Atlas's business.
pub(super) async fn look(
    api: &dyn Api,
    region: &Region,
    key: &str,
    purpose: LookPurpose<'_>,
) -> Result<Option<Description>, DriverError> {
    match api.find(region, key).await? {
        Some(described) => look_on(api, region, described, purpose).await,
        None => Ok(None),
    }
}

/// Looks on at an object of which the first look is known.
pub(super) async fn look_on(
    api: &dyn Api,
    region: &Region,
    mut described: Description,
    purpose: LookPurpose<'_>,
) -> Result<Option<Description>, DriverError> {
    if !api.complete(region, &mut described, purpose.wanted).await? {
        return Ok(None);
    }
    let managed = |described: &Description, part: &ObjectPart| {
        part.always
            || purpose.whole
            || part.covers.iter().any(|name| is_managed(name, described.mark.as_ref(), purpose.wanted))
    };
    let beside = purpose.beside && described.mark.is_none();
    for part in api.parts() {
        let Some(read) = part.read else { continue };
        if managed(&described, part) {
            let told = read(PartRead { region, described: &described, wanted: purpose.wanted }).await?;
            described.attributes.extend(told);
        } else if beside {
            let told = read(PartRead { region, described: &described, wanted: purpose.wanted }).await;
            described.unsaid.extend(unsaid(part, told)?);
        }
    }
    match purpose.count {
        Evidence::None => {}
        Evidence::Pages(most) => api.count(region, &mut described, Some(most)).await?,
        Evidence::Exact => api.count(region, &mut described, None).await?,
    }
    Ok(Some(described))
}

/// What an object has of a part that the spec says nothing about. Where that can't be looked at, the rest can be taken over all the
/// same.
fn unsaid(part: &ObjectPart, told: Result<Told, DriverError>) -> Result<Vec<String>, DriverError> {
    match told {
        Ok(told) => {
            let has = told.into_iter().filter(|(_, value)| !value.is_null());
            Ok(has.map(|(name, _)| name.to_owned()).collect())
        }
        Err(error) if matches!(error.class, Class::Unreachable | Class::Throttled) => Err(error),
        Err(_) => Ok(part.covers.iter().take(1).map(|name| format!("{name} (which can't be looked at)")).collect()),
    }
}

/// Makes an object: itself with its mark, then the parts that its creation can't make.
pub(super) async fn create(api: &dyn Api, region: &Region, want: &Request<'_>) -> Result<(), DriverError> {
    let tags = mark::write(want.mark, want.attributes);
    let key = api.create(region, want, &tags).await?;
    write(api, PartWrite { region, key: &key, before: &api.fresh(want.attributes), after: want.attributes }).await
}

/// Brings an object that was just seen to what is wanted, with as few calls as that takes, and its mark last.
pub(super) async fn update(
    api: &dyn Api,
    region: &Region,
    described: &Description,
    want: &Request<'_>,
) -> Result<(), DriverError> {
    let before = described.normal(want.kind);
    write(api, PartWrite { region, key: &described.key, before: &before, after: want.attributes }).await?;
    let tags = mark::merged(&described.tags, want.mark, want.attributes);
    if tags == described.tags {
        return Ok(());
    }
    api.retag(region, &described.key, &described.tags, tags).await
}

/// Writes the parts that differ.
async fn write(api: &dyn Api, change: PartWrite<'_>) -> Result<(), DriverError> {
    let differs = |name: &&str| change.before.get(name) != change.after.get(name);
    for part in api.parts().iter().filter(|part| part.covers.iter().any(differs)) {
        let gone = part.covers.iter().all(|name| change.after.get(name).is_null());
        match part.clear.filter(|_| gone) {
            Some(clear) => clear(change).await?,
            None => (part.write)(change).await?,
        }
    }
    Ok(())
}
