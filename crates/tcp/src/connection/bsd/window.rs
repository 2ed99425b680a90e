//! Which window is offered: all the room there is, with as few exceptions as possible.

use twomsl_wire::{Scale, Window};

use crate::connection::receive::ReceiveHalf;

impl ReceiveHalf {
    /// `sbspace`: the room in the buffer, in octets. What waits beyond a gap takes none.
    fn space_in_buffer(&self) -> u32 {
        self.capacity.min(self.clamp).saturating_sub(self.unread())
    }

    /// As far as the scale can say.
    fn space_to_offer(&self, scale: Scale) -> u32 {
        self.space_in_buffer().min(Window::from_field(u16::MAX, scale).0)
    }

    /// The window of `tcp_output`: nothing when less than a segment and a quarter of the buffer is
    /// free, never less than before, and rounded up to what the scale can say.
    pub(in crate::connection) fn offer_space(&mut self, max_segment: u32, scale: Scale) -> u16 {
        let mut space = self.space_to_offer(scale);
        if space < self.capacity / 4 && space < max_segment {
            space = 0;
        }
        let unit = 1 << scale.shift();
        let field = Window(space.max(self.window()) + unit - 1).to_field(scale);
        self.offer_field(field, scale);
        field
    }

    /// The window of `tcp_respond`: what there is, rounded down, promised or not.
    pub(in crate::connection) fn space_field(&self, scale: Scale) -> u16 {
        Window(self.space_to_offer(scale)).to_field(scale)
    }

    /// Whether `tcp_output` tells of a larger window without being asked: when it grows by two
    /// segments and either a quarter of the buffer or what a nearly full or small buffer has, or
    /// by half of the buffer.
    pub(in crate::connection) fn is_worth_telling(&self, max_segment: u32, scale: Scale) -> bool {
        let (space, old) = (self.space_to_offer(scale), self.window());
        let more = space.saturating_sub(old);
        if space == 0 || old >> scale.shift() >= (old + more) >> scale.shift() {
            return false;
        }
        let much = more >= self.capacity / 4
            || space <= self.capacity / 8
            || self.capacity <= 8 * max_segment
            || more >= Window::from_field(u16::MAX, scale).0;
        (more >= 2 * max_segment && much) || 2 * more >= self.capacity
    }

    /// `rcv_wnd`: what is taken, be it more than was offered.
    pub(in crate::connection) fn taken_window(&self) -> u32 {
        self.space_in_buffer().max(self.window())
    }
}
