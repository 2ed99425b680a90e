//! Random loss and reordering: every program ends well with every seed, as often as segments
//! are lost. On turmoil's own TCP what is lost is lost, and somebody waits for ever.

use std::time::Duration;

use crate::lab::{Lab, Loss, Outcome};
use crate::{pipe, segments};

/// On turmoil's own TCP a program is done in less than a second, or never.
const PIPE_PATIENCE: Duration = Duration::from_secs(20);

/// Makes the tests of a program.
macro_rules! programs {
    ($($program:ident),*) => {$(
        mod $program {
            use super::*;

            #[test]
            fn completes_with_100_of_100_seeds_at_1_percent_loss() {
                assert_all_done(at(Loss::OnePercent).sweep(0..100, serve, client));
            }

            #[test]
            fn completes_with_100_of_100_seeds_at_5_percent_loss() {
                assert_all_done(at(Loss::FivePercent).sweep(0..100, serve, client));
            }

            #[test]
            fn on_turmoils_own_tcp_hangs_at_5_percent_loss() {
                use pipe::$program::{client, serve};
                assert_all_done(at(Loss::None).sweep(0..3, serve, client));
                let lossy = Lab { patience: PIPE_PATIENCE, ..at(Loss::FivePercent) }.sweep(5..10, serve, client);
                assert!(lossy.iter().any(|(_, outcome)| *outcome == Outcome::Hangs), "{lossy:?}");
            }

            use segments::$program::{client, serve};
        }
    )*};
}

programs!(http1, http2, grpc, tls, pool);

fn at(loss: Loss) -> Lab {
    Lab { loss, ..Lab::default() }
}

#[track_caller]
fn assert_all_done(outcomes: Vec<(u64, Outcome)>) {
    let mut bad = outcomes;
    bad.retain(|(_, outcome)| !matches!(outcome, Outcome::Done(_)));
    assert_eq!(bad, [], "seeds that did not end well");
}
