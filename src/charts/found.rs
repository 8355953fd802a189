//! What somebody publishes.

/// The largest archive that is read.
pub const LARGEST_ARCHIVE: u64 = 20 << 20;

/// The version of a chart that will do.
pub struct FoundChart {
    /// The version.
    pub version: String,
    /// The SHA-256 of its archive, where it is said.
    pub digest: Option<String>,
    /// Where its archive is, in a repository.
    pub url: Option<String>,
}
