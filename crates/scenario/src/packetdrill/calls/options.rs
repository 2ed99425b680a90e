//! Values of socket options.

use super::super::script::{Expression, ExpressionKind, Field};
use super::CallProblem;
use super::arguments::{Arguments, field, number};

/// Longer values than this mean nothing.
const LONGEST: usize = 1 << 16;

/// What a script expects of `getsockopt`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Expected {
    /// `...`
    Anything,
    /// Numbers, each with what it is called, and the octets it is read from.
    Numbers(Vec<Member>),
    Text(String),
}

/// A number in a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Member {
    /// Empty where it has no name.
    pub(super) name: String,
    pub(super) offset: usize,
    pub(super) length: usize,
    pub(super) number: i64,
}

/// A member of a structure: its name, its offset, its length.
type Place = (&'static str, usize, usize);

/// Structures by the names of their members.
const STRUCTURES: &[&[Place]] = &[
    &[("onoff", 0, 4), ("linger", 4, 4)],
    &[("l_onoff", 0, 4), ("l_linger", 4, 4)],
    &[("tv_sec", 0, 8), ("tv_usec", 8, 8)],
];

/// `TCP_FUNCTION_SET_NAME_LEN_MAX`
const FUNCTION_NAME: usize = 32;

impl Arguments<'_> {
    /// The value of `setsockopt`, as long as its last argument says.
    pub(super) fn value(&self) -> Result<Vec<u8>, CallProblem> {
        let (value, length) = (self.at(3)?, self.at(4)?);
        let length = if length.is_ellipsis() { None } else { Some(Self::size_of(length)?) };
        let mut octets = encode(value, length)?;
        if let Some(length) = length {
            octets.resize(length.min(LONGEST), 0);
        }
        Ok(octets)
    }

    /// What `getsockopt` is to answer.
    pub(super) fn expected_value(&self) -> Result<Expected, CallProblem> {
        let value = self.at(3)?;
        if value.is_ellipsis() || value.is_null() {
            return Ok(Expected::Anything);
        }
        let length = usize::try_from(Self::inner_number(self.at(4)?)?).unwrap_or(0);
        match &value.kind {
            ExpressionKind::Text(text) => Ok(Expected::Text(text.clone())),
            ExpressionKind::Record(fields) => members(value, fields).map(Expected::Numbers),
            ExpressionKind::List(items) => match items.as_slice() {
                [item] if item.is_ellipsis() => Ok(Expected::Anything),
                [Expression { kind: ExpressionKind::Text(text), .. }] => {
                    Ok(Expected::Text(text.clone()))
                }
                [item] => Ok(Expected::Numbers(vec![whole(number(item)?, length)])),
                items => array(items).map(Expected::Numbers),
            },
            _ => Ok(Expected::Numbers(vec![whole(number(value)?, length)])),
        }
    }
}

fn whole(number: i64, length: usize) -> Member {
    Member { name: String::new(), offset: 0, length: length.clamp(1, 8), number }
}

/// `[1, 2]`: one `int` after the other.
fn array(items: &[Expression]) -> Result<Vec<Member>, CallProblem> {
    let member = |(index, item)| {
        let name = format!("[{index}]");
        Ok(Member { name, offset: 4 * index, length: 4, number: number(item)? })
    };
    items.iter().enumerate().map(member).collect()
}

fn encode(value: &Expression, length: Option<usize>) -> Result<Vec<u8>, CallProblem> {
    match &value.kind {
        ExpressionKind::Text(text) => Ok(text.clone().into_bytes()),
        ExpressionKind::Null => Ok(Vec::new()),
        ExpressionKind::List(items) if items.len() != 1 => {
            let numbers: Result<Vec<i64>, _> = items.iter().map(number).collect();
            Ok(numbers?.into_iter().flat_map(|number| (number as i32).to_le_bytes()).collect())
        }
        ExpressionKind::List(items) => encode(&items[0], length),
        ExpressionKind::Record(fields) => encode_structure(value, fields),
        _ => {
            let octets = number(value)?.to_le_bytes();
            Ok(octets[..length.unwrap_or(4).clamp(1, 8)].to_vec())
        }
    }
}

fn encode_structure(value: &Expression, fields: &[Field]) -> Result<Vec<u8>, CallProblem> {
    if let Some(name) = field(fields, &["function_set_name"])
        && let ExpressionKind::Text(text) = &name.kind
    {
        let mut octets = text.clone().into_bytes();
        octets.resize(FUNCTION_NAME + 4, 0);
        return Ok(octets);
    }
    if let Some(enable) = field(fields, &["enable"]) {
        // `struct tcp_fastopen` of FreeBSD: the key behind the switch is not looked at.
        let mut octets = (number(enable)? as i32).to_le_bytes().to_vec();
        octets.resize(20, 0);
        return Ok(octets);
    }
    let members = members(value, fields)?;
    let length = members.iter().map(|member| member.offset + member.length).max().unwrap_or(0);
    let mut octets = vec![0; length];
    for member in members {
        let number = member.number.to_le_bytes();
        octets[member.offset..member.offset + member.length]
            .copy_from_slice(&number[..member.length]);
    }
    Ok(octets)
}

/// The numbers in a structure; those that are `...` are left out.
fn members(value: &Expression, fields: &[Field]) -> Result<Vec<Member>, CallProblem> {
    let Some(known) =
        STRUCTURES.iter().find(|known| fields.iter().all(|field| place(field, known).is_some()))
    else {
        return Err(CallProblem::not_supported(value.span, "a structure with these members"));
    };
    let given = fields.iter().filter(|field| !field.value.is_ellipsis());
    let members = given.filter_map(|field| Some((place(field, known)?, &field.value)));
    members
        .map(|((name, offset, length), value)| {
            Ok(Member { name: name.to_owned(), offset, length, number: number(value)? })
        })
        .collect()
}

/// Where a member is in a structure, if it is one of it.
fn place(field: &Field, known: &[Place]) -> Option<Place> {
    let name = field.name.as_deref().unwrap_or_default();
    known.iter().find(|(known, ..)| *known == name).copied()
}
