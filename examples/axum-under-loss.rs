//! An axum service on a network that loses one of twenty segments, each way.
//!
//! ```text
//! cargo run --example axum-under-loss            # seed 1
//! cargo run --example axum-under-loss -- 42      # another run of the same test
//! cargo run --example axum-under-loss -- 42 --ladder
//! ```
//!
//! On turmoil's own TCP the imports would be `turmoil::net::{TcpListener, TcpStream}`; nothing else
//! here knows whose TCP it is on, but for the faults and the ladder.

use std::error::Error;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Path;
use axum::routing::get;
use http_body_util::BodyExt;
use hyper::Request;
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use twomsl::net::{TcpListener, TcpStream};
use twomsl::sim::Recording;
use twomsl::sim::spec::{Impairments, Loss, Probability};
use twomsl::sockets::{Faults, Lab};
use twomsl::trace::{Trace, ladder};

/// Requests of the client, each over a connection of its own.
const REQUESTS: usize = 10;

async fn serve() -> turmoil::Result {
    let app = Router::new().route(
        "/greet/{name}",
        get(|Path(name): Path<String>| async move { format!("Hello {name}!") }),
    );
    let listener = TcpListener::bind("0.0.0.0:80").await?;
    axum::serve(listener, app).await?;
    Ok(())
}

async fn request(path: &str) -> turmoil::Result<Bytes> {
    let stream = TcpStream::connect("server:80").await?;
    let (mut requests, connection) = handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let request = Request::get(path).header("host", "server").body(Body::empty())?;
    let response = requests.send_request(request).await?;
    Ok(response.into_body().collect().await?.to_bytes())
}

/// Runs it with this seed; everything that happened.
pub(crate) fn simulate(seed: u64) -> turmoil::Result<Trace> {
    let lab = Lab::new(seed, Recording::Trace);
    lab.set_title("axum under 5 % loss");
    let loss = Probability::from_parts_per_billion(50_000_000).ok_or("more than all")?;
    let impairments = Impairments { loss: Loss::Bernoulli(loss), ..Impairments::default() };
    let _lossy = Faults::new().both_ways("client", "server", impairments).install()?;

    let mut sim = turmoil::Builder::new()
        .rng_seed(seed)
        .simulation_duration(Duration::from_secs(300))
        .min_message_latency(Duration::from_millis(5))
        .max_message_latency(Duration::from_millis(10))
        .udp_capacity(4096)
        .build();
    sim.host("server", serve);
    sim.client("client", async {
        for number in 0..REQUESTS {
            assert_eq!(request(&format!("/greet/{number}")).await?, format!("Hello {number}!"));
        }
        Ok(())
    });
    sim.run()?;
    Ok(lab.finish())
}

/// Takes the seed and `--ladder`.
fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let seed = arguments.iter().find_map(|argument| argument.parse().ok()).unwrap_or(1);
    let trace = simulate(seed)?;
    if arguments.iter().any(|argument| argument == "--ladder") {
        println!("{}", ladder::plain(&trace, ladder::Form::default()));
    }
    println!("seed {seed}: {REQUESTS} of {REQUESTS} requests were answered");
    Ok(())
}
