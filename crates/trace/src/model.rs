//! The event model.

use std::net::IpAddr;

use twomsl_tcp::wire::Packet;
use twomsl_tcp::{
    Instant, SendReason, SocketError, SocketId, StateChange, Status, TimerChange, TimerKind,
    Verdict,
};

/// The version of the event schema, as it stands in the first JSON line.
pub const SCHEMA_VERSION: u32 = 1;

/// Everything that happened in one run, in order.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Trace {
    /// What was run.
    pub about: About,
    /// What happened.
    pub records: Vec<Record>,
}

/// What was run: the heading of every rendering.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct About {
    /// The scenario's title.
    pub title: String,
    /// The seed of the random streams.
    pub seed: u64,
    /// The hosts; a [`HostId`] is an index into them.
    pub hosts: Vec<HostInfo>,
    /// The paths between hosts.
    pub paths: Vec<PathInfo>,
    /// When the run was cut off because its time was up, though more would have happened.
    pub cut_at: Option<Instant>,
}

/// A host, by its place in [`About::hosts`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostId(pub u16);

/// A host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostInfo {
    /// Its name.
    pub name: String,
    /// The name of its profile.
    pub profile: String,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
}

/// The link between two hosts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathInfo {
    /// One end.
    pub a: HostId,
    /// The other.
    pub b: HostId,
    /// From `a` to `b`, in netem's words: `delay 10ms jitter 2ms loss 1%`.
    pub forward: String,
    /// From `b` to `a`.
    pub backward: String,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// When.
    pub at: Instant,
    /// What.
    pub event: Event,
}

/// A packet on the network. Copies that the network makes have numbers of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PacketId(pub u64);

/// A socket of a host. A crash forgets all sockets, so its life counts too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SocketRef {
    /// The host.
    pub host: HostId,
    /// How often the host had crashed when this socket was made.
    pub boot: u32,
    /// The socket within its stack.
    pub id: SocketId,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// An application called its TCP.
    Call {
        /// On which host.
        host: HostId,
        /// Which of the host's tasks: 0 is the first role.
        task: u32,
        /// On which socket, if it has one already.
        socket: Option<SocketRef>,
        /// The call as a ladder shows it: `connect(server:80)`, `write(5)`.
        call: String,
    },
    /// A call that had to wait, or that failed, or that yields something worth telling, returned.
    Returned {
        /// On which host.
        host: HostId,
        /// Which task.
        task: u32,
        /// On which socket.
        socket: Option<SocketRef>,
        /// The call's name: `read`.
        call: &'static str,
        /// Octets read or written where there are any; 0 for a `read` means the end of the file.
        result: Result<Option<u64>, SocketError>,
    },
    /// A host sent a packet.
    Sent {
        /// The packet's number.
        packet: PacketId,
        /// The host.
        host: HostId,
        /// The socket it comes from.
        socket: Option<SocketRef>,
        /// Why it is sent.
        reason: SendReason,
        /// The packet itself.
        content: Packet,
    },
    /// A packet came into being without a host sending it.
    Injected {
        /// The packet's number.
        packet: PacketId,
        /// Who made it.
        by: Author,
        /// The host it pretends to come from, if there is one of its address.
        from: Option<HostId>,
        /// The packet itself.
        content: Packet,
    },
    /// What the network did with a packet, decided when it was sent.
    Fate {
        /// Which packet.
        packet: PacketId,
        /// What became of it.
        fate: Fate,
        /// Who decided.
        by: Decider,
    },
    /// A packet reached a host, whose TCP made something of it.
    Arrived {
        /// Which packet.
        packet: PacketId,
        /// The host.
        host: HostId,
        /// The socket it was for.
        socket: Option<SocketRef>,
        /// What was made of it.
        verdict: Verdict,
    },
    /// A socket changed its state.
    State {
        /// The socket.
        socket: SocketRef,
        /// The change. `change.socket` is `socket.id`.
        change: StateChange,
    },
    /// A timer was set, stopped, or fired.
    Timer {
        /// Whose timer.
        socket: SocketRef,
        /// Which one.
        timer: TimerKind,
        /// What became of it.
        change: TimerChange,
    },
    /// Something befell a host or its link.
    Incident {
        /// The host.
        host: HostId,
        /// What.
        action: Action,
    },
    /// The sockets of a host at this moment.
    Table {
        /// The host.
        host: HostId,
        /// Its sockets in the order of their slots.
        sockets: Vec<Status>,
    },
    /// What whoever wrote the scenario says about this moment.
    Remark {
        /// In sentences.
        text: String,
    },
    /// An invariant of the world was broken.
    Violation {
        /// Its number in the documentation of the world: 1 to 6.
        invariant: u8,
        /// Where it was broken.
        socket: Option<SocketRef>,
        /// What is wrong.
        text: String,
    },
}

/// Who made a packet that no host sent.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Author {
    /// Somebody who pretends to be a host: the scenario forges it.
    Forger,
    /// A middlebox, by its name, such as one that resets flows it does not know.
    Middlebox(String),
    /// The network itself: an ICMP error of a router, or of the host's own IP layer.
    Network,
}

/// What befell a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// It lost power: its stack and its applications are gone.
    Crashed,
    /// It is back, with an empty stack; its roles start from the beginning.
    Rebooted,
    /// It stands still: packets wait, timers do not run.
    Paused,
    /// It goes on.
    Resumed,
    /// Nothing reaches it or leaves it.
    LinkDown,
    /// Its link is back.
    LinkUp,
}

/// What the network did with a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It will arrive.
    Delivered {
        /// When.
        at: Instant,
    },
    /// It is gone.
    Dropped,
    /// It waits for a release.
    Held,
    /// A copy was made, which has a fate of its own.
    Duplicated {
        /// The copy's number.
        copy: PacketId,
    },
    /// It was changed on the way; this is what it became.
    Rewritten {
        /// The new content.
        content: Packet,
    },
    /// A bit was flipped. It will arrive, and the checksum will catch it.
    Corrupted,
    /// It was put later than its place in the order. A `Delivered` follows.
    Delayed,
}

/// Who decided about a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decider {
    /// The link itself, without any impairment.
    Link,
    /// A fault rule: its number from 1, and its description `drop FIN from client, 1st`.
    Rule {
        /// Its place among the rules, from 1.
        number: u32,
        /// In words.
        text: String,
    },
    /// An impairment, by netem's name: `loss`, `duplicate`, `reorder`, `corrupt`, `limit`, `mtu`,
    /// `jitter`, `lifetime`.
    Impairment(&'static str),
    /// A middlebox: its name, and why: `lb: idle flow forgotten`.
    Middlebox(String),
    /// The host or its link is down.
    Down,
    /// There is no path to the destination.
    NoRoute,
    /// Whoever carries packets between hosts that a simulator outside drives.
    Carrier,
}
