//! The task on every host that drives its stack.

use std::pin::pin;
use std::sync::Arc;

use tokio::sync::Notify;
use tokio::time::{Duration, Instant, sleep_until};
use turmoil::net::UdpSocket;

use crate::error;
use crate::host::Life;
use crate::simulation::{HostRef, Simulation};
use crate::train;
use crate::wakers::Woken;

/// Drives the stack of a host for as long as its runtime lives. It sleeps until a datagram comes,
/// a timer of the stack is due, or a call has left something to do.
pub(crate) async fn drive(host: HostRef, datagrams: Arc<UdpSocket>, kick: Arc<Notify>) {
    let guard = Guard(host);
    let mut sleep = pin!(sleep_until(Instant::now() + FAR));
    loop {
        match receive(&guard.0, &datagrams) {
            Err(Over) => return,
            Ok(Heard::Nothing) => {}
            // What tasks answer goes with what the stack answers.
            Ok(Heard::Something) => tokio::task::yield_now().await,
        }
        let Ok(next) = turn(&guard.0) else { return };
        // A timer that was put off is not worth a change: the driver wakes once in vain.
        if let Some(next) = next
            && (next < sleep.deadline() || sleep.is_elapsed())
        {
            sleep.as_mut().reset(next);
        }
        if next.is_some() && sleep.deadline() <= Instant::now() {
            // More is due. Tasks that what has happened has woken come first. A host's software
            // runs in a `LocalSet`, which is itself a task of the runtime: the first turn is its
            // own, the second that of the tasks in it. With one, two segments of the same tick are
            // taken before an echo has answered the first, and the engines tell different stories
            // of loss/lossy-transfer (crates/twomsl/tests/engines.rs).
            tokio::task::yield_now().await;
            tokio::task::yield_now().await;
        }
        tokio::select! {
            biased;
            () = kick.notified() => {}
            _ = datagrams.readable() => {}
            () = &mut sleep, if next.is_some() => {}
        }
    }
}

/// Longer than any simulation; tokio's timers end after about two years.
const FAR: Duration = Duration::from_secs(365 * 24 * 3600);

/// This life of the host is over.
struct Over;

/// Whether tasks were woken.
enum Heard {
    Nothing,
    Something,
}

/// Takes all datagrams that wait.
fn receive(host: &HostRef, datagrams: &UdpSocket) -> Result<Heard, Over> {
    let (mut woken, mut over) = (Woken::default(), None);
    {
        let simulation = &mut *host.simulation.lock();
        let life = life(host, simulation)?;
        life.look_soon();
        let now = life.now();
        let mut buffer = [0; train::LONGEST_DATAGRAM];
        while let Ok((length, _)) = datagrams.try_recv_from(&mut buffer) {
            let Ok(packets) = train::packets(&buffer[..length], simulation.serial) else {
                // Whoever waits hears that it cannot go on like this.
                over = simulation.hosts[host.index].end(error::INTERLEAVED, &mut woken);
                break;
            };
            for packet in packets {
                simulation.network.arrive(now, packet);
            }
        }
        simulation.wake(&mut woken);
    }
    let over = over.map(drop);
    let heard = if woken.is_empty() { Heard::Nothing } else { Heard::Something };
    woken.wake();
    if over.is_some() { Err(Over) } else { Ok(heard) }
}

/// Closes what was dropped, does what is due, and says when the next is.
fn turn(host: &HostRef) -> Result<Option<Instant>, Over> {
    let mut woken = Woken::default();
    let next = {
        let simulation = &mut *host.simulation.lock();
        let now = life(host, simulation)?.now();
        let Simulation { network, hosts, calls, .. } = simulation;
        if let Some(life) = hosts[host.index].life(host.runtime()) {
            life.close_left(network, host.index, now, *calls);
        }
        let due = simulation.turn(host.index, now, &mut woken);
        life(host, simulation)?.arm(due)
    };
    woken.wake();
    Ok(next)
}

fn life<'a>(host: &HostRef, simulation: &'a mut Simulation) -> Result<&'a mut Life, Over> {
    simulation.hosts[host.index].life(host.runtime()).ok_or(Over)
}

/// Ends with the driver, which ends with the runtime: the stack is forgotten.
struct Guard(HostRef);

impl Drop for Guard {
    fn drop(&mut self) {
        let HostRef { simulation, index, .. } = &self.0;
        let mut woken = Woken::default();
        let ended = {
            let mut simulation = simulation.lock();
            if !simulation.hosts[*index].is_life(self.0.runtime()) {
                return;
            }
            // In turmoil it is a crash that takes a runtime away; else the simulation is over.
            if turmoil::in_simulation() {
                let now = simulation.latest();
                simulation.network.crash(now, *index);
            }
            if std::thread::panicking() {
                simulation.hosts[*index].end(error::PANICKED, &mut woken)
            } else {
                simulation.hosts[*index].crash()
            }
        };
        // Where nothing is locked: a waker may be the last to hold a task, and that a socket.
        drop(ended);
        woken.wake();
    }
}
