//! What stands between the parentheses of a call.

use std::ops::RangeInclusive;

use super::super::script::{Expression, ExpressionKind, Field, SystemCall};
use super::super::setup::Setup;
use super::super::symbols;
use super::super::system::ControlMessage;
use super::{CallProblem, Descriptors};

/// A call with what its words and numbers mean.
#[derive(Clone, Copy)]
pub(super) struct Arguments<'a> {
    pub(super) call: &'a SystemCall,
    pub(super) setup: &'a Setup,
    pub(super) descriptors: &'a Descriptors,
}

/// A `struct msghdr`.
#[derive(Debug, Default)]
pub(super) struct Message {
    pub(super) address: Option<std::net::SocketAddr>,
    pub(super) lengths: Vec<usize>,
    pub(super) control: Vec<ControlMessage>,
    /// Octets there are for control messages.
    pub(super) control_room: usize,
}

/// As much as scripts can read or write at once: more is no number that can be meant.
const MOST_OCTETS: i64 = 1 << 30;
/// Room for control messages where a script does not say how much.
const CONTROL_ROOM: usize = 4096;

impl<'a> Arguments<'a> {
    pub(super) fn name(&self) -> &'a str {
        &self.call.name
    }

    /// Whether there are as many as the call takes.
    pub(super) fn count(&self, takes: RangeInclusive<usize>) -> Result<(), CallProblem> {
        let given = self.call.arguments.len();
        if takes.contains(&given) {
            return Ok(());
        }
        let takes = match (takes.start(), takes.end()) {
            (one, other) if one == other => one.to_string(),
            (one, other) => format!("{one} or {other}"),
        };
        let text = format!("{} takes {takes} arguments, not {given}", self.name());
        Err(CallProblem::wrong(self.call.span, text))
    }

    pub(super) fn argument(&self, index: usize) -> Option<&'a Expression> {
        self.call.arguments.get(index)
    }

    pub(super) fn at(&self, index: usize) -> Result<&'a Expression, CallProblem> {
        self.argument(index).ok_or_else(|| {
            let text = format!("{} has no argument {}", self.name(), index + 1);
            CallProblem::wrong(self.call.span, text)
        })
    }

    /// A descriptor of the machine.
    pub(super) fn fd(&self, index: usize) -> Result<i32, CallProblem> {
        Ok(self.descriptors.live(self.number(index)?))
    }

    pub(super) fn number(&self, index: usize) -> Result<i64, CallProblem> {
        number(self.at(index)?)
    }

    pub(super) fn int(&self, index: usize) -> Result<i32, CallProblem> {
        Self::int_of(self.at(index)?)
    }

    /// 32 bits, with or without a sign.
    pub(super) fn int_of(value: &Expression) -> Result<i32, CallProblem> {
        let number = number(value)?;
        let signed = i32::try_from(number).ok();
        signed.or_else(|| u32::try_from(number).ok().map(u32::cast_signed)).ok_or_else(|| {
            CallProblem::wrong(value.span, format!("{number} does not fit into 32 bits"))
        })
    }

    /// A number of octets.
    pub(super) fn size(&self, index: usize) -> Result<usize, CallProblem> {
        Self::size_of(self.at(index)?)
    }

    pub(super) fn size_of(value: &Expression) -> Result<usize, CallProblem> {
        let number = number(value)?;
        if !(0..=MOST_OCTETS).contains(&number) {
            let text = format!("{number} is no number of octets: 0 to {MOST_OCTETS}");
            return Err(CallProblem::wrong(value.span, text));
        }
        Ok(usize::try_from(number).unwrap_or(0))
    }

    pub(super) fn text(&self, index: usize) -> Result<String, CallProblem> {
        let value = self.at(index)?;
        match &value.kind {
            ExpressionKind::Text(text) => Ok(text.clone()),
            _ => Err(CallProblem::wrong(value.span, "a text in quotes is expected here")),
        }
    }

    /// A number, be it in brackets: `[4]`.
    pub(super) fn inner_number(value: &Expression) -> Result<i64, CallProblem> {
        match &value.kind {
            ExpressionKind::List(items) if items.len() == 1 => number(&items[0]),
            ExpressionKind::Ellipsis => Ok(0),
            _ => number(value),
        }
    }

    /// The lengths of an `iovec`, and whether there are as many as another argument says.
    pub(super) fn lengths(
        &self,
        index: usize,
        count: Option<usize>,
    ) -> Result<Vec<usize>, CallProblem> {
        let value = self.at(index)?;
        let lengths = Self::lengths_of(value)?;
        if let Some(count) = count {
            let said = self.size(count)?;
            if said != lengths.len() {
                let text = format!("{} buffers, but the call says {said}", lengths.len());
                return Err(CallProblem::wrong(value.span, text));
            }
        }
        Ok(lengths)
    }

    fn lengths_of(value: &Expression) -> Result<Vec<usize>, CallProblem> {
        let ExpressionKind::List(items) = &value.kind else {
            let text = "buffers are expected here: `[{..., 1000}]`";
            return Err(CallProblem::wrong(value.span, text));
        };
        items.iter().map(Self::buffer_length).collect()
    }

    /// `{..., 1000}`, or `{iov_base=..., iov_len=1000}`.
    fn buffer_length(buffer: &Expression) -> Result<usize, CallProblem> {
        match &buffer.kind {
            ExpressionKind::Record(fields) if fields.len() == 2 => Self::size_of(&fields[1].value),
            _ => Err(CallProblem::wrong(buffer.span, "a buffer is expected here: `{..., 1000}`")),
        }
    }

    /// `{msg_name(...)=..., msg_iov(1)=[{..., 1000}], msg_flags=0}`.
    pub(super) fn message(&self, index: usize) -> Result<Message, CallProblem> {
        let value = self.at(index)?;
        let mut message = Message::default();
        for field in record(value)? {
            match field.name.as_deref() {
                Some("msg_name") => {
                    message.address =
                        Self::address_or_none(&field.value, self.setup.connect_address())?;
                }
                Some("msg_iov") => message.lengths = Self::lengths_of(&field.value)?,
                Some("msg_control") => {
                    message.control = Self::control_messages(&field.value)?;
                    message.control_room = Self::control_room(field)?;
                }
                Some("msg_flags") => {}
                _ => {
                    let text = "a message has msg_name, msg_iov, msg_control and msg_flags";
                    return Err(CallProblem::wrong(field.value.span, text));
                }
            }
        }
        Ok(message)
    }

    fn control_room(field: &Field) -> Result<usize, CallProblem> {
        match &field.count {
            Some(count) if !count.is_ellipsis() => Self::size_of(count),
            _ => Ok(CONTROL_ROOM),
        }
    }
}

/// A structure in braces.
pub(super) fn record(value: &Expression) -> Result<&[Field], CallProblem> {
    match &value.kind {
        ExpressionKind::Record(fields) => Ok(fields),
        _ => Err(CallProblem::wrong(value.span, "a structure in braces is expected here")),
    }
}

/// The value of a field, under one of its names.
pub(super) fn field<'a>(fields: &'a [Field], names: &[&str]) -> Option<&'a Expression> {
    let is_it = |field: &&Field| field.name.as_deref().is_some_and(|name| names.contains(&name));
    fields.iter().find(is_it).map(|field| &field.value)
}

/// What an expression comes to.
pub(super) fn number(value: &Expression) -> Result<i64, CallProblem> {
    let wrong = |text: &str| Err(CallProblem::wrong(value.span, text));
    match &value.kind {
        ExpressionKind::Integer(number) => Ok(*number),
        ExpressionKind::Null => Ok(0),
        ExpressionKind::Word(word) => symbols::number(word)
            .ok_or_else(|| CallProblem::not_supported(value.span, format!("the word `{word}`"))),
        ExpressionKind::Unary('~', inner) => Ok(!number(inner)?),
        ExpressionKind::Unary('-', inner) => Ok(number(inner)?.wrapping_neg()),
        ExpressionKind::Unary(_, inner) => number(inner),
        ExpressionKind::Binary(operator, left, right) => {
            let (left, right) = (number(left)?, number(right)?);
            combine(*operator, left, right).map_or_else(|| wrong("this cannot be computed"), Ok)
        }
        // Ports are numbers here, in no particular order of octets.
        ExpressionKind::Function(name, arguments)
            if matches!(name.as_str(), "htons" | "htonl" | "ntohs" | "ntohl")
                && arguments.len() == 1 =>
        {
            number(&arguments[0])
        }
        ExpressionKind::Function(name, _) => {
            Err(CallProblem::not_supported(value.span, format!("the function `{name}`")))
        }
        ExpressionKind::Ellipsis => wrong("a number is expected here, not `...`"),
        ExpressionKind::Decimal(_) => wrong("a whole number is expected here"),
        ExpressionKind::Text(_) => wrong("a number is expected here, not a text"),
        ExpressionKind::List(_) => wrong("a number is expected here, not a list"),
        ExpressionKind::Record(_) => wrong("a number is expected here, not a structure"),
    }
}

fn combine(operator: char, left: i64, right: i64) -> Option<i64> {
    let shift = || u32::try_from(right).ok();
    match operator {
        '|' => Some(left | right),
        '&' => Some(left & right),
        '^' => Some(left ^ right),
        '+' => left.checked_add(right),
        '-' => left.checked_sub(right),
        '*' => left.checked_mul(right),
        '/' => left.checked_div(right),
        '<' => left.checked_shl(shift()?),
        '>' => left.checked_shr(shift()?),
        _ => None,
    }
}
