//! Roles as programs: the steps of a role, flattened so that a task is a place in a list.

use bytes::Bytes;
use std::time::Duration;

use twomsl_tcp::{Shutdown, SocketOption, SocketOptions};

use crate::SpecError;
use crate::spec::{Condition, Data, RoleSpec, SocketName, Source, Step, Urgent, Wait};

/// Which socket of a task an operation works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Var {
    /// That of the last `accept` or `connect`; that of the last `listen` when there is none.
    Current,
    /// That of the last `listen`.
    Listener,
    /// One with a name, by its place among the names of the role.
    Named(u16),
}

/// One operation. Places in the program are indices into [`Program::ops`].
#[derive(Clone, Debug)]
pub(crate) enum Op {
    /// OPEN, passive.
    Listen { port: u16, backlog: u32, options: Option<Box<SocketOptions>>, name: Option<u16> },
    /// Waits for a connection.
    Accept { listener: Var, name: Option<u16>, timeout: Option<Duration> },
    /// OPEN, active. Boxed: it is much larger than the others.
    Connect(Box<Connect>),
    /// OPEN, active, of a socket that listens.
    BecomeActive { listener: Var, host: u32, port: u16 },
    /// SEND, until all of it is in the send buffer.
    Write { on: Var, data: Data, urgent: Urgent },
    /// `leave` is where the innermost loop ends, for the end of the file and timeouts.
    Read { on: Var, amount: Option<u64>, timeout: Option<Duration>, leave: Option<u32> },
    /// RECEIVE, until the end of the file.
    ReadToEnd { on: Var },
    /// RECEIVE and SEND what was received, until the end of the file.
    Echo { on: Var },
    /// OPEN of a proxy's other connection. Boxed as `Connect`.
    Relay(Box<Relay>),
    /// Hands on what is read from one socket to another, until the end of the file.
    Carry { from: Var, to: Var },
    /// CLOSE for one direction.
    Shutdown { on: Var, how: Shutdown },
    /// Gives a socket back.
    Close { on: Var },
    /// ABORT.
    Abort { on: Var },
    /// `setsockopt(2)`.
    SetOption { on: Var, option: SocketOption },
    /// Does nothing for so long.
    Sleep(Duration),
    /// Waits for the condition of this number in the plan.
    Wait(u32),
    /// The beginning of a loop: remembers how often, or goes to `end` when that is never.
    Repeat { count: Option<u64>, end: u32 },
    /// The end of a loop's body.
    Again { body: u32 },
    /// Accepts for ever; each connection gets a task that begins at the next operation.
    Serve { listener: Var },
    /// Makes tasks that begin at the next operation, and goes on at `end`.
    Spawn { count: u32, end: u32 },
    /// The task is over.
    End,
}

/// What a `connect` needs to know.
#[derive(Clone, Debug)]
pub(crate) struct Connect {
    pub(crate) host: u32,
    pub(crate) port: u16,
    pub(crate) from: Source,
    pub(crate) text: Option<Bytes>,
    pub(crate) options: Option<Box<SocketOptions>>,
    pub(crate) name: Option<u16>,
    pub(crate) wait: Wait,
}

/// What a `relay` needs to know.
#[derive(Clone, Debug)]
pub(crate) struct Relay {
    /// The connection that the proxy has accepted, and the name it has in what follows.
    pub(crate) on: Var,
    pub(crate) front: u16,
    /// The other one.
    pub(crate) connect: Connect,
}

/// The names of a relay's two sockets; a file cannot give these.
const FRONT: &str = " front";
const BACK: &str = " back";

/// What a role does.
#[derive(Clone, Debug, Default)]
pub(crate) struct Program {
    /// The operations.
    pub(crate) ops: Vec<Op>,
    /// How many names its sockets have.
    pub(crate) names: u16,
}

/// Connections that may wait when a `listen` does not say: Linux' `net.core.somaxconn`.
const DEFAULT_BACKLOG: u32 = 4096;

/// Makes the program of a role. `defaults` are the options its host's sockets start with;
/// conditions it waits for are added to `conditions`.
pub(crate) fn compile(
    role: &RoleSpec,
    defaults: &SocketOptions,
    conditions: &mut Vec<Condition>,
) -> Result<Program, SpecError> {
    let mut names = Vec::new();
    collect_names(&role.steps, &mut names);
    // Most steps are one operation each; the End, and the one more that blocks have, are spare.
    let ops = Vec::with_capacity(role.steps.len() + 4);
    let mut compiler = Compiler { ops, names, defaults, conditions, leave: None };
    compiler.block(&role.steps)?;
    compiler.ops.push(Op::End);
    Ok(Program { ops: compiler.ops, names: compiler.names.len() as u16 })
}

/// The names that steps give, in the order in which they are given first.
fn collect_names<'a>(steps: &'a [Step], names: &mut Vec<&'a str>) {
    for step in steps {
        match step {
            Step::Listen { name: Some(name), .. }
            | Step::Accept { name: Some(name), .. }
            | Step::Connect { name: Some(name), .. }
                if !names.contains(&name.as_str()) =>
            {
                names.push(name);
            }
            Step::Relay { .. } if !names.contains(&FRONT) => names.extend([FRONT, BACK]),
            Step::Repeat { steps, .. } | Step::Serve { steps, .. } | Step::Spawn { steps, .. } => {
                collect_names(steps, names);
            }
            _ => {}
        }
    }
}

/// What is known while a role is compiled.
struct Compiler<'a> {
    ops: Vec<Op>,
    names: Vec<&'a str>,
    defaults: &'a SocketOptions,
    conditions: &'a mut Vec<Condition>,
    /// The beginning of the innermost loop, whose end is not known yet.
    leave: Option<u32>,
}

impl Compiler<'_> {
    /// The steps of a block, one after the other.
    fn block(&mut self, steps: &[Step]) -> Result<(), SpecError> {
        steps.iter().try_for_each(|step| self.step(step))
    }

    /// One step: an operation, or a block around operations.
    fn step(&mut self, step: &Step) -> Result<(), SpecError> {
        match step {
            Step::Repeat { count, steps } => self.repeat(*count, steps),
            Step::Serve { listener, steps } => self.serve(listener, steps),
            Step::Spawn { count, steps } => self.spawn(*count, steps),
            Step::Relay { .. } => self.relay(step),
            simple => {
                let op = self.simple(simple)?;
                self.ops.push(op);
                Ok(())
            }
        }
    }

    /// Steps that are one operation.
    fn simple(&mut self, step: &Step) -> Result<Op, SpecError> {
        Ok(match step {
            Step::Listen { .. } | Step::Accept { .. } | Step::Connect { .. } => {
                return self.opening(step);
            }
            Step::Write { on, data, urgent } => {
                Op::Write { on: self.var(on)?, data: data.clone(), urgent: *urgent }
            }
            Step::Read { on, amount, timeout } => Op::Read {
                on: self.var(on)?,
                amount: *amount,
                timeout: *timeout,
                leave: self.leave,
            },
            Step::BecomeActive { listener, host, port } => Op::BecomeActive {
                listener: self.listener(listener)?,
                host: *host as u32,
                port: *port,
            },
            Step::ReadToEnd { on } => Op::ReadToEnd { on: self.var(on)? },
            Step::Echo { on } => Op::Echo { on: self.var(on)? },
            Step::Shutdown { on, how } => Op::Shutdown { on: self.var(on)?, how: *how },
            Step::Close { on } => Op::Close { on: self.var(on)? },
            Step::Abort { on } => Op::Abort { on: self.var(on)? },
            Step::SetOption { on, option } => Op::SetOption { on: self.var(on)?, option: *option },
            Step::Sleep(time) => Op::Sleep(*time),
            Step::Wait(condition) => {
                self.conditions.push(condition.clone());
                Op::Wait(self.conditions.len() as u32 - 1)
            }
            Step::Repeat { .. } | Step::Serve { .. } | Step::Spawn { .. } | Step::Relay { .. } => {
                unreachable!("they are several operations")
            }
        })
    }

    /// Steps that make a socket.
    fn opening(&self, step: &Step) -> Result<Op, SpecError> {
        Ok(match step {
            Step::Listen { port, backlog, options, name } => Op::Listen {
                port: *port,
                backlog: backlog.unwrap_or(DEFAULT_BACKLOG),
                options: self.options(options),
                name: self.own(name),
            },
            Step::Accept { listener, name, timeout } => Op::Accept {
                listener: self.listener(listener)?,
                name: self.own(name),
                timeout: *timeout,
            },
            Step::Connect { host, port, from, text, options, name, wait } => {
                Op::Connect(Box::new(Connect {
                    host: *host as u32,
                    port: *port,
                    from: *from,
                    text: text.clone(),
                    options: self.options(options),
                    name: self.own(name),
                    wait: *wait,
                }))
            }
            _ => unreachable!("called for openings"),
        })
    }

    /// `Repeat`, the body, `Again`. The end of the body is written into both ends of the loop.
    fn repeat(&mut self, count: Option<u64>, steps: &[Step]) -> Result<(), SpecError> {
        if count.is_none() && !steps.iter().any(can_wait) {
            let message = "`repeat` for ever around steps that never wait would never end";
            return Err(SpecError(message.to_owned()));
        }
        let start = self.here();
        self.ops.push(Op::Repeat { count, end: 0 });
        let outer = self.leave.replace(start);
        self.block(steps)?;
        self.leave = outer;
        self.ops.push(Op::Again { body: start + 1 });
        self.close_loop(start);
        Ok(())
    }

    /// Writes the end of a loop into its beginning and into the reads that leave it.
    fn close_loop(&mut self, start: u32) {
        let here = self.here();
        for op in &mut self.ops[start as usize..] {
            if let Op::Read { leave: Some(leave), .. } = op
                && *leave == start
            {
                *leave = here;
            }
        }
        if let Op::Repeat { end, .. } = &mut self.ops[start as usize] {
            *end = here;
        }
    }

    /// `Serve`, then the body of the tasks that it makes.
    fn serve(&mut self, listener: &SocketName, steps: &[Step]) -> Result<(), SpecError> {
        let listener = self.listener(listener)?;
        self.ops.push(Op::Serve { listener });
        self.task(steps)
    }

    /// `Spawn`, then the body of the tasks that it makes, then on.
    fn spawn(&mut self, count: u32, steps: &[Step]) -> Result<(), SpecError> {
        let start = self.here() as usize;
        self.ops.push(Op::Spawn { count, end: 0 });
        self.task(steps)?;
        let here = self.here();
        if let Op::Spawn { end, .. } = &mut self.ops[start] {
            *end = here;
        }
        Ok(())
    }

    /// `Relay`, then a task for what the back says, then this one for what the front says.
    fn relay(&mut self, step: &Step) -> Result<(), SpecError> {
        let Step::Relay { on, host, port, from, options } = step else { return Ok(()) };
        let [front, back] = [FRONT, BACK].map(|name| self.own(&Some(name.to_owned())));
        let (Some(front), Some(back)) = (front, back) else { return Ok(()) };
        let connect = Connect {
            host: *host as u32,
            port: *port,
            from: *from,
            text: None,
            options: self.options(options),
            name: Some(back),
            wait: Wait::UntilDone,
        };
        let on = self.var(on)?;
        let start = self.here();
        self.ops.push(Op::Relay(Box::new(Relay { on, front, connect })));
        let (front, back) = (Var::Named(front), Var::Named(back));
        self.ops.push(Op::Spawn { count: 1, end: start + 4 });
        self.ops.push(Op::Carry { from: back, to: front });
        self.ops.push(Op::End);
        self.ops.push(Op::Carry { from: front, to: back });
        Ok(())
    }

    /// The body of another task: a loop around it is not its loop.
    fn task(&mut self, steps: &[Step]) -> Result<(), SpecError> {
        let outer = self.leave.take();
        self.block(steps)?;
        self.leave = outer;
        self.ops.push(Op::End);
        Ok(())
    }

    /// The place of the next operation.
    fn here(&self) -> u32 {
        self.ops.len() as u32
    }

    /// The options of a socket whose step sets some; none means those of the profile.
    fn options(&self, set: &[SocketOption]) -> Option<Box<SocketOptions>> {
        if set.is_empty() {
            return None;
        }
        let mut options = Box::new(self.defaults.clone());
        for option in set {
            options.set(*option);
        }
        Some(options)
    }

    /// The socket a step works on; without a name the current one.
    fn var(&self, name: &SocketName) -> Result<Var, SpecError> {
        self.named(name, Var::Current)
    }

    /// The listener a step works on; without a name the last one.
    fn listener(&self, name: &SocketName) -> Result<Var, SpecError> {
        self.named(name, Var::Listener)
    }

    fn named(&self, name: &SocketName, unnamed: Var) -> Result<Var, SpecError> {
        let Some(name) = name else { return Ok(unnamed) };
        let place = self.names.iter().position(|known| known == name);
        let message = || SpecError(format!("no step of the role names a socket `{name}`"));
        place.map(|place| Var::Named(place as u16)).ok_or_else(message)
    }

    /// The place of a name that a step gives: all of them were collected before.
    fn own(&self, name: &SocketName) -> Option<u16> {
        let name = name.as_deref()?;
        self.names.iter().position(|known| *known == name).map(|place| place as u16)
    }
}

/// Whether a step can wait for anything, so that a loop around it lets time pass or fails.
fn can_wait(step: &Step) -> bool {
    match step {
        Step::Listen { .. }
        | Step::Shutdown { .. }
        | Step::SetOption { .. }
        | Step::Spawn { .. } => false,
        Step::Sleep(time) => !time.is_zero(),
        Step::Repeat { steps, .. } => steps.iter().any(can_wait),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use twomsl_tcp::Profile;

    fn compiled(steps: Vec<Step>) -> Result<Program, SpecError> {
        let role = RoleSpec { host: 0, start: Duration::ZERO, steps };
        compile(&role, &Profile::linux().options, &mut Vec::new())
    }

    fn read() -> Step {
        Step::Read { on: None, amount: Some(1), timeout: None }
    }

    #[test]
    fn a_read_leaves_the_innermost_loop_of_its_own_task() {
        let inner = Step::Repeat { count: Some(2), steps: vec![read()] };
        let served = Step::Serve { listener: None, steps: vec![read()] };
        let steps = vec![Step::Repeat { count: None, steps: vec![inner, read(), served] }];
        let leaves: Vec<_> = compiled(steps)
            .unwrap()
            .ops
            .iter()
            .filter_map(|op| match op {
                Op::Read { leave, .. } => Some(*leave),
                _ => None,
            })
            .collect();
        // 0 repeat, 1 repeat, 2 read, 3 again, 4 read, 5 serve, 6 read, 7 end, 8 again, 9 end.
        assert_eq!(leaves, [Some(4), Some(9), None]);
    }

    #[test]
    fn a_name_that_no_step_gives_is_an_error() {
        let error = compiled(vec![Step::Close { on: Some("web".to_owned()) }]).unwrap_err();
        assert_eq!(error.to_string(), "no step of the role names a socket `web`");
    }

    #[test]
    fn an_endless_loop_that_cannot_wait_is_an_error() {
        let set = Step::SetOption { on: None, option: SocketOption::NoDelay(true) };
        let endless = |steps| compiled(vec![Step::Repeat { count: None, steps }]);
        assert!(endless(vec![set.clone()]).is_err());
        assert!(endless(vec![set.clone(), Step::Sleep(Duration::ZERO)]).is_err());
        assert!(endless(vec![set, Step::Sleep(Duration::from_secs(1))]).is_ok());
    }
}
