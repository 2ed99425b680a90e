//! A partition and a reboot in the middle of what a program has to say, for every program.

use std::time::Duration;

use turmoil::Sim;

use crate::trial::{Outcome, PIPE, SEGMENTS, Script, Trial};
use crate::{pipe, segments};

fn crash(sim: &mut Sim<'static>) {
    sim.crash("server");
}

fn bounce(sim: &mut Sim<'static>) {
    sim.bounce("server");
}

fn split(sim: &mut Sim<'static>) {
    sim.partition("client", "server");
}

fn heal(sim: &mut Sim<'static>) {
    sim.repair("client", "server");
}

/// In the middle of what a program has to say, which takes it less time on turmoil's own TCP.
const SPLIT: Script = &[(Duration::from_millis(60), split), (Duration::from_secs(3), heal)];
const SPLIT_PIPE: Script = &[(Duration::from_millis(30), split), (Duration::from_secs(3), heal)];
const REBOOT_EARLY: Script =
    &[(Duration::from_millis(50), crash), (Duration::from_secs(3), bounce)];

/// Makes the tests of a program.
macro_rules! programs {
    ($($program:ident $split_pipe:ident)*) => {$(
        mod $program {
            use super::*;

            #[test]
            fn goes_on_after_a_partition() {
                use segments::$program::{client, serve};
                let outcome = Trial { script: SPLIT, ..SEGMENTS }.run(serve, client());
                let Outcome::Done(after) = outcome else { panic!("{outcome:?}") };
                assert!(after > Duration::from_secs(3), "it was done before: {after:?}");
            }

            #[test]
            fn on_turmoils_own_tcp_hangs_after_a_partition() {
                use pipe::$program::{client, serve};
                let outcome = Trial { script: $split_pipe, ..PIPE }.run(serve, client());
                assert_eq!(outcome, Outcome::Hangs);
            }
        }
    )*};
}

// The first ping of a pool may be lost: it has a timeout. What comes after it has none.
programs! { http1 SPLIT_PIPE http2 SPLIT_PIPE grpc SPLIT_PIPE tls SPLIT_PIPE pool SPLIT }

/// Whoever has text on its way to a server that has rebooted is told.
macro_rules! told_of_a_reboot {
    ($($program:ident $text:literal)*) => {$(
        mod $program {
            use super::*;

            #[test]
            fn is_told_that_the_server_has_rebooted() {
                use segments::$program::{client, serve};
                let outcome = Trial { script: REBOOT_EARLY, ..SEGMENTS }.run(serve, client());
                let Outcome::Failed(text) = outcome else { panic!("{outcome:?}") };
                assert!(text.contains($text), "{text}");
            }
        }
    )*};
}

mod reboot {
    use super::*;

    told_of_a_reboot! {
        http2 "error reading a body from connection"
        grpc "ECONNRESET: connection reset by peer"
        tls "ECONNRESET: connection reset by peer"
        pool "ECONNRESET: connection reset by peer"
    }
}
