//! Reading what the spec is made of: the spec itself, and the folders that it names.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::error::{FileError, RunError};
use super::manifests;
use super::unfold::unfold;
use crate::charts::{ChartProblem, ChartSurroundings, Charts, inside};
use crate::compose::read_env_file;
use crate::desired::{ChartPin, ChartSource, ChartSpans, Desired};
use crate::diagnostic::{Diagnostic, Diagnostics, code};
use crate::driver::Variables;
use crate::path::join;
use crate::value::Value;

/// The largest spec that is read: more than a hundred thousand resources take.
const LARGEST_SPEC: u64 = 256 * 1024 * 1024;

/// The largest file of variables.
const LARGEST_ENV_FILE: u64 = 1024 * 1024;

/// Reads a text file that may be a spec or a plan.
///
/// # Errors
/// When it can't be read, is too large, or is no text.
pub fn read_text(path: &Path) -> Result<String, RunError> {
    text(path).map_err(|source| RunError::File { path: path.to_owned(), source })
}

/// Writes a spec that is there, whole or not at all. A link is followed, so that the file that it leads to is written.
///
/// # Errors
/// When it can't be written.
pub fn set_text(path: &Path, whole: &str) -> Result<(), RunError> {
    let written = fs::canonicalize(path).and_then(|real| put(&real, whole));
    written.map_err(|source| RunError::File { path: path.to_owned(), source: FileError::Disk(source) })
}

/// Writes a file beside a spec, whole or not at all. A link is followed where it leads somewhere.
///
/// # Errors
/// When it can't be written.
pub(super) fn replace_text(path: &Path, whole: &str) -> Result<(), RunError> {
    let real = match fs::canonicalize(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(path.to_owned()),
        found => found,
    };
    let written = real.and_then(|real| put(&real, whole));
    written.map_err(|source| RunError::Unwritten { path: path.to_owned(), source })
}

/// Writes a file, whole or not at all. One that is there keeps its permissions.
fn put(real: &Path, whole: &str) -> io::Result<()> {
    let part = real.with_extension(format!("part-{}", std::process::id()));
    fs::write(&part, whole)?;
    match fs::metadata(real) {
        Ok(found) => fs::set_permissions(&part, found.permissions())?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    fs::rename(&part, real)
}

fn text(path: &Path) -> Result<String, FileError> {
    let metadata = fs::metadata(path).map_err(disk)?;
    if metadata.is_dir() {
        return Err(FileError::Folder);
    }
    if metadata.len() > LARGEST_SPEC {
        return Err(FileError::TooLarge { bytes: metadata.len(), most: LARGEST_SPEC });
    }
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or_default() + 1);
    fs::File::open(path).and_then(|file| file.take(LARGEST_SPEC + 1).read_to_end(&mut bytes)).map_err(disk)?;
    if bytes.len() as u64 > LARGEST_SPEC {
        return Err(FileError::Endless(LARGEST_SPEC));
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let text = String::from_utf8_lossy(valid);
        let line = text.matches('\n').count() + 1;
        let column = text.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        FileError::NotText { line, column }
    })
}

fn disk(error: io::Error) -> FileError {
    match error.kind() {
        io::ErrorKind::NotFound => FileError::Missing,
        _ => FileError::Disk(error),
    }
}

/// What is wrong with the chart of an app, in the spec's own words.
pub(super) fn problem_of_chart(source: &ChartSource, problem: &ChartProblem, spans: &ChartSpans) -> Diagnostic {
    let (code, hint): (_, &str) = match problem {
        ChartProblem::Files(_) | ChartProblem::Content(_) => (
            &code::UNREADABLE_CHART,
            match source {
                ChartSource::Path(_) => {
                    "name a folder with a Chart.yaml, or an archive of one, relative to the spec and within its folder"
                }
                ChartSource::Published(_) => "take another version of it, or ask whoever publishes it",
            },
        ),
        ChartProblem::NotLocked(_) => (&code::UNLOCKED_CHART, "`atlas lock` pins it"),
        ChartProblem::Lock(_) => {
            (&code::UNLOCKED_CHART, "take the file back as it was, or remove it and run `atlas lock`")
        }
        ChartProblem::NotPulled { .. } => {
            (&code::UNPULLED_CHART, "see that the name and the version are right, and that this machine gets there")
        }
    };
    let detail = match problem {
        // These name the chart themselves, which may be one that this one depends on.
        ChartProblem::NotLocked(_) | ChartProblem::NotPulled { .. } | ChartProblem::Lock(_) => problem.to_string(),
        _ => format!("{source}: {problem}"),
    };
    Diagnostic::error(code, detail).at(spans.chart).hint(hint)
}

/// The charts and files that specs name, each looked at once, also where many environments name it.
pub(super) struct SpecFiles {
    /// The folder of the spec: where relative paths begin, and what nothing may lead out of.
    base: PathBuf,
    /// Where files of variables find those of other places.
    variables: Variables,
    env_files: BTreeMap<String, Result<BTreeMap<String, String>, String>>,
    charts: Charts,
}

impl SpecFiles {
    /// The charts and files of a spec.
    pub fn of(surroundings: ChartSurroundings) -> Self {
        let (base, variables) = (surroundings.base.clone(), Variables::clone(&surroundings.variables));
        Self { base, variables, env_files: BTreeMap::new(), charts: Charts::new(surroundings) }
    }

    /// Makes the content of what a spec names part of it.
    pub fn attach(&mut self, desired: &mut Desired, diagnostics: &mut Diagnostics) {
        self.attach_charts(desired, diagnostics);
        self.attach_env_files(desired, diagnostics);
        if !diagnostics.has_errors() {
            unfold(desired, &mut self.charts, &self.base, diagnostics);
        }
    }

    /// The files and folders that a spec names, and those that their charts name in turn, by their paths from its folder.
    pub fn names(&self, desired: &Desired) -> BTreeSet<PathBuf> {
        let mut names: BTreeSet<PathBuf> = self.charts.local_paths().map(PathBuf::from).collect();
        names.extend(desired.env_files().map(|(file, ..)| PathBuf::from(file)));
        for (_, app) in desired.apps() {
            let patterns: Vec<&str> =
                app.attributes.get("manifests").items().iter().filter_map(Value::as_str).collect();
            // What can't be found was reported.
            names.extend(manifests::files(&self.base, &patterns).unwrap_or_default().into_iter().map(PathBuf::from));
            names.extend(app.attributes.get("kustomize").as_str().map(PathBuf::from));
        }
        let lock = self.charts.surroundings().lock.file_name().map(PathBuf::from);
        names.extend(lock.filter(|lock| self.base.join(lock).is_file()));
        names
    }

    fn attach_charts(&mut self, desired: &mut Desired, diagnostics: &mut Diagnostics) {
        let mut pins: BTreeMap<ChartSource, ChartPin> = BTreeMap::new();
        let mut refused: BTreeSet<ChartSource> = BTreeSet::new();
        for (source, spans, instance) in desired.charts() {
            if pins.contains_key(&source) || refused.contains(&source) {
                continue;
            }
            match self.charts.get(&source) {
                Ok(loaded) => drop(pins.insert(source, loaded.pin.clone())),
                Err(problem) => {
                    diagnostics.push(problem_of_chart(&source, &problem, spans).of(&instance.address));
                    refused.insert(source);
                }
            }
        }
        desired.attach(&pins);
    }

    fn attach_env_files(&mut self, desired: &mut Desired, diagnostics: &mut Diagnostics) {
        let mut files: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
        for (file, span, instance) in desired.env_files() {
            let refused = |code, detail: String, hint: String| {
                Diagnostic::error(code, detail).at(span).hint(hint).of(&instance.address)
            };
            let variables = match self.variables_of(file) {
                Ok(variables) => variables,
                Err(why) => {
                    let hint = "name a file below the folder of the spec, with NAME=VALUE on each line";
                    diagnostics.push(refused(&code::UNREADABLE_ENV_FILE, format!("`{file}`: {why}"), hint.into()));
                    continue;
                }
            };
            let secret =
                |name: &&String| instance.attributes.at(&join("secrets", name)).is_some_and(|one| !one.is_null());
            for name in variables.keys().filter(secret) {
                let detail = format!("`{name}` of `{file}` stands in `secrets` as well");
                diagnostics.push(refused(&code::SAID_TWICE, detail, "keep one of them".into()));
            }
            if !files.contains_key(file) {
                files.insert(file.to_owned(), variables.clone());
            }
        }
        desired.attach_variables(&files);
    }

    /// What a file of variables says, read once.
    fn variables_of(&mut self, name: &str) -> &Result<BTreeMap<String, String>, String> {
        let (base, variables) = (&self.base, &self.variables);
        self.env_files.entry(name.to_owned()).or_insert_with(|| {
            let path = inside(base, &base.join(name)).map_err(|error| disk(error).to_string())?;
            let metadata = fs::metadata(&path).map_err(|error| error.to_string())?;
            if !metadata.is_file() {
                return Err("it is no file".into());
            }
            if metadata.len() > LARGEST_ENV_FILE {
                return Err(format!("it has {} bytes; at most {LARGEST_ENV_FILE} are read", metadata.len()));
            }
            let text = text(&path).map_err(|error| error.to_string())?;
            let found = read_env_file(&text, &|name| variables(name));
            let found = found.map_err(|fault| format!("line {}: {}", fault.line, fault.why))?;
            match found.iter().find(|(name, value)| value.contains('\0') || name.contains('\0')) {
                Some((name, _)) => Err(format!("the value of `{name}` holds a null byte")),
                None => Ok(found),
            }
        })
    }
}
