//! Control messages of `sendmsg` and `recvmsg`.

use super::super::script::{Expression, ExpressionKind, Field};
use super::super::system::ControlMessage;
use super::CallProblem;
use super::arguments::{Arguments, field, number, record};

/// The members of `struct sock_extended_err` with their offsets and lengths.
const EXTENDED_ERROR: &[(&str, usize, usize)] = &[
    ("ee_errno", 0, 4),
    ("ee_origin", 4, 1),
    ("ee_type", 5, 1),
    ("ee_code", 6, 1),
    ("ee_info", 8, 4),
    ("ee_data", 12, 4),
];
/// `struct timespec` of `SCM_TIMESTAMPING`, its first of three.
const TIMES: &[(&str, usize, usize)] = &[
    ("scm_sec", 0, 8),
    ("scm_nsec", 8, 8),
    ("tv_sec", 0, 8),
    ("tv_usec", 8, 8),
    ("tv_nsec", 8, 8),
];

impl Arguments<'_> {
    /// `[{cmsg_level=SOL_TCP, cmsg_type=TCP_CM_INQ, cmsg_data=100}]`.
    pub(super) fn control_messages(value: &Expression) -> Result<Vec<ControlMessage>, CallProblem> {
        match &value.kind {
            ExpressionKind::Ellipsis | ExpressionKind::Null => Ok(Vec::new()),
            ExpressionKind::List(items) => items.iter().map(control_message).collect(),
            _ => Err(CallProblem::wrong(value.span, "a list of control messages is expected here")),
        }
    }
}

fn control_message(value: &Expression) -> Result<ControlMessage, CallProblem> {
    let fields = record(value)?;
    let (Some(level), Some(kind)) = (field(fields, &["cmsg_level"]), field(fields, &["cmsg_type"]))
    else {
        let text = "a control message has cmsg_level, cmsg_type and cmsg_data";
        return Err(CallProblem::wrong(value.span, text));
    };
    let (level, kind) = (number(level)? as i32, number(kind)? as i32);
    let data = field(fields, &["cmsg_data"]).map(data).transpose()?.unwrap_or_default();
    Ok(ControlMessage { level, kind, data })
}

/// An integer, a structure, or single octets.
fn data(value: &Expression) -> Result<Vec<u8>, CallProblem> {
    match &value.kind {
        ExpressionKind::Record(fields) => structure(fields),
        ExpressionKind::List(items) => {
            items.iter().map(|item| Ok(number(item)?.cast_unsigned() as u8)).collect()
        }
        ExpressionKind::Ellipsis => Ok(Vec::new()),
        _ => Ok((number(value)? as i32).to_le_bytes().to_vec()),
    }
}

fn structure(fields: &[Field]) -> Result<Vec<u8>, CallProblem> {
    let is_error = field(fields, &["ee_errno", "ee_origin"]).is_some();
    let (members, mut octets) =
        if is_error { (EXTENDED_ERROR, vec![0; 16]) } else { (TIMES, vec![0; 16]) };
    for each in fields {
        let name = each.name.as_deref().unwrap_or_default();
        let Some((_, offset, length)) = members.iter().find(|(known, ..)| *known == name) else {
            let text = format!("a member `{name}` of a control message");
            return Err(CallProblem::not_supported(each.value.span, text));
        };
        let number = number(&each.value)?.to_le_bytes();
        octets[*offset..offset + length].copy_from_slice(&number[..*length]);
    }
    Ok(octets)
}
