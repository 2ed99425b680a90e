//! Socket options, with Linux' names.

use std::time::Duration;

use kdl::KdlValue;
use twomsl_tcp::SocketOption;

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
    ];
    options.into_iter().flatten().collect()
}

/// RFC 7323 §2.3 bounds a window, and so what a buffer is good for, by 2^30.
fn buffer_size(node: &Node<'_>, name: &str, Size(octets): Size) -> Option<u32> {
    let fits = u32::try_from(octets).ok().filter(|octets| (1..=1 << 30).contains(octets));
    if fits.is_none() {
        node.wrong(node.prop_span(name), "a buffer has 1 octet to 1 GiB", "not a buffer");
    }
    fits
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
