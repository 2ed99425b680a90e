//! A schedule that breaks something, as a scenario that shows it.

use twomsl_scenario::{Broken, Outcome, Scenario};

use crate::explore::ExploreError;
use crate::fault::Schedule;
use crate::search::Found;

/// A schedule that breaks something.
#[derive(Clone, Debug)]
pub struct Counterexample {
    /// Its faults.
    pub schedule: Schedule,
    /// What breaks.
    pub broken: Broken,
    /// The scenario with these faults written into it, under the name of the original.
    pub scenario: Scenario,
    /// What came of running that.
    pub outcome: Outcome,
}

impl Counterexample {
    pub(crate) fn new(scenario: &Scenario, found: Found) -> Result<Self, ExploreError> {
        let Found { schedule, broken } = found;
        let spec = scenario.spec();
        let hosts: Vec<String> = spec.hosts.iter().map(|host| host.name.clone()).collect();
        let faults: Vec<String> = schedule.iter().map(|fault| fault.node(&hosts)).collect();
        let text = scenario.with_faults_written(&faults);
        let scenario = Scenario::parse(scenario.name(), &text)?;
        let outcome = scenario.run()?;
        Ok(Self { schedule, broken, scenario, outcome })
    }

    /// The text of a scenario file that shows it.
    pub fn text(&self) -> &str {
        self.scenario.text()
    }

    /// Whether the file shows what the search has found.
    pub fn is_reproduced(&self) -> bool {
        !self.outcome.holds()
    }

    /// Its faults, as nodes of a scenario file.
    pub fn faults(&self) -> Vec<String> {
        let hosts = &self.outcome.trace.about.hosts;
        let hosts: Vec<String> = hosts.iter().map(|host| host.name.clone()).collect();
        self.schedule.iter().map(|fault| fault.node(&hosts)).collect()
    }

    /// What breaks, and the faults that break it.
    pub fn report(&self) -> String {
        let line = |fault: &String| format!("  {fault}\n");
        let faults: String = self.faults().iter().map(line).collect();
        let broken = match self.broken {
            Broken::Invariant(number) => format!("invariant {number} of the world"),
            Broken::Expectation(place) => format!("expectation {} of `explore`", place + 1),
            Broken::Stuck => "the run never would end".to_owned(),
        };
        let after = match self.schedule.len() {
            0 => "without any fault".to_owned(),
            1 => "after 1 fault:".to_owned(),
            more => format!("after {more} faults:"),
        };
        format!("{broken}, {after}\n{faults}")
    }
}
