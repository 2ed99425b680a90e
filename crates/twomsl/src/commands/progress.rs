//! How far something is, for whoever waits at a terminal.

use std::io::IsTerminal as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// A bar on standard error, if that is a terminal. It only looks at numbers, so that nobody who
/// counts has to wait for it.
pub(crate) struct Bar {
    over: Arc<AtomicBool>,
    drawn: JoinHandle<()>,
}

impl Bar {
    /// Draws `bar` in `style` ten times a second, after `look` has set what it shows.
    pub(crate) fn show(
        bar: ProgressBar,
        style: &'static str,
        look: impl Fn(&ProgressBar) + Send + 'static,
    ) -> Option<Self> {
        if !std::io::stderr().is_terminal() {
            return None;
        }
        let over = Arc::new(AtomicBool::new(false));
        let ends = Arc::clone(&over);
        let drawn = std::thread::spawn(move || {
            if let Ok(style) = ProgressStyle::with_template(style) {
                bar.set_style(style);
            }
            while !ends.load(Ordering::Relaxed) {
                look(&bar);
                bar.tick();
                std::thread::sleep(Duration::from_millis(100));
            }
            bar.finish_and_clear();
        });
        Some(Self { over, drawn })
    }

    pub(crate) fn hide(self) {
        self.over.store(true, Ordering::Relaxed);
        // A bar that could not be drawn is no reason to fail.
        let _ = self.drawn.join();
    }
}
