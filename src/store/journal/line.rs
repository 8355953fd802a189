//! The lines of a journal: each is JSON, a space, and eight hexadecimal characters that tell whether it is whole.

use std::collections::BTreeMap;
use std::io;

use serde::{Deserialize, Serialize};

use crate::action::Verb;
use crate::address::Address;
use crate::execute::{Entry, Outcome};
use crate::recorded::{Damage, Recorded};
use crate::store::Run;
use crate::value::short_hash;

/// One line.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Line {
    Run(Run),
    Intent(Entry),
    Outcome {
        #[serde(flatten)]
        entry: Entry,
        #[serde(flatten)]
        outcome: Outcome,
    },
    /// The last line of a run that left nothing open.
    Settled {},
}

/// What a line means for the objects that a crash may leave without a mark.
pub enum Turn {
    Opens(String),
    Settles(String),
}

impl Line {
    pub fn turn(&self) -> Option<Turn> {
        match self {
            Self::Intent(entry) if entry.verb == "create" || entry.verb == "adopt" => {
                Some(Turn::Opens(entry.identity.clone()))
            }
            Self::Outcome { entry, outcome } if outcome.settles() => Some(Turn::Settles(entry.identity.clone())),
            _ => None,
        }
    }

    /// The line as it is written, its end included.
    pub fn text(&self) -> io::Result<String> {
        let json = serde_json::to_string(self)?;
        let sum = short_hash(json.as_bytes());
        Ok(format!("{json} {sum}\n"))
    }

    /// Reads a line without its end; none when it is not as it was written.
    fn read(text: &[u8]) -> Option<Self> {
        let (json, sum) = std::str::from_utf8(text).ok()?.rsplit_once(' ')?;
        (short_hash(json.as_bytes()) == sum).then(|| serde_json::from_str(json).ok())?
    }
}

/// The first lines of a journal: its run, and what earlier runs left open.
///
/// Invariant: read back, they leave open exactly what was open.
pub fn opening(run: &Run, open: &Recorded) -> io::Result<String> {
    let mut text = Line::Run(run.clone()).text()?;
    for (identity, address) in &open.pending {
        text.push_str(&Line::Intent(Entry::new(usize::MAX, address, Verb::Create, identity)).text()?);
    }
    if recover(text.as_bytes()).pending != open.pending {
        return Err(io::Error::other("what earlier runs left open can't be carried over: it does not read as it was"));
    }
    Ok(text)
}

/// What the text of a journal leaves open.
///
/// Invariants: an intent is on disk before its effect begins, so what no line names has not been begun. Every line is
/// whole, except that a crash may cut off the last one, which then counts as not written. An intent without an outcome
/// that settles it means that its effect may have happened. A line that is not as it was written is passed over and
/// counted: what it said is not known, and the lines behind it count all the same.
pub fn recover(text: &[u8]) -> Recorded {
    let mut pending: BTreeMap<String, Address> = BTreeMap::new();
    let mut damage = Damage::default();
    for whole in text.split_inclusive(|byte| *byte == b'\n') {
        let Some(line) = whole.strip_suffix(b"\n") else {
            damage.torn = true;
            continue;
        };
        let Some(line) = Line::read(line) else {
            damage.lines += 1;
            continue;
        };
        match (line.turn(), line) {
            (Some(Turn::Opens(identity)), Line::Intent(entry)) => {
                pending.insert(identity, entry.address);
            }
            (Some(Turn::Settles(identity)), _) => {
                pending.remove(&identity);
            }
            _ => {}
        }
    }
    Recorded { pending, damage }
}
