//! What a step is busy with while it takes long, told as it happens.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use super::Hidden;

/// What a step is busy with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Busy {
    /// What it does, in words that stay the same while it does that: "pulling redis:8".
    pub doing: String,
    /// How far it has come with it, where that can be told: "2 of 8 layers, 12.4 of 40.1 MB".
    pub amount: Option<String>,
}

/// Where a driver tells what a step is busy with. By default nobody listens.
#[derive(Clone, Default)]
pub struct Progress(Option<Arc<Listener>>);

struct Listener {
    hear: Box<dyn Fn(Busy) + Send + Sync>,
    last: Mutex<Option<Busy>>,
}

impl Progress {
    /// Tells a listener, and nothing twice in a row.
    pub fn to(hear: impl Fn(Busy) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(Listener { hear: Box::new(hear), last: Mutex::default() })))
    }

    /// The same listener, who hears no hidden value.
    #[must_use]
    pub fn without(&self, hidden: &Arc<Hidden>) -> Self {
        let Some(listener) = self.0.clone() else { return Self::default() };
        let hidden = Arc::clone(hidden);
        let scrub = move |text: String| hidden.scrub(&text).into_owned();
        Self::to(move |Busy { doing, amount }| {
            (listener.hear)(Busy { doing: scrub(doing), amount: amount.map(&scrub) })
        })
    }

    /// Tells what the step is busy with from now on.
    pub fn tell(&self, doing: impl Into<String>) {
        self.say(Busy { doing: doing.into(), amount: None });
    }

    /// Tells how far it has come with it.
    pub fn measure(&self, doing: impl Into<String>, amount: String) {
        self.say(Busy { doing: doing.into(), amount: Some(amount) });
    }

    fn say(&self, busy: Busy) {
        let Some(listener) = &self.0 else { return };
        let mut last = listener.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.as_ref() != Some(&busy) {
            *last = Some(busy.clone());
            (listener.hear)(busy);
        }
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Progress(heard)" } else { "Progress(unheard)" })
    }
}

impl fmt::Display for Busy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.amount {
            Some(amount) => write!(f, "{}, {amount}", self.doing),
            None => f.write_str(&self.doing),
        }
    }
}
