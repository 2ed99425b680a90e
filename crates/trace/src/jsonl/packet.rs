//! Packets as JSON.

use std::fmt::Write as _;

use serde::Serialize;
use sha2::{Digest as _, Sha256};
use twomsl_tcp::wire::{self, Body, Ecn, Flags};

use super::options::Options;
use crate::words;

/// Octets of text that are written out.
const SHOWN: usize = 32;

/// An IP packet; exactly one of `tcp` and `icmp` is there.
#[derive(Serialize)]
pub(super) struct Packet {
    src: String,
    dst: String,
    hop_limit: u8,
    #[serde(skip_serializing_if = "is_zero")]
    dscp: u8,
    ecn: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tcp: Option<Segment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    icmp: Option<Icmp>,
}

/// A segment in the numbers of its header, not scaled and not relative.
#[derive(Serialize)]
struct Segment {
    src_port: u16,
    dst_port: u16,
    seq: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    ack: Option<u32>,
    flags: String,
    window: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    urgent: Option<u16>,
    #[serde(skip_serializing_if = "String::is_empty")]
    options_hex: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    options: Option<Options>,
    length: usize,
    #[serde(skip_serializing_if = "String::is_empty")]
    text_hex: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    text_sha256: Option<String>,
}

/// An ICMP error, with what it quotes of the packet it is about.
#[derive(Serialize)]
struct Icmp {
    kind: String,
    src: String,
    dst: String,
    src_port: u16,
    dst_port: u16,
    seq: u32,
}

impl Packet {
    /// As it was sent, or as it became.
    pub(super) fn of(packet: &wire::Packet) -> Self {
        let (tcp, icmp) = match &packet.body {
            Body::Tcp(segment) => (Some(Segment::of(segment)), None),
            Body::Icmp(icmp) => (None, Some(Icmp::of(icmp))),
        };
        Self {
            src: packet.src.to_string(),
            dst: packet.dst.to_string(),
            hop_limit: packet.hop_limit,
            dscp: packet.dscp,
            ecn: ecn(packet.ecn),
            tcp,
            icmp,
        }
    }
}

impl Segment {
    /// Acknowledgment and urgent pointer only where the header says they mean something;
    /// a forged segment may hold anything there, and its bytes must not get lost.
    fn of(segment: &wire::Segment) -> Self {
        let text = &segment.payload[..];
        let ack = segment.ack.value();
        Self {
            src_port: segment.src_port,
            dst_port: segment.dst_port,
            seq: segment.seq.value(),
            ack: (segment.has(Flags::ACK) || ack != 0).then_some(ack),
            flags: segment.flags.to_string(),
            window: segment.window,
            urgent: (segment.has(Flags::URG) || segment.urgent != 0).then_some(segment.urgent),
            options_hex: hex(segment.options.as_bytes()),
            options: Options::of(segment),
            length: text.len(),
            text_hex: hex(&text[..text.len().min(SHOWN)]),
            text_sha256: (text.len() > SHOWN).then(|| hex(&Sha256::digest(text))),
        }
    }
}

impl Icmp {
    fn of(icmp: &wire::Icmp) -> Self {
        let quote = icmp.quote;
        Self {
            kind: words::icmp(icmp.kind),
            src: quote.src.to_string(),
            dst: quote.dst.to_string(),
            src_port: quote.src_port,
            dst_port: quote.dst_port,
            seq: quote.seq.value(),
        }
    }
}

/// The codepoints of RFC 3168 §5.
const fn ecn(ecn: Ecn) -> &'static str {
    match ecn {
        Ecn::NotEct => "not-ect",
        Ecn::Ect1 => "ect1",
        Ecn::Ect0 => "ect0",
        Ecn::Ce => "ce",
    }
}

/// Two digits an octet: JSON strings cannot hold arbitrary octets.
pub(super) fn hex(octets: &[u8]) -> String {
    let mut text = String::with_capacity(2 * octets.len());
    for octet in octets {
        // Writing into a string cannot fail.
        _ = write!(text, "{octet:02x}");
    }
    text
}

/// The usual codepoint is not written out.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "what serde asks for")]
const fn is_zero(dscp: &u8) -> bool {
    *dscp == 0
}
