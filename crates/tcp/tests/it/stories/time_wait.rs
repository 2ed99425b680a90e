//! TIME-WAIT and what may follow it (RFC 9293 §3.6.1, RFC 6191, RFC 1337).

use twomsl_tcp::profile::{IsnSource, TimeWaitReuse};
use twomsl_tcp::{
    Cause, Instant, Profile, Shutdown, SocketError, Stack, TcpState, TimerKind, Verdict,
};

use super::{ms, s};
use crate::harness::packets::{ACK, FIN, OURS, RST, SYN, Shape as _, segment};
use crate::harness::scene::{IRS, ISS, Scene, staged};

#[test]
fn a_new_syn_beyond_the_old_incarnation_opens_the_next_one() {
    // MAY-2.
    let mut lab = Scene::TimeWait.with(staged(Profile::rfc9293()));
    let old = lab.socket();
    let (arrival, effects) = lab.arrive(segment(SYN, IRS + 3, 0));
    let answer = effects.only();
    let iss = answer.seq;
    assert!(iss.after(twomsl_tcp::wire::SeqNum::new(ISS.wrapping_add(302))), "a larger ISS");
    assert_eq!(lab.state(), TcpState::TimeWait, "the old one lives until the SYN has proved true");
    let (_, effects) = lab.arrive(segment(ACK, IRS + 4, iss.value().wrapping_add(1)));
    lab.socket = arrival.socket;
    assert_eq!(lab.state(), TcpState::Established);
    let ended = effects.changes().into_iter().find(|change| change.socket == old).unwrap();
    assert_eq!((ended.to, ended.cause), (TcpState::Closed, Cause::Reuse));
}

#[test]
fn an_old_duplicate_syn_leaves_time_wait_as_it_was() {
    let mut lab = Scene::TimeWait.with(staged(Profile::rfc9293()));
    let (arrival, effects) = lab.arrive(segment(SYN, IRS + 3, 0));
    let answer = effects.only();
    // The peer knows nothing of it and says so.
    lab.arrive(segment(RST, answer.ack.value(), 0));
    assert!(lab.stack.status(arrival.socket.unwrap()).is_err(), "the attempt is forgotten");
    assert_eq!(lab.state(), TcpState::TimeWait);
    // Its 4-tuple is its own again: the FIN is answered from TIME-WAIT.
    let (arrival, _) = lab.arrive(segment(FIN | ACK, IRS + 1, ISS.wrapping_add(302)));
    assert_eq!(arrival.verdict, Verdict::TimeWaitFin);
}

#[test]
fn an_attempt_that_is_given_up_gives_the_tuple_back() {
    let mut profile = staged(Profile::linux());
    profile.time_wait = s(1000);
    let mut lab = Scene::TimeWait.with(profile);
    lab.arrive(segment(SYN, IRS + 3, 0));
    lab.pass(s(200));
    let (arrival, _) = lab.arrive(segment(FIN | ACK, IRS + 1, ISS.wrapping_add(302)));
    assert_eq!(arrival.verdict, Verdict::TimeWaitFin);
}

#[test]
fn time_wait_may_end_while_its_successor_is_opening() {
    let mut lab = Scene::TimeWait.with(staged(Profile::linux()));
    lab.pass(s(59));
    let (arrival, effects) = lab.arrive(segment(SYN, IRS + 3, 0));
    lab.pass(ms(1500));
    assert_eq!(lab.state(), TcpState::Closed, "2MSL are over");
    let ack = effects.only().seq.value().wrapping_add(1);
    lab.arrive(segment(ACK, IRS + 4, ack));
    lab.socket = arrival.socket;
    assert_eq!(lab.state(), TcpState::Established);
}

#[test]
fn reuse_can_be_forbidden() {
    let mut profile = staged(Profile::rfc9293());
    profile.time_wait_reuse = TimeWaitReuse::Never;
    let mut lab = Scene::TimeWait.with(profile);
    let (arrival, effects) = lab.arrive(segment(SYN, IRS + 3, 0));
    assert_eq!(arrival.verdict, Verdict::TimeWaitAck);
    assert_eq!(effects.brief(), ["ACK"]);
}

#[test]
fn a_syn_of_the_old_incarnation_is_only_acknowledged() {
    let mut lab = Scene::TimeWait.with(staged(Profile::rfc9293()));
    let (arrival, effects) = lab.arrive(segment(SYN, IRS, 0));
    assert_eq!((arrival.verdict, effects.brief()), (Verdict::TimeWaitAck, vec!["ACK".into()]));
    assert_eq!(lab.state(), TcpState::TimeWait);
}

#[test]
fn without_a_listener_nothing_opens() {
    let mut lab = Scene::TimeWait.with(staged(Profile::rfc9293()));
    lab.stack.close(lab.now, lab.listener.unwrap()).unwrap();
    lab.effects();
    let (arrival, _) = lab.arrive(segment(SYN, IRS + 3, 0));
    assert_eq!(arrival.verdict, Verdict::TimeWaitAck);
}

#[test]
fn every_fin_starts_2msl_over() {
    let mut lab = Scene::TimeWait.with(staged(Profile::linux()));
    for _ in 0..4 {
        lab.pass(s(59));
        lab.arrive(segment(FIN | ACK, IRS + 1, ISS.wrapping_add(302)));
        assert_eq!(lab.timer(TimerKind::TimeWait), Some(lab.now + s(60)));
    }
    lab.pass(s(60));
    assert_eq!(lab.state(), TcpState::Closed);
}

#[test]
fn what_was_received_can_be_read_in_time_wait_and_after() {
    let mut lab = Scene::FinWait2.with(staged(Profile::linux()));
    let nxt = lab.detail().snd_nxt;
    lab.arrive(segment(FIN | ACK, IRS + 1, nxt).text(b"goodbye"));
    assert_eq!(lab.state(), TcpState::TimeWait);
    let mut buffer = [0; 4];
    assert_eq!(lab.stack.receive(lab.now, lab.socket(), &mut buffer), Ok(4));
    lab.pass(s(61));
    assert_eq!(lab.state(), TcpState::Closed);
    assert_eq!(lab.stack.receive(lab.now, lab.socket(), &mut buffer), Ok(3));
    assert_eq!(lab.stack.receive(lab.now, lab.socket(), &mut buffer), Ok(0));
    lab.stack.close(lab.now, lab.socket()).unwrap();
    assert!(lab.stack.status(lab.socket()).is_err());
}

#[test]
fn calls_after_time_wait_meet_a_closed_connection() {
    let mut lab = Scene::TimeWait.with(staged(Profile::linux()));
    lab.arrive(segment(RST, IRS + 2, 0));
    assert_eq!(lab.stack.send(lab.now, lab.socket(), b"x"), Err(SocketError::BrokenPipe));
    assert_eq!(lab.stack.next_deadline(), None, "nothing is left to wait for");
}

/// A stack with four ephemeral ports.
fn four_ports() -> Stack {
    let mut profile = Profile::linux();
    (profile.first_port, profile.last_port) = (50_000, 50_003);
    profile.isn = IsnSource::Fixed(ISS);
    let mut stack = Stack::new(profile, [9; 16]);
    stack.add_address(OURS);
    stack
}

#[test]
fn ephemeral_ports_run_out_and_come_back_after_time_wait() {
    let mut stack = four_ports();
    let mut now = Instant::ZERO;
    let remote = crate::harness::packets::theirs();
    let mut ports = Vec::new();
    for _ in 0..4 {
        let socket = stack.connect(now, None, remote, None).unwrap();
        let port = stack.status(socket).unwrap().local.port();
        ports.push(port);
        for (flags, seq, ack) in [(SYN | ACK, IRS, ISS + 1), (FIN | ACK, IRS + 1, ISS + 2)] {
            let mut packet = segment(flags, seq, ack);
            (packet.src_port, packet.dst_port) = (remote.port(), port);
            stack.on_packet(now, crate::harness::packets::packet(packet));
            // Closing after the handshake: our FIN is what the second segment acknowledges.
            if flags.contains(SYN) {
                stack.shutdown(now, socket, Shutdown::Write).unwrap();
            }
        }
        assert_eq!(stack.status(socket).unwrap().state, TcpState::TimeWait);
        stack.close(now, socket).unwrap();
    }
    ports.sort_unstable();
    assert_eq!(ports, [50_000, 50_001, 50_002, 50_003], "each once");
    let full = stack.connect(now, None, remote, None);
    assert_eq!(full, Err(SocketError::AddressNotAvailable));
    // Another destination has all of them.
    let mut other = remote;
    other.set_port(81);
    assert!(stack.connect(now, None, other, None).is_ok());
    now += s(60);
    stack.on_timeout(now);
    assert!(stack.connect(now, None, remote, None).is_ok(), "2MSL later");
}

#[test]
fn the_tuple_of_a_connection_is_taken_until_time_wait_is_over() {
    let mut lab = Scene::TimeWait.with(staged(Profile::linux()));
    let (ours, theirs) = (crate::harness::packets::ours(), crate::harness::packets::theirs());
    let taken = lab.stack.connect(lab.now, Some(ours), theirs, None);
    assert_eq!(taken, Err(SocketError::AddressInUse));
    lab.pass(s(60));
    assert!(lab.stack.connect(lab.now, Some(ours), theirs, None).is_ok());
}

#[test]
fn a_name_of_a_socket_that_is_gone_never_names_another() {
    let mut lab = Scene::Established.with(staged(Profile::linux()));
    let old = lab.socket();
    lab.stack.abort(lab.now, old).unwrap();
    let (ours, theirs) = (crate::harness::packets::ours(), crate::harness::packets::theirs());
    let new = lab.stack.connect(lab.now, Some(ours), theirs, None).unwrap();
    assert_ne!(old, new);
    assert_ne!(old.number(), new.number());
    assert_eq!(lab.stack.status(old).err(), Some(SocketError::BadSocket));
    assert_eq!(lab.stack.send(lab.now, old, b"x"), Err(SocketError::BadSocket));
    assert_eq!(lab.stack.close(lab.now, old), Err(SocketError::BadSocket));
    assert_eq!(lab.stack.accept(lab.now, old), Err(SocketError::BadSocket));
    assert_eq!(lab.stack.take_error(old), None);
}

#[test]
fn hundreds_of_records_expire_in_order() {
    let mut profile = staged(Profile::linux());
    profile.isn = IsnSource::Fixed(7);
    let mut lab = Scene::Listen.with(profile);
    for port in 1..=500 {
        for (flags, seq, ack) in [(SYN, 100, 0), (ACK, 101, 8)] {
            lab.arrive(segment(flags, seq, ack).sent_from(port));
        }
        let socket = lab.stack.accept(lab.now, lab.listener.unwrap()).unwrap();
        lab.stack.close(lab.now, socket).unwrap();
        lab.effects();
        lab.arrive(segment(FIN | ACK, 101, 9).sent_from(port));
        lab.now += ms(1);
    }
    assert_eq!(lab.stack.sockets().filter(|s| s.state == TcpState::TimeWait).count(), 500);
    lab.pass(ms(60_000 - 250));
    assert_eq!(lab.stack.sockets().filter(|s| s.state == TcpState::TimeWait).count(), 249);
    lab.pass(s(1));
    assert_eq!(lab.stack.sockets().count(), 1, "only the listener is left");
}
