//! TCP options: bytes and meaning, in both directions.

use proptest::collection::vec;
use proptest::prelude::*;
use twomsl_wire::{OptionError, Options, OptionsFull, SackBlocks, Scale, SeqNum, TcpOption};

use crate::samples::{any_blocks, any_options};

type Read = Result<TcpOption<'static>, OptionError>;

/// The edges of blocks.
type Edges<'a> = &'a [(u32, u32)];

fn from(octets: &[u8]) -> Options {
    Options::from_bytes(octets).unwrap()
}

fn blocks(edges: &[(u32, u32)]) -> SackBlocks {
    let edges: Vec<_> =
        edges.iter().map(|&(left, right)| (SeqNum::new(left), SeqNum::new(right))).collect();
    SackBlocks::new(&edges).unwrap()
}

#[test]
fn every_kind_of_option_has_the_bytes_its_rfc_gives_it() {
    // MUST-4, MUST-68.
    let table: [(TcpOption<'_>, &[u8]); 11] = [
        (TcpOption::EndOfList, &[0]),
        (TcpOption::NoOperation, &[1]),
        (TcpOption::MaximumSegmentSize(1460), &[2, 4, 0x05, 0xb4]),
        (TcpOption::WindowScale(7), &[3, 3, 7]),
        (TcpOption::SackPermitted, &[4, 2]),
        (TcpOption::Sack(blocks(&[(1, 258)])), &[5, 10, 0, 0, 0, 1, 0, 0, 1, 2]),
        (
            TcpOption::Timestamps { value: 0x0102_0304, echo: 0x0506_0708 },
            &[8, 10, 1, 2, 3, 4, 5, 6, 7, 8],
        ),
        (TcpOption::FastOpen(&[]), &[34, 2]),
        (TcpOption::FastOpen(&[9, 8, 7, 6]), &[34, 6, 9, 8, 7, 6]),
        (TcpOption::Unknown { kind: 254, data: &[] }, &[254, 2]),
        (TcpOption::Unknown { kind: 30, data: &[0xaa] }, &[30, 3, 0xaa]),
    ];
    for (option, octets) in table {
        let mut options = Options::NONE;
        options.push(option).unwrap();
        assert_eq!(options.as_bytes(), octets, "{option:?}");
        assert_eq!(from(octets).iter().collect::<Vec<_>>(), [Ok(option)], "{octets:?}");
    }
}

/// RFC 2883 §4: below the acknowledgment, or within the block that follows. Numbers wrap.
#[test]
fn the_first_sack_block_may_tell_what_came_twice() {
    const MAX: u32 = u32::MAX;
    let one = [(100, 200)];
    let table: [(u32, Edges, bool); 9] = [
        (200, &one, true),
        (199, &one, false),
        (50, &one, false),
        (50, &[(100, 200), (100, 200)], true),
        (50, &[(100, 200), (90, 201)], true),
        (50, &[(100, 200), (150, 300)], false),
        (50, &[(100, 200), (20, 30), (90, 201)], false),
        (3, &[(MAX - 1, 2)], true),
        (0, &[], false),
    ];
    for (ack, edges, twice) in table {
        let all = blocks(edges);
        let (first, rest) = all.split_duplicate(SeqNum::new(ack));
        assert_eq!(first.is_some(), twice, "{ack} {edges:?}");
        assert_eq!(rest.len() + usize::from(twice), edges.len(), "{ack} {edges:?}");
        assert_eq!(first, all.iter().next().filter(|_| twice), "{ack} {edges:?}");
    }
}

#[test]
fn malformed_options_are_named_and_the_readable_rest_is_read() {
    use OptionError::{Malformed, Unbounded};
    let mss = TcpOption::MaximumSegmentSize(1);
    let table: [(&[u8], &[Read]); 12] = [
        (&[2], &[Err(Unbounded { kind: 2 })]),
        (&[2, 0, 0, 1], &[Err(Unbounded { kind: 2 })]),
        (&[2, 1, 0, 1], &[Err(Unbounded { kind: 2 })]),
        (&[2, 4, 0], &[Err(Unbounded { kind: 2 })]),
        (&[200, 255, 0, 0], &[Err(Unbounded { kind: 200 })]),
        (&[2, 3, 0, 2, 4, 0, 1], &[Err(Malformed { kind: 2, length: 3 }), Ok(mss)]),
        (&[3, 2, 2, 4, 0, 1], &[Err(Malformed { kind: 3, length: 2 }), Ok(mss)]),
        (&[4, 3, 9, 2, 4, 0, 1], &[Err(Malformed { kind: 4, length: 3 }), Ok(mss)]),
        (&[5, 2, 2, 4, 0, 1], &[Err(Malformed { kind: 5, length: 2 }), Ok(mss)]),
        (&[8, 3, 0, 1], &[Err(Malformed { kind: 8, length: 3 }), Ok(TcpOption::NoOperation)]),
        (&[34, 3, 0, 1], &[Err(Malformed { kind: 34, length: 3 }), Ok(TcpOption::NoOperation)]),
        (&[1, 0, 2, 4, 0, 1], &[Ok(TcpOption::NoOperation), Ok(TcpOption::EndOfList)]),
    ];
    for (octets, meaning) in table {
        assert_eq!(from(octets).iter().collect::<Vec<_>>(), meaning, "{octets:?}");
    }
}

#[test]
fn finders_look_past_other_and_malformed_options_and_take_the_first() {
    let options = from(&[1, 2, 3, 9, 2, 4, 0, 5, 2, 4, 0, 6, 3, 3, 15, 4, 2]);
    assert_eq!(options.mss(), Some(5));
    assert_eq!(options.window_scale(), Some(Scale::MAX));
    assert!(options.sack_permitted());
    assert_eq!(options.timestamps(), None);
    assert_eq!(options.sack_blocks(), None);
}

#[test]
fn finders_find_nothing_after_an_end_of_list_or_an_unbounded_option() {
    for octets in [&[0, 4, 2][..], &[9, 99, 4, 2], &[9, 0, 4, 2]] {
        assert!(!from(octets).sack_permitted(), "{octets:?}");
    }
}

#[test]
fn timestamps_are_found_in_the_recommended_layout_and_elsewhere() {
    let data = [8, 10, 0, 0, 0, 1, 0, 0, 0, 2];
    for padding in [&[][..], &[1], &[1, 1], &[1, 1, 1], &[4, 2]] {
        let octets = [padding, &data].concat();
        assert_eq!(from(&octets).timestamps(), Some((1, 2)), "{octets:?}");
        let cut = &octets[..octets.len() - 1];
        assert_eq!(from(cut).timestamps(), None, "{cut:?}");
    }
}

#[test]
fn an_option_that_does_not_fit_leaves_the_others_as_they_were() {
    let mut options = from(&[1; 37]);
    let before = options;
    assert_eq!(options.push(TcpOption::MaximumSegmentSize(9)), Err(OptionsFull));
    assert_eq!(options.push(TcpOption::Unknown { kind: 99, data: &[0; 300] }), Err(OptionsFull));
    assert_eq!(options, before);
    assert_eq!(options.push(TcpOption::WindowScale(9)), Ok(()));
    assert_eq!(options.push(TcpOption::NoOperation), Err(OptionsFull));
    assert_eq!(Options::from_bytes(&[1; 41]), Err(OptionsFull));
}

#[test]
fn three_sack_blocks_fit_next_to_timestamps_and_four_do_not() {
    let four = blocks(&[(1, 2), (3, 4), (5, 6), (7, 8)]);
    let three = SackBlocks::new(&four.as_slice()[..3]).unwrap();
    let mut options = Options::NONE;
    options.push(TcpOption::Timestamps { value: 1, echo: 2 }).unwrap();
    assert_eq!(options.push(TcpOption::Sack(four)), Err(OptionsFull));
    assert_eq!(options.push(TcpOption::Sack(three)), Ok(()));
    assert_eq!(options.sack_blocks(), Some(three));
}

#[test]
fn sack_blocks_keep_their_order_and_refuse_a_fifth() {
    let mut four = blocks(&[(7, 8), (5, 6), (3, 4), (1, 2)]);
    assert_eq!(four.len(), 4);
    assert_eq!(four.iter().map(|(left, _)| left.value()).collect::<Vec<_>>(), [7, 5, 3, 1]);
    assert_eq!(four.push(SeqNum::new(9), SeqNum::new(10)), Err(OptionsFull));
    assert_eq!(four.len(), 4);
}

#[test]
fn an_empty_list_of_sack_blocks_is_no_option() {
    let mut options = Options::NONE;
    options.push(TcpOption::Sack(SackBlocks::default())).unwrap();
    assert!(options.is_empty() && SackBlocks::default().is_empty());
}

#[test]
fn padding_is_end_of_list_octets_up_to_whole_words() {
    // MUST-69.
    let table: [(&[u8], &[u8]); 4] = [
        (&[], &[]),
        (&[3, 3, 7], &[3, 3, 7, 0]),
        (&[4, 2, 1, 1], &[4, 2, 1, 1]),
        (&[1; 37], &[[1; 37].as_slice(), &[0; 3]].concat()),
    ];
    for (octets, padded) in table {
        assert_eq!(from(octets).as_padded_bytes(), padded);
        assert_eq!(from(octets).padded().as_bytes(), padded);
    }
}

proptest! {
    #[test]
    fn well_formed_options_survive_being_read_and_pushed_again(options in any_options()) {
        let mut again = Options::NONE;
        for option in &options {
            again.push(option.expect("well-formed")).unwrap();
        }
        prop_assert_eq!(again, options);
    }

    #[test]
    fn any_octets_can_be_read_to_the_end(octets in vec(any::<u8>(), 0..=Options::MAX)) {
        let options = Options::from_bytes(&octets).unwrap();
        prop_assert_eq!(options.as_bytes(), &octets[..]);
        prop_assert!(options.iter().count() <= octets.len());
        // The short cut for the recommended layout agrees with the long way.
        let found = options.iter().find_map(|option| match option {
            Ok(TcpOption::Timestamps { value, echo }) => Some((value, echo)),
            _ => None,
        });
        prop_assert_eq!(options.timestamps(), found);
    }

    #[test]
    fn sack_blocks_come_back_as_they_were_sent(blocks in any_blocks()) {
        let mut options = Options::NONE;
        options.push(TcpOption::Sack(blocks)).unwrap();
        prop_assert_eq!(options.sack_blocks(), Some(blocks));
    }
}
