//! What objects are called on an engine that has no word for them.

/// The name of the container of a region: each project and environment has regions of its own.
pub(super) fn region(project: &str, environment: &str, region: &str) -> String {
    format!("{project}-{environment}-{region}")
}

/// The name of the volume in which a region keeps its contents.
pub(super) fn region_data(container: &str) -> String {
    format!("{container}-data")
}
