//! Values, and what can be done with them.

use std::cmp::Ordering;
use std::fmt;

use super::syntax::{Comparison, Operator};

/// A value of Python.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    None,
    Bool(bool),
    Number(Number),
    Text(String),
    Sequence(Vec<Value>),
}

/// A whole number or a fraction in lowest terms; the denominator is positive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Number {
    numerator: i128,
    denominator: i128,
}

/// What went wrong with an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Impossible {
    /// Python has no such operation on such values, or nothing here does.
    Types,
    /// The numbers are larger than anything here.
    TooLarge,
    DivisionByZero,
}

impl Number {
    pub(super) const fn whole(value: i128) -> Self {
        Self { numerator: value, denominator: 1 }
    }

    fn fraction(numerator: i128, denominator: i128) -> Result<Self, Impossible> {
        if denominator == 0 {
            return Err(Impossible::DivisionByZero);
        }
        let divisor = greatest_common(numerator.unsigned_abs(), denominator.unsigned_abs());
        let divisor = i128::try_from(divisor).map_err(|_| Impossible::TooLarge)?;
        let sign = if denominator < 0 { -1 } else { 1 };
        let part = |value: i128| (value / divisor).checked_mul(sign).ok_or(Impossible::TooLarge);
        Ok(Self { numerator: part(numerator)?, denominator: part(denominator)? })
    }

    /// Its value, if it is whole.
    pub(super) const fn as_whole(self) -> Option<i128> {
        if self.denominator == 1 { Some(self.numerator) } else { None }
    }

    /// As it is written: `10`, `0x1f`, `1.5`, `1e3`, `1_000`, and `10L` of Python 2.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.replace('_', "").to_ascii_lowercase();
        let text = text.strip_suffix('l').unwrap_or(&text);
        for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
            if let Some(digits) = text.strip_prefix(prefix) {
                return i128::from_str_radix(digits, radix).ok().map(Self::whole);
            }
        }
        let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
        let exponent =
            exponent.parse::<i32>().ok()?.checked_sub(fraction.len().try_into().ok()?)?;
        let power = 10_i128.checked_pow(exponent.unsigned_abs())?;
        let value = if exponent < 0 {
            Self::fraction(digits, power)
        } else {
            Self::fraction(digits.checked_mul(power)?, 1)
        };
        value.ok()
    }

    fn floor(self) -> Self {
        Self::whole(self.numerator.div_euclid(self.denominator))
    }

    fn compare(self, other: Self) -> Option<Ordering> {
        let left = self.numerator.checked_mul(other.denominator)?;
        Some(left.cmp(&other.numerator.checked_mul(self.denominator)?))
    }

    pub(super) fn magnitude(self) -> Result<Self, Impossible> {
        let numerator = self.numerator.checked_abs().ok_or(Impossible::TooLarge)?;
        Ok(Self { numerator, ..self })
    }

    /// Without its fraction, as `int()` does it.
    pub(super) const fn truncated(self) -> Self {
        Self::whole(self.numerator / self.denominator)
    }
}

fn greatest_common(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a.max(1)
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.denominator == 1 {
            return write!(f, "{}", self.numerator);
        }
        // Three digits say enough to somebody who reads them.
        let thousandths = self.numerator.unsigned_abs() % self.denominator.unsigned_abs();
        let thousandths = thousandths.saturating_mul(1000) / self.denominator.unsigned_abs();
        let sign = if self.numerator < 0 { "-" } else { "" };
        let whole = (self.numerator / self.denominator).unsigned_abs();
        write!(f, "{sign}{whole}.{thousandths:03}")
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::Bool(true) => f.write_str("True"),
            Self::Bool(false) => f.write_str("False"),
            Self::Number(number) => number.fmt(f),
            Self::Text(text) => f.write_str(text),
            Self::Sequence(members) => {
                let members: Vec<_> = members.iter().map(ToString::to_string).collect();
                write!(f, "({})", members.join(", "))
            }
        }
    }
}

impl Value {
    pub(super) const fn whole(value: i128) -> Self {
        Self::Number(Number::whole(value))
    }

    pub(super) const fn is_true(&self) -> bool {
        match self {
            Self::None => false,
            Self::Bool(value) => *value,
            Self::Number(number) => number.numerator != 0,
            Self::Text(text) => !text.is_empty(),
            Self::Sequence(members) => !members.is_empty(),
        }
    }

    /// As a number; truth values are numbers, too.
    pub(super) fn number(&self) -> Result<Number, Impossible> {
        match self {
            Self::Number(number) => Ok(*number),
            Self::Bool(value) => Ok(Number::whole((*value).into())),
            Self::None | Self::Text(_) | Self::Sequence(_) => Err(Impossible::Types),
        }
    }

    pub(super) fn as_whole(&self) -> Result<i128, Impossible> {
        self.number()?.as_whole().ok_or(Impossible::Types)
    }

    /// Whether both are equal, as Python has it: `True == 1`.
    fn equals(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Sequence(left), Self::Sequence(right)) => {
                left.len() == right.len() && left.iter().zip(right).all(|(a, b)| a.equals(b))
            }
            _ => match (self.number(), other.number()) {
                (Ok(left), Ok(right)) => left == right,
                _ => self == other,
            },
        }
    }

    pub(super) fn compare(&self, comparison: Comparison, other: &Self) -> Result<bool, Impossible> {
        Ok(match comparison {
            Comparison::Equal => self.equals(other),
            Comparison::NotEqual => !self.equals(other),
            Comparison::In => other.contains(self)?,
            Comparison::NotIn => !other.contains(self)?,
            Comparison::Less => self.order(other)?.is_lt(),
            Comparison::LessOrEqual => self.order(other)?.is_le(),
            Comparison::Greater => self.order(other)?.is_gt(),
            Comparison::GreaterOrEqual => self.order(other)?.is_ge(),
        })
    }

    fn contains(&self, member: &Self) -> Result<bool, Impossible> {
        match (self, member) {
            (Self::Sequence(members), _) => Ok(members.iter().any(|one| one.equals(member))),
            (Self::Text(text), Self::Text(part)) => Ok(text.contains(part.as_str())),
            _ => Err(Impossible::Types),
        }
    }

    /// Which of both is larger.
    pub(super) fn order(&self, other: &Self) -> Result<Ordering, Impossible> {
        match (self, other) {
            (Self::Text(left), Self::Text(right)) => Ok(left.cmp(right)),
            (Self::Sequence(left), Self::Sequence(right)) => {
                for (a, b) in left.iter().zip(right) {
                    if !a.equals(b) {
                        return a.order(b);
                    }
                }
                Ok(left.len().cmp(&right.len()))
            }
            _ => self.number()?.compare(other.number()?).ok_or(Impossible::TooLarge),
        }
    }

    pub(super) fn unary(&self, operator: Operator) -> Result<Self, Impossible> {
        match operator {
            Operator::Add => self.number().map(Self::Number),
            Operator::Subtract => Self::whole(0).binary(operator, self),
            Operator::Invert => Ok(Self::whole(!self.as_whole()?)),
            _ => Err(Impossible::Types),
        }
    }

    pub(super) fn binary(&self, operator: Operator, other: &Self) -> Result<Self, Impossible> {
        match (self, operator, other) {
            (Self::Text(left), Operator::Add, Self::Text(right)) => {
                return Ok(Self::Text(format!("{left}{right}")));
            }
            (Self::Sequence(left), Operator::Add, Self::Sequence(right)) => {
                return Ok(Self::Sequence([left.as_slice(), right.as_slice()].concat()));
            }
            (Self::Text(format), Operator::Remainder, _) => {
                return Ok(Self::Text(fill(format, other)));
            }
            (Self::Bool(left), Operator::And | Operator::Or | Operator::Xor, Self::Bool(right)) => {
                return Ok(Self::Bool(match operator {
                    Operator::And => left & right,
                    Operator::Or => left | right,
                    _ => left ^ right,
                }));
            }
            _ => {}
        }
        arithmetic(self.number()?, operator, other.number()?).map(Self::Number)
    }
}

fn arithmetic(left: Number, operator: Operator, right: Number) -> Result<Number, Impossible> {
    let product = |a: i128, b: i128| a.checked_mul(b).ok_or(Impossible::TooLarge);
    let over = |numerator: Option<i128>| {
        let denominator = product(left.denominator, right.denominator)?;
        Number::fraction(numerator.ok_or(Impossible::TooLarge)?, denominator)
    };
    match operator {
        Operator::Add | Operator::Subtract => {
            let a = product(left.numerator, right.denominator)?;
            let b = product(right.numerator, left.denominator)?;
            over(if operator == Operator::Add { a.checked_add(b) } else { a.checked_sub(b) })
        }
        Operator::Multiply => over(left.numerator.checked_mul(right.numerator)),
        Operator::Divide => Number::fraction(
            product(left.numerator, right.denominator)?,
            product(left.denominator, right.numerator)?,
        ),
        Operator::FloorDivide => arithmetic(left, Operator::Divide, right).map(Number::floor),
        Operator::Remainder => {
            let times = arithmetic(left, Operator::FloorDivide, right)?;
            let whole = arithmetic(times, Operator::Multiply, right)?;
            arithmetic(left, Operator::Subtract, whole)
        }
        Operator::Power => power(left, right),
        Operator::Left
        | Operator::Right
        | Operator::And
        | Operator::Or
        | Operator::Xor
        | Operator::Invert => bits(left, operator, right),
    }
}

fn power(base: Number, exponent: Number) -> Result<Number, Impossible> {
    let exponent = exponent.as_whole().ok_or(Impossible::Types)?;
    let exponent_size = u32::try_from(exponent.unsigned_abs()).map_err(|_| Impossible::TooLarge)?;
    let part = |value: i128| value.checked_pow(exponent_size).ok_or(Impossible::TooLarge);
    let (numerator, denominator) = (part(base.numerator)?, part(base.denominator)?);
    if exponent < 0 {
        return Number::fraction(denominator, numerator);
    }
    Number::fraction(numerator, denominator)
}

fn bits(left: Number, operator: Operator, right: Number) -> Result<Number, Impossible> {
    let left = left.as_whole().ok_or(Impossible::Types)?;
    let right = right.as_whole().ok_or(Impossible::Types)?;
    let by = u32::try_from(right);
    Ok(Number::whole(match operator {
        Operator::And => left & right,
        Operator::Or => left | right,
        Operator::Xor => left ^ right,
        Operator::Left => {
            let factor = by.ok().and_then(|by| 2_i128.checked_pow(by));
            factor.and_then(|factor| left.checked_mul(factor)).ok_or(Impossible::TooLarge)?
        }
        _ => left >> by.map_err(|_| Impossible::Types)?.min(127),
    }))
}

/// `"%d of %s" % (1, 2)`: every directive of a format is replaced by the next value.
fn fill(format: &str, values: &Value) -> String {
    let all = match values {
        Value::Sequence(all) => all.as_slice(),
        one => std::slice::from_ref(one),
    };
    let mut values = all.iter();
    let mut out = String::new();
    let mut rest = format.chars();
    while let Some(c) = rest.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        // Widths and precisions only change how it looks.
        match rest.find(|c| c.is_ascii_alphabetic() || *c == '%') {
            Some('%') | None => out.push('%'),
            Some('x') => out.push_str(&values.next().map(hexadecimal).unwrap_or_default()),
            Some(_) => out.push_str(&values.next().map(ToString::to_string).unwrap_or_default()),
        }
    }
    out
}

fn hexadecimal(value: &Value) -> String {
    value.as_whole().map_or_else(|_| value.to_string(), |value| format!("{value:x}"))
}
