//! Starting threads. That none can be started is an error of its own: it says nothing about who is at work.

use std::thread::{Builder, JoinHandle};

use super::lease::LockError;

/// Starts a thread.
pub fn start(name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, LockError> {
    spawn(Builder::new().name(name.into()), work)
}

fn spawn(builder: Builder, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, LockError> {
    builder.spawn(work).map_err(LockError::Thread)
}

#[cfg(test)]
mod tests {
    use std::thread::Builder;

    use super::{LockError, spawn};

    #[test]
    fn a_thread_that_can_not_be_started_is_nobody_else() {
        // No machine has room for such a stack, so the system refuses as it does at its limit of threads.
        let error = spawn(Builder::new().stack_size(1 << 47), || {}).expect_err("there is no room");
        assert!(matches!(error, LockError::Thread(_)), "{error:?}");
        assert!(error.to_string().starts_with("no thread can be started"), "{error}");
        assert!(!error.is_somebody());
    }
}
