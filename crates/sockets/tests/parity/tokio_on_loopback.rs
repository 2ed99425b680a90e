//! Tokio's sockets, on a runtime of their own.

use std::future::Future;
use std::time::Duration;

pub(crate) use tokio::net;
use tokio::task::LocalSet;

#[path = "cases.rs"]
mod cases;
#[path = "corners.rs"]
mod corners;

pub(crate) fn run(case: impl Future<Output = crate::Outcome> + 'static) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    // Whatever hangs must not hang the build.
    let limited = async { tokio::time::timeout(Duration::from_secs(20), case).await? };
    LocalSet::new().block_on(&runtime, limited).unwrap();
}
