//! What a connection counts for `TCP_INFO`: some numbers beside it, and an addition per segment.

use core::hash::{Hash, Hasher};

use twomsl_wire::Segment;

use super::recovery::Progress;
use crate::Instant;
use crate::event::SendReason;

/// See the fields of [`TcpInfo`](crate::TcpInfo) of these names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counters {
    pub(super) bytes_acked: u64,
    pub(super) bytes_sent: u64,
    pub(super) bytes_retrans: u64,
    pub(super) bytes_received: u64,
    pub(super) segs_out: u32,
    pub(super) segs_in: u32,
    pub(super) data_segs_in: u32,
    pub(super) data_segs_out: u32,
    pub(super) delivered: u32,
    pub(super) delivered_ce: u32,
    pub(super) total_retrans: u32,
    pub(super) dsack_dups: u32,
    pub(super) reord_seen: u32,
    pub(super) rcv_ooopack: u32,
    /// Whether text of a SYN was acknowledged by the SYN,ACK (`syn_data_acked`).
    pub(super) syn_text: SynText,
    /// When text last came in order, or the peer's SYN: Linux' `lrcvtime`.
    pub(super) text_heard: Instant,
}

/// Only what has a consequence: the others are counted for whoever looks.
impl Hash for Counters {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text_heard.hash(state);
    }
}

/// Whether text of a SYN was acknowledged by the SYN,ACK, of either side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) enum SynText {
    Acknowledged,
    #[default]
    None,
}

impl Counters {
    /// A segment of these octets of text is sent.
    #[inline]
    pub(super) fn on_sent(&mut self, text: usize, reason: SendReason) {
        self.segs_out = self.segs_out.wrapping_add(1);
        if text > 0 {
            self.data_segs_out = self.data_segs_out.wrapping_add(1);
            self.bytes_sent += text as u64;
        }
        let again = matches!(
            reason,
            SendReason::Retransmission
                | SendReason::FastRetransmission
                | SendReason::LossProbe
                | SendReason::SynAgain
        );
        if again {
            self.total_retrans = self.total_retrans.wrapping_add(1);
            self.bytes_retrans += text as u64;
        }
    }

    /// A segment has come.
    #[inline]
    pub(super) fn on_arrival(&mut self, segment: &Segment) {
        self.segs_in = self.segs_in.wrapping_add(1);
        if !segment.payload.is_empty() {
            self.data_segs_in = self.data_segs_in.wrapping_add(1);
        }
    }

    /// An acknowledgment was taken, of so many numbers (`tcp_snd_una_update`,
    /// `tcp_count_delivered`).
    #[inline]
    pub(super) fn on_ack(&mut self, numbers: u32, progress: &Progress) {
        self.bytes_acked += u64::from(numbers);
        let delivered = progress.delivery.delivered.segments;
        self.delivered = self.delivered.wrapping_add(delivered);
        if progress.marked {
            self.delivered_ce = self.delivered_ce.wrapping_add(delivered);
        }
        self.dsack_dups += u32::from(progress.twice.is_some());
        self.reord_seen += u32::from(progress.delivery.reordered.is_some());
    }
}
