//! The examples that a newcomer runs do what they say.

use twomsl::trace::ladder;

#[expect(dead_code, reason = "its `main` is for the command line")]
#[path = "../../../../examples/axum-under-loss.rs"]
mod axum_under_loss;

#[expect(dead_code, reason = "its `main` is for the command line")]
#[path = "../../../../examples/pool-behind-a-balancer.rs"]
mod pool_behind_a_balancer;

use pool_behind_a_balancer::Care;

/// It panics when a request is not answered.
#[test]
fn axum_under_loss_ends_well_with_30_of_30_seeds() {
    for seed in 0..30 {
        axum_under_loss::simulate(seed).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    }
}

/// The ladder of a run shows what was lost, and who repaired it; it is the same each time.
#[test]
fn the_ladder_of_axum_under_loss_shows_its_losses_in_every_byte_the_same() {
    let ladder = || {
        let trace = axum_under_loss::simulate(3).expect("it ends well");
        ladder::plain(&trace, ladder::Form::default())
    };
    let first = ladder();
    assert!(first.contains("✗ loss"), "{first}");
    assert!(first.contains("(again: "), "{first}");
    assert_eq!(first, ladder());
}

#[test]
fn pool_behind_a_balancer_shows_what_helps() {
    let outcome = |care| pool_behind_a_balancer::simulate(care).expect("the simulation is sound");
    let (result, trace) = outcome(Care::None);
    assert_eq!(result.map_err(|error| error.to_string()), Err("nobody answers".into()));
    let ladder = ladder::plain(&trace, ladder::Form::default());
    assert!(ladder.contains("balancer"), "{ladder}");
    for care in [Care::Ping, Care::Keepalive] {
        assert!(outcome(care).0.is_ok(), "{care:?}");
    }
}
