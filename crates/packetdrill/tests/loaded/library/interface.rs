//! The C interface as its description has it: written apart from the crate under test, so that a
//! member in the wrong place is noticed. The variadic functions are variadic here.

use std::ffi::{c_char, c_int, c_longlong, c_uint, c_ulong, c_void};

use libc::{
    epoll_event, iovec, loff_t, msghdr, nfds_t, pollfd, size_t, sockaddr, socklen_t, ssize_t,
    timeval, useconds_t,
};

type This = *mut c_void;
type Fn1<A, R> = unsafe extern "C" fn(This, A) -> R;
type Fn2<A, B, R> = unsafe extern "C" fn(This, A, B) -> R;
type Fn3<A, B, C, R> = unsafe extern "C" fn(This, A, B, C) -> R;
type Fn4<A, B, C, D, R> = unsafe extern "C" fn(This, A, B, C, D) -> R;
type Fn5<A, B, C, D, E, R> = unsafe extern "C" fn(This, A, B, C, D, E) -> R;
type Fn6<A, B, C, D, E, F, R> = unsafe extern "C" fn(This, A, B, C, D, E, F) -> R;

/// `struct packetdrill_interface`.
#[repr(C)]
pub(crate) struct Interface {
    pub(crate) userdata: This,
    pub(crate) free: unsafe extern "C" fn(This),
    pub(crate) socket: Fn3<c_int, c_int, c_int, c_int>,
    pub(crate) bind: Fn3<c_int, *const sockaddr, socklen_t, c_int>,
    pub(crate) listen: Fn2<c_int, c_int, c_int>,
    pub(crate) accept: Fn3<c_int, *mut sockaddr, *mut socklen_t, c_int>,
    pub(crate) connect: Fn3<c_int, *const sockaddr, socklen_t, c_int>,
    pub(crate) read: Fn3<c_int, *mut c_void, size_t, ssize_t>,
    pub(crate) readv: Fn3<c_int, *const iovec, c_int, ssize_t>,
    pub(crate) recv: Fn4<c_int, *mut c_void, size_t, c_int, ssize_t>,
    pub(crate) recvfrom:
        Fn6<c_int, *mut c_void, size_t, c_int, *mut sockaddr, *mut socklen_t, ssize_t>,
    pub(crate) recvmsg: Fn3<c_int, *mut msghdr, c_int, ssize_t>,
    pub(crate) write: Fn3<c_int, *const c_void, size_t, ssize_t>,
    pub(crate) writev: Fn3<c_int, *const iovec, c_int, ssize_t>,
    pub(crate) send: Fn4<c_int, *const c_void, size_t, c_int, ssize_t>,
    pub(crate) sendto:
        Fn6<c_int, *const c_void, size_t, c_int, *const sockaddr, socklen_t, ssize_t>,
    pub(crate) sendmsg: Fn3<c_int, *const msghdr, c_int, ssize_t>,
    pub(crate) fcntl: unsafe extern "C" fn(This, c_int, c_int, ...) -> c_int,
    pub(crate) ioctl: unsafe extern "C" fn(This, c_int, c_ulong, ...) -> c_int,
    pub(crate) close: Fn1<c_int, c_int>,
    pub(crate) shutdown: Fn2<c_int, c_int, c_int>,
    pub(crate) getsockopt: Fn5<c_int, c_int, c_int, *mut c_void, *mut socklen_t, c_int>,
    pub(crate) setsockopt: Fn5<c_int, c_int, c_int, *const c_void, socklen_t, c_int>,
    pub(crate) poll: Fn3<*mut pollfd, nfds_t, c_int, c_int>,
    pub(crate) netdev_send: Fn2<*const c_void, size_t, c_int>,
    pub(crate) netdev_receive: Fn3<*mut c_void, *mut size_t, *mut c_longlong, c_int>,
    pub(crate) usleep: Fn1<useconds_t, c_int>,
    pub(crate) gettimeofday: Fn2<*mut timeval, *mut c_void, c_int>,
    pub(crate) epoll_create: Fn1<c_int, c_int>,
    pub(crate) epoll_ctl: Fn4<c_int, c_int, c_int, *mut epoll_event, c_int>,
    pub(crate) epoll_wait: Fn4<c_int, *mut epoll_event, c_int, c_int, c_int>,
    pub(crate) pipe: Fn1<*mut c_int, c_int>,
    pub(crate) splice: Fn6<c_int, *mut loff_t, c_int, *mut loff_t, size_t, c_uint, ssize_t>,
}

/// What a shared object exports: the function of packetdrill, and those of our own.
#[derive(Clone, Copy)]
pub(crate) struct Exports {
    pub(crate) init: unsafe extern "C" fn(*const c_char, *mut Interface) -> c_int,
    pub(crate) calls_that_waited: unsafe extern "C" fn(This) -> c_int,
    pub(crate) waiting_calls: unsafe extern "C" fn(This) -> c_int,
    pub(crate) receive_until: Fn1<c_longlong, c_int>,
    pub(crate) set: Fn2<*const c_char, *const c_char, c_int>,
    pub(crate) forget_paths: unsafe extern "C" fn(This) -> c_int,
    pub(crate) count_in_state: Fn1<*const c_char, c_int>,
    pub(crate) drop_connections: unsafe extern "C" fn(This) -> c_int,
}
