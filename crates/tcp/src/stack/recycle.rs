//! The what-if `tw-recycle-per-host`: timestamps are compared by host, as Linux did until 4.12 with
//! `tcp_tw_recycle` (RFC 7323 appendix B.2 (b)).

use alloc::collections::BTreeMap;
use core::net::IpAddr;
use core::time::Duration;

use twomsl_wire::Segment;

use super::Stack;
use crate::tuple::Tuple;
use crate::{Instant, WhatIf};

/// For how long a host's timestamp counts: `TCP_PAWS_MSL`.
const VALID: Duration = Duration::from_secs(60);

/// How many ticks a SYN may be behind: `TCP_PAWS_WINDOW`.
const WINDOW: i32 = 1;

/// The latest timestamp of each host that had a connection in TIME-WAIT here, and when it was taken.
pub(super) type Hosts = BTreeMap<IpAddr, (u32, Instant)>;

impl Stack {
    /// A connection enters TIME-WAIT: `tcp_remember_stamp`.
    pub(super) fn remember_host(&mut self, now: Instant, tuple: &Tuple, recent: Option<u32>) {
        if self.profile.what_ifs.has(WhatIf::TwRecyclePerHost)
            && let Some(recent) = recent
        {
            self.recycled.insert(tuple.remote_addr, (recent, now));
        }
    }

    /// Whether a SYN seems to be older than what its host has sent: `tcp_peer_is_proven`.
    pub(super) fn is_behind_its_host(
        &self,
        now: Instant,
        tuple: &Tuple,
        segment: &Segment,
    ) -> bool {
        let Some((recent, at)) = self.recycled.get(&tuple.remote_addr) else { return false };
        let Some((value, _)) = segment.options.timestamps() else { return false };
        now.since(*at) < VALID && recent.wrapping_sub(value).cast_signed() > WINDOW
    }
}
