//! RFC 5961, RFC 1337, RFC 9293 §3.5.2–3.5.3: resets, challenges, and what applications hear.

use twomsl_tcp::profile::TimeWaitRst;
use twomsl_tcp::wire::Packet;
use twomsl_tcp::{
    Profile, Readiness, SendReason, SocketError, SocketOption, TcpState, TimerKind, Verdict,
};

use super::{has, ms, profiles, s};
use crate::harness::lab::Lab;
use crate::harness::packets::{ACK, FIN, OURS, RST, SYN, Shape as _, THEIRS, segment};
use crate::harness::pair::{Client, Pair, Server};
use crate::harness::scene::{IRS, ISS, Scene, staged};

#[test]
fn nobody_listens_and_the_client_is_refused() {
    for profile in profiles() {
        let mut pair = Pair::alike(&profile);
        pair.connect();
        pair.run(s(1));
        assert_eq!(pair.ladder(), ["> SYN", "< RST,ACK"]);
        assert_eq!(pair.told(Client), [Readiness::Failed(SocketError::ConnectionRefused)]);
        assert_eq!(pair.receive(Client), Err(SocketError::ConnectionRefused));
        assert_eq!(pair.path(Client), "CLOSED SYN-SENT CLOSED");
    }
}

#[test]
fn a_reset_at_the_exact_number_is_believed_and_others_are_challenged() {
    // RFC 5961 §3.2.
    let mut lab = Scene::Established.with(staged(Profile::rfc9293()));
    let (arrival, effects) = lab.arrive(segment(RST, IRS + 2, 0));
    assert_eq!(arrival.verdict, Verdict::RstChallenged);
    assert_eq!(effects.reasons(), [SendReason::ChallengeAck]);
    assert_eq!(effects.only().ack.value(), IRS + 1);
    lab.arrive(segment(RST, IRS + 1, 0));
    assert_eq!(lab.state(), TcpState::Closed);
}

#[test]
fn challenges_are_limited_per_period() {
    // RFC 5961 §7: ten in five seconds.
    let mut lab = Scene::Established.with(staged(Profile::rfc9293()));
    let mut verdicts = Vec::new();
    for _ in 0..12 {
        verdicts.push(lab.arrive(segment(SYN, IRS, 0)).0.verdict);
    }
    assert_eq!(verdicts[..10], [Verdict::SynChallenged; 10]);
    assert_eq!(verdicts[10..], [Verdict::ChallengeLimited; 2]);
    lab.now += s(5);
    assert_eq!(lab.arrive(segment(SYN, IRS, 0)).0.verdict, Verdict::SynChallenged);
}

#[test]
fn linux_spaces_the_challenges_of_one_connection() {
    // tcp_invalid_ratelimit: 500 ms.
    let mut lab = Scene::Established.with(staged(Profile::linux()));
    let mut verdict = |wait| {
        lab.now += wait;
        lab.arrive(segment(SYN, IRS, 0)).0.verdict
    };
    assert_eq!(verdict(ms(0)), Verdict::SynChallenged);
    assert_eq!(verdict(ms(499)), Verdict::ChallengeLimited);
    assert_eq!(verdict(ms(1)), Verdict::SynChallenged);
}

#[test]
fn a_reset_ends_time_wait_unless_rfc_1337_says_no() {
    for (policy, state) in
        [(TimeWaitRst::Honoured, TcpState::Closed), (TimeWaitRst::Ignored, TcpState::TimeWait)]
    {
        let mut profile = staged(Profile::rfc9293());
        profile.time_wait_rst = policy;
        let mut lab = Scene::TimeWait.with(profile);
        lab.arrive(segment(RST, IRS + 2, 0));
        assert_eq!(lab.state(), state, "{policy:?}");
    }
}

#[test]
fn what_was_received_before_a_reset_is_lost_for_the_textbook_and_kept_by_linux() {
    let read = |profile: Profile| {
        let mut lab = Scene::Established.with(staged(profile));
        lab.arrive(segment(ACK, IRS + 1, ISS + 1).text(b"unread"));
        lab.arrive(segment(RST, IRS + 7, 0));
        let mut buffer = [0; 16];
        let first = lab.stack.receive(lab.now, lab.socket(), &mut buffer);
        (first, lab.stack.receive(lab.now, lab.socket(), &mut buffer))
    };
    let reset = Err(SocketError::ConnectionReset);
    assert_eq!(read(Profile::rfc9293()), (reset, Ok(0)));
    assert_eq!(read(Profile::linux()), (Ok(6), reset));
}

#[test]
fn no_end_of_file_stands_for_text_that_a_reset_threw_away() {
    let mut lab = Scene::Established.with(staged(Profile::rfc9293()));
    lab.arrive(segment(ACK | FIN, IRS + 1, ISS + 1).text(b"unread"));
    assert_eq!(lab.state(), TcpState::CloseWait);
    lab.arrive(segment(RST, IRS + 8, 0));
    let first = lab.stack.receive(lab.now, lab.socket(), &mut [0; 16]);
    assert_eq!(first, Err(SocketError::ConnectionReset));
}

#[test]
fn after_a_reset_in_close_wait_linux_says_epipe() {
    let error = |profile: Profile| {
        let mut lab = Scene::CloseWait.with(staged(profile));
        lab.arrive(segment(RST, IRS + 2, 0));
        lab.stack.take_error(lab.socket())
    };
    assert_eq!(error(Profile::rfc9293()), Some(SocketError::ConnectionReset));
    assert_eq!(error(Profile::linux()), Some(SocketError::BrokenPipe));
}

#[test]
fn a_pending_error_is_taken_by_asking() {
    let mut lab = Scene::Established.with(staged(Profile::linux()));
    lab.arrive(segment(RST, IRS + 1, 0));
    assert_eq!(lab.stack.take_error(lab.socket()), Some(SocketError::ConnectionReset));
    assert_eq!(lab.stack.take_error(lab.socket()), None);
    assert_eq!(lab.stack.send(lab.now, lab.socket(), b"x"), Err(SocketError::BrokenPipe));
}

#[test]
fn a_reset_answers_with_the_numbers_the_sender_expects() {
    // RFC 9293 §3.5.2, group 1.
    let mut lab = Lab::new(Profile::rfc9293());
    let (_, effects) = lab.arrive(segment(ACK, 100, 200).text(b"abc"));
    let reset = effects.only();
    assert_eq!((reset.flags, reset.seq.value()), (RST, 200));
    let (_, effects) = lab.arrive(segment(SYN, 100, 0).text(b"abc"));
    let reset = effects.only();
    assert_eq!((reset.flags, reset.seq.value(), reset.ack.value()), (RST | ACK, 0, 104));
    let (_, effects) = lab.arrive(segment(RST, 100, 0));
    assert!(effects.sent.is_empty(), "a reset is never answered");
}

#[test]
fn segments_from_and_to_impossible_addresses_are_not_answered() {
    // MUST-63, MUST-57.
    let mut lab = Scene::Listen.with(staged(Profile::rfc9293()));
    for source in ["0.0.0.0", "224.0.0.1", "255.255.255.255"] {
        let syn = Packet::tcp(source.parse().unwrap(), OURS, segment(SYN, 1, 0));
        let (arrival, effects) = lab.arrive_packet(syn);
        assert_eq!(arrival.verdict, Verdict::NotOurs, "from {source}");
        assert!(effects.sent.is_empty());
    }
    let elsewhere = Packet::tcp(THEIRS, "224.0.0.1".parse().unwrap(), segment(SYN, 1, 0));
    assert_eq!(lab.arrive_packet(elsewhere).0.verdict, Verdict::NotOurs);
}

#[test]
fn a_connection_cannot_be_opened_to_everybody() {
    // MUST-46.
    let mut lab = Lab::new(Profile::rfc9293());
    for remote in ["0.0.0.0:80", "224.0.0.1:80", "255.255.255.255:80", "10.0.0.2:0"] {
        let opened = lab.stack.connect(lab.now, None, remote.parse().unwrap(), None);
        assert_eq!(opened, Err(SocketError::InvalidArgument), "{remote}");
    }
    let opened = lab.stack.connect(lab.now, None, "[2001:db8::1]:80".parse().unwrap(), None);
    assert_eq!(opened, Err(SocketError::AddressNotAvailable), "no address of that family");
}

#[test]
fn a_rebooted_peer_resets_what_it_does_not_know() {
    let mut pair = Pair::connected(&Profile::linux());
    let (now, socket) = (pair.now, pair.socket(Server));
    pair.host(Server).stack.abort(now, socket).unwrap();
    while pair.host(Server).stack.poll().is_some() {}
    pair.send(Client, b"still there?").unwrap();
    pair.run(s(1));
    assert_eq!(pair.ladder(), ["> ACK 12", "< RST"]);
    assert_eq!(pair.send(Client, b"x"), Err(SocketError::ConnectionReset));
    assert_eq!(pair.times(Server, has(RST)).len(), 1);
}

#[test]
fn urgent_text_is_announced_and_counted() {
    // RFC 9293 §3.8.5: MUST-30, MUST-32, MUST-33, MUST-62.
    let mut pair = Pair::connected(&Profile::rfc9293());
    let (now, client, server) = (pair.now, pair.socket(Client), pair.socket(Server));
    pair.send(Client, b"calm ").unwrap();
    pair.run(s(1));
    pair.host(Client).stack.send_urgent(now, client, b"hurry").unwrap();
    pair.collect();
    let sent = pair.log.last().unwrap().segment.clone();
    assert_eq!((sent.urgent, sent.payload.len()), (5, 5), "it points behind the urgent text");
    pair.run(s(1));
    assert!(pair.told(Server).contains(&Readiness::Urgent));
    assert_eq!(pair.host(Server).stack.urgent_ahead(server), Ok(10));
    let (now, mut buffer) = (pair.now, [0; 7]);
    pair.host(Server).stack.receive(now, server, &mut buffer).unwrap();
    assert_eq!(pair.host(Server).stack.urgent_ahead(server), Ok(3));
    assert_eq!(pair.text(Server), b"rry");
    assert_eq!(pair.host(Server).stack.urgent_ahead(server), Ok(0));
    // "If the user has already been signaled, do not signal again", but for news.
    pair.host(Client).stack.send_urgent(now, client, b"again").unwrap();
    pair.collect();
    pair.run(s(1));
    let told = pair.told(Server);
    assert_eq!(told.iter().filter(|told| **told == Readiness::Urgent).count(), 2);
}

#[test]
fn urgent_text_of_any_length_is_urgent() {
    // MUST-31.
    let mut profile = Profile::rfc9293();
    profile.options.send_buffer = 200_000;
    let mut pair = Pair::connected(&profile);
    let (now, client, server) = (pair.now, pair.socket(Client), pair.socket(Server));
    let text = crate::harness::packets::text(150_000);
    let taken = pair.host(Client).stack.send_urgent(now, client, &text).unwrap();
    assert_eq!(taken, 150_000);
    pair.collect();
    let mut got = Vec::new();
    for _ in 0..200 {
        pair.run(ms(50));
        got.extend(pair.text(Server));
    }
    assert_eq!(got, text);
    assert_eq!(pair.host(Server).stack.urgent_ahead(server), Ok(0));
}

#[test]
fn a_bare_urgent_pointer_is_announced_before_its_text() {
    // MUST-32: asynchronously.
    let mut lab = Scene::Established.with(staged(Profile::rfc9293()));
    let (_, effects) = lab.arrive(segment(ACK, IRS + 1, ISS + 1).urgent(40));
    assert_eq!(effects.told(), [Readiness::Urgent]);
    assert_eq!(lab.stack.urgent_ahead(lab.socket()), Ok(40));
    let (_, effects) = lab.arrive(segment(ACK, IRS + 1, ISS + 1).urgent(40));
    assert!(effects.told().is_empty(), "nothing new");
}

#[test]
fn an_unanswered_fin_of_an_orphan_is_given_up_sooner() {
    // tcp_orphan_retries: 8 instead of 15, and before them the FIN and a tail loss probe.
    let tries = |end: fn(&mut Pair)| {
        let mut pair = Pair::connected(&Profile::linux());
        pair.cut(Client);
        end(&mut pair);
        pair.run_out();
        assert_eq!(pair.state(Client), TcpState::Closed);
        pair.log.len()
    };
    assert_eq!(tries(|pair| pair.shutdown(Client)), 17);
    assert_eq!(tries(|pair| pair.close(Client)), 10);
}

#[test]
fn a_user_timeout_of_nothing_is_off() {
    let mut lab = Scene::Established.with(staged(Profile::rfc9293()));
    for time in [s(5), s(0)] {
        let option = SocketOption::UserTimeout(time);
        lab.stack.set_option(lab.now, lab.socket(), option).unwrap();
        assert_eq!(lab.timer(TimerKind::UserTimeout).is_some(), time > s(0));
    }
    let mut profile = Profile::linux();
    profile.set("user-timeout", "0s").unwrap();
    assert_eq!(profile.options.user_timeout, None);
}
