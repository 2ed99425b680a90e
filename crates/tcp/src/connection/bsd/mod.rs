//! What FreeBSD's code does otherwise than RFC 9293, where it is too much for a parameter
//! (`Lineage::Bsd`). Functions of `sys/netinet` are named where they are followed.
//!
//! - [`arrives`]: "segment arrives" in the order of `tcp_do_segment`
//! - [`request`]: the same for a connection in the SYN cache (`tcp_syncache.c`)
//! - [`closing`]: how connections end
//! - [`buffers`]: how large buffers are, and how they grow
//! - [`window`]: which window is offered (`tcp_output`, `tcp_respond`)

mod arrives;
mod buffers;
mod closing;
mod request;
mod window;

use super::{Connection, Origin};
use crate::Profile;
use crate::profile::InitialWindow;

impl Connection {
    /// `t_maxseg`: the largest segment with its options, in octets.
    pub(super) const fn max_segment(&self) -> u32 {
        self.send.mss.saturating_add(self.agreement.overhead())
    }

    /// The window of what `tcp_respond` sends.
    pub(crate) fn window_of_response(&self) -> u16 {
        self.receive.space_field(self.agreement.receive_scale)
    }

    /// The handshake is over: `cc_conn_init`, and for a connection out of the SYN cache
    /// `syncache_socket`.
    pub(super) fn establish_as_bsd(&mut self, profile: &Profile) {
        let segments = self.initial_segments(profile);
        let lost = self.tries() > 0;
        self.congestion.start(self.send.mss, if lost { 1 } else { segments });
        if matches!(self.origin(), Some(Origin::Passive { .. } | Origin::Fast { .. })) {
            self.round_buffers();
            // It is a new one, which knows nothing of the SYN,ACK and when that was sent.
            self.rtt.forget_syn();
        }
    }

    /// `tcp_compute_initwnd`: no more octets than so many segments of 1460, but two segments.
    fn initial_segments(&self, profile: &Profile) -> u32 {
        match profile.initial_window {
            InitialWindow::BySize => profile.initial_window.segments(self.send.mss),
            InitialWindow::Segments(segments) => {
                segments.min((segments * 1460 / self.send.mss).max(2))
            }
        }
    }
}
