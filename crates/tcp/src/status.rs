//! A socket as `ss` would show it (RFC 9293 §3.10.6, STATUS).

use alloc::vec::Vec;
use core::net::SocketAddr;

use crate::{Instant, SocketId, TcpState, TimerKind};

/// What a socket looks like at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Status {
    /// The socket.
    pub socket: SocketId,
    /// Its state.
    pub state: TcpState,
    /// When it entered that state.
    pub since: Instant,
    /// Its own end. The address is unspecified for a listener on all addresses.
    pub local: SocketAddr,
    /// The other end; none for a listener.
    pub remote: Option<SocketAddr>,
    /// Octets received and not read; for a listener the length of the accept queue.
    pub receive_queue: u32,
    /// Octets written and not acknowledged; for a listener the backlog.
    pub send_queue: u32,
    /// Running timers with their deadlines, the earliest first.
    pub timers: Vec<(TimerKind, Instant)>,
    /// Retransmissions, probes or keepalives sent since the last progress.
    pub retransmits: u32,
    /// Whether the application still holds it.
    pub holder: Holder,
    /// The sequence variables of a synchronized connection, and others.
    pub detail: Option<Detail>,
}

/// Who holds a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Holder {
    /// An application.
    Application,
    /// A listener: nobody accepted it yet.
    Listener,
    /// Nobody: the application closed it.
    Orphan,
}

/// The variables of a connection (RFC 9293 §3.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Detail {
    /// ISS.
    pub iss: u32,
    /// SND.UNA.
    pub snd_una: u32,
    /// SND.NXT.
    pub snd_nxt: u32,
    /// SND.WND in octets.
    pub snd_wnd: u32,
    /// IRS.
    pub irs: u32,
    /// RCV.NXT.
    pub rcv_nxt: u32,
    /// RCV.WND in octets.
    pub rcv_wnd: u32,
    /// The congestion window in octets.
    pub congestion_window: u32,
    /// The slow start threshold in octets.
    pub slow_start_threshold: u32,
    /// The effective maximum segment size in octets.
    pub mss: u32,
    /// The smoothed round-trip time in nanoseconds; zero before the first sample.
    pub srtt: u64,
    /// The retransmission timeout in nanoseconds.
    pub rto: u64,
}
