//! The same programs on these sockets and on turmoil's own TCP: `cargo bench --bench beside_turmoil`.
//!
//! `Pipe` is turmoil's own TCP, which carries what a program writes as one message and answers
//! nothing. `Segments` is ours, where every segment and every acknowledgment is simulated, and
//! every invariant is checked.

use std::io;
use std::time::Duration;

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use twomsl_sockets::SocketOption;
use twomsl_sockets::net::TcpSocket;

fn main() {
    divan::main();
}

// ---- Whose TCP ----

/// What the programs need of it.
trait Tcp: 'static {
    type Listener: 'static;
    type Stream: AsyncRead + AsyncWrite + Unpin + 'static;

    async fn bind() -> io::Result<Self::Listener>;
    async fn accept(listener: &Self::Listener) -> io::Result<Self::Stream>;
    async fn connect() -> io::Result<Self::Stream>;
    /// A connection with keepalive, if there is such a thing.
    async fn connect_for_long() -> io::Result<Self::Stream>;
}

struct Segments;
struct Pipe;

/// Where the server listens.
const SERVER: &str = "server:80";

/// What both have in common: they look like tokio's.
macro_rules! like_tokio {
    ($($net:ident)::+) => {
        type Listener = $($net)::+::TcpListener;
        type Stream = $($net)::+::TcpStream;

        async fn bind() -> io::Result<Self::Listener> {
            Self::Listener::bind("0.0.0.0:80").await
        }

        async fn accept(listener: &Self::Listener) -> io::Result<Self::Stream> {
            Ok(listener.accept().await?.0)
        }

        async fn connect() -> io::Result<Self::Stream> {
            Self::Stream::connect(SERVER).await
        }
    };
}

impl Tcp for Segments {
    like_tokio!(twomsl_sockets::net);

    async fn connect_for_long() -> io::Result<Self::Stream> {
        let socket = TcpSocket::new_v4()?;
        socket.set_keepalive(true)?;
        socket.set_option(SocketOption::KeepIdle(Duration::from_secs(60)))?;
        socket.connect((turmoil::lookup("server"), 80).into()).await
    }
}

impl Tcp for Pipe {
    like_tokio!(turmoil::net);

    async fn connect_for_long() -> io::Result<Self::Stream> {
        Self::connect().await
    }
}

// ---- Programs ----

/// Answers every connection with what it sends.
async fn echo<T: Tcp>() -> turmoil::Result {
    let listener = T::bind().await?;
    loop {
        let stream = T::accept(&listener).await?;
        tokio::task::spawn_local(async move {
            let (mut read, mut write) = tokio::io::split(stream);
            tokio::io::copy(&mut read, &mut write).await?;
            write.shutdown().await
        });
    }
}

/// Reads everything.
async fn sink<T: Tcp>() -> turmoil::Result {
    let listener = T::bind().await?;
    loop {
        let mut stream = T::accept(&listener).await?;
        let mut text = vec![0; 16 << 10];
        while stream.read(&mut text).await? > 0 {
            black_box(&text);
        }
    }
}

/// One short connection: a request, the answer, the end in both directions.
async fn short<T: Tcp>() -> io::Result<()> {
    let mut stream = T::connect().await?;
    stream.write_all(&[1; 100]).await?;
    stream.shutdown().await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    assert_eq!(answer.len(), 100);
    Ok(())
}

/// So many clients at once, each with so many connections, one after the other.
const CLIENTS: usize = 50;
const CONNECTIONS: usize = 100;

async fn many_short<T: Tcp>() -> turmoil::Result {
    let mut clients = tokio::task::JoinSet::new();
    for _ in 0..CLIENTS {
        clients.spawn_local(async {
            for _ in 0..CONNECTIONS {
                short::<T>().await?;
            }
            io::Result::Ok(())
        });
    }
    while let Some(client) = clients.join_next().await {
        client??;
    }
    Ok(())
}

/// Octets of a bulk transfer.
const BULK: usize = 64 << 20;

/// Writes of this many octets: what `tokio::io::copy` makes of a file, or a segment's worth.
async fn bulk<T: Tcp>(at_once: usize) -> turmoil::Result {
    let mut stream = T::connect().await?;
    let text = vec![7; at_once];
    // Turmoil's own TCP forgets an end of file that comes when its queue of 64 is just full.
    for _ in 0..=BULK / at_once {
        stream.write_all(&text).await?;
    }
    stream.shutdown().await?;
    // Until the other end has read it all.
    assert_eq!(stream.read(&mut [0]).await?, 0);
    Ok(())
}

/// Two hours without a word.
async fn idle<T: Tcp>() -> turmoil::Result {
    let mut stream = T::connect_for_long().await?;
    tokio::time::sleep(Duration::from_secs(2 * 3600)).await;
    stream.write_all(b"still there?").await?;
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await?;
    Ok(())
}

// ---- Runs ----

fn run<S, C>(tick: u64, server: fn() -> S, client: C)
where
    S: Future<Output = turmoil::Result> + 'static,
    C: Future<Output = turmoil::Result> + 'static,
{
    let tick = Duration::from_millis(tick);
    let mut sim = turmoil::Builder::new()
        .rng_seed(1)
        .simulation_duration(Duration::from_secs(3 * 3600))
        .tick_duration(tick)
        .min_message_latency(tick)
        .max_message_latency(tick)
        .udp_capacity(4096)
        .build();
    sim.host("server", server);
    sim.client("client", client);
    sim.run().expect("the programs end well");
}

#[divan::bench(types = [Segments, Pipe], sample_count = 10)]
fn short_connections<T: Tcp>(bencher: Bencher<'_, '_>) {
    let count = ItemsCount::new(CLIENTS * CONNECTIONS);
    bencher.counter(count).bench_local(|| run(1, echo::<T>, many_short::<T>()));
}

#[divan::bench(types = [Segments, Pipe], args = [1_460, 8_192, 65_536], sample_count = 10)]
fn bulk_in_writes_of<T: Tcp>(bencher: Bencher<'_, '_>, at_once: usize) {
    let count = BytesCount::new(BULK);
    bencher.counter(count).bench_local(|| run(1, sink::<T>, bulk::<T>(at_once)));
}

/// With a tick of 10 milliseconds: 720,000 ticks of two hosts, and 120 probes with their answers.
#[divan::bench(types = [Segments, Pipe], sample_count = 3)]
fn two_idle_hours<T: Tcp>(bencher: Bencher<'_, '_>) {
    bencher.bench_local(|| run(10, echo::<T>, idle::<T>()));
}
