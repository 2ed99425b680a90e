//! The options of a segment as JSON.

use serde::Serialize;
use twomsl_tcp::wire::{self, SeqNum};

use super::packet::hex;

/// The options that have a name here. All of them, in order, are in `options_hex`.
#[derive(PartialEq, Eq, Default, Serialize)]
pub(super) struct Options {
    #[serde(skip_serializing_if = "Option::is_none")]
    mss: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    window_scale: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sack_permitted: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamps: Option<Timestamps>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dsack: Option<Block>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sack: Vec<Block>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fast_open_hex: Option<String>,
}

/// TSval and TSecr (RFC 7323 §3.2).
#[derive(PartialEq, Eq, Serialize)]
struct Timestamps {
    value: u32,
    echo: u32,
}

/// The edges of a SACK block.
type Block = [u32; 2];

impl Options {
    /// None if there is nothing to say. The block that tells of octets which came twice is told
    /// apart (RFC 2883 §4).
    pub(super) fn of(segment: &wire::Segment) -> Option<Self> {
        let options = &segment.options;
        let blocks = options.sack_blocks().unwrap_or_default();
        let (twice, rest) = blocks.split_duplicate(segment.ack);
        let named = Self {
            mss: options.mss(),
            window_scale: shift(options),
            sack_permitted: options.sack_permitted().then_some(true),
            timestamps: options.timestamps().map(|(value, echo)| Timestamps { value, echo }),
            dsack: twice.map(block),
            sack: rest.iter().copied().map(block).collect(),
            fast_open_hex: cookie(options),
        };
        (named != Self::default()).then_some(named)
    }
}

/// The shift count as it was sent, which may be too large (RFC 7323 §2.3).
fn shift(options: &wire::Options) -> Option<u8> {
    options.iter().find_map(|option| match option {
        Ok(wire::TcpOption::WindowScale(shift)) => Some(shift),
        _ => None,
    })
}

/// Empty if a cookie is asked for (RFC 7413 §4.1.1).
fn cookie(options: &wire::Options) -> Option<String> {
    options.iter().find_map(|option| match option {
        Ok(wire::TcpOption::FastOpen(cookie)) => Some(hex(cookie)),
        _ => None,
    })
}

fn block((left, right): (SeqNum, SeqNum)) -> Block {
    [left.value(), right.value()]
}
