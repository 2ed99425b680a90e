//! Calls of a script, made through the C interface.

use std::ffi::{c_int, c_uint, c_void};
use std::ptr::null_mut;

use libc::{cmsghdr, epoll_event, iovec, msghdr, pollfd};
use twomsl_scenario::packetdrill::system::{
    ControlMessage, EpollEvent, Errno, PollEntry, Reply, ReplyOutput, Request,
};

use super::addresses::Raw;
use super::{Machine, errno};

impl Machine {
    /// Makes a call, and waits with it. `None`: the interface has no such call.
    pub(crate) fn call(&self, request: &Request) -> Option<Reply> {
        let (this, of) = (self.interface.userdata, &self.interface);
        // SAFETY: every pointer is to a local that outlives the call, with the length that is said.
        unsafe {
            Some(match *request {
                Request::Socket { domain, kind, protocol } => {
                    plain((of.socket)(this, domain, kind, protocol))
                }
                Request::Bind { fd, address } => {
                    let mut raw = Raw::new(address);
                    plain((of.bind)(this, fd, raw.pointer(), raw.length))
                }
                Request::Connect { fd, address } => {
                    let mut raw = Raw::new(address);
                    plain((of.connect)(this, fd, raw.pointer(), raw.length))
                }
                Request::Listen { fd, backlog } => plain((of.listen)(this, fd, backlog)),
                Request::Accept { fd, flags: 0 } => {
                    let mut raw = Raw::empty();
                    let length = &raw mut raw.length;
                    let result = (of.accept)(this, fd, raw.pointer(), length);
                    reply(result, || ReplyOutput::Address(raw.read()))
                }
                Request::Shutdown { fd, how } => plain((of.shutdown)(this, fd, how)),
                Request::Close { fd } => plain((of.close)(this, fd)),
                Request::Fcntl { fd, command, argument: None } => {
                    plain((of.fcntl)(this, fd, command))
                }
                Request::Fcntl { fd, command, argument: Some(argument) } => {
                    plain((of.fcntl)(this, fd, command, argument as c_int))
                }
                Request::Ioctl { fd, request, argument } => {
                    let mut value = argument.unwrap_or_default();
                    let result = (of.ioctl)(this, fd, request, &raw mut value);
                    // Which requests write is not said; a script's runner knows.
                    reply(result, || ReplyOutput::Integer(value))
                }
                Request::Pipe { flags: 0 } => {
                    let mut fds = [0; 2];
                    let result = (of.pipe)(this, fds.as_mut_ptr());
                    reply(result, || ReplyOutput::Pipe(fds[0], fds[1]))
                }
                Request::Splice { from, to, length, flags } => {
                    let flags = flags.cast_unsigned();
                    plain((of.splice)(this, from, null_mut(), to, null_mut(), length, flags))
                }
                Request::EpollCreate { flags: 0 } => plain((of.epoll_create)(this, 1)),
                Request::Accept { .. }
                | Request::Pipe { .. }
                | Request::EpollCreate { .. }
                | Request::SocketName { .. }
                | Request::PeerName { .. }
                | Request::Open { .. }
                | Request::SendFile { .. } => return None,
                ref other => return self.call_with_buffers(other),
            })
        }
    }

    /// # Safety
    /// None is asked for: as in [`call`](Self::call).
    unsafe fn call_with_buffers(&self, request: &Request) -> Option<Reply> {
        // SAFETY: as in `call`.
        unsafe {
            match request {
                Request::Poll { .. }
                | Request::EpollControl { .. }
                | Request::EpollWait { .. }
                | Request::GetSocketOption { .. }
                | Request::SetSocketOption { .. } => self.call_with_structures(request),
                Request::Write { .. }
                | Request::WriteVector { .. }
                | Request::Send { .. }
                | Request::SendTo { .. }
                | Request::SendMessage { .. } => self.call_that_writes(request),
                _ => self.call_that_reads(request),
            }
        }
    }

    unsafe fn call_that_reads(&self, request: &Request) -> Option<Reply> {
        let (this, of) = (self.interface.userdata, &self.interface);
        // SAFETY: as in `call`.
        unsafe {
            Some(match *request {
                Request::Read { fd, length } => {
                    let mut buffer = Buffer::new(length);
                    let result = (of.read)(this, fd, buffer.pointer(), length);
                    buffer.check(result);
                    plain(result)
                }
                Request::Receive { fd, length, flags } => {
                    let mut buffer = Buffer::new(length);
                    let result = (of.recv)(this, fd, buffer.pointer(), length, flags);
                    plain(result)
                }
                Request::ReceiveFrom { fd, length, flags } => {
                    let (mut buffer, mut raw) = (Buffer::new(length), Raw::empty());
                    let (pointer, room) = (raw.pointer(), &raw mut raw.length);
                    let buffer = buffer.pointer();
                    let result = (of.recvfrom)(this, fd, buffer, length, flags, pointer, room);
                    reply(result, || ReplyOutput::Address(raw.read()))
                }
                Request::ReadVector { fd, ref lengths } => {
                    let mut buffers: Vec<_> = lengths.iter().copied().map(Buffer::new).collect();
                    let vector: Vec<_> = buffers.iter_mut().map(Buffer::vector).collect();
                    plain((of.readv)(this, fd, vector.as_ptr(), count(&vector)))
                }
                Request::ReceiveMessage { fd, ref lengths, control, flags } => {
                    self.receive_message(fd, lengths, control, flags)
                }
                _ => return None,
            })
        }
    }

    fn receive_message(&self, fd: c_int, lengths: &[usize], room: usize, flags: c_int) -> Reply {
        let mut buffers: Vec<_> = lengths.iter().copied().map(Buffer::new).collect();
        let mut vector: Vec<_> = buffers.iter_mut().map(Buffer::vector).collect();
        let (mut name, mut control) = (Raw::empty(), vec![0_u64; room.div_ceil(8)]);
        // SAFETY: zeros are a message without anything.
        let mut message: msghdr = unsafe { std::mem::zeroed() };
        (message.msg_name, message.msg_namelen) = (name.pointer().cast(), name.length);
        (message.msg_iov, message.msg_iovlen) = (vector.as_mut_ptr(), vector.len());
        (message.msg_control, message.msg_controllen) = (control.as_mut_ptr().cast(), room);
        // SAFETY: as in `call`.
        let result = unsafe {
            (self.interface.recvmsg)(self.interface.userdata, fd, &raw mut message, flags)
        };
        name.length = message.msg_namelen;
        reply(result, || ReplyOutput::Message {
            flags: message.msg_flags,
            control: control_messages(&message),
            name: name.read(),
        })
    }

    unsafe fn call_that_writes(&self, request: &Request) -> Option<Reply> {
        let (this, of) = (self.interface.userdata, &self.interface);
        // SAFETY: as in `call`.
        unsafe {
            Some(match *request {
                Request::Write { fd, length } => {
                    plain((of.write)(this, fd, Buffer::new(length).pointer(), length))
                }
                Request::Send { fd, length, flags } => {
                    plain((of.send)(this, fd, Buffer::new(length).pointer(), length, flags))
                }
                Request::SendTo { fd, length, flags, address } => {
                    let mut buffer = Buffer::new(length);
                    let mut raw = address.map(Raw::new);
                    let (pointer, room) =
                        raw.as_mut().map_or((null_mut(), 0), |raw| (raw.pointer(), raw.length));
                    let buffer = buffer.pointer();
                    plain((of.sendto)(this, fd, buffer, length, flags, pointer, room))
                }
                Request::WriteVector { fd, ref lengths } => {
                    let mut buffers: Vec<_> = lengths.iter().copied().map(Buffer::new).collect();
                    let vector: Vec<_> = buffers.iter_mut().map(Buffer::vector).collect();
                    plain((of.writev)(this, fd, vector.as_ptr(), count(&vector)))
                }
                Request::SendMessage { fd, address, ref lengths, ref control, flags } => {
                    let mut buffers: Vec<_> = lengths.iter().copied().map(Buffer::new).collect();
                    let mut vector: Vec<_> = buffers.iter_mut().map(Buffer::vector).collect();
                    let (mut raw, mut octets) = (address.map(Raw::new), control_octets(control));
                    let mut message: msghdr = std::mem::zeroed();
                    if let Some(raw) = &mut raw {
                        (message.msg_name, message.msg_namelen) =
                            (raw.pointer().cast(), raw.length);
                    }
                    (message.msg_iov, message.msg_iovlen) = (vector.as_mut_ptr(), vector.len());
                    message.msg_control = octets.as_mut_ptr().cast();
                    message.msg_controllen = octets.len();
                    plain((of.sendmsg)(this, fd, &raw const message, flags))
                }
                _ => return None,
            })
        }
    }

    unsafe fn call_with_structures(&self, request: &Request) -> Option<Reply> {
        let (this, of) = (self.interface.userdata, &self.interface);
        // SAFETY: as in `call`.
        unsafe {
            Some(match *request {
                Request::SetSocketOption { fd, level, name, ref value } => {
                    let (pointer, length) = (value.as_ptr().cast(), value.len() as u32);
                    plain((of.setsockopt)(this, fd, level, name, pointer, length))
                }
                Request::GetSocketOption { fd, level, name, length } => {
                    let (mut value, mut room) = (vec![0_u8; length], length as u32);
                    let (pointer, room_pointer) = (value.as_mut_ptr().cast(), &raw mut room);
                    let result = (of.getsockopt)(this, fd, level, name, pointer, room_pointer);
                    value.truncate(room as usize);
                    reply(result, || ReplyOutput::Octets(value))
                }
                Request::Poll { ref entries, timeout } => {
                    let entry = |&PollEntry { fd, events }| pollfd { fd, events, revents: 0 };
                    let mut entries: Vec<_> = entries.iter().map(entry).collect();
                    let (pointer, count) = (entries.as_mut_ptr(), entries.len() as u64);
                    let result = (of.poll)(this, pointer, count, timeout);
                    let revents = || entries.iter().map(|entry| entry.revents).collect();
                    reply(result, || ReplyOutput::Polled(revents()))
                }
                Request::EpollControl { epoll, operation, fd, event } => {
                    let event = event.map(|EpollEvent { events, data }| (events, data));
                    let mut event = event.map(|(events, u64)| epoll_event { events, u64 });
                    let pointer = event.as_mut().map_or(null_mut(), |event| &raw mut *event);
                    plain((of.epoll_ctl)(this, epoll, operation, fd, pointer))
                }
                Request::EpollWait { epoll, most, timeout } => {
                    let room = usize::try_from(most).unwrap_or(0);
                    let mut events = vec![epoll_event { events: 0, u64: 0 }; room];
                    let result = (of.epoll_wait)(this, epoll, events.as_mut_ptr(), most, timeout);
                    events.truncate(usize::try_from(result).unwrap_or(0));
                    let event = |event: &epoll_event| {
                        let &epoll_event { events, u64: data } = event;
                        EpollEvent { events, data }
                    };
                    reply(result, || ReplyOutput::Ready(events.iter().map(event).collect()))
                }
                _ => return None,
            })
        }
    }
}

/// What a call returned that writes nothing. `errno` is still that of the call.
fn plain(result: impl TryInto<i64>) -> Reply {
    reply(result, ReplyOutput::default)
}

fn reply(result: impl TryInto<i64>, output: impl FnOnce() -> ReplyOutput) -> Reply {
    match result.try_into().unwrap_or(i64::MIN) {
        -1 => Reply { result: Err(errno()), output: ReplyOutput::Nothing },
        value => Reply { result: Ok(value), output: output() },
    }
}

/// Text.
struct Buffer(Vec<u8>);

impl Buffer {
    /// Not zeros, so that what is read shows; but for gigabytes, of which the system gives zeros
    /// without having them.
    fn new(length: usize) -> Self {
        Self(vec![if length > 1 << 20 { 0 } else { 0xAA }; length])
    }

    fn pointer(&mut self) -> *mut c_void {
        self.0.as_mut_ptr().cast()
    }

    fn vector(&mut self) -> iovec {
        iovec { iov_base: self.pointer(), iov_len: self.0.len() }
    }

    /// What was read is zeros, and nothing behind it was touched.
    fn check(&self, result: isize) {
        let (read, rest) = self.0.split_at(usize::try_from(result).unwrap_or(0));
        assert!(read.iter().all(|octet| *octet == 0), "text that was not written");
        let untouched = Self::new(self.0.len()).0;
        assert_eq!(rest, &untouched[read.len()..], "more was written than was read");
    }
}

fn count(buffers: &[iovec]) -> c_int {
    c_int::try_from(buffers.len()).expect("a few")
}

fn control_octets(messages: &[ControlMessage]) -> Vec<u8> {
    let mut octets = Vec::new();
    for ControlMessage { level, kind, data } in messages {
        // SAFETY: it computes.
        let (length, space) = unsafe {
            (libc::CMSG_LEN(data.len() as c_uint), libc::CMSG_SPACE(data.len() as c_uint))
        };
        let end = octets.len() + space as usize;
        octets.extend((length as usize).to_ne_bytes());
        octets.extend(level.to_ne_bytes());
        octets.extend(kind.to_ne_bytes());
        octets.extend(data);
        octets.resize(end, 0);
    }
    octets
}

/// Walks through control messages with the macros that C programs use.
fn control_messages(message: &msghdr) -> Vec<ControlMessage> {
    let mut messages = Vec::new();
    // SAFETY: the message was filled in by the machine; what it says is what we look for.
    unsafe {
        let mut header: *const cmsghdr = libc::CMSG_FIRSTHDR(message);
        while !header.is_null() {
            let cmsghdr { cmsg_len, cmsg_level: level, cmsg_type: kind, .. } = *header;
            let length = cmsg_len - libc::CMSG_LEN(0) as usize;
            let data = std::slice::from_raw_parts(libc::CMSG_DATA(header), length).to_vec();
            messages.push(ControlMessage { level, kind, data });
            header = libc::CMSG_NXTHDR(message, header);
        }
    }
    messages
}

/// What a script is told of a call that the interface does not have.
pub(crate) const NO_SUCH_CALL: Errno = Errno(libc::ENOSYS);
