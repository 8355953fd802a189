//! How a command ends; the command line turns it into the exit code.

use std::any::Any;
use std::process;

/// How a command ended, when it did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// As it should.
    Good,
    /// `plan --detailed-exitcode` has changes, or `drift` has drift.
    Differs,
    /// Nothing is known to differ, and something could not be looked at.
    Unknown,
    /// As the command that was run in a container ended.
    #[cfg(feature = "docker")]
    Code(u8),
    /// Some steps were not done, or something is not as the spec says.
    Incomplete,
}

/// How a command ended, and what it leaves behind.
///
/// To free a hundred thousand resources one by one just before the end would only take time, so they are kept until the
/// process ends.
pub struct Done {
    /// How it ended.
    pub end: End,
    /// What is not freed before the end.
    pub left: Option<Box<dyn Any>>,
}

impl End {
    /// The end of a command that leaves something behind.
    pub fn keeping(self, left: impl Any) -> Done {
        Done { end: self, left: Some(Box::new(left)) }
    }
}

impl From<End> for Done {
    fn from(end: End) -> Self {
        Self { end, left: None }
    }
}

/// Ends the process where it stands, as nothing in it can be waited for.
pub fn at_once(code: u8) -> ! {
    process::exit(i32::from(code))
}
