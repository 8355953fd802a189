//! The rules of what names a chart.

use super::fault::Fault;
use super::rule::PATH;
use super::schema::Rule;
use super::shared::Shared::Static;

/// What an app may be made of.
pub const SOURCES: [&str; 3] = ["chart", "manifests", "kustomize"];

/// A chart: a folder or an archive below the spec, a name in a repository, or a place in a registry.
pub static CHART: Rule = Rule {
    says: Static("path relative to the spec, name in a repository, or \"oci://HOST/PATH\""),
    pattern: None,
    normal: None,
    several: None,
    check: Static(&|text| match text.strip_prefix("oci://") {
        _ if text.contains("@sha256:") => {
            let at = text.find("@sha256:").unwrap_or_default()..text.len();
            Err(Fault::new("which content a chart has, `atlas.lock` says").at(at).hint("leave the digest out"))
        }
        Some(place) => in_registry(text, place),
        None if text.contains("://") => Err(Fault::new(format!("`{text}` is no chart")).hint(
            "name the chart, and say the URL of its repository in `repository`; a registry's begins with `oci://`",
        )),
        None => (PATH.check)(text),
    }),
};

/// Whether a chart is a place in a registry.
pub fn is_in_registry(chart: &str) -> bool {
    chart.starts_with("oci://")
}

/// The URL of a chart repository: <https://helm.sh/docs/topics/chart_repository/>.
pub static REPOSITORY: Rule = Rule {
    says: Static("http or https URL of a chart repository"),
    pattern: Some(Static("^https?://[^/?#@\\s]+(/[^?#\\s]*)?$")),
    normal: Some(Static(&|text| text.trim_end_matches('/').to_owned())),
    several: None,
    check: Static(&|text| {
        let hint = "write it as \"https://charts.example.com/stable\"";
        let Some(rest) = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")) else {
            let fault = Fault::new(format!("`{text}` is no URL of a chart repository"));
            return Err(match text.starts_with("oci://") {
                true => fault.hint("a registry has no repositories: write `chart = \"oci://HOST/PATH/CHART\"`"),
                false => fault.hint(hint),
            });
        };
        let host = rest.split('/').next().unwrap_or_default();
        if host.contains('@') {
            // A password in a spec would be shown, stored and shared.
            return Err(
                Fault::new("a repository's URL has no credentials in it").hint("`docker login HOST` keeps them")
            );
        }
        match host.is_empty() || text.contains(['?', '#']) || text.contains(char::is_whitespace) {
            true => Err(Fault::new(format!("`{text}` is no URL of a chart repository")).hint(hint)),
            false => Ok(()),
        }
    }),
};

/// A range of versions, in Helm's words: <https://helm.sh/docs/chart_best_practices/dependencies/#versions>.
pub static VERSIONS: Rule = Rule {
    says: Static("version, or range of versions such as \"~1.2\""),
    pattern: None,
    normal: None,
    several: None,
    check: Static(&|text| {
        let good = |c: char| c.is_ascii_alphanumeric() || ".-+ <>=!~^*|,".contains(c);
        match text.find(|c| !good(c)) {
            None if text.contains(|c: char| c.is_ascii_digit() || matches!(c, '*' | 'x' | 'X')) => Ok(()),
            None => Err(Fault::new(format!("`{text}` is no version and no range of versions"))
                .hint("write \"1.2.3\" or \"~1.2\"")),
            Some(at) => {
                let wrong = text[at..].chars().next().map_or(0, char::len_utf8);
                Err(Fault::new("a version has no such character")
                    .at(at..at + wrong)
                    .hint("write \"1.2.3\" or \"~1.2\""))
            }
        }
    }),
};

/// The host and the path of a chart in a registry: <https://helm.sh/docs/topics/registries/>.
fn in_registry(text: &str, place: &str) -> Result<(), Fault> {
    let start = text.len() - place.len();
    let (host, path) = place.split_once('/').unwrap_or((place, ""));
    if host.is_empty() || path.split('/').any(str::is_empty) {
        return Err(
            Fault::new(format!("`{text}` is no chart in a registry")).hint("write it as \"oci://HOST/PATH/CHART\"")
        );
    }
    let parts = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-/".contains(c);
    if let Some(at) = path.find(|c| !parts(c)) {
        let at = start + host.len() + 1 + at;
        let fault = Fault::new("a registry's paths have lower-case letters, digits, `.`, `_`, `-` and `/`");
        return Err(fault.at(at..at + 1).hint("the version stands in `version`, and not behind a colon"));
    }
    let hosts = |c: char| c.is_ascii_alphanumeric() || ".-:[]".contains(c);
    match host.find(|c| !hosts(c)) {
        Some(at) => Err(Fault::new("this is no host of a registry").at(start + at..start + host.len())),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charts_repositories_and_versions_are_told_from_what_is_none() {
        let cases: [(&Rule, &[&str], &[&str]); 3] = [
            (
                &CHART,
                &["charts/web", "web", "oci://registry.example.com:5000/charts/web", "oci://[::1]:5000/a"],
                &[
                    "../web",
                    "/web",
                    "https://example.com/web",
                    "oci://host",
                    "oci:///web",
                    "oci://host/Web",
                    "oci://host/web:1",
                    "",
                    "web@sha256:ab",
                ],
            ),
            (
                &REPOSITORY,
                &["https://charts.example.com", "http://127.0.0.1:8080/stable"],
                &[
                    "charts.example.com",
                    "https://",
                    "https://me:pass@example.com",
                    "oci://host/a",
                    "https://a/?b=c",
                    "https://a b",
                ],
            ),
            (&VERSIONS, &["1.2.3", "~1.2", ">=1.2, <2 || 3.x", "*", "1.2.3-rc.1+b"], &["", "latest", "1.2;3", "ü1"]),
        ];
        for (rule, good, bad) in cases {
            good.iter().for_each(|text| assert_eq!((rule.check)(text), Ok(()), "{text}"));
            bad.iter().for_each(|text| assert!((rule.check)(text).is_err(), "{text}"));
        }
    }
}
