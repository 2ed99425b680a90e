//! What the shared object exports: the function that packetdrill looks for, and a few more for
//! tests that hold the object to what the machine does without it.

use std::ffi::{CStr, c_char, c_int, c_longlong};

use twomsl_scenario::packetdrill::Host;
use twomsl_scenario::packetdrill::system::{Administered, Errno, Order, System};
use twomsl_tcp::TcpState;

use crate::device::moment;
use crate::flags::Flags;
use crate::instance::Instance;
use crate::interface::{Interface, Machine};
use crate::memory::{self, FAULT, INVALID, enter};

/// Makes a machine and fills `interface` with what acts on it.
///
/// `flags` are those of `docs/packetdrill-so.md`; null stands for none. Returns 0; or −1 when the
/// flags make no sense, which is then said on standard error, and all functions of the interface
/// fail with `EIO`. As packetdrill ignores what this returns, the interface is filled in any case.
///
/// # Safety
/// `flags` is null or a string of C, and `interface` points to a structure of C, which need not
/// have been filled.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn packetdrill_interface_init(
    flags: *const c_char,
    interface: *mut Interface,
) -> c_int {
    // SAFETY: the caller's promise.
    let flags = unsafe { string(flags) };
    let instance = std::panic::catch_unwind(|| machine(flags.as_deref().unwrap_or_default()));
    let instance = instance.unwrap_or_else(|_| Err("the machine could not be made".into()));
    let (instance, result) = match instance {
        Ok(instance) => (instance, 0),
        Err(problem) => {
            eprintln!("twomsl: {problem}");
            (Instance::refusing(), -1)
        }
    };
    if interface.is_null() {
        return -1;
    }
    // SAFETY: the caller's promise. What was there is not C's to be dropped.
    unsafe { interface.write(Interface::new(memory::give_out(instance))) };
    result
}

/// A machine as the flags want it.
fn machine(flags: &str) -> Result<Instance, String> {
    let flags = Flags::parse(flags)?;
    let mut host = Host::new(flags.host_settings()?);
    for (name, value) in &flags.settings {
        let order = Order::Set { name: name.clone(), value: value.clone() };
        if host.administer(order) != Administered::Done {
            return Err(format!("there is no sysctl `{name}` that could be `{value}`"));
        }
    }
    Ok(Instance::new(host, flags))
}

/// How many system calls have had to wait in this machine, ever. When it has grown after a thread
/// was sent into a call, that call waits.
///
/// # Safety
/// `machine` is the `userdata` of an interface that has not been freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn twomsl_calls_that_waited(machine: Machine) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { enter(machine, |it| count(it.waits()?)) }
}

/// How many system calls are waiting in this machine, and have no answer yet.
///
/// # Safety
/// As [`twomsl_calls_that_waited`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn twomsl_waiting_calls(machine: Machine) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { enter(machine, |it| count(it.waiting()?)) }
}

/// From now on, `netdev_receive` moves the clock no further than `time` (in microseconds, as
/// `gettimeofday` tells it), and ends with no packet when a call that waited returns.
///
/// # Safety
/// As [`twomsl_calls_that_waited`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn twomsl_receive_until(machine: Machine, time: c_longlong) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { enter(machine, |it| it.receive_until(moment(time)).map(|()| 0)) }
}

/// `sysctl -w NAME=VALUE`. Fails with `ENOENT` where there is no such setting or value.
///
/// # Safety
/// As [`twomsl_calls_that_waited`]; `name` and `value` are strings of C.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn twomsl_set(
    machine: Machine,
    name: *const c_char,
    value: *const c_char,
) -> c_int {
    // SAFETY: the caller's promise.
    let order = unsafe { (string(name), string(value)) };
    let order = order.0.zip(order.1).map(|(name, value)| Order::Set { name, value });
    // SAFETY: the caller's promise.
    unsafe { enter(machine, |it| administer(it, order.ok_or(FAULT)?)) }
}

/// Forgets what the machine remembers of peers and paths.
///
/// # Safety
/// As [`twomsl_calls_that_waited`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn twomsl_forget_paths(machine: Machine) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { enter(machine, |it| administer(it, Order::ForgetPaths)) }
}

/// How many sockets are in a state, which is called as in RFC 9293: `TIME-WAIT`.
///
/// # Safety
/// As [`twomsl_calls_that_waited`]; `state` is a string of C.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn twomsl_count_in_state(machine: Machine, state: *const c_char) -> c_int {
    // SAFETY: the caller's promise.
    let state = unsafe { string(state) }.unwrap_or_default();
    let state = TcpState::ALL.into_iter().find(|known| known.name() == state);
    // SAFETY: the caller's promise.
    unsafe { enter(machine, |it| administer(it, Order::CountInState(state.ok_or(INVALID)?))) }
}

/// Resets all connections.
///
/// # Safety
/// As [`twomsl_calls_that_waited`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn twomsl_drop_connections(machine: Machine) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { enter(machine, |it| administer(it, Order::DropConnections)) }
}

fn administer(instance: &Instance, order: Order) -> Result<i64, Errno> {
    match instance.administer(order)? {
        Administered::Done => Ok(0),
        Administered::Count(sockets) => count(sockets),
        Administered::Unknown => Err(Errno(libc::ENOENT)),
        Administered::NotSupported => Err(Errno(libc::EOPNOTSUPP)),
    }
}

fn count(number: usize) -> Result<i64, Errno> {
    i64::try_from(number).map_err(|_| Errno(libc::EOVERFLOW))
}

/// What a string of C says, if it is one.
///
/// # Safety
/// `text` is null or a string of C.
unsafe fn string(text: *const c_char) -> Option<String> {
    // SAFETY: the caller's promise.
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned())
}
