//! What `--name=value` at the top of a script means for its run.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::time::TOLERANCE_USECS;
use crate::diagnostic::{Problem, ScenarioError};
use crate::language::suggest;
use crate::packetdrill::script::{Script, ScriptOption};
use crate::packetdrill::setup::{Dialect, IpVersion, Setup};
use crate::source::Source;

/// How a script is run.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) setup: Setup,
    pub(super) dialect: Dialect,
    /// Microseconds.
    pub(super) tolerance: u64,
    /// Where the script says so, timestamps are compared, too.
    pub(super) tick_usecs: Option<u64>,
    pub(super) strict_segments: Segments,
    /// The MTU of the path, where it is not the usual one.
    pub(super) mtu: Option<u32>,
    /// What is run in a shell before the first event.
    pub(super) init_scripts: Vec<String>,
    /// Variables that commands find.
    pub(crate) environment: BTreeMap<String, String>,
    pub(super) tolerated: Tolerated,
    /// `--dry_run`: it is enough that the script can be read.
    pub(super) dry_run: bool,
    /// An option that this machine cannot honour.
    pub(super) not_supported: Option<ScriptOption>,
}

/// Whether several segments of the stack may be one of the script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Segments {
    Strict,
    Merged,
}

/// `--non_fatal=packet,syscall`: what is only counted when it fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tolerated {
    pub(super) packets: bool,
    pub(super) calls: bool,
}

/// Options that say how the tool works, and nothing of what is expected.
const IGNORED: [&str; 30] = [
    "verbose",
    "debug",
    "send_omit_free",
    "no_cleanup",
    "speed",
    "gateway_ip",
    "netmask_ip",
    "local_linklocal_ip",
    "code_command",
    "code_format",
    "code_sockopt",
    "wire_client",
    "wire_server",
    "wire_client_dev",
    "wire_server_dev",
    "wire_server_ip",
    "wire_server_port",
    "so_filename",
    "so_flags",
    "persistent_tun_dev",
    "tun_device",
    "is_anyip",
    "anyip",
    "tcp_ts_ecr_scaled",
    "tolerance_percent",
    "timeout",
    "foreground",
    "define",
    "D",
    "hash_seed",
];

/// Options that mean something here.
const KNOWN: [&str; 14] = [
    "ip_version",
    "local_ip",
    "remote_ip",
    "bind_port",
    "connect_port",
    "tolerance_usecs",
    "tcp_ts_tick_usecs",
    "strict_segments",
    "mtu",
    "init_scripts",
    "non_fatal",
    "dry_run",
    "udp_encaps",
    "fd_mode",
];

impl Config {
    /// What the options of a script say; what the caller says goes before that.
    ///
    /// # Errors
    /// Options that there are not, and values that are none.
    pub(crate) fn new(
        script: &Script,
        source: &Source,
        dialect: Dialect,
        ip_version: Option<IpVersion>,
    ) -> Result<Self, ScenarioError> {
        let mut problems = Vec::new();
        let named = version(&script.options, &mut problems);
        let setup = Setup::new(ip_version.or(named).unwrap_or_default());
        let mut config = Self {
            setup,
            dialect,
            tolerance: TOLERANCE_USECS,
            tick_usecs: None,
            strict_segments: match dialect {
                Dialect::Google => Segments::Merged,
                Dialect::Nplab => Segments::Strict,
            },
            mtu: None,
            init_scripts: Vec::new(),
            environment: BTreeMap::new(),
            tolerated: Tolerated::default(),
            dry_run: false,
            not_supported: None,
        };
        for option in &script.options {
            if let Err(problem) = config.set(option) {
                problems.push(problem);
            }
        }
        if problems.is_empty() {
            Ok(config)
        } else {
            Err(ScenarioError::new(source.clone(), problems))
        }
    }

    fn set(&mut self, option: &ScriptOption) -> Result<(), Problem> {
        let value = option.value.as_deref().unwrap_or_default();
        match option.name.as_str() {
            "tolerance_usecs" => self.tolerance = number(option)?,
            "tcp_ts_tick_usecs" => {
                self.tick_usecs = Some(number(option)?).filter(|usecs: &u64| *usecs > 0);
            }
            "bind_port" => self.setup.bind_port = number(option)?,
            "connect_port" => self.setup.connect_port = number(option)?,
            "mtu" => self.mtu = Some(number(option)?),
            "local_ip" => self.setup.local = self.address(option)?.unwrap_or(self.setup.local),
            "remote_ip" => self.setup.remote = self.address(option)?.unwrap_or(self.setup.remote),
            "strict_segments" => self.strict_segments = Segments::Strict,
            "init_scripts" => {
                self.init_scripts.extend(value.split(',').map(|file| file.trim().to_owned()));
            }
            "non_fatal" => {
                self.tolerated.packets |= value.contains("packet");
                self.tolerated.calls |= value.contains("syscall");
            }
            "dry_run" => self.dry_run = true,
            "udp_encaps" => self.not_supported = Some(option.clone()),
            "ip_version" | "fd_mode" => {}
            name if IGNORED.contains(&name) => {}
            name => return Err(unknown(option, name)),
        }
        Ok(())
    }

    /// An address, `None` for one of the other version: a script for both says `ip_version` last.
    fn address(&self, option: &ScriptOption) -> Result<Option<IpAddr>, Problem> {
        let text = option.value.as_deref().unwrap_or_default();
        let text = text.split('/').next().unwrap_or_default();
        let address = match self.setup.ip_version {
            IpVersion::V4 | IpVersion::V4MappedV6 => text.parse::<Ipv4Addr>().map(IpAddr::V4),
            IpVersion::V6 => text.parse::<Ipv6Addr>().map(IpAddr::V6),
        };
        match (address, text.parse::<IpAddr>()) {
            (Ok(address), _) => Ok(Some(address)),
            (Err(_), Ok(_)) => Ok(None),
            (Err(_), Err(_)) => Err(wrong(option, "an IP address")),
        }
    }
}

/// The version decides how addresses are read, so it is looked for first.
fn version(options: &[ScriptOption], problems: &mut Vec<Problem>) -> Option<IpVersion> {
    let option = options.iter().rev().find(|option| option.name == "ip_version")?;
    match option.value.as_deref() {
        Some("ipv4") => Some(IpVersion::V4),
        Some("ipv4-mapped-ipv6") => Some(IpVersion::V4MappedV6),
        Some("ipv6") => Some(IpVersion::V6),
        _ => {
            problems.push(wrong(option, "`ipv4`, `ipv4-mapped-ipv6` or `ipv6`"));
            None
        }
    }
}

fn number<T: std::str::FromStr>(option: &ScriptOption) -> Result<T, Problem> {
    let value = option.value.as_deref().unwrap_or_default();
    value.trim().parse().map_err(|_| wrong(option, "a number"))
}

fn wrong(option: &ScriptOption, takes: &str) -> Problem {
    let value = option.value.as_deref().unwrap_or_default();
    let message = format!("`{value}` is no value for `--{}`", option.name);
    Problem::at(option.span, message).help(format!("it takes {takes}"))
}

fn unknown(option: &ScriptOption, name: &str) -> Problem {
    let known = KNOWN.iter().chain(IGNORED.iter()).copied();
    Problem::at(option.span, format!("there is no option `--{name}`"))
        .maybe_help(suggest::hint(name, known))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Span;

    fn config(options: &[(&str, &str)]) -> Result<Config, ScenarioError> {
        let one = |(name, value): &(&str, &str)| ScriptOption {
            name: (*name).to_owned(),
            value: Some((*value).to_owned()).filter(|value| !value.is_empty()),
            span: Span::default(),
        };
        let options = options.iter().map(one).collect();
        let script = Script { options, events: Vec::new() };
        Config::new(&script, &Source::new("a.pkt", ""), Dialect::Google, None)
    }

    #[test]
    fn options_change_who_and_how() {
        let config = config(&[
            ("ip_version", "ipv6"),
            ("local_ip", "192.168.7.1"),
            ("remote_ip", "2001:db8::7/64"),
            ("bind_port", "99"),
            ("tolerance_usecs", "10000"),
            ("strict_segments", ""),
            ("non_fatal", "packet,syscall"),
            ("verbose", ""),
        ]);
        let config = config.expect("all of them are known");
        assert_eq!(config.setup.local, Setup::new(IpVersion::V6).local);
        assert_eq!(config.setup.remote, "2001:db8::7".parse::<IpAddr>().expect("an address"));
        assert_eq!((config.setup.bind_port, config.tolerance), (99, 10_000));
        assert_eq!(config.strict_segments, Segments::Strict);
        assert_eq!(config.tolerated, Tolerated { packets: true, calls: true });
    }

    #[test]
    fn what_is_no_option_or_no_value_is_a_problem_with_a_hint() {
        let table = [
            (
                ("tolerance_usec", "1"),
                "there is no option `--tolerance_usec`",
                "did you mean `tolerance_usecs`?",
            ),
            (("bind_port", "99999"), "`99999` is no value for `--bind_port`", "it takes a number"),
            (
                ("remote_ip", "here"),
                "`here` is no value for `--remote_ip`",
                "it takes an IP address",
            ),
            (
                ("ip_version", "ipv5"),
                "`ipv5` is no value for `--ip_version`",
                "it takes `ipv4`, `ipv4-mapped-ipv6` or `ipv6`",
            ),
        ];
        for (option, message, hint) in table {
            let error = config(&[option]).expect_err("a problem");
            assert_eq!(error.problems()[0].message(), message);
            assert_eq!(error.problems()[0].hint(), Some(hint));
        }
    }
}
