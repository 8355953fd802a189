//! `atlas completions`: a script for a shell.

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::End;
use super::args::Cli;
use super::failure::Failure;
use super::ui::Ui;

#[allow(clippy::unnecessary_wraps, reason = "every command has this shape")]
pub fn run(shell: Shell, ui: &Ui) -> Result<End, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "atlas", &mut script);
    ui.out(&String::from_utf8_lossy(&script));
    Ok(End::Good)
}
