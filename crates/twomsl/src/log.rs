//! `-v`: the world's `tracing` events on standard error, in virtual time.

use std::fmt::{self, Write as _};
use std::io;

use anstream::{AutoStream, ColorChoice};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// Begins to show events. A second call changes nothing.
pub(crate) fn follow() {
    let colours = AutoStream::choice(&io::stderr()) != ColorChoice::Never;
    // It fails only if there is a subscriber already, which then goes on.
    let _ = tracing_subscriber::fmt()
        .with_max_level(Level::DEBUG)
        .with_ansi(colours)
        .with_writer(io::stderr)
        .event_format(InVirtualTime)
        .try_init();
}

/// One line for each event: the virtual time it carries, its host, its message, the rest.
/// There is no wall clock in it, so that two runs write the same lines.
struct InVirtualTime;

impl<S, N> FormatEvent<S, N> for InVirtualTime
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = Line::default();
        event.record(&mut line);
        writeln!(writer, "{:>10}  {:<8}  {}{}", line.at, line.host, line.message, line.rest)
    }
}

/// The fields of an event, those that every line begins with apart.
#[derive(Default)]
struct Line {
    at: String,
    host: String,
    message: String,
    rest: String,
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text = format!("{value:?}");
        match field.name() {
            "at" => self.at = text,
            "host" => self.host = text,
            "message" => self.message = text,
            // Writing to a String cannot fail.
            name => drop(write!(self.rest, " {name}={text}")),
        }
    }
}
