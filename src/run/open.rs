//! The first call: a spec is read and compiled, its drivers are chosen, and the lock of its environment is taken.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::applied::AppliedSpec;
use super::error::{Notice, Refusal, RunError};
use super::files::SpecFiles;
use super::pipeline::Pipeline;
use super::source::{Spec, SpecParts, SpecText};
use super::{drivers, files};
use crate::charts::ChartSurroundings;
use crate::desired::WorldChoice;
use crate::diagnostic::Diagnostics;
use crate::driver::{Hidden, Registry, Variables};
use crate::spec::{self, Inputs};
use crate::store::{self, Fence, Held, Lease, LocalFolder, Store};

/// Where a spec is, and what its surroundings say.
#[derive(Clone)]
pub struct Setup {
    /// The file.
    pub file: PathBuf,
    /// The environment and the variables that were given.
    pub inputs: Inputs,
    /// Where drivers look for environment variables: where an engine listens, the value of a secret.
    pub variables: Variables,
    /// What no text may repeat: drivers add to it what they read of secrets, and the log is without it as well.
    pub hidden: Arc<Hidden>,
}

/// What a run is going to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose<'a> {
    /// Only look: nothing is written, and nobody is kept out.
    Look,
    /// Change things, under the lock of the environment.
    Write {
        /// What it is called: `apply`, `destroy`, `adopt`, `forget`.
        command: &'a str,
        /// How long the lease lasts when it is not renewed.
        lease: Duration,
    },
}

/// A spec with everything that it takes to plan and, when it was opened for writing, the lock. The lock goes with it.
pub struct Opened {
    /// Its text.
    pub source: SpecText,
    /// The stages of a run.
    pub pipeline: Pipeline,
    /// Where its records are.
    pub store: Arc<dyn Store>,
    /// What is worth a look in it.
    pub warnings: Diagnostics,
    /// What is worth saying of how it was opened.
    pub notices: Vec<Notice>,
    pub(super) charts: ChartSurroundings,
    pub(super) parts: SpecParts,
    /// What is kept of it once it is applied.
    pub(super) kept: Option<AppliedSpec>,
    pub(super) command: String,
    lock: Option<Box<dyn Lease>>,
}

/// Reads and compiles a spec. Its warnings are kept; errors refuse it.
///
/// # Errors
/// When the file can't be read, or has errors.
pub fn read(setup: &Setup) -> Result<Spec, RunError> {
    let text = files::read_text(&setup.file)?;
    let source = SpecText::new(setup.file.display().to_string(), text);
    let (desired, mut diagnostics) = spec::compile(source.text().text, &setup.inputs);
    let Some(mut desired) = desired else { return Err(RunError::refused(Refusal::Spec, source, diagnostics)) };
    let charts = chart_surroundings(setup);
    let mut files = SpecFiles::of(charts.clone());
    files.attach(&mut desired, &mut diagnostics);
    diagnostics.finish();
    if diagnostics.has_errors() {
        return Err(RunError::refused(Refusal::Spec, source, diagnostics));
    }
    let store = store::open(&setup.file, &desired).map_err(RunError::NoStore)?;
    let local = LocalFolder::beside(&setup.file);
    let (variables, hidden, base) = (setup.variables.clone(), setup.hidden.clone(), base(&setup.file).to_owned());
    let parts =
        SpecParts { variables: setup.inputs.variables.clone(), files: files.names(&desired), is_applied: false };
    Ok(Spec { source, desired, store, local, warnings: diagnostics, variables, hidden, base, charts, parts })
}

/// What is wrong with a spec in the environments that it was not read for.
#[must_use]
pub fn read_others(setup: &Setup, spec: &Spec) -> Diagnostics {
    let mut found = Diagnostics::default();
    if spec.desired.environments.len() > 1 {
        let mut files = SpecFiles::of(chart_surroundings(setup));
        let text = spec.source.text().text;
        spec::compile_others(text, &setup.inputs, &spec.desired.environment, |desired, mut diagnostics| {
            if let Some(mut desired) = desired {
                files.attach(&mut desired, &mut diagnostics);
            }
            if diagnostics.has_errors() {
                found.append(diagnostics);
            }
        });
    }
    found.finish();
    found
}

/// What the charts of a spec are looked for with.
pub fn chart_surroundings(setup: &Setup) -> ChartSurroundings {
    ChartSurroundings {
        base: base(&setup.file).to_owned(),
        lock: setup.file.with_extension("lock"),
        local: LocalFolder::beside(&setup.file),
        variables: setup.variables.clone(),
        hidden: Arc::clone(&setup.hidden),
    }
}

/// Where the relative paths of a spec begin.
fn base(file: &Path) -> &Path {
    file.parent().filter(|base| !base.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
}

/// Makes a spec ready for planning; for writing also takes the lock of its environment.
///
/// # Errors
/// When the spec can't be planned, its world can't be opened, or somebody else is at work.
pub fn open(spec: Spec, access: Purpose<'_>) -> Result<Opened, RunError> {
    let registry = match spec.desired.world {
        WorldChoice::Sandbox => Registry::new(drivers::sandbox(&spec, access != Purpose::Look)?),
        WorldChoice::Real => drivers::real(&spec, access != Purpose::Look),
    };
    open_with(spec, registry, access)
}

/// The same over drivers that are given, whatever the spec says of its world.
///
/// # Errors
/// When the spec can't be planned, or somebody else is at work.
pub fn open_with(spec: Spec, registry: Registry, access: Purpose<'_>) -> Result<Opened, RunError> {
    let Spec { source, desired, store, warnings, hidden, charts, parts, .. } = spec;
    let pipeline = match Pipeline::new(desired, registry.without(hidden)) {
        Ok(pipeline) => pipeline,
        Err(diagnostics) => return Err(RunError::refused(Refusal::Graph, source, diagnostics)),
    };
    let mut opened = Opened {
        source,
        pipeline,
        store,
        warnings,
        notices: Vec::new(),
        charts,
        parts,
        kept: None,
        command: String::new(),
        lock: None,
    };
    if let Purpose::Write { command, lease } = access {
        opened.lock(command, lease)?;
    }
    Ok(opened)
}

impl Opened {
    /// Takes the lock of the environment, to change things from now on.
    ///
    /// # Errors
    /// When somebody else is at work, or the records fail.
    pub fn lock(&mut self, command: &str, lease: Duration) -> Result<(), RunError> {
        let Held { lock, former, notes } = self.store.lock(&format!("atlas {command}"), lease)?;
        self.pipeline.sessions.registry().fence(lock.fence().token());
        self.notices.extend(former.map(Notice::TookOver));
        self.notices.extend(notes.into_iter().map(Notice::Records));
        command.clone_into(&mut self.command);
        self.lock = Some(lock);
        if !self.parts.is_applied {
            // What a person edits while a plan is shown was not applied.
            let (text, desired) = (self.source.text().text, &self.pipeline.desired);
            let kept = AppliedSpec::gather(text, &desired.environment, &self.parts, &self.charts.base);
            self.kept = kept.map_err(|error| self.notices.push(Notice::AppliedNotKept(error))).ok();
        }
        Ok(())
    }

    /// Releases the lock. Writing is refused after that.
    pub fn release(&mut self) {
        self.lock = None;
    }

    /// What tells whether the lock is still held; none when it was never taken.
    pub(super) fn fence(&self) -> Option<Fence> {
        self.lock.as_ref().map(|lock| lock.fence().clone())
    }
}
