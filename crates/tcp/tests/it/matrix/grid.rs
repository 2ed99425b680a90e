//! A matrix on one page: letters in a grid, and what each letter stands for.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::cells::{Kind, SeqAt};
use crate::harness::scene::Scene;

/// Outcomes in the order in which the cells ran.
pub(super) struct Grid {
    scene: Scene,
    rows: Vec<(Kind, SeqAt, String)>,
    letters: BTreeMap<String, char>,
    legend: Vec<String>,
}

impl Grid {
    pub(super) fn new(scene: Scene) -> Self {
        Self { scene, rows: Vec::new(), letters: BTreeMap::new(), legend: Vec::new() }
    }

    /// Adds the next cell of a row.
    pub(super) fn add(&mut self, kind: Kind, seq: SeqAt, outcome: &str) {
        let next = (b'a' + self.legend.len() as u8) as char;
        let letter = *self.letters.entry(outcome.to_string()).or_insert_with(|| {
            self.legend.push(format!("{next}  {outcome}"));
            next
        });
        match self.rows.last_mut() {
            Some((last, place, cells)) if *last == kind && *place == seq => cells.push(letter),
            _ => self.rows.push((kind, seq, letter.to_string())),
        }
    }

    pub(super) fn render(&self) -> String {
        let mut page = format!("segment arrives when {}\n\n", self.scene.state());
        for line in &self.legend {
            let _ = writeln!(page, "{line}");
        }
        page.push_str(
            "\nSEG.ACK:  old, left of SND.UNA, at SND.UNA, inside, at SND.NXT, beyond\n\n",
        );
        let _ = writeln!(page, "{:9}SEG.SEQ {:15}RFC 793", "", "RFC 5961");
        for (kind, seq, cells) in &self.rows {
            let name = if *seq == SeqAt::Left { kind.name() } else { "" };
            let spaced: Vec<String> = cells.chars().map(String::from).collect();
            let (first, second) = spaced.split_at(spaced.len() / 2);
            let row = format!("{name:9}{:8}{:15}{}", seq.name(), first.join(" "), second.join(" "));
            let _ = writeln!(page, "{}", row.trim_end());
        }
        page
    }
}
