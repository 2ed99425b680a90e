//! A packet of the script as it arrives: numbers, addresses and ports of the live connection
//! (`map_inbound_packet` of the tool).

use bytes::Bytes;

use twomsl_tcp::wire::{
    Body, Ecn, Options, OptionsFull, Packet, SackBlocks, Segment, SeqNum, TcpOption,
};

use super::sockets::{Socket, live};
use crate::packetdrill::script::{EcnSpec, IpSpec, OptionSpec, OptionsSpec, SequenceBase, TcpSpec};

/// The time to live of packets that scripts inject.
const HOP_LIMIT: u8 = 255;

/// Kinds of options that have no meaning to our stack, but octets.
pub(super) const EXPERIMENTAL: u8 = 254;
/// The magic number of TCP Fast Open in an experimental option.
pub(super) const FAST_OPEN_MAGIC: [u8; 2] = [0xf9, 0x89];
pub(super) const MD5: u8 = 19;

/// The largest text that any script has; zeros are cut from it.
static ZEROS: [u8; 1 << 16] = [0; 1 << 16];

/// So many zeros, without a copy.
fn zeros(length: u32) -> Bytes {
    let length = length as usize;
    let shared = ZEROS.get(..length).map(Bytes::from_static);
    shared.unwrap_or_else(|| vec![0; length].into())
}

/// The segment that arrives.
pub(super) fn packet(ip: &IpSpec, tcp: &TcpSpec, socket: &Socket) -> Result<Packet, OptionsFull> {
    let body = Body::Tcp(segment(tcp, socket)?);
    Ok(around(ip, socket, body))
}

/// The IP header around what the peer sends.
pub(super) fn around(ip: &IpSpec, socket: &Socket, body: Body) -> Packet {
    let tos = ip.tos.unwrap_or(0);
    Packet {
        src: socket.remote.ip(),
        dst: socket.local.ip(),
        hop_limit: ip.hop_limit.unwrap_or(HOP_LIMIT),
        dscp: tos >> 2,
        ecn: ip.ecn.map_or_else(|| ecn_field(tos), ecn_of),
        body,
    }
}

fn segment(tcp: &TcpSpec, socket: &Socket) -> Result<Segment, OptionsFull> {
    let flags = tcp.flags.flags;
    let sequence = socket.remote_isn.offset(flags);
    let acknowledges = socket.local_isn.offset(flags);
    let number = |base, number, offset| match base {
        SequenceBase::Live => live(number, offset),
        SequenceBase::Absolute => SeqNum::new(number),
    };
    let ack = tcp.ack.map(|ack| number(ack.base, ack.number, acknowledges));
    Ok(Segment {
        src_port: socket.remote.port(),
        dst_port: socket.local.port(),
        seq: number(tcp.sequence.base, tcp.sequence.start.unwrap_or(0), sequence),
        ack: ack.unwrap_or_default(),
        flags,
        window: tcp.window.unwrap_or(0),
        urgent: tcp.urgent.unwrap_or(0),
        options: options(&tcp.options, socket, acknowledges)?,
        payload: zeros(tcp.sequence.length),
    })
}

fn options(spec: &OptionsSpec, socket: &Socket, acks: u32) -> Result<Options, OptionsFull> {
    let mut options = Options::NONE;
    let OptionsSpec::List(list) = spec else { return Ok(options) };
    for option in list {
        push(&mut options, option, acks, |echo| socket.live_echo(echo))?;
    }
    Ok(options)
}

/// Appends an option in live numbers: blocks acknowledge as the segment does.
pub(super) fn push(
    options: &mut Options,
    spec: &OptionSpec,
    acks: u32,
    live_echo: impl Fn(u32) -> u32,
) -> Result<(), OptionsFull> {
    options.push(match spec {
        OptionSpec::Nop => TcpOption::NoOperation,
        OptionSpec::Eol => TcpOption::EndOfList,
        OptionSpec::Mss(mss) => TcpOption::MaximumSegmentSize(*mss),
        OptionSpec::WindowScale(shift) => TcpOption::WindowScale(*shift),
        OptionSpec::SackPermitted => TcpOption::SackPermitted,
        OptionSpec::Sack(blocks) => return push_blocks(options, blocks, acks),
        OptionSpec::Timestamps { value, echo } => {
            TcpOption::Timestamps { value: value.unwrap_or(0), echo: echo.map_or(0, live_echo) }
        }
        OptionSpec::FastOpen(cookie) => TcpOption::FastOpen(cookie.as_deref().unwrap_or_default()),
        OptionSpec::FastOpenExperimental(cookie) => {
            let cookie = cookie.as_deref().unwrap_or_default();
            let data = [&FAST_OPEN_MAGIC, cookie].concat();
            return options.push(TcpOption::Unknown { kind: EXPERIMENTAL, data: &data });
        }
        OptionSpec::Md5(digest) => {
            TcpOption::Unknown { kind: MD5, data: digest.as_deref().unwrap_or(&[0; 16]) }
        }
        OptionSpec::Other { kind, data } => TcpOption::Unknown { kind: *kind, data },
        // A script with one is not run.
        OptionSpec::NotSupported(_) => return Ok(()),
    })
}

/// An option without blocks has no meaning, but a script may send one.
fn push_blocks(options: &mut Options, blocks: &[(u32, u32)], acks: u32) -> Result<(), OptionsFull> {
    if blocks.is_empty() {
        return options.push(TcpOption::Unknown { kind: 5, data: &[] });
    }
    let mut all = SackBlocks::default();
    for &(left, right) in blocks {
        all.push(live(left, acks), live(right, acks))?;
    }
    options.push(TcpOption::Sack(all))
}

const fn ecn_of(spec: EcnSpec) -> Ecn {
    match spec {
        EcnSpec::NotEct => Ecn::NotEct,
        EcnSpec::Ect0 | EcnSpec::Ect01 => Ecn::Ect0,
        EcnSpec::Ect1 => Ecn::Ect1,
        EcnSpec::Ce => Ecn::Ce,
    }
}

/// The low two bits of the traffic class (RFC 3168 §5).
const fn ecn_field(tos: u8) -> Ecn {
    match tos & 3 {
        0 => Ecn::NotEct,
        1 => Ecn::Ect1,
        2 => Ecn::Ect0,
        _ => Ecn::Ce,
    }
}
