//! Simulations in which the programs run, and what came of them.

use std::cell::RefCell;
use std::error::Error;
use std::iter;
use std::ops::Range;
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

/// What befalls the hosts, and when.
pub(crate) type Script = &'static [(Duration, fn(&mut Sim<'static>))];

/// A simulation of a client and a server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lab {
    pub(crate) seed: u64,
    pub(crate) loss: Loss,
    pub(crate) script: Script,
    /// How long the client waits.
    pub(crate) patience: Duration,
}

impl Default for Lab {
    /// Nothing befalls anybody. When a segment is lost again and again TCP needs minutes: it waits
    /// twice as long each time (RFC 6298 §5.5), until it has measured a round trip again.
    fn default() -> Self {
        Self { seed: 1, loss: Loss::None, script: &[], patience: Duration::from_secs(200) }
    }
}

impl Lab {
    /// Loss and reordering: every message has a latency of its own. Turmoil's link breaks for what
    /// is under way, and is whole again with the next message.
    fn simulation(&self) -> Sim<'static> {
        Builder::new()
            .rng_seed(self.seed)
            .simulation_duration(Duration::from_secs(24 * 3600))
            .tick_duration(Duration::from_millis(5))
            .min_message_latency(Duration::from_millis(5))
            .max_message_latency(Duration::from_millis(25))
            .udp_capacity(4096)
            .tcp_capacity(4096)
            .fail_rate(self.loss.rate())
            .repair_rate(1.0)
            .build()
    }

    /// Runs a client beside a server that is called `server`.
    pub(crate) fn run<S, C>(&self, server: fn() -> S, client: C) -> Outcome
    where
        S: Future<Output = turmoil::Result> + 'static,
        C: Future<Output = turmoil::Result> + 'static,
    {
        let outcome = Rc::new(RefCell::new(Outcome::Hangs));
        let told = Rc::clone(&outcome);
        let patience = self.patience;
        let mut sim = self.simulation();
        sim.host("server", server);
        sim.client("client", async move {
            let began = tokio::time::Instant::now();
            *told.borrow_mut() = match tokio::time::timeout(patience, client).await {
                Ok(Ok(())) => Outcome::Done(began.elapsed()),
                Ok(Err(error)) => Outcome::Failed(chain(&*error)),
                Err(_) => Outcome::Hangs,
            };
            Ok(())
        });
        follow(self.script, &mut sim);
        drop(sim);
        Rc::unwrap_or_clone(outcome).into_inner()
    }

    /// Runs a program with each of these seeds; what came of each.
    pub(crate) fn sweep<S, C>(
        self,
        seeds: Range<u64>,
        server: fn() -> S,
        client: fn() -> C,
    ) -> Vec<(u64, Outcome)>
    where
        S: Future<Output = turmoil::Result> + 'static,
        C: Future<Output = turmoil::Result> + 'static,
    {
        seeds.map(|seed| (seed, Self { seed, ..self }.run(server, client()))).collect()
    }
}

fn follow(script: Script, sim: &mut Sim<'static>) {
    let mut script = script.iter().peekable();
    while !sim.step().expect("the client's errors are told, and the server has none") {
        while let Some((_, befall)) = script.next_if(|(at, _)| *at <= sim.elapsed()) {
            befall(sim);
        }
    }
}

/// What an error says, and what it says was the cause.
fn chain(error: &(dyn Error + 'static)) -> String {
    let causes = iter::successors(Some(error), |&error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
