//! A service with a line per request, and a client with a pool of connections (bb8).

use std::io;
use std::time::Duration;

use bb8::{ManageConnection, Pool};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::time::{sleep, timeout};

use super::net::{TcpListener, TcpStream};

/// The server answers a line with the same line.
pub(crate) async fn serve() -> turmoil::Result {
    let listener = TcpListener::bind("0.0.0.0:6379").await?;
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(async move {
            let mut stream = BufReader::new(stream);
            let mut line = String::new();
            while stream.read_line(&mut line).await? > 0 {
                stream.write_all(line.as_bytes()).await?;
                line.clear();
            }
            io::Result::Ok(())
        });
    }
}

/// What the pool does before it hands a connection out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CheckOut {
    /// Asks the server.
    Ping,
    /// Trusts.
    Trust,
}

/// A pool of at most four connections, with one from the beginning.
async fn pool(check_out: CheckOut) -> turmoil::Result<Pool<Manager>> {
    let builder = Pool::builder().max_size(4).min_idle(1).max_lifetime(None).idle_timeout(None);
    let builder = builder.test_on_check_out(check_out == CheckOut::Ping);
    Ok(builder.build(Manager).await?)
}

/// Sends a line over a connection of the pool; a broken one does not go back.
async fn ask(pool: &Pool<Manager>, line: &str) -> turmoil::Result<String> {
    let mut connection = pool.get().await?;
    Ok(connection.ask(line).await?)
}

/// A few requests at once, more than the pool has connections.
pub(crate) async fn client() -> turmoil::Result {
    let pool = pool(CheckOut::Ping).await?;
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..8 {
        let pool = pool.clone();
        tasks.spawn(async move {
            let line = format!("line {number}");
            ask(&pool, &line).await.map(|answer| answer == line).map_err(|error| error.to_string())
        });
    }
    while let Some(answer) = tasks.join_next().await {
        assert!(answer??, "the answer to another question");
    }
    Ok(())
}

/// Two requests with a pause between, in which what the pool holds may die.
pub(crate) async fn with_a_pause(check_out: CheckOut, pause: Duration) -> turmoil::Result {
    let pool = pool(check_out).await?;
    assert_eq!(ask(&pool, "one").await?, "one");
    sleep(pause).await;
    assert_eq!(ask(&pool, "two").await?, "two");
    Ok(())
}

/// How the pool makes connections and looks after them.
struct Manager;

/// How long a ping may take. A load balancer that has forgotten a connection says nothing.
pub(crate) const PING: Duration = Duration::from_secs(5);

impl ManageConnection for Manager {
    type Connection = Connection;
    type Error = io::Error;

    async fn connect(&self) -> io::Result<Connection> {
        let stream = TcpStream::connect("server:6379").await?;
        Ok(Connection { stream: BufReader::new(stream), state: State::Sound })
    }

    async fn is_valid(&self, connection: &mut Connection) -> io::Result<()> {
        timeout(PING, connection.ask("ping")).await?.map(drop)
    }

    fn has_broken(&self, connection: &mut Connection) -> bool {
        connection.state == State::Broken
    }
}

/// A connection of the pool.
struct Connection {
    stream: BufReader<TcpStream>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Sound,
    /// A request went wrong, or was given up: what comes next would be its answer.
    Broken,
}

impl Connection {
    async fn ask(&mut self, line: &str) -> io::Result<String> {
        self.state = State::Broken;
        self.stream.write_all(format!("{line}\n").as_bytes()).await?;
        let mut answer = String::new();
        if self.stream.read_line(&mut answer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.state = State::Sound;
        Ok(answer.trim_end().to_owned())
    }
}
