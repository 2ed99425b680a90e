//! What can be said on the command line.

mod drill;

use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use twomsl::explore::FaultKind;
use twomsl::tcp::{Instant, WhatIf};

pub(crate) use drill::Drill;

const EXIT_CODES: &str = "\
Exit codes:
  0  every expectation holds
  1  an expectation does not hold, or a run never would end; what happened instead is on standard error
  2  the input cannot be used: a file, a setting or an argument

A FILE may be the name of a scenario of the library, such as lost-fin: `twomsl demo` lists them. The
files are in scenarios/, their language in docs/scenario-language.md, and the key to the
ladder's signs in docs/ladder.md.";

const DEMO_EXIT_CODES: &str = "\
Exit codes:
  0  every lesson holds: its runs do what they are expected to, its searches find what they should
  1  a lesson does not; why is on standard error
  2  the input cannot be used: a name, a file or an argument

A lesson is a scenario: twomsl run NAME only runs it, and twomsl explore NAME searches its schedules.";

const SWEEP_EXIT_CODES: &str = "\
Exit codes:
  0  every run holds
  1  a run does not: the first is shown, and left in a folder
  2  the input cannot be used: a file, a setting or an argument";

const SHRINK_EXIT_CODES: &str = "\
Exit codes:
  0  the run does not fail
  1  it does: the small scenario is shown, and left in a folder
  2  the input cannot be used: a file, a setting or an argument";

const EXPLORE_EXIT_CODES: &str = "\
Exit codes:
  0  every schedule was tried, and nothing broke
  1  something broke: the smallest counterexample is shown, and left in a folder
  2  the input cannot be used: a file, a setting or an argument
  3  stopped early, and nothing broke until then

docs/explore.md says what is tried.";

/// A deterministic TCP laboratory: watch a TCP connection's whole life over a scripted network.
#[derive(Debug, Parser)]
#[command(name = "twomsl", version, about, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run scenario files, show what happened, and check what they expect.
    #[command(after_help = EXIT_CODES)]
    Run(Run),
    /// Run packetdrill scripts against the TCP, in virtual time.
    #[command(after_help = drill::EXIT_CODES)]
    Drill(Drill),
    /// Run a scenario with many seeds
    #[command(after_help = SWEEP_EXIT_CODES)]
    Sweep(Sweep),
    /// Make a run that fails as small as it can be while it fails for the same reason
    #[command(after_help = SHRINK_EXIT_CODES)]
    Shrink(Shrink),
    /// Try every way of placing a few faults on a scenario's packets and hosts
    #[command(after_help = EXPLORE_EXIT_CODES)]
    Explore(Explore),
    /// Tell what the library of scenarios shows: the question, the run with a sentence at each turn,
    /// the answer. Without a name: list the questions.
    #[command(after_help = DEMO_EXIT_CODES)]
    Demo(Demo),
    /// Print TCP's state diagram with a scenario for every arrow.
    States,
}

/// A scenario, and what stands instead of what its file says.
#[derive(Debug, Args)]
pub(crate) struct Chosen {
    /// Seed of the random streams, instead of that of the file
    #[arg(long, value_name = "N", value_parser = seed, allow_hyphen_values = true)]
    pub(crate) seed: Option<u64>,

    /// Set a parameter of the file (loss=5%) or of a host's profile (client.time-wait=1s)
    #[arg(long, value_name = "KEY=VALUE", value_parser = setting, allow_hyphen_values = true)]
    pub(crate) set: Vec<(String, String)>,

    /// Profile of every host, instead of those the file gives them. What the file sets stays
    #[arg(long, value_name = "PROFILE")]
    pub(crate) profile: Option<String>,

    /// A variant of the file, by its name
    #[arg(long, value_name = "NAME")]
    pub(crate) variant: Option<String>,

    /// Switch a rule of TCP off at every host; may be repeated
    #[arg(long, value_name = "RULE", value_parser = what_if())]
    pub(crate) what_if: Vec<WhatIf>,
}

/// `twomsl sweep`.
#[derive(Debug, Args)]
pub(crate) struct Sweep {
    /// A scenario file, or the name of one of the library
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,

    /// From this seed up to, but not including, that one; 0..1000 without it
    #[arg(long, value_name = "A..B", value_parser = seeds)]
    pub(crate) seeds: Option<Range<u64>>,

    /// Draw the whole configuration from the seed: impairments, profiles, options, sizes, faults
    #[arg(long)]
    pub(crate) swarm: bool,

    #[command(flatten)]
    pub(crate) scenario: Chosen,

    /// How many runs go on at once, instead of one per processor
    #[arg(long, value_name = "N")]
    pub(crate) jobs: Option<usize>,

    /// The folder for the first run that fails, instead of one in twomsl-artefacts
    #[arg(long, value_name = "FOLDER")]
    pub(crate) out: Option<PathBuf>,
}

/// `twomsl shrink`.
#[derive(Debug, Args)]
pub(crate) struct Shrink {
    /// A scenario file, or the name of one of the library
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,

    /// Shrink what `sweep --swarm` draws from the seed
    #[arg(long)]
    pub(crate) swarm: bool,

    #[command(flatten)]
    pub(crate) scenario: Chosen,

    /// The folder for the small scenario, instead of one in twomsl-artefacts
    #[arg(long, value_name = "FOLDER")]
    pub(crate) out: Option<PathBuf>,
}

/// `twomsl explore`.
#[derive(Debug, Args)]
pub(crate) struct Explore {
    /// Scenario files, or names of the library
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,

    /// How many faults a schedule has at most, instead of what the file says
    #[arg(long, value_name = "K")]
    pub(crate) faults: Option<u32>,

    /// Kinds of fault, instead of those the file says: drop, duplicate, delay, reorder, corrupt,
    /// crash, reboot
    #[arg(long, value_name = "KIND,…", value_parser = kind, value_delimiter = ',')]
    pub(crate) kinds: Vec<FaultKind>,

    /// How long a packet lives at most on links that do not say so themselves
    #[arg(long, value_name = "TIME", value_parser = span)]
    pub(crate) lifetime: Option<Duration>,

    #[command(flatten)]
    pub(crate) scenario: Chosen,

    /// How many searches go on at once, instead of one per processor
    #[arg(long, value_name = "N")]
    pub(crate) jobs: Option<usize>,

    /// Stop after so long, such as 90s
    #[arg(long, value_name = "TIME", value_parser = span)]
    pub(crate) max_time: Option<Duration>,

    /// Stop after so many different states
    #[arg(long, value_name = "N")]
    pub(crate) max_states: Option<u64>,

    /// Stop when what is remembered takes so much memory, such as 2GiB: 96 octets for each state
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(crate) max_memory: Option<u64>,

    /// Go on where the same search was stopped before
    #[arg(long = "continue")]
    pub(crate) go_on: bool,

    /// The folder for a counterexample, or for what a search that is stopped leaves behind, instead of
    /// one in twomsl-artefacts
    #[arg(long, value_name = "FOLDER")]
    pub(crate) out: Option<PathBuf>,
}

/// `twomsl demo`.
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Names of scenarios, as the list gives them, or of themes, or files. A name that is both a
    /// theme and a scenario must say which: THEME/ is all of the theme, THEME/NAME one scenario
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,

    /// All of them
    #[arg(long, conflicts_with = "names")]
    pub(crate) all: bool,

    /// Wait for Enter at every step
    #[arg(long)]
    pub(crate) step: bool,

    /// Columns, from 60 to 1000, instead of those of the terminal, or of 100 without one
    #[arg(long, value_name = "COLUMNS", value_parser = columns)]
    pub(crate) width: Option<usize>,
}

/// `twomsl run`.
#[derive(Debug, Args)]
pub(crate) struct Run {
    /// Scenario files, or names of the library
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,

    /// Seed of the random streams, instead of those the file names
    #[arg(long, value_name = "N", value_parser = seed, allow_hyphen_values = true)]
    pub(crate) seed: Option<u64>,

    /// Set a parameter of the file (loss=5%) or of a host's profile (client.time-wait=1s)
    #[arg(long, value_name = "KEY=VALUE", value_parser = setting, allow_hyphen_values = true)]
    pub(crate) set: Vec<(String, String)>,

    /// A variant of the file, by its name
    #[arg(long, value_name = "NAME")]
    pub(crate) variant: Option<String>,

    /// Profile of every host, instead of those the file gives them. What the file sets stays
    #[arg(long, value_name = "PROFILE")]
    pub(crate) profile: Option<String>,

    /// Switch a rule of TCP off at every host, to see what it is for; may be repeated. See
    /// docs/what-ifs.md
    #[arg(long, value_name = "RULE", value_parser = what_if())]
    pub(crate) what_if: Vec<WhatIf>,

    /// What runs them
    #[arg(long, value_enum, default_value_t, value_name = "ENGINE")]
    pub(crate) engine: Engine,

    /// What to show
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) format: Format,

    /// With --format ss: the moment of a socket table, such as 1.5s; may be repeated.
    /// Without it: the file's own moments, or the end
    #[arg(long, value_name = "TIME", value_parser = moment, allow_hyphen_values = true)]
    pub(crate) at: Vec<Instant>,

    /// Show every segment: a ladder counts long runs of ordinary ones
    #[arg(long)]
    pub(crate) full: bool,

    /// Columns of a ladder or of socket tables, from 60 to 1000. Without it a ladder has 100, or as
    /// many as the terminal if that has fewer
    #[arg(long, value_name = "COLUMNS", value_parser = columns)]
    pub(crate) width: Option<usize>,

    /// Write to this file, or into this folder: for one input if it exists, for several in any
    /// case. The files there are called after the inputs and the format
    #[arg(long, value_name = "PATH")]
    pub(crate) out: Option<PathBuf>,

    /// Show the scenario's question before the run and its answer after it, on standard error.
    /// A ladder on a terminal has them anyway
    #[arg(long)]
    pub(crate) story: bool,

    /// Follow the run as it goes, on standard error, in virtual time
    #[arg(short, long)]
    pub(crate) verbose: bool,
}

/// What runs a scenario.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Engine {
    /// The world: time jumps from event to event
    #[default]
    Sim,
    /// The roles as tasks on tokio's sockets, inside a turmoil simulation
    Turmoil,
}

impl From<Engine> for twomsl::scenario::Engine {
    fn from(engine: Engine) -> Self {
        match engine {
            Engine::Sim => Self::Sim,
            Engine::Turmoil => Self::Turmoil,
        }
    }
}

/// What to show of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Both ends' states and the segments between them, in virtual time
    #[default]
    Ladder,
    /// A line for each packet, as tcpdump writes them
    Tcpdump,
    /// Every event as a JSON line
    Jsonl,
    /// Socket tables, as ss prints them
    Ss,
}

impl Format {
    /// The extension of a file in this format: each its own, so that the formats of one scenario
    /// stand beside each other in a folder.
    pub(crate) const fn extension(self) -> &'static str {
        match self {
            Self::Ladder => "txt",
            Self::Tcpdump => "tcpdump.txt",
            Self::Jsonl => "jsonl",
            Self::Ss => "ss.txt",
        }
    }
}

fn seed(text: &str) -> Result<u64, String> {
    let wrong = || format!("write a whole number from 0 to {}", u64::MAX);
    twomsl::scenario::number(text).ok_or_else(wrong)
}

/// The rules by name, each with a line about it.
fn what_if() -> impl TypedValueParser<Value = WhatIf> {
    let rule = |rule: WhatIf| PossibleValue::new(rule.name()).help(rule.about());
    PossibleValuesParser::new(WhatIf::ALL.map(rule)).try_map(|name| name.parse::<WhatIf>())
}

fn columns(text: &str) -> Result<usize, String> {
    let number = seed(text)?;
    let columns = usize::try_from(number).ok().filter(|columns| (60..=1000).contains(columns));
    columns.ok_or_else(|| "write a number of columns from 60 to 1000".to_owned())
}

fn setting(text: &str) -> Result<(String, String), String> {
    let both = text.split_once('=').filter(|(key, value)| !key.is_empty() && !value.is_empty());
    let (key, value) = both.ok_or("write KEY=VALUE, such as loss=5% or client.time-wait=1s")?;
    Ok((key.to_owned(), value.to_owned()))
}

fn seeds(text: &str) -> Result<Range<u64>, String> {
    let both = text.split_once("..").map(|(first, last)| (seed(first), seed(last)));
    match both {
        Some((Ok(first), Ok(last))) if first < last => Ok(first..last),
        Some((Ok(first), Ok(last))) if first == last => {
            Err(format!("there is none: the last is not among them; write {first}..{}", first + 1))
        }
        _ => Err("write two numbers, the smaller one first: 0..1000".to_owned()),
    }
}

fn kind(text: &str) -> Result<FaultKind, String> {
    let names = FaultKind::ALL.map(FaultKind::name).join(", ");
    FaultKind::by_name(text).ok_or_else(|| format!("write one of {names}"))
}

fn span(text: &str) -> Result<Duration, String> {
    twomsl::scenario::duration(text).ok_or_else(|| "write a time with its unit: 90s".to_owned())
}

fn size(text: &str) -> Result<u64, String> {
    twomsl::scenario::size(text).ok_or_else(|| "write a size with its unit: 2GiB".to_owned())
}

fn moment(text: &str) -> Result<Instant, String> {
    let time =
        twomsl::scenario::duration(text).ok_or("write a time with its unit, such as 1.5s")?;
    Ok(Instant::ZERO + time)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::Cli;

    #[test]
    fn the_arguments_fit_together() {
        Cli::command().debug_assert();
    }
}
