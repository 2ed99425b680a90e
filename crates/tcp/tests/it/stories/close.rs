//! RFC 9293 §3.6: how connections end.

use twomsl_tcp::profile::TimeWaitRst;
use twomsl_tcp::wire::Segment;
use twomsl_tcp::{Profile, Readiness, SocketError, SocketOption, TcpState, TimerKind, Verdict};

use super::{has, has_text, ms, profiles, s, since};
use crate::harness::packets::{ACK, FIN, RST, SYN, Shape as _, segment};
use crate::harness::pair::{Client, End, Fate, Pair, Server};
use crate::harness::scene::{IN_FLIGHT, IRS, ISS, Scene, staged};

#[test]
fn four_segments_close_a_connection() {
    for profile in profiles() {
        let mut pair = Pair::connected(&profile);
        pair.shutdown(Client);
        pair.run(s(1));
        assert_eq!(pair.states(), (TcpState::FinWait2, TcpState::CloseWait));
        pair.shutdown(Server);
        pair.run(s(1));
        assert_eq!(pair.ladder(), ["> FIN,ACK", "< ACK", "< FIN,ACK", "> ACK"]);
        assert_eq!(
            pair.path(Client),
            "CLOSED SYN-SENT ESTABLISHED FIN-WAIT-1 FIN-WAIT-2 TIME-WAIT"
        );
        assert_eq!(pair.path(Server), "ESTABLISHED CLOSE-WAIT LAST-ACK CLOSED");
        pair.run_out();
        assert_eq!(pair.states(), (TcpState::Closed, TcpState::Closed));
    }
}

#[test]
fn three_segments_close_a_connection_when_the_answer_is_at_hand() {
    // The server closes before the acknowledgment of the FIN has left: FIN and ACK share one.
    let mut lab = Scene::FinWait1.with(staged(Profile::rfc9293()));
    let fin = lab.detail().snd_nxt;
    let (_, effects) = lab.arrive(segment(FIN | ACK, IRS + 1, fin));
    assert_eq!(effects.brief(), ["ACK"]);
    let path: Vec<_> = effects.changes().iter().map(|change| (change.from, change.to)).collect();
    assert_eq!(path, [(TcpState::FinWait1, TcpState::TimeWait)], "FIN-WAIT-2 is never seen");
}

#[test]
fn the_acknowledgment_of_a_fin_waits_for_the_answer_on_linux() {
    let apart: &[&str] = &["> FIN,ACK", "< ACK", "< FIN,ACK", "> ACK"];
    let closes: [(Profile, &[u8], &[&str]); 3] = [
        (Profile::rfc9293(), b"x", apart),
        // `tcp_fin` lets it wait like any other, and the server closes within those 40 ms.
        (Profile::linux(), b"x", &["> FIN,ACK", "< FIN,ACK", "> ACK"]),
        // Before any text the kernel has no idea how long to wait, and does not (`ato` is 0).
        (Profile::linux(), b"", apart),
    ];
    for (profile, before, segments) in closes {
        let mut pair = Pair::connected(&profile);
        pair.send(Client, before).unwrap();
        pair.run(ms(300));
        assert_eq!(pair.text(Server), before);
        pair.log.clear();
        pair.shutdown(Client);
        pair.run(ms(30));
        assert_eq!(pair.state(Server), TcpState::CloseWait);
        pair.shutdown(Server);
        pair.run(s(1));
        assert_eq!(pair.ladder(), segments, "{}", profile.name);
    }
}

#[test]
fn a_fin_that_comes_with_text_takes_its_quick_acknowledgment_back() {
    let mut lab = Scene::Established.with(staged(Profile::linux()));
    let last = segment(FIN | ACK, IRS + 1, lab.detail().snd_nxt).text(b"last words");
    let (_, effects) = lab.arrive(last);
    assert_eq!(effects.brief(), [""; 0]);
    assert_eq!(lab.timer(TimerKind::DelayedAck), Some(lab.now + ms(40)));
}

#[test]
fn two_closes_that_cross_meet_in_closing() {
    // RFC 9293 §3.6, figure 13.
    let mut pair = Pair::connected(&Profile::rfc9293());
    pair.shutdown(Client);
    pair.shutdown(Server);
    pair.run(s(1));
    assert_eq!(pair.ladder(), ["> FIN,ACK", "< FIN,ACK", "< ACK", "> ACK"]);
    assert!(pair.path(Client).ends_with("FIN-WAIT-1 CLOSING TIME-WAIT"), "{}", pair.path(Client));
    assert!(pair.path(Server).ends_with("FIN-WAIT-1 CLOSING TIME-WAIT"), "{}", pair.path(Server));
}

#[test]
fn a_half_closed_connection_still_carries_text_the_other_way() {
    let mut pair = Pair::connected(&Profile::rfc9293());
    pair.send(Client, b"question").unwrap();
    pair.shutdown(Client);
    pair.run(s(1));
    assert_eq!(pair.receive(Server), Ok((b"question".to_vec(), End::OfFile)));
    pair.send(Server, b"a long answer").unwrap();
    pair.run(s(1));
    assert_eq!(pair.receive(Client), Ok((b"a long answer".to_vec(), End::ForNow)));
    assert_eq!(pair.send(Client, b"more"), Err(SocketError::BrokenPipe));
    pair.shutdown(Server);
    pair.run(s(1));
    assert_eq!(pair.receive(Client), Ok((Vec::new(), End::OfFile)));
}

#[test]
fn the_fin_follows_all_that_was_written() {
    let mut pair = Pair::connected(&Profile::rfc9293());
    let text = crate::harness::packets::text(50_000);
    assert_eq!(pair.send(Client, &text), Ok(text.len()));
    pair.close(Client);
    assert_eq!(pair.state(Client), TcpState::FinWait1, "the state changes at once");
    let mut got = Vec::new();
    for _ in 0..100 {
        pair.run(ms(100));
        got.extend(pair.text(Server));
    }
    assert_eq!(got, text);
    assert_eq!(pair.receive(Server), Ok((Vec::new(), End::OfFile)));
}

#[test]
fn a_lost_fin_is_sent_again() {
    let mut pair = Pair::connected(&Profile::rfc9293());
    pair.fault(Client, Fate::Dropped, has(FIN));
    let start = pair.now;
    pair.shutdown(Client);
    pair.run(s(5));
    assert_eq!(since(start, &pair.times(Client, has(FIN))), [0, 1000]);
    assert_eq!(pair.states(), (TcpState::FinWait2, TcpState::CloseWait));
}

#[test]
fn a_lost_ack_of_a_fin_is_repaired_by_the_fin() {
    let mut pair = Pair::connected(&Profile::rfc9293());
    pair.fault(Server, Fate::Dropped, has(ACK));
    pair.shutdown(Client);
    pair.run(s(5));
    assert_eq!(pair.ladder(), ["> FIN,ACK", "< ACK", "> FIN,ACK", "< ACK"]);
    assert_eq!(pair.states(), (TcpState::FinWait2, TcpState::CloseWait));
}

#[test]
fn a_lost_last_ack_is_repaired_by_time_wait_which_starts_over() {
    for profile in profiles() {
        let mut pair = Pair::connected(&profile);
        pair.shutdown(Client);
        pair.run(s(1));
        pair.fault(Client, Fate::Dropped, has(ACK));
        pair.shutdown(Server);
        pair.run(ms(50));
        let before = pair.timer(Client, TimerKind::TimeWait).unwrap();
        assert_eq!(pair.states(), (TcpState::TimeWait, TcpState::LastAck));
        pair.run(s(5));
        assert_eq!(pair.states(), (TcpState::TimeWait, TcpState::Closed));
        assert_eq!(pair.times(Server, has(FIN)).len(), 2);
        let after = pair.timer(Client, TimerKind::TimeWait).unwrap();
        let again = pair.times(Client, |_| true).pop().unwrap();
        assert_eq!(after, again + profile.time_wait, "2MSL from the second FIN on");
        assert!(after > before);
    }
}

/// RFC 9293 §3.10.7.4 starts 2MSL over for the FIN only; Linux for every segment with an ACK.
#[test]
fn old_text_starts_time_wait_over_on_linux_only() {
    for (profile, starts_over) in profiles().into_iter().zip([false, true]) {
        // Else the reset that the answer draws ends it (RFC 1337).
        let profile = Profile { time_wait_rst: TimeWaitRst::Ignored, ..profile };
        let mut pair = Pair::connected(&profile);
        pair.fault(Server, Fate::Duplicated(s(10)), |segment| !segment.payload.is_empty());
        pair.send(Server, b"old").expect("it is established");
        pair.shutdown(Client);
        pair.run(ms(500));
        pair.shutdown(Server);
        pair.run(ms(50));
        let before = pair.timer(Client, TimerKind::TimeWait).unwrap();
        pair.run(s(10));
        let after = pair.timer(Client, TimerKind::TimeWait).unwrap();
        assert_eq!(after > before, starts_over, "{}: {before}, {after}", profile.name);
        assert_eq!(pair.state(Client), TcpState::TimeWait);
    }
}

#[test]
fn time_wait_lasts_as_long_as_the_profile_says() {
    // MUST-13.
    for (profile, seconds) in profiles().into_iter().zip([240, 60]) {
        let mut pair = Pair::connected(&profile);
        pair.shutdown(Client);
        pair.run(ms(500));
        pair.shutdown(Server);
        pair.run(ms(15));
        assert_eq!(pair.state(Client), TcpState::TimeWait);
        let entered = pair.now;
        pair.run(ms(seconds * 1000 - 6));
        assert_eq!(pair.state(Client), TcpState::TimeWait);
        pair.run(ms(6));
        assert_eq!(pair.state(Client), TcpState::Closed, "since {entered}");
        assert_eq!(pair.told(Client).last(), Some(&Readiness::Closed));
    }
}

#[test]
fn an_abort_resets_the_peer() {
    let mut pair = Pair::connected(&Profile::rfc9293());
    let (now, socket) = (pair.now, pair.socket(Client));
    pair.host(Client).stack.abort(now, socket).unwrap();
    pair.collect();
    pair.run(s(1));
    assert_eq!(pair.ladder(), ["> RST"]);
    assert_eq!(pair.told(Server).last(), Some(&Readiness::Failed(SocketError::ConnectionReset)));
    assert_eq!(pair.receive(Server), Err(SocketError::ConnectionReset), "told once");
    assert_eq!(pair.receive(Server), Ok((Vec::new(), End::OfFile)), "then the file has ended");
    assert_eq!(pair.send(Server, b"x"), Err(SocketError::BrokenPipe));
    assert_eq!(pair.host(Client).stack.status(socket).err(), Some(SocketError::BadSocket));
}

#[test]
fn a_close_with_unread_text_resets() {
    // SHLD-3; RFC 2525 §2.17.
    for profile in [Profile::rfc9293(), Profile::linux()] {
        let mut pair = Pair::connected(&profile);
        pair.send(Client, b"never read").unwrap();
        pair.run(s(1));
        pair.close(Server);
        pair.run(s(1));
        assert_eq!(pair.times(Server, has(RST)).len(), 1);
        assert_eq!(pair.states(), (TcpState::Closed, TcpState::Closed));
        assert_eq!(pair.receive(Client), Err(SocketError::ConnectionReset));
    }
}

#[test]
fn a_close_with_unread_text_is_a_fin_on_freebsd() {
    // `tcp_disconnect` throws away what was not read, and the peer is told nothing of it.
    let mut pair = Pair::connected(&Profile::freebsd());
    pair.send(Client, b"never read").unwrap();
    pair.run(s(1));
    pair.close(Server);
    pair.run(s(1));
    assert_eq!(pair.times(Server, has(RST)).len(), 0);
    assert_eq!(pair.states(), (TcpState::CloseWait, TcpState::FinWait2));
    assert_eq!(pair.receive(Client), Ok((Vec::new(), End::OfFile)));
}

#[test]
fn text_for_an_application_that_closed_resets() {
    // MAY-1, SHLD-3.
    let mut pair = Pair::connected(&Profile::rfc9293());
    pair.close(Server);
    pair.run(s(1));
    assert_eq!(pair.states(), (TcpState::CloseWait, TcpState::FinWait2));
    pair.send(Client, b"too late").unwrap();
    pair.run(s(1));
    assert_eq!(pair.ladder(), ["< FIN,ACK", "> ACK", "> ACK 8", "< RST"]);
    assert_eq!(pair.states(), (TcpState::Closed, TcpState::Closed));
}

#[test]
fn an_orphan_does_not_stay_in_fin_wait_2_for_ever_on_linux() {
    let mut pair = Pair::connected(&Profile::linux());
    pair.close(Client);
    pair.run(s(1));
    assert_eq!(pair.states(), (TcpState::FinWait2, TcpState::CloseWait));
    pair.run(s(58));
    assert_eq!(pair.state(Client), TcpState::FinWait2);
    pair.run(s(2));
    assert_eq!(pair.states(), (TcpState::Closed, TcpState::CloseWait));
    // What the peer says now meets nobody.
    pair.shutdown(Server);
    pair.run(s(1));
    assert_eq!(pair.times(Client, has(RST)).len(), 1);
}

#[test]
fn a_half_closed_connection_stays_in_fin_wait_2_as_long_as_it_is_held() {
    for profile in profiles() {
        let mut pair = Pair::connected(&profile);
        pair.shutdown(Client);
        pair.run(s(100_000));
        assert_eq!(pair.state(Client), TcpState::FinWait2);
    }
}

#[test]
fn lingering_for_no_time_resets() {
    let mut pair = Pair::connected(&Profile::linux());
    pair.option(Client, SocketOption::Linger(Some(s(0))));
    pair.send(Client, b"lost").unwrap();
    pair.close(Client);
    pair.run(s(1));
    assert_eq!(pair.ladder().last().unwrap(), "> RST");
    assert_eq!(pair.state(Client), TcpState::Closed, "no TIME-WAIT");
}

#[test]
fn lingering_ends_when_everything_is_acknowledged() {
    let mut pair = Pair::connected(&Profile::linux());
    pair.option(Client, SocketOption::Linger(Some(s(5))));
    pair.send(Client, b"last words").unwrap();
    pair.close(Client);
    assert!(!pair.told(Client).contains(&Readiness::LingerOver));
    let start = pair.now;
    pair.run(s(1));
    let told = pair.host(Client).told.clone();
    let over: Vec<_> = told.iter().filter(|(_, what)| *what == Readiness::LingerOver).collect();
    assert_eq!(over.len(), 1, "{told:?}");
    // Linux' peer lets the acknowledgment of the FIN wait.
    assert_eq!(over[0].0.since(start), ms(20 + 40), "one round trip, and a delayed ACK");
}

#[test]
fn lingering_ends_when_the_time_is_up() {
    let mut pair = Pair::connected(&Profile::linux());
    pair.option(Client, SocketOption::Linger(Some(s(5))));
    pair.cut(Client);
    pair.send(Client, b"last words").unwrap();
    pair.close(Client);
    pair.run(ms(4_999));
    assert!(!pair.told(Client).contains(&Readiness::LingerOver));
    pair.run(ms(2));
    assert!(pair.told(Client).contains(&Readiness::LingerOver));
    assert_eq!(pair.state(Client), TcpState::FinWait1, "the connection goes on without it");
}

#[test]
fn lingering_ends_when_the_peer_resets() {
    let mut lab = Scene::Established.with(staged(Profile::linux()));
    let linger = SocketOption::Linger(Some(s(5)));
    lab.stack.set_option(lab.now, lab.socket(), linger).unwrap();
    lab.stack.close(lab.now, lab.socket()).unwrap();
    assert!(lab.effects().told().is_empty());
    let (_, effects) = lab.arrive(segment(RST, IRS + 1, 0));
    assert_eq!(effects.told(), [Readiness::LingerOver], "close(2) must return");
}

#[test]
fn lingering_is_over_at_once_when_there_is_nothing_to_wait_for() {
    let linger = SocketOption::Linger(Some(s(5)));
    for scene in [Scene::SynSent, Scene::Established, Scene::FinWait2, Scene::TimeWait] {
        let mut lab = scene.with(staged(Profile::linux()));
        lab.stack.set_option(lab.now, lab.socket(), linger).unwrap();
        // Unread text: this close resets.
        lab.arrive(segment(ACK, IRS + 1, ISS + 1).text(b"unread"));
        lab.stack.close(lab.now, lab.socket()).unwrap();
        let told = lab.effects().told();
        assert!(told.contains(&Readiness::LingerOver), "{scene:?}: {told:?}");
    }
}

#[test]
fn a_fin_ahead_of_missing_text_waits_for_it() {
    let mut lab = Scene::Established.with(staged(Profile::rfc9293()));
    let (_, effects) = lab.arrive(segment(FIN | ACK, IRS + 1 + 5, ISS + 1));
    assert_eq!(lab.state(), TcpState::Established);
    assert_eq!(effects.only().ack.value(), IRS + 1, "a duplicate acknowledgment at once");
    let (_, effects) = lab.arrive(segment(ACK, IRS + 1, ISS + 1).text(b"hello"));
    assert_eq!(lab.state(), TcpState::CloseWait);
    assert_eq!(effects.only().ack.value(), IRS + 7);
}

#[test]
fn a_false_fin_ahead_does_not_keep_the_real_one_out() {
    let mut lab = Scene::Established.with(staged(Profile::rfc9293()));
    lab.arrive(segment(FIN | ACK, IRS + 1 + 50, ISS + 1));
    let text = crate::harness::packets::text(100);
    lab.arrive(segment(ACK, IRS + 1, ISS + 1).text(&text));
    lab.arrive(segment(FIN | ACK, IRS + 101, ISS + 1));
    assert_eq!(lab.state(), TcpState::CloseWait);
}

#[test]
fn closing_in_syn_received_sends_the_fin_before_the_handshake_is_over() {
    // RFC 9293 §3.10.4: no SENDs issued, so "form a FIN segment and send it".
    let mut lab = Scene::SynReceivedActive.with(staged(Profile::rfc9293()));
    lab.stack.close(lab.now, lab.socket()).unwrap();
    let effects = lab.effects();
    assert_eq!(lab.state(), TcpState::FinWait1);
    assert_eq!(effects.brief(), ["FIN,ACK"]);
    lab.arrive(segment(ACK, IRS + 1, ISS + 2));
    assert_eq!(lab.state(), TcpState::FinWait2);
}

#[test]
fn closing_in_syn_received_with_text_waits_for_established() {
    let mut lab = Scene::SynReceivedActive.with(staged(Profile::rfc9293()));
    lab.stack.send(lab.now, lab.socket(), b"text").unwrap();
    lab.stack.close(lab.now, lab.socket()).unwrap();
    assert_eq!(lab.effects().brief(), Vec::<String>::new());
    assert_eq!(lab.state(), TcpState::SynReceived);
    let (_, effects) = lab.arrive(segment(ACK, IRS + 1, ISS + 1));
    assert_eq!(effects.brief(), ["FIN,ACK 4"]);
    assert_eq!(lab.state(), TcpState::FinWait1);
}

#[test]
fn an_ack_of_text_but_not_of_the_fin_leaves_fin_wait_1_alone() {
    let mut lab = Scene::FinWait1.with(staged(Profile::rfc9293()));
    lab.arrive(segment(ACK, IRS + 1, ISS.wrapping_add(1 + IN_FLIGHT)));
    assert_eq!(lab.state(), TcpState::FinWait1);
    lab.arrive(segment(ACK, IRS + 1, ISS.wrapping_add(2 + IN_FLIGHT)));
    assert_eq!(lab.state(), TcpState::FinWait2);
}

#[test]
fn a_lossy_close_never_hangs() {
    // Every single packet of the close lost once, on its own.
    for lost in 0_u32..6 {
        for profile in profiles() {
            let mut pair = Pair::connected(&profile);
            let skip = std::cell::Cell::new(lost);
            let nth = move |_: &Segment| skip.replace(skip.get().saturating_sub(1)) == 0;
            let from = if lost % 2 == 0 { Client } else { Server };
            pair.fault(from, Fate::Dropped, nth);
            pair.send(Client, b"bye").unwrap();
            pair.close(Client);
            pair.run(s(10));
            assert_eq!(pair.receive(Server), Ok((b"bye".to_vec(), End::OfFile)));
            pair.close(Server);
            pair.run_out();
            assert_eq!(pair.states(), (TcpState::Closed, TcpState::Closed));
            assert!(pair.times(Client, has_text).len() <= 2);
            assert!(pair.times(Client, has(SYN)).is_empty());
        }
    }
}

/// The acknowledgment of the text was lost: text and FIN come together, and only the FIN is new.
#[test]
fn a_new_fin_behind_old_text_is_taken() {
    for profile in profiles() {
        let mut lab = Scene::Established.with(staged(profile));
        let hello = segment(ACK, IRS + 1, ISS + 1).text(b"hello");
        lab.arrive(hello.clone());
        let (arrival, _) = lab.arrive(Segment { flags: FIN | ACK, ..hello });
        assert_eq!((arrival.verdict, lab.state()), (Verdict::Accepted, TcpState::CloseWait));
    }
}
