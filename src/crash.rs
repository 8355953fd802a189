//! Crash points: places at which a test lets the process die.
//!
//! They stand before and after every write to the journal, the lock and the history, and around every effect on the
//! world. Without the feature `crash-points` they are nothing.

#[cfg(feature = "crash-points")]
mod armed {
    use std::io::Write as _;
    use std::path::PathBuf;
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    /// Which point to die at, counted from one, and where to write down the points that were passed.
    struct Orders {
        die_at: u64,
        log: Option<PathBuf>,
    }

    static ORDERS: OnceLock<Orders> = OnceLock::new();
    static PASSED: AtomicU64 = AtomicU64::new(0);

    /// Arms the points of this process.
    pub fn arm(die_at: u64, log: Option<PathBuf>) {
        // Arming twice changes nothing.
        let _ = ORDERS.set(Orders { die_at, log });
    }

    /// A place at which the process may die.
    pub fn point(name: &str) {
        let Some(orders) = ORDERS.get() else { return };
        let passed = PASSED.fetch_add(1, Ordering::SeqCst) + 1;
        if let Some(log) = &orders.log
            && let Ok(mut file) = std::fs::OpenOptions::new().create(true).append(true).open(log)
        {
            let _ = writeln!(file, "{passed} {name}");
        }
        if passed == orders.die_at {
            std::process::abort();
        }
    }
}

#[cfg(feature = "crash-points")]
pub use armed::{arm, point};

/// A place at which the process may die in a test.
#[cfg(not(feature = "crash-points"))]
pub const fn point(_: &str) {}
