//! The regions of AWS themselves: they are there, or they do not answer.

use std::sync::Arc;

use async_trait::async_trait;

use super::assumed::AssumedRole;
use super::error::reason;
use super::region::{REGION, Reaches, RegionSettings};
use crate::driver::{Claims, Class, DriverError, Listing, Look, Request, Seen, Session, with_retries};
use crate::identity::{Identity, host_of};
use crate::kind::{KindRef, Outputs, Usage};
use crate::observed::{Condition, Mark, Object};
use crate::value::{Attributes, Value};

/// Tells of the wanted regions that are AWS's own. Atlas neither makes nor changes one.
pub(super) struct External {
    reaches: Arc<Reaches>,
}

impl External {
    pub const fn new(reaches: Arc<Reaches>) -> Self {
        Self { reaches }
    }

    /// Asks a region who is calling: what answers is there, and tells its account.
    async fn ask(&self, kind: &KindRef, identity: &Identity, wanted: &Attributes) -> Result<Object, DriverError> {
        let reach = self.reaches.of(RegionSettings::of_external(&identity.name(), wanted));
        let account = with_retries(|| reach.caller()).await?;
        tracing::debug!(region = %identity, account, "the region answers");
        refuse_others(&account, wanted)?;
        Ok(Object {
            kind: kind.clone(),
            identity: identity.clone(),
            hosts: Vec::new(),
            attributes: std::iter::once(("aws", wanted.get("aws").clone())).collect(),
            outputs: reach.outputs(account),
            usage: Usage::default(),
            mark: None,
            external: true,
            unsaid: Vec::new(),
            condition: Condition::Ready,
        })
    }
}

#[async_trait]
impl Session for External {
    async fn list(&self, kinds: &[KindRef], claims: &Claims<'_>) -> Result<Listing, DriverError> {
        let mut listing = Listing::default();
        let Some(kind) = kinds.iter().find(|kind| kind.name == REGION) else { return Ok(listing) };
        let wanted = claims.wanted.iter().filter_map(|(identity, attributes)| {
            let attributes = (*attributes)?;
            let is_region = identity.starts_with("region/") && host_of(identity).is_none();
            (is_region && is_external(attributes)).then(|| (Identity::from_text(*identity), attributes))
        });
        let asked = wanted.map(|(identity, attributes)| async move {
            let answer = self.ask(kind, &identity, attributes).await;
            (identity, answer)
        });
        for (identity, answer) in futures_util::future::join_all(asked).await {
            match answer {
                Ok(object) => listing.objects.push(object),
                Err(error) => drop(listing.unreachable.insert(identity, reason(&error))),
            }
        }
        listing.objects.sort_by(|a, b| a.identity.cmp(&b.identity));
        Ok(listing)
    }

    async fn read(&self, look: &Look<'_>) -> Result<Option<Seen>, DriverError> {
        match look.wanted.filter(|wanted| is_external(wanted)) {
            Some(wanted) => self.ask(look.kind, look.identity, wanted).await.map(|object| Some(Seen::new(object))),
            None => Ok(None),
        }
    }

    async fn create(&self, want: &Request<'_>) -> Result<Outputs, DriverError> {
        Err(never_made(want.identity))
    }

    async fn update(&self, _: &Seen, want: &Request<'_>) -> Result<Outputs, DriverError> {
        Err(never_made(want.identity))
    }

    async fn delete(&self, seen: &Seen) -> Result<(), DriverError> {
        Err(never_made(&seen.object.identity))
    }

    async fn mark(&self, seen: &Seen, _: Option<&Mark>) -> Result<(), DriverError> {
        Err(never_made(&seen.object.identity))
    }
}

/// Refuses credentials of an account in which the region may not be used, before anything else is asked with them.
fn refuse_others(account: &str, wanted: &Attributes) -> Result<(), DriverError> {
    let allowed = wanted.at("aws.accounts").map(Value::items).unwrap_or_default();
    if allowed.is_empty() || allowed.iter().any(|one| one.as_str() == Some(account)) {
        return Ok(());
    }
    let allowed: Vec<&str> = allowed.iter().filter_map(Value::as_str).collect();
    let (whose, other) = match AssumedRole::of(wanted) {
        Some(role) => (format!("the role `{}` is", role.arn), "assume another role"),
        None => ("the credentials are".to_owned(), "take other credentials"),
    };
    let why = format!(
        "{whose} of account {account}, and the spec allows {} here; {other}, or correct `accounts`",
        allowed.join(", ")
    );
    Err(DriverError::new(Class::Denied, why))
}

fn is_external(attributes: &Attributes) -> bool {
    !attributes.get("aws").is_null()
}

fn never_made(identity: &Identity) -> DriverError {
    DriverError::new(Class::Invalid, format!("`{identity}` is AWS's, which nobody makes, changes or removes"))
}
