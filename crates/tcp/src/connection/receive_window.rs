//! Which window is offered (RFC 9293 §3.8.6.2.2, §3.8.6.3), and how it grows.
//!
//! Linux offers whole segments in its SYN and what the room allows afterwards, rounded up to what
//! the scale can say; how far the window may open follows what has come (`rcv_ssthresh`). Buffers
//! are counted in text here: half of what Linux calls `sk_rcvbuf` (`tcp_win_from_space` as long as
//! no segment has told how much memory its text takes).

use twomsl_wire::{Scale, Window};

use super::receive::ReceiveHalf;
use crate::profile::WindowRounding;

/// Text shorter than this does not make the window grow (`tcp_event_data_recv`).
const LEAST_TO_GROW: u32 = 128;
/// `TCP_INIT_CWND`: what a sender may begin with.
const INITIAL_SEGMENTS: u32 = 10;

impl ReceiveHalf {
    /// The window of a SYN, which no scale applies to: the whole segments there is room for
    /// (`tcp_select_initial_window`). It stays the same when the SYN is sent again.
    pub(crate) fn offer_first(&mut self, mss: u32) -> u16 {
        if self.threshold == 0 {
            let space = self.space();
            let whole = if space > mss { space - space % mss } else { space };
            self.offered = Window(whole).to_field(Scale::NONE).into();
            self.threshold = self.offered;
        }
        self.edge = self.edge.later(self.nxt + self.offered);
        Window(self.offered).to_field(Scale::NONE)
    }

    /// The handshake is over: one segment of the room is kept in reserve (`tcp_init_buffer_space`).
    pub(crate) fn settle(&mut self, mss: u32, scale: Scale) {
        self.clamp = self.clamp.min(Window::from_field(u16::MAX, scale).0).min(self.capacity);
        if self.clamp > 2 * mss && self.clamp + mss > self.capacity {
            self.clamp = (2 * mss).max(self.capacity - mss);
        }
        self.threshold = self.threshold.min(self.clamp);
        self.growth.expect(self.threshold.min(self.offered).min(INITIAL_SEGMENTS * mss));
    }

    /// The application changes the largest window (`tcp_set_window_clamp`).
    pub(crate) fn set_clamp(&mut self, clamp: u32) {
        self.threshold = match clamp {
            _ if self.threshold == 0 => 0,
            clamp if clamp < self.clamp => self.threshold.min(clamp),
            clamp => self.threshold.max(self.offered.min(clamp)),
        };
        self.clamp = clamp;
    }

    /// The window to offer now, as it stands in a header under `scale`. The edge moves only when
    /// the step is worth it, which keeps the silly window syndrome away (RFC 9293 §3.8.6.2.2,
    /// MUST-39). What nobody reads keeps it closed (MAY-8).
    #[inline]
    pub(crate) fn offer(&mut self, mss: u32, rounding: WindowRounding, scale: Scale) -> u16 {
        if rounding == WindowRounding::Scale {
            return self.offer_space(mss, scale);
        }
        let edge = self.nxt + self.desired_window(mss, rounding, scale);
        let step = edge.offset_from(self.edge);
        let worthwhile = match rounding {
            WindowRounding::None => self.worthwhile_step(mss),
            WindowRounding::Segments | WindowRounding::Scale => 1,
        };
        if step >= worthwhile {
            self.edge = edge;
        }
        // What the scale cuts off is offered, too: the edge would move back else (SHLD-14).
        let unit = 1 << scale.shift();
        let field = Window(self.window() + unit - 1).to_field(scale);
        self.offer_field(field, scale);
        field
    }

    /// This window stands in a header.
    pub(super) fn offer_field(&mut self, field: u16, scale: Scale) {
        self.offered = Window::from_field(field, scale).0;
        self.edge = self.nxt + self.offered;
        if self.threshold == 0 {
            self.threshold = self.offered;
        }
    }

    /// What the window may grow to before more text has come.
    pub(crate) const fn threshold(&self) -> u32 {
        self.threshold
    }

    /// Whether the window has grown by enough to tell the peer without being asked.
    pub(crate) fn has_news(&self, mss: u32, rounding: WindowRounding, scale: Scale) -> bool {
        let (now, desired) = (self.window(), self.desired_window(mss, rounding, scale));
        match rounding {
            // At least two segments or half of the buffer, or, if not even one segment fits into
            // the window now, what makes room for one.
            WindowRounding::None => {
                let two = (2 * mss).min(self.capacity / 2).cast_signed();
                let one = self.worthwhile_step(mss);
                let step = desired.cast_signed() - now.cast_signed();
                step >= if now < mss { one } else { two.max(one) }
            }
            // Linux' `tcp_cleanup_rbuf`: when it has doubled.
            WindowRounding::Segments => {
                2 * now <= self.space() && desired > 0 && desired >= 2 * now
            }
            WindowRounding::Scale => self.is_worth_telling(mss, scale),
        }
    }

    /// The smaller of a segment and half of the buffer.
    fn worthwhile_step(&self, mss: u32) -> i32 {
        mss.min(self.capacity / 2).max(1).cast_signed()
    }

    /// The window that the room in the buffer allows.
    fn desired_window(&self, mss: u32, rounding: WindowRounding, scale: Scale) -> u32 {
        let most = Window::from_field(u16::MAX, scale).0;
        match rounding {
            WindowRounding::None | WindowRounding::Scale => {
                self.space().min(most).saturating_sub(self.ready_octets)
            }
            WindowRounding::Segments => self.selected_window(mss, scale).min(most),
        }
    }

    /// The room there is for text when none waits (`tcp_full_space`, `window_clamp`).
    fn space(&self) -> u32 {
        self.capacity.min(self.clamp)
    }

    /// Whether more than half of the room is taken: then Linux gives up acknowledging quickly.
    pub(crate) fn is_scarce(&self) -> bool {
        self.capacity.saturating_sub(self.ready_octets) < self.space() / 2
    }

    /// Linux' `__tcp_select_window`; `mss` is what the peer's segments usually have (`rcv_mss`).
    fn selected_window(&self, mss: u32, scale: Scale) -> u32 {
        // A buffer smaller than a segment has to be opened all the same.
        let mss = mss.min(self.space()).max(1);
        let mut free = self.capacity.saturating_sub(self.ready_octets);
        if self.is_scarce() {
            // Scaling must not make more of it than there is.
            free = free >> scale.shift() << scale.shift();
            if free < self.capacity / 16 || free < mss {
                return 0;
            }
        }
        if self.threshold > 0 {
            free = free.min(self.threshold);
        }
        let unit = 1 << scale.shift();
        if scale == Scale::NONE { self.in_segments(free, mss) } else { free.next_multiple_of(unit) }
    }

    /// Without scaling: what was offered last as long as that is close to it, else whole segments.
    fn in_segments(&self, free: u32, mss: u32) -> u32 {
        if self.offered + mss <= free || self.offered > free {
            free - free % mss
        } else if mss == self.space() && free > self.offered + mss / 2 {
            free
        } else {
            self.offered
        }
    }

    /// Text came: the window may follow the buffer, by two segments at a time (Linux'
    /// `tcp_grow_window`). Whether it does.
    pub(super) fn raise_threshold(&mut self, octets: u32, mss: u32) -> Grown {
        let room = self.clamp.min(self.capacity.saturating_sub(self.ready_octets));
        let room = room.saturating_sub(self.threshold);
        // Before the first window is offered there is nothing to raise.
        if self.threshold == 0 || octets < LEAST_TO_GROW || room == 0 {
            return Grown::No;
        }
        self.threshold += room.min((2 * mss).max(2 * octets));
        Grown::Yes
    }
}

/// Whether the window may grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Grown {
    Yes,
    No,
}
