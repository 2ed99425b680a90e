//! ICMP errors (RFC 9293 §3.9.2.2, RFC 5927).

use twomsl_wire::{Icmp, IcmpKind};

use super::Stack;
use super::slots::Slot;
use crate::event::{Arrival, SynTaken};
use crate::profile::Unreachable;
use crate::tuple::Tuple;
use crate::{Instant, SocketError, TcpState, Verdict};

impl Stack {
    /// An ICMP error about a segment we sent, for the connection that sent it (MUST-54).
    pub(super) fn on_icmp(&mut self, now: Instant, icmp: &Icmp) -> Arrival {
        let quote = &icmp.quote;
        let tuple = Tuple {
            local_addr: quote.src,
            remote_addr: quote.dst,
            local_port: quote.src_port,
            remote_port: quote.dst_port,
        };
        let socket = self.connections.find(&tuple);
        let verdict = match socket.and_then(|socket| self.slots.get(socket)) {
            // RFC 5927 §4.1: it must be about something that is still under way.
            Some(Slot::Connection(connection))
                if quote.seq.since(connection.send.una)
                    < connection.send.nxt.since(connection.send.una) =>
            {
                judge(icmp.kind, connection.state, self.profile.unreachable)
            }
            _ => None,
        };
        let (Some(socket), Some((weight, error))) = (socket, verdict) else {
            return arrival(None, Verdict::IcmpIgnored);
        };
        let _ = self.with_connection(now, socket, |connection, cx| match weight {
            Verdict::IcmpHard => connection.end_attempt(cx, error),
            _ => connection.remember(error),
        });
        arrival(Some(socket), weight)
    }
}

/// Hard (SHLD-26) or soft (MUST-56), and the error that stands for it; `None` to ignore (MUST-55:
/// source quench).
///
/// On a synchronized connection every error is soft: RFC 5927 §5.2 would rather wait for a
/// timeout than believe a message that anybody can forge.
fn judge(
    kind: IcmpKind,
    state: TcpState,
    unreachable: Unreachable,
) -> Option<(Verdict, SocketError)> {
    let opening = matches!(state, TcpState::SynSent);
    let error = match kind {
        IcmpKind::PortUnreachable | IcmpKind::ProtocolUnreachable => SocketError::ConnectionRefused,
        IcmpKind::NetUnreachable
        | IcmpKind::HostUnreachable
        | IcmpKind::SourceRouteFailed
        | IcmpKind::AdminProhibited
        | IcmpKind::HopLimitExceeded
        | IcmpKind::ParameterProblem => SocketError::HostUnreachable,
        IcmpKind::SourceQuench | IcmpKind::PacketTooBig { .. } | IcmpKind::ReassemblyTimeout => {
            return None;
        }
    };
    let hard = error == SocketError::ConnectionRefused || unreachable == Unreachable::EndsAttempt;
    Some((if opening && hard { Verdict::IcmpHard } else { Verdict::IcmpSoft }, error))
}

fn arrival(socket: Option<crate::SocketId>, verdict: Verdict) -> Arrival {
    Arrival { socket, verdict, text: 0, syn: SynTaken::No }
}
