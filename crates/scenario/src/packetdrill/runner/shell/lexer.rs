//! The words of a shell: quotes, variables, pipes, lists.

/// What a word is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Literal(String),
    Variable {
        name: String,
        /// What stands for a variable that is not set or empty: `${NAME:-otherwise}`.
        otherwise: String,
        quoted: bool,
    },
    /// `$(…)`
    Substitution {
        text: String,
        quoted: bool,
    },
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Word(pub(super) Vec<Part>);

/// When a command of a list runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Connector {
    /// After `;` or a new line.
    Always,
    /// After `&&`.
    And,
    /// After `||`.
    Or,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Redirection {
    /// `>` and `>>`
    Output,
    /// `2>`: there are none.
    Errors,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Command {
    pub(super) words: Vec<Word>,
    /// The last one.
    pub(super) redirection: Option<(Redirection, Word)>,
}

/// Commands with `|` between them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Pipeline {
    pub(super) commands: Vec<Command>,
    /// `!` before it.
    pub(super) negated: bool,
}

impl Pipeline {
    pub(super) fn is_exit(&self) -> bool {
        let first = self.commands.first().and_then(|command| command.words.first());
        first.is_some_and(|word| word.is("exit"))
    }
}

impl Word {
    /// Whether it is just this, without quotes or anything to expand.
    fn is(&self, text: &str) -> bool {
        matches!(&self.0[..], [Part::Literal(literal)] if literal == text)
    }

    fn push(&mut self, c: char) {
        match self.0.last_mut() {
            Some(Part::Literal(literal)) => literal.push(c),
            _ => self.0.push(Part::Literal(c.into())),
        }
    }
}

/// Words that begin what this shell does not have.
const KEYWORDS: [&str; 9] =
    ["if", "then", "else", "for", "while", "until", "case", "function", "{"];

/// The lists of a text. What cannot be read is not supported: an error has it in words.
pub(super) fn pipelines(text: &str) -> Result<Vec<(Connector, Pipeline)>, String> {
    let mut reader = Reader { rest: text, list: Vec::new(), connector: Connector::Always };
    let mut pipeline = Pipeline::default();
    let mut command = Command::default();
    while let Some(token) = reader.token()? {
        match token {
            Token::Word(word) => {
                let begins = command.words.is_empty() && pipeline.commands.is_empty();
                if begins && word.is("!") {
                    pipeline.negated = true;
                } else if command.words.is_empty() && KEYWORDS.iter().any(|name| word.is(name)) {
                    return Err(text.trim().to_owned());
                } else {
                    command.words.push(word);
                }
            }
            Token::Redirect(redirection, word) => command.redirection = Some((redirection, word)),
            Token::Pipe => pipeline.commands.push(std::mem::take(&mut command)),
            Token::End(next) => {
                let command = std::mem::take(&mut command);
                reader.end(std::mem::take(&mut pipeline), command, next);
            }
        }
    }
    reader.end(pipeline, command, Connector::Always);
    Ok(reader.list)
}

/// What ends a pipeline.
const ENDS: [(&str, Connector); 4] = [
    ("&&", Connector::And),
    ("||", Connector::Or),
    (";", Connector::Always),
    ("\n", Connector::Always),
];

enum Token {
    Word(Word),
    Redirect(Redirection, Word),
    Pipe,
    /// The end of a pipeline, and when the next runs.
    End(Connector),
}

struct Reader<'a> {
    rest: &'a str,
    list: Vec<(Connector, Pipeline)>,
    connector: Connector,
}

impl Reader<'_> {
    fn end(&mut self, mut pipeline: Pipeline, command: Command, next: Connector) {
        if !command.words.is_empty() || command.redirection.is_some() {
            pipeline.commands.push(command);
        }
        if pipeline.commands.is_empty() {
            // An empty line after `&&` changes nothing.
            return;
        }
        self.list.push((self.connector, pipeline));
        self.connector = next;
    }

    fn take(&mut self, text: &str) -> bool {
        let rest = self.rest.strip_prefix(text);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn skip_space(&mut self) {
        loop {
            self.rest = self.rest.trim_start_matches([' ', '\t', '\r']);
            if self.rest.starts_with('#') {
                let end = self.rest.find('\n').unwrap_or(self.rest.len());
                self.rest = &self.rest[end..];
            }
            if !self.take("\\\n") && !self.take("\\\r\n") {
                return;
            }
        }
    }

    fn token(&mut self) -> Result<Option<Token>, String> {
        self.skip_space();
        if self.rest.is_empty() {
            return Ok(None);
        }
        for (text, connector) in ENDS {
            if self.take(text) {
                return Ok(Some(Token::End(connector)));
            }
        }
        if let Some(redirection) = self.redirection()? {
            return Ok(Some(redirection));
        }
        if self.take("|") {
            return Ok(Some(Token::Pipe));
        }
        if self.rest.starts_with(['&', '(', ')', '<']) {
            return Err(self.line());
        }
        self.word().map(Token::Word).map(Some)
    }

    /// `2>&1`, `&> file`, `>/dev/null`
    fn redirection(&mut self) -> Result<Option<Token>, String> {
        if self.take("2>&1") || self.take(">&2") || self.take("1>&2") {
            return Ok(Some(Token::Redirect(Redirection::Errors, Word::default())));
        }
        let kinds = [
            ("&>", Redirection::Output),
            ("2>>", Redirection::Errors),
            ("2>", Redirection::Errors),
            ("1>", Redirection::Output),
            (">>", Redirection::Output),
            (">", Redirection::Output),
        ];
        for (text, redirection) in kinds {
            if self.take(text) {
                self.skip_space();
                return Ok(Some(Token::Redirect(redirection, self.word()?)));
            }
        }
        Ok(None)
    }

    /// What is left of the line, for a message.
    fn line(&self) -> String {
        self.rest.lines().next().unwrap_or_default().trim().to_owned()
    }

    fn word(&mut self) -> Result<Word, String> {
        let mut word = Word::default();
        while let Some(c) = self.rest.chars().next() {
            match c {
                ' ' | '\t' | '\r' | '\n' | ';' | '&' | '|' | '>' | '<' | '(' | ')' => break,
                '\'' => self.single(&mut word)?,
                '"' => self.double(&mut word)?,
                '$' => self.dollar(&mut word, false)?,
                '`' => return Err(self.line()),
                '\\' => {
                    self.rest = &self.rest[1..];
                    self.literal(&mut word);
                }
                _ => self.literal(&mut word),
            }
        }
        Ok(word)
    }

    /// The next character as it is.
    fn literal(&mut self, word: &mut Word) {
        if let Some(c) = self.rest.chars().next() {
            self.rest = &self.rest[c.len_utf8()..];
            word.push(c);
        }
    }

    fn single(&mut self, word: &mut Word) -> Result<(), String> {
        let body = &self.rest[1..];
        let end = body.find('\'').ok_or_else(|| self.line())?;
        word.0.push(Part::Literal(body[..end].to_owned()));
        self.rest = &body[end + 1..];
        Ok(())
    }

    fn double(&mut self, word: &mut Word) -> Result<(), String> {
        let open = self.line();
        self.rest = &self.rest[1..];
        word.0.push(Part::Literal(String::new()));
        loop {
            match self.rest.chars().next() {
                None => return Err(open),
                Some('"') => {
                    self.rest = &self.rest[1..];
                    return Ok(());
                }
                Some('$') => self.dollar(word, true)?,
                Some('\\') if self.rest[1..].starts_with(['"', '\\', '$', '`']) => {
                    self.rest = &self.rest[1..];
                    self.literal(word);
                }
                Some(_) => self.literal(word),
            }
        }
    }

    /// `$NAME`, `${NAME}`, `$(command)`; a lonely `$` is itself.
    fn dollar(&mut self, word: &mut Word, quoted: bool) -> Result<(), String> {
        let body = &self.rest[1..];
        if let Some(inner) = body.strip_prefix("((") {
            let (sum, rest) = inner.split_once("))").ok_or_else(|| self.line())?;
            let value = arithmetic(sum).ok_or_else(|| self.line())?;
            word.0.push(Part::Literal(value.to_string()));
            self.rest = rest;
            return Ok(());
        }
        if let Some(inner) = body.strip_prefix('(') {
            let end = closing(inner).ok_or_else(|| self.line())?;
            word.0.push(Part::Substitution { text: inner[..end].to_owned(), quoted });
            self.rest = &inner[end + 1..];
            return Ok(());
        }
        if let Some(inner) = body.strip_prefix('{') {
            let end = inner.find('}').ok_or_else(|| self.line())?;
            let (name, otherwise) = inner[..end].split_once(":-").unwrap_or((&inner[..end], ""));
            if !name.chars().all(is_name) || otherwise.contains(['$', '`', '"', '\'']) {
                return Err(self.line());
            }
            let (name, otherwise) = (name.to_owned(), otherwise.to_owned());
            word.0.push(Part::Variable { name, otherwise, quoted });
            self.rest = &inner[end + 1..];
            return Ok(());
        }
        let end = body.find(|c| !is_name(c)).unwrap_or(body.len());
        let (name, rest) = body.split_at(end);
        if name.is_empty() {
            word.push('$');
        } else {
            let (name, otherwise) = (name.to_owned(), String::new());
            word.0.push(Part::Variable { name, otherwise, quoted });
        }
        self.rest = rest;
        Ok(())
    }
}

/// `$((6 * 1024 * 1024))`: the products and sums that scripts write for sizes, without variables and
/// parentheses.
fn arithmetic(text: &str) -> Option<i64> {
    let product = |text: &str| {
        text.split('*').try_fold(1_i64, |all, factor| all.checked_mul(factor.trim().parse().ok()?))
    };
    text.split('+').try_fold(0_i64, |sum, text| sum.checked_add(product(text)?))
}

const fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Where the parenthesis closes that was opened before this text.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' if depth == 0 => return Some(at),
            ')' => depth -= 1,
            _ => {}
        }
    }
    None
}
