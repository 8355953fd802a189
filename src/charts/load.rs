//! Charts with everything that they depend on, each read once.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::archives::{self, Archives};
use super::dependency::{HelmLock, source};
use super::folder;
use super::lock::{ChartLock, LockedChart};
use super::network::{Network, finish};
use super::problem::ChartProblem;
use crate::desired::{ChartPin, ChartSource, PublishedChart};
use crate::driver::{Hidden, Variables};
use crate::render::helm::Chart;
use crate::render::template::semver::{SemanticVersion, fits};
use crate::store::LocalFolder;
use crate::value::long_hash;

/// How deep charts may depend on each other, and how many one may come to with all of them.
const DEEPEST: usize = 20;
const MOST: usize = 1_000;
/// The largest lock: ten thousand charts take less.
const LARGEST_LOCK: u64 = 16 << 20;

/// What charts of a spec are looked for with.
#[derive(Clone)]
pub struct ChartSurroundings {
    /// The folder of the spec: where paths begin, and what nothing may lead out of.
    pub base: PathBuf,
    /// The file of locked charts beside the spec.
    pub lock: PathBuf,
    /// Where archives are kept that were pulled.
    pub local: LocalFolder,
    /// Where Docker's configuration is, which has the credentials of registries.
    pub variables: Variables,
    /// What no text may repeat.
    pub hidden: Arc<Hidden>,
}

/// A chart with everything that it depends on.
pub struct LoadedChart {
    /// The chart.
    pub chart: Chart,
    /// Which version it is, and the digest of its content.
    pub pin: ChartPin,
    /// How many charts it is, with those in it.
    parts: usize,
}

/// The charts of specs, each read once, also where many apps and environments name it.
pub struct Charts {
    surroundings: ChartSurroundings,
    archives: Archives,
    lock: Result<ChartLock, ChartProblem>,
    /// By where they come from, and by whether an app names them: what they depend on may be looked for in one case alone.
    known: BTreeMap<(ChartSource, bool), Result<LoadedChart, ChartProblem>>,
}

/// A chart as it is read, before what it depends on is.
pub(super) struct BareChart {
    pub chart: Chart,
    pub pin: ChartPin,
    /// Its folder below the spec; none of an archive.
    folder: Option<String>,
    helm: HelmLock,
}

impl Charts {
    /// The charts of a spec. Its lock is read here; that there is none is no problem before one is needed.
    #[must_use]
    pub fn new(surroundings: ChartSurroundings) -> Self {
        let lock = read_lock(&surroundings.lock);
        Self::with(surroundings, lock)
    }

    /// What they are looked for with.
    #[must_use]
    pub const fn surroundings(&self) -> &ChartSurroundings {
        &self.surroundings
    }

    /// The folders and archives below the spec that were looked for so far, also those on which others depend.
    pub fn local_paths(&self) -> impl Iterator<Item = &str> {
        self.known.keys().filter_map(|(source, _)| match source {
            ChartSource::Path(path) => Some(path.as_str()),
            ChartSource::Published(_) => None,
        })
    }

    /// The charts of a spec, with another lock than the one beside it.
    #[must_use]
    pub fn with_lock(surroundings: ChartSurroundings, lock: ChartLock) -> Self {
        Self::with(surroundings, Ok(lock))
    }

    fn with(surroundings: ChartSurroundings, lock: Result<ChartLock, ChartProblem>) -> Self {
        let archives = Archives::new(surroundings.local.clone());
        Self { surroundings, archives, lock, known: BTreeMap::new() }
    }

    /// A chart with everything that it depends on.
    ///
    /// # Errors
    /// When it or what it depends on can't be had.
    pub fn get(&mut self, source: &ChartSource) -> Result<&LoadedChart, ChartProblem> {
        self.load(source, &mut Vec::new());
        match self.known.get(&(source.clone(), true)) {
            Some(known) => known.as_ref().map_err(Clone::clone),
            None => Err(ChartProblem::Content("it depends on itself".into())),
        }
    }

    /// Looks a chart up, and first everything that it depends on. `open` are those that are being looked up.
    fn load(&mut self, source: &ChartSource, open: &mut Vec<ChartSource>) {
        let key = (source.clone(), open.is_empty());
        if self.known.contains_key(&key) || open.contains(source) {
            return;
        }
        open.push(source.clone());
        let loaded = self.read(source).and_then(|bare| self.complete(bare, open));
        open.pop();
        self.known.insert(key, loaded);
    }

    fn read(&self, source: &ChartSource) -> Result<BareChart, ChartProblem> {
        match source {
            ChartSource::Path(path) => read_local(&self.surroundings.base, path),
            ChartSource::Published(published) => {
                let lock = self.lock.as_ref().map_err(Clone::clone)?;
                let locked = lock.get(published).ok_or_else(|| ChartProblem::NotLocked(published.clone()))?;
                let bytes = self.archive(published, locked)?;
                unpacked(&bytes, Some(&locked.version))
            }
        }
    }

    /// The archive that is locked, from the cache, or from whoever publishes it.
    fn archive(&self, published: &PublishedChart, locked: &LockedChart) -> Result<Vec<u8>, ChartProblem> {
        if let Some(bytes) = self.archives.get(&locked.digest) {
            return Ok(bytes);
        }
        let (surroundings, archives) = (&self.surroundings, &self.archives);
        let pulled = finish(async {
            let network = Network::new(&surroundings.variables, &surroundings.hidden)?;
            archives.pull(&network, published, locked).await
        });
        pulled.map_err(|why| {
            let why = surroundings.hidden.scrub(&why).into_owned();
            ChartProblem::NotPulled { chart: published.clone(), why }
        })
    }

    fn complete(&mut self, bare: BareChart, open: &mut Vec<ChartSource>) -> Result<LoadedChart, ChartProblem> {
        // The first is what an app names.
        let needs = bare.needs(open.len() == 1)?;
        let BareChart { mut chart, mut pin, .. } = bare;
        let mut parts = 1;
        if needs.is_empty() {
            return Ok(LoadedChart { chart, pin, parts });
        }
        if open.len() > DEEPEST {
            return Err(ChartProblem::Content(format!(
                "it is one of more than {DEEPEST} charts that depend on each other"
            )));
        }
        let mut digests = pin.digest;
        for MissingChart { name, wanted, source } in needs {
            if open.contains(&source) {
                return Err(ChartProblem::Content(format!("it depends on {source}, which depends on it")));
            }
            self.load(&source, open);
            let Some(known) = self.known.get(&(source.clone(), false)) else { continue };
            let part = known.as_ref().map_err(|problem| problem.clone().below(&chart.metadata.name, &source))?;
            let found = &part.chart.metadata;
            if found.name != name || !fits(&wanted, &found.version) {
                let wanted = if wanted.is_empty() { "without a version" } else { &wanted };
                let what =
                    format!("it depends on `{name}` {wanted}, and {source} is `{}` {}", found.name, found.version);
                return Err(ChartProblem::Content(what));
            }
            parts += part.parts;
            if parts > MOST {
                return Err(ChartProblem::Content(format!(
                    "it comes to more than {MOST} charts with all that it depends on"
                )));
            }
            chart.charts.push(part.chart.clone());
            digests.push_str(&part.pin.digest);
        }
        pin.digest = long_hash(digests.as_bytes());
        Ok(LoadedChart { chart, pin, parts })
    }
}

/// A chart on which another one depends and which it does not have in itself.
pub(super) struct MissingChart {
    /// What it is called.
    name: String,
    /// The versions that will do.
    wanted: String,
    /// Where it is.
    pub source: ChartSource,
}

impl BareChart {
    /// The charts that it depends on and does not have in itself. An archive on which another chart depends is taken as it is, as Helm
    /// does: what its own dependencies are was decided by whoever packed it.
    pub fn needs(&self, is_first: bool) -> Result<Vec<MissingChart>, ChartProblem> {
        let mut needs: Vec<MissingChart> = Vec::new();
        if self.folder.is_none() && !is_first {
            return Ok(needs);
        }
        for dependency in self.chart.lacking() {
            match source(dependency, self.folder.as_deref(), &self.helm) {
                Ok(source) if needs.iter().any(|need| need.source == source) => {}
                Ok(source) => {
                    let (name, wanted) = (dependency.name.clone(), dependency.version.clone());
                    needs.push(MissingChart { name, wanted, source });
                }
                Err(why) => return Err(ChartProblem::Content(why)),
            }
        }
        Ok(needs)
    }
}

/// Reads a chart from where it lies, without what it depends on. Where it is a folder, nothing in it may lead out of it.
///
/// # Errors
/// When there is none, or it can't be read.
pub fn local_chart(path: &Path) -> Result<Chart, ChartProblem> {
    bare(path, None, None).map(|bare| bare.chart)
}

/// Reads a chart below a spec.
pub(super) fn read_local(base: &Path, path: &str) -> Result<BareChart, ChartProblem> {
    let full = base.join(path);
    if fs::metadata(&full).is_ok_and(|found| !found.is_dir()) {
        folder::inside(base, &full).map_err(|error| ChartProblem::Files(error.to_string()))?;
    }
    bare(&full, Some(base), Some(path))
}

/// Reads the archive of a chart, which has to be of a version where one is locked.
pub(super) fn unpacked(bytes: &[u8], version: Option<&str>) -> Result<BareChart, ChartProblem> {
    let chart = Chart::unpack(bytes).map_err(|fault| ChartProblem::Content(fault.to_string()))?;
    let own = &chart.metadata.version;
    let same = |version: &str| {
        let both = SemanticVersion::read(version).ok().zip(SemanticVersion::read(own).ok());
        version == own || both.is_some_and(|(one, other)| one.order(&other).is_eq())
    };
    if let Some(version) = version.filter(|version| !same(version)) {
        return Err(ChartProblem::Content(format!("it is published as {version}, and says itself that it is {own}")));
    }
    let pin = ChartPin { version: version.map(str::to_owned), digest: long_hash(bytes) };
    Ok(BareChart { chart, pin, folder: None, helm: HelmLock::default() })
}

/// Reads a file of locked charts; an empty one where there is none.
pub(super) fn read_lock(path: &Path) -> Result<ChartLock, ChartProblem> {
    let text = match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(ChartLock::default()),
        Ok(found) if !found.is_file() => Err("it is no file".to_owned()),
        Ok(found) if found.len() > LARGEST_LOCK => Err(format!("it has more than {LARGEST_LOCK} bytes")),
        _ => fs::read_to_string(path).map_err(|error| error.to_string()),
    };
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    text.and_then(|text| ChartLock::read(&text))
        .map_err(|why| ChartProblem::Lock(format!("`{name}` can't be read: {why}")))
}

fn bare(full: &Path, project: Option<&Path>, name: Option<&str>) -> Result<BareChart, ChartProblem> {
    let files = |error: io::Error| ChartProblem::Files(error.to_string());
    let found = fs::metadata(full).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => ChartProblem::Files("there is no such file or folder".into()),
        _ => files(error),
    })?;
    if !found.is_dir() {
        return unpacked(&archives::read(full).map_err(files)?, None);
    }
    let project = fs::canonicalize(project.unwrap_or(full)).map_err(files)?;
    let content = folder::read(&project, full).map_err(files)?;
    let pin = ChartPin { version: None, digest: folder::digest(&content) };
    let chart = Chart::read(&content).map_err(|fault| ChartProblem::Content(fault.to_string()))?;
    let helm = HelmLock::of(&content).map_err(ChartProblem::Content)?;
    Ok(BareChart { chart, pin, folder: name.map(str::to_owned), helm })
}
