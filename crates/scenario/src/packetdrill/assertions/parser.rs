//! Statements and expressions from lines of tokens.

use super::NotUnderstood;
use super::lexer::{Line, Token, TokenKind};
use super::syntax::{Comparison, Expression, Kind, Operator, Statement, Target};
use super::value::{Number, Value};
use crate::diagnostic::Span;

/// How deep brackets and conditions may nest: the parser recurses.
const MAX_DEPTH: usize = 32;

/// No expression has more operators of one level than this: evaluating it recurses, too.
const MAX_TERMS: usize = 128;

/// Words that are no names.
const KEYWORDS: [&str; 33] = [
    "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del", "elif",
    "else", "except", "exec", "finally", "for", "from", "global", "if", "import", "in", "is",
    "lambda", "nonlocal", "not", "or", "pass", "raise", "return", "try", "while", "with", "yield",
];

type Parsed<T> = Result<T, NotUnderstood>;

/// All statements of a text that begins at this octet of the file.
pub(super) fn statements(text: &str, start: usize, lines: &[Line]) -> Parsed<Vec<Statement>> {
    let end = Span::new(start + text.len(), 0);
    let mut block = Block { text, start, end, lines, at: 0, depth: 0 };
    block.body(None)
}

/// The lines, and which of them is the next.
struct Block<'a> {
    text: &'a str,
    start: usize,
    end: Span,
    lines: &'a [Line],
    at: usize,
    depth: usize,
}

impl<'a> Block<'a> {
    /// Statements of lines that are indented further than the one that they belong to.
    fn body(&mut self, outer: Option<usize>) -> Parsed<Vec<Statement>> {
        let mut all = Vec::new();
        while let Some(line) = self.lines.get(self.at) {
            if outer.is_some_and(|outer| line.indent <= outer) {
                break;
            }
            self.at += 1;
            let mut tokens = self.tokens(&line.tokens);
            if tokens.take_name("if") {
                all.push(self.condition(line.indent, tokens)?);
            } else {
                tokens.simple_statements(&mut all)?;
            }
        }
        Ok(all)
    }

    fn tokens(&self, tokens: &'a [Token]) -> Tokens<'a> {
        let end = tokens.last().map_or(self.end, |token| Span::new(token.span.end(), 0));
        Tokens { text: self.text, start: self.start, end, all: tokens, at: 0, depth: 0 }
    }

    /// What follows an `if`, with the lines that belong to it.
    fn condition(&mut self, indent: usize, first: Tokens<'a>) -> Parsed<Statement> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(first.beyond("conditions that nest so deep"));
        }
        let mut branches = vec![self.branch(indent, first)?];
        let mut otherwise = Vec::new();
        while let Some(line) = self.lines.get(self.at).filter(|line| line.indent == indent) {
            let mut tokens = self.tokens(&line.tokens);
            if tokens.take_name("elif") {
                self.at += 1;
                branches.push(self.branch(indent, tokens)?);
            } else if tokens.take_name("else") {
                self.at += 1;
                otherwise = self.suite(indent, tokens)?;
                break;
            } else {
                break;
            }
        }
        self.depth -= 1;
        Ok(Statement::If(branches, otherwise))
    }

    fn branch(
        &mut self,
        indent: usize,
        mut tokens: Tokens<'a>,
    ) -> Parsed<(Expression, Vec<Statement>)> {
        let condition = tokens.expression()?;
        Ok((condition, self.suite(indent, tokens)?))
    }

    /// Statements behind a colon: on its line, or on those below it.
    fn suite(&mut self, indent: usize, mut tokens: Tokens<'a>) -> Parsed<Vec<Statement>> {
        tokens.sign(":")?;
        if tokens.next().is_none() {
            return self.body(Some(indent));
        }
        let mut all = Vec::new();
        tokens.simple_statements(&mut all)?;
        Ok(all)
    }
}

/// The tokens of one line, and which is the next.
struct Tokens<'a> {
    text: &'a str,
    start: usize,
    end: Span,
    all: &'a [Token],
    at: usize,
    depth: usize,
}

impl Tokens<'_> {
    fn next(&self) -> Option<&Token> {
        self.all.get(self.at)
    }

    fn place(&self) -> Span {
        self.next().map_or(self.end, |token| token.span)
    }

    fn beyond(&self, what: &str) -> NotUnderstood {
        NotUnderstood { span: self.place(), text: format!("{what} in Python code") }
    }

    fn expected(&self, what: &str) -> NotUnderstood {
        self.beyond(&format!("expected {what}"))
    }

    fn is_sign(&self, sign: &str) -> bool {
        matches!(self.next(), Some(Token { kind: TokenKind::Sign(found), .. }) if *found == sign)
    }

    fn take_sign(&mut self, sign: &str) -> bool {
        let there = self.is_sign(sign);
        self.at += usize::from(there);
        there
    }

    fn sign(&mut self, sign: &str) -> Parsed<()> {
        if self.take_sign(sign) { Ok(()) } else { Err(self.expected(&format!("`{sign}`"))) }
    }

    fn is_name(&self, name: &str) -> bool {
        matches!(self.next(), Some(Token { kind: TokenKind::Name(found), .. }) if found == name)
    }

    fn take_name(&mut self, name: &str) -> bool {
        let there = self.is_name(name);
        self.at += usize::from(there);
        there
    }

    /// Statements with `;` between them, up to the end of the line.
    fn simple_statements(&mut self, all: &mut Vec<Statement>) -> Parsed<()> {
        while self.next().is_some() {
            all.push(self.statement()?);
            if !self.take_sign(";") && self.next().is_some() {
                return Err(self.expected("the end of a statement"));
            }
        }
        Ok(())
    }

    fn statement(&mut self) -> Parsed<Statement> {
        let name = match self.next() {
            Some(Token { kind: TokenKind::Name(name), .. }) => name.clone(),
            _ => String::new(),
        };
        match name.as_str() {
            "assert" => self.assertion(),
            "pass" => {
                self.at += 1;
                Ok(Statement::Nothing)
            }
            "import" | "from" | "print" => {
                self.skip_statement();
                Ok(Statement::Nothing)
            }
            keyword if KEYWORDS.contains(&keyword) && !matches!(keyword, "not" | "lambda") => {
                Err(self.beyond(&format!("`{keyword}`")))
            }
            _ => self.assignment(),
        }
    }

    /// What is printed, and what is imported, is nobody's: only its end matters.
    fn skip_statement(&mut self) {
        let mut depth = 0_usize;
        while let Some(token) = self.next() {
            match token.kind {
                TokenKind::Sign("(" | "[" | "{") => depth += 1,
                TokenKind::Sign(")" | "]" | "}") => depth = depth.saturating_sub(1),
                TokenKind::Sign(";") if depth == 0 => return,
                _ => {}
            }
            self.at += 1;
        }
    }

    fn assertion(&mut self) -> Parsed<Statement> {
        self.at += 1;
        let from = self.place();
        let condition = self.expression()?;
        let to = self.all.get(self.at - 1).map_or(from, |token| token.span);
        let message = if self.take_sign(",") { Some(self.expression()?) } else { None };
        let text = self.between(from, to).split_whitespace().collect::<Vec<_>>().join(" ");
        Ok(Statement::Assert { condition, message, text })
    }

    /// The text from one place to another.
    fn between(&self, from: Span, to: Span) -> &str {
        let relative = |at: usize| at.saturating_sub(self.start);
        self.text.get(relative(from.start())..relative(to.end())).unwrap_or_default()
    }

    /// `a = b = value`, `a += value`, or a value alone.
    fn assignment(&mut self) -> Parsed<Statement> {
        let mut value = self.tuple()?;
        if let Some(operator) = self.augmentation() {
            let Kind::Name(name) = value.kind else { return Err(self.beyond("this assignment")) };
            return Ok(Statement::Augment(name, operator, self.tuple()?));
        }
        let mut targets = Vec::new();
        while self.is_sign("=") {
            let target = target(&value).ok_or_else(|| self.beyond("this assignment"))?;
            self.at += 1;
            targets.push(target);
            value = self.tuple()?;
        }
        if targets.is_empty() {
            return Ok(Statement::Evaluate(value));
        }
        Ok(Statement::Assign(targets, value))
    }

    fn augmentation(&mut self) -> Option<Operator> {
        let Some(Token { kind: TokenKind::Sign(sign), .. }) = self.next() else { return None };
        let operator = operator(sign.strip_suffix('=')?)?;
        self.at += 1;
        Some(operator)
    }

    /// Values with commas between them are one tuple.
    fn tuple(&mut self) -> Parsed<Expression> {
        let first = self.expression()?;
        if !self.is_sign(",") {
            return Ok(first);
        }
        let span = first.span;
        let mut all = vec![first];
        while self.take_sign(",")
            && !matches!(self.next(), None | Some(Token { kind: TokenKind::Sign("=" | ";"), .. }))
        {
            all.push(self.expression()?);
        }
        Ok(Expression { kind: Kind::Sequence(all), span })
    }

    /// `value if condition else other`.
    fn expression(&mut self) -> Parsed<Expression> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.beyond("brackets that nest so deep"));
        }
        let value = self.or()?;
        let expression = if self.take_name("if") {
            let condition = self.or()?;
            if !self.take_name("else") {
                return Err(self.expected("`else`"));
            }
            let other = self.expression()?;
            let span = value.span;
            Expression { kind: Kind::Choice(Box::new([value, condition, other])), span }
        } else {
            value
        };
        self.depth -= 1;
        Ok(expression)
    }

    fn or(&mut self) -> Parsed<Expression> {
        let mut left = self.and()?;
        for _ in 0..MAX_TERMS {
            if !self.take_name("or") {
                return Ok(left);
            }
            let right = self.and()?;
            let span = left.span;
            left = Expression { kind: Kind::Or(Box::new(left), Box::new(right)), span };
        }
        Err(self.beyond("so many operators"))
    }

    fn and(&mut self) -> Parsed<Expression> {
        let mut left = self.not()?;
        for _ in 0..MAX_TERMS {
            if !self.take_name("and") {
                return Ok(left);
            }
            let right = self.not()?;
            let span = left.span;
            left = Expression { kind: Kind::And(Box::new(left), Box::new(right)), span };
        }
        Err(self.beyond("so many operators"))
    }

    fn not(&mut self) -> Parsed<Expression> {
        let span = self.place();
        let mut count = 0_usize;
        while self.take_name("not") {
            count += 1;
        }
        let mut operand = self.comparison()?;
        // Two of them are none, but for turning a value into a truth value.
        for _ in 0..count.min(2 + count % 2) {
            operand = Expression { kind: Kind::Not(Box::new(operand)), span };
        }
        Ok(operand)
    }

    fn comparison(&mut self) -> Parsed<Expression> {
        let first = self.binary(0)?;
        let mut rest = Vec::new();
        while let Some(comparison) = self.comparison_sign() {
            rest.push((comparison, self.binary(0)?));
        }
        if rest.is_empty() {
            return Ok(first);
        }
        let span = first.span;
        Ok(Expression { kind: Kind::Chain(Box::new(first), rest), span })
    }

    fn comparison_sign(&mut self) -> Option<Comparison> {
        if self.is_name("not")
            && matches!(self.all.get(self.at + 1), Some(Token { kind: TokenKind::Name(name), .. }) if name == "in")
        {
            self.at += 2;
            return Some(Comparison::NotIn);
        }
        if self.take_name("in") {
            return Some(Comparison::In);
        }
        if self.take_name("is") {
            let not = self.take_name("not");
            return Some(if not { Comparison::NotEqual } else { Comparison::Equal });
        }
        let Some(Token { kind: TokenKind::Sign(sign), .. }) = self.next() else { return None };
        let comparison = match *sign {
            "==" => Comparison::Equal,
            "!=" | "<>" => Comparison::NotEqual,
            "<" => Comparison::Less,
            "<=" => Comparison::LessOrEqual,
            ">" => Comparison::Greater,
            ">=" => Comparison::GreaterOrEqual,
            _ => return None,
        };
        self.at += 1;
        Some(comparison)
    }

    fn binary(&mut self, level: usize) -> Parsed<Expression> {
        let Some(signs) = LEVELS.get(level) else { return self.unary() };
        let mut left = self.binary(level + 1)?;
        for _ in 0..MAX_TERMS {
            let Some(Token { kind: TokenKind::Sign(sign), .. }) = self.next() else {
                return Ok(left);
            };
            let Some(operator) = operator(sign).filter(|_| signs.contains(sign)) else {
                return Ok(left);
            };
            self.at += 1;
            let right = self.binary(level + 1)?;
            let span = left.span;
            let kind = Kind::Binary(operator, Box::new(left), Box::new(right));
            left = Expression { kind, span };
        }
        Err(self.beyond("so many operators"))
    }

    fn unary(&mut self) -> Parsed<Expression> {
        let span = self.place();
        let operator = match self.next() {
            Some(Token { kind: TokenKind::Sign("-"), .. }) => Operator::Subtract,
            Some(Token { kind: TokenKind::Sign("+"), .. }) => Operator::Add,
            Some(Token { kind: TokenKind::Sign("~"), .. }) => Operator::Invert,
            _ => return self.power(),
        };
        self.at += 1;
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.beyond("so many signs"));
        }
        let operand = self.unary()?;
        self.depth -= 1;
        Ok(Expression { kind: Kind::Unary(operator, Box::new(operand)), span })
    }

    /// `base ** exponent`, which binds stronger than a sign before it.
    fn power(&mut self) -> Parsed<Expression> {
        let base = self.primary()?;
        if !self.take_sign("**") {
            return Ok(base);
        }
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.beyond("so many powers"));
        }
        let exponent = self.unary()?;
        self.depth -= 1;
        let span = base.span;
        let kind = Kind::Binary(Operator::Power, Box::new(base), Box::new(exponent));
        Ok(Expression { kind, span })
    }

    /// A value with calls, indices and attributes behind it.
    fn primary(&mut self) -> Parsed<Expression> {
        let mut value = self.atom()?;
        for _ in 0..MAX_TERMS {
            let span = value.span;
            let kind = if self.take_sign("(") {
                let arguments = self.members(")")?;
                match value.kind {
                    Kind::Name(name) => Kind::Call(name, arguments),
                    _ => Kind::Beyond("a call of a method"),
                }
            } else if self.take_sign("[") {
                let index = self.tuple()?;
                if self.is_sign(":") {
                    return Err(self.beyond("a slice"));
                }
                self.sign("]")?;
                Kind::Index(Box::new(value), Box::new(index))
            } else if self.take_sign(".") {
                if !matches!(self.next(), Some(Token { kind: TokenKind::Name(_), .. })) {
                    return Err(self.expected("the name of an attribute"));
                }
                self.at += 1;
                Kind::Beyond("an attribute")
            } else {
                return Ok(value);
            };
            value = Expression { kind, span };
        }
        Err(self.beyond("so many calls"))
    }

    fn atom(&mut self) -> Parsed<Expression> {
        let span = self.place();
        let Some(token) = self.next() else { return Err(self.expected("a value")) };
        let kind = match &token.kind {
            TokenKind::Name(name) => match name.as_str() {
                "True" => Kind::Value(Value::Bool(true)),
                "False" => Kind::Value(Value::Bool(false)),
                "None" => Kind::Value(Value::None),
                keyword if KEYWORDS.contains(&keyword) => {
                    return Err(self.beyond(&format!("`{keyword}`")));
                }
                name => Kind::Name(name.to_owned()),
            },
            TokenKind::Number(text) => {
                let number = Number::parse(text).ok_or_else(|| self.beyond("this number"))?;
                Kind::Value(Value::Number(number))
            }
            TokenKind::Text(_) => return Ok(Expression { kind: self.texts(), span }),
            TokenKind::Sign("(") => return self.parentheses(),
            TokenKind::Sign("[") => {
                self.at += 1;
                return Ok(Expression { kind: Kind::Sequence(self.members("]")?), span });
            }
            TokenKind::Sign("{") => {
                self.at += 1;
                return Ok(Expression { kind: Kind::Sequence(self.members("}")?), span });
            }
            TokenKind::Sign(_) => return Err(self.expected("a value")),
        };
        self.at += 1;
        Ok(Expression { kind, span })
    }

    /// Texts beside each other are one.
    fn texts(&mut self) -> Kind {
        let mut all = String::new();
        while let Some(Token { kind: TokenKind::Text(text), .. }) = self.all.get(self.at) {
            all.push_str(text);
            self.at += 1;
        }
        Kind::Value(Value::Text(all))
    }

    /// A value in parentheses, or a tuple.
    fn parentheses(&mut self) -> Parsed<Expression> {
        let span = self.place();
        self.at += 1;
        if self.take_sign(")") {
            return Ok(Expression { kind: Kind::Sequence(Vec::new()), span });
        }
        let first = self.expression()?;
        if self.take_sign(")") {
            return Ok(first);
        }
        self.sign(",")?;
        let mut all = vec![first];
        all.extend(self.members(")")?);
        Ok(Expression { kind: Kind::Sequence(all), span })
    }

    /// Values up to a closing bracket, which is taken, too.
    fn members(&mut self, close: &'static str) -> Parsed<Vec<Expression>> {
        let mut all = Vec::new();
        while !self.take_sign(close) {
            all.push(self.expression()?);
            if !self.take_sign(",") && !self.is_sign(close) {
                return Err(self.expected(&format!("`,` or `{close}`")));
            }
        }
        Ok(all)
    }
}

/// Operators between two values, the weakest first.
const LEVELS: [&[&str]; 6] =
    [&["|"], &["^"], &["&"], &["<<", ">>"], &["+", "-"], &["*", "/", "//", "%"]];

fn operator(sign: &str) -> Option<Operator> {
    Some(match sign {
        "+" => Operator::Add,
        "-" => Operator::Subtract,
        "*" => Operator::Multiply,
        "/" => Operator::Divide,
        "//" => Operator::FloorDivide,
        "%" => Operator::Remainder,
        "**" => Operator::Power,
        "<<" => Operator::Left,
        ">>" => Operator::Right,
        "&" => Operator::And,
        "|" => Operator::Or,
        "^" => Operator::Xor,
        _ => return None,
    })
}

/// What stands before a `=`, as something that can be assigned to.
fn target(value: &Expression) -> Option<Target> {
    match &value.kind {
        Kind::Name(name) => Some(Target::Name(name.clone())),
        Kind::Sequence(members) => {
            let name = |member: &Expression| match &member.kind {
                Kind::Name(name) => Some(name.clone()),
                _ => None,
            };
            members.iter().map(name).collect::<Option<Vec<_>>>().map(Target::Names)
        }
        _ => None,
    }
}
