//! How an expression ends that is neither true nor false.

/// What is wrong with the text of an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpressionFault {
    /// What is wrong, in words.
    pub message: String,
    /// The way out, where there is one to tell.
    pub hint: Option<String>,
}

/// Why an expression is neither true nor false.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Undecided {
    /// Something that it asks for is not there; it may come.
    Missing(String),
    /// It can't be evaluated, or takes too much work.
    Wrong(String),
}
