//! Lives of sockets: the hidden incarnation marks, what was written and not yet read, and the
//! sequence numbers seen on the wire. All that the invariants need to know.

use std::collections::VecDeque;
use std::hash::{Hash as _, Hasher};

use bytes::Bytes;
use twomsl_tcp::wire::{Flags, Packet, Segment, SeqNum};
use twomsl_tcp::{Arrival, SocketId, SynTaken, TcpState, Verdict};

use crate::pattern;

/// One life of one socket: never used again in the same world. Packets carry it as their mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct LifeId(u32);

impl LifeId {
    /// Of a packet that no socket sent: a reset for an unknown connection, or a forgery.
    pub(crate) const NONE: Self = Self(u32::MAX);

    /// How many lives of this world began before.
    pub(crate) const fn number(self) -> u32 {
        self.0
    }
}

/// What the world knows of a life.
#[derive(Clone, Debug, Hash)]
pub(crate) struct Life {
    /// Its host.
    pub(crate) host: u32,
    /// How often the host had crashed.
    pub(crate) boot: u32,
    /// Its socket.
    pub(crate) socket: SocketId,
    /// Its state, from the stack's own events.
    pub(crate) state: TcpState,
    /// Its ports and the host it speaks to, from the first segment it sent.
    pub(crate) ends: Option<Ends>,
    /// The life whose SYN it took.
    pub(crate) peer: LifeId,
    /// The life that took its SYN.
    pub(crate) taker: LifeId,
    /// What it sent and received, in sequence numbers.
    pub(crate) sequence: Sequence,
    /// What its application wrote.
    pub(crate) written: Written,
    /// Whether reading was ended on this side: an end of file is then our own doing.
    pub(crate) reads_ended: bool,
}

/// The ends of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Ends {
    pub(crate) local_port: u16,
    pub(crate) remote_port: u16,
    pub(crate) remote_host: u32,
}

/// The sequence numbers of a life, seen from outside.
#[derive(Clone, Copy, Debug, Default, Hash)]
pub(crate) struct Sequence {
    /// ISS, from the SYN it sent.
    pub(crate) iss: Option<SeqNum>,
    /// The end of everything it sent.
    pub(crate) sent_end: SeqNum,
    /// Where its FIN is.
    pub(crate) fin: Option<SeqNum>,
    /// IRS, from the SYN it took.
    pub(crate) irs: Option<SeqNum>,
    /// The end of everything it took.
    pub(crate) received_end: SeqNum,
    /// The last acknowledgment it sent.
    pub(crate) acked: Option<SeqNum>,
}

/// What an application wrote into a connection and the other has not read yet.
#[derive(Clone, Debug, Default, Hash)]
pub(crate) struct Written {
    unread: VecDeque<Run>,
    /// Where in the pattern this life begins; drawn with the first octet.
    pub(crate) phase: Option<u64>,
    /// How many octets of the pattern were written.
    pub(crate) pattern: u64,
    /// Whether nobody will read any of it: it need not be remembered.
    unheard: bool,
    /// Whether the application has said that no more will come.
    pub(crate) finished: bool,
}

/// Octets in a row.
#[derive(Clone, Debug, Hash)]
enum Run {
    /// Of the pattern, from an offset on.
    Pattern { offset: u64, length: u64 },
    /// Others.
    Octets(Bytes),
}

/// All lives of a world, in the order of their beginning.
#[derive(Clone, Debug)]
pub(crate) struct Lives {
    /// Those of this run, and behind them some of an earlier one whose memory is used again.
    all: Vec<Life>,
    /// How many are of this run.
    begun: usize,
}

impl Lives {
    /// With room for a listener and the two ends of a connection.
    pub(crate) fn new() -> Self {
        Self { all: Vec::with_capacity(4), begun: 0 }
    }

    pub(crate) fn clear(&mut self) {
        self.begun = 0;
    }

    /// A new life.
    #[inline]
    pub(crate) fn begin(&mut self, host: u32, boot: u32, socket: SocketId) -> LifeId {
        match self.all.get_mut(self.begun) {
            Some(life) => life.begin(host, boot, socket),
            None => self.grow(host, boot, socket),
        }
        self.begun += 1;
        LifeId(self.begun as u32 - 1)
    }

    /// One more life than there ever were.
    #[inline(never)]
    fn grow(&mut self, host: u32, boot: u32, socket: SocketId) {
        self.all.push(Life::new(host, boot, socket));
    }

    /// A life. Every id is of this run: nothing that holds one outlives its run.
    #[inline]
    pub(crate) fn get(&self, id: LifeId) -> Option<&Life> {
        self.all.get(id.0 as usize)
    }

    /// A life, to change it.
    #[inline]
    pub(crate) fn get_mut(&mut self, id: LifeId) -> Option<&mut Life> {
        self.all.get_mut(id.0 as usize)
    }

    /// Feeds all of them into `hasher`.
    pub(crate) fn fingerprint(&self, hasher: &mut impl Hasher) {
        self.all[..self.begun].hash(hasher);
    }

    /// All of them, the newest first.
    pub(crate) fn newest_first(&self) -> impl Iterator<Item = &Life> {
        self.all[..self.begun].iter().rev()
    }

    /// The life at `host` at the other end of `id`: whose SYN it took, or who took its SYN.
    pub(crate) fn other_end(&self, id: LifeId) -> Option<&Life> {
        let life = self.get(id)?;
        self.get(life.peer).or_else(|| self.get(life.taker))
    }

    /// Nobody writes or reads any more at `id`: what its peer writes need not be remembered.
    pub(crate) fn give_back(&mut self, id: LifeId) {
        let Some(life) = self.get_mut(id) else { return };
        life.written.finished = true;
        life.reads_ended = true;
        let peer = life.peer;
        if let Some(peer) = self.get_mut(peer) {
            // The queue itself is small, and used again by the next run.
            peer.written.unread.clear();
            peer.written.unheard = true;
        }
    }

    /// What a packet's arrival at `id` teaches: whose SYN was taken, how far was received.
    /// Says what is wrong with it, if anything is (invariant 4).
    pub(crate) fn note_arrival(
        &mut self,
        id: LifeId,
        mark: LifeId,
        facts: Facts,
        arrival: &Arrival,
    ) -> Result<(), &'static str> {
        let Some(life) = self.get_mut(id) else { return Ok(()) };
        if arrival.syn != SynTaken::No {
            let cookie = arrival.syn == SynTaken::FromCookie;
            life.peer = mark;
            life.sequence.irs = Some(if cookie { facts.seq - 1 } else { facts.seq });
            life.sequence.received_end = facts.end;
            if let Some(peer) = self.get_mut(mark) {
                peer.taker = id;
                // The SYN,ACK with a cookie was nobody's: its connection begins only now.
                if cookie && peer.peer == LifeId::NONE {
                    peer.peer = id;
                }
            }
            return Ok(());
        }
        if took_part(arrival.verdict) {
            life.sequence.received_end = life.sequence.received_end.later(facts.end);
        }
        if arrival.text > 0 && life.peer != mark {
            return Err(if mark == LifeId::NONE {
                "took text that no application wrote"
            } else {
                "took text of another incarnation"
            });
        }
        Ok(())
    }

    /// Compares what was read with what the peer wrote (invariant 1). Empty means end of file.
    pub(crate) fn check_read(&mut self, id: LifeId, read: &[u8]) -> Result<(), &'static str> {
        let Some(reader) = self.get(id) else { return Ok(()) };
        let (peer, own_end) = (reader.peer, reader.reads_ended);
        let Some(peer) = self.get_mut(peer) else {
            return if own_end { Ok(()) } else { Err("read from a peer that does not exist") };
        };
        if !read.is_empty() {
            return peer.written.take(read);
        }
        if own_end || (peer.written.finished && peer.written.unread.is_empty()) {
            return Ok(());
        }
        Err("met the end of the file before all was read")
    }
}

impl Life {
    /// A life at its beginning.
    fn new(host: u32, boot: u32, socket: SocketId) -> Self {
        Self {
            host,
            boot,
            socket,
            state: TcpState::Closed,
            ends: None,
            peer: LifeId::NONE,
            taker: LifeId::NONE,
            sequence: Sequence::default(),
            written: Written::default(),
            reads_ended: false,
        }
    }

    /// The same in the memory of another one, field by field: a whole one made elsewhere and
    /// moved here is read before it has quite been written.
    fn begin(&mut self, of_host: u32, of_boot: u32, of_socket: SocketId) {
        let Self { host, boot, socket, state, ends, peer, taker, sequence, written, reads_ended } =
            self;
        (*host, *boot, *socket) = (of_host, of_boot, of_socket);
        (*state, *ends) = (TcpState::Closed, None);
        (*peer, *taker) = (LifeId::NONE, LifeId::NONE);
        *sequence = Sequence::default();
        written.clear();
        *reads_ended = false;
    }
}

/// Whether a segment, or a part of it, became part of what was received.
const fn took_part(verdict: Verdict) -> bool {
    matches!(
        verdict,
        Verdict::Accepted | Verdict::OutOfOrder | Verdict::Trimmed | Verdict::TimeWaitFin
    )
}

/// What the world remembers of a packet whose stack has swallowed it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts {
    pub(crate) seq: SeqNum,
    pub(crate) end: SeqNum,
}

impl Facts {
    /// Of an ICMP message there is nothing to remember.
    pub(crate) fn of(packet: &Packet) -> Self {
        packet.segment().map_or(Self { seq: SeqNum::new(0), end: SeqNum::new(0) }, |segment| Self {
            seq: segment.seq,
            end: segment.seq_end(),
        })
    }
}

impl Sequence {
    /// What a segment that is being sent teaches, and what is wrong with it (invariant 3).
    pub(crate) fn note_sent(&mut self, segment: &Segment) -> Result<(), &'static str> {
        // A reset takes its numbers from the segment it answers (RFC 9293 §3.5.2).
        if segment.flags.contains(Flags::RST) {
            return Ok(());
        }
        let end = segment.seq_end();
        if self.iss.is_none() && segment.flags.contains(Flags::SYN) {
            self.iss = Some(segment.seq);
            self.sent_end = end;
        }
        let gap = self.iss.is_some() && segment.seq.after(self.sent_end);
        self.sent_end = self.sent_end.later(end);
        if segment.flags.contains(Flags::FIN) {
            self.fin = Some(end - 1);
        }
        let acked = self.note_ack(segment);
        if gap { Err("sent a segment beyond SND.NXT") } else { acked }
    }

    fn note_ack(&mut self, segment: &Segment) -> Result<(), &'static str> {
        if !segment.flags.contains(Flags::ACK) || self.irs.is_none() {
            return Ok(());
        }
        let before = self.acked.replace(segment.ack);
        if segment.ack.after(self.received_end) {
            return Err("acknowledged what it had not received");
        }
        if before.is_some_and(|before| segment.ack.before(before)) {
            return Err("took an acknowledgment back");
        }
        Ok(())
    }
}

impl Written {
    fn clear(&mut self) {
        let Self { unread, phase, pattern, finished, unheard } = self;
        unread.clear();
        *unheard = false;
        (*phase, *pattern, *finished) = (None, 0, false);
    }

    /// So many more octets of the pattern, from `offset` on.
    pub(crate) fn push_pattern(&mut self, offset: u64, length: u64) {
        if self.unheard {
            return;
        }
        match self.unread.back_mut() {
            Some(Run::Pattern { offset: start, length: sum }) if *start + *sum == offset => {
                *sum += length;
            }
            _ => self.unread.push_back(Run::Pattern { offset, length }),
        }
    }

    /// More octets.
    pub(crate) fn push_octets(&mut self, octets: Bytes) {
        if !octets.is_empty() && !self.unheard {
            self.unread.push_back(Run::Octets(octets));
        }
    }

    /// Takes from the front what was read; it must be the same.
    fn take(&mut self, mut read: &[u8]) -> Result<(), &'static str> {
        while !read.is_empty() {
            let front = self.unread.front_mut().ok_or("read more than its peer wrote")?;
            let taken = front.take(read)?;
            if front.length() == 0 {
                self.unread.pop_front();
            }
            read = &read[taken..];
        }
        Ok(())
    }
}

impl Run {
    fn length(&self) -> u64 {
        match self {
            Self::Pattern { length, .. } => *length,
            Self::Octets(octets) => octets.len() as u64,
        }
    }

    /// Takes as much of `read` as there is, and says how much that was.
    fn take(&mut self, read: &[u8]) -> Result<usize, &'static str> {
        match self {
            Self::Pattern { offset, length } => {
                let taken = (read.len() as u64).min(*length).min(pattern::PERIOD as u64);
                if !pattern::is_at(*offset, &read[..taken as usize]) {
                    return Err(DIFFERENT);
                }
                *offset += taken;
                *length -= taken;
                Ok(taken as usize)
            }
            Self::Octets(octets) => {
                let taken = octets.split_to(read.len().min(octets.len()));
                // Mostly the same memory, for the same reason as with the pattern.
                let same = taken.as_ptr() == read.as_ptr();
                if same || taken == read[..taken.len()] { Ok(taken.len()) } else { Err(DIFFERENT) }
            }
        }
    }
}

const DIFFERENT: &str = "read other octets than its peer wrote";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_must_be_what_was_written() {
        let mut written = Written::default();
        written.push_octets(Bytes::from_static(b"hello"));
        written.push_pattern(10, 4);
        written.push_pattern(14, 4);
        assert_eq!(written.take(b"hel"), Ok(()));
        let mut rest = b"lo".to_vec();
        rest.extend_from_slice(&pattern::slice(10, 6));
        assert_eq!(written.take(&rest), Ok(()));
        assert!(written.take(&pattern::slice(17, 2)).is_err());
        assert_eq!(Written::default().take(b"x"), Err("read more than its peer wrote"));
    }

    #[test]
    fn what_nobody_will_read_is_not_remembered() {
        let mut lives = Lives::new();
        let socket = SocketId::from_number(0);
        let (writer, reader) = (lives.begin(0, 0, socket), lives.begin(1, 0, socket));
        lives.get_mut(reader).unwrap().peer = writer;
        let unread = |lives: &Lives| lives.get(writer).unwrap().written.unread.len();
        lives.get_mut(writer).unwrap().written.push_octets(Bytes::from_static(b"hello"));
        assert_eq!(unread(&lives), 1);
        lives.give_back(reader);
        lives.get_mut(writer).unwrap().written.push_pattern(0, 1_000);
        assert_eq!(unread(&lives), 0);
    }

    #[test]
    fn a_pattern_longer_than_its_period_is_followed() {
        let mut written = Written::default();
        let all = 3 * pattern::PERIOD as u64;
        written.push_pattern(5, all);
        let mut offset = 5;
        while offset < 5 + all {
            let piece = pattern::slice(offset, 50_000.min(5 + all - offset));
            offset += piece.len() as u64;
            assert_eq!(written.take(&piece), Ok(()));
        }
        assert_eq!(written.take(b"x"), Err("read more than its peer wrote"));
    }
}
