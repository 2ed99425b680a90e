//! `twomsl states`: the state diagram, with a scenario for every arrow.

use twomsl::tcp::TcpState::{
    self, CloseWait, Closed, Closing, Established, FinWait1, FinWait2, LastAck, Listen,
    SynReceived, SynSent, TimeWait,
};

use super::Verdict;
use crate::output::{Output, complain};

/// An arrow of figure 5 of RFC 9293, or one that only its text has.
pub(crate) struct Arrow {
    pub(crate) from: TcpState,
    pub(crate) to: TcpState,
    /// What makes a connection take it, and what is sent then.
    pub(crate) why: &'static str,
    /// A scenario that takes it: what `demo` calls it.
    pub(crate) scenario: &'static str,
}

const fn arrow(from: TcpState, to: TcpState, why: &'static str, scenario: &'static str) -> Arrow {
    Arrow { from, to, why, scenario }
}

/// Every arrow there is.
#[rustfmt::skip]
pub(crate) const ARROWS: &[Arrow] = &[
    arrow(Closed, Listen, "passive OPEN", "handshake/three-way-handshake"),
    arrow(Closed, SynSent, "active OPEN: send SYN", "handshake/three-way-handshake"),
    arrow(Listen, SynReceived, "receive SYN: send SYN,ACK", "handshake/three-way-handshake"),
    arrow(Listen, Closed, "CLOSE", "handshake/three-way-handshake"),
    arrow(SynSent, SynReceived, "receive SYN without ACK: send SYN,ACK", "handshake/simultaneous-open"),
    arrow(SynSent, Established, "receive SYN,ACK: send ACK", "handshake/three-way-handshake"),
    arrow(SynSent, Closed, "refused, or nobody answers", "handshake/connection-refused"),
    arrow(SynReceived, Established, "receive ACK of SYN", "handshake/three-way-handshake"),
    arrow(Established, FinWait1, "CLOSE: send FIN", "close/four-way-close"),
    arrow(Established, CloseWait, "receive FIN: send ACK", "close/four-way-close"),
    arrow(FinWait1, FinWait2, "receive ACK of FIN", "close/four-way-close"),
    arrow(FinWait1, Closing, "receive FIN: send ACK", "close/simultaneous-close"),
    arrow(FinWait1, TimeWait, "receive FIN and ACK of FIN: send ACK", "close/three-segment-close"),
    arrow(FinWait2, TimeWait, "receive FIN: send ACK", "close/four-way-close"),
    arrow(CloseWait, LastAck, "CLOSE: send FIN", "close/four-way-close"),
    arrow(Closing, TimeWait, "receive ACK of FIN", "close/simultaneous-close"),
    arrow(LastAck, Closed, "receive ACK of FIN", "close/four-way-close"),
    arrow(TimeWait, Closed, "2MSL are over", "close/four-way-close"),
];

/// Prints the diagram.
pub(crate) fn states() -> Verdict {
    match Output::Standard.print(&diagram()) {
        Ok(()) => Verdict::Holds,
        Err(message) => {
            complain(&message);
            Verdict::Unusable
        }
    }
}

fn diagram() -> String {
    let width = ARROWS.iter().map(|arrow| arrow.why.len()).max().unwrap_or(0);
    let line = |arrow: &Arrow| {
        let Arrow { from, to, why, scenario } = arrow;
        format!("{from:>12} → {to:<12}  {why:width$}  {scenario}\n")
    };
    ARROWS.iter().map(line).collect()
}
