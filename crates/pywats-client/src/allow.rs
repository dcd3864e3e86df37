//! What a system must allow so that the service can use a folder, as steps that can be printed, done and undone: an
//! access list for its account ([acl(5)](https://man7.org/linux/man-pages/man5/acl.5.html)), a drop-in of its unit
//! ([systemd.unit(5)](https://www.freedesktop.org/software/systemd/man/latest/systemd.unit.html)), a label where SELinux
//! is enabled and knows the service ([`selinux`]).
//!
//! The drop-in of a folder is also the record of what was done for it: `# acl PATH` and so on, one a line.

pub mod selinux;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where drop-ins of the unit are.
const DROP_INS: &str = "/etc/systemd/system/pywats-client.service.d";

/// What is needed for one folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// The account of the service.
    pub account: String,
    /// Folders on the way that it may not pass through.
    pub pass: Vec<PathBuf>,
    /// Whether it may not read and write there.
    pub write: bool,
    /// Lines of a drop-in that let its unit see and write it.
    pub lines: Vec<String>,
}

/// One thing that is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A command, and the one that undoes it.
    Run(Vec<String>, Vec<String>),
    /// A file that is written; undone, it is removed.
    Write(PathBuf, String),
}

/// The drop-in of a folder.
pub fn drop_in(name: &str) -> PathBuf {
    Path::new(DROP_INS).join(format!("folder-{name}.conf"))
}

/// The steps for a folder of that name, whose paths need this, and these lines of the record for SELinux.
pub fn steps(name: &str, needs: &[(PathBuf, Needs)], selinux: Vec<String>) -> Vec<Step> {
    let mut lines: Vec<String> = Vec::new();
    let mut record: Vec<String> = Vec::new();
    for (path, needs) in needs {
        for folder in &needs.pass {
            record.push(format!("# pass {} {}", needs.account, folder.display()));
        }
        if needs.write {
            record.push(format!("# acl {} {}", needs.account, path.display()));
        }
        lines.extend(needs.lines.iter().cloned());
    }
    record.extend(selinux);
    record.dedup();
    let mut unique: Vec<String> = Vec::new();
    for line in lines {
        if !unique.contains(&line) {
            unique.push(line);
        }
    }
    let mut steps: Vec<Step> = record.iter().flat_map(|line| of_record(line)).collect();
    if !record.is_empty() || !unique.is_empty() {
        let text = format!(
            "# Made by pywats-client folders add; pywats-client folders remove {name} takes it back.\n{}{}[Service]\n{}",
            record.join("\n"),
            if record.is_empty() { "" } else { "\n" },
            unique.iter().map(|line| format!("{line}\n")).collect::<String>(),
        );
        // First, so that what is done is known even if this program is killed.
        steps.insert(0, Step::Write(drop_in(name), text));
    }
    steps
}

/// The steps that a line of the record stands for.
fn of_record(line: &str) -> Vec<Step> {
    let command = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let mut words = line.splitn(4, ' ').skip(1);
    let (Some(kind), Some(account), Some(path)) = (words.next(), words.next(), words.next()) else {
        return Vec::new();
    };
    let (user, default) = (format!("u:{account}"), format!("d:u:{account}"));
    match kind {
        "pass" => vec![Step::Run(
            command(&["setfacl", "-m", &format!("{user}:x"), "--", path]),
            command(&["setfacl", "-x", &user, "--", path]),
        )],
        "acl" => vec![Step::Run(
            command(&["setfacl", "-m", &format!("{user}:rwx"), "-m", &format!("{default}:rwx"), "--", path]),
            command(&["setfacl", "-x", &user, "-x", &default, "--", path]),
        )],
        "label" => selinux::label(path),
        "boolean" => selinux::boolean(path),
        _ => Vec::new(),
    }
}

/// The records of folders other than that of this name, each as its lines.
fn records_of_others(name: &str) -> Vec<String> {
    let own = drop_in(name);
    fs::read_dir(DROP_INS)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.path() != own && entry.file_name().to_string_lossy().starts_with("folder-"))
        .filter_map(|entry| fs::read_to_string(entry.path()).ok())
        .collect()
}

/// Whether one of these records has that line.
fn has_line(records: &[String], line: &str) -> bool {
    records.iter().any(|text| text.lines().any(|other| other == line))
}

/// The lines of the record for SELinux, where it is enabled and knows the service.
pub fn selinux_records(name: &str, paths: &[PathBuf]) -> Vec<String> {
    if !selinux::is_known() {
        return Vec::new();
    }
    let others = records_of_others(name);
    paths.iter().flat_map(|path| selinux::records(path, |line| has_line(&others, line))).collect()
}

/// The steps that were done for a folder, by its drop-in; those that other folders need, too, are left out.
pub fn done_for(name: &str) -> Vec<Step> {
    let path = drop_in(name);
    let Ok(text) = fs::read_to_string(&path) else { return Vec::new() };
    let others = records_of_others(name);
    // Where the policy is gone, its labels and booleans went with it.
    let is_known = selinux::is_known();
    let is_done = |line: &&str| !has_line(&others, line) && (is_known || !selinux::is_record(line));
    let mut steps = vec![Step::Write(path, text.clone())];
    steps.extend(text.lines().filter(is_done).flat_map(of_record));
    steps
}

impl Step {
    /// The command for people.
    pub fn command(&self) -> String {
        match self {
            Step::Run(words, _) => shell(words),
            Step::Write(path, text) => {
                let folder = path.parent().unwrap_or(path).display();
                let lines: Vec<String> = text.lines().map(quoted).collect();
                format!("mkdir -p {folder} && printf '%s\\n' {} > {}", lines.join(" "), path.display())
            }
        }
    }

    /// The command that undoes it, for people.
    pub fn undo_command(&self) -> String {
        match self {
            Step::Run(_, words) => shell(words),
            Step::Write(path, _) => format!("rm {}", path.display()),
        }
    }

    /// Does it.
    ///
    /// # Errors
    /// What went wrong.
    pub fn run(&self) -> Result<(), String> {
        match self {
            Step::Run(words, _) => run(words),
            Step::Write(path, text) => {
                let write = || -> io::Result<()> {
                    fs::create_dir_all(path.parent().unwrap_or(path))?;
                    fs::write(path, text)
                };
                write().map_err(|error| format!("{}: {error}", path.display()))
            }
        }
    }

    /// Undoes it.
    ///
    /// # Errors
    /// What went wrong.
    pub fn undo(&self) -> Result<(), String> {
        match self {
            Step::Run(_, words) => run(words),
            Step::Write(path, _) => match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    Err(format!("{}: {error}", path.display()))
                }
                _ => Ok(()),
            },
        }
    }
}

/// Runs a command in a process group of its own: Ctrl-C must not stop it half-way.
pub fn run(words: &[String]) -> Result<(), String> {
    let Some((program, arguments)) = words.split_first() else { return Ok(()) };
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null());
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let output = command.output().map_err(|error| match selinux::package_of(program) {
        Some(package) => format!("{program} cannot be started: {error}; install the package {package}"),
        None => format!("{program} cannot be started: {error}"),
    })?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{}: {}", shell(words), String::from_utf8_lossy(&output.stderr).trim()))
}

/// Does all steps, or none: those that were done are undone if one fails or `stopped` says so.
///
/// # Errors
/// What went wrong, and what could not be undone.
pub fn all_or_none(
    steps: &[Step],
    stopped: &dyn Fn() -> bool,
    end: impl FnOnce() -> Result<(), String>,
) -> Result<(), String> {
    let mut done = Vec::new();
    let mut result = Ok(());
    for step in steps {
        // Also the one that failed: it may be half done.
        done.push(step);
        result = step.run();
        if result.is_ok() && stopped() {
            result = Err("stopped".to_owned());
        }
        if result.is_err() {
            break;
        }
    }
    let Err(mut why) = result.and_then(|()| end()) else { return Ok(()) };
    let failed = done.len();
    for (at, step) in done.iter().enumerate().rev() {
        // What failed need not be there.
        if let Err(error) = step.undo()
            && at + 1 < failed
        {
            why = format!("{why}; could not be undone: {error}");
        }
    }
    Err(format!("{why}; nothing was changed but what is said here"))
}

fn shell(words: &[String]) -> String {
    words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: a step is missing, does not undo what it did, or a path is a pattern or a command of its own.
    #[test]
    fn steps_and_their_record() {
        let needs = Needs {
            account: "pywats".to_owned(),
            pass: vec!["/home/op".into()],
            write: true,
            lines: vec!["ProtectHome=no".to_owned()],
        };
        let selinux = ["# boolean - pywats_enable_homedirs", "# label - /home/op/a b.c"].map(str::to_owned);
        let steps = steps("ict", &[("/home/op/a b.c".into(), needs)], selinux.to_vec());
        let shown: Vec<String> = steps.iter().map(Step::command).collect();
        let undone: Vec<String> = steps.iter().rev().map(Step::undo_command).collect();
        assert!(shown[0].contains("folder-ict.conf") && shown[0].contains("ProtectHome=no"), "{shown:?}");
        assert_eq!(shown[1], "setfacl -m u:pywats:x -- /home/op");
        assert_eq!(shown[2], "setfacl -m u:pywats:rwx -m d:u:pywats:rwx -- '/home/op/a b.c'");
        assert_eq!(shown[3], "setsebool -P pywats_enable_homedirs on");
        assert_eq!(shown[5], r"semanage fcontext -a -t pywats_watch_t '/home/op/a b\.c(/.*)?'");
        assert_eq!(shown[6], "restorecon -R -i '/home/op/a b.c'");
        // The label goes by the rule that is gone, not by the one that goes.
        let at = |text: &str| undone.iter().position(|command| command.starts_with(text)).unwrap();
        assert!(at("semanage fcontext -d") < at("restorecon"), "{undone:?}");
        assert_eq!(steps[2].undo_command(), "setfacl -x u:pywats -x d:u:pywats -- '/home/op/a b.c'");
        // The record says the same steps again.
        let Step::Write(_, text) = &steps[0] else { panic!() };
        assert_eq!(text.lines().flat_map(of_record).collect::<Vec<_>>(), steps[1..]);
    }

    /// Fails if: a step that fails, an end that fails or Ctrl-C leaves anything behind.
    #[test]
    #[cfg(unix)]
    fn half_done_is_undone() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("made");
        let good = Step::Write(file.clone(), "x".to_owned());
        let bad = Step::Run(vec!["false".to_owned()], vec!["false".to_owned()]);
        assert!(all_or_none(&[good.clone(), bad], &|| false, || Ok(())).is_err());
        assert!(!file.exists());
        assert!(all_or_none(std::slice::from_ref(&good), &|| true, || Ok(())).is_err());
        assert!(!file.exists());
        assert!(all_or_none(std::slice::from_ref(&good), &|| false, || Err("no".to_owned())).is_err());
        assert!(!file.exists());
        all_or_none(&[good], &|| false, || Ok(())).unwrap();
        assert!(file.exists());
    }
}
