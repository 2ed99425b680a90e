//! The structure that packetdrill wants to have filled, in C's layout.

use std::ffi::{c_int, c_longlong, c_uint, c_ulong, c_void};

use libc::{
    epoll_event, iovec, loff_t, msghdr, nfds_t, pollfd, size_t, sockaddr, socklen_t, ssize_t,
    timeval, useconds_t,
};

use crate::{calls, device};

/// `userdata`, which every function gets back as its first argument.
pub(crate) type Machine = *mut c_void;

/// `struct packetdrill_interface`. The order of the members is part of the interface.
///
/// `fcntl` and `ioctl` are variadic in C. Here they have the one argument that commands can have:
/// on x86-64 and aarch64 Linux a variadic argument travels in the register of an ordinary one.
#[repr(C)]
#[expect(missing_docs, reason = "they are POSIX' functions with `userdata` in front")]
pub struct Interface {
    pub userdata: Machine,
    pub free: unsafe extern "C" fn(Machine),
    pub socket: unsafe extern "C" fn(Machine, c_int, c_int, c_int) -> c_int,
    pub bind: unsafe extern "C" fn(Machine, c_int, *const sockaddr, socklen_t) -> c_int,
    pub listen: unsafe extern "C" fn(Machine, c_int, c_int) -> c_int,
    pub accept: unsafe extern "C" fn(Machine, c_int, *mut sockaddr, *mut socklen_t) -> c_int,
    pub connect: unsafe extern "C" fn(Machine, c_int, *const sockaddr, socklen_t) -> c_int,
    pub read: unsafe extern "C" fn(Machine, c_int, *mut c_void, size_t) -> ssize_t,
    pub readv: unsafe extern "C" fn(Machine, c_int, *const iovec, c_int) -> ssize_t,
    pub recv: unsafe extern "C" fn(Machine, c_int, *mut c_void, size_t, c_int) -> ssize_t,
    pub recvfrom: unsafe extern "C" fn(
        Machine,
        c_int,
        *mut c_void,
        size_t,
        c_int,
        *mut sockaddr,
        *mut socklen_t,
    ) -> ssize_t,
    pub recvmsg: unsafe extern "C" fn(Machine, c_int, *mut msghdr, c_int) -> ssize_t,
    pub write: unsafe extern "C" fn(Machine, c_int, *const c_void, size_t) -> ssize_t,
    pub writev: unsafe extern "C" fn(Machine, c_int, *const iovec, c_int) -> ssize_t,
    pub send: unsafe extern "C" fn(Machine, c_int, *const c_void, size_t, c_int) -> ssize_t,
    pub sendto: unsafe extern "C" fn(
        Machine,
        c_int,
        *const c_void,
        size_t,
        c_int,
        *const sockaddr,
        socklen_t,
    ) -> ssize_t,
    pub sendmsg: unsafe extern "C" fn(Machine, c_int, *const msghdr, c_int) -> ssize_t,
    pub fcntl: unsafe extern "C" fn(Machine, c_int, c_int, c_ulong) -> c_int,
    pub ioctl: unsafe extern "C" fn(Machine, c_int, c_ulong, *mut c_int) -> c_int,
    pub close: unsafe extern "C" fn(Machine, c_int) -> c_int,
    pub shutdown: unsafe extern "C" fn(Machine, c_int, c_int) -> c_int,
    pub getsockopt:
        unsafe extern "C" fn(Machine, c_int, c_int, c_int, *mut c_void, *mut socklen_t) -> c_int,
    pub setsockopt:
        unsafe extern "C" fn(Machine, c_int, c_int, c_int, *const c_void, socklen_t) -> c_int,
    pub poll: unsafe extern "C" fn(Machine, *mut pollfd, nfds_t, c_int) -> c_int,
    pub netdev_send: unsafe extern "C" fn(Machine, *const c_void, size_t) -> c_int,
    pub netdev_receive:
        unsafe extern "C" fn(Machine, *mut c_void, *mut size_t, *mut c_longlong) -> c_int,
    pub usleep: unsafe extern "C" fn(Machine, useconds_t) -> c_int,
    pub gettimeofday: unsafe extern "C" fn(Machine, *mut timeval, *mut c_void) -> c_int,
    pub epoll_create: unsafe extern "C" fn(Machine, c_int) -> c_int,
    pub epoll_ctl: unsafe extern "C" fn(Machine, c_int, c_int, c_int, *mut epoll_event) -> c_int,
    pub epoll_wait: unsafe extern "C" fn(Machine, c_int, *mut epoll_event, c_int, c_int) -> c_int,
    pub pipe: unsafe extern "C" fn(Machine, *mut c_int) -> c_int,
    pub splice: unsafe extern "C" fn(
        Machine,
        c_int,
        *mut loff_t,
        c_int,
        *mut loff_t,
        size_t,
        c_uint,
    ) -> ssize_t,
}

impl Interface {
    /// All functions, for this machine.
    pub(crate) const fn new(userdata: Machine) -> Self {
        Self {
            userdata,
            free: device::free,
            socket: calls::socket,
            bind: calls::bind,
            listen: calls::listen,
            accept: calls::accept,
            connect: calls::connect,
            read: calls::read,
            readv: calls::readv,
            recv: calls::recv,
            recvfrom: calls::recvfrom,
            recvmsg: calls::recvmsg,
            write: calls::write,
            writev: calls::writev,
            send: calls::send,
            sendto: calls::sendto,
            sendmsg: calls::sendmsg,
            fcntl: calls::fcntl,
            ioctl: calls::ioctl,
            close: calls::close,
            shutdown: calls::shutdown,
            getsockopt: calls::getsockopt,
            setsockopt: calls::setsockopt,
            poll: calls::poll,
            netdev_send: device::netdev_send,
            netdev_receive: device::netdev_receive,
            usleep: device::usleep,
            gettimeofday: device::gettimeofday,
            epoll_create: calls::epoll_create,
            epoll_ctl: calls::epoll_ctl,
            epoll_wait: calls::epoll_wait,
            pipe: calls::pipe,
            splice: calls::splice,
        }
    }
}
