//! Commands that only look at text: `grep`, `wc`, `test` and the like.

use super::Output;
use super::pattern::{Case, Pattern, Steps, Syntax};

/// What a filter makes of its input; `None` if it is not one of ours, or is used in another way.
pub(super) fn filter(name: &str, arguments: &[&str], input: Option<&str>) -> Option<Output> {
    match (name, input) {
        ("test", _) => test(arguments).map(Output::holds),
        ("[", _) => test(arguments.strip_suffix(&["]"])?).map(Output::holds),
        ("grep" | "egrep" | "fgrep", Some(text)) => grep(name, arguments, text),
        ("wc", Some(text)) if arguments == ["-l"] => {
            Some(Output::text(format!("{}\n", text.lines().count())))
        }
        ("head" | "tail", Some(text)) => ends(name, arguments, text),
        ("awk", Some(text)) => column(arguments, text),
        ("cat" | "sort" | "uniq" | "tee", Some(text)) if arguments.is_empty() => {
            Some(Output::text(text.to_owned()))
        }
        _ => None,
    }
}

/// `awk '{print $7}'`: one column.
fn column(arguments: &[&str], text: &str) -> Option<Output> {
    let [program] = arguments else { return None };
    let body = program.trim().strip_prefix('{')?.strip_suffix('}')?;
    let number: usize =
        body.trim().strip_prefix("print")?.trim().strip_prefix('$')?.parse().ok()?;
    let word = |line: &str| line.split_whitespace().nth(number - 1).unwrap_or_default().to_owned();
    let words = || text.lines().map(|line| word(line) + "\n").collect();
    (number > 0).then(words).map(Output::text)
}

/// What the letters of `grep` ask for.
#[derive(Default)]
struct Wanted {
    quiet: bool,
    inverted: bool,
    count: bool,
}

fn grep(name: &str, arguments: &[&str], text: &str) -> Option<Output> {
    let mut wanted = Wanted::default();
    let mut case = Case::Matters;
    let mut syntax = match name {
        "egrep" => Syntax::Extended,
        "fgrep" => Syntax::Fixed,
        _ => Syntax::Basic,
    };
    let mut patterns: Vec<&str> = Vec::new();
    let mut rest = arguments.iter();
    while let Some(&argument) = rest.next() {
        let Some(letters) = argument.strip_prefix('-').filter(|letters| !letters.is_empty()) else {
            patterns.push(argument);
            continue;
        };
        for letter in letters.chars() {
            match letter {
                'q' | 's' => wanted.quiet |= letter == 'q',
                'v' => wanted.inverted = true,
                'c' => wanted.count = true,
                'i' => case = Case::Ignored,
                'E' => syntax = Syntax::Extended,
                'F' => syntax = Syntax::Fixed,
                'w' | 'a' => {}
                'e' => patterns.push(rest.next()?),
                _ => return None,
            }
        }
    }
    let patterns: Option<Vec<Pattern>> =
        patterns.iter().map(|pattern| Pattern::new(pattern, syntax, case)).collect();
    let patterns = patterns.filter(|patterns| !patterns.is_empty())?;
    let mut steps = Steps::default();
    let mut occurs = |line: &str| patterns.iter().any(|pattern| pattern.occurs(line, &mut steps));
    let lines: Vec<&str> = text.lines().filter(|line| occurs(line) != wanted.inverted).collect();
    (!steps.are_too_many()).then(|| wanted.of(&lines))
}

impl Wanted {
    fn of(&self, lines: &[&str]) -> Output {
        let mut output = Output::holds(!lines.is_empty());
        if self.count {
            output.text = format!("{}\n", lines.len());
        } else if !self.quiet {
            output.text = together(lines);
        }
        output
    }
}

/// Lines, each with its end.
fn together(lines: &[&str]) -> String {
    lines.iter().flat_map(|line| [*line, "\n"]).collect()
}

/// `head -n 1`, `tail -1`
fn ends(name: &str, arguments: &[&str], text: &str) -> Option<Output> {
    let count: usize = match arguments {
        [] => 10,
        ["-n", count] => count.parse().ok()?,
        [count] => count.trim_start_matches("-n").trim_start_matches('-').parse().ok()?,
        _ => return None,
    };
    let lines: Vec<&str> = text.lines().collect();
    let skipped = if name == "tail" { lines.len().saturating_sub(count) } else { 0 };
    let kept = lines.get(skipped..).unwrap_or_default();
    Some(Output::text(together(&kept[..count.min(kept.len())])))
}

/// More words than this are no condition that anybody writes.
const MAX_WORDS: usize = 64;

/// `test`, without files.
fn test(arguments: &[&str]) -> Option<bool> {
    let number = |text: &str| text.trim().parse::<i64>().ok();
    if arguments.len() > MAX_WORDS {
        return None;
    }
    match arguments {
        ["!", rest @ ..] => test(rest).map(|holds| !holds),
        [left, "-a", rest @ ..] => Some(!left.is_empty() && test(rest)?),
        [] => Some(false),
        [text] | ["-n", text] => Some(!text.is_empty()),
        ["-z", text] => Some(text.is_empty()),
        [left, "=" | "==", right] => Some(left == right),
        [left, "!=", right] => Some(left != right),
        [left, operator, right] => {
            let (left, right) = (number(left)?, number(right)?);
            Some(match *operator {
                "-eq" => left == right,
                "-ne" => left != right,
                "-lt" => left < right,
                "-le" => left <= right,
                "-gt" => left > right,
                "-ge" => left >= right,
                _ => return None,
            })
        }
        _ => None,
    }
}
