//! tonic at both ends: a client streams an upload, the server answers how much it was. What
//! tonic's code generator would write is written by hand, so that no build needs `protoc`.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Bytes;
use bytes::{Buf, BufMut};
use futures_util::stream;
use hyper::http;
use hyper_util::rt::TokioIo;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder, Streaming};
use tonic::server::{ClientStreamingService, NamedService};
use tonic::transport::{Channel, Endpoint, Server, Uri};
use tonic::{Request, Response, Status};
use tower::{Service, service_fn};

use super::net::{TcpListener, TcpStream};

/// Messages of an upload.
const MESSAGES: usize = 40;
/// Octets of each.
const OCTETS: usize = 2_000;

/// The server.
pub(crate) async fn serve() -> turmoil::Result {
    let listener = TcpListener::bind("0.0.0.0:80").await?;
    let incoming = stream::unfold(listener, |listener| async move {
        let accepted = listener.accept().await.map(|(stream, _)| stream);
        Some((accepted, listener))
    });
    Server::builder().add_service(Uploads).serve_with_incoming(incoming).await?;
    Ok(())
}

/// One upload over a channel of its own.
pub(crate) async fn client() -> turmoil::Result {
    let connector = service_fn(|_: Uri| async {
        Ok::<_, io::Error>(TokioIo::new(TcpStream::connect("server:80").await?))
    });
    let channel =
        Endpoint::from_static("http://server:80").connect_with_connector(connector).await?;
    assert_eq!(upload(channel).await?, (MESSAGES * OCTETS).to_string());
    Ok(())
}

async fn upload(channel: Channel) -> turmoil::Result<Bytes> {
    let mut client = tonic::client::Grpc::new(channel);
    client.ready().await?;
    let messages = stream::iter((0..MESSAGES).map(|_| Bytes::from_static(&[b'z'; OCTETS])));
    let path = http::uri::PathAndQuery::from_static("/twomsl.Uploads/Upload");
    let answer = client.client_streaming(Request::new(messages), path, Octets).await?;
    Ok(answer.into_inner())
}

/// The service `twomsl.Uploads`, which has one method.
#[derive(Clone, Copy)]
struct Uploads;

impl NamedService for Uploads {
    const NAME: &'static str = "twomsl.Uploads";
}

type Answer<T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send>>;

impl Service<http::Request<tonic::body::Body>> for Uploads {
    type Response = http::Response<tonic::body::Body>;
    type Error = Infallible;
    type Future = Answer<Self::Response, Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<tonic::body::Body>) -> Self::Future {
        Box::pin(async {
            Ok(tonic::server::Grpc::new(Octets).client_streaming(Uploads, request).await)
        })
    }
}

impl ClientStreamingService<Bytes> for Uploads {
    type Response = Bytes;
    type Future = Answer<Response<Bytes>, Status>;

    fn call(&mut self, request: Request<Streaming<Bytes>>) -> Self::Future {
        Box::pin(async {
            let mut messages = request.into_inner();
            let mut octets = 0;
            while let Some(message) = messages.message().await? {
                octets += message.len();
            }
            Ok(Response::new(octets.to_string().into()))
        })
    }
}

/// Messages that are octets and nothing else.
#[derive(Clone, Copy)]
struct Octets;

impl Codec for Octets {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for Octets {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, message: Bytes, into: &mut EncodeBuf<'_>) -> Result<(), Status> {
        into.put(message);
        Ok(())
    }
}

impl Decoder for Octets {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(from.copy_to_bytes(from.remaining())))
    }
}
