//! What code means.

use std::collections::BTreeMap;

use super::syntax::{Expression, Kind, Statement, Target};
use super::value::{Impossible, Number, Value};
use super::{Judgement, NotUnderstood, constant};
use crate::diagnostic::Span;

/// Runs statements to the first assertion that does not hold.
pub(super) fn run(
    statements: &[Statement],
    variables: &mut BTreeMap<String, Value>,
    field: &dyn Fn(&str) -> Option<i128>,
) -> Result<(), Judgement> {
    for statement in statements {
        Scope { variables, field }.statement(statement)?;
    }
    Ok(())
}

struct Scope<'a> {
    variables: &'a mut BTreeMap<String, Value>,
    field: &'a dyn Fn(&str) -> Option<i128>,
}

impl Scope<'_> {
    fn statement(&mut self, statement: &Statement) -> Result<(), Judgement> {
        match statement {
            Statement::Assert { condition, message, text } => {
                self.assert(condition, message.as_ref(), text)?;
            }
            Statement::Assign(targets, value) => {
                let value = self.value(value)?;
                for target in targets {
                    self.assign(target, &value);
                }
            }
            Statement::Augment(name, operator, value) => {
                let added = self.value(value)?;
                let old = self.look_up(name, value.span)?;
                let new = old.binary(*operator, &added).map_err(|why| not(why, value.span))?;
                self.variables.insert(name.clone(), new);
            }
            Statement::If(branches, otherwise) => {
                for (condition, body) in branches {
                    if self.value(condition)?.is_true() {
                        return run(body, self.variables, self.field);
                    }
                }
                run(otherwise, self.variables, self.field)?;
            }
            Statement::Evaluate(value) => {
                // What a method of another module does is nobody's.
                if !matches!(value.kind, Kind::Beyond(_)) {
                    self.value(value)?;
                }
            }
            Statement::Nothing => {}
        }
        Ok(())
    }

    fn assert(
        &self,
        condition: &Expression,
        message: Option<&Expression>,
        text: &str,
    ) -> Result<(), Judgement> {
        if self.value(condition)?.is_true() {
            return Ok(());
        }
        let mut got = Vec::new();
        self.names(condition, &mut got);
        // A message that cannot be shown does not make the assertion hold.
        let message = message.and_then(|message| self.value(message).ok());
        got.extend(message.map(|message| format!("({message})")));
        if got.is_empty() {
            got.push("something else".to_owned());
        }
        Err(Judgement::Fails {
            span: condition.span,
            expected: text.to_owned(),
            got: got.join(", ").replace(", (", " ("),
        })
    }

    fn assign(&mut self, target: &Target, value: &Value) {
        match (target, value) {
            (Target::Name(name), value) => {
                self.variables.insert(name.clone(), value.clone());
            }
            (Target::Names(names), Value::Sequence(values)) => {
                let both = names.iter().cloned().zip(values.iter().cloned());
                self.variables.extend(both);
            }
            // Python would end here; the names stay unknown, and whoever needs them is told.
            (Target::Names(_), _) => {}
        }
    }

    fn look_up(&self, name: &str, span: Span) -> Result<Value, NotUnderstood> {
        let known = self.variables.get(name).cloned();
        let known = known.or_else(|| (self.field)(name).map(Value::whole));
        let unknown = || NotUnderstood { span, text: format!("`{name}` in Python code") };
        known.or_else(|| constant(name).map(Value::whole)).ok_or_else(unknown)
    }

    fn value(&self, expression: &Expression) -> Result<Value, NotUnderstood> {
        let span = expression.span;
        match &expression.kind {
            Kind::Value(value) => Ok(value.clone()),
            Kind::Name(name) => self.look_up(name, span),
            Kind::Sequence(members) => self.values(members).map(Value::Sequence),
            Kind::Unary(operator, operand) => {
                self.value(operand)?.unary(*operator).map_err(|why| not(why, span))
            }
            Kind::Binary(operator, left, right) => {
                let (left, right) = (self.value(left)?, self.value(right)?);
                left.binary(*operator, &right).map_err(|why| not(why, span))
            }
            Kind::Chain(first, rest) => {
                let mut left = self.value(first)?;
                for (comparison, right) in rest {
                    let right = self.value(right)?;
                    if !left.compare(*comparison, &right).map_err(|why| not(why, span))? {
                        return Ok(Value::Bool(false));
                    }
                    left = right;
                }
                Ok(Value::Bool(true))
            }
            // Both return one of the values, as Python does.
            Kind::And(left, right) => {
                let left = self.value(left)?;
                if left.is_true() { self.value(right) } else { Ok(left) }
            }
            Kind::Or(left, right) => {
                let left = self.value(left)?;
                if left.is_true() { Ok(left) } else { self.value(right) }
            }
            Kind::Not(operand) => Ok(Value::Bool(!self.value(operand)?.is_true())),
            Kind::Choice(parts) => {
                let [value, condition, other] = parts.as_ref();
                if self.value(condition)?.is_true() { self.value(value) } else { self.value(other) }
            }
            Kind::Call(name, arguments) => {
                let arguments = self.values(arguments)?;
                call(name, &arguments).map_err(|why| {
                    why.map_or_else(|| beyond(&format!("`{name}()`"), span), |why| not(why, span))
                })
            }
            Kind::Index(value, index) => {
                let (value, index) = (self.value(value)?, self.value(index)?);
                member(&value, &index).ok_or_else(|| beyond("this index", span))
            }
            Kind::Beyond(what) => Err(beyond(what, span)),
        }
    }

    fn values(&self, all: &[Expression]) -> Result<Vec<Value>, NotUnderstood> {
        all.iter().map(|one| self.value(one)).collect()
    }

    /// The names of an expression with their values, each once.
    fn names(&self, expression: &Expression, out: &mut Vec<String>) {
        match &expression.kind {
            Kind::Name(name) => {
                if constant(name).is_some() {
                    return;
                }
                if let Ok(value) = self.look_up(name, expression.span) {
                    let shown = format!("{name} = {value}");
                    if !out.contains(&shown) {
                        out.push(shown);
                    }
                }
            }
            Kind::Sequence(all) | Kind::Call(_, all) => {
                for one in all {
                    self.names(one, out);
                }
            }
            Kind::Unary(_, one) | Kind::Not(one) => self.names(one, out),
            Kind::Binary(_, left, right)
            | Kind::And(left, right)
            | Kind::Or(left, right)
            | Kind::Index(left, right) => {
                self.names(left, out);
                self.names(right, out);
            }
            Kind::Chain(first, rest) => {
                self.names(first, out);
                for (_, one) in rest {
                    self.names(one, out);
                }
            }
            Kind::Choice(parts) => {
                for one in parts.iter() {
                    self.names(one, out);
                }
            }
            Kind::Value(_) | Kind::Beyond(_) => {}
        }
    }
}

fn beyond(what: &str, span: Span) -> NotUnderstood {
    NotUnderstood { span, text: format!("{what} in Python code") }
}

fn not(why: Impossible, span: Span) -> NotUnderstood {
    let what = match why {
        Impossible::Types => "an operation on such values",
        Impossible::TooLarge => "so large a number",
        Impossible::DivisionByZero => "a division by zero",
    };
    beyond(what, span)
}

/// A function of Python; `None` as the error if there is none.
fn call(name: &str, arguments: &[Value]) -> Result<Value, Option<Impossible>> {
    match (name, arguments) {
        ("min", [Value::Sequence(all)]) => extreme(all, std::cmp::Ordering::is_lt),
        ("max", [Value::Sequence(all)]) => extreme(all, std::cmp::Ordering::is_gt),
        ("min", all) => extreme(all, std::cmp::Ordering::is_lt),
        ("max", all) => extreme(all, std::cmp::Ordering::is_gt),
        ("abs", [one]) => Ok(Value::Number(one.number()?.magnitude()?)),
        ("len", [Value::Sequence(all)]) => Ok(Value::whole(all.len() as i128)),
        ("len", [Value::Text(text)]) => Ok(Value::whole(text.chars().count() as i128)),
        ("int" | "long", [Value::Text(text)]) => {
            let number = text.trim().parse().map(Value::whole);
            number.map_err(|_| Some(Impossible::Types))
        }
        ("int" | "long", [one]) => Ok(Value::Number(one.number()?.truncated())),
        ("float", [one]) => Ok(Value::Number(one.number()?)),
        ("bool", [one]) => Ok(Value::Bool(one.is_true())),
        ("str" | "repr", [one]) => Ok(Value::Text(one.to_string())),
        ("set" | "list" | "tuple", [Value::Sequence(all)]) => Ok(Value::Sequence(all.clone())),
        ("any", [Value::Sequence(all)]) => Ok(Value::Bool(all.iter().any(Value::is_true))),
        ("all", [Value::Sequence(all)]) => Ok(Value::Bool(all.iter().all(Value::is_true))),
        ("sum", [Value::Sequence(all)]) => {
            let zero = Ok(Value::Number(Number::whole(0)));
            let add = |sum: Result<Value, Impossible>, one| {
                sum?.binary(super::syntax::Operator::Add, one)
            };
            all.iter().fold(zero, add).map_err(Some)
        }
        _ => Err(None),
    }
}

/// The member that is before all others.
fn extreme(
    all: &[Value],
    is_before: fn(std::cmp::Ordering) -> bool,
) -> Result<Value, Option<Impossible>> {
    let mut best = all.first().ok_or(Some(Impossible::Types))?;
    for one in all {
        if is_before(one.order(best)?) {
            best = one;
        }
    }
    Ok(best.clone())
}

/// A member of a sequence, counted from the end where the index is negative.
fn member(value: &Value, index: &Value) -> Option<Value> {
    let Value::Sequence(members) = value else { return None };
    let index = index.as_whole().ok()?;
    let count = members.len() as i128;
    let at = if index < 0 { index + count } else { index };
    members.get(usize::try_from(at).ok()?).cloned()
}
