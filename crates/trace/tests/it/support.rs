//! Traces made by hand: a story is told event by event, as a world would write it down.

use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use twomsl_tcp::wire::{Flags, Options, Packet, Segment, SeqNum, TcpOption};
use twomsl_tcp::{
    Cause, Instant, SendReason, SocketError, SocketId, StateChange, TcpState, TimerChange,
    TimerKind, Verdict,
};
use twomsl_trace::{
    About, Action, Decider, Event, Fate, HostId, HostInfo, PacketId, PathInfo, Record, SocketRef,
    Trace,
};

pub const CLIENT: HostId = HostId(0);
pub const SERVER: HostId = HostId(1);

/// Near the wrap, so that relative numbers have to go around the circle.
pub const CLIENT_ISN: u32 = u32::MAX - 3;
pub const SERVER_ISN: u32 = 1_000_000;

/// How long a plain packet travels.
pub const TRAVEL: u64 = 10;

/// A trace in the making.
pub struct Story {
    pub trace: Trace,
    now: Instant,
    packets: u64,
}

/// A segment in the numbers of people: counted from the ISN of either side.
#[derive(Clone, Copy)]
pub struct Seg {
    pub from: HostId,
    pub port: u16,
    pub flags: Flags,
    pub seq: u32,
    pub ack: u32,
    pub window: u16,
    pub text: &'static [u8],
    pub isns: (u32, u32),
}

/// A segment without text between port 49152 of the client and port 80 of the server.
pub fn seg(from: HostId, flags: Flags, seq: u32, ack: u32) -> Seg {
    let isns = (CLIENT_ISN, SERVER_ISN);
    Seg { from, port: 49152, flags, seq, ack, window: 64240, text: b"", isns }
}

impl Seg {
    pub fn text(self, text: &'static [u8]) -> Self {
        Self { text, ..self }
    }

    pub fn packet(self) -> Packet {
        let (client, server) = (address(CLIENT), address(SERVER));
        let (src, dst) = if self.from == CLIENT { (client, server) } else { (server, client) };
        let (own, other) = if self.from == CLIENT { self.isns } else { (self.isns.1, self.isns.0) };
        let ports = if self.from == CLIENT { (self.port, 80) } else { (80, self.port) };
        let mut options = Options::NONE;
        if self.flags.contains(Flags::SYN) {
            options.push(TcpOption::MaximumSegmentSize(1460)).unwrap();
        }
        let acks = self.flags.contains(Flags::ACK);
        let ack = if acks { other.wrapping_add(self.ack) } else { 0 };
        let segment = Segment {
            src_port: ports.0,
            dst_port: ports.1,
            seq: SeqNum::new(own.wrapping_add(self.seq)),
            ack: SeqNum::new(ack),
            flags: self.flags,
            window: self.window,
            urgent: 0,
            options,
            payload: Bytes::from_static(self.text),
        };
        Packet::tcp(src, dst, segment)
    }
}

pub fn address(host: HostId) -> IpAddr {
    IpAddr::from([10, 0, 0, host.0 as u8 + 1])
}

pub fn socket(host: HostId, number: u64) -> SocketRef {
    SocketRef { host, boot: 0, id: SocketId::from_number(number) }
}

pub fn millis(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

impl Story {
    /// A client and a server, 10 ms apart.
    pub fn new(title: &str) -> Self {
        Self::with_hosts(title, &["client", "server"])
    }

    pub fn with_hosts(title: &str, names: &[&str]) -> Self {
        let host = |(index, name): (usize, &&str)| HostInfo {
            name: (*name).to_owned(),
            profile: "linux".to_owned(),
            addresses: vec![address(HostId(index as u16))],
        };
        let path = |b| PathInfo {
            a: CLIENT,
            b: HostId(b as u16),
            forward: "delay 10ms".to_owned(),
            backward: "delay 10ms".to_owned(),
        };
        let about = About {
            title: title.to_owned(),
            seed: 0,
            hosts: names.iter().enumerate().map(host).collect(),
            paths: (1..names.len()).map(path).collect(),
            cut_at: None,
        };
        Self { trace: Trace { about, records: Vec::new() }, now: Instant::ZERO, packets: 0 }
    }

    /// Goes on to this time, in milliseconds.
    pub fn at(&mut self, time: u64) -> &mut Self {
        self.now = millis(time);
        self
    }

    pub fn record(&mut self, event: Event) -> &mut Self {
        let last = self.trace.records.last().map_or(Instant::ZERO, |record| record.at);
        assert!(last <= self.now, "a story is told forwards");
        self.trace.records.push(Record { at: self.now, event });
        self
    }

    pub fn call(&mut self, host: HostId, call: &str) -> &mut Self {
        self.record(Event::Call { host, task: 0, socket: None, call: call.to_owned() })
    }

    pub fn returned(
        &mut self,
        host: HostId,
        call: &'static str,
        result: Result<Option<u64>, SocketError>,
    ) -> &mut Self {
        self.record(Event::Returned { host, task: 0, socket: None, call, result })
    }

    pub fn state(
        &mut self,
        socket: SocketRef,
        from: TcpState,
        to: TcpState,
        cause: Cause,
    ) -> &mut Self {
        let change = StateChange { socket: socket.id, from, to, cause };
        self.record(Event::State { socket, change })
    }

    pub fn timer(&mut self, socket: SocketRef, timer: TimerKind, change: TimerChange) -> &mut Self {
        self.record(Event::Timer { socket, timer, change })
    }

    pub fn incident(&mut self, host: HostId, action: Action) -> &mut Self {
        self.record(Event::Incident { host, action })
    }

    /// A segment sets out; its fate is still open.
    pub fn sent(&mut self, socket: Option<SocketRef>, seg: Seg, reason: SendReason) -> PacketId {
        let packet = self.next_packet();
        let content = seg.packet();
        self.record(Event::Sent { packet, host: seg.from, socket, reason, content });
        packet
    }

    /// A segment that will arrive the plain way.
    pub fn send(&mut self, socket: SocketRef, seg: Seg, reason: SendReason) -> PacketId {
        let packet = self.sent(Some(socket), seg, reason);
        let at = self.now + Duration::from_millis(TRAVEL);
        self.fate(packet, Fate::Delivered { at }, Decider::Link);
        packet
    }

    pub fn fate(&mut self, packet: PacketId, fate: Fate, by: Decider) -> &mut Self {
        self.record(Event::Fate { packet, fate, by })
    }

    pub fn arrive(&mut self, packet: PacketId, host: HostId, verdict: Verdict) -> &mut Self {
        self.record(Event::Arrived { packet, host, socket: None, verdict })
    }

    pub fn next_packet(&mut self) -> PacketId {
        self.packets += 1;
        PacketId(self.packets)
    }
}

pub fn rule(number: u32, text: &str) -> Decider {
    Decider::Rule { number, text: text.to_owned() }
}
