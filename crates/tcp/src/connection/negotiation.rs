//! What the two SYNs agree on: window scale and timestamps (RFC 7323), SACK (RFC 2018) and ECN
//! (RFC 3168). An option is in use when both SYNs had it.

use twomsl_wire::{Flags, Options, Scale, Segment, TcpOption, Window};

use super::timestamps::Timestamps;
use super::{Connection, FastOpen};
use crate::profile::{EcnMode, Offer, OptionOrder, Profile, WindowScaling};
use crate::{Instant, SocketOptions, TcpState};

/// Octets of the timestamps option with the padding of RFC 7323 appendix A.
pub(crate) const TIMESTAMPS_LENGTH: u32 = 12;

/// What is in use. Before the peer's SYN is known: what we would like to use.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Agreement {
    /// Snd.Wind.Shift: of the windows that the peer offers.
    pub(crate) send_scale: Scale,
    /// Rcv.Wind.Shift: of the windows that we offer.
    pub(crate) receive_scale: Scale,
    pub(crate) scaling: Use,
    pub(crate) sack: Use,
    pub(crate) ecn: Use,
    /// `None` when they are not in use.
    pub(crate) timestamps: Option<Timestamps>,
}

/// Whether something is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Use {
    Yes,
    No,
}

impl Use {
    pub(crate) const fn of(condition: bool) -> Self {
        if condition { Self::Yes } else { Self::No }
    }

    const fn and(self, condition: bool) -> Self {
        if condition { self } else { Self::No }
    }
}

impl Agreement {
    /// What a SYN of this host asks for.
    pub(crate) fn offer(profile: &Profile, options: &SocketOptions, clock: Timestamps) -> Self {
        let offers = |offer| offer == Offer::Yes && !options.no_options;
        let shift = match profile.window_scaling {
            _ if options.no_options => None,
            WindowScaling::Off => None,
            WindowScaling::Shift(shift) => Some(own_scale(shift, options, profile)),
            WindowScaling::ByBuffer => Some(scale_for_buffer(profile, options)),
        };
        Self {
            send_scale: Scale::NONE,
            receive_scale: shift.unwrap_or(Scale::NONE),
            scaling: Use::of(shift.is_some()),
            sack: Use::of(offers(profile.sack)),
            ecn: Use::of(profile.ecn != EcnMode::Off),
            timestamps: offers(profile.timestamps).then_some(clock),
        }
    }

    /// The peer's SYN or SYN,ACK has come: what it lacks is not used.
    pub(crate) fn conclude(&mut self, now: Instant, syn: &Segment, mode: EcnMode) {
        let theirs = syn.options.window_scale();
        self.scaling = self.scaling.and(theirs.is_some());
        self.send_scale = theirs.unwrap_or(Scale::NONE);
        if self.scaling == Use::No {
            // RFC 7323 §2.2: both count as zero then.
            (self.send_scale, self.receive_scale) = (Scale::NONE, Scale::NONE);
        }
        self.sack = self.sack.and(syn.options.sack_permitted());
        // RFC 3168 §6.1.1: a SYN asks with ECE and CWR, a SYN,ACK agrees with ECE alone.
        let ecn = syn.flags & (Flags::ECE | Flags::CWR);
        let wanted = if syn.has(Flags::ACK) { Flags::ECE } else { Flags::ECE | Flags::CWR };
        // A SYN,ACK agrees to nothing that was not asked for.
        let asked = !syn.has(Flags::ACK) || mode == EcnMode::Active;
        self.ecn = self.ecn.and(ecn == wanted && asked);
        match syn.options.timestamps() {
            Some((value, _)) => {
                if let Some(timestamps) = &mut self.timestamps {
                    timestamps.begin(now, value);
                }
            }
            None => self.timestamps = None,
        }
    }

    /// Octets that the options take of every segment with text.
    pub(crate) const fn overhead(&self) -> u32 {
        if self.timestamps.is_some() { TIMESTAMPS_LENGTH } else { 0 }
    }

    /// The window in octets that a segment offers us (RFC 7323 §2.3: never scaled in a SYN).
    pub(crate) fn offered_by(&self, segment: &Segment) -> u32 {
        let scale = if segment.has(Flags::SYN) { Scale::NONE } else { self.send_scale };
        Window::from_field(segment.window, scale).0
    }
}

/// The shift for a buffer that may grow is the profile's; a buffer whose size the application has
/// fixed needs no more than its own size (Linux' `tcp_select_initial_window`).
/// FreeBSD's is always what the largest buffer needs that there can be (`tcp_newtcpcb`,
/// `syncache_add`).
fn own_scale(shift: u8, options: &SocketOptions, profile: &Profile) -> Scale {
    if options.receive_buffer_max > options.receive_buffer || profile.is_bsd() {
        return Scale::new(shift);
    }
    let most = u32::from(Window::MAX_UNSCALED.to_field(Scale::NONE));
    let needed = (0..=Scale::MAX.shift()).find(|shift| options.receive_buffer >> shift <= most);
    Scale::new(needed.unwrap_or(Scale::MAX.shift()))
}

/// `tcp_select_initial_window`: what the window can ever be, in powers of two beyond 2^15. Unless
/// the application bounds it that is the largest buffer that there may be, `tcp_rmem[2]` or
/// `net.core.rmem_max`.
fn scale_for_buffer(profile: &Profile, options: &SocketOptions) -> Scale {
    let space = options.receive_space(profile);
    let clamp = match options.window_clamp {
        _ if options.is_receive_buffer_fixed() => options.clamp().min(space),
        clamp => clamp.unwrap_or(u32::MAX),
    };
    let (_, most) = profile.fixed_receive_buffer;
    let most = if most == u32::MAX { 0 } else { most };
    let most = options.receive_buffer_max.saturating_mul(2).max(most);
    let bits = space.max(most).min(clamp).max(1).ilog2();
    Scale::new(bits.saturating_sub(15).min(Scale::MAX.shift().into()) as u8)
}

impl Connection {
    /// The options of our SYN or SYN,ACK. A SYN,ACK has only what the SYN had, too.
    pub(super) fn syn_options(&self, now: Instant, mss: u16, order: OptionOrder) -> Options {
        if self.options.no_options {
            return Options::NONE;
        }
        let mut options = self.list_syn_options(now, mss, order);
        if order == OptionOrder::Bsd {
            // `tcp_addoptions` ends the list where a word is not full.
            while !options.as_bytes().len().is_multiple_of(4) {
                let _ = options.push(TcpOption::EndOfList);
            }
        }
        options
    }

    fn list_syn_options(&self, now: Instant, mss: u16, order: OptionOrder) -> Options {
        let mut list = OptionList { agreement: &self.agreement, now, options: Options::NONE };
        // MUST-14, SHLD-5, MAY-3: a SYN always has the MSS option, and no other segment (MUST-65).
        list.push(TcpOption::MaximumSegmentSize(mss));
        match order {
            OptionOrder::Linux => list.in_linux_order(),
            OptionOrder::Bsd => list.in_bsd_order(),
        }
        match &self.fast_open {
            FastOpen::Off | FastOpen::Early | FastOpen::Refused(_) => {}
            FastOpen::Request => {
                list.push(TcpOption::FastOpen(&[]));
                list.pad_to_word(order);
            }
            FastOpen::Cookie(cookie) | FastOpen::Grant(cookie) => {
                cookie.write(|option| list.push(option));
                list.pad_to_word(order);
            }
        }
        list.options
    }

    /// FreeBSD can leave the options out from the third repetition of a SYN on, for peers that
    /// cannot stand them (`tcp_timer_rexmt`).
    pub(super) fn give_up_options(&mut self, profile: &Profile) {
        let tired = self.state == TcpState::SynSent && self.tries() >= 3;
        if tired && profile.is_bsd() && profile.bsd.rexmit_drop_options.is_on() {
            let agreement = &mut self.agreement;
            (agreement.scaling, agreement.receive_scale) = (Use::No, Scale::NONE);
            (agreement.sack, agreement.timestamps) = (Use::No, None);
        }
    }

    /// ECE and CWR of our SYN or SYN,ACK (RFC 3168 §6.1.1).
    pub(super) fn syn_ecn(&self, profile: &Profile) -> Flags {
        match (self.agreement.ecn, self.state) {
            (Use::No, _) => Flags::empty(),
            (Use::Yes, TcpState::SynSent) if profile.ecn == EcnMode::Passive => Flags::empty(),
            // `tcp_ecn_output_syn_sent`: later repetitions do not ask any more.
            (Use::Yes, TcpState::SynSent)
                if profile.is_bsd() && self.tries() > profile.bsd.ecn_maxretries =>
            {
                Flags::empty()
            }
            (Use::Yes, TcpState::SynSent) => Flags::ECE | Flags::CWR,
            (Use::Yes, _) => Flags::ECE,
        }
    }
}

/// Options of a SYN under construction. All of them together always fit.
struct OptionList<'a> {
    agreement: &'a Agreement,
    now: Instant,
    options: Options,
}

impl OptionList<'_> {
    fn push(&mut self, option: TcpOption<'_>) {
        let _ = self.options.push(option);
    }

    fn pad(&mut self, octets: usize) {
        for _ in 0..octets {
            self.push(TcpOption::NoOperation);
        }
    }

    /// `tcp_options_write`: SACK-permitted stands where timestamps have their padding.
    fn in_linux_order(&mut self) {
        let sack = self.agreement.sack == Use::Yes;
        if sack {
            self.pad(if self.agreement.timestamps.is_some() { 0 } else { 2 });
            self.push(TcpOption::SackPermitted);
        } else if self.agreement.timestamps.is_some() {
            self.pad(2);
        }
        self.push_timestamps();
        if self.agreement.scaling == Use::Yes {
            self.pad(1);
            self.push_scale();
        }
    }

    /// FreeBSD's `tcp_addoptions`; what is left of the last word is end of list.
    fn in_bsd_order(&mut self) {
        if self.agreement.scaling == Use::Yes {
            self.pad(1);
            self.push_scale();
        }
        if self.agreement.sack == Use::Yes {
            self.push(TcpOption::SackPermitted);
        }
        if self.agreement.timestamps.is_some() {
            // The values begin on a word boundary.
            self.pad((6 - self.options.as_bytes().len() % 4) % 4);
            self.push_timestamps();
        }
    }

    /// Up to the end of a word, but on BSD.
    fn pad_to_word(&mut self, order: OptionOrder) {
        if order == OptionOrder::Bsd {
            return;
        }
        self.pad((4 - self.options.as_bytes().len() % 4) % 4);
    }

    fn push_scale(&mut self) {
        self.push(TcpOption::WindowScale(self.agreement.receive_scale.shift()));
    }

    fn push_timestamps(&mut self) {
        if let Some(timestamps) = &self.agreement.timestamps {
            let (value, echo) = timestamps.stamp(self.now);
            self.push(TcpOption::Timestamps { value, echo });
        }
    }
}
