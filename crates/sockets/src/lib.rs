//! The sockets of `tokio::net`, on a whole TCP, inside [turmoil](https://docs.rs/turmoil)
//! simulations.
//!
//! Turmoil's own `TcpStream` is a reliable pipe. These have segments, and segments can be lost,
//! late and out of order: there is retransmission, TIME-WAIT, keepalive, linger, backlog, ports
//! that run out. A test moves over by changing one line:
//!
//! ```text
//! -use turmoil::net::{TcpListener, TcpStream};
//! +use twomsl::net::{TcpListener, TcpStream};
//! ```
//!
//! A whole simulation:
//!
//! ```
//! use tokio::io::{AsyncReadExt, AsyncWriteExt};
//! use twomsl_sockets::net::{TcpListener, TcpStream};
//!
//! let mut sim = turmoil::Builder::new().rng_seed(1).build();
//! sim.host("server", || async {
//!     let listener = TcpListener::bind("0.0.0.0:80").await?;
//!     loop {
//!         let (mut stream, _) = listener.accept().await?;
//!         tokio::spawn(async move {
//!             let mut request = [0; 5];
//!             stream.read_exact(&mut request).await?;
//!             stream.write_all(&request).await
//!         });
//!     }
//! });
//! sim.client("client", async {
//!     let mut stream = TcpStream::connect("server:80").await?;
//!     stream.write_all(b"hello").await?;
//!     let mut answer = String::new();
//!     stream.read_to_string(&mut answer).await?;
//!     assert_eq!(answer, "hello");
//!     Ok(())
//! });
//! sim.run().unwrap();
//! ```
//!
//! # How it works
//!
//! The first socket call of a host starts that host's [`Stack`](twomsl_tcp::Stack), and a task
//! on that host that drives it. The host of a call is the one whose tokio runtime it runs on:
//! tasks of `tokio::spawn` and `spawn_local` belong to the host that spawned them. A crash takes
//! the runtime away, and the stack with it: after `bounce` there is an empty one, which answers
//! segments of old connections with a reset.
//!
//! Segments travel as turmoil datagrams from UDP port [`PORT`] to the same port, so that
//! turmoil's latency, `partition`, `hold`, `release`, loss and crashes act on segments. Those that
//! leave a host for another at the same moment travel together, as a burst does on a wire: they
//! have the same latency, and are lost together when turmoil loses them; [`Faults`] act on each.
//! What is sent to the host itself stays on the host, and arrives at once.
//!
//! Between the stacks is a [`Network`] of [`twomsl_sim`]: the fault rules and impairments
//! of scenario files ([`Faults`]), the invariants, and the trace ([`Lab`]) are the same.
//!
//! # What to set in turmoil's builder
//!
//! - `udp_capacity`: how many datagrams wait for one host, 64 at first. More than those are lost,
//!   as in a queue that is full, and TCP sends them again. A host on which the segments of many
//!   others, or with a random latency the bursts of many connections, can arrive in one tick
//!   needs more, such as 4096.
//! - `tick_duration`: messages arrive at whole ticks. It should be whole milliseconds, because
//!   tokio's timers are.
//! - `max_message_latency`: turmoil draws a latency for every datagram, so that bursts overtake
//!   each other when it is not equal to `min_message_latency`. TCP copes, but not for nothing.
//! - `tcp_capacity` and `ephemeral_ports` are for turmoil's own TCP: here there are buffers in
//!   octets, a backlog, and the ports of the [`Profile`].
//!
//! Turmoil no longer runs a client whose future has come to its end: its stack stands still, too,
//! with what was written and is not acknowledged yet. [`delivered`] lets it stay until all is.

mod calls;
mod delivered;
mod driver;
pub mod engine;
mod error;
mod faults;
mod host;
mod identity;
mod lab;
mod layers;
pub mod net;
mod ports;
mod quiet;
mod registry;
mod simulation;
mod train;
mod wakers;

pub use calls::Calls;
pub use delivered::delivered;
pub use faults::{Faults, Installed};
pub use host::start;
pub use lab::{Lab, Violations, netstat, sockets};
pub use simulation::PORT;
pub use twomsl_sim::{Network, Packets, Recording, spec};
pub use twomsl_tcp::{Profile, SocketOption};
