//! Timeouts (RFC 9293 §3.10.8, §3.8.3, §3.8.4).

use core::time::Duration;

use twomsl_wire::SeqNum;

use super::congestion::Repeated;
use super::rtt::LEAST_WAIT;
use super::{Connection, Origin};
use crate::event::{Cause, Event, Readiness, Report, SendReason, TcpState, TimerKind};
use crate::mutation::Mutation;
use crate::outbox::Context;
use crate::profile::{ResetOnTimeout, RetryCounting, RetryLimit, Segmentation};
use crate::time::nanos;
use crate::{Holder, Instant, SocketError};

/// The retransmissions that are tried at least, when a time is the limit (RFC 9293 §3.8.3).
const R1: u32 = 3;

/// `TCP_RTO_MIN`, whatever a route or an application has made of it.
const RTO_MIN: Duration = Duration::from_millis(200);

/// How long `count` repetitions take, in nanoseconds, if the timeout begins with `first` and doubles
/// up to `most` (`tcp_model_timeout`).
fn modelled(count: u32, first: u64, most: u64) -> u64 {
    let doublings = (most / first.max(1)).max(1).ilog2();
    let grown = |times: u32| ((2_u64 << times.min(40)) - 1).saturating_mul(first);
    match count.checked_sub(doublings) {
        None | Some(0) => grown(count),
        Some(more) => grown(doublings).saturating_add(most.saturating_mul(u64::from(more))),
    }
}

impl Connection {
    /// Runs every timer that is due.
    pub(crate) fn on_timeout(&mut self, cx: &mut Context<'_>) {
        while let Some(timer) = self.timers.take_due(cx) {
            match timer {
                TimerKind::Retransmission => self.on_retransmission_timeout(cx),
                TimerKind::LossProbe => self.on_probe_timeout(cx),
                TimerKind::Reordering => self.on_reordering_timeout(cx),
                TimerKind::Persist if cx.profile.segmentation == Segmentation::AsWritten => {
                    self.on_probe_timer(cx);
                }
                TimerKind::Persist => self.on_persist_timeout(cx),
                TimerKind::KeepAlive => self.on_keepalive_timeout(cx),
                TimerKind::DelayedAck => self.on_delayed_ack_timeout(cx),
                TimerKind::FinWait2 if cx.profile.is_bsd() => self.on_fin_timeout_of_bsd(cx),
                TimerKind::FinWait2 | TimerKind::TimeWait => {
                    self.finish(cx, Cause::Timeout(timer), None);
                }
                TimerKind::UserTimeout => self.give_up(cx, timer),
                TimerKind::Linger => cx.out.ready(cx.socket, Readiness::LingerOver),
                TimerKind::Idle => self.on_idle_timeout(cx),
            }
        }
    }

    fn on_retransmission_timeout(&mut self, cx: &mut Context<'_>) {
        if self.is_hopeless(cx, self.retransmissions) && !self.is_deferred(cx) {
            return self.give_up(cx, TimerKind::Retransmission);
        }
        let repeated = if self.retransmissions > 0 { Repeated::Yes } else { Repeated::No };
        if self.retransmissions == 0 {
            self.path.stuck_since = cx.now;
        }
        self.retransmissions += 1;
        if self.retransmissions == R1 {
            self.warn(cx);
        }
        if self.state != TcpState::SynSent || self.retransmissions > cx.profile.syn_linear_timeouts
        {
            self.rtt.back_off();
        }
        if self.send.is_opening() {
            // The handshake is not over: SYN or SYN,ACK again, alone.
            if !self.is_deferred(cx) && !cx.profile.is_mutated(Mutation::SynOnce) {
                self.send_syn(cx, SendReason::Retransmission);
            }
        } else {
            // RFC 6298 §5.4: the earliest segment again (SHLD-16). Everything after it counts as lost, and
            // follows as the acknowledgments come in.
            self.suspect_black_hole(cx);
            self.enter_loss(cx, repeated);
        }
        self.transmit(cx);
        self.hasten_to_user_timeout(cx);
    }

    /// The next timeout is the one that finds the user timeout over
    /// (`tcp_clamp_rto_to_user_timeout`).
    fn hasten_to_user_timeout(&mut self, cx: &mut Context<'_>) {
        if cx.profile.retry_counting == RetryCounting::Each {
            return;
        }
        if let Some(limit) = self.options.user_timeout
            && let Some(due) = self.timers.deadline(TimerKind::Retransmission)
        {
            let end = self.stuck_since() + limit;
            let soon = cx.now + LEAST_WAIT;
            self.timers.set(cx, TimerKind::Retransmission, due.min(end.max(soon)));
        }
    }

    /// When Linux begins to count (`retrans_stamp`): with the first repetition, but of a SYN with
    /// the SYN itself.
    fn stuck_since(&self) -> Instant {
        if self.send.is_opening() { self.waiting_since } else { self.path.stuck_since }
    }

    /// `retransmits_timed_out`: `count` repetitions that begin with `first` would be over by now, or
    /// the user timeout is.
    fn is_stuck_too_long(&self, cx: &Context<'_>, count: u32, first: Duration) -> bool {
        let most = nanos(cx.profile.rto_max);
        let limit = match self.options.user_timeout {
            Some(limit) => nanos(limit),
            None => modelled(count, nanos(first), most),
        };
        self.retransmissions > 0 && cx.now.nanos_since(self.stuck_since()) >= limit
    }

    /// RFC 6069: that the segment which the timer keeps sending did not get through is explained by
    /// the lack of a route, and says nothing about congestion. One doubling is taken back; what the
    /// timer has run since the segment was sent last counts (Linux' `tcp_ld_RTO_revert`).
    pub(crate) fn revert_back_off(&mut self, cx: &mut Context<'_>, seq: SeqNum) {
        let is_repeated = self.retransmissions > 0 && self.rtt.doublings() > 0;
        let Some(first) = self.send.board.get(0) else { return };
        if !is_repeated || seq != self.send.una {
            return;
        }
        let sent = first.at;
        self.rtt.take_doubling_back();
        let deadline = sent.plus_nanos(self.rtt.timeout(cx.profile));
        self.timers.set(cx, TimerKind::Retransmission, deadline.max(cx.now));
    }

    /// R1 is reached: the IP layer may look for another way, and the application may tell its user
    /// (RFC 9293 §3.8.3, MUST-20, SHLD-9).
    fn warn(&self, cx: &mut Context<'_>) {
        cx.out.event(Event::NegativeAdvice { socket: cx.socket });
        self.report(cx, Report::Retransmissions(R1));
    }

    /// Whether the profile's limit for this kind of segment is reached. SYNs have limits of their own,
    /// and nothing else about them is different (MUST-22).
    fn is_hopeless(&self, cx: &Context<'_>, tries: u32) -> bool {
        let own = self.options.syn_count.map(|count| RetryLimit::Count(u32::from(count)));
        let limit = match self.state {
            TcpState::SynSent => match own.unwrap_or(cx.profile.syn_retries) {
                RetryLimit::Count(count) => {
                    RetryLimit::Count(count.saturating_add(cx.profile.syn_linear_timeouts))
                }
                time @ RetryLimit::Time(_) => time,
            },
            TcpState::SynReceived => own.unwrap_or(match self.origin {
                Origin::Passive { .. } | Origin::Fast { .. } => cx.profile.synack_retries,
                Origin::Active => cx.profile.syn_retries,
            }),
            _ => self.retries_of_text(cx),
        };
        let by_time = cx.profile.retry_counting == RetryCounting::ByTime
            && !matches!(self.origin(), Some(Origin::Passive { .. } | Origin::Fast { .. }));
        match limit {
            RetryLimit::Count(count) if by_time && self.send.is_opening() => {
                // The repetitions before the timeout doubles do not count here.
                let doublings = match self.state {
                    TcpState::SynSent => count.saturating_sub(cx.profile.syn_linear_timeouts),
                    _ => count,
                };
                tries >= count || self.is_stuck_too_long(cx, doublings, cx.profile.rto_initial)
            }
            RetryLimit::Count(count) if by_time => self.is_stuck_too_long(cx, count, RTO_MIN),
            RetryLimit::Count(count) => tries >= count,
            // SHLD-10: not before R1 either, however long each timeout has become.
            RetryLimit::Time(time) => tries >= R1 && cx.now.since(self.waiting_since) >= time,
        }
    }

    /// The limit for text, a FIN and window probes: what nobody waits for is given up sooner.
    /// An application that sets a user timeout has said itself when (MUST-21), and that has a timer
    /// of its own (Linux' `retransmits_timed_out`: it takes the place of the count).
    fn retries_of_text(&self, cx: &Context<'_>) -> RetryLimit {
        match self.options.user_timeout {
            Some(_) if cx.profile.retry_counting == RetryCounting::Each => {
                RetryLimit::Time(Duration::MAX)
            }
            _ if self.holder == Holder::Orphan => cx.profile.orphan_retries,
            _ => cx.profile.retries,
        }
    }

    /// The connection is aborted: the peer does not answer (RFC 9293 §3.8.3, MUST-20). A soft
    /// ICMP error that was remembered says more than the timeout.
    pub(super) fn give_up(&mut self, cx: &mut Context<'_>, timer: TimerKind) {
        let cause = Cause::Timeout(timer);
        if self.is_half_open() {
            return self.back_to_listen(cx, cause);
        }
        let error = self.soft_error.unwrap_or(SocketError::TimedOut);
        let heard = self.state != TcpState::SynSent;
        self.finish(cx, cause, Some(error));
        if cx.profile.is_bsd() && heard {
            // `tcp_drop`
            self.send_reset(cx);
        }
    }

    /// The window is still closed (MUST-36), or something small was held back long enough.
    fn on_persist_timeout(&mut self, cx: &mut Context<'_>) {
        if self.send.wnd > 0 && self.send_held_back(cx) {
            return self.arm_timers(cx);
        }
        if !self.may_probe(cx.profile) {
            return;
        }
        // MUST-37: a peer that answers may keep its window closed for ever; one that does not
        // answer is given up like any other.
        if self.window_probes > 0 && self.is_hopeless_probe(cx) {
            return self.give_up(cx, TimerKind::Persist);
        }
        self.window_probes += 1;
        self.probe_backoff += 1;
        self.send_window_probe(cx);
        self.arm_timers(cx);
    }

    pub(super) fn is_hopeless_probe(&self, cx: &Context<'_>) -> bool {
        if cx.profile.is_bsd() {
            return self.is_hopeless_probe_of_bsd(cx);
        }
        match self.retries_of_text(cx) {
            RetryLimit::Count(count) => self.window_probes >= count,
            RetryLimit::Time(time) => cx.now.since(self.heard) >= time,
        }
    }

    /// MAY-5, MUST-26, MUST-29: only when idle, and one lost answer proves nothing.
    fn on_keepalive_timeout(&mut self, cx: &mut Context<'_>) {
        let due = self.heard + self.options.keep_idle;
        if due > cx.now || !self.send.is_idle() {
            self.keepalive_probes = 0;
            let again = match cx.profile.segmentation {
                Segmentation::AsWritten => self.options.keep_idle.max(LEAST_WAIT),
                Segmentation::Stream => self.keep_interval(),
            };
            let deadline = if due > cx.now { due } else { cx.now + again };
            return self.timers.set(cx, TimerKind::KeepAlive, deadline);
        }
        if self.is_silent_too_long(cx) {
            self.give_up(cx, TimerKind::KeepAlive);
            if !cx.profile.is_bsd() {
                self.send_reset(cx);
            }
            return;
        }
        self.keepalive_probes += 1;
        self.send_keepalive(cx);
        self.timers.set(cx, TimerKind::KeepAlive, cx.now + self.keep_interval());
    }

    /// A proxy has heard nothing of its peer for too long: the connection is gone, and the peer is
    /// told if the profile says so (`reset-on-timeout`).
    fn on_idle_timeout(&mut self, cx: &mut Context<'_>) {
        self.give_up(cx, TimerKind::Idle);
        if cx.profile.proxy.reset_on_timeout == ResetOnTimeout::Enabled {
            self.send_reset(cx);
        }
    }

    /// Whatever the peer sends starts the clock of a proxy over, its answers to keepalive probes
    /// too.
    pub(super) fn arm_idle(&mut self, cx: &mut Context<'_>) {
        let Some(limit) = cx.profile.proxy.idle else { return };
        if self.is_open() {
            self.timers.set(cx, TimerKind::Idle, self.heard + limit);
        }
    }

    /// Whether the connection is established and its last FIN is not sent yet.
    const fn is_open(&self) -> bool {
        matches!(
            self.state,
            TcpState::Established | TcpState::CloseWait | TcpState::FinWait1 | TcpState::FinWait2
        )
    }

    /// A user timeout takes the place of the count of probes (Linux, tcp(7): "it will override
    /// keepalive to determine when to close a connection due to keepalive failure").
    fn is_silent_too_long(&self, cx: &Context<'_>) -> bool {
        match self.options.user_timeout {
            Some(limit) => self.keepalive_probes > 0 && cx.now.since(self.heard) >= limit,
            None => self.keepalive_probes >= self.options.keep_count,
        }
    }

    /// A profile may say zero, and a timer that never waits would fire at one moment for ever.
    pub(super) fn keep_interval(&self) -> Duration {
        self.options.keep_interval.max(LEAST_WAIT)
    }

    /// Starts or stops the keepalive timer as the option says.
    pub(super) fn arm_keepalive(&mut self, cx: &mut Context<'_>) {
        if self.options.keep_alive && self.is_open() {
            let deadline = self.heard + self.options.keep_idle;
            self.timers.set(cx, TimerKind::KeepAlive, deadline.max(cx.now));
        } else {
            self.timers.stop(cx, TimerKind::KeepAlive);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ip-sysctl.rst: "The default value of 15 yields a hypothetical timeout of 924.6 seconds".
    #[test]
    fn retries_stand_for_the_time_that_linux_says() {
        let seconds = |count, first, most| {
            modelled(count, nanos(Duration::from_millis(first)), nanos(Duration::from_secs(most)))
                / 1_000_000
        };
        assert_eq!(seconds(15, 200, 120), 924_600);
        assert_eq!(seconds(8, 200, 120), 102_200, "an orphan");
        assert_eq!(seconds(3, 200, 120), 3_000, "tcp_retries1");
        assert_eq!(seconds(6, 1000, 120), 127_000, "tcp_syn_retries");
    }
}
