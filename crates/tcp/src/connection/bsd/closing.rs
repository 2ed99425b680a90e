//! How connections end (`tcp_disconnect`, `tcp_usrclosed`, `tcp_timer_2msl`).

use core::time::Duration;

use crate::connection::Connection;
use crate::connection::receive::Reading;
use crate::event::{Cause, TcpState, TimerKind};
use crate::outbox::Context;
use crate::{Holder, SocketOptions};

/// `TCP_MAXRXTSHIFT`, and the sum of `tcp_backoff`.
const LONGEST_BACKOFF: u32 = 12;
const TOTAL_BACKOFF: u64 = 2559;
/// `tcp_maxpersistidle`
const LONGEST_PERSISTENCE: Duration = Duration::from_secs(7200);

impl Connection {
    /// `tcp_disconnect`, as far as it differs: an attempt is forgotten without a word; text that
    /// nobody has read is thrown away, and no reason for a reset. Whether nothing is left to do.
    pub(in crate::connection) fn close_as_bsd(&mut self, cx: &mut Context<'_>) -> bool {
        let attempt = matches!(self.state, TcpState::SynSent | TcpState::SynReceived);
        if attempt && !self.is_open_early() {
            self.holder = Holder::Orphan;
            self.finish(cx, Cause::Close, None);
            return true;
        }
        if !self.options.linger.is_some_and(|time| time.is_zero()) {
            self.receive.discard();
        }
        false
    }

    /// FIN-WAIT-2 does not last for ever when nobody will read.
    pub(in crate::connection) fn arm_fin_timeout_of_bsd(&mut self, cx: &mut Context<'_>) {
        if self.state != TcpState::FinWait2 || self.receive.reading != Reading::Shut {
            return;
        }
        let wait = if cx.profile.bsd.fast_finwait2_recycle.is_on() {
            cx.profile.fin_timeout.unwrap_or(Duration::MAX)
        } else {
            longest_silence(&self.options)
        };
        self.timers.set(cx, TimerKind::FinWait2, cx.now + wait);
    }

    /// It ends when the peer was silent for long enough; else that is looked at again after a while.
    pub(in crate::connection) fn on_fin_timeout_of_bsd(&mut self, cx: &mut Context<'_>) {
        let silent = cx.now.since(self.heard) > longest_silence(&self.options);
        if silent || cx.profile.bsd.fast_finwait2_recycle.is_on() {
            return self.finish(cx, Cause::Timeout(TimerKind::FinWait2), None);
        }
        let again = cx.now + self.keep_interval();
        self.timers.set(cx, TimerKind::FinWait2, again);
    }
}

impl Connection {
    /// `tcp_timer_persist`: a peer that is silent for as long as retransmissions would last, or,
    /// when nobody waits any more, as long as one wait between probes.
    pub(in crate::connection) fn is_hopeless_probe_of_bsd(&self, cx: &Context<'_>) -> bool {
        let silence = cx.now.since(self.heard);
        let retransmissions = (self.rtt.smoothed + 4 * self.rtt.variation) * TOTAL_BACKOFF;
        let tired = self.probe_backoff >= LONGEST_BACKOFF
            && silence >= LONGEST_PERSISTENCE.min(Duration::from_nanos(retransmissions));
        let closed = matches!(
            self.state,
            TcpState::FinWait1 | TcpState::Closing | TcpState::LastAck | TcpState::FinWait2
        );
        tired || (closed && silence >= cx.profile.persist_max)
    }
}

/// `TP_MAXIDLE`
fn longest_silence(options: &SocketOptions) -> Duration {
    options.keep_interval.saturating_mul(options.keep_count)
}
