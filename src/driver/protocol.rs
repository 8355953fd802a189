//! What holds for every driver alike, written once: whose an object is, what protects it, what may be taken over, what
//! may be lost, and what follows when an answer was lost on its way.

use super::contract::{Look, Request, Seen, Session};
use super::{Class, DriverError};
use crate::kind::{Kind, Outputs, Risk, Usage, Verdict};
use crate::mutation::{Mutation, broken};
use crate::observed::{Mark, Object};
use crate::value::Attributes;

/// Whether an object may be without the mark that it should have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ownership<'a> {
    /// It has to carry the mark of this very resource.
    Marked,
    /// It may also carry no mark: an interrupted run, or an attempt whose answer was lost, made it.
    OrUnmarked,
    /// It may also be whose it was when its adoption was approved: of this mark's resource, or nobody's.
    AsSeen(Option<&'a Mark>),
}

/// Makes an object. What of that identity is there already is brought to what is wanted when it is this resource's.
///
/// # Errors
/// [`Class::Conflict`] when something else is there; otherwise as the session says.
pub async fn create(
    session: &dyn Session,
    want: &Request<'_>,
    ownership: Ownership<'_>,
) -> Result<Outputs, DriverError> {
    if let Some(seen) = session.read(&look(want)).await? {
        owned(&seen.object, want.mark, ownership)?;
        return bring(session, want, seen).await;
    }
    match session.create(want).await {
        // An answer that was lost on the way makes an SDK ask again, and then it is there already.
        Err(error) if error.class == Class::Conflict => {
            let seen = session.read(&look(want)).await?;
            match seen.filter(|seen| owned(&seen.object, want.mark, Ownership::Marked).is_ok()) {
                Some(seen) => bring(session, want, seen).await,
                None => Err(error),
            }
        }
        other => other,
    }
}

/// Changes an object in place.
///
/// # Errors
/// [`Class::Conflict`] when it is gone or is somebody else's; otherwise as the session says.
pub async fn update(
    session: &dyn Session,
    want: &Request<'_>,
    ownership: Ownership<'_>,
) -> Result<Outputs, DriverError> {
    let seen = session.read(&look(want)).await?;
    let seen = seen.ok_or_else(gone)?;
    owned(&seen.object, want.mark, ownership)?;
    if want.most.is_some_and(|most| holds_more(want.kind, most, &seen.object.usage)) {
        return Err(DriverError::new(Class::Conflict, "it holds more than when it was looked at"));
    }
    bring(session, want, seen).await
}

/// Brings an object that is there to what is wanted. Where the plan showed that this loses something, what may be lost was
/// found out before, and `most` says it. Where the plan showed no loss, nothing is lost: somebody may have changed the object
/// since, or a listing did not have it when the plan was made.
async fn bring(session: &dyn Session, want: &Request<'_>, seen: Seen) -> Result<Outputs, DriverError> {
    let loss = |object: &Object| (want.kind.update_loss)(&object.attributes, want.attributes, &object.usage);
    if want.most.is_some() || broken(Mutation::IgnoreWhatUpdatesLose) || loss(&seen.object).is_none() {
        return session.update(&seen, want).await;
    }
    let counted = session.read(&Look { evidence: true, ..look(want) }).await?.ok_or_else(gone)?;
    match loss(&counted.object).filter(|verdict| verdict.risk > Risk::Safe) {
        Some(Verdict { evidence, .. }) => {
            let message = format!("it would lose what the plan did not show ({evidence}); plan again");
            Err(DriverError::new(Class::Conflict, message))
        }
        None => session.update(&counted, &Request { most: Some(&counted.object.usage), ..*want }).await,
    }
}

/// Deletes an object that the mark owns and that nothing protects, and that holds no more than `most`. What is not there is
/// deleted already.
///
/// # Errors
/// [`Class::Denied`] when its own mark protects it, [`Class::Conflict`] when it is somebody else's or holds more by now;
/// otherwise as the session says.
pub async fn delete(
    session: &dyn Session,
    look: &Look<'_>,
    mark: &Mark,
    ownership: Ownership<'_>,
    most: Option<&Usage>,
) -> Result<(), DriverError> {
    let Some(seen) = session.read(look).await? else { return session.release(mark).await };
    owned(&seen.object, mark, ownership)?;
    if seen.object.mark.as_ref().is_some_and(|mark| mark.protect) {
        return Err(DriverError::new(Class::Denied, "its own mark protects it"));
    }
    if most.is_some_and(|most| holds_more(look.kind, most, &seen.object.usage)) {
        return Err(DriverError::new(Class::Conflict, "it holds more than when it was looked at"));
    }
    session.delete(&seen).await?;
    session.release(mark).await
}

/// Before an object is deleted that the mark owns: sees to it that what it made stays.
///
/// # Errors
/// As the session says.
pub async fn spare(session: &dyn Session, look: &Look<'_>, mark: &Mark) -> Result<(), DriverError> {
    let seen = session.read(look).await?;
    match seen.filter(|seen| owned(&seen.object, mark, Ownership::Marked).is_ok()) {
        Some(seen) => session.spare(&seen).await,
        None => Ok(()),
    }
}

/// Takes the mark off an object, which stays. What is not there, or is not this resource's, is forgotten already.
///
/// # Errors
/// As the session says.
pub async fn forget(session: &dyn Session, look: &Look<'_>, mark: &Mark) -> Result<(), DriverError> {
    let seen = session.read(look).await?;
    if let Some(seen) = seen.filter(|seen| owned(&seen.object, mark, Ownership::Marked).is_ok()) {
        session.mark(&seen, None).await?;
    }
    session.release(mark).await
}

/// Whether an object holds more than it did, as far as its counters are exact; and of those that are not, whether there is
/// something where nothing was.
#[must_use]
pub fn holds_more(kind: &Kind, then: &Usage, now: &Usage) -> bool {
    let grown = |counter: &&str| match then.get(*counter).zip(now.get(*counter)) {
        Some((then, now)) if broken(Mutation::TakeABoundForAll) => now.least() > then.least(),
        Some((then, now)) if kind.counts_exactly(counter) => now.may_exceed(*then),
        Some((then, now)) => then.is_none() && now.least() > 0 && !broken(Mutation::LookOnce),
        None => false,
    };
    kind.usage.iter().any(grown)
}

/// Whether an attribute of an object is Atlas's business: the spec says it, or Atlas once applied it.
#[must_use]
pub fn is_managed(attribute: &str, mark: Option<&Mark>, wanted: Option<&Attributes>) -> bool {
    wanted.is_some_and(|wanted| !wanted.get(attribute).is_null())
        || mark.is_some_and(|mark| mark.digest_of(attribute).is_some())
}

/// Whether the mark on an object is of this resource, whatever else it says.
#[must_use]
pub fn is_owner(there: Option<&Mark>, owner: &Mark) -> bool {
    there.is_some_and(|mark| {
        (&mark.project, &mark.environment, &mark.address) == (&owner.project, &owner.environment, &owner.address)
    })
}

fn owned(object: &Object, owner: &Mark, ownership: Ownership<'_>) -> Result<(), DriverError> {
    let allowed = match ownership {
        Ownership::Marked => false,
        Ownership::OrUnmarked => object.mark.is_none(),
        Ownership::AsSeen(None) => object.mark.is_none(),
        Ownership::AsSeen(Some(mark)) => is_owner(object.mark.as_ref(), mark),
    };
    if allowed || is_owner(object.mark.as_ref(), owner) {
        return Ok(());
    }
    let whose = object.owner();
    Err(DriverError::new(Class::Conflict, format!("`{}` is there and belongs to {whose}", object.identity)))
}

fn gone() -> DriverError {
    DriverError::new(Class::Conflict, "it is gone")
}

const fn look<'a>(want: &Request<'a>) -> Look<'a> {
    Look { kind: want.kind, identity: want.identity, wanted: Some(want.attributes), evidence: want.most.is_some() }
}
