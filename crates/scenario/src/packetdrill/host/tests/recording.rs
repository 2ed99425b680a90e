//! The trace of a run.

use twomsl_trace::ladder::{Form, plain};

use super::*;

#[test]
fn a_run_is_a_ladder() {
    let mut bench = Bench::linux();
    bench.host.record(&[REMOTE]);
    let (_, fd) = bench.accepted();
    let call = bench.waits(Request::Read { fd, length: 1000 });
    bench.pass(Duration::from_millis(20));
    bench.gets(Flags::ACK, 1, 1, 300);
    assert_eq!(bench.returned(call), Some(Ok(300)));
    bench.gets(Flags::RST, 301, 0, 0);
    assert_eq!(bench.reads(fd, 1000), Err(Errno::ECONNRESET));
    let trace = bench.host.take_trace().expect("it was recorded");
    assert!(bench.host.take_trace().is_none());
    insta::assert_snapshot!(plain(&trace, Form::default()));
}
