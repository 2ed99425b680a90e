//! JSON lines: everything in a trace, for programs.
//!
//! The first line is about the run: `schema`, `title`, `seed`, `hosts`, `paths`. Every further
//! line is one record: `at_ns`, integer nanoseconds since the start; `event`, its kind; then
//! the fields of that kind:
//!
//! | `event` | fields |
//! |---|---|
//! | `call` | `host` `task` `socket` `call` |
//! | `returned` | `host` `task` `socket` `call`, and `octets` or `error` |
//! | `sent` | `packet` `host` `socket` `reason` and a packet |
//! | `forged` | `packet` `from` and a packet |
//! | `injected` | `packet` `by` (`middlebox`, with its name as `middlebox`, or `network`) `from` and a packet |
//! | `fate` | `packet` `fate` `by`, `rule` for a fault rule's number; `arrives_ns`, `copy` or the rewritten packet |
//! | `arrived` | `packet` `host` `socket` `verdict`, and `note` `rfc` if it was not simply accepted |
//! | `state` | `socket` `from` `to` `cause`, and `timer` if that was the cause |
//! | `timer` | `socket` `timer` `change`, and `deadline_ns` when it was set or restarted |
//! | `incident` | `host` `action` |
//! | `table` | `host` `sockets` |
//! | `violation` | `invariant` `socket` `text` |
//!
//! `host` is a host's name; `packet` a number that links `sent`, `forged` or `injected`, `fate` and `arrived`; `socket`
//! names the host, how often that had crashed before, and the socket's number in its stack.
//! A packet is `src` `dst` `hop_limit` `dscp` (unless 0) `ecn`, with `tcp` or `icmp`. Numbers of segments are those
//! of the header; `length` counts the octets of text, `text_hex` holds the first 32 of them and `text_sha256`
//! all of them if there are more. `options` holds, of the options there are, `mss`, `window_scale` (the shift
//! count), `sack_permitted`, `timestamps` (`value`, `echo`), `sack` (blocks: the first number, and the one after the last), `dsack` (the
//! block of octets that came twice, RFC 2883) and `fast_open_hex`; `options_hex` holds all their octets. Fields that do not apply are left out. Names are never reused
//! with another meaning without a new `schema`.

mod dto;
mod options;
mod packet;

use std::io::{self, Write};

use crate::model::Trace;

/// Writes the lines.
///
/// # Errors
/// Those of `out`.
pub fn write(trace: &Trace, out: &mut impl Write) -> io::Result<()> {
    line(&dto::About::of(&trace.about), out)?;
    for record in &trace.records {
        line(&dto::Record::of(&trace.about, record), out)?;
    }
    Ok(())
}

/// The lines as text.
pub fn render(trace: &Trace) -> String {
    let mut lines = Vec::new();
    // A vector takes everything, and JSON is UTF-8.
    write(trace, &mut lines).expect("a vector takes everything");
    String::from_utf8(lines).expect("JSON is UTF-8")
}

fn line(value: &impl serde::Serialize, out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
}
