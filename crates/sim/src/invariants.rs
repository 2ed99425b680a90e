//! The six invariants of a world (DESIGN: the virtual network), and the end of a run.
//!
//! 1. What an application reads is a prefix of what its peer wrote in the same incarnation, and
//!    the end of the file comes only after all of it.
//! 2. A connection changes its state along the arrows of the diagram only.
//! 3. Segments stay within what was sent and received: nothing is acknowledged that was not
//!    received, and no acknowledgment is taken back.
//! 4. No octet of another incarnation is accepted.
//! 5. No deadlock: what is not delivered has a timer, or a packet on its way.
//! 6. When nothing is left to happen, every connection has reached its end, or told its
//!    application why not, or is idle with all its data delivered.

use twomsl_tcp::wire::SeqNum;
use twomsl_tcp::{Cause, Detail, SocketId, StateChange, Status, TcpState};
use twomsl_trace as trace;

use crate::Violation;
use crate::live::record;
use crate::live::{Live, Pace, Power};
use crate::plan::Plan;

/// Whether a change of state follows an arrow of the diagram (RFC 9293 §3.3.2, figure 5), and
/// begins where the last one ended.
pub(crate) fn arrow(before: TcpState, change: StateChange) -> Result<(), &'static str> {
    // A connection made by a listener begins in the listener's state.
    let begins = change.from == TcpState::Listen && before == TcpState::Closed;
    if before != change.from && !begins {
        return Err("left a state it was not in");
    }
    if change.to == TcpState::Closed || ARROWS[change.from as usize] & 1 << change.to as u16 != 0 {
        return Ok(());
    }
    // RFC 9293 §3.10.7.4 and RFC 6191: a new SYN may take over.
    if change.from == TcpState::TimeWait && change.cause == Cause::Reuse {
        return Ok(());
    }
    Err("took an arrow that the state diagram does not have")
}

/// Where the arrows lead, besides CLOSED, to which every state leads by ABORT, RST or a timer.
/// Three are in the text only: SYN-RECEIVED to CLOSE-WAIT (§3.10.7.4, eighth, on a FIN), LISTEN
/// to SYN-SENT (§3.10.2, SEND), and SYN-RECEIVED back to LISTEN (§3.10.7.4, second, on a RST).
const fn successors(state: TcpState) -> &'static [TcpState] {
    use TcpState as S;
    match state {
        S::Closed => &[S::Listen, S::SynSent],
        S::Listen => &[S::SynReceived, S::SynSent],
        S::SynSent => &[S::SynReceived, S::Established],
        S::SynReceived => &[S::Established, S::FinWait1, S::CloseWait, S::Listen],
        S::Established => &[S::FinWait1, S::CloseWait],
        S::FinWait1 => &[S::FinWait2, S::Closing, S::TimeWait],
        S::FinWait2 | S::Closing => &[S::TimeWait],
        S::CloseWait => &[S::LastAck],
        S::LastAck | S::TimeWait => &[],
    }
}

/// The same as sets, a bit per state: looked at after every change of state.
const ARROWS: [u16; TcpState::ALL.len()] = {
    let mut sets = [0; TcpState::ALL.len()];
    let mut from = 0;
    while from < sets.len() {
        let to = successors(TcpState::ALL[from]);
        let mut place = 0;
        while place < to.len() {
            sets[TcpState::ALL[from] as usize] |= 1 << to[place] as u16;
            place += 1;
        }
        from += 1;
    }
    sets
};

/// The order of a connection's variables (RFC 9293 §3.3.1): ISS, SND.UNA, SND.NXT.
fn variables(detail: &Detail) -> Result<(), &'static str> {
    let una = SeqNum::new(detail.snd_una);
    if una.after(SeqNum::new(detail.snd_nxt)) {
        return Err("has SND.UNA beyond SND.NXT");
    }
    Ok(())
}

impl Live {
    /// Writes a broken invariant down. The run goes on.
    #[cold]
    pub(crate) fn violation(
        &mut self,
        invariant: u8,
        at: Option<(u32, SocketId)>,
        text: impl Into<String>,
    ) {
        let socket = at.map(|(host, id)| self.socket_ref(host, id));
        let text = text.into();
        tracing::warn!(target: "twomsl", at = %self.now, invariant, "{text}");
        record!(self, trace::Event::Violation { invariant, socket, text: text.clone() });
        self.violations.push(Violation { at: self.now, invariant, socket, text });
    }

    /// Looks into the variables of a socket: the costly form of invariant 3.
    pub(crate) fn check_variables(&mut self, host: u32, socket: SocketId) {
        let status = self.hosts[host as usize].stack.status(socket);
        if let Ok(Status { detail: Some(detail), .. }) = status
            && let Err(wrong) = variables(&detail)
        {
            self.violation(3, Some((host, socket)), wrong);
        }
    }

    /// What must be so when nothing is left to happen: invariants 5 and 6.
    pub(crate) fn check_quiet(&mut self, plan: &Plan) {
        for host in 0..self.hosts.len() {
            let owner = &self.hosts[host];
            // A host that crashed or stands still finishes nothing, and is no fault of its TCP.
            if owner.power != Power::On || owner.pace == Pace::Paused {
                continue;
            }
            // A listener's queues are of connections, not of octets. A connection that was given up
            // is kept for its application until that closes it, and has told it why.
            let fine = |state| matches!(state, TcpState::Listen | TcpState::Closed);
            let others = owner.stack.states().filter(|(_, state)| !fine(*state));
            let status = others.filter_map(|(socket, _)| owner.stack.status(socket).ok());
            let stuck: Vec<_> = status.filter_map(|status| stuck(&status)).collect();
            for (socket, invariant, text) in stuck {
                self.violation(invariant, Some((host as u32, socket)), text);
            }
        }
        self.check_waiting(plan);
    }

    /// Whether a task waits for its TCP to answer, which it now never will.
    fn check_waiting(&mut self, plan: &Plan) {
        for (host, socket, call) in self.tasks.unanswered(plan) {
            let owner = &self.hosts[host as usize];
            if owner.power == Power::On && owner.pace == Pace::Going {
                let text = format!("`{call}` waits for ever and was not told why");
                self.violation(6, socket.map(|socket| (host, socket)), text);
            }
        }
    }
}

/// What is wrong with a socket of a world in which nothing will happen any more. A connection
/// that is open and idle, with nothing left to deliver, is fine.
fn stuck(status: &Status) -> Option<(SocketId, u8, String)> {
    use TcpState as S;
    // A SYN or FIN on its way counts as something to deliver.
    let control =
        matches!(status.state, S::SynSent | S::SynReceived | S::FinWait1 | S::Closing | S::LastAck);
    match status.state {
        S::TimeWait => Some((status.socket, 6, "in TIME-WAIT without a timer".to_owned())),
        state if control || status.send_queue > 0 => {
            let text = format!(
                "in {state} with {} octets not acknowledged, but no timer and no packet on its way",
                status.send_queue
            );
            Some((status.socket, 5, text))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(from: TcpState, to: TcpState) -> bool {
        successors(from).contains(&to)
    }

    #[test]
    fn there_are_eighteen_arrows_besides_those_to_closed() {
        let arrows: usize = TcpState::ALL.iter().map(|state| successors(*state).len()).sum();
        assert_eq!(arrows, 18);
        assert!(allowed(TcpState::FinWait1, TcpState::TimeWait));
        assert!(!allowed(TcpState::Established, TcpState::TimeWait));
        assert!(!allowed(TcpState::CloseWait, TcpState::TimeWait));
    }
}
