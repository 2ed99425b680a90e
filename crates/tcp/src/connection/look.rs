//! What a user call would find (RFC 9293 §3.10.2, §3.10.3), without making it.

use super::Connection;
use super::receive::{PeerFin, Reading, Waiting};
use super::send::Writing;
use crate::{Profile, Prospect, TcpState};

impl Connection {
    /// What RECEIVE would do.
    pub(crate) fn read_prospect(&mut self) -> Prospect {
        if self.has_text() {
            let whole = self.receive.fin == PeerFin::Taken;
            return if whole { Prospect::Last } else { Prospect::Now };
        }
        let over = matches!(self.state, TcpState::Closed | TcpState::TimeWait)
            || self.receive.fin == PeerFin::Taken
            || self.receive.reading == Reading::Shut;
        if over {
            return Prospect::Over;
        }
        self.receive.waiting = Waiting::Yes;
        Prospect::Wait
    }

    /// What SEND would do.
    pub(crate) fn write_prospect(&mut self, profile: &Profile) -> Prospect {
        let open = matches!(
            self.state,
            TcpState::SynSent | TcpState::SynReceived | TcpState::Established | TcpState::CloseWait
        );
        if !open || self.send.writing != Writing::Open {
            return Prospect::Over;
        }
        if self.room(profile) > 0 {
            return Prospect::Now;
        }
        self.send.waiting = Waiting::Yes;
        Prospect::Wait
    }

    /// Octets that the application could read.
    pub(crate) fn unread(&self) -> u32 {
        if self.can_read() { self.receive.unread() } else { 0 }
    }

    /// Whether nothing follows them.
    pub(crate) fn heard_end(&self) -> bool {
        self.receive.fin == PeerFin::Taken
    }

    /// More text is an event.
    pub(crate) fn expect_text(&mut self) {
        self.receive.waiting = Waiting::Yes;
    }

    /// More room is an event.
    pub(crate) fn expect_room(&mut self) {
        self.send.waiting = Waiting::Yes;
    }

    /// The next change is an event.
    pub(crate) fn expect_change(&mut self) {
        self.receive.waiting = Waiting::Yes;
        self.send.waiting = Waiting::Yes;
    }

    /// At most `limit` octets from the front of what waits to be read.
    pub(crate) fn peek(&self, limit: usize, take: impl FnMut(&[u8])) -> usize {
        if self.can_read() { self.receive.peek_pieces(limit, take) } else { 0 }
    }
}
