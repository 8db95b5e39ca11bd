//! Shows that long work goes on. On a terminal only.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::session::Session;

/// How often the spinner moves.
const TICK: Duration = Duration::from_millis(120);

/// A line that says what is being done, gone when dropped.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// Starts the line.
    pub(crate) fn start(session: &Session, what: &str) -> Self {
        if !session.shows_progress() {
            return Self { bar: ProgressBar::hidden() };
        }
        let style = ProgressStyle::with_template("{spinner} {msg} {elapsed}");
        let bar = ProgressBar::new_spinner().with_message(what.to_owned());
        bar.set_style(style.expect("the template is well-formed"));
        bar.enable_steady_tick(TICK);
        Self { bar }
    }

    /// Says what is done now.
    pub(crate) fn set(&self, what: impl Into<String>) {
        self.bar.set_message(what.into());
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
