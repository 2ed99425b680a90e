use alloc::vec::Vec;

use super::*;

const BASE: SeqNum = SeqNum::new(u32::MAX - 1500);

/// So many segments of 1,000 octets, a millisecond apart.
fn board(segments: u32) -> Scoreboard {
    let mut board = Scoreboard::default();
    for n in 0..segments {
        board.push(BASE + 1000 * n, 1000, Instant::from_millis(u64::from(n)));
    }
    board
}

fn sack(board: &mut Scoreboard, blocks: &[(u32, u32)]) -> Delivery {
    let blocks: Vec<_> =
        blocks.iter().map(|(from, to)| (BASE + 1000 * from, BASE + 1000 * to)).collect();
    let mut delivery = Delivery::default();
    board.sack(&SackBlocks::new(&blocks).unwrap(), &mut delivery);
    board.assert_counts();
    delivery
}

#[test]
fn what_is_under_way_is_what_was_sent_less_what_arrived_or_was_lost() {
    let mut board = board(10);
    assert_eq!(board.pipe(), Count { segments: 10, octets: 10_000 });
    let delivery = sack(&mut board, &[(4, 6)]);
    assert_eq!((delivery.delivered.segments, board.pipe().segments), (2, 8));
    board.mark_lost(0);
    assert_eq!(board.pipe().segments, 7);
    board.on_sent_again(0, Instant::from_millis(50));
    assert_eq!((board.pipe().segments, board.lost().segments), (8, 1));
    let mut delivery = Delivery::default();
    board.acknowledge(BASE + 6000, &mut delivery);
    board.assert_counts();
    assert_eq!((delivery.delivered.segments, delivery.repaired), (4, true));
    assert_eq!((board.pipe().segments, board.sacked().segments), (4, 0));
}

#[test]
fn a_block_that_was_known_brings_only_what_is_new_in_it() {
    let mut board = board(10);
    assert_eq!(sack(&mut board, &[(2, 4)]).sacked.segments, 2);
    assert_eq!(sack(&mut board, &[(2, 6)]).sacked.segments, 2);
    assert_eq!(sack(&mut board, &[(8, 9), (1, 6)]).sacked.segments, 2);
    assert_eq!((board.sacked().segments, board.holes()), (6, 3));
}

#[test]
fn part_of_a_segment_in_a_block_does_not_count() {
    let mut board = board(3);
    let blocks = SackBlocks::new(&[(BASE + 500, BASE + 2500)]).unwrap();
    let mut delivery = Delivery::default();
    board.sack(&blocks, &mut delivery);
    assert_eq!(delivery.sacked.segments, 1);
}

#[test]
fn what_arrives_behind_its_successors_was_reordered() {
    let mut board = board(5);
    assert_eq!(sack(&mut board, &[(1, 2)]).reordered, None);
    let mut delivery = Delivery::default();
    board.acknowledge(BASE + 2000, &mut delivery);
    assert_eq!(delivery.reordered, Some(BASE));
    sack(&mut board, &[(4, 5)]);
    assert_eq!(sack(&mut board, &[(3, 5)]).reordered, Some(BASE + 3000));
}

#[test]
fn repairs_go_from_the_front_and_once() {
    let mut board = board(4);
    sack(&mut board, &[(1, 2), (3, 4)]);
    board.mark_lost(2);
    board.mark_lost(0);
    for expected in [Some(0), Some(2), None] {
        let next = board.next_repair();
        assert_eq!(next, expected);
        if let Some(next) = next {
            board.on_sent_again(next, Instant::from_millis(9));
        }
    }
    board.mark_lost(0);
    assert_eq!(board.next_repair(), Some(0), "the retransmission was lost, too");
}

#[test]
fn segments_are_split_and_collapsed() {
    let mut board = board(3);
    board.split(1, 400);
    board.assert_counts();
    assert_eq!((board.len(), board.get(2).unwrap().seq), (4, BASE + 1400));
    board.mark_all_lost(|_, _| true);
    board.collapse(0, 1500);
    board.assert_counts();
    assert_eq!((board.len(), board.get(0).unwrap().length), (3, 1400));
}

#[test]
fn a_part_of_a_segment_may_be_acknowledged() {
    let mut board = board(2);
    let mut delivery = Delivery::default();
    board.acknowledge(BASE + 300, &mut delivery);
    board.assert_counts();
    assert_eq!((delivery.delivered.octets, board.pipe().octets), (300, 1700));
}
