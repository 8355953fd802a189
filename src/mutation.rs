//! Mutations: ways in which a test breaks the engine, to see that the simulation notices.
//!
//! Each is asked for at the one place in the engine that it breaks, and holds for one thread. Without the feature
//! `crash-points` there are none.

/// A way in which the engine could be broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutation {
    /// A step does not wait for its intent to be written.
    SkipTheIntent,
    /// One step does not wait for another one.
    IgnoreAnEdge,
    /// A host that does not answer counts as one in which nothing is.
    TakeUnreachableForAbsent,
    /// What a listing does not show counts as absent.
    TrustListings,
    /// The mark's protection counts for nothing.
    IgnoreProtection,
    /// An object whose mark is missing counts as ours.
    AdoptAnything,
    /// The verdict on a host says nothing of what lives in it.
    ForgetWhatLivesInHosts,
    /// When everything is destroyed, what can't be looked at goes as well.
    DestroyTheUnseen,
    /// A proof that could not be had counts as a good one.
    TrustAMissingProof,
    /// Keys that belong to the mark may be set by the spec.
    AcceptReservedKeys,
    /// What was counted up to a bound counts as all that there is.
    TakeABoundForAll,
    /// A lock that can't be read counts as free.
    TakeAnUnreadableLock,
    /// What was intended in another account claims what is in this one.
    ClaimFromElsewhere,
    /// A saved plan is applied in whichever account.
    ApplyAnywhere,
    /// A step that takes a claim does not wait for the step that releases it.
    TakeBeforeRelease,
    /// An intent stays open after its effect was denied.
    KeepADeniedIntent,
    /// What was about to be taken over counts as made by us.
    RememberAdoptions,
    /// What was empty when it was looked at may be deleted, whatever is in it by then.
    LookOnce,
    /// What came into a host after its removal was planned goes along with it.
    OverlookNewcomers,
    /// An update takes along whatever its object holds by then.
    IgnoreWhatUpdatesLose,
}

#[cfg(feature = "crash-points")]
mod armed {
    use std::cell::Cell;

    use super::Mutation;

    thread_local! {
        static NOW: Cell<Option<Mutation>> = const { Cell::new(None) };
    }

    /// Breaks the engine in this thread, or repairs it.
    pub fn arm(mutation: Option<Mutation>) {
        NOW.set(mutation);
    }

    /// Whether the engine is broken in this way.
    #[must_use]
    pub fn broken(mutation: Mutation) -> bool {
        NOW.get() == Some(mutation)
    }
}

#[cfg(feature = "crash-points")]
pub use armed::{arm, broken};

/// Whether a test broke the engine in this way.
#[cfg(not(feature = "crash-points"))]
#[must_use]
pub const fn broken(_: Mutation) -> bool {
    false
}
