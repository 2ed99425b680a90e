//! What C's pointers point to: all reading and writing of memory that is not ours.
//!
//! A function here trusts its caller in one thing, which C cannot say otherwise: that a pointer
//! which is not null points to what the signature in `interface` says it does. What the kernel
//! checks is checked here, too: null pointers (`EFAULT`), lengths, address families.

use std::ffi::{c_int, c_void};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use libc::{iovec, msghdr, sa_family_t, sockaddr, sockaddr_in, sockaddr_in6, socklen_t, ssize_t};
use twomsl_scenario::packetdrill::system::{ControlMessage, Errno};

use crate::instance::Instance;
use crate::interface::Machine;

/// No such memory.
pub(crate) const FAULT: Errno = Errno(libc::EFAULT);
/// An argument that makes no sense.
pub(crate) const INVALID: Errno = Errno(libc::EINVAL);
/// More buffers than one call takes (`UIO_MAXIOV`).
const MOST_BUFFERS: usize = 1024;

// ---- Entering and leaving ----

/// What a function of the interface returns: a number, −1 for an error.
pub(crate) trait Returned {
    fn returned(value: i64) -> Self;
}

impl Returned for c_int {
    fn returned(value: i64) -> Self {
        Self::try_from(value).unwrap_or(Self::MAX)
    }
}

impl Returned for ssize_t {
    fn returned(value: i64) -> Self {
        Self::try_from(value).unwrap_or(Self::MAX)
    }
}

/// Does what a function of the interface does: finds the machine, turns an error into −1 and
/// `errno`, and a panic into `EIO`, since none may unwind into C.
///
/// # Safety
/// `machine` is null, or the `userdata` of an interface that has not been freed.
pub(crate) unsafe fn enter<T: Returned>(
    machine: Machine,
    body: impl FnOnce(&Instance) -> Result<i64, Errno>,
) -> T {
    // SAFETY: the caller's promise.
    let instance = unsafe { share(machine) };
    // Nothing is used after a panic: the lock of the instance is poisoned by it.
    let outcome = catch_unwind(AssertUnwindSafe(|| body(&*instance.ok_or(FAULT)?)));
    match outcome.unwrap_or(Err(Errno(libc::EIO))) {
        Ok(value) => T::returned(value),
        Err(errno) => {
            set_errno(errno);
            T::returned(-1)
        }
    }
}

/// A share of the machine, so that it outlives the call even when it is freed meanwhile.
///
/// # Safety
/// As [`enter`].
unsafe fn share(machine: Machine) -> Option<Arc<Instance>> {
    let instance = machine.cast_const().cast::<Instance>();
    if instance.is_null() {
        return None;
    }
    // SAFETY: `give_out` made this pointer of an `Arc`, and `take_back` has not been called.
    unsafe {
        Arc::increment_strong_count(instance);
        Some(Arc::from_raw(instance))
    }
}

/// Makes a `userdata` of a machine.
pub(crate) fn give_out(instance: Instance) -> Machine {
    Arc::into_raw(Arc::new(instance)).cast_mut().cast()
}

/// Undoes [`give_out`].
///
/// # Safety
/// `machine` is null, or came from `give_out` and has not been taken back.
pub(crate) unsafe fn take_back(machine: Machine) -> Option<Arc<Instance>> {
    let instance = machine.cast_const().cast::<Instance>();
    // SAFETY: the caller's promise: this is the count that `give_out` has left.
    (!instance.is_null()).then(|| unsafe { Arc::from_raw(instance) })
}

fn set_errno(errno: Errno) {
    // SAFETY: the C library gives every thread an `errno` of its own, which is always there.
    unsafe { *libc::__errno_location() = errno.0 };
}

// ---- Single values ----

/// What a pointer points to, wherever it lies.
///
/// # Safety
/// `pointer` is null or points to a `T`, of which every pattern of bits is one.
pub(crate) unsafe fn get<T: Copy>(pointer: *const T) -> Result<T, Errno> {
    if pointer.is_null() {
        return Err(FAULT);
    }
    // SAFETY: the caller's promise.
    Ok(unsafe { pointer.read_unaligned() })
}

/// Writes where a pointer points to.
///
/// # Safety
/// `pointer` is null or points to where a `T` may be written.
pub(crate) unsafe fn put<T: Copy>(pointer: *mut T, value: T) -> Result<(), Errno> {
    if pointer.is_null() {
        return Err(FAULT);
    }
    // SAFETY: the caller's promise.
    unsafe { pointer.write_unaligned(value) };
    Ok(())
}

/// As [`get`], for `count` of them.
///
/// # Safety
/// As [`get`], for an array of `count`.
pub(crate) unsafe fn get_all<T: Copy>(pointer: *const T, count: usize) -> Result<Vec<T>, Errno> {
    // SAFETY: the caller's promise, for the array and so for its items.
    (0..count).map(|index| unsafe { get(pointer.wrapping_add(index)) }).collect()
}

/// As [`put`], for as many as there are.
///
/// # Safety
/// As [`put`], for an array of `values.len()`.
pub(crate) unsafe fn put_all<T: Copy>(pointer: *mut T, values: &[T]) -> Result<(), Errno> {
    if values.is_empty() {
        return Ok(());
    }
    if pointer.is_null() {
        return Err(FAULT);
    }
    // SAFETY: the caller's promise; what is ours does not lie in the caller's memory.
    unsafe { pointer.cast::<u8>().copy_from(values.as_ptr().cast(), size_of_val(values)) };
    Ok(())
}

/// `length` octets. More than a packet or an option can have are refused.
///
/// # Safety
/// `pointer` is null or points to `length` octets.
pub(crate) unsafe fn octets(pointer: *const c_void, length: usize) -> Result<Vec<u8>, Errno> {
    if length > usize::from(u16::MAX) {
        return Err(INVALID);
    }
    // SAFETY: the caller's promise.
    unsafe { get_all(pointer.cast(), length) }
}

/// Writes `length` octets of text, which is zeros.
///
/// # Safety
/// `buffer` is null or points to where `length` octets may be written.
pub(crate) unsafe fn put_text(buffer: *mut c_void, length: usize) -> Result<(), Errno> {
    if length == 0 {
        return Ok(());
    }
    if buffer.is_null() {
        return Err(FAULT);
    }
    // SAFETY: the caller's promise.
    unsafe { buffer.cast::<u8>().write_bytes(0, length) };
    Ok(())
}

// ---- Addresses ----

/// A socket address.
///
/// # Safety
/// `pointer` is null or points to `length` octets.
pub(crate) unsafe fn address(
    pointer: *const sockaddr,
    length: socklen_t,
) -> Result<SocketAddr, Errno> {
    if (length as usize) < size_of::<sa_family_t>() {
        return Err(INVALID);
    }
    // SAFETY: the family is what every address begins with.
    let family = unsafe { get(pointer.cast::<sa_family_t>()) }?;
    match c_int::from(family) {
        libc::AF_INET if length as usize >= size_of::<sockaddr_in>() => {
            // SAFETY: there are as many octets.
            let address = unsafe { get(pointer.cast::<c_void>().cast::<sockaddr_in>()) }?;
            let ip = Ipv4Addr::from(u32::from_be(address.sin_addr.s_addr));
            Ok(SocketAddrV4::new(ip, u16::from_be(address.sin_port)).into())
        }
        libc::AF_INET6 if length as usize >= size_of::<sockaddr_in6>() => {
            // SAFETY: there are as many octets.
            let address = unsafe { get(pointer.cast::<c_void>().cast::<sockaddr_in6>()) }?;
            let ip = Ipv6Addr::from(address.sin6_addr.s6_addr);
            Ok(SocketAddrV6::new(ip, u16::from_be(address.sin6_port), 0, 0).into())
        }
        libc::AF_INET | libc::AF_INET6 => Err(INVALID),
        _ => Err(Errno(libc::EAFNOSUPPORT)),
    }
}

/// Writes an address, as much of it as there is room for, and how long it is.
///
/// # Safety
/// `room` is null or points to how many octets `pointer` points to.
pub(crate) unsafe fn put_address(
    address: Option<SocketAddr>,
    pointer: *mut sockaddr,
    room: *mut socklen_t,
) -> Result<(), Errno> {
    if pointer.is_null() {
        return Ok(());
    }
    // SAFETY: the caller's promise.
    let have = unsafe { get(room) }?;
    let octets = address.map_or_else(Vec::new, address_octets);
    let fits = octets.len().min(have as usize);
    // SAFETY: no more than the caller has room for.
    unsafe {
        put_all(pointer.cast(), &octets[..fits])?;
        put(room, octets.len() as socklen_t)
    }
}

/// An address as it lies in memory.
fn address_octets(address: SocketAddr) -> Vec<u8> {
    let family = |family: c_int| (family.cast_unsigned() as sa_family_t).to_ne_bytes();
    let port = address.port().to_be_bytes();
    match address {
        SocketAddr::V4(address) => {
            let parts = [&family(libc::AF_INET)[..], &port, &address.ip().octets(), &[0; 8]];
            parts.concat()
        }
        SocketAddr::V6(address) => {
            let ip = address.ip().octets();
            [&family(libc::AF_INET6)[..], &port, &[0; 4], &ip, &[0; 4]].concat()
        }
    }
}

// ---- Several buffers ----

/// The buffers of a `readv` or `writev`.
///
/// # Safety
/// `pointer` is null or points to `count` of them.
pub(crate) unsafe fn buffers(pointer: *const iovec, count: usize) -> Result<Vec<iovec>, Errno> {
    if count > MOST_BUFFERS {
        return Err(INVALID);
    }
    // SAFETY: the caller's promise.
    let buffers = unsafe { get_all(pointer, count) }?;
    let total = buffers.iter().try_fold(0_usize, |total, buffer| total.checked_add(buffer.iov_len));
    total.filter(|total| ssize_t::try_from(*total).is_ok()).ok_or(INVALID)?;
    Ok(buffers)
}

/// How long each of them is.
pub(crate) fn lengths(buffers: &[iovec]) -> Vec<usize> {
    buffers.iter().map(|buffer| buffer.iov_len).collect()
}

/// Fills buffers with text, one after the other.
///
/// # Safety
/// Every buffer is null or as long as it says.
pub(crate) unsafe fn scatter_text(buffers: &[iovec], mut length: usize) -> Result<(), Errno> {
    for buffer in buffers {
        let here = length.min(buffer.iov_len);
        // SAFETY: no more than the buffer is long.
        unsafe { put_text(buffer.iov_base, here) }?;
        length -= here;
    }
    Ok(())
}

// ---- Control messages ----

/// Where the octets of a control message begin, and what the next one is aligned to.
const HEADER: usize = size_of::<usize>() + 2 * size_of::<c_int>();

/// The control messages of a `sendmsg`.
///
/// # Safety
/// What `message` says of its control messages is so.
pub(crate) unsafe fn control(message: &msghdr) -> Result<Vec<ControlMessage>, Errno> {
    if message.msg_control.is_null() {
        return Ok(Vec::new());
    }
    // SAFETY: the caller's promise.
    let octets = unsafe { octets(message.msg_control, message.msg_controllen) }?;
    let mut rest = &octets[..];
    let mut messages = Vec::new();
    while rest.len() >= HEADER {
        let length = usize::from_ne_bytes(array(rest, 0));
        // Also where it is shorter than its own header.
        let body = rest.get(HEADER..length).ok_or(INVALID)?;
        messages.push(ControlMessage {
            level: c_int::from_ne_bytes(array(rest, HEADER - 2 * size_of::<c_int>())),
            kind: c_int::from_ne_bytes(array(rest, HEADER - size_of::<c_int>())),
            data: body.to_vec(),
        });
        rest = rest.get(aligned(length)..).unwrap_or_default();
    }
    Ok(messages)
}

/// Writes control messages, as many as there is room for; says whether that was all.
///
/// # Safety
/// What `message` says of its room for control messages is so.
pub(crate) unsafe fn put_control(
    message: &mut msghdr,
    messages: &[ControlMessage],
) -> Result<Fits, Errno> {
    let room = if message.msg_control.is_null() { 0 } else { message.msg_controllen };
    let mut octets = Vec::new();
    let mut fits = Fits::All;
    for ControlMessage { level, kind, data } in messages {
        let length = HEADER + data.len();
        if octets.len() + length > room {
            fits = Fits::NotAll;
            break;
        }
        let header = [&length.to_ne_bytes()[..], &level.to_ne_bytes(), &kind.to_ne_bytes()];
        octets.extend(header.concat());
        octets.extend(data);
        octets.resize(aligned(octets.len()).min(room), 0);
    }
    message.msg_controllen = octets.len();
    // SAFETY: no more than there is room for.
    unsafe { put_all(message.msg_control.cast(), &octets) }?;
    Ok(fits)
}

/// Whether everything found room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fits {
    All,
    NotAll,
}

/// The octets at a place that is known to be there.
fn array<const N: usize>(octets: &[u8], at: usize) -> [u8; N] {
    std::array::from_fn(|index| octets[at + index])
}

/// `CMSG_ALIGN`.
const fn aligned(length: usize) -> usize {
    length.next_multiple_of(size_of::<usize>())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A call of the interface that does `body`, and its `errno`.
    fn called(body: impl FnOnce() -> Result<i64, Errno>) -> (c_int, Option<i32>) {
        let machine = give_out(Instance::refusing());
        // SAFETY: the machine is there.
        let result = unsafe { enter(machine, |_| body()) };
        let errno = std::io::Error::last_os_error().raw_os_error();
        // SAFETY: it is not used any more.
        drop(unsafe { take_back(machine) });
        (result, errno)
    }

    #[test]
    fn errors_and_panics_are_minus_one_with_an_errno() {
        assert_eq!(called(|| Ok(7)).0, 7);
        assert_eq!(called(|| Err(INVALID)), (-1, Some(libc::EINVAL)));
        assert_eq!(called(|| panic!("this is expected")), (-1, Some(libc::EIO)));
    }

    #[test]
    fn control_messages_are_laid_out_as_in_c() {
        let message = |kind, octets: &[u8]| ControlMessage { level: 1, kind, data: octets.into() };
        let messages = [message(37, &[1, 2, 3, 4]), message(42, &[5; 12])];
        let mut memory = [0_u64; 8];
        // SAFETY: zeros are a message without anything.
        let mut head: msghdr = unsafe { std::mem::zeroed() };
        (head.msg_control, head.msg_controllen) = (memory.as_mut_ptr().cast(), 24 + 28);
        // SAFETY: there is as much room.
        let fits = unsafe { put_control(&mut head, &messages) };
        // The last one needs no padding, and then everything fits to the octet.
        assert!(fits == Ok(Fits::All) && head.msg_controllen == 24 + 28);
        // SAFETY: as above.
        assert_eq!(unsafe { control(&head) }, Ok(messages.to_vec()));
        head.msg_controllen -= 1;
        // SAFETY: as above.
        let fits = unsafe { put_control(&mut head, &messages) };
        assert!(fits == Ok(Fits::NotAll) && head.msg_controllen == 24);
    }

    #[test]
    fn control_messages_that_contradict_themselves_are_refused() {
        for length in [0, 15, 33, usize::MAX] {
            let mut memory = [0_usize; 4];
            memory[0] = length;
            // SAFETY: zeros are a message without anything.
            let mut head: msghdr = unsafe { std::mem::zeroed() };
            (head.msg_control, head.msg_controllen) = (memory.as_mut_ptr().cast(), 32);
            // SAFETY: there are as many octets.
            assert_eq!(unsafe { control(&head) }, Err(INVALID), "{length}");
        }
    }
}
