//! A system that has no more threads to give.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::Command;

use crate::support::{Place, Run};

const SPEC: &str = "[project]\nname = \"t\"\nenvironment = \"s\"\n[environment.s]\nworld = \"sandbox\"\n\
    [region.a]\n[queue.one]\nregions = [\"a\"]\n";

/// A user who has no processes, where the tests run as root, for whom there are no limits.
const NOBODY: &str = "61234";

/// How many seconds the program may take before it counts as hanging, and is killed.
const LONGEST: &str = "60";

/// The program under a limit of threads, as a user for whom there is one. None where that can't be had.
fn limited(place: &Place, limit: u32, arguments: &[&str]) -> Option<Run> {
    let root = std::fs::metadata("/proc/self").ok()?.uid() == 0;
    let mut words = vec!["prlimit".to_owned(), format!("--nproc={limit}:{limit}")];
    if root {
        let user = ["setpriv", "--reuid", NOBODY, "--regid", NOBODY, "--clear-groups"];
        words.splice(0..0, user.map(str::to_owned));
    }
    words.splice(0..0, ["timeout", "--signal=KILL", LONGEST].map(str::to_owned));
    words.push(place.path("atlas").display().to_string());
    words.extend(arguments.iter().map(|word| (*word).to_owned()));
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).current_dir(place.path("")).env("NO_COLOR", "1").env("COLUMNS", "1000");
    command.stdin(std::process::Stdio::null()).output().ok().map(Run::of)
}

fn open_to_all(path: &Path) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o777)).expect("allowed");
}

#[test]
fn a_limit_of_threads_is_not_somebody_else() {
    let mut refused = 0;
    for limit in 1..=12 {
        let place = Place::with(SPEC);
        std::fs::copy(env!("CARGO_BIN_EXE_atlas"), place.path("atlas")).expect("copied");
        [place.path(""), place.path("atlas")].iter().for_each(|path| open_to_all(path));
        let Some(run) = limited(&place, limit, &["apply", "--yes"]) else { return };
        let said = run.stdout.clone() + &run.stderr;
        assert!(!said.contains("omebody else") && !said.contains("panicked"), "{limit}: {run:?}");
        assert!(!said.contains("Atlas itself broke off"), "{limit}: {run:?}");
        if run.code == 0 {
            continue;
        }
        refused += 1;
        assert_eq!(run.code, 1, "{limit}: {run:?}");
        assert!(said.contains("no thread can be started: the system's limit of threads"), "{limit}: {run:?}");
        assert!(said.contains("nothing was done") && said.contains("ulimit -u"), "{limit}: {run:?}");
        // Nothing is left of it that the next run would have to take over.
        let Some(next) = limited(&place, 1_000, &["apply", "--yes"]) else { return };
        assert!(next.code == 0 && !next.stdout.contains("Took over"), "{limit}: {next:?}");
    }
    assert!(refused > 0, "the limit holds for nobody here");
}
