//! Which system's code is followed where no parameter says otherwise.

use super::Profile;
use crate::SocketError;

/// Which system's code a stack follows in what is too small, or too entangled, for parameters of
/// its own: the order of checks, the form of answers, what calls do in odd states.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lineage {
    /// RFC 9293, and Linux where it does the same.
    Rfc,
    /// FreeBSD: `tcp_do_segment`, `tcp_output`, the SYN cache, `tcp_usrclosed`.
    Bsd,
}

/// A switch of a system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Switch {
    /// 1.
    On,
    /// 0.
    Off,
}

impl Switch {
    /// Whether it is on.
    pub const fn is_on(self) -> bool {
        matches!(self, Self::On)
    }
}

/// Which segments that no socket wants are not even reset (`net.inet.tcp.blackhole`, blackhole(4)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Blackhole {
    /// None.
    Off,
    /// A SYN to a closed port.
    Syns,
    /// Anything to a closed port.
    Closed,
    /// And what a listener would reset.
    Everything,
}

/// What only [`Lineage::Bsd`] asks for. The names are those of sysctls without `net.inet.tcp.`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BsdSwitches {
    /// `insecure_rst`: a RST anywhere in the window is believed, as RFC 793 has it.
    pub insecure_rst: Switch,
    /// `insecure_syn`: a SYN in the window resets the connection, as RFC 793 has it.
    pub insecure_syn: Switch,
    /// `insecure_ack`: no acknowledgment is too old.
    pub insecure_ack: Switch,
    /// `drop_synfin`: segments with SYN and FIN are dropped.
    pub drop_synfin: Switch,
    /// `rexmit_drop_options`: the third repetition of a SYN has no option but the MSS.
    pub rexmit_drop_options: Switch,
    /// `fast_finwait2_recycle`: FIN-WAIT-2 ends after `fin_timeout`, whatever has come meanwhile.
    pub fast_finwait2_recycle: Switch,
    /// `blackhole`.
    pub blackhole: Blackhole,
    /// `ecn.maxretries`: so many repetitions of a SYN still ask for ECN.
    pub ecn_maxretries: u32,
    /// `minmss`: no segment size of a peer is believed to be smaller, in octets.
    pub least_mss: u16,
    /// `mssdflt`: the segment size of a peer that tells none, in octets, for IPv4.
    pub default_mss: u16,
    /// `v6mssdflt`: the same for IPv6.
    pub default_mss_v6: u16,
}

impl BsdSwitches {
    /// The defaults of FreeBSD 14 and 15.
    pub(super) const DEFAULT: Self = Self {
        insecure_rst: Switch::Off,
        insecure_syn: Switch::Off,
        insecure_ack: Switch::Off,
        drop_synfin: Switch::Off,
        rexmit_drop_options: Switch::Off,
        fast_finwait2_recycle: Switch::Off,
        blackhole: Blackhole::Off,
        ecn_maxretries: 1,
        least_mss: 216,
        default_mss: 536,
        default_mss_v6: 1220,
    };
}

impl Profile {
    /// Whether the sockets of this system let a listener connect. RFC 9293 §3.10.1 does; the call is
    /// [`Stack::connect_listener`](crate::Stack::connect_listener).
    ///
    /// # Errors
    /// What `connect(2)` answers instead: Linux `EISCONN` (`__inet_stream_connect`: the socket is not
    /// in CLOSE), FreeBSD `EOPNOTSUPP` (`tcp_usr_connect`: the socket listens).
    pub fn connects_listeners(&self) -> Result<(), SocketError> {
        match (self.name, self.lineage) {
            (_, Lineage::Bsd) => Err(SocketError::NotSupported),
            ("linux", _) => Err(SocketError::AlreadyConnected),
            _ => Ok(()),
        }
    }

    /// Whether FreeBSD's code is followed.
    pub(crate) const fn is_bsd(&self) -> bool {
        matches!(self.lineage, Lineage::Bsd)
    }
}
