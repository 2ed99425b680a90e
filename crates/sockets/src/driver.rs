//! The task on every host that drives its stack.

use std::pin::pin;
use std::sync::Arc;

use tokio::sync::Notify;
use tokio::time::{Duration, Instant, sleep_until};
use turmoil::net::UdpSocket;

use crate::error;
use crate::host::Life;
use crate::simulation::{HostRef, Simulation};
use crate::wakers::Woken;

/// Drives the stack of a host for as long as its runtime lives. It sleeps until a datagram comes,
/// a timer of the stack is due, or a call has left something to do.
pub(crate) async fn drive(host: HostRef, datagrams: Arc<UdpSocket>, kick: Arc<Notify>) {
    let guard = Guard(host);
    let mut sleep = pin!(sleep_until(Instant::now() + FAR));
    loop {
        let Ok(next) = round(&guard.0, &datagrams) else { return };
        // A timer that was put off is not worth a change: the driver wakes once in vain.
        if let Some(next) = next
            && (next < sleep.deadline() || sleep.is_elapsed())
        {
            sleep.as_mut().reset(next);
        }
        if sleep.is_elapsed() || sleep.deadline() <= Instant::now() {
            // More is due. Tasks that what has happened has woken come first.
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

/// What has arrived, what was dropped, what is due; and when the next is.
fn round(host: &HostRef, datagrams: &UdpSocket) -> Result<Option<Instant>, Over> {
    let mut woken = Woken::default();
    let next = {
        let simulation = &mut *host.simulation.lock();
        let now = life(host, simulation)?.now();
        receive(simulation, now, datagrams);
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

/// Takes all datagrams that wait.
fn receive(simulation: &mut Simulation, now: twomsl_tcp::Instant, datagrams: &UdpSocket) {
    let mut buffer = [0; 16];
    while let Ok((length, _)) = datagrams.try_recv_from(&mut buffer) {
        let datagram = u128::from_be_bytes(buffer);
        // Whoever else sends to this port is not one of us.
        if length == buffer.len() {
            assert_eq!(datagram >> 64, u128::from(simulation.serial), "{}", error::INTERLEAVED);
            simulation.network.arrive(now, datagram as u64);
        }
    }
}

/// Ends with the driver, which ends with the runtime: the stack is forgotten.
struct Guard(HostRef);

impl Drop for Guard {
    fn drop(&mut self) {
        let HostRef { simulation, index, .. } = &self.0;
        let ended = {
            let mut simulation = simulation.lock();
            if !simulation.hosts[*index].is_life(self.0.runtime()) {
                return;
            }
            // In turmoil it is a crash that takes a runtime away; else the simulation is over.
            if turmoil::in_simulation() {
                let now = simulation.network.now();
                simulation.network.crash(now, *index);
            }
            simulation.hosts[*index].crash()
        };
        // Where nothing is locked: a waker may be the last to hold a task, and that a socket.
        drop(ended);
    }
}
