//! Packets on their way through turmoil.

use std::time::Duration;

use twomsl_tcp::Instant;
use twomsl_tcp::wire::Packet;

/// The packets that are inside turmoil. A datagram carries the number of a packet, not its
/// octets: turmoil never looks into a datagram, and writing the octets, summing them up twice
/// and copying them three times is most of what a segment would cost.
#[derive(Debug, Default)]
pub(crate) struct Transit {
    slots: Vec<Slot>,
    free: Vec<u32>,
    /// When this many packets are on their way, those too old to arrive are looked for.
    sweep_at: usize,
}

#[derive(Debug)]
struct Slot {
    /// How often it was used: a number is never the number of two packets.
    generation: u32,
    sent: Instant,
    packet: Option<Packet>,
}

/// Datagrams that turmoil drops take no notice with them, so their packets stay here. RFC 9293
/// §3.4.2 (MSL) says how long a segment can exist: two minutes. One that is older never arrives.
const LIFETIME: Duration = Duration::from_secs(120);
/// The fewest packets for which it is worth to look.
const SMALLEST_SWEEP: usize = 1024;

impl Transit {
    /// A packet sets out; the number it will be found under.
    pub(crate) fn insert(&mut self, now: Instant, packet: Packet) -> u64 {
        if self.free.is_empty() && self.slots.len() >= self.sweep_at {
            self.sweep(now);
        }
        let index = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot { generation: 0, sent: now, packet: None });
            self.slots.len() as u32 - 1
        });
        let slot = &mut self.slots[index as usize];
        slot.sent = now;
        slot.packet = Some(packet);
        u64::from(slot.generation) << 32 | u64::from(index)
    }

    /// A packet arrives; `None` when it has died of age.
    pub(crate) fn take(&mut self, number: u64) -> Option<Packet> {
        let index = number as u32;
        let slot = self.slots.get_mut(index as usize)?;
        if u64::from(slot.generation) != number >> 32 {
            return None;
        }
        slot.generation = slot.generation.wrapping_add(1);
        self.free.push(index);
        slot.packet.take()
    }

    /// Forgets what is too old. Seldom enough that it costs O(1) per packet.
    fn sweep(&mut self, now: Instant) {
        for (index, slot) in (0..).zip(&mut self.slots) {
            if slot.packet.is_some() && now.since(slot.sent) > LIFETIME {
                slot.packet = None;
                slot.generation = slot.generation.wrapping_add(1);
                self.free.push(index);
            }
        }
        let left = self.slots.len() - self.free.len();
        self.sweep_at = (2 * left).max(SMALLEST_SWEEP);
    }
}
