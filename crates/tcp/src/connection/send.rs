//! The sending half of a connection (RFC 9293 §3.3.1).

use bytes::Bytes;
use twomsl_wire::SeqNum;

use super::parts::Parts;
use super::receive::Waiting;
use super::scoreboard::Scoreboard;
use super::send_buffer::SendBuffer;
use crate::SocketOptions;

/// SND.UNA, SND.NXT, the peer's window, and text that is not acknowledged yet.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SendHalf {
    /// ISS.
    pub(crate) iss: SeqNum,
    /// SND.UNA.
    pub(crate) una: SeqNum,
    /// Whether the peer knows our SYN. After 4 GiB SND.UNA passes the ISS again, so that the
    /// numbers alone do not tell.
    syn: Syn,
    /// SND.NXT: the number after everything that was ever sent.
    pub(crate) nxt: SeqNum,
    /// What was sent from SND.UNA to SND.NXT.
    pub(crate) board: Scoreboard,
    /// SND.WND.
    pub(crate) wnd: u32,
    /// SND.WL1.
    pub(crate) wl1: SeqNum,
    /// SND.WL2.
    pub(crate) wl2: SeqNum,
    /// MAX.SND.WND (RFC 5961 §5.2).
    pub(crate) max_wnd: u32,
    /// SND.UP: the number after the last urgent octet, while it is not acknowledged.
    pub(crate) urgent: Option<SeqNum>,
    /// Text that is not acknowledged.
    pub(crate) buffer: SendBuffer,
    /// How it is cut, if the profile sends it as it was written.
    pub(super) parts: Parts,
    /// The end of the last segment that was not full (`snd_sml`).
    pub(super) small: SeqNum,
    /// The sequence number after all there is to send, the FIN included.
    end: SeqNum,
    /// How much text may be in it, in octets.
    pub(crate) capacity: u32,
    /// How much of it may be there that was never sent (`TCP_NOTSENT_LOWAT`).
    pub(crate) low_water: u32,
    /// Whether the application has said that there is no more.
    pub(crate) writing: Writing,
    /// Whether a SEND was told to come back later.
    pub(crate) waiting: Waiting,
    /// Eff.snd.MSS: the largest text of a segment (RFC 9293 §3.7.1).
    pub(crate) mss: u32,
}

/// Whether the application still writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Writing {
    Open,
    /// CLOSE was called: the FIN follows the text.
    Ended,
}

/// What is known of our SYN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Syn {
    Unacknowledged,
    Acknowledged,
}

impl SendHalf {
    pub(crate) fn new(iss: SeqNum, options: &SocketOptions, mss: u32) -> Self {
        Self {
            iss,
            una: iss,
            syn: Syn::Unacknowledged,
            nxt: iss,
            board: Scoreboard::default(),
            wnd: 0,
            wl1: SeqNum::new(0),
            wl2: SeqNum::new(0),
            max_wnd: 0,
            urgent: None,
            buffer: SendBuffer::default(),
            parts: Parts::new(iss + 1),
            small: iss,
            end: iss + 1,
            capacity: options.send_buffer,
            low_water: options.not_sent_low_water,
            writing: Writing::Open,
            waiting: Waiting::No,
            mss,
        }
    }

    /// Appends text.
    pub(crate) fn push(&mut self, text: Bytes) {
        self.end += text.len() as u32;
        self.buffer.push(text);
    }

    /// Appends the FIN: no text follows.
    pub(crate) fn end(&mut self) {
        self.writing = Writing::Ended;
        self.end += 1;
    }

    /// Throws the text away: the connection is over.
    pub(crate) fn flush(&mut self) {
        self.end -= self.buffer.len() as u32;
        self.buffer.clear();
    }

    /// The sequence number of the first octet in the buffer: after the SYN, and after what was
    /// acknowledged.
    pub(crate) fn text_start(&self) -> SeqNum {
        self.text_end() - self.buffer.len() as u32
    }

    /// Whether our SYN is not acknowledged yet.
    pub(crate) fn is_opening(&self) -> bool {
        self.syn == Syn::Unacknowledged
    }

    /// The sequence number after all the text: that of the FIN, if there is one.
    pub(crate) fn text_end(&self) -> SeqNum {
        self.end - u32::from(self.writing == Writing::Ended)
    }

    /// Whether everything that was sent is acknowledged.
    pub(crate) fn is_idle(&self) -> bool {
        self.una == self.nxt
    }

    /// Whether everything that was sent is acknowledged but for the SYN.
    pub(crate) fn is_idle_but_for_syn(&self) -> bool {
        self.is_idle() || (self.is_opening() && self.nxt == self.iss + 1)
    }

    /// Whether our FIN was sent and acknowledged.
    pub(crate) fn fin_acknowledged(&self) -> bool {
        self.writing == Writing::Ended && self.una == self.end
    }

    /// Whether there is text or a FIN that was never sent.
    pub(crate) fn has_more(&self) -> bool {
        self.nxt.before(self.end)
    }

    /// Whether something up to `end` is the FIN.
    pub(crate) fn includes_fin(&self, end: SeqNum) -> bool {
        self.writing == Writing::Ended && end == self.end
    }

    /// Takes an acknowledgment of everything before `ack`; how many octets of text that was.
    pub(crate) fn acknowledge(&mut self, ack: SeqNum) -> u32 {
        let text_start = self.text_start();
        let text = ack.offset_from(text_start).max(0).cast_unsigned().min(self.buffer.len() as u32);
        self.buffer.drop_front(text as usize);
        self.una = ack;
        // Nothing before the SYN can be acknowledged: the first that is new is the SYN.
        self.syn = Syn::Acknowledged;
        if self.urgent.is_some_and(|urgent| ack.at_or_after(urgent)) {
            self.urgent = None;
        }
        text
    }

    /// Room for text, in octets. `goal` is how much a part holds, where text is sent as it was
    /// written: the last part is filled even if the low-water mark is passed with it
    /// (`sk_stream_memory_free` is asked before a new one). Else the mark is exact.
    pub(crate) fn room(&self, goal: Option<u32>) -> usize {
        let room = (self.capacity as usize).saturating_sub(self.buffer.len());
        if self.low_water == u32::MAX {
            return room;
        }
        let unsent = self.unsent();
        let Some(goal) = goal else {
            return room.min(self.low_water.saturating_sub(unsent) as usize);
        };
        let rest = self.parts.room(self.nxt, self.text_end(), goal);
        let more = self.low_water.saturating_sub(unsent + rest).div_ceil(goal.max(1));
        room.min(rest as usize + more as usize * goal as usize)
    }

    /// `sb_lowat`: less room than this is none.
    pub(crate) fn least_room(&self) -> usize {
        (self.capacity as usize).clamp(1, 2048)
    }

    /// Octets of text that were never sent.
    pub(crate) fn unsent(&self) -> u32 {
        self.text_end().offset_from(self.nxt.later(self.text_start())).max(0).cast_unsigned()
    }

    /// Whether a writer that was told to wait is told to go on: when a third of the buffer is free
    /// (`sk_stream_is_writeable`), and less than half of the low-water mark is unsent
    /// (`__sk_stream_memory_free` with `wake`). Not for every acknowledgment.
    pub(crate) fn is_worth_waking(&self) -> bool {
        let room = (self.capacity as usize).saturating_sub(self.buffer.len());
        let unsent = || self.unsent().saturating_mul(2) < self.low_water;
        room >= (self.capacity / 3).max(1) as usize && (self.low_water == u32::MAX || unsent())
    }

    /// SND.WND as updated by a segment that is not older than the last one used
    /// (RFC 9293 §3.10.7.4, step 5).
    pub(crate) fn update_window(&mut self, seq: SeqNum, ack: SeqNum, window: u32) {
        if self.wl1.before(seq) || (self.wl1 == seq && self.wl2.at_or_before(ack)) {
            self.set_window(seq, ack, window);
        }
    }

    /// Whether a segment like the last one used offers no larger window: FreeBSD's "step 6" looks
    /// for larger ones only.
    pub(crate) fn would_shrink(&self, seq: SeqNum, ack: SeqNum, window: u32) -> bool {
        (self.wl1, self.wl2) == (seq, ack) && window <= self.wnd
    }

    /// `tcp_may_update_window`: a segment that says nothing else new does not make it smaller,
    /// unless it closes it.
    pub(crate) fn update_window_as_linux(&mut self, seq: SeqNum, ack: SeqNum, window: u32) {
        let larger = window > self.wnd || window == 0;
        if ack.after(self.wl2) || seq.after(self.wl1) || (seq == self.wl1 && larger) {
            self.set_window(seq, ack, window);
        }
    }

    pub(crate) fn set_window(&mut self, seq: SeqNum, ack: SeqNum, window: u32) {
        self.wnd = window;
        self.wl1 = seq;
        self.wl2 = ack;
        self.max_wnd = self.max_wnd.max(window);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 9293 §3.4: the sequence space is a circle, and a connection that lives for 4 GiB
    /// passes its own ISS.
    #[test]
    fn the_iss_comes_round_again_and_is_no_syn_then() {
        let iss = SeqNum::new(u32::MAX - 5);
        let mut half = SendHalf::new(iss, &crate::Profile::rfc9293().options, 1460);
        assert!(half.is_opening());
        half.acknowledge(iss + 1);
        let text = Bytes::from(alloc::vec![0; 1 << 16]);
        for _ in 1..1 << 16 {
            half.push(text.clone());
            half.acknowledge(half.una + (1 << 16));
        }
        half.push(text.slice(1..));
        half.acknowledge(half.una + ((1 << 16) - 1));
        assert_eq!(half.una, iss);
        half.push(Bytes::from_static(b"hello"));
        assert!(!half.is_opening());
        assert_eq!((half.text_start(), half.text_end()), (iss, iss + 5));
        assert_eq!(half.acknowledge(iss + 5), 5);
    }
}
