//! How several files went, together.

use std::path::Path;

use super::Verdict;

/// How all files went.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    holds: usize,
    silent: Vec<String>,
    fails: Vec<String>,
    unusable: Vec<String>,
}

impl Tally {
    /// Adds a file.
    pub(crate) fn count(&mut self, file: &Path, verdict: Verdict) {
        let name = file.display().to_string();
        match verdict {
            // A run is never stopped.
            Verdict::Holds | Verdict::Stopped => self.holds += 1,
            Verdict::Silent => self.silent.push(name),
            Verdict::Fails => self.fails.push(name),
            Verdict::Unusable => self.unusable.push(name),
        }
    }

    /// The worst of them, which is what the command exits with.
    pub(crate) fn worst(&self) -> Verdict {
        match (self.unusable.is_empty(), self.fails.is_empty()) {
            (false, _) => Verdict::Unusable,
            (true, false) => Verdict::Fails,
            (true, true) => Verdict::Holds,
        }
    }

    /// All of them in one line. Those that hold are counted, the others named.
    pub(crate) fn summary(&self) -> String {
        let all = self.holds + self.silent.len() + self.fails.len() + self.unusable.len();
        let others = [
            ("expect nothing", &self.silent),
            ("do not", &self.fails),
            ("cannot be used", &self.unusable),
        ];
        let others = others.iter().filter(|(_, names)| !names.is_empty());
        let others =
            others.map(|(what, names)| format!("{} {what}: {}", names.len(), names.join(" ")));
        let holds = format!("{all} scenarios: {} hold", self.holds);
        std::iter::once(holds).chain(others).collect::<Vec<_>>().join(", ")
    }
}
