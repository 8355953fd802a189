//! The runs before, one line each, whoever keeps them.

use serde::{Deserialize, Serialize};

use super::clock::now;
use crate::execute::{Counts, Report};

/// A run that begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// When it began, in UTC.
    pub began: String,
    /// What it is: `apply`, `destroy`, `adopt`.
    pub command: String,
    /// The fingerprint of its plan.
    pub plan: String,
}

/// A run that is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunSummary {
    /// The run.
    #[serde(flatten)]
    pub run: Run,
    /// When it ended, in UTC; none when that was never written: it was killed, or is still going on.
    #[serde(default)]
    pub ended: Option<String>,
    /// How it ended: `converged`, `failed`, `interrupted`, `differs`, `unproven`; or `unfinished`.
    pub outcome: String,
    /// How many steps of each sort: `created`, `updated` and so on.
    pub counts: std::collections::BTreeMap<String, usize>,
}

impl Run {
    /// A run that begins now.
    #[must_use]
    pub fn now(command: &str, plan: String) -> Self {
        Self { began: now(), command: command.to_owned(), plan }
    }

    /// The run as it is written down when it begins, so that it is known even when nothing more is heard of it.
    #[must_use]
    pub fn begun(&self) -> RunSummary {
        let counts = std::collections::BTreeMap::new();
        RunSummary { run: self.clone(), ended: None, outcome: "unfinished".to_owned(), counts }
    }

    /// The run, over now.
    #[must_use]
    pub fn ended(self, report: &Report, outcome: &str) -> RunSummary {
        let Counts { created, updated, deleted, adopted, forgotten, found, failed, skipped } = report.counts();
        let all = [
            ("created", created),
            ("updated", updated),
            ("deleted", deleted),
            ("adopted", adopted),
            ("forgotten", forgotten),
            ("found", found),
            ("failed", failed),
            ("skipped", skipped),
        ];
        let counts = all.into_iter().filter(|(_, n)| *n > 0).map(|(word, n)| (word.to_owned(), n)).collect();
        RunSummary { run: self, ended: Some(now()), outcome: outcome.to_owned(), counts }
    }
}

/// The runs of some lines. One that was cut off by a crash, or that another version wrote, is passed over.
pub fn parse<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<RunSummary> {
    lines.filter_map(|line| serde_json::from_str(line).ok()).collect()
}
