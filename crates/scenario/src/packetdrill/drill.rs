//! A script, read and ready to run.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::Path;

use twomsl_tcp::Profile;

use super::host::{Host, HostSettings};
use super::runner::{self, Config, Failure, Notes, Relaxation, Report, Stop, Verdict, Wrong};
use super::script::Script;
use super::setup::{Dialect, IpVersion};
use super::syntax::{self, Defines};
use super::system::System;
use crate::diagnostic::{Problem, ScenarioError, Span};
use crate::language::suggest;
use crate::source::Source;

/// What a script is run with.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The TCP under test; `linux` unless another is named.
    pub profile: Option<String>,
    /// `-D NAME=VALUE`
    pub defines: Vec<(String, String)>,
    /// The version of IP; it goes before what the script says.
    pub ip_version: Option<IpVersion>,
    /// Whose rules of time and of merging segments: nplab's for `freebsd`, google's otherwise.
    pub dialect: Option<Dialect>,
    /// Differences that are not looked at.
    pub relaxations: BTreeSet<Relaxation>,
    /// Whether the report has a trace.
    pub record: Recording,
}

/// Whether everything that happens is written down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Recording {
    /// No: this is faster.
    #[default]
    Off,
    /// Yes.
    On,
}

/// A script that has been read.
#[derive(Clone, Debug)]
pub struct Drill {
    source: Source,
    script: Script,
    config: Config,
    profile: Profile,
    relaxations: BTreeSet<Relaxation>,
    record: Recording,
}

impl Drill {
    /// Reads a file.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn load(path: impl AsRef<Path>, settings: &Settings) -> Result<Self, ScenarioError> {
        let source = Source::read_script(path.as_ref(), syntax::MAX_OCTETS)?;
        Self::from_source(source, settings)
    }

    /// Reads a text; `name` stands for the path in messages.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn parse(name: &str, text: &str, settings: &Settings) -> Result<Self, ScenarioError> {
        Self::from_source(Source::new(name, text), settings)
    }

    fn from_source(source: Source, settings: &Settings) -> Result<Self, ScenarioError> {
        let name = settings.profile.as_deref().unwrap_or("linux");
        let profile = Profile::by_name(name).ok_or_else(|| no_profile(&source, name))?;
        let script = syntax::parse(&source, &defines(&profile, settings, &source))?;
        let dialect = settings.dialect.unwrap_or(match profile.name {
            "freebsd" => Dialect::Nplab,
            _ => Dialect::Google,
        });
        let mut config = Config::new(&script, &source, dialect, settings.ip_version)?;
        config.environment = environment(&profile, settings);
        let (relaxations, record) = (settings.relaxations.clone(), settings.record);
        Ok(Self { source, script, config, profile, relaxations, record })
    }

    /// Runs it on a machine of its own.
    pub fn run(&self) -> Report {
        let mut host = Host::new(HostSettings {
            profile: self.profile.clone(),
            local: vec![self.config.setup.local],
            secret: HostSettings::SECRET,
        });
        if self.record == Recording::On {
            host.record(&[self.config.setup.remote]);
        }
        let mut report = self.run_on(&mut host);
        report.trace = host.take_trace().map(|mut trace| {
            trace.about.title.clone_from(&self.source.name);
            trace
        });
        report
    }

    /// The address that the machine under test has to have.
    pub fn local_address(&self) -> IpAddr {
        self.config.setup.local
    }

    /// Runs it on a machine that is there, whose clock goes on. There is no trace of that.
    pub fn run_on(&self, system: &mut dyn System) -> Report {
        let text = &self.source.text;
        let (result, notes) =
            runner::run(&self.script, text, &self.config, &self.relaxations, system);
        self.report(result, notes)
    }

    fn report(&self, result: Result<(), Stop>, notes: Notes) -> Report {
        let verdict = match result {
            Ok(()) => Verdict::Passed,
            Err(Stop::Failed(wrong)) => Verdict::Failed(self.failure(wrong)),
            Err(Stop::Skipped { span, what }) => Verdict::Skipped { place: self.place(span), what },
        };
        Report {
            verdict,
            tolerated: notes.tolerated.into_iter().map(|wrong| self.failure(wrong)).collect(),
            unknown_settings: notes.unknown_settings,
            relaxed: notes.relaxed,
            trace: None,
        }
    }

    fn failure(&self, wrong: Wrong) -> Failure {
        let Wrong { span, expected, got } = wrong;
        Failure { place: self.place(span), expected, got }
    }

    /// `file:line`
    fn place(&self, span: Span) -> String {
        let (line, _) = span.line_and_column(&self.source.text);
        format!("{}:{line}", self.source.name)
    }
}

/// What the runner of google's tests tells scripts: the cookies (RFC 7413) that Linux makes of the
/// usual addresses with the key of `defaults.sh` and with zeros
/// (`__tcp_fastopen_cookie_gen_cipher`), and how errors are asked for.
const USUAL: [(&str, &str); 4] = [
    ("TFO_COOKIE", "3021b9d889017eeb"),
    ("TFO_COOKIE_ZERO", "b7c12350a90dc8f5"),
    ("CMSG_LEVEL_IP", "SOL_IP"),
    ("CMSG_TYPE_RECVERR", "IP_RECVERR"),
];

/// The same for IPv6.
const USUAL_V6: [(&str, &str); 4] = [
    ("TFO_COOKIE", "bab7e025ce775b94"),
    ("TFO_COOKIE_ZERO", "5e723b711bab835f"),
    ("CMSG_LEVEL_IP", "SOL_IPV6"),
    ("CMSG_TYPE_RECVERR", "IPV6_RECVERR"),
];

/// What `#ifdef` knows: the system, what every script is told, and what the caller defines.
fn defines(profile: &Profile, settings: &Settings, source: &Source) -> Defines {
    let system: &[&str] = match profile.name {
        "freebsd" => &["FreeBSD"],
        "linux" => &["Linux", "linux"],
        _ => &[],
    };
    let usual = if is_v6(settings, source) { USUAL_V6 } else { USUAL };
    let mut defines = Defines::default();
    for name in system {
        defines.set(name, "1");
    }
    for (name, value) in usual {
        defines.set(name, value);
    }
    for (name, value) in &settings.defines {
        defines.set(name, value);
    }
    defines
}

/// The variables that commands find: those that the runner of FreeBSD's tests has, which name the
/// TCP stack and its congestion control, and what the caller defines.
fn environment(profile: &Profile, settings: &Settings) -> BTreeMap<String, String> {
    let usual = [("TCP_STACK", "freebsd"), ("TCP_CC", profile.options.congestion_control.name())];
    let own = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    usual.into_iter().map(own).chain(settings.defines.iter().cloned()).collect()
}

/// Whether packets are of IPv6. Names are defined before the script is read, so its options are
/// looked for here, too.
fn is_v6(settings: &Settings, source: &Source) -> bool {
    let said = || source.text.lines().rev().find_map(|line| line.strip_prefix("--ip_version="));
    match settings.ip_version {
        Some(version) => version == IpVersion::V6,
        None => said().is_some_and(|version| version.trim() == "ipv6"),
    }
}

fn no_profile(source: &Source, name: &str) -> ScenarioError {
    let problem = Problem::of_file(format!("there is no profile `{name}`"))
        .maybe_help(suggest::hint(name, Profile::NAMES.iter().copied()));
    ScenarioError::new(source.clone(), vec![problem])
}
