//! What a [`Stack`](crate::Stack) puts out, and what it made of what came in.

use core::fmt;

use twomsl_wire::Packet;

use crate::{Instant, SocketError, Verdict};

/// A socket of one stack. Never used twice: a new connection in an old slot gets another
/// generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SocketId {
    pub(crate) index: u32,
    pub(crate) generation: u32,
}

impl SocketId {
    /// A number that names this socket for the whole life of its stack.
    pub const fn number(self) -> u64 {
        (self.generation as u64) << 32 | self.index as u64
    }

    /// The inverse of [`number`](Self::number), for traces that were written down.
    pub const fn from_number(number: u64) -> Self {
        Self { index: number as u32, generation: (number >> 32) as u32 }
    }
}

/// The eleven states of a connection (RFC 9293 §3.3.2), CLOSED included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TcpState {
    /// No connection.
    Closed,
    /// Waiting for a SYN.
    Listen,
    /// A SYN was sent.
    SynSent,
    /// A SYN was received and answered.
    SynReceived,
    /// Open both ways.
    Established,
    /// Our FIN was sent.
    FinWait1,
    /// Our FIN was acknowledged.
    FinWait2,
    /// The peer's FIN was received.
    CloseWait,
    /// FINs crossed; ours is not acknowledged yet.
    Closing,
    /// The peer's FIN was received, ours was sent.
    LastAck,
    /// Both FINs acknowledged; old segments are given time to die.
    TimeWait,
}

impl TcpState {
    /// All states, in the order in which RFC 9293 §3.3.2 lists them, CLOSED first.
    pub const ALL: [Self; 11] = [
        Self::Closed,
        Self::Listen,
        Self::SynSent,
        Self::SynReceived,
        Self::Established,
        Self::FinWait1,
        Self::FinWait2,
        Self::CloseWait,
        Self::Closing,
        Self::LastAck,
        Self::TimeWait,
    ];

    /// Whether both sequence spaces are known and the handshake is over.
    pub(crate) const fn is_synchronized(self) -> bool {
        self as u8 >= Self::Established as u8
    }

    /// The RFC's spelling: `SYN-SENT`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Closed => "CLOSED",
            Self::Listen => "LISTEN",
            Self::SynSent => "SYN-SENT",
            Self::SynReceived => "SYN-RECEIVED",
            Self::Established => "ESTABLISHED",
            Self::FinWait1 => "FIN-WAIT-1",
            Self::FinWait2 => "FIN-WAIT-2",
            Self::CloseWait => "CLOSE-WAIT",
            Self::Closing => "CLOSING",
            Self::LastAck => "LAST-ACK",
            Self::TimeWait => "TIME-WAIT",
        }
    }
}

impl fmt::Display for TcpState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// One effect of a stack.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Output {
    /// Send this packet.
    Transmit(Transmit),
    /// Something happened to a socket.
    Event(Event),
}

/// A packet to send.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Transmit {
    /// The packet.
    pub packet: Packet,
    /// Whose it is; a reset for an unknown connection belongs to nobody.
    pub socket: Option<SocketId>,
    /// Why it is sent.
    pub reason: SendReason,
}

/// Why a packet is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SendReason {
    /// SYN, text or FIN that were not sent before.
    New,
    /// A SYN that is answered and not remembered (RFC 4987 §3.6).
    SynCookie,
    /// The retransmission timer fired (RFC 6298).
    Retransmission,
    /// Acknowledgments tell that it was lost (RFC 5681 §3.2, RFC 6675, RFC 8985).
    FastRetransmission,
    /// The tail of a flight was not acknowledged in time (RFC 8985 §7.3). A probe with text that
    /// was never sent is [`New`](Self::New).
    LossProbe,
    /// A SYN came again, and is answered again.
    SynAgain,
    /// The persist timer fired (RFC 9293 §3.8.6.1).
    WindowProbe,
    /// The keepalive timer fired (RFC 9293 §3.8.4).
    KeepAlive,
    /// Text or a FIN is acknowledged at once.
    Ack,
    /// The delayed-acknowledgment timer fired (RFC 9293 §3.8.6.3).
    DelayedAck,
    /// The segment that came was a duplicate, or outside the window (RFC 9293 §3.10.7.4).
    DuplicateAck,
    /// A RST or SYN has to prove itself (RFC 5961).
    ChallengeAck,
    /// The receive window has grown enough to say so (RFC 9293 §3.8.6.2.2).
    WindowUpdate,
    /// Text of our SYN that the SYN,ACK does not acknowledge (RFC 7413 §4.2.1).
    SynText,
    /// It was too large for the path, and is sent again in smaller segments (RFC 1191 §6.4).
    PathMtu,
    /// The connection is reset, or there is none (RFC 9293 §3.5.2).
    Reset,
}

/// Something that happened to a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// A state changed.
    State(StateChange),
    /// A timer was set, stopped or fired. Only while the stack is
    /// [observed](crate::Stack::observe).
    Timer {
        /// Whose timer.
        socket: SocketId,
        /// Which one.
        timer: TimerKind,
        /// What became of it.
        change: TimerChange,
    },
    /// The application can do something it could not do before (RFC 9293 §3.9.1.8).
    Ready {
        /// Whose application.
        socket: SocketId,
        /// What it can do.
        readiness: Readiness,
    },
    /// `ERROR_REPORT` of RFC 9293 §3.9.1.8 (MUST-47): something is wrong with a connection that
    /// lives on. Only for applications that hold a socket and want to hear of it
    /// ([`SocketOption::ErrorReports`](crate::SocketOption::ErrorReports)).
    Report {
        /// Whose application.
        socket: SocketId,
        /// What is wrong.
        report: Report,
    },
    /// "Negative advice" of RFC 9293 §3.8.3 to the IP layer (MUST-20): a segment was sent R1 times,
    /// so that the way to the other end may be gone.
    NegativeAdvice {
        /// Whose segment.
        socket: SocketId,
    },
}

/// What is wrong with a connection that lives on. News of urgent text, which the RFC has among its
/// reports, is a [`Readiness`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Report {
    /// A soft ICMP error (SHLD-25): what the connection will end with if it ends.
    Icmp(SocketError),
    /// The same segment was sent again so often, R1 times, without an answer (SHLD-9).
    Retransmissions(u32),
}

impl SendReason {
    /// Whether it is sent because something like it was sent before and may be lost.
    pub const fn is_repetition(self) -> bool {
        matches!(
            self,
            Self::Retransmission
                | Self::FastRetransmission
                | Self::PathMtu
                | Self::SynText
                | Self::LossProbe
                | Self::SynAgain
        )
    }
}

/// An arrow of the state diagram, taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StateChange {
    /// Whose state. A connection that a listener makes begins with LISTEN → SYN-RECEIVED
    /// under its own number; the listener stays in LISTEN.
    pub socket: SocketId,
    /// The state left.
    pub from: TcpState,
    /// The state entered.
    pub to: TcpState,
    /// What moved it.
    pub cause: Cause,
}

/// What moved a connection from one state to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// OPEN, passive.
    Listen,
    /// OPEN, active.
    Connect,
    /// CLOSE: `shutdown` of the sending side, or `close`.
    Close,
    /// ABORT, or a close that must reset.
    Abort,
    /// A SYN arrived.
    Syn,
    /// An ACK brought a SYN cookie back (RFC 4987 §3.6).
    SynCookie,
    /// A SYN,ACK arrived.
    SynAck,
    /// An acknowledgment of our SYN arrived.
    AckOfSyn,
    /// An acknowledgment of our FIN arrived.
    AckOfFin,
    /// A FIN arrived.
    Fin,
    /// A FIN that also acknowledges ours arrived.
    FinAndAckOfFin,
    /// A RST arrived.
    Rst,
    /// An ICMP error arrived.
    Icmp,
    /// A timer ran out.
    Timeout(TimerKind),
    /// A new SYN took over a connection in TIME-WAIT (RFC 9293 §3.10.7.4, RFC 6191).
    Reuse,
    /// There was no room for another connection in TIME-WAIT (`tcp_max_tw_buckets`).
    TimeWaitFull,
    /// There were too many connections that no application held (`tcp_max_orphans`).
    TooManyOrphans,
}

/// The timers of a connection (RFC 9293 §3.10.8, RFC 1122).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TimerKind {
    /// The tail of a flight is probed, RFC 8985 §7. Before the retransmission timer, which it puts
    /// off when both are due.
    LossProbe,
    /// What may only be late is waited for, RFC 8985 §6.2.
    Reordering,
    /// RFC 6298.
    Retransmission,
    /// Zero-window probes, RFC 9293 §3.8.6.1.
    Persist,
    /// RFC 9293 §3.8.4.
    KeepAlive,
    /// RFC 9293 §3.8.6.3.
    DelayedAck,
    /// 2MSL, RFC 9293 §3.10.8.
    TimeWait,
    /// FIN-WAIT-2 of an orphan; not in the RFC.
    FinWait2,
    /// RFC 9293 §3.8.3 and RFC 5482.
    UserTimeout,
    /// `SO_LINGER` with a time.
    Linger,
    /// A proxy hears nothing of its peer ([`ProxyTimeouts`](crate::profile::ProxyTimeouts)); not in
    /// the RFC.
    Idle,
}

impl TimerKind {
    /// The number of kinds.
    pub const COUNT: usize = 11;

    /// All kinds. When several timers are due at once, they fire in this order.
    pub const ALL: [Self; Self::COUNT] = [
        Self::LossProbe,
        Self::Reordering,
        Self::Retransmission,
        Self::Persist,
        Self::KeepAlive,
        Self::DelayedAck,
        Self::TimeWait,
        Self::FinWait2,
        Self::UserTimeout,
        Self::Linger,
        Self::Idle,
    ];

    /// As `ss` and this project's scenarios spell it: `time-wait`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::LossProbe => "loss-probe",
            Self::Reordering => "reordering",
            Self::Retransmission => "retransmission",
            Self::Persist => "persist",
            Self::KeepAlive => "keepalive",
            Self::DelayedAck => "delayed-ack",
            Self::TimeWait => "time-wait",
            Self::FinWait2 => "fin-wait-2",
            Self::UserTimeout => "user-timeout",
            Self::Linger => "linger",
            Self::Idle => "idle",
        }
    }
}

/// What became of a timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TimerChange {
    /// It was not running and now is.
    Set(Instant),
    /// It was running and now has another deadline.
    Restarted(Instant),
    /// It was stopped.
    Stopped,
    /// It ran out.
    Fired,
}

/// What an application can do that it could not do before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Readiness {
    /// The connection is established.
    Connected,
    /// A connection waits in the accept queue of this listener.
    Acceptable,
    /// There is text to read.
    Readable,
    /// There is room to write.
    Writable,
    /// The peer will send no more.
    EndOfFile,
    /// The peer's urgent pointer moved on (RFC 9293 §3.8.5).
    Urgent,
    /// The connection is gone, and this is why.
    Failed(SocketError),
    /// `SO_LINGER`: everything was acknowledged, or the time is up.
    LingerOver,
    /// The connection reached CLOSED after both sides closed.
    Closed,
}

/// What a stack made of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Arrival {
    /// The socket it was for.
    pub socket: Option<SocketId>,
    /// What was made of it.
    pub verdict: Verdict,
    /// Octets of text that were taken, in order or out of it.
    pub text: u32,
    /// Whether its SYN was taken as the beginning of the peer's sequence space.
    pub syn: SynTaken,
}

/// Whether a segment's SYN began the peer's sequence space.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SynTaken {
    /// It did: IRS is its sequence number.
    Yes,
    /// Its SYN was answered with a cookie and forgotten; this segment brings the cookie back: IRS
    /// is the number before its own.
    FromCookie,
    /// There was none, or it was not taken.
    No,
}
