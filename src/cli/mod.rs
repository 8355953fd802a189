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
mod graph;
mod history;
mod import;
mod init;
mod inside;
mod load;
mod lock;
mod notice;
mod outcome;
mod plan;
mod progress;
mod reconcile;
mod render;
mod runtime;
mod sandbox;
mod saved;
mod schema;
mod show;
mod signals;
mod status;
mod suspend;
mod ui;
mod validate;

use std::mem;
use std::process::ExitCode;

use clap::Parser as _;

use args::{Cli, Command};
use end::{Done, End};
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
    let global = arguments.global.clone();
    let show = move |failure: Failure| {
        failure.show(&Ui::new(&global));
    };
    let runtime = match runtime::start(show) {
        Ok(runtime) => runtime,
        Err(failure) => return failure.show(&ui),
    };
    let ended = runtime.block_on(run(&arguments, &ui));
    // A thread that waits for standard input must not hold the end up.
    runtime.shutdown_background();
    let end = match ended {
        Ok(Done { end, left }) => {
            mem::forget(left);
            end
        }
        Err(failure) => return failure.show(&ui),
    };
    match end {
        _ if ui.failed() => ExitCode::from(1),
        End::Good => ExitCode::SUCCESS,
        End::Differs => ExitCode::from(2),
        End::Incomplete => ExitCode::from(3),
        End::Unknown => ExitCode::from(4),
        #[cfg(feature = "docker")]
        End::Code(code) => ExitCode::from(code),
    }
}

async fn run(arguments: &Cli, ui: &Ui) -> Result<Done, Failure> {
    let global = &arguments.global;
    let end = match &arguments.command {
        Command::Init => init::run(global, ui),
        Command::Validate => validate::run(global, ui),
        Command::Plan(args) => return plan::run(global, args, ui).await,
        Command::Apply(args) => return apply::run(global, args, ui).await,
        Command::Destroy(args) => return apply::destroy(global, args, ui).await,
        Command::Drift => return drift::run(global, ui).await,
        Command::Status => return status::run(global, ui).await,
        Command::Show { address } => return show::run(global, address, ui).await,
        Command::Graph { format } => graph::run(global, *format, ui),
        Command::History { number } => history::run(global, *number, ui),
        Command::Reconcile(args) => return reconcile::run(global, args, ui).await.map(Done::from),
        Command::Suspend(args) => suspend::suspend(global, args, ui),
        Command::Resume { address } => suspend::resume(global, address.as_ref(), ui),
        Command::Logs(args) => inside::logs(global, args, ui).await,
        Command::Exec(args) => inside::exec(global, args, ui).await,
        Command::Adopt(args) => return adopt::adopt(global, args, ui).await,
        Command::Forget(args) => return adopt::forget(global, args, ui).await,
        Command::Import(args) => import::run(global, args, ui),
        Command::Render(args) => render::run(global, args, ui),
        Command::Lock(args) => lock::run(global, args, ui),
        Command::Schema => schema::run(ui),
        Command::Explain { name } => explain::run(name.as_deref(), ui),
        Command::Completions { shell } => completions::run(*shell, ui),
        Command::Sandbox(command) => sandbox::run(global, command, ui).await,
    };
    end.map(Done::from)
}

/// A wrong command line is an error like any other: exit code 2 means something else here.
fn usage(error: &clap::Error) -> ExitCode {
    if error.use_stderr() {
        ui::write_usage(error);
    } else {
        // Help and the version contain no typed text.
        let _ = error.print();
    }
    if error.use_stderr() { ExitCode::from(1) } else { ExitCode::SUCCESS }
}
