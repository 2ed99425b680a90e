//! RFC 9293 §3.5: how connections begin.

use twomsl_tcp::profile::IsnSource;
use twomsl_tcp::wire::Packet;
use twomsl_tcp::{
    Instant, Output, Profile, Readiness, Shutdown, SocketError, Stack, SynTaken, TcpState, Transmit,
};

use super::{has, ms, profiles, s, since};
use crate::harness::lab::Lab;
use crate::harness::packets::{ACK, FIN, SYN, Shape as _, ours, segment, theirs};
use crate::harness::pair::{Client, End, Fate, Pair, Server};
use crate::harness::scene::{IRS, ISS, Scene, staged};

#[test]
fn three_segments_open_a_connection() {
    for profile in profiles() {
        let mut pair = Pair::alike(&profile);
        pair.listen();
        pair.connect();
        pair.run(s(1));
        assert_eq!(pair.ladder(), ["> SYN", "< SYN,ACK", "> ACK"]);
        assert_eq!(pair.path(Client), "CLOSED SYN-SENT ESTABLISHED");
        assert_eq!(pair.told(Client), [Readiness::Connected]);
        assert_eq!(pair.told(Server), [Readiness::Acceptable]);
        pair.accept();
        assert_eq!(pair.states(), (TcpState::Established, TcpState::Established));
        assert_eq!(pair.try_accept(), Err(SocketError::WouldBlock), "there is only one");
    }
}

#[test]
fn a_syn_announces_the_segment_size() {
    // MUST-14.
    let mut pair = Pair::connected(&Profile::rfc9293());
    let (client, server) = (pair.socket(Client), pair.socket(Server));
    for (side, socket) in [(Client, client), (Server, server)] {
        let detail = pair.host(side).stack.status(socket).unwrap().detail.unwrap();
        assert_eq!(detail.mss, 1460);
    }
}

#[test]
fn without_the_option_the_segment_size_is_the_smallest_any_host_takes() {
    // MUST-15: 536 over IPv4.
    let lab = Scene::Established.with(staged(Profile::rfc9293()));
    assert_eq!(lab.detail().mss, 536);
    let mut lab = Lab::new(staged(Profile::rfc9293()));
    lab.socket = lab.stack.connect(lab.now, Some(ours()), theirs(), None).ok();
    lab.arrive(segment(SYN | ACK, IRS, ISS + 1).mss(700));
    assert_eq!(lab.detail().mss, 700);
}

#[test]
fn even_a_segment_size_that_no_link_has_is_taken() {
    // The IPv6 header alone is longer than what this profile allows.
    let profile = Profile { mss: 10, ..Profile::rfc9293() };
    let addresses = ["2001:db8::1", "2001:db8::2"];
    let mut pair = Pair::between(profile.clone(), profile, addresses);
    pair.listen();
    pair.connect();
    pair.run(s(1));
    assert_eq!(pair.detail(Client).mss, 1);
}

#[test]
fn what_was_closed_before_it_was_open_has_no_end_of_file() {
    // §3.10.3: "error: connection does not exist". FreeBSD goes on opening it (`TF_NEEDFIN`).
    for profile in [Profile::rfc9293(), Profile::linux()] {
        let mut lab = Lab::new(profile);
        let socket = lab.stack.connect(lab.now, Some(ours()), theirs(), None).unwrap();
        lab.stack.shutdown(lab.now, socket, Shutdown::Write).unwrap();
        for _ in 0..2 {
            let answer = lab.stack.receive(lab.now, socket, &mut [0; 8]);
            assert_eq!(answer, Err(SocketError::NotConnected));
        }
    }
}

#[test]
fn two_syns_that_cross_open_one_connection() {
    // MUST-10.
    // RFC 9293 §3.5, figure 7.
    let mut pair = Pair::alike(&Profile::rfc9293());
    let (client, server) = pair.addresses_with_port(5000);
    let now = pair.now;
    pair.host(Client).socket =
        pair.host(Client).stack.connect(now, Some(client), server, None).ok();
    pair.host(Server).socket =
        pair.host(Server).stack.connect(now, Some(server), client, None).ok();
    pair.collect();
    pair.run(s(1));
    assert_eq!(pair.states(), (TcpState::Established, TcpState::Established));
    assert_eq!(pair.path(Client), "CLOSED SYN-SENT SYN-RECEIVED ESTABLISHED");
    assert_eq!(pair.path(Server), "CLOSED SYN-SENT SYN-RECEIVED ESTABLISHED");
    assert_eq!(pair.ladder(), ["> SYN", "< SYN", "< SYN,ACK", "> SYN,ACK"]);
    pair.send(Client, b"crossed").unwrap();
    pair.run(s(1));
    assert_eq!(pair.text(Server), b"crossed");
}

#[test]
fn crossed_syns_survive_a_lost_syn_ack() {
    let mut pair = Pair::alike(&Profile::rfc9293());
    let (client, server) = pair.addresses_with_port(5000);
    let now = pair.now;
    pair.host(Client).socket =
        pair.host(Client).stack.connect(now, Some(client), server, None).ok();
    pair.host(Server).socket =
        pair.host(Server).stack.connect(now, Some(server), client, None).ok();
    pair.fault(Client, Fate::Dropped, has(SYN | ACK));
    pair.collect();
    pair.run(s(5));
    assert_eq!(pair.states(), (TcpState::Established, TcpState::Established));
}

/// The effects of a connection between a stack and itself, as taken by `take`.
fn effects(mut take: impl FnMut(&mut Stack) -> Option<Output>) -> Vec<Output> {
    let mut stack = Stack::new(Profile::linux(), [3; 16]);
    stack.add_address(ours().ip());
    let socket = stack.connect(Instant::ZERO, Some(ours()), ours(), None).unwrap();
    stack.send(Instant::ZERO, socket, b"echo").unwrap();
    let mut all = Vec::new();
    while let Some(output) = take(&mut stack) {
        if let Output::Transmit(transmit) = &output {
            stack.on_packet_in_place(Instant::ZERO, &mut transmit.packet.clone());
        }
        all.push(output);
    }
    all
}

#[test]
fn effects_taken_by_kind_are_the_same_in_the_same_order() {
    let by_kind = effects(|stack| {
        let mut packet = None;
        let output = match stack.poll_event() {
            Some(event) => Some(Output::Event(event)),
            None => stack.poll_packet(&mut packet).map(|(socket, reason)| {
                let packet = packet.take().expect("it was put there");
                Output::Transmit(Transmit { packet, socket, reason })
            }),
        };
        assert!(output.is_some() || !stack.has_effects(), "nothing stays behind");
        output
    });
    assert!(by_kind.len() > 4, "there was something to compare");
    assert_eq!(by_kind, effects(Stack::poll));
}

#[test]
fn a_socket_can_connect_to_itself() {
    let mut stack = Stack::new(Profile::linux(), [3; 16]);
    stack.add_address(ours().ip());
    let mut now = Instant::ZERO;
    let socket = stack.connect(now, Some(ours()), ours(), None).unwrap();
    loop_back(&mut stack, now);
    assert_eq!(stack.status(socket).unwrap().state, TcpState::Established);
    stack.send(now, socket, b"echo").unwrap();
    loop_back(&mut stack, now);
    let mut buffer = [0; 16];
    assert_eq!(stack.receive(now, socket, &mut buffer), Ok(4));
    assert_eq!(&buffer[..4], b"echo");
    stack.close(now, socket).unwrap();
    loop_back(&mut stack, now);
    // Its own FIN crosses itself: a simultaneous close.
    assert_eq!(stack.status(socket).unwrap().state, TcpState::TimeWait);
    now += s(60);
    stack.on_timeout(now);
    assert_eq!(stack.status(socket).err(), Some(SocketError::BadSocket));
}

/// Delivers everything a stack sends to itself.
fn loop_back(stack: &mut Stack, now: Instant) {
    while let Some(output) = stack.poll() {
        if let Output::Transmit(transmit) = output {
            stack.on_packet(now, transmit.packet);
        }
    }
}

#[test]
fn text_and_fin_on_a_syn_wait_for_the_end_of_the_handshake() {
    let mut lab = Scene::Listen.with(staged(Profile::rfc9293()));
    let (arrival, effects) = lab.arrive(segment(SYN | FIN, IRS, 0).text(b"early"));
    assert_eq!((arrival.text, arrival.syn), (5, SynTaken::Yes));
    assert_eq!(effects.only().ack.value(), IRS + 1, "only the SYN is acknowledged");
    lab.socket = arrival.socket;
    let (_, effects) = lab.arrive(segment(ACK, IRS + 1, ISS + 1));
    assert_eq!(lab.state(), TcpState::CloseWait);
    assert_eq!(effects.only().ack.value(), IRS + 7, "text and FIN are acknowledged now");
    let socket = lab.stack.accept(lab.now, lab.listener.unwrap()).unwrap();
    let mut buffer = [0; 16];
    assert_eq!(lab.stack.receive(lab.now, socket, &mut buffer), Ok(5));
    assert_eq!(&buffer[..5], b"early");
    assert_eq!(lab.stack.receive(lab.now, socket, &mut buffer), Ok(0), "end of file");
}

#[test]
fn text_on_a_syn_is_read_after_the_handshake() {
    // Neither FreeBSD's SYN cache nor Linux' `request_sock` keeps it: there it has to come again.
    let systems = [(Profile::rfc9293(), 5), (Profile::linux(), 0), (Profile::freebsd(), 0)];
    for (profile, kept) in systems {
        let mut lab = Scene::Listen.with(staged(profile));
        lab.socket = lab.arrive(segment(SYN, IRS, 0).text(b"early")).0.socket;
        lab.arrive(segment(ACK, IRS + 1, ISS + 1));
        assert_eq!(lab.state(), TcpState::Established);
        assert_eq!(lab.detail().rcv_nxt, IRS + 1 + kept);
        assert!(lab.pass(s(1)).segments().len() <= 1, "acknowledged at most once");
        lab.arrive(segment(ACK, IRS + 1, ISS + 1).text(b"early"));
        let socket = lab.stack.accept(lab.now, lab.listener.unwrap()).unwrap();
        let mut buffer = [0; 16];
        assert_eq!(lab.stack.receive(lab.now, socket, &mut buffer), Ok(5));
    }
}

#[test]
fn text_on_a_syn_that_crosses_ours_is_read_after_the_handshake() {
    let mut lab = Scene::SynSent.with(staged(Profile::rfc9293()));
    lab.arrive(segment(SYN, IRS, 0).text(b"early"));
    assert_eq!(lab.state(), TcpState::SynReceived);
    let mut buffer = [0; 16];
    let early = lab.stack.receive(lab.now, lab.socket(), &mut buffer);
    assert_eq!(early, Err(SocketError::WouldBlock), "not before ESTABLISHED");
    lab.arrive(segment(ACK, IRS + 1, ISS + 1));
    assert_eq!(lab.stack.receive(lab.now, lab.socket(), &mut buffer), Ok(5));
}

#[test]
fn text_and_fin_on_a_syn_ack_are_taken_at_once() {
    let mut lab = Scene::SynSent.with(staged(Profile::rfc9293()));
    let (arrival, effects) = lab.arrive(segment(SYN | ACK | FIN, IRS, ISS + 1).text(b"hi"));
    assert_eq!(arrival.text, 2);
    assert_eq!(effects.only().ack.value(), IRS + 4);
    assert_eq!(lab.state(), TcpState::CloseWait);
    let mut buffer = [0; 16];
    assert_eq!(lab.stack.receive(lab.now, lab.socket(), &mut buffer), Ok(2));
}

#[test]
fn text_written_before_the_handshake_is_over_follows_with_its_last_ack() {
    let mut pair = Pair::alike(&Profile::rfc9293());
    pair.listen();
    pair.connect();
    assert_eq!(pair.send(Client, b"soon"), Ok(4));
    pair.run(ms(100));
    assert_eq!(pair.ladder()[..3], ["> SYN", "< SYN,ACK", "> ACK 4"]);
    pair.accept();
    assert_eq!(pair.receive(Server), Ok((b"soon".to_vec(), End::ForNow)));
}

#[test]
fn a_lost_syn_is_sent_again() {
    let mut pair = Pair::alike(&Profile::rfc9293());
    pair.fault(Client, Fate::Dropped, has(SYN));
    pair.listen();
    pair.connect();
    pair.run(s(5));
    assert_eq!(pair.ladder(), ["> SYN", "> SYN", "< SYN,ACK", "> ACK"]);
    assert_eq!(since(Instant::ZERO, &pair.times(Client, has(SYN))), [0, 1000]);
    assert_eq!(pair.state(Client), TcpState::Established);
}

#[test]
fn a_lost_syn_ack_is_repaired_by_whoever_is_first() {
    let mut pair = Pair::alike(&Profile::rfc9293());
    pair.fault(Server, Fate::Dropped, has(SYN | ACK));
    pair.listen();
    pair.connect();
    pair.run(s(5));
    // The client's timer fires at 1.000, the server's at 1.010, when the second SYN comes in: one
    // answer is enough.
    assert_eq!(since(Instant::ZERO, &pair.times(Client, has(SYN))), [0, 1000]);
    assert_eq!(since(Instant::ZERO, &pair.times(Server, has(SYN))), [10, 1010]);
    assert_eq!(pair.state(Client), TcpState::Established);
    pair.accept();
}

#[test]
fn a_lost_last_ack_of_the_handshake_is_repaired_by_the_server() {
    let mut pair = Pair::alike(&Profile::rfc9293());
    pair.fault(Client, Fate::Dropped, |segment| segment.flags == ACK);
    pair.listen();
    pair.connect();
    pair.run(s(5));
    assert_eq!(pair.ladder(), ["> SYN", "< SYN,ACK", "> ACK", "< SYN,ACK", "> ACK"]);
    pair.accept();
    assert_eq!(pair.states(), (TcpState::Established, TcpState::Established));
}

#[test]
fn text_repairs_a_lost_last_ack_of_the_handshake() {
    let mut pair = Pair::alike(&Profile::rfc9293());
    pair.fault(Client, Fate::Dropped, |segment| segment.flags == ACK);
    pair.listen();
    pair.connect();
    pair.run(ms(100));
    assert_eq!(pair.try_accept(), Err(SocketError::WouldBlock));
    pair.send(Client, b"hello").unwrap();
    pair.run(ms(100));
    pair.accept();
    assert_eq!(pair.text(Server), b"hello");
}

#[test]
fn an_old_duplicate_syn_is_undone_by_the_client_it_claims_to_be_from() {
    // RFC 9293 §3.5, figure 8: the SYN,ACK means nothing to the client, its reset sends the
    // server back to LISTEN, and the real SYN is answered.
    let mut pair = Pair::alike(&Profile::rfc9293());
    pair.listen();
    pair.connect();
    let (syn, now) = (pair.log[0].segment.clone(), pair.now);
    let mut old = syn.clone();
    old.seq = syn.seq - 90_000;
    let (client, server) = (pair.host(Client).address, pair.host(Server).address);
    pair.host(Server).stack.on_packet(now, Packet::tcp(client, server, old));
    pair.collect();
    pair.run(s(10));
    assert!(pair.ladder().contains(&"> RST".to_string()), "{:?}", pair.ladder());
    pair.accept();
    assert_eq!(pair.states(), (TcpState::Established, TcpState::Established));
    assert_eq!(pair.try_accept(), Err(SocketError::WouldBlock), "the old one left nothing");
}

#[test]
fn a_half_open_connection_is_found_out() {
    // RFC 9293 §3.5.1, figure 9: the client has crashed and forgotten; it opens again with the
    // same ports.
    let mut lab = Scene::Established.with(staged(Profile::rfc9293()));
    let (_, effects) = lab.arrive(segment(SYN, IRS.wrapping_add(4000), 0));
    let challenge = effects.only();
    assert_eq!(challenge.flags, ACK);
    // "That is not what I have sent": a reset with exactly the number we expect.
    lab.arrive(segment(crate::harness::packets::RST, challenge.ack.value(), 0));
    assert_eq!(lab.state(), TcpState::Closed);
    assert_eq!(lab.stack.take_error(lab.socket()), Some(SocketError::ConnectionReset));
}

#[test]
fn initial_sequence_numbers_differ_by_tuple_and_grow_with_time() {
    // RFC 6528 §3.
    let iss = |millis: u64, port: u16| {
        let mut lab = Lab::new(Profile::rfc9293());
        lab.now = Instant::from_millis(millis);
        let mut remote = theirs();
        remote.set_port(port);
        lab.socket = lab.stack.connect(lab.now, Some(ours()), remote, None).ok();
        lab.detail().iss
    };
    assert_ne!(iss(0, 1), iss(0, 2));
    assert_eq!(iss(0, 1), iss(0, 1));
    // MUST-8: a tick is 4 microseconds.
    assert_eq!(iss(1000, 1).wrapping_sub(iss(0, 1)), 250_000);
}

#[test]
fn secrets_make_sequence_numbers_that_others_cannot_know() {
    // MUST-9, SHLD-1.
    let iss = |secret: u8| {
        let mut stack = Stack::new(Profile::rfc9293(), [secret; 16]);
        stack.add_address(ours().ip());
        let socket = stack.connect(Instant::ZERO, Some(ours()), theirs(), None).unwrap();
        stack.status(socket).unwrap().detail.unwrap().iss
    };
    assert_ne!(iss(1), iss(2));
}

#[test]
fn ipv6_works_like_ipv4() {
    let profile = Profile::rfc9293();
    let mut pair = Pair::between(profile.clone(), profile, ["2001:db8::1", "2001:db8::2"]);
    pair.establish();
    let socket = pair.socket(Client);
    let detail = pair.host(Client).stack.status(socket).unwrap().detail.unwrap();
    assert_eq!(detail.mss, 1440, "the header is 20 octets longer");
    pair.send(Client, b"six").unwrap();
    pair.run(s(1));
    assert_eq!(pair.text(Server), b"six");
    pair.close(Client);
    pair.run(s(1));
    pair.close(Server);
    pair.run(s(1));
    assert_eq!(pair.states(), (TcpState::TimeWait, TcpState::Closed));
}

#[test]
fn a_fixed_sequence_number_wraps_in_the_middle_of_a_connection() {
    let mut profile = Profile::rfc9293();
    profile.isn = IsnSource::Fixed(u32::MAX - 2);
    let mut pair = Pair::connected(&profile);
    pair.send(Client, b"across the wrap").unwrap();
    pair.send(Server, b"and back").unwrap();
    pair.run(s(1));
    assert_eq!(pair.text(Server), b"across the wrap");
    assert_eq!(pair.text(Client), b"and back");
}
