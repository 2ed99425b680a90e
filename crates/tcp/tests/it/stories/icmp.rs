//! ICMP errors (RFC 9293 §3.9.2.2, RFC 5461, RFC 5927): hard and soft, by state and by profile.

use std::net::SocketAddr;

use twomsl_tcp::profile::Unreachable;
use twomsl_tcp::wire::IcmpKind;
use twomsl_tcp::{Profile, Readiness, SocketError, TcpState, TimerKind, Verdict};

use super::{profiles, s};
use crate::harness::lab::Lab;
use crate::harness::packets::{ACK, Ends, FAMILIES, OURS_V6, PEER_PORT, PORT, SYN, icmp, segment};
use crate::harness::scene::{IRS, ISS, Scene, staged};

const EVERY_KIND: [IcmpKind; 10] = [
    IcmpKind::NetUnreachable,
    IcmpKind::HostUnreachable,
    IcmpKind::ProtocolUnreachable,
    IcmpKind::PortUnreachable,
    IcmpKind::SourceRouteFailed,
    IcmpKind::AdminProhibited,
    IcmpKind::SourceQuench,
    IcmpKind::HopLimitExceeded,
    IcmpKind::ReassemblyTimeout,
    IcmpKind::ParameterProblem,
];

fn profile(unreachable: Unreachable) -> Profile {
    Profile { unreachable, ..staged(Profile::rfc9293()) }
}

/// A SYN of ours is under way.
fn attempt(profile: Profile, ends: Ends) -> Lab {
    let mut lab = Lab::new(profile);
    lab.stack.add_address(OURS_V6);
    let (ours, theirs) =
        (SocketAddr::new(ends.ours, PORT), SocketAddr::new(ends.theirs, PEER_PORT));
    lab.socket = lab.stack.connect(lab.now, Some(ours), theirs, None).ok();
    lab.effects();
    assert_eq!(lab.state(), TcpState::SynSent);
    lab
}

/// A SYN,ACK of a listener is under way.
fn request(profile: Profile, ends: Ends) -> Lab {
    let mut lab = Lab::new(profile);
    lab.stack.add_address(OURS_V6);
    lab.listener = lab.stack.listen(lab.now, SocketAddr::new(ends.ours, PORT), 8, None).ok();
    lab.socket = lab.arrive_packet(ends.packet(segment(SYN, IRS, 0))).0.socket;
    assert_eq!(lab.state(), TcpState::SynReceived);
    lab
}

/// What is made of every kind of error, with what the application hears of hard ones.
fn judged(lab: &Lab, ends: Ends) -> Vec<String> {
    let judge = |kind: IcmpKind| {
        let mut lab = lab.clone();
        let (arrival, effects) = lab.arrive_packet(ends.icmp(kind, ISS));
        let told = match effects.told()[..] {
            [Readiness::Failed(error)] => format!(" {}", error.name()),
            _ => String::new(),
        };
        let state = lab.state();
        let weight = match (arrival.verdict, state) {
            (Verdict::IcmpHard, TcpState::Closed) => "hard",
            (Verdict::IcmpSoft, TcpState::SynSent | TcpState::SynReceived) => "soft",
            (Verdict::IcmpIgnored, TcpState::SynSent | TcpState::SynReceived) => "ignored",
            other => panic!("{kind:?}: {other:?}"),
        };
        format!("{kind:?} {weight}{told}")
    };
    EVERY_KIND.into_iter().map(judge).collect()
}

/// MUST-54, MUST-55, MUST-56 and SHLD-26 (and RFC 5461 §4 where a profile does otherwise), in the
/// words of `icmp_err_convert`, `icmpv6_err_convert` and `icmp_errmap`.
#[test]
fn what_ends_an_attempt_is_the_profiles_business() {
    let mut table = Vec::new();
    for policy in [Unreachable::Soft, Unreachable::EndsAttempt, Unreachable::Insistent] {
        for ends in FAMILIES {
            let family = if ends.ours.is_ipv4() { "IPv4" } else { "IPv6" };
            table.push(format!("{policy:?} {family}"));
            table.extend(judged(&attempt(profile(policy), ends), ends));
        }
    }
    insta::assert_snapshot!(table.join("\n"));
}

/// Linux' `tcp_req_err`, FreeBSD's `syncache_unreach`. A listener hears nothing of it.
#[test]
fn what_ends_the_handshake_of_a_listener_is_the_profiles_business() {
    let mut table = Vec::new();
    for policy in [Unreachable::Soft, Unreachable::EndsAttempt, Unreachable::Insistent] {
        for ends in FAMILIES {
            let family = if ends.ours.is_ipv4() { "IPv4" } else { "IPv6" };
            table.push(format!("{policy:?} {family}"));
            let lab = request(profile(policy), ends);
            for line in judged(&lab, ends) {
                assert!(!line.contains(" E"), "nobody is told: {line}");
                table.push(line);
            }
        }
    }
    insta::assert_snapshot!(table.join("\n"));
}

/// FreeBSD gives up when an error comes again after the SYN was sent four more times.
#[test]
fn an_insistent_error_ends_an_attempt_in_the_end() {
    for ends in FAMILIES {
        let mut lab = attempt(profile(Unreachable::Insistent), ends);
        let unreachable = || ends.icmp(IcmpKind::HostUnreachable, ISS);
        let mut verdicts = Vec::new();
        while lab.state() == TcpState::SynSent {
            verdicts.push(lab.arrive_packet(unreachable()).0.verdict);
            lab.next_timeout();
        }
        assert_eq!(verdicts[..4], [Verdict::IcmpSoft; 4]);
        assert_eq!(verdicts[4..], [Verdict::IcmpHard]);
        let mut lab = request(profile(Unreachable::Insistent), ends);
        while lab.stack.status(lab.socket()).is_ok_and(|status| status.retransmits <= 3) {
            assert_eq!(lab.arrive_packet(unreachable()).0.verdict, Verdict::IcmpSoft);
            lab.next_timeout();
        }
        assert_eq!(lab.arrive_packet(unreachable()).0.verdict, Verdict::IcmpHard);
        assert_eq!(lab.state(), TcpState::Closed);
    }
}

#[test]
fn an_unreachable_host_ends_an_attempt_on_linux_and_is_remembered_by_the_textbook() {
    let mut lab = Scene::SynSent.with(staged(Profile::linux()));
    let (arrival, effects) = lab.arrive_packet(icmp(IcmpKind::HostUnreachable, ISS));
    assert_eq!(arrival.verdict, Verdict::IcmpHard);
    assert_eq!(effects.told(), [Readiness::Failed(SocketError::HostUnreachable)]);
    // MUST-56: it must not abort, but says more than the timeout in the end.
    let mut lab = Scene::SynSent.with(staged(Profile::rfc9293()));
    assert_eq!(lab.stack.profile().unreachable, Unreachable::Soft);
    let (arrival, effects) = lab.arrive_packet(icmp(IcmpKind::HostUnreachable, ISS));
    assert_eq!((arrival.verdict, effects.told()), (Verdict::IcmpSoft, Vec::new()));
    let told = lab.pass(s(200)).told();
    assert_eq!(told, [Readiness::Failed(SocketError::HostUnreachable)]);
}

/// RFC 5927 §5.2: nobody can end a connection with a forged message. MUST-55, MUST-56.
#[test]
fn an_icmp_error_never_ends_a_synchronized_connection() {
    let policies = [Unreachable::Soft, Unreachable::EndsAttempt, Unreachable::Insistent];
    for scene in Scene::ALL.into_iter().filter(|scene| scene.state() >= TcpState::Established) {
        for (policy, kind) in policies.into_iter().flat_map(|p| EVERY_KIND.map(|kind| (p, kind))) {
            let mut lab = scene.with(profile(policy));
            let (una, state) = (lab.stack.status(lab.socket()), lab.state());
            let seq = una.ok().and_then(|status| status.detail).map_or(ISS, |d| d.snd_una);
            let (arrival, effects) = lab.arrive_packet(icmp(kind, seq));
            assert_eq!((lab.state(), effects.told()), (state, Vec::new()), "{scene:?} {kind:?}");
            let under_way = !matches!(scene, Scene::FinWait2 | Scene::TimeWait);
            if kind == IcmpKind::SourceQuench || !under_way {
                assert_ne!(arrival.verdict, Verdict::IcmpSoft, "{scene:?} {kind:?}");
            } else if policy != Unreachable::Insistent {
                assert_eq!(arrival.verdict, Verdict::IcmpSoft, "{scene:?} {kind:?}");
            }
        }
    }
}

/// FreeBSD's `tcp_notify`.
#[test]
fn an_insistent_profile_does_not_care_for_routes_once_it_is_connected() {
    let mut lab = Scene::Established.with(profile(Unreachable::Insistent));
    let verdict = |lab: &mut Lab, kind| lab.arrive_packet(icmp(kind, ISS + 1)).0.verdict;
    assert_eq!(verdict(&mut lab, IcmpKind::HostUnreachable), Verdict::IcmpIgnored);
    assert_eq!(verdict(&mut lab, IcmpKind::PortUnreachable), Verdict::IcmpSoft);
    let mut lab = Scene::CloseWait.with(profile(Unreachable::Insistent));
    assert_eq!(verdict(&mut lab, IcmpKind::HostUnreachable), Verdict::IcmpSoft);
}

/// RFC 6069, Linux' `tcp_ld_RTO_revert`.
#[test]
fn the_lack_of_a_route_takes_back_a_doubling_of_the_timeout() {
    use IcmpKind::{HostUnreachable, NetUnreachable, PortUnreachable};
    for (policy, kind, offset, is_reverted) in [
        (Unreachable::EndsAttempt, HostUnreachable, 0, true),
        (Unreachable::EndsAttempt, NetUnreachable, 0, true),
        (Unreachable::EndsAttempt, PortUnreachable, 0, false),
        (Unreachable::EndsAttempt, HostUnreachable, 100, false),
        (Unreachable::Soft, HostUnreachable, 0, false),
    ] {
        let mut lab = Scene::Established.with(profile(policy));
        let seq = lab.detail().snd_una + offset;
        let wait = |lab: &Lab| lab.timer(TimerKind::Retransmission).unwrap() - lab.now;
        // Nothing is taken back before there was a timeout.
        let first = wait(&lab);
        lab.arrive_packet(icmp(kind, seq));
        assert_eq!(wait(&lab), first);
        for _ in 0..2 {
            while lab.next_timeout().unwrap().0 != TimerKind::Retransmission {}
        }
        let doubled = wait(&lab);
        lab.arrive_packet(icmp(kind, seq));
        let expected = if is_reverted { doubled / 2 } else { doubled };
        assert_eq!(wait(&lab), expected, "{policy:?} {kind:?} {offset}");
        // Whatever the timer has run counts; when it is over, the segment goes at once.
        lab.pass(expected * 3 / 4);
        lab.arrive_packet(icmp(kind, seq));
        assert_eq!(wait(&lab).is_zero(), is_reverted);
    }
}

#[test]
fn an_icmp_error_is_forgotten_with_the_next_progress() {
    let mut lab = Scene::Established.with(staged(Profile::rfc9293()));
    lab.arrive_packet(icmp(IcmpKind::HostUnreachable, ISS + 1));
    lab.arrive(segment(ACK, IRS + 1, ISS + 101));
    let told = lab.pass(s(1000)).told();
    assert_eq!(told, [Readiness::Failed(SocketError::TimedOut)]);
}

/// RFC 5927 §4.1: SND.UNA ≤ SEG.SEQ < SND.NXT.
#[test]
fn an_icmp_error_must_be_about_something_that_is_under_way() {
    for profile in profiles() {
        let lab = Scene::Established.with(staged(profile));
        let detail = lab.detail();
        assert_eq!(detail.snd_nxt.wrapping_sub(detail.snd_una), 300);
        for (seq, stale) in [
            (detail.snd_una.wrapping_sub(1), true),
            (detail.snd_una, false),
            (detail.snd_nxt.wrapping_sub(1), false),
            (detail.snd_nxt, true),
            (detail.snd_una ^ 1 << 31, true),
        ] {
            for kind in [IcmpKind::PortUnreachable, IcmpKind::PacketTooBig { mtu: 100 }] {
                let (arrival, effects) = lab.clone().arrive_packet(icmp(kind, seq));
                assert_eq!(arrival.verdict == Verdict::IcmpStale, stale, "{kind:?} {seq}");
                assert!(!stale || effects.segments().is_empty(), "{kind:?} {seq}");
            }
        }
    }
}

/// A listener has sent nothing, and TIME-WAIT has nothing under way.
#[test]
fn an_icmp_error_for_nobody_is_ignored() {
    for scene in [Scene::Closed, Scene::Listen, Scene::TimeWait] {
        let mut lab = scene.with(staged(Profile::linux()));
        let state = lab.scene_state();
        for kind in EVERY_KIND {
            let (arrival, effects) = lab.arrive_packet(icmp(kind, ISS));
            assert_eq!(arrival.verdict, Verdict::IcmpIgnored, "{scene:?} {kind:?}");
            assert!(effects.sent.is_empty() && effects.events.is_empty());
        }
        assert_eq!(lab.scene_state(), state);
    }
}
