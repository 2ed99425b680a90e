//! The timers that what is to be sent needs (RFC 9293 §3.8.1, §3.8.6.1, RFC 6298 §5, RFC 5482).

use super::Connection;
use super::recovery::Phase;
use super::rtt::LEAST_WAIT;
use crate::event::{TcpState, TimerKind};
use crate::outbox::Context;
use crate::profile::{Incoming, RetryCounting, WindowProbe};
use crate::{Profile, WhatIf};

impl Connection {
    /// Starts and stops the timers that unacknowledged and unsendable octets need. A window that is
    /// closed, or has become so (MUST-35), is probed after one timeout (SHLD-29) and then ever more
    /// seldom (SHLD-30); what lies beyond it is not given up (SHLD-17).
    #[inline]
    pub(super) fn arm_timers(&mut self, cx: &mut Context<'_>) {
        let waits = !self.send.is_idle();
        // What is under way when the window closes is sent again as if it were open, on Linux.
        let repeats = cx.profile.window_probe == WindowProbe::Empty;
        if waits && (self.send.wnd > 0 || self.send.is_opening() || repeats) {
            self.timers.stop(cx, TimerKind::Persist);
            if !self.timers.is_running(TimerKind::Retransmission) {
                self.start_retransmission_timer(cx);
            }
        } else {
            self.timers.stop(cx, TimerKind::Retransmission);
            if !waits && !self.has_work() {
                self.timers.stop(cx, TimerKind::Persist);
            } else if !self.timers.is_running(TimerKind::Persist) && self.may_probe(cx.profile) {
                let wait = self.probe_wait(cx);
                self.timers.set(cx, TimerKind::Persist, cx.now.plus_nanos(wait));
            }
        }
        self.arm_user_timeout(cx);
    }

    /// Whether a closed window is asked about: always, but for one what-if.
    pub(super) const fn may_probe(&self, profile: &Profile) -> bool {
        self.send.wnd > 0 || !profile.what_ifs.has(WhatIf::NoPersistTimer)
    }

    /// RFC 6298 §5.1 to §5.3: as long as the timeout from now on.
    pub(super) fn start_retransmission_timer(&mut self, cx: &mut Context<'_>) {
        let deadline = cx.now.plus_nanos(self.rtt.timeout(cx.profile));
        self.timers.set(cx, TimerKind::Retransmission, deadline);
    }

    /// The first segment was sent again because acknowledgments said so. RFC 6298 §5 leaves the timer
    /// alone then, and RFC 6675 §6 lets it start over; Linux starts it over
    /// (`tcp_xmit_retransmit_queue`).
    pub(super) fn on_front_sent_again(&mut self, cx: &mut Context<'_>) {
        if cx.profile.incoming == Incoming::Linux
            && self.timers.is_running(TimerKind::Retransmission)
        {
            self.start_retransmission_timer(cx);
        }
    }

    /// Acknowledgments have begun a recovery: FreeBSD stops the timer, and what is sent again starts
    /// it (`tcp_do_segment`, `tcp_output`).
    pub(super) fn on_recovery_begun(&mut self, cx: &mut Context<'_>) {
        if cx.profile.is_bsd() {
            self.start_retransmission_timer(cx);
        }
    }

    /// Linux has one timer for what may only be late and for the timeout: when the one has fired,
    /// the other counts from when the first segment was sent last (`tcp_rearm_rto`,
    /// `tcp_rto_delta_us`), and waits a tick at least.
    pub(super) fn count_timeout_from_front(&mut self, cx: &mut Context<'_>) {
        let Some(first) = self.send.board.get(0) else { return };
        if cx.profile.incoming == Incoming::Linux
            && self.timers.is_running(TimerKind::Retransmission)
        {
            let deadline = first.at.plus_nanos(self.rtt.timeout(cx.profile));
            self.timers.set(cx, TimerKind::Retransmission, deadline.max(cx.now + LEAST_WAIT));
        }
    }

    /// Whether something is to be sent, or sent again, if the window and its size allow it.
    pub(super) fn has_work(&self) -> bool {
        let board = &self.send.board;
        let doubtful = self.recovery.phase() == Phase::Recovery && board.holes() > 0;
        (self.send.has_more() || board.lost().segments > 0 || doubtful) && self.may_transmit()
    }

    /// RFC 5482: the clock runs from the last progress while something waits for one. An attempt
    /// to connect has a limit of its own, and so have the states of closing, if the profile says so.
    fn arm_user_timeout(&mut self, cx: &mut Context<'_>) {
        let opening = cx.profile.connect_timeout.filter(|_| self.state == TcpState::SynSent);
        // Linux looks at it when the other timers fire.
        let each = cx.profile.retry_counting == RetryCounting::Each;
        let own = self.options.user_timeout.filter(|_| each);
        let closing = match self.state {
            TcpState::FinWait1 | TcpState::Closing => cx.profile.proxy.fin_wait,
            TcpState::LastAck => cx.profile.proxy.last_ack,
            _ => None,
        };
        match own.into_iter().chain(opening).chain(closing).min() {
            Some(limit) if !self.send.is_idle() || self.has_work() => {
                let deadline = self.waiting_since + limit;
                self.timers.set(cx, TimerKind::UserTimeout, deadline);
            }
            _ => self.timers.stop(cx, TimerKind::UserTimeout),
        }
    }
}
