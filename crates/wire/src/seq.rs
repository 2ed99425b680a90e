//! Sequence numbers and the other small numbers of a TCP header.

use core::fmt;
use core::ops::{Add, AddAssign, Sub, SubAssign};

/// A position in the sequence space of one direction, modulo 2^32 (RFC 9293 §3.4).
///
/// There is no `Ord`: in a circle "less" only means something relative to a window.
/// [`before`](Self::before) and its siblings compare two numbers that are less than
/// 2^31 apart, which is what the RFC's `<` and `=<` mean.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct SeqNum(u32);

impl SeqNum {
    /// The sequence number whose header field holds `value`.
    pub const fn new(value: u32) -> Self {
        Self(value)
    }

    /// The number as it stands in the header.
    pub const fn value(self) -> u32 {
        self.0
    }

    /// How many octets lie from `earlier` up to `self`, modulo 2^32.
    pub const fn since(self, earlier: Self) -> u32 {
        self.0.wrapping_sub(earlier.0)
    }

    /// The signed distance from `other` to `self`: negative when `self` comes before.
    pub const fn offset_from(self, other: Self) -> i32 {
        self.since(other).cast_signed()
    }

    /// `self < other` in the circle.
    pub const fn before(self, other: Self) -> bool {
        self.offset_from(other) < 0
    }

    /// `self =< other` in the circle.
    pub const fn at_or_before(self, other: Self) -> bool {
        self.offset_from(other) <= 0
    }

    /// `self > other` in the circle.
    pub const fn after(self, other: Self) -> bool {
        self.offset_from(other) > 0
    }

    /// `self >= other` in the circle.
    pub const fn at_or_after(self, other: Self) -> bool {
        self.offset_from(other) >= 0
    }

    /// Whether `start =< self < start + length`.
    pub const fn is_within(self, start: Self, length: u32) -> bool {
        self.since(start) < length
    }

    /// The later of two numbers.
    #[must_use]
    pub const fn later(self, other: Self) -> Self {
        if self.after(other) { self } else { other }
    }
}

impl Add<u32> for SeqNum {
    type Output = Self;

    fn add(self, octets: u32) -> Self {
        Self(self.0.wrapping_add(octets))
    }
}

impl AddAssign<u32> for SeqNum {
    fn add_assign(&mut self, octets: u32) {
        *self = *self + octets;
    }
}

impl Sub<u32> for SeqNum {
    type Output = Self;

    fn sub(self, octets: u32) -> Self {
        Self(self.0.wrapping_sub(octets))
    }
}

impl SubAssign<u32> for SeqNum {
    fn sub_assign(&mut self, octets: u32) {
        *self = *self - octets;
    }
}

impl fmt::Debug for SeqNum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SeqNum({})", self.0)
    }
}

impl fmt::Display for SeqNum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// A window in octets, scale already applied (RFC 9293 §3.8.6, RFC 7323 §2). Unsigned (MUST-1), and
/// wide enough for every scale (REC-1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Window(pub u32);

impl Window {
    /// The largest window a header can offer without scaling.
    pub const MAX_UNSCALED: Self = Self(u16::MAX as u32);

    /// The window that a header field of `field` offers under `scale`.
    pub const fn from_field(field: u16, scale: Scale) -> Self {
        Self((field as u32) << scale.0)
    }

    /// The header field that offers this window under `scale`: rounded down, and cut to 16 bits.
    pub const fn to_field(self, scale: Scale) -> u16 {
        let field = self.0 >> scale.0;
        if field > u16::MAX as u32 { u16::MAX } else { field as u16 }
    }
}

/// A window scale shift count (RFC 7323 §2.2): 0 to 14.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Scale(u8);

impl Scale {
    /// No scaling.
    pub const NONE: Self = Self(0);
    /// The largest shift RFC 7323 §2.3 allows; a greater one received is used as this one.
    pub const MAX: Self = Self(14);

    /// A shift count, cut to [`Scale::MAX`].
    pub const fn new(shift: u8) -> Self {
        if shift > Self::MAX.0 { Self::MAX } else { Self(shift) }
    }

    /// The shift count.
    pub const fn shift(self) -> u8 {
        self.0
    }
}

/// A maximum segment size in octets of text, without headers or options (RFC 9293 §3.7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mss(pub u16);

impl Mss {
    /// What an IPv4 peer that sent no MSS option accepts: 536 (MUST-15).
    pub const DEFAULT_V4: Self = Self(536);
    /// What an IPv6 peer that sent no MSS option accepts: 1220 (MUST-15).
    pub const DEFAULT_V6: Self = Self(1220);
}
