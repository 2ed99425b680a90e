//! `axum::serve` takes our listener as it takes tokio's.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::serve::Listener;

use super::{TcpListener, TcpStream};

/// How long axum waits before it accepts again after an error of the listener itself. Without it
/// a host that has no sockets left would be asked again and again, and time would stand still.
const PATIENCE: Duration = Duration::from_secs(1);

impl Listener for TcpListener {
    type Io = TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        loop {
            match Self::accept(self).await {
                Ok(accepted) => return accepted,
                Err(_) => tokio::time::sleep(PATIENCE).await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Self::local_addr(self)
    }
}
