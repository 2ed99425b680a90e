//! Schedules: the faults that one run has met.

use std::time::Duration;

use twomsl_scenario::FaultKind;
use twomsl_sim::spec::HostIndex;
use twomsl_tcp::Instant;

/// The faults of a run, in the order in which they began.
pub type Schedule = Vec<Fault>;

/// One fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// A packet met it.
    Packet {
        /// The host that sent the packet.
        from: HostIndex,
        /// Which of all packets that host has sent, from 1.
        nth: u32,
        /// What befell it.
        befalls: Befalls,
    },
    /// A host lost power, for good or to start again.
    Host {
        /// Which host.
        host: HostIndex,
        /// `Crash` or `Reboot`.
        kind: FaultKind,
        /// When.
        at: Instant,
    },
}

/// What befalls a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Befalls {
    /// It is lost.
    Dropped,
    /// A bit of it flips.
    Corrupted,
    /// A copy of it arrives so long after it.
    Duplicated(Duration),
    /// It arrives at this time.
    Late(Instant),
}

impl Fault {
    /// As a node of a scenario file that makes it happen again.
    pub fn node(&self, hosts: &[String]) -> String {
        let name = |host: HostIndex| hosts.get(host).map_or("?", String::as_str);
        match self {
            Self::Packet { from, nth, befalls } => {
                let (verdict, more) = befalls.words();
                format!("fault {verdict} from=\"{}\" packet={nth}{more}", name(*from))
            }
            Self::Host { host, kind, at } => {
                format!("{} \"{}\" at=\"{}\"", kind.name(), name(*host), seconds(*at))
            }
        }
    }
}

impl Befalls {
    /// The verdict, and its properties.
    fn words(self) -> (&'static str, String) {
        match self {
            Self::Dropped => ("drop", String::new()),
            Self::Corrupted => ("corrupt", String::new()),
            Self::Duplicated(after) => {
                let after = seconds(Instant::ZERO + after);
                ("duplicate", format!(" spacing=\"{after}\""))
            }
            Self::Late(until) => ("delay", format!(" until=\"{}\"", seconds(until))),
        }
    }
}

/// A time as scenario files have it.
fn seconds(time: Instant) -> String {
    format!("{time}s")
}
