//! The `atlas` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    atlas::cli::main()
}
