//! What all steps of a run share, and how a step fails.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use foldhash::HashMap;
use tokio::sync::OnceCell;

use super::event::{Event, What};
use super::journal::Journal;
use crate::action::Verb;
use crate::address::Address;
use crate::driver::{Class, DriverError, Progress, Sessions};
use crate::identity::Identity;
use crate::observed::Object;
use crate::plan::{Known, Plan, Selector};

/// What all steps of a run share.
pub struct RunContext {
    pub plan: Arc<Plan>,
    pub sessions: Sessions,
    pub journal: Arc<dyn Journal>,
    pub allow_loss: Vec<Selector>,
    pub events: tokio::sync::mpsc::UnboundedSender<Event>,
    pub known: Mutex<Known<'static>>,
    pub stop: tokio::sync::watch::Receiver<bool>,
    pub contents: Mutex<HashMap<ContentsKey, Contents>>,
    /// The changes whose objects are to be in each host, by its identity and by their kind.
    pub inside: HashMap<ContentsKey, Vec<usize>>,
    /// The hosts that are deleted to be made anew, by identity.
    pub replaced: HashMap<Identity, ReplacedHost>,
}

impl RunContext {
    /// Tells what is being done at a resource, as events of the run.
    pub fn progress(&self, address: &Address, verb: Verb) -> Progress {
        let (events, address) = (self.events.clone(), address.clone());
        Progress::to(move |busy| {
            let _ = events.send(Event { address: address.clone(), verb, what: What::Busy(busy) });
        })
    }

    /// Waits, unless somebody asks to stop meanwhile; whether somebody did.
    pub async fn asked_to_stop(&self, wait: Duration) -> bool {
        let mut stop = self.stop.clone();
        let asked = async {
            // A sender that is gone will never ask.
            if stop.wait_for(|asked| *asked).await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            () = tokio::time::sleep(wait) => false,
            () = asked => true,
        }
    }
}

/// A host that is deleted to be made anew.
pub struct ReplacedHost {
    /// Its change.
    pub change: usize,
    /// Whether the new one can be made; found out once in a run, before the first thing in it is deleted.
    pub prepared: OnceCell<Result<(), StepError>>,
}

/// What the objects of one kind in one host are, by identity; asked at most once in a run.
pub type Contents = Arc<OnceCell<HashMap<Identity, Object>>>;

/// A host and a kind.
pub type ContentsKey = (Identity, &'static str);

/// Why a step failed.
#[derive(Clone, Debug)]
pub struct StepError {
    /// What sort of error it was; none when no driver was to blame.
    pub class: Option<Class>,
    /// Why, in words.
    pub text: String,
}

impl StepError {
    /// An error that no driver is to blame for.
    pub fn new(text: impl Into<String>) -> Self {
        Self { class: None, text: text.into() }
    }

    /// The error of a driver, after so many attempts.
    pub fn after(error: &DriverError, tries: u32) -> Self {
        let attempts = if tries > 1 { format!(" (after {tries} attempts)") } else { String::new() };
        Self { class: Some(error.class), text: format!("{}: {}{attempts}", error.class, error.chain()) }
    }
}

impl From<DriverError> for StepError {
    fn from(error: DriverError) -> Self {
        Self { class: Some(error.class), text: error.chain() }
    }
}
