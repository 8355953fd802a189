//! Plain manifests of apps: files below the spec, and what `kustomize` builds of a folder.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::charts::inside;

/// The largest file, and the most that is built.
const LARGEST: u64 = 16 * 1024 * 1024;
/// How long it may take to build a kustomization.
const LONGEST: Duration = Duration::from_secs(60);

/// A text with manifests, and what it is called.
pub struct ManifestText {
    /// The file, or the folder that it was built of.
    pub name: String,
    /// What is in it.
    pub text: String,
}

/// The files that patterns mean, in the order of the patterns and of their names. Nothing may lead out of `base`.
pub fn read(base: &Path, patterns: &[&str]) -> Result<Vec<ManifestText>, String> {
    let mut all: Vec<ManifestText> = Vec::new();
    for pattern in patterns {
        let names = names(base, pattern).map_err(|error| format!("`{pattern}`: {error}"))?;
        if names.is_empty() {
            return Err(format!("`{pattern}` names no file"));
        }
        for name in names.into_iter().filter(|name| !all.iter().any(|one| one.name == *name)).collect::<Vec<_>>() {
            let text = text(base, &name).map_err(|error| format!("`{name}`: {error}"))?;
            all.push(ManifestText { name, text });
        }
    }
    Ok(all)
}

/// The names of the files that patterns mean.
///
/// # Errors
/// When a folder can't be read.
pub fn files(base: &Path, patterns: &[&str]) -> io::Result<Vec<String>> {
    let mut all = Vec::new();
    for pattern in patterns {
        all.extend(names(base, pattern)?);
    }
    Ok(all)
}

/// What a kustomization comes to.
pub fn build(base: &Path, folder: &str) -> Result<Vec<ManifestText>, String> {
    let path = inside(base, &base.join(folder)).map_err(|error| error.to_string())?;
    let programs: [(&str, &[&str]); 2] = [("kustomize", &["build"]), ("kubectl", &["kustomize"])];
    for (program, arguments) in programs {
        match run(Command::new(program).args(arguments).arg(&path)) {
            Ok(text) => return Ok(vec![ManifestText { name: folder.to_owned(), text: text? }]),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(format!("`{program}` can't be run: {error}")),
        }
    }
    Err("neither `kustomize` nor `kubectl` is there to build it; install one of them".to_owned())
}

/// What a program writes, or why it fails. Nobody is asked anything, and it ends in time.
fn run(command: &mut Command) -> io::Result<Result<String, String>> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let text = |pipe: Option<Box<dyn io::Read + Send>>| {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            pipe.map_or(Ok(0), |pipe| pipe.take(LARGEST + 1).read_to_end(&mut bytes)).map(|_| bytes)
        })
    };
    let out = text(out.map(|pipe| Box::new(pipe) as Box<dyn io::Read + Send>));
    let err = text(err.map(|pipe| Box::new(pipe) as Box<dyn io::Read + Send>));
    let end = Instant::now() + LONGEST;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if Instant::now() >= end {
            child.kill()?;
            child.wait()?;
            return Ok(Err(format!("it does not end within {} s", LONGEST.as_secs())));
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let bytes = |reader: std::thread::JoinHandle<io::Result<Vec<u8>>>| reader.join().unwrap_or_else(|_| Ok(Vec::new()));
    let (out, err) = (bytes(out)?, bytes(err)?);
    if !status.success() {
        let said = String::from_utf8_lossy(&err);
        return Ok(Err(said.trim().lines().last().unwrap_or("it fails and says nothing").to_owned()));
    }
    if out.len() as u64 > LARGEST {
        return Ok(Err(format!("it gives more than {LARGEST} bytes")));
    }
    Ok(String::from_utf8(out).map_err(|_| "what it gives is no text".to_owned()))
}

/// The files that a pattern means, relative to `base`.
fn names(base: &Path, pattern: &str) -> io::Result<Vec<String>> {
    let (folder, name) = pattern.rsplit_once('/').map_or(("", pattern), |(folder, name)| (folder, name));
    if !name.contains('*') {
        return Ok(vec![pattern.to_owned()]);
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(inside(base, &base.join(folder))?)? {
        let own = entry?.file_name().to_string_lossy().into_owned();
        if fits(name, &own) {
            found.push(if folder.is_empty() { own } else { format!("{folder}/{own}") });
        }
    }
    found.sort();
    Ok(found)
}

/// Whether a name fits a pattern in which `*` stands for anything.
fn fits(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

fn text(base: &Path, name: &str) -> io::Result<String> {
    let path = inside(base, &base.join(name))?;
    if !fs::metadata(&path)?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    let mut text = String::new();
    File::open(path)?.take(LARGEST + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LARGEST {
        return Err(io::Error::other(format!("it has more than {LARGEST} bytes")));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn a_star_stands_for_anything() {
        let cases = [
            ("*.yaml", "a.yaml", true),
            ("*.yaml", "a.yml", false),
            ("a*b*c", "a-b-b-c", true),
            ("web.yaml", "web.yaml", true),
        ];
        for (pattern, name, wanted) in cases {
            assert_eq!(fits(pattern, name), wanted, "{pattern} {name}");
        }
        assert!(!fits("ab*ba", "aba"));
    }
}
