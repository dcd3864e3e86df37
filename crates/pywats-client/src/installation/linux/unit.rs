//! The text of the unit: the packaged one, with the program in another place.

use std::path::{Path, PathBuf};

/// The unit of the packages.
const PACKAGED: &str = include_str!("../../../../../packaging/systemd/pywats-client.service");
/// The line of it that names the program, up to its arguments.
const PROGRAM: &str = "ExecStart=/usr/bin/pywats-client ";
/// Begins a unit that is written here.
const MARK: &str =
    "# Written by `pywats-client service install`; `pywats-client service uninstall` removes it.\n";
/// The line that says that the program was copied, and goes with the unit.
const COPIED: &str = "# The program was copied to: ";

/// The unit that runs a program, whose path has no characters that mean something in a unit (see
/// [`super::place::hindrance`]).
pub(super) fn text(program: &Path, copied: bool) -> String {
    let note = if copied { format!("{COPIED}{}\n", program.display()) } else { String::new() };
    format!("{MARK}{note}{}", PACKAGED.replace(PROGRAM, &format!("ExecStart={} ", program.display())))
}

/// The program that was copied when this unit was written.
pub(super) fn copied_program(unit: &str) -> Option<PathBuf> {
    let line = unit.strip_prefix(MARK)?.lines().next()?;
    line.strip_prefix(COPIED).map(PathBuf::from)
}

/// Program and arguments in what `systemctl show` says of ExecStart:
/// `{ path=/usr/bin/x ; argv[]=/usr/bin/x run ; ignore_errors=no ; … }`.
pub(super) fn command_of(shown: &str) -> Option<String> {
    let (_, rest) = shown.split_once("argv[]=")?;
    rest.split(" ; ").next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: the unit differs from the packaged one in more than the program, or the program that was copied is
    /// not found again.
    #[test]
    fn differs_in_the_program_alone() {
        let program = Path::new("/usr/local/bin/pywats-client");
        for copied in [false, true] {
            let text = text(program, copied);
            let new: Vec<&str> =
                text.lines().filter(|line| !PACKAGED.lines().any(|old| old == *line)).collect();
            let mark = MARK.trim_end();
            let start = "ExecStart=/usr/local/bin/pywats-client run";
            let note = "# The program was copied to: /usr/local/bin/pywats-client";
            let expected = if copied { vec![mark, note, start] } else { vec![mark, start] };
            assert_eq!(new, expected);
            assert_eq!(text.lines().count(), PACKAGED.lines().count() + expected.len() - 1);
            assert_eq!(copied_program(&text).as_deref(), copied.then_some(program));
        }
        assert_eq!(copied_program(PACKAGED), None);
        // Whoever has written it by hand keeps the program.
        assert_eq!(copied_program("# The program was copied to: /bin/sh\n"), None);
    }

    /// Fails if: what systemd says of the command is misread.
    #[test]
    fn finds_the_command() {
        let shown = "{ path=/usr/bin/x ; argv[]=/usr/bin/x run ; ignore_errors=no ; start_time=[n/a] }";
        assert_eq!(command_of(shown).as_deref(), Some("/usr/bin/x run"));
        assert_eq!(command_of(""), None);
    }
}
