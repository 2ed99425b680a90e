//! rustls over a connection: a handshake, text both ways, and an end that both sides have
//! agreed on.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::net::{TcpListener, TcpStream};
use crate::identity;

/// Octets that the client sends.
const TEXT: usize = 40_000;

/// The server answers with what it was sent.
pub(crate) async fn serve() -> turmoil::Result {
    let acceptor = TlsAcceptor::from(identity::of_server());
    let listener = TcpListener::bind("0.0.0.0:443").await?;
    loop {
        let (stream, _) = listener.accept().await?;
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            let (mut read, mut write) = tokio::io::split(acceptor.accept(stream).await?);
            tokio::io::copy(&mut read, &mut write).await?;
            write.shutdown().await
        });
    }
}

/// The client reads to the end, which TLS says apart from TCP: a lost end of text is an error.
pub(crate) async fn client() -> turmoil::Result {
    let stream = TcpStream::connect("server:443").await?;
    let name = ServerName::try_from("server")?;
    let stream = TlsConnector::from(identity::known_to_client()).connect(name, stream).await?;
    let (mut read, mut write) = tokio::io::split(stream);
    let writing = tokio::spawn(async move {
        write.write_all(&vec![b't'; TEXT]).await?;
        write.shutdown().await
    });
    let mut echoed = Vec::new();
    read.read_to_end(&mut echoed).await?;
    writing.await??;
    assert_eq!(echoed, vec![b't'; TEXT]);
    Ok(())
}
