//! How large buffers are: whole segments (`tcp_mss`), and more by fixed steps (`tcp_autorcvbuf`,
//! `tcp_sndbuf_autoscale`).

use crate::Instant;
use crate::connection::Connection;

/// `sb_max`: `kern.ipc.maxsockbuf`, in octets.
const LARGEST: u32 = 2 * 1024 * 1024;
/// `sendbuf_inc`, in octets.
const SEND_STEP: u32 = 8192;

impl Connection {
    /// The peer has told its segment size: buffers hold whole segments, as long as one fits.
    pub(in crate::connection) fn round_buffers(&mut self) {
        let size = self.max_segment();
        for buffer in [&mut self.send.capacity, &mut self.receive.capacity] {
            if *buffer >= size {
                *buffer = buffer.next_multiple_of(size).min(LARGEST).max(*buffer);
            }
        }
    }

    /// Text came in order: the receive buffer grows by half when three eighths of it came in half
    /// a round trip.
    pub(in crate::connection) fn grow_by_half(&mut self, now: Instant, octets: u32) {
        let (receive, limit) = (&mut self.receive, self.options.receive_buffer_max);
        let half = self.rtt.smoothed / 2;
        if half == 0 || limit <= self.options.receive_buffer {
            return;
        }
        if let Some(came) = receive.growth.in_period(now, octets, half)
            && came > receive.capacity / 2 / 4 * 3
            && receive.capacity < limit
        {
            receive.capacity = (receive.capacity + receive.capacity / 2).min(limit);
        }
    }

    /// Before something is sent: the send buffer grows by a step when it is nearly full and both
    /// windows have room.
    pub(in crate::connection) fn grow_send_buffer(&mut self) {
        let (send, limit) = (&mut self.send, self.options.send_buffer_max);
        let (used, size) = (send.buffer.len() as u32, send.capacity);
        let window = send.wnd.min(self.congestion.window());
        if limit > self.options.send_buffer
            && send.wnd / 4 * 5 >= size
            && used >= size / 8 * 7
            && used < limit
            && window >= used.saturating_sub(send.nxt.since(send.una))
        {
            send.capacity = (size + SEND_STEP).min(limit);
        }
    }
}
