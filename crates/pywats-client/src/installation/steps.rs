//! What is done one after the other, and undone from the end if one of it fails.

use super::{Refusal, Tell};
use crate::exit::Exit;

/// How something is undone.
pub(super) type Undo = Box<dyn FnOnce() -> Result<(), String>>;

/// Something that is done.
pub(super) struct Step {
    what: String,
    exit: Exit,
    act: Box<dyn FnOnce() -> Result<Option<Undo>, String>>,
}

impl Step {
    /// `what` is a sentence without its full stop that says it before it is done: "write the unit …".
    pub(super) fn new(
        what: impl Into<String>,
        act: impl FnOnce() -> Result<Option<Undo>, String> + 'static,
    ) -> Step {
        Step { what: what.into(), exit: Exit::InstallFailed, act: Box::new(act) }
    }

    /// Another exit code if this fails.
    pub(super) fn or_else(mut self, exit: Exit) -> Step {
        self.exit = exit;
        self
    }
}

/// A way back that may be taken.
pub(super) fn undo(act: impl FnOnce() -> Result<(), String> + 'static) -> Option<Undo> {
    Some(Box::new(act))
}

/// Does all steps, or only names them.
///
/// # Errors
/// What failed, with what is left if it could not be undone.
pub(super) fn run(steps: Vec<Step>, dry_run: bool, tell: Tell<'_>) -> Result<(), Refusal> {
    let mut done: Vec<Undo> = Vec::new();
    for step in steps {
        tell(&step.what);
        if dry_run {
            continue;
        }
        match (step.act)() {
            Ok(undo) => done.extend(undo),
            Err(error) => {
                let left: Vec<String> = done.into_iter().rev().filter_map(|undo| undo().err()).collect();
                let end = if left.is_empty() {
                    "what was done before is undone".to_owned()
                } else {
                    format!("and what was done before could not all be undone: {}", left.join("; "))
                };
                return Err(Refusal::new(step.exit, format!("{}: {error}; {end}", step.what)));
            }
        }
    }
    Ok(())
}

/// Does all steps whatever fails: for a removal, of which as much as possible is done.
///
/// # Errors
/// All that failed.
pub(super) fn run_all(steps: Vec<Step>, dry_run: bool, tell: Tell<'_>) -> Result<(), Refusal> {
    let mut failed = Vec::new();
    for step in steps {
        tell(&step.what);
        if dry_run {
            continue;
        }
        if let Err(error) = (step.act)() {
            failed.push(format!("{}: {error}", step.what));
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(Refusal::new(Exit::UninstallFailed, failed.join("; "))) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;
    use std::rc::Rc;

    /// Fails if: a failure leaves something half-done, undoes it in the wrong order, or a dry run does anything.
    #[test]
    fn undoes_from_the_end() {
        let log = Rc::new(RefCell::new(Vec::new()));
        let note = |what: &'static str| {
            let log = Rc::clone(&log);
            move || {
                log.borrow_mut().push(what);
                Ok(())
            }
        };
        let step = |what: &'static str, back: &'static str| {
            let (act, back) = (note(what), note(back));
            Step::new(what, move || act().map(|()| undo(back)))
        };
        let failing =
            |what: &'static str| Step::new(what, || Err("no".to_owned())).or_else(Exit::StartFailed);
        let steps =
            || vec![step("one", "not one"), step("two", "not two"), failing("three"), step("four", "")];
        let quiet = |_: &str| {};

        run(steps(), true, &quiet).unwrap();
        assert!(log.borrow().is_empty());
        let refusal = run(steps(), false, &quiet).unwrap_err();
        assert_eq!(log.take(), ["one", "two", "not two", "not one"]);
        let what = "three: no; what was done before is undone".to_owned();
        assert_eq!(refusal, Refusal { exit: Exit::StartFailed, what });
        let refusal = run_all(steps(), false, &quiet).unwrap_err();
        assert_eq!(log.take(), ["one", "two", "four"]);
        assert_eq!((refusal.exit, &*refusal.what), (Exit::UninstallFailed, "three: no"));
    }
}
