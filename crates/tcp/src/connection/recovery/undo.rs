//! Retransmissions that were not needed, and taking back what they did to the window: D-SACK
//! (RFC 3708), timestamps (Eifel, RFC 3522), F-RTO (RFC 5682), with the response of RFC 4015 as
//! Linux has it.

use twomsl_wire::SeqNum;

use super::super::sack::Stretch;
use super::super::timestamps::Timestamps;
use crate::Instant;

/// What would have to be known for an undo.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Undo {
    /// SND.UNA when the window was reduced; `None` when there is nothing to undo (`undo_marker`).
    marker: Option<SeqNum>,
    /// Retransmissions since then that no D-SACK has named; `None` before the first
    /// (`undo_retrans`).
    unexplained: Option<u32>,
    /// When something was first sent again (`retrans_stamp`).
    first_copy: Option<Instant>,
}

impl Undo {
    /// The window is reduced. Retransmissions under way may be named by D-SACKs later on.
    pub(crate) fn begin(&mut self, una: SeqNum, under_way: u32) {
        if under_way == 0 {
            // What was sent again before has nothing to do with this.
            self.first_copy = None;
        }
        self.marker = Some(una);
        self.unexplained = (under_way > 0).then_some(under_way);
    }

    /// There is nothing to undo any more.
    pub(crate) fn end(&mut self) {
        *self = Self::default();
    }

    /// Something is sent again.
    pub(crate) fn on_retransmission(&mut self, now: Instant) {
        self.unexplained = Some(self.unexplained.unwrap_or(0) + 1);
        self.first_copy.get_or_insert(now);
    }

    /// A D-SACK says that this arrived twice (`tcp_check_dsack`). It must be about something that
    /// was sent since the window was reduced.
    pub(crate) fn on_duplicate_report(&mut self, (_, end): Stretch, una: SeqNum) {
        let since = self.marker.is_some_and(|marker| end.after(marker));
        if since && end.at_or_before(una) {
            self.unexplained = self.unexplained.map(|left| left.saturating_sub(1));
        }
    }

    /// Whether all that was sent again was so in vain.
    pub(crate) fn is_all_explained(&self) -> bool {
        self.marker.is_some() && self.unexplained == Some(0)
    }

    /// Whether the acknowledgment with this TSecr was sent before anything was sent again
    /// (RFC 3522 §3.2).
    pub(crate) fn is_too_early(&self, echo: Option<u32>, clock: Option<&Timestamps>) -> bool {
        let (Some(echo), Some(clock), Some(copy)) = (echo, clock, self.first_copy) else {
            return false;
        };
        self.marker.is_some() && clock.echoes_before(echo, copy)
    }
}
