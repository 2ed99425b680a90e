//! File descriptors of the script, and of the machine.

use std::collections::BTreeMap;

/// Scripts write the numbers they expect; the machine has its own.
#[derive(Clone, Debug, Default)]
pub(crate) struct Descriptors {
    live: BTreeMap<i64, i32>,
}

/// A descriptor that no machine opens: for those that the script does not have.
const NEVER_OPEN: i32 = 1 << 20;

impl Descriptors {
    /// The descriptor of the machine. What the script never opened, or has closed, becomes one that
    /// is not open; what is negative stays as it is.
    pub(crate) fn live(&self, script: i64) -> i32 {
        match self.live.get(&script) {
            Some(live) => *live,
            None if script < 0 => script as i32,
            None => NEVER_OPEN | (script as i32 & (NEVER_OPEN - 1)),
        }
    }

    /// The script's number of a descriptor of the machine.
    pub(crate) fn script(&self, live: i32) -> Option<i64> {
        self.live.iter().find(|(_, other)| **other == live).map(|(script, _)| *script)
    }

    /// Whether the script has a descriptor of this number.
    pub(crate) fn is_open(&self, script: i64) -> bool {
        self.live.contains_key(&script)
    }

    pub(super) fn opened(&mut self, script: i64, live: i32) {
        self.live.insert(script, live);
    }

    pub(super) fn closed(&mut self, live: i32) {
        self.live.retain(|_, other| *other != live);
    }
}
