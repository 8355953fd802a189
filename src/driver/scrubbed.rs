//! A session whose texts repeat no hidden value, whatever driver it is of: every session of a run is opened as one.

use std::borrow::Cow;
use std::sync::Arc;

use async_trait::async_trait;

use super::calls::Calls;
use super::contract::{Claims, Listing, Look, Preview, Request, Seen, Session};
use super::{DriverError, Hidden};
use crate::kind::{Kind, KindRef, Outputs};
use crate::observed::{Condition, Mark, Object};

/// A session, what its texts must not repeat, and where its calls are counted.
pub struct ScrubbedSession {
    pub inner: Arc<dyn Session>,
    pub hidden: Arc<Hidden>,
    /// The name of its driver.
    pub driver: &'static str,
    pub calls: Arc<Calls>,
}

impl ScrubbedSession {
    fn result<T>(&self, result: Result<T, DriverError>) -> Result<T, DriverError> {
        self.calls.count(self.driver, result.as_ref().err().map(|error| error.class));
        result.map_err(|error| scrubbed(error, &self.hidden))
    }

    fn text(&self, text: &mut String) {
        if let Cow::Owned(scrubbed) = self.hidden.scrub(text) {
            *text = scrubbed;
        }
    }

    fn object(&self, object: &mut Object) {
        match &mut object.condition {
            Condition::Ready => {}
            Condition::Progressing(reason) | Condition::Degraded(reason) | Condition::Unknown(reason) => {
                self.text(reason);
            }
        }
    }
}

/// An error that repeats no hidden value. One that repeats none stays as it is, with all that it comes from.
pub fn scrubbed(error: DriverError, hidden: &Hidden) -> DriverError {
    match hidden.scrub(&error.chain()) {
        Cow::Borrowed(_) => error,
        Cow::Owned(text) => DriverError::new(error.class, text),
    }
}

#[async_trait]
impl Session for ScrubbedSession {
    fn speaks_addresses(&self) -> bool {
        self.inner.speaks_addresses()
    }

    fn creates_marked(&self, kind: &Kind) -> bool {
        self.inner.creates_marked(kind)
    }

    async fn list(&self, kinds: &[KindRef], claims: &Claims<'_>) -> Result<Listing, DriverError> {
        let mut listing = self.result(self.inner.list(kinds, claims).await)?;
        listing.objects.iter_mut().for_each(|object| self.object(object));
        listing.unreachable.values_mut().for_each(|reason| self.text(reason));
        Ok(listing)
    }

    async fn survey(&self, kinds: &[KindRef]) -> Result<Listing, DriverError> {
        let mut listing = self.result(self.inner.survey(kinds).await)?;
        listing.unreachable.values_mut().for_each(|reason| self.text(reason));
        Ok(listing)
    }

    async fn read(&self, look: &Look<'_>) -> Result<Option<Seen>, DriverError> {
        let mut seen = self.result(self.inner.read(look).await)?;
        seen.iter_mut().for_each(|seen| self.object(&mut seen.object));
        Ok(seen)
    }

    async fn writers(&self, seen: &Seen) -> Vec<String> {
        let mut writers = self.inner.writers(seen).await;
        writers.iter_mut().for_each(|writer| self.text(writer));
        writers
    }

    fn has_previews(&self, kind: &Kind) -> bool {
        self.inner.has_previews(kind)
    }

    async fn preview(&self, want: &Request<'_>) -> Result<Option<Preview>, DriverError> {
        let mut preview = self.result(self.inner.preview(want).await)?;
        let texts = preview.iter_mut().flat_map(|preview| [&mut preview.is_fixed, &mut preview.is_refused]);
        texts.flatten().for_each(|why| self.text(why));
        Ok(preview)
    }

    async fn prepare(&self, want: &Request<'_>) -> Result<(), DriverError> {
        let progress = want.progress.without(&self.hidden);
        self.result(self.inner.prepare(&Request { progress: &progress, ..*want }).await)
    }

    async fn create(&self, want: &Request<'_>) -> Result<Outputs, DriverError> {
        let progress = want.progress.without(&self.hidden);
        self.result(self.inner.create(&Request { progress: &progress, ..*want }).await)
    }

    async fn update(&self, seen: &Seen, want: &Request<'_>) -> Result<Outputs, DriverError> {
        let progress = want.progress.without(&self.hidden);
        self.result(self.inner.update(seen, &Request { progress: &progress, ..*want }).await)
    }

    async fn delete(&self, seen: &Seen) -> Result<(), DriverError> {
        self.result(self.inner.delete(seen).await)
    }

    async fn spare(&self, seen: &Seen) -> Result<(), DriverError> {
        self.result(self.inner.spare(seen).await)
    }

    async fn release(&self, mark: &Mark) -> Result<(), DriverError> {
        self.result(self.inner.release(mark).await)
    }

    async fn mark(&self, seen: &Seen, mark: Option<&Mark>) -> Result<(), DriverError> {
        self.result(self.inner.mark(seen, mark).await)
    }
}
