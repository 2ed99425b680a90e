//! Links: what happens to a packet on its way, after netem.

use std::collections::VecDeque;

use twomsl_tcp::Instant;

use crate::jitter;
use crate::plan::PathPlan;
use crate::random::{Purpose, Stream, happens};
use crate::spec::{Impairments, Loss, Probability};

/// The changing part of a path.
#[derive(Clone, Debug, Default, Hash)]
pub(crate) struct Path {
    /// Set up when the first draw is made.
    streams: Streams,
    /// The state of the Gilbert–Elliott model.
    weather: Weather,
    /// When the last packet will have left, with a rate.
    busy_until: Instant,
    /// When each packet that waits for the rate will have left.
    departures: VecDeque<Instant>,
    /// The latest arrival so far: a packet that arrives before it overtakes.
    latest: Instant,
}

/// The impairments that draw, in the place of their streams. The discriminants are part of the
/// streams' seeds. Copies that a link makes draw from streams of their own, so that switching
/// duplication off leaves everybody else's draws as they were.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Draw {
    Loss = 0,
    Duplicate = 1,
    Reorder = 2,
    Corrupt = 3,
    Jitter = 4,
    CopyLoss = 5,
    CopyReorder = 6,
    CopyCorrupt = 7,
    CopyJitter = 8,
    Mark = 9,
    CopyMark = 10,
}

#[derive(Clone, Debug, Default, Hash)]
struct Streams(Vec<Option<Stream>>);

const STREAMS: usize = 11;

/// The state of the Gilbert–Elliott model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Weather {
    #[default]
    Good,
    Bad,
}

/// Whether something befalls a packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Befalls {
    Yes,
    #[default]
    No,
}

impl Befalls {
    /// Decided by a draw.
    fn draw(draw: u64, probability: Probability) -> Self {
        if happens(draw, probability) { Self::Yes } else { Self::No }
    }
}

/// What the random streams have in store for one packet. All of it is drawn when the packet is
/// sent, whether or not it will matter, so that the k-th packet of a path always has the k-th
/// draw of every stream: no fault shifts the draws of another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Luck {
    pub(crate) loss: Befalls,
    pub(crate) duplicate: Befalls,
    pub(crate) reorder: Befalls,
    pub(crate) mark: Befalls,
    /// The draw for the bit to flip.
    pub(crate) corrupt: Option<u64>,
    pub(crate) jitter: jitter::Draws,
}

/// Whose streams are drawn from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    /// A packet that a host sent.
    Original,
    /// A copy that the link made.
    Copy,
}

/// When a packet arrives, and what it owes that to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Passage {
    pub(crate) at: Instant,
    pub(crate) overtakes: Option<&'static str>,
    /// Whether the queue is so long that it met congestion.
    pub(crate) congested: Befalls,
}

impl Path {
    /// As if no packet had ever passed.
    pub(crate) fn clear(&mut self) {
        let Self { streams, weather, busy_until, departures, latest } = self;
        streams.0.clear();
        *weather = Weather::Good;
        *busy_until = Instant::ZERO;
        departures.clear();
        *latest = Instant::ZERO;
    }

    /// Draws the luck of the next packet of this path.
    pub(crate) fn luck(&mut self, plan: &PathPlan, place: u32, seed: u64, whose: Whose) -> Luck {
        let impairments = &plan.impairments;
        let mut draw = |what| self.streams.get(place, seed, what).next();
        let [loss, reorder, corrupt, mark] = match whose {
            Whose::Original => [Draw::Loss, Draw::Reorder, Draw::Corrupt, Draw::Mark],
            Whose::Copy => [Draw::CopyLoss, Draw::CopyReorder, Draw::CopyCorrupt, Draw::CopyMark],
        };
        let mut luck = Luck::default();
        if whose == Whose::Original && impairments.duplicate != Probability::NEVER {
            luck.duplicate = Befalls::draw(draw(Draw::Duplicate), impairments.duplicate);
        }
        if impairments.reorder != Probability::NEVER {
            luck.reorder = Befalls::draw(draw(reorder), impairments.reorder);
        }
        if impairments.mark != Probability::NEVER {
            luck.mark = Befalls::draw(draw(mark), impairments.mark);
        }
        if impairments.corrupt != Probability::NEVER {
            let drawn = draw(corrupt);
            // The upper half decides whether, the lower half which bit.
            luck.corrupt = happens(drawn, impairments.corrupt).then_some(drawn << 32);
        }
        if impairments.loss != Loss::None {
            let drawn = draw(loss);
            luck.loss = self.weather.loss(impairments.loss, drawn, whose);
        }
        luck.jitter = self.jitter(impairments, place, seed, whose);
        luck
    }

    /// The draws for the delay; none where the delay does not vary.
    fn jitter(
        &mut self,
        impairments: &Impairments,
        place: u32,
        seed: u64,
        whose: Whose,
    ) -> jitter::Draws {
        if impairments.jitter.is_zero() {
            return jitter::Draws::default();
        }
        let what = if whose == Whose::Copy { Draw::CopyJitter } else { Draw::Jitter };
        jitter::draw(self.streams.get(place, seed, what))
    }

    /// Sends a packet of so many octets on its way: queue, rate, then delay. `None` when the
    /// queue is full.
    pub(crate) fn pass(
        &mut self,
        plan: &PathPlan,
        now: Instant,
        octets: usize,
        luck: &Luck,
    ) -> Option<Passage> {
        let departure = self.depart(&plan.impairments, now, octets)?;
        // The packet itself is in the queue by now, and the one that is being sent does not wait.
        let waiting = self.departures.len().saturating_sub(2);
        let congested = plan.impairments.mark_above.is_some_and(|most| waiting > most as usize);
        let congested = if congested { Befalls::Yes } else { Befalls::No };
        let jitter = crate::plan::nanos(plan.impairments.jitter);
        let at = if luck.reorder == Befalls::Yes {
            departure
        } else {
            let distribution = plan.impairments.distribution;
            jitter::arrival(departure, plan.delay, jitter, distribution, luck.jitter)
        };
        let overtakes = match luck.reorder {
            _ if at >= self.latest => None,
            Befalls::Yes => Some("reorder"),
            Befalls::No => Some("jitter"),
        };
        self.latest = self.latest.max(at);
        Some(Passage { at, overtakes, congested })
    }

    /// When a packet has left its host. Without a rate that is at once.
    fn depart(
        &mut self,
        impairments: &Impairments,
        now: Instant,
        octets: usize,
    ) -> Option<Instant> {
        let Some(rate) = impairments.rate else { return Some(now) };
        while self.departures.front().is_some_and(|departure| *departure <= now) {
            self.departures.pop_front();
        }
        // The packet that is being sent does not wait.
        if self.departures.len() > impairments.limit as usize {
            return None;
        }
        let bits = octets as u128 * 8 * 1_000_000_000;
        let serialization = u64::try_from(bits / u128::from(rate)).unwrap_or(u64::MAX);
        let start = self.busy_until.max(now);
        self.busy_until = Instant::from_nanos(start.as_nanos().saturating_add(serialization));
        self.departures.push_back(self.busy_until);
        Some(self.busy_until)
    }
}

impl Streams {
    /// The stream of an impairment, set up on first use.
    fn get(&mut self, path: u32, seed: u64, what: Draw) -> &mut Stream {
        if self.0.is_empty() {
            self.0.resize(STREAMS, None);
        }
        let words = [u64::from(path), what as u64];
        self.0[what as usize].get_or_insert_with(|| Stream::new(seed, Purpose::Impairment, words))
    }
}

impl Weather {
    /// Whether a packet is lost. Netem's order: the state before the transition decides.
    fn loss(&mut self, loss: Loss, drawn: u64, whose: Whose) -> Befalls {
        match loss {
            Loss::None => Befalls::No,
            Loss::Bernoulli(probability) => Befalls::draw(drawn, probability),
            Loss::GilbertElliott { p, r, bad_loss, good_loss } => {
                let (leave, lost) =
                    if *self == Self::Good { (p, good_loss) } else { (r, bad_loss) };
                // Copies share the weather of their originals, but do not make it.
                if whose == Whose::Original && happens(drawn, leave) {
                    *self = if *self == Self::Good { Self::Bad } else { Self::Good };
                }
                Befalls::draw(drawn << 32, lost)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::PathKind;
    use std::time::Duration;

    fn percent(percent: u32) -> Probability {
        Probability::from_parts_per_billion(percent * 10_000_000).unwrap()
    }

    fn path(impairments: Impairments) -> PathPlan {
        PathPlan { kind: PathKind::Impaired, ..PathPlan::new(impairments, None) }
    }

    fn lucks(impairments: Impairments, count: usize) -> Vec<Luck> {
        let plan = path(impairments);
        let mut path = Path::default();
        (0..count).map(|_| path.luck(&plan, 0, 11, Whose::Original)).collect()
    }

    fn all() -> Impairments {
        Impairments {
            delay: Duration::from_millis(10),
            jitter: Duration::from_millis(2),
            loss: Loss::Bernoulli(percent(10)),
            duplicate: percent(20),
            reorder: percent(25),
            corrupt: percent(5),
            mark: percent(15),
            ..Impairments::default()
        }
    }

    #[test]
    fn each_impairment_befalls_its_share_of_packets() {
        let lucks = lucks(all(), 10_000);
        let count = |befallen: fn(&Luck) -> bool| lucks.iter().filter(|l| befallen(l)).count();
        assert!((940..=1_060).contains(&count(|l| l.loss == Befalls::Yes)));
        assert!((1_900..=2_100).contains(&count(|l| l.duplicate == Befalls::Yes)));
        assert!((2_400..=2_600).contains(&count(|l| l.reorder == Befalls::Yes)));
        assert!((450..=550).contains(&count(|l| l.corrupt.is_some())));
        assert!((1_410..=1_590).contains(&count(|l| l.mark == Befalls::Yes)));
    }

    #[test]
    fn switching_one_impairment_off_leaves_the_draws_of_the_others() {
        let before = lucks(all(), 1_000);
        let lossless = lucks(Impairments { loss: Loss::None, ..all() }, 1_000);
        let expected: Vec<_> =
            before.iter().map(|luck| Luck { loss: Befalls::No, ..*luck }).collect();
        assert!(lossless == expected);
        assert!(before != expected, "some packets were lost before");
        let unmarked = lucks(Impairments { mark: Probability::NEVER, ..all() }, 1_000);
        let expected: Vec<_> =
            before.iter().map(|luck| Luck { mark: Befalls::No, ..*luck }).collect();
        assert!(unmarked == expected);
        let single = lucks(Impairments { duplicate: Probability::NEVER, ..all() }, 1_000);
        let expected: Vec<_> =
            before.iter().map(|luck| Luck { duplicate: Befalls::No, ..*luck }).collect();
        assert!(single == expected);
    }

    #[test]
    fn copies_draw_from_streams_of_their_own() {
        let plan = path(all());
        let mut plain = Path::default();
        let mut copying = Path::default();
        for _ in 0..100 {
            let original = copying.luck(&plan, 0, 11, Whose::Original);
            copying.luck(&plan, 0, 11, Whose::Copy);
            assert_eq!(plain.luck(&plan, 0, 11, Whose::Original), original);
        }
    }

    #[test]
    fn the_directions_of_a_link_have_different_luck() {
        let plan = path(all());
        let mut path = Path::default();
        let mut other = Path::default();
        let forward: Vec<_> = (0..50).map(|_| path.luck(&plan, 0, 11, Whose::Original)).collect();
        let backward: Vec<_> = (0..50).map(|_| other.luck(&plan, 1, 11, Whose::Original)).collect();
        assert!(forward != backward);
    }

    #[test]
    fn gilbert_elliott_loses_in_bursts() {
        let loss = Loss::GilbertElliott {
            p: percent(1),
            r: percent(10),
            bad_loss: percent(100),
            good_loss: Probability::NEVER,
        };
        let lucks = lucks(Impairments { loss, ..Impairments::default() }, 100_000);
        let lost = lucks.iter().filter(|luck| luck.loss == Befalls::Yes).count();
        let starts = lucks
            .windows(2)
            .filter(|pair| pair[0].loss == Befalls::No && pair[1].loss == Befalls::Yes)
            .count();
        // The bad state holds p / (p + r) = 1/11 of all packets, in runs of 1/r = 10.
        assert!((8_300..=9_900).contains(&lost), "{lost}");
        let burst = lost / starts;
        assert!((9..=11).contains(&burst), "{burst}");
    }

    #[test]
    fn a_rate_spaces_packets_out_and_its_queue_ends() {
        let impairments = Impairments { rate: Some(8_000), limit: 2, ..Impairments::default() };
        let plan = path(impairments);
        let mut path = Path::default();
        let mut send = |now| {
            path.pass(&plan, Instant::from_millis(now), 100, &Luck::default())
                .map(|passage| passage.at.as_nanos() / 1_000_000)
        };
        // 100 octets at 1000 octets a second: 100 ms each. One is on the wire, two wait.
        assert_eq!([send(0), send(0), send(0), send(0)], [Some(100), Some(200), Some(300), None]);
        assert_eq!([send(100), send(100)], [Some(400), None]);
        assert_eq!(send(1_000), Some(1_100));
    }

    /// One packet is being sent and two wait: the next one finds more than one waiting.
    #[test]
    fn a_queue_beyond_its_threshold_is_congested() {
        let rate = Some(8_000);
        let plan = path(Impairments { rate, mark_above: Some(1), ..Impairments::default() });
        let mut path = Path::default();
        let mut send = |now| {
            path.pass(&plan, Instant::from_millis(now), 100, &Luck::default()).unwrap().congested
        };
        let (no, yes) = (Befalls::No, Befalls::Yes);
        assert_eq!([send(0), send(0), send(0), send(0)], [no, no, no, yes]);
        assert_eq!([send(100), send(200), send(1_000)], [yes, yes, no]);
    }

    #[test]
    fn a_reordered_packet_overtakes() {
        let plan = path(Impairments { delay: Duration::from_millis(10), ..Impairments::default() });
        let mut path = Path::default();
        let early = Luck { reorder: Befalls::Yes, ..Luck::default() };
        let first = path.pass(&plan, Instant::ZERO, 40, &Luck::default()).unwrap();
        let second = path.pass(&plan, Instant::from_millis(1), 40, &early).unwrap();
        let congested = Befalls::No;
        assert_eq!(first, Passage { at: Instant::from_millis(10), overtakes: None, congested });
        let overtakes = Some("reorder");
        let expected = Passage { at: Instant::from_millis(1), overtakes, congested };
        assert_eq!(second, expected);
    }
}
