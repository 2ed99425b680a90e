//! TIME-WAIT as a compact record (RFC 9293 §3.6.1, MUST-13).

use alloc::boxed::Box;

use bytes::Bytes;
use twomsl_wire::{Flags, Options, Segment, SeqNum};

use crate::connection::Connection;
use crate::event::{SocketId, TimerKind};
use crate::profile::{TimeWaitReuse, TimeWaitRst};
use crate::tuple::Tuple;
use crate::{Holder, Instant, Profile, Status, TcpState, Verdict};

/// All that is left of a connection: enough to answer old segments, and to know new ones.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct TimeWait {
    pub(crate) tuple: Tuple,
    pub(crate) since: Instant,
    /// When 2MSL are over.
    pub(crate) deadline: Instant,
    snd_nxt: SeqNum,
    rcv_nxt: SeqNum,
    /// RCV.WND as it is offered in acknowledgments.
    window: u16,
    /// The connection itself, while the application still holds it: it may have text to read.
    pub(crate) held: Option<Box<Connection>>,
}

/// What to do about a segment that arrives in TIME-WAIT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Nothing.
    Ignore(Verdict),
    /// Acknowledge it.
    Acknowledge(Verdict),
    /// Acknowledge it, and start 2MSL over.
    Restart(Verdict),
    /// The connection ends here.
    End(Verdict),
    /// It opens a new incarnation, if somebody listens.
    Reopen,
}

impl TimeWait {
    pub(crate) fn new(connection: Box<Connection>, now: Instant, profile: &Profile) -> Self {
        Self {
            tuple: connection.tuple,
            since: now,
            deadline: now + profile.time_wait,
            snd_nxt: connection.send.nxt,
            rcv_nxt: connection.receive.nxt,
            window: connection.offered_window().to_field(twomsl_wire::Scale::NONE),
            held: (connection.holder == Holder::Application).then_some(connection),
        }
    }

    /// RFC 9293 §3.10.7.4 for this state, with RFC 1337 and RFC 6191.
    pub(crate) fn segment_arrives(&self, segment: &Segment, profile: &Profile) -> Answer {
        let length = segment.seq_len();
        if segment.has(Flags::RST) {
            return self.reset_arrives(segment, profile);
        }
        if segment.has(Flags::SYN) {
            return self.syn_arrives(segment, profile);
        }
        if segment.has(Flags::FIN) && segment.seq_end() == self.rcv_nxt {
            return Answer::Restart(Verdict::TimeWaitFin);
        }
        let window = u32::from(self.window);
        let acceptable = segment.seq == self.rcv_nxt || segment.seq.is_within(self.rcv_nxt, window);
        if acceptable && length == 0 {
            // A bare acknowledgment: answering it could go on for ever between two such records.
            return Answer::Ignore(Verdict::Accepted);
        }
        Answer::Acknowledge(Verdict::TimeWaitAck)
    }

    fn reset_arrives(&self, segment: &Segment, profile: &Profile) -> Answer {
        if !(segment.seq == self.rcv_nxt
            || segment.seq.is_within(self.rcv_nxt, u32::from(self.window)))
        {
            return Answer::Ignore(Verdict::OutsideWindowRst);
        }
        match profile.time_wait_rst {
            TimeWaitRst::Ignored => Answer::Ignore(Verdict::TimeWaitRstIgnored),
            TimeWaitRst::Honoured => Answer::End(Verdict::TimeWaitRst),
        }
    }

    /// MAY-2: a SYN beyond everything the old incarnation used may open a new one. Without
    /// timestamps its sequence number is all there is to go by (RFC 6191 §2).
    fn syn_arrives(&self, segment: &Segment, profile: &Profile) -> Answer {
        let beyond = segment.seq.after(self.rcv_nxt) && !segment.has(Flags::ACK);
        if beyond && profile.time_wait_reuse == TimeWaitReuse::BeyondOld {
            Answer::Reopen
        } else {
            Answer::Acknowledge(Verdict::TimeWaitAck)
        }
    }

    /// The smallest ISS for the next incarnation: "larger than the largest sequence number it
    /// used on the previous connection incarnation" (RFC 9293 §3.6.1), by a full window as Linux
    /// does it.
    pub(crate) fn next_iss(&self) -> SeqNum {
        self.snd_nxt + 65_535 + 2
    }

    /// <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>
    pub(crate) fn acknowledgment(&self) -> Segment {
        Segment {
            src_port: self.tuple.local_port,
            dst_port: self.tuple.remote_port,
            seq: self.snd_nxt,
            ack: self.rcv_nxt,
            flags: Flags::ACK,
            window: self.window,
            urgent: 0,
            options: Options::NONE,
            payload: Bytes::new(),
        }
    }

    pub(crate) fn status(&self, socket: SocketId, profile: &Profile) -> Status {
        let held = self.held.as_deref();
        Status {
            socket,
            state: TcpState::TimeWait,
            since: self.since,
            local: self.tuple.local(),
            remote: Some(self.tuple.remote()),
            receive_queue: held.map_or(0, |held| held.receive.unread()),
            send_queue: 0,
            timers: alloc::vec![(TimerKind::TimeWait, self.deadline)],
            retransmits: 0,
            holder: if held.is_some() { Holder::Application } else { Holder::Orphan },
            detail: held.and_then(|held| held.status(socket, profile).detail),
        }
    }
}
