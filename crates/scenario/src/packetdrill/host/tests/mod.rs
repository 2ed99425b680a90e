//! Tables through a [`Host`]: calls, packets in, packets out.

mod closing;
mod errors;
mod fast_open;
mod moving;
mod options;
mod reading;
mod recording;
mod reports;
mod writing;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use twomsl_tcp::wire::{Flags, Options, Packet, Segment, SeqNum, TcpOption};
use twomsl_tcp::{Instant, Profile};

use super::super::symbols::{
    AF_INET, F_SETFL, IPPROTO_TCP, O_NONBLOCK, O_RDWR, SO_ERROR, SOCK_STREAM, SOL_SOCKET,
};
use super::super::system::{
    CallId, Errno, PollEntry, Progress, Reply, ReplyOutput, Request, System,
};
use super::{Host, HostSettings};

const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 168, 0, 1));
const REMOTE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
const PORT: u16 = 8080;

/// A machine and its peer, which is this test.
struct Bench {
    host: Host,
    /// The machine's port.
    port: u16,
    /// Its initial sequence number.
    iss: u32,
}

/// Where the peer's numbers begin.
const IRS: u32 = 5000;

impl Bench {
    fn new(profile: Profile) -> Self {
        let host = Host::new(HostSettings { profile, local: vec![LOCAL], secret: [7; 16] });
        Self { host, port: PORT, iss: 0 }
    }

    fn linux() -> Self {
        Self::new(Profile::linux())
    }

    fn freebsd() -> Self {
        Self::new(Profile::freebsd())
    }

    fn call(&mut self, request: Request) -> Reply {
        match self.host.call(request) {
            Progress::Done(reply) => reply,
            Progress::Waits(call) => panic!("{call:?} waits"),
        }
    }

    /// A call that returns at once.
    fn result(&mut self, request: Request) -> Result<i64, Errno> {
        self.call(request).result
    }

    /// A call that waits.
    fn waits(&mut self, request: Request) -> CallId {
        match self.host.call(request) {
            Progress::Waits(call) => call,
            Progress::Done(reply) => panic!("it does not wait: {reply:?}"),
        }
    }

    /// What a call returned that waited.
    fn returned(&mut self, call: CallId) -> Option<Result<i64, Errno>> {
        let finished = self.host.finished()?;
        assert_eq!(finished.call, call);
        assert_eq!(finished.at, self.host.now());
        Some(finished.reply.result)
    }

    fn pass(&mut self, time: Duration) {
        let end = self.host.now() + time;
        while self.host.advance(end) < end {}
    }

    fn at(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    fn socket(&mut self) -> i32 {
        let (domain, kind) = (AF_INET as i32, SOCK_STREAM as i32);
        let protocol = IPPROTO_TCP as i32;
        self.result(Request::Socket { domain, kind, protocol }).expect("there is one") as i32
    }

    fn nonblocking(&mut self, fd: i32) {
        let argument = Some(O_RDWR | O_NONBLOCK);
        let reply = self.result(Request::Fcntl { fd, command: F_SETFL as i32, argument });
        assert_eq!(reply, Ok(0));
    }

    fn bound(&mut self) -> i32 {
        let fd = self.socket();
        let address = SocketAddr::new(LOCAL, PORT);
        assert_eq!(self.result(Request::Bind { fd, address }), Ok(0));
        fd
    }

    fn listener(&mut self) -> i32 {
        let fd = self.bound();
        assert_eq!(self.result(Request::Listen { fd, backlog: 1 }), Ok(0));
        fd
    }

    /// A connection that came to a listener: the descriptors of both.
    fn accepted(&mut self) -> (i32, i32) {
        let listener = self.listener();
        self.peer_connects();
        let fd = self.result(Request::Accept { fd: listener, flags: 0 });
        (listener, fd.expect("somebody waits") as i32)
    }

    /// The peer's half of a handshake.
    fn peer_connects(&mut self) {
        self.gets(Flags::SYN, 0, 0, 0);
        let answer = self.answer();
        assert_eq!(answer.flags, Flags::SYN | Flags::ACK);
        self.iss = answer.seq.value();
        self.gets(Flags::ACK, 1, 1, 0);
    }

    /// A SYN goes out from a socket that is to be connected.
    fn connecting(&mut self) -> i32 {
        let fd = self.socket();
        self.nonblocking(fd);
        assert_eq!(self.connects(fd), Err(Errno::EINPROGRESS));
        self.takes_syn();
        fd
    }

    fn connects(&mut self, fd: i32) -> Result<i64, Errno> {
        self.result(Request::Connect { fd, address: SocketAddr::new(REMOTE, PORT) })
    }

    fn takes_syn(&mut self) {
        let syn = self.answer();
        assert_eq!(syn.flags, Flags::SYN);
        (self.port, self.iss) = (syn.src_port, syn.seq.value());
    }

    /// A segment of the peer arrives; its numbers count from both initial ones.
    fn gets(&mut self, flags: Flags, seq: u32, ack: u32, octets: usize) {
        let segment = self.segment(flags, seq, ack, octets);
        self.host.inject(Packet::tcp(REMOTE, LOCAL, segment));
    }

    fn segment(&self, flags: Flags, seq: u32, ack: u32, octets: usize) -> Segment {
        let mut options = Options::default();
        if flags.contains(Flags::SYN) {
            options.push(TcpOption::MaximumSegmentSize(1000)).expect("there is room");
        }
        let ack = if flags.contains(Flags::ACK) { self.iss.wrapping_add(ack) } else { 0 };
        Segment {
            src_port: PORT,
            dst_port: self.port,
            seq: SeqNum::new(IRS.wrapping_add(seq)),
            ack: SeqNum::new(ack),
            flags,
            window: 10_000,
            urgent: 0,
            options,
            payload: Bytes::from(vec![0; octets]),
        }
    }

    /// The next segment that went out.
    fn answer(&mut self) -> Segment {
        let (_, packet) = self.host.sent().expect("something was sent");
        packet.segment().expect("it is of TCP").clone()
    }

    /// Nothing is left that was sent.
    fn is_silent(&mut self) -> bool {
        self.host.sent().is_none()
    }

    fn reads(&mut self, fd: i32, length: usize) -> Result<i64, Errno> {
        self.result(Request::Read { fd, length })
    }

    fn writes(&mut self, fd: i32, length: usize) -> Result<i64, Errno> {
        self.result(Request::Write { fd, length })
    }

    fn closes(&mut self, fd: i32) {
        assert_eq!(self.result(Request::Close { fd }), Ok(0));
    }

    fn polls(&mut self, fd: i32, events: i64) -> i64 {
        let entries = vec![PollEntry { fd, events: events as i16 }];
        match self.call(Request::Poll { entries, timeout: 0 }).output {
            ReplyOutput::Polled(revents) => i64::from(revents[0].cast_unsigned()),
            output => panic!("{output:?}"),
        }
    }

    fn sets(&mut self, fd: i32, (level, name): (i64, i64), value: &[u8]) -> Result<i64, Errno> {
        let (level, name, value) = (level as i32, name as i32, value.to_vec());
        self.result(Request::SetSocketOption { fd, level, name, value })
    }

    fn octets_of(&mut self, fd: i32, (level, name): (i64, i64)) -> Result<Vec<u8>, Errno> {
        let (level, name, length) = (level as i32, name as i32, 512);
        let reply = self.call(Request::GetSocketOption { fd, level, name, length });
        reply.result.map(|_| match reply.output {
            ReplyOutput::Octets(octets) => octets,
            output => panic!("{output:?}"),
        })
    }

    fn asks(&mut self, fd: i32, option: (i64, i64)) -> Result<i32, Errno> {
        let octets = self.octets_of(fd, option)?;
        Ok(i32::from_le_bytes(octets.try_into().expect("an int")))
    }

    /// `SO_ERROR`, which is taken by asking.
    fn error(&mut self, fd: i32) -> i32 {
        self.asks(fd, (SOL_SOCKET, SO_ERROR)).expect("every socket has it")
    }
}
