//! What a world consists of, as plain data.
//!
//! The builder, the scenario language and the searches all write this; the world reads it.

use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use twomsl_tcp::wire::Flags;
use twomsl_tcp::{Instant, Profile, Shutdown, SocketOption, TcpState};

/// A whole world.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct WorldSpec {
    /// The title of its traces.
    pub title: String,
    /// The seed of all its random streams and secrets.
    pub seed: u64,
    /// The hosts. A host is named by its place here.
    pub hosts: Vec<HostSpec>,
    /// The links.
    pub links: Vec<LinkSpec>,
    /// Boxes in the middle of a link.
    pub middleboxes: Vec<MiddleboxSpec>,
    /// The applications.
    pub roles: Vec<RoleSpec>,
    /// The fault rules, in order: the first that matches decides.
    pub faults: Vec<FaultRule>,
    /// Segments out of nothing.
    pub forgeries: Vec<Forgery>,
    /// What befalls hosts and held packets.
    pub incidents: Vec<Incident>,
    /// Moments at which all socket tables are written into the trace.
    pub tables: Vec<Instant>,
    /// The run ends here at the latest, even if something is still going on.
    pub until: Option<Duration>,
}

/// A host, by its place in [`WorldSpec::hosts`].
pub type HostIndex = usize;

/// A host.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HostSpec {
    /// Its name.
    pub name: String,
    /// Its parameters.
    pub profile: Profile,
    /// Its addresses; when empty it gets 10.0.0.n, n being its place from 1.
    pub addresses: Vec<IpAddr>,
    /// After a reboot, how long it sends nothing (the quiet time of RFC 9293 §3.4.3).
    pub quiet_time: Duration,
}

/// A link between two hosts; its directions may differ.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LinkSpec {
    /// One end.
    pub a: HostIndex,
    /// The other end.
    pub b: HostIndex,
    /// From `a` to `b`.
    pub forward: Impairments,
    /// From `b` to `a`.
    pub backward: Impairments,
}

/// A probability in parts per 10^9: integers only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Probability(u32);

impl Probability {
    /// Never.
    pub const NEVER: Self = Self(0);
    /// Always.
    pub const ALWAYS: Self = Self(1_000_000_000);

    /// So many parts in 10^9; `None` for more than all of them.
    pub const fn from_parts_per_billion(parts: u32) -> Option<Self> {
        if parts > Self::ALWAYS.0 { None } else { Some(Self(parts)) }
    }

    /// Parts in 10^9.
    pub const fn parts_per_billion(self) -> u32 {
        self.0
    }
}

/// What a link does to what it carries, in netem's vocabulary.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Impairments {
    /// How long a packet travels.
    pub delay: Duration,
    /// How far the delay varies either way.
    pub jitter: Duration,
    /// How it varies.
    pub distribution: Distribution,
    /// Which packets are lost.
    pub loss: Loss,
    /// How often a packet comes twice.
    pub duplicate: Probability,
    /// How often a packet overtakes the others: it is sent without the delay.
    pub reorder: Probability,
    /// How often a bit flips.
    pub corrupt: Probability,
    /// Bits per second.
    pub rate: Option<u64>,
    /// How many packets wait for the rate at most; netem's default is 1000.
    pub limit: u32,
    /// The largest IP packet in octets; a larger one is dropped.
    pub mtu: u32,
    /// How long a packet lives at most: the MSL of this network. What fault rules or queues
    /// keep longer dies.
    pub lifetime: Option<Duration>,
}

impl Default for Impairments {
    fn default() -> Self {
        Self {
            delay: Duration::ZERO,
            jitter: Duration::ZERO,
            distribution: Distribution::Uniform,
            loss: Loss::None,
            duplicate: Probability::NEVER,
            reorder: Probability::NEVER,
            corrupt: Probability::NEVER,
            rate: None,
            limit: 1000,
            mtu: 1500,
            lifetime: None,
        }
    }
}

/// How jitter is distributed around the delay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Distribution {
    /// Evenly over delay ± jitter.
    #[default]
    Uniform,
    /// Normally, jitter being the standard deviation.
    Normal,
    /// Pareto, as netem's table: a long tail above.
    Pareto,
}

/// Which packets are lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Loss {
    /// None.
    #[default]
    None,
    /// Each with the same probability, independently.
    Bernoulli(Probability),
    /// In bursts: netem's `gemodel p r 1-h 1-k`.
    GilbertElliott {
        /// From the good state to the bad.
        p: Probability,
        /// From the bad state to the good.
        r: Probability,
        /// Loss in the bad state (netem's 1-h).
        bad_loss: Probability,
        /// Loss in the good state (netem's 1-k).
        good_loss: Probability,
    },
}

/// A box in the middle of the link between two hosts that keeps a table of flows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MiddleboxSpec {
    /// Its name.
    pub name: String,
    /// The hosts on its inner side and outer side: there must be a link between them.
    pub inside: HostIndex,
    /// The other side.
    pub outside: HostIndex,
    /// What it does with addresses.
    pub kind: MiddleboxKind,
    /// A flow without a packet for so long is forgotten.
    pub idle_timeout: Duration,
    /// What happens to packets of a flow it does not know, other than a SYN.
    pub unknown_flow: UnknownFlow,
}

/// What a middlebox does with addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MiddleboxKind {
    /// Nothing: it only watches (a stateful firewall, a load balancer in pass-through).
    Transparent,
    /// Replaces the inside host's address and port by its own.
    Nat {
        /// Its outside address.
        address: IpAddr,
    },
}

/// What a middlebox does with packets of a flow it does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnknownFlow {
    /// Drops them without a word.
    Drop,
    /// Answers with a reset.
    Reset,
}

/// What an application on a host does, step by step.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RoleSpec {
    /// On which host.
    pub host: HostIndex,
    /// When it starts.
    pub start: Duration,
    /// Its steps. When one fails, the role ends there and keeps its sockets.
    pub steps: Vec<Step>,
}

/// The name of a socket within a role, in the place of a variable. A step without a name works on
/// the socket of the last `accept` or `connect`, or, in `accept`, on the last `listen`.
pub type SocketName = Option<String>;

/// One step of a role.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// `listen 80`
    Listen {
        /// The port.
        port: u16,
        /// Connections that may wait to be accepted.
        backlog: Option<u32>,
        /// Options set before.
        options: Vec<SocketOption>,
        /// The name to give it.
        name: SocketName,
    },
    /// `accept`: waits for a connection.
    Accept {
        /// Which listener.
        listener: SocketName,
        /// The name to give the connection.
        name: SocketName,
        /// Gives up with an error after so long.
        timeout: Option<Duration>,
    },
    /// `connect "server:80"`: waits until it is established or fails.
    Connect {
        /// To which host.
        host: HostIndex,
        /// To which port.
        port: u16,
        /// From which port; ephemeral if none.
        from_port: Option<u16>,
        /// Options set before.
        options: Vec<SocketOption>,
        /// The name to give it.
        name: SocketName,
        /// Whether to wait.
        wait: Wait,
    },
    /// `write "hello"`: waits until all of it is in the send buffer.
    Write {
        /// On which socket.
        on: SocketName,
        /// What.
        data: Data,
        /// With the urgent flag on the last octet.
        urgent: Urgent,
    },
    /// `read 5`: waits until so much was read, or the end of the file, or the timeout.
    /// Inside `repeat`, the end of the file or a timeout leaves the loop.
    Read {
        /// On which socket.
        on: SocketName,
        /// How much: exactly so many octets, or whatever there is.
        amount: Option<u64>,
        /// Stops waiting after so long.
        timeout: Option<Duration>,
    },
    /// `read-to-end`: waits for the end of the file.
    ReadToEnd {
        /// On which socket.
        on: SocketName,
    },
    /// `echo`: writes back whatever is read, until the end of the file.
    Echo {
        /// On which socket.
        on: SocketName,
    },
    /// `shutdown "write"`.
    Shutdown {
        /// On which socket.
        on: SocketName,
        /// Which direction.
        how: Shutdown,
    },
    /// `close`: with `SO_LINGER` and a time, waits.
    Close {
        /// Which socket.
        on: SocketName,
    },
    /// `abort`: a reset.
    Abort {
        /// Which socket.
        on: SocketName,
    },
    /// `set no-delay=#true`.
    SetOption {
        /// On which socket.
        on: SocketName,
        /// The option.
        option: SocketOption,
    },
    /// `sleep "1s"`.
    Sleep(Duration),
    /// `wait …`: until something is so, here or elsewhere.
    Wait(Condition),
    /// `repeat 100 { … }`: `None` means for ever. The end of a file or a timeout in a `read`
    /// leaves the loop.
    Repeat {
        /// How often.
        count: Option<u64>,
        /// What.
        steps: Vec<Step>,
    },
    /// `serve { … }`: accepts for ever, and runs the steps for each connection in a task of its own.
    Serve {
        /// Which listener.
        listener: SocketName,
        /// The steps of each task, whose current socket is the connection.
        steps: Vec<Step>,
    },
    /// `spawn 10 { … }`: so many tasks beside this one.
    Spawn {
        /// How many.
        count: u32,
        /// What each does.
        steps: Vec<Step>,
    },
}

/// Whether a `connect` waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Wait {
    /// Until established or failed.
    UntilDone,
    /// Not at all.
    No,
}

/// Whether a `write` is urgent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Urgent {
    /// Yes.
    Yes,
    /// No.
    No,
}

/// What is written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Data {
    /// These octets.
    Octets(Bytes),
    /// So many octets of a fixed pattern that does not repeat within 64 KiB, going on where the
    /// last write on this socket stopped.
    Pattern(u64),
}

/// Something that becomes so.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Condition {
    /// A connection of a host is in this state, or has been, `nth` times (from 1).
    State {
        /// Of which host.
        host: HostIndex,
        /// Which state.
        state: TcpState,
        /// The how manieth entry into it.
        nth: u32,
    },
    /// So many packets that match have been sent.
    Sent {
        /// Which packets.
        matcher: Matcher,
        /// How many.
        nth: u32,
    },
    /// A host's applications have read so many octets in all.
    ReadBytes {
        /// Which host.
        host: HostIndex,
        /// How many octets.
        octets: u64,
    },
}

/// When something happens.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Trigger {
    /// At this time.
    At(Instant),
    /// So long after a condition comes true for the first time.
    When {
        /// The condition.
        condition: Condition,
        /// How long after.
        after: Duration,
    },
}

/// A fault rule: which packets, and what becomes of them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FaultRule {
    /// In the words of who wrote it: `drop FIN from client, 1st`.
    pub text: String,
    /// Which packets.
    pub matcher: Matcher,
    /// Which of those that match, counted from 1. `None` means all.
    pub nth: Option<Nth>,
    /// What becomes of them.
    pub verdict: FaultVerdict,
}

/// A range of ordinals, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Nth {
    /// The first.
    pub first: u32,
    /// The last; `u32::MAX` for no end.
    pub last: u32,
}

/// Which packets a rule is about: all that is given must hold.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct Matcher {
    /// Sent by this host.
    pub from: Option<HostIndex>,
    /// Sent to this host.
    pub to: Option<HostIndex>,
    /// Every one of these flags is set.
    pub flags: Flags,
    /// None of these is.
    pub without: Flags,
    /// What it acknowledges.
    pub acks: Option<Acks>,
    /// Whether it carries text.
    pub payload: Option<PayloadMatch>,
    /// Source port.
    pub src_port: Option<u16>,
    /// Destination port.
    pub dst_port: Option<u16>,
    /// Whether the same octets were sent before.
    pub repeated: Option<Repeated>,
    /// Sent at this time or later.
    pub after: Option<Instant>,
    /// Sent before this time.
    pub before: Option<Instant>,
    /// The connection of this packet is in this state at that host.
    pub state: Option<(HostIndex, TcpState)>,
}

/// What a segment acknowledges of the peer's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Acks {
    /// The SYN, and nothing more.
    Syn,
    /// The FIN.
    Fin,
    /// At least this many octets of text.
    Text(u32),
}

/// Whether a segment carries text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PayloadMatch {
    /// It carries none.
    Empty,
    /// It carries some.
    Some,
    /// It carries the octet at this place of the stream, from 0.
    Octet(u64),
}

/// Whether a segment is a repetition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Repeated {
    /// It was sent before.
    Yes,
    /// It is new.
    No,
}

/// What becomes of a packet.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum FaultVerdict {
    /// It goes on, and no later rule sees it.
    Pass,
    /// It is dropped.
    Drop,
    /// It arrives so much later.
    Delay(Duration),
    /// It arrives at this time.
    DelayUntil(Instant),
    /// It goes on, and so many copies follow, each so long after the one before.
    Duplicate {
        /// How many copies.
        copies: u32,
        /// How long after.
        delay: Duration,
    },
    /// A bit is flipped.
    Corrupt,
    /// It is changed.
    Rewrite(Rewrite),
    /// It waits until the release of this name.
    Hold(String),
}

/// Changes to a segment. What is `None` stays.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct Rewrite {
    /// Flags to set.
    pub set: Flags,
    /// Flags to clear.
    pub clear: Flags,
    /// Added to SEG.SEQ.
    pub seq: Option<i64>,
    /// Added to SEG.ACK.
    pub ack: Option<i64>,
    /// SEG.WND.
    pub window: Option<u16>,
    /// All options removed.
    pub strip_options: StripOptions,
}

/// Whether a rewrite removes the options.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum StripOptions {
    /// Yes.
    Yes,
    /// No.
    #[default]
    No,
}

/// A segment out of nothing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Forgery {
    /// When.
    pub trigger: Trigger,
    /// The host it pretends to come from.
    pub from: HostIndex,
    /// The host it goes to. It arrives after the link's delay, untouched by faults and impairments.
    pub to: HostIndex,
    /// Its source port.
    pub src_port: PortSpec,
    /// Its destination port.
    pub dst_port: PortSpec,
    /// SEG.SEQ.
    pub seq: SeqSpec,
    /// SEG.ACK; without it the ACK flag decides: zero.
    pub ack: Option<SeqSpec>,
    /// The flags.
    pub flags: Flags,
    /// SEG.WND.
    pub window: u16,
    /// The text.
    pub payload: Bytes,
}

/// A port of a forged segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PortSpec {
    /// This one.
    Number(u16),
    /// That of the newest connection between the two hosts.
    Live,
}

/// A sequence number of a forged segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SeqSpec {
    /// This number.
    Absolute(u32),
    /// A variable of the newest connection between the two hosts, and an offset.
    Relative {
        /// At which end it is looked up.
        host: HostIndex,
        /// Which variable.
        variable: SeqVariable,
        /// Added to it.
        offset: i64,
    },
}

/// A sequence variable (RFC 9293 §3.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SeqVariable {
    /// ISS.
    Iss,
    /// SND.UNA.
    SndUna,
    /// SND.NXT.
    SndNxt,
    /// IRS.
    Irs,
    /// RCV.NXT.
    RcvNxt,
    /// RCV.NXT + RCV.WND: the first number beyond the window.
    RcvEnd,
}

/// Something that befalls a host, or a release.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Incident {
    /// When.
    pub trigger: Trigger,
    /// What.
    pub action: IncidentAction,
}

/// What befalls.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum IncidentAction {
    /// The host loses power.
    Crash(HostIndex),
    /// It starts again; its roles start from the beginning.
    Reboot(HostIndex),
    /// It stands still.
    Pause(HostIndex),
    /// It goes on.
    Resume(HostIndex),
    /// Its link goes down.
    LinkDown(HostIndex),
    /// Its link comes back.
    LinkUp(HostIndex),
    /// What a rule holds under this name goes on its way.
    Release(String),
}
