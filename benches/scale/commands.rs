//! The commands as a person runs them: whole processes, with the journal on.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::edited;
use crate::growth::high_water;

/// What is measured: its name, its arguments, and what was done in its folder before.
pub const COMMANDS: [(&str, &[&str], Before); 4] = [
    ("command plan, nothing there yet", &["plan"], Before::Nothing),
    ("command apply", &["apply", "--yes", "-q"], Before::Nothing),
    ("command plan, nothing to do", &["plan"], Before::Applied),
    ("command plan after one edit", &["plan"], Before::Edited),
];

/// What was done in a folder before a command is measured there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Before {
    Nothing,
    Applied,
    /// Applied, and the spec edited after that.
    Edited,
}

/// A folder with a spec, and the command that is measured in it.
pub struct Folder {
    folder: TempDir,
    arguments: &'static [&'static str],
}

impl Folder {
    /// A folder in which everything is as a command needs it.
    pub fn new(what: &str, text: &str) -> Self {
        let (_, arguments, before) = COMMANDS.into_iter().find(|(name, ..)| *name == what).expect("a command");
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("atlas.toml");
        std::fs::write(&path, text).expect("written");
        let made = Self { folder, arguments };
        if before != Before::Nothing {
            let status = made.command(&["apply", "--yes", "-q"]).status().expect("it runs");
            assert!(status.success(), "{status}");
        }
        if before == Before::Edited {
            std::fs::write(&path, edited(text)).expect("written");
        }
        made
    }

    /// Runs the command once.
    pub fn measure(&self) -> Duration {
        self.forget();
        let mut command = self.command(self.arguments);
        let begun = Instant::now();
        let status = command.status().expect("it runs");
        let elapsed = begun.elapsed();
        assert!(status.success(), "{status}");
        elapsed
    }

    /// The peak of the command, in megabytes.
    pub fn peak(&self) -> f64 {
        self.forget();
        let mut child = self.command(self.arguments).spawn().expect("it runs");
        let status = format!("/proc/{}/status", child.id());
        let mut peak: f64 = 0.0;
        loop {
            // The kernel tells the peak so far; what is asked for last is told shortly before the end.
            peak = peak.max(high_water(&std::fs::read_to_string(&status).unwrap_or_default()));
            if let Some(code) = child.try_wait().expect("known") {
                assert!(code.success(), "{code}");
                return peak;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// What a command that writes did the last time is taken back.
    fn forget(&self) {
        let records = self.folder.path().join(".atlas");
        if self.arguments[0] == "apply" && records.exists() {
            std::fs::remove_dir_all(records).expect("removed");
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_atlas"));
        command.args(arguments).current_dir(self.folder.path()).stdout(Stdio::null());
        command
    }
}
