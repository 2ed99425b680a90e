//! SYN cookies (RFC 4987 §3.6): what a listener does when its SYN queue is full, as Linux does it.

use twomsl_tcp::profile::SynCookies;
use twomsl_tcp::wire::{Flags, Segment, SeqNum, TcpOption};
use twomsl_tcp::{
    Arrival, Cause, Profile, Readiness, SendReason, SocketOption, StateChange, SynTaken, TcpState,
    Verdict,
};

use super::{ms, s};
use crate::harness::lab::{Effects, Lab};
use crate::harness::packets::{ACK, FIN, RST, SYN, Shape as _, ours, segment};
use crate::harness::scene::IRS;

/// The peer's clock.
const CLOCK: u32 = 1_000_000;

/// A listener with this backlog, on Linux.
fn listening(syn_cookies: SynCookies, backlog: u32) -> Lab {
    let mut lab = Lab::new(Profile { syn_cookies, ..Profile::linux() });
    lab.listener = Some(lab.stack.listen(lab.now, ours(), backlog, None).unwrap());
    lab.effects();
    lab
}

/// One whose SYN queue is full of SYNs that nobody will follow up.
fn flooded(syn_cookies: SynCookies) -> Lab {
    let mut lab = listening(syn_cookies, 1);
    for port in [1, 2] {
        let (arrival, _) = lab.arrive(segment(SYN, IRS, 0).sent_from(port));
        assert_eq!(arrival.verdict, Verdict::Accepted);
    }
    lab
}

/// The SYN,ACK that answers this SYN.
fn cookie_for(lab: &mut Lab, syn: Segment) -> Segment {
    let (arrival, effects) = lab.arrive(syn);
    assert_eq!((arrival.verdict, arrival.syn), (Verdict::SynCookie, SynTaken::No));
    assert_eq!(effects.reasons(), [SendReason::SynCookie]);
    assert_eq!(effects.sent[0].socket, None, "no socket remembers it");
    assert!(effects.changes().is_empty());
    effects.only()
}

/// The ACK of that SYN,ACK, from port 4000.
fn ack_of(answer: &Segment) -> Segment {
    segment(ACK, answer.ack.value(), (answer.seq + 1).value())
}

fn syn() -> Segment {
    segment(SYN, IRS, 0).mss(1400)
}

/// With every option that Linux' SYN has.
fn rich_syn() -> Segment {
    let mut syn = syn();
    let stamps = TcpOption::Timestamps { value: CLOCK, echo: 0 };
    for option in [TcpOption::SackPermitted, stamps, TcpOption::WindowScale(9)] {
        syn.options.push(option).unwrap();
    }
    syn
}

/// With the timestamps that follow from it.
fn stamped(mut ack: Segment, answer: &Segment) -> Segment {
    let (value, _) = answer.options.timestamps().expect("the SYN,ACK has timestamps");
    ack.options.push(TcpOption::Timestamps { value: CLOCK + 20, echo: value }).unwrap();
    ack
}

fn came_back(lab: &mut Lab, ack: Segment) -> (Arrival, Effects) {
    let (arrival, effects) = lab.arrive(ack);
    lab.socket = arrival.socket;
    (arrival, effects)
}

#[test]
fn a_cookie_stands_for_the_syn_queue() {
    let mut lab = flooded(SynCookies::WhenFull);
    let before = lab.stack.sockets().count();
    let answer = cookie_for(&mut lab, syn());
    assert_eq!(answer.flags, SYN | ACK);
    assert_eq!(answer.ack, SeqNum::new(IRS + 1));
    assert_eq!((lab.stack.sockets().count(), lab.stack.next_deadline().is_some()), (before, true));
    lab.now += ms(20);
    // A small window would make segments small, too.
    let (arrival, effects) = came_back(&mut lab, ack_of(&answer).window(60_000));
    assert_eq!((arrival.verdict, arrival.syn), (Verdict::Accepted, SynTaken::FromCookie));
    let arrows: Vec<_> = effects
        .changes()
        .into_iter()
        .map(|StateChange { from, to, cause, .. }| (from, to, cause))
        .collect();
    assert_eq!(
        arrows,
        [
            (TcpState::Listen, TcpState::SynReceived, Cause::SynCookie),
            (TcpState::SynReceived, TcpState::Established, Cause::AckOfSyn),
        ]
    );
    assert_eq!(effects.told(), [Readiness::Acceptable]);
    assert_eq!(lab.stack.accept(lab.now, lab.listener.unwrap()).ok(), arrival.socket);
    let detail = lab.detail();
    assert_eq!((detail.iss, detail.irs), (answer.seq.value(), IRS));
    assert_eq!((detail.snd_una, detail.snd_nxt), (detail.iss + 1, detail.iss + 1));
    // Of four values the largest that is not larger.
    assert_eq!(detail.mss, 1300);
}

#[test]
fn both_directions_work_over_a_cookie() {
    let mut lab = flooded(SynCookies::WhenFull);
    let answer = cookie_for(&mut lab, syn());
    // The ACK of the handshake was lost: the first text says as much.
    let (arrival, _) = came_back(&mut lab, ack_of(&answer).text(b"hello"));
    assert_eq!(arrival.text, 5);
    let socket = lab.stack.accept(lab.now, lab.listener.unwrap()).unwrap();
    let mut buffer = [0; 16];
    assert_eq!(lab.stack.receive(lab.now, socket, &mut buffer), Ok(5));
    lab.effects();
    lab.stack.send(lab.now, socket, b"welcome").unwrap();
    let sent = lab.effects().only();
    assert_eq!((sent.seq, sent.payload.len()), (answer.seq + 1, 7));
}

#[test]
fn without_timestamps_the_options_are_lost() {
    let mut lab = flooded(SynCookies::WhenFull);
    let mut syn = syn();
    for option in [TcpOption::SackPermitted, TcpOption::WindowScale(9)] {
        syn.options.push(option).unwrap();
    }
    let answer = cookie_for(&mut lab, syn);
    // What cannot be remembered is not agreed to either.
    assert_eq!(answer.options.mss(), Some(1460));
    assert!(!answer.options.sack_permitted());
    assert_eq!(answer.options.window_scale(), None);
    came_back(&mut lab, ack_of(&answer).window(1000));
    assert_eq!(lab.detail().snd_wnd, 1000);
}

#[test]
fn timestamps_carry_the_options() {
    let mut lab = flooded(SynCookies::WhenFull);
    let answer = cookie_for(&mut lab, rich_syn());
    assert!(answer.options.sack_permitted() && answer.options.window_scale().is_some());
    lab.now += ms(20);
    came_back(&mut lab, stamped(ack_of(&answer).window(1000), &answer));
    assert_eq!(lab.state(), TcpState::Established);
    let detail = lab.detail();
    assert_eq!(detail.snd_wnd, 1000 << 9, "the peer's window scale");
    assert_eq!(detail.mss, 1300 - 12);
    assert_eq!(detail.srtt, 0, "the low bits are no time: it is no sample of the round trip");
    // SACK: what is out of order is reported.
    let mut text = segment(ACK, IRS + 101, (answer.seq + 1).value()).text(b"later");
    text.options.push(TcpOption::Timestamps { value: CLOCK + 20, echo: 0 }).unwrap();
    let (_, effects) = lab.arrive(text);
    let blocks = effects.only().options.iter().any(|o| matches!(o, Ok(TcpOption::Sack(_))));
    assert!(blocks, "{:?}", effects.only().options);
}

/// `cookie_v4_check` counts whole segments of the cookie's MSS, whatever options take of each.
#[test]
fn the_window_after_a_cookie_is_not_that_of_the_syn_ack() {
    let mut lab = flooded(SynCookies::WhenFull);
    let answer = cookie_for(&mut lab, rich_syn());
    assert_eq!(answer.window, 45 * (1460 - 12));
    came_back(&mut lab, stamped(ack_of(&answer), &answer));
    assert_eq!(lab.detail().rcv_wnd, 50 * 1300);
}

#[test]
fn ecn_is_carried_too() {
    for (flags, agreed) in [(SYN, false), (SYN | Flags::ECE | Flags::CWR, true)] {
        let mut lab = flooded(SynCookies::WhenFull);
        let mut syn = rich_syn();
        syn.flags = flags;
        let answer = cookie_for(&mut lab, syn);
        assert_eq!(answer.has(Flags::ECE), agreed);
        let (arrival, _) = came_back(&mut lab, stamped(ack_of(&answer), &answer));
        assert_eq!(arrival.verdict, Verdict::Accepted);
    }
}

/// The window that was offered with the cookie holds, if the cookie has the whole MSS.
#[test]
fn text_is_taken_within_the_window_that_the_syn_ack_offered() {
    let mut lab = listening(SynCookies::Always, 4);
    let small = SocketOption::ReceiveBuffer(3000);
    lab.stack.set_option(lab.now, lab.listener.unwrap(), small).unwrap();
    let answer = cookie_for(&mut lab, segment(SYN, IRS, 0).mss(1460));
    let window = u32::from(answer.window);
    assert!((1..=3000).contains(&window));
    came_back(&mut lab, ack_of(&answer));
    let last = segment(ACK, IRS.wrapping_add(window), (answer.seq + 1).value()).text(b"x");
    assert_eq!(lab.arrive(last).0.verdict, Verdict::OutOfOrder);
    let beyond = segment(ACK, IRS.wrapping_add(window + 1), (answer.seq + 1).value()).text(b"x");
    assert_eq!(lab.arrive(beyond).0.text, 0);
}

/// RFC 9293 §3.10.7.2: "any acknowledgment is bad if it arrives on a connection still in LISTEN".
#[test]
fn any_other_ack_is_answered_with_a_reset() {
    type Change = fn(Segment) -> Segment;
    let wrong: [(&str, Change); 4] = [
        ("another number", |ack| Segment { ack: ack.ack + 100, ..ack }),
        ("another SYN", |ack| Segment { seq: ack.seq + 1, ..ack }),
        ("another port", |ack| ack.sent_from(4001)),
        ("a SYN", |ack| Segment { flags: SYN | ACK, ..ack }),
    ];
    for (what, change) in wrong {
        let mut lab = flooded(SynCookies::WhenFull);
        let answer = cookie_for(&mut lab, syn());
        let (arrival, effects) = lab.arrive(change(ack_of(&answer)));
        assert_eq!(
            (arrival.verdict, effects.brief().pop()),
            (Verdict::ListenAck, Some("RST".into())),
            "{what}"
        );
        assert_eq!(
            lab.arrive(ack_of(&answer)).0.verdict,
            Verdict::Accepted,
            "{what}: the right one"
        );
    }
}

#[test]
fn a_reset_does_not_use_a_cookie() {
    let mut lab = flooded(SynCookies::WhenFull);
    let answer = cookie_for(&mut lab, syn());
    let mut reset = ack_of(&answer);
    reset.flags = RST | ACK;
    assert_eq!(lab.arrive(reset).0.verdict, Verdict::ListenRst);
}

#[test]
fn cookies_are_believed_for_two_minutes_after_the_last_of_them() {
    // Made at the very end of a minute, so that its minute and the next are one minute.
    let mut lab = flooded(SynCookies::WhenFull);
    lab.pass(ms(58_999));
    let answer = cookie_for(&mut lab, syn());
    let mut late = lab.clone();
    late.pass(s(60));
    assert_eq!(late.arrive(ack_of(&answer)).0.verdict, Verdict::Accepted);
    late = lab.clone();
    late.pass(s(61));
    assert_eq!(late.arrive(ack_of(&answer)).0.verdict, Verdict::ListenAck);
    // A good cookie, guessed or kept, is of no use when there was no overflow: Linux'
    // tcp_synq_no_recent_overflow. Another stack with the same secret shows it.
    let mut calm = listening(SynCookies::WhenFull, 100);
    calm.now = lab.now;
    assert_eq!(calm.arrive(ack_of(&answer)).0.verdict, Verdict::ListenAck);
}

#[test]
fn a_full_accept_queue_drops_syns_and_cookies_alike() {
    let mut lab = listening(SynCookies::Always, 0);
    let first = cookie_for(&mut lab, syn().sent_from(1));
    let second = cookie_for(&mut lab, syn().sent_from(2));
    let (arrival, _) = lab.arrive(ack_of(&first).sent_from(1));
    assert_eq!(arrival.verdict, Verdict::Accepted);
    let (arrival, effects) = lab.arrive(ack_of(&second).sent_from(2));
    assert_eq!((arrival.verdict, effects.sent.len()), (Verdict::AcceptQueueFull, 0));
    assert_eq!(lab.arrive(syn().sent_from(3)).0.verdict, Verdict::AcceptQueueFull);
    // The cookie is as good later, when the client sends its first text again and again.
    lab.stack.accept(lab.now, lab.listener.unwrap()).unwrap();
    let (arrival, _) = lab.arrive(ack_of(&second).text(b"hello").sent_from(2));
    assert_eq!((arrival.verdict, arrival.text), (Verdict::Accepted, 5));
}

#[test]
fn a_connection_from_a_cookie_ends_like_any_other() {
    let mut lab = flooded(SynCookies::WhenFull);
    let answer = cookie_for(&mut lab, syn());
    came_back(&mut lab, ack_of(&answer));
    let socket = lab.stack.accept(lab.now, lab.listener.unwrap()).unwrap();
    lab.arrive(segment(FIN | ACK, IRS + 1, (answer.seq + 1).value()));
    lab.stack.close(lab.now, socket).unwrap();
    lab.effects();
    lab.arrive(segment(ACK, IRS + 2, (answer.seq + 2).value()));
    assert_eq!(lab.state(), TcpState::Closed);
    // The half-open ones are given up one after another, and the queue is empty again.
    lab.pass(s(100));
    assert_eq!(lab.stack.sockets().count(), 1, "the listener");
    let (arrival, _) = lab.arrive(segment(SYN, IRS, 0));
    assert_eq!(arrival.verdict, Verdict::Accepted);
}

/// `tcp_syncookies` = 0: the queue, and of `tcp_max_syn_backlog` three quarters.
#[test]
fn without_cookies_a_full_queue_drops_syns() {
    let mut lab = flooded(SynCookies::Off);
    let (arrival, effects) = lab.arrive(syn());
    assert_eq!((arrival.verdict, effects.sent.len()), (Verdict::SynQueueFull, 0));
    let mut lab = listening(SynCookies::Off, 100);
    let profile = Profile { max_syn_backlog: 8, ..lab.stack.profile().clone() };
    lab = Lab { stack: twomsl_tcp::Stack::new(profile, [7; 16]), ..lab };
    lab.stack.add_address(ours().ip());
    lab.listener = Some(lab.stack.listen(lab.now, ours(), 100, None).unwrap());
    let verdicts: Vec<_> =
        (1..=8).map(|port| lab.arrive(syn().sent_from(port)).0.verdict).collect();
    assert_eq!(verdicts[..7], [Verdict::Accepted; 7]);
    assert_eq!(verdicts[7], Verdict::SynQueueFull, "8 - 7 is less than a quarter");
}

#[test]
fn who_was_in_time_wait_gets_into_a_full_queue() {
    // "They conserve resources and peer is evidently real one."
    let mut lab = listening(SynCookies::WhenFull, 1);
    let (_, effects) = lab.arrive(segment(SYN, IRS, 0));
    let iss = effects.only().seq;
    let (arrival, _) = lab.arrive(segment(ACK, IRS + 1, (iss + 1).value()));
    let socket = lab.stack.accept(lab.now, lab.listener.unwrap()).unwrap();
    lab.stack.close(lab.now, socket).unwrap();
    lab.arrive(segment(FIN | ACK, IRS + 1, (iss + 2).value()));
    lab.socket = arrival.socket;
    assert_eq!(lab.state(), TcpState::TimeWait);
    for port in [1, 2] {
        lab.arrive(segment(SYN, IRS, 0).sent_from(port));
    }
    let (arrival, effects) = lab.arrive(segment(SYN, IRS + 10, 0));
    assert_eq!(arrival.verdict, Verdict::Accepted);
    assert_eq!(effects.reasons(), [SendReason::New], "no cookie");
}
