//! Simulations in which the programs run, and what came of them.

use std::cell::RefCell;
use std::error::Error;
use std::iter;
use std::ops::Range;
use std::rc::Rc;
use std::time::Duration;

use turmoil::{Builder, Sim};
use twomsl::sim::Recording;
use twomsl::sim::spec::{self, Impairments, Probability};
use twomsl::sockets::{Faults, Lab};

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

/// Whose TCP a program runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tcp {
    /// The one with segments.
    Segments,
    /// Turmoil's own.
    Pipe,
}

/// What befalls the hosts, and when.
pub(crate) type Script = &'static [(Duration, fn(&mut Sim<'static>))];

/// A simulation of a client and a server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trial {
    pub(crate) tcp: Tcp,
    pub(crate) seed: u64,
    /// How many of a hundred segments, or messages of turmoil's, are lost.
    pub(crate) percent_lost: u8,
    pub(crate) script: Script,
    /// How long the client waits.
    pub(crate) patience: Duration,
    /// Turmoil's tick. A message takes one to five of them, so that later ones overtake it.
    pub(crate) tick: Duration,
}

/// When a segment is lost again and again TCP needs minutes: it waits twice as long each time
/// (RFC 6298 §5.5), until it has measured a round trip again.
pub(crate) const SEGMENTS: Trial = Trial {
    tcp: Tcp::Segments,
    seed: 1,
    percent_lost: 0,
    script: &[],
    patience: Duration::from_secs(200),
    tick: Duration::from_millis(5),
};

/// On turmoil's own TCP a program is done in less than a second, or never.
pub(crate) const PIPE: Trial =
    Trial { tcp: Tcp::Pipe, patience: Duration::from_secs(20), ..SEGMENTS };

impl Trial {
    /// Runs a client beside a server that is called `server`.
    pub(crate) fn run<S, C>(&self, server: fn() -> S, client: C) -> Outcome
    where
        S: Future<Output = turmoil::Result> + 'static,
        C: Future<Output = turmoil::Result> + 'static,
    {
        self.run_with(|_| (), server, client)
    }

    /// The same with something between the hosts.
    pub(crate) fn run_with<S, C, G>(
        &self,
        install: impl FnOnce(&Lab) -> G,
        server: fn() -> S,
        client: C,
    ) -> Outcome
    where
        S: Future<Output = turmoil::Result> + 'static,
        C: Future<Output = turmoil::Result> + 'static,
    {
        let outcome = Rc::new(RefCell::new(Outcome::Hangs));
        let told = Rc::clone(&outcome);
        let patience = self.patience;
        let lab = Lab::new(self.seed, Recording::Off);
        let _lossy = self.faults().install().expect("before a simulation any name will do");
        let _installed = install(&lab);
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
        assert_eq!(lab.violations(), []);
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

    #[expect(clippy::float_arithmetic, reason = "turmoil wants a float, and draws from it alone")]
    fn simulation(&self) -> Sim<'static> {
        let mut builder = Builder::new();
        builder
            .rng_seed(self.seed)
            .simulation_duration(Duration::from_secs(24 * 3600))
            .tick_duration(self.tick)
            .min_message_latency(self.tick)
            .max_message_latency(5 * self.tick)
            .udp_capacity(4096)
            .tcp_capacity(4096);
        if self.tcp == Tcp::Pipe {
            // Turmoil loses whole links, not messages. One that is whole again with the next
            // message comes nearest to random loss.
            builder.fail_rate(f64::from(self.percent_lost) / 100.0).repair_rate(1.0);
        }
        builder.build()
    }

    fn faults(&self) -> Faults {
        let billionths = u32::from(self.percent_lost) * 10_000_000;
        let part = Probability::from_parts_per_billion(billionths).expect("less than all");
        let mut impairments =
            Impairments { loss: spec::Loss::Bernoulli(part), ..Impairments::default() };
        if self.percent_lost > 0 {
            // Segments of one burst overtake each other, too.
            impairments.delay = 2 * self.tick;
            impairments.jitter = 2 * self.tick;
        }
        Faults::new().both_ways("client", "server", impairments)
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
