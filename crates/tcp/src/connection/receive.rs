//! The receiving half of a connection (RFC 9293 §3.3.1, §3.8.6).

use bytes::Bytes;
use twomsl_wire::SeqNum;

use super::acknowledging::Acknowledging;
use super::chunks::Chunks;
use super::reassembly::Reassembly;
use super::receive_growth::Growth;
use super::sack::{SackReport, Stretch};
use crate::SocketOptions;
use crate::profile::Profile;

/// RCV.NXT, the window, and text that waits for the application.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ReceiveHalf {
    /// IRS.
    pub(crate) irs: SeqNum,
    /// RCV.NXT.
    pub(crate) nxt: SeqNum,
    /// RCV.NXT + RCV.WND as last told to the peer: it never moves back (SHLD-14).
    pub(crate) edge: SeqNum,
    /// The window offered last.
    pub(super) offered: u32,
    /// How much text may wait, in octets.
    pub(crate) capacity: u32,
    /// The largest window to offer (`TCP_WINDOW_CLAMP`, Linux' `window_clamp`).
    pub(crate) clamp: u32,
    /// What the window may grow to before more text has come: Linux' `rcv_ssthresh`. Zero until
    /// the first window is offered.
    pub(super) threshold: u32,
    pub(crate) growth: Growth,
    /// Text that waits to be read.
    ready: Chunks,
    pub(super) ready_octets: u32,
    /// Text beyond a gap.
    pub(crate) reassembly: Reassembly,
    /// What is reported of it.
    pub(crate) sack: SackReport,
    /// The peer's FIN.
    pub(crate) fin: PeerFin,
    /// RCV.UP, while urgent text is still to be read.
    pub(crate) urgent: Option<SeqNum>,
    /// What the application said about reading.
    pub(crate) reading: Reading,
    /// Whether a RECEIVE was told to come back later.
    pub(crate) waiting: Waiting,
    /// Which acknowledgment is owed.
    pub(crate) owed: Owed,
    /// RCV.NXT when the last acknowledgment was sent.
    pub(crate) acknowledged: SeqNum,
    /// When the next one is sent.
    pub(super) acks: Acknowledging,
}

/// What is known of the peer's FIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum PeerFin {
    /// None came.
    Unseen,
    /// One came with this sequence number, but text before it is missing.
    At(SeqNum),
    /// RCV.NXT has moved over it.
    Taken,
}

/// Whether the application still reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Reading {
    Open,
    Shut,
}

/// Whether the application waits for an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Waiting {
    Yes,
    No,
}

/// Which acknowledgment is owed to the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Owed {
    Nothing,
    /// Before the delayed-acknowledgment timer fires.
    Delayed,
    /// With this event, because the connection is young: a FIN in the same segment takes it back.
    Quick,
    /// With this event.
    Now,
}

impl ReceiveHalf {
    pub(crate) fn new(options: &SocketOptions, profile: &Profile) -> Self {
        Self {
            irs: SeqNum::new(0),
            nxt: SeqNum::new(0),
            edge: SeqNum::new(0),
            offered: 0,
            capacity: options.receive_space(profile),
            clamp: options.clamp(),
            threshold: 0,
            growth: Growth::default(),
            ready: Chunks::default(),
            ready_octets: 0,
            reassembly: Reassembly::default(),
            sack: SackReport::default(),
            fin: PeerFin::Unseen,
            urgent: None,
            reading: Reading::Open,
            waiting: Waiting::No,
            owed: Owed::Nothing,
            acknowledged: SeqNum::new(0),
            acks: Acknowledging::new(profile),
        }
    }

    /// The peer's sequence space begins: its SYN was taken. If ours was sent before, the window
    /// it offered stands.
    pub(crate) fn synchronize(&mut self, irs: SeqNum) {
        let offered = self.window();
        self.irs = irs;
        self.nxt = irs + 1;
        self.edge = self.nxt + offered;
        self.acknowledged = irs;
    }

    /// RCV.WND: what the peer was told it may send.
    pub(crate) fn window(&self) -> u32 {
        self.edge.since(self.nxt)
    }

    pub(crate) const fn unread(&self) -> u32 {
        self.ready_octets
    }

    /// Whether there is text of the peer, be it beyond a gap.
    pub(super) fn holds_text(&self) -> bool {
        self.ready_octets > 0 || !self.reassembly.is_empty()
    }

    /// The window offered last, in octets: Linux' `rcv_wnd`.
    pub(super) const fn offered(&self) -> u32 {
        self.offered
    }

    /// Text beyond RCV.NXT was kept, or text came twice: what is reported of it.
    pub(crate) fn report(&mut self, stretch: Stretch, profile: &Profile) {
        // Mostly it goes on where a stretch ended that is reported already.
        let joined = self.sack.join(stretch).map(|joined| {
            if profile.is_bsd() { self.with_neighbours(stretch, joined) } else { joined }
        });
        let whole = joined.or_else(|| self.reassembly.stretch_around(stretch.0));
        if let Some((left, right)) = whole {
            // FreeBSD reports text alone (`tcp_update_sack_list`).
            let fin = u32::from(self.fin == PeerFin::At(right) && !profile.is_bsd());
            self.sack.put_first((left, right + fin));
        }
    }

    /// FreeBSD knows more blocks than an acknowledgment has room for (`MAX_SACK_BLKS`), and joins
    /// what came with those, too. Only what came can touch any.
    fn with_neighbours(&self, came: Stretch, (left, right): Stretch) -> Stretch {
        let before = (left == came.0).then(|| self.reassembly.stretch_around(left - 1)).flatten();
        let after = (right == came.1).then(|| self.reassembly.stretch_around(right)).flatten();
        (before.map_or(left, |stretch| stretch.0), after.map_or(right, |stretch| stretch.1))
    }

    /// The FIN came beyond a gap. It takes a sequence number, which the peer need not send again
    /// (Linux' `end_seq` counts it, too).
    pub(crate) fn report_fin(&mut self, fin: SeqNum) {
        let before = self.reassembly.stretch_around(fin - 1).filter(|(_, right)| *right == fin);
        self.sack.put_first((before.map_or(fin, |(left, _)| left), fin + 1));
    }

    /// Takes text that begins at RCV.NXT, and what it makes whole: all of it, before anything is
    /// acknowledged (MUST-59).
    pub(crate) fn append(&mut self, text: Bytes) {
        self.push(text);
        if !self.reassembly.is_empty() {
            while let Some(piece) = self.reassembly.take(self.nxt) {
                self.push(piece);
            }
        }
        self.sack.advance(self.nxt);
    }

    fn push(&mut self, text: Bytes) {
        let octets = text.len() as u32;
        self.nxt += octets;
        // More may be taken than was offered (FreeBSD).
        self.edge = self.edge.later(self.nxt);
        self.ready_octets += octets;
        self.ready.push(text);
    }

    /// Whether the FIN has come and something before it has not.
    pub(crate) const fn awaits_fin(&self) -> bool {
        matches!(self.fin, PeerFin::At(_))
    }

    /// Moves RCV.NXT over the FIN when everything before it is here; whether it did.
    pub(crate) fn take_fin(&mut self) -> bool {
        let due = self.fin == PeerFin::At(self.nxt);
        if due {
            self.fin = PeerFin::Taken;
            self.nxt += 1;
            self.sack.advance(self.nxt);
            // The FIN needs no room in the buffer, so the window does not shrink for it.
            self.edge = self.edge.later(self.nxt);
        }
        due
    }

    /// At most `limit` octets for the application, piece by piece; how many that was.
    pub(crate) fn read_pieces(&mut self, limit: usize, mut take: impl FnMut(Bytes)) -> usize {
        let mut octets = 0;
        while octets < limit
            && let Some(piece) = self.ready.take(limit - octets)
        {
            octets += piece.len();
            self.ready_octets -= piece.len() as u32;
            take(piece);
        }
        if self.urgent.is_some_and(|urgent| self.read_position().at_or_after(urgent)) {
            self.urgent = None;
        }
        octets
    }

    /// Shows at most `limit` octets from the front, piece by piece; how many that was.
    pub(crate) fn peek_pieces(&self, limit: usize, mut take: impl FnMut(&[u8])) -> usize {
        let mut octets = 0;
        for index in 0.. {
            let piece = self.ready.get(index);
            let shown = piece.len().min(limit - octets);
            if shown == 0 {
                break;
            }
            octets += shown;
            take(&piece[..shown]);
        }
        octets
    }

    /// The sequence number of the next octet the application will read.
    pub(crate) fn read_position(&self) -> SeqNum {
        self.nxt - self.ready_octets - u32::from(self.fin == PeerFin::Taken)
    }

    /// Throws away what came in order: nobody will read it, but it counts as read (`sorflush`).
    pub(crate) fn discard(&mut self) {
        self.ready.clear();
        self.ready_octets = 0;
    }

    /// Throws away what nobody will read. The end of the file comes after all of the text or
    /// not at all: a reader who misses some of it must hear why instead.
    pub(crate) fn flush(&mut self) {
        if self.ready_octets > 0 {
            self.fin = PeerFin::Unseen;
        }
        self.ready.clear();
        self.ready_octets = 0;
        self.reassembly.clear();
    }
}
