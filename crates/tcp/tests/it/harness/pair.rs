//! Two stacks over a wire that does what the test says.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use twomsl_tcp::wire::{Packet, Segment};
use twomsl_tcp::{
    Detail, Event, Instant, Output, Profile, Readiness, Shutdown, SocketError, SocketId,
    SocketOption, Stack, TcpInfo, TcpState, TimerKind,
};

use super::lab::brief;

/// One of the two ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Side {
    Client,
    Server,
}
pub(crate) use Side::{Client, Server};

impl Side {
    pub(crate) const fn other(self) -> Self {
        match self {
            Client => Server,
            Server => Client,
        }
    }
}

/// What the wire does with a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Delivered,
    Dropped,
    /// It takes this much longer.
    Delayed(Duration),
    /// A copy follows after this time.
    Duplicated(Duration),
}

/// "The next `left` packets of this side that match": first come, first served.
struct Rule {
    from: Side,
    matches: Box<dyn Fn(&Segment) -> bool>,
    left: u32,
    fate: Fate,
}

/// A packet that was sent.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) at: Instant,
    pub(crate) from: Side,
    pub(crate) segment: Segment,
}

/// One host.
pub(crate) struct Host {
    pub(crate) stack: Stack,
    pub(crate) address: IpAddr,
    pub(crate) socket: Option<SocketId>,
    /// The states its socket passed through.
    pub(crate) path: Vec<TcpState>,
    /// What its application was told.
    pub(crate) told: Vec<(Instant, Readiness)>,
}

/// A client, a server, and the wire between them.
pub(crate) struct Pair {
    hosts: [Host; 2],
    pub(crate) now: Instant,
    pub(crate) listener: Option<SocketId>,
    /// One way.
    pub(crate) delay: Duration,
    rules: Vec<Rule>,
    wire: BTreeMap<(Instant, u64), (Side, Packet)>,
    count: u64,
    pub(crate) log: Vec<Sent>,
}

/// The server's port.
pub(crate) const SERVICE: u16 = 80;

impl Pair {
    /// Two stacks that have not met, 10 ms apart.
    pub(crate) fn new(client: Profile, server: Profile) -> Self {
        Self::between(client, server, ["10.0.0.1", "10.0.0.2"])
    }

    /// The same with these addresses.
    pub(crate) fn between(client: Profile, server: Profile, addresses: [&str; 2]) -> Self {
        let host = |profile, address: &str, secret: u8| {
            let address = address.parse().expect("an address");
            let mut stack = Stack::new(profile, [secret; 16]);
            stack.add_address(address);
            Host { stack, address, socket: None, path: Vec::new(), told: Vec::new() }
        };
        Self {
            hosts: [host(client, addresses[0], 1), host(server, addresses[1], 2)],
            now: Instant::ZERO,
            listener: None,
            delay: Duration::from_millis(10),
            rules: Vec::new(),
            wire: BTreeMap::new(),
            count: 0,
            log: Vec::new(),
        }
    }

    /// Two stacks of one profile.
    pub(crate) fn alike(profile: &Profile) -> Self {
        Self::new(profile.clone(), profile.clone())
    }

    /// A pair with an established, accepted connection, and a clean log.
    pub(crate) fn connected(profile: &Profile) -> Self {
        let mut pair = Self::alike(profile);
        pair.establish();
        pair
    }

    /// Listens, connects, accepts.
    pub(crate) fn establish(&mut self) {
        self.listen();
        self.connect();
        self.run(Duration::from_millis(100));
        self.accept();
        self.log.clear();
    }

    pub(crate) fn host(&mut self, side: Side) -> &mut Host {
        &mut self.hosts[side as usize]
    }

    fn peek(&self, side: Side) -> &Host {
        &self.hosts[side as usize]
    }

    /// The server's socket address.
    pub(crate) fn service(&self) -> SocketAddr {
        SocketAddr::new(self.peek(Server).address, SERVICE)
    }

    pub(crate) fn listen(&mut self) {
        let (now, service) = (self.now, self.service());
        let listener = self.host(Server).stack.listen(now, service, 8, None);
        self.listener = Some(listener.expect("nobody listens yet"));
        self.collect();
    }

    pub(crate) fn connect(&mut self) {
        let (now, service) = (self.now, self.service());
        let socket = self.host(Client).stack.connect(now, None, service, None);
        self.host(Client).socket = Some(socket.expect("there are ports"));
        self.collect();
    }

    /// Accepts the next connection, if there is one.
    pub(crate) fn try_accept(&mut self) -> Result<(), SocketError> {
        let (now, listener) = (self.now, self.listener.expect("the server listens"));
        let socket = self.host(Server).stack.accept(now, listener)?;
        self.host(Server).socket = Some(socket);
        self.host(Server).path.push(TcpState::Established);
        Ok(())
    }

    #[track_caller]
    pub(crate) fn accept(&mut self) {
        self.try_accept().expect("a connection waits");
    }

    #[track_caller]
    pub(crate) fn socket(&self, side: Side) -> SocketId {
        self.peek(side).socket.expect("this side has a socket")
    }

    pub(crate) fn send(&mut self, side: Side, text: &[u8]) -> Result<usize, SocketError> {
        let (now, socket) = (self.now, self.socket(side));
        let taken = self.host(side).stack.send(now, socket, text);
        self.collect();
        taken
    }

    /// Reads until there is nothing more: the text, and whether the file ended.
    pub(crate) fn receive(&mut self, side: Side) -> Result<(Vec<u8>, End), SocketError> {
        let (now, socket) = (self.now, self.socket(side));
        let mut all = Vec::new();
        let end = loop {
            let mut buffer = [0; 4096];
            match self.host(side).stack.receive(now, socket, &mut buffer) {
                Ok(0) => break Ok(End::OfFile),
                Ok(octets) => all.extend_from_slice(&buffer[..octets]),
                Err(SocketError::WouldBlock) => break Ok(End::ForNow),
                Err(error) => break Err(error),
            }
        };
        self.collect();
        end.map(|end| (all, end))
    }

    /// The text that can be read now.
    #[track_caller]
    pub(crate) fn text(&mut self, side: Side) -> Vec<u8> {
        self.receive(side).expect("the connection has no error").0
    }

    #[track_caller]
    pub(crate) fn shutdown(&mut self, side: Side) {
        let (now, socket) = (self.now, self.socket(side));
        let done = self.host(side).stack.shutdown(now, socket, Shutdown::Write);
        assert_eq!(done, Ok(()), "the connection can be shut down");
        self.collect();
    }

    #[track_caller]
    pub(crate) fn close(&mut self, side: Side) {
        let (now, socket) = (self.now, self.socket(side));
        assert_eq!(self.host(side).stack.close(now, socket), Ok(()), "the socket is held");
        self.collect();
    }

    /// Its state; CLOSED when it is gone.
    pub(crate) fn state(&self, side: Side) -> TcpState {
        let host = self.peek(side);
        let status = host.socket.and_then(|socket| host.stack.status(socket).ok());
        status.map_or(TcpState::Closed, |status| status.state)
    }

    /// The states of both.
    pub(crate) fn states(&self) -> (TcpState, TcpState) {
        (self.state(Client), self.state(Server))
    }

    /// Does this to the next packet of a side that matches.
    pub(crate) fn fault(
        &mut self,
        from: Side,
        fate: Fate,
        matches: impl Fn(&Segment) -> bool + 'static,
    ) {
        self.faults(from, 1, fate, matches);
    }

    /// Does this to the next `left` packets of a side that match.
    pub(crate) fn faults(
        &mut self,
        from: Side,
        left: u32,
        fate: Fate,
        matches: impl Fn(&Segment) -> bool + 'static,
    ) {
        self.rules.push(Rule { from, matches: Box::new(matches), left, fate });
    }

    /// Nothing a side sends arrives any more.
    pub(crate) fn cut(&mut self, from: Side) {
        self.faults(from, u32::MAX, Fate::Dropped, |_| true);
    }

    /// The wire is whole again.
    pub(crate) fn mend(&mut self) {
        self.rules.clear();
    }

    /// Takes the effects of both stacks: packets to the wire, events to the records.
    pub(crate) fn collect(&mut self) {
        for side in [Client, Server] {
            while let Some(output) = self.host(side).stack.poll() {
                match output {
                    Output::Transmit(transmit) => self.transmit(side, transmit.packet),
                    Output::Event(event) => self.record(side, event),
                }
            }
        }
    }

    fn record(&mut self, side: Side, event: Event) {
        let now = self.now;
        let host = self.host(side);
        match event {
            Event::State(change) if Some(change.socket) == host.socket || side == Client => {
                if host.path.is_empty() {
                    host.path.push(change.from);
                }
                host.path.push(change.to);
            }
            Event::Ready { readiness, .. } => host.told.push((now, readiness)),
            _ => {}
        }
    }

    fn transmit(&mut self, from: Side, packet: Packet) {
        let Some(segment) = packet.segment().cloned() else { return };
        let rule = self
            .rules
            .iter_mut()
            .find(|rule| rule.left > 0 && rule.from == from && (rule.matches)(&segment));
        let fate = rule.map_or(Fate::Delivered, |rule| {
            rule.left -= 1;
            rule.fate
        });
        self.log.push(Sent { at: self.now, from, segment });
        let (arrival, to) = (self.now + self.delay, from.other());
        match fate {
            Fate::Dropped => {}
            Fate::Delivered => self.put(arrival, to, packet),
            Fate::Delayed(time) => self.put(arrival + time, to, packet),
            Fate::Duplicated(time) => {
                self.put(arrival, to, packet.clone());
                self.put(arrival + time, to, packet);
            }
        }
    }

    fn put(&mut self, at: Instant, to: Side, packet: Packet) {
        self.count += 1;
        self.wire.insert((at, self.count), (to, packet));
    }

    /// The next thing that happens, if it is not later than `end`: a packet before a timer.
    fn step(&mut self, end: Instant) -> Option<()> {
        let packet = self.wire.keys().next().map(|(at, _)| *at);
        let timer = [Client, Server]
            .into_iter()
            .filter_map(|side| self.peek(side).stack.next_deadline().map(|(at, _)| (at, side)))
            .min();
        let next = packet.into_iter().chain(timer.map(|(at, _)| at)).min()?;
        if next > end {
            return None;
        }
        self.now = self.now.max(next);
        let now = self.now;
        if packet == Some(next) {
            let (_, (to, packet)) = self.wire.pop_first()?;
            self.host(to).stack.on_packet(now, packet);
        } else if let Some((_, side)) = timer {
            self.host(side).stack.on_timeout(now);
        }
        self.collect();
        Some(())
    }

    /// Lets time pass.
    pub(crate) fn run(&mut self, time: Duration) {
        let end = self.now + time;
        while self.step(end).is_some() {}
        self.now = end;
    }

    /// Lets things happen until nothing is left to happen.
    pub(crate) fn run_out(&mut self) {
        for _ in 0..100_000 {
            if self.step(Instant::MAX).is_none() {
                return;
            }
        }
        panic!("this never ends: {:?}", self.log.iter().rev().take(5).collect::<Vec<_>>());
    }

    /// What went over the wire: `> SYN`, `< SYN,ACK`.
    pub(crate) fn ladder(&self) -> Vec<String> {
        let arrow = |side| if side == Client { '>' } else { '<' };
        self.log
            .iter()
            .map(|sent| format!("{} {}", arrow(sent.from), brief(&sent.segment)))
            .collect()
    }

    /// When a side sent what matches.
    pub(crate) fn times(&self, from: Side, matches: impl Fn(&Segment) -> bool) -> Vec<Instant> {
        self.log
            .iter()
            .filter(|sent| sent.from == from && matches(&sent.segment))
            .map(|sent| sent.at)
            .collect()
    }

    /// What the application of a side was told, without the times.
    pub(crate) fn told(&self, side: Side) -> Vec<Readiness> {
        self.peek(side).told.iter().map(|(_, readiness)| *readiness).collect()
    }

    /// The states a side passed through, in short.
    pub(crate) fn path(&self, side: Side) -> String {
        let names: Vec<_> = self.peek(side).path.iter().map(|state| state.name()).collect();
        names.join(" ")
    }
}

/// Why reading stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// There may be more later.
    ForNow,
    OfFile,
}

impl Pair {
    /// Both hosts with the same port.
    pub(crate) fn addresses_with_port(&self, port: u16) -> (SocketAddr, SocketAddr) {
        let address = |side| SocketAddr::new(self.peek(side).address, port);
        (address(Client), address(Server))
    }
}

/// What tests ask about one end.
impl Pair {
    /// When a timer of a side will fire.
    pub(crate) fn timer(&self, side: Side, kind: TimerKind) -> Option<Instant> {
        let host = self.peek(side);
        let status = host.socket.and_then(|socket| host.stack.status(socket).ok())?;
        status.timers.iter().find(|(timer, _)| *timer == kind).map(|(_, at)| *at)
    }

    /// The sequence variables of a side.
    #[track_caller]
    pub(crate) fn detail(&self, side: Side) -> Detail {
        let status = self.peek(side).stack.status(self.socket(side)).expect("it exists");
        status.detail.expect("a connection has sequence variables")
    }

    /// `TCP_INFO` of a side.
    #[track_caller]
    pub(crate) fn info(&self, side: Side) -> TcpInfo {
        self.peek(side).stack.info(self.now, self.socket(side)).expect("it exists")
    }

    #[track_caller]
    pub(crate) fn option(&mut self, side: Side, option: SocketOption) {
        let (now, socket) = (self.now, self.socket(side));
        let set = self.host(side).stack.set_option(now, socket, option);
        assert_eq!(set, Ok(()), "{option:?} can be set");
        self.collect();
    }
}
