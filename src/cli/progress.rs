//! A progress bar for long texts, on a terminal only.

use std::io::{self, IsTerminal};

use indicatif::{ProgressBar, ProgressStyle};

use super::console;

/// Shorter texts are done before a bar could be read.
const LONG_TEXT_BYTES: usize = 1_000;

/// How far a long text has been spoken; silent where nobody watches.
#[derive(Debug, Default)]
pub struct Progress {
    bar: Option<ProgressBar>,
}

impl Progress {
    /// A bar over a number of things, such as the lines of a batch.
    pub fn over(count: usize, unit: &str, quiet: bool) -> Self {
        if quiet || !io::stderr().is_terminal() {
            return Self::default();
        }
        Self::bar(count, &format!("{{pos}}/{{len}} {unit}  {{msg}}"))
    }

    /// A bar over a text of so many bytes, if it is long enough for one.
    pub fn over_text(bytes: Option<usize>, quiet: bool) -> Self {
        match bytes {
            Some(bytes) if bytes >= LONG_TEXT_BYTES && !quiet && io::stderr().is_terminal() => {
                Self::bar(bytes, "{percent:>3} %  {msg}")
            }
            _ => Self::default(),
        }
    }

    fn bar(length: usize, tail: &str) -> Self {
        let template = format!("{{bar:30}} {tail}  {{eta}} left");
        let style = ProgressStyle::with_template(&template);
        let bar = ProgressBar::new(length as u64);
        Self {
            bar: Some(style.into_iter().fold(bar, ProgressBar::with_style)),
        }
    }

    /// `at` bytes (or things) are done, which gave `audio_s` seconds of audio so far.
    pub fn reach(&self, at: usize, audio_s: f64) {
        if let Some(bar) = &self.bar {
            bar.set_position(at as u64);
            bar.set_message(format!("{audio_s:.1} s of speech"));
        }
    }

    /// So many things are done, and what there is to say of it.
    pub fn at(&self, at: usize, message: String) {
        if let Some(bar) = &self.bar {
            bar.set_position(at as u64);
            bar.set_message(message);
        }
    }

    /// A line for the user, above the bar where there is one.
    pub fn line(&self, message: impl std::fmt::Display) {
        match &self.bar {
            Some(bar) => bar.suspend(|| console::note(message)),
            None => console::note(message),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
