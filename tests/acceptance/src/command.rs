//! Other people's programs: run with a time limit, and shown with what they said when they fail.

use anyhow::{Context, Result, bail, ensure};
use std::ffi::OsStr;
use std::process::{Command, Output, Stdio};

/// A program to run: arguments, environment and folder as on [`Command`], plus a time limit.
pub(crate) struct Tool {
    command: Command,
    shown: String,
    aloud: bool,
}

/// How much slower than the figures in the suites a machine may be that does other work besides. A limit is there for
/// what hangs, and costs nothing where nothing does.
pub(crate) const LOADED: u32 = 5;

/// Starts describing a run of `program` that is killed when it takes much longer than the `seconds` that are plenty on
/// a machine that does nothing else.
///
/// The program starts with an English locale, so that what it says can be compared.
pub(crate) fn tool(program: impl AsRef<OsStr>, seconds: u32) -> Tool {
    // coreutils' timeout ends the whole process group, which a wait with a limit would not.
    let mut command = Command::new("timeout");
    command.arg("--kill-after=5").arg((seconds * LOADED).to_string()).arg(program.as_ref());
    command.env("LC_ALL", "C.UTF-8").env("TZ", "UTC").stdin(Stdio::null());
    Tool { command, shown: program.as_ref().to_string_lossy().into_owned(), aloud: false }
}

/// The first of these programs that is not installed.
pub(crate) fn missing<'a>(programs: &[&'a str]) -> Option<&'a str> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let installed = |program: &str| std::env::split_paths(&path).any(|folder| folder.join(program).is_file());
    programs.iter().copied().find(|program| !installed(program))
}

impl Tool {
    pub(crate) fn arg(mut self, arg: impl AsRef<OsStr>) -> Tool {
        self.shown += &format!(" {}", arg.as_ref().to_string_lossy());
        self.command.arg(arg);
        self
    }

    pub(crate) fn args(self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Tool {
        args.into_iter().fold(self, Tool::arg)
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Tool {
        self.command.env(name, value);
        self
    }

    pub(crate) fn env_remove(mut self, name: &str) -> Tool {
        self.command.env_remove(name);
        self
    }

    /// Lets what it says on standard error appear as it comes: for programs that take minutes.
    pub(crate) fn aloud(mut self) -> Tool {
        self.aloud = true;
        self
    }

    pub(crate) fn current_dir(mut self, folder: impl AsRef<std::path::Path>) -> Tool {
        self.command.current_dir(folder);
        self
    }

    /// Runs it and returns what it printed and how it ended, whatever that is.
    pub(crate) fn output(mut self) -> Result<Output> {
        if self.aloud {
            self.command.stderr(Stdio::inherit());
        }
        let output = self.command.output().with_context(|| format!("cannot run `{}`", self.shown))?;
        match output.status.code() {
            Some(124 | 137) => bail!("`{}` did not end in time\n{}", self.shown, said(&output)),
            // As timeout says it; programs may end with 127 themselves.
            Some(127) if said(&output).contains("timeout: failed to run command") => {
                bail!("`{}`: the program is not installed", self.shown)
            }
            _ => Ok(output),
        }
    }

    /// Runs it, which must succeed, and returns its standard output.
    pub(crate) fn read(self) -> Result<String> {
        let shown = self.shown.clone();
        let output = self.output()?;
        ensure!(output.status.success(), "`{shown}` failed ({})\n{}", output.status, said(&output));
        String::from_utf8(output.stdout).with_context(|| format!("`{shown}` did not print UTF-8"))
    }

    /// Runs it, which must succeed.
    pub(crate) fn run(self) -> Result<()> {
        let shown = self.shown.clone();
        let output = self.output()?;
        ensure!(output.status.success(), "`{shown}` failed ({})\n{}", output.status, said(&output));
        Ok(())
    }
}

/// The end of what a program printed on both streams.
pub(crate) fn said(output: &Output) -> String {
    let text = [&output.stdout, &output.stderr].map(|s| String::from_utf8_lossy(s).trim_end().to_owned());
    let text = text.join("\n");
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(40)..].join("\n")
}
