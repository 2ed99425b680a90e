//! RFC 9293 §3.8.4: is anybody still there?

use twomsl_tcp::{Instant, Profile, Readiness, SendReason, SocketError, SocketOption, TcpState};

use super::{profiles, s, since};
use crate::harness::packets::{ACK, RST, segment};
use crate::harness::pair::{Client, Pair, Server};
use crate::harness::scene::{IRS, ISS, Scene, staged};

#[test]
fn without_the_option_an_idle_connection_lives_for_ever() {
    // MUST-25: off by default.
    for profile in profiles() {
        let mut pair = Pair::connected(&profile);
        pair.cut(Client);
        pair.run(s(1_000_000));
        assert_eq!(pair.states(), (TcpState::Established, TcpState::Established));
        assert!(pair.log.is_empty());
    }
}

#[test]
fn a_dead_peer_is_found_out_after_7875_seconds() {
    // MAY-5.
    // tcp_keepalive_time 7200 + tcp_keepalive_probes 9 * tcp_keepalive_intvl 75. FreeBSD sends
    // 8 probes (keepcnt), and gives up 75 s earlier.
    for profile in profiles() {
        let probes = u64::from(profile.options.keep_count);
        assert_eq!(probes, if profile.name == "freebsd" { 8 } else { 9 });
        let mut pair = Pair::connected(&profile);
        // The last thing the client heard was the SYN,ACK.
        let start = Instant::from_millis(20);
        pair.option(Client, SocketOption::KeepAlive(true));
        pair.cut(Client);
        pair.run_out();
        let times = since(start, &pair.times(Client, |segment| !segment.has(RST)));
        let expected: Vec<u128> = (0..u128::from(probes)).map(|n| (7200 + 75 * n) * 1000).collect();
        assert_eq!(times, expected, "{}", profile.name);
        let (at, what) = *pair.host(Client).told.last().unwrap();
        assert_eq!(what, Readiness::Failed(SocketError::TimedOut));
        assert_eq!(at.since(start), s(7200 + 75 * probes));
    }
}

#[test]
fn a_peer_that_answers_is_left_alone() {
    let mut pair = Pair::connected(&Profile::linux());
    pair.option(Client, SocketOption::KeepAlive(true));
    pair.run(s(4 * 7200 - 60));
    assert_eq!(pair.ladder(), ["> ACK", "< ACK"].repeat(3));
    assert_eq!(pair.state(Client), TcpState::Established);
}

#[test]
fn a_peer_that_rebooted_resets() {
    let mut pair = Pair::connected(&Profile::linux());
    pair.option(Client, SocketOption::KeepAlive(true));
    let (now, socket) = (pair.now, pair.socket(Server));
    pair.host(Server).stack.abort(now, socket).unwrap();
    // Its reset is lost with it.
    while pair.host(Server).stack.poll().is_some() {}
    pair.run(s(7201));
    assert_eq!(pair.ladder(), ["> ACK", "< RST"]);
    assert_eq!(pair.receive(Client), Err(SocketError::ConnectionReset));
}

#[test]
fn one_lost_answer_proves_nothing() {
    // MUST-29: a probe that is not answered is no proof that the connection is dead.
    let mut pair = Pair::connected(&Profile::linux());
    pair.option(Client, SocketOption::KeepAlive(true));
    pair.fault(Server, crate::harness::pair::Fate::Dropped, |_| true);
    pair.run(s(7400));
    assert_eq!(pair.ladder(), ["> ACK", "< ACK", "> ACK", "< ACK"]);
    assert_eq!(pair.state(Client), TcpState::Established);
}

#[test]
fn the_options_set_the_schedule() {
    let options = [
        SocketOption::KeepIdle(s(10)),
        SocketOption::KeepInterval(s(2)),
        SocketOption::KeepCount(3),
        SocketOption::KeepAlive(true),
    ];
    let probe = vec![SendReason::KeepAlive];
    let expected =
        [(10, probe.clone()), (12, probe.clone()), (14, probe), (16, vec![SendReason::Reset])];
    assert_eq!(until_given_up(&options), expected);
}

/// What is sent to a peer that says nothing any more, and after how many seconds.
fn until_given_up(options: &[SocketOption]) -> Vec<(u64, Vec<SendReason>)> {
    let mut lab = Scene::FinWait2.with(staged(Profile::linux()));
    for option in options {
        lab.stack.set_option(lab.now, lab.socket(), *option).unwrap();
    }
    let start = lab.now;
    let mut times = Vec::new();
    while lab.state() != TcpState::Closed {
        let (_, effects) = lab.next_timeout().unwrap();
        times.push((lab.now.since(start).as_secs(), effects.reasons()));
    }
    times
}

#[test]
fn a_schedule_without_pauses_is_refused_or_survived() {
    // Linux: EINVAL for less than a second; here: less than nothing can be waited for.
    let mut lab = Scene::Established.with(staged(Profile::linux()));
    for option in
        [SocketOption::KeepIdle(s(0)), SocketOption::KeepInterval(s(0)), SocketOption::KeepCount(0)]
    {
        let set = lab.stack.set_option(lab.now, lab.socket(), option);
        assert_eq!(set, Err(SocketError::InvalidArgument), "{option:?}");
    }
    let mut profile = staged(Profile::linux());
    profile.options.keep_alive = true;
    profile.options.keep_idle = s(0);
    profile.options.keep_interval = s(0);
    let mut lab = Scene::Established.with(profile);
    // Text is under way: keepalive has to wait for it, but not in place.
    lab.pass(s(1));
    lab.arrive(segment(ACK, IRS + 1, ISS.wrapping_add(301)));
    lab.pass(s(1));
}

#[test]
fn a_user_timeout_takes_the_place_of_the_count() {
    let options = [
        SocketOption::KeepIdle(s(10)),
        SocketOption::KeepInterval(s(2)),
        SocketOption::KeepCount(1),
        SocketOption::UserTimeout(s(15)),
        SocketOption::KeepAlive(true),
    ];
    // The first check after 15 s: the count of one would have ended it after 12 s.
    let probe = vec![SendReason::KeepAlive];
    let expected =
        [(10, probe.clone()), (12, probe.clone()), (14, probe), (16, vec![SendReason::Reset])];
    assert_eq!(until_given_up(&options), expected);
}

fn established(client: &Profile, server: &Profile) -> Pair {
    let mut pair = Pair::new(client.clone(), server.clone());
    pair.establish();
    pair
}

#[test]
fn a_proxy_gives_up_what_is_idle_and_tells_its_peer() {
    let mut pair = established(&Profile::big_ip(), &Profile::linux());
    pair.run_out();
    // ltm profile tcp: idle-timeout 300, long before keep-alive-interval 1800. The last that the
    // proxy heard was the SYN,ACK.
    assert_eq!(pair.ladder(), ["> RST,ACK"]);
    let at = pair.times(Client, |segment| segment.has(RST));
    assert_eq!(since(Instant::from_millis(20), &at), [300_000]);
    assert_eq!(pair.receive(Client), Err(SocketError::TimedOut));
    assert_eq!(pair.receive(Server), Err(SocketError::ConnectionReset));
}

#[test]
fn a_proxy_hears_answers_to_its_probes_and_may_keep_silence() {
    let mut asking = Profile::big_ip();
    asking.set("ltm.profile.tcp.keep-alive-interval", "299").unwrap();
    let mut pair = established(&asking, &Profile::linux());
    pair.run(s(3000));
    assert_eq!(pair.states(), (TcpState::Established, TcpState::Established));

    let mut silent = Profile::big_ip();
    silent.set("ltm.profile.tcp.reset-on-timeout", "disabled").unwrap();
    let mut pair = established(&silent, &Profile::linux());
    pair.run(s(400));
    assert!(pair.log.is_empty());
    assert_eq!(pair.state(Server), TcpState::Established);
    assert_eq!(pair.receive(Client), Err(SocketError::TimedOut));
}

#[test]
fn a_proxy_does_not_wait_for_ever_for_the_end() {
    // fin-wait-timeout 5 and close-wait-timeout 5: the FIN is never answered.
    let millis = std::time::Duration::from_millis;
    for (side, state) in [(Client, TcpState::FinWait1), (Server, TcpState::LastAck)] {
        let mut pair = established(&Profile::big_ip(), &Profile::big_ip());
        if side == Server {
            pair.close(Client);
            pair.run(s(1));
        }
        pair.cut(side);
        pair.close(side);
        pair.run(millis(4999));
        assert_eq!(pair.state(side), state);
        pair.run(millis(2));
        assert_eq!(pair.state(side), TcpState::Closed);
    }
}
