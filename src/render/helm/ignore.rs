//! The rules of `.helmignore`: which files of a folder are no part of its chart.

use regex::Regex;

use super::patterns::of_ignore;
use crate::render::fault::RenderFault;

/// The rules of a chart's folder.
#[derive(Debug, Default)]
pub(super) struct IgnoreRules {
    rules: Vec<IgnoreRule>,
}

#[derive(Debug)]
struct IgnoreRule {
    pattern: Regex,
    negated: bool,
    folders_only: bool,
    whole_path: bool,
}

impl IgnoreRules {
    /// Reads the rules of a text; hidden files among the templates are always left out.
    pub(super) fn read(text: &str) -> Result<Self, RenderFault> {
        let mut rules = Self::default();
        for line in text.strip_prefix('\u{FEFF}').unwrap_or(text).lines() {
            rules.add(line.trim())?;
        }
        rules.add("templates/.?*")?;
        Ok(rules)
    }

    fn add(&mut self, line: &str) -> Result<(), RenderFault> {
        if line.is_empty() || line.starts_with('#') {
            return Ok(());
        }
        if line.contains("**") {
            return Err(RenderFault::new(format!("two stars are not supported in .helmignore: {line}")));
        }
        let (negated, rule) = line.strip_prefix('!').map_or((false, line), |rest| (true, rest));
        let (folders_only, rule) = rule.strip_suffix('/').map_or((false, rule), |rest| (true, rest));
        let whole_path = rule.contains('/');
        let pattern = of_ignore(rule.strip_prefix('/').unwrap_or(rule));
        let pattern =
            pattern.ok_or_else(|| RenderFault::new(format!("no pattern of file names in .helmignore: {line}")))?;
        self.rules.push(IgnoreRule { pattern, negated, folders_only, whole_path });
        Ok(())
    }

    /// Whether a file is left out, by itself or with one of the folders that it is in.
    pub(super) fn ignore(&self, path: &str) -> bool {
        let folders = path.match_indices('/').map(|(at, _)| &path[..at]);
        folders.into_iter().any(|folder| self.leaves_out(folder, true)) || self.leaves_out(path, false)
    }

    /// A rule that is negated leaves out what it does not match, which is how Helm reads it.
    fn leaves_out(&self, path: &str, folder: bool) -> bool {
        self.rules.iter().any(|rule| {
            if rule.folders_only && !folder {
                return rule.negated;
            }
            rule.matches(path) != rule.negated
        })
    }
}

impl IgnoreRule {
    fn matches(&self, path: &str) -> bool {
        let name = if self.whole_path { path } else { path.rsplit('/').next().unwrap_or(path) };
        self.pattern.is_match(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_folders() {
        let rules = IgnoreRules::read("# comment\n*.tmp\nci/\n/root.txt\ndocs/*.md\n").unwrap();
        for path in
            ["a.tmp", "x/b.tmp", "ci/a.yaml", "charts/kid/ci/v.yaml", "root.txt", "docs/a.md", "templates/.hidden"]
        {
            assert!(rules.ignore(path), "{path}");
        }
        for path in ["ci", "x/root.txt", "docs/x/a.md", "templates/a.yaml", ".helmignore"] {
            assert!(!rules.ignore(path), "{path}");
        }
        assert!(IgnoreRules::read("a/**\n").is_err());
    }
}
