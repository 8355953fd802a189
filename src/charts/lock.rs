//! The file of locked charts: which version each published chart is taken in, and the digest of its archive.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Deserialize;

use crate::desired::PublishedChart;
use crate::spec::quoted;

/// The form of the file that this program reads and writes.
const FORM: u32 = 1;
/// What stands before the digits of a digest.
const SHA256: &str = "sha256:";

/// The charts that are pinned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChartLock(BTreeMap<PublishedChart, LockedChart>);

/// What a published chart is pinned to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockedChart {
    /// The version.
    pub version: String,
    /// The SHA-256 of the archive, in 64 hexadecimal digits.
    pub digest: String,
    /// Where the archive of a chart in a repository is.
    pub url: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LockLines {
    version: u32,
    #[serde(default)]
    chart: Vec<LockLine>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LockLine {
    name: String,
    repository: Option<String>,
    #[serde(default)]
    wanted: String,
    version: String,
    digest: String,
    url: Option<String>,
}

impl ChartLock {
    /// Reads the text of a lock.
    ///
    /// # Errors
    /// When it is none, or of a later form.
    pub fn read(text: &str) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Form {
            version: u32,
        }
        let form: Form = toml::from_str(text).map_err(|error| told(&error, text))?;
        if form.version != FORM {
            return Err(format!("it has the form {}, and this Atlas reads the form {FORM}", form.version));
        }
        let file: LockLines = toml::from_str(text).map_err(|error| told(&error, text))?;
        debug_assert_eq!(file.version, FORM);
        let mut lock = Self::default();
        for LockLine { name, repository, wanted, version, digest, url } in file.chart {
            let digits = digest.strip_prefix(SHA256).filter(|digits| is_digest(digits));
            let Some(digits) = digits.map(str::to_owned) else {
                return Err(format!("`{digest}` of `{name}` is no SHA-256"));
            };
            let of = PublishedChart { repository, chart: name, wanted };
            if lock.0.contains_key(&of) {
                return Err(format!("{of} stands in it twice"));
            }
            lock.0.insert(of, LockedChart { version, digest: digits, url });
        }
        Ok(lock)
    }

    /// The text of the lock.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text =
            format!("# Written by `atlas lock`. Keep it under version control, and don't edit it.\nversion = {FORM}\n");
        for (of, locked) in &self.0 {
            // Nothing in a lock is a reference, so what looks like one stays as it is.
            let mut line = |key: &str, value: &str| {
                let _ = writeln!(text, "{key} = {}", quoted(value).replace("$${", "${"));
            };
            line("\n[[chart]]\nname", &of.chart);
            of.repository.iter().for_each(|repository| line("repository", repository));
            line("wanted", &of.wanted);
            line("version", &locked.version);
            line("digest", &format!("{SHA256}{}", locked.digest));
            locked.url.iter().for_each(|url| line("url", url));
        }
        text
    }

    /// What a chart is pinned to.
    #[must_use]
    pub fn get(&self, chart: &PublishedChart) -> Option<&LockedChart> {
        self.0.get(chart)
    }

    /// Pins a chart.
    pub fn insert(&mut self, chart: PublishedChart, locked: LockedChart) {
        self.0.insert(chart, locked);
    }

    /// Every chart that is pinned, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&PublishedChart, &LockedChart)> {
        self.0.iter()
    }

    /// Whether nothing is pinned.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Whether a text is a SHA-256 in hexadecimal digits.
pub fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// What is wrong with a text, and on which line.
fn told(error: &toml::de::Error, text: &str) -> String {
    let line = error.span().map(|span| text[..span.start].matches('\n').count() + 1);
    let line = line.map_or_else(String::new, |line| format!("line {line}: "));
    format!("{line}{}", error.message())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(repository: Option<&str>, chart: &str, wanted: &str) -> PublishedChart {
        PublishedChart { repository: repository.map(str::to_owned), chart: chart.into(), wanted: wanted.into() }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let mut lock = ChartLock::default();
        assert_eq!(ChartLock::read(&lock.text()), Ok(lock.clone()));
        for (of, url) in [
            (chart(Some("https://a.example.com/x"), "web", ">=1, <2"), Some("https://a.example.com/${x}\"\u{7f}.tgz")),
            (chart(None, "oci://b.example.com/web", ""), None),
            (chart(None, "oci://b.example.com/web", "1.0.0"), None),
        ] {
            let url = url.map(str::to_owned);
            lock.insert(of, LockedChart { version: "1.2.3".into(), digest: "ab".repeat(32), url });
        }
        assert_eq!(ChartLock::read(&lock.text()), Ok(lock));
    }

    #[test]
    fn what_is_no_lock_is_refused() {
        let entry = "[[chart]]\nname = \"a\"\nversion = \"1\"\ndigest = \"sha256:";
        for (text, why) in [
            (String::new(), "missing field `version`"),
            ("version = 2\nfuture = true".to_owned(), "it has the form 2"),
            (format!("version = 1\n{entry}abc\"\n"), "is no SHA-256"),
            (format!("version = 1\n{entry}{0}\"\n{entry}{0}\"\n", "ab".repeat(32)), "stands in it twice"),
            ("version = 1\nchart = 3".to_owned(), "line 2"),
            ("version = 1\nother = 3".to_owned(), "unknown field"),
        ] {
            let said = ChartLock::read(&text).expect_err(&text);
            assert!(said.contains(why), "{text}\n{said}");
        }
    }
}
