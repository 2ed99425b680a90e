//! The programs on turmoil's own TCP: a pipe whose pieces can be lost, but are not sent again.

#[path = "programs/grpc.rs"]
pub(crate) mod grpc;
#[path = "programs/http1.rs"]
pub(crate) mod http1;
#[path = "programs/http2.rs"]
pub(crate) mod http2;
#[path = "programs/pool.rs"]
pub(crate) mod pool;
#[path = "programs/tls.rs"]
pub(crate) mod tls;

/// What libraries ask of sockets and turmoil's do not have.
pub(crate) mod net {
    use std::io;
    use std::net::SocketAddr;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
    use tonic::transport::server::{Connected, TcpConnectInfo};

    /// Turmoil's listener, for `axum::serve`.
    pub(crate) struct TcpListener(turmoil::net::TcpListener);

    impl TcpListener {
        pub(crate) async fn bind(addr: &str) -> io::Result<Self> {
            Ok(Self(turmoil::net::TcpListener::bind(addr).await?))
        }

        pub(crate) async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
            let (stream, peer) = self.0.accept().await?;
            Ok((TcpStream(stream), peer))
        }
    }

    impl axum::serve::Listener for TcpListener {
        type Io = TcpStream;
        type Addr = SocketAddr;

        async fn accept(&mut self) -> (TcpStream, SocketAddr) {
            Self::accept(self).await.expect("turmoil's accept fails outside a simulation only")
        }

        fn local_addr(&self) -> io::Result<SocketAddr> {
            self.0.local_addr()
        }
    }

    /// Turmoil's stream, for servers of tonic.
    pub(crate) struct TcpStream(turmoil::net::TcpStream);

    impl TcpStream {
        pub(crate) async fn connect(addr: &str) -> io::Result<Self> {
            Ok(Self(turmoil::net::TcpStream::connect(addr).await?))
        }
    }

    impl Connected for TcpStream {
        type ConnectInfo = TcpConnectInfo;

        fn connect_info(&self) -> TcpConnectInfo {
            TcpConnectInfo {
                local_addr: self.0.local_addr().ok(),
                remote_addr: self.0.peer_addr().ok(),
            }
        }
    }

    impl AsyncRead for TcpStream {
        fn poll_read(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            buf: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            Pin::new(&mut self.0).poll_read(cx, buf)
        }
    }

    impl AsyncWrite for TcpStream {
        fn poll_write(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            buf: &[u8],
        ) -> Poll<io::Result<usize>> {
            Pin::new(&mut self.0).poll_write(cx, buf)
        }

        fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.0).poll_flush(cx)
        }

        fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.0).poll_shutdown(cx)
        }
    }
}
