//! What counts as lost when only SACK blocks tell (RFC 6675 §4).

use super::super::scoreboard::Scoreboard;

/// `DupThresh`: so many segments behind it must have arrived.
pub(crate) const DUP_THRESH: u32 = 3;

/// Marks what `IsLost` says is lost: at least [`DUP_THRESH`] stretches behind it were SACKed, or
/// more than two segments' worth of octets. How many segments that were.
///
/// A segment that was sent again is not looked at again: that a retransmission is lost only a
/// timeout tells.
pub(crate) fn mark_lost(board: &mut Scoreboard, mss: u32) -> u32 {
    if board.lost().segments as usize >= board.holes() {
        // All of them are marked: most acknowledgments of a recovery bring no new one.
        return 0;
    }
    let (mut stretches, mut octets, mut within) = (0, 0, false);
    let mut lost = 0;
    let mut holes = board.holes();
    for index in (0..board.reach()).rev() {
        if holes == 0 {
            break;
        }
        let Some(sent) = board.get(index).copied() else { break };
        if sent.is_sacked() {
            stretches += u32::from(!within);
            (octets, within) = (octets + sent.length, true);
            continue;
        }
        (holes, within) = (holes - 1, false);
        let is_lost = stretches >= DUP_THRESH || octets > (DUP_THRESH - 1) * mss;
        if is_lost && !sent.was_copied() && !sent.awaits_repair() {
            board.mark_lost(index);
            lost += 1;
        }
    }
    lost
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use twomsl_wire::{SackBlocks, SeqNum};

    use super::super::super::scoreboard::Delivery;
    use super::*;
    use crate::Instant;

    const BASE: SeqNum = SeqNum::new(u32::MAX - 2500);

    /// Which of eight segments are lost when the receiver SACKs these.
    fn lost(length: u32, blocks: &[(u32, u32)]) -> Vec<usize> {
        let mut board = Scoreboard::default();
        for n in 0..8 {
            board.push(BASE + length * n, length, Instant::ZERO);
        }
        let blocks: Vec<_> =
            blocks.iter().map(|(from, to)| (BASE + length * from, BASE + length * to)).collect();
        board.sack(&SackBlocks::new(&blocks).unwrap(), &mut Delivery::default());
        mark_lost(&mut board, 1000);
        (0..8).filter(|index| board.get(*index).unwrap().awaits_repair()).collect()
    }

    #[test]
    fn three_stretches_or_more_than_two_segments_must_have_arrived_behind_it() {
        assert_eq!(lost(1000, &[(1, 3)]), [0; 0], "two segments are not more than two");
        assert_eq!(lost(1000, &[(1, 4)]), [0]);
        assert_eq!(lost(100, &[(1, 4)]), [0; 0], "little text in one stretch");
        assert_eq!(lost(100, &[(1, 2), (3, 4), (5, 6)]), [0], "three stretches of it");
        assert_eq!(lost(1000, &[(2, 3), (4, 5), (6, 8)]), [0, 1, 3]);
    }
}
