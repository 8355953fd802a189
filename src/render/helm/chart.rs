//! A chart as it lies in a folder or an archive: what it says about itself, its defaults, templates, files and sub-charts.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::archive::{CHART_SIZE, unpack};
use super::entry::{ChartEntry, FILE_SIZE, without_mark};
use super::ignore::IgnoreRules;
use super::metadata::ChartMetadata;
use super::tables::{ValueTable, empty};
use super::values_file;
use crate::render::fault::RenderFault;

/// How deep sub-charts may lie within each other.
const DEPTH: usize = 20;

/// A chart.
#[derive(Clone, Debug)]
pub struct Chart {
    /// What it says about itself.
    pub metadata: ChartMetadata,
    /// Its default values.
    pub values: ValueTable,
    /// The schema of its values, as text.
    pub schema: Option<Rc<[u8]>>,
    /// Its templates.
    pub templates: Vec<ChartEntry>,
    /// Its other files, which templates can read.
    pub files: Vec<ChartEntry>,
    /// Its sub-charts.
    pub charts: Vec<Chart>,
}

impl Chart {
    /// Reads a chart from the files of its folder, by their paths in it. Its `.helmignore` decides which of them belong to it.
    ///
    /// # Errors
    /// Where a file that Helm reads is missing or wrong.
    pub fn read(files: &BTreeMap<String, Vec<u8>>) -> Result<Self, RenderFault> {
        let rules = files.get(".helmignore").map(Vec::as_slice).unwrap_or_default();
        let rules =
            IgnoreRules::read(&String::from_utf8_lossy(rules)).map_err(|fault| in_file(fault, ".helmignore"))?;
        let mut kept: Vec<ChartEntry> = files
            .iter()
            .filter(|(path, _)| !rules.ignore(path))
            .map(|(path, data)| ChartEntry { name: path.clone(), data: without_mark(data) })
            .collect();
        // Folders are gone through by the names of what is in them, which orders the objects of crds.
        kept.sort_by(|one, other| one.name.split('/').cmp(other.name.split('/')));
        Self::from_files(kept, 0, &mut { CHART_SIZE })
    }

    /// Reads a chart from an archive, as `helm package` writes it.
    ///
    /// # Errors
    /// Where it is no such archive, or holds a chart that is wrong.
    pub fn unpack(archive: &[u8]) -> Result<Self, RenderFault> {
        let mut left = CHART_SIZE;
        Self::from_files(unpack(archive, &mut left)?, 0, &mut left)
    }

    fn from_files(files: Vec<ChartEntry>, depth: usize, left: &mut u64) -> Result<Self, RenderFault> {
        if depth > DEPTH {
            return Err(RenderFault::new("charts lie too deep within each other"));
        }
        if let Some(file) = files.iter().find(|file| file.data.len() > FILE_SIZE) {
            return Err(in_file(RenderFault::new("the file is larger than 5 MiB"), &file.name));
        }
        let metadata = read_metadata(&files)?;
        let mut chart = Self {
            metadata,
            values: empty(),
            schema: None,
            templates: Vec::new(),
            files: Vec::new(),
            charts: Vec::new(),
        };
        let mut inner: BTreeMap<String, Vec<ChartEntry>> = BTreeMap::new();
        for file in files {
            chart.sort_in(file, &mut inner)?;
        }
        for (name, files) in inner {
            if let Some(sub) =
                sub_chart(&name, files, depth, left).map_err(|fault| within(fault, &chart.metadata.name, &name))?
            {
                chart.charts.push(sub);
            }
        }
        Ok(chart)
    }

    fn sort_in(&mut self, file: ChartEntry, inner: &mut BTreeMap<String, Vec<ChartEntry>>) -> Result<(), RenderFault> {
        match file.name.as_str() {
            "Chart.yaml" | "Chart.lock" => {}
            "values.yaml" => {
                let text = text(&file)?;
                self.values = values_file::read(text).map_err(|fault| in_file(fault, "values.yaml"))?;
            }
            "values.schema.json" => self.schema = Some(file.data),
            "requirements.yaml" | "requirements.lock" => {
                if self.metadata.api_version == "v1" {
                    self.files.push(file);
                }
            }
            name if name.starts_with("templates/") => self.templates.push(file),
            name => match name.strip_prefix("charts/") {
                Some(rest) if !name.ends_with(".prov") => {
                    let first = rest.split('/').next().unwrap_or(rest).to_owned();
                    let name = rest.to_owned();
                    inner.entry(first).or_default().push(ChartEntry { name, data: file.data });
                }
                _ => self.files.push(file),
            },
        }
        Ok(())
    }

    /// The definitions of custom resources in the folders `crds` of a chart and its sub-charts, with their full paths.
    #[must_use]
    pub fn crds(&self, path: &str) -> Vec<(String, Rc<[u8]>)> {
        let mut crds: Vec<_> = self
            .files
            .iter()
            .filter(|file| file.name.starts_with("crds/") && is_manifest(&file.name))
            .map(|file| (format!("{path}/{}", file.name), Rc::clone(&file.data)))
            .collect();
        for chart in &self.charts {
            crds.extend(chart.crds(&format!("{path}/charts/{}", chart.metadata.name)));
        }
        crds
    }
}

fn read_metadata(files: &[ChartEntry]) -> Result<ChartMetadata, RenderFault> {
    let find = |name: &str| files.iter().find(|file| file.name == name);
    let Some(file) = find("Chart.yaml") else { return Err(RenderFault::new("the chart has no Chart.yaml")) };
    let mut metadata = ChartMetadata::read(text(file)?).map_err(|fault| in_file(fault, "Chart.yaml"))?;
    if let Some(file) = find("requirements.yaml") {
        metadata.add(text(file)?).map_err(|fault| in_file(fault, "requirements.yaml"))?;
    }
    metadata.check().map_err(|fault| in_file(fault, "Chart.yaml"))?;
    Ok(metadata)
}

/// What lies in the folder `charts`: a chart's folder, an archive, or what is neither.
fn sub_chart(name: &str, files: Vec<ChartEntry>, depth: usize, left: &mut u64) -> Result<Option<Chart>, RenderFault> {
    if name.starts_with(['_', '.']) {
        return Ok(None);
    }
    if name.ends_with(".tgz") {
        let Some(file) = files.iter().find(|file| file.name == name) else {
            return Err(RenderFault::new(format!("{name} is a folder, not an archive")));
        };
        return Chart::from_files(unpack(&file.data, left)?, depth + 1, left).map(Some);
    }
    let files: Vec<ChartEntry> = files
        .into_iter()
        .filter_map(|file| {
            let (_, name) = file.name.split_once('/')?;
            Some(ChartEntry { name: name.to_owned(), data: file.data })
        })
        .collect();
    Chart::from_files(files, depth + 1, left).map(Some)
}

fn text(file: &ChartEntry) -> Result<&str, RenderFault> {
    std::str::from_utf8(&file.data).map_err(|_| in_file(RenderFault::new("the file is no text"), &file.name))
}

fn is_manifest(name: &str) -> bool {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    matches!(extension.as_deref(), Some("yaml" | "yml" | "json"))
}

pub(super) fn in_file(mut fault: RenderFault, file: &str) -> RenderFault {
    fault.file = Some(fault.file.take().unwrap_or_else(|| file.to_owned()));
    fault
}

fn within(mut fault: RenderFault, chart: &str, sub: &str) -> RenderFault {
    let file = fault.file.take().map_or_else(String::new, |file| format!("/{file}"));
    fault.file = Some(format!("charts/{sub}{file}"));
    if fault.what.is_empty() {
        fault.what = format!("the sub-chart {sub} of {chart} cannot be read");
    }
    fault
}
