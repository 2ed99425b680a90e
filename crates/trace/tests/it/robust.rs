//! Traces with holes: a run that was cut off, or a world that forgot to write something down,
//! must still be shown.

use twomsl_trace::ladder::{self, Form, Length};
use twomsl_trace::query::Query;
use twomsl_trace::{HostId, Trace, digest, jsonl, ss, tcpdump};

use crate::stories;

fn render_everything(trace: &Trace) {
    for length in [Length::Folded, Length::Full] {
        let text = ladder::plain(trace, Form { width: 80, length });
        assert!(text.starts_with(&trace.about.title));
    }
    assert_eq!(jsonl::render(trace).lines().count(), trace.records.len() + 1);
    assert_eq!(digest::hex(trace).len(), 64);
    tcpdump::render(trace);
    ss::render(trace);
    Query::new(trace).paths(HostId(0));
}

#[test]
fn every_prefix_renders() {
    let mut trace = stories::mishaps().trace;
    while trace.records.pop().is_some() {
        render_everything(&trace);
    }
}

#[test]
fn every_hole_renders() {
    let whole = stories::two_lives().trace;
    for hole in 0..whole.records.len() {
        let mut trace = whole.clone();
        trace.records.remove(hole);
        render_everything(&trace);
    }
}

/// Records name hosts that the heading does not list.
#[test]
fn unlisted_hosts_render() {
    for story in [stories::mishaps(), stories::tables(), stories::three_hosts()] {
        let mut trace = story.trace;
        while trace.about.hosts.pop().is_some() {
            render_everything(&trace);
        }
    }
}

#[test]
fn time_that_runs_backwards_renders() {
    let mut trace = stories::mishaps().trace;
    trace.records.reverse();
    render_everything(&trace);
}
