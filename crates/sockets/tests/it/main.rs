//! What applications inside turmoil see of these sockets.

mod basics;
mod faults;
mod invariants;
mod lifetimes;
mod misuse;
mod tasks;
mod times;
mod traces;

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use twomsl_sockets::net::{TcpListener, TcpStream};

/// A simulation with the same latency, in milliseconds, for every message.
pub(crate) fn simulation(latency: u64) -> turmoil::Sim<'static> {
    ticking(1, latency)
}

/// The same with ticks of so many milliseconds, for simulations of minutes: turmoil's ticks take
/// time even when nothing happens.
pub(crate) fn ticking(tick: u64, latency: u64) -> turmoil::Sim<'static> {
    let (tick, latency) = (Duration::from_millis(tick), Duration::from_millis(latency));
    turmoil::Builder::new()
        .rng_seed(1)
        .simulation_duration(Duration::from_secs(600))
        .tick_duration(tick)
        .min_message_latency(latency)
        .max_message_latency(latency)
        .udp_capacity(1024)
        .build()
}

/// Answers every connection with what it sends.
pub(crate) async fn echo() -> turmoil::Result {
    let listener = TcpListener::bind("0.0.0.0:7").await?;
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(async move {
            let (mut read, mut write) = stream.into_split();
            tokio::io::copy(&mut read, &mut write).await
        });
    }
}

/// Says something to `server`, which is an [`echo`], and hears it back.
pub(crate) async fn ask(text: &[u8]) -> std::io::Result<Vec<u8>> {
    let (mut read, mut write) = TcpStream::connect("server:7").await?.into_split();
    let text = text.to_vec();
    let writing = tokio::spawn(async move {
        write.write_all(&text).await?;
        write.shutdown().await
    });
    let mut answer = Vec::new();
    read.read_to_end(&mut answer).await?;
    writing.await??;
    Ok(answer)
}
