//! The values of secrets: where they are read.
//!
//! A spec holds references only. Whoever needs a value asks [`Secrets`], which tells [`Hidden`] what it gave out.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Class, DriverError, Hidden, Variables};
use crate::value::Value;

/// The largest secret. The largest that Kubernetes and Docker take is larger; what is this large is a file and no secret.
pub const LARGEST: u64 = 64 * 1024;

/// Resolves the references to secrets of one spec.
pub struct Secrets {
    /// Where relative paths begin.
    base: PathBuf,
    variables: Variables,
    hidden: Arc<Hidden>,
}

impl Secrets {
    /// The secrets of a spec whose folder is `base`. What is given out is kept out of texts from then on.
    #[must_use]
    pub const fn new(base: PathBuf, variables: Variables, hidden: Arc<Hidden>) -> Self {
        Self { base, variables, hidden }
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
        self.hidden.remember(&bytes, &place);
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
        self.hidden.remember(&bytes, &place);
        self.hidden.remember(bytes.trim_ascii_end(), &place);
        Ok(bytes)
    }

    /// The value of a variable that is a secret where it is set, and that nobody has to set.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<String> {
        let value = (self.variables)(name).filter(|value| !value.is_empty())?;
        self.hidden.remember(value.as_bytes(), &format!("${name}"));
        Some(value)
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
        f.debug_struct("Secrets").field("base", &self.base).field("hidden", &self.hidden).finish_non_exhaustive()
    }
}

/// Reads a file that may be a secret. A path that is no regular file may never end, or may block.
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

fn refused(why: String) -> DriverError {
    DriverError::new(Class::Invalid, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(base: &Path, values: &'static [(&'static str, &'static str)]) -> Secrets {
        let get = move |name: &str| values.iter().find(|(own, _)| *own == name).map(|(_, value)| (*value).to_owned());
        Secrets::new(base.to_owned(), Arc::new(get), Arc::default())
    }

    fn reference(how: &str, text: &str) -> Value {
        Value::Map([(how.into(), text.into())].into_iter().collect())
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
        assert_eq!(secrets.hidden.scrub("from-a-file and from-a-variable"), "(secret) and (secret)");
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
}
