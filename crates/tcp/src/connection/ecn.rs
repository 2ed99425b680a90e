//! Explicit congestion notification (RFC 3168 §6.1, SHLD-8).

use twomsl_wire::{Ecn, Flags};

/// What the two ends of a connection have told each other about congestion.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct EcnState {
    echo: Echo,
    confirmation: Confirmation,
    seen: Seen,
}

/// Whether a packet of a sender that knows ECN has come (`TCP_ECN_SEEN`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
enum Seen {
    Yes,
    #[default]
    No,
}

/// As a receiver: whether our acknowledgments carry ECE.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
enum Echo {
    /// A mark has come, and the sender has not said yet that it knows.
    On,
    #[default]
    Off,
}

/// As a sender: whether the next segment with new text carries CWR.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
enum Confirmation {
    Owed,
    #[default]
    None,
}

impl EcnState {
    /// A segment has arrived (§6.1.3): CE turns the echo on, CWR turns it off. CE in the same
    /// packet is a new mark.
    pub(crate) fn on_arrival(&mut self, mark: Ecn, flags: Flags) -> FirstMark {
        if mark != Ecn::NotEct {
            self.seen = Seen::Yes;
        }
        if flags.contains(Flags::CWR) {
            self.echo = Echo::Off;
        }
        if mark == Ecn::Ce && self.echo == Echo::Off {
            self.echo = Echo::On;
            return FirstMark::Yes;
        }
        FirstMark::No
    }

    /// Whether a packet of a sender that knows ECN has come.
    pub(crate) fn was_seen(&self) -> bool {
        self.seen == Seen::Yes
    }

    /// The window was brought down, for whatever reason: the receiver is told with the next text
    /// (§6.1.2).
    pub(crate) fn owe_confirmation(&mut self) {
        self.confirmation = Confirmation::Owed;
    }

    /// It is what it was again (`tcp_ecn_withdraw_cwr`).
    pub(crate) fn withdraw_confirmation(&mut self) {
        self.confirmation = Confirmation::None;
    }

    /// The bits of a segment with an ACK. Only new text carries CWR.
    pub(crate) fn flags(&mut self, text: Text) -> Flags {
        let mut flags = Flags::empty();
        if self.echo == Echo::On {
            flags |= Flags::ECE;
        }
        if text == Text::New && self.confirmation == Confirmation::Owed {
            self.confirmation = Confirmation::None;
            flags |= Flags::CWR;
        }
        flags
    }
}

/// Whether a mark is the first that is not confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FirstMark {
    Yes,
    No,
}

/// What a segment carries, as far as ECN cares: only new text goes in packets that may be marked
/// (§6.1.4: no pure acknowledgments, §6.1.5: nothing sent again, §6.1.6: no window probes).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Text {
    New,
    Other,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_echoed_until_the_sender_confirms() {
        let mut state = EcnState::default();
        state.on_arrival(Ecn::Ect0, Flags::ACK);
        assert_eq!(state.flags(Text::Other), Flags::empty());
        state.on_arrival(Ecn::Ce, Flags::ACK);
        assert_eq!([state.flags(Text::Other), state.flags(Text::New)], [Flags::ECE; 2]);
        state.on_arrival(Ecn::Ect0, Flags::ACK | Flags::CWR);
        assert_eq!(state.flags(Text::Other), Flags::empty());
        state.on_arrival(Ecn::Ce, Flags::ACK | Flags::CWR);
        assert_eq!(state.flags(Text::Other), Flags::ECE, "a new mark next to the confirmation");
    }

    #[test]
    fn a_reduction_is_confirmed_once_with_new_text() {
        let mut state = EcnState::default();
        state.owe_confirmation();
        assert_eq!(state.flags(Text::Other), Flags::empty());
        assert_eq!(state.flags(Text::New), Flags::CWR);
        assert_eq!(state.flags(Text::New), Flags::empty());
    }
}
