//! An AppImage where programs may not be run from memory: it says what to do, and what it says works.

use super::{Subject, as_root, names_in, version_line};
use crate::bench::Bench;
use crate::command::{Tool, said, tool};
use anyhow::{Context, Result, ensure};
use std::fs;

/// Runs a program for which one system call fails: a filter of the kernel's.
const DENY: &str = include_str!("deny.py");

pub(super) fn judge(bench: &mut Bench, file: &Subject) -> Result<()> {
    let name = &file.name;
    let case = format!("{name}: starts on a kernel that does not know programs in memory from data");
    bench.case_needing(&["python3"], &case, || {
        // MFD_EXEC, as Linux before 6.3 answers to it.
        let found = tool("python3", 60).args(["-c", DENY, "memfd_create:10", "EINVAL"]).arg(&file.path);
        ensure!(found.arg("--version").read()? == version_line()?, "it says something else");
        Ok(())
    });
    for (case, call, error) in [
        ("a kernel that knows no programs in memory", "memfd_create", "ENOSYS"),
        ("a policy that forbids to make them", "memfd_create", "EPERM"),
        ("a policy that forbids to execute them", "execveat", "EACCES"),
    ] {
        let folder = bench.folder(case)?;
        bench.case_needing(&["python3"], &format!("{name}: on {case}, it says what helps, and that helps"), || {
            let run = |arguments: &[&str]| {
                let denied = tool("python3", 60).args(["-c", DENY, call, error]).arg(&file.path);
                denied.args(arguments).env("TMPDIR", &folder)
            };
            // A file that has no name any more is executed by the same call as memory.
            let helps = call == "memfd_create";
            says_what_helps(file, &run, helps)?;
            ensure!(names_in(&folder)?.is_empty(), "it has left something");
            Ok(())
        });
    }
    let case = format!("{name}: with vm.memfd_noexec=2, it says what helps, and that helps");
    if fs::metadata("/proc/sys/vm/memfd_noexec").is_err() {
        bench.not_run(&case, "this kernel has no such setting: it takes Linux 6.3");
    } else if as_root(bench, &case)? {
        bench.case_needing(&["unshare"], &case, || {
            // It is a setting of a name space of processes.
            let script = "echo \"$0\" > /proc/sys/vm/memfd_noexec && exec \"$@\"";
            let run = |level: &str, arguments: &[&str]| {
                let shell = tool("unshare", 60).args(["--pid", "--fork", "--mount-proc", "sh", "-c", script, level]);
                shell.arg(&file.path).args(arguments)
            };
            ensure!(run("1", &["--version"]).read()? == version_line()?, "it does not run with level 1");
            says_what_helps(file, &|arguments| run("2", arguments), true)
        });
    }
    let case = format!("{name}: where temporary files cannot be executed either, it names TMPDIR");
    if as_root(bench, &case)? {
        let folder = bench.folder("noexec")?;
        bench.case_needing(&["unshare"], &case, || {
            let script = "mount -t tmpfs -o noexec none \"$TMPDIR\" && \"$@\"; code=$?; ls -A \"$TMPDIR\"; exit $code";
            let mounted = tool("unshare", 60).args(["--mount", "sh", "-c", script, "sh"]).arg(&file.path);
            let run = mounted.args(["--appimage-extract-and-run", "--version"]).env("TMPDIR", &folder);
            let output = run.output()?;
            let text = said(&output);
            ensure!(output.status.code() == Some(127) && output.stdout.is_empty(), "{text}");
            ensure!(text.contains("name another folder by TMPDIR") && text.contains("--appimage-extract"), "{text}");
            Ok(())
        });
    }
    Ok(())
}

/// Fails if: it runs all the same, does not name the option that helps, or that does not help.
fn says_what_helps(file: &Subject, run: &dyn Fn(&[&str]) -> Tool, helps: bool) -> Result<()> {
    let output = run(&["--version"]).output()?;
    let text = said(&output);
    ensure!(output.status.code() == Some(127), "it ends with {}\n{text}", output.status);
    for part in ["from memory", "--appimage-extract-and-run", "--appimage-extract "] {
        ensure!(text.contains(part), "{part:?} is not said in\n{text}");
    }
    let output = run(&["--appimage-extract-and-run", "--version"]).output()?;
    if helps {
        let found = String::from_utf8(output.stdout).context("it says no text")?;
        ensure!(output.status.success() && found == version_line()?, "{} says {found}", file.name);
    } else {
        let text = said(&output);
        ensure!(output.status.code() == Some(127) && text.contains("--appimage-extract"), "{text}");
    }
    Ok(())
}
