//! How packets travel through turmoil.
//!
//! What one host sends to another at one moment goes together, as a burst does on a wire: in one
//! datagram, which holds the numbers of the packets. The packets themselves stay in the network of
//! the simulation. Turmoil never looks into a datagram, and writing octets, summing them up twice
//! and copying them three times would be most of what a segment costs.

use std::io;
use std::net::SocketAddr;

use twomsl_sim::Parcel;
use twomsl_sim::spec::HostIndex;

use crate::host::Host;
use crate::simulation::PORT;

/// Packets that set out from one host.
#[derive(Debug, Default)]
pub(crate) struct Train {
    parcels: Vec<Parcel>,
    /// The datagram, of which the memory is kept.
    datagram: Vec<u8>,
}

/// The most packets in one datagram: more than any window that is not scaled has.
const LONGEST: usize = 127;

/// Octets of a number.
const WORD: usize = 8;

/// The longest datagram: the serial number of the simulation, and those of packets.
pub(crate) const LONGEST_DATAGRAM: usize = WORD * (LONGEST + 1);

impl Train {
    pub(crate) fn add(&mut self, parcel: Parcel) {
        self.parcels.push(parcel);
    }

    /// All of them set out from host `from`. Returned are the numbers of those for which turmoil
    /// knows no host.
    #[must_use = "somebody has to be told"]
    pub(crate) fn depart(&mut self, hosts: &[Host], from: HostIndex, serial: u64) -> Vec<u64> {
        let Self { parcels, datagram } = self;
        let mut stranded = Vec::new();
        // Stable: what goes to one host stays in order.
        parcels.sort_by_key(|parcel| parcel.to);
        for to_one in parcels.chunk_by(|a, b| a.to == b.to) {
            for train in to_one.chunks(LONGEST) {
                datagram.clear();
                datagram.extend_from_slice(&serial.to_be_bytes());
                for parcel in train {
                    datagram.extend_from_slice(&parcel.number.to_be_bytes());
                }
                if send(hosts, from, train[0].to, datagram).is_err() {
                    stranded.extend(train.iter().map(|parcel| parcel.number));
                }
            }
        }
        parcels.clear();
        stranded
    }
}

fn send(hosts: &[Host], from: HostIndex, to: HostIndex, datagram: &[u8]) -> io::Result<()> {
    let (Some(datagrams), Some(address)) = (hosts[from].datagrams(), hosts[to].address) else {
        return Ok(()); // lost: nobody has ever been there
    };
    // Turmoil's only answer that is an error: it has no such host.
    datagrams.try_send_to(datagram, SocketAddr::new(address, PORT)).map(drop)
}

/// The numbers of the packets in a datagram.
///
/// # Errors
/// It is of another simulation.
pub(crate) fn packets(
    datagram: &[u8],
    serial: u64,
) -> Result<impl Iterator<Item = u64>, WrongSimulation> {
    let mut words = datagram
        .chunks_exact(WORD)
        .map(|word| word.iter().fold(0, |number, octet| number << 8 | u64::from(*octet)));
    match words.next() {
        Some(theirs) if theirs != serial => Err(WrongSimulation),
        _ => Ok(words),
    }
}

/// A packet of another simulation.
#[derive(Debug)]
pub(crate) struct WrongSimulation;
