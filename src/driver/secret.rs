//! The values of secrets: where they are read, and how they are kept out of every text that leaves.
//!
//! A spec holds references only. Whoever needs a value asks [`Secrets`], which remembers what it gave out, and takes it out of
//! texts again: an error message of an engine or a registry may repeat what it was sent.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use super::{Class, DriverError, Variables};
use crate::value::Value;

/// The largest secret. The largest that Kubernetes and Docker take is larger; what is this large is a file and no secret.
pub const LARGEST: u64 = 64 * 1024;
/// Values shorter than this stand in too many texts by chance to be taken out of them.
const SHORTEST: usize = 4;
/// Parts of a value, and of its encoded forms, are looked for from this length on.
const SHORTEST_PART: usize = 8;
/// What stands in the place of a value.
const INSTEAD: &str = "(secret)";

/// Resolves the references to secrets of one spec, and remembers their values.
pub struct Secrets {
    /// Where relative paths begin.
    base: PathBuf,
    variables: Variables,
    known: RwLock<KnownValues>,
}

/// Values, and the forms in which they are looked for.
#[derive(Default)]
struct KnownValues {
    values: BTreeSet<Vec<u8>>,
    /// By their first byte, the longest first.
    forms: BTreeMap<u8, Vec<String>>,
    /// Where values are that are too short to be taken out of texts.
    short: BTreeSet<String>,
}

impl Secrets {
    /// The secrets of a spec whose folder is `base`.
    #[must_use]
    pub fn new(base: PathBuf, variables: Variables) -> Self {
        Self { base, variables, known: RwLock::default() }
    }

    /// The value of a secret for whoever takes texts only, without the line break at the end of a file.
    ///
    /// # Errors
    /// When it is not there, is no text, or holds a NUL byte, which no environment variable can.
    pub fn text(&self, reference: &Value) -> Result<String, DriverError> {
        let (mut bytes, place) = self.read(reference)?;
        while bytes.last().is_some_and(|last| b"\r\n".contains(last)) {
            bytes.pop();
        }
        self.remember(&bytes, &place);
        if bytes.contains(&0) {
            return Err(refused(format!(
                "the secret in {place} holds a NUL byte, which nothing that takes a text can take"
            )));
        }
        String::from_utf8(bytes).map_err(|_| refused(format!("the secret in {place} is not UTF-8 text")))
    }

    /// The value of a secret for whoever takes any bytes, as it is.
    ///
    /// # Errors
    /// When it is not there.
    pub fn bytes(&self, reference: &Value) -> Result<Vec<u8>, DriverError> {
        let (bytes, place) = self.read(reference)?;
        self.remember(&bytes, &place);
        self.remember(bytes.trim_ascii_end(), &place);
        Ok(bytes)
    }

    /// Keeps a value out of texts from now on, wherever it comes from: a password of a registry, the token of a cluster.
    /// `place` says for people where it is.
    pub fn remember(&self, value: &[u8], place: &str) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
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
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
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
        self.known.read().unwrap_or_else(PoisonError::into_inner).short.iter().cloned().collect()
    }

    /// The bytes that a reference leads to, and where they are, for people.
    fn read(&self, reference: &Value) -> Result<(Vec<u8>, String), DriverError> {
        let get = |key: &str| reference.at(key).and_then(Value::as_str);
        if let Some(name) = get("env") {
            let value = (self.variables)(name)
                .filter(|value| !value.is_empty())
                .ok_or_else(|| refused(format!("the secret in ${name} is not set in this environment")))?;
            if value.len() as u64 > LARGEST {
                return Err(refused(format!("the secret in ${name} has more than {LARGEST} bytes")));
            }
            return Ok((value.into_bytes(), format!("${name}")));
        }
        let path = self.base.join(get("file").unwrap_or_default());
        let place = format!("`{}`", path.display());
        let bytes =
            read_file(&path).map_err(|error| refused(format!("the secret in {place} can't be read: {error}")))?;
        Ok((bytes, place))
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.known.read().unwrap_or_else(PoisonError::into_inner).values.len();
        f.debug_struct("Secrets").field("base", &self.base).field("known", &count).finish_non_exhaustive()
    }
}

/// Reads a file that may be a secret. What is no file may have no end, or wait for somebody.
fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    let regular = |metadata: fs::Metadata| match metadata.is_file() {
        true if metadata.len() > LARGEST => Err(io::Error::other(format!("it has more than {LARGEST} bytes"))),
        true => Ok(()),
        false if metadata.is_dir() => Err(io::Error::other("it is a folder")),
        false => Err(io::Error::other("it is no regular file")),
    };
    regular(fs::metadata(path)?)?;
    let file = File::open(path)?;
    regular(file.metadata()?)?;
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        return Err(io::Error::other(format!("it has more than {LARGEST} bytes")));
    }
    Ok(bytes)
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
        // Behind one or two bytes of something longer, `user:password` say, it comes out otherwise. The characters at both
        // ends depend on what stands there as well.
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

fn refused(why: String) -> DriverError {
    DriverError::new(Class::Invalid, why)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

    use super::*;

    fn secrets(base: &Path, values: &'static [(&'static str, &'static str)]) -> Secrets {
        let get = move |name: &str| values.iter().find(|(own, _)| *own == name).map(|(_, value)| (*value).to_owned());
        Secrets::new(base.to_owned(), Arc::new(get))
    }

    fn reference(how: &str, text: &str) -> Value {
        Value::Map([(how.into(), text.into())].into_iter().collect())
    }

    fn knowing(value: &str) -> Secrets {
        let secrets = secrets(Path::new(""), &[]);
        secrets.remember(value.as_bytes(), "a test");
        secrets
    }

    #[test]
    fn references_lead_to_variables_and_to_files() {
        let folder = tempfile::tempdir().expect("made");
        fs::write(folder.path().join("token"), "from-a-file\r\n").expect("written");
        let secrets = secrets(folder.path(), &[("TOKEN", "from-a-variable"), ("EMPTY", "")]);
        assert_eq!(secrets.text(&reference("env", "TOKEN")).expect("set"), "from-a-variable");
        assert_eq!(secrets.text(&reference("file", "token")).expect("there"), "from-a-file");
        assert_eq!(secrets.bytes(&reference("file", "token")).expect("there"), b"from-a-file\r\n");
        let error = secrets.text(&reference("env", "OTHER")).expect_err("not set").chain();
        assert_eq!(error, "the secret in $OTHER is not set in this environment");
        let error = secrets.text(&reference("env", "EMPTY")).expect_err("empty").chain();
        assert_eq!(error, "the secret in $EMPTY is not set in this environment");
        assert!(!format!("{secrets:?}").contains("from-a"));
        assert_eq!(secrets.scrub("from-a-file and from-a-variable"), "(secret) and (secret)");
    }

    #[test]
    fn what_is_no_bounded_file_is_refused() {
        let folder = tempfile::tempdir().expect("made");
        let path = |name: &str| folder.path().join(name);
        fs::create_dir(path("folder")).expect("made");
        File::create(path("large")).and_then(|file| file.set_len(LARGEST + 1)).expect("sparse");
        File::create(path("fits")).and_then(|file| file.set_len(LARGEST)).expect("sparse");
        fs::write(path("nul"), b"hunter2\0more").expect("written");
        fs::write(path("latin"), b"caf\xe9-hunter2").expect("written");
        let secrets = secrets(folder.path(), &[]);
        let said = |name: &str| secrets.text(&reference("file", name)).expect_err(name).chain();
        assert!(said("folder").contains("it is a folder"));
        assert!(said("gone").contains("can't be read"));
        assert!(said("large").contains("more than 65536 bytes"));
        assert!(said("nul").contains("holds a NUL byte") && !said("nul").contains("hunter2"));
        assert!(said("latin").contains("not UTF-8") && !said("latin").contains("hunter2"));
        assert_eq!(secrets.bytes(&reference("file", "nul")).expect("bytes").len(), 12);
        assert_eq!(secrets.bytes(&reference("file", "fits")).expect("bytes").len() as u64, LARGEST);
        #[cfg(unix)]
        {
            let _socket = std::os::unix::net::UnixListener::bind(path("socket")).expect("bound");
            assert!(said("socket").contains("no regular file"));
            assert!(said("/dev/zero").contains("no regular file"));
            std::os::unix::fs::symlink("/dev/zero", path("link")).expect("linked");
            assert!(said("link").contains("no regular file"));
        }
    }

    #[test]
    fn a_value_is_taken_out_in_every_form_in_which_it_travels() {
        let value = "p\"ss w/rd+\\€\n2nd line of it";
        let secrets = knowing(value);
        let json = serde_json::json!({ "error": value }).to_string();
        let debug = format!("{:?}", Some(value));
        let base64 = STANDARD.encode(value);
        let header = format!("Basic {}", STANDARD.encode(format!("user:{value}")));
        let other = format!("token={}", URL_SAFE_NO_PAD.encode(format!("ab{value}cd")));
        let percent = "p%22ss%20w%2Frd%2B%5C%E2%82%AC%0A2nd%20line%20of%20it";
        let form = percent.replace("%20", "+");
        let line = "the engine says: bad value `2nd line of it`";
        for text in [value, &json, &debug, &base64, &header, &other, percent, &percent.to_lowercase(), &form, line] {
            let scrubbed = secrets.scrub(text);
            assert!(scrubbed.contains("(secret)"), "{text} became {scrubbed}");
            for part in ["ss w", "2nd", "rd%2", "rd%2b", "cCJzcy"] {
                assert!(!scrubbed.contains(part), "{text} became {scrubbed}");
            }
        }
        assert!(matches!(secrets.scrub("nothing of it"), Cow::Borrowed("nothing of it")));
    }

    #[test]
    fn longer_values_go_before_shorter_ones_and_the_place_of_one_is_no_value() {
        let secrets = knowing("hunter2");
        secrets.remember(b"hunter2-and-more", "a test");
        secrets.remember(b"secret", "a test");
        assert_eq!(
            secrets.scrub("hunter2-and-more, hunter2, secrets, €hunter2€"),
            "(secret), (secret), (secret)s, €(secret)€"
        );
    }

    #[test]
    fn short_values_stay_and_that_is_said() {
        let secrets = secrets(Path::new(""), &[("PIN", "123"), ("LONGER", "1234")]);
        for name in ["PIN", "LONGER"] {
            secrets.text(&reference("env", name)).expect("set");
        }
        assert_eq!(secrets.scrub("123 and 1234"), "123 and (secret)");
        assert_eq!(secrets.too_short(), ["$PIN"]);
    }
}
