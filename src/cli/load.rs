//! From the arguments to a spec, its pipeline and its records.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::args::{Global, Selection};
use super::environment;
use super::failure::{Failure, render};
use super::files::{self, Folders};
use super::ui::Ui;
use crate::address::Address;
use crate::desired::{Desired, World};
use crate::diagnostic::{Diagnostics, SourceText};
use crate::driver::{Driver, Registry};
use crate::kind::amount;
use crate::pipeline::Pipeline;
use crate::plan::{Options, Plan, Selector};
use crate::recorded::{Inventory, Recorded};
use crate::spec::{self, Inputs};
use crate::store::{self, LocalFolder, Store};

/// A spec's text and what it is called.
pub struct Source {
    name: String,
    text: String,
}

/// A spec that was read and compiled.
pub struct Spec {
    /// Its text.
    pub source: Source,
    /// What it asks for.
    pub desired: Desired,
    /// Where its records are.
    pub store: Arc<dyn Store>,
    /// The folder beside it, with the sandbox's worlds.
    pub local: LocalFolder,
    /// What is worth a look in it.
    pub warnings: Diagnostics,
}

/// A spec with everything that it takes to plan.
pub struct Loaded {
    /// Its text.
    pub source: Source,
    /// The stages of a run.
    pub pipeline: Pipeline,
    /// Where its records are.
    pub store: Arc<dyn Store>,
    /// What is worth a look in it.
    pub warnings: Diagnostics,
}

impl Source {
    /// The text, for pointing into it.
    pub fn text(&self) -> SourceText<'_> {
        SourceText { name: &self.name, text: &self.text }
    }
}

/// Reads and compiles the spec. Warnings are kept; errors are the failure.
pub fn spec(global: &Global) -> Result<Spec, Failure> {
    let text = files::read_text(&global.file, "the spec")?;
    let source = Source { name: global.file.display().to_string(), text };
    let (desired, mut diagnostics) = spec::compile(&source.text, &inputs(global));
    let Some(mut desired) = desired else { return Err(Failure::found(source.text(), diagnostics)) };
    folders(global).attach(&mut desired, &mut diagnostics);
    diagnostics.finish();
    if diagnostics.has_errors() {
        return Err(Failure::found(source.text(), diagnostics));
    }
    let store = store::open(&global.file, &desired).map_err(|error| {
        Failure::new("the records can't be reached")
            .because(error.to_string())
            .hint("build Atlas with its default features")
    })?;
    let local = LocalFolder::beside(&global.file);
    Ok(Spec { source, desired, store, local, warnings: diagnostics })
}

/// The folders that a spec names.
pub fn folders(global: &Global) -> Folders {
    let base = global.file.parent().filter(|base| !base.as_os_str().is_empty());
    Folders::below(base.unwrap_or_else(|| Path::new(".")))
}

/// What the spec's text does not say itself.
pub fn inputs(global: &Global) -> Inputs {
    let mut variables = environment::variables();
    let given: BTreeMap<_, _> =
        global.var.iter().map(|(name, value)| (name.clone(), (value.clone(), format!("--var {name}")))).collect();
    variables.extend(given);
    Inputs { environment: global.environment.clone(), variables }
}

/// Reads the spec and makes it ready for planning; with `write`, also for applying.
///
/// What is loaded lives as long as the process: to take a hundred thousand resources apart one by one just before the end
/// would only take time.
pub fn load(global: &Global, write: bool, ui: &Ui) -> Result<&'static Loaded, Failure> {
    let Spec { source, desired, store, local, warnings } = spec(global)?;
    warn(source.text(), &warnings, ui);
    let sandbox = match desired.world {
        World::Sandbox => sandbox(&local, &desired, write)?,
        World::Real => None,
    };
    let registry = match desired.world {
        World::Sandbox => Registry::new(sandbox),
        World::Real => real(global),
    };
    let pipeline = Pipeline::new(desired, registry)
        .map_err(|diagnostics| Failure::found(source.text(), diagnostics).titled("the spec can't be planned"))?;
    Ok(Box::leak(Box::new(Loaded { source, pipeline, store, warnings })))
}

/// The drivers of the real world. None of them is asked anything yet.
pub fn real(global: &Global) -> Registry {
    Registry::new([docker(global), aws(), kubernetes(global)].into_iter().flatten())
}

/// What earlier runs recorded. What of it can't be read is said.
pub fn recorded(loaded: &Loaded, ui: &Ui) -> Result<Recorded, Failure> {
    let recorded = loaded.store.recorded().map_err(|error| {
        Failure::new("the records can't be read, so it is not known what an interrupted run left open")
            .because(error.to_string())
            .hint("make them readable; without them, what such a run had just made may look like somebody else's")
    })?;
    match recorded.damage.lines {
        0 if recorded.damage.torn => {
            ui.side("The journal ends in half a line, as after a crash: what it was for had not begun.\n");
        }
        0 => {}
        lines => {
            let lines = amount::count(lines as u64, "line");
            ui.err(&format!(
                "warning: {lines} of the journal can't be read; the next apply sets it aside as `{}`\n  \
                 If a run was interrupted, what it had just made may look like somebody else's:\n  \
                 `atlas adopt ADDRESS` takes it back.\n",
                loaded.store.aside()
            ));
        }
    }
    Ok(recorded)
}

/// What was there after the last run.
pub fn inventory(loaded: &Loaded) -> Result<Inventory, Failure> {
    loaded.store.inventory().map_err(|error| {
        Failure::new("the inventory can't be read, so it is not known what was there after the last run")
            .because(error.to_string())
            .hint("make it readable, or delete it: then what is gone looks as if it had never been there")
    })
}

/// Says what is worth a look, on standard error.
pub fn warn(source: SourceText<'_>, diagnostics: &Diagnostics, ui: &Ui) {
    if !diagnostics.is_empty() && !ui.json() {
        ui.err(&render(source, diagnostics, ui.error_palette(), ui.width()));
    }
}

/// The plan's diagnostics as a failure, when there are errors among them.
pub fn sound(source: &Source, plan: &Plan) -> Result<(), Failure> {
    if plan.diagnostics.has_errors() {
        let failure = Failure::found(source.text(), plan.diagnostics.clone());
        return Err(failure.titled("this plan can't be applied"));
    }
    Ok(())
}

/// What was asked of a plan.
pub fn options(selection: &Selection, replace: &[Address], destroy: bool) -> Options {
    Options {
        destroy,
        targets: selectors(&selection.target),
        excludes: selectors(&selection.exclude),
        replace: selectors(replace),
        ..Options::default()
    }
}

/// Addresses as selectors.
pub fn selectors(addresses: &[Address]) -> Vec<Selector> {
    addresses.iter().cloned().map(Selector::new).collect()
}

#[cfg(feature = "aws")]
#[allow(clippy::unnecessary_wraps, reason = "the same shape as without AWS")]
fn aws() -> Option<Arc<dyn Driver>> {
    Some(Arc::new(crate::driver::aws::Aws::new()))
}

#[cfg(not(feature = "aws"))]
fn aws() -> Option<Arc<dyn Driver>> {
    None
}

#[cfg(feature = "docker")]
#[allow(clippy::unnecessary_wraps, reason = "the same shape as without engines")]
fn docker(global: &Global) -> Option<Arc<dyn Driver>> {
    Some(Arc::new(engines(global)))
}

/// The container engines that specs name.
#[cfg(feature = "docker")]
pub fn engines(global: &Global) -> crate::driver::docker::Docker {
    crate::driver::docker::Docker::new(base(global).to_owned(), &variables())
}

#[cfg(not(feature = "docker"))]
fn docker(_: &Global) -> Option<Arc<dyn Driver>> {
    None
}

#[cfg(feature = "kubernetes")]
#[allow(clippy::unnecessary_wraps, reason = "the same shape as without Kubernetes")]
fn kubernetes(global: &Global) -> Option<Arc<dyn Driver>> {
    Some(Arc::new(crate::driver::kubernetes::Kubernetes::new(base(global).to_owned(), &variables())))
}

#[cfg(not(feature = "kubernetes"))]
fn kubernetes(_: &Global) -> Option<Arc<dyn Driver>> {
    None
}

#[cfg(feature = "kubernetes")]
fn variables() -> crate::driver::Variables {
    Arc::new(environment::variable)
}

/// Where the relative paths of a spec begin.
#[cfg(feature = "kubernetes")]
fn base(global: &Global) -> &Path {
    global.file.parent().unwrap_or_else(|| Path::new(""))
}

#[cfg(feature = "sandbox")]
fn sandbox(local: &LocalFolder, desired: &Desired, write: bool) -> Result<Option<Arc<dyn Driver>>, Failure> {
    use crate::driver::sandbox::Sandbox;
    Ok(Some(Arc::new(Sandbox::new(world(local, &desired.environment, write)?))))
}

#[cfg(not(feature = "sandbox"))]
#[allow(clippy::unnecessary_wraps, reason = "the same shape as with the sandbox")]
fn sandbox(_: &LocalFolder, _: &Desired, _: bool) -> Result<Option<Arc<dyn Driver>>, Failure> {
    Ok(None)
}

/// Opens the sandbox's world; for looking only when nothing is going to be written.
#[cfg(feature = "sandbox")]
pub fn world(local: &LocalFolder, environment: &str, write: bool) -> Result<crate::driver::sandbox::World, Failure> {
    use crate::driver::sandbox::World;
    let folder = local.world(environment);
    let failed = |why: String| {
        Failure::new(format!("the sandbox's world in `{}` can't be opened", folder.display()))
            .because(why)
            .hint("check the disk and its permissions; if the file is beyond repair, `atlas sandbox reset` begins a new world")
    };
    let opened = if write {
        local.make(&folder).map_err(|error| failed(error.to_string()))?;
        World::open(&folder)
    } else {
        World::look(&folder)
    };
    opened.map_err(|error| failed(crate::driver::DriverError::from(error).chain()))
}
