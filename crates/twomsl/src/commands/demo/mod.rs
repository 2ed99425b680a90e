//! `twomsl demo`: the library of scenarios as lessons.

mod lesson;
mod list;
mod searches;
mod tables;

use std::io::{self, BufRead as _, IsTerminal as _};
use std::path::Path;

use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};
use twomsl::scenario::Scenario;
use twomsl::trace::ladder;

use self::lesson::Lesson;
use super::Verdict;
use super::library::{self, ENTRIES, Entry};
use crate::args::Demo;
use crate::output::{Output, complain};
use crate::story::indented;

/// Lists the questions, or tells what was asked for.
pub(crate) fn demo(args: &Demo) -> Verdict {
    let output = Output::Standard;
    let look = Look::new(args, &output);
    let told = if args.names.is_empty() && !args.all {
        output.print(&list::list(&look)).map(|()| Verdict::Holds)
    } else {
        tell_all(args, &look, &output)
    };
    told.unwrap_or_else(|message| {
        complain(&message);
        Verdict::Unusable
    })
}

/// How lessons look.
#[derive(Clone, Copy, Debug)]
struct Look {
    /// Columns that there are.
    columns: usize,
    colour: ladder::Colour,
}

impl Look {
    fn new(args: &Demo, output: &Output) -> Self {
        let colour = if output.takes_colours() { ladder::Colour::On } else { ladder::Colour::Off };
        let columns = args.width.or_else(|| output.columns());
        Self { columns: columns.unwrap_or_else(|| output.ladder_columns()), colour }
    }

    /// For a ladder: no wider than it needs.
    fn form(&self) -> ladder::Form {
        let form = ladder::Form::default();
        ladder::Form { width: self.columns.min(form.width), ..form }
    }
}

/// One after the other in the order of the arguments, though several are made at once: nobody
/// waits for a lesson that the one before it does not need.
fn tell_all(args: &Demo, look: &Look, output: &Output) -> Result<Verdict, String> {
    let mut worst = Verdict::Holds;
    let chosen = chosen(args)?;
    output.print(&format!("{}\n", key(look)))?;
    let waits = args.step && io::stdin().is_terminal() && output.is_terminal();
    let at_once = if waits { 1 } else { 2 * rayon::current_num_threads() };
    for tales in chosen.chunks(at_once) {
        let lessons: Vec<_> =
            tales.par_iter().map(|tale| Lesson::new(&tale.scenario()?, look)).collect();
        for lesson in lessons {
            worst = worst.max(tell(&lesson?, waits, output)?);
        }
    }
    Ok(worst)
}

/// How the pictures are read, for whoever sees the first.
fn key(look: &Look) -> String {
    indented(LADDERS, "", look.columns) + &indented(TABLES, "", look.columns)
}

const LADDERS: &str = "How to read it: time runs downwards, in seconds. Each host has a rail (│); beside it stand the \
    calls of its application (read-to-end → 5: it has read five octets), its changes of state \
    (ESTABLISHED → FIN-WAIT-1) and its timers. ├─ … ─▶ is a segment, drawn when it is sent: its flags (SYN opens, \
    FIN ends a direction, ACK acknowledges, RST breaks off, PSH ends what was written), the number of its first \
    octet (seq, counted from 0), the number that its sender waits for next (ack), how much more it takes in (win), \
    and how much text it has (len); on a SYN also what its sender can do: the largest segment it takes (mss), selective \
    acknowledgments (sackOK), timestamps (TS), the scale of its windows (ws). In brackets stands why it is sent: (again: …); \
    (delayed ACK), it has waited for text to ride on; (duplicate ACK), it asks for what is missing. #2 belongs to the \
    second connection, if there are several. ✗ it is lost; ~ it comes later; * no host has made it, but a forger or a box between \
    the hosts; ⇒ what its receiver makes of it; ■ something befalls a host; ┄ nothing happens for so long; » what there is to \
    say about it. A call that answers EAGAIN was given up after a time. The page docs/ladder.md has every sign.";

const TABLES: &str = "A table of sockets is like that of `ss` on Linux: octets not yet read (Recv-Q) and not yet \
    acknowledged (Send-Q; a LISTEN has there the connections that wait to be accepted, and how many may wait), both addresses with their ports, for how many seconds the socket has been in its state \
    (Age), who holds it (app; orphan: nobody any more), and the timer that runs, with the time left and how often \
    something was sent again (on: until it is sent again; persist: until the window is asked for; timewait: until the \
    socket is gone).";

/// What a lesson is made of.
enum Tale {
    Library(&'static Entry),
    File(Box<Scenario>),
}

impl Tale {
    fn scenario(&self) -> Result<Scenario, String> {
        match self {
            Self::Library(entry) => entry.scenario(),
            Self::File(scenario) => Ok((**scenario).clone()),
        }
    }
}

/// What the arguments name.
fn chosen(args: &Demo) -> Result<Vec<Tale>, String> {
    if args.all {
        return Ok(ENTRIES.iter().map(Tale::Library).collect());
    }
    let named = args.names.iter().map(|word| named(word)).collect::<Result<Vec<_>, _>>()?;
    Ok(named.into_iter().flatten().collect())
}

/// What one word names: all of a theme, or one scenario of the library, or a file.
fn named(word: &str) -> Result<Vec<Tale>, String> {
    let theme = word.strip_suffix('/').unwrap_or(word);
    let of_theme: Vec<&Entry> = ENTRIES.iter().filter(|entry| entry.theme == theme).collect();
    let called: Vec<&Entry> = ENTRIES.iter().filter(|entry| entry.is_called(word)).collect();
    match (of_theme.as_slice(), called.as_slice()) {
        ([], _) => {}
        (_, []) => return Ok(of_theme.into_iter().map(Tale::Library).collect()),
        (_, [entry, ..]) => {
            let one = entry.full_name();
            return Err(format!(
                "error: `{word}` is a theme and a scenario: say `{word}/` for all of the theme, or `{one}`\n"
            ));
        }
    }
    match called.as_slice() {
        [entry] if !Path::new(word).is_file() => Ok(vec![Tale::Library(entry)]),
        _ => library::load(Path::new(word)).map(|scenario| vec![Tale::File(Box::new(scenario))]),
    }
}

/// A lesson piece by piece, and what does not hold of it.
fn tell(lesson: &Lesson, waits: bool, output: &Output) -> Result<Verdict, String> {
    let last = lesson.pieces.len().saturating_sub(1);
    for (place, piece) in lesson.pieces.iter().enumerate() {
        output.print(piece)?;
        if waits && place < last && wait(output)? == Answer::Leave {
            break;
        }
    }
    match &lesson.failure {
        Some(report) => {
            complain(report);
            Ok(Verdict::Fails)
        }
        None => Ok(Verdict::Holds),
    }
}

/// What somebody at a terminal wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    GoOn,
    Leave,
}

/// Waits for Enter.
fn wait(output: &Output) -> Result<Answer, String> {
    output.print("(Enter: go on, q: leave) ")?;
    let mut line = String::new();
    // The end of the input is as good as Enter.
    let _ = io::stdin().lock().read_line(&mut line);
    Ok(if line.trim() == "q" { Answer::Leave } else { Answer::GoOn })
}
