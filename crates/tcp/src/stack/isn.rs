//! Initial sequence numbers (RFC 9293 §3.4.1, RFC 6528 §3), and the keyed hash behind them.

use core::net::{IpAddr, SocketAddr};

use siphasher::sip::SipHasher24;
use twomsl_wire::SeqNum;

use crate::profile::IsnSource;
use crate::time::nanos;
use crate::tuple::{Tuple, bits};
use crate::{Instant, Profile, WhatIf};

/// ISN = M + F(localip, localport, remoteip, remoteport, secretkey): the clock lets incarnations
/// of one 4-tuple follow each other (MUST-8), the keyed hash keeps others from guessing (MUST-9,
/// SHLD-1).
pub(crate) fn initial_sequence(
    now: Instant,
    tuple: &Tuple,
    secret: &[u8; 16],
    profile: &Profile,
) -> SeqNum {
    match profile.isn {
        _ if profile.what_ifs.has(WhatIf::FixedIsn) => SeqNum::new(0),
        IsnSource::Fixed(isn) => SeqNum::new(isn),
        IsnSource::Clock(tick) => {
            let clock = now.as_nanos() / nanos(tick).max(1);
            SeqNum::new(keyed_tuple(secret, tuple).wrapping_add(clock) as u32)
        }
    }
}

/// A keyed hash of a 4-tuple.
fn keyed_tuple(secret: &[u8; 16], tuple: &Tuple) -> u64 {
    Message::of_tuple(tuple).keyed(secret)
}

/// A keyed hash of a 4-tuple and a number.
pub(crate) fn keyed_tuple_and(secret: &[u8; 16], tuple: &Tuple, number: u64) -> u64 {
    let mut message = Message::of_tuple(tuple);
    message.put(number.to_le_bytes());
    message.keyed(secret)
}

/// A keyed hash of a source address and a destination: each address after its family, which is 0
/// or 1 in eight octets.
pub(crate) fn keyed_destination(secret: &[u8; 16], local: IpAddr, remote: SocketAddr) -> u64 {
    let mut message = Message::new();
    match (local, remote.ip()) {
        (IpAddr::V4(local), IpAddr::V4(remote)) => {
            let [local, remote] =
                [local, remote].map(|address| u64::from(address.to_bits().swap_bytes()));
            message.put(0_u64.to_le_bytes());
            message.put(local.to_le_bytes());
            message.put((remote << 32).to_le_bytes());
        }
        (local, remote) => {
            message.put_address(local);
            message.put_address(remote);
        }
    }
    message.put(remote.port().to_le_bytes());
    if let SocketAddr::V6(remote) = remote {
        message.put(remote.flowinfo().to_le_bytes());
        message.put(remote.scope_id().to_le_bytes());
    }
    message.keyed(secret)
}

/// A keyed hash of a number: what a stack that draws no random numbers has instead of them.
pub(crate) fn keyed_number(secret: &[u8; 16], number: u64) -> u64 {
    let mut message = Message::new();
    message.put(number.to_le_bytes());
    message.keyed(secret)
}

/// What is hashed, as octets: these numbers are part of every trace, and must depend neither on
/// the machine nor on how the standard library hashes an address. The usual case is written in
/// the words in which it is hashed: to read as one what was written in parts is slow.
struct Message {
    octets: [u8; Self::MOST],
    length: usize,
}

impl Message {
    /// Two IPv6 addresses with their family, port, flow label and scope.
    const MOST: usize = 58;

    const fn new() -> Self {
        Self { octets: [0; Self::MOST], length: 0 }
    }

    fn of_tuple(tuple: &Tuple) -> Self {
        let mut message = Self::new();
        match (tuple.local_addr, tuple.remote_addr) {
            (IpAddr::V4(local), IpAddr::V4(remote)) => {
                let both = u64::from(local.to_bits()) << 32 | u64::from(remote.to_bits());
                message.put(both.to_le_bytes());
            }
            (local, remote) => {
                message.put(bits(local).to_le_bytes());
                message.put(bits(remote).to_le_bytes());
            }
        }
        let ports = u32::from(tuple.local_port) << 16 | u32::from(tuple.remote_port);
        message.put(ports.to_le_bytes());
        message
    }

    #[inline]
    fn put<const N: usize>(&mut self, octets: [u8; N]) {
        self.octets[self.length..self.length + N].copy_from_slice(&octets);
        self.length += N;
    }

    fn put_address(&mut self, address: IpAddr) {
        match address {
            IpAddr::V4(v4) => {
                self.put(0_u64.to_le_bytes());
                self.put(v4.octets());
            }
            IpAddr::V6(v6) => {
                self.put(1_u64.to_le_bytes());
                self.put(v6.octets());
            }
        }
    }

    fn keyed(&self, secret: &[u8; 16]) -> u64 {
        SipHasher24::new_with_key(secret).hash(&self.octets[..self.length])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A change of one of these would change traces.
    #[test]
    fn the_same_numbers_everywhere() {
        let secret: [u8; 16] = core::array::from_fn(|n| n as u8);
        let keyed = |local: &str, remote: &str| {
            let (local_addr, remote_addr) = (local.parse().unwrap(), remote.parse().unwrap());
            let tuple = Tuple { local_addr, remote_addr, local_port: 4711, remote_port: 80 };
            (keyed_tuple(&secret, &tuple), keyed_destination(&secret, local_addr, tuple.remote()))
        };
        let v4 = (0x1542_c995_55fd_13f4, 0xe107_26a0_04fb_60fc);
        assert_eq!(keyed("10.0.0.1", "192.168.7.200"), v4);
        let v6 = (0xc2d8_b08a_743c_dbf9, 0x0420_976e_5eba_526a);
        assert_eq!(keyed("2001:db8::1", "fe80::7:8"), v6);
    }
}
