//! Mutations: bugs built in on purpose, to see whether searches find them. They exist with the feature
//! `mutations` only, which is for tests; without it every question about them is a constant.

use crate::Profile;

/// A bug. None of them is subtle; each is of a kind that real stacks have had.
#[cfg_attr(
    not(feature = "mutations"),
    expect(unreachable_pub, reason = "without the feature nobody outside knows it")
)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mutation {
    /// Off by one at the left edge of the window: of text that comes twice in part, one octet too
    /// many is taken for new.
    WindowEdge,
    /// The FIN does not occupy a sequence number: nobody ever acknowledges it.
    FinNotCounted,
    /// In TIME-WAIT the FIN that comes again is not answered.
    OldFinUnanswered,
    /// A SYN is sent once only.
    SynOnce,
    /// Text behind a gap is taken as if there were none.
    GapIgnored,
    /// What is sent again begins an octet too late in the buffer.
    WrongOctetsAgain,
    /// A FIN is taken before the text that precedes it.
    FinBeforeText,
    /// In LAST-ACK every acknowledgment is taken for that of the FIN.
    LastAckByAnyAck,
    /// Any acknowledgment ends the handshake.
    AnyAckOpens,
    /// In CLOSING the acknowledgment of the FIN is overlooked.
    ClosingForgotten,
}

#[cfg(feature = "mutations")]
impl Profile {
    /// Whether a bug is built in.
    #[inline]
    pub(crate) fn is_mutated(&self, mutation: Mutation) -> bool {
        self.mutation == Some(mutation)
    }
}

#[cfg(not(feature = "mutations"))]
impl Profile {
    /// Whether a bug is built in: none is.
    #[expect(clippy::inline_always, reason = "a constant")]
    #[expect(clippy::unused_self, reason = "with the feature there is something to ask")]
    #[inline(always)]
    pub(crate) const fn is_mutated(&self, _: Mutation) -> bool {
        false
    }
}
