//! The `atlas` command.

use std::process::ExitCode;

// A plan of a hundred thousand resources is mostly small allocations.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    atlas::cli::main()
}
