//! Socket options, with Linux' names.

use std::time::Duration;

use kdl::KdlValue;
use twomsl_tcp::{Linger2, SocketOption};

use crate::language::Names;
use crate::language::node::Node;
use crate::language::value::{Size, Value, Wrong};

/// The options that a node sets, in the order of the table.
pub(super) fn options(node: &Node<'_>) -> Vec<SocketOption> {
    let buffer = |name| node.prop(name).and_then(|size| buffer_size(node, name, size));
    let options = [
        node.prop("no-delay").map(SocketOption::NoDelay),
        node.prop("linger").map(|Linger(time)| SocketOption::Linger(time)),
        node.prop("reuse-address").map(SocketOption::ReuseAddress),
        node.prop("keep-alive").map(SocketOption::KeepAlive),
        node.prop("keep-idle").map(SocketOption::KeepIdle),
        node.prop("keep-interval").map(SocketOption::KeepInterval),
        node.prop("keep-count").map(SocketOption::KeepCount),
        node.prop("user-timeout").map(SocketOption::UserTimeout),
        buffer("send-buffer").map(SocketOption::SendBuffer),
        buffer("receive-buffer").map(SocketOption::ReceiveBuffer),
        node.prop("max-segment").map(SocketOption::MaxSegment),
        node.prop("fast-open").map(SocketOption::FastOpen),
        node.prop("congestion").map(SocketOption::Congestion),
        node.prop("cork").map(SocketOption::Cork),
        node.prop("quick-ack").map(SocketOption::QuickAck),
        node.prop("not-sent-low-water").map(SocketOption::NotSentLowWater),
        node.prop("defer-accept").map(SocketOption::DeferAccept),
        node.prop("syn-count").map(SocketOption::SynCount),
        node.prop("linger2").map(SocketOption::Linger2),
        node.prop("window-clamp").map(SocketOption::WindowClamp),
    ];
    let options: Vec<_> = options.into_iter().flatten().collect();
    check_sizes(node);
    options
}

/// What `setsockopt` would refuse, a file need not try.
fn check_sizes(node: &Node<'_>) {
    let segment = node.prop("max-segment").map(SocketOption::MaxSegment);
    if segment.is_some_and(|option| !option.is_valid()) {
        let span = node.prop_span("max-segment");
        node.wrong(span, "a segment has 88 to 32767 octets", "0 is what the path allows");
    }
    let count = node.prop("syn-count").map(SocketOption::SynCount);
    if count.is_some_and(|option| !option.is_valid()) {
        node.wrong(node.prop_span("syn-count"), "1 to 127 repetitions", "EINVAL");
    }
}

/// RFC 7323 §2.3 bounds a window, and so what a buffer is good for, by 2^30.
fn buffer_size(node: &Node<'_>, name: &str, Size(octets): Size) -> Option<u32> {
    let fits = u32::try_from(octets).ok().filter(|octets| (1..=1 << 30).contains(octets));
    if fits.is_none() {
        node.wrong(node.prop_span(name), "a buffer has 1 octet to 1 GiB", "not a buffer");
    }
    fits
}

impl Value for Linger2 {
    const EXAMPLE: &'static str = "\"10s\"";

    fn read(value: &KdlValue, names: &Names) -> Result<Self, Wrong> {
        if value.as_bool() == Some(false) {
            return Ok(Self::Never);
        }
        Duration::read(value, names).map(Self::For).map_err(|_| {
            Wrong::kind("a duration, or #false", value, "linger2=#false for no FIN-WAIT-2 at all")
        })
    }
}

/// `SO_LINGER`: a time, or off.
struct Linger(Option<Duration>);

impl Value for Linger {
    const EXAMPLE: &'static str = "\"0s\"";

    fn read(value: &KdlValue, names: &Names) -> Result<Self, Wrong> {
        if value.as_bool() == Some(false) {
            return Ok(Self(None));
        }
        Duration::read(value, names).map(Some).map(Self).map_err(|_| {
            Wrong::kind("a duration, or #false", value, "linger=\"0s\" to reset on close")
        })
    }
}
