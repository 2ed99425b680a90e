//! What an acknowledgment means for loss recovery.

use twomsl_wire::{SackBlocks, Segment, SeqNum};

use super::super::Connection;
use super::super::congestion::Ack;
use super::super::congestion::prr::{self, Prr, Safety};
use super::super::sack::Stretch;
use super::super::scoreboard::{Delivery, Sent};
use super::probe::MARGIN;
use super::rack::{Hurry, Patience};
use super::{Doubt, Method, Phase, is_lost};
use crate::Profile;
use crate::event::{SendReason, TimerKind};
use crate::outbox::Context;
use crate::profile::{Offer, SpuriousTimeouts, WindowCounting, WindowReduction};

/// What an acknowledgment says at first sight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum News {
    /// It acknowledges something, has text, or offers another window.
    Some,
    /// It says nothing, and there is nothing it could acknowledge.
    None,
    /// A duplicate acknowledgment (RFC 5681 §2, all five conditions).
    Duplicate,
}

/// What an acknowledgment brought.
#[derive(Debug)]
pub(in super::super) struct Progress {
    /// Whether SND.UNA moved.
    pub(in super::super) acked: bool,
    /// By how many octets of text.
    pub(in super::super) acked_octets: u32,
    pub(in super::super) news: News,
    /// What arrived twice (RFC 2883).
    pub(in super::super) twice: Option<Stretch>,
    /// TSecr.
    pub(in super::super) echo: Option<u32>,
    /// Whether it echoes a congestion mark (RFC 3168 §6.1.2).
    pub(in super::super) marked: bool,
    pub(in super::super) delivery: Delivery,
}

impl Progress {
    pub(super) fn is_duplicate(&self) -> bool {
        self.news == News::Duplicate
    }
}

impl Connection {
    /// Takes the SACK blocks of a segment. What they say was received twice is returned.
    pub(in super::super) fn take_blocks(
        &mut self,
        segment: &Segment,
        blocks: &SackBlocks,
        delivery: &mut Delivery,
    ) -> Option<Stretch> {
        let twice = duplicate_report(blocks, segment.ack);
        let mut useful = SackBlocks::default();
        for (index, (left, right)) in blocks.iter().enumerate() {
            // RFC 2018 §4, RFC 2883 §4: only what is under way, and not the D-SACK.
            let sane = left.before(right)
                && left.at_or_after(self.send.una)
                && right.at_or_before(self.send.nxt);
            if sane && !(index == 0 && twice.is_some()) {
                let fin = u32::from(right == self.send.text_end() && self.fin_goes_with_text());
                let _ = useful.push(left, right + fin);
            }
        }
        if !useful.is_empty() {
            self.send.board.sack(&useful, delivery);
        }
        twice
    }

    /// Whether our FIN is under way with text before it. A peer that SACKs this text has the FIN,
    /// too, although BSD's do not say so.
    fn fin_goes_with_text(&self) -> bool {
        let board = &self.send.board;
        let last = board.len().checked_sub(1).and_then(|last| board.get(last));
        self.send.includes_fin(self.send.nxt)
            && last.is_some_and(|last| last.seq.before(self.send.text_end()))
    }

    /// After SND.UNA and the scoreboard are up to date: the losses, the window, and what is to be
    /// sent because of them. What the window lets out follows with `transmit`.
    pub(in super::super) fn recover(&mut self, cx: &mut Context<'_>, progress: &Progress) {
        let quiet = self.recovery.phase == Phase::Open
            && self.send.board.sacked().segments == 0
            && self.recovery.duplicates == 0
            && !progress.is_duplicate()
            && !progress.marked
            && progress.twice.is_none();
        let before = self.recovery.phase;
        if before == Phase::Open && self.send.una.after(self.recovery.point) {
            // It comes along, or it would lie ahead again after 2 GiB.
            self.recovery.point = self.send.una - 1;
        }
        if !quiet {
            self.recover_from(cx, progress);
        } else if self.method(cx.profile) == Method::Time {
            self.note_arrival(cx, progress);
        }
        if self.recovery.probe.is_some() {
            self.judge_probe(cx, progress);
        }
        self.grow_window(cx, progress, before);
    }

    #[inline(never)]
    fn recover_from(&mut self, cx: &mut Context<'_>, progress: &Progress) {
        if let Some(twice) = progress.twice {
            self.recovery.undo.on_duplicate_report(twice, self.send.una);
            self.recovery.rack.on_duplicate_report(self.send.una, self.send.nxt);
        }
        if let Some(seq) = progress.delivery.reordered {
            self.learn_reordering(cx.profile, seq);
        }
        if progress.marked {
            self.on_congestion_mark(cx);
        }
        if matches!(self.recovery.phase, Phase::Loss(_)) {
            self.after_timeout(cx, progress);
        }
        match self.method(cx.profile) {
            Method::Duplicates => self.newreno_on_ack(cx, progress),
            method => self.sack_on_ack(cx, progress, method),
        }
    }

    /// Something arrived that others had overtaken: by how many segments at most
    /// (`tcp_check_sack_reordering`).
    fn learn_reordering(&mut self, profile: &Profile, seq: SeqNum) {
        let board = &self.send.board;
        let highest = board.reach().checked_sub(1).and_then(|last| board.get(last));
        let highest = highest.map_or(self.send.una, Sent::end);
        let distance = highest.offset_from(seq).max(0).cast_unsigned();
        let segments = distance.div_ceil(self.send.mss.max(1));
        if segments > self.recovery.reordering {
            let most = profile.max_reordering.max(self.recovery.reordering);
            self.recovery.reordering = segments.min(most);
        }
    }

    fn sack_on_ack(&mut self, cx: &mut Context<'_>, progress: &Progress, method: Method) {
        if method == Method::Time {
            self.note_arrival(cx, progress);
        }
        if progress.acked {
            self.recovery.forget_duplicates();
        }
        self.leave_if_done(cx.profile, progress);
        self.try_undo(cx.profile, progress);
        let lost = self.find_losses(cx, method);
        match self.recovery.phase {
            // Not for what counts as lost for another reason, such as a window probe's octet.
            Phase::Open | Phase::Reduction if lost > 0 => self.enter_recovery(cx),
            Phase::Open if progress.is_duplicate() || progress.delivery.sacked.segments > 0 => {
                self.recovery.duplicates += 1;
                if method == Method::Blocks {
                    self.count_duplicate(cx);
                }
            }
            _ => {}
        }
        if self.recovery.is_reducing() {
            self.reduce_window(cx, progress, lost);
        }
    }

    /// RFC 6675 §5, with no loss found by the blocks: three duplicate acknowledgments are one, too
    /// (step 1), since small segments are few octets; fewer let new text out (step 3).
    fn count_duplicate(&mut self, cx: &mut Context<'_>) {
        if self.recovery.duplicates < self.recovery.reordering {
            self.transmit_limited(cx);
        } else if self.send.board.get(0).is_some_and(|first| !first.is_sacked()) {
            self.send.board.mark_lost(0);
            self.enter_recovery(cx);
        }
    }

    /// RFC 6675 §4, `NextSeg`, rule 3: when there is nothing new to send, what is missing before the
    /// highest SACKed goes out again although it may be under way.
    pub(in super::super) fn send_doubtful(&mut self, cx: &mut Context<'_>) {
        if self.method(cx.profile) != Method::Blocks || self.send.board.holes() == 0 {
            return;
        }
        for index in 0..self.send.board.reach() {
            let Some(sent) = self.send.board.get(index) else { break };
            if sent.is_sacked() || sent.was_copied() {
                continue;
            }
            let fits = self.in_flight(cx.profile) + self.send.mss <= self.congestion.window();
            if !fits || !self.send_again(cx, index, SendReason::FastRetransmission) {
                break;
            }
        }
    }

    /// Steps 1 to 3 of RACK.
    fn note_arrival(&mut self, cx: &Context<'_>, progress: &Progress) {
        let (clock, shortest) = (self.agreement.timestamps.as_ref(), self.rtt.shortest());
        // What is SACKed comes with the echo of what arrived in order before it (RFC 7323 §4.3),
        // which says nothing about it.
        let echo = progress.echo.filter(|_| progress.acked);
        // RFC 8985 §6.2, step 2: the acknowledgment may be of an earlier copy.
        let too_soon = |sent: &Sent| match (echo, clock) {
            (Some(echo), Some(clock)) if clock.echoes_before(echo, sent.at) => true,
            _ => cx.now.nanos_since(sent.at) < shortest,
        };
        self.recovery.rack.on_arrival(cx.now, &progress.delivery, too_soon);
    }

    /// What RACK and RFC 6675 say is lost now: how many segments more.
    pub(super) fn find_losses(&mut self, cx: &mut Context<'_>, method: Method) -> u32 {
        if method == Method::Blocks {
            return is_lost::mark_lost(&mut self.send.board, self.send.mss);
        }
        if self.send.board.sacked().segments == 0 && self.recovery.phase == Phase::Open {
            self.timers.stop(cx, TimerKind::Reordering);
            return 0;
        }
        let patience = self.patience();
        let found = self.recovery.rack.detect(cx.now, &mut self.send.board, &patience);
        match found.next {
            Some(rest) => {
                // `tcp_rack_mark_lost` adds TCP_TIMEOUT_MIN_US.
                let rto = self.rtt.timeout(cx.profile);
                let deadline = cx.now.plus_nanos(rest.saturating_add(MARGIN).min(rto));
                self.timers.set(cx, TimerKind::Reordering, deadline);
            }
            None => self.timers.stop(cx, TimerKind::Reordering),
        }
        found.lost
    }

    pub(super) fn patience(&self) -> Patience {
        let repairing = matches!(self.recovery.phase, Phase::Recovery | Phase::Loss(_));
        let enough = self.send.board.sacked().segments >= self.recovery.reordering;
        Patience {
            min_rtt: self.rtt.shortest(),
            srtt: self.rtt.smoothed,
            hurry: if repairing || enough { Hurry::Yes } else { Hurry::No },
        }
    }

    /// RFC 6675 §5, step 4; RFC 8985 hands over to it (§9.2).
    pub(super) fn enter_recovery(&mut self, cx: &mut Context<'_>) {
        let flight = self.flight_size();
        if self.recovery.phase == Phase::Open {
            self.congestion.enter_recovery(flight);
        }
        self.recovery.undo.begin(self.send.una, self.send.board.copies_under_way());
        self.begin_phase(cx, Phase::Recovery, flight);
        self.on_recovery_begun(cx);
        if self.recovery.prr.is_none() && self.send.board.lost().segments > 0 {
            // Step 4.3: the first one at once, whatever is under way.
            self.send_first_lost(cx);
        }
    }

    fn send_first_lost(&mut self, cx: &mut Context<'_>) {
        if let Some(index) = self.send.board.next_repair() {
            self.send_again(cx, index, SendReason::FastRetransmission);
        }
    }

    fn begin_phase(&mut self, cx: &mut Context<'_>, phase: Phase, flight: u32) {
        self.ecn.owe_confirmation();
        self.forget_probe();
        self.timers.stop(cx, TimerKind::LossProbe);
        self.recovery.phase = phase;
        self.recovery.point = self.send.nxt;
        let proportional = cx.profile.proportional_rate == Offer::Yes
            && self.method(cx.profile) != Method::Duplicates;
        self.recovery.prr = proportional.then(|| {
            Prr::new(match cx.profile.window_reduction {
                // Linux' `tcp_init_cwnd_reduction` starts from the window.
                WindowReduction::Window => self.congestion.prior_window(),
                WindowReduction::FlightSize => flight,
            })
        });
        if self.recovery.prr.is_none() {
            self.congestion.leave_recovery();
        }
    }

    /// The window comes down without a loss to repair: a congestion mark (RFC 3168 §6.1.2), or a
    /// loss that a probe has repaired.
    pub(super) fn begin_reduction(&mut self, cx: &mut Context<'_>) {
        let flight = self.flight_size();
        self.congestion.on_ecn_echo(flight);
        self.recovery.undo.end();
        self.begin_phase(cx, Phase::Reduction, flight);
    }

    /// The window is the threshold from now on.
    pub(super) fn end_reduction(&mut self) {
        self.congestion.leave_recovery();
        self.recovery.phase = Phase::Open;
        self.recovery.prr = None;
    }

    fn on_congestion_mark(&mut self, cx: &mut Context<'_>) {
        // Once per window of data: not while it is coming down already.
        if self.recovery.phase == Phase::Open && self.send.una.at_or_after(self.reduced_up_to()) {
            self.begin_reduction(cx);
        }
    }

    /// Marks about what was sent before the last reduction are not news.
    fn reduced_up_to(&self) -> SeqNum {
        if self.send.una.before(self.recovery.point) { self.recovery.point } else { self.send.una }
    }

    /// Everything is acknowledged that was under way when the phase began.
    fn leave_if_done(&mut self, profile: &Profile, progress: &Progress) {
        if self.send.una.before(self.recovery.point) || !progress.acked {
            return;
        }
        match self.recovery.phase {
            Phase::Open | Phase::Loss(_) => {}
            Phase::Reduction => self.end_reduction(),
            Phase::Recovery => {
                if self.may_undo(profile, progress) {
                    self.undo_reduction();
                } else {
                    self.end_reduction();
                }
                self.recovery.rack.on_recovered();
            }
        }
    }

    /// Whether acknowledgments show that nothing had to be sent again (`tcp_may_undo`).
    pub(super) fn may_undo(&self, profile: &Profile, progress: &Progress) -> bool {
        let clock = self.agreement.timestamps.as_ref();
        profile.spurious_timeouts != SpuriousTimeouts::Believed
            && (self.recovery.undo.is_all_explained()
                || self.recovery.undo.is_too_early(progress.echo, clock))
    }

    /// In the middle of recovery: D-SACKs have named all that was sent again, or an echo shows that
    /// the original arrived. After it only D-SACKs count (`tcp_try_undo_dsack`): what was late ends
    /// the recovery, and the D-SACK of its copy follows.
    fn try_undo(&mut self, profile: &Profile, progress: &Progress) {
        let now = match self.recovery.phase {
            // An acknowledgment that moves nothing echoes what came before the gap, which is always
            // too early: only what it names as doubled counts then.
            Phase::Recovery if progress.acked => true,
            Phase::Recovery | Phase::Open => {
                progress.twice.is_some() && self.recovery.undo.is_all_explained()
            }
            Phase::Reduction | Phase::Loss(_) => false,
        };
        if now && self.may_undo(profile, progress) {
            self.undo_reduction();
        }
    }

    /// The window and the threshold are what they were, and nothing counts as lost.
    pub(super) fn undo_reduction(&mut self) {
        self.congestion.undo();
        self.recovery.undo.end();
        self.ecn.withdraw_confirmation();
        self.send.board.unmark_lost();
        self.recovery.phase = Phase::Open;
        self.recovery.prr = None;
    }

    /// RFC 6937 §3: what may be under way now.
    fn reduce_window(&mut self, cx: &mut Context<'_>, progress: &Progress, newly_lost: u32) {
        let delivered = self.weight(progress.delivery.delivered, cx.profile);
        let pipe = self.in_flight(cx.profile);
        let safe = progress.acked && newly_lost == 0;
        self.allow(delivered, pipe, if safe { Safety::Safe } else { Safety::Unsafe });
    }

    /// The window is what is under way and what PRR lets out for so much that arrived.
    pub(super) fn allow(&mut self, delivered: u32, pipe: u32, safety: Safety) {
        let (threshold, mss) = (self.congestion.threshold(), self.send.mss);
        let Some(prr) = &mut self.recovery.prr else { return };
        if delivered > 0 {
            let progress = prr::Progress { delivered, pipe, threshold, mss, safety };
            let allowed = prr.on_ack(&progress);
            self.congestion.set_window(pipe.saturating_add(allowed));
        }
    }

    /// The window grows when nothing is wrong, and in slow start after a timeout.
    fn grow_window(&mut self, cx: &Context<'_>, progress: &Progress, before: Phase) {
        let grows = |phase| matches!(phase, Phase::Open | Phase::Loss(_));
        if !grows(self.recovery.phase) || progress.acked_octets == 0 {
            return;
        }
        let counts_all = matches!(cx.profile.window_counting, WindowCounting::Octets { .. })
            || self.method(cx.profile) == Method::Duplicates;
        if !grows(before) && counts_all {
            // The acknowledgment that ends a recovery sets the window (RFC 6582 §3.2, step 3): what
            // it acknowledges has been counted by duplicates before.
            return;
        }
        let acked = match cx.profile.window_counting {
            WindowCounting::Octets { .. } => progress.acked_octets,
            WindowCounting::Segments => self.weight(progress.delivery.delivered, cx.profile),
        };
        let ack = Ack { now: cx.now, acked, srtt: self.rtt.smoothed, min_rtt: self.rtt.shortest() };
        self.congestion.on_ack(&ack);
    }

    /// Whether doubts about a timeout are open: then nothing but its first segment is sent again.
    pub(in super::super) fn holds_repairs(&self) -> bool {
        self.recovery.phase == Phase::Loss(Doubt::Testing)
    }
}

/// RFC 2883 §4: a first block below the acknowledgment, or within the second block, is about
/// something that arrived twice.
fn duplicate_report(blocks: &SackBlocks, ack: SeqNum) -> Option<Stretch> {
    let mut blocks = blocks.iter();
    let (left, right) = blocks.next()?;
    let acknowledged = left.before(ack);
    let within = blocks
        .next()
        .is_some_and(|second| left.at_or_after(second.0) && right.at_or_before(second.1));
    (acknowledged || within).then_some((left, right))
}
