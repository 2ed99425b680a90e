//! RFC 9293 §3.10.7 once more, as a function from a control block and a segment to what must
//! follow. It keeps no state and knows nothing of the stack.
//!
//! Where this project reads the text in its own way, the line says `Decided:`.

use twomsl_tcp::profile::BlindAttacks;
use twomsl_tcp::wire::{Flags, Segment};
use twomsl_tcp::{Readiness, SocketError, TcpState, Verdict};

use super::cells::{Block, Clock, Later, Outcome};
use crate::harness::packets::{ACK, FIN, RST, SYN};
use crate::harness::scene::Scene;

/// What must follow.
#[derive(Clone, Debug)]
pub(super) struct Expected {
    path: Vec<TcpState>,
    replies: Vec<Reply>,
    /// How far RCV.NXT has moved when the replies are sent.
    taken: u32,
    /// How far SND.UNA has moved.
    acked: u32,
    acknowledgment: Later,
    time_wait: Clock,
    told: Vec<Readiness>,
    verdict: Verdict,
    segment: Segment,
}

/// The replies the RFC knows, as it writes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reply {
    /// `<SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>`
    Ack,
    /// `<SEQ=ISS><ACK=RCV.NXT><CTL=SYN,ACK>`, where RCV.NXT is SEG.SEQ+1
    SynAck,
    /// The same with an ISS beyond everything of the old incarnation.
    SynAckOfNext,
    /// `<SEQ=SND.NXT><ACK=SEG.SEQ+1><CTL=ACK>`
    AckOfSyn,
    /// `<SEQ=SEG.ACK><CTL=RST>`
    ResetAtAck,
    /// `<SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>`
    ResetAtZero,
    /// `<SEQ=SND.NXT><CTL=RST>`
    Reset,
}

impl Reply {
    const fn name(self) -> &'static str {
        match self {
            Self::Ack => "<SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>",
            Self::SynAck => "<SEQ=ISS><ACK=SEG.SEQ+1><CTL=SYN,ACK>",
            Self::SynAckOfNext => "<SEQ=new ISS><ACK=SEG.SEQ+1><CTL=SYN,ACK>",
            Self::AckOfSyn => "<SEQ=SND.NXT><ACK=SEG.SEQ+1><CTL=ACK>",
            Self::ResetAtAck => "<SEQ=SEG.ACK><CTL=RST>",
            Self::ResetAtZero => "<SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>",
            Self::Reset => "<SEQ=SND.NXT><CTL=RST>",
        }
    }

    fn numbers(self, block: &Block, segment: &Segment, taken: u32) -> (Flags, u32, u32) {
        let (seq, ack) = (segment.seq.value(), segment.ack.value());
        let rcv_nxt = block.rcv_nxt.wrapping_add(taken);
        match self {
            Self::Ack => (ACK, block.snd_nxt, rcv_nxt),
            Self::SynAck => (SYN | ACK, block.iss, seq.wrapping_add(1)),
            // "larger than the largest sequence number it used" (§3.6.1), by a full window.
            Self::SynAckOfNext => {
                (SYN | ACK, block.snd_nxt.wrapping_add(65_537), seq.wrapping_add(1))
            }
            Self::AckOfSyn => (ACK, block.snd_nxt, seq.wrapping_add(1)),
            Self::ResetAtAck => (RST, ack, 0),
            Self::ResetAtZero => (RST | ACK, 0, seq.wrapping_add(segment.seq_len())),
            Self::Reset => (RST, block.snd_nxt, 0),
        }
    }
}

impl Expected {
    fn new(segment: &Segment, verdict: Verdict) -> Self {
        Self {
            path: Vec::new(),
            replies: Vec::new(),
            taken: 0,
            acked: 0,
            acknowledgment: Later::NotOwed,
            time_wait: Clock::Untouched,
            told: Vec::new(),
            verdict,
            segment: segment.clone(),
        }
    }

    fn to(mut self, state: TcpState) -> Self {
        self.path.push(state);
        self
    }

    fn reply(mut self, reply: Reply) -> Self {
        self.replies.push(reply);
        self
    }

    fn tell(mut self, readiness: Readiness) -> Self {
        self.told.push(readiness);
        self
    }

    /// In numbers, as a cell sees it.
    pub(super) fn outcome(&self, block: &Block) -> Outcome {
        let numbers = |reply: &Reply| reply.numbers(block, &self.segment, self.taken);
        let mut path = vec![block.scene.state()];
        path.extend(&self.path);
        Outcome {
            path,
            replies: self.replies.iter().map(numbers).collect(),
            moved: self.moved(block),
            acknowledgment: self.acknowledgment,
            time_wait: self.time_wait,
            told: self.told.clone(),
            verdict: self.verdict,
        }
    }

    /// How far SND.UNA and RCV.NXT moved, if there is a connection to ask.
    fn moved(&self, block: &Block) -> Option<(u32, u32)> {
        let started = self.path.last().copied().unwrap_or(block.scene.state());
        let ended = matches!(started, TcpState::Closed | TcpState::Listen | TcpState::SynSent);
        let first = matches!(block.scene, Scene::Listen | Scene::Closed);
        // In SYN-SENT nothing of the peer's space was known before.
        let irs = match block.scene {
            Scene::SynSent => self.segment.seq.value().wrapping_add(1).wrapping_sub(block.rcv_nxt),
            _ => self.taken,
        };
        (!ended && !first).then_some((self.acked, irs))
    }

    /// In words, for a reader.
    pub(super) fn describe(&self) -> String {
        let mut words = Vec::new();
        if !self.path.is_empty() {
            let names: Vec<_> = self.path.iter().map(|state| state.name()).collect();
            words.push(format!("→ {}", names.join(" → ")));
        }
        words.extend(self.replies.iter().map(|reply| reply.name().to_string()));
        match self.acked {
            0 => {}
            1 => words.push("SYN acknowledged".to_string()),
            octets => words.push(format!("SND.UNA += {octets}")),
        }
        if self.taken > 0 {
            words.push(format!("RCV.NXT += {}", self.taken));
        }
        if self.acknowledgment == Later::Owed {
            words.push("ACK owed".to_string());
        }
        if self.time_wait == Clock::Restarted {
            words.push("2MSL restarted".to_string());
        }
        words.extend(self.told.iter().map(|told| match told {
            Readiness::Failed(error) => error.name().to_string(),
            told => format!("{told:?}"),
        }));
        words.push(self.verdict.note().map_or("accepted", |note| note.text).to_string());
        words.join(" · ")
    }
}

/// `a < b` in sequence space.
fn less(a: u32, b: u32) -> bool {
    a != b && b.wrapping_sub(a) < 1 << 31
}

/// `a =< b` in sequence space.
fn at_most(a: u32, b: u32) -> bool {
    !less(b, a)
}

/// SEGMENT ARRIVES.
pub(super) fn segment_arrives(block: &Block, segment: &Segment) -> Expected {
    match block.scene {
        Scene::Closed => when_closed(segment),
        Scene::Listen => when_listen(segment),
        Scene::SynSent => when_syn_sent(block, segment),
        Scene::TimeWait => when_time_wait(block, segment),
        _ => otherwise(block, segment),
    }
}

/// §3.10.7.1
fn when_closed(segment: &Segment) -> Expected {
    if segment.has(RST) {
        return Expected::new(segment, Verdict::NoConnectionRst);
    }
    let reset = if segment.has(ACK) { Reply::ResetAtAck } else { Reply::ResetAtZero };
    Expected::new(segment, Verdict::NoConnection).reply(reset)
}

/// §3.10.7.2
fn when_listen(segment: &Segment) -> Expected {
    // "First, check for a RST."
    if segment.has(RST) {
        return Expected::new(segment, Verdict::ListenRst);
    }
    // "Second, check for an ACK: any acknowledgment is bad."
    if segment.has(ACK) {
        return Expected::new(segment, Verdict::ListenAck).reply(Reply::ResetAtAck);
    }
    // "Third, check for a SYN." A FIN with it is queued.
    if segment.has(SYN) {
        return Expected::new(segment, Verdict::Accepted)
            .to(TcpState::SynReceived)
            .reply(Reply::SynAck);
    }
    Expected::new(segment, Verdict::ListenNothing)
}

/// §3.10.7.3
fn when_syn_sent(block: &Block, segment: &Segment) -> Expected {
    let acknowledged = |expected: Expected| Expected { acked: 1, ..expected };
    let ack = segment.ack.value();
    // "First, check the ACK bit: if SEG.ACK =< ISS or SEG.ACK > SND.NXT, send a reset (unless the
    // RST bit is set, if so drop the segment and return)."
    let unacceptable = at_most(ack, block.iss) || less(block.snd_nxt, ack);
    if segment.has(ACK) && unacceptable {
        return if segment.has(RST) {
            Expected::new(segment, Verdict::SynSentRst)
        } else {
            Expected::new(segment, Verdict::SynSentBadAck).reply(Reply::ResetAtAck)
        };
    }
    // "Second, check the RST bit."
    if segment.has(RST) {
        return if segment.has(ACK) {
            Expected::new(segment, Verdict::Accepted)
                .to(TcpState::Closed)
                .tell(Readiness::Failed(SocketError::ConnectionRefused))
        } else {
            Expected::new(segment, Verdict::SynSentRst)
        };
    }
    // "Fourth, check the SYN bit."
    match (segment.has(SYN), segment.has(ACK)) {
        (true, true) => acknowledged(Expected::new(segment, Verdict::Accepted))
            .to(TcpState::Established)
            .tell(Readiness::Connected)
            .reply(Reply::AckOfSyn),
        (true, false) => {
            Expected::new(segment, Verdict::Accepted).to(TcpState::SynReceived).reply(Reply::SynAck)
        }
        (false, _) => Expected::new(segment, Verdict::SynSentNothing),
    }
}

/// §3.10.7.4, table 6, for a window that is open.
fn is_acceptable(block: &Block, segment: &Segment) -> bool {
    let within = |seq: u32| seq.wrapping_sub(block.rcv_nxt) < block.rcv_wnd;
    let (seq, length) = (segment.seq.value(), segment.seq_len());
    within(seq) || (length > 0 && within(seq.wrapping_add(length - 1)))
}

fn unacceptable(block: &Block, segment: &Segment) -> Expected {
    if segment.has(RST) {
        return Expected::new(segment, Verdict::OutsideWindowRst);
    }
    let end = segment.seq.value().wrapping_add(segment.seq_len());
    let old = at_most(end, block.rcv_nxt);
    let verdict = if old { Verdict::OldDuplicate } else { Verdict::OutsideWindow };
    Expected::new(segment, verdict).reply(Reply::Ack)
}

fn challenge(segment: &Segment, verdict: Verdict) -> Expected {
    Expected::new(segment, verdict).reply(Reply::Ack)
}

/// §3.10.7.4
fn otherwise(block: &Block, segment: &Segment) -> Expected {
    let challenged = block.rules == BlindAttacks::Challenged;
    let synchronized = block.scene.state() != TcpState::SynReceived;
    // RFC 5961 §4.2: in synchronized states a SYN is challenged "irrespective of the sequence
    // number".
    if challenged && synchronized && segment.has(SYN) && !segment.has(RST) {
        return challenge(segment, Verdict::SynChallenged);
    }
    // First.
    if !is_acceptable(block, segment) {
        return unacceptable(block, segment);
    }
    // Second; RFC 5961 §3.2.
    if segment.has(RST) {
        return if challenged && segment.seq.value() != block.rcv_nxt {
            challenge(segment, Verdict::RstChallenged)
        } else {
            reset_arrives(block, segment)
        };
    }
    // Fourth.
    if segment.has(SYN) {
        return syn_arrives(block, segment);
    }
    // Fifth.
    if !segment.has(ACK) {
        return Expected::new(segment, Verdict::NoAck);
    }
    check_ack(block, segment)
}

fn reset_arrives(block: &Block, segment: &Segment) -> Expected {
    let expected = Expected::new(segment, Verdict::Accepted);
    match block.scene {
        // "Return this connection to LISTEN state. The user need not be informed."
        Scene::SynReceivedPassive => expected.to(TcpState::Listen),
        Scene::SynReceivedActive => {
            expected.to(TcpState::Closed).tell(Readiness::Failed(SocketError::ConnectionRefused))
        }
        Scene::Closing | Scene::LastAck => expected.to(TcpState::Closed).tell(Readiness::Closed),
        _ => expected.to(TcpState::Closed).tell(Readiness::Failed(SocketError::ConnectionReset)),
    }
}

fn syn_arrives(block: &Block, segment: &Segment) -> Expected {
    match (block.scene, block.rules) {
        (Scene::SynReceivedPassive, _) => {
            Expected::new(segment, Verdict::SynBackToListen).to(TcpState::Listen)
        }
        (_, BlindAttacks::Challenged) => challenge(segment, Verdict::SynChallenged),
        // RFC 793: "it is an error, send a reset, … enter the CLOSED state". Every user hears.
        (_, BlindAttacks::Believed) => Expected::new(segment, Verdict::SynReset)
            .reply(Reply::Reset)
            .to(TcpState::Closed)
            .tell(Readiness::Failed(SocketError::ConnectionReset)),
    }
}

/// Fifth: check the ACK field.
fn check_ack(block: &Block, segment: &Segment) -> Expected {
    let ack = segment.ack.value();
    if block.scene.state() == TcpState::SynReceived {
        let good = less(block.snd_una, ack) && at_most(ack, block.snd_nxt);
        // Decided: §3.5.2 group 2 and this step ask for a reset in a state that is not
        // synchronized; RFC 5961 §5 asks for an ACK. Only the reset ends a half-open connection.
        return if good {
            handshake_ends(block, segment)
        } else {
            Expected::new(segment, Verdict::SynReceivedBadAck).reply(Reply::ResetAtAck)
        };
    }
    if less(block.snd_nxt, ack) {
        return challenge(segment, Verdict::AckOfUnsent);
    }
    let oldest = block.snd_una.wrapping_sub(block.max_snd_wnd);
    if block.rules == BlindAttacks::Challenged && less(ack, oldest) {
        return challenge(segment, Verdict::AckTooOld);
    }
    let all = ack == block.snd_nxt;
    let mut expected = Expected::new(segment, Verdict::Accepted);
    // "If SND.UNA < SEG.ACK =< SND.NXT, then set SND.UNA <- SEG.ACK."
    if less(block.snd_una, ack) {
        expected.acked = ack.wrapping_sub(block.snd_una);
    }
    match block.scene {
        // Decided: nothing more is done with the segment; a FIN in it is not the peer's, whose
        // FIN was taken before.
        Scene::Closing if all => expected.to(TcpState::TimeWait),
        Scene::LastAck if all => expected.to(TcpState::Closed).tell(Readiness::Closed),
        Scene::FinWait1 if all => {
            // "Enter FIN-WAIT-2 and continue processing in that state." Decided: with a FIN in
            // order the two steps are one arrow, FIN-WAIT-1 → TIME-WAIT (figure 5, note 2).
            let fin = segment.has(FIN) && segment.seq.value() == block.rcv_nxt;
            let expected = if fin { expected } else { expected.to(TcpState::FinWait2) };
            take_text(block, segment, TcpState::FinWait2, expected)
        }
        scene => take_text(block, segment, scene.state(), expected),
    }
}

/// "Enter ESTABLISHED state and continue processing."
fn handshake_ends(block: &Block, segment: &Segment) -> Expected {
    let mut expected = Expected::new(segment, Verdict::Accepted).to(TcpState::Established);
    expected.acked = 1;
    let mut expected = take_text(block, segment, TcpState::Established, expected);
    // Before it is accepted nobody but the listener's application can be told anything.
    match block.scene {
        Scene::SynReceivedPassive => expected.told = vec![Readiness::Acceptable],
        _ => expected.told.insert(0, Readiness::Connected),
    }
    expected
}

/// Seventh and eighth: text and FIN, as in `state`.
fn take_text(block: &Block, segment: &Segment, state: TcpState, mut then: Expected) -> Expected {
    let (text, fin) = (!segment.payload.is_empty(), segment.has(FIN));
    if !text && !fin {
        return then;
    }
    if matches!(state, TcpState::CloseWait | TcpState::Closing | TcpState::LastAck) {
        // "This should not occur since a FIN has been received. Ignore the segment text."
        then.verdict = Verdict::AfterFin;
        // "Send an acknowledgment for the FIN", whatever it is. Decided: in CLOSING too, and
        // RCV.NXT does not advance over a second one.
        return if fin { then.reply(Reply::Ack) } else { then };
    }
    if segment.seq.value() != block.rcv_nxt {
        // SHLD-31: held. MAY-13, RFC 5681 §4.2: acknowledged at once.
        then.verdict = Verdict::OutOfOrder;
        return then.reply(Reply::Ack);
    }
    if text {
        // §3.8.6.3: the acknowledgment may wait.
        then.acknowledgment = Later::Owed;
        then.taken = 100;
        return then;
    }
    then.taken = 1;
    let next = match state {
        TcpState::Established => TcpState::CloseWait,
        TcpState::FinWait1 => TcpState::Closing,
        _ => TcpState::TimeWait,
    };
    then.reply(Reply::Ack).to(next).tell(Readiness::EndOfFile)
}

/// §3.10.7.4 for TIME-WAIT, with MAY-2 and RFC 6191 §2 without timestamps.
fn when_time_wait(block: &Block, segment: &Segment) -> Expected {
    let seq = segment.seq.value();
    // MAY-2: beyond all of the old incarnation.
    if segment.has(SYN) && !segment.has(RST) {
        return match (segment.has(ACK), less(block.rcv_nxt, seq)) {
            (false, true) => Expected::new(segment, Verdict::Accepted)
                .to(TcpState::SynReceived)
                .reply(Reply::SynAckOfNext),
            // Decided: under either rule a SYN that opens nothing is acknowledged. RFC 1337 shows
            // what comes of letting stray segments end TIME-WAIT.
            _ => challenge(segment, Verdict::TimeWaitAck),
        };
    }
    if !is_acceptable(block, segment) {
        return time_wait_unacceptable(block, segment);
    }
    if segment.has(RST) {
        return if block.rules == BlindAttacks::Challenged && seq != block.rcv_nxt {
            challenge(segment, Verdict::RstChallenged)
        } else {
            Expected::new(segment, Verdict::TimeWaitRst)
                .to(TcpState::Closed)
                .tell(Readiness::Closed)
        };
    }
    if !segment.has(ACK) {
        return Expected::new(segment, Verdict::NoAck);
    }
    if less(block.snd_nxt, segment.ack.value()) {
        return challenge(segment, Verdict::AckOfUnsent);
    }
    // MAX.SND.WND "may be hard-coded to a maximum permissible window value".
    let oldest = block.snd_una.wrapping_sub(65_535);
    if block.rules == BlindAttacks::Challenged && less(segment.ack.value(), oldest) {
        return challenge(segment, Verdict::AckTooOld);
    }
    match (segment.has(FIN), segment.payload.is_empty()) {
        // "Remain in the TIME-WAIT state. Restart the 2 MSL time-wait timeout."
        (true, _) => restart(segment),
        // Decided: a bare acknowledgment is not answered, or two sides in TIME-WAIT would never
        // stop.
        (false, true) => Expected::new(segment, Verdict::Accepted),
        (false, false) => challenge(segment, Verdict::TimeWaitAck),
    }
}

/// "The only thing that can arrive in this state is a retransmission of the remote FIN.
/// Acknowledge it, and restart the 2 MSL timeout."
fn restart(segment: &Segment) -> Expected {
    let mut expected = challenge(segment, Verdict::TimeWaitFin);
    expected.time_wait = Clock::Restarted;
    expected
}

fn time_wait_unacceptable(block: &Block, segment: &Segment) -> Expected {
    if segment.has(RST) {
        return Expected::new(segment, Verdict::OutsideWindowRst);
    }
    // The FIN itself lies before RCV.NXT: it is known by where it ends.
    let end = segment.seq.value().wrapping_add(segment.seq_len());
    if segment.has(FIN | ACK) && end == block.rcv_nxt {
        return restart(segment);
    }
    challenge(segment, Verdict::TimeWaitAck)
}
