//! A kind as everything holds it that is about an object: of this program, or made at run time.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use super::schema::Kind;

/// A kind, cheap to clone. One of this program's own is a plain reference, so that a hundred thousand objects on all cores
/// never count who uses it.
#[derive(Clone)]
pub enum KindRef {
    /// One of this program's own.
    Own(&'static Kind),
    /// One that was made at run time.
    Made(Arc<Kind>),
}

impl Deref for KindRef {
    type Target = Kind;

    fn deref(&self) -> &Kind {
        match self {
            Self::Own(own) => own,
            Self::Made(made) => made,
        }
    }
}

/// By name: a kind that was made again is the same kind.
impl PartialEq for KindRef {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl From<&'static Kind> for KindRef {
    fn from(own: &'static Kind) -> Self {
        Self::Own(own)
    }
}

impl From<Arc<Kind>> for KindRef {
    fn from(made: Arc<Kind>) -> Self {
        Self::Made(made)
    }
}

impl fmt::Debug for KindRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
