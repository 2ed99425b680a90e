//! Both ends of the network device, the clock, and the end.

use std::ffi::{c_int, c_longlong, c_void};
use std::time::Duration;

use libc::{size_t, timeval, useconds_t};
use twomsl_scenario::packetdrill::system::Errno;
use twomsl_tcp::Instant;
use twomsl_tcp::wire::Packet;

use crate::instance::Instance;
use crate::interface::Machine;
use crate::memory::{self, FAULT, enter};

/// What the clock says at the start of virtual time, in microseconds. Not zero: packetdrill takes
/// a packet's time of zero for none.
pub(crate) const START: i64 = 1_000_000_000_000_000;

/// The machine is not used any more.
pub(crate) unsafe extern "C" fn free(machine: Machine) {
    // SAFETY: `machine` is the interface's `userdata`, which is freed once.
    if let Some(instance) = unsafe { memory::take_back(machine) } {
        instance.free();
    }
}

/// A raw IP packet arrives at the machine. One that is damaged, or that is neither TCP nor an ICMP
/// error, is lost without a word, as in a kernel.
pub(crate) unsafe extern "C" fn netdev_send(
    machine: Machine,
    packet: *const c_void,
    length: size_t,
) -> c_int {
    let body = |it: &Instance| {
        // SAFETY: the caller has a packet of this length.
        let octets = unsafe { memory::octets(packet, length) }?;
        Packet::parse_bytes(&octets.into()).map_or(Ok(()), |packet| it.inject(packet)).map(|()| 0)
    };
    // SAFETY: `machine` is the interface's `userdata`, here and in every function below.
    unsafe { enter(machine, body) }
}

/// The next packet that the machine sends, with the time at which it did. `*length` is the room
/// there is, and then the length of the packet; 0 when none came.
pub(crate) unsafe extern "C" fn netdev_receive(
    machine: Machine,
    buffer: *mut c_void,
    length: *mut size_t,
    time: *mut c_longlong,
) -> c_int {
    let body = |it: &Instance| {
        // SAFETY: the caller says there how much room it has.
        let room = unsafe { memory::get(length) }?;
        if buffer.is_null() || time.is_null() {
            return Err(FAULT);
        }
        let Some((at, packet)) = it.receive()? else {
            // SAFETY: as above.
            return unsafe { memory::put(length, 0) }.map(|()| 0);
        };
        let octets = packet.emit().map_err(|_| Errno(libc::EIO))?;
        let fits = octets.len().min(room);
        // SAFETY: no more than the caller has room for.
        unsafe {
            memory::put_all(buffer.cast(), &octets[..fits])?;
            memory::put(length, fits)?;
            memory::put(time, microseconds(at))?;
        }
        Ok(0)
    };
    // SAFETY: as in `netdev_send`.
    unsafe { enter(machine, body) }
}

/// Lets virtual time pass.
pub(crate) unsafe extern "C" fn usleep(machine: Machine, time: useconds_t) -> c_int {
    let time = Duration::from_micros(u64::from(time));
    // SAFETY: as in `netdev_send`.
    unsafe { enter(machine, |it| it.sleep(time).map(|()| 0)) }
}

/// What time it is in the machine. There are no time zones.
pub(crate) unsafe extern "C" fn gettimeofday(
    machine: Machine,
    time: *mut timeval,
    _zone: *mut c_void,
) -> c_int {
    let body = |it: &Instance| {
        let now = microseconds(it.now()?);
        let now = timeval { tv_sec: now / 1_000_000, tv_usec: now % 1_000_000 };
        // SAFETY: the caller has room for a time.
        unsafe { memory::put(time, now) }.map(|()| 0)
    };
    // SAFETY: as in `netdev_send`.
    unsafe { enter(machine, body) }
}

/// A moment of virtual time as packetdrill sees it.
fn microseconds(at: Instant) -> i64 {
    START + (at.as_nanos() / 1_000).cast_signed()
}

/// And back.
pub(crate) fn moment(microseconds: i64) -> Instant {
    let since_start = u64::try_from(microseconds - START).unwrap_or(0);
    Instant::from_nanos(since_start.saturating_mul(1_000))
}
