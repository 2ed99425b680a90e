//! When an event happens, and whether it did: `verify_time` and `adjust_relative_event_times` of the
//! tool, in microseconds since the start of the script.

use crate::packetdrill::Dialect;
use crate::packetdrill::script::{Action, Direction, Event, Time};

/// The least tolerance, unless the script or its `--tolerance_usecs` says otherwise.
pub(super) const TOLERANCE_USECS: u64 = 4_000;

/// When an event is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Due {
    pub(super) when: When,
    /// By how much it may be early or late.
    pub(super) tolerance: u64,
    /// When a blocking call has to return, and its own tolerance.
    pub(super) end: Option<(u64, u64)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    /// At any time, from this moment on.
    Any(u64),
    At(u64),
    Between(u64, u64),
}

/// What the time of an event is counted from.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Previous {
    /// When the last event was due.
    scheduled: u64,
    /// It was a packet that arrived.
    inbound: bool,
}

/// The rules of a dialect.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    pub(super) dialect: Dialect,
    /// The least tolerance.
    pub(super) tolerance: u64,
}

/// A time stamp that is before that of the event above it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Backward {
    pub(super) due: u64,
    pub(super) previous: u64,
}

impl Rules {
    /// The tolerance of something that comes so long after the event before it: 12.5 % of that
    /// (nplab: 5 %), or the least there is.
    fn tolerance(&self, distance: u64) -> u64 {
        let share = match self.dialect {
            Dialect::Google => distance / 8,
            Dialect::Nplab => distance / 20,
        };
        share.max(self.tolerance)
    }

    /// When `event` is due, now that the one before it has finished.
    pub(super) fn due(
        &self,
        event: &Event,
        now: u64,
        previous: &mut Previous,
    ) -> Result<Due, Backward> {
        let inbound = is_inbound(&event.action);
        let from = match self.dialect {
            // What is late would make all that follows late, too.
            Dialect::Google if inbound && previous.inbound => previous.scheduled,
            _ => now,
        };
        let (when, end) = resolve(event.time, from, now);
        let scheduled = when.start();
        // What came a little early takes nothing from those that are counted from it.
        if is_absolute(event.time) && scheduled < previous.scheduled {
            return Err(Backward { due: scheduled, previous: previous.scheduled });
        }
        let tolerance = self.tolerance(scheduled.saturating_sub(previous.scheduled));
        *previous = Previous { scheduled, inbound };
        let end = end.map(|end| (end, self.tolerance(end.saturating_sub(scheduled))));
        Ok(Due { when, tolerance, end })
    }
}

fn is_inbound(action: &Action) -> bool {
    matches!(action, Action::Packet(packet) if packet.direction == Direction::Inbound)
}

const fn is_absolute(time: Time) -> bool {
    matches!(time, Time::Absolute(_) | Time::AbsoluteRange(..) | Time::AbsoluteCall(..))
}

/// The moments of a time stamp; the second is the end of a blocking call.
fn resolve(time: Time, from: u64, now: u64) -> (When, Option<u64>) {
    match time {
        Time::Absolute(at) => (When::At(at), None),
        Time::Relative(after) => (When::At(from.saturating_add(after)), None),
        Time::Any => (When::Any(now), None),
        Time::AbsoluteRange(start, end) => (When::Between(start, end), None),
        Time::RelativeRange(start, end) => {
            (When::Between(now.saturating_add(start), now.saturating_add(end)), None)
        }
        Time::AbsoluteCall(start, end) => (When::At(start), Some(end)),
        Time::RelativeCall(start, end) => {
            (When::At(from.saturating_add(start)), Some(from.saturating_add(end)))
        }
    }
}

impl When {
    /// Not before this.
    pub(super) const fn start(self) -> u64 {
        match self {
            Self::Any(start) | Self::At(start) | Self::Between(start, _) => start,
        }
    }
}

impl Due {
    /// Whether something that happened at `at` was in time.
    pub(super) const fn includes(&self, at: u64) -> bool {
        match self.when {
            When::Any(_) => true,
            When::At(due) => within(at, due, due, self.tolerance),
            When::Between(start, end) => within(at, start, end, self.tolerance),
        }
    }

    /// After this it is too late; `None` if it never is.
    pub(super) const fn latest(&self) -> Option<u64> {
        match self.when {
            When::Any(_) => None,
            When::At(due) | When::Between(_, due) => Some(due.saturating_add(self.tolerance)),
        }
    }

    /// `at 0.100000 ± 0.004000`, for people.
    pub(super) fn describe(&self) -> String {
        let tolerance = seconds(self.tolerance);
        match self.when {
            When::Any(_) => "at any time".to_owned(),
            When::At(due) => format!("at {} ± {tolerance}", seconds(due)),
            When::Between(start, end) => {
                format!("at {}~{} ± {tolerance}", seconds(start), seconds(end))
            }
        }
    }
}

/// Whether `at` lies between `start` and `end`, both with their tolerance.
pub(super) const fn within(at: u64, start: u64, end: u64, tolerance: u64) -> bool {
    start <= at.saturating_add(tolerance) && at <= end.saturating_add(tolerance)
}

/// Microseconds as seconds, with the six decimals that the tool has.
pub(super) fn seconds(micros: u64) -> String {
    format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Span;
    use crate::packetdrill::script::{BodySpec, IpSpec, PacketSpec};

    fn event(time: Time, direction: Option<Direction>) -> Event {
        let span = Span::default();
        let packet = |direction| {
            Action::Packet(Box::new(PacketSpec {
                direction,
                ip: IpSpec::default(),
                encapsulation: Vec::new(),
                udp_encapsulation: None,
                body: BodySpec::Other(String::new()),
                span,
            }))
        };
        let action = direction.map_or(Action::Command(String::new()), packet);
        Event { time, action, span }
    }

    const RULES: Rules = Rules { dialect: Dialect::Google, tolerance: TOLERANCE_USECS };

    #[test]
    fn time_stamps_are_counted_from_where_they_say() {
        let table = [
            (Time::Absolute(1_500_000), When::At(1_500_000), None),
            (Time::Relative(100_000), When::At(1_300_000), None),
            (Time::Any, When::Any(1_200_000), None),
            (Time::AbsoluteRange(1_300_000, 2_000_000), When::Between(1_300_000, 2_000_000), None),
            (Time::RelativeRange(100_000, 200_000), When::Between(1_300_000, 1_400_000), None),
            (Time::AbsoluteCall(1_300_000, 3_000_000), When::At(1_300_000), Some(3_000_000)),
            (Time::RelativeCall(0, 200_000), When::At(1_200_000), Some(1_400_000)),
        ];
        for (time, when, end) in table {
            let mut previous = Previous { scheduled: 1_000_000, inbound: true };
            let due = RULES.due(&event(time, None), 1_200_000, &mut previous).expect("forward");
            assert_eq!((due.when, due.end.map(|(end, _)| end)), (when, end), "{time:?}");
            assert_eq!(previous.scheduled, when.start());
        }
    }

    #[test]
    fn an_arrival_after_an_arrival_is_counted_from_when_that_was_due_by_google_only() {
        let inbound = Some(Direction::Inbound);
        let table = [
            (Dialect::Google, inbound, 1_000_010),
            (Dialect::Google, Some(Direction::Outbound), 1_002_010),
            (Dialect::Google, None, 1_002_010),
            (Dialect::Nplab, inbound, 1_002_010),
        ];
        for (dialect, direction, expected) in table {
            let rules = Rules { dialect, ..RULES };
            let mut previous = Previous { scheduled: 1_000_000, inbound: true };
            let event = event(Time::Relative(10), direction);
            let due = rules.due(&event, 1_002_000, &mut previous).expect("forward");
            assert_eq!(due.when, When::At(expected), "{dialect:?} {direction:?}");
        }
    }

    #[test]
    fn tolerance_is_a_share_of_the_distance_but_not_less_than_it_was_set_to() {
        let table = [
            (Dialect::Google, 0, 4_000),
            (Dialect::Google, 32_000, 4_000),
            (Dialect::Google, 1_000_000, 125_000),
            (Dialect::Nplab, 80_000, 4_000),
            (Dialect::Nplab, 1_000_000, 50_000),
        ];
        for (dialect, distance, tolerance) in table {
            let rules = Rules { dialect, ..RULES };
            let mut previous = Previous { scheduled: 500_000, inbound: false };
            let event = event(Time::Absolute(500_000 + distance), None);
            let due = rules.due(&event, 500_000, &mut previous).expect("forward");
            assert_eq!(due.tolerance, tolerance, "{dialect:?} {distance}");
            let at = 500_000 + distance;
            for (moment, holds) in [
                (at - tolerance, true),
                (at - tolerance - 1, false),
                (at + tolerance, true),
                (at + tolerance + 1, false),
            ] {
                assert_eq!(due.includes(moment), holds, "{dialect:?} {distance} {moment}");
            }
        }
    }

    #[test]
    fn a_range_has_its_tolerance_at_both_ends_and_any_time_has_none() {
        let mut previous = Previous::default();
        let range = event(Time::AbsoluteRange(10_000, 20_000), None);
        let due = RULES.due(&range, 0, &mut previous).expect("forward");
        for (at, holds) in [(5_999, false), (6_000, true), (24_000, true), (24_001, false)] {
            assert_eq!(due.includes(at), holds, "{at}");
        }
        let any = RULES.due(&event(Time::Any, None), 30_000, &mut previous).expect("forward");
        assert!(any.includes(0) && any.includes(u64::MAX) && any.latest().is_none());
    }

    #[test]
    fn time_does_not_go_backward() {
        let mut previous = Previous { scheduled: 1_000_000, inbound: false };
        let early = event(Time::Absolute(999_999), None);
        let backward = Backward { due: 999_999, previous: 1_000_000 };
        assert_eq!(RULES.due(&early, 1_000_000, &mut previous), Err(backward));
        // After a packet that came early, within its tolerance.
        let at_once = event(Time::Relative(0), None);
        let due = RULES.due(&at_once, 950_000, &mut previous).expect("forward");
        assert_eq!(due.when, When::At(950_000));
    }
}
