//! `epoll`: `fs/eventpoll.c`.

use std::time::Duration;

use twomsl_tcp::{Readiness, SocketId};

use super::super::symbols::{
    EPOLL_CLOEXEC, EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD, EPOLLERR, EPOLLET, EPOLLHUP,
    EPOLLONESHOT,
};
use super::super::system::{EpollEvent, Errno, Reply, ReplyOutput};
use super::files::File;
use super::polling::{READABLE, WRITABLE};
use super::waiting::{Limit, Pending};
use super::{Host, Patience, Step, count, plain};

/// A set of files that are watched.
#[derive(Debug, Default)]
pub(super) struct Epoll {
    /// In the order in which they became ready, or were added.
    watches: Vec<Watch>,
}

/// `struct epitem`
#[derive(Clone, Copy, Debug)]
struct Watch {
    fd: i32,
    events: i64,
    data: u64,
    state: WatchState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum WatchState {
    /// In the list of those that may be ready.
    Listed,
    /// Not before it is woken: it is edge-triggered, and has been reported.
    Sleeps,
    /// `EPOLLONESHOT`: reported, and not to be reported again before it is changed.
    Disabled,
}

/// `epoll_wait`.
#[derive(Clone, Copy, Debug)]
pub(super) struct EpollWaiting {
    epoll: i32,
    most: usize,
}

impl Host {
    pub(super) fn epoll_create(&mut self, flags: i32) -> Result<i64, Errno> {
        if i64::from(flags) & !EPOLL_CLOEXEC != 0 {
            return Err(Errno::EINVAL);
        }
        Ok(self.files.open(File::Epoll(Epoll::default())).into())
    }

    /// `do_epoll_ctl`.
    pub(super) fn epoll_control(
        &mut self,
        epoll: i32,
        operation: i32,
        fd: i32,
        event: Option<EpollEvent>,
    ) -> Result<i64, Errno> {
        self.files.get(epoll)?;
        if matches!(self.files.get(fd)?, File::Source) {
            return Err(Errno::EPERM);
        }
        if epoll == fd {
            return Err(Errno::EINVAL);
        }
        let watches = &mut self.files.epoll(epoll)?.watches;
        let place = watches.iter().position(|watch| watch.fd == fd);
        let operation = i64::from(operation);
        if operation == EPOLL_CTL_DEL {
            watches.remove(place.ok_or(Errno::ENOENT)?);
            return Ok(0);
        }
        let event = event.ok_or(Errno::EFAULT)?;
        let (events, data) = (i64::from(event.events) | EPOLLERR | EPOLLHUP, event.data);
        let watch = Watch { fd, events, data, state: WatchState::Listed };
        match (operation, place) {
            (EPOLL_CTL_ADD, None) => watches.push(watch),
            (EPOLL_CTL_ADD, Some(_)) => return Err(Errno::EEXIST),
            (EPOLL_CTL_MOD, Some(place)) => watches[place] = watch,
            (EPOLL_CTL_MOD, None) => return Err(Errno::ENOENT),
            _ => return Err(Errno::EINVAL),
        }
        self.unlist_what_is_not_ready(epoll);
        Ok(0)
    }

    /// `ep_insert` and `ep_modify` look at once, and list only what is ready.
    fn unlist_what_is_not_ready(&mut self, epoll: i32) {
        let Ok(watched) = self.files.epoll(epoll).map(|epoll| epoll.watches.clone()) else {
            return;
        };
        for watch in watched {
            let ready = self.readiness(watch.fd, watch.events) & watch.events != 0;
            if !ready && watch.state == WatchState::Listed {
                self.set_state(epoll, watch.fd, WatchState::Sleeps);
            }
        }
    }

    /// A file that is closed is watched no more.
    pub(super) fn forget_watches(&mut self, fd: i32) {
        for epoll in self.files.epolls() {
            epoll.watches.retain(|watch| watch.fd != fd);
        }
    }

    /// `ep_poll_callback`: what is watched may have become ready.
    pub(super) fn wake_watches(&mut self, socket: SocketId, readiness: Readiness) {
        let Some(fd) = self.files.of(socket) else { return };
        let key = match readiness {
            Readiness::Readable | Readiness::Acceptable => READABLE,
            Readiness::Writable => WRITABLE,
            _ => !0,
        };
        for epoll in self.files.epolls() {
            let watches = epoll.watches.iter_mut();
            for watch in watches.filter(|watch| watch.fd == fd && watch.events & key != 0) {
                if watch.state == WatchState::Sleeps {
                    watch.state = WatchState::Listed;
                }
            }
        }
    }

    pub(super) fn begin_epoll_wait(
        &mut self,
        epoll: i32,
        most: i32,
        timeout: i32,
    ) -> Result<(Pending, Limit), Errno> {
        let most = usize::try_from(most).ok().filter(|most| *most > 0).ok_or(Errno::EINVAL)?;
        self.files.epoll(epoll)?;
        let limit = match u64::try_from(timeout) {
            Ok(0) => (Patience::None, None),
            Ok(millis) => (Patience::Waits, Some(Duration::from_millis(millis))),
            Err(_) => (Patience::Waits, None),
        };
        Ok((Pending::Epoll(EpollWaiting { epoll, most }), limit))
    }

    pub(super) fn step_epoll_wait(&mut self, call: EpollWaiting, patience: Patience) -> Step {
        match self.take_ready(call) {
            Err(error) => Step::Done(plain(Err(error))),
            Ok(ready) if ready.is_empty() && patience == Patience::Waits => Step::Wait,
            Ok(ready) => Step::Done(Reply {
                result: Ok(count(ready.len())),
                output: ReplyOutput::Ready(ready),
            }),
        }
    }

    /// `ep_send_events`
    fn take_ready(&mut self, call: EpollWaiting) -> Result<Vec<EpollEvent>, Errno> {
        let watches = self.files.epoll(call.epoll)?.watches.clone();
        let mut ready = Vec::new();
        for watch in watches {
            if ready.len() == call.most {
                break;
            }
            if !may_report(&watch) {
                continue;
            }
            let events = self.readiness(watch.fd, watch.events) & watch.events;
            if events == 0 {
                self.set_state(call.epoll, watch.fd, WatchState::Sleeps);
                continue;
            }
            ready.push(EpollEvent { events: low_word(events), data: watch.data });
            let state = match watch.events {
                events if events & EPOLLONESHOT != 0 => WatchState::Disabled,
                events if events & EPOLLET != 0 => WatchState::Sleeps,
                _ => WatchState::Listed,
            };
            self.set_state(call.epoll, watch.fd, state);
        }
        Ok(ready)
    }

    fn set_state(&mut self, epoll: i32, fd: i32, state: WatchState) {
        if let Ok(epoll) = self.files.epoll(epoll)
            && let Some(watch) = epoll.watches.iter_mut().find(|watch| watch.fd == fd)
        {
            watch.state = state;
        }
    }

    /// Whether a set has something to tell, for those who poll the set.
    pub(super) fn has_ready_watch(&self, epoll: i32) -> bool {
        let Ok(File::Epoll(epoll)) = self.files.get(epoll) else { return false };
        let mut watches = epoll.watches.iter().filter(|watch| may_report(watch));
        watches.any(|watch| self.look(watch.fd, watch.events) & watch.events != 0)
    }
}

/// What is level-triggered is looked at each time: it is ready whenever it is ready.
fn may_report(watch: &Watch) -> bool {
    match watch.state {
        WatchState::Listed => true,
        WatchState::Sleeps => watch.events & EPOLLET == 0,
        WatchState::Disabled => false,
    }
}

/// The bits of an event, which are 32.
fn low_word(events: i64) -> u32 {
    events.cast_unsigned() as u32
}
