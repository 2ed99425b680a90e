//! What happened, as a trace: the machine on the left, the script on the right, and no way between
//! them that would take time.

use std::net::IpAddr;

use twomsl_tcp::wire::Packet;
use twomsl_tcp::{
    Arrival, Instant, SendReason, SocketError, SocketId, StateChange, Transmit, Verdict,
};
use twomsl_trace::{
    About, Decider, Event, Fate, HostId, HostInfo, PacketId, PathInfo, Record, SocketRef, Trace,
};

use super::super::system::{Errno, Request};
use super::errors::errno;

/// The machine, and the script that plays its peer.
const MACHINE: HostId = HostId(0);
const SCRIPT: HostId = HostId(1);

#[derive(Debug)]
pub(super) struct Recorder {
    trace: Trace,
    packets: u64,
}

impl Recorder {
    pub(super) fn new(profile: &str, local: &[IpAddr], remote: &[IpAddr]) -> Self {
        let host = |name: &str, profile: &str, addresses: &[IpAddr]| HostInfo {
            name: name.to_owned(),
            profile: profile.to_owned(),
            addresses: addresses.to_vec(),
        };
        let nothing = String::new;
        let path = PathInfo { a: MACHINE, b: SCRIPT, forward: nothing(), backward: nothing() };
        let about = About {
            title: String::new(),
            seed: 0,
            hosts: vec![host("stack", profile, local), host("script", "played", remote)],
            paths: vec![path],
            cut_at: None,
        };
        Self { trace: Trace { about, records: Vec::new() }, packets: 0 }
    }

    pub(super) fn into_trace(self) -> Trace {
        self.trace
    }

    fn record(&mut self, at: Instant, event: Event) {
        self.trace.records.push(Record { at, event });
    }

    pub(super) fn called(&mut self, at: Instant, socket: Option<SocketId>, request: &Request) {
        let (host, task) = (MACHINE, 0);
        let event =
            Event::Call { host, task, socket: socket.map(socket_ref), call: describe(request) };
        self.record(at, event);
    }

    /// A call returned that had to wait, or that failed. Errors that the trace has no name for are
    /// left out.
    pub(super) fn returned(
        &mut self,
        at: Instant,
        socket: Option<SocketId>,
        call: &'static str,
        result: Result<i64, Errno>,
    ) {
        let moves = matches!(call, "read" | "write");
        let result = match result {
            Ok(value) => Ok(u64::try_from(value).ok().filter(|_| moves)),
            Err(error) => match socket_error(error) {
                Some(error) => Err(error),
                None => return,
            },
        };
        let socket = socket.map(socket_ref);
        self.record(at, Event::Returned { host: MACHINE, task: 0, socket, call, result });
    }

    pub(super) fn changed(&mut self, at: Instant, change: StateChange) {
        self.record(at, Event::State { socket: socket_ref(change.socket), change });
    }

    /// What the machine sends is with the script at once.
    pub(super) fn sent(&mut self, at: Instant, transmit: &Transmit) {
        let Transmit { packet, socket, reason } = transmit;
        let id = self.departs(at, MACHINE, *socket, *reason, packet);
        let verdict = Verdict::Accepted;
        self.record(at, Event::Arrived { packet: id, host: SCRIPT, socket: None, verdict });
    }

    /// What the script sends; [`arrived`](Self::arrived) follows.
    pub(super) fn injected(&mut self, at: Instant, packet: &Packet) -> PacketId {
        self.departs(at, SCRIPT, None, SendReason::New, packet)
    }

    pub(super) fn arrived(&mut self, at: Instant, packet: PacketId, arrival: Arrival) {
        let socket = arrival.socket.map(socket_ref);
        self.record(at, Event::Arrived { packet, host: MACHINE, socket, verdict: arrival.verdict });
    }

    fn departs(
        &mut self,
        at: Instant,
        host: HostId,
        socket: Option<SocketId>,
        reason: SendReason,
        content: &Packet,
    ) -> PacketId {
        let packet = PacketId(self.packets);
        self.packets += 1;
        let (socket, content) = (socket.map(socket_ref), content.clone());
        self.record(at, Event::Sent { packet, host, socket, reason, content });
        let (fate, by) = (Fate::Delivered { at }, Decider::Link);
        self.record(at, Event::Fate { packet, fate, by });
        packet
    }
}

const fn socket_ref(id: SocketId) -> SocketRef {
    SocketRef { host: MACHINE, boot: 0, id }
}

/// The name of a call in a trace.
pub(super) const fn name(request: &Request) -> &'static str {
    match request {
        Request::Socket { .. } => "socket",
        Request::Bind { .. } => "bind",
        Request::Listen { .. } => "listen",
        Request::Accept { .. } => "accept",
        Request::Connect { .. } => "connect",
        Request::Read { .. }
        | Request::ReadVector { .. }
        | Request::Receive { .. }
        | Request::ReceiveFrom { .. }
        | Request::ReceiveMessage { .. } => "read",
        Request::Write { .. }
        | Request::WriteVector { .. }
        | Request::Send { .. }
        | Request::SendTo { .. }
        | Request::SendMessage { .. } => "write",
        Request::Fcntl { .. } => "fcntl",
        Request::Ioctl { .. } => "ioctl",
        Request::Close { .. } => "close",
        Request::Shutdown { .. } => "shutdown",
        Request::SetSocketOption { .. } => "setsockopt",
        Request::GetSocketOption { .. } => "getsockopt",
        Request::SocketName { .. } => "getsockname",
        Request::PeerName { .. } => "getpeername",
        Request::Poll { .. } => "poll",
        Request::EpollCreate { .. } => "epoll_create",
        Request::EpollControl { .. } => "epoll_ctl",
        Request::EpollWait { .. } => "epoll_wait",
        Request::Pipe { .. } => "pipe",
        Request::Splice { .. } => "splice",
        Request::Open { .. } => "open",
        Request::SendFile { .. } => "sendfile",
    }
}

fn describe(request: &Request) -> String {
    let name = name(request);
    match request {
        Request::Bind { address, .. } | Request::Connect { address, .. } => {
            format!("{name}({address})")
        }
        Request::Listen { backlog, .. } => format!("{name}({backlog})"),
        Request::Read { length, .. }
        | Request::Receive { length, .. }
        | Request::ReceiveFrom { length, .. }
        | Request::Write { length, .. }
        | Request::Send { length, .. }
        | Request::SendTo { length, .. }
        | Request::Splice { length, .. }
        | Request::SendFile { length, .. } => format!("{name}({length})"),
        Request::ReadVector { lengths, .. }
        | Request::ReceiveMessage { lengths, .. }
        | Request::WriteVector { lengths, .. }
        | Request::SendMessage { lengths, .. } => {
            format!("{name}({})", lengths.iter().sum::<usize>())
        }
        Request::Shutdown { how, .. } => {
            let how = match how {
                0 => "read",
                1 => "write",
                _ => "both",
            };
            format!("{name}({how})")
        }
        _ => format!("{name}()"),
    }
}

/// The socket of a call, if it is about one.
pub(super) const fn descriptor(request: &Request) -> Option<i32> {
    match request {
        Request::Bind { fd, .. }
        | Request::Listen { fd, .. }
        | Request::Accept { fd, .. }
        | Request::Connect { fd, .. }
        | Request::Read { fd, .. }
        | Request::ReadVector { fd, .. }
        | Request::Receive { fd, .. }
        | Request::ReceiveFrom { fd, .. }
        | Request::ReceiveMessage { fd, .. }
        | Request::Write { fd, .. }
        | Request::WriteVector { fd, .. }
        | Request::Send { fd, .. }
        | Request::SendTo { fd, .. }
        | Request::SendMessage { fd, .. }
        | Request::Close { fd }
        | Request::Shutdown { fd, .. } => Some(*fd),
        _ => None,
    }
}

fn socket_error(error: Errno) -> Option<SocketError> {
    const ALL: [SocketError; 18] = [
        SocketError::WouldBlock,
        SocketError::ConnectionRefused,
        SocketError::ConnectionReset,
        SocketError::ConnectionAborted,
        SocketError::TimedOut,
        SocketError::BrokenPipe,
        SocketError::HostUnreachable,
        SocketError::NetworkUnreachable,
        SocketError::AccessDenied,
        SocketError::NoProtocolOption,
        SocketError::ProtocolError,
        SocketError::NotSupported,
        SocketError::MessageTooLong,
        SocketError::AddressInUse,
        SocketError::AddressNotAvailable,
        SocketError::NotConnected,
        SocketError::AlreadyConnected,
        SocketError::InvalidArgument,
    ];
    ALL.into_iter().find(|known| errno(*known) == error)
}
