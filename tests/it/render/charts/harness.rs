//! Writes a chart into a temporary folder, renders it with Helm and here, and compares what is printed.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use atlas::render::RenderFault;
use atlas::render::helm::{self, Capabilities, Chart, KubernetesVersion, RenderRequest, set, tables, values_file};

/// What both sides came to.
pub enum Outcome {
    Printed(String),
    Refused(String),
}

/// The cases of a test, which all run before the test fails.
#[derive(Default)]
pub struct Cases {
    different: RefCell<Vec<String>>,
}

impl Cases {
    /// Runs a case: a chart written as one text, with `=== path` before each file, and words for Helm's command line. Files whose
    /// names begin with `@` lie outside of the chart; `-f @name` takes them as values.
    pub fn same(&self, name: &str, text: &str, words: &[&str]) {
        let Some((theirs, ours)) = both(name, &files(text), words) else { return };
        match (&theirs, &ours) {
            (Outcome::Printed(theirs), Outcome::Printed(ours)) if theirs == ours => {}
            (Outcome::Refused(_), Outcome::Refused(_)) => {}
            _ => {
                let (theirs, ours) = (show(&theirs), show(&ours));
                let first = theirs.lines().zip(ours.lines()).take_while(|(one, other)| one == other).count();
                let part =
                    |text: &str| text.lines().skip(first.saturating_sub(2)).take(8).collect::<Vec<_>>().join("\n");
                let text = format!("{name}\n--- helm, from line {first}\n{}\n--- ours\n{}", part(&theirs), part(&ours));
                self.different.borrow_mut().push(text);
            }
        }
    }
}

impl Drop for Cases {
    fn drop(&mut self) {
        let different = self.different.borrow();
        if !different.is_empty() && !std::thread::panicking() {
            panic!("{} cases differ\n\n{}", different.len(), different.join("\n\n"));
        }
    }
}

/// The same for a case that both sides must refuse.
pub fn refused(name: &str, text: &str, words: &[&str]) -> String {
    match both(name, &files(text), words) {
        Some((Outcome::Refused(_), Outcome::Refused(fault))) => fault,
        Some((theirs, ours)) => panic!("{name}\n--- helm\n{}\n--- ours\n{}", show(&theirs), show(&ours)),
        None => String::new(),
    }
}

fn show(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Printed(text) => text.clone(),
        Outcome::Refused(text) => format!("REFUSED {text}"),
    }
}

/// The files of a case.
pub fn files(text: &str) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for part in format!("\n{text}").split("\n=== ").skip(1) {
        let (path, data) = part.split_once('\n').unwrap_or((part, ""));
        files.insert(path.trim().to_owned(), format!("{data}\n").into_bytes());
    }
    files
}

/// A chart packed as `helm package` packs it.
pub fn packed(folder: &str, text: &str) -> Vec<u8> {
    let mut archive = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    for (path, data) in files(text) {
        let mut header = tar::Header::new_gnu();
        header.set_size(data.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        archive.append_data(&mut header, format!("{folder}/{path}"), data.as_slice()).expect("good");
    }
    archive.into_inner().expect("good").finish().expect("good")
}

/// What both sides come to. None without a Helm to ask.
pub fn both(name: &str, files: &BTreeMap<String, Vec<u8>>, words: &[&str]) -> Option<(Outcome, Outcome)> {
    let helm = super::super::helm()?;
    let folder = write(name, files);
    let output = Command::new(helm)
        .args(["template", "rel", "chart", "--namespace", "space"])
        .args(words)
        .current_dir(&folder)
        .env("HOME", &folder)
        .output()
        .expect("good");
    let theirs = if output.status.success() {
        Outcome::Printed(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Outcome::Refused(String::from_utf8_lossy(&output.stderr).into_owned())
    };
    std::fs::remove_dir_all(&folder).expect("good");
    let ours = match ours(files, words) {
        Ok(text) => Outcome::Printed(text),
        Err(fault) => Outcome::Refused(fault.to_string()),
    };
    Some((theirs, ours))
}

fn write(name: &str, files: &BTreeMap<String, Vec<u8>>) -> PathBuf {
    let name: String = name.chars().take(60).map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let folder = std::env::temp_dir().join(format!("charts-{}-{name}", std::process::id()));
    for (path, data) in files {
        let path = if path.starts_with('@') { folder.join(path) } else { folder.join("chart").join(path) };
        std::fs::create_dir_all(path.parent().unwrap_or(Path::new("/"))).expect("good");
        std::fs::write(path, data).expect("good");
    }
    folder
}

fn ours(files: &BTreeMap<String, Vec<u8>>, words: &[&str]) -> Result<String, RenderFault> {
    let inside = files.iter().filter(|(path, _)| !path.starts_with('@'));
    let chart = Chart::read(&inside.map(|(path, data)| (path.clone(), data.clone())).collect())?;
    let request = request(files, words)?;
    Ok(helm::printed(&helm::render(&chart, &request)?))
}

fn request(files: &BTreeMap<String, Vec<u8>>, words: &[&str]) -> Result<RenderRequest, RenderFault> {
    let read = |name: &str| {
        let data = files.get(name).ok_or_else(|| RenderFault::new(format!("no file {name}")))?;
        Ok(String::from_utf8_lossy(data).into_owned())
    };
    let mut request = RenderRequest::new("rel", "space");
    let (flags, pairs): (Vec<&str>, Vec<&str>) = words.iter().copied().partition(|word| is_flag(word));
    request.include_crds = flags.contains(&"--include-crds");
    request.check_schema = !flags.contains(&"--skip-schema-validation");
    request.is_upgrade = flags.contains(&"--is-upgrade");
    let pairs: Vec<(&str, &str)> = pairs.chunks(2).map(|pair| (pair[0], pair[1])).collect();
    let of = |names: &[&str]| -> Vec<&str> {
        pairs.iter().filter(|(word, _)| names.contains(word)).map(|(_, value)| *value).collect()
    };
    for file in of(&["-f"]) {
        request.values = tables::overlay(&request.values, &values_file::read(&read(file)?)?);
    }
    let kinds: [(&str, set::SetKind<'_>); 5] = [
        ("--set-json", set::SetKind::Json),
        ("--set", set::SetKind::Plain),
        ("--set-string", set::SetKind::Text),
        ("--set-file", set::SetKind::File(&read)),
        ("--set-literal", set::SetKind::Literal),
    ];
    for (name, kind) in kinds {
        for word in of(&[name]) {
            set::set(&request.values, word, kind)?;
        }
    }
    for version in of(&["--kube-version"]) {
        request.capabilities.kubernetes = KubernetesVersion::read(version)?;
    }
    let mut apis = Capabilities::default().apis.as_ref().clone();
    apis.extend(of(&["-a"]).into_iter().map(str::to_owned));
    request.capabilities.apis = apis.into();
    Ok(request)
}

fn is_flag(word: &str) -> bool {
    ["--include-crds", "--skip-schema-validation", "--is-upgrade"].contains(&word)
}
