//! Who waits for which socket.

use std::collections::BTreeMap;
use std::task::{Context, Waker};

use twomsl_tcp::{Readiness, SocketId};

/// The tasks that wait, by socket and direction. An event wakes those of its socket and of no
/// other.
#[derive(Debug, Default)]
pub(crate) struct Wakers {
    /// By the place of a socket in its stack.
    places: Vec<[Waiting; 2]>,
    /// Names the next waiter.
    next: u64,
}

/// Which half of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Half {
    /// Reading, and accepting.
    Read,
    /// Writing, and connecting.
    Write,
}

/// Those who wait for one half of a socket.
#[derive(Debug, Default)]
struct Waiting {
    /// The last task that called a `poll_` method: as in tokio, there is one.
    task: Option<Waker>,
    /// Futures, any number of them, each with a name to withdraw itself.
    futures: BTreeMap<u64, Waker>,
    news: News,
}

/// Whether readiness counts. Somebody who was told of it, and found that it is not enough, wants
/// to hear of changes only: tokio's readiness is cleared by `WouldBlock`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum News {
    #[default]
    Fresh,
    Stale,
}

impl Wakers {
    /// The task of `cx` waits, and nobody before it: who did is returned, to be dropped where
    /// nothing is locked. A waker keeps its task alive, and a task its sockets, which lock when
    /// they are dropped.
    #[must_use = "to be dropped where nothing is locked"]
    pub(crate) fn wait(&mut self, socket: SocketId, half: Half, cx: &Context<'_>) -> Option<Waker> {
        let task = &mut self.waiting(socket, half).task;
        if task.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            return None;
        }
        task.replace(cx.waker().clone())
    }

    /// A future waits, beside others. `name` is kept between its polls. Returns the waker of its
    /// last poll, as [`wait`](Self::wait) does.
    #[must_use = "to be dropped where nothing is locked"]
    pub(crate) fn join(
        &mut self,
        socket: SocketId,
        half: Half,
        name: &mut Option<u64>,
        cx: &Context<'_>,
    ) -> Option<Waker> {
        let next = self.next;
        let name = *name.get_or_insert(next);
        self.next += u64::from(name == next);
        self.waiting(socket, half).futures.insert(name, cx.waker().clone())
    }

    /// A future no longer waits. Returns its waker, as [`wait`](Self::wait) does.
    #[must_use = "to be dropped where nothing is locked"]
    pub(crate) fn leave(&mut self, socket: SocketId, half: Half, name: u64) -> Option<Waker> {
        self.waiting(socket, half).futures.remove(&name)
    }

    /// Whether a future that joined under one of these names, by half, was woken since.
    pub(crate) fn has_woken(&self, socket: SocketId, names: [Option<u64>; 2]) -> bool {
        let Some(place) = self.places.get(place(socket)) else { return false };
        let woken = |(waiting, name): (&Waiting, Option<u64>)| {
            name.is_some_and(|name| !waiting.futures.contains_key(&name))
        };
        place.iter().zip(names).any(woken)
    }

    /// What a half is ready for is not enough for who asked: it counts as not ready until something
    /// changes.
    pub(crate) fn clear(&mut self, socket: SocketId, half: Half) {
        self.waiting(socket, half).news = News::Stale;
    }

    /// Whether a half's readiness does not count.
    pub(crate) fn is_cleared(&self, socket: SocketId, half: Half) -> bool {
        let place = self.places.get(place(socket));
        place.is_some_and(|place| place[half as usize].news == News::Stale)
    }

    /// A new socket is in this place.
    pub(crate) fn renew(&mut self, socket: SocketId) {
        if let Some(place) = self.places.get_mut(place(socket)) {
            for waiting in place {
                waiting.news = News::Fresh;
            }
        }
    }

    /// Takes out whom an event concerns.
    pub(crate) fn ready(&mut self, socket: SocketId, readiness: Readiness, woken: &mut Woken) {
        match readiness {
            Readiness::Readable
            | Readiness::Acceptable
            | Readiness::EndOfFile
            | Readiness::Urgent => self.take(socket, Half::Read, woken),
            Readiness::Connected | Readiness::Writable => self.take(socket, Half::Write, woken),
            Readiness::Failed(_) | Readiness::Closed => {
                self.take(socket, Half::Read, woken);
                self.take(socket, Half::Write, woken);
            }
            // `close` does not wait here: dropping a socket cannot block a task.
            Readiness::LingerOver => {}
        }
    }

    /// Takes out everybody.
    pub(crate) fn all(&mut self, woken: &mut Woken) {
        for waiting in std::mem::take(&mut self.places).into_iter().flatten() {
            woken.0.extend(waiting.task);
            woken.0.extend(waiting.futures.into_values());
        }
    }

    /// Takes out whom a change of one half concerns. With any change of a socket `epoll` tells all
    /// that is true of it, so that a half whose readiness was cleared is news again, too.
    fn take(&mut self, socket: SocketId, half: Half, woken: &mut Woken) {
        let Some(place) = self.places.get_mut(place(socket)) else { return };
        for (at, waiting) in place.iter_mut().enumerate() {
            if at == half as usize || waiting.news == News::Stale {
                waiting.take(woken);
            }
        }
    }

    fn waiting(&mut self, socket: SocketId, half: Half) -> &mut Waiting {
        let place = place(socket);
        if place >= self.places.len() {
            self.places.resize_with(place + 1, Default::default);
        }
        &mut self.places[place][half as usize]
    }
}

impl Waiting {
    fn take(&mut self, woken: &mut Woken) {
        self.news = News::Fresh;
        woken.0.extend(self.task.take());
        if !self.futures.is_empty() {
            woken.0.extend(std::mem::take(&mut self.futures).into_values());
        }
    }
}

/// The lower half of a socket's number is its place; a place is used again after its socket is
/// gone, and a task that is woken for its successor only looks once in vain.
const fn place(socket: SocketId) -> usize {
    socket.number() as u32 as usize
}

/// Tasks to wake once nothing is locked: waking may run code that uses sockets.
#[derive(Debug, Default)]
#[must_use = "tasks are woken by `wake`"]
pub(crate) struct Woken(Vec<Waker>);

impl Woken {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn wake(self) {
        self.0.into_iter().for_each(Waker::wake);
    }
}
