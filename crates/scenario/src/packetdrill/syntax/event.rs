//! The script as a whole: options, events, and going on behind a mistake.

use winnow::Parser as _;
use winnow::error::ErrMode;
use winnow::stream::{LocatingSlice, Location as _, Stateful, Stream as _};
use winnow::token::take_while;

use super::fault::{Context, Fault, Input, Parsed, expected, wrong};
use super::lexeme::{is_at, is_word_start, since, space, space_in_line, start};
use super::{Defines, MAX_EVENTS, MAX_PROBLEMS, call, packet, time};
use crate::diagnostic::{Problem, Span};
use crate::packetdrill::script::{Action, Direction, Event, Script, ScriptOption, Time};

/// Reads all of a prepared text, with what is wrong with it.
pub(super) fn script(text: &str, defines: &Defines) -> (Script, Vec<Problem>) {
    let context = Context { defines, depth: 0, untimed: 0 };
    let mut input = Stateful { input: LocatingSlice::new(text), state: context };
    let mut script = Script::default();
    let mut problems = Vec::new();
    while problems.len() < MAX_PROBLEMS && !at_end(&mut input) {
        let before = input.current_token_start();
        input.state.depth = 0;
        let Err(error) = item(&mut input, &mut script) else { continue };
        let (problem, at) = explain(error, text);
        problems.push(problem);
        recover(&mut input, before, at, text);
    }
    (script, problems)
}

fn at_end(input: &mut Input<'_>) -> bool {
    // Skipping space cannot fail.
    let _ = space(input);
    input.is_empty()
}

/// An option, a command at the beginning, or an event.
fn item(input: &mut Input<'_>, script: &mut Script) -> Parsed<()> {
    if is_at(input, "--")? {
        let found = option(input)?;
        if !script.events.is_empty() {
            let what = format!("option `--{}` behind the first event", found.name);
            return Err(wrong(Problem::at(found.span, what).help("options come first")));
        }
        script.options.push(found);
        return Ok(());
    }
    let event = if is_at(input, "`")? { first_command(input, script)? } else { event(input)? };
    if script.events.len() >= MAX_EVENTS {
        let what = format!("more than {MAX_EVENTS} events");
        return Err(wrong(Problem::at(event.span, what).label("one too many")));
    }
    script.events.push(event);
    Ok(())
}

/// `--name=value`, or `--name value` on one line.
fn option(input: &mut Input<'_>) -> Parsed<ScriptOption> {
    let start = start(input)?;
    "--".void().parse_next(input)?;
    if !input.starts_with(is_word_start) {
        return Err(expected(input, "the name of an option"));
    }
    let name: &str = take_while(1.., |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
        .parse_next(input)?;
    space_in_line(input)?;
    let has_value = input.starts_with('=');
    if has_value {
        "=".void().parse_next(input)?;
        space_in_line(input)?;
    }
    let text: &str = if has_value || !is_other_option(input) {
        take_while(0.., |c: char| !c.is_whitespace()).parse_next(input)?
    } else {
        ""
    };
    let value = text.trim_matches('"');
    if has_value && value.is_empty() {
        return Err(expected(input, "the value of this option"));
    }
    let value = (!value.is_empty()).then(|| value.to_owned());
    Ok(ScriptOption { name: name.to_owned(), value, span: since(input, start) })
}

fn is_other_option(input: &Input<'_>) -> bool {
    input.starts_with("--")
}

/// Before the first event, a command needs no time.
fn first_command(input: &mut Input<'_>, script: &Script) -> Parsed<Event> {
    let start = start(input)?;
    if script.events.len() != input.state.untimed {
        let problem = Problem::at(Span::new(start, 1), "a command without a time".to_owned());
        return Err(wrong(problem.help("write `+0` before it")));
    }
    let action = command(input)?;
    input.state.untimed += 1;
    Ok(Event { time: Time::Absolute(0), action, span: since(input, start) })
}

fn event(input: &mut Input<'_>) -> Parsed<Event> {
    let start = start(input)?;
    if !time::is_time(input) && !input.starts_with(['*', '-']) {
        return Err(no_event(input));
    }
    let time = time::time(input)?;
    let time_span = since(input, start);
    let action = action(input)?;
    check_time(time, &action, time_span)?;
    Ok(Event { time, action, span: since(input, start) })
}

/// What to say where no event begins: often only its time is missing.
fn no_event(input: &Input<'_>) -> ErrMode<Fault> {
    let is_event = input.starts_with(['<', '>']) || input.starts_with("%{");
    if is_event {
        let span = Span::new(input.current_token_start(), 1);
        let problem = Problem::at(span, "an event without a time".to_owned());
        return wrong(problem.help("write a time before it, such as `+0`"));
    }
    expected(input, "an event with its time, such as `+.1 < . 1:1(0) ack 1 win 257`")
}

fn action(input: &mut Input<'_>) -> Parsed<Action> {
    space(input)?;
    if input.starts_with('`') {
        return command(input);
    }
    if input.starts_with("%{") {
        return code(input);
    }
    if input.starts_with(['<', '>']) {
        return packet::packet(input).map(|packet| Action::Packet(Box::new(packet)));
    }
    if input.starts_with(is_word_start) {
        return call::call(input).map(Action::Call);
    }
    Err(expected(
        input,
        "a packet (`<` or `>`), a system call, a command in backticks or `%{ … }%`",
    ))
}

/// What stands in backticks; that they are closed is known.
fn command(input: &mut Input<'_>) -> Parsed<Action> {
    enclosed(input, "`", "`").map(|text| Action::Command(text.to_owned()))
}

fn code(input: &mut Input<'_>) -> Parsed<Action> {
    enclosed(input, "%{", "}%").map(|text| Action::Code(text.to_owned()))
}

fn enclosed<'a>(input: &mut Input<'a>, open: &'static str, close: &'static str) -> Parsed<&'a str> {
    open.void().parse_next(input)?;
    let Some(length) = input.find(close) else { return Err(expected(input, close)) };
    let text = input.next_slice(length);
    close.void().parse_next(input)?;
    Ok(text)
}

/// Only a packet that is waited for may come at any time, and only a call may take a while.
fn check_time(time: Time, action: &Action, span: Span) -> Parsed<()> {
    let waits = matches!(action, Action::Packet(packet) if packet.direction == Direction::Outbound);
    let (fits, what) = match time {
        Time::Absolute(_) | Time::Relative(_) => (true, ""),
        Time::Any => (waits, "`*` is for packets that are sent (`>`) only"),
        Time::AbsoluteRange(..) | Time::RelativeRange(..) => {
            (waits, "a range of times is for packets that are sent (`>`) only")
        }
        Time::AbsoluteCall(..) | Time::RelativeCall(..) => {
            (matches!(action, Action::Call(_)), "a beginning and an end are for system calls only")
        }
    };
    if fits { Ok(()) } else { Err(wrong(Problem::at(span, what.to_owned()))) }
}

/// The problem, and how far the grammar had come.
fn explain(error: ErrMode<Fault>, text: &str) -> (Problem, usize) {
    match error {
        ErrMode::Backtrack(fault) | ErrMode::Cut(fault) => {
            let at = fault.at();
            (fault.problem(text), at)
        }
        // The whole text is there.
        ErrMode::Incomplete(_) => {
            (Problem::anywhere("the script is not whole".to_owned()), text.len())
        }
    }
}

/// Goes on at the next line, behind the mistake, that begins with a time.
fn recover(input: &mut Input<'_>, before: usize, at: usize, text: &str) {
    let here = input.current_token_start();
    let at = if at == usize::MAX { here } else { at.max(here).min(text.len()) };
    let from = at.max(before + 1);
    // The mistake may be the first token of a good line, with something missing before it.
    let mut next = from;
    let found = loop {
        let Some(rest) = text.get(next..) else { break text.len() };
        let Some(end) = rest.find('\n') else { break text.len() };
        next += end + 1;
        let line = text.get(next..).unwrap_or_default().trim_start_matches([' ', '\t']);
        if time::is_time(line) {
            break next;
        }
    };
    let ahead = found.saturating_sub(here).min(input.len());
    let _ = input.next_slice(ahead);
}
