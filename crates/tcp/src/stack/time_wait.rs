//! TIME-WAIT as a compact record (RFC 9293 §3.6.1, MUST-13).

use alloc::boxed::Box;

use bytes::Bytes;
use twomsl_wire::{Flags, Options, Scale, Segment, SeqNum, Window};

use crate::connection::{Connection, Timestamps};
use crate::event::{SocketId, TimerKind};
use crate::mutation::Mutation;
use crate::options::IpFields;
use crate::profile::{ConnectReuse, Incoming, MissingTimestamps, TimeWaitReuse};
use crate::tuple::Tuple;
use crate::{Holder, Instant, Profile, Status, TcpState, Verdict};

/// All that is left of a connection: enough to answer old segments, and to know new ones.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct TimeWait {
    pub(crate) tuple: Tuple,
    pub(crate) since: Instant,
    /// When 2MSL are over.
    pub(crate) deadline: Instant,
    /// What has no text is not answered before (Linux' `tw_last_oow_ack_time`).
    next_answer: Instant,
    snd_nxt: SeqNum,
    rcv_nxt: SeqNum,
    /// RCV.WND as it is offered in acknowledgments.
    window: u16,
    /// What the connection's packets had in their IP header.
    pub(super) ip: IpFields,
    scale: Scale,
    /// For the acknowledgments, and against old duplicates; `None` when they are not in use.
    timestamps: Option<Timestamps>,
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
    /// Acknowledge it, unless the limit of RFC 5961 §7 is used up.
    Challenge(Verdict),
    /// Acknowledge it, and start 2MSL over.
    Restart(Verdict),
    /// The connection ends here.
    End(Verdict),
    /// It opens a new incarnation, if somebody listens.
    Reopen,
}

impl TimeWait {
    /// Without the connection itself.
    pub(crate) fn new(connection: &Connection, now: Instant, profile: &Profile) -> Self {
        let (mut window, scale) = connection.offered_window();
        if profile.is_bsd() {
            window = connection.window_of_response();
        }
        Self {
            tuple: connection.tuple,
            since: now,
            deadline: now + profile.time_wait_lasts(),
            next_answer: now,
            snd_nxt: connection.send.nxt,
            rcv_nxt: connection.receive.nxt,
            window,
            ip: connection.options.ip_fields(),
            scale,
            timestamps: connection.agreement.timestamps,
            held: None,
        }
    }

    /// RFC 9293 §3.10.7.4 for this state, with RFC 1337 and RFC 6191.
    pub(crate) fn segment_arrives(
        &mut self,
        now: Instant,
        segment: &Segment,
        profile: &Profile,
    ) -> Answer {
        if profile.is_bsd() {
            return self.segment_arrives_as_bsd(segment, profile);
        }
        if profile.incoming == Incoming::Linux {
            return self.segment_arrives_as_linux(now, segment, profile);
        }
        if segment.has(Flags::SYN) && !segment.has(Flags::RST) {
            return self.syn_arrives(now, segment, profile);
        }
        if self.is_old(now, segment) && profile.has_paws() {
            return Answer::Acknowledge(Verdict::OldTimestamp);
        }
        if !self.is_acceptable(segment) {
            return self.unacceptable_arrives(segment, profile);
        }
        if segment.has(Flags::RST) {
            return self.reset_arrives(segment, profile);
        }
        if !segment.has(Flags::ACK) {
            return Answer::Ignore(Verdict::NoAck);
        }
        self.acknowledgment_arrives(segment, profile)
    }

    /// Linux' `tcp_timewait_state_process`: at RCV.NXT there may be a RST or a bare ACK. All else is
    /// acknowledged, in the old window or not, but a RST, and a SYN may be a new one.
    fn segment_arrives_as_linux(
        &mut self,
        now: Instant,
        segment: &Segment,
        profile: &Profile,
    ) -> Answer {
        if segment.has(Flags::FIN) && profile.is_mutated(Mutation::OldFinUnanswered) {
            return Answer::Ignore(Verdict::OldDuplicate);
        }
        let answer = self.answer_of_linux(now, segment, profile);
        let answered = matches!(answer, Answer::Acknowledge(_) | Answer::Restart(_));
        if answered && !self.may_answer(now, segment, profile) {
            return Answer::Ignore(Verdict::ChallengeLimited);
        }
        answer
    }

    fn answer_of_linux(&mut self, now: Instant, segment: &Segment, profile: &Profile) -> Answer {
        if segment.has(Flags::SYN) && !segment.has(Flags::RST) {
            return self.syn_arrives(now, segment, profile);
        }
        if self.is_old(now, segment) && profile.has_paws() {
            return Answer::Acknowledge(Verdict::OldTimestamp);
        }
        let exact = segment.seq == self.rcv_nxt;
        if segment.has(Flags::RST) {
            return match exact {
                true if profile.honours_rst_in_time_wait() => Answer::End(Verdict::TimeWaitRst),
                true => Answer::Ignore(Verdict::TimeWaitRstIgnored),
                false => Answer::Ignore(Verdict::OutsideWindowRst),
            };
        }
        if exact && segment.seq_len() == 0 {
            Answer::Ignore(Verdict::Accepted)
        } else if segment.has(Flags::FIN | Flags::ACK) && segment.seq_end() == self.rcv_nxt {
            Answer::Restart(Verdict::TimeWaitFin)
        } else {
            Answer::Acknowledge(Verdict::TimeWaitAck)
        }
    }

    /// `tcp_timewait_check_oow_rate_limit`: what has no text is answered only so often.
    fn may_answer(&mut self, now: Instant, segment: &Segment, profile: &Profile) -> bool {
        if segment.seq_len() > 0 && !segment.has(Flags::SYN) {
            return true;
        }
        let may = now >= self.next_answer;
        if may {
            self.next_answer = now + profile.challenge_spacing;
        }
        may
    }

    /// FreeBSD's `tcp_twcheck`: no window, and an answer to all but what is as expected.
    fn segment_arrives_as_bsd(&self, segment: &Segment, profile: &Profile) -> Answer {
        if segment.has(Flags::RST) {
            return if profile.honours_rst_in_time_wait() {
                Answer::End(Verdict::TimeWaitRst)
            } else {
                Answer::Ignore(Verdict::TimeWaitRstIgnored)
            };
        }
        if segment.has(Flags::SYN)
            && !segment.has(Flags::ACK)
            && segment.seq.after(self.rcv_nxt)
            && profile.time_wait_reuse == TimeWaitReuse::BeyondOld
        {
            return Answer::Reopen;
        }
        if !segment.has(Flags::ACK) {
            return Answer::Ignore(Verdict::NoAck);
        }
        let missing = self.timestamps.is_some() && segment.options.timestamps().is_none();
        if missing && profile.missing_timestamps == MissingTimestamps::Dropped {
            return Answer::Ignore(Verdict::NoTimestamps);
        }
        if segment.has(Flags::FIN) && segment.seq_end() == self.rcv_nxt {
            return Answer::Restart(Verdict::TimeWaitFin);
        }
        let expected = segment.flags == Flags::ACK
            && segment.payload.is_empty()
            && (segment.seq, segment.ack) == (self.rcv_nxt, self.snd_nxt);
        if expected {
            Answer::Ignore(Verdict::Accepted)
        } else {
            Answer::Acknowledge(Verdict::TimeWaitAck)
        }
    }

    /// PAWS (RFC 7323 §5.3); what is not old may be echoed from now on.
    fn is_old(&mut self, now: Instant, segment: &Segment) -> bool {
        let Some(timestamps) = &mut self.timestamps else { return false };
        match segment.options.timestamps() {
            Some((value, _)) if !segment.has(Flags::RST) => {
                let old = timestamps.is_old(now, value);
                if !old && segment.seq == self.rcv_nxt {
                    timestamps.take(now, value);
                }
                old
            }
            _ => false,
        }
    }

    /// RFC 9293 §3.10.7.4, table 6.
    fn is_acceptable(&self, segment: &Segment) -> bool {
        let window = Window::from_field(self.window, self.scale).0;
        let length = segment.seq_len();
        let within = |seq: SeqNum| seq.is_within(self.rcv_nxt, window);
        match (length, window) {
            (0, 0) => segment.seq == self.rcv_nxt,
            (0, _) => within(segment.seq),
            _ => within(segment.seq) || within(segment.seq_end() - 1),
        }
    }

    /// The peer's FIN lies before RCV.NXT by now: it is known by where it ends.
    fn unacceptable_arrives(&self, segment: &Segment, profile: &Profile) -> Answer {
        if segment.has(Flags::FIN) && profile.is_mutated(Mutation::OldFinUnanswered) {
            return Answer::Ignore(Verdict::OldDuplicate);
        }
        if segment.has(Flags::RST) {
            Answer::Ignore(Verdict::OutsideWindowRst)
        } else if segment.has(Flags::FIN | Flags::ACK) && segment.seq_end() == self.rcv_nxt {
            Answer::Restart(Verdict::TimeWaitFin)
        } else {
            Answer::Acknowledge(Verdict::TimeWaitAck)
        }
    }

    fn reset_arrives(&self, segment: &Segment, profile: &Profile) -> Answer {
        if !profile.honours_rst_in_time_wait() {
            Answer::Ignore(Verdict::TimeWaitRstIgnored)
        } else if profile.challenges() && segment.seq != self.rcv_nxt {
            // RFC 5961 §3.2 holds in this state as in all others.
            Answer::Challenge(Verdict::RstChallenged)
        } else {
            Answer::End(Verdict::TimeWaitRst)
        }
    }

    fn acknowledgment_arrives(&self, segment: &Segment, profile: &Profile) -> Answer {
        if segment.ack.after(self.snd_nxt) {
            return Answer::Acknowledge(Verdict::AckOfUnsent);
        }
        // RFC 5961 §5.2: MAX.SND.WND "may be hard-coded to a maximum permissible window value".
        let oldest = self.snd_nxt - Window::MAX_UNSCALED.0;
        if segment.ack.before(oldest) && profile.challenges() {
            return Answer::Challenge(Verdict::AckTooOld);
        }
        if segment.has(Flags::FIN) {
            Answer::Restart(Verdict::TimeWaitFin)
        } else if segment.payload.is_empty() {
            // A bare acknowledgment: answering it could go on for ever between two such records.
            Answer::Ignore(Verdict::Accepted)
        } else {
            Answer::Acknowledge(Verdict::TimeWaitAck)
        }
    }

    /// MAY-2: a SYN that is later than all of the old incarnation may open a new one: by its
    /// timestamp (RFC 6191 §2, SHLD-4), or, without timestamps or within one tick of them, by its sequence
    /// number. If only the SYN has timestamps, its number decides, as in Linux'
    /// `tcp_timewait_state_process`: RFC 6191 would take every such SYN.
    fn syn_arrives(&self, now: Instant, segment: &Segment, profile: &Profile) -> Answer {
        let times = self.timestamps.zip(segment.options.timestamps());
        if times.is_some_and(|(old, (value, _))| old.is_old(now, value)) && profile.has_paws() {
            return Answer::Acknowledge(Verdict::OldTimestamp);
        }
        let later = times.is_some_and(|(old, (value, _))| old.is_newer(value));
        let later = (later || segment.seq.after(self.rcv_nxt)) && !segment.has(Flags::ACK);
        if later && profile.time_wait_reuse == TimeWaitReuse::BeyondOld {
            Answer::Reopen
        } else {
            Answer::Acknowledge(Verdict::TimeWaitAck)
        }
    }

    /// When `connect` may take the 4-tuple over with a port that the stack chooses, as Linux'
    /// `tcp_twsk_unique` decides it: so long after this state was entered (`tw_entry_stamp`, since
    /// 6.14) that the timestamps of the next incarnation are later than those of this one, at the
    /// peer too. `None` for never.
    pub(crate) fn ripe_at(&self, profile: &Profile) -> Option<Instant> {
        let Tuple { local_addr, remote_addr, .. } = self.tuple;
        let reused = match profile.connect_reuse {
            ConnectReuse::Never | ConnectReuse::Bound => false,
            ConnectReuse::Loopback => local_addr.is_loopback() || remote_addr.is_loopback(),
            ConnectReuse::Always => true,
        };
        self.timestamps.filter(|_| reused)?;
        Some(self.since + profile.connect_reuse_delay)
    }

    /// Whether `connect` may take it over with a port that the application has chosen.
    pub(crate) fn is_ripe_for_bound(&self, profile: &Profile) -> bool {
        profile.connect_reuse != ConnectReuse::Never && self.timestamps.is_some()
    }

    /// What the next incarnation goes on with, if `connect` opens it: its ISS, and timestamps that
    /// echo what was heard last.
    pub(crate) fn successor(&self) -> Option<(SeqNum, Timestamps)> {
        Some((self.next_iss(), self.timestamps?))
    }

    /// TS.Recent: the latest timestamp of the peer.
    pub(super) fn heard_timestamp(&self) -> Option<u32> {
        self.timestamps.map(|timestamps| timestamps.recent())
    }

    /// The smallest ISS for the next incarnation: "larger than the largest sequence number it
    /// used on the previous connection incarnation" (RFC 9293 §3.6.1), by a full window as Linux
    /// does it.
    pub(crate) fn next_iss(&self) -> SeqNum {
        self.snd_nxt + 65_535 + 2
    }

    /// <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>
    pub(crate) fn acknowledgment(&self, now: Instant) -> Segment {
        let options = self.timestamps.map_or(Options::NONE, |timestamps| {
            let (value, echo) = timestamps.stamp(now);
            Options::with_timestamps(value, echo)
        });
        Segment {
            src_port: self.tuple.local_port,
            dst_port: self.tuple.remote_port,
            seq: self.snd_nxt,
            ack: self.rcv_nxt,
            flags: Flags::ACK,
            window: self.window,
            urgent: 0,
            options,
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
