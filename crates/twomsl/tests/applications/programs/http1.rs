//! An axum application behind `axum::serve`, and a client of hyper over HTTP/1.

use std::io;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Path;
use axum::routing::{get, post};
use futures_util::{StreamExt, stream};
use http_body_util::BodyExt;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::time::sleep;

use super::net::{TcpListener, TcpStream};

/// Octets of `/large`: more than one window of the peer.
const LARGE: usize = 100_000;

/// Parts of `/slow`, of as many octets as `LARGE` in all.
const PARTS: usize = 10;

/// The server: a short answer, a long one, one that takes a second, and one that counts what it
/// is sent.
pub(crate) async fn serve() -> turmoil::Result {
    let app = Router::new()
        .route(
            "/greet/{name}",
            get(|Path(name): Path<String>| async move { format!("Hello {name}!") }),
        )
        .route("/large", get(|| async { vec![b'x'; LARGE] }))
        .route("/slow", get(|| async { slow() }))
        .route("/count", post(|body: Bytes| async move { body.len().to_string() }));
    let listener = TcpListener::bind("0.0.0.0:80").await?;
    axum::serve(listener, app).await?;
    Ok(())
}

fn slow() -> Body {
    let parts = stream::iter(0..PARTS).then(|_| async {
        sleep(Duration::from_millis(100)).await;
        io::Result::Ok(vec![b'x'; LARGE / PARTS])
    });
    Body::from_stream(parts)
}

/// A client with one connection that it keeps.
struct Client {
    requests: SendRequest<Body>,
}

impl Client {
    async fn connect() -> turmoil::Result<Self> {
        Self::on(TcpStream::connect("server:80").await?).await
    }

    async fn on(stream: TcpStream) -> turmoil::Result<Self> {
        let (requests, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self { requests })
    }

    async fn get(&mut self, path: &str) -> turmoil::Result<Bytes> {
        self.ask(Request::get(path).header("host", "server").body(Body::empty())?).await
    }

    /// Gets the slow answer; `interrupt` is called when the first part of it is there.
    async fn get_slowly(&mut self, interrupt: fn()) -> turmoil::Result<usize> {
        let request = Request::get("/slow").header("host", "server").body(Body::empty())?;
        let mut body = self.requests.send_request(request).await?.into_body();
        let mut octets = 0;
        while let Some(frame) = body.frame().await {
            if octets == 0 {
                interrupt();
            }
            octets += frame?.into_data().map_or(0, |data| data.len());
        }
        Ok(octets)
    }

    async fn post(&mut self, path: &str, body: Vec<u8>) -> turmoil::Result<Bytes> {
        self.ask(Request::post(path).header("host", "server").body(body.into())?).await
    }

    async fn ask(&mut self, request: Request<Body>) -> turmoil::Result<Bytes> {
        self.requests.ready().await?;
        let response = self.requests.send_request(request).await?;
        assert_eq!(response.status(), StatusCode::OK);
        Ok(response.into_body().collect().await?.to_bytes())
    }
}

/// A few requests over one connection, and one over another.
pub(crate) async fn client() -> turmoil::Result {
    let mut client = Client::connect().await?;
    assert_eq!(client.get("/greet/you").await?, "Hello you!");
    assert_eq!(client.get("/large").await?.len(), LARGE);
    assert_eq!(client.post("/count", vec![b'y'; 20_000]).await?, "20000");
    let mut another = Client::connect().await?;
    assert_eq!(another.get("/greet/again").await?, "Hello again!");
    Ok(())
}

/// The slow answer, with something that happens in the middle of it.
pub(crate) async fn interrupted(interrupt: fn()) -> turmoil::Result {
    interrupted_on(TcpStream::connect("server:80").await?, interrupt).await
}

/// The same over this connection.
pub(crate) async fn interrupted_on(stream: TcpStream, interrupt: fn()) -> turmoil::Result {
    let mut client = Client::on(stream).await?;
    assert_eq!(client.get_slowly(interrupt).await?, LARGE);
    Ok(())
}

/// Two requests on one connection, with a pause between.
pub(crate) async fn with_a_pause(pause: Duration) -> turmoil::Result {
    let mut client = Client::connect().await?;
    assert_eq!(client.get("/greet/one").await?, "Hello one!");
    sleep(pause).await;
    assert_eq!(client.get("/greet/two").await?, "Hello two!");
    Ok(())
}
