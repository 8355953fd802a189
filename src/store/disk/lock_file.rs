//! What the files of a lock and of its guard say: who holds it.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, Write as _};

use crate::store::lease::Holder;

/// What such a file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LockFile {
    /// Nothing: the file was made just now.
    Empty,
    /// Who holds the lock, or that nobody does.
    Holder(Holder),
    /// Nothing that can be read; the largest token that can be made out in it.
    Unreadable(u64),
}

impl LockFile {
    /// The largest token that is known from it.
    pub const fn token(&self) -> u64 {
        match self {
            Self::Empty => 0,
            Self::Holder(holder) => holder.token,
            Self::Unreadable(token) => *token,
        }
    }

    /// The holder that it names.
    pub fn holder(self) -> Option<Holder> {
        match self {
            Self::Holder(holder) => Some(holder),
            _ => None,
        }
    }

    /// Makes out what a text says.
    pub fn of(text: &[u8]) -> Self {
        if text.is_empty() {
            return Self::Empty;
        }
        match serde_json::from_slice::<Holder>(text) {
            Ok(holder) if holder.is_sound() => Self::Holder(holder),
            _ => Self::Unreadable(salvage(text)),
        }
    }
}

/// Reads such a file from its beginning.
pub fn read(file: &mut File) -> io::Result<LockFile> {
    // A holder is named in a few hundred bytes; whatever somebody else put there may be of any size.
    const MOST: u64 = 64 * 1024;
    let mut text = Vec::new();
    file.seek(io::SeekFrom::Start(0))?;
    file.take(MOST).read_to_end(&mut text)?;
    Ok(LockFile::of(&text))
}

/// Writes such a file.
pub fn put(file: &mut File, holder: &Holder) -> io::Result<()> {
    // One write, padded to one length, so that no reader sees half of it.
    let text = format!("{:<500}\n", serde_json::to_string(holder)?);
    file.seek(io::SeekFrom::Start(0))?;
    file.write_all(text.as_bytes())?;
    file.set_len(text.len() as u64)
}

/// The largest token that stands in a text which is not as it was written.
fn salvage(text: &[u8]) -> u64 {
    let text = String::from_utf8_lossy(text);
    let digits = text.split("\"token\":").skip(1).map(|rest| {
        let rest = rest.trim_start();
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        rest[..end].parse().unwrap_or_default()
    });
    digits.filter(|token| Holder::nobody(*token).is_sound()).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::LockFile;
    use crate::store::lease::Holder;

    #[test]
    fn what_is_no_note_is_unreadable_and_its_token_is_made_out() {
        let whole = serde_json::to_string(&Holder::this_process("atlas apply", 41)).expect("JSON");
        assert!(matches!(LockFile::of(whole.as_bytes()), LockFile::Holder(_)));
        assert_eq!(LockFile::of(b""), LockFile::Empty);
        for (text, token) in [
            (&b"\xff\xfe\x00"[..], 0),
            (b"   ", 0),
            (b"{}", 0),
            (b"[1, 2]", 0),
            (br#"{"pid":1,"host":"h","token": 77"#, 77),
            (br#"{"token":"x"}"#, 0),
            (br#"{"pid":"one","host":"h","command":"c","since":"s","token":78}"#, 78),
            // No larger token could follow this one.
            (br#"{"pid":1,"host":"h","command":"c","since":"s","token":18446744073709551615}"#, 0),
            (br#"{"pid":1,"host":"h","command":"c","since":"s","token":99999999999999999999999}"#, 0),
        ] {
            assert_eq!(LockFile::of(text), LockFile::Unreadable(token), "{}", String::from_utf8_lossy(text));
        }
    }
}
