//! The command line: one file per command. Errors become words and exit codes here, and nowhere else.

mod adopt;
mod apply;
mod args;
mod completions;
#[cfg(all(feature = "docker", unix))]
mod console;
mod drift;
mod end;
mod environment;
mod explain;
mod failure;
mod files;
mod folder;
mod graph;
mod history;
mod init;
mod inside;
mod load;
mod plan;
mod progress;
mod prove;
mod sandbox;
mod schema;
mod show;
mod status;
mod ui;
mod validate;

use std::process::ExitCode;

use clap::Parser as _;

use args::{Cli, Command};
use end::End;
use failure::Failure;
use ui::Ui;

/// Runs the command that the arguments name.
pub fn main() -> ExitCode {
    let arguments = match Cli::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return usage(&error),
    };
    #[cfg(feature = "crash-points")]
    if let Some((die_at, log)) = environment::crash_orders() {
        crate::crash::arm(die_at, log);
    }
    let ui = Ui::new(&arguments.global);
    crate::telemetry::start(arguments.global.verbose, ui.palette().has_colour());
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return Failure::new("the runtime can't start").because(error.to_string()).show(&ui),
    };
    let ended = runtime.block_on(run(&arguments, &ui));
    // A thread that waits for standard input must not hold the end up.
    runtime.shutdown_background();
    match ended {
        Ok(_) if ui.failed() => ExitCode::from(1),
        Ok(End::Good) => ExitCode::SUCCESS,
        Ok(End::Differs) => ExitCode::from(2),
        Ok(End::Incomplete) => ExitCode::from(3),
        #[cfg(feature = "docker")]
        Ok(End::Code(code)) => ExitCode::from(code),
        Err(failure) => failure.show(&ui),
    }
}

async fn run(arguments: &Cli, ui: &Ui) -> Result<End, Failure> {
    let global = &arguments.global;
    match &arguments.command {
        Command::Init => init::run(global, ui),
        Command::Validate => validate::run(global, ui),
        Command::Plan(args) => plan::run(global, args, ui).await,
        Command::Apply(args) => apply::run(global, args, ui).await,
        Command::Destroy(args) => apply::destroy(global, args, ui).await,
        Command::Drift => drift::run(global, ui).await,
        Command::Status => status::run(global, ui).await,
        Command::Show { address } => show::run(global, address, ui).await,
        Command::Graph { format } => graph::run(global, *format, ui),
        Command::History => history::run(global, ui),
        Command::Logs(args) => inside::logs(global, args, ui).await,
        Command::Exec(args) => inside::exec(global, args, ui).await,
        Command::Adopt(args) => adopt::adopt(global, args, ui).await,
        Command::Forget(args) => adopt::forget(global, args, ui).await,
        Command::Schema => schema::run(ui),
        Command::Explain { name } => explain::run(name.as_deref(), ui),
        Command::Completions { shell } => completions::run(*shell, ui),
        Command::Sandbox(command) => sandbox::run(global, command, ui),
    }
}

/// A wrong command line is an error like any other: exit code 2 means something else here.
fn usage(error: &clap::Error) -> ExitCode {
    let _ = error.print();
    if error.use_stderr() { ExitCode::from(1) } else { ExitCode::SUCCESS }
}
