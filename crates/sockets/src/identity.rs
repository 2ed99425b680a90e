//! Who the current host is.
//!
//! Turmoil tells a task the address of every host by name, but not whose task it is. What it does
//! is to log, when a UDP socket leaves a multicast group, the address under which it was a member.
//! So the socket that segments will travel through joins a group and leaves it again, while a
//! subscriber of `tracing` listens, on this thread and for this moment only.

use std::cell::Cell;
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::OnceLock;

use tracing::dispatcher::with_default;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Dispatch, Event, Metadata, Subscriber};
use turmoil::net::UdpSocket;

use crate::error;

/// The address of the current host, to which the socket belongs.
///
/// # Errors
/// When turmoil's log events are not in this build, or when the socket cannot join the group.
pub(crate) fn own_address(socket: &UdpSocket) -> io::Result<IpAddr> {
    HEARD.set(None);
    let ear = EAR.get_or_init(|| Dispatch::new(Ear));
    match socket.local_addr()?.ip() {
        IpAddr::V4(_) => {
            // An address of the "MCAST-TEST-NET" (RFC 6676): no application uses it.
            let group = Ipv4Addr::new(233, 252, 0, 6);
            socket.join_multicast_v4(group, Ipv4Addr::UNSPECIFIED)?;
            with_default(ear, || socket.leave_multicast_v4(group, Ipv4Addr::UNSPECIFIED))?;
        }
        IpAddr::V6(_) => {
            let group = Ipv6Addr::new(0xff0e, 0, 0, 0, 0, 0, 0xdb8, 6);
            socket.join_multicast_v6(&group, 0)?;
            with_default(ear, || socket.leave_multicast_v6(&group, 0))?;
        }
    }
    HEARD.take().ok_or_else(error::unheard)
}

/// Made once: `tracing` asks every place that logs anew whenever there is a new subscriber.
static EAR: OnceLock<Dispatch> = OnceLock::new();

thread_local! {
    /// What was heard on this thread.
    static HEARD: Cell<Option<IpAddr>> = const { Cell::new(None) };
}

/// Hears who leaves a group.
struct Ear;

impl Ear {
    fn listens_to(metadata: &Metadata<'_>) -> bool {
        metadata.target() == "turmoil" && metadata.fields().field(MEMBER).is_some()
    }
}

/// The field of turmoil's event in which the address is.
const MEMBER: &str = "member";

impl Subscriber for Ear {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if Self::listens_to(metadata) { Interest::sometimes() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        Self::listens_to(metadata)
    }

    fn max_level_hint(&self) -> Option<tracing::level_filters::LevelFilter> {
        Some(tracing::level_filters::LevelFilter::INFO)
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut Member);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// Reads the field.
struct Member;

impl Visit for Member {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == MEMBER
            && let Ok(address) = format!("{value:?}").parse::<SocketAddr>()
        {
            HEARD.set(Some(address.ip()));
        }
    }
}
