//! One connection: the transmission control block of RFC 9293 §3.3.1 and what it does.
//!
//! - [`calls`]: user calls (§3.10.1–3.10.6)
//! - [`arrives`]: "segment arrives" (§3.10.7)
//! - [`bsd`]: what FreeBSD does otherwise
//! - [`acknowledging`]: when text is acknowledged (§3.8.6.3)
//! - [`timeouts`]: timers that run out (§3.10.8)
//! - [`transmit`]: what may be sent now, and how
//! - [`path_mtu`]: how large it may be (§3.7.2)
//! - [`transition`]: every change of state

mod acknowledging;
mod arming;
mod arrives;
mod bsd;
mod calls;
mod chunks;
mod congestion;
mod counters;
mod ecn;
mod fast_open;
mod info;
mod look;
mod negotiation;
mod parts;
mod path_mtu;
mod reassembly;
mod receive;
mod receive_growth;
mod receive_window;
mod recovery;
mod rtt;
mod sack;
mod scoreboard;
mod send;
mod send_buffer;
mod stateless;
mod timeouts;
mod timestamps;
mod transition;
mod transmit;
mod transmit_parts;

use alloc::boxed::Box;
use alloc::sync::Arc;
use twomsl_wire::{Mss, Scale, Segment, SeqNum, Window};

pub(crate) use arrives::{Deferred, Taken};
pub(crate) use calls::shut_down_allowed;
pub(crate) use fast_open::{FastOpen, FastOpenCache, FastOpenCookie, Writer, cookie_of};
pub(crate) use info::state_number;
pub use parts::Ending;
pub(crate) use stateless::CookieOptions;
pub(crate) use timestamps::Timestamps;
pub(crate) use transition::Cleanup;

use crate::event::{Readiness, SocketId, TcpState, TimerKind};
use crate::outbox::Context;
use crate::profile::Incoming;
use crate::timers::Timers;
use crate::tuple::Tuple;
use crate::{Detail, Holder, Instant, Profile, SocketError, SocketOptions, Status};
use congestion::Congestion;
use counters::Counters;
use ecn::EcnState;
use negotiation::Agreement;
use path_mtu::PathMtu;
use receive::{Owed, ReceiveHalf};
use recovery::Recovery;
use rtt::RoundTrip;
use send::SendHalf;

/// A connection in any state but LISTEN. TIME-WAIT is passed through only: the stack makes a
/// compact record of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Connection {
    pub(crate) tuple: Tuple,
    pub(crate) state: TcpState,
    /// Only of interest as long as the handshake is not over.
    origin: Origin,
    /// When it entered this state.
    pub(crate) since: Instant,
    pub(crate) holder: Holder,
    /// Shared by all connections that nobody has set an option of.
    pub(crate) options: Arc<SocketOptions>,
    pub(crate) send: SendHalf,
    pub(crate) receive: ReceiveHalf,
    pub(crate) timers: Timers,
    /// What both SYNs agree on.
    pub(crate) agreement: Agreement,
    /// How large packets may be.
    pub(crate) path: PathMtu,
    rtt: RoundTrip,
    congestion: Congestion,
    recovery: Recovery,
    ecn: EcnState,
    fast_open: FastOpen,
    pub(crate) writer: Writer,
    /// Apart, since nothing follows from most of them, so that the rest lies close together.
    counters: Box<Counters>,
    /// `TCP_DEFER_ACCEPT` was applied to it.
    deferred: Deferred,
    /// When text or a FIN was last sent.
    last_sent: Instant,
    /// Retransmissions since something new was acknowledged.
    retransmissions: u32,
    /// Window probes since the peer last answered one.
    window_probes: u32,
    /// How often the time between window probes was doubled since the window closed.
    probe_backoff: u32,
    /// When the first probe of a window that is still closed was sent, on Linux
    /// (`icsk_probes_tstamp`).
    probes_since: Instant,
    /// Keepalive probes since the peer was last heard.
    keepalive_probes: u32,
    /// When the oldest unacknowledged octet was first sent, or the last progress was made.
    waiting_since: Instant,
    /// When the peer was last heard.
    heard: Instant,
    /// No challenge ACK is sent before this.
    next_challenge: Instant,
    /// `SO_ERROR`: why the connection ended, until the application was told.
    pub(crate) error: Option<SocketError>,
    /// An ICMP error that only counts when the connection times out (MUST-56).
    soft_error: Option<SocketError>,
}

/// There may be a million of them.
const _: () = assert!(size_of::<Connection>() <= 1024, "a connection fits into 1 KiB");

/// How a connection was opened (MUST-11).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Origin {
    /// By an active OPEN: the SYNs crossed.
    Active,
    /// By a SYN to a listener.
    Passive {
        listener: SocketId,
        /// The connection in TIME-WAIT whose 4-tuple this one wants to have. It lives on until
        /// the SYN has proved not to be an old duplicate (MAY-2).
        supersedes: Option<SocketId>,
    },
    /// By a SYN to a listener, with a cookie that makes it open before the handshake is over
    /// (RFC 7413): it waits to be accepted, or was.
    Fast { listener: SocketId },
}

impl Connection {
    /// A connection about to be opened: nothing is sent yet.
    pub(crate) fn new(
        now: Instant,
        tuple: Tuple,
        iss: SeqNum,
        clock: Timestamps,
        options: Arc<SocketOptions>,
        holder: Holder,
        profile: &Profile,
    ) -> Self {
        let mss = own_mss(&tuple, &options, profile);
        let segments = profile.initial_window.segments(mss);
        let control = options.congestion_control;
        Self {
            tuple,
            state: TcpState::Closed,
            origin: Origin::Active,
            since: now,
            holder,
            send: SendHalf::new(iss, &options, mss),
            receive: ReceiveHalf::new(&options, profile),
            agreement: Agreement::offer(profile, &options, clock),
            path: PathMtu::new(&tuple, &options, profile),
            options,
            timers: Timers::new(),
            rtt: RoundTrip::new(profile),
            congestion: Congestion::new(control, profile, mss, segments),
            recovery: Recovery::new(iss, profile),
            ecn: EcnState::default(),
            fast_open: FastOpen::Off,
            writer: Writer::None,
            counters: Box::default(),
            deferred: Deferred::No,
            last_sent: now,
            retransmissions: 0,
            window_probes: 0,
            probe_backoff: 0,
            probes_since: Instant::MAX,
            keepalive_probes: 0,
            waiting_since: now,
            heard: now,
            next_challenge: now,
            error: None,
            soft_error: None,
        }
    }

    /// Takes the peer's SYN: its sequence space, its window, its options.
    fn synchronize(&mut self, segment: &Segment, cx: &Context<'_>) {
        self.receive.synchronize(segment.seq);
        self.counters.text_heard = cx.now;
        self.agreement.conclude(cx.now, segment, cx.profile.ecn);
        self.send.set_window(segment.seq, segment.ack, u32::from(segment.window));
        // RFC 9293 §3.7.1: the smaller of what the peer takes and what we have room for, without
        // what options take of it (MUST-16).
        let v4 = self.tuple.local_addr.is_ipv4();
        let mut default = if v4 { Mss::DEFAULT_V4.0 } else { Mss::DEFAULT_V6.0 };
        let mut mss = segment.options.mss();
        if cx.profile.is_bsd() {
            // `tcp_mss_update`: none and zero are the same, and smaller than `minmss` is none.
            let bsd = &cx.profile.bsd;
            default = if v4 { bsd.default_mss } else { bsd.default_mss_v6 };
            mss = mss.filter(|mss| *mss > 0).map(|mss| mss.max(bsd.least_mss));
        }
        let announced = u32::from(mss.unwrap_or(default));
        self.path.agree(announced.min(own_mss(&self.tuple, &self.options, cx.profile)));
        self.fit_segments(cx.profile);
        let segments = cx.profile.initial_window.segments(self.send.mss);
        self.congestion.start(self.send.mss, segments);
        if cx.profile.is_bsd() && self.state == TcpState::SynSent && mss.is_some() {
            self.round_buffers();
        }
    }

    /// Tells the application, if there is one.
    fn tell(&self, cx: &mut Context<'_>, readiness: Readiness) {
        if self.holder == Holder::Application {
            cx.out.ready(cx.socket, readiness);
        }
    }

    /// The earliest deadline of its timers.
    pub(crate) fn deadline(&self) -> Option<(Instant, TimerKind)> {
        self.timers.earliest()
    }

    /// Its moment alone; `Instant::MAX` when no timer is running.
    pub(crate) fn next_timeout(&self) -> Instant {
        self.timers.next()
    }

    /// What must hold between events. A connection with something unacknowledged or unsendable
    /// has a timer running, or nothing would ever move it again.
    pub(crate) fn assert_sane(&self, profile: &Profile) {
        if matches!(self.state, TcpState::Closed | TcpState::Listen | TcpState::TimeWait) {
            return;
        }
        let (send, receive) = (&self.send, &self.receive);
        assert!(send.una.at_or_before(send.nxt), "SND.UNA is before what is to be sent");
        assert!(send.is_idle() == (send.board.len() == 0), "what is under way is on record");
        assert!(receive.nxt.at_or_before(receive.edge), "RCV.NXT is within the window");
        assert!(
            (send.is_idle() && (!send.has_more() || !self.may_transmit()))
                || self.timers.is_running(TimerKind::Retransmission)
                || self.timers.is_running(TimerKind::Persist)
                || !self.may_probe(profile),
            "what is not acknowledged has a timer: {:?} {send:?}",
            self.state,
        );
        assert!(
            receive.owed == Owed::Nothing || self.timers.is_running(TimerKind::DelayedAck),
            "an acknowledgment that is owed has a timer"
        );
    }

    /// What `ss` would show.
    pub(crate) fn status(&self, socket: SocketId, profile: &Profile) -> Status {
        Status {
            socket,
            state: self.state,
            since: self.since,
            local: self.tuple.local(),
            remote: Some(self.tuple.remote()),
            receive_queue: self.receive.unread(),
            send_queue: self.send.buffer.len() as u32,
            timers: self.timers.running(),
            retransmits: self.retransmissions.max(self.window_probes).max(self.keepalive_probes),
            holder: self.holder,
            detail: Some(self.detail(profile)),
        }
    }

    fn detail(&self, profile: &Profile) -> Detail {
        Detail {
            iss: self.send.iss.value(),
            snd_una: self.send.una.value(),
            snd_nxt: self.send.nxt.value(),
            snd_wnd: self.send.wnd,
            irs: self.receive.irs.value(),
            rcv_nxt: self.receive.nxt.value(),
            rcv_wnd: self.receive.window(),
            congestion_window: self.congestion.window(),
            slow_start_threshold: self.congestion.threshold(),
            mss: self.send.mss,
            srtt: self.rtt.smoothed,
            rto: self.rtt.timeout(profile),
        }
    }

    /// Linux' `advmss`: the largest text that this side has said it takes, next to the options that
    /// every segment has.
    pub(super) fn advertised_mss(&self, profile: &Profile) -> u32 {
        let whole = own_mss(&self.tuple, &self.options, profile);
        whole.saturating_sub(self.agreement.overhead()).max(1)
    }

    /// The window as acknowledgments have it, for the record that TIME-WAIT keeps, and what that
    /// is in octets.
    pub(crate) fn offered_window(&self) -> (u16, Scale) {
        let scale = self.agreement.receive_scale;
        (Window(self.receive.window()).to_field(scale), scale)
    }
}

/// The largest text this host sends and announces on a connection (MUST-14, MUST-67).
pub(crate) fn own_mss(tuple: &Tuple, options: &SocketOptions, profile: &Profile) -> u32 {
    /// The MTU of Linux' `lo` is 65,536 octets, and a packet has one less at most.
    const LOOPBACK_V4: u16 = 65_495;
    const LOOPBACK_V6: u16 = 65_476;
    let own = tuple.local_addr == tuple.remote_addr || tuple.remote_addr.is_loopback();
    // An IPv6 header is 20 octets longer than an IPv4 header.
    let path = match (own && profile.incoming == Incoming::Linux, tuple.local_addr.is_ipv4()) {
        (true, true) => LOOPBACK_V4,
        (true, false) => LOOPBACK_V6,
        (false, true) => profile.mss,
        (false, false) => profile.mss.saturating_sub(20),
    };
    u32::from(options.max_segment.unwrap_or(path).min(path).max(1))
}
