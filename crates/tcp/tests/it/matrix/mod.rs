//! "Segment arrives" in every state: each kind of segment at each place of the sequence space,
//! acknowledging each place of ours, under RFC 5961 and under RFC 793.
//!
//! Every cell is held against [`oracle`], which is written from the RFC's text and shares nothing
//! with the stack. The grids are there to be read: `snapshots/` has one per state.

mod cells;
mod grid;
mod oracle;

use twomsl_tcp::Profile;
use twomsl_tcp::profile::BlindAttacks;

use crate::harness::scene::{Scene, staged};
use cells::{AckAt, Kind, SeqAt, World};

/// The two rules a cell is judged by.
fn rules() -> [Profile; 2] {
    let challenged = staged(Profile::rfc9293());
    let believed = Profile { blind_attacks: BlindAttacks::Believed, ..challenged.clone() };
    [challenged, believed]
}

/// Runs all cells of a scene against the oracle, and compares the grid with the approved one.
fn check(scene: Scene, name: &str) {
    let worlds = rules().map(|profile| World::new(scene, &profile));
    let mut disagreements = Vec::new();
    let mut grid = grid::Grid::new(scene);
    for kind in Kind::ALL {
        for seq in SeqAt::ALL {
            for world in &worlds {
                for ack in AckAt::ALL {
                    let segment = world.segment(kind, seq, ack);
                    let expected = oracle::segment_arrives(&world.block, &segment);
                    let seen = world.run(segment);
                    if seen != expected.outcome(&world.block) {
                        disagreements.push(format!(
                            "{kind:?} {seq:?} {ack:?} {:?}:\n  seen     {seen:?}\n  expected {:?}",
                            world.block.rules,
                            expected.outcome(&world.block),
                        ));
                    }
                    grid.add(kind, seq, &expected.describe());
                }
            }
        }
    }
    assert!(disagreements.is_empty(), "{}", disagreements.join("\n"));
    insta::assert_snapshot!(name, grid.render());
}

#[test]
fn segment_arrives_when_closed() {
    check(Scene::Closed, "closed");
}

#[test]
fn segment_arrives_when_listen() {
    check(Scene::Listen, "listen");
}

#[test]
fn segment_arrives_when_syn_sent() {
    check(Scene::SynSent, "syn_sent");
}

#[test]
fn segment_arrives_when_syn_received() {
    check(Scene::SynReceivedPassive, "syn_received_from_listen");
    check(Scene::SynReceivedActive, "syn_received_from_syn_sent");
}

#[test]
fn segment_arrives_when_established() {
    check(Scene::Established, "established");
}

#[test]
fn segment_arrives_when_fin_wait_1() {
    check(Scene::FinWait1, "fin_wait_1");
}

#[test]
fn segment_arrives_when_fin_wait_2() {
    check(Scene::FinWait2, "fin_wait_2");
}

#[test]
fn segment_arrives_when_close_wait() {
    check(Scene::CloseWait, "close_wait");
}

#[test]
fn segment_arrives_when_closing() {
    check(Scene::Closing, "closing");
}

#[test]
fn segment_arrives_when_last_ack() {
    check(Scene::LastAck, "last_ack");
}

#[test]
fn segment_arrives_when_time_wait() {
    check(Scene::TimeWait, "time_wait");
}

#[test]
fn no_cell_panics_or_leaves_the_diagram_with_the_linux_profile() {
    let mut cells = 0;
    for scene in Scene::ALL {
        let world = World::new(scene, &staged(Profile::linux()));
        for kind in Kind::ALL {
            for (seq, ack) in SeqAt::ALL.into_iter().flat_map(|s| AckAt::ALL.map(|a| (s, a))) {
                for change in world.changes(world.segment(kind, seq, ack)) {
                    let (from, to) = (change.from, change.to);
                    assert!(from.successors().contains(&to), "{scene:?} {kind:?}: {from} → {to}");
                }
                cells += 1;
            }
        }
    }
    assert_eq!(cells, 12 * 10 * 5 * 6, "the matrix is full");
}

/// The scenes are what they say: every place a cell names is a different one.
#[test]
fn scenes_have_room_between_the_places_of_the_matrix() {
    use crate::harness::scene::{IN_FLIGHT, IRS, ISS, WINDOW};
    let [profile, _] = rules();
    let expected = [
        (Scene::Established, 1, 1 + IN_FLIGHT, 1, WINDOW),
        (Scene::FinWait1, 1, 2 + IN_FLIGHT, 1, WINDOW),
        (Scene::FinWait2, 2 + IN_FLIGHT, 2 + IN_FLIGHT, 1, WINDOW),
        (Scene::CloseWait, 1, 1 + IN_FLIGHT, 2, WINDOW - 1),
        (Scene::Closing, 1, 2 + IN_FLIGHT, 2, WINDOW - 1),
        (Scene::LastAck, 1, 2 + IN_FLIGHT, 2, WINDOW - 1),
        (Scene::TimeWait, 2 + IN_FLIGHT, 2 + IN_FLIGHT, 2, WINDOW - 1),
    ];
    for (scene, una, nxt, rcv, window) in expected {
        let detail = scene.with(profile.clone()).detail();
        assert_eq!(detail.snd_una, ISS.wrapping_add(una), "{scene:?}: SND.UNA");
        assert_eq!(detail.snd_nxt, ISS.wrapping_add(nxt), "{scene:?}: SND.NXT");
        assert_eq!(detail.rcv_nxt, IRS.wrapping_add(rcv), "{scene:?}: RCV.NXT");
        assert_eq!(detail.rcv_wnd, window, "{scene:?}: RCV.WND");
    }
}
