//! What the program does when Finder opens it, as the app `pyWATS Client`: without arguments, and without a terminal
//! where a usage could be read. It shows the status page of the running service, or says what to do in a dialog.
//!
//! Finder is no part of the program: `open` and `osascript` of the system show everything, so that no framework of Apple
//! is linked.

use crate::diagnose::health::Answer;
use crate::exit::Exit;
use crate::installation::{COPY_TO, State};
use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};

/// Shows a text, and puts another one on the clipboard if the user asks for it. Both come as arguments: nothing of them
/// is taken for a script.
const DIALOG: [&str; 4] = [
    "on run argv",
    "set chosen to button returned of (display dialog (item 1 of argv) with title \"pyWATS Client\" buttons {\"Copy \
     Command\", \"OK\"} default button \"OK\")",
    "if chosen is \"Copy Command\" then set the clipboard to (item 2 of argv)",
    "end run",
];

/// The programs of the system that show something.
#[derive(Clone, Copy, Debug)]
struct Programs<'a> {
    open: &'a Path,
    osascript: &'a Path,
}

/// What is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Shown {
    /// This address in the browser.
    Page(String),
    /// What is wrong and what to do, and the one command that does it.
    Dialog { text: String, command: String },
}

/// Shows what there is to show, if Finder has opened the program; nothing if it was called in another way.
#[cfg(target_os = "macos")]
pub fn as_app() -> Option<Exit> {
    use crate::config::Sources;
    use crate::diagnose::health;
    use std::io::IsTerminal;
    let terminal =
        std::io::stdin().is_terminal() || std::io::stdout().is_terminal() || std::io::stderr().is_terminal();
    // By the name it was called by, not by where a link leads: the link in /usr/local/bin is for terminals.
    let program = std::env::current_exe().ok()?;
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    if terminal || !is_app(&program, &arguments) {
        return None;
    }
    let answer = health::ask(&Sources::new(None).load().config.health);
    let state = crate::installation::state().unwrap_or_default();
    let programs = Programs { open: Path::new("/usr/bin/open"), osascript: Path::new("/usr/bin/osascript") };
    Some(show(&choose(&answer, &state, &program), programs))
}

/// Whether a program that is called this way was opened as an app.
fn is_app(program: &Path, arguments: &[OsString]) -> bool {
    let mut folders = program.ancestors().skip(1);
    let in_bundle = folders.next().is_some_and(|folder| folder.ends_with("Contents/MacOS"))
        && folders.nth(1).and_then(Path::extension).is_some_and(|extension| extension == "app");
    // Older systems add the number of the process.
    let of_finder = |argument: &OsString| argument.to_string_lossy().starts_with("-psn_");
    in_bundle && arguments.iter().all(of_finder)
}

/// What to show for this answer of the service, this registration, and this place of the program.
fn choose(answer: &Answer, state: &State, program: &Path) -> Shown {
    let verbs = |verb: &str| format!("sudo {} {verb}", quoted(program));
    let dialog = |what: &str, command: String| Shown::Dialog {
        text: format!("{what} Paste this into Terminal:\n\n{command}"),
        command,
    };
    match answer {
        Answer::Details(address, _) => Shown::Page(format!("http://{address}/health/details")),
        Answer::Off => dialog(
            "The service has no status page: health.port is 0. To ask the service itself:",
            verbs("status"),
        ),
        Answer::Foreign(address) => dialog(
            &format!("Something else than the service answers at {address}. To see what is wrong:"),
            verbs("diagnose"),
        ),
        Answer::Silent(..) if state.running => {
            dialog("The service runs but does not answer. To see what is wrong:", verbs("diagnose"))
        }
        Answer::Silent(..) if state.installed_by.is_some() => {
            dialog("The service does not run. To start it:", verbs("service start"))
        }
        Answer::Silent(..) if is_passing(program) => Shown::Dialog {
            text: "No service is installed. Move this app to the folder Applications and open it again, or install \
                   the package."
                .to_owned(),
            command: "open /Applications".to_owned(),
        },
        Answer::Silent(..) => dialog(
            "No service is installed: this app alone uploads nothing. Install the package, or install the service from \
             this app.",
            verbs(&format!("service install --copy-to {COPY_TO}")),
        ),
    }
}

/// Whether a program will not be found there later: on a disk image, or where macOS puts an app that was downloaded and
/// not yet moved by the user.
fn is_passing(program: &Path) -> bool {
    ["/Volumes", "/private/var/folders", "/var/folders"].iter().any(|folder| program.starts_with(folder))
}

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}

fn show(shown: &Shown, programs: Programs<'_>) -> Exit {
    let mut command = match shown {
        Shown::Page(address) => {
            let mut command = Command::new(programs.open);
            command.arg(address);
            command
        }
        Shown::Dialog { text, command } => {
            let mut dialog = Command::new(programs.osascript);
            for line in DIALOG {
                dialog.args(["-e", line]);
            }
            dialog.args([text, command]);
            dialog
        }
    };
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status();
    if status.is_ok_and(|status| status.success()) { Exit::Ok } else { Exit::Error }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::installation::Installer;
    use std::fs;
    use std::net::SocketAddr;
    use std::os::unix::fs::PermissionsExt;

    const PROGRAM: &str = "/Applications/pyWATS Client.app/Contents/MacOS/pywats-client";

    /// Fails if: a command, a script or the service is taken for an app, or an app is not.
    #[test]
    fn apps_are_recognised() {
        for (program, arguments, app) in [
            (PROGRAM, &[][..], true),
            (PROGRAM, &["-psn_0_12345"], true),
            (PROGRAM, &["run", "--service"], false),
            (PROGRAM, &["--version"], false),
            ("/usr/local/bin/pywats-client", &[], false),
            ("/opt/Contents/MacOS/pywats-client", &[], false),
            ("/Applications/X.app/Contents/Resources/pywats-client", &[], false),
            ("/Applications/X.app/Contents/MacOS/helpers/pywats-client", &[], false),
            ("/Volumes/X/X.app/Contents/MacOS/pywats-client", &[], true),
        ] {
            let arguments: Vec<OsString> = arguments.iter().map(Into::into).collect();
            assert_eq!(is_app(Path::new(program), &arguments), app, "{program} {arguments:?}");
        }
    }

    /// Fails if: a page is opened that nobody serves, or the dialog names another command than the one that helps.
    #[test]
    fn what_is_shown_helps() {
        let address: SocketAddr = "127.0.0.1:8080".parse().unwrap();
        let silent = || Answer::Silent(address, "refused".to_owned());
        let installed =
            |running| State { installed_by: Some(Installer::Package), running, ..State::default() };
        let moved =
            "/private/var/folders/x/AppTranslocation/Y/d/pyWATS Client.app/Contents/MacOS/pywats-client";
        let page = Shown::Page("http://127.0.0.1:8080/health/details".to_owned());
        assert_eq!(
            choose(&Answer::Details(address, serde_json::json!({})), &State::default(), Path::new(PROGRAM)),
            page
        );
        for (answer, state, program, command) in [
            (silent(), State::default(), PROGRAM, "service install --copy-to /usr/local/libexec/pywats"),
            (silent(), installed(false), PROGRAM, "service start"),
            (silent(), installed(true), PROGRAM, "diagnose"),
            (silent(), installed(false), moved, "service start"),
            (silent(), State::default(), moved, ""),
            (Answer::Foreign(address), installed(true), PROGRAM, "diagnose"),
            (Answer::Off, installed(true), PROGRAM, "status"),
        ] {
            let Shown::Dialog { text, command: found } = choose(&answer, &state, Path::new(program)) else {
                panic!("{command}: a page");
            };
            if command.is_empty() {
                assert!(text.contains("Applications"), "{text}");
                continue;
            }
            assert_eq!(found, format!("sudo '{program}' {command}"));
            assert!(text.ends_with(&format!("\n\n{found}")), "{text}");
        }
        assert_eq!(quoted(Path::new("/a'b")), r"'/a'\''b'");
    }

    /// Fails if: a text becomes a part of a script, arguments are lost, or a program that fails passes for one that did
    /// its work.
    #[test]
    fn the_systems_programs_are_asked() {
        let dir = tempfile::tempdir().unwrap();
        let program = |name: &str, code: i32| {
            let path = dir.path().join(name);
            let said = dir.path().join("said");
            let script = format!("#!/bin/sh\nprintf '%s\\n' \"$@\" >'{}'\nexit {code}\n", said.display());
            fs::write(&path, script).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
            path
        };
        let said = || fs::read_to_string(dir.path().join("said")).unwrap();
        let (open, osascript, fails) = (program("open", 0), program("osascript", 0), program("fails", 1));
        let programs = Programs { open: &open, osascript: &osascript };
        assert_eq!(show(&Shown::Page("http://127.0.0.1:1/x".to_owned()), programs), Exit::Ok);
        assert_eq!(said(), "http://127.0.0.1:1/x\n");
        let text = "a\" & (do shell script \"false\") & \"b";
        let dialog = Shown::Dialog { text: text.to_owned(), command: "sudo x".to_owned() };
        assert_eq!(show(&dialog, programs), Exit::Ok);
        let said = said();
        assert!(said.ends_with(&format!("\n{text}\nsudo x\n")), "{said}");
        assert_eq!(said.matches(text).count(), 1, "{said}");
        for path in [&fails, &dir.path().join("missing")] {
            assert_eq!(show(&dialog, Programs { open: &open, osascript: path }), Exit::Error);
        }
    }
}
