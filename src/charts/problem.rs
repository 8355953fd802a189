//! Why a chart can't be had.

use crate::desired::{ChartSource, PublishedChart};

/// Why a chart can't be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChartProblem {
    /// Its files can't be read.
    #[error("{0}")]
    Files(String),
    /// What is in its files is no chart, or it depends on what nobody can find.
    #[error("{0}")]
    Content(String),
    /// The lock does not have it.
    #[error("{0} is not in the file of locked charts")]
    NotLocked(PublishedChart),
    /// Whoever publishes it does not give it.
    #[error("{chart}: {why}")]
    NotPulled {
        /// The chart.
        chart: PublishedChart,
        /// Why.
        why: String,
    },
    /// The lock itself can't be read.
    #[error("{0}")]
    Lock(String),
}

impl ChartProblem {
    /// The same of a chart on which another one depends. Where that was said already, of one further down, it is not said again.
    #[must_use]
    pub fn below(self, chart: &str, source: &ChartSource) -> Self {
        match self {
            Self::Files(why) => Self::Content(format!("{chart} depends on {source}, which can't be used: {why}")),
            Self::Content(why) if !why.contains("which can't be used: ") => {
                Self::Content(format!("{chart} depends on {source}, which can't be used: {why}"))
            }
            other => other,
        }
    }
}
