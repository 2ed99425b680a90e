//! The state diagram, RFC 9293 §3.3.2: every arrow with what moves connections along it.
//!
//! The arrows that are allowed come from the stack; what moves them is observed, by letting
//! every call, every segment and enough time happen in every state.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use twomsl_tcp::profile::BlindAttacks;
use twomsl_tcp::wire::{Flags, IcmpKind, Segment};
use twomsl_tcp::{Cause, Profile, Shutdown, SocketId, StateChange, TcpState, TimerKind};

use crate::harness::lab::Lab;
use crate::harness::packets::{ACK, FIN, OURS, RST, SYN, Shape as _, icmp, segment, theirs};
use crate::harness::scene::{IRS, ISS, Scene, staged};

/// What was observed: the causes of each arrow.
type Observed = BTreeMap<(TcpState, TcpState), BTreeSet<String>>;

fn profiles() -> [Profile; 3] {
    let rfc = staged(Profile::rfc9293());
    let believed = Profile { blind_attacks: BlindAttacks::Believed, ..rfc.clone() };
    let mut linux = staged(Profile::linux());
    linux.options.keep_alive = true;
    linux.options.user_timeout = Some(Duration::from_secs(30));
    // With a timer of its own: Linux looks at it when others fire.
    linux.retry_counting = twomsl_tcp::profile::RetryCounting::Each;
    [rfc, believed, linux]
}

/// The calls that can change a state.
const CALLS: [fn(&mut Lab, SocketId) -> bool; 6] = [
    |lab, socket| lab.stack.shutdown(lab.now, socket, Shutdown::Write).is_ok(),
    |lab, socket| lab.stack.close(lab.now, socket).is_ok(),
    |lab, socket| lab.stack.abort(lab.now, socket).is_ok(),
    |lab, socket| lab.stack.connect_listener(lab.now, socket, theirs()).is_ok(),
    |lab, _| lab.stack.connect(lab.now, None, theirs(), None).is_ok(),
    |lab, _| lab.stack.listen(lab.now, other_port(), 1, None).is_ok(),
];

fn other_port() -> SocketAddr {
    SocketAddr::new(OURS, 81)
}

/// Segments that can change a state, at the places where they count.
fn segments() -> Vec<Segment> {
    let mut all = Vec::new();
    for flags in [SYN, SYN | ACK, ACK, FIN | ACK, RST, RST | ACK] {
        for seq in [IRS, IRS + 1, IRS + 2, IRS + 3] {
            for ack in [ISS + 1, ISS.wrapping_add(301), ISS.wrapping_add(302)] {
                let ack = if flags.contains(Flags::ACK) { ack } else { 0 };
                all.push(segment(flags, seq, ack));
                all.push(segment(flags, seq, ack).text(b"x"));
            }
        }
    }
    all
}

fn note(observed: &mut Observed, changes: Vec<StateChange>) {
    for StateChange { from, to, cause, .. } in changes {
        let name = match cause {
            Cause::Timeout(timer) => format!("Timeout({})", timer.name()),
            cause => format!("{cause:?}"),
        };
        observed.entry((from, to)).or_default().insert(name);
    }
}

/// Lets everything happen once in every scene, and once more in the states that follow by a call.
fn explore() -> Observed {
    let mut observed = Observed::new();
    for profile in profiles() {
        for scene in Scene::ALL {
            let mut start = scene.with(profile.clone());
            start.socket = start.socket.or(start.listener);
            let Some(socket) = start.socket else { continue };
            let mut starts = vec![start.clone()];
            for call in CALLS {
                let mut lab = start.clone();
                let done = call(&mut lab, socket);
                note(&mut observed, lab.effects().changes());
                if done && lab.stack.status(socket).is_ok() {
                    starts.push(lab);
                }
            }
            for start in &starts {
                happen(&mut observed, start);
            }
        }
    }
    observed
}

fn happen(observed: &mut Observed, start: &Lab) {
    for segment in segments() {
        let mut lab = start.clone();
        let (_, effects) = lab.arrive(segment.clone());
        note(observed, effects.changes());
        // A handshake that a SYN began may end, too.
        let iss = effects.segments().first().map_or(ISS, |answer| answer.seq.value());
        let ack = crate::harness::packets::segment(ACK, IRS + 4, iss.wrapping_add(1));
        note(observed, lab.arrive(ack).1.changes());
    }
    let unreachable = icmp(IcmpKind::PortUnreachable, ISS);
    note(observed, start.clone().arrive_packet(unreachable).1.changes());
    let mut lab = start.clone();
    for _ in 0..40 {
        let Some((_, effects)) = lab.next_timeout() else { return };
        note(observed, effects.changes());
    }
}

/// Figure 5, arrow by arrow, with note 2 and the text's LISTEN → CLOSED and SYN-SENT → CLOSED.
const FIGURE_5: [(TcpState, TcpState, &str); 20] = [
    (TcpState::Closed, TcpState::Listen, "Listen"),
    (TcpState::Closed, TcpState::SynSent, "Connect"),
    (TcpState::Listen, TcpState::Closed, "Close"),
    (TcpState::Listen, TcpState::SynReceived, "Syn"),
    (TcpState::Listen, TcpState::SynSent, "Connect"),
    (TcpState::SynSent, TcpState::Closed, "Close"),
    (TcpState::SynSent, TcpState::SynReceived, "Syn"),
    (TcpState::SynSent, TcpState::Established, "SynAck"),
    (TcpState::SynReceived, TcpState::Listen, "Rst"),
    (TcpState::SynReceived, TcpState::Established, "AckOfSyn"),
    (TcpState::SynReceived, TcpState::FinWait1, "Close"),
    (TcpState::Established, TcpState::FinWait1, "Close"),
    (TcpState::Established, TcpState::CloseWait, "Fin"),
    (TcpState::FinWait1, TcpState::FinWait2, "AckOfFin"),
    (TcpState::FinWait1, TcpState::Closing, "Fin"),
    (TcpState::FinWait1, TcpState::TimeWait, "FinAndAckOfFin"),
    (TcpState::FinWait2, TcpState::TimeWait, "Fin"),
    (TcpState::Closing, TcpState::TimeWait, "AckOfFin"),
    (TcpState::CloseWait, TcpState::LastAck, "Close"),
    (TcpState::LastAck, TcpState::Closed, "AckOfFin"),
];

#[test]
fn every_arrow_of_figure_5_is_taken_for_its_reason() {
    let observed = explore();
    for (from, to, cause) in FIGURE_5 {
        assert!(from.successors().contains(&to), "{from} → {to} is allowed");
        let causes = observed.get(&(from, to));
        assert!(causes.is_some_and(|causes| causes.contains(cause)), "{from} → {to}: {causes:?}");
    }
    let end = observed.get(&(TcpState::TimeWait, TcpState::Closed));
    let timeout = format!("Timeout({})", TimerKind::TimeWait.name());
    assert!(end.is_some_and(|causes| causes.contains(&timeout)), "Timeout=2MSL");
}

/// A change of the state machine is a change of this table.
#[test]
fn the_whole_transition_table() {
    let observed = explore();
    let mut table = Vec::new();
    for from in TcpState::ALL {
        for to in from.successors() {
            let causes = observed.get(&(from, *to)).cloned().unwrap_or_default();
            assert!(!causes.is_empty(), "{from} → {to} is never taken: why is it there?");
            let causes: Vec<_> = causes.into_iter().collect();
            let names = (from.name(), to.name());
            table.push(format!("{:12} → {:12} {}", names.0, names.1, causes.join(", ")));
        }
    }
    for (from, to) in observed.keys() {
        assert!(from.successors().contains(to), "{from} → {to} was taken");
    }
    insta::assert_snapshot!(table.join("\n"));
}
