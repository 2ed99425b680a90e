//! A connection pool behind a load balancer that forgets what is idle for 350 seconds.
//!
//! ```text
//! cargo run --example pool-behind-a-balancer                  # the request waits for ever
//! cargo run --example pool-behind-a-balancer -- ping          # the pool asks first, with a timeout
//! cargo run --example pool-behind-a-balancer -- keepalive     # the connection is never idle so long
//! cargo run --example pool-behind-a-balancer -- ping --ladder
//! ```

use std::error::Error;
use std::io;
use std::time::Duration;

use bb8::{ManageConnection, Pool};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::time::{sleep, timeout};
use twomsl::net::{TcpListener, TcpSocket, TcpStream};
use twomsl::sim::Recording;
use twomsl::sim::spec::{Flows, MiddleboxKind, MiddleboxSpec};
use twomsl::sockets::{Lab, Profile, SocketOption, netstat};
use twomsl::trace::{Trace, ladder};

/// How long the load balancer remembers.
const REMEMBERS: Duration = Duration::from_secs(350);

/// What the pool does about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Care {
    /// Nothing.
    None,
    /// It asks before it hands a connection out, and waits five seconds for the answer.
    Ping,
    /// Its connections are probed when they were idle for five minutes.
    Keepalive,
}

type Connection = BufReader<TcpStream>;

impl ManageConnection for Care {
    type Connection = Connection;
    type Error = io::Error;

    async fn connect(&self) -> io::Result<Connection> {
        let socket = TcpSocket::new_v4()?;
        socket.set_keepalive(*self == Self::Keepalive)?;
        socket.set_option(SocketOption::KeepIdle(Duration::from_secs(300)))?;
        let server = (turmoil::lookup("server"), 6379).into();
        Ok(BufReader::new(socket.connect(server).await?))
    }

    async fn is_valid(&self, connection: &mut Connection) -> io::Result<()> {
        timeout(Duration::from_secs(5), ask(connection, "ping\n")).await?.map(drop)
    }

    fn has_broken(&self, _: &mut Connection) -> bool {
        false // nothing goes back broken here: after a failure the client is done
    }
}

async fn ask(connection: &mut Connection, line: &str) -> io::Result<String> {
    connection.write_all(line.as_bytes()).await?;
    let mut answer = String::new();
    match connection.read_line(&mut answer).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(answer),
    }
}

/// The server answers a line with the same line.
async fn serve() -> turmoil::Result {
    let listener = TcpListener::bind("0.0.0.0:6379").await?;
    loop {
        let (mut stream, _) = listener.accept().await?;
        tokio::spawn(async move {
            let (mut read, mut write) = stream.split();
            tokio::io::copy(&mut read, &mut write).await
        });
    }
}

/// Two requests, and between them nothing for longer than the load balancer remembers.
async fn client(care: Care) -> turmoil::Result {
    let pool =
        Pool::builder().max_size(1).test_on_check_out(care == Care::Ping).build(care).await?;
    ask(&mut *pool.get().await?, "one\n").await?;
    sleep(REMEMBERS + Duration::from_secs(50)).await;
    let answer = timeout(Duration::from_secs(60), second(&pool)).await;
    println!("{}", netstat("client")?);
    answer.map_err(|_| "nobody answers")??;
    Ok(())
}

async fn second(pool: &Pool<Care>) -> turmoil::Result<String> {
    Ok(ask(&mut *pool.get().await?, "two\n").await?)
}

/// Runs it; what became of the client, and everything that happened.
pub(crate) fn simulate(care: Care) -> turmoil::Result<(turmoil::Result, Trace)> {
    let lab = Lab::new(1, Recording::Trace);
    lab.set_title("A pool behind a load balancer");
    lab.network(|network| {
        let [inside, outside] =
            ["client", "server"].map(|name| network.add_host(name, Profile::linux()));
        network.add_middlebox(MiddleboxSpec {
            name: "balancer".into(),
            inside,
            outside,
            kind: MiddleboxKind::Transparent,
            flows: Flows::forgotten_after(REMEMBERS),
        })
    })?;
    let latency = Duration::from_millis(10);
    let mut sim = turmoil::Builder::new()
        .simulation_duration(Duration::from_secs(1000))
        .tick_duration(latency)
        .min_message_latency(latency)
        .max_message_latency(latency)
        .udp_capacity(4096)
        .build();
    sim.host("server", serve);
    sim.client("client", client(care));
    let result = sim.run();
    Ok((result, lab.finish()))
}

/// Takes `ping` or `keepalive`, and `--ladder`.
fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let has = |word: &str| arguments.iter().any(|argument| argument == word);
    let care = match () {
        () if has("ping") => Care::Ping,
        () if has("keepalive") => Care::Keepalive,
        () => Care::None,
    };
    let (result, trace) = simulate(care)?;
    if has("--ladder") {
        println!("{}", ladder::plain(&trace, ladder::Form::default()));
    }
    match result {
        Ok(()) => println!("the second request was answered"),
        Err(error) => println!("the second request: {error}"),
    }
    Ok(())
}
