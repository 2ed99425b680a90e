//! ICMP errors (RFC 9293 §3.9.2.2, RFC 5461, RFC 5927).

use core::net::IpAddr;

use twomsl_wire::{Icmp, IcmpKind, SeqNum};

use super::Stack;
use super::slots::Slot;
use crate::connection::{Connection, Origin};
use crate::event::{Arrival, SocketId, SynTaken};
use crate::profile::Unreachable;
use crate::tuple::Tuple;
use crate::{Instant, SocketError, TcpState, Verdict};

/// A SYN or SYN,ACK that was sent more often than this, and errors still come: FreeBSD gives up
/// (`t_rxtshift > 3` in `tcp_notify`, and the same in `syncache_unreach`).
const PATIENCE: u32 = 3;

/// What an error means for a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weight {
    /// It ends the attempt.
    Hard,
    /// It is told if the connection times out.
    Soft,
    /// Nothing.
    None,
}

impl Stack {
    /// An ICMP error about a segment we sent. MUST-54: it is directed to the connection that
    /// sent it. A listener has sent nothing, and what TIME-WAIT sends is not worth an error.
    pub(super) fn on_icmp(&mut self, now: Instant, icmp: &Icmp) -> Arrival {
        let quote = &icmp.quote;
        let tuple = Tuple {
            local_addr: quote.src,
            remote_addr: quote.dst,
            local_port: quote.src_port,
            remote_port: quote.dst_port,
        };
        let socket = self.connections.find(&tuple);
        let Some((socket, Slot::Connection(connection))) =
            socket.and_then(|socket| Some((socket, self.slots.get(socket)?)))
        else {
            return arrival(None, Verdict::IcmpIgnored);
        };
        if !is_under_way(connection, quote.seq) {
            return arrival(None, Verdict::IcmpStale);
        }
        if let IcmpKind::PacketTooBig { mtu } = icmp.kind {
            return self.packet_too_big(now, socket, mtu);
        }
        let policy = self.profile.unreachable;
        let error = error(icmp.kind, &quote.dst, policy);
        let verdict = match weigh(icmp.kind, connection, policy) {
            Weight::None => return arrival(None, Verdict::IcmpIgnored),
            Weight::Soft => {
                let _ = self.with_connection(now, socket, |connection, cx| {
                    connection.remember(cx, error);
                    if policy == Unreachable::EndsAttempt && lacks_a_route(icmp.kind, &quote.dst) {
                        connection.revert_back_off(cx, quote.seq);
                    }
                });
                Verdict::IcmpSoft
            }
            Weight::Hard => {
                let _ = self.with_connection(now, socket, |connection, cx| {
                    connection.end_attempt(cx, error);
                });
                Verdict::IcmpHard
            }
        };
        arrival(Some(socket), verdict)
    }

    /// A packet was too large for a link on its way (RFC 1191 §4, RFC 8201 §4).
    fn packet_too_big(&mut self, now: Instant, socket: SocketId, told: u32) -> Arrival {
        let connection = self.slots.connection(socket);
        let believed = connection.and_then(|connection| {
            let mtu = connection.believe_mtu(told, &self.profile)?;
            Some((mtu, connection.tuple.remote_addr))
        });
        let Some((mtu, destination)) = believed else {
            return arrival(Some(socket), Verdict::IcmpIgnored);
        };
        let expires = now + self.profile.mtu_expires;
        self.paths.learn(now, destination, mtu, expires);
        let _ = self.with_connection(now, socket, |connection, cx| {
            connection.reduce_path_mtu(cx, told, mtu, expires);
        });
        arrival(Some(socket), Verdict::IcmpTooBig)
    }
}

/// RFC 5927 §4.1: an error has to be about something that is still under way; anybody can guess
/// the addresses and ports of a connection.
fn is_under_way(connection: &Connection, seq: SeqNum) -> bool {
    let send = &connection.send;
    seq.since(send.una) < send.nxt.since(send.una)
}

/// Hard or soft.
fn weigh(kind: IcmpKind, connection: &Connection, policy: Unreachable) -> Weight {
    // MUST-55: silently discarded.
    if kind == IcmpKind::SourceQuench {
        return Weight::None;
    }
    match (connection.state, connection.origin()) {
        (TcpState::SynSent, _) | (_, Some(Origin::Active)) => {
            weigh_in_attempt(kind, connection, policy)
        }
        (_, Some(Origin::Passive { .. })) => match policy {
            Unreachable::Soft => weigh_in_attempt(kind, connection, policy),
            Unreachable::EndsAttempt => {
                weigh_as_linux_does_for_a_request(kind, &connection.tuple.remote_addr)
            }
            // FreeBSD's `syncache_unreach`, whatever the message says.
            Unreachable::Insistent if is_told_too_often(connection) => Weight::Hard,
            Unreachable::Insistent => Weight::Soft,
        },
        // FreeBSD's `tcp_notify`: routes that come and go are none of its business.
        (TcpState::Established, None)
            if policy == Unreachable::Insistent && is_unreachable(kind) =>
        {
            Weight::None
        }
        // MUST-56, and RFC 5927 §5.2 for what SHLD-26 would abort: in the synchronized states
        // TCP rather waits for a timeout than believes a message that anybody can forge. All the
        // stacks we model do so.
        _ => Weight::Soft,
    }
}

/// While a connection is being opened.
fn weigh_in_attempt(kind: IcmpKind, connection: &Connection, policy: Unreachable) -> Weight {
    let hard = match policy {
        // SHLD-26: codes 2 and 3 of "destination unreachable"; 4 is path MTU discovery's. What
        // ICMPv6 says about the next header is a soft error (RFC 9293 §3.9.2.2).
        Unreachable::Soft => {
            let v4 = connection.tuple.remote_addr.is_ipv4();
            kind == IcmpKind::PortUnreachable || (v4 && kind == IcmpKind::ProtocolUnreachable)
        }
        // RFC 5461 §4.1, Linux' `tcp_v4_err` and `tcp_v6_err`.
        Unreachable::EndsAttempt => true,
        Unreachable::Insistent => is_prohibition(kind) || is_told_too_often(connection),
    };
    if hard { Weight::Hard } else { Weight::Soft }
}

/// Whether errors keep coming however often it is tried.
const fn is_told_too_often(connection: &Connection) -> bool {
    connection.was_warned() && connection.tries() > PATIENCE
}

/// Linux' `tcp_req_err`: a SYN,ACK that cannot get there is given up without a word. IPv6 has
/// another list, that of `icmpv6_err_convert`.
fn weigh_as_linux_does_for_a_request(kind: IcmpKind, peer: &IpAddr) -> Weight {
    use IcmpKind::{
        AdminProhibited, HopLimitExceeded, HostUnreachable, NetUnreachable, ParameterProblem,
        PortUnreachable, ProtocolUnreachable, ReassemblyTimeout,
    };
    let hard = match peer {
        IpAddr::V4(_) => matches!(
            kind,
            NetUnreachable
                | HostUnreachable
                | HopLimitExceeded
                | ReassemblyTimeout
                | ParameterProblem
        ),
        IpAddr::V6(_) => {
            matches!(
                kind,
                AdminProhibited | PortUnreachable | ParameterProblem | ProtocolUnreachable
            )
        }
    };
    if hard { Weight::Hard } else { Weight::None }
}

/// What ends an attempt on FreeBSD at once (`tcp_ctlinput` with `icmp_may_rst`).
const fn is_prohibition(kind: IcmpKind) -> bool {
    matches!(
        kind,
        IcmpKind::AdminProhibited
            | IcmpKind::PortUnreachable
            | IcmpKind::ProtocolUnreachable
            | IcmpKind::HopLimitExceeded
    )
}

/// Whether it is about a route.
const fn is_unreachable(kind: IcmpKind) -> bool {
    matches!(
        kind,
        IcmpKind::NetUnreachable | IcmpKind::HostUnreachable | IcmpKind::SourceRouteFailed
    )
}

/// Whether RFC 6069 §3 takes it for the lack of a route. Of ICMPv6 Linux takes "no route" alone
/// (`tcp_v6_err`).
const fn lacks_a_route(kind: IcmpKind, peer: &IpAddr) -> bool {
    match kind {
        IcmpKind::NetUnreachable => true,
        IcmpKind::HostUnreachable => peer.is_ipv4(),
        _ => false,
    }
}

/// What the application hears.
fn error(kind: IcmpKind, peer: &IpAddr, policy: Unreachable) -> SocketError {
    match policy {
        Unreachable::Insistent => bsd_error(kind),
        // A destination that has no TCP refuses the connection; the RFC has no names for errors.
        Unreachable::Soft if kind == IcmpKind::ProtocolUnreachable && peer.is_ipv4() => {
            SocketError::ConnectionRefused
        }
        Unreachable::Soft | Unreachable::EndsAttempt => linux_error(kind, peer),
    }
}

/// `icmp_err_convert` and `icmpv6_err_convert`.
const fn linux_error(kind: IcmpKind, peer: &IpAddr) -> SocketError {
    match (kind, peer) {
        (IcmpKind::NetUnreachable, _) => SocketError::NetworkUnreachable,
        (IcmpKind::PortUnreachable, _) => SocketError::ConnectionRefused,
        (IcmpKind::SourceRouteFailed, _) => SocketError::NotSupported,
        (IcmpKind::PacketTooBig { .. }, _) => SocketError::MessageTooLong,
        (IcmpKind::ProtocolUnreachable, IpAddr::V4(_)) => SocketError::NoProtocolOption,
        (IcmpKind::AdminProhibited, IpAddr::V6(_)) => SocketError::AccessDenied,
        // The next header that a host does not know is a parameter problem of ICMPv6.
        (IcmpKind::ParameterProblem | IcmpKind::ProtocolUnreachable, _) => {
            SocketError::ProtocolError
        }
        (
            IcmpKind::HostUnreachable
            | IcmpKind::AdminProhibited
            | IcmpKind::HopLimitExceeded
            | IcmpKind::ReassemblyTimeout
            | IcmpKind::SourceQuench,
            _,
        ) => SocketError::HostUnreachable,
    }
}

/// FreeBSD's `icmp_errmap`.
const fn bsd_error(kind: IcmpKind) -> SocketError {
    match kind {
        IcmpKind::PortUnreachable | IcmpKind::ProtocolUnreachable | IcmpKind::AdminProhibited => {
            SocketError::ConnectionRefused
        }
        IcmpKind::ParameterProblem => SocketError::NoProtocolOption,
        IcmpKind::PacketTooBig { .. } => SocketError::MessageTooLong,
        IcmpKind::NetUnreachable
        | IcmpKind::HostUnreachable
        | IcmpKind::SourceRouteFailed
        | IcmpKind::HopLimitExceeded
        | IcmpKind::ReassemblyTimeout
        | IcmpKind::SourceQuench => SocketError::HostUnreachable,
    }
}

const fn arrival(socket: Option<SocketId>, verdict: Verdict) -> Arrival {
    Arrival { socket, verdict, text: 0, syn: SynTaken::No }
}
