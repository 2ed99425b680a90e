//! The task on every host that drives its stack.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::sync::Notify;
use tokio::time::{Duration, Instant, sleep_until};
use turmoil::net::UdpSocket;

use crate::network::{HostRef, Network, PORT};
use crate::wakers::Woken;

/// Drives the stack of a host for as long as its runtime lives. It sleeps until a datagram comes,
/// a timer of the stack is due, or a call has left something to do.
pub(crate) async fn drive(host: HostRef, datagrams: Arc<UdpSocket>, kick: Arc<Notify>) {
    let life = Life(host);
    let host = &life.0;
    let mut group = Group::join(&datagrams).ok();
    let mut sleep = pin!(sleep_until(Instant::now() + FAR));
    loop {
        let next = turn(host, &datagrams);
        if group.is_some() && host.with(|host| host.tick.is_some()) {
            group.take().inspect(|group| group.leave(&datagrams));
        }
        // A timer that was put off is not worth a change: the driver wakes once in vain.
        if let Some(next) = next
            && (next < sleep.deadline() || sleep.is_elapsed())
        {
            sleep.as_mut().reset(next);
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

/// One round: what has arrived, what is due.
fn turn(host: &HostRef, datagrams: &UdpSocket) -> Option<Instant> {
    let mut woken = Woken::default();
    let next = {
        let network = &mut *host.network.lock();
        receive(network, host.index, datagrams, &mut woken);
        let Network { hosts, transit, serial, .. } = network;
        let this = &mut hosts[host.index];
        let now = this.now();
        let next = this.turn((*serial, transit), now, &mut woken);
        next.map(|at| this.on_runtime(at))
    };
    woken.wake();
    next
}

/// Takes all datagrams that wait.
fn receive(network: &mut Network, index: usize, datagrams: &UdpSocket, woken: &mut Woken) {
    let mut buffer = [0; 16];
    let Network { hosts, transit, serial, .. } = network;
    let host = &mut hosts[index];
    let now = host.now();
    while let Ok((length, origin)) = datagrams.try_recv_from(&mut buffer) {
        if length < buffer.len() {
            host.learn_address(origin.ip(), woken);
            host.learn_tick(now);
            continue;
        }
        let number = u128::from_be_bytes(buffer);
        if number >> 64 != u128::from(*serial) {
            continue;
        }
        let Some(mut packet) = transit.take(number as u64) else { continue };
        host.learn_address(packet.dst, woken);
        host.stack.on_packet_in_place(now, &mut packet);
        host.flush((*serial, transit), now, woken);
    }
}

/// Ends with the driver, which ends with the runtime: the stack is forgotten.
struct Life(HostRef);

impl Drop for Life {
    fn drop(&mut self) {
        // Dropped after the lock: sockets and turmoil's socket look for their worlds.
        let forgotten = self.0.with(crate::host::Host::crash);
        drop(forgotten);
    }
}

/// A multicast group in which the host is alone: what is sent to it comes back, and tells the
/// host its own address, for which turmoil has no function.
struct Group {
    address: IpAddr,
}

impl Group {
    fn join(datagrams: &UdpSocket) -> io::Result<Self> {
        // No trace shows it, and no packet goes by it: it need only be nobody else's.
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let [_, a, b, c] = number.to_be_bytes();
        let group = match datagrams.local_addr()?.ip() {
            IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::new(239, a, b, c)),
            IpAddr::V6(_) => {
                let (high, low) = ((number >> 16) as u16, number as u16);
                IpAddr::V6(Ipv6Addr::new(0xff05, 0, 0, 0, 0, 0, high, low))
            }
        };
        match group {
            IpAddr::V4(group) => datagrams.join_multicast_v4(group, Ipv4Addr::UNSPECIFIED)?,
            IpAddr::V6(group) => datagrams.join_multicast_v6(&group, 0)?,
        }
        datagrams.try_send_to(&[], SocketAddr::new(group, PORT))?;
        Ok(Self { address: group })
    }

    fn leave(&self, datagrams: &UdpSocket) {
        // Turmoil refuses to leave a group twice; there is nothing to be done about it.
        let _ = match self.address {
            IpAddr::V4(group) => datagrams.leave_multicast_v4(group, Ipv4Addr::UNSPECIFIED),
            IpAddr::V6(group) => datagrams.leave_multicast_v6(&group, 0),
        };
    }
}
