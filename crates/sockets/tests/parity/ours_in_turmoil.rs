//! Ours, on the only host of a simulation.

use std::future::Future;
use std::time::Duration;

pub(crate) use twomsl_sockets::net;

#[path = "cases.rs"]
mod cases;
#[path = "corners.rs"]
mod corners;

pub(crate) fn run(case: impl Future<Output = crate::Outcome> + 'static) {
    let mut sim =
        turmoil::Builder::new().rng_seed(1).simulation_duration(Duration::from_secs(20)).build();
    sim.client("alone", async {
        case.await.map_err(|error| -> Box<dyn std::error::Error> { error })
    });
    sim.run().unwrap();
}
