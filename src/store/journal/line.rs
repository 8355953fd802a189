//! The lines of a journal: each is JSON, a space, and eight hexadecimal characters that tell whether it is whole.

use std::collections::BTreeMap;
use std::io;

use serde::{Deserialize, Serialize};

use crate::action::Verb;
use crate::address::Address;
use crate::execute::{Entry, Outcome};
use crate::recorded::{Damage, Intent, Recorded};
use crate::store::history::Run;
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
    Opens(Intent, Address),
    Settles(Intent),
}

impl Line {
    pub fn turn(&self) -> Option<Turn> {
        let intent = |entry: &Entry| Intent::new(entry.identity.as_str(), entry.place.as_str());
        match self {
            Self::Intent(entry) if entry.may_leave_unmarked() => {
                Some(Turn::Opens(intent(entry), entry.address.clone()))
            }
            Self::Outcome { entry, outcome } if outcome.settles() => Some(Turn::Settles(intent(entry))),
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
    for (Intent { identity, place }, address) in &open.pending {
        let entry = Entry::new(usize::MAX, address, Verb::Create, identity).at(place);
        text.push_str(&Line::Intent(entry).text()?);
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
    let mut pending = BTreeMap::new();
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
        match line.turn() {
            Some(Turn::Opens(intent, address)) => drop(pending.insert(intent, address)),
            Some(Turn::Settles(intent)) => drop(pending.remove(&intent)),
            None => {}
        }
    }
    Recorded { pending, damage }
}

/// The lines of a journal that are not as they were written.
pub fn unreadable(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let whole = text.split_inclusive(|byte| *byte == b'\n');
    whole.filter(|line| line.strip_suffix(b"\n").is_some_and(|line| Line::read(line).is_none()))
}

#[cfg(test)]
mod tests {
    use super::{Line, opening, recover};
    use crate::action::Verb;
    use crate::address::Address;
    use crate::execute::{Entry, Outcome};
    use crate::recorded::{Intent, Recorded};
    use crate::store::history::Run;

    #[test]
    fn a_damaged_line_is_passed_over_and_counted() {
        let mut open = Recorded::default();
        for name in ["a", "b", "c"] {
            open.pending.insert(Intent::new(name, ""), Address::new("bucket", name, None));
        }
        let whole = opening(&Run::now("apply", "f".into()), &open).expect("written").into_bytes();
        assert_eq!(recover(&whole), open);
        for at in 0..whole.len() {
            let mut one = whole.clone();
            one[at] ^= 0x80;
            let known = recover(&one);
            assert!(known.damage.lines > 0 || known.damage.torn, "a changed byte at {at} went unseen");
            assert!(known.pending.len() >= 2 || one[at] == b'\n' ^ 0x80, "byte {at} cost more than its line");
            let cut = recover(&whole[..at]);
            assert_eq!(cut.damage.torn, at > 0 && whole[at - 1] != b'\n');
            assert_eq!(cut.damage.lines, 0);
        }
    }

    #[test]
    fn an_intent_keeps_its_place_however_often_it_is_carried_over() {
        let mut open = Recorded::default();
        let odd = "\u{1b}[2J \" \n an odd one";
        for (name, place) in [("a", "account 444455556666"), ("a", "account 5"), ("a", ""), ("b", ""), ("c", odd)] {
            open.pending.insert(Intent::new(name, place), Address::new("bucket", name, None));
        }
        let mut known = open.clone();
        for run in 0..3 {
            known = recover(opening(&Run::now("apply", run.to_string()), &known).expect("written").as_bytes());
            assert_eq!(known, open);
        }
    }

    #[test]
    fn what_is_settled_in_one_account_stays_open_in_another() {
        let entry = |place: &str| Entry::new(0, &Address::new("bucket", "a", None), Verb::Create, "bucket/a").at(place);
        let (one, other) = (entry("account 1"), entry("account 2"));
        let done = Line::Outcome { entry: other.clone(), outcome: Outcome::Done };
        let lines = [Line::Intent(one), Line::Intent(other), done];
        let text: String = lines.iter().map(|line| line.text().expect("written")).collect();
        let open: Vec<Intent> = recover(text.as_bytes()).pending.into_keys().collect();
        assert_eq!(open, [Intent::new("bucket/a", "account 1")]);
    }

    #[test]
    fn an_intent_of_an_older_version_has_an_unknown_place() {
        let json = r#"{"intent":{"step":0,"address":"bucket.a","verb":"create","identity":"bucket/a"}}"#;
        let line = format!("{json} {}\n", crate::value::short_hash(json.as_bytes()));
        let known = recover(line.as_bytes());
        let intent = Intent::new("bucket/a", "");
        assert_eq!(known.pending[&intent], Address::new("bucket", "a", None));
        assert!(intent.may_be_at("account 1"), "nothing says that it was elsewhere");
        // And what has none is written as the older version writes it.
        assert!(!opening(&Run::now("apply", "f".into()), &known).expect("written").contains("place"));
    }
}
