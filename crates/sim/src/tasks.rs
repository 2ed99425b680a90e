//! Tasks: roles that run. Each is a place in a program with its sockets; it goes on until it has
//! to wait.

use std::collections::VecDeque;

use bytes::Bytes;
use twomsl_tcp::{Instant, SocketError, SocketId};
use twomsl_trace::{self as trace, HostId};

use crate::live::Live;
use crate::live::record;
use crate::plan::Plan;
use crate::program::{Op, Var};
use crate::queue::What;
use crate::{Outcome, RoleResult};

/// A task, by its place among all tasks of a world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct TaskId(pub(crate) u32);

impl TaskId {
    pub(crate) const NONE: Self = Self(u32::MAX);
}

/// A role that runs.
#[derive(Clone, Debug)]
pub(crate) struct Task {
    pub(crate) host: u32,
    /// Which role, and so which program.
    role: u32,
    /// Its number among the tasks of its host.
    number: u32,
    /// Whether it is the role itself, or one of the tasks it made.
    rank: Rank,
    /// The place in the program.
    pub(crate) place: u32,
    pub(crate) waiting: Waiting,
    /// Wakes are meant for the epoch in which they were asked for.
    pub(crate) epoch: u32,
    /// Whether the operation has begun, and its call is written down.
    pub(crate) phase: Phase,
    /// Octets that the operation has dealt with.
    pub(crate) progress: u64,
    /// When the operation gives up.
    pub(crate) deadline: Option<Instant>,
    /// What an echo has read and not yet written.
    pub(crate) pending: Bytes,
    pub(crate) current: Option<SocketId>,
    pub(crate) listener: Option<SocketId>,
    named: Vec<Option<SocketId>>,
    /// How often each loop around the place goes round yet.
    loops: Vec<u64>,
    /// The next task that waits for the same socket.
    pub(crate) next: TaskId,
    /// The socket of a call that had to wait, until that returns.
    pub(crate) holds: Option<SocketId>,
    outcome: Outcome,
}

/// Whether a task is a role, or was made by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rank {
    Role,
    Made,
}

/// What a task waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Waiting {
    /// Nothing: it runs, or is about to.
    No,
    /// Something to happen to this socket.
    Socket(SocketId),
    /// A time.
    Time,
    /// A condition.
    Condition(u32),
    /// It is over.
    Over,
}

/// How far an operation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Phase {
    /// It has not begun.
    Fresh,
    /// It has, and had to wait.
    Begun,
}

/// What an operation tells its task to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    /// Go on with the next operation.
    Next,
    /// Leave the innermost loop, which ends there.
    Leave(u32),
    /// Go on there.
    Goto(u32),
    /// Wait for the socket.
    Block(SocketId),
    /// It waits already.
    Blocked,
    /// The call failed, and the task with it.
    Fail(&'static str, SocketError),
    /// It is over.
    End,
}

/// All tasks.
#[derive(Clone, Debug)]
pub(crate) struct Tasks {
    /// Those of this run, and behind them some of an earlier one whose memory is used again.
    memory: Vec<Task>,
    /// How many are of this run.
    begun: usize,
    /// Places of tasks that are over and whose result nobody will ask for.
    free: Vec<TaskId>,
    runnable: VecDeque<TaskId>,
    /// Results of made tasks that failed.
    pub(crate) failures: Vec<RoleResult>,
}

/// So many events and operations without any time passing mean that it never will.
pub(crate) const BUSY_LIMIT: u32 = 10_000_000;

impl Tasks {
    /// With room for so many roles.
    pub(crate) fn new(roles: usize) -> Self {
        Self {
            memory: Vec::with_capacity(roles),
            begun: 0,
            free: Vec::new(),
            runnable: VecDeque::with_capacity(roles),
            failures: Vec::new(),
        }
    }

    pub(crate) fn clear(&mut self) {
        // Those that were there are cleared when they are used again.
        let Self { memory: _, begun, free, runnable, failures } = self;
        *begun = 0;
        free.clear();
        runnable.clear();
        failures.clear();
    }

    /// A task. Ids are given out by `begin` only.
    pub(crate) fn get(&self, id: TaskId) -> &Task {
        &self.memory[id.0 as usize]
    }

    /// A task, to change it.
    pub(crate) fn get_mut(&mut self, id: TaskId) -> &mut Task {
        &mut self.memory[id.0 as usize]
    }

    /// All of this run.
    fn all(&self) -> &[Task] {
        &self.memory[..self.begun]
    }

    /// Whether a task can go on.
    pub(crate) fn can_run(&self) -> bool {
        !self.runnable.is_empty()
    }

    /// A new task at the beginning of its program, which runs as soon as those before it have.
    fn begin(&mut self, host: u32, role: u32, number: u32) -> &mut Task {
        let (id, epoch) = match self.free.pop() {
            // Epochs go on, so that an old wake does not reach the new task.
            Some(id) => (id, self.get(id).epoch + 1),
            None => (self.one_more(), 0),
        };
        self.runnable.push_back(id);
        let task = self.get_mut(id);
        task.begin(host, role, number);
        task.epoch = epoch;
        task
    }

    /// One more place than this run has used.
    fn one_more(&mut self) -> TaskId {
        if self.begun == self.memory.len() {
            self.memory.push(Task::NONE);
        }
        self.begun += 1;
        TaskId(self.begun as u32 - 1)
    }

    /// Wakes everybody in the list of a socket.
    pub(crate) fn wake_list(&mut self, first: TaskId) {
        let mut id = first;
        while id != TaskId::NONE {
            let next = std::mem::replace(&mut self.get_mut(id).next, TaskId::NONE);
            self.wake(id);
            id = next;
        }
    }

    /// Wakes everybody who waits for a condition. Looks at all tasks, once per condition.
    pub(crate) fn wake_condition(&mut self, condition: u32) {
        let waits = |task: &Task| task.waiting == Waiting::Condition(condition);
        for place in 0..self.begun {
            if waits(&self.memory[place]) {
                self.wake(TaskId(place as u32));
            }
        }
    }

    /// A task can go on. Its epoch ends: a timeout that is still in the queue is void.
    pub(crate) fn wake(&mut self, id: TaskId) {
        let task = self.get_mut(id);
        if task.waiting != Waiting::Over {
            task.waiting = Waiting::No;
            task.epoch += 1;
            self.runnable.push_back(id);
        }
    }

    /// The host of a task whose sleep or timeout is over, if it still is about that.
    pub(crate) fn sleeper(&self, place: u32, epoch: u32) -> Option<u32> {
        let task = self.all().get(place as usize)?;
        (task.epoch == epoch && task.waiting != Waiting::Over).then_some(task.host)
    }

    /// Tasks that wait for an answer of their TCP: to a connect, a write, a close that lingers.
    pub(crate) fn unanswered(&self, plan: &Plan) -> Vec<(u32, Option<SocketId>, &'static str)> {
        let waits = |task: &&Task| matches!(task.waiting, Waiting::Socket(_));
        let call = |task: &Task| {
            let call = match plan.programs[task.role as usize].ops[task.place as usize] {
                Op::Connect(_) | Op::Relay(_) | Op::BecomeActive { .. } => "connect",
                Op::Write { .. } => "write",
                Op::Close { .. } => "close",
                _ => return None,
            };
            Some((task.host, task.current, call))
        };
        self.all().iter().filter(waits).filter_map(call).collect()
    }

    /// Ends all tasks of a host.
    pub(crate) fn crash(&mut self, host: u32) {
        for task in &mut self.memory[..self.begun] {
            if task.host == host && task.waiting != Waiting::Over {
                task.epoch += 1;
                task.waiting = Waiting::Over;
                task.outcome = Outcome::Crashed;
                task.next = TaskId::NONE;
            }
        }
    }

    /// How each role ended, or that it runs; and every made task that failed.
    pub(crate) fn results(&self) -> Vec<RoleResult> {
        let roles = self.all().iter().filter(|task| task.rank == Rank::Role).map(Task::result);
        roles.chain(self.failures.iter().copied()).collect()
    }

    /// Everything of the tasks that can influence the future.
    pub(crate) fn fingerprint(&self, hasher: &mut impl std::hash::Hasher) {
        use std::hash::Hash as _;
        let going = |(_, task): &(usize, &Task)| task.waiting != Waiting::Over;
        for (place, task) in self.all().iter().enumerate().filter(going) {
            (place, task.host, task.role, task.place, task.waiting, task.phase).hash(hasher);
            (task.progress, &task.loops, &task.pending).hash(hasher);
            (task.current, task.listener, &task.named, task.next).hash(hasher);
            (task.deadline, task.holds).hash(hasher);
        }
        self.free.hash(hasher);
    }
}

impl Task {
    /// What stands in a new place.
    const NONE: Self = Self {
        host: 0,
        role: 0,
        number: 0,
        rank: Rank::Role,
        place: 0,
        waiting: Waiting::Over,
        epoch: 0,
        phase: Phase::Fresh,
        progress: 0,
        deadline: None,
        pending: Bytes::new(),
        current: None,
        listener: None,
        named: Vec::new(),
        loops: Vec::new(),
        next: TaskId::NONE,
        holds: None,
        outcome: Outcome::Running,
    };

    /// Becomes a task at the beginning of its program, in the memory of the one before.
    fn begin(&mut self, of_host: u32, of_role: u32, as_number: u32) {
        // Field by field, so that a new one is not forgotten here.
        let Self {
            host,
            role,
            number,
            rank,
            place,
            waiting,
            epoch,
            phase,
            progress,
            deadline,
            pending,
            current,
            listener,
            named,
            loops,
            next,
            holds,
            outcome,
        } = self;
        (*host, *role, *number) = (of_host, of_role, as_number);
        (*rank, *place, *epoch) = (Rank::Role, 0, 0);
        (*waiting, *outcome) = (Waiting::No, Outcome::Running);
        (*phase, *progress, *deadline) = (Phase::Fresh, 0, None);
        (*current, *listener, *next, *holds) = (None, None, TaskId::NONE, None);
        if !pending.is_empty() {
            *pending = Bytes::new();
        }
        named.clear();
        loops.clear();
    }

    /// The socket that a step works on.
    pub(crate) fn socket(&self, var: Var) -> Option<SocketId> {
        match var {
            Var::Current => self.current.or(self.listener),
            Var::Listener => self.listener,
            Var::Named(place) => self.named[usize::from(place)],
        }
    }

    /// Gives a socket its name.
    pub(crate) fn name(&mut self, name: Option<u16>, socket: SocketId) {
        if let Some(place) = name {
            self.named[usize::from(place)] = Some(socket);
        }
    }

    /// What became of it, for those who ask.
    fn result(&self) -> RoleResult {
        let (role, host) = (self.role as usize, self.host as usize);
        RoleResult { role, host, task: self.number, outcome: self.outcome }
    }

    /// On to an operation that has not begun.
    fn go(&mut self, place: u32) {
        self.place = place;
        self.phase = Phase::Fresh;
        self.progress = 0;
        self.deadline = None;
    }
}

impl Live {
    /// A role starts.
    pub(crate) fn start_role(&mut self, plan: &Plan, role: u32) {
        let host = plan.spec.roles[role as usize].host as u32;
        let number = self.task_number(host);
        let names = plan.programs[role as usize].names;
        self.tasks.begin(host, role, number).named.resize(usize::from(names), None);
    }

    /// A task makes another one, which begins after the operation the task is at, with the
    /// sockets the task knows.
    pub(crate) fn spawn(&mut self, id: TaskId, current: Option<SocketId>) {
        let parent = self.tasks.get(id);
        let (host, role, place) = (parent.host, parent.role, parent.place + 1);
        let named = parent.named.clone();
        let (current, listener) = (current.or(parent.current), parent.listener);
        let number = self.task_number(host);
        let task = self.tasks.begin(host, role, number);
        (task.rank, task.place, task.named) = (Rank::Made, place, named);
        (task.current, task.listener) = (current, listener);
    }

    /// The next number among the tasks of a host.
    fn task_number(&mut self, host: u32) -> u32 {
        let owner = &mut self.hosts[host as usize];
        owner.tasks += 1;
        owner.tasks - 1
    }

    /// Runs every task that can go on, until none can.
    #[inline(never)]
    pub(crate) fn run_tasks(&mut self, plan: &Plan) {
        while let Some(id) = self.tasks.runnable.pop_front() {
            if self.tasks.get(id).waiting != Waiting::No {
                continue; // it crashed, or was woken twice and waits again
            }
            let host = self.tasks.get(id).host;
            if self.is_paused(host) {
                let wake = What::Task(id.0, self.tasks.get(id).epoch);
                self.hosts[host as usize].inbox.push(wake);
                continue;
            }
            self.run_task(plan, id);
        }
    }

    /// Runs a task until it waits, fails or is over.
    fn run_task(&mut self, plan: &Plan, id: TaskId) {
        let program = &plan.programs[self.tasks.get(id).role as usize];
        while self.busy < BUSY_LIMIT {
            self.busy += 1;
            let place = self.tasks.get(id).place;
            let flow = self.attempt(plan, id, &program.ops[place as usize]);
            let task = self.tasks.get_mut(id);
            match flow {
                Flow::Next => task.go(place + 1),
                Flow::Goto(place) => task.go(place),
                Flow::Leave(place) => {
                    task.loops.pop();
                    task.go(place);
                }
                Flow::Block(socket) => return self.block(id, socket),
                Flow::Blocked => return,
                Flow::Fail(call, error) => {
                    return self.finish(plan, id, Outcome::Failed { call, error });
                }
                Flow::End => return self.finish(plan, id, Outcome::Done),
            }
        }
    }

    /// A task waits for a time.
    pub(crate) fn sleep(&mut self, id: TaskId, until: Instant) {
        let task = self.tasks.get_mut(id);
        task.phase = Phase::Begun;
        task.waiting = Waiting::Time;
        let wake = What::Task(id.0, task.epoch);
        self.queue.push(until, wake);
    }

    /// A task is over. The place of one that a role made is used again.
    fn finish(&mut self, plan: &Plan, id: TaskId, outcome: Outcome) {
        let task = self.tasks.get_mut(id);
        task.waiting = Waiting::Over;
        task.outcome = outcome;
        if let Outcome::Failed { call, error } = outcome {
            let host = &plan.spec.hosts[task.host as usize].name;
            tracing::info!(target: "twomsl", at = %self.now, %host, call, %error, "role ends");
        }
        let task = self.tasks.get(id);
        if task.rank == Rank::Made {
            if matches!(outcome, Outcome::Failed { .. }) {
                let result = task.result();
                self.tasks.failures.push(result);
            }
            self.tasks.free.push(id);
        }
    }

    /// Enters a loop; one that goes round zero times is skipped.
    pub(crate) fn repeat(&mut self, id: TaskId, count: Option<u64>, end: u32) -> Flow {
        if count == Some(0) {
            return Flow::Goto(end);
        }
        self.tasks.get_mut(id).loops.push(count.unwrap_or(u64::MAX));
        Flow::Next
    }

    /// The end of a loop's body.
    pub(crate) fn again(&mut self, id: TaskId, body: u32) -> Flow {
        let loops = &mut self.tasks.get_mut(id).loops;
        match loops.last_mut() {
            // For ever is not counted.
            Some(&mut u64::MAX) => Flow::Goto(body),
            Some(left) if *left > 1 => {
                *left -= 1;
                Flow::Goto(body)
            }
            _ => {
                loops.pop();
                Flow::Next
            }
        }
    }

    /// Writes a call down, once.
    pub(crate) fn call(
        &mut self,
        id: TaskId,
        socket: Option<SocketId>,
        text: impl FnOnce() -> String,
    ) {
        let task = self.tasks.get(id);
        if task.phase == Phase::Begun {
            return;
        }
        let whose = (task.host, task.number);
        self.note_call(whose, socket, text);
    }

    /// Writes down what the application of a host has called, as its task of this number.
    pub(crate) fn note_call(
        &mut self,
        (host, task): (u32, u32),
        socket: Option<SocketId>,
        text: impl FnOnce() -> String,
    ) {
        record!(
            self,
            trace::Event::Call {
                host: HostId(host as u16),
                task,
                socket: self.socket_ref_of(host, socket),
                call: text(),
            }
        );
    }

    /// Writes down what a call returned.
    pub(crate) fn returned(
        &mut self,
        id: TaskId,
        socket: Option<SocketId>,
        call: &'static str,
        result: Result<Option<u64>, SocketError>,
    ) {
        let task = self.tasks.get(id);
        let whose = (task.host, task.number);
        self.note_return(whose, socket, call, result);
    }

    /// The same for any task of a host, by its number.
    pub(crate) fn note_return(
        &mut self,
        (host, task): (u32, u32),
        socket: Option<SocketId>,
        call: &'static str,
        result: Result<Option<u64>, SocketError>,
    ) {
        record!(
            self,
            trace::Event::Returned {
                host: HostId(host as u16),
                task,
                socket: self.socket_ref_of(host, socket),
                call,
                result,
            }
        );
    }
}
