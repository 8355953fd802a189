//! The runtime in which a command runs.

use std::io;
use std::num::NonZero;
use std::sync::RwLock;
use std::thread::{self, Builder};

use tokio::runtime::Runtime;

use super::failure::{Failure, locked};
use crate::store::LockError;

/// Starts it, with one worker for each core.
///
/// Tokio panics when the system gives it fewer threads than it asks for, and may then wait for ever for the threads
/// that it has. So as many threads are tried first, all at once.
pub fn start() -> Result<Runtime, Failure> {
    let workers = thread::available_parallelism().map_or(1, NonZero::get);
    try_threads(workers, Builder::new).map_err(|error| locked(LockError::Thread(error)))?;
    let built = tokio::runtime::Builder::new_multi_thread().worker_threads(workers).enable_all().build();
    built.map_err(|error| Failure::new("the runtime can't start").because(error.to_string()))
}

/// Whether the system has room for so many threads at once. None of them is left.
fn try_threads(count: usize, builder: impl Fn() -> Builder) -> io::Result<()> {
    let gate = RwLock::new(());
    thread::scope(|scope| {
        let closed = gate.write();
        let started = (0..count).try_for_each(|_| builder().spawn_scoped(scope, || drop(gate.read())).map(drop));
        drop(closed);
        started
    })
}

#[cfg(test)]
mod tests {
    use std::thread::Builder;

    use super::try_threads;

    #[test]
    fn a_lack_of_threads_is_told_before_anything_begins() {
        try_threads(4, Builder::new).expect("there is room");
        // No machine has room for such a stack, so the system refuses as it does at its limit of threads.
        try_threads(4, || Builder::new().stack_size(1 << 47)).expect_err("there is no room");
    }
}
