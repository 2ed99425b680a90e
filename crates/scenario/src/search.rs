//! Searches that belong to a story: with a rule nothing breaks, without it this does.

use twomsl_sim::spec::Remark;
use twomsl_tcp::WhatIf;

use crate::compile::Setting;
use crate::expect::Broken;

/// A search that a story tells of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Search {
    /// Through the schedules of this scenario, as far as its `explore` says.
    Own(Own),
    /// Those that another file tells of.
    Of {
        /// Where it is, seen from the folder of this file.
        file: String,
        /// What is said in front of them.
        words: Vec<String>,
    },
}

/// A search through the schedules of the scenario that says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Own {
    /// What it is called.
    pub name: String,
    /// What is said in front of it.
    pub words: Vec<String>,
    /// What it is to find.
    pub finds: Finds,
    /// The same in words for readers.
    pub means: Option<String>,
    /// What is set otherwise, as by a variant.
    pub(crate) settings: Vec<Setting>,
    /// The rules that no host keeps.
    pub(crate) what_ifs: Vec<WhatIf>,
    /// What is said about the schedule that it finds.
    pub(crate) remarks: Vec<Remark>,
}

/// What a search finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finds {
    /// Every schedule is tried, and nothing breaks.
    Nothing,
    /// A schedule that breaks this.
    Disaster(Broken),
}

impl Own {
    /// The rules that are switched off for it.
    pub fn what_ifs(&self) -> &[WhatIf] {
        &self.what_ifs
    }

    /// What is set otherwise: keys and values.
    pub fn settings(&self) -> impl Iterator<Item = (&str, &str)> {
        self.settings.iter().map(|(key, value, _)| (key.as_str(), value.as_str()))
    }

    /// How many sentences are said about the schedule that it finds.
    pub const fn remarks(&self) -> usize {
        self.remarks.len()
    }
}
