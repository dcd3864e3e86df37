//! Progress of long work: bars on a terminal, plain lines elsewhere.

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::cell::Cell;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// How often a plain log hears of a step that is still going on.
const HEARTBEAT: Duration = Duration::from_secs(30);

/// The steps of one run. May be shared between threads.
pub(crate) struct Progress {
    bars: Option<MultiProgress>,
}

/// One step. It counts as failed unless [`Step::done`] is called.
pub(crate) struct Step {
    name: String,
    started: Instant,
    bar: Option<ProgressBar>,
    last_line: Cell<Instant>,
    finished: bool,
}

impl Progress {
    /// Draws on standard error.
    pub(crate) fn new() -> Progress {
        let terminal = std::io::stderr().is_terminal();
        Progress { bars: terminal.then(|| MultiProgress::with_draw_target(ProgressDrawTarget::stderr())) }
    }

    /// Writes plain lines, also on a terminal: for work beside others that write.
    pub(crate) fn lines() -> Progress {
        Progress { bars: None }
    }

    /// Begins a step.
    pub(crate) fn step(&self, name: impl Into<String>) -> Step {
        let name = name.into();
        let bar = self.bars.as_ref().map(|bars| {
            let bar = bars.add(ProgressBar::new_spinner());
            if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix} {wide_msg} {elapsed}") {
                bar.set_style(style);
            }
            bar.set_prefix(name.clone());
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        if bar.is_none() {
            eprintln!("{name} ...");
        }
        Step { name, started: Instant::now(), bar, last_line: Cell::new(Instant::now()), finished: false }
    }
}

impl Step {
    /// Says how far the step is. Cheap enough to call for every line a compiler prints.
    pub(crate) fn note(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.set_message(text.to_owned()),
            None if self.last_line.get().elapsed() >= HEARTBEAT => {
                eprintln!("{} ... {text}, {:.0} s", self.name, self.started.elapsed().as_secs_f64());
                self.last_line.set(Instant::now());
            }
            None => {}
        }
    }

    /// Ends the step well and returns how long it took.
    pub(crate) fn done(mut self) -> Duration {
        self.finished = true;
        let took = self.started.elapsed();
        let line = format!("{}: done in {:.1} s", self.name, took.as_secs_f64());
        match &self.bar {
            Some(bar) => bar.finish_with_message("done"),
            None => eprintln!("{line}"),
        }
        took
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        if self.finished {
            return;
        }
        match &self.bar {
            Some(bar) => bar.abandon_with_message("FAILED"),
            None => eprintln!("{}: FAILED after {:.1} s", self.name, self.started.elapsed().as_secs_f64()),
        }
    }
}
