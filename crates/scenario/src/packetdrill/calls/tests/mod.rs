//! Calls as scripts write them.

mod checks;
mod requests;

use super::super::script::{Action, SystemCall};
use super::super::setup::{IpVersion, Setup};
use super::super::syntax::{Defines, parse};
use super::super::system::{Reply, Request};
use super::{CallProblem, Descriptors};
use crate::source::Source;

/// A line of a script, without its time.
fn call(text: &str) -> SystemCall {
    let source = Source::new("test.pkt", &format!("0 {text}\n"));
    let script = parse(&source, &Defines::default()).unwrap_or_else(|error| panic!("{error}"));
    match script.events.into_iter().next().map(|event| event.action) {
        Some(Action::Call(call)) => call,
        other => panic!("{text}: {other:?}"),
    }
}

fn setup() -> Setup {
    Setup::new(IpVersion::V4)
}

/// The script's 3, 4 and 5 are the machine's 13, 14 and 15.
fn descriptors() -> Descriptors {
    let mut descriptors = Descriptors::default();
    for script in 3..=5 {
        descriptors.opened(script, script as i32 + 10);
    }
    descriptors
}

fn request(text: &str) -> Result<Request, CallProblem> {
    super::request(&call(text), &setup(), &descriptors())
}

/// What differs between the answer and what is expected of it.
fn check(text: &str, reply: &Reply) -> Result<(), String> {
    let (call, setup, mut descriptors) = (call(text), setup(), descriptors());
    let request = super::request(&call, &setup, &descriptors).expect("the call can be made");
    super::check(&call, &setup, &mut descriptors, &request, reply)
}
