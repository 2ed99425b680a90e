//! A stack in each of the eleven states, reached through the public interface only.

use twomsl_tcp::profile::IsnSource;
use twomsl_tcp::{Profile, Shutdown, TcpState};

use super::lab::Lab;
use super::packets::{ACK, FIN, SYN, ours, segment, text, theirs};

/// Our initial sequence number: what is under way crosses the wrap.
pub(crate) const ISS: u32 = u32::MAX - 149;
/// The peer's: its window crosses the wrap.
pub(crate) const IRS: u32 = u32::MAX - 499;
/// Our receive buffer, and so the window we offer.
pub(crate) const WINDOW: u32 = 1000;
/// Octets of text in flight where a state allows any.
pub(crate) const IN_FLIGHT: u32 = 300;

/// A state, and how it was reached where that matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Scene {
    Closed,
    /// With a listener.
    Listen,
    SynSent,
    /// From LISTEN; the listener is still there.
    SynReceivedPassive,
    /// From SYN-SENT: the SYNs crossed.
    SynReceivedActive,
    Established,
    FinWait1,
    FinWait2,
    CloseWait,
    Closing,
    LastAck,
    /// With a listener on the same port.
    TimeWait,
}

impl Scene {
    pub(crate) const ALL: [Self; 12] = [
        Self::Closed,
        Self::Listen,
        Self::SynSent,
        Self::SynReceivedPassive,
        Self::SynReceivedActive,
        Self::Established,
        Self::FinWait1,
        Self::FinWait2,
        Self::CloseWait,
        Self::Closing,
        Self::LastAck,
        Self::TimeWait,
    ];

    pub(crate) const fn state(self) -> TcpState {
        match self {
            Self::Closed => TcpState::Closed,
            Self::Listen => TcpState::Listen,
            Self::SynSent => TcpState::SynSent,
            Self::SynReceivedPassive | Self::SynReceivedActive => TcpState::SynReceived,
            Self::Established => TcpState::Established,
            Self::FinWait1 => TcpState::FinWait1,
            Self::FinWait2 => TcpState::FinWait2,
            Self::CloseWait => TcpState::CloseWait,
            Self::Closing => TcpState::Closing,
            Self::LastAck => TcpState::LastAck,
            Self::TimeWait => TcpState::TimeWait,
        }
    }

    /// Brings a stack into this state: `IN_FLIGHT` octets are under way where text may be.
    pub(crate) fn with(self, profile: Profile) -> Lab {
        let mut lab = Lab::new(profile);
        match self {
            Self::Closed => {}
            Self::Listen => listen(&mut lab),
            Self::SynSent => connect(&mut lab),
            Self::SynReceivedPassive => syn_arrives(&mut lab),
            Self::SynReceivedActive => {
                connect(&mut lab);
                lab.arrive(segment(SYN, IRS, 0));
            }
            Self::Established => establish(&mut lab),
            Self::FinWait1 => fin_wait_1(&mut lab),
            Self::FinWait2 => fin_wait_2(&mut lab),
            Self::CloseWait => close_wait(&mut lab),
            Self::Closing => {
                fin_wait_1(&mut lab);
                lab.arrive(segment(FIN | ACK, IRS + 1, ISS + 1));
            }
            Self::LastAck => {
                close_wait(&mut lab);
                shut_down(&mut lab);
            }
            Self::TimeWait => time_wait(&mut lab),
        }
        lab.effects();
        assert_eq!(lab.scene_state(), self.state(), "the scene is set");
        lab
    }
}

/// A profile for scenes: fixed initial sequence numbers, a small window.
pub(crate) fn staged(mut profile: Profile) -> Profile {
    profile.isn = IsnSource::Fixed(ISS);
    profile.options.receive_buffer = WINDOW;
    profile
}

impl Lab {
    /// The state of what the scene is about: its connection, or its listener.
    pub(crate) fn scene_state(&self) -> TcpState {
        match (self.socket, self.listener) {
            (None, Some(_)) => TcpState::Listen,
            _ => self.state(),
        }
    }
}

fn listen(lab: &mut Lab) {
    let listener = lab.stack.listen(lab.now, ours(), 8, None);
    lab.listener = Some(listener.expect("nobody listens yet"));
}

fn connect(lab: &mut Lab) {
    let socket = lab.stack.connect(lab.now, Some(ours()), theirs(), None);
    lab.socket = Some(socket.expect("the 4-tuple is free"));
    lab.effects();
}

fn syn_arrives(lab: &mut Lab) {
    listen(lab);
    lab.socket = lab.arrive(segment(SYN, IRS, 0)).0.socket;
}

fn establish(lab: &mut Lab) {
    connect(lab);
    lab.arrive(segment(SYN | ACK, IRS, ISS.wrapping_add(1)));
    write(lab);
}

fn write(lab: &mut Lab) {
    let text = text(IN_FLIGHT as usize);
    let taken = lab.stack.send(lab.now, lab.socket(), &text);
    assert_eq!(taken, Ok(text.len()), "the buffer has room");
    lab.effects();
}

fn shut_down(lab: &mut Lab) {
    lab.stack.shutdown(lab.now, lab.socket(), Shutdown::Write).expect("it is open");
    lab.effects();
}

fn fin_wait_1(lab: &mut Lab) {
    establish(lab);
    shut_down(lab);
}

fn fin_wait_2(lab: &mut Lab) {
    fin_wait_1(lab);
    let nxt = lab.detail().snd_nxt;
    lab.arrive(segment(ACK, IRS + 1, nxt));
}

fn close_wait(lab: &mut Lab) {
    establish(lab);
    lab.arrive(segment(FIN | ACK, IRS + 1, ISS + 1));
}

fn time_wait(lab: &mut Lab) {
    syn_arrives(lab);
    lab.arrive(segment(ACK, IRS + 1, ISS + 1));
    let listener = lab.listener.expect("it listens");
    assert_eq!(lab.stack.accept(lab.now, listener).ok(), lab.socket);
    write(lab);
    shut_down(lab);
    let nxt = lab.detail().snd_nxt;
    lab.arrive(segment(FIN | ACK, IRS + 1, nxt));
}
