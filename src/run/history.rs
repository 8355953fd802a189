//! The runs before. Each is written down when it begins and again when it ends, so that one that was killed is known.

use std::collections::BTreeMap;
use std::io;

use crate::store::{RunSummary, Store};

/// The runs before, the oldest first, each once. One whose end was never written is `unfinished`: it was killed, or is still
/// going on.
///
/// # Errors
/// When the history is there and can't be read.
pub fn history(store: &dyn Store) -> io::Result<Vec<RunSummary>> {
    Ok(told(store.history()?))
}

/// Puts the end of each run in the place of its beginning.
fn told(lines: Vec<RunSummary>) -> Vec<RunSummary> {
    let mut runs: Vec<RunSummary> = Vec::with_capacity(lines.len());
    let mut begun: BTreeMap<(String, String, String), usize> = BTreeMap::new();
    for line in lines {
        let run = &line.run;
        let key = (run.began.clone(), run.command.clone(), run.plan.clone());
        match (line.ended.is_some(), begun.remove(&key)) {
            (true, Some(at)) => runs[at] = line,
            (true, None) => runs.push(line),
            (false, _) => {
                begun.insert(key, runs.len());
                runs.push(line);
            }
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::told;
    use crate::execute::Report;
    use crate::store::Run;

    #[test]
    fn a_run_that_ended_counts_once_and_one_that_did_not_is_unfinished() {
        let run = |began: &str| Run { began: began.into(), command: "apply".into(), plan: "p".into() };
        let ended = |began: &str| run(began).ended(&Report::default(), "converged");
        let words = |lines| told(lines).into_iter().map(|one| one.outcome).collect::<Vec<_>>();
        assert_eq!(words(vec![run("1").begun(), ended("1")]), ["converged"]);
        assert_eq!(words(vec![run("1").begun(), run("2").begun(), ended("2")]), ["unfinished", "converged"]);
        // Two within one second: the end belongs to the later one.
        assert_eq!(words(vec![run("1").begun(), run("1").begun(), ended("1")]), ["unfinished", "converged"]);
        // What an earlier version wrote has no beginning.
        assert_eq!(words(vec![ended("1"), run("2").begun()]), ["converged", "unfinished"]);
    }
}
