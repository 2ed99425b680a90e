//! Simulations in which the programs run, and what came of them.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use turmoil::{Builder, Sim};

/// What came of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It got everything, after this time.
    Done(Duration),
    /// It still waited when its patience was over.
    Hangs,
    /// It was told of an error.
    Failed(String),
}

/// How many messages are lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loss {
    None,
    OnePercent,
    FivePercent,
}

impl Loss {
    /// In turmoil's words: how often the link between two hosts breaks when a message is sent.
    fn rate(self) -> f64 {
        match self {
            Self::None => 0.0,
            Self::OnePercent => 0.01,
            Self::FivePercent => 0.05,
        }
    }
}

/// How long a client waits. TCP needs a few seconds when the same segment is lost again and again.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A simulation with loss and reordering: every message has a latency of its own. Turmoil's link
/// breaks for what is under way, and is whole again with the next message.
pub(crate) fn simulation(seed: u64, loss: Loss) -> Sim<'static> {
    Builder::new()
        .rng_seed(seed)
        .simulation_duration(Duration::from_secs(3600))
        .tick_duration(Duration::from_millis(5))
        .min_message_latency(Duration::from_millis(5))
        .max_message_latency(Duration::from_millis(25))
        .udp_capacity(4096)
        .tcp_capacity(4096)
        .fail_rate(loss.rate())
        .repair_rate(1.0)
        .build()
}

/// Runs a client beside a server that is called `server`.
pub(crate) fn run<S, C>(mut sim: Sim<'static>, server: fn() -> S, client: C) -> Outcome
where
    S: Future<Output = turmoil::Result> + 'static,
    C: Future<Output = turmoil::Result> + 'static,
{
    let outcome = Rc::new(RefCell::new(Outcome::Hangs));
    let told = Rc::clone(&outcome);
    sim.host("server", server);
    sim.client("client", async move {
        let began = tokio::time::Instant::now();
        *told.borrow_mut() = match tokio::time::timeout(PATIENCE, client).await {
            Ok(Ok(())) => Outcome::Done(began.elapsed()),
            Ok(Err(error)) => Outcome::Failed(error.to_string()),
            Err(_) => Outcome::Hangs,
        };
        Ok(())
    });
    sim.run().expect("the client's errors are told, and the server has none");
    drop(sim);
    Rc::unwrap_or_clone(outcome).into_inner()
}

/// Runs a program with each of these seeds; what came of each.
pub(crate) fn sweep<S, C>(
    seeds: impl Iterator<Item = u64>,
    loss: Loss,
    server: fn() -> S,
    client: fn() -> C,
) -> Vec<(u64, Outcome)>
where
    S: Future<Output = turmoil::Result> + 'static,
    C: Future<Output = turmoil::Result> + 'static,
{
    seeds.map(|seed| (seed, run(simulation(seed, loss), server, client()))).collect()
}
