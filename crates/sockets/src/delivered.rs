//! Clients whose programs end before their TCP does.

use std::time::Duration;

use twomsl_tcp::{Status, TcpState};

use crate::registry;

/// Runs the program of a turmoil client, and then stays until its TCP has delivered what was
/// written, or has given up.
///
/// A kernel goes on when a program has ended. Turmoil does not: it never looks again at a client
/// whose future is over, and its stack stands still with all that was not yet acknowledged.
///
/// ```
/// # use tokio::io::{AsyncReadExt, AsyncWriteExt};
/// # use twomsl_sockets::net::{TcpListener, TcpStream};
/// # let mut sim = turmoil::Builder::new().rng_seed(1).build();
/// # sim.client("server", async {
/// #     let (mut stream, _) = TcpListener::bind("0.0.0.0:80").await?.accept().await?;
/// #     let mut text = Vec::new();
/// #     stream.read_to_end(&mut text).await?;
/// #     assert_eq!(text.len(), 100_000);
/// #     Ok(())
/// # });
/// sim.client("client", twomsl_sockets::delivered(async {
///     let mut stream = TcpStream::connect("server:80").await?;
///     stream.write_all(&[7; 100_000]).await?;
///     Ok(()) // and the stream is dropped, which closes it
/// }));
/// # sim.run().unwrap();
/// ```
pub async fn delivered<T>(program: impl Future<Output = T>) -> T {
    let result = program.await;
    // Without a socket there is nothing to deliver; a host that has crashed delivers nothing.
    let Ok(host) = registry::here() else { return result };
    while host.enter(|call| call.look().sockets().any(|socket| owes(&socket))).unwrap_or(false) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    result
}

/// Whether a socket has said something that its peer has not acknowledged, be it a SYN or a FIN.
fn owes(socket: &Status) -> bool {
    use TcpState::{Closing, FinWait1, LastAck, SynReceived, SynSent};
    socket.send_queue > 0 && socket.state != TcpState::Listen
        || matches!(socket.state, SynSent | SynReceived | FinWait1 | Closing | LastAck)
}
