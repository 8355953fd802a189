//! What a rendering is told besides a chart and its values.

use std::io;

use crate::render::helm::RenderRequest;
use crate::store::since_1970;

/// Tells a rendering the time of day, and gives it the randomness of which passwords and keys are made.
///
/// # Errors
/// When this machine gives no random numbers.
pub fn at_this_moment(request: &mut RenderRequest) -> io::Result<()> {
    request.now = i128::from(since_1970()) * 1_000_000;
    getrandom::fill(&mut request.seed).map_err(io::Error::other)
}
