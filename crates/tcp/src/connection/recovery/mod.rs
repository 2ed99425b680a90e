//! Loss recovery (RFC 9293 §3.8.2): finding out what was lost, sending it again, and how much may
//! be under way meanwhile.
//!
//! - [`rack`]: losses by time, with timestamps of transmissions (RFC 8985)
//! - [`probe`]: a probe when the tail of a flight is not acknowledged (RFC 8985 §7)
//! - [`is_lost`]: losses by what was SACKed (RFC 6675)
//! - [`newreno`]: losses by duplicate acknowledgments alone (RFC 5681, 6582, 3042)
//! - [`on_ack`]: what an acknowledgment means for all of them
//! - [`on_timeout`]: the retransmission timer, and F-RTO (RFC 5682)
//! - [`too_large`]: segments that the path did not carry (RFC 1191)
//! - [`undo`]: what was not lost after all

pub(crate) mod is_lost;
mod newreno;
mod on_ack;
mod on_timeout;
pub(crate) mod probe;
pub(crate) mod rack;
mod too_large;
mod undo;

use twomsl_wire::SeqNum;

use super::Connection;
use super::congestion::prr::Prr;
use super::negotiation::Use;
use super::scoreboard::Count;
use crate::profile::{LossDetection, WindowCounting};
use crate::{Instant, Profile};
pub(super) use on_ack::{News, Progress};
use probe::Probe;
use rack::Rack;
use undo::Undo;

/// What a connection knows about its losses.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Recovery {
    phase: Phase,
    /// RecoveryPoint (RFC 6675), `recover` (RFC 6582), Linux' `high_seq`: SND.NXT when the phase
    /// began.
    point: SeqNum,
    /// How many segments behind a hole are no proof of a loss yet (Linux' `reordering`).
    reordering: u32,
    /// Duplicate acknowledgments since SND.UNA moved.
    duplicates: u32,
    /// Octets that limited transmit let out because of them.
    limited: u32,
    prr: Option<Prr>,
    undo: Undo,
    rack: Rack,
    probe: Option<Probe>,
}

/// What is going on, as Linux' `tcp_ca_state` has it ("Disorder" is Open with duplicates).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Phase {
    /// Nothing is lost.
    Open,
    /// The window comes down because of a congestion mark, or of a loss that a probe repaired.
    Reduction,
    /// Losses that acknowledgments told of are repaired.
    Recovery,
    /// The retransmission timer fired.
    Loss(Doubt),
}

/// Whether a timeout may have been for nothing (RFC 5682).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Doubt {
    /// The next acknowledgments tell.
    Open,
    /// New text was sent to find out.
    Testing,
    /// It was not.
    None,
}

/// What tells of losses on this connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    /// Duplicate acknowledgments: the peer does not SACK.
    Duplicates,
    /// SACK blocks (RFC 6675).
    Blocks,
    /// Time (RFC 8985).
    Time,
}

impl Recovery {
    pub(crate) fn new(iss: SeqNum, profile: &Profile) -> Self {
        Self {
            phase: Phase::Open,
            reordering: profile.reordering,
            // RFC 6582 §3.2, step 1.
            point: iss,
            duplicates: 0,
            limited: 0,
            prr: None,
            undo: Undo::default(),
            rack: Rack::new(),
            probe: None,
        }
    }

    /// How many segments behind a hole are no proof of a loss yet.
    pub(crate) const fn reordering(&self) -> u32 {
        self.reordering
    }

    /// What is going on.
    pub(crate) const fn phase(&self) -> Phase {
        self.phase
    }

    /// Whether duplicate acknowledgments have come, and nothing is made of them yet.
    pub(crate) const fn is_disordered(&self) -> bool {
        self.duplicates > 0
    }

    /// SND.UNA has moved, or a timeout has ended what they tell.
    fn forget_duplicates(&mut self) {
        (self.duplicates, self.limited) = (0, 0);
    }

    /// Something is sent again.
    pub(crate) fn on_sent_again(&mut self, now: Instant) {
        self.undo.on_retransmission(now);
    }

    /// Text of this weight is sent, or sent again.
    pub(crate) fn note_sent(&mut self, octets: u32) {
        if let Some(prr) = &mut self.prr {
            prr.on_sent(octets);
        }
    }

    /// Whether the window is being brought down by PRR.
    fn is_reducing(&self) -> bool {
        matches!(self.phase, Phase::Reduction | Phase::Recovery) && self.prr.is_some()
    }
}

impl Connection {
    /// What tells of losses here.
    pub(super) fn method(&self, profile: &Profile) -> Method {
        match (self.agreement.sack, profile.loss_detection) {
            (Use::No, _) => Method::Duplicates,
            (Use::Yes, LossDetection::Blocks) => Method::Blocks,
            (Use::Yes, LossDetection::Time) => Method::Time,
        }
    }

    /// A count as the congestion window counts it, in octets: where it counts segments, a small
    /// one weighs as much as a full one.
    pub(super) fn weight(&self, count: Count, profile: &Profile) -> u32 {
        match profile.window_counting {
            WindowCounting::Octets { .. } => count.octets,
            WindowCounting::Segments => count.segments.saturating_mul(self.send.mss),
        }
    }

    /// `FlightSize` of RFC 5681 §2, arrived or not; what limited transmit has sent "MUST NOT be
    /// included" (§3.2, step 2).
    fn flight_size(&self) -> u32 {
        self.send.nxt.since(self.send.una).saturating_sub(self.recovery.limited)
    }

    /// What is under way, as the congestion window counts it.
    pub(super) fn in_flight(&self, profile: &Profile) -> u32 {
        self.weight(self.send.board.pipe(), profile)
    }
}
