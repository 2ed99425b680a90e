//! An idle connection behind a load balancer that forgets it, and keepalive against it. Turmoil's
//! own TCP has nothing to put beside these: no middlebox, no idle time, no keepalive.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::time::sleep;
use turmoil::Sim;
use twomsl::net::{TcpSocket, TcpStream};
use twomsl::sim::spec::{Flows, MiddleboxKind, MiddleboxSpec, UnknownFlow};
use twomsl::sockets::{Lab, SocketOption};

use crate::segments::{http1, pool};
use crate::trial::{Outcome, SEGMENTS, Script, Trial};

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// How long a connection may be idle, as load balancers in clouds have it.
const FORGETS_AFTER: Duration = seconds(350);
/// Longer than that.
const PAUSE: Duration = seconds(400);
/// Minutes pass in which nothing happens: they cost less with fewer ticks.
const TRIAL: Trial = Trial { tick: Duration::from_millis(20), patience: seconds(500), ..SEGMENTS };

fn balancer(lab: &Lab, unknown: UnknownFlow) {
    lab.network(|network| {
        let [inside, outside] =
            ["client", "server"].map(|name| network.host(name).expect("the trial has named it"));
        let balancer = MiddleboxSpec {
            name: "balancer".into(),
            inside,
            outside,
            kind: MiddleboxKind::Transparent,
            flows: Flows { unknown, ..Flows::forgotten_after(FORGETS_AFTER) },
        };
        network.add_middlebox(balancer).expect("the first between these hosts");
    });
}

fn drops(lab: &Lab) {
    balancer(lab, UnknownFlow::Drop);
}

fn resets(lab: &Lab) {
    balancer(lab, UnknownFlow::Reset);
}

/// A line, a pause, and another line over the same connection.
async fn two_lines(stream: TcpStream) -> turmoil::Result {
    let mut stream = BufReader::new(stream);
    let mut answer = String::new();
    stream.write_all(b"one\n").await?;
    stream.read_line(&mut answer).await?;
    sleep(PAUSE).await;
    stream.write_all(b"two\n").await?;
    stream.read_line(&mut answer).await?;
    assert_eq!(answer, "one\ntwo\n");
    Ok(())
}

/// A connection that is probed when it was idle for `idle`, as with `socket2::TcpKeepalive`.
async fn connect(port: u16, idle: Duration) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.set_keepalive(true)?;
    socket.set_option(SocketOption::KeepIdle(idle))?;
    socket.set_option(SocketOption::KeepInterval(seconds(10)))?;
    socket.set_option(SocketOption::KeepCount(3))?;
    socket.connect((turmoil::lookup("server"), port).into()).await
}

async fn with_keepalive(idle: Duration) -> turmoil::Result {
    two_lines(connect(6379, idle).await?).await
}

async fn without_keepalive() -> turmoil::Result {
    two_lines(TcpStream::connect("server:6379").await?).await
}

// ---- A load balancer that forgets ----

/// The request goes nowhere, again and again, and nobody says so.
#[test]
fn a_request_over_a_forgotten_connection_goes_nowhere() {
    assert_eq!(TRIAL.run_with(drops, pool::serve, without_keepalive()), Outcome::Hangs);
}

/// A kinder one answers for the server.
#[test]
fn a_load_balancer_that_resets_says_so() {
    let told = TRIAL.run_with(resets, pool::serve, without_keepalive());
    assert_eq!(told, Outcome::Failed("ECONNRESET: connection reset by peer".into()));
}

/// Probes are packets: the load balancer remembers a connection that has some in time.
#[test]
fn keepalive_below_the_idle_timeout_keeps_a_connection() {
    let outcome = TRIAL.run_with(drops, pool::serve, with_keepalive(seconds(300)));
    assert!(matches!(outcome, Outcome::Done(_)), "{outcome:?}");
}

/// After the load balancer has forgotten it, probes go nowhere either; but then the connection
/// is over before the request, which fails at once.
#[test]
fn keepalive_above_the_idle_timeout_finds_a_dead_connection() {
    let told = TRIAL.run_with(drops, pool::serve, with_keepalive(seconds(360)));
    assert_eq!(told, Outcome::Failed("ETIMEDOUT: connection timed out".into()));
}

/// Without a word from the load balancer the ping of a pool needs a timeout of its own. Then the
/// pool notices, and makes another connection.
#[test]
fn a_pool_whose_ping_has_a_timeout_replaces_forgotten_connections() {
    let client = pool::with_a_pause(pool::CheckOut::Ping, PAUSE);
    let outcome = TRIAL.run_with(drops, pool::serve, client);
    let Outcome::Done(after) = outcome else { panic!("{outcome:?}") };
    assert!(after > PAUSE + pool::PING, "it noticed without the timeout: {after:?}");
}

/// A pool that trusts waits with its request.
#[test]
fn a_pool_that_trusts_waits_on_a_forgotten_connection() {
    let client = pool::with_a_pause(pool::CheckOut::Trust, PAUSE);
    assert_eq!(TRIAL.run_with(drops, pool::serve, client), Outcome::Hangs);
}

// ---- A reader whose server has crashed ----

/// In the middle of the slow answer, for good, and for a second and a half.
const CRASH: Script = &[(Duration::from_millis(500), crash)];
const REBOOT: Script = &[(Duration::from_millis(500), crash), (seconds(2), bounce)];

fn crash(sim: &mut Sim<'static>) {
    sim.crash("server");
}

fn bounce(sim: &mut Sim<'static>) {
    sim.bounce("server");
}

async fn reader() -> turmoil::Result {
    http1::interrupted_on(connect(80, seconds(60)).await?, || {}).await
}

/// A reader sends nothing but probes. The server that has come back answers the first with a
/// reset (RFC 9293 §3.5.1).
#[test]
fn a_reader_with_keepalive_notices_that_the_server_has_rebooted() {
    let told = Trial { script: REBOOT, ..TRIAL }.run(http1::serve, reader());
    let text = "error reading a body from connection: ECONNRESET: connection reset by peer";
    assert_eq!(told, Outcome::Failed(text.into()));
}

/// One that is gone answers none, and after the last the connection is over.
#[test]
fn a_reader_with_keepalive_notices_that_the_server_is_gone() {
    let told = Trial { script: CRASH, ..TRIAL }.run(http1::serve, reader());
    let text = "error reading a body from connection: ETIMEDOUT: connection timed out";
    assert_eq!(told, Outcome::Failed(text.into()));
}
