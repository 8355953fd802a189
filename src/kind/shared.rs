//! The pieces of a kind. A piece is static, which costs nothing to share, or it was made at run time. A piece made at run time
//! is counted, and freed with its last user.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// A piece of a kind.
pub enum Shared<T: ?Sized + 'static> {
    /// Of a table of this program.
    Static(&'static T),
    /// Made at run time.
    Made(Arc<T>),
}

/// A few texts, such as the examples of an attribute.
#[derive(Clone)]
pub enum Texts {
    /// Of a table of this program.
    Static(&'static [&'static str]),
    /// Made at run time.
    Made(Arc<[String]>),
}

impl Texts {
    /// No text at all.
    pub const NONE: Self = Self::Static(&[]);

    /// Each of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        let (own, made): (&[&str], &[String]) = match self {
            Self::Static(own) => (own, &[]),
            Self::Made(made) => (&[], made),
        };
        own.iter().copied().chain(made.iter().map(String::as_str))
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Static(own) => own.len(),
            Self::Made(made) => made.len(),
        }
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<T: ?Sized> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        match self {
            Self::Static(own) => own,
            Self::Made(made) => made,
        }
    }
}

impl<T: ?Sized> Clone for Shared<T> {
    fn clone(&self) -> Self {
        match self {
            Self::Static(own) => Self::Static(own),
            Self::Made(made) => Self::Made(Arc::clone(made)),
        }
    }
}

impl<T> From<T> for Shared<T> {
    fn from(made: T) -> Self {
        Self::Made(Arc::new(made))
    }
}

impl<T> From<Vec<T>> for Shared<[T]> {
    fn from(made: Vec<T>) -> Self {
        Self::Made(made.into())
    }
}

impl From<&str> for Shared<str> {
    fn from(made: &str) -> Self {
        Self::Made(made.into())
    }
}

impl From<String> for Shared<str> {
    fn from(made: String) -> Self {
        Self::Made(made.into())
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for Shared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized + fmt::Display> fmt::Display for Shared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl fmt::Debug for Texts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl From<Vec<String>> for Texts {
    fn from(made: Vec<String>) -> Self {
        Self::Made(made.into())
    }
}
