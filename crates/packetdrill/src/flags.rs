//! What `--so_flags=` says: `profile=freebsd,ip=192.168.0.1,net.ipv4.tcp_timestamps=0`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use twomsl_scenario::packetdrill::HostSettings;
use twomsl_tcp::Profile;

/// The flags, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Flags {
    /// `profile=`: the stack's profile.
    pub(crate) profile: String,
    /// `ip=`, as often as wanted: the machine's addresses. Without any it has every address that
    /// somebody uses as one of its own: packetdrill draws some from the reserved networks.
    pub(crate) addresses: Vec<IpAddr>,
    /// Everything with a point in its name: a sysctl and its value, in this order.
    pub(crate) settings: Vec<(String, String)>,
    /// `receive_limit=`, in seconds of virtual time: how long `netdev_receive` waits for a packet.
    pub(crate) receive_limit: Duration,
    /// `grace=`, in microseconds of real time: how long the clock waits for threads that have not
    /// been heard of before it moves.
    pub(crate) grace: Duration,
    /// `idle=`, in microseconds of real time: when nobody has called anything for so long and a
    /// call waits, the clock moves by itself. Never, if it is zero.
    pub(crate) idle: Duration,
}

impl Default for Flags {
    fn default() -> Self {
        Self {
            profile: "linux".into(),
            addresses: Vec::new(),
            settings: Vec::new(),
            // Longer than two hours, after which keepalive begins.
            receive_limit: Duration::from_secs(24 * 60 * 60),
            grace: Duration::from_millis(1),
            idle: Duration::from_millis(500),
        }
    }
}

impl Flags {
    /// Reads flags; `Err` says which of them makes no sense.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut flags = Self::default();
        for flag in text.split(',').map(str::trim).filter(|flag| !flag.is_empty()) {
            flags.set(flag).ok_or_else(|| format!("cannot understand the flag `{flag}`"))?;
        }
        Ok(flags)
    }

    /// The machine they want; `Err` when there is no such profile.
    pub(crate) fn host_settings(&self) -> Result<HostSettings, String> {
        let profile = Profile::by_name(&self.profile)
            .ok_or_else(|| format!("there is no profile `{}`", self.profile))?;
        let local = match &self.addresses[..] {
            [] => DEFAULT_ADDRESSES.to_vec(),
            some => some.to_vec(),
        };
        Ok(HostSettings { profile, local, secret: HostSettings::SECRET })
    }

    fn set(&mut self, flag: &str) -> Option<()> {
        let (name, value) = flag.split_once('=')?;
        match name {
            "profile" => self.profile = value.into(),
            "ip" => self.addresses.push(value.parse().ok()?),
            "receive_limit" => self.receive_limit = Duration::from_secs(u64::from(number(value)?)),
            "idle" => self.idle = Duration::from_micros(u64::from(number(value)?)),
            "grace" => self.grace = Duration::from_micros(u64::from(number(value)?)),
            _ if name.contains('.') => self.settings.push((name.into(), value.into())),
            _ => return None,
        }
        Some(())
    }
}

/// What connections begin at when nobody has said anything else: what scripts mean by `...`.
const DEFAULT_ADDRESSES: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(192, 168, 0, 1)),
    IpAddr::V6(Ipv6Addr::new(0xfd3d, 0x0a0b, 0x17d6, 0, 0, 0, 0, 1)),
];

/// A number that no time here overflows with.
fn number(value: &str) -> Option<u32> {
    value.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_flags_are_those_that_scripts_take_for_granted() {
        assert_eq!(Flags::parse(""), Ok(Flags::default()));
        assert_eq!(Flags::parse(" , "), Ok(Flags::default()));
    }

    #[test]
    fn flags_are_read_in_any_order() {
        let text = "net.ipv4.tcp_sack=0,ip=10.0.0.1,profile=freebsd,ip=::1,grace=0,receive_limit=5,idle=7,\
                    net.ipv4.tcp_rmem=4096 131072 6291456";
        let flags = Flags::parse(text).unwrap();
        assert_eq!(flags.profile, "freebsd");
        assert_eq!(
            flags.addresses,
            ["10.0.0.1".parse::<IpAddr>().unwrap(), "::1".parse().unwrap()]
        );
        let settings = [("net.ipv4.tcp_sack", "0"), ("net.ipv4.tcp_rmem", "4096 131072 6291456")];
        assert_eq!(flags.settings, settings.map(|(name, value)| (name.into(), value.into())));
        assert_eq!((flags.grace, flags.receive_limit), (Duration::ZERO, Duration::from_secs(5)));
        assert_eq!(flags.idle, Duration::from_micros(7));
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        for flag in ["profile", "ip=nowhere", "colour=red", "grace=-1", "receive_limit=1e9"] {
            let problem = Flags::parse(&format!("profile=linux,{flag}")).unwrap_err();
            assert!(problem.contains(flag), "{problem}");
        }
    }
}
