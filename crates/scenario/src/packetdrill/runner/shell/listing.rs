//! Tables of sockets: what `sockstat`, `netstat` and `ss` would show of the script's.

use std::fmt::Write as _;
use std::net::IpAddr;

use twomsl_tcp::TcpState;

use super::Machine;
use crate::packetdrill::setup::Setup;
use crate::packetdrill::system::{Administered, Order};

/// More lines than this are not shown.
const MAX_LINES: usize = 64;

/// Whose table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Sockstat,
    Netstat,
    Ss,
}

impl Style {
    pub(super) fn of(command: &str) -> Self {
        match command {
            "sockstat" => Self::Sockstat,
            "netstat" => Self::Netstat,
            _ => Self::Ss,
        }
    }
}

/// A line for each socket; its state is written as that command does, those of `netstat` as both
/// systems do. `ss` may be asked for a state, or for everything.
pub(super) fn sockets<M: Machine>(
    style: Style,
    arguments: &[&str],
    setup: &Setup,
    machine: &mut M,
) -> String {
    let mut out = String::new();
    for state in TcpState::ALL {
        if !is_asked_for(style, arguments, state) {
            continue;
        }
        let count = match machine.order(Order::CountInState(state)) {
            Administered::Count(count) => count,
            _ => 0,
        };
        for _ in 0..count.min(MAX_LINES) {
            line(&mut out, style, setup, state);
        }
    }
    out
}

/// `ss state time-wait`, `ss -tan`, `ss -l`.
fn is_asked_for(style: Style, arguments: &[&str], state: TcpState) -> bool {
    if style != Style::Ss {
        return true;
    }
    let named =
        arguments.iter().position(|word| *word == "state").and_then(|at| arguments.get(at + 1));
    if let Some(name) = named {
        let same = name.eq_ignore_ascii_case(ss_name(state));
        let longer = state == TcpState::Established && name.eq_ignore_ascii_case("established");
        return *name == "all" || same || longer;
    }
    let letters = |letter| {
        let mut short = arguments.iter().filter(|word| !word.starts_with("--"));
        short.any(|word| word.strip_prefix('-').is_some_and(|word| word.contains(letter)))
    };
    let long = |name: &str| arguments.contains(&name);
    match state {
        _ if letters('a') || long("--all") => true,
        TcpState::Listen => letters('l') || long("--listening"),
        TcpState::TimeWait | TcpState::Closed => false,
        _ => !letters('l'),
    }
}

fn line(out: &mut String, style: Style, setup: &Setup, state: TcpState) {
    let version = match setup.local {
        IpAddr::V4(_) => 4,
        IpAddr::V6(_) => 6,
    };
    let (local, remote, port) = (setup.local, setup.remote, setup.bind_port);
    let other = setup.connect_port;
    // Writing to a String cannot fail.
    let _ = match style {
        Style::Sockstat => writeln!(
            out,
            "root packetdril 1000 3 tcp{version} {local}:{port} {remote}:{other} {}",
            bsd_name(state)
        ),
        Style::Netstat => writeln!(
            out,
            "tcp{version} 0 0 {local}.{port} {remote}.{other} {} {}",
            bsd_name(state),
            linux_name(state)
        ),
        Style::Ss => writeln!(out, "{} 0 0 {local}:{port} {remote}:{other}", ss_name(state)),
    };
}

const fn bsd_name(state: TcpState) -> &'static str {
    match state {
        TcpState::Closed => "CLOSED",
        TcpState::Listen => "LISTEN",
        TcpState::SynSent => "SYN_SENT",
        TcpState::SynReceived => "SYN_RCVD",
        TcpState::Established => "ESTABLISHED",
        TcpState::FinWait1 => "FIN_WAIT_1",
        TcpState::FinWait2 => "FIN_WAIT_2",
        TcpState::CloseWait => "CLOSE_WAIT",
        TcpState::Closing => "CLOSING",
        TcpState::LastAck => "LAST_ACK",
        TcpState::TimeWait => "TIME_WAIT",
    }
}

const fn linux_name(state: TcpState) -> &'static str {
    match state {
        TcpState::SynReceived => "SYN_RECV",
        TcpState::FinWait1 => "FIN_WAIT1",
        TcpState::FinWait2 => "FIN_WAIT2",
        state => bsd_name(state),
    }
}

const fn ss_name(state: TcpState) -> &'static str {
    match state {
        TcpState::Closed => "UNCONN",
        TcpState::Listen => "LISTEN",
        TcpState::SynSent => "SYN-SENT",
        TcpState::SynReceived => "SYN-RECV",
        TcpState::Established => "ESTAB",
        TcpState::FinWait1 => "FIN-WAIT-1",
        TcpState::FinWait2 => "FIN-WAIT-2",
        TcpState::CloseWait => "CLOSE-WAIT",
        TcpState::Closing => "CLOSING",
        TcpState::LastAck => "LAST-ACK",
        TcpState::TimeWait => "TIME-WAIT",
    }
}
