//! What a system must allow so that the service can use a folder, as steps that can be printed, done and undone: an
//! access list for its account ([acl(5)](https://man7.org/linux/man-pages/man5/acl.5.html)), a drop-in of its unit
//! ([systemd.unit(5)](https://www.freedesktop.org/software/systemd/man/latest/systemd.unit.html)), a label where SELinux
//! is enabled and knows the service ([`selinux`]).
//!
//! The drop-in of a folder is also the record of what was done for it. Several folders may need the same: it stays as
//! long as one of them does.

#[cfg(target_os = "linux")]
mod acl;
#[cfg(not(target_os = "linux"))]
#[path = "acl_none.rs"]
mod acl;
mod exposure;
#[cfg(target_os = "linux")]
pub mod permitted;
#[cfg(target_os = "linux")]
pub mod place;
mod record;
pub mod selinux;

pub use exposure::exposure;
pub use record::{Access, DROP_INS, Record, drop_in, records};

use record::{Grant, State};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What is needed for one folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// The account of the service.
    pub account: String,
    /// Its number.
    pub uid: u32,
    /// Folders on the way that it may not pass through.
    pub pass: Vec<PathBuf>,
    /// Whether it may not read and write there.
    pub write: bool,
    /// Whether that is needed for what is in it already, too.
    pub within: bool,
    /// Lines of a drop-in that let its unit see and write it.
    pub lines: Vec<String>,
}

/// One thing that is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A command, and those that undo it.
    Run(Vec<String>, Vec<Vec<String>>),
    /// A file that is written; undone, it is removed.
    Write(PathBuf, String),
    /// An account may pass through a folder.
    Pass(Access),
    /// An account may read and write in a folder.
    LetIn {
        /// Who and where.
        access: Access,
        /// Whether in what is there already, too.
        within: bool,
        /// Folders in it that others need: undone, it stays there.
        keep: Vec<PathBuf>,
    },
}

/// What is done for a folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// In this order; undone, from the last to the first.
    pub steps: Vec<Step>,
    /// What others need, and is done again after the steps were undone.
    pub again: Vec<Step>,
}

/// The folders above a path, also above the one that it is a link to, the uppermost first.
pub fn above(path: &Path) -> Vec<PathBuf> {
    let real = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let mut above: Vec<PathBuf> = Vec::new();
    for path in [path, &real] {
        let mut folders: Vec<&Path> = path.ancestors().skip(1).collect();
        folders.reverse();
        for folder in folders {
            if !above.iter().any(|found| found == folder) {
                above.push(folder.to_owned());
            }
        }
    }
    above
}

/// What is to be done for a folder of that name, whose paths need this, where this was done already.
pub fn plan(name: &str, needs: &[(PathBuf, Needs)], labelled: bool, records: &[Record]) -> Plan {
    let mut record = Record { name: name.to_owned(), ..Record::default() };
    for (path, needs) in needs {
        for grant in grants(path, needs, labelled, records) {
            if !record.grants.iter().any(|found| found.covers(&grant)) {
                // What gives more stands for what gives less, which would take it back.
                record.grants.retain(|found| !grant.covers(found));
                record.grants.push(grant);
            }
        }
        for line in &needs.lines {
            if !record.lines.contains(line) {
                record.lines.push(line.clone());
            }
        }
    }
    if record.grants.is_empty() && record.lines.is_empty() {
        return Plan::default();
    }
    let within: Vec<&PathBuf> =
        needs.iter().filter(|(_, needs)| needs.within).map(|(path, _)| path).collect();
    of_record(&record, records, labelled, &within)
}

/// What was done for a folder, by its record; what others need besides is left out.
pub fn done_for(name: &str, labelled: bool, records: &[Record]) -> Plan {
    let record = records.iter().find(|record| record.name == name);
    record.map(|record| of_record(record, records, labelled, &[])).unwrap_or_default()
}

/// What one path needs, with what there was before anything was done for any folder.
fn grants(path: &Path, needs: &Needs, labelled: bool, records: &[Record]) -> Vec<Grant> {
    let given = |folder: &Path| {
        let grants = records.iter().flat_map(|record| &record.grants);
        let accesses = grants.filter_map(|grant| match grant {
            Grant::Pass(access) | Grant::All(access) => Some((access, matches!(grant, Grant::All(_)))),
            Grant::Label(_) | Grant::Boolean(_) => None,
        });
        accesses.filter(|(access, _)| access.path == folder).max_by_key(|(_, all)| *all)
    };
    // A folder that cannot be looked at is said to be what most are.
    let now = |folder: &Path| acl::state(folder, needs.uid).unwrap_or_default();
    let access = |folder: &Path, was: State| Access {
        account: needs.account.clone(),
        uid: needs.uid,
        was,
        path: folder.to_owned(),
    };
    let mut grants = Vec::new();
    for folder in above(path) {
        // What was allowed for another folder is needed for this one, too, when that one is removed.
        let was = given(&folder).map(|(access, _)| access.was.clone());
        if let Some(was) = was.or_else(|| needs.pass.contains(&folder).then(|| now(&folder))) {
            grants.push(Grant::Pass(access(&folder, was)));
        }
    }
    let is_within = |grant: &Grant| matches!(grant, Grant::All(access) if path.starts_with(&access.path));
    let has_come = records.iter().flat_map(|record| &record.grants).any(is_within);
    let was = match given(path) {
        Some((access, true)) => Some(access.was.clone()),
        Some((access, false)) => {
            needs.write.then(|| State { access: access.was.access, default: now(path).default })
        }
        None if needs.write => Some(now(path)),
        None => has_come.then(State::default),
    };
    grants.extend(was.map(|was| Grant::All(access(path, was))));
    if labelled {
        let real = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        grants.extend(selinux::grants(&real, records));
    }
    grants
}

/// The steps that a record stands for.
fn of_record(record: &Record, records: &[Record], labelled: bool, within: &[&PathBuf]) -> Plan {
    let others: Vec<&Grant> =
        records.iter().filter(|other| other.name != record.name).flat_map(|other| &other.grants).collect();
    // First, so that what is done is known even if this program is killed.
    let mut plan = Plan { steps: vec![Step::Write(drop_in(&record.name), record.text())], again: Vec::new() };
    for grant in record.grants.iter().filter(|grant| !others.iter().any(|other| other.covers(grant))) {
        match grant {
            Grant::Pass(access) => plan.steps.push(Step::Pass(access.clone())),
            Grant::All(access) => {
                let inner = others.iter().filter_map(|other| match other {
                    Grant::All(other) if other.path.starts_with(&access.path) => Some(other.path.clone()),
                    _ => None,
                });
                plan.steps.push(Step::LetIn {
                    access: access.clone(),
                    within: within.contains(&&access.path),
                    keep: inner.collect(),
                });
                plan.again.extend(others.iter().find_map(|other| match other {
                    Grant::Pass(other) if other.path == access.path => Some(Step::Pass(other.clone())),
                    _ => None,
                }));
            }
            // Where the policy is gone, its labels and booleans went with it.
            Grant::Label(_) | Grant::Boolean(_) if !labelled => {}
            Grant::Label(path) => plan.steps.extend(selinux::label(path)),
            Grant::Boolean(name) => plan.steps.push(selinux::boolean(name)),
        }
    }
    plan
}

fn command(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

impl Step {
    /// What is run, with its arguments, or would be by hand; nothing for a file.
    fn words(&self) -> Vec<String> {
        match self {
            Step::Run(words, _) => words.clone(),
            Step::Write(..) => Vec::new(),
            Step::Pass(Access { account, was, path, .. }) => {
                let rights = rights(was.access.entry.unwrap_or(0) | 1);
                command(&["setfacl", "-m", &format!("u:{account}:{rights}"), "--", &path.to_string_lossy()])
            }
            Step::LetIn { access: Access { account, path, .. }, within, .. } => {
                let (user, default) = (format!("u:{account}:rwx"), format!("d:u:{account}:rwx"));
                let path = path.to_string_lossy();
                if !within {
                    return command(&["setfacl", "-m", &user, "-m", &default, "--", &path]);
                }
                // Nothing hidden in it; by its own name it may be.
                let (path, file) = (format!("{path}/."), format!("u:{account}:rwX"));
                let folders = ["-type", "d", "-exec", "setfacl", "-m", &user, "-m", &default, "{}", "+"];
                let files = ["-type", "f", "-exec", "setfacl", "-m", &file, "{}", "+"];
                let words = [&["find", &path, "-name", ".?*", "-prune", "-o"][..], &folders, &["-o"], &files];
                command(&words.concat())
            }
        }
    }

    /// The command for people.
    pub fn command(&self) -> String {
        match self {
            Step::Write(path, text) => {
                let folder = path.parent().unwrap_or(path).display();
                let lines: Vec<String> = text.lines().map(quoted).collect();
                format!("mkdir -p {folder} && printf '%s\\n' {} > {}", lines.join(" "), path.display())
            }
            _ => shell(&self.words()),
        }
    }

    /// The command that undoes it, for people.
    pub fn undo_command(&self) -> String {
        match self {
            Step::Run(_, commands) => {
                let commands: Vec<String> = commands.iter().map(|words| shell(words)).collect();
                commands.join(" && ")
            }
            Step::Write(path, _) => format!("rm {}", path.display()),
            Step::Pass(Access { account, was, path, .. }) => {
                let path = path.to_string_lossy();
                shell(&match was.access.entry {
                    Some(entry) => {
                        command(&["setfacl", "-m", &format!("u:{account}:{}", rights(entry)), "--", &path])
                    }
                    None => command(&["setfacl", "-x", &format!("u:{account}"), "--", &path]),
                })
            }
            Step::LetIn { access: Access { account, path, .. }, .. } => {
                let (user, default) = (format!("u:{account}"), format!("d:u:{account}"));
                shell(&command(&[
                    "setfacl",
                    "-R",
                    "-x",
                    &user,
                    "-x",
                    &default,
                    "--",
                    &path.to_string_lossy(),
                ]))
            }
        }
    }

    /// Does it.
    ///
    /// # Errors
    /// What went wrong.
    pub fn run(&self) -> Result<(), String> {
        match self {
            Step::Write(path, text) => {
                let write = || -> io::Result<()> {
                    fs::create_dir_all(path.parent().unwrap_or(path))?;
                    fs::write(path, text)
                };
                write().map_err(|error| format!("{}: {error}", path.display()))
            }
            Step::Run(words, _) => run(words),
            Step::Pass(access) => given(access, acl::give_pass(&access.path, access.uid, &access.was)),
            Step::LetIn { access, within, .. } => {
                given(access, acl::give_all(&access.path, access.uid, *within))
            }
        }
    }

    /// Undoes it.
    ///
    /// # Errors
    /// What went wrong.
    pub fn undo(&self) -> Result<(), String> {
        let said = |path: &Path, result: io::Result<()>| match result {
            // What is gone allows nothing.
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(format!("{}: {error}", path.display()))
            }
            _ => Ok(()),
        };
        match self {
            Step::Run(_, commands) => commands.iter().try_for_each(|words| run(words)),
            Step::Write(path, _) => {
                said(path, fs::remove_file(path))?;
                // The folder, too, unless somebody else has something in it.
                drop(path.parent().map(fs::remove_dir));
                Ok(())
            }
            Step::Pass(access) => {
                said(&access.path, acl::take_back_pass(&access.path, access.uid, &access.was))
            }
            Step::LetIn { access, keep, .. } => {
                said(&access.path, acl::take_back_all(&access.path, access.uid, &access.was, keep))
            }
        }
    }
}

impl Plan {
    /// Undoes it, from the last step to the first, and gives what could not be undone.
    pub fn undo(&self) -> Vec<String> {
        let undone: Vec<_> = self.steps.iter().rev().map(Step::undo).collect();
        let again = self.again.iter().map(Step::run);
        undone.into_iter().chain(again).filter_map(Result::err).collect()
    }

    /// What has to be installed before it can be done, as a sentence.
    pub fn missing(&self) -> Option<String> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let is_there =
            |program: &str| std::env::split_paths(&path).any(|folder| folder.join(program).is_file());
        self.missing_by(is_there)
    }

    fn missing_by(&self, is_there: impl Fn(&str) -> bool) -> Option<String> {
        let words: Vec<Vec<String>> = self.steps.iter().map(Step::words).collect();
        let is_run =
            |program: &str| words.iter().any(|words| words.first().is_some_and(|word| word == program));
        let (program, package) =
            selinux::PACKAGES.into_iter().find(|(program, _)| is_run(program) && !is_there(program))?;
        Some(format!(
            "{program} is not installed; install the package {package} first (apt-get install {package}, or dnf install \
             {package})"
        ))
    }
}

/// Whether rights were given, or why not.
fn given(access: &Access, result: io::Result<()>) -> Result<(), String> {
    let Access { account, path, .. } = access;
    let path = path.display();
    result.map_err(|error| match error.kind() {
        io::ErrorKind::Unsupported => format!(
            "the file system of {path} knows no access lists; mount it so that the account {account} may read and write \
             there (uid={account} for FAT and shares of Windows), or take a folder of another one"
        ),
        _ => format!("{path}: the account {account} cannot be let in: {error}"),
    })
}

fn rights(rights: u16) -> String {
    let letters: String = [(4, 'r'), (2, 'w'), (1, 'x')]
        .iter()
        .filter(|(bit, _)| rights & bit != 0)
        .map(|(_, letter)| letter)
        .collect();
    if letters.is_empty() { "-".to_owned() } else { letters }
}

/// Runs a command in a process group of its own: Ctrl-C must not stop it half-way.
pub fn run(words: &[String]) -> Result<(), String> {
    let Some((program, arguments)) = words.split_first() else { return Ok(()) };
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null());
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let output = command.output().map_err(|error| format!("{program} cannot be started: {error}"))?;
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
    plan: &Plan,
    stopped: &dyn Fn() -> bool,
    end: impl FnOnce() -> Result<(), String>,
) -> Result<(), String> {
    let mut done = 0;
    let mut result = Ok(());
    for step in &plan.steps {
        // Also the one that failed: it may be half done.
        done += 1;
        result = step.run();
        if result.is_ok() && stopped() {
            result = Err("stopped".to_owned());
        }
        if result.is_err() {
            break;
        }
    }
    let half = if result.is_err() { done } else { usize::MAX };
    let Err(mut why) = result.and_then(|()| end()) else { return Ok(()) };
    for (at, step) in plan.steps[..done].iter().enumerate().rev() {
        // What failed need not be there.
        if let Err(error) = step.undo()
            && at + 1 < half
        {
            why = format!("{why}; could not be undone: {error}");
        }
    }
    for error in plan.again.iter().filter_map(|step| step.run().err()) {
        why = format!("{why}; could not be done again: {error}");
    }
    Err(format!("{why}; nothing was changed but what is said here"))
}

fn shell(words: &[String]) -> String {
    words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}

/// A word of a command for a shell.
pub(crate) fn quoted(word: &str) -> String {
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

    fn needs(pass: &[&str], write: bool, lines: &[&str]) -> Needs {
        Needs {
            account: "pywats".to_owned(),
            uid: 990,
            pass: pass.iter().map(PathBuf::from).collect(),
            write,
            within: false,
            lines: lines.iter().map(|line| (*line).to_owned()).collect(),
        }
    }

    fn record_of(plan: &Plan, name: &str) -> Record {
        let Some(Step::Write(_, text)) = plan.steps.first() else { panic!("{plan:?}") };
        Record::read(name, text)
    }

    fn undone(plan: &Plan) -> Vec<String> {
        plan.steps[1..].iter().map(Step::undo_command).collect()
    }

    /// Fails if: a step is missing, does not undo what it did, or a path is a pattern or a command of its own.
    #[test]
    fn steps_and_their_record() {
        let needed = needs(&["/home/op"], true, &["ProtectHome=no"]);
        let plan = plan("ict", &[("/home/op/a b.c".into(), needed)], true, &[]);
        let shown: Vec<String> = plan.steps.iter().map(Step::command).collect();
        assert!(shown[0].contains("folder-ict.conf") && shown[0].contains("ProtectHome=no"), "{shown:?}");
        assert_eq!(shown[1], "setfacl -m u:pywats:x -- /home/op");
        assert_eq!(shown[2], "setfacl -m u:pywats:rwx -m d:u:pywats:rwx -- '/home/op/a b.c'");
        assert_eq!(shown[3], "setsebool -P pywats_enable_homedirs on");
        assert_eq!(shown[4], r"semanage fcontext -a -t pywats_watch_t '/home/op/a b\.c(/.*)?'");
        assert_eq!(plan.steps[2].undo_command(), "setfacl -R -x u:pywats -x d:u:pywats -- '/home/op/a b.c'");
        let undone: Vec<String> = plan.steps.iter().rev().map(Step::undo_command).collect();
        assert_eq!(undone[0], r"semanage fcontext -d '/home/op/a b\.c(/.*)?'");
        assert_eq!(undone[1], "restorecon -R -i '/home/op/a b.c'");
        // The record says the same steps again.
        assert_eq!(done_for("ict", true, &[record_of(&plan, "ict")]), plan);
        assert_eq!(done_for("other", true, &[record_of(&plan, "ict")]), Plan::default());
    }

    /// Fails if: the command for people opens something hidden, or nothing below a folder that is hidden itself.
    #[test]
    fn the_command_for_all_that_is_there() {
        let within = Needs { within: true, ..needs(&[], true, &[]) };
        let plan = plan("ict", &[("/srv/.ict".into(), within)], false, &[]);
        let command = plan.steps[1].command();
        assert_eq!(
            command,
            "find /srv/.ict/. -name '.?*' -prune -o -type d -exec setfacl -m u:pywats:rwx -m d:u:pywats:rwx '{}' '+' -o \
             -type f -exec setfacl -m u:pywats:rwX '{}' '+'"
        );
    }

    /// Fails if: what two folders need is taken from the second one with the first, or is not taken back with the last.
    #[test]
    fn what_two_folders_need_stays() {
        let one = plan("one", &[("/o/p/one".into(), needs(&["/o/p"], true, &[]))], false, &[]);
        let one = record_of(&one, "one");
        // The account may pass now, and needs nothing for that.
        let two =
            plan("two", &[("/o/p/two".into(), needs(&[], true, &[]))], false, std::slice::from_ref(&one));
        assert_eq!(two.steps.len(), 2, "{two:?}");
        let both = [one.clone(), record_of(&two, "two")];
        assert_eq!(
            undone(&done_for("one", true, &both)),
            ["setfacl -R -x u:pywats -x d:u:pywats -- /o/p/one"]
        );
        assert_eq!(undone(&done_for("two", true, &both[1..]))[0], "setfacl -x u:pywats -- /o/p");

        // A folder in a folder, into which the account came by the rights of that one.
        let inner =
            plan("in", &[("/o/p/one/in".into(), needs(&[], false, &[]))], false, std::slice::from_ref(&one));
        let both = [one.clone(), record_of(&inner, "in")];
        let gone = done_for("one", true, &both);
        let Some(Step::LetIn { keep, .. }) = gone.steps.last() else { panic!("{gone:?}") };
        assert_eq!(*keep, [PathBuf::from("/o/p/one/in")]);
        let again: Vec<String> = gone.again.iter().map(Step::command).collect();
        assert_eq!(again, ["setfacl -m u:pywats:x -- /o/p/one"]);
        assert_eq!(
            undone(&done_for("in", true, &both)),
            ["setfacl -R -x u:pywats -x d:u:pywats -- /o/p/one/in"]
        );

        // One whose done folder is in it: passing must not take back reading.
        let paths = [("/w".into(), needs(&[], true, &[])), ("/w/done".into(), needs(&["/w"], true, &[]))];
        let own = plan("own", &paths, false, &[]);
        let shown: Vec<String> = own.steps[1..].iter().map(Step::command).collect();
        let let_in = |path: &str| format!("setfacl -m u:pywats:rwx -m d:u:pywats:rwx -- {path}");
        assert_eq!(shown, [let_in("/w"), let_in("/w/done")]);
    }

    /// Fails if: a program that is missing is not named with its package, or one is asked for that is not run.
    #[test]
    fn missing_programs() {
        let path = || PathBuf::from("/w");
        let plan = plan("w", &[(path(), needs(&[], true, &[]))], true, &[]);
        for (has, wanted) in [
            (
                vec!["semanage"],
                Some("restorecon is not installed; install the package policycoreutils first"),
            ),
            (vec!["restorecon"], Some("the package policycoreutils-python-utils first")),
            (vec!["semanage", "restorecon"], None),
        ] {
            let found = plan.missing_by(|program| has.contains(&program));
            assert_eq!(found.is_some(), wanted.is_some(), "{found:?}");
            assert!(found.unwrap_or_default().contains(wanted.unwrap_or_default()), "{wanted:?}");
        }
        let lines = super::plan("w", &[(path(), needs(&[], false, &["A=b"]))], false, &[]);
        assert_eq!(lines.missing_by(|_| false), None);
    }

    /// Fails if: a step that fails, an end that fails or Ctrl-C leaves anything behind.
    #[test]
    #[cfg(unix)]
    fn half_done_is_undone() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("folder").join("made");
        let good = Step::Write(file.clone(), "x".to_owned());
        let bad = Step::Run(vec!["false".to_owned()], vec![vec!["false".to_owned()]]);
        let plan = |steps: &[&Step]| Plan {
            steps: steps.iter().map(|step| (*step).clone()).collect(),
            again: vec![],
        };
        assert!(all_or_none(&plan(&[&good, &bad]), &|| false, || Ok(())).is_err());
        assert!(!file.exists() && !dir.path().join("folder").exists());
        assert!(all_or_none(&plan(&[&good]), &|| true, || Ok(())).is_err());
        assert!(!file.exists());
        assert!(all_or_none(&plan(&[&good]), &|| false, || Err("no".to_owned())).is_err());
        assert!(!file.exists());
        all_or_none(&plan(&[&good]), &|| false, || Ok(())).unwrap();
        assert!(file.exists());
    }
}
