//! The arithmetic of sequence numbers (RFC 9293 §3.4) and windows.

use proptest::prelude::*;
use twomsl_wire::{Scale, SeqNum, Window};

use crate::samples::any_seq;

const fn seq(value: u32) -> SeqNum {
    SeqNum::new(value)
}

#[test]
fn order_is_by_the_shorter_way_round_the_circle() {
    // (a, b, distance from a to b)
    let table = [
        (0, 1, 1),
        (u32::MAX, 0, 1),
        (0xffff_fff0, 0x10, 0x20),
        (0x7fff_ffff, 0x8000_0000, 1),
        (5, 5 + i32::MAX.cast_unsigned(), i32::MAX),
    ];
    for (a, b, distance) in table {
        let (a, b) = (seq(a), seq(b));
        assert!(a.before(b) && a.at_or_before(b), "{a} < {b}");
        assert!(b.after(a) && b.at_or_after(a), "{b} > {a}");
        assert!(!b.before(a) && !b.at_or_before(a), "{b} < {a}");
        assert_eq!(b.offset_from(a), distance);
        assert_eq!(a.offset_from(b), -distance);
        assert_eq!((a.later(b), b.later(a)), (b, b));
    }
}

#[test]
fn half_a_circle_apart_each_number_is_before_the_other() {
    // RFC 9293 §3.4 leaves this case open; windows are too small for it to come up.
    let (a, b) = (seq(7), seq(7 + (1 << 31)));
    assert!(a.before(b) && b.before(a));
}

#[test]
fn a_window_has_its_left_edge_inside_and_its_right_edge_outside() {
    let start = seq(0xffff_fffe);
    let table =
        [(0xffff_fffd, false), (0xffff_fffe, true), (0, true), (1, true), (2, false), (3, false)];
    for (value, inside) in table {
        assert_eq!(seq(value).is_within(start, 4), inside, "{value}");
        assert!(!seq(value).is_within(start, 0), "nothing is within an empty window");
    }
}

#[test]
fn a_window_field_is_the_window_shifted_down_and_cut_to_16_bits() {
    let table = [
        (65_535, 0, 65_535, 65_535),
        (65_536, 0, 65_535, 65_535),
        (65_536, 1, 32_768, 65_536),
        (100, 7, 0, 0),
        (255, 7, 1, 128),
        (u32::MAX, 14, 65_535, 65_535 << 14),
    ];
    for (window, shift, field, heard) in table {
        let scale = Scale::new(shift);
        assert_eq!(Window(window).to_field(scale), field, "{window} by {shift}");
        assert_eq!(Window::from_field(field, scale), Window(heard), "{field} by {shift}");
    }
}

#[test]
fn a_scale_above_14_is_used_as_14() {
    assert_eq!(Scale::new(15), Scale::MAX);
    assert_eq!(Scale::new(255).shift(), 14);
}

proptest! {
    #[test]
    fn adding_and_subtracting_undo_each_other(a in any_seq(), n: u32) {
        prop_assert_eq!((a + n).since(a), n);
        prop_assert_eq!((a + n) - n, a);
        let (mut up, mut down) = (a, a);
        up += n;
        down -= n;
        prop_assert_eq!((up, down), (a + n, a - n));
    }

    #[test]
    fn exactly_one_of_before_equal_after_holds(a in any_seq(), b in any_seq()) {
        prop_assume!(a.since(b) != 1 << 31);
        let ways = [a.before(b), a == b, a.after(b)];
        prop_assert_eq!(ways.iter().filter(|holds| **holds).count(), 1);
        prop_assert_eq!(a.at_or_before(b), !a.after(b));
        prop_assert_eq!(a.at_or_after(b), !a.before(b));
        prop_assert_eq!(a.later(b), b.later(a));
    }

    #[test]
    fn where_the_circle_starts_does_not_matter(a in any_seq(), b in any_seq(), turn: u32, n: u32) {
        let (a2, b2) = (a + turn, b + turn);
        prop_assert_eq!(a.before(b), a2.before(b2));
        prop_assert_eq!(a.since(b), a2.since(b2));
        prop_assert_eq!(a.is_within(b, n), a2.is_within(b2, n));
    }

    #[test]
    fn within_a_window_order_is_transitive(start in any_seq(), i in 0..1_u32 << 30, j in 1..1_u32 << 30) {
        let (a, b) = (start + i, start + i + j);
        prop_assert!(start.at_or_before(a) && a.before(b) && start.before(b));
        prop_assert!(a.is_within(start, i + j) && !b.is_within(start, i + j));
    }

    #[test]
    fn a_window_never_grows_by_going_through_a_header(window: u32, shift: u8) {
        let scale = Scale::new(shift);
        let heard = Window::from_field(Window(window).to_field(scale), scale);
        prop_assert!(heard <= Window(window));
        if u16::try_from(window >> scale.shift()).is_ok() {
            prop_assert!(window - heard.0 < 1 << scale.shift());
        }
    }
}
