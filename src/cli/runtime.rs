//! The runtime in which a command runs.

use std::num::NonZero;
use std::sync::{RwLock, mpsc};
use std::thread::{self, Builder};
use std::time::Duration;
use std::{io, panic};

use tokio::runtime::Runtime;

use super::end::at_once;
use super::failure::{Failure, locked};
use crate::store::LockError;

/// How long a worker that has its thread may take to begin.
const LONGEST_START: Duration = Duration::from_secs(10);

/// Starts it, with one worker for each core.
///
/// Where the system gives it fewer threads than it asks for, Tokio panics, and then waits for ever for the workers that it
/// has; or it goes on without one, and may wait for ever for what that one was to do. So as many threads are tried first,
/// all at once, which tells of a limit that stays. What was tried counts a little longer than it lives, and others use up
/// threads as well. So a panic ends the process at once, with what `show` makes of it, and every worker has to say that it
/// runs.
pub fn start(show: impl Fn(Failure) + Send + Sync + 'static) -> Result<Runtime, Failure> {
    let workers = thread::available_parallelism().map_or(1, NonZero::get);
    try_threads(workers, Builder::new).map_err(|error| locked(LockError::Thread(error)))?;
    let (begun, begins) = mpsc::channel();
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(workers).enable_all().on_thread_start(move || {
        // Threads that begin later are not waited for.
        let _ = begun.send(());
    });
    let hook = panic::take_hook();
    panic::set_hook(Box::new(move |_| {
        show(refused());
        at_once(1);
    }));
    let built = builder.build();
    panic::set_hook(hook);
    let runtime = built.map_err(|error| Failure::new("the runtime can't start").because(error.to_string()))?;
    if (0..workers).all(|_| begins.recv_timeout(LONGEST_START).is_ok()) {
        return Ok(runtime);
    }
    runtime.shutdown_background();
    Err(refused())
}

fn refused() -> Failure {
    locked(LockError::Thread(io::ErrorKind::WouldBlock.into()))
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
