//! `twomsl demo`: the library of scenarios as lessons.

use std::fmt::Write as _;
use std::io::{self, BufRead as _, IsTerminal as _};

use twomsl::scenario::Scenario;
use twomsl::trace::ladder::{self, Colour, Form};
use twomsl::trace::{Event, Trace, ss};

use super::Verdict;
use super::library::{self, Tale};
use crate::args::Demo;
use crate::output::{Output, complain};
use crate::{measures, story};

/// Lists the questions, or tells what was asked for.
pub(crate) fn demo(args: &Demo) -> Verdict {
    let output = Output::Standard;
    let told = if args.names.is_empty() && !args.all {
        list(output.columns()).and_then(|text| output.print(&text)).map(|()| Verdict::Holds)
    } else {
        tell_all(args, &output)
    };
    told.unwrap_or_else(|message| {
        complain(&message);
        Verdict::Unusable
    })
}

/// The questions by theme.
fn list(columns: Option<usize>) -> Result<String, String> {
    let tales = library::tales(|_, _| true)?;
    let width = tales.iter().map(|tale| tale.name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for theme in tales.chunk_by(|a, b| a.theme == b.theme) {
        let name = theme.first().map_or("", |tale| tale.theme);
        let _ = writeln!(text, "{name}"); // writing to a String cannot fail
        for tale in theme {
            let about = tale.scenario.story();
            let what = about.claim.as_ref().map_or(&about.question, |claim| claim);
            let line = format!("  {:width$}  {what}", tale.name);
            let _ = writeln!(text, "{}", cut(&line, columns));
        }
        text.push('\n');
    }
    text.push_str(
        "Tell one with: twomsl demo NAME   (a theme tells all of it, --step waits at every turn)\n",
    );
    Ok(text)
}

/// A line of the list, as long as the terminal is wide. A pipe gets all of it.
fn cut(line: &str, columns: Option<usize>) -> String {
    match columns {
        Some(columns) if line.chars().count() > columns => {
            let head: String = line.chars().take(columns.saturating_sub(1)).collect();
            format!("{}…", head.trim_end())
        }
        _ => line.to_owned(),
    }
}

fn tell_all(args: &Demo, output: &Output) -> Result<Verdict, String> {
    let mut worst = Verdict::Holds;
    for tale in chosen(args)? {
        worst = worst.max(tell(&tale, args, output)?);
    }
    Ok(worst)
}

/// The scenarios that the arguments name.
fn chosen(args: &Demo) -> Result<Vec<Tale>, String> {
    let is = |wanted: &String, theme: &str, name: &str| {
        wanted == theme || wanted == name || *wanted == format!("{theme}/{name}")
    };
    for wanted in &args.names {
        if !library::names().any(|(theme, name)| is(wanted, theme, name)) {
            let known = library::names().flat_map(|(theme, name)| [theme, name]);
            let hint = twomsl::scenario::hint(wanted, known);
            let hint = hint.unwrap_or_else(|| "`twomsl demo` lists them".to_owned());
            return Err(format!("error: there is no scenario or theme `{wanted}` ({hint})\n"));
        }
    }
    library::tales(|theme, name| {
        args.all || args.names.iter().any(|wanted| is(wanted, theme, name))
    })
}

/// One lesson, from its question to what to try next.
fn tell(tale: &Tale, args: &Demo, output: &Output) -> Result<Verdict, String> {
    let about = tale.scenario.story();
    let columns = output.columns();
    output.print(&format!("{}   ({})\n\n", about.title, tale.path))?;
    output.print(&story::question(about, columns))?;
    let mut runs = Vec::new();
    for run in all_runs(&tale.scenario)? {
        let outcome = run.run().map_err(|error| format!("error: {error}\n"))?;
        output.print("\n")?;
        show(&outcome.trace, args, output)?;
        if !outcome.holds() {
            complain(&outcome.report());
            return Ok(Verdict::Fails);
        }
        runs.push((name_of(&run), outcome));
    }
    if runs.len() > 1 {
        output.print(&format!("\nSide by side:\n{}", measures::side_by_side(&runs)))?;
    }
    output.print(&story::answer(about, columns))?;
    if !about.next.is_empty() {
        output.print("Try next:\n")?;
        about.next.iter().try_for_each(|command| output.print(&format!("  {command}\n")))?;
    }
    output.print("\n")?;
    Ok(Verdict::Holds)
}

/// The file's own run, then its variants.
fn all_runs(scenario: &Scenario) -> Result<Vec<Scenario>, String> {
    let variants = scenario.variants().map(|name| scenario.variant(name));
    let variants = variants.collect::<Result<Vec<_>, _>>();
    let variants = variants.map_err(|error| format!("error: {error}\n"))?;
    Ok(std::iter::once(scenario.clone()).chain(variants).collect())
}

/// What a run is called beside the others.
fn name_of(run: &Scenario) -> String {
    let own = || run.story().case.clone().unwrap_or_else(|| "as it is".to_owned());
    run.chosen_variant().map_or_else(own, ToOwned::to_owned)
}

/// The ladder, cut at the remarks, each followed by the socket tables that belong to it.
fn show(trace: &Trace, args: &Demo, output: &Output) -> Result<(), String> {
    let colour = if output.takes_colours() { Colour::On } else { Colour::Off };
    let tables = tables(trace);
    for (index, part) in ladder::parts(trace, Form::default(), colour).into_iter().enumerate() {
        output.print(&without_middle(&part))?;
        if let Some(table) = tables.get(index) {
            output.print(table)?;
            wait(args);
        }
    }
    Ok(())
}

/// More lines than this between two remarks are not a lesson: the first and the last are shown.
const LONGEST: usize = 120;

fn without_middle(part: &str) -> String {
    let lines: Vec<&str> = part.lines().collect();
    if lines.len() <= LONGEST {
        return part.to_owned();
    }
    let (head, tail) = (&lines[..LONGEST / 2], &lines[lines.len() - LONGEST / 3..]);
    let left = lines.len() - head.len() - tail.len();
    let note = format!("          ┊ {left} lines are left out here: `twomsl run` shows them");
    format!("{}\n{note}\n{}\n", head.join("\n"), tail.join("\n"))
}

/// For every remark the tables that were written down with it.
fn tables(trace: &Trace) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let mut behind_remark = false;
    for record in &trace.records {
        match &record.event {
            Event::Remark { .. } => {
                all.push(String::new());
                behind_remark = true;
            }
            Event::Table { host, sockets } if behind_remark => {
                let table = ss::table(record.at, sockets);
                let name = trace.about.name(*host);
                let last = all.last_mut().into_iter();
                last.for_each(|text| {
                    text.push_str(&indented(&format!("sockets of {name}\n{table}")));
                });
            }
            _ => behind_remark = false,
        }
    }
    all
}

fn indented(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(|line| format!("      {line}\n")).collect();
    lines.concat()
}

/// Waits for Enter, if somebody is there to press it.
fn wait(args: &Demo) {
    if args.step && io::stdin().is_terminal() && io::stdout().is_terminal() {
        // Nothing is read from the line, and the end of the input is as good as Enter.
        let _ = io::stdin().lock().read_line(&mut String::new());
    }
}
