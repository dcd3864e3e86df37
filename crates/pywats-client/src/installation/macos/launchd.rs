//! What launchd is asked, and what it answers: [launchctl(1)](https://keith.github.io/xcode-man-pages/launchctl.1.html),
//! whose output is for people and differs between systems. Its quirks are here, where they are tested without it:
//!
//! - `bootout` returns before the service has ended, and `bootstrap` fails with 5 or 37 until it has.
//! - A service that an administrator has disabled is refused with 5, too, or with 119; only `print-disabled` tells.

use std::time::Duration;

/// What launchd calls the service.
pub(super) const LABEL: &str = "com.virinco.pywats-client";
/// Where daemons of this machine are described.
pub(super) const PLIST: &str = "/Library/LaunchDaemons/com.virinco.pywats-client.plist";

/// How long an old service may take to end: its plist gives it 30 seconds.
const ENDING: Duration = Duration::from_secs(40);
/// How long launchd may refuse a new one because of the old.
const REFUSING: Duration = Duration::from_secs(20);
/// How long a service may take to appear as a process: launchd holds back one that has failed, for ten seconds.
const STARTING: Duration = Duration::from_secs(15);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(500);

/// Asks launchd.
pub(super) struct Launchd<'a> {
    /// Runs `launchctl` with these arguments.
    pub(super) run: &'a dyn Fn(&[&str]) -> Result<String, String>,
    /// Waits.
    pub(super) wait: &'a dyn Fn(Duration),
}

/// What launchd says of a service that it knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Job {
    pub(super) state: String,
    pub(super) process: Option<u64>,
    pub(super) account: Option<String>,
    pub(super) program: Option<String>,
    /// How it ended last, where it has.
    pub(super) last_exit: Option<String>,
}

impl Job {
    fn of(text: &str) -> Job {
        // The first of each name: what is indented further tells of parts.
        let line = |name: &str| {
            let mut lines = text.lines().filter_map(|line| line.trim().split_once(" = "));
            lines.find(|(found, _)| *found == name).map(|(_, value)| value.to_owned())
        };
        Job {
            state: line("state").unwrap_or_else(|| "loaded".to_owned()),
            process: line("pid").and_then(|pid| pid.parse().ok()),
            account: line("username"),
            program: line("program"),
            last_exit: line("last exit code").filter(|code| code != "(never exited)"),
        }
    }
}

impl Launchd<'_> {
    /// The service as launchd knows it; nothing if it is not loaded.
    pub(super) fn job(&self) -> Option<Job> {
        (self.run)(&["print", &target()]).ok().map(|text| Job::of(&text))
    }

    /// Whether an administrator has disabled the service.
    pub(super) fn is_disabled(&self) -> bool {
        let text = (self.run)(&["print-disabled", "system"]).unwrap_or_default();
        let mut values = text.lines().filter_map(|line| line.trim().split_once(" => "));
        let of_service = values.find(|(label, _)| label.trim_matches('"') == LABEL);
        // "true" before macOS 13.
        of_service.is_some_and(|(_, value)| matches!(value, "disabled" | "true"))
    }

    /// Starts the service and waits until it is a process.
    pub(super) fn start(&self) -> Result<(), String> {
        if self.is_disabled() {
            return Err(format!(
                "an administrator has disabled the service; to enable it, run: sudo launchctl enable {}",
                target()
            ));
        }
        match self.job() {
            Some(Job { process: Some(_), .. }) => return Ok(()),
            Some(_) => (self.run)(&["kickstart", &target()]).map(drop)?,
            None => self.bootstrap()?,
        }
        if self.within(STARTING, || self.job().is_some_and(|job| job.process.is_some())) {
            return Ok(());
        }
        let job = self.job().unwrap_or_default();
        let ended = job.last_exit.map_or_else(String::new, |code| format!("; it ended with {code}"));
        Err(format!(
            "the service does not run after {} s (launchd says: {}{ended}); read its log",
            STARTING.as_secs(),
            job.state
        ))
    }

    /// Lets launchd know the service, which starts if its plist says so.
    pub(super) fn bootstrap(&self) -> Result<(), String> {
        let mut waited = Duration::ZERO;
        loop {
            match (self.run)(&["bootstrap", "system", PLIST]) {
                Ok(_) => return Ok(()),
                Err(why) if waited >= REFUSING || !is_about_the_old_one(&why) => return Err(why),
                Err(_) => (self.wait)(PAUSE),
            }
            waited += PAUSE;
        }
    }

    /// Ends the service, so that launchd knows it no more, and waits until it is gone.
    pub(super) fn stop(&self) -> Result<(), String> {
        if self.job().is_none() {
            return Ok(());
        }
        // What it says does not count: it fails where the service is ending already.
        let said = (self.run)(&["bootout", &target()]);
        if self.within(ENDING, || self.job().is_none()) {
            return Ok(());
        }
        let why = said.err().map_or_else(String::new, |why| format!(": {why}"));
        Err(format!("the service has not ended after {} s{why}", ENDING.as_secs()))
    }

    fn within(&self, limit: Duration, is_so: impl Fn() -> bool) -> bool {
        let mut waited = Duration::ZERO;
        while !is_so() {
            if waited >= limit {
                return false;
            }
            (self.wait)(PAUSE);
            waited += PAUSE;
        }
        true
    }
}

/// How launchd is told which service is meant.
pub(super) fn target() -> String {
    format!("system/{LABEL}")
}

/// Whether `bootstrap` failed as it does while an old service is still ending.
fn is_about_the_old_one(why: &str) -> bool {
    ["failed: 5:", "failed: 37:"].iter().any(|code| why.contains(code))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::{Cell, RefCell};

    /// A launchd whose time passes by waiting.
    struct Machine {
        now: Cell<Duration>,
        /// Since when the service is loaded.
        loaded: Cell<bool>,
        disabled: bool,
        /// When a service that was told to end is gone.
        gone_at: Cell<Option<Duration>>,
        /// How long it takes to end.
        ending: Duration,
        /// Until when launchd refuses a new one, and with what.
        refuses: Cell<Option<(Duration, &'static str)>>,
        /// Whether its process appears.
        runs: bool,
        asked: RefCell<Vec<String>>,
    }

    impl Machine {
        fn new(loaded: bool) -> Machine {
            Machine {
                now: Cell::default(),
                loaded: Cell::new(loaded),
                disabled: false,
                gone_at: Cell::default(),
                ending: Duration::from_secs(3),
                refuses: Cell::default(),
                runs: true,
                asked: RefCell::default(),
            }
        }

        fn answer(&self, arguments: &[&str]) -> Result<String, String> {
            self.asked.borrow_mut().push(arguments[0].to_owned());
            let failed = |what: &str| Err(format!("launchctl failed (exit status: 5): {what}"));
            if self.gone_at.get().is_some_and(|at| self.now.get() >= at) {
                self.gone_at.set(None);
                self.loaded.set(false);
            }
            match arguments {
                ["print", "system/com.virinco.pywats-client"] if self.loaded.get() => {
                    let process = if self.runs { "\tpid = 42\n" } else { "" };
                    Ok(format!(
                        "system/{LABEL} = {{\n\tstate = spawn scheduled\n\tprogram = /p q\n\tusername = _pywats\n{process}\
                         \tlast exit code = 78: EX_CONFIG\n\tspawn = {{\n\t\tstate = other\n\t}}\n}}\n"
                    ))
                }
                ["print", _] => failed("Could not find service"),
                ["print-disabled", "system"] => {
                    let word = if self.disabled { "disabled" } else { "enabled" };
                    Ok(format!(
                        "\tdisabled services = {{\n\t\t\"{LABEL}\" => {word}\n\t\t\"x\" => disabled\n\t}}\n"
                    ))
                }
                ["bootout", _] if self.gone_at.get().is_some() => {
                    failed("Boot-out failed: 36: Operation now in progress")
                }
                ["bootout", _] => {
                    self.gone_at.set(Some(self.now.get() + self.ending));
                    Ok(String::new())
                }
                ["bootstrap", "system", PLIST] => match self.refuses.get() {
                    Some((until, what)) if self.now.get() < until => failed(what),
                    _ => {
                        self.loaded.set(true);
                        Ok(String::new())
                    }
                },
                ["kickstart", _] => Ok(String::new()),
                other => panic!("{other:?}"),
            }
        }

        fn does(&self, act: impl FnOnce(&Launchd<'_>) -> Result<(), String>) -> Result<(), String> {
            act(&Launchd {
                run: &|arguments| self.answer(arguments),
                wait: &|time| self.now.set(self.now.get() + time),
            })
        }

        fn count(&self, verb: &str) -> usize {
            self.asked.borrow().iter().filter(|asked| *asked == verb).count()
        }
    }

    const BUSY: &str = "Bootstrap failed: 5: Input/output error";

    /// Fails if: a stop does not wait until the service is gone, waits for ever, or takes one that is ending for a
    /// failure.
    #[test]
    fn stops() {
        let machine = Machine::new(true);
        machine.does(Launchd::stop).unwrap();
        assert!(!machine.loaded.get() && machine.now.get() >= machine.ending);
        machine.does(Launchd::stop).unwrap();
        assert_eq!(machine.count("bootout"), 1, "nothing is left to be stopped");

        let slow = Machine { ending: Duration::from_secs(100), ..Machine::new(true) };
        let why = slow.does(Launchd::stop).unwrap_err();
        assert!(why.contains("not ended after 40 s"), "{why}");
        let why = slow.does(Launchd::stop).unwrap_err();
        assert!(why.contains("36: Operation now in progress"), "{why}");
        // It is gone while the third one waits.
        slow.does(Launchd::stop).unwrap();
    }

    /// Fails if: a start gives up while the old service ends, tries for ever, tries what will not get better, starts what
    /// an administrator has disabled, or does not see that the service falls over.
    #[test]
    fn starts() {
        // Loaded before, whether its process appears, whether it is disabled, what is refused until when, the end.
        let cases = [
            (true, true, false, None, Ok(0)),
            (false, true, false, None, Ok(1)),
            (false, true, false, Some((5, BUSY)), Ok(11)),
            (false, true, false, Some((5, "Bootstrap failed: 37: Operation already in progress")), Ok(11)),
            (false, true, false, Some((100, BUSY)), Err("5: Input/output error")),
            (false, true, false, Some((1, "Bootstrap failed: 22: Invalid property list")), Err("Invalid")),
            (false, true, true, None, Err("sudo launchctl enable system/com.virinco.pywats-client")),
            (true, false, false, None, Err("it ended with 78: EX_CONFIG")),
        ];
        for (loaded, runs, disabled, refuses, expected) in cases {
            let machine = Machine { runs, disabled, ..Machine::new(loaded) };
            machine.refuses.set(refuses.map(|(until, what)| (Duration::from_secs(until), what)));
            let found = machine.does(Launchd::start);
            match expected {
                Ok(tries) => {
                    assert_eq!((found, machine.count("bootstrap")), (Ok(()), tries), "{refuses:?}");
                }
                Err(part) => assert!(found.clone().unwrap_err().contains(part), "{part}: {found:?}"),
            }
            assert!(machine.now.get() <= Duration::from_secs(25), "{:?}", machine.now.get());
        }
    }

    /// Fails if: what launchd prints is misread, or what it prints of a part of the service is taken for the service.
    #[test]
    fn reads_what_launchd_prints() {
        let job = Machine::new(true);
        let found = Launchd { run: &|arguments| job.answer(arguments), wait: &|_| {} }.job();
        let expected = Job {
            state: "spawn scheduled".to_owned(),
            process: Some(42),
            account: Some("_pywats".to_owned()),
            program: Some("/p q".to_owned()),
            last_exit: Some("78: EX_CONFIG".to_owned()),
        };
        assert_eq!(found, Some(expected));
        for (text, disabled) in [
            ("disabled services = {\n\t\t\"com.virinco.pywats-client\" => true\n}", true),
            ("disabled services = {\n\t\t\"com.virinco.pywats-client\" => false\n}", false),
            ("disabled services = {\n\t\t\"com.virinco.pywats-client.other\" => disabled\n}", false),
            ("", false),
        ] {
            let launchd = Launchd { run: &|_| Ok(text.to_owned()), wait: &|_| {} };
            assert_eq!(launchd.is_disabled(), disabled, "{text}");
        }
    }
}
