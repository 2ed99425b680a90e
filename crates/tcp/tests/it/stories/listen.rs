//! Listeners: their queues, what is in each other's way, and `SO_REUSEADDR`.

use twomsl_tcp::profile::{AcceptOverflow, SynCookies};
use twomsl_tcp::{Profile, Readiness, SocketError, SocketOption, TcpState, Verdict};

use super::s;
use crate::harness::lab::Lab;
use crate::harness::packets::{ACK, OURS, RST, SYN, Shape as _, ours, segment, theirs};
use crate::harness::scene::{IRS, ISS, Scene, staged};

/// A listener with this backlog.
fn listening(profile: Profile, backlog: u32) -> Lab {
    let mut lab = Lab::new(staged(profile));
    lab.listener = Some(lab.stack.listen(lab.now, ours(), backlog, None).unwrap());
    lab.effects();
    lab
}

/// A whole handshake from a port of the peer.
fn shake(lab: &mut Lab, port: u16) -> (Verdict, Vec<String>) {
    lab.arrive(segment(SYN, IRS, 0).sent_from(port));
    let (arrival, effects) = lab.arrive(segment(ACK, IRS + 1, ISS + 1).sent_from(port));
    (arrival.verdict, effects.brief())
}

#[test]
fn the_syn_queue_has_room_for_one_more_than_the_backlog() {
    // With SYN cookies it would answer all the same (see `syn_cookies`).
    let mut lab = listening(Profile { syn_cookies: SynCookies::Off, ..Profile::linux() }, 2);
    for port in 1..=3 {
        let (arrival, _) = lab.arrive(segment(SYN, IRS, 0).sent_from(port));
        assert_eq!(arrival.verdict, Verdict::Accepted);
    }
    let (arrival, effects) = lab.arrive(segment(SYN, IRS, 0).sent_from(4));
    assert_eq!(arrival.verdict, Verdict::SynQueueFull);
    assert!(effects.sent.is_empty(), "the SYN will be sent again");
    // A reset makes room.
    lab.arrive(segment(RST, IRS + 1, 0).sent_from(1));
    let (arrival, _) = lab.arrive(segment(SYN, IRS, 0).sent_from(4));
    assert_eq!(arrival.verdict, Verdict::Accepted);
}

#[test]
fn a_full_accept_queue_drops_syns() {
    let mut lab = listening(Profile::linux(), 1);
    assert_eq!(shake(&mut lab, 1).0, Verdict::Accepted);
    assert_eq!(shake(&mut lab, 2).0, Verdict::Accepted);
    let (arrival, effects) = lab.arrive(segment(SYN, IRS, 0).sent_from(3));
    assert_eq!((arrival.verdict, effects.sent.len()), (Verdict::AcceptQueueFull, 0));
    lab.stack.accept(lab.now, lab.listener.unwrap()).unwrap();
    assert_eq!(shake(&mut lab, 3).0, Verdict::Accepted);
}

/// A listener with a backlog of one whose accept queue is full, and a connection from port 4 whose
/// SYN came before it was.
fn crowded(profile: Profile) -> Lab {
    let mut lab = listening(profile, 1);
    for port in [1, 2] {
        shake(&mut lab, port);
    }
    lab.stack.accept(lab.now, lab.listener.unwrap()).unwrap();
    for port in [3, 4] {
        lab.arrive(segment(SYN, IRS, 0).sent_from(port));
    }
    lab.arrive(segment(ACK, IRS + 1, ISS + 1).sent_from(3));
    assert_eq!(lab.stack.status(lab.listener.unwrap()).unwrap().receive_queue, 2);
    lab
}

#[test]
fn an_ack_that_meets_a_full_accept_queue_is_dropped_or_reset() {
    for (policy, verdict, reply) in [
        (AcceptOverflow::Drop, Verdict::AcceptQueueFull, None),
        (AcceptOverflow::Reset, Verdict::AcceptQueueFullReset, Some("RST".to_string())),
    ] {
        let mut lab = crowded(Profile { accept_overflow: policy, ..Profile::linux() });
        let (arrival, effects) = lab.arrive(segment(ACK, IRS + 1, ISS + 1).sent_from(4));
        assert_eq!((arrival.verdict, effects.brief().pop()), (verdict, reply), "{policy:?}");
    }
}

#[test]
fn a_dropped_last_ack_is_made_up_for_when_there_is_room() {
    let mut lab = crowded(Profile::linux());
    lab.arrive(segment(ACK, IRS + 1, ISS + 1).sent_from(4));
    lab.stack.accept(lab.now, lab.listener.unwrap()).unwrap();
    let again = lab.pass(s(1));
    assert_eq!(again.brief(), ["SYN,ACK"], "the one that was left outside");
    let (_, effects) = lab.arrive(segment(ACK, IRS + 1, ISS + 1).sent_from(4));
    assert_eq!(effects.told(), [Readiness::Acceptable]);
}

#[test]
fn the_profile_bounds_the_backlog() {
    let mut profile = Profile::linux();
    profile.max_backlog = 3;
    let lab = listening(profile, 1000);
    assert_eq!(lab.stack.status(lab.listener.unwrap()).unwrap().send_queue, 3);
}

#[test]
fn two_listeners_cannot_have_one_address() {
    let mut lab = listening(Profile::linux(), 1);
    let all = "0.0.0.0:80".parse().unwrap();
    for local in [ours(), all] {
        assert_eq!(lab.stack.listen(lab.now, local, 1, None), Err(SocketError::AddressInUse));
    }
    let other = "10.0.0.1:81".parse().unwrap();
    assert!(lab.stack.listen(lab.now, other, 1, None).is_ok());
    for (local, error) in [
        ("10.9.9.9:80", SocketError::AddressNotAvailable),
        ("10.0.0.1:0", SocketError::InvalidArgument),
    ] {
        assert_eq!(lab.stack.listen(lab.now, local.parse().unwrap(), 1, None), Err(error));
    }
}

#[test]
fn two_addresses_can_have_a_listener_each() {
    let mut lab = listening(Profile::linux(), 1);
    lab.stack.add_address("10.0.0.9".parse().unwrap());
    let second = "10.0.0.9:80".parse().unwrap();
    assert!(lab.stack.listen(lab.now, second, 1, None).is_ok());
}

#[test]
fn a_server_cannot_restart_over_its_connections_without_reuse_address() {
    let mut lab = Scene::TimeWait.with(staged(Profile::linux()));
    lab.stack.close(lab.now, lab.listener.unwrap()).unwrap();
    let taken = lab.stack.listen(lab.now, ours(), 1, None);
    assert_eq!(taken, Err(SocketError::AddressInUse));
    let mut options = lab.stack.profile().options.clone();
    options.set(SocketOption::ReuseAddress(true));
    let opened = lab.stack.listen(lab.now, ours(), 1, Some(&options));
    assert!(opened.is_ok(), "SO_REUSEADDR");
    lab.stack.close(lab.now, opened.unwrap()).unwrap();
    lab.pass(s(61));
    assert!(lab.stack.listen(lab.now, ours(), 1, None).is_ok(), "or after 2MSL");
}

#[test]
fn closing_a_listener_resets_whoever_waits_to_be_accepted() {
    // Linux' active resets acknowledge too (tcp_send_active_reset).
    for (profile, reset) in [(Profile::rfc9293(), "RST"), (Profile::linux(), "RST,ACK")] {
        let mut lab = listening(profile, 4);
        shake(&mut lab, 1);
        lab.arrive(segment(SYN, IRS, 0).sent_from(2));
        lab.stack.close(lab.now, lab.listener.unwrap()).unwrap();
        assert_eq!(lab.effects().brief(), [reset]);
        let (arrival, effects) = lab.arrive(segment(ACK, IRS + 1, ISS + 1).sent_from(2));
        assert_eq!((arrival.verdict, effects.brief()), (Verdict::NoConnection, vec!["RST".into()]));
        assert_eq!(lab.stack.sockets().count(), 0);
    }
}

#[test]
fn connections_inherit_the_options_of_their_listener() {
    let mut lab = listening(Profile::rfc9293(), 4);
    let option = SocketOption::ReceiveBuffer(500);
    lab.stack.set_option(lab.now, lab.listener.unwrap(), option).unwrap();
    let (_, effects) = lab.arrive(segment(SYN, IRS, 0));
    assert_eq!(effects.only().window, 500);
}

#[test]
fn a_connection_that_dies_in_the_accept_queue_can_still_be_accepted() {
    let mut lab = listening(Profile::linux(), 4);
    shake(&mut lab, 1);
    lab.arrive(segment(RST, IRS + 1, 0).sent_from(1));
    let socket = lab.stack.accept(lab.now, lab.listener.unwrap()).unwrap();
    let read = lab.stack.receive(lab.now, socket, &mut [0; 1]);
    assert_eq!(read, Err(SocketError::ConnectionReset));
    lab.stack.close(lab.now, socket).unwrap();
    assert_eq!(lab.stack.sockets().count(), 1, "the listener");
}

#[test]
fn a_listener_can_become_a_client() {
    // RFC 9293 §3.10.1: "change the connection from passive to active".
    let mut lab = listening(Profile::rfc9293(), 4);
    let listener = lab.listener.unwrap();
    lab.stack.connect_listener(lab.now, listener, theirs()).unwrap();
    assert_eq!(lab.effects().brief(), ["SYN"]);
    lab.socket = Some(listener);
    assert_eq!(lab.state(), TcpState::SynSent);
    lab.arrive(segment(SYN | ACK, IRS, ISS + 1));
    assert_eq!(lab.state(), TcpState::Established);
    let again = lab.stack.connect_listener(lab.now, listener, theirs());
    assert_eq!(again, Err(SocketError::AlreadyConnected));
}

#[test]
fn a_listener_on_all_addresses_answers_on_each() {
    let mut lab = Lab::new(staged(Profile::linux()));
    lab.stack.add_address("10.0.0.9".parse().unwrap());
    lab.listener = lab.stack.listen(lab.now, "0.0.0.0:80".parse().unwrap(), 4, None).ok();
    for address in [OURS, "10.0.0.9".parse().unwrap()] {
        let syn = twomsl_tcp::wire::Packet::tcp(theirs().ip(), address, segment(SYN, IRS, 0));
        let (_, effects) = lab.arrive_packet(syn);
        assert_eq!(effects.brief(), ["SYN,ACK"]);
        assert_eq!(effects.sent[0].packet.src, address);
    }
}
