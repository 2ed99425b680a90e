//! hyper at both ends, over HTTP/2: many requests at once on one connection.

use std::convert::Infallible;

use axum::body::{Body, Bytes};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::task::JoinSet;

use super::net::{TcpListener, TcpStream};

/// Requests at once.
const REQUESTS: usize = 8;

/// The server answers with what it was sent.
pub(crate) async fn serve() -> turmoil::Result {
    let listener = TcpListener::bind("0.0.0.0:80").await?;
    loop {
        let (stream, _) = listener.accept().await?;
        let service = service_fn(|request: Request<Incoming>| async {
            Ok::<_, Infallible>(Response::new(request.into_body()))
        });
        let connection = http2::Builder::new(TokioExecutor::new())
            .serve_connection(TokioIo::new(stream), service);
        tokio::spawn(connection);
    }
}

/// All requests set out at once; each gets its own text back.
pub(crate) async fn client() -> turmoil::Result {
    let stream = TcpStream::connect("server:80").await?;
    let (requests, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let mut answers = JoinSet::new();
    for number in 0..REQUESTS {
        answers.spawn(echo(requests.clone(), vec![number as u8; 1000 * (number + 1)]));
    }
    while let Some(answer) = answers.join_next().await {
        let (sent, echoed) = answer?.map_err(|error| error.to_string())?;
        assert_eq!(sent, echoed);
    }
    Ok(())
}

async fn echo(mut requests: SendRequest<Body>, text: Vec<u8>) -> hyper::Result<(Vec<u8>, Bytes)> {
    let request = Request::post("http://server/echo").body(text.clone().into());
    let response = requests.send_request(request.expect("it is well formed")).await?;
    Ok((text, response.into_body().collect().await?.to_bytes()))
}
