//! Options of sockets, and what they do on the wire.

use twomsl_tcp::profile::CongestionControl;
use twomsl_tcp::{
    Linger2, Profile, Readiness, SocketError, SocketOption, TcpState, TimerKind, Verdict,
};

use super::{has, has_text, ms, profiles, s, since};
use crate::harness::lab::Lab;
use crate::harness::packets::{ACK, RST, SYN, Shape as _, ours, segment, text, theirs};
use crate::harness::pair::{Client, Fate, Pair, Server};
use crate::harness::scene::{IRS, ISS, staged};

/// A connection of ours that the peer has opened or we have, with no delay of small segments.
fn open(profile: &Profile, options: &[SocketOption]) -> Lab {
    let mut lab = Lab::new(staged(profile.clone()));
    let mut all = lab.stack.profile().options.clone();
    for option in options {
        all.set(*option);
    }
    let opened = lab.stack.connect(lab.now, Some(ours()), theirs(), Some(&all));
    lab.socket = Some(opened.expect("the 4-tuple is free"));
    lab.effects();
    lab.arrive(segment(SYN | ACK, IRS, ISS + 1).mss(1000).window(60_000));
    lab
}

fn write(lab: &mut Lab, octets: usize) -> Vec<String> {
    lab.stack.send(lab.now, lab.socket(), &text(octets)).expect("it is open");
    lab.effects().brief()
}

fn set(lab: &mut Lab, option: SocketOption) -> Vec<String> {
    lab.stack.set_option(lab.now, lab.socket(), option).expect("it can be set");
    lab.effects().brief()
}

#[test]
fn a_cork_holds_back_what_is_no_full_segment_until_it_is_taken_out() {
    for profile in profiles() {
        let mut lab = open(&profile, &[SocketOption::Cork(true)]);
        // Without the cork an idle connection would send it at once (RFC 9293 §3.7.4).
        assert!(write(&mut lab, 100).is_empty());
        assert_eq!(write(&mut lab, 1900), ["ACK 1000", "ACK 1000"]);
        assert!(write(&mut lab, 10).is_empty());
        lab.arrive(segment(ACK, IRS + 1, ISS.wrapping_add(2001)).window(60_000));
        assert_eq!(set(&mut lab, SocketOption::Cork(false)), ["ACK 10"], "{}", profile.name);
    }
}

#[test]
fn a_cork_holds_for_a_retransmission_timeout_at_most() {
    let mut lab = open(&Profile::linux(), &[SocketOption::Cork(true)]);
    write(&mut lab, 100);
    let wait = std::time::Duration::from_nanos(lab.detail().rto);
    assert_eq!(lab.timer(TimerKind::Persist), Some(lab.now + wait));
    assert_eq!(lab.next_timeout().expect("it runs").1.brief(), ["ACK 100"]);
}

#[test]
fn no_delay_flushes_what_a_cork_holds_and_the_cork_stays() {
    let mut lab = open(&Profile::linux(), &[SocketOption::Cork(true)]);
    write(&mut lab, 100);
    assert_eq!(set(&mut lab, SocketOption::NoDelay(true)), ["ACK 100"]);
    assert!(write(&mut lab, 100).is_empty());
}

#[test]
fn a_fin_takes_along_what_a_cork_holds() {
    let mut lab = open(&Profile::linux(), &[SocketOption::Cork(true)]);
    write(&mut lab, 100);
    lab.stack.close(lab.now, lab.socket()).expect("it is held");
    assert_eq!(lab.effects().brief(), ["FIN,ACK 100"]);
}

#[test]
fn a_writer_below_the_low_water_mark_is_woken_when_half_of_it_is_sent() {
    let mark = SocketOption::NotSentLowWater(4000);
    let reno = SocketOption::Congestion(CongestionControl::NewReno);
    let mut lab = open(&Profile::linux(), &[mark, reno]);
    // Ten segments fit into the congestion window: they are sent, and do not count.
    let taken = |lab: &mut Lab| {
        let mut all = 0;
        while let Ok(octets) = lab.stack.send(lab.now, lab.socket(), &text(20_000)) {
            all += octets;
        }
        lab.effects();
        all
    };
    // Linux asks before it begins a new part of the text, and a part is half of the peer's window.
    assert_eq!(taken(&mut lab), 40_000, "10,000 under way, and a part that was never sent");
    let (now, socket) = (lab.now, lab.socket());
    assert_eq!(lab.stack.send(now, socket, b"x"), Err(SocketError::WouldBlock));
    let unsent = |lab: &Lab| lab.stack.info(lab.now, lab.socket()).unwrap().tcpi_notsent_bytes;
    assert_eq!(unsent(&lab), 30_000);
    // An acknowledged segment lets two out in slow start: half of the mark, not less, is unsent.
    let mut left = Vec::new();
    for segment_number in 1..=15 {
        lab.now += ms(2);
        let ack = segment(ACK, IRS + 1, ISS.wrapping_add(1 + 1000 * segment_number));
        let told = lab.arrive(ack.window(60_000)).1.told();
        left.push((unsent(&lab), told));
    }
    assert!(left[..14].iter().all(|(_, told)| told.is_empty()), "{left:?}");
    assert_eq!(left[13].0, 2000);
    assert_eq!(left[14], (0, vec![Readiness::Writable]));
}

#[test]
fn without_the_mark_the_buffer_alone_decides() {
    let mut lab = open(&Profile::linux(), &[]);
    let (now, socket) = (lab.now, lab.socket());
    assert_eq!(lab.stack.send(now, socket, &text(60_000)), Ok(60_000));
}

/// A server whose accepted connections wait for text.
fn deferring(profile: &Profile, time: std::time::Duration) -> Pair {
    let mut profile = profile.clone();
    profile.options.set(SocketOption::DeferAccept(time));
    let mut pair = Pair::alike(&profile);
    pair.listen();
    pair.connect();
    pair
}

#[test]
fn a_listener_that_defers_hears_of_a_connection_with_its_first_text() {
    let mut pair = deferring(&Profile::linux(), s(10));
    pair.run(s(2));
    assert_eq!(pair.states().0, TcpState::Established);
    assert_eq!(pair.try_accept(), Err(SocketError::WouldBlock), "a bare ACK is nothing");
    pair.send(Client, b"hello").unwrap();
    pair.run(ms(50));
    pair.accept();
    assert_eq!(pair.text(Server), b"hello");
    // The SYN,ACK is not sent again meanwhile: its ACK was seen.
    assert_eq!(pair.times(Server, has(SYN)).len(), 1);
}

#[test]
fn at_the_end_of_the_time_the_syn_ack_is_sent_again_and_a_bare_ack_will_do() {
    // `secs_to_retrans`: three seconds are two timeouts, of one second and of two.
    let mut pair = deferring(&Profile::linux(), s(3));
    let start = pair.now + ms(10);
    pair.run(s(2));
    assert_eq!(pair.try_accept(), Err(SocketError::WouldBlock));
    pair.run(s(3));
    assert_eq!(since(start, &pair.times(Server, has(SYN))), [0, 3000]);
    pair.accept();
}

#[test]
fn what_defers_says_so() {
    let mut lab = Lab::new(staged(Profile::linux()));
    let mut options = lab.stack.profile().options.clone();
    options.set(SocketOption::DeferAccept(s(5)));
    lab.stack.listen(lab.now, ours(), 8, Some(&options)).expect("the port is free");
    lab.effects();
    lab.arrive(segment(SYN, IRS, 0));
    let (arrival, effects) = lab.arrive(segment(ACK, IRS + 1, ISS + 1));
    assert_eq!((arrival.verdict, effects.sent.len()), (Verdict::AcceptDeferred, 0));
    let (arrival, effects) = lab.arrive(segment(ACK, IRS + 1, ISS + 1).text(b"hello"));
    assert_eq!((arrival.verdict, arrival.text), (Verdict::Accepted, 5));
    assert!(effects.told().contains(&Readiness::Acceptable));
}

#[test]
fn a_syn_is_given_up_after_as_many_repetitions_as_the_socket_says() {
    let mut profile = Profile::linux();
    profile.syn_linear_timeouts = 0;
    profile.options.set(SocketOption::SynCount(2));
    let mut pair = Pair::alike(&profile);
    pair.cut(Client);
    pair.connect();
    let start = pair.now;
    pair.run_out();
    assert_eq!(since(start, &pair.times(Client, has(SYN))), [0, 1000, 3000]);
    assert_eq!(pair.told(Client), [Readiness::Failed(SocketError::TimedOut)]);
}

#[test]
fn a_listeners_count_is_that_of_its_syn_acks() {
    let mut profile = Profile::linux();
    profile.options.set(SocketOption::SynCount(1));
    let mut pair = Pair::new(Profile::linux(), profile);
    pair.listen();
    pair.cut(Server);
    pair.connect();
    // The client's own repetitions are answered too; the server's timer is what counts here.
    pair.faults(Client, u32::MAX, Fate::Dropped, |_| true);
    let start = pair.now + ms(10);
    pair.run(s(60));
    assert_eq!(since(start, &pair.times(Server, has(SYN))), [0, 1000]);
}

/// A connection whose server never closes, given up by its client.
fn half_closed(option: SocketOption) -> Pair {
    let mut pair = Pair::connected(&Profile::linux());
    pair.option(Client, option);
    pair.close(Client);
    pair
}

#[test]
fn fin_wait_2_of_an_orphan_lasts_as_long_as_the_socket_says() {
    let mut pair = half_closed(SocketOption::Linger2(Linger2::For(s(5))));
    pair.run(ms(100));
    assert_eq!(pair.states(), (TcpState::FinWait2, TcpState::CloseWait));
    pair.run(s(4));
    assert_eq!(pair.state(Client), TcpState::FinWait2);
    pair.run(s(1));
    assert_eq!(pair.state(Client), TcpState::Closed);
}

#[test]
fn without_fin_wait_2_an_orphan_resets() {
    let mut pair = half_closed(SocketOption::Linger2(Linger2::Never));
    pair.run(ms(100));
    // The acknowledgment of the FIN is answered as if nobody were there: `tcp_rcv_state_process`
    // has its caller do it.
    assert_eq!(pair.ladder().last().map(String::as_str), Some("> RST"));
    assert_eq!(pair.states(), (TcpState::Closed, TcpState::Closed));
    // Also when it is there already.
    let mut pair = Pair::connected(&Profile::linux());
    pair.option(Client, SocketOption::Linger2(Linger2::Never));
    pair.shutdown(Client);
    pair.run(ms(100));
    assert_eq!(pair.state(Client), TcpState::FinWait2);
    pair.close(Client);
    assert_eq!(pair.state(Client), TcpState::Closed);
    assert_eq!(pair.times(Client, has(RST)).len(), 1);
}

#[test]
fn linger2_is_bounded_as_on_linux() {
    let mut options = Profile::linux().options;
    options.set(SocketOption::Linger2(Linger2::For(s(600))));
    assert_eq!(options.linger2, Linger2::For(s(120)));
    options.set(SocketOption::Linger2(Linger2::For(s(0))));
    assert_eq!(options.linger2, Linger2::Default);
}

#[test]
fn a_clamp_bounds_the_window_that_is_offered() {
    for profile in profiles() {
        let mut clamped = profile.clone();
        clamped.options.set(SocketOption::WindowClamp(5000));
        let mut pair = Pair::new(profile.clone(), clamped);
        pair.establish();
        pair.send(Client, &text(30_000)).unwrap();
        let mut read = 0;
        for _ in 0..100 {
            pair.run(s(1));
            read += pair.text(Server).len();
        }
        assert_eq!(read, 30_000, "{}", profile.name);
        let shift = pair.info(Server).tcpi_rcv_wscale;
        let windows = pair.log.iter().filter(|sent| sent.from == Server);
        let most = windows.map(|sent| u32::from(sent.segment.window) << shift).max();
        // The scale rounds up, as in `__tcp_select_window`.
        let bound = 5000 + (1 << shift) - 1;
        assert!(most.is_some_and(|most| most <= bound), "{}: {most:?}", profile.name);
    }
}

#[test]
fn values_that_linux_refuses_are_refused() {
    let mut lab = open(&Profile::linux(), &[]);
    let refused = [
        SocketOption::MaxSegment(87),
        SocketOption::MaxSegment(32_768),
        SocketOption::SynCount(0),
        SocketOption::SynCount(128),
    ];
    for option in refused {
        let answer = lab.stack.set_option(lab.now, lab.socket(), option);
        assert_eq!(answer, Err(SocketError::InvalidArgument), "{option:?}");
    }
    let taken = [
        SocketOption::MaxSegment(88),
        SocketOption::MaxSegment(32_767),
        SocketOption::SynCount(1),
        SocketOption::SynCount(127),
    ];
    for option in taken {
        assert_eq!(lab.stack.set_option(lab.now, lab.socket(), option), Ok(()), "{option:?}");
    }
    set(&mut lab, SocketOption::MaxSegment(0));
    assert_eq!(lab.stack.options(lab.socket()).unwrap().max_segment, None);
}

#[test]
fn a_quick_ack_is_sent_at_once_and_not_for_ever() {
    for profile in profiles() {
        let mut lab = open(&profile, &[SocketOption::ReceiveBuffer(65_535)]);
        set(&mut lab, SocketOption::QuickAck(false));
        let mut at = IRS + 1;
        let mut arrive = |lab: &mut Lab| {
            let effects = lab.arrive(segment(ACK, at, ISS + 1).text(b"x")).1;
            at = at.wrapping_add(1);
            effects.brief()
        };
        assert!(arrive(&mut lab).is_empty(), "{}: it waits", profile.name);
        // Linux sends what is owed when nothing waits to be read.
        assert_eq!(lab.stack.receive(lab.now, lab.socket(), &mut [0; 10]), Ok(1));
        assert!(lab.effects().sent.is_empty());
        assert_eq!(set(&mut lab, SocketOption::QuickAck(true)), ["ACK"], "what was owed");
        let quick = (0..30).take_while(|_| !arrive(&mut lab).is_empty()).count();
        // There the option only ends the interactive mode. The first of the 16 that the connection
        // began with is used up by now.
        let left = if profile.name == "linux" { 15 } else { 16 };
        assert_eq!(quick, left, "{}", profile.name);
    }
}

#[test]
fn peeking_leaves_the_text_where_it_is_and_tells_the_peer_nothing() {
    let mut lab = open(&Profile::rfc9293(), &[]);
    lab.arrive(segment(ACK, IRS + 1, ISS + 1).text(b"hello"));
    let mut seen = Vec::new();
    let octets = lab.stack.peek(lab.socket(), 4, |piece| seen.extend_from_slice(piece));
    assert_eq!((octets, seen.as_slice()), (Ok(4), &b"hell"[..]));
    assert!(lab.effects().sent.is_empty());
    let mut buffer = [0; 10];
    assert_eq!(lab.stack.receive(lab.now, lab.socket(), &mut buffer), Ok(5));
}

#[test]
fn the_pending_error_is_taken_by_asking() {
    let mut lab = open(&Profile::linux(), &[]);
    lab.arrive(segment(RST, IRS + 1, 0));
    assert_eq!(lab.stack.take_error(lab.socket()), Some(SocketError::ConnectionReset));
    assert_eq!(lab.stack.take_error(lab.socket()), None);
}

#[test]
fn tcp_info_counts_what_went_over_the_wire() {
    let mut pair = Pair::connected(&Profile::linux());
    pair.fault(Client, Fate::Dropped, has_text);
    pair.send(Client, &text(5000)).unwrap();
    pair.run(s(5));
    assert_eq!(pair.text(Server).len(), 5000);
    let (client, server) = (pair.info(Client), pair.info(Server));
    assert_eq!(client.tcpi_state, 1);
    // The SYN counts (`tcp_snd_una_update`).
    assert_eq!((client.tcpi_bytes_acked, server.tcpi_bytes_received), (5001, 5000));
    assert_eq!((client.tcpi_total_retrans, client.tcpi_bytes_retrans), (1, 1448));
    assert_eq!(client.tcpi_bytes_sent, 6448);
    assert_eq!((client.tcpi_data_segs_out, server.tcpi_data_segs_in), (5, 4));
    assert_eq!((client.tcpi_delivered, client.tcpi_unacked), (5, 0));
    assert_eq!((client.tcpi_snd_wscale, client.tcpi_rcv_wscale), (7, 7));
    assert_eq!(client.tcpi_options, 7, "timestamps, SACK, window scale");
    assert_eq!((client.tcpi_snd_mss, client.tcpi_advmss, client.tcpi_pmtu), (1448, 1448, 1500));
    assert_eq!((client.tcpi_min_rtt, client.tcpi_segs_in), (20_000, server.tcpi_segs_out));
    assert_eq!(server.tcpi_rcv_ooopack, 3, "the small one does not wait for full ones");
    assert!(client.tcpi_last_data_sent > 4000, "milliseconds: {}", client.tcpi_last_data_sent);
}

#[test]
fn tcp_info_tells_of_a_recovery_while_it_lasts() {
    let mut pair = Pair::connected(&Profile::linux());
    assert_eq!(pair.info(Client).tcpi_ca_state, 0);
    pair.cut(Client);
    pair.send(Client, &text(5000)).unwrap();
    let before = pair.info(Client);
    assert_eq!((before.tcpi_unacked, before.tcpi_snd_cwnd), (4, 10));
    assert_eq!(before.tcpi_notsent_bytes, 0, "no other small segment is under way");
    assert_eq!(before.tcpi_snd_ssthresh, 0x7fff_ffff, "there is none yet");
    pair.run(s(1));
    let info = pair.info(Client);
    assert_eq!((info.tcpi_ca_state, info.tcpi_snd_cwnd), (4, 1), "TCP_CA_Loss");
    assert!(info.tcpi_retransmits > 0 && info.tcpi_backoff == info.tcpi_retransmits);
    assert_eq!(info.tcpi_rto, before.tcpi_rto << info.tcpi_backoff);
}

#[test]
fn tcp_info_of_a_listener_is_its_queue() {
    let mut pair = Pair::alike(&Profile::linux());
    pair.listen();
    pair.connect();
    pair.run(ms(100));
    let listener = pair.listener.expect("the server listens");
    let now = pair.now;
    let info = pair.host(Server).stack.info(now, listener).unwrap();
    assert_eq!((info.tcpi_state, info.tcpi_unacked, info.tcpi_sacked), (10, 1, 8));
}
