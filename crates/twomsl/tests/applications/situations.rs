//! What happens to a program when its network or its peer fails: on these sockets as between
//! real machines, and on turmoil's own TCP beside it.

use std::time::Duration;

use tokio::time::sleep;
use turmoil::Sim;

use crate::pipe;
use crate::segments::{http1, pool};
use crate::trial::{self, Outcome, Script, Trial};

/// Longer than any repair below takes, and shorter than TCP's own patience of many minutes.
const SEGMENTS: Trial = Trial { patience: Duration::from_secs(60), ..trial::SEGMENTS };
const PIPE: Trial = Trial { patience: Duration::from_secs(60), ..trial::PIPE };

/// Between the first request and the second.
const PAUSE: Duration = Duration::from_secs(10);

fn failed(text: &str) -> Outcome {
    Outcome::Failed(text.to_owned())
}

// ---- A partition in the middle of a response ----

/// Nothing passes for three seconds.
fn partition_for_a_while() {
    turmoil::partition("client", "server");
    tokio::spawn(async {
        sleep(Duration::from_secs(3)).await;
        turmoil::repair("client", "server");
    });
}

/// What was lost in the partition is sent again after it.
#[test]
fn a_response_goes_on_after_a_partition() {
    let outcome = SEGMENTS.run(http1::serve, http1::interrupted(partition_for_a_while));
    let Outcome::Done(after) = outcome else { panic!("{outcome:?}") };
    assert!(after > Duration::from_secs(3), "{after:?}");
}

/// There nobody sends again, and the client waits for a part that never comes.
#[test]
fn on_turmoils_own_tcp_a_response_never_goes_on_after_a_partition() {
    let client = pipe::http1::interrupted(partition_for_a_while);
    assert_eq!(PIPE.run(pipe::http1::serve, client), Outcome::Hangs);
}

// ---- A crash of the server ----

fn crash(sim: &mut Sim<'static>) {
    sim.crash("server");
}

fn bounce(sim: &mut Sim<'static>) {
    sim.bounce("server");
}

/// In the pause between two requests.
const CRASH: Script = &[(Duration::from_secs(4), crash)];
/// The same, and the server is back before the second request.
const REBOOT: Script = &[(Duration::from_secs(4), crash), (Duration::from_secs(5), bounce)];
/// In the middle of the slow answer, which takes a second.
const REBOOT_AMID: Script =
    &[(Duration::from_millis(500), crash), (Duration::from_secs(2), bounce)];

/// The new server knows nothing of the connection: the request is answered with a reset
/// (RFC 9293 §3.5.2, group 1).
#[test]
fn a_request_on_an_old_connection_to_a_rebooted_server_is_reset() {
    let trial = Trial { script: REBOOT, ..SEGMENTS };
    let told = trial.run(http1::serve, http1::with_a_pause(PAUSE));
    assert_eq!(told, failed("connection error: ECONNRESET: connection reset by peer"));
}

/// A machine that lost its power says nothing. The request is sent again and again, for a quarter
/// of an hour; who does not want to wait for that needs a timeout.
#[test]
fn a_request_to_a_server_that_is_gone_waits() {
    let trial = Trial { script: CRASH, ..SEGMENTS };
    assert_eq!(trial.run(http1::serve, http1::with_a_pause(PAUSE)), Outcome::Hangs);
}

/// Who only reads sends nothing that could be reset: without keepalive or a timeout the client
/// waits for ever (RFC 9293 §3.5.1, half-open connections).
#[test]
fn a_reader_does_not_notice_that_the_server_has_rebooted() {
    let trial = Trial { script: REBOOT_AMID, ..SEGMENTS };
    assert_eq!(trial.run(http1::serve, http1::interrupted(|| {})), Outcome::Hangs);
}

/// There a crash says good-bye: what the crashed host had open is closed, and the client hears
/// of it at once, whether the server comes back or not. The three bugs above stay hidden.
#[test]
fn on_turmoils_own_tcp_a_crash_is_an_end_of_file() {
    use pipe::http1::{interrupted, serve, with_a_pause};
    for script in [CRASH, REBOOT] {
        let told = Trial { script, ..PIPE }.run(serve, with_a_pause(PAUSE));
        assert_eq!(told, failed("channel closed"));
    }
    let told = Trial { script: REBOOT_AMID, ..PIPE }.run(serve, interrupted(|| {}));
    let cut = "error reading a body from connection: unexpected EOF during chunk size line";
    assert_eq!(told, failed(cut));
}

// ---- A pool whose connections have died ----

/// The pool asks before it hands a connection out, is told by a reset that it is dead, and makes
/// another.
#[test]
fn a_pool_that_pings_replaces_connections_to_a_rebooted_server() {
    let trial = Trial { script: REBOOT, ..SEGMENTS };
    let client = pool::with_a_pause(pool::CheckOut::Ping, PAUSE);
    let outcome = trial.run(pool::serve, client);
    assert!(matches!(outcome, Outcome::Done(_)), "{outcome:?}");
}

/// A pool that trusts hands out a dead connection.
#[test]
fn a_pool_that_trusts_hands_out_a_dead_connection() {
    let trial = Trial { script: REBOOT, ..SEGMENTS };
    let client = pool::with_a_pause(pool::CheckOut::Trust, PAUSE);
    assert_eq!(trial.run(pool::serve, client), failed("ECONNRESET: connection reset by peer"));
}

/// With turmoil's own TCP the same two find an end of file instead, before they ask.
#[test]
fn on_turmoils_own_tcp_a_pool_finds_an_end_of_file() {
    use pipe::pool::{CheckOut, serve, with_a_pause};
    let trial = Trial { script: REBOOT, ..PIPE };
    let outcome = trial.run(serve, with_a_pause(CheckOut::Ping, PAUSE));
    assert!(matches!(outcome, Outcome::Done(_)), "{outcome:?}");
    let told = trial.run(serve, with_a_pause(CheckOut::Trust, PAUSE));
    assert_eq!(told, failed("unexpected end of file"));
}
