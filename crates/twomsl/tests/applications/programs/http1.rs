//! An axum application behind `axum::serve`, and a client of hyper over HTTP/1.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Path;
use axum::routing::{get, post};
use http_body_util::BodyExt;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;

use super::net::{TcpListener, TcpStream};

/// Octets of `/large`: more than one window of the peer.
pub(crate) const LARGE: usize = 100_000;

/// The server: a short answer, a long one, and one that takes what it is sent.
pub(crate) async fn serve() -> turmoil::Result {
    let app = Router::new()
        .route(
            "/greet/{name}",
            get(|Path(name): Path<String>| async move { format!("Hello {name}!") }),
        )
        .route("/large", get(|| async { vec![b'x'; LARGE] }))
        .route("/count", post(|body: Bytes| async move { body.len().to_string() }));
    let listener = TcpListener::bind("0.0.0.0:80").await?;
    axum::serve(listener, app).await?;
    Ok(())
}

/// A client with one connection that it keeps.
pub(crate) struct Client {
    requests: SendRequest<Body>,
}

impl Client {
    pub(crate) async fn connect() -> turmoil::Result<Self> {
        let stream = TcpStream::connect("server:80").await?;
        let (requests, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self { requests })
    }

    pub(crate) async fn get(&mut self, path: &str) -> turmoil::Result<Bytes> {
        self.ask(Request::get(path).header("host", "server").body(Body::empty())?).await
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
