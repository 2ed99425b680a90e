//! What the stories share.

use std::time::Duration;

use twomsl_sim::spec::Impairments;
use twomsl_sim::{End, Outcome, World, WorldBuilder};
use twomsl_tcp::wire::{Flags, Packet};
use twomsl_tcp::{Instant, Profile, SocketError};
use twomsl_trace::{Decider, Event, Fate};

pub(crate) const MS: Duration = Duration::from_millis(1);
pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const CLIENT: usize = 0;
pub(crate) const SERVER: usize = 1;

/// A client and a server with Linux' parameters, ten milliseconds apart.
pub(crate) fn pair() -> WorldBuilder {
    pair_over(Impairments::delay(10 * MS))
}

/// A client and a server with Linux' parameters.
pub(crate) fn pair_over(both: Impairments) -> WorldBuilder {
    World::builder()
        .host("client", Profile::linux())
        .host("server", Profile::linux())
        .link("client", "server", both)
}

/// A client that says hello, and a server that hears it out.
pub(crate) fn hello(builder: WorldBuilder) -> WorldBuilder {
    builder
        .role("server", |role| role.listen(80).accept().read_to_end().close())
        .role("client", |role| role.connect("server", 80).write("hello").close())
}

/// Runs a world to its quiet end, in which no invariant was broken.
pub(crate) fn run(builder: WorldBuilder) -> World {
    let mut world = builder.build().expect("a specification without errors");
    assert_eq!(world.run(), End::Quiet);
    assert_eq!(world.violations(), []);
    world
}

/// All roles came to their end.
pub(crate) fn assert_done(world: &World) {
    for result in world.results() {
        assert_eq!(result.outcome, Outcome::Done, "{result:?}");
    }
}

/// The error with which the first role of a host ended, and the call.
pub(crate) fn failure(world: &World, host: usize) -> Option<(&'static str, SocketError)> {
    let result = world.results().into_iter().find(|result| result.host == host)?;
    match result.outcome {
        Outcome::Failed { call, error } => Some((call, error)),
        _ => None,
    }
}

/// When the packets that a host sent with exactly these flags were sent.
pub(crate) fn sent(world: &World, host: usize, flags: Flags) -> Vec<Instant> {
    let sent = world.trace().records.iter().filter_map(|record| match &record.event {
        Event::Sent { host: from, content, .. } if usize::from(from.0) == host => {
            (flags_of(content) == flags).then_some(record.at)
        }
        _ => None,
    });
    sent.collect()
}

fn flags_of(packet: &Packet) -> Flags {
    packet.segment().map_or(Flags::empty(), |segment| segment.flags - Flags::PSH)
}

/// How many packets met this fate by this decider.
pub(crate) fn fates(
    world: &World,
    fate: impl Fn(&Fate) -> bool,
    by: impl Fn(&Decider) -> bool,
) -> usize {
    let meets =
        |event: &Event| matches!(event, Event::Fate { fate: f, by: b, .. } if fate(f) && by(b));
    world.trace().records.iter().filter(|record| meets(&record.event)).count()
}
