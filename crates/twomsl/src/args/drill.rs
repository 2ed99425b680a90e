//! `twomsl drill`: what it is told.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args, ValueEnum};
use twomsl::scenario::packetdrill;
use twomsl::tcp::Profile;

pub(super) const EXIT_CODES: &str = "\
Exit codes:
  0  no script failed
  1  a script failed: something did not happen as it says
  2  the input cannot be used: a script with a mistake, a file or an argument

Scripts that want something that there is not here are skipped, with the reason. Nothing in a script
is ever run by a shell. docs/packetdrill.md has the language.";

/// `twomsl drill`.
#[derive(Debug, Args)]
pub(crate) struct Drill {
    /// Scripts, and folders whose *.pkt files are scripts
    #[arg(required = true, value_name = "FILE|FOLDER")]
    pub(crate) paths: Vec<PathBuf>,

    /// The TCP under test
    #[arg(long, value_name = "PROFILE", default_value = "linux", value_parser = profile_names())]
    pub(crate) profile: String,

    /// Define a name for #ifdef, and as an argument of calls
    #[arg(short = 'D', long = "define", value_name = "NAME[=VALUE]", value_parser = definition)]
    pub(crate) defines: Vec<(String, String)>,

    /// Version of IP, instead of what the script says
    #[arg(long, value_enum, value_name = "VERSION")]
    pub(crate) ip_version: Option<IpVersion>,

    /// Whose rules of time and of merging segments: those of nplab for profile freebsd, those of
    /// google otherwise
    #[arg(long, value_enum, value_name = "DIALECT")]
    pub(crate) dialect: Option<Dialect>,

    /// How many scripts run beside each other: as many as there are processors
    #[arg(short, long, value_name = "N")]
    pub(crate) jobs: Option<NonZeroUsize>,

    /// Show scripts that fail as a ladder
    #[arg(long)]
    pub(crate) ladder: bool,

    #[command(flatten)]
    pub(crate) relaxations: Relaxations,
}

/// What is not looked at.
#[derive(Debug, Args)]
#[command(next_help_heading = "Relaxations, counted in the last line")]
#[expect(clippy::struct_excessive_bools, reason = "switches of a command line are switches")]
pub(crate) struct Relaxations {
    /// Do not compare windows
    #[arg(long)]
    ignore_window: bool,

    /// Do not compare PSH
    #[arg(long)]
    ignore_push: bool,

    /// Do not compare TCP options
    #[arg(long)]
    ignore_options: bool,

    /// Do not compare when packets are sent and calls return
    #[arg(long)]
    ignore_timing: bool,
}

impl Relaxations {
    /// Those that were asked for.
    pub(crate) fn asked(&self) -> BTreeSet<packetdrill::Relaxation> {
        use packetdrill::Relaxation::{Options, Push, Timing, Window};
        let all = [
            (self.ignore_window, Window),
            (self.ignore_push, Push),
            (self.ignore_options, Options),
            (self.ignore_timing, Timing),
        ];
        all.into_iter().filter(|(asked, _)| *asked).map(|(_, relaxation)| relaxation).collect()
    }
}

/// The version of IP between a script and the TCP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum IpVersion {
    Ipv4,
    /// Sockets of IPv6, packets of IPv4
    Ipv4MappedIpv6,
    Ipv6,
}

impl From<IpVersion> for packetdrill::IpVersion {
    fn from(version: IpVersion) -> Self {
        match version {
            IpVersion::Ipv4 => Self::V4,
            IpVersion::Ipv4MappedIpv6 => Self::V4MappedV6,
            IpVersion::Ipv6 => Self::V6,
        }
    }
}

/// Whose packetdrill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Dialect {
    Google,
    Nplab,
}

impl From<Dialect> for packetdrill::Dialect {
    fn from(dialect: Dialect) -> Self {
        match dialect {
            Dialect::Google => Self::Google,
            Dialect::Nplab => Self::Nplab,
        }
    }
}

fn profile_names() -> PossibleValuesParser {
    PossibleValuesParser::new(Profile::NAMES)
}

fn definition(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').unwrap_or((text, "1"));
    let is_name = |name: &str| {
        name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            && !name.starts_with(|c: char| c.is_ascii_digit())
    };
    if name.is_empty() || !is_name(name) {
        return Err("write NAME or NAME=VALUE, such as -D NAME=1".to_owned());
    }
    Ok((name.to_owned(), value.to_owned()))
}
