//! Impairments one upon the other: what tests install can be taken away in any order.

use twomsl_sim::Network;
use twomsl_sim::spec::{HostIndex, Impairments};

/// The impairments that are installed, by direction. In each the one that was installed last is
/// at work.
#[derive(Debug, Default)]
pub(crate) struct Layers {
    directions: Vec<Direction>,
    /// How many there have been.
    count: u64,
}

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LayerId(u64);

/// A direction in which something is installed.
#[derive(Debug)]
struct Direction {
    ends: (HostIndex, HostIndex),
    /// What befell segments before the first.
    below: Impairments,
    /// The last one is at work.
    layers: Vec<(LayerId, Impairments)>,
}

impl Layers {
    /// These impairments are at work in a direction until they are removed, or others come.
    pub(crate) fn install(
        &mut self,
        network: &mut Network,
        (from, to): (HostIndex, HostIndex),
        impairments: Impairments,
    ) -> LayerId {
        let id = LayerId(self.count);
        self.count += 1;
        direction(network, &mut self.directions, (from, to)).layers.push((id, impairments.clone()));
        network.impair(from, to, impairments);
        id
    }

    /// What is below or above goes on as if these had never been there.
    pub(crate) fn remove(&mut self, network: &mut Network, id: LayerId) {
        let mut places = self.directions.iter().enumerate().filter_map(|(at, direction)| {
            Some((at, direction.layers.iter().position(|(layer, _)| *layer == id)?))
        });
        let Some((at, layer)) = places.next() else { return };
        let direction = &mut self.directions[at];
        direction.layers.remove(layer);
        if layer == direction.layers.len() {
            let (from, to) = direction.ends;
            let rest = direction.layers.last().map_or(&direction.below, |(_, below)| below);
            network.impair(from, to, rest.clone());
        }
        if direction.layers.is_empty() {
            self.directions.swap_remove(at);
        }
    }
}

/// The direction, which is remembered as the network has it now if nothing is installed there.
fn direction<'a>(
    network: &mut Network,
    directions: &'a mut Vec<Direction>,
    ends: (HostIndex, HostIndex),
) -> &'a mut Direction {
    let place = directions.iter().position(|direction| direction.ends == ends);
    let place = place.unwrap_or_else(|| {
        let below = network.impairments(ends.0, ends.1);
        directions.push(Direction { ends, below, layers: Vec::new() });
        directions.len() - 1
    });
    &mut directions[place]
}
