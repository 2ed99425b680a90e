//! Which connection a packet of the script is about, and how its numbers are those of the stack.
//!
//! As in the tool, one socket is under test at a time: the one that `socket` made last, or the child
//! that the last packet to a listener made. What the stack sends for others is not looked at.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use twomsl_tcp::wire::{Flags, Packet, Segment, SeqNum};

use crate::packetdrill::script::{BodySpec, Direction, PacketSpec, TcpSpec};
use crate::packetdrill::setup::Setup;

/// The first port of the peer of listeners; each further connection has the next.
const FIRST_PORT: u16 = 40_001;

/// What the script has done with a socket so far: `enum socket_state_t` of the tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    New,
    Listening,
    /// `connect` was called.
    Connecting,
    /// The script has seen the SYN of `connect`.
    SynSent,
    /// A SYN has answered it.
    SynAnswered,
    /// Something has arrived for a listener, or for nobody.
    PacketReceived,
    /// The script has seen the SYN,ACK.
    SynAckSent,
}

/// The initial sequence number of one side, as the script has it and as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Isn {
    pub(super) script: u32,
    pub(super) live: u32,
}

impl Isn {
    /// What to add to a number of the script. Those of segments with a SYN are absolute, all others
    /// are relative to the initial one.
    pub(super) fn offset(self, flags: Flags) -> u32 {
        if flags.contains(Flags::SYN) { self.live.wrapping_sub(self.script) } else { self.live }
    }
}

/// A socket of the script.
#[derive(Clone, Debug)]
pub(super) struct Socket {
    pub(super) state: State,
    /// The file descriptor that the script has for it.
    pub(super) fd: Option<i32>,
    /// The addresses as they stand in packets, once they are known.
    pub(super) local: SocketAddr,
    pub(super) remote: SocketAddr,
    /// The port that `bind` gave it.
    bound: Option<u16>,
    /// Ports as the script writes them, the remote one first.
    ports: Option<(u16, u16)>,
    pub(super) local_isn: Isn,
    pub(super) remote_isn: Isn,
    /// The next SYN that the stack sends tells its port and its initial sequence number.
    learns: bool,
    /// The SYN of the peer is not known yet, or may still be another one.
    peer_is_open: bool,
    /// The last SYN of the peer.
    last_syn: Option<u32>,
    closed: bool,
    /// Timestamps that the stack sent, by those that the script has for them.
    timestamps: BTreeMap<u32, u32>,
    /// The first of them, as the script has it and as it was.
    pub(super) first_timestamp: Option<(u32, u32)>,
}

impl Socket {
    fn new(setup: &Setup, state: State) -> Self {
        Self {
            state,
            fd: None,
            local: SocketAddr::new(setup.local, 0),
            remote: SocketAddr::new(setup.remote, 0),
            bound: None,
            ports: None,
            local_isn: Isn::default(),
            remote_isn: Isn::default(),
            learns: false,
            peer_is_open: false,
            last_syn: None,
            closed: false,
            timestamps: BTreeMap::new(),
            first_timestamp: None,
        }
    }

    /// Remembers the live timestamp behind one of the script.
    pub(super) fn learn_timestamp(&mut self, script: u32, live: u32) {
        self.timestamps.insert(script, live);
        self.first_timestamp.get_or_insert((script, live));
    }

    /// The timestamp that the stack sent where the script says `echo`; what it never sent stays.
    pub(super) fn live_echo(&self, echo: u32) -> u32 {
        self.timestamps.get(&echo).copied().unwrap_or(echo)
    }

    /// Whether the stack sent this segment for this socket.
    fn sent(&self, packet: &Packet, segment: &Segment) -> bool {
        (packet.src, segment.src_port) == (self.local.ip(), self.local.port())
            && (packet.dst, segment.dst_port) == (self.remote.ip(), self.remote.port())
    }

    /// Takes port and initial sequence number from the first SYN of `connect`
    /// (`find_connect_for_live_packet`).
    fn learn_connect(&mut self, packet: &Packet, segment: &Segment) -> bool {
        let is_syn = segment.flags & (Flags::SYN | Flags::ACK) == Flags::SYN;
        let there = (packet.dst, segment.dst_port) == (self.remote.ip(), self.remote.port());
        let learns = self.learns && is_syn && there;
        if learns {
            self.learns = false;
            self.local = SocketAddr::new(packet.src, segment.src_port);
            self.local_isn.live = segment.seq.value();
        }
        learns
    }

    /// A segment of the script is about to arrive.
    pub(super) fn injects(&mut self, tcp: &TcpSpec) {
        let start = tcp.sequence.start.unwrap_or(0);
        if !tcp.flags.flags.contains(Flags::SYN) {
            return;
        }
        let opens = match self.state {
            State::SynSent | State::SynAnswered => {
                self.state = State::SynAnswered;
                self.peer_is_open
            }
            // Something else came to the listener first.
            State::PacketReceived => self.peer_is_open,
            _ => false,
        };
        self.last_syn = Some(start);
        if opens {
            self.remote_isn = Isn { script: start, live: start };
        }
    }

    /// A segment that the script expects is here; numbers of the first SYN,ACK are learned before
    /// anything is compared.
    pub(super) fn meets(&mut self, tcp: &TcpSpec, live: &Segment) {
        let both = Flags::SYN | Flags::ACK;
        if tcp.flags.flags.contains(both) {
            self.meets_syn_ack(tcp.sequence.start.unwrap_or(0), live);
        }
        let opened = !live.flags.intersects(Flags::SYN | Flags::RST);
        if opened && self.state == State::SynAnswered {
            self.peer_is_open = false;
        }
    }

    fn meets_syn_ack(&mut self, start: u32, live: &Segment) {
        let is_syn_ack = live.has(Flags::SYN | Flags::ACK);
        let isn = Isn { script: start, live: live.seq.value() };
        match self.state {
            State::PacketReceived => {
                self.local_isn.script = start;
                if is_syn_ack {
                    self.local_isn = isn;
                    self.state = State::SynAckSent;
                    self.peer_is_open = false;
                }
            }
            // Another incarnation, by a SYN in TIME-WAIT, say: it has numbers of its own.
            State::SynAckSent | State::SynAnswered => {
                let answers = |syn: &u32| live.ack.value() == syn.wrapping_add(1);
                let again = isn.live == self.local_isn.live;
                if let Some(syn) = self.last_syn.filter(answers).filter(|_| is_syn_ack && !again) {
                    self.local_isn = isn;
                    self.remote_isn = Isn { script: syn, live: syn };
                }
            }
            _ => {}
        }
    }
}

/// The sockets of a script.
#[derive(Clone, Debug)]
pub(super) struct Sockets {
    setup: Setup,
    all: Vec<Socket>,
    under_test: Option<usize>,
    next_port: u16,
}

impl Sockets {
    pub(super) const fn new(setup: Setup) -> Self {
        Self { setup, all: Vec::new(), under_test: None, next_port: FIRST_PORT }
    }

    pub(super) fn under_test(&self) -> Option<&Socket> {
        self.under_test.and_then(|at| self.all.get(at))
    }

    pub(super) fn under_test_mut(&mut self) -> Option<&mut Socket> {
        self.under_test.and_then(|at| self.all.get_mut(at))
    }

    /// Any later packets of the script are about this one.
    fn test(&mut self, socket: Socket) -> usize {
        self.all.push(socket);
        self.under_test = Some(self.all.len() - 1);
        self.all.len() - 1
    }

    fn by_fd(&mut self, fd: i32) -> Option<&mut Socket> {
        self.all.iter_mut().rev().find(|socket| socket.fd == Some(fd))
    }

    // ---- system calls ----

    /// `socket` returned.
    pub(super) fn created(&mut self, fd: i32) {
        let mut socket = Socket::new(&self.setup, State::New);
        socket.fd = Some(fd);
        self.test(socket);
    }

    /// `bind` succeeded. The machine chooses among ports where it is given none.
    pub(super) fn bound(&mut self, fd: i32, port: u16) {
        if let Some(socket) = self.by_fd(fd) {
            socket.bound = Some(port).filter(|port| *port != 0);
        }
    }

    /// `listen` succeeded.
    pub(super) fn listens(&mut self, fd: i32) {
        if let Some(socket) = self.by_fd(fd) {
            socket.state = State::Listening;
        }
    }

    /// `connect`, or what does as much, is called.
    pub(super) fn connects(&mut self, fd: i32, to: SocketAddr) {
        let remote = SocketAddr::new(to.ip().to_canonical(), to.port());
        let of_fd = |socket: &Socket| socket.fd == Some(fd);
        self.under_test = self.all.iter().rposition(of_fd).or(self.under_test);
        if let Some(socket) = self.by_fd(fd) {
            socket.state = State::Connecting;
            socket.remote = remote;
        }
    }

    /// `accept` returned a connection with this peer, where the system tells.
    pub(super) fn accepted(&mut self, fd: i32, peer: Option<SocketAddr>) {
        let peer = peer.map(|peer| SocketAddr::new(peer.ip().to_canonical(), peer.port()));
        let child = |socket: &&mut Socket| {
            let passive = matches!(socket.state, State::PacketReceived | State::SynAckSent);
            passive
                && socket.fd.is_none()
                && !socket.closed
                && peer.is_none_or(|peer| peer == socket.remote)
        };
        if let Some(socket) = self.all.iter_mut().find(child) {
            socket.fd = Some(fd);
        }
    }

    /// `close` returned: the number may be used again.
    pub(super) fn closed(&mut self, fd: i32) {
        if let Some(socket) = self.by_fd(fd) {
            (socket.fd, socket.closed) = (None, true);
        }
    }

    // ---- packets of the script ----

    /// The socket that a packet of the script is about (`find_or_create_socket_for_script_packet`).
    pub(super) fn find(&mut self, packet: &PacketSpec) -> &mut Socket {
        let tcp = match &packet.body {
            BodySpec::Tcp(tcp) => Some(tcp),
            _ => None,
        };
        if let Some(at) = tcp.and_then(|tcp| self.by_ports(tcp, packet.direction)) {
            self.under_test = Some(at);
        }
        let at = match (packet.direction, tcp, self.under_test) {
            (Direction::Inbound, Some(tcp), Some(at)) if self.is_passive(at) => {
                let port = self.all[at].bound;
                self.child(tcp, port.unwrap_or(self.setup.bind_port))
            }
            (Direction::Outbound, Some(tcp), Some(at)) => {
                self.meets_connect(at, tcp);
                at
            }
            (_, _, Some(at)) => at,
            (_, tcp, None) => self.nobody(tcp),
        };
        &mut self.all[at]
    }

    /// Where a script writes ports, they say which of its connections it means.
    fn by_ports(&self, tcp: &TcpSpec, direction: Direction) -> Option<usize> {
        let (src, dst) = tcp.ports?;
        let ports = match direction {
            Direction::Inbound => (src, dst),
            Direction::Outbound => (dst, src),
        };
        let same = |socket: &Socket| socket.ports == Some(ports);
        let listens = |socket: &Socket| socket.state == State::Listening;
        let all = || self.all.iter();
        all().rposition(same).or_else(|| match direction {
            Direction::Inbound => all().rposition(listens),
            Direction::Outbound => None,
        })
    }

    /// Whether a packet makes a child of this socket (`handle_listen_for_script_packet`), or has
    /// nobody to go to, as before `listen`.
    fn is_passive(&self, at: usize) -> bool {
        matches!(self.all[at].state, State::Listening | State::New)
    }

    /// A connection that begins with a packet of the peer.
    fn child(&mut self, tcp: &TcpSpec, port: u16) -> usize {
        let mut socket = Socket::new(&self.setup, State::PacketReceived);
        let (remote, local) = tcp.ports.unwrap_or((self.next_port, port));
        if tcp.ports.is_none() {
            self.next_port = self.next_port.checked_add(1).unwrap_or(FIRST_PORT);
        }
        socket.ports = tcp.ports;
        socket.remote.set_port(remote);
        socket.local.set_port(local);
        let start = tcp.sequence.start.unwrap_or(0);
        // Without a SYN nobody has said where its numbers begin.
        socket.peer_is_open = !tcp.flags.flags.contains(Flags::SYN);
        if !socket.peer_is_open {
            socket.remote_isn = Isn { script: start, live: start };
        }
        self.test(socket)
    }

    /// Packets before there is any socket: they come to a closed port.
    fn nobody(&mut self, tcp: Option<&TcpSpec>) -> usize {
        if let Some(tcp) = tcp {
            return self.child(tcp, self.setup.bind_port);
        }
        let mut socket = Socket::new(&self.setup, State::PacketReceived);
        socket.remote.set_port(self.next_port);
        socket.local.set_port(self.setup.bind_port);
        self.test(socket)
    }

    /// A SYN is what `connect` is expected to send (`handle_connect_for_script_packet`).
    fn meets_connect(&mut self, at: usize, tcp: &TcpSpec) {
        let socket = &mut self.all[at];
        let is_syn = tcp.flags.flags & (Flags::SYN | Flags::ACK) == Flags::SYN;
        if is_syn && socket.state == State::Connecting {
            socket.state = State::SynSent;
            socket.local_isn.script = tcp.sequence.start.unwrap_or(0);
            socket.ports = tcp.ports.map(|(src, dst)| (dst, src));
            (socket.learns, socket.peer_is_open) = (true, true);
        }
    }

    /// Whether this is a packet of the socket under test. All others are passed over.
    pub(super) fn is_ours(&mut self, packet: &Packet) -> bool {
        let Some(socket) = self.under_test_mut() else { return false };
        match packet.segment() {
            Some(segment) => socket.learn_connect(packet, segment) || socket.sent(packet, segment),
            None => packet.dst == socket.remote.ip(),
        }
    }
}

/// A number of the script as the stack has it.
pub(super) fn live(number: u32, offset: u32) -> SeqNum {
    SeqNum::new(number.wrapping_add(offset))
}
