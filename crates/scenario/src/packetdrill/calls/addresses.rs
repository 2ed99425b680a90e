//! Socket addresses.

use std::net::{IpAddr, SocketAddr};

use super::super::script::{Expression, ExpressionKind};
use super::CallProblem;
use super::arguments::{Arguments, field, number, record};

impl Arguments<'_> {
    /// An address: `...` stands for `usual`.
    pub(super) fn address(
        &self,
        index: usize,
        usual: SocketAddr,
    ) -> Result<SocketAddr, CallProblem> {
        let value = self.at(index)?;
        Self::address_or_none(value, usual)?
            .ok_or_else(|| CallProblem::not_supported(value.span, "an address that is NULL"))
    }

    /// An address, or `NULL`.
    pub(super) fn optional_address(
        &self,
        index: usize,
        usual: SocketAddr,
    ) -> Result<Option<SocketAddr>, CallProblem> {
        Self::address_or_none(self.at(index)?, usual)
    }

    pub(super) fn address_or_none(
        value: &Expression,
        usual: SocketAddr,
    ) -> Result<Option<SocketAddr>, CallProblem> {
        match &value.kind {
            ExpressionKind::Ellipsis => Ok(Some(usual)),
            ExpressionKind::Null => Ok(None),
            _ => explicit(value, usual).map(Some),
        }
    }
}

/// `{sa_family = AF_INET, sin_port = htons(8080), sin_addr = inet_addr("192.0.2.1")}`. A part that
/// is `...` is that of `usual`.
pub(super) fn explicit(value: &Expression, usual: SocketAddr) -> Result<SocketAddr, CallProblem> {
    let fields = record(value)?;
    let port = match field(fields, &["sin_port", "sin6_port", "port"]) {
        Some(port) if !port.is_ellipsis() => port_of(port)?,
        _ => usual.port(),
    };
    let ip = match field(fields, &["sin_addr", "sin6_addr", "addr"]) {
        Some(ip) if !ip.is_ellipsis() => ip_of(ip)?,
        _ => usual.ip(),
    };
    Ok(SocketAddr::new(ip, port))
}

fn port_of(value: &Expression) -> Result<u16, CallProblem> {
    let port = number(value)?;
    u16::try_from(port).map_err(|_| CallProblem::wrong(value.span, format!("{port} is no port")))
}

/// `inet_addr("192.0.2.1")`, `inet_pton(AF_INET6, "2001:db8::1")`, `INADDR_ANY`, or a text.
fn ip_of(value: &Expression) -> Result<IpAddr, CallProblem> {
    let text = match &value.kind {
        ExpressionKind::Text(text) => text,
        ExpressionKind::Function(_, arguments) => match arguments.last().map(|last| &last.kind) {
            Some(ExpressionKind::Text(text)) => text,
            _ => return v4_of(value),
        },
        _ => return v4_of(value),
    };
    text.parse().map_err(|_| CallProblem::wrong(value.span, format!("`{text}` is no IP address")))
}

/// A number, as `INADDR_ANY` is one.
fn v4_of(value: &Expression) -> Result<IpAddr, CallProblem> {
    let ip = number(value)?;
    let ip = u32::try_from(ip).map_err(|_| CallProblem::wrong(value.span, "this is no address"))?;
    Ok(IpAddr::V4(ip.into()))
}
