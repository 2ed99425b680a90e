//! `TCP_INFO` of a connection (`tcp_get_info`).

use super::Connection;
use super::counters::SynText;
use super::negotiation::Use;
use super::recovery::Phase;
use crate::{Instant, Profile, TcpInfo, TcpState};

/// `TCP_INFINITE_SSTHRESH`.
const NO_THRESHOLD: u32 = 0x7fff_ffff;

impl Connection {
    /// What Linux would tell.
    pub(crate) fn info(&self, now: Instant, profile: &Profile) -> TcpInfo {
        let mut info =
            TcpInfo { tcpi_state: state_number(self.state, profile), ..TcpInfo::default() };
        self.tell_path(&mut info, profile);
        self.tell_sender(&mut info, profile);
        self.tell_receiver(&mut info, profile);
        self.tell_times(&mut info, now);
        self.tell_counters(&mut info);
        if profile.is_bsd() {
            self.tell_as_bsd(&mut info);
        }
        info
    }

    /// What was agreed on, and what is known of the path.
    fn tell_path(&self, info: &mut TcpInfo, profile: &Profile) {
        let agreement = &self.agreement;
        let used = [
            (TcpInfo::TCPI_OPT_TIMESTAMPS, agreement.timestamps.is_some()),
            (TcpInfo::TCPI_OPT_SACK, agreement.sack == Use::Yes),
            (TcpInfo::TCPI_OPT_WSCALE, agreement.scaling == Use::Yes),
            (TcpInfo::TCPI_OPT_ECN, agreement.ecn == Use::Yes),
            (TcpInfo::TCPI_OPT_ECN_SEEN, self.ecn.was_seen()),
            (TcpInfo::TCPI_OPT_SYN_DATA, self.counters.syn_text == SynText::Acknowledged),
        ];
        info.tcpi_options = used.iter().filter(|(_, used)| *used).map(|(bit, _)| bit).sum();
        info.tcpi_snd_wscale = agreement.send_scale.shift();
        info.tcpi_rcv_wscale = agreement.receive_scale.shift();
        info.tcpi_snd_mss = self.send.mss;
        info.tcpi_advmss = self.advertised_mss(profile);
        info.tcpi_pmtu = self.path_mtu(profile);
    }

    fn tell_sender(&self, info: &mut TcpInfo, profile: &Profile) {
        let board = &self.send.board;
        info.tcpi_ca_state = self.congestion_state();
        info.tcpi_retransmits = small(self.retransmissions);
        info.tcpi_probes = small(self.window_probes.max(self.keepalive_probes));
        info.tcpi_backoff = small(self.rtt.doublings());
        info.tcpi_rto = micros(self.rtt.timeout(profile));
        info.tcpi_rtt = micros(self.rtt.smoothed);
        info.tcpi_rttvar = micros(self.rtt.variation_by_rfc(profile));
        info.tcpi_min_rtt = match self.rtt.shortest() {
            0 => u32::MAX,
            shortest => micros(shortest),
        };
        info.tcpi_unacked = board.len() as u32;
        info.tcpi_sacked = board.sacked().segments;
        info.tcpi_lost = board.lost().segments;
        info.tcpi_retrans = board.copies_under_way();
        info.tcpi_reordering = self.recovery.reordering();
        info.tcpi_snd_cwnd = self.congestion.window() / self.send.mss;
        info.tcpi_snd_ssthresh = if self.congestion.has_threshold() {
            self.congestion.threshold() / self.send.mss
        } else {
            NO_THRESHOLD
        };
        info.tcpi_notsent_bytes = self.send.unsent();
        info.tcpi_snd_wnd = self.send.wnd;
    }

    /// `enum tcp_ca_state`.
    fn congestion_state(&self) -> u8 {
        match self.recovery.phase() {
            Phase::Open if self.recovery.is_disordered() => 1,
            Phase::Open if self.send.board.sacked().segments > 0 => 1,
            Phase::Open => 0,
            Phase::Reduction => 2,
            Phase::Recovery => 3,
            Phase::Loss(_) => 4,
        }
    }

    fn tell_receiver(&self, info: &mut TcpInfo, profile: &Profile) {
        let first = self.first_receive_mss();
        let usual = (crate::time::nanos(profile.delayed_ack), first);
        let (delay, segment) = self.receive.acks.estimates().unwrap_or(usual);
        (info.tcpi_ato, info.tcpi_rcv_mss) = (micros(delay), segment);
        info.tcpi_rcv_ssthresh = self.receive.threshold();
        info.tcpi_rcv_rtt = micros(self.rtt.smoothed);
        info.tcpi_rcv_space = self.receive.growth.most();
        info.tcpi_rcv_wnd = self.receive.window();
    }

    fn tell_times(&self, info: &mut TcpInfo, now: Instant) {
        info.tcpi_last_data_sent = millis_since(now, self.last_sent);
        info.tcpi_last_data_recv = millis_since(now, self.counters.text_heard);
        info.tcpi_last_ack_recv = millis_since(now, self.heard);
    }

    /// Where FreeBSD's `tcp_fill_info` means something else by the same name: windows are octets,
    /// and segments have their options.
    fn tell_as_bsd(&self, info: &mut TcpInfo) {
        info.tcpi_snd_cwnd = self.congestion.window();
        info.tcpi_snd_ssthresh = if self.congestion.has_threshold() {
            self.congestion.threshold()
        } else {
            65_535 << 14
        };
        (info.tcpi_snd_mss, info.tcpi_rcv_mss) = (self.max_segment(), self.max_segment());
        info.tcpi_rcv_space = self.receive.taken_window();
        info.tcpi_last_data_recv = info.tcpi_last_ack_recv;
    }

    const fn tell_counters(&self, info: &mut TcpInfo) {
        let counters = &self.counters;
        info.tcpi_total_retrans = counters.total_retrans;
        info.tcpi_bytes_acked = counters.bytes_acked;
        info.tcpi_bytes_received = counters.bytes_received;
        info.tcpi_segs_out = counters.segs_out;
        info.tcpi_segs_in = counters.segs_in;
        info.tcpi_data_segs_in = counters.data_segs_in;
        info.tcpi_data_segs_out = counters.data_segs_out;
        info.tcpi_delivered = counters.delivered;
        info.tcpi_delivered_ce = counters.delivered_ce;
        info.tcpi_bytes_sent = counters.bytes_sent;
        info.tcpi_bytes_retrans = counters.bytes_retrans;
        info.tcpi_dsack_dups = counters.dsack_dups;
        info.tcpi_reord_seen = counters.reord_seen;
        info.tcpi_rcv_ooopack = counters.rcv_ooopack;
    }
}

/// As the system numbers it.
pub(crate) const fn state_number(state: TcpState, profile: &Profile) -> u8 {
    if profile.is_bsd() { bsd_state(state) } else { linux_state(state) }
}

/// `TCPS_ESTABLISHED` and so on, in `sys/netinet/tcp_fsm.h`.
const fn bsd_state(state: TcpState) -> u8 {
    match state {
        TcpState::Closed => 0,
        TcpState::Listen => 1,
        TcpState::SynSent => 2,
        TcpState::SynReceived => 3,
        TcpState::Established => 4,
        TcpState::CloseWait => 5,
        TcpState::FinWait1 => 6,
        TcpState::Closing => 7,
        TcpState::LastAck => 8,
        TcpState::FinWait2 => 9,
        TcpState::TimeWait => 10,
    }
}

/// `TCP_ESTABLISHED` and so on, in `include/net/tcp_states.h`.
const fn linux_state(state: TcpState) -> u8 {
    match state {
        TcpState::Established => 1,
        TcpState::SynSent => 2,
        TcpState::SynReceived => 3,
        TcpState::FinWait1 => 4,
        TcpState::FinWait2 => 5,
        TcpState::TimeWait => 6,
        TcpState::Closed => 7,
        TcpState::CloseWait => 8,
        TcpState::LastAck => 9,
        TcpState::Listen => 10,
        TcpState::Closing => 11,
    }
}

/// A count as an octet holds it.
fn small(count: u32) -> u8 {
    u8::try_from(count).unwrap_or(u8::MAX)
}

fn micros(nanos: u64) -> u32 {
    u32::try_from(nanos / 1_000).unwrap_or(u32::MAX)
}

fn millis_since(now: Instant, then: Instant) -> u32 {
    u32::try_from(now.nanos_since(then) / 1_000_000).unwrap_or(u32::MAX)
}
