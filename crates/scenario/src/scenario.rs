//! A scenario: a file that was read, with what overrides it.

use std::fmt;
use std::path::Path;

use kdl::KdlDocument;
use twomsl_sim::WorldSpec;
use twomsl_tcp::{Instant, ParameterError, Profile, WhatIf, WhatIfs};

use crate::bound::Bound;
use crate::compile::{Compiled, Variant, compile, meant_profile, parameter_hint, set_parameter};
use crate::diagnostic::{Problem, ScenarioError};
use crate::expect::Monitors;
use crate::language::suggest;
use crate::search::{Own, Search};
use crate::source::Source;

/// What a scenario says about itself.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Story {
    /// Its title.
    pub title: String,
    /// The question it answers.
    pub question: String,
    /// What a reader has to know before the run.
    pub setting: Option<String>,
    /// Something that is said and is not so, which the run refutes.
    pub claim: Option<String>,
    /// The answer.
    pub answer: String,
    /// What the run of the file itself is called beside its variants.
    pub case: Option<String>,
    /// What to try next.
    pub next: Vec<Try>,
    /// The sections that say so: `9293 §3.6`.
    pub rfc: Vec<String>,
    /// The only engine that can tell it, and why, if not every one can.
    pub engine: Option<(Engine, String)>,
}

/// A command to try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Try {
    /// As it is typed.
    pub command: String,
    /// The exit code that it ends with: 0, unless it is to show how something fails.
    pub exits: u8,
}

/// What runs a scenario.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Engine {
    /// The world: time jumps from event to event.
    #[default]
    Sim,
    /// The same roles as tasks on tokio's sockets, inside a turmoil simulation.
    Turmoil,
}

impl Engine {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Sim, Self::Turmoil];

    /// As it is written in files and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sim => "sim",
            Self::Turmoil => "turmoil",
        }
    }
}

/// A scenario, ready to run.
#[derive(Clone, Debug)]
pub struct Scenario {
    pub(crate) source: Source,
    document: KdlDocument,
    overrides: Overrides,
    seed: Option<u64>,
    pub(crate) tables: Vec<Instant>,
    pub(crate) compiled: Compiled,
}

impl Scenario {
    /// Reads a file.
    ///
    /// # Errors
    /// Everything that is wrong with it. At most 128 KiB are read.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, ScenarioError> {
        Self::from_source(Source::read(path.as_ref())?)
    }

    /// Reads a text; `name` stands for the path in messages.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn parse(name: &str, text: &str) -> Result<Self, ScenarioError> {
        Self::from_source(Source::new(name, text))
    }

    fn from_source(source: Source) -> Result<Self, ScenarioError> {
        let document = source.parse()?;
        let overrides = Overrides::default();
        let compiled = compile(&document, &overrides)
            .map_err(|problems| ScenarioError::new(source.clone(), problems))?;
        let scenario =
            Self { source, document, overrides, seed: None, tables: Vec::new(), compiled };
        scenario.check_variants()?;
        Ok(scenario)
    }

    /// Whether every variant and every search can be made: what is wrong with one is found when the
    /// file is read.
    fn check_variants(&self) -> Result<(), ScenarioError> {
        let mut problems = Vec::new();
        let of_variants = self.compiled.variants.iter().flat_map(|variant| &variant.settings);
        let of_searches = self.own_searches().flat_map(|search| &search.settings);
        for (key, value, span) in of_variants.chain(of_searches) {
            match self.clone().set(key, value) {
                Ok(_) => {}
                Err(SetError::File(error)) => return Err(error),
                Err(SetError::Key { message, hint, .. }) => {
                    let problem = Problem::at(*span, message).label("cannot be set");
                    problems.push(problem.maybe_help(hint));
                }
            }
        }
        if problems.is_empty() {
            Ok(())
        } else {
            Err(ScenarioError::new(self.source.clone(), problems))
        }
    }

    /// The names of its variants, in the order of the file.
    pub fn variants(&self) -> impl Iterator<Item = &str> {
        self.compiled.variants.iter().map(|variant| variant.name.as_str())
    }

    /// The variant of this name, ready to run: with what it sets, says and expects.
    ///
    /// # Errors
    /// There is no such variant.
    pub fn variant(&self, name: &str) -> Result<Self, SetError> {
        let found = self.compiled.variants.iter().find(|variant| variant.name == name);
        let Some(variant) = found else {
            return Err(SetError::Key {
                setting: format!("variant {name}"),
                message: format!("{} has no such variant", self.source.name),
                hint: suggest::hint(name, self.variants()),
            });
        };
        let settings = variant.settings.clone();
        let mut chosen = self.clone();
        chosen.overrides.what_ifs.extend(variant.what_ifs.iter().copied());
        chosen.overrides.variant = Some(name.to_owned());
        // Before what the command line sets, which overrides it.
        let of_variant = settings.into_iter().map(|(key, value, _)| (key, value));
        chosen.overrides.of_variant = of_variant.collect();
        Ok(chosen.compiled_again()?)
    }

    /// The searches that its story tells of, in the order of the file.
    pub fn searches(&self) -> &[Search] {
        &self.compiled.searches
    }

    /// Those that are made through its own schedules.
    pub fn own_searches(&self) -> impl Iterator<Item = &Own> {
        self.compiled.searches.iter().filter_map(|search| match search {
            Search::Own(own) => Some(own),
            Search::Of { .. } => None,
        })
    }

    /// The scenario whose schedules are searched: with what the search sets otherwise.
    ///
    /// # Errors
    /// The file makes no sense with that.
    pub fn searched(&self, search: &Own) -> Result<Self, SetError> {
        let mut chosen = self.clone();
        chosen.overrides.what_ifs.extend(search.what_ifs.iter().copied());
        let settings = search.settings.iter().map(|(key, value, _)| (key.clone(), value.clone()));
        chosen.overrides.of_variant.extend(settings);
        Ok(chosen.compiled_again()?)
    }

    /// What a search has found, told in its words instead of those of the file.
    #[must_use]
    pub fn told_by(mut self, search: &Own) -> Self {
        let spec = &mut self.compiled.spec;
        spec.title = format!("{}: {}", self.compiled.story.title, search.name);
        spec.remarks.clone_from(&search.remarks);
        self
    }

    /// The same scenario with another seed.
    #[must_use]
    pub const fn with_seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// The same scenario, with all socket tables of these moments in its trace as well. A world of
    /// it goes on until the last of them; [`run`](Self::run) judges as if nobody had looked.
    #[must_use]
    pub fn with_tables(mut self, times: &[Instant]) -> Self {
        self.tables.extend_from_slice(times);
        self
    }

    /// The same scenario with a parameter of the file (`loss`) or of a host's profile
    /// (`client.time-wait`) set to another value.
    ///
    /// # Errors
    /// There is no such parameter, or the file makes no sense with this value.
    pub fn set(mut self, key: &str, value: &str) -> Result<Self, SetError> {
        let wrong = |error: Wrong| SetError::Key {
            setting: format!("{key}={value}"),
            message: error.0,
            hint: error.1,
        };
        self.check_setting(key, value).map_err(wrong)?;
        self.overrides.settings.push((key.to_owned(), value.to_owned()));
        Ok(self.compiled_again()?)
    }

    /// The same scenario with every host on this profile. What the file sets at a host, and what
    /// [`set`](Self::set) set, stays.
    ///
    /// # Errors
    /// There is no such profile.
    pub fn with_profile(mut self, name: &str) -> Result<Self, SetError> {
        let profile = Profile::by_name(name).ok_or_else(|| SetError::Key {
            setting: format!("profile {name}"),
            message: format!("there is no profile `{name}`"),
            hint: meant_profile(name),
        })?;
        self.overrides.profile = Some(profile);
        Ok(self.compiled_again()?)
    }

    /// The same scenario with a rule of TCP switched off at every host, besides those that the file
    /// itself switches off.
    #[must_use]
    pub fn with_what_if(mut self, rule: WhatIf) -> Self {
        self.overrides.what_ifs.insert(rule);
        for host in &mut self.compiled.spec.hosts {
            host.profile.what_ifs.insert(rule);
        }
        self
    }

    /// The rules that [`with_what_if`](Self::with_what_if) has switched off.
    pub const fn what_ifs(&self) -> WhatIfs {
        self.overrides.what_ifs
    }

    /// Compiled with the overrides as they are now.
    fn compiled_again(mut self) -> Result<Self, ScenarioError> {
        self.compiled = compile(&self.document, &self.overrides)
            .map_err(|problems| ScenarioError::new(self.source.clone(), problems))?;
        Ok(self)
    }

    fn check_setting(&self, key: &str, value: &str) -> Result<(), Wrong> {
        let hosts = &self.compiled.spec.hosts;
        let Some((name, parameter)) = key.split_once('.') else {
            let known = self.compiled.params.iter().map(String::as_str);
            if self.compiled.params.iter().any(|param| param == key) {
                return Ok(());
            }
            let message = format!("{} has no parameter `{key}`", self.source.name);
            let hint = suggest::hint(key, known).unwrap_or_else(|| NO_PARAMETERS.to_owned());
            return Err(Wrong(message, Some(hint)));
        };
        let Some(host) = hosts.iter().find(|host| host.name == name) else {
            let known = hosts.iter().map(|host| host.name.as_str());
            let message = format!("{} has no host `{name}`", self.source.name);
            return Err(Wrong(message, suggest::hint(name, known)));
        };
        let mut profile: Profile = host.profile.clone();
        set_parameter(&mut profile, parameter, value).map_err(|error| {
            let hint = match &error {
                ParameterError::Unknown(word) => Some(profile_hint(name, word)),
                ParameterError::Value { .. } => None,
            };
            Wrong(error.to_string(), hint)
        })
    }

    /// The same scenario under another path: messages about it begin with that.
    #[must_use]
    pub fn under(mut self, path: &str) -> Self {
        path.clone_into(&mut self.source.name);
        self
    }

    /// The path or name it was read under.
    pub fn name(&self) -> &str {
        &self.source.name
    }

    /// What it says about itself.
    pub const fn story(&self) -> &Story {
        &self.compiled.story
    }

    /// The seeds it asks to be run with, at least one: those of `seeds`, that of `seed`, or 0.
    pub fn seeds(&self) -> &[u64] {
        &self.compiled.seeds
    }

    /// The seed it runs with: that of [`with_seed`](Self::with_seed), or its own first.
    pub fn seed(&self) -> u64 {
        self.seed.or_else(|| self.seeds().first().copied()).unwrap_or_default()
    }

    /// The profiles, beside those of its hosts, on which it says that its expectations hold: see
    /// [`with_profile`](Self::with_profile).
    pub fn also(&self) -> &[&'static str] {
        &self.compiled.also
    }

    /// The profile that every host has by [`with_profile`](Self::with_profile).
    pub fn profile(&self) -> Option<&'static str> {
        self.overrides.profile.as_ref().map(|profile| profile.name)
    }

    /// The variant that this is, if it is not the file's own run.
    pub fn chosen_variant(&self) -> Option<&str> {
        self.overrides.variant.as_deref()
    }

    /// How many expectations it has.
    pub fn expectations(&self) -> usize {
        self.compiled.expected.len() + self.bound().map_or(0, |bound| bound.expected.len())
    }

    /// How far it asks to be explored.
    pub const fn bound(&self) -> Option<&Bound> {
        self.compiled.bound.as_ref()
    }

    /// What holds in every schedule, ready to watch a run; see [`Monitors`].
    pub fn monitors(&self) -> Monitors {
        Monitors::new(self.bound().map_or(&[], |bound| &bound.expected), &self.compiled.spec)
    }

    pub(crate) const fn document(&self) -> &KdlDocument {
        &self.document
    }

    pub(crate) const fn overrides(&self) -> &Overrides {
        &self.overrides
    }

    /// The text that it was read from.
    pub fn text(&self) -> &str {
        &self.source.text
    }

    /// The world it describes, with its seed.
    pub fn spec(&self) -> WorldSpec {
        let spec = self.compiled.spec.clone();
        let mut tables = [spec.tables.as_slice(), &self.tables].concat();
        tables.sort_unstable();
        tables.dedup();
        WorldSpec { seed: self.seed(), tables, ..spec }
    }

    /// What was set, in order.
    pub fn settings(&self) -> &[(String, String)] {
        &self.overrides.settings
    }
}

const NO_PARAMETERS: &str = "it has none of its own; those of a host are set as \
                             HOST.PARAMETER=VALUE, such as client.time-wait=1s";

/// What to set at a host instead of a word that is no parameter of a profile.
fn profile_hint(host: &str, word: &str) -> String {
    if word == "profile" {
        return format!("the profile itself is chosen in the file: host \"{host}\" profile=…");
    }
    parameter_hint(word)
}

/// Why a setting is refused, and a hint.
struct Wrong(String, Option<String>);

/// A setting that a scenario cannot take.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
pub enum SetError {
    /// The parameter does not exist, or not with this value.
    #[error("{setting}: {message}{}", hint.as_ref().map_or_else(String::new, |hint| format!(" ({hint})")))]
    Key {
        /// The setting.
        setting: String,
        /// What is wrong with it.
        message: String,
        /// What may have been meant.
        hint: Option<String>,
    },
    /// The file makes no sense with this value.
    #[error(transparent)]
    File(#[from] ScenarioError),
}

/// As `Display`: a test that returns this error shows its `Debug`.
impl fmt::Debug for SetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What stands instead of what the file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Overrides {
    /// The profile of every host.
    pub(crate) profile: Option<Profile>,
    /// The rules that no host keeps.
    pub(crate) what_ifs: WhatIfs,
    /// The variant of the file.
    variant: Option<String>,
    /// What that sets.
    of_variant: Vec<(String, String)>,
    /// What `set` was given: keys and values.
    settings: Vec<(String, String)>,
}

impl Overrides {
    /// The variant that was chosen.
    pub(crate) fn chosen<'a>(&self, variants: &'a [Variant]) -> Option<&'a Variant> {
        let name = self.variant.as_ref()?;
        variants.iter().find(|variant| variant.name == *name)
    }

    /// The heading of a run: that of the story, and which of its runs this is.
    pub(crate) fn title(&self, story: &Story) -> String {
        match self.variant.as_ref().or(story.case.as_ref()) {
            Some(which) => format!("{}: {which}", story.title),
            None => story.title.clone(),
        }
    }

    /// The value of a parameter of the file; the last one given counts.
    pub(crate) fn param(&self, name: &str) -> Option<&str> {
        let mut settings = self.of_variant.iter().chain(&self.settings).rev();
        settings.find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The parameters of a host's profile, in the order in which they were given.
    pub(crate) fn of_host(&self, host: &str) -> impl Iterator<Item = (&str, &str)> {
        self.of_variant.iter().chain(&self.settings).filter_map(move |(key, value)| {
            let (name, parameter) = key.split_once('.')?;
            (name == host).then_some((parameter, value.as_str()))
        })
    }
}
