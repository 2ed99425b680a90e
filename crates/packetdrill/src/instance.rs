//! One machine behind a lock, for as many threads as packetdrill has: safe code.
//!
//! packetdrill makes a blocking call on a thread of its own, while its main thread goes on with
//! the script. So a call that waits leaves the lock, and is woken when the machine has its answer.
//! Time moves only while a thread is in [`advance`](Instance::advance): that is `usleep` and
//! `netdev_receive`; and while nobody does anything at all. Three things keep what happens independent of how fast threads run:
//!
//! - before the clock moves, it waits for threads that are on their way (`is_unsettled`): those
//!   whose call has returned but that have not left yet, and those that have asked for the time
//!   out of turn, which packetdrill does right before a blocking call;
//! - a thread that asks for the time after a call is told when that call returned, whatever the
//!   clock says by then;
//! - a call counts from the moment at which it gets the lock, not before.

use std::cell::Cell;
use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::Duration;

use twomsl_scenario::packetdrill::Host;
use twomsl_scenario::packetdrill::system::{
    Administered, CallId, Errno, Finished, Order, Progress, Reply, ReplyOutput, Request, System,
};
use twomsl_tcp::Instant;
use twomsl_tcp::wire::Packet;

use crate::flags::Flags;

/// A machine that several threads use.
pub(crate) struct Instance {
    inner: Mutex<Inner>,
    /// Something that a thread may be waiting for has happened.
    changed: Condvar,
    flags: Flags,
}

struct Inner {
    /// `None` when the flags made no sense: then every call fails.
    system: Option<Host>,
    /// Calls that have returned, and whose threads have not noticed yet.
    finished: BTreeMap<CallId, Finished>,
    /// How many threads wait in a call that has not returned.
    waiting: usize,
    /// What left the machine, and nobody has fetched.
    sent: VecDeque<(Instant, Packet)>,
    threads: BTreeMap<Thread, View>,
    /// How many calls there have been, and how many of them have had to wait.
    calls: u64,
    waits: usize,
    /// How often anybody has asked for anything.
    entries: u64,
    /// How often somebody has asked for the time since anything else happened.
    questions: u32,
    /// What [`Instance::receive_until`] was told.
    receive_until: Option<Instant>,
    is_freed: bool,
}

/// What is known of a thread.
#[derive(Default)]
struct View {
    /// When its last call returned. Gone when it has asked for the time or let time pass.
    returned: Option<Instant>,
    /// It has asked for the time with no call before that: the next thing it does is a call.
    has_asked: bool,
}

/// When to stop before the time is up.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum StopAt {
    /// Never.
    Limit,
    /// When there is a packet to fetch.
    Packet,
    /// When there is a packet, or when a call that waited has returned.
    PacketOrReturn,
}

/// Whether a machine has got on: one whose clock stands still must not keep its caller for ever.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Moved {
    On,
    NotAtAll,
}

/// What a call returned.
pub(crate) type Answer = Result<(i64, ReplyOutput), Errno>;

/// How long threads that are on their way are waited for: only one that never comes, as it does
/// not do what packetdrill does, takes that long.
const PATIENCE: Duration = Duration::from_secs(1);

/// How often the time is told before somebody who does nothing else is taken for one who waits
/// for it to pass. packetdrill spins like that for the last moments before an event.
const SPIN: u32 = 100;

impl Instance {
    pub(crate) fn new(system: Host, flags: Flags) -> Self {
        Self::with(Some(system), flags)
    }

    /// One whose calls all fail, for flags that make no sense: the interface has no other way to
    /// say so that packetdrill looks at.
    pub(crate) fn refusing() -> Self {
        Self::with(None, Flags::default())
    }

    fn with(system: Option<Host>, flags: Flags) -> Self {
        let inner = Inner {
            system,
            finished: BTreeMap::new(),
            waiting: 0,
            sent: VecDeque::new(),
            threads: BTreeMap::new(),
            calls: 0,
            waits: 0,
            entries: 0,
            questions: 0,
            receive_until: None,
            is_freed: false,
        };
        Self { inner: Mutex::new(inner), changed: Condvar::new(), flags }
    }

    /// A system call. Comes back when it has returned.
    pub(crate) fn call(&self, request: Request) -> Answer {
        let me = Thread::me();
        let mut inner = self.lock()?;
        inner.calls += 1;
        let now = inner.system()?.now();
        *inner.view(me) = View { returned: Some(now), has_asked: false };
        if let Request::Bind { address, .. } = &request {
            self.adopt(inner.system()?, address.ip().to_canonical());
        }
        let progress = inner.system()?.call(request);
        self.collect(&mut inner);
        match progress {
            Progress::Done(reply) => answer(reply),
            Progress::Waits(call) => self.wait_for(call, me, inner),
        }
    }

    fn wait_for<'a>(
        &'a self,
        call: CallId,
        me: Thread,
        mut inner: MutexGuard<'a, Inner>,
    ) -> Answer {
        inner.waiting += 1;
        inner.waits += 1;
        self.changed.notify_all();
        let is_waiting = |inner: &mut Inner| !inner.finished.contains_key(&call) && !inner.is_freed;
        while is_waiting(&mut inner) {
            inner = self.wait_a_while(inner, is_waiting)?;
        }
        inner.waiting -= 1;
        // What has been freed answers nobody; the thread must not go on using it either.
        let Finished { at, reply, .. } = inner.finished.remove(&call).ok_or(Errno(libc::EINTR))?;
        inner.view(me).returned = Some(at);
        self.changed.notify_all();
        answer(reply)
    }

    /// Waits on the thread of a call. When nobody calls anything meanwhile, everybody waits for the
    /// clock, and nobody is there to move it: at the end of a script, packetdrill's main thread
    /// waits for its other one. Then it moves to what comes next.
    fn wait_a_while<'a>(
        &'a self,
        inner: MutexGuard<'a, Inner>,
        is_waiting: impl Fn(&mut Inner) -> bool,
    ) -> Result<MutexGuard<'a, Inner>, Errno> {
        if self.flags.idle.is_zero() {
            return self.changed.wait_while(inner, is_waiting).map_err(|_| BROKEN);
        }
        let entries = inner.entries;
        let waited = self.changed.wait_timeout_while(inner, self.flags.idle, &is_waiting);
        let (mut inner, _) = waited.map_err(|_| BROKEN)?;
        if is_waiting(&mut inner) && inner.entries == entries {
            let limit = inner.system()?.now() + self.flags.receive_limit;
            self.step(&mut inner, limit)?;
        }
        Ok(inner)
    }

    /// A packet arrives from the network.
    pub(crate) fn inject(&self, packet: Packet) -> Result<(), Errno> {
        let mut inner = self.lock()?;
        self.adopt(inner.system()?, packet.dst);
        inner.system()?.inject(packet);
        self.collect(&mut inner);
        Ok(())
    }

    /// An address that somebody takes for one of the machine's is one, unless the flags have said
    /// which are.
    fn adopt(&self, host: &mut Host, address: IpAddr) {
        let belongs_to_one = match address {
            IpAddr::V4(address) => {
                !(address.is_unspecified() || address.is_multicast() || address.is_broadcast())
            }
            IpAddr::V6(address) => !(address.is_unspecified() || address.is_multicast()),
        };
        if self.flags.addresses.is_empty() && belongs_to_one {
            host.add_address(address);
        }
    }

    /// The next packet that leaves the machine: waits for one by moving the clock, no further than
    /// the flags or [`receive_until`](Self::receive_until) allow.
    pub(crate) fn receive(&self) -> Result<Option<(Instant, Packet)>, Errno> {
        let mut inner = self.lock()?;
        let (limit, stop) = match inner.receive_until {
            Some(limit) => (limit, StopAt::PacketOrReturn),
            None => (inner.system()?.now() + self.flags.receive_limit, StopAt::Packet),
        };
        let mut inner = self.advance(inner, limit, stop)?;
        Ok(inner.sent.pop_front())
    }

    /// Lets so much time pass.
    pub(crate) fn sleep(&self, time: Duration) -> Result<(), Errno> {
        let mut inner = self.lock()?;
        let limit = inner.system()?.now() + time;
        self.advance(inner, limit, StopAt::Limit).map(drop)
    }

    /// What time it is for the thread that asks.
    pub(crate) fn now(&self) -> Result<Instant, Errno> {
        let me = Thread::me();
        let mut inner = self.lock()?;
        inner.questions += 1;
        let questions = inner.questions;
        if let Some(returned) = inner.view(me).returned.take() {
            return Ok(returned);
        }
        inner.view(me).has_asked = true;
        let now = inner.system()?.now();
        if questions <= SPIN {
            return Ok(now);
        }
        let now = now + Duration::from_micros(1);
        while inner.system()?.now() < now && self.step(&mut inner, now)? == Moved::On {}
        inner.questions = questions;
        Ok(now)
    }

    /// How many calls have had to wait, ever.
    pub(crate) fn waits(&self) -> Result<usize, Errno> {
        Ok(self.lock()?.waits)
    }

    /// How many calls wait and have not returned.
    pub(crate) fn waiting(&self) -> Result<usize, Errno> {
        let inner = self.lock()?;
        Ok(inner.waiting.saturating_sub(inner.finished.len()))
    }

    /// From now on, [`receive`](Self::receive) moves the clock no further than this, and comes back
    /// as well when a call that waited returns.
    pub(crate) fn receive_until(&self, limit: Instant) -> Result<(), Errno> {
        self.lock()?.receive_until = Some(limit);
        Ok(())
    }

    /// See [`System::administer`].
    pub(crate) fn administer(&self, order: Order) -> Result<Administered, Errno> {
        let mut inner = self.lock()?;
        let administered = inner.system()?.administer(order);
        self.collect(&mut inner);
        Ok(administered)
    }

    /// Sends the threads that wait away. Later calls are against the contract of the interface.
    pub(crate) fn free(&self) {
        if let Ok(mut inner) = self.inner.lock() {
            inner.is_freed = true;
        }
        self.changed.notify_all();
    }

    /// Moves the clock to `limit`, or less far as `stop` says.
    fn advance<'a>(
        &'a self,
        mut inner: MutexGuard<'a, Inner>,
        limit: Instant,
        stop: StopAt,
    ) -> Result<MutexGuard<'a, Inner>, Errno> {
        self.collect(&mut inner);
        inner.view(Thread::me()).returned = None;
        while !inner.is_stopped(stop) && inner.system()?.now() < limit {
            inner = self.settle(inner)?;
            // Whoever was waited for may have changed what there is to wait for.
            if !inner.is_stopped(stop) && self.step(&mut inner, limit)? == Moved::NotAtAll {
                break;
            }
        }
        Ok(inner)
    }

    /// Moves the clock to `limit` or to the first moment before at which something happens.
    fn step(&self, inner: &mut Inner, limit: Instant) -> Result<Moved, Errno> {
        let before = inner.system()?.now();
        let (sent, finished) = (inner.sent.len(), inner.finished.len());
        let now = inner.system()?.advance(limit);
        self.collect(inner);
        let nothing = now <= before && sent == inner.sent.len() && finished == inner.finished.len();
        Ok(if nothing { Moved::NotAtAll } else { Moved::On })
    }

    /// Gives other threads the time to do what they do at this moment.
    fn settle<'a>(&'a self, inner: MutexGuard<'a, Inner>) -> Result<MutexGuard<'a, Inner>, Errno> {
        let me = Thread::me();
        let on_their_way = |inner: &mut Inner| inner.is_unsettled(me);
        let waited = self.changed.wait_timeout_while(inner, PATIENCE, on_their_way);
        let (mut inner, _) = waited.map_err(|_| BROKEN)?;
        // Whoever has not come by now does not come; no thread is waited for twice.
        inner.threads.values_mut().for_each(|view| view.has_asked = false);
        if self.flags.grace.is_zero() || inner.waiting > 0 {
            return Ok(inner);
        }
        let calls = inner.calls;
        let nobody_called = |inner: &mut Inner| inner.calls == calls;
        let waited = self.changed.wait_timeout_while(inner, self.flags.grace, nobody_called);
        waited.map(|(inner, _)| inner).map_err(|_| BROKEN)
    }

    /// Takes over what the machine has done, and wakes those who are concerned.
    fn collect(&self, inner: &mut Inner) {
        inner.questions = 0;
        let Inner { system: Some(system), finished, sent, .. } = inner else { return };
        while let Some(done) = system.finished() {
            finished.insert(done.call, done);
        }
        sent.extend(std::iter::from_fn(|| system.sent()));
        self.changed.notify_all();
    }

    fn lock(&self) -> Result<MutexGuard<'_, Inner>, Errno> {
        let mut inner = self.inner.lock().map_err(|_| BROKEN)?;
        inner.entries += 1;
        Ok(inner)
    }
}

/// A panic in an earlier call has left the machine as it was half way, or there is none.
const BROKEN: Errno = Errno(libc::EIO);

fn answer(reply: Reply) -> Answer {
    reply.result.map(|value| (value, reply.output))
}

impl Inner {
    fn system(&mut self) -> Result<&mut Host, Errno> {
        self.system.as_mut().ok_or(BROKEN)
    }

    fn view(&mut self, thread: Thread) -> &mut View {
        self.threads.entry(thread).or_default()
    }

    fn is_stopped(&self, stop: StopAt) -> bool {
        match stop {
            StopAt::Limit => false,
            StopAt::Packet => !self.sent.is_empty(),
            StopAt::PacketOrReturn => !self.sent.is_empty() || !self.finished.is_empty(),
        }
    }

    /// Whether a thread other than `me` is in the middle of something that takes no time.
    fn is_unsettled(&self, me: Thread) -> bool {
        let others = self.threads.iter().filter(|(thread, _)| **thread != me);
        !self.finished.is_empty() || others.into_iter().any(|(_, view)| view.has_asked)
    }
}

/// A thread, told from the others by a number of our own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Thread(u64);

impl Thread {
    fn me() -> Self {
        static THREADS: AtomicU64 = AtomicU64::new(0);
        thread_local! {
            static ME: Cell<u64> = Cell::new(THREADS.fetch_add(1, Ordering::Relaxed));
        }
        Self(ME.get())
    }
}
