//! The socket tables that belong to the remarks of a run.

use twomsl::trace::{Event, Trace, ss};

use super::Look;

/// In front of every line of a table.
const INDENT: usize = 4;

/// For every remark the tables that were written down with it.
pub(super) fn of_remarks(trace: &Trace, look: &Look) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let mut behind_remark = false;
    for record in &trace.records {
        match &record.event {
            Event::Remark { .. } => {
                all.push(String::new());
                behind_remark = true;
            }
            Event::Table { host, sockets } if behind_remark => {
                let columns = look.columns.saturating_sub(INDENT);
                let table = match sockets.as_slice() {
                    [] => "none\n".to_owned(),
                    sockets => ss::table_within(record.at, sockets, columns),
                };
                let name = trace.about.name(*host);
                if let Some(text) = all.last_mut() {
                    text.push_str(&indented(&format!("sockets of {name}:\n{table}")));
                }
            }
            _ => behind_remark = false,
        }
    }
    all
}

fn indented(text: &str) -> String {
    let line = |line: &str| format!("{:INDENT$}{line}\n", "");
    text.lines().map(line).collect()
}
