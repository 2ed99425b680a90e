//! Panics of others that are an answer.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    /// Whether a panic on this thread is only an answer.
    static IS_ASKING: Cell<bool> = const { Cell::new(false) };
}

/// From now on the panics that [`catch`] catches are not reported; all others are, as before. Only
/// for those who expect one: the hook for panics is everybody's.
pub(crate) fn prepare() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |panic| {
            if !IS_ASKING.get() {
                before(panic);
            }
        }));
    });
}

/// What `ask` returns; nothing if it panics.
pub(crate) fn catch<R>(ask: impl FnOnce() -> R) -> Option<R> {
    IS_ASKING.set(true);
    // What turmoil asserts it asserts before it changes anything.
    let answer = catch_unwind(AssertUnwindSafe(ask)).ok();
    IS_ASKING.set(false);
    answer
}
