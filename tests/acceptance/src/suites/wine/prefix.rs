//! A Windows to install into: a Wine prefix of its own, without a display unless one is given.
//!
//! Wine's own ways that this hides: the exit code of a Windows program comes back cut to eight bits, so
//! programs run in a batch file that prints it; what a program leaves running holds on to its output, so
//! that goes into a file; when the last program ends, the machine "shuts down" and services with it, so one
//! program always waits; a new prefix says that it is Windows 7; services get another `%ProgramData%` than
//! everyone else, so the client is told its folder by the machine's environment.

use crate::command::tool;
use crate::products;
use anyhow::{Context, Result, ensure};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

/// How long one batch file may take, in seconds, on a machine that does nothing else.
const BATCH_SECONDS: u32 = 120;
/// Where the client has configuration and data, as Windows sees it.
pub(crate) const DATA: &str = r"C:\ProgramData\pyWATS";

/// A Wine prefix. Everything that runs in it ends when this is dropped.
pub(crate) struct Prefix {
    folder: PathBuf,
    /// Name of an X display, or nothing.
    display: String,
    /// A program that waits for its input, which never comes.
    waiting: Option<Child>,
}

/// What a batch file printed, and the exit code of its last program.
pub(crate) struct Batch {
    pub(crate) output: String,
    pub(crate) code: i64,
}

impl Prefix {
    /// Makes a prefix from nothing. That takes a while: make one and [`Prefix::copy`] it.
    pub(crate) fn create(folder: &Path) -> Result<Prefix> {
        Prefix::create_on(folder, "")
    }

    /// The same with windows, on an X display.
    pub(crate) fn create_on(folder: &Path, display: &str) -> Result<Prefix> {
        let prefix = Prefix { folder: folder.join("template"), display: display.to_owned(), waiting: None };
        fs::create_dir_all(&prefix.folder)?;
        prefix.wine("wineboot", &["-i"])?;
        prefix.wait()?;
        prefix.wine("wine", &["winecfg", "-v", "win10"])?;
        prefix.add_random_numbers()?;
        let environment = r"HKLM\SYSTEM\CurrentControlSet\Control\Session Manager\Environment";
        for (name, value) in
            [("PYWATS_DATA_DIR", DATA.to_owned()), ("PYWATS_CONFIG", format!(r"{DATA}\config.json"))]
        {
            let added = prefix.batch(&format!(r#"reg add "{environment}" /v {name} /d {value} /f"#))?;
            ensure!(added.code == 0, "reg add failed ({}): {}", added.code, added.output);
        }
        // How long Wine waits until a service that was started answers, in milliseconds: ten seconds by itself, in which
        // a busy machine may not even have loaded the program.
        let control = r"HKLM\SYSTEM\CurrentControlSet\Control";
        let added = prefix
            .batch(&format!(r#"reg add "{control}" /v ServicesPipeTimeout /t REG_DWORD /d 120000 /f"#))?;
        ensure!(added.code == 0, "reg add failed ({}): {}", added.code, added.output);
        if !display.is_empty() {
            prefix.add_desktop()?;
        }
        prefix.stop();
        prefix.wait()?;
        Ok(prefix)
    }

    /// Lets Wine draw the frames of windows, in a desktop of the display's size: there is no window manager.
    fn add_desktop(&self) -> Result<()> {
        let explorer = r"HKCU\Software\Wine\Explorer";
        for (key, name, value) in [
            (explorer.to_owned(), "Desktop", "Default"),
            (format!(r"{explorer}\Desktops"), "Default", "800x600"),
        ] {
            let added = self.batch(&format!(r#"reg add "{key}" /v {name} /d {value} /f"#))?;
            ensure!(added.code == 0, "reg add failed ({}): {}", added.code, added.output);
        }
        Ok(())
    }

    /// Adds the library that Rust programs take random numbers from, where Wine is too old to have it.
    fn add_random_numbers(&self) -> Result<()> {
        let library = r"C:\windows\system32\bcryptprimitives.dll";
        if self.path(library).exists() {
            return Ok(());
        }
        self.compile("bcryptprimitives.c", library, &["-shared", "-ladvapi32"])
    }

    /// Compiles a source of `tests/wine` into the prefix.
    pub(crate) fn compile(&self, source: &str, target: &str, options: &[&str]) -> Result<()> {
        let source = products::workspace().join("tests/wine").join(source);
        tool("x86_64-w64-mingw32-gcc", 600)
            .args(["-O2", "-s", "-o"])
            .arg(self.path(target))
            .arg(source)
            .args(options)
            .run()
    }

    /// A copy of a prefix in which nothing runs, and switches the machine on. Windows' own files are shared;
    /// nothing changes them.
    pub(crate) fn copy(&self, folder: &Path) -> Result<Prefix> {
        let target = folder.join("prefix");
        fs::create_dir_all(target.join("drive_c"))?;
        tool("cp", 60)
            .args(["-a", "--link"])
            .arg(self.path(r"C:\windows"))
            .arg(target.join("drive_c"))
            .run()?;
        tool("cp", 60).args(["-a", "--no-clobber"]).arg(self.folder.join(".")).arg(&target).run()?;
        let mut copy = Prefix { folder: target, display: self.display.clone(), waiting: None };
        let waiting = copy.command("wine").arg("cmd").stdin(Stdio::piped()).spawn();
        copy.waiting = Some(waiting.context("cannot run `wine`")?);
        Ok(copy)
    }

    /// A program of Wine that goes on while we do something else. It says nothing unless told otherwise.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.envs(self.environment()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// The path on this system of a path on drive C.
    pub(crate) fn path(&self, windows: &str) -> PathBuf {
        let below = windows.strip_prefix(r"C:\").unwrap_or(windows);
        self.folder.join("drive_c").join(below.replace('\\', "/"))
    }

    /// Runs a batch file and returns the exit code of its last command, whatever that is.
    pub(crate) fn batch(&self, commands: &str) -> Result<Batch> {
        let text = format!("@echo off\r\n{}\r\necho EXIT=%ERRORLEVEL%\r\n", commands.replace('\n', "\r\n"));
        fs::write(self.path(r"C:\step.bat"), console_text(&text)?)?;
        let output = self.path(r"C:\step.out");
        if output.exists() {
            fs::remove_file(&output)?;
        }
        let begin = || self.wine("wine", &["cmd", "/c", r"C:\step.bat > C:\step.out 2>&1"]);
        let mut ended = begin()?;
        if !output.exists() {
            // Nothing of it has begun: on a busy machine Wine itself sometimes does not.
            ended = begin()?;
        }
        let output = fs::read(&output).with_context(|| format!("the batch file left no output: wine: {ended}"))?;
        let output = String::from_utf8_lossy(&output).into_owned();
        let (before, code) = output
            .rsplit_once("EXIT=")
            .with_context(|| format!("the batch file did not reach its end:\n{output}"))?;
        let code = code.trim().parse().with_context(|| format!("exit code {code:?}"))?;
        Ok(Batch { output: before.to_owned(), code })
    }

    /// Runs a program of Wine to its end. It must not keep our pipes open beyond that.
    fn wine(&self, program: &str, arguments: &[&str]) -> Result<ExitStatus> {
        let run = tool("sh", BATCH_SECONDS)
            .args(["-c", "exec \"$@\" >/dev/null 2>&1", "sh", program])
            .args(arguments);
        self.environment().into_iter().fold(run, |run, (name, value)| run.env(name, value)).output()
            .map(|output| output.status)
    }

    /// Waits until nothing runs in the prefix any more.
    fn wait(&self) -> Result<()> {
        self.server("-w")
    }

    /// Ends everything that runs in the prefix.
    fn stop(&self) {
        // What is not running any more cannot be ended, which is what was wanted.
        let _ = self.server("-k");
    }

    fn server(&self, argument: &str) -> Result<()> {
        tool("wineserver", 60).arg(argument).env("WINEPREFIX", &self.folder).output()?;
        Ok(())
    }

    /// What every program of Wine must know.
    fn environment(&self) -> [(&'static str, OsString); 4] {
        [
            ("WINEPREFIX", self.folder.clone().into()),
            ("WINEDEBUG", "-all".into()),
            // Neither .NET nor a browser, which Wine would offer to download, nor menu entries.
            ("WINEDLLOVERRIDES", "mscoree=;mshtml=;winemenubuilder.exe=".into()),
            ("DISPLAY", self.display.clone().into()),
        ]
    }
}

/// A text in the code page of consoles (437), as batch files are read.
fn console_text(text: &str) -> Result<Vec<u8>> {
    const BEYOND_ASCII: &[(char, u8)] = &[
        ('ü', 0x81),
        ('ä', 0x84),
        ('å', 0x86),
        ('Ä', 0x8e),
        ('æ', 0x91),
        ('ö', 0x94),
        ('Ö', 0x99),
        ('Ü', 0x9a),
        ('ß', 0xe1),
    ];
    let byte = |c: char| match u8::try_from(c) {
        Ok(byte) if c.is_ascii() => Some(byte),
        _ => BEYOND_ASCII.iter().find(|(known, _)| *known == c).map(|(_, byte)| *byte),
    };
    text.chars().map(|c| byte(c).with_context(|| format!("{c:?} has no place in a batch file"))).collect()
}

impl Drop for Prefix {
    fn drop(&mut self) {
        // First: where nothing else was done yet, it would start a server after the others have ended.
        if let Some(mut waiting) = self.waiting.take() {
            let _ = waiting.kill();
            let _ = waiting.wait();
        }
        self.stop();
    }
}
