//! Random loss and reordering: every program ends well with every seed, as often as segments
//! are lost. On turmoil's own TCP what is lost is lost, and somebody waits for ever.

use crate::trial::{Outcome, PIPE, SEGMENTS, Trial};
use crate::{pipe, segments};

/// Makes the tests of a program.
macro_rules! programs {
    ($($program:ident),*) => {$(
        mod $program {
            use super::*;
            use segments::$program::{client, serve};

            #[test]
            fn completes_with_100_of_100_seeds_at_1_percent_loss() {
                let trial = Trial { percent_lost: 1, ..SEGMENTS };
                assert_all_done(trial.sweep(0..100, serve, client));
            }

            #[test]
            fn completes_with_100_of_100_seeds_at_5_percent_loss() {
                let trial = Trial { percent_lost: 5, ..SEGMENTS };
                assert_all_done(trial.sweep(0..100, serve, client));
            }

            #[test]
            fn on_turmoils_own_tcp_hangs_at_5_percent_loss() {
                use pipe::$program::{client, serve};
                assert_all_done(PIPE.sweep(0..3, serve, client));
                let outcomes = Trial { percent_lost: 5, ..PIPE }.sweep(5..10, serve, client);
                let hangs = outcomes.iter().any(|(_, outcome)| *outcome == Outcome::Hangs);
                assert!(hangs, "{outcomes:?}");
            }
        }
    )*};
}

programs!(http1, http2, grpc, tls, pool);

#[track_caller]
fn assert_all_done(outcomes: Vec<(u64, Outcome)>) {
    let mut bad = outcomes;
    bad.retain(|(_, outcome)| !matches!(outcome, Outcome::Done(_)));
    assert_eq!(bad, [], "seeds that did not end well");
}
