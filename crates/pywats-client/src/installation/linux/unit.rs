//! The text of the unit: the packaged one, with the program in another place, and those of the packages' drop-ins that the
//! systemd of this machine knows.

use std::path::{Path, PathBuf};

/// The unit of the packages.
const PACKAGED: &str = include_str!("../../../../../packaging/systemd/pywats-client.service");
/// Their drop-ins: the first systemd that knows all the lines, and the lines.
const NEWER: [(u32, &str); 4] = [
    (245, include_str!("../../../../../packaging/systemd/newer/systemd-245.conf")),
    (247, include_str!("../../../../../packaging/systemd/newer/systemd-247.conf")),
    (248, include_str!("../../../../../packaging/systemd/newer/systemd-248.conf")),
    (254, include_str!("../../../../../packaging/systemd/newer/systemd-254.conf")),
];
/// The line of it that names the program, up to its arguments.
const PROGRAM: &str = "ExecStart=/usr/bin/pywats-client ";
/// Begins a unit that is written here.
const MARK: &str =
    "# Written by `pywats-client service install`; `pywats-client service uninstall` removes it.\n";
/// The line that says that the program was copied, and goes with the unit.
const COPIED: &str = "# The program was copied to: ";

/// The unit that runs a program, whose path has no characters that mean something in a unit (see
/// [`super::place::hindrance`]), for this version of systemd.
pub(super) fn text(program: &Path, copied: bool, systemd: u32) -> String {
    let note = if copied { format!("{COPIED}{}\n", program.display()) } else { String::new() };
    let unit = PACKAGED.replace(PROGRAM, &format!("ExecStart={} ", program.display()));
    let newer = NEWER.iter().filter(|(least, _)| systemd >= *least).map(|(_, lines)| format!("\n{lines}"));
    format!("{MARK}{note}{unit}{}", newer.collect::<String>())
}

/// The version in what `systemctl --version` says: `systemd 252 (252.39-1~deb12u1)`. Zero if it says something else.
pub(super) fn version_of(said: &str) -> u32 {
    let number = said.strip_prefix("systemd ").unwrap_or_default();
    number.split(|c: char| !c.is_ascii_digit()).next().and_then(|digits| digits.parse().ok()).unwrap_or(0)
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
            let text = text(program, copied, 239);
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

    /// Fails if: a systemd is given lines that it does not know, or not all that it knows; or lines get lost between the
    /// sections.
    #[test]
    fn has_what_this_systemd_knows() {
        let program = Path::new("/usr/bin/pywats-client");
        for (said, count) in [
            ("systemd 239 (239-82.el8)", 0),
            ("systemd 245 (245.4-4ubuntu3)", 1),
            ("systemd 247 (247.3-7)", 2),
            ("systemd 252 (252.39-1~deb12u1)\n+PAM", 3),
            ("systemd 257.9 (257.9-1)", 4),
            ("systemd 258~rc1 (258~rc1-1)", 4),
            ("", 0),
        ] {
            let text = text(program, false, version_of(said));
            let expected: String = NEWER[..count].iter().map(|(_, lines)| format!("\n{lines}")).collect();
            assert_eq!(text, format!("{MARK}{PACKAGED}{expected}"), "{said}");
        }
        assert!(NEWER.iter().all(|(_, lines)| lines.contains("\n[Service]\n") && lines.ends_with('\n')));
    }

    /// Fails if: what systemd says of the command is misread.
    #[test]
    fn finds_the_command() {
        let shown = "{ path=/usr/bin/x ; argv[]=/usr/bin/x run ; ignore_errors=no ; start_time=[n/a] }";
        assert_eq!(command_of(shown).as_deref(), Some("/usr/bin/x run"));
        assert_eq!(command_of(""), None);
    }
}
