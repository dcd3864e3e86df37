//! The suite unit: every program of tests, several at once, since many of their tests wait for something.

use super::commands::{self, counts};
use super::compiled::{Compiled, TestProgram};
use super::report::{Report, Voice};
use crate::process;
use crate::toolchain::rust::clean_command;
use anyhow::Result;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

/// A program whose tests mostly wait, each for a service that it has started: many at once need no more processors.
const WAITING: (&str, &str) = ("pywats-client service", "12");

/// Runs them all, then the examples in documentation.
pub(crate) fn run(compiled: &Compiled, voice: &Voice, report: &mut Report) -> Result<()> {
    let at_once = thread::available_parallelism().map_or(1, usize::from) + 2;
    let (next, shared) = (AtomicUsize::new(0), Mutex::new(&mut *report));
    thread::scope(|scope| {
        for _ in 0..at_once {
            scope.spawn(|| {
                while let Some(test) = compiled.tests.get(next.fetch_add(1, Ordering::SeqCst)) {
                    if process::interrupted() {
                        break;
                    }
                    run_one(test, compiled.thorough, voice, &shared);
                }
            });
        }
    });
    process::stop_if_interrupted()?;
    commands::run(vec![commands::examples()], voice, report)
}

/// Runs one program; shows what it printed in whole when it has ended and a test of it failed.
fn run_one(test: &TestProgram, thorough: bool, voice: &Voice, report: &Mutex<&mut Report>) {
    let started = Instant::now();
    // As cargo starts it.
    let mut command = clean_command(&test.program, &["PYWATS_", "CARGO_TARGET_DIR", "XDG_CACHE_HOME"]);
    if thorough {
        command.env("PYWATS_TEST_ALL", "1");
    }
    if test.name == WAITING.0 {
        command.env("RUST_TEST_THREADS", WAITING.1);
    }
    command.arg("--quiet").env("CARGO_MANIFEST_DIR", &test.folder).current_dir(&test.folder);
    let (mut output, mut passed, mut failed) = (String::new(), 0, 0);
    let outcome = process::run(command, |line| {
        if let Some((p, f)) = counts(line) {
            passed += p;
            failed += f;
        }
        output += &format!("{line}\n");
    });
    if process::interrupted() {
        return;
    }
    let seconds = started.elapsed().as_secs_f64();
    let Ok(mut report) = report.lock() else { return };
    let error = match outcome {
        Ok(()) => None,
        Err(_) => {
            voice.say(&output);
            failed = failed.max(1);
            Some(format!("{}: {failed} tests failed, as said above", test.name))
        }
    };
    voice.say(&format!("{}: {passed} passed, {failed} failed ({seconds:.1} s)", test.name));
    report.count(&test.name, seconds, error.as_deref());
    report.error = error.or(report.error.take());
    // Each of its tests counts, and not the program.
    let (one_passed, one_failed) = if failed == 0 { (1, 0) } else { (0, 1) };
    report.passed = report.passed + passed - one_passed;
    report.failed = report.failed + failed - one_failed;
}
