//! Values that no text may repeat: what was given out of secrets, and what a registry or a cluster was shown.
//!
//! Whoever reads such a value says so here. Whatever leaves a driver, an error, a reason, the progress of a step, and every line
//! of the log goes through [`Hidden::scrub`]: an engine or a registry may repeat what it was sent.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// Values shorter than this stand in too many texts by chance to be taken out of them.
const SHORTEST: usize = 4;
/// Parts of a value, and of its encoded forms, are looked for from this length on.
const SHORTEST_PART: usize = 8;
/// What stands in the place of a value.
const INSTEAD: &str = "(secret)";

/// The values that no text of one process may repeat.
#[derive(Default)]
pub struct Hidden(RwLock<KnownValues>);

/// Values, and the forms in which they are looked for.
#[derive(Default)]
struct KnownValues {
    values: BTreeSet<Vec<u8>>,
    /// By their first byte, the longest first.
    forms: BTreeMap<u8, Vec<String>>,
    /// Where values are that are too short to be taken out of texts.
    short: BTreeSet<String>,
}

impl Hidden {
    /// Keeps a value out of texts from now on, wherever it comes from: a password of a registry, the token of a cluster.
    /// `place` says for people where it is.
    pub fn remember(&self, value: &[u8], place: &str) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if value.is_empty() || known.values.contains(value) {
            return;
        }
        known.values.insert(value.to_owned());
        if value.len() < SHORTEST {
            known.short.insert(place.to_owned());
            return;
        }
        for form in forms(value) {
            let Some(first) = form.bytes().next() else { continue };
            let list = known.forms.entry(first).or_default();
            if !list.contains(&form) {
                list.push(form);
                list.sort_by_key(|form| std::cmp::Reverse(form.len()));
            }
        }
    }

    /// A text without the values that were given out, plain or in the forms in which they travel: base64, also as a part of
    /// something longer, URL-encoded, and escaped as in JSON.
    #[must_use]
    pub fn scrub<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if known.forms.is_empty() {
            return Cow::Borrowed(text);
        }
        let mut scrubbed = String::new();
        let (mut at, mut kept) = (0, 0);
        while let Some(first) = text.as_bytes().get(at) {
            // A form is whole UTF-8, and so is the text: what is equal byte by byte begins and ends where characters do.
            let found = known
                .forms
                .get(first)
                .and_then(|forms| forms.iter().find(|form| text.as_bytes()[at..].starts_with(form.as_bytes())));
            match found {
                Some(form) => {
                    scrubbed.push_str(&text[kept..at]);
                    scrubbed.push_str(INSTEAD);
                    at += form.len();
                    kept = at;
                }
                None => at += 1,
            }
        }
        if kept == 0 {
            return Cow::Borrowed(text);
        }
        scrubbed.push_str(&text[kept..]);
        Cow::Owned(scrubbed)
    }

    /// Where secrets are that can't be kept out of texts, because they are so short that they stand in many by chance.
    #[must_use]
    pub fn too_short(&self) -> Vec<String> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).short.iter().cloned().collect()
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.read().unwrap_or_else(PoisonError::into_inner).values.len();
        write!(f, "Hidden({count})")
    }
}

/// The forms in which a value stands in texts.
fn forms(value: &[u8]) -> BTreeSet<String> {
    let mut forms = BTreeSet::new();
    if let Ok(text) = std::str::from_utf8(value) {
        forms.insert(text.to_owned());
        forms.insert(text.escape_debug().to_string());
        let json = serde_json::to_string(text).unwrap_or_default();
        forms.extend(json.get(1..json.len().saturating_sub(1)).map(str::to_owned));
        // Of a key of several lines an error may show one.
        let lines =
            text.lines().map(str::trim).filter(|line| line.len() >= SHORTEST_PART && !line.starts_with("-----"));
        forms.extend(lines.map(str::to_owned));
    }
    forms.extend([escaped(value, false, false), escaped(value, true, false), escaped(value, false, true)]);
    for encoding in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
        let whole = encoding.encode(value);
        let padding = "=".repeat((4 - whole.len() % 4) % 4);
        forms.insert(format!("{whole}{padding}"));
        forms.insert(whole);
        // The base64 form inside a longer text, `user:password` say, depends on the offset there. Its first and last
        // characters depend on the neighbours, and are left out.
        for shift in 0..3_usize {
            let shifted = encoding.encode([&[0; 2][..shift], value].concat());
            let (from, to) = ((shift * 8).div_ceil(6), (shift + value.len()) * 8 / 6);
            forms.extend(shifted.get(from..to).filter(|part| part.len() >= SHORTEST_PART).map(str::to_owned));
        }
    }
    forms.retain(|form| form.len() >= SHORTEST);
    forms
}

/// A value as it stands in a URL; in a form, a space is a plus.
fn escaped(value: &[u8], small: bool, form: bool) -> String {
    let mut text = String::with_capacity(value.len());
    for byte in value {
        match byte {
            b' ' if form => text.push('+'),
            byte if byte.is_ascii_alphanumeric() || b"-_.~".contains(byte) => text.push(char::from(*byte)),
            byte if small => text.push_str(&format!("%{byte:02x}")),
            byte => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

    use super::*;

    fn knowing(value: &str) -> Hidden {
        let hidden = Hidden::default();
        hidden.remember(value.as_bytes(), "a test");
        hidden
    }

    #[test]
    fn a_value_is_taken_out_in_every_form_in_which_it_travels() {
        let value = "p\"ss w/rd+\\€\n2nd line of it";
        let hidden = knowing(value);
        let json = serde_json::json!({ "error": value }).to_string();
        let debug = format!("{:?}", Some(value));
        let base64 = STANDARD.encode(value);
        let header = format!("Basic {}", STANDARD.encode(format!("user:{value}")));
        let other = format!("token={}", URL_SAFE_NO_PAD.encode(format!("ab{value}cd")));
        let percent = "p%22ss%20w%2Frd%2B%5C%E2%82%AC%0A2nd%20line%20of%20it";
        let form = percent.replace("%20", "+");
        let line = "the engine says: bad value `2nd line of it`";
        for text in [value, &json, &debug, &base64, &header, &other, percent, &percent.to_lowercase(), &form, line] {
            let scrubbed = hidden.scrub(text);
            assert!(scrubbed.contains("(secret)"), "{text} became {scrubbed}");
            for part in ["ss w", "2nd", "rd%2", "rd%2b", "cCJzcy"] {
                assert!(!scrubbed.contains(part), "{text} became {scrubbed}");
            }
        }
        assert!(matches!(hidden.scrub("nothing of it"), Cow::Borrowed("nothing of it")));
    }

    #[test]
    fn longer_values_go_before_shorter_ones_and_the_place_of_one_is_no_value() {
        let hidden = knowing("hunter2");
        hidden.remember(b"hunter2-and-more", "a test");
        hidden.remember(b"secret", "a test");
        assert_eq!(
            hidden.scrub("hunter2-and-more, hunter2, secrets, €hunter2€"),
            "(secret), (secret), (secret)s, €(secret)€"
        );
    }

    #[test]
    fn short_values_stay_and_that_is_said() {
        let hidden = knowing("123");
        hidden.remember(b"1234", "$LONGER");
        assert_eq!(hidden.scrub("123 and 1234"), "123 and (secret)");
        assert_eq!(hidden.too_short(), ["a test"]);
    }
}
