//! TCP Fast Open (RFC 7413): text in the SYN, for a client that has a cookie.

use bytes::Bytes;
use twomsl_tcp::profile::Offer;
use twomsl_tcp::wire::{Segment, SeqNum, TcpOption};
use twomsl_tcp::{Instant, Profile, Readiness, Shutdown, SocketError, SocketOption, TcpState};

use super::{has, ms, s};
use crate::harness::lab::Lab;
use crate::harness::packets::{ACK, RST, SYN, Shape as _, ours, segment};
use crate::harness::pair::{Client, End, Fate, Pair, Server};
use crate::harness::scene::{IRS, staged};

fn profile() -> Profile {
    Profile { fast_open_server: Offer::Yes, ..Profile::linux() }
}

/// The cookie of a segment; empty for a request.
fn cookie(segment: &Segment) -> Option<Vec<u8>> {
    segment.options.iter().find_map(|option| match option {
        Ok(TcpOption::FastOpen(cookie)) => Some(cookie.to_vec()),
        _ => None,
    })
}

/// Two hosts, and a listener for which so many connections may be open early.
fn pair(most: u32) -> Pair {
    let mut pair = Pair::alike(&profile());
    pair.listen();
    let (now, listener) = (pair.now, pair.listener.unwrap());
    let option = SocketOption::FastOpen(most);
    pair.host(Server).stack.set_option(now, listener, option).unwrap();
    pair
}

fn connect(pair: &mut Pair, text: &'static [u8]) {
    let (now, service) = (pair.now, pair.service());
    let mut text = Bytes::from_static(text);
    let client = &mut pair.host(Client).stack;
    let socket = client.connect_with_text(now, None, service, None, &mut text).unwrap();
    assert!(text.is_empty(), "the send buffer has room");
    pair.host(Client).socket = Some(socket);
    pair.collect();
}

/// The client has been there before, and has a cookie.
fn acquainted(most: u32) -> Pair {
    let mut pair = pair(most);
    connect(&mut pair, b"first");
    pair.run(s(1));
    pair.accept();
    pair.close(Client);
    assert_eq!(pair.receive(Server), Ok((b"first".to_vec(), End::ForNow)));
    pair.run(s(1));
    pair.close(Server);
    pair.run(s(1));
    pair.log.clear();
    pair.host(Client).path.clear();
    pair
}

#[test]
fn the_first_time_a_client_asks_for_a_cookie() {
    let mut pair = pair(5);
    connect(&mut pair, b"hello");
    pair.run(s(1));
    let cookies: Vec<_> = pair.log.iter().map(|sent| cookie(&sent.segment)).collect();
    assert_eq!(cookies[0], Some(vec![]), "the SYN asks");
    assert_eq!(cookies[1].as_ref().map(Vec::len), Some(8), "the SYN,ACK answers");
    assert!(cookies[2..].iter().all(Option::is_none));
    assert_eq!(pair.ladder()[..3], ["> SYN", "< SYN,ACK", "> ACK 5"], "no text in the SYN");
}

#[test]
fn with_a_cookie_text_is_answered_before_the_handshake_is_over() {
    let mut pair = acquainted(5);
    let start = pair.now;
    connect(&mut pair, b"question");
    pair.run(ms(10));
    // The application has the text after half a round trip, and its answer leaves at once.
    pair.accept();
    assert_eq!(pair.state(Server), TcpState::SynReceived);
    assert_eq!(pair.text(Server), b"question");
    assert_eq!(pair.send(Server, b"answer"), Ok(6));
    pair.run(ms(10));
    assert_eq!(pair.text(Client), b"answer");
    assert_eq!(pair.now, start + ms(20), "one round trip");
    pair.run(ms(20));
    assert_eq!(pair.states(), (TcpState::Established, TcpState::Established));
    let log = pair.ladder();
    assert_eq!(log[..3], ["> SYN 8", "< SYN,ACK", "< ACK 6"], "{log:?}");
    assert_eq!(pair.log[1].segment.ack, pair.log[0].segment.seq + 9, "the text is acknowledged");
}

/// A client that waits for its connection and has had all its text in the SYN, 30 ms later.
fn waiting_client() -> Pair {
    let mut pair = acquainted(5);
    connect(&mut pair, b"question");
    let (now, socket) = (pair.now, pair.host(Client).socket.unwrap());
    pair.host(Client).stack.expect_writer(now, socket).unwrap();
    pair.run(ms(10));
    pair.accept();
    pair.run(ms(20));
    assert_eq!(pair.state(Client), TcpState::Established);
    assert_eq!(pair.ladder(), ["> SYN 8", "< SYN,ACK"], "no ACK");
    pair
}

/// `sk_write_pending` in `tcp_rcv_synsent_state_process`.
#[test]
fn a_client_that_waits_acknowledges_with_its_next_text_or_the_answer_or_later() {
    let mut pair = waiting_client();
    assert_eq!(pair.send(Client, b"more"), Ok(4));
    pair.run(ms(0));
    assert_eq!(pair.ladder()[2..], ["> ACK 4"]);
    let mut pair = waiting_client();
    assert_eq!(pair.send(Server, b"answer"), Ok(6));
    pair.run(ms(10));
    assert_eq!(pair.ladder()[2..], ["< ACK 6", "> ACK"]);
    // TCP_DELACK_MAX, from the SYN,ACK on.
    let mut pair = waiting_client();
    pair.run(ms(189));
    assert_eq!(pair.ladder().len(), 2);
    pair.run(ms(1));
    assert_eq!(pair.ladder()[2..], ["> ACK"]);
}

#[test]
fn a_server_may_answer_and_close_before_the_handshake_is_over() {
    let mut pair = acquainted(5);
    connect(&mut pair, b"question");
    pair.run(ms(10));
    pair.accept();
    assert_eq!(pair.text(Server), b"question");
    pair.send(Server, b"answer").unwrap();
    pair.close(Server);
    pair.run(s(1));
    assert_eq!(pair.receive(Client), Ok((b"answer".to_vec(), End::OfFile)));
    pair.close(Client);
    pair.run(s(200));
    assert_eq!(pair.states(), (TcpState::Closed, TcpState::Closed));
}

#[test]
fn a_lost_syn_is_sent_again_without_text_and_without_the_option() {
    let mut pair = acquainted(5);
    pair.fault(Client, Fate::Dropped, has(SYN));
    connect(&mut pair, b"question");
    pair.run(s(2));
    pair.accept();
    assert_eq!(pair.text(Server), b"question");
    let log = pair.ladder();
    assert_eq!(log[..5], ["> SYN 8", "> SYN", "< SYN,ACK", "> ACK 8", "< ACK"], "{log:?}");
    assert_eq!(cookie(&pair.log[1].segment), None);
}

#[test]
fn a_lost_syn_ack_is_made_up_for() {
    let mut pair = acquainted(5);
    pair.fault(Server, Fate::Dropped, has(SYN));
    connect(&mut pair, b"question");
    pair.run(s(5));
    pair.accept();
    assert_eq!(pair.text(Server), b"question");
    assert_eq!(pair.states(), (TcpState::Established, TcpState::Established));
}

#[test]
fn a_server_that_has_lost_its_secret_refuses_text_and_grants_a_new_cookie() {
    let mut pair = acquainted(5);
    // It starts again with another one.
    let (now, service) = (pair.now, pair.service());
    let server = &mut pair.host(Server).stack;
    server.restart([99; 16]);
    let listener = server.listen(now, service, 8, None).unwrap();
    server.set_option(now, listener, SocketOption::FastOpen(5)).unwrap();
    pair.listener = Some(listener);
    connect(&mut pair, b"question");
    pair.run(ms(25));
    let log = pair.ladder();
    assert_eq!(log[..3], ["> SYN 8", "< SYN,ACK", "> ACK 8"], "{log:?}");
    let syn_ack = &pair.log[1].segment;
    assert_eq!(syn_ack.ack, pair.log[0].segment.seq + 1, "the text is not taken");
    assert!(cookie(syn_ack).is_some_and(|new| Some(new) != cookie(&pair.log[0].segment)));
    pair.run(s(1));
    pair.accept();
    assert_eq!(pair.text(Server), b"question", "it is sent again at once");
    pair.log.clear();
    connect(&mut pair, b"again");
    pair.run(ms(10));
    pair.accept();
    assert_eq!(pair.text(Server), b"again", "the new cookie is good");
}

#[test]
fn more_than_the_segment_that_the_server_takes_follows_the_handshake() {
    let mut pair = acquainted(5);
    connect(&mut pair, &[b'x'; 4000]);
    pair.run(ms(10));
    // 1460 octets less 40 for options.
    assert_eq!(pair.ladder(), ["> SYN 1420", "< SYN,ACK"]);
    pair.accept();
    assert_eq!(pair.text(Server).len(), 1420);
    pair.run(s(1));
    assert_eq!(pair.text(Server).len(), 4000 - 1420);
}

#[test]
fn nobody_uses_it_unasked() {
    for (client, server, most) in
        [(Offer::No, Offer::Yes, 5), (Offer::Yes, Offer::No, 5), (Offer::Yes, Offer::Yes, 0)]
    {
        let profile = |client, server| Profile {
            fast_open_client: client,
            fast_open_server: server,
            ..Profile::linux()
        };
        let mut pair = Pair::new(profile(client, Offer::No), profile(Offer::No, server));
        pair.listen();
        let (now, listener) = (pair.now, pair.listener.unwrap());
        let option = SocketOption::FastOpen(most);
        pair.host(Server).stack.set_option(now, listener, option).unwrap();
        connect(&mut pair, b"hello");
        pair.run(s(1));
        assert_eq!(cookie(&pair.log[0].segment).is_some(), client == Offer::Yes);
        assert!(pair.log[1..].iter().all(|sent| cookie(&sent.segment).is_none()), "no cookie");
        pair.accept();
        assert_eq!(pair.text(Server), b"hello", "the text comes all the same");
    }
}

/// A server, seen from a peer that the test plays, and the cookie it gives that peer.
fn server(most: u32) -> (Lab, Vec<u8>) {
    let mut lab = Lab::new(Profile { fast_open_server: Offer::Yes, ..staged(Profile::linux()) });
    lab.listener = Some(lab.stack.listen(lab.now, ours(), 8, None).unwrap());
    let listener = lab.listener.unwrap();
    lab.stack.set_option(lab.now, listener, SocketOption::FastOpen(most)).unwrap();
    let (_, effects) = lab.arrive(with_cookie(segment(SYN, IRS, 0).sent_from(1), &[]));
    let cookie = cookie(&effects.only()).unwrap();
    lab.arrive(segment(RST, IRS + 1, 0).sent_from(1));
    (lab, cookie)
}

fn with_cookie(mut segment: Segment, cookie: &[u8]) -> Segment {
    segment.options.push(TcpOption::FastOpen(cookie)).unwrap();
    segment
}

fn fast_syn(port: u16, cookie: &[u8]) -> Segment {
    with_cookie(segment(SYN, IRS, 0).sent_from(port), cookie).text(b"hello")
}

#[test]
fn only_so_many_may_be_open_early() {
    // RFC 7413 §5.1.
    let (mut lab, cookie) = server(1);
    let (arrival, effects) = lab.arrive(fast_syn(2, &cookie));
    assert_eq!((arrival.text, effects.told()), (5, vec![Readiness::Acceptable]));
    let (arrival, effects) = lab.arrive(fast_syn(3, &cookie));
    assert!(effects.told().is_empty());
    assert_eq!(effects.only().ack, SeqNum::new(IRS + 1), "an ordinary handshake");
    assert_eq!(arrival.text, 0, "Linux keeps none for later");
    // The first handshake is over: there is room again.
    let iss = effects.only().seq;
    lab.arrive(segment(ACK, IRS + 6, (iss + 1).value()).sent_from(2));
    let (_, effects) = lab.arrive(fast_syn(4, &cookie));
    assert_eq!(effects.told(), [Readiness::Acceptable]);
}

#[test]
fn a_cookie_is_for_one_address() {
    let (mut lab, cookie) = server(5);
    let mut wrong = cookie.clone();
    wrong[0] ^= 1;
    let (_, effects) = lab.arrive(fast_syn(2, &wrong));
    assert_eq!(effects.only().ack, SeqNum::new(IRS + 1));
    let stranger = twomsl_tcp::wire::Packet::tcp(
        "10.0.0.3".parse().unwrap(),
        ours().ip(),
        fast_syn(2, &cookie),
    );
    let (_, effects) = lab.arrive_packet(stranger);
    assert_eq!(effects.only().ack, SeqNum::new(IRS + 1), "a forged address has no good cookie");
}

#[test]
fn a_reset_ends_what_is_open_early_and_the_application_hears_of_it() {
    let (mut lab, cookie) = server(1);
    let (arrival, _) = lab.arrive(fast_syn(2, &cookie));
    let socket = lab.stack.accept(lab.now, lab.listener.unwrap()).unwrap();
    assert_eq!(arrival.socket, Some(socket));
    lab.arrive(segment(RST, IRS + 6, 0).sent_from(2));
    let mut buffer = [0; 8];
    // Linux keeps what was received.
    assert_eq!(lab.stack.receive(lab.now, socket, &mut buffer), Ok(5));
    let read = lab.stack.receive(lab.now, socket, &mut buffer);
    assert_eq!(read, Err(SocketError::ConnectionReset));
    let (_, effects) = lab.arrive(fast_syn(3, &cookie));
    assert_eq!(effects.told(), [Readiness::Acceptable], "its place is free");
}

#[test]
fn a_client_that_never_completes_the_handshake_is_given_up() {
    let (mut lab, cookie) = server(1);
    lab.arrive(fast_syn(2, &cookie));
    let socket = lab.stack.accept(lab.now, lab.listener.unwrap()).unwrap();
    lab.stack.send(lab.now, socket, b"answer").unwrap();
    let effects = lab.pass(s(200));
    let again = effects.brief().iter().filter(|sent| *sent == "SYN,ACK").count();
    assert_eq!(again, 5, "tcp_synack_retries, and never the text");
    assert_eq!(effects.brief().len(), 6, "but for the first time: {:?}", effects.brief());
    assert_eq!(lab.stack.take_error(socket), Some(SocketError::TimedOut));
}

#[test]
fn an_orphan_that_is_open_early_ends_like_any_other() {
    let (mut lab, cookie) = server(1);
    lab.arrive(fast_syn(2, &cookie));
    let socket = lab.stack.accept(lab.now, lab.listener.unwrap()).unwrap();
    let mut buffer = [0; 8];
    assert_eq!(lab.stack.receive(lab.now, socket, &mut buffer), Ok(5));
    lab.stack.shutdown(lab.now, socket, Shutdown::Both).unwrap();
    lab.stack.close(lab.now, socket).unwrap();
    lab.pass(s(1000));
    assert_eq!(lab.stack.sockets().count(), 1, "the listener");
    assert!(lab.now > Instant::ZERO);
}

/// A stack that listens, with these parameters, and a SYN of the peer with text.
fn served(changes: &[(&str, &str)]) -> (Lab, Segment) {
    let mut profile = staged(Profile::linux());
    for (name, value) in changes {
        profile.set(name, value).expect("the parameter exists");
    }
    let mut lab = Lab::new(profile);
    lab.listener = Some(lab.stack.listen(lab.now, ours(), 8, None).expect("nobody listens yet"));
    (lab, segment(SYN, IRS, 0).mss(1000).text(b"hello"))
}

/// How much of the text of a SYN its answer acknowledges.
fn taken(lab: &mut Lab, syn: Segment) -> u32 {
    lab.arrive(syn).1.only().ack.since(SeqNum::new(IRS + 1))
}

#[test]
fn a_server_may_do_without_cookies_and_without_being_asked() {
    // TFO_SERVER_COOKIE_NOT_REQD and TFO_SERVER_WO_SOCKOPT1, bits 9 and 10 of tcp_fastopen.
    for (bits, expected) in [("0x602", 5), ("0x202", 0), ("0x402", 0), ("0x600", 0)] {
        let (mut lab, syn) = served(&[("net.ipv4.tcp_fastopen", bits)]);
        assert_eq!(taken(&mut lab, syn), expected, "{bits}");
    }
}

#[test]
fn a_cookie_in_the_experimental_option_is_as_good() {
    // RFC 6994, with the number that Linux used before there was an option.
    let (mut lab, syn) = served(&[("net.ipv4.tcp_fastopen", "0x403")]);
    let with = |data: &[u8]| {
        let mut syn = syn.clone();
        syn.options.push(TcpOption::Unknown { kind: 254, data }).expect("there is room");
        syn
    };
    let (_, effects) = lab.arrive(with(&[0xf9, 0x89]));
    let answer = effects.only();
    let option = answer.options.iter().flatten().find_map(|option| match option {
        TcpOption::Unknown { kind: 254, data } => Some(data.to_vec()),
        _ => None,
    });
    let cookie = option.expect("a cookie in the same option");
    assert_eq!((cookie.len(), &cookie[..2]), (10, &[0xf9, 0x89][..]));
    assert_eq!(answer.ack, SeqNum::new(IRS + 1), "the text is not taken yet");
    let mut again = with(&cookie).sent_from(4001);
    again.seq = SeqNum::new(IRS);
    assert_eq!(taken(&mut lab, again), 5);
    let wrong = [&cookie[..9], &[cookie[9] ^ 1][..]].concat();
    assert_eq!(taken(&mut lab, with(&wrong).sent_from(4002)), 0);
}
