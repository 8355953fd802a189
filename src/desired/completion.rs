//! What of an app is completed once all of its values are known.

use std::fmt;
use std::sync::Arc;

use crate::value::Value;

/// The name under which an app tells what was computed for its objects: a reference to `rendered` of an app leads there.
pub const RENDERED: &str = "rendered";

type Complete = dyn Fn(&Value) -> Result<Value, String> + Send + Sync;

/// Renders an app with values that are all known, and gives what its objects say then. It gives the same for the same values.
#[derive(Clone)]
pub struct Completion(Arc<Complete>);

impl Completion {
    /// Completes in this way.
    pub fn new(complete: impl Fn(&Value) -> Result<Value, String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(complete))
    }

    /// What the objects of the app say with these values, by object.
    ///
    /// # Errors
    /// When the app can't be rendered with them, or comes to something else than was planned.
    pub fn of(&self, values: &Value) -> Result<Value, String> {
        (self.0)(values)
    }
}

impl fmt::Debug for Completion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Completion")
    }
}
