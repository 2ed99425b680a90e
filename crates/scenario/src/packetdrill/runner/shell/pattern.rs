//! The patterns of `grep`, as far as scripts have them: basic and extended regular expressions
//! without groups.

/// More steps than this are not made for one text: a pattern of stars could take for ever.
const MAX_STEPS: usize = 1_000_000;

/// A longer pattern is none that anybody writes: each of its characters is a call within a call.
const MAX_OCTETS: usize = 1_000;

/// The steps that were made for a text.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Steps(usize);

impl Steps {
    /// Whether there were too many: what was said then means nothing.
    pub(super) const fn are_too_many(self) -> bool {
        self.0 > MAX_STEPS
    }
}

/// A pattern: any of several alternatives.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    alternatives: Vec<Alternative>,
    case: Case,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Case {
    Matters,
    Ignored,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Syntax {
    /// `grep -F`
    Fixed,
    /// `grep`
    Basic,
    /// `grep -E`
    Extended,
}

#[derive(Clone, Debug, Default)]
struct Alternative {
    from_start: bool,
    to_end: bool,
    atoms: Vec<(Atom, Repeat)>,
}

#[derive(Clone, Debug)]
enum Atom {
    Any,
    One(char),
    Space,
    Class { negated: bool, ranges: Vec<(char, char)> },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Repeat {
    Once,
    Optional,
    Star,
    Plus,
}

impl Pattern {
    /// `None` for what is not understood: groups, counts.
    pub(super) fn new(text: &str, syntax: Syntax, case: Case) -> Option<Self> {
        if text.len() > MAX_OCTETS {
            return None;
        }
        let text = match case {
            Case::Matters => text.to_owned(),
            Case::Ignored => text.to_lowercase(),
        };
        let alternatives: Option<Vec<Alternative>> = match syntax {
            Syntax::Fixed => text.lines().map(|line| Some(Alternative::fixed(line))).collect(),
            Syntax::Basic => {
                text.split("\\|").map(|part| Alternative::read(part, syntax)).collect()
            }
            Syntax::Extended => {
                text.split('|').map(|part| Alternative::read(part, syntax)).collect()
            }
        };
        Some(Self { alternatives: alternatives?, case })
    }

    /// Whether it occurs in a line.
    pub(super) fn occurs(&self, line: &str, steps: &mut Steps) -> bool {
        let line: Vec<char> = match self.case {
            Case::Matters => line.chars().collect(),
            Case::Ignored => line.to_lowercase().chars().collect(),
        };
        self.alternatives.iter().any(|alternative| {
            let starts = if alternative.from_start { 0..=0 } else { 0..=line.len() };
            starts.into_iter().any(|start| {
                let rest = line.get(start..).unwrap_or_default();
                alternative.matches(&alternative.atoms, rest, steps)
            })
        })
    }
}

impl Alternative {
    fn fixed(text: &str) -> Self {
        let atoms = text.chars().map(|c| (Atom::One(c), Repeat::Once)).collect();
        Self { atoms, ..Self::default() }
    }

    fn read(text: &str, syntax: Syntax) -> Option<Self> {
        let mut this = Self::default();
        let mut rest = text;
        if let Some(after) = rest.strip_prefix('^') {
            (this.from_start, rest) = (true, after);
        }
        if let Some(before) = rest.strip_suffix('$').filter(|before| !before.ends_with('\\')) {
            (this.to_end, rest) = (true, before);
        }
        while let Some(c) = rest.chars().next() {
            rest = &rest[c.len_utf8()..];
            let atom = match c {
                '.' => Atom::Any,
                '[' => class(&mut rest)?,
                '\\' => escaped(&mut rest)?,
                '(' | ')' | '{' | '}' if syntax == Syntax::Extended => return None,
                c => Atom::One(c),
            };
            this.atoms.push((atom, repeat(&mut rest, syntax)));
        }
        Some(this)
    }

    fn matches(&self, atoms: &[(Atom, Repeat)], text: &[char], steps: &mut Steps) -> bool {
        steps.0 += 1;
        if steps.are_too_many() {
            return false;
        }
        let Some(((atom, repeat), rest)) = atoms.split_first() else {
            return !self.to_end || text.is_empty();
        };
        let (least, most) = match repeat {
            Repeat::Once => (1, 1),
            Repeat::Optional => (0, 1),
            Repeat::Star => (0, text.len()),
            Repeat::Plus => (1, text.len()),
        };
        let run = text.iter().take(most).take_while(|c| atom.takes(**c)).count();
        (least..=run).rev().any(|taken| self.matches(rest, &text[taken..], steps))
    }
}

impl Atom {
    fn takes(&self, c: char) -> bool {
        match self {
            Self::Any => true,
            Self::One(one) => *one == c,
            Self::Space => c.is_whitespace(),
            Self::Class { negated, ranges } => {
                ranges.iter().any(|(first, last)| (*first..=*last).contains(&c)) != *negated
            }
        }
    }
}

fn escaped(rest: &mut &str) -> Option<Atom> {
    let c = rest.chars().next()?;
    *rest = &rest[c.len_utf8()..];
    match c {
        's' => Some(Atom::Space),
        '(' | ')' | '{' | '}' | '<' | '>' | 'b' | 'w' => None,
        c => Some(Atom::One(c)),
    }
}

/// `[0-9]`, `[^ ]`, `[[:space:]]`
fn class(rest: &mut &str) -> Option<Atom> {
    for (name, ranges) in [
        ("[:space:]]", vec![(' ', ' '), ('\t', '\t')]),
        ("[:digit:]]", vec![('0', '9')]),
        ("[:alpha:]]", vec![('a', 'z'), ('A', 'Z')]),
        ("[:upper:]]", vec![('A', 'Z')]),
    ] {
        if let Some(after) = rest.strip_prefix(name) {
            *rest = after;
            return Some(Atom::Class { negated: false, ranges });
        }
    }
    let end = rest.char_indices().skip(1).find(|(_, c)| *c == ']')?.0;
    let (body, after) = rest.split_at(end);
    *rest = &after[1..];
    let (negated, body) = body.strip_prefix('^').map_or((false, body), |body| (true, body));
    let chars: Vec<char> = body.chars().collect();
    let mut ranges = Vec::new();
    let mut at = 0;
    while let Some(&first) = chars.get(at) {
        let is_range = chars.get(at + 1) == Some(&'-');
        let last = chars.get(at + 2).filter(|_| is_range);
        ranges.push((first, *last.unwrap_or(&first)));
        at += if last.is_some() { 3 } else { 1 };
    }
    Some(Atom::Class { negated, ranges })
}

fn repeat(rest: &mut &str, syntax: Syntax) -> Repeat {
    let signs: &[(&str, Repeat)] = match syntax {
        Syntax::Fixed => &[],
        Syntax::Basic => &[("*", Repeat::Star), ("\\+", Repeat::Plus), ("\\?", Repeat::Optional)],
        Syntax::Extended => &[("*", Repeat::Star), ("+", Repeat::Plus), ("?", Repeat::Optional)],
    };
    for (sign, repeat) in signs {
        if let Some(after) = rest.strip_prefix(sign) {
            *rest = after;
            return *repeat;
        }
    }
    Repeat::Once
}

#[cfg(test)]
mod tests {
    use super::*;

    fn occurs(pattern: &Pattern, line: &str) -> bool {
        let mut steps = Steps::default();
        let occurs = pattern.occurs(line, &mut steps);
        assert!(!steps.are_too_many());
        occurs
    }

    #[test]
    fn patterns_as_grep_has_them() {
        let table = [
            (Syntax::Basic, "ESTAB", "tcp ESTABLISHED", true),
            (Syntax::Basic, "ESTABLISHED$", "tcp ESTABLISHED ", false),
            (Syntax::Basic, "^tcp4.*8080.*LISTEN", "tcp4 0 0 1.2.3.4.8080 *.* LISTEN", true),
            (Syntax::Basic, "192\\.168", "192x168", false),
            (Syntax::Basic, "A|B", "B", false),
            (Syntax::Basic, "A\\|B", "B", true),
            (Syntax::Extended, "FIN_WAIT_[12]|CLOSING", "tcp FIN_WAIT_2", true),
            (Syntax::Extended, "1 +2?3", "1   3", true),
            (Syntax::Fixed, "a.c", "abc", false),
            (Syntax::Basic, "[^0-9]8080[[:space:]]", ":8080 ", true),
            (Syntax::Basic, "\\s", "ab", false),
        ];
        for (syntax, pattern, line, expected) in table {
            let read = Pattern::new(pattern, syntax, Case::Matters).expect(pattern);
            assert_eq!(occurs(&read, line), expected, "{pattern} in {line}");
        }
        assert!(Pattern::new("(a)", Syntax::Extended, Case::Matters).is_none());
        let listen = Pattern::new("listen", Syntax::Basic, Case::Ignored).expect("ok");
        assert!(occurs(&listen, "LISTEN"));
    }

    #[test]
    fn a_pattern_of_stars_ends() {
        let pattern = Pattern::new(&"a*".repeat(60), Syntax::Basic, Case::Matters).expect("ok");
        assert!(occurs(&pattern, &"a".repeat(60)));
        let pattern = format!("{}b", "a*".repeat(60));
        let pattern = Pattern::new(&pattern, Syntax::Basic, Case::Matters).expect("ok");
        let mut steps = Steps::default();
        assert!(!pattern.occurs(&"a".repeat(200), &mut steps));
        assert!(steps.are_too_many());
    }
}
