//! What drivers may keep between runs to save questions: a cache, never the truth.

/// Keeps small texts between runs, by name. Everything in it may be gone at any time, and nothing may depend on it but the
/// number of questions that are asked.
pub trait Cache: Send + Sync {
    /// What was kept under a name.
    fn recall(&self, name: &str) -> Option<String>;

    /// Keeps a text under a name, of letters, digits and dashes. That it can't be kept is no error.
    fn keep(&self, name: &str, text: &str);

    /// The time of day, in seconds, by which it is told how old something is.
    fn now(&self) -> u64;
}

/// Keeps nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoCache;

impl Cache for NoCache {
    fn recall(&self, _: &str) -> Option<String> {
        None
    }

    fn keep(&self, _: &str, _: &str) {}

    /// Without a cache nothing grows old.
    fn now(&self) -> u64 {
        0
    }
}
