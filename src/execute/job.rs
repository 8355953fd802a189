//! One step with everything resolved: what it looks at first, what it asks of the session, and what is learnt of it.

use std::borrow::Cow;
use std::sync::PoisonError;

use tokio::time::Instant;

use super::context::{RunContext, StepError};
use super::look;
use super::newcomers;
use super::verdict;
use crate::action::{Action, Order, Verb};
use crate::driver::protocol::{self, Ownership};
use crate::driver::{DriverError, Look, Progress, Request, Session};
use crate::identity::Identity;
use crate::kind::{Catalog, Count, Facts, Outputs, Risk, Usage};
use crate::mutation::{Mutation, broken};
use crate::observed::{Condition, Mark, Object};
use crate::plan::{Change, Known, Resolved, Resolver as _, Step, Target, references};
use crate::value::Attributes;

/// A step with everything resolved.
pub enum Job<'a> {
    /// An object is made or changed.
    Make(Make<'a>),
    /// An object goes, or its mark does.
    Remove(Remove<'a>),
}

/// An object to make or to change.
pub struct Make<'a> {
    verb: Verb,
    change: &'a Change,
    target: &'a Target,
    /// What the spec asks for, with its references completed; other objects are named by address.
    attributes: Attributes,
    /// The same with what the API knows other objects by.
    resolved: Attributes,
    derived: Outputs,
    mark: Mark,
    /// What it may hold at most, when the change loses some of it.
    most: Option<Usage>,
}

/// An object to delete or to let go of.
pub struct Remove<'a> {
    verb: Verb,
    change: &'a Change,
    target: &'a Target,
    mark: &'a Mark,
    /// What it held when its deletion was last considered.
    most: Option<Usage>,
}

/// What has to be known of one attempt.
pub struct Attempt<'a> {
    /// Whether an attempt before may have had its effect although its answer was lost.
    pub doubtful: bool,
    /// When it has to be over.
    pub end: Instant,
    /// Where it tells what takes it long.
    pub progress: &'a Progress,
}

impl<'a> Job<'a> {
    /// Completes the references of a step.
    ///
    /// # Errors
    /// When something that it refers to is still unknown.
    pub fn new(shared: &RunContext, session: &dyn Session, step: &Step, change: &'a Change) -> Result<Self, StepError> {
        let verb = step.verb;
        if matches!(verb, Verb::Delete | Verb::Forget) {
            let target = change.before.as_ref().ok_or_else(|| StepError::new("there is nothing to remove"))?;
            let mark = target.mark.as_ref().ok_or_else(|| StepError::new("the object has no mark"))?;
            return Ok(Self::Remove(Remove { verb, change, target, mark, most: None }));
        }
        let known = shared.known.lock().unwrap_or_else(PoisonError::into_inner);
        let make = Make::new(session, verb, change, (&known, shared.sessions.kinds()))?;
        if let Some((name, _)) = make.attributes.iter().find(|(_, value)| !value.is_known()) {
            return Err(StepError::new(format!("`{name}` refers to something that is still unknown")));
        }
        Ok(Self::Make(make))
    }

    /// The object that it is about.
    pub fn identity(&self) -> &Identity {
        match self {
            Self::Make(Make { target, .. }) | Self::Remove(Remove { target, .. }) => &target.identity,
        }
    }

    /// Looks before acting, where the plan could not. False when there is nothing left to do.
    ///
    /// # Errors
    /// When something is not as the plan showed it, or can't be done.
    pub async fn ahead(&mut self, shared: &RunContext, session: &dyn Session) -> Result<bool, StepError> {
        match self {
            Self::Make(make) if make.verb == Verb::Create && make.change.deferred.is_some() => {
                make.still_missing(shared, session).await
            }
            Self::Make(make) if make.change.verdict.is_some() && make.verb != Verb::Create => {
                make.check_loss(shared, session).await.map(|()| true)
            }
            Self::Remove(remove) if remove.verb == Verb::Delete => {
                remove.check_loss(shared, session).await?;
                remove.prepare_successor(shared, session).await.map(|()| true)
            }
            _ => Ok(true),
        }
    }

    /// One attempt. After one that is doubtful, an object without a mark may be what that attempt made: it was not there
    /// when the plan was made, and its identity is journaled.
    ///
    /// # Errors
    /// As the session says.
    pub async fn act(&self, session: &dyn Session, attempt: &Attempt<'_>) -> Result<Outputs, DriverError> {
        match self {
            Self::Make(make) => make.act(session, attempt).await,
            Self::Remove(Remove { verb, change, target, mark, most }) => {
                let look = Look {
                    kind: &change.kind,
                    identity: &target.identity,
                    wanted: None,
                    evidence: *verb == Verb::Delete && most.is_some(),
                };
                if *verb == Verb::Forget {
                    protocol::forget(session, &look, mark).await?;
                } else {
                    let ownership = if target.unmarked { Ownership::OrUnmarked } else { Ownership::Marked };
                    if change.spares {
                        protocol::spare(session, &look, mark).await?;
                    }
                    protocol::delete(session, &look, mark, ownership, most.as_ref()).await?;
                }
                Ok(Outputs::new())
            }
        }
    }

    /// Learns what came of it. Values that the plan knew have to be the same.
    ///
    /// # Errors
    /// When it is not.
    pub fn conclude(&self, shared: &RunContext, outputs: Outputs) -> Result<(), StepError> {
        match self {
            Self::Make(make) => make.conclude(shared, outputs),
            Self::Remove(_) => Ok(()),
        }
    }
}

impl<'a> Make<'a> {
    fn new(
        session: &dyn Session,
        verb: Verb,
        change: &'a Change,
        (known, kinds): (&Known<'_>, &Catalog),
    ) -> Result<Self, StepError> {
        let target = change.after.as_ref().ok_or_else(|| StepError::new("there is nothing to make"))?;
        let attributes = known.resolve(&change.kind, &target.attributes).into_owned();
        let host = change.hosts.first().and_then(|host| known.outputs_of(host));
        let facts = Facts { attributes: &attributes, name: change.address.name(), place: change.address.place(), host };
        let derived = change.kind.derive_outputs(&facts);
        let resolved = if session.speaks_addresses() {
            attributes.clone()
        } else {
            let found = references::resolved(&change.kind, &attributes, known, kinds);
            found.map_err(|error| StepError::new(error.to_string()))?
        };
        let mark = target.mark.clone().ok_or_else(|| StepError::new("the object has no mark"))?;
        let mark = Mark { applied: target.applied(&attributes), ..mark };
        Ok(Self { verb, change, target, attributes, resolved, derived, mark, most: None })
    }

    fn request<'b>(&'b self, attempt: &Attempt<'b>) -> Request<'b> {
        Request {
            kind: &self.change.kind,
            identity: &self.target.identity,
            hosts: &self.target.hosts,
            attributes: &self.resolved,
            most: self.most.as_ref(),
            derived: &self.derived,
            mark: &self.mark,
            fields: &self.change.fields,
            limit: attempt.end.saturating_duration_since(Instant::now()),
            progress: attempt.progress,
        }
    }

    /// Whether what a deferred step is to make is not there yet. What is there already, just as it should be, is learnt.
    async fn still_missing(&self, shared: &RunContext, session: &dyn Session) -> Result<bool, StepError> {
        let there = look::inside(shared, session, &self.change.kind, self.target, &self.resolved).await?;
        match there {
            None => Ok(true),
            Some(object) if object.mark.as_ref() == Some(&self.mark) && object.attributes == self.resolved => {
                self.conclude(shared, object.outputs).map(|()| false)
            }
            Some(object) => Err(StepError::new(format!(
                "it is not as the plan showed: `{}` is there already and belongs to {}; plan again",
                object.identity,
                object.owner()
            ))),
        }
    }

    /// Looks at what a change in place would lose now.
    async fn check_loss(&mut self, shared: &RunContext, session: &dyn Session) -> Result<(), StepError> {
        let Some(object) = look::at(session, self.change, &self.target.identity).await? else { return Ok(()) };
        let verdict = (self.change.kind.update_loss)(&object.attributes, &self.attributes, &object.usage);
        if let Some(verdict) = verdict.filter(|_| !broken(Mutation::IgnoreWhatUpdatesLose)) {
            verdict::within(&shared.allow_loss, self.change, &verdict, &object.usage)?;
            let mut most = object.usage;
            if verdict.risk == Risk::Recoverable {
                // Nothing goes for good, so what comes until then does not matter.
                most.iter_mut().for_each(|(_, count)| *count = Count::Unknown);
            }
            self.most = Some(most);
        }
        Ok(())
    }

    async fn act(&self, session: &dyn Session, attempt: &Attempt<'_>) -> Result<Outputs, DriverError> {
        let want = self.request(attempt);
        let before = self.change.before.as_ref();
        match self.verb {
            // What is made together with its mark is never left without one.
            Verb::Create if self.target.unmarked || attempt.doubtful && !session.creates_marked(want.kind) => {
                protocol::create(session, &want, Ownership::OrUnmarked).await
            }
            Verb::Create => protocol::create(session, &want, Ownership::Marked).await,
            Verb::Adopt => {
                let mark = before.and_then(|before| before.mark.as_ref());
                protocol::update(session, &want, Ownership::AsSeen(mark)).await
            }
            _ => protocol::update(session, &want, Ownership::Marked).await,
        }
    }

    fn conclude(&self, shared: &RunContext, outputs: Outputs) -> Result<(), StepError> {
        let address = &self.change.address;
        let mut known = shared.known.lock().unwrap_or_else(PoisonError::into_inner);
        let planned = known.outputs_of(address).cloned().unwrap_or_default();
        let other = planned.iter().find(|(name, value)| outputs.get(*name).is_some_and(|now| now != *value));
        if let Some((name, value)) = other {
            let now = &outputs[name];
            return Err(StepError::new(format!("it is not as the plan showed: `{name}` is `{now}`, not `{value}`")));
        }
        if self.change.kind.hosts_others {
            shared.sessions.learn(self.object(outputs.clone()));
        }
        let facts = Resolved { attributes: Cow::Owned(self.attributes.clone()), outputs: Cow::Owned(outputs) };
        known.learn(address.clone(), facts);
        // What lives in it takes from it what is computed only now.
        known.fault_of(address).map_or(Ok(()), |fault| Err(StepError::new(fault)))
    }

    /// The object as it is after this step: what lives in it is made in sessions on it.
    fn object(&self, outputs: Outputs) -> Object {
        Object {
            kind: self.change.kind.clone(),
            identity: self.target.identity.clone(),
            hosts: self.target.hosts.clone(),
            attributes: self.attributes.clone(),
            outputs,
            usage: Usage::new(),
            mark: Some(self.mark.clone()),
            external: false,
            unsaid: Vec::new(),
            condition: Condition::Ready,
        }
    }
}

impl Remove<'_> {
    /// Looks at what the deletion would lose now.
    async fn check_loss(&mut self, shared: &RunContext, session: &dyn Session) -> Result<(), StepError> {
        let Some(object) = look::at(session, self.change, &self.target.identity).await? else { return Ok(()) };
        if self.change.spares {
            // What it made stays, however much that is.
            return Ok(());
        }
        let verdict = (self.change.kind.loss)(&object.usage);
        verdict::within(&shared.allow_loss, self.change, &verdict, &object.usage)?;
        if self.change.kind.hosts_others {
            newcomers::refuse(shared, &object).await?;
        }
        self.most = Some(object.usage);
        Ok(())
    }

    /// Before an object is deleted to be made anew, all that can be done for the new one is: what can't be made must not
    /// leave the old one deleted. The same holds for the hosts that are made anew around it, whose contents go first.
    async fn prepare_successor(&self, shared: &RunContext, session: &dyn Session) -> Result<(), StepError> {
        if self.change.action != Action::Replace(Order::DeleteFirst) {
            return Ok(());
        }
        for host in &self.target.hosts {
            let chain = std::iter::successors(Some(host.clone()), Identity::host);
            for replaced in chain.filter_map(|host| shared.replaced.get(&host)) {
                let change = &shared.plan.changes[replaced.change];
                let prepared = replaced.prepared.get_or_init(|| prepare_host(shared, change)).await;
                prepared.clone()?;
            }
        }
        prepare(shared, session, self.change).await.map_err(|error| nothing_deleted(&error, "what comes after it"))
    }
}

async fn prepare_host(shared: &RunContext, change: &Change) -> Result<(), StepError> {
    let hosts = change.before.as_ref().map(|before| before.hosts.as_slice()).unwrap_or_default();
    let session = shared.sessions.keeper(&change.kind, hosts).await?;
    let prepared = prepare(shared, session.as_ref(), change).await;
    prepared.map_err(|error| nothing_deleted(&error, &format!("{} around it", change.address)))
}

/// Does all that can be done for an object before it is made. References that only come later are left out.
async fn prepare(shared: &RunContext, session: &dyn Session, change: &Change) -> Result<(), DriverError> {
    let make = {
        let known = shared.known.lock().unwrap_or_else(PoisonError::into_inner);
        Make::new(session, Verb::Create, change, (&known, shared.sessions.kinds()))
    };
    // What it names may only be made after the old one is gone; then nothing can be said yet.
    let Ok(mut make) = make else { return Ok(()) };
    let open: Vec<&'static str> =
        make.resolved.iter().filter(|(_, value)| !value.is_known()).map(|(name, _)| name).collect();
    open.into_iter().for_each(|name| make.resolved.set(name, crate::value::Value::Null));
    let end = Instant::now() + std::time::Duration::from_secs(change.timeout);
    let attempt = Attempt { doubtful: false, end, progress: &Progress::default() };
    session.prepare(&make.request(&attempt)).await
}

fn nothing_deleted(error: &DriverError, what: &str) -> StepError {
    let text = format!("{}: nothing was deleted, as {what} can't be made: {}", error.class, error.chain());
    StepError { class: Some(error.class), text }
}
