//! What-ifs: each takes away the rule it names, and nothing that a profile without it would have.

use twomsl_tcp::wire::{Segment, TcpOption};
use twomsl_tcp::{Profile, SendReason, SocketError, TcpState, TimerKind, Verdict, WhatIf, WhatIfs};

use super::{ms, s};
use crate::harness::lab::Lab;
use crate::harness::packets::{ACK, FIN, RST, SYN, Shape as _, ours, segment, theirs};
use crate::harness::scene::{IN_FLIGHT, IRS, ISS, Scene, WINDOW, staged};

/// A scene twice: with every rule, and without this one.
fn kept_and_off(rule: WhatIf, profile: Profile, scene: Scene) -> [Lab; 2] {
    let off = Profile { what_ifs: [rule].into_iter().collect(), ..profile.clone() };
    [profile, off].map(|profile| scene.with(staged(profile)))
}

/// What comes of the same with the rule and without.
fn outcomes<T>(
    rule: WhatIf,
    profile: Profile,
    scene: Scene,
    story: impl Fn(&mut Lab) -> T,
) -> [T; 2] {
    kept_and_off(rule, profile, scene).map(|mut lab| story(&mut lab))
}

fn stamped(mut segment: Segment, value: u32) -> Segment {
    segment.options.push(TcpOption::Timestamps { value, echo: 0 }).expect("there is room");
    segment
}

fn deadline_of_time_wait(lab: &Lab) -> Option<core::time::Duration> {
    lab.timer(TimerKind::TimeWait).map(|at| at.since(lab.now))
}

#[test]
fn no_profile_is_without_a_rule_by_itself() {
    for name in Profile::NAMES {
        assert_eq!(Profile::by_name(name).map(|profile| profile.what_ifs), Some(WhatIfs::NONE));
    }
}

#[test]
fn without_time_wait_the_last_ack_is_sent_and_everything_forgotten() {
    let fin = segment(FIN | ACK, IRS + 1, ISS.wrapping_add(2 + IN_FLIGHT));
    let story = |lab: &mut Lab| {
        let (_, first) = lab.arrive(fin.clone());
        let state = lab.state();
        let (_, again) = lab.arrive(fin.clone());
        (first.brief(), state, again.brief())
    };
    for scene in [Scene::FinWait2, Scene::Closing] {
        let [kept, off] = kept_and_off(WhatIf::NoTimeWait, Profile::rfc9293(), scene);
        assert_ne!(kept.state(), TcpState::TimeWait);
        assert_eq!(off.state(), kept.state(), "the rule is about what comes next");
    }
    let [kept, off] = outcomes(WhatIf::NoTimeWait, Profile::rfc9293(), Scene::FinWait2, story);
    let once = || vec!["ACK".to_owned()];
    assert_eq!(kept, (once(), TcpState::TimeWait, once()));
    assert_eq!(off, (once(), TcpState::Closed, vec!["RST".to_owned()]));
}

#[test]
fn one_msl_is_half_of_two_at_the_start_and_when_the_fin_comes_again() {
    let story = |lab: &mut Lab| {
        let first = deadline_of_time_wait(lab);
        lab.pass(s(1));
        lab.arrive(segment(FIN | ACK, IRS + 1, ISS.wrapping_add(2 + IN_FLIGHT)));
        (first, deadline_of_time_wait(lab))
    };
    let [kept, off] = outcomes(WhatIf::TimeWait1Msl, Profile::rfc9293(), Scene::TimeWait, story);
    assert_eq!(kept, (Some(s(240)), Some(s(240))));
    assert_eq!(off, (Some(s(120)), Some(s(120))));
}

#[test]
fn with_two_segments_a_syn_makes_a_connection_that_can_be_accepted() {
    let story = |lab: &mut Lab| {
        let (arrival, effects) = lab.arrive(segment(SYN, IRS, 0));
        lab.socket = arrival.socket;
        let accepted = lab.stack.accept(lab.now, lab.listener.unwrap()).is_ok();
        let state = lab.state();
        // The ACK that comes all the same is an ordinary one, and text is taken.
        lab.arrive(segment(ACK, IRS + 1, ISS + 1));
        let text = lab.arrive(segment(ACK, IRS + 1, ISS + 1).text(b"hello")).0.text;
        (effects.brief(), state, accepted, text, lab.state())
    };
    let [kept, off] = outcomes(WhatIf::TwoWayHandshake, Profile::rfc9293(), Scene::Listen, story);
    let answer = || vec!["SYN,ACK".to_owned()];
    assert_eq!(kept, (answer(), TcpState::SynReceived, false, 5, TcpState::Established));
    assert_eq!(off, (answer(), TcpState::Established, true, 5, TcpState::Established));
}

/// Its SYN,ACK may be lost, and is sent again as before.
#[test]
fn a_connection_of_one_syn_repeats_its_syn_ack_until_somebody_answers() {
    let [_, mut off] = kept_and_off(WhatIf::TwoWayHandshake, Profile::rfc9293(), Scene::Listen);
    off.socket = off.arrive(segment(SYN, IRS, 0)).0.socket;
    let (timer, effects) = off.next_timeout().expect("a timer runs");
    assert_eq!((timer, effects.brief()), (TimerKind::Retransmission, vec!["SYN,ACK".to_owned()]));
    off.stack.accept(off.now, off.listener.unwrap()).unwrap();
    off.arrive(segment(RST, IRS + 1, 0));
    let read = off.stack.receive(off.now, off.socket(), &mut [0; 8]);
    assert_eq!(read, Err(SocketError::ConnectionReset), "the peer knows nothing of it");
}

#[test]
fn a_fixed_isn_is_the_same_after_any_time_and_after_time_wait() {
    let isn = |rules: &[WhatIf]| {
        let what_ifs = rules.iter().copied().collect();
        let mut lab = Lab::new(Profile { what_ifs, ..Profile::rfc9293() });
        let mut numbers = Vec::new();
        for _ in 0..2 {
            lab.socket = lab.stack.connect(lab.now, Some(ours()), theirs(), None).ok();
            numbers.push(lab.effects().only().seq.value());
            lab.stack.abort(lab.now, lab.socket()).unwrap();
            lab.effects();
            lab.pass(ms(10));
        }
        numbers
    };
    let [before, after] = isn(&[])[..] else { panic!("two connections") };
    assert_eq!(after.wrapping_sub(before), 2500, "a number every 4 µs");
    assert_eq!(isn(&[WhatIf::FixedIsn]), [0, 0]);
}

#[test]
fn a_fin_that_is_sent_once_is_given_up_like_any_other() {
    let fins = |lab: &mut Lab| {
        lab.arrive(segment(ACK, IRS + 1, ISS.wrapping_add(1 + IN_FLIGHT)));
        let effects = lab.pass(s(2000));
        let again = effects.segments().iter().filter(|sent| sent.has(FIN)).count();
        (again > 0, lab.state())
    };
    for profile in [Profile::rfc9293(), Profile::linux(), Profile::freebsd()] {
        let [kept, off] = outcomes(WhatIf::NoFinRetransmit, profile, Scene::FinWait1, fins);
        assert_eq!(kept, (true, TcpState::Closed));
        assert_eq!(off, (false, TcpState::Closed));
    }
}

/// Text is repeated; the FIN that would go with it is not.
#[test]
fn text_before_a_fin_is_repeated_without_it() {
    let again = |lab: &mut Lab| {
        let (_, effects) = lab.next_timeout().expect("a timer runs");
        effects.segments().iter().map(|sent| (sent.payload.len(), sent.has(FIN))).next()
    };
    let [_, off] = outcomes(WhatIf::NoFinRetransmit, Profile::rfc9293(), Scene::FinWait1, again);
    assert_eq!(off, Some((IN_FLIGHT as usize, false)));
}

#[test]
fn without_the_persist_timer_nothing_is_left_to_happen() {
    for profile in [Profile::rfc9293(), Profile::linux(), Profile::freebsd()] {
        let story = |lab: &mut Lab| {
            lab.arrive(segment(ACK, IRS + 1, ISS.wrapping_add(1 + IN_FLIGHT)).window(0));
            lab.stack.send(lab.now, lab.socket(), b"more").unwrap();
            lab.effects();
            let waits = lab.stack.next_deadline().is_some();
            // The window opens after all.
            lab.arrive(segment(ACK, IRS + 1, ISS.wrapping_add(1 + IN_FLIGHT)));
            (waits, lab.timer(TimerKind::Retransmission).is_some())
        };
        let [kept, off] = outcomes(WhatIf::NoPersistTimer, profile, Scene::Established, story);
        assert_eq!((kept, off), ((true, true), (false, true)));
    }
}

#[test]
fn without_challenges_whatever_is_in_the_window_is_believed() {
    for flags in [RST, SYN] {
        let story = |lab: &mut Lab| {
            let (_, effects) = lab.arrive(segment(flags, IRS.wrapping_add(1 + WINDOW / 2), 0));
            (effects.reasons().first().copied(), lab.state())
        };
        let [kept, off] =
            outcomes(WhatIf::NoChallengeAck, Profile::rfc9293(), Scene::Established, story);
        assert_eq!(kept, (Some(SendReason::ChallengeAck), TcpState::Established), "{flags}");
        assert_eq!(off.1, TcpState::Closed, "{flags}");
    }
    let outside = |lab: &mut Lab| {
        lab.arrive(segment(RST, IRS.wrapping_add(1 + WINDOW), 0));
        lab.state()
    };
    let [_, off] =
        outcomes(WhatIf::NoChallengeAck, Profile::rfc9293(), Scene::Established, outside);
    assert_eq!(off, TcpState::Established, "the window still counts");
}

#[test]
fn without_paws_an_old_timestamp_says_nothing() {
    let story = |rules: &[WhatIf]| {
        let what_ifs = rules.iter().copied().collect();
        let mut lab = Lab::new(staged(Profile { what_ifs, ..Profile::linux() }));
        lab.listener = Some(lab.stack.listen(lab.now, ours(), 8, None).unwrap());
        lab.socket = lab.arrive(stamped(segment(SYN, IRS, 0), 1000)).0.socket;
        lab.arrive(stamped(segment(ACK, IRS + 1, ISS + 1), 1000));
        let old = stamped(segment(ACK, IRS + 1, ISS + 1).text(b"old"), 900);
        lab.arrive(old).0.verdict
    };
    assert_eq!(story(&[]), Verdict::OldTimestamp);
    assert_eq!(story(&[WhatIf::NoPaws]), Verdict::Accepted);
}

#[test]
fn without_rfc_1337_a_reset_ends_time_wait_even_if_the_profile_ignores_it() {
    let mut careful = Profile::linux();
    careful.set("net.ipv4.tcp_rfc1337", "1").unwrap();
    let story = |lab: &mut Lab| {
        let (arrival, _) = lab.arrive(segment(RST, IRS + 2, 0));
        (arrival.verdict, lab.state())
    };
    let [kept, off] = outcomes(WhatIf::NoRfc1337, careful, Scene::TimeWait, story);
    assert_eq!(kept, (Verdict::TimeWaitRstIgnored, TcpState::TimeWait));
    assert_eq!(off, (Verdict::TimeWaitRst, TcpState::Closed));
}

/// Another port of the same host, whose clock seems to be behind: another client behind the same NAT.
#[test]
fn timestamps_by_host_shut_out_who_has_an_earlier_clock() {
    let story = |rules: &[WhatIf], wait, clock| {
        let what_ifs = rules.iter().copied().collect();
        let mut lab = Lab::new(staged(Profile { what_ifs, ..Profile::linux() }));
        lab.listener = Some(lab.stack.listen(lab.now, ours(), 8, None).unwrap());
        lab.socket = lab.arrive(stamped(segment(SYN, IRS, 0), 1000)).0.socket;
        lab.arrive(stamped(segment(ACK, IRS + 1, ISS + 1), 1000));
        lab.stack.accept(lab.now, lab.listener.unwrap()).unwrap();
        lab.stack.close(lab.now, lab.socket()).unwrap();
        lab.arrive(stamped(segment(FIN | ACK, IRS + 1, ISS + 2), 1000));
        assert_eq!(lab.state(), TcpState::TimeWait);
        lab.pass(wait);
        lab.arrive(stamped(segment(SYN, 5, 0).sent_from(4001), clock)).1.brief()
    };
    let recycle = [WhatIf::TwRecyclePerHost];
    let answered = ["SYN,ACK"];
    assert_eq!(story(&[], s(1), 500), answered);
    assert!(story(&recycle, s(1), 500).is_empty(), "dropped without a word");
    assert_eq!(story(&recycle, s(1), 999), answered, "a tick is forgiven");
    assert_eq!(story(&recycle, s(1), 1001), answered);
    assert_eq!(story(&recycle, s(60), 500), answered, "and after a minute all is");
}

#[test]
fn without_half_close_the_peers_fin_ends_both_directions() {
    let story = |lab: &mut Lab| {
        let acked = ISS.wrapping_add(1 + IN_FLIGHT);
        lab.arrive(segment(FIN | ACK, IRS + 1, acked));
        (lab.state(), lab.stack.send(lab.now, lab.socket(), b"answer").is_ok())
    };
    let [kept, off] = outcomes(WhatIf::NoHalfClose, Profile::rfc9293(), Scene::Established, story);
    assert_eq!((kept, off), ((TcpState::CloseWait, true), (TcpState::LastAck, false)));
}

#[test]
fn what_lies_outside_the_window_is_taken_for_what_is_next() {
    let hello = segment(ACK, IRS + 1, ISS + 1).text(b"hello");
    let story = |lab: &mut Lab| {
        lab.arrive(hello.clone());
        lab.arrive(hello.clone());
        let mut buffer = [0; 16];
        let octets = lab.stack.receive(lab.now, lab.socket(), &mut buffer).unwrap();
        buffer[..octets].to_vec()
    };
    let [kept, off] =
        outcomes(WhatIf::AcceptOutsideWindow, Profile::rfc9293(), Scene::Established, story);
    assert_eq!((&kept[..], &off[..]), (&b"hello"[..], &b"hellohello"[..]));

    let stranger = |lab: &mut Lab| {
        lab.arrive(segment(RST, IRS - 10_000, 0));
        lab.state()
    };
    let [kept, off] =
        outcomes(WhatIf::AcceptOutsideWindow, Profile::rfc9293(), Scene::Established, stranger);
    assert_eq!((kept, off), (TcpState::Established, TcpState::Closed));
}
