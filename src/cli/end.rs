//! How a command ends; the command line turns it into the exit code.

/// How a command ended, when it did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// As it should.
    Good,
    /// `plan --detailed-exitcode` has changes, or `drift` has drift.
    Differs,
    /// As the command that was run in a container ended.
    #[cfg(feature = "docker")]
    Code(u8),
    /// Some steps were not done, or something is not as the spec says.
    Incomplete,
}
