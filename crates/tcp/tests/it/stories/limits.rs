//! What a stack keeps for nobody, and no more of it than the profile allows: `tcp_max_tw_buckets`
//! and `tcp_max_orphans`.

use twomsl_tcp::wire::Segment;
use twomsl_tcp::{Cause, Profile, Readiness, SocketId, StateChange, TcpState};

use super::s;
use crate::harness::lab::{Effects, Lab};
use crate::harness::packets::{ACK, FIN, RST, SYN, Shape as _, segment};
use crate::harness::scene::{IRS, ISS, Scene, staged};

/// A server with a connection of the peer's, from this port, that its application has accepted.
fn accepted(lab: &mut Lab, port: u16) -> SocketId {
    lab.arrive(segment(SYN, IRS, 0).sent_from(port));
    lab.arrive(segment(ACK, IRS + 1, ISS + 1).sent_from(port));
    lab.stack.accept(lab.now, lab.listener.unwrap()).unwrap()
}

/// The peer's FIN, which acknowledges ours.
fn last_fin(port: u16) -> Segment {
    segment(FIN | ACK, IRS + 1, ISS + 2).sent_from(port)
}

/// A connection that the server closes, and then the peer; what follows from the latter.
fn closed_by_both(lab: &mut Lab, port: u16) -> Effects {
    let socket = accepted(lab, port);
    lab.stack.close(lab.now, socket).unwrap();
    lab.effects();
    lab.arrive(last_fin(port)).1
}

fn count(lab: &Lab, state: TcpState) -> usize {
    lab.stack.states().filter(|(_, other)| *other == state).count()
}

fn last_change(effects: &Effects) -> (TcpState, TcpState, Cause) {
    let StateChange { from, to, cause, .. } = *effects.changes().last().expect("it changed");
    (from, to, cause)
}

fn crowded(max_time_wait: u32) -> Lab {
    let profile = Profile { max_time_wait: Some(max_time_wait), ..Profile::linux() };
    Scene::Listen.with(staged(profile))
}

#[test]
fn a_full_time_wait_table_makes_connections_end_at_once() {
    let mut lab = crowded(2);
    for port in [1, 2] {
        let (from, to, _) = last_change(&closed_by_both(&mut lab, port));
        assert_eq!((from, to), (TcpState::FinWait1, TcpState::TimeWait));
    }
    let effects = closed_by_both(&mut lab, 3);
    let without = (TcpState::FinWait1, TcpState::Closed, Cause::TimeWaitFull);
    assert_eq!(last_change(&effects), without);
    assert_eq!(effects.brief(), ["ACK"], "the peer's FIN is acknowledged all the same");
    assert_eq!(count(&lab, TcpState::TimeWait), 2);
    // What TIME-WAIT would have been for: if that ACK is lost, the FIN meets nobody (MUST-13).
    assert_eq!(lab.arrive(last_fin(3)).1.brief(), ["RST"]);
    assert_eq!(lab.arrive(last_fin(2)).1.brief(), ["ACK"]);
    lab.pass(s(61));
    let (from, to, _) = last_change(&closed_by_both(&mut lab, 3));
    assert_eq!((from, to), (TcpState::FinWait1, TcpState::TimeWait), "there is room again");
}

#[test]
fn a_new_syn_that_takes_time_wait_over_makes_room() {
    let mut lab = crowded(1);
    closed_by_both(&mut lab, 1);
    let again = IRS.wrapping_add(100_000);
    lab.arrive(segment(SYN, again, 0).sent_from(1));
    lab.arrive(segment(ACK, again + 1, ISS.wrapping_add(65_539 + 1)).sent_from(1));
    assert_eq!(count(&lab, TcpState::TimeWait), 0);
    lab.stack.accept(lab.now, lab.listener.unwrap()).unwrap();
    let (_, to, _) = last_change(&closed_by_both(&mut lab, 2));
    assert_eq!(to, TcpState::TimeWait);
}

#[test]
fn who_reads_when_there_is_no_room_for_time_wait_still_gets_everything() {
    let mut lab = crowded(0);
    lab.socket = Some(accepted(&mut lab, 1));
    lab.stack.shutdown(lab.now, lab.socket(), twomsl_tcp::Shutdown::Write).unwrap();
    lab.effects();
    let (_, effects) = lab.arrive(last_fin(1).text(b"goodbye"));
    assert_eq!(effects.told(), [Readiness::EndOfFile, Readiness::Closed]);
    let mut buffer = [0; 16];
    assert_eq!(lab.stack.receive(lab.now, lab.socket(), &mut buffer), Ok(7));
    assert_eq!(lab.stack.receive(lab.now, lab.socket(), &mut buffer), Ok(0), "no error");
    lab.stack.close(lab.now, lab.socket()).unwrap();
    assert_eq!(lab.stack.sockets().count(), 1, "the listener");
}

#[test]
fn the_textbook_knows_no_such_limits() {
    let profile = Profile::rfc9293();
    assert_eq!((profile.max_time_wait, profile.max_orphans), (None, None));
}

fn orphanage(max_orphans: u32) -> Lab {
    Scene::Listen.with(staged(Profile { max_orphans: Some(max_orphans), ..Profile::linux() }))
}

/// Closes a connection of the server that the peer has not closed.
fn orphaned(lab: &mut Lab, port: u16) -> Effects {
    let socket = accepted(lab, port);
    lab.stack.close(lab.now, socket).unwrap();
    lab.effects()
}

#[test]
fn one_orphan_too_many_is_reset_after_its_fin() {
    let mut lab = orphanage(2);
    for port in [1, 2] {
        assert_eq!(orphaned(&mut lab, port).brief(), ["FIN,ACK"]);
    }
    let effects = orphaned(&mut lab, 3);
    assert_eq!(effects.brief(), ["FIN,ACK", "RST,ACK"]);
    let reset = (TcpState::FinWait1, TcpState::Closed, Cause::TooManyOrphans);
    assert_eq!(last_change(&effects), reset);
    assert_eq!(count(&lab, TcpState::FinWait1), 2);
}

#[test]
fn an_orphan_makes_room_however_it_ends() {
    type End = fn(&mut Lab);
    let ends: [(&str, End); 3] = [
        ("TIME-WAIT does not count", |lab| drop(lab.arrive(last_fin(1)))),
        ("reset", |lab| drop(lab.arrive(segment(RST, IRS + 1, 0).sent_from(1)))),
        ("tcp_orphan_retries", |lab| drop(lab.pass(s(1000)))),
    ];
    for (how, end) in ends {
        let mut lab = orphanage(1);
        orphaned(&mut lab, 1);
        end(&mut lab);
        assert_eq!(orphaned(&mut lab, 2).brief(), ["FIN,ACK"], "{how}");
        assert_eq!(orphaned(&mut lab, 3).brief(), ["FIN,ACK", "RST,ACK"], "{how}");
    }
}

#[test]
fn what_an_application_holds_is_no_orphan() {
    let mut lab = orphanage(0);
    let socket = accepted(&mut lab, 1);
    lab.stack.shutdown(lab.now, socket, twomsl_tcp::Shutdown::Both).unwrap();
    assert_eq!(lab.effects().brief(), ["FIN,ACK"]);
    // A connection that ends with the call leaves no orphan either.
    lab.stack.abort(lab.now, socket).unwrap();
    assert_eq!(lab.effects().brief(), ["RST,ACK"]);
}
