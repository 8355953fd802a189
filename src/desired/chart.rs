//! Where the charts of apps come from, and what they turned out to be.

use std::fmt;

use crate::value::Attributes;

/// What a registry's charts begin with.
const REGISTRY: &str = "oci://";
/// What stands between a chart and the digest of its content.
const PINNED: &str = "@sha256:";

/// Where a chart comes from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChartSource {
    /// A folder or an archive below the spec, by its path.
    Path(String),
    /// Somebody publishes it.
    Published(PublishedChart),
}

/// A chart that somebody publishes, in a repository or in a registry, and which of its versions will do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PublishedChart {
    /// The URL of the repository; none of a chart in a registry.
    pub repository: Option<String>,
    /// Its name in the repository, or the whole of `oci://HOST/PATH`.
    pub chart: String,
    /// The versions that will do, as Helm writes ranges. The newest release when it is empty.
    pub wanted: String,
}

/// What a chart turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChartPin {
    /// The version of one that somebody publishes.
    pub version: Option<String>,
    /// The SHA-256 of its content, or the beginning of it, in hexadecimal digits.
    pub digest: String,
}

impl ChartSource {
    /// The chart that an app names; none of an app without a chart.
    #[must_use]
    pub fn of(attributes: &Attributes) -> Option<Self> {
        let said = attributes.get("chart").as_str()?;
        let (chart, is_pinned) = said.rsplit_once(PINNED).map_or((said, false), |(chart, _)| (chart, true));
        let repository = attributes.get("repository").as_str().map(str::to_owned);
        if repository.is_none() && !chart.starts_with(REGISTRY) {
            return Some(Self::Path(chart.to_owned()));
        }
        // What is pinned has its version behind the last colon.
        let chart = if is_pinned { chart.rsplit_once(':').map_or(chart, |(chart, _)| chart) } else { chart };
        let wanted = attributes.get("version").as_str().unwrap_or_default();
        Some(Self::Published(PublishedChart { repository, chart: chart.to_owned(), wanted: wanted.to_owned() }))
    }

    /// What an app says of its chart once that is known: `charts/web@sha256:…`, `oci://HOST/web:1.2.3@sha256:…`.
    #[must_use]
    pub fn pinned(&self, pin: &ChartPin) -> String {
        let version = pin.version.iter().map(|version| format!(":{version}")).collect::<String>();
        format!("{}{version}{PINNED}{}", self.chart(), pin.digest.get(..12).unwrap_or(&pin.digest))
    }

    /// The version of a published chart that is pinned, where an app names one.
    #[must_use]
    pub fn version_of(app: &Attributes) -> Option<&str> {
        let (chart, _) = app.get("chart").as_str()?.rsplit_once(PINNED)?;
        let is_published = matches!(Self::of(app), Some(Self::Published(_)));
        chart.rsplit_once(':').filter(|_| is_published).map(|(_, version)| version)
    }

    /// The chart alone: its path, its name in a repository, or where it is in a registry.
    #[must_use]
    pub fn chart(&self) -> &str {
        match self {
            Self::Path(path) => path,
            Self::Published(published) => &published.chart,
        }
    }
}

impl fmt::Display for ChartSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => write!(f, "`{path}`"),
            Self::Published(published) => published.fmt(f),
        }
    }
}

impl fmt::Display for PublishedChart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.chart)?;
        if let Some(repository) = &self.repository {
            write!(f, " of {repository}")?;
        }
        if self.wanted.is_empty() { Ok(()) } else { write!(f, ", version {}", self.wanted) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Value;

    #[test]
    fn a_pinned_chart_still_says_where_it_comes_from() {
        for (chart, repository, version) in [
            ("charts/web", None, None),
            ("web", Some("https://charts.example.com:8443/a"), Some("1.x")),
            ("oci://registry.example.com:5000/charts/web", None, Some("~1.2")),
            ("oci://registry.example.com/web", None, None),
        ] {
            let text = |value: Option<&str>| value.map_or(Value::Null, Value::from);
            let mut attributes = Attributes::from_iter([
                ("chart", Value::from(chart)),
                ("repository", text(repository)),
                ("version", text(version)),
            ]);
            let source = ChartSource::of(&attributes).expect("a chart");
            assert_eq!(source.chart(), chart);
            // What lies below the spec has no version of its own there.
            let version = matches!(source, ChartSource::Published(_)).then(|| "1.2.3+b".to_owned());
            let said = version.clone();
            let pin = ChartPin { version, digest: "0123456789abcdef".into() };
            attributes.set("chart", Value::String(source.pinned(&pin).into()));
            assert_eq!(ChartSource::of(&attributes), Some(source), "{attributes:?}");
            assert_eq!(ChartSource::version_of(&attributes), said.as_deref());
        }
    }
}
