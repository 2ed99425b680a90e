//! Code as it was read.

use super::value::Value;
use crate::diagnostic::Span;

#[derive(Clone, Debug)]
pub(super) enum Statement {
    /// `assert condition, message`; the condition also as it is written.
    Assert { condition: Expression, message: Option<Expression>, text: String },
    /// `a = b = value`.
    Assign(Vec<Target>, Expression),
    /// `a += value`.
    Augment(String, Operator, Expression),
    /// `if`, its `elif`s, and its `else`.
    If(Vec<(Expression, Vec<Statement>)>, Vec<Statement>),
    /// A call, whose value nobody wants.
    Evaluate(Expression),
    /// `pass`, `import`, and what is printed: nobody sees it.
    Nothing,
}

/// What is assigned to: a name, or as many names as the value has members.
#[derive(Clone, Debug)]
pub(super) enum Target {
    Name(String),
    Names(Vec<String>),
}

#[derive(Clone, Debug)]
pub(super) struct Expression {
    pub(super) kind: Kind,
    pub(super) span: Span,
}

#[derive(Clone, Debug)]
pub(super) enum Kind {
    Value(Value),
    Name(String),
    /// A tuple, a list or a set.
    Sequence(Vec<Expression>),
    Unary(Operator, Box<Expression>),
    Binary(Operator, Box<Expression>, Box<Expression>),
    /// `a < b <= c`: each holds.
    Chain(Box<Expression>, Vec<(Comparison, Expression)>),
    And(Box<Expression>, Box<Expression>),
    Or(Box<Expression>, Box<Expression>),
    Not(Box<Expression>),
    /// `value if condition else other`.
    Choice(Box<[Expression; 3]>),
    /// A call of a function by its name.
    Call(String, Vec<Expression>),
    Index(Box<Expression>, Box<Expression>),
    /// Read, but not understood: an attribute, a slice, a call of what is no name. That matters
    /// where it is needed only, as in the message of an assertion that holds.
    Beyond(&'static str),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    FloorDivide,
    Remainder,
    Power,
    Left,
    Right,
    And,
    Or,
    Xor,
    Invert,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    NotIn,
}
