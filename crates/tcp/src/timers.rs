//! The timers of one connection: deadlines, nothing else.

use crate::Instant;
use crate::event::{TimerChange, TimerKind};
use crate::outbox::Context;

/// A deadline per kind; `Instant::MAX` means that it is not running.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Timers {
    deadlines: [Instant; TimerKind::COUNT],
    change: Change,
}

/// Whether a deadline has moved since the stack last looked. Many events move none, and then the
/// stack need not search for the earliest again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Change {
    None,
    Some,
}

impl Timers {
    pub(crate) const fn new() -> Self {
        Self { deadlines: [Instant::MAX; TimerKind::COUNT], change: Change::None }
    }

    pub(crate) fn is_running(&self, kind: TimerKind) -> bool {
        self.deadlines[kind as usize] != Instant::MAX
    }

    /// When a timer is to fire, if it is running.
    pub(crate) fn deadline(&self, kind: TimerKind) -> Option<Instant> {
        Some(self.deadlines[kind as usize]).filter(|deadline| *deadline != Instant::MAX)
    }

    /// Starts or restarts a timer.
    pub(crate) fn set(&mut self, cx: &mut Context<'_>, kind: TimerKind, deadline: Instant) {
        let place = &mut self.deadlines[kind as usize];
        if *place == deadline {
            return;
        }
        let change = if *place == Instant::MAX {
            TimerChange::Set(deadline)
        } else {
            TimerChange::Restarted(deadline)
        };
        *place = deadline;
        self.change = Change::Some;
        cx.out.timer(cx.socket, kind, change);
    }

    pub(crate) fn stop(&mut self, cx: &mut Context<'_>, kind: TimerKind) {
        let place = &mut self.deadlines[kind as usize];
        if *place != Instant::MAX {
            *place = Instant::MAX;
            self.change = Change::Some;
            cx.out.timer(cx.socket, kind, TimerChange::Stopped);
        }
    }

    pub(crate) fn stop_all(&mut self, cx: &mut Context<'_>) {
        for kind in TimerKind::ALL {
            self.stop(cx, kind);
        }
    }

    /// Whether a deadline has moved since this was last asked.
    pub(crate) fn take_change(&mut self) -> Change {
        core::mem::replace(&mut self.change, Change::None)
    }

    /// The earliest deadline; `Instant::MAX` when no timer is running.
    pub(crate) fn next(&self) -> Instant {
        self.deadlines.iter().fold(Instant::MAX, |next, deadline| next.min(*deadline))
    }

    /// The earliest deadline, and whose it is.
    pub(crate) fn earliest(&self) -> Option<(Instant, TimerKind)> {
        let (mut at, mut kind) = (Instant::MAX, TimerKind::Retransmission);
        for (deadline, name) in self.deadlines.iter().zip(TimerKind::ALL) {
            if *deadline < at {
                (at, kind) = (*deadline, name);
            }
        }
        (at != Instant::MAX).then_some((at, kind))
    }

    /// Takes one timer that is due, in the order of their kinds.
    pub(crate) fn take_due(&mut self, cx: &mut Context<'_>) -> Option<TimerKind> {
        let kind =
            TimerKind::ALL.into_iter().find(|kind| self.deadlines[*kind as usize] <= cx.now)?;
        self.deadlines[kind as usize] = Instant::MAX;
        self.change = Change::Some;
        cx.out.timer(cx.socket, kind, TimerChange::Fired);
        Some(kind)
    }

    /// What is running, the earliest first.
    pub(crate) fn running(&self) -> alloc::vec::Vec<(TimerKind, Instant)> {
        let mut running: alloc::vec::Vec<_> = TimerKind::ALL
            .into_iter()
            .map(|kind| (kind, self.deadlines[kind as usize]))
            .filter(|(_, deadline)| *deadline != Instant::MAX)
            .collect();
        running.sort_by_key(|(kind, deadline)| (*deadline, *kind));
        running
    }
}
