//! The virtual network: clock, queue, random streams, links, fault rules, hosts, invariants.
//!
//! A [`WorldSpec`] says what there is; a [`World`] is made from it and runs. The same
//! specification and seed give the same [trace](twomsl_trace::Trace) on every machine. In every
//! run six invariants are checked after every event, and what breaks one is in
//! [`World::violations`]:
//!
//! 1. what an application reads is a prefix of what its peer wrote in the same incarnation, and
//!    the end of the file comes only after all of it;
//! 2. connections follow the arrows of the state diagram only;
//! 3. segments stay within what was sent and received;
//! 4. no octet of another incarnation is accepted;
//! 5. no deadlock: what is not delivered has a timer, or a packet on its way;
//! 6. when nothing is left to happen, every connection has reached its end, or told its
//!    application why not, or is idle with all its data delivered.
//!
//! A world is built with the words of scenario files:
//!
//! ```
//! use std::time::Duration;
//!
//! use twomsl_sim::spec::{Acks, FaultVerdict, Impairments};
//! use twomsl_sim::{End, World};
//! use twomsl_tcp::{Profile, TcpState};
//!
//! // The acknowledgment of the server's FIN is lost. Who repairs it, and how?
//! let mut world = World::builder()
//!     .host("client", Profile::linux())
//!     .host("server", Profile::linux())
//!     .link("client", "server", Impairments::delay(Duration::from_millis(10)))
//!     .role("server", |role| role.listen(80).accept().read_to_end().close())
//!     .role("client", |role| role.connect("server", 80).write("hello").close())
//!     .fault(FaultVerdict::Drop, |packets| packets.from("client").acks(Acks::Fin).nth(1))
//!     .build()?;
//!
//! assert_eq!(world.run(), End::Quiet);
//! assert!(world.violations().is_empty());
//! // The server sends its FIN again; TIME-WAIT is there to answer it.
//! let client = &world.paths(0)[0];
//! assert_eq!(client[client.len() - 2..], [TcpState::TimeWait, TcpState::Closed]);
//! assert_eq!(world.totals(1).read, 5);
//! # Ok::<(), twomsl_sim::SpecError>(())
//! ```

mod bits;
mod builder;
mod calls;
mod check;
mod choices;
mod conditions;
mod coverage;
mod errors;
mod fingerprint;
mod flight;
mod forge;
mod incidents;
mod invariants;
mod jitter;
mod life;
mod link;
mod live;
mod middlebox;
mod network;
mod outside;
mod pattern;
mod plan;
mod program;
mod queue;
mod random;
mod relay;
mod rules;
mod run;
pub mod spec;
mod tasks;
mod text;
mod waiting;
mod words;
mod world;

pub use builder::{Forged, Moment, Packets, Role, WorldBuilder};
pub use choices::{Arriving, InHand, Reachable};
pub use coverage::{Coverage, Met, PacketKind};
pub use outside::{Carrier, FaultId, MiddleboxId, Network, Parcel, Plug, Ready};
pub use plan::Plan;
pub use run::Run;
pub use spec::WorldSpec;
pub use world::{
    Checks, End, MOST_RECORDS, Outcome, Recording, RoleResult, SpecError, Totals, Violation, World,
};
