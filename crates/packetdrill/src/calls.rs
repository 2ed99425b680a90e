//! The system calls: from C's arguments to a [`Request`], and from its answer to C's results.
//!
//! Every function is the POSIX function of its name with the machine in front. Text that is read
//! is zeros, and of text that is written only the length matters: it is packetdrill's.

use std::ffi::{c_int, c_uint, c_ulong, c_void};

use libc::{
    epoll_event, iovec, loff_t, msghdr, nfds_t, pollfd, size_t, sockaddr, socklen_t, ssize_t,
};
use twomsl_scenario::packetdrill::system::{EpollEvent, Errno, PollEntry, ReplyOutput, Request};

use crate::instance::Instance;
use crate::interface::Machine;
use crate::memory::{self, FAULT, Fits, INVALID, enter};

// ---- Opening and closing ----

pub(crate) unsafe extern "C" fn socket(
    machine: Machine,
    domain: c_int,
    kind: c_int,
    protocol: c_int,
) -> c_int {
    // SAFETY: `machine` is the interface's `userdata`, here and in every function below.
    unsafe { enter(machine, |it| simple(it, Request::Socket { domain, kind, protocol })) }
}

pub(crate) unsafe extern "C" fn bind(
    machine: Machine,
    fd: c_int,
    address: *const sockaddr,
    length: socklen_t,
) -> c_int {
    // SAFETY: the caller has an address of this length.
    let address = unsafe { memory::address(address, length) };
    // SAFETY: as in `socket`.
    unsafe { enter(machine, |it| simple(it, Request::Bind { fd, address: address? })) }
}

pub(crate) unsafe extern "C" fn listen(machine: Machine, fd: c_int, backlog: c_int) -> c_int {
    // SAFETY: as in `socket`.
    unsafe { enter(machine, |it| simple(it, Request::Listen { fd, backlog })) }
}

pub(crate) unsafe extern "C" fn accept(
    machine: Machine,
    fd: c_int,
    address: *mut sockaddr,
    length: *mut socklen_t,
) -> c_int {
    let body = |it: &Instance| {
        let (value, output) = it.call(Request::Accept { fd, flags: 0 })?;
        let ReplyOutput::Address(peer) = output else { return Ok(value) };
        // SAFETY: the caller has room for an address, as long as it says.
        unsafe { memory::put_address(peer, address, length) }.map(|()| value)
    };
    // SAFETY: as in `socket`.
    unsafe { enter(machine, body) }
}

pub(crate) unsafe extern "C" fn connect(
    machine: Machine,
    fd: c_int,
    address: *const sockaddr,
    length: socklen_t,
) -> c_int {
    // SAFETY: the caller has an address of this length.
    let address = unsafe { memory::address(address, length) };
    // SAFETY: as in `socket`.
    unsafe { enter(machine, |it| simple(it, Request::Connect { fd, address: address? })) }
}

pub(crate) unsafe extern "C" fn shutdown(machine: Machine, fd: c_int, how: c_int) -> c_int {
    // SAFETY: as in `socket`.
    unsafe { enter(machine, |it| simple(it, Request::Shutdown { fd, how })) }
}

pub(crate) unsafe extern "C" fn close(machine: Machine, fd: c_int) -> c_int {
    // SAFETY: as in `socket`.
    unsafe { enter(machine, |it| simple(it, Request::Close { fd })) }
}

// ---- Reading ----

pub(crate) unsafe extern "C" fn read(
    machine: Machine,
    fd: c_int,
    buffer: *mut c_void,
    length: size_t,
) -> ssize_t {
    let body = |it: &Instance| {
        let (value, _) = it.call(Request::Read { fd, length })?;
        // SAFETY: the caller has room for `length` octets.
        unsafe { text(buffer, length, value) }
    };
    // SAFETY: as in `socket`.
    unsafe { enter(machine, body) }
}

pub(crate) unsafe extern "C" fn readv(
    machine: Machine,
    fd: c_int,
    buffers: *const iovec,
    count: c_int,
) -> ssize_t {
    let body = |it: &Instance| {
        let count = usize::try_from(count).map_err(|_| INVALID)?;
        // SAFETY: the caller has `count` buffers, as long as they say.
        let buffers = unsafe { memory::buffers(buffers, count) }?;
        let (value, _) = it.call(Request::ReadVector { fd, lengths: memory::lengths(&buffers) })?;
        // SAFETY: as above.
        unsafe { memory::scatter_text(&buffers, octets(value)) }.map(|()| value)
    };
    // SAFETY: as in `socket`.
    unsafe { enter(machine, body) }
}

pub(crate) unsafe extern "C" fn recv(
    machine: Machine,
    fd: c_int,
    buffer: *mut c_void,
    length: size_t,
    flags: c_int,
) -> ssize_t {
    let body = |it: &Instance| {
        let (value, _) = it.call(Request::Receive { fd, length, flags })?;
        // SAFETY: the caller has room for `length` octets.
        unsafe { text(buffer, written(length, flags), value) }
    };
    // SAFETY: as in `socket`.
    unsafe { enter(machine, body) }
}

pub(crate) unsafe extern "C" fn recvfrom(
    machine: Machine,
    fd: c_int,
    buffer: *mut c_void,
    length: size_t,
    flags: c_int,
    address: *mut sockaddr,
    room: *mut socklen_t,
) -> ssize_t {
    let body = |it: &Instance| {
        let (value, output) = it.call(Request::ReceiveFrom { fd, length, flags })?;
        if let ReplyOutput::Address(peer) = output {
            // SAFETY: the caller has room for an address, as long as it says.
            unsafe { memory::put_address(peer, address, room) }?;
        }
        // SAFETY: the caller has room for `length` octets.
        unsafe { text(buffer, written(length, flags), value) }
    };
    // SAFETY: as in `socket`.
    unsafe { enter(machine, body) }
}

pub(crate) unsafe extern "C" fn recvmsg(
    machine: Machine,
    fd: c_int,
    message: *mut msghdr,
    flags: c_int,
) -> ssize_t {
    let body = |it: &Instance| {
        // SAFETY: the caller has a message, whose pointers are as long as it says.
        let mut head = unsafe { memory::get(message) }?;
        // SAFETY: as above.
        let buffers = unsafe { memory::buffers(head.msg_iov, head.msg_iovlen) }?;
        let (lengths, control) = (memory::lengths(&buffers), head.msg_controllen);
        let request = Request::ReceiveMessage { fd, lengths, control, flags };
        let (value, output) = it.call(request)?;
        // SAFETY: as above.
        unsafe {
            memory::scatter_text(&buffers, written(octets(value), flags))?;
            put_message(&mut head, output)?;
            memory::put(message, head)?;
        }
        Ok(value)
    };
    // SAFETY: as in `socket`.
    unsafe { enter(machine, body) }
}

/// Writes what `recvmsg` tells apart from the text.
///
/// # Safety
/// The pointers of the message are as long as it says.
unsafe fn put_message(head: &mut msghdr, output: ReplyOutput) -> Result<(), Errno> {
    let ReplyOutput::Message { flags, control, name } = output else {
        (head.msg_namelen, head.msg_controllen, head.msg_flags) = (0, 0, 0);
        return Ok(());
    };
    // SAFETY: the caller's promise.
    unsafe { memory::put_address(name, head.msg_name.cast(), &raw mut head.msg_namelen) }?;
    // SAFETY: the caller's promise.
    let fits = unsafe { memory::put_control(head, &control) }?;
    head.msg_flags = flags | if fits == Fits::All { 0 } else { libc::MSG_CTRUNC };
    Ok(())
}

// ---- Writing ----

pub(crate) unsafe extern "C" fn write(
    machine: Machine,
    fd: c_int,
    buffer: *const c_void,
    length: size_t,
) -> ssize_t {
    let request = readable(buffer, length).map(|()| Request::Write { fd, length });
    // SAFETY: as in `socket`.
    unsafe { enter(machine, |it| simple(it, request?)) }
}

pub(crate) unsafe extern "C" fn writev(
    machine: Machine,
    fd: c_int,
    buffers: *const iovec,
    count: c_int,
) -> ssize_t {
    let body = |it: &Instance| {
        let count = usize::try_from(count).map_err(|_| INVALID)?;
        // SAFETY: the caller has `count` buffers.
        let buffers = unsafe { memory::buffers(buffers, count) }?;
        simple(it, Request::WriteVector { fd, lengths: memory::lengths(&buffers) })
    };
    // SAFETY: as in `socket`.
    unsafe { enter(machine, body) }
}

pub(crate) unsafe extern "C" fn send(
    machine: Machine,
    fd: c_int,
    buffer: *const c_void,
    length: size_t,
    flags: c_int,
) -> ssize_t {
    let request = readable(buffer, length).map(|()| Request::Send { fd, length, flags });
    // SAFETY: as in `socket`.
    unsafe { enter(machine, |it| simple(it, request?)) }
}

pub(crate) unsafe extern "C" fn sendto(
    machine: Machine,
    fd: c_int,
    buffer: *const c_void,
    length: size_t,
    flags: c_int,
    address: *const sockaddr,
    address_length: socklen_t,
) -> ssize_t {
    let body = |it: &Instance| {
        readable(buffer, length)?;
        // SAFETY: the caller has an address of this length, or none.
        let address = unsafe { optional_address(address, address_length) }?;
        simple(it, Request::SendTo { fd, length, flags, address })
    };
    // SAFETY: as in `socket`.
    unsafe { enter(machine, body) }
}

pub(crate) unsafe extern "C" fn sendmsg(
    machine: Machine,
    fd: c_int,
    message: *const msghdr,
    flags: c_int,
) -> ssize_t {
    let body = |it: &Instance| {
        // SAFETY: the caller has a message, whose pointers are as long as it says.
        let head = unsafe { memory::get(message) }?;
        // SAFETY: as above.
        let address = unsafe { optional_address(head.msg_name.cast(), head.msg_namelen) }?;
        // SAFETY: as above.
        let buffers = unsafe { memory::buffers(head.msg_iov, head.msg_iovlen) }?;
        // SAFETY: as above.
        let control = unsafe { memory::control(&head) }?;
        let lengths = memory::lengths(&buffers);
        simple(it, Request::SendMessage { fd, address, lengths, control, flags })
    };
    // SAFETY: as in `socket`.
    unsafe { enter(machine, body) }
}

/// # Safety
/// As [`memory::address`].
unsafe fn optional_address(
    address: *const sockaddr,
    length: socklen_t,
) -> Result<Option<std::net::SocketAddr>, Errno> {
    if address.is_null() || length == 0 {
        return Ok(None);
    }
    // SAFETY: the caller's promise.
    unsafe { memory::address(address, length) }.map(Some)
}

// ---- Descriptors and options ----

pub(crate) unsafe extern "C" fn fcntl(
    machine: Machine,
    fd: c_int,
    command: c_int,
    argument: c_ulong,
) -> c_int {
    // Where C gives no argument, the register holds whatever it held before.
    let has_argument = !matches!(command, libc::F_GETFD | libc::F_GETFL | libc::F_GETOWN);
    let argument = has_argument.then_some(i64::from(argument as c_int));
    // SAFETY: as in `socket`.
    unsafe { enter(machine, |it| simple(it, Request::Fcntl { fd, command, argument })) }
}

pub(crate) unsafe extern "C" fn ioctl(
    machine: Machine,
    fd: c_int,
    request: c_ulong,
    argument: *mut c_int,
) -> c_int {
    let body = |it: &Instance| {
        // SAFETY: the requests that sockets know have a pointer to an integer.
        let value = unsafe { memory::get(argument) }.ok();
        let (value, output) = it.call(Request::Ioctl { fd, request, argument: value })?;
        let ReplyOutput::Integer(answer) = output else { return Ok(value) };
        // SAFETY: as above.
        unsafe { memory::put(argument, answer) }.map(|()| value)
    };
    // SAFETY: as in `socket`.
    unsafe { enter(machine, body) }
}

pub(crate) unsafe extern "C" fn getsockopt(
    machine: Machine,
    fd: c_int,
    level: c_int,
    name: c_int,
    value: *mut c_void,
    length: *mut socklen_t,
) -> c_int {
    let body = |it: &Instance| {
        // SAFETY: the caller has room for a value, as long as it says.
        let room = unsafe { memory::get(length) }?;
        // Linux looks at the length as a signed number.
        let room = c_int::try_from(room).and_then(usize::try_from).map_err(|_| INVALID)?;
        let request = Request::GetSocketOption { fd, level, name, length: room };
        let (result, output) = it.call(request)?;
        let ReplyOutput::Octets(octets) = output else { return Ok(result) };
        let fits = octets.len().min(room);
        // SAFETY: no more than the caller has room for.
        unsafe {
            memory::put_all(value.cast(), &octets[..fits])?;
            memory::put(length, fits as socklen_t)?;
        }
        Ok(result)
    };
    // SAFETY: as in `socket`.
    unsafe { enter(machine, body) }
}

pub(crate) unsafe extern "C" fn setsockopt(
    machine: Machine,
    fd: c_int,
    level: c_int,
    name: c_int,
    value: *const c_void,
    length: socklen_t,
) -> c_int {
    // SAFETY: the caller has a value of this length.
    let value = unsafe { memory::octets(value, length as usize) };
    let request = value.map(|value| Request::SetSocketOption { fd, level, name, value });
    // SAFETY: as in `socket`.
    unsafe { enter(machine, |it| simple(it, request?)) }
}

// ---- Waiting for several ----

pub(crate) unsafe extern "C" fn poll(
    machine: Machine,
    entries: *mut pollfd,
    count: nfds_t,
    timeout: c_int,
) -> c_int {
    let body = |it: &Instance| {
        let count = few(count as usize)?;
        // SAFETY: the caller has `count` entries.
        let mut list = unsafe { memory::get_all(entries, count) }?;
        let asked = list.iter().map(|entry| PollEntry { fd: entry.fd, events: entry.events });
        let (value, output) = it.call(Request::Poll { entries: asked.collect(), timeout })?;
        let ReplyOutput::Polled(events) = output else { return Ok(value) };
        for (entry, revents) in list.iter_mut().zip(events) {
            entry.revents = revents;
        }
        // SAFETY: as above.
        unsafe { memory::put_all(entries, &list) }.map(|()| value)
    };
    // SAFETY: as in `socket`.
    unsafe { enter(machine, body) }
}

pub(crate) unsafe extern "C" fn epoll_create(machine: Machine, size: c_int) -> c_int {
    // The size means nothing any more, but it has to be one.
    let request = if size > 0 { Ok(Request::EpollCreate { flags: 0 }) } else { Err(INVALID) };
    // SAFETY: as in `socket`.
    unsafe { enter(machine, |it| simple(it, request?)) }
}

pub(crate) unsafe extern "C" fn epoll_ctl(
    machine: Machine,
    epoll: c_int,
    operation: c_int,
    fd: c_int,
    event: *mut epoll_event,
) -> c_int {
    let body = |it: &Instance| {
        let event = if operation == libc::EPOLL_CTL_DEL {
            None
        } else {
            // SAFETY: all other operations have an event.
            Some(unsafe { memory::get(event) }?)
        };
        let event = event.map(|event| EpollEvent { events: event.events, data: event.u64 });
        simple(it, Request::EpollControl { epoll, operation, fd, event })
    };
    // SAFETY: as in `socket`.
    unsafe { enter(machine, body) }
}

pub(crate) unsafe extern "C" fn epoll_wait(
    machine: Machine,
    epoll: c_int,
    events: *mut epoll_event,
    most: c_int,
    timeout: c_int,
) -> c_int {
    let body = |it: &Instance| {
        let (value, output) = it.call(Request::EpollWait { epoll, most, timeout })?;
        let ReplyOutput::Ready(ready) = output else { return Ok(value) };
        let ready = ready.iter().map(|event| epoll_event { events: event.events, u64: event.data });
        let ready: Vec<_> = ready.take(usize::try_from(most).unwrap_or(0)).collect();
        // SAFETY: the caller has room for `most` events.
        unsafe { memory::put_all(events, &ready) }.map(|()| value)
    };
    // SAFETY: as in `socket`.
    unsafe { enter(machine, body) }
}

// ---- Pipes ----

pub(crate) unsafe extern "C" fn pipe(machine: Machine, fds: *mut c_int) -> c_int {
    let body = |it: &Instance| {
        if fds.is_null() {
            return Err(FAULT);
        }
        let (value, output) = it.call(Request::Pipe { flags: 0 })?;
        let ReplyOutput::Pipe(reader, writer) = output else { return Ok(value) };
        // SAFETY: the caller has room for two descriptors.
        unsafe { memory::put_all(fds, &[reader, writer]) }.map(|()| value)
    };
    // SAFETY: as in `socket`.
    unsafe { enter(machine, body) }
}

pub(crate) unsafe extern "C" fn splice(
    machine: Machine,
    from: c_int,
    from_offset: *mut loff_t,
    to: c_int,
    to_offset: *mut loff_t,
    length: size_t,
    flags: c_uint,
) -> ssize_t {
    let body = |it: &Instance| {
        // Neither pipes nor sockets have a place to begin at.
        if !from_offset.is_null() || !to_offset.is_null() {
            return Err(Errno(libc::ESPIPE));
        }
        let flags = flags.cast_signed();
        simple(it, Request::Splice { from, to, length, flags })
    };
    // SAFETY: as in `socket`.
    unsafe { enter(machine, body) }
}

// ---- What they have in common ----

/// A call that has nothing to tell but its value.
fn simple(instance: &Instance, request: Request) -> Result<i64, Errno> {
    instance.call(request).map(|(value, _)| value)
}

/// Writes the text that was read: `value` octets, if there are as many.
///
/// # Safety
/// `buffer` is null or has room for `length` octets.
unsafe fn text(buffer: *mut c_void, length: usize, value: i64) -> Result<i64, Errno> {
    // SAFETY: the caller's promise.
    unsafe { memory::put_text(buffer, octets(value).min(length)) }.map(|()| value)
}

/// How many octets are written for so many that were received: of a stream, `MSG_TRUNC` throws
/// them away.
const fn written(length: usize, flags: c_int) -> usize {
    if flags & libc::MSG_TRUNC == 0 { length } else { 0 }
}

fn octets(value: i64) -> usize {
    usize::try_from(value).unwrap_or(0)
}

/// Text is never read, but there has to be some.
fn readable(buffer: *const c_void, length: usize) -> Result<(), Errno> {
    if buffer.is_null() && length > 0 { Err(FAULT) } else { Ok(()) }
}

/// A number of entries that a process can have.
fn few(count: usize) -> Result<usize, Errno> {
    const MOST: usize = 1024;
    if count <= MOST { Ok(count) } else { Err(INVALID) }
}
