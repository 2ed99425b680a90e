//! `twomsl states`: the state diagram, with a scenario for every arrow.

use twomsl::tcp::TcpState::{
    self, CloseWait, Closed, Closing, Established, FinWait1, FinWait2, LastAck, Listen,
    SynReceived, SynSent, TimeWait,
};

use super::{Verdict, library};
use crate::output::{Output, complain};

/// An arrow of figure 5 of RFC 9293, or one that only its text has.
pub(crate) struct Arrow {
    pub(crate) from: TcpState,
    pub(crate) to: TcpState,
    /// What makes a connection take it, and what is sent then.
    pub(crate) why: &'static str,
    /// A scenario that takes it, as `demo` calls it, perhaps with the variant that does.
    pub(crate) scenario: &'static str,
}

const fn arrow(from: TcpState, to: TcpState, why: &'static str, scenario: &'static str) -> Arrow {
    Arrow { from, to, why, scenario }
}

/// Every arrow that a scenario takes, in the order of a connection's life.
#[rustfmt::skip]
pub(crate) const ARROWS: &[Arrow] = &[
    arrow(Closed, Listen, "passive OPEN", "handshake/three-way-handshake"),
    arrow(Closed, SynSent, "active OPEN: send SYN", "handshake/three-way-handshake"),
    arrow(Listen, SynSent, "active OPEN, or SEND: send SYN", "handshake/listener-connects"),
    arrow(Listen, SynReceived, "receive SYN: send SYN,ACK", "handshake/three-way-handshake"),
    arrow(Listen, Closed, "CLOSE", "what-if/time-wait-1msl"),
    arrow(SynSent, SynReceived, "receive SYN without ACK: send SYN,ACK", "handshake/simultaneous-open"),
    arrow(SynSent, Established, "receive SYN,ACK: send ACK", "handshake/three-way-handshake"),
    arrow(SynSent, Closed, "receive RST; or nobody answers", "handshake/connection-refused"),
    arrow(SynReceived, Established, "receive ACK of SYN", "handshake/three-way-handshake"),
    arrow(SynReceived, FinWait1, "CLOSE: send FIN", "misconceptions/syn-carries-no-data"),
    arrow(SynReceived, Listen, "receive RST, after a passive OPEN", "handshake/why-three-segments"),
    arrow(SynReceived, Closed, "ABORT, or receive RST after an active OPEN", "handshake/simultaneous-open-given-up"),
    arrow(Established, FinWait1, "CLOSE: send FIN", "close/four-way-close"),
    arrow(Established, CloseWait, "receive FIN: send ACK", "close/four-way-close"),
    arrow(Established, Closed, "ABORT: send RST; receive RST; or nobody answers", "close/linger-zero"),
    arrow(FinWait1, FinWait2, "receive ACK of FIN", "close/four-way-close"),
    arrow(FinWait1, Closing, "receive FIN: send ACK", "close/simultaneous-close"),
    arrow(FinWait1, TimeWait, "receive FIN and ACK of FIN: send ACK", "close/three-segment-close"),
    arrow(FinWait1, Closed, "nobody answers; or receive RST", "misconceptions/fin-wait-1-is-never-seen (no FIN gets through)"),
    arrow(FinWait2, TimeWait, "receive FIN: send ACK", "close/four-way-close"),
    arrow(FinWait2, Closed, "an orphan's timeout (not in the RFC); receive RST", "close/fin-wait-2-timeout"),
    arrow(CloseWait, LastAck, "CLOSE: send FIN", "close/four-way-close"),
    arrow(CloseWait, Closed, "receive RST; or nobody answers", "close/fin-wait-2-timeout"),
    arrow(Closing, TimeWait, "receive ACK of FIN", "close/simultaneous-close"),
    arrow(Closing, Closed, "receive RST; or nobody answers", "close/closing-and-reset"),
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
    let arrows: String = ARROWS.iter().map(in_words).collect();
    format!("{FIGURE}\n{HEAD}\n{arrows}\n{TAIL}")
}

/// Columns in front of what is said about an arrow.
const INDENT: usize = 29;

/// What takes the arrow, and a command that shows it.
fn in_words(arrow: &Arrow) -> String {
    let Arrow { from, to, why, scenario } = arrow;
    let (path, variant) = match scenario.split_once(" (") {
        Some((path, variant)) => (path, Some(variant.trim_end_matches(')'))),
        None => (*scenario, None),
    };
    let name = library::short_name(&format!("scenarios/{path}.kdl"));
    let run = variant.map_or_else(String::new, |it| format!("{:INDENT$}in its run “{it}”\n", ""));
    format!("{from:>12} → {to:<12}  {why}\n{:INDENT$}twomsl demo {name}\n{run}", "")
}

/// The life of a connection at a glance; the arrows have their list below.
const FIGURE: &str = "\
Opening:
CLOSED ─┬─ passive OPEN ────► LISTEN ─── SYN / SYN,ACK ─► SYN-RECEIVED ─┐
        │                                                      ▲        │ ACK of SYN
        └─ active OPEN / SYN ─► SYN-SENT ─┬─ SYN / SYN,ACK ────┘        ▼
                                          └─ SYN,ACK / ACK ────► ESTABLISHED
Closing first:
ESTABLISHED ─ CLOSE / FIN ─► FIN-WAIT-1 ─┬─ ACK of FIN ─► FIN-WAIT-2 ─ FIN / ACK ─┐
                                         ├─ FIN / ACK ──► CLOSING ─ ACK of FIN ───┤
                                         └─ FIN and ACK of FIN / ACK ─────────────┤
                                                CLOSED ◄─ 2MSL ─ TIME-WAIT ◄──────┘
Closing second:
ESTABLISHED ─ FIN / ACK ─► CLOSE-WAIT ─ CLOSE / FIN ─► LAST-ACK ─ ACK of FIN ─► CLOSED
";

/// How the figure and the list are read.
const HEAD: &str = "\
“SYN / SYN,ACK” means: a SYN comes, and a SYN,ACK is sent. OPEN, SEND, CLOSE
and ABORT are calls of the application, in the words of RFC 9293: in a program
they are connect (active) and listen (passive), write, close and shutdown, and
close with SO_LINGER 0. A SYN opens, a FIN says that its sender has no more to
say, an ACK acknowledges, a RST breaks off. 2MSL is the timer of TIME-WAIT.

Every arrow, what takes it, and a lesson in which it is taken:
";

/// What the list leaves out.
const TAIL: &str = "\
LISTEN → SYN-SENT is in RFC 9293 only: the sockets of Linux and FreeBSD refuse to
connect a socket that listens.
Each state has a lesson of its own, with how long it lasts: twomsl demo states/
";
