//! What `Chart.yaml` and the older `requirements.yaml` say about a chart.

use crate::render::fault::RenderFault;
use crate::render::template::semver::SemanticVersion;
use crate::render::value::{ChartValue, Map};
use crate::render::yaml;

use super::fields::fields;

/// What a chart says about itself.
#[derive(Clone, Debug, Default)]
pub struct ChartMetadata {
    /// The chart's name; of a sub-chart with an alias, that alias.
    pub name: String,
    /// The chart's own version.
    pub version: String,
    /// `v1` or `v2`.
    pub api_version: String,
    /// The version of what the chart runs.
    pub app_version: String,
    /// The range of versions of Kubernetes that it asks for.
    pub kube_version: String,
    /// `application`, `library`, or nothing.
    pub kind: String,
    /// Whether it is marked as deprecated.
    pub deprecated: bool,
    /// The charts that it depends on.
    pub dependencies: Vec<Dependency>,
    /// One sentence.
    pub description: String,
    home: String,
    icon: String,
    condition: String,
    tags: String,
    sources: Vec<String>,
    keywords: Vec<String>,
    maintainers: Vec<[String; 3]>,
    annotations: Vec<(String, String)>,
}

/// A chart that another one depends on.
#[derive(Clone, Debug, Default)]
pub struct Dependency {
    /// The chart's name, or its alias once the dependencies have been worked out.
    pub name: String,
    /// The range of versions that fit.
    pub version: String,
    /// Where it comes from.
    pub repository: String,
    /// Paths of values that switch it on or off, parted by commas.
    pub condition: String,
    /// Tags that switch it on or off.
    pub tags: Vec<String>,
    /// The name under which it is used.
    pub alias: String,
    /// Whether it is used.
    pub enabled: bool,
    /// Which of its values the parent takes over.
    pub imports: Vec<Import>,
}

/// Values of a sub-chart that its parent takes over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// The path of the table in the sub-chart.
    pub child: String,
    /// The path in the parent at which it is laid; a point is the parent's root.
    pub parent: String,
}

impl ChartMetadata {
    /// Reads `Chart.yaml`.
    ///
    /// # Errors
    /// Where it is no YAML, or a field has a value of another kind.
    pub fn read(text: &str) -> Result<Self, RenderFault> {
        let mut metadata = Self::default();
        metadata.add(text)?;
        if metadata.api_version.is_empty() {
            "v1".clone_into(&mut metadata.api_version);
        }
        Ok(metadata)
    }

    /// Reads further fields, as the older `requirements.yaml` has them.
    ///
    /// # Errors
    /// As `read`.
    pub fn add(&mut self, text: &str) -> Result<(), RenderFault> {
        let value = yaml::read_as(text, yaml::Numbers::Whole)?;
        let Some(fields) = fields(&value, "")? else { return Ok(()) };
        fields.text("name", &mut self.name)?;
        fields.text("version", &mut self.version)?;
        fields.text("apiVersion", &mut self.api_version)?;
        fields.text("appVersion", &mut self.app_version)?;
        fields.text("kubeVersion", &mut self.kube_version)?;
        fields.text("type", &mut self.kind)?;
        fields.text("description", &mut self.description)?;
        fields.text("home", &mut self.home)?;
        fields.text("icon", &mut self.icon)?;
        fields.text("condition", &mut self.condition)?;
        fields.text("tags", &mut self.tags)?;
        fields.flag("deprecated", &mut self.deprecated)?;
        fields.texts("sources", &mut self.sources)?;
        fields.texts("keywords", &mut self.keywords)?;
        fields.pairs("annotations", &mut self.annotations)?;
        if let Some(list) = fields.items("maintainers")? {
            self.maintainers = list.iter().map(maintainer).collect::<Result<_, _>>()?;
        }
        if let Some(list) = fields.items("dependencies")? {
            self.dependencies = list.iter().map(dependency).collect::<Result<_, _>>()?;
        }
        Ok(())
    }

    /// Checks what Helm asks of every chart.
    ///
    /// # Errors
    /// Where a name, a version, a kind or an alias is missing or wrong.
    pub fn check(&mut self) -> Result<(), RenderFault> {
        for text in [
            &mut self.name,
            &mut self.description,
            &mut self.home,
            &mut self.icon,
            &mut self.condition,
            &mut self.tags,
            &mut self.app_version,
            &mut self.kube_version,
        ] {
            *text = printable(text);
        }
        let name = &self.name;
        if name.is_empty() {
            return Err(RenderFault::new("Chart.yaml has no name"));
        }
        if matches!(name.as_str(), "." | "..") || name.contains('/') {
            return Err(RenderFault::new(format!("\"{name}\" is no name for a chart")));
        }
        if SemanticVersion::read(&self.version).is_err() {
            return Err(RenderFault::new(format!(
                "the version \"{}\" of the chart {name} is no semantic version",
                self.version
            )));
        }
        if !matches!(self.kind.as_str(), "" | "application" | "library") {
            return Err(RenderFault::new(format!(
                "the chart {name} is of the type {}, not application or library",
                self.kind
            )));
        }
        let mut names = std::collections::BTreeSet::new();
        for dependency in &self.dependencies {
            let known = if dependency.alias.is_empty() { &dependency.name } else { &dependency.alias };
            if dependency.alias.chars().any(|c| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))) {
                return Err(RenderFault::new(format!("the alias \"{known}\" has characters that no alias may have")));
            }
            if !names.insert(known.clone()) {
                return Err(RenderFault::new(format!("{name} has two dependencies with the name or alias {known}")));
            }
        }
        Ok(())
    }

    /// Whether the chart only lends its templates to others.
    #[must_use]
    pub fn is_library(&self) -> bool {
        self.kind.eq_ignore_ascii_case("library")
    }

    /// What `.Chart` is in templates.
    #[must_use]
    pub fn value(&self, root: bool) -> ChartValue {
        let text = |text: &str| ChartValue::text(text);
        let texts = |list: &[String]| ChartValue::list(list.iter().map(|item| text(item)).collect());
        let maintainers = self
            .maintainers
            .iter()
            .map(|[name, email, url]| object([("Name", text(name)), ("Email", text(email)), ("URL", text(url))]));
        let annotations: Map = self.annotations.iter().map(|(key, item)| (key.as_str().into(), text(item))).collect();
        object([
            ("Name", text(&self.name)),
            ("Home", text(&self.home)),
            ("Sources", texts(&self.sources)),
            ("Version", text(&self.version)),
            ("Description", text(&self.description)),
            ("Keywords", texts(&self.keywords)),
            ("Maintainers", ChartValue::list(maintainers.collect())),
            ("Icon", text(&self.icon)),
            ("APIVersion", text(&self.api_version)),
            ("Condition", text(&self.condition)),
            ("Tags", text(&self.tags)),
            ("AppVersion", text(&self.app_version)),
            ("Deprecated", ChartValue::Bool(self.deprecated)),
            ("Annotations", ChartValue::map(annotations)),
            ("KubeVersion", text(&self.kube_version)),
            ("Dependencies", ChartValue::list(self.dependencies.iter().map(Dependency::value).collect())),
            ("Type", text(&self.kind)),
            ("IsRoot", ChartValue::Bool(root)),
        ])
    }
}

impl Dependency {
    fn value(&self) -> ChartValue {
        let imports = self.imports.iter().map(|import| {
            object([("child", ChartValue::text(&*import.child)), ("parent", ChartValue::text(&*import.parent))])
        });
        object([
            ("Name", ChartValue::text(&*self.name)),
            ("Version", ChartValue::text(&*self.version)),
            ("Repository", ChartValue::text(&*self.repository)),
            ("Condition", ChartValue::text(&*self.condition)),
            ("Tags", ChartValue::list(self.tags.iter().map(|tag| ChartValue::text(&**tag)).collect())),
            ("Enabled", ChartValue::Bool(self.enabled)),
            ("ImportValues", ChartValue::list(imports.collect())),
            ("Alias", ChartValue::text(&*self.alias)),
        ])
    }
}

fn object<const N: usize>(fields: [(&str, ChartValue); N]) -> ChartValue {
    ChartValue::map(fields.into_iter().map(|(name, value)| (name.into(), value)).collect())
}

/// Spaces of all kinds become blanks, and what cannot be printed goes.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).filter(|c| !c.is_control()).collect()
}

fn maintainer(value: &ChartValue) -> Result<[String; 3], RenderFault> {
    let mut maintainer: [String; 3] = Default::default();
    let Some(fields) = fields(value, "maintainers")? else {
        return Err(RenderFault::new("the maintainers of a chart cannot be empty"));
    };
    for (name, text) in ["name", "email", "url"].into_iter().zip(&mut maintainer) {
        fields.text(name, text)?;
        *text = printable(text);
    }
    Ok(maintainer)
}

fn dependency(value: &ChartValue) -> Result<Dependency, RenderFault> {
    let mut dependency = Dependency::default();
    let Some(fields) = fields(value, "dependencies")? else {
        return Err(RenderFault::new("the dependencies of a chart cannot be empty"));
    };
    fields.text("name", &mut dependency.name)?;
    fields.text("version", &mut dependency.version)?;
    fields.text("repository", &mut dependency.repository)?;
    fields.text("condition", &mut dependency.condition)?;
    fields.text("alias", &mut dependency.alias)?;
    fields.texts("tags", &mut dependency.tags)?;
    fields.flag("enabled", &mut dependency.enabled)?;
    for text in [&mut dependency.name, &mut dependency.version, &mut dependency.repository, &mut dependency.condition] {
        *text = printable(text);
    }
    for item in fields.items("import-values")?.unwrap_or_default().iter() {
        dependency.imports.extend(import(item)?);
    }
    Ok(dependency)
}

fn import(value: &ChartValue) -> Result<Option<Import>, RenderFault> {
    match value {
        ChartValue::Text(name) => Ok(Some(Import { child: format!("exports.{name}"), parent: ".".to_owned() })),
        ChartValue::Map(_) => {
            let mut import = Import { child: "<nil>".to_owned(), parent: "<nil>".to_owned() };
            if let Some(fields) = fields(value, "import-values")? {
                fields.text("child", &mut import.child)?;
                fields.text("parent", &mut import.parent)?;
            }
            Ok(Some(import))
        }
        _ => Ok(None),
    }
}
