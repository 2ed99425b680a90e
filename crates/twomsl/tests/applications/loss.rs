//! Random loss and reordering: every program ends well with every seed, as often as segments
//! are lost. On turmoil's own TCP what is lost is lost, and somebody waits for ever.

use crate::lab::{Loss, Outcome, sweep};
use crate::{pipe, segments};

/// Makes the tests of a program.
macro_rules! programs {
    ($($program:ident),*) => {$(
        mod $program {
            use super::*;

            #[test]
            fn completes_with_100_of_100_seeds_at_1_percent_loss() {
                assert_all_done(sweep(0..100, Loss::OnePercent, serve, client));
            }

            #[test]
            fn completes_with_100_of_100_seeds_at_5_percent_loss() {
                assert_all_done(sweep(0..100, Loss::FivePercent, serve, client));
            }

            #[test]
            fn on_turmoils_own_tcp_hangs_at_5_percent_loss() {
                use pipe::$program::{client, serve};
                let sound = sweep(0..3, Loss::None, serve, client);
                assert_all_done(sound);
                let lossy = sweep(0..10, Loss::FivePercent, serve, client);
                println!("{} {lossy:?}", stringify!($program));
                assert!(lossy.iter().any(|(_, outcome)| *outcome == Outcome::Hangs), "{lossy:?}");
            }

            use segments::$program::{client, serve};
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
