//! A person at the dialogs: reads, presses, fills in. `tests/wine/dialogs.c` does it inside Wine.

use super::screen::Screen;
use crate::command::tool;
use crate::products;
use crate::suites::wine::prefix::Prefix;
use crate::suites::wine::station::Station;
use anyhow::{Context, Result, bail, ensure};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

/// The program, as Wine sees it.
const PROGRAM: &str = r"C:\dialogs.exe";
/// How long a person or an installation may take in all, in seconds.
const PATIENCE_SECONDS: &str = "150";

/// Puts the program into a prefix.
pub(super) fn invite(prefix: &Prefix) -> Result<()> {
    tool("x86_64-w64-mingw32-gcc", 600)
        .args(["-O2", "-s", "-o"])
        .arg(prefix.path(PROGRAM))
        .arg(products::workspace().join("tests/wine/dialogs.c"))
        .arg("-lmsi")
        .run()
}

/// A person at a station.
pub(super) struct Person<'a> {
    screen: &'a Screen,
    program: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl<'a> Person<'a> {
    pub(super) fn at(station: &Station, screen: &'a Screen) -> Result<Person<'a>> {
        let mut command = station.prefix().command("timeout");
        command.args([PATIENCE_SECONDS, "wine", PROGRAM]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut program = command.spawn().context("cannot run `wine`")?;
        let input = program.stdin.take().context("no input")?;
        let output = BufReader::new(program.stdout.take().context("no output")?);
        Ok(Person { screen, program, input, output })
    }

    /// Gives one command, and returns what the answer has besides "ok".
    fn ask(&mut self, parts: &[&str]) -> Result<Vec<String>> {
        let command = parts.join("\t");
        writeln!(self.input, "{command}").with_context(|| format!("{command:?} found nobody"))?;
        self.input.flush()?;
        let mut lines: Vec<String> = Vec::new();
        loop {
            let mut line = String::new();
            ensure!(self.output.read_line(&mut line)? > 0, "nobody answered {command:?}");
            match line.trim_end() {
                "." => break,
                line => lines.push(line.to_owned()),
            }
        }
        if lines.first().is_none_or(|first| first != "ok") {
            self.screen.picture("fault")?;
            bail!("{command:?}: {}", lines.join("\n"));
        }
        Ok(lines.split_off(1))
    }

    /// Waits for a dialog with that text, and takes a picture of it.
    pub(super) fn sees(&mut self, text: &str, picture: &str) -> Result<()> {
        self.ask(&["show", text])?;
        self.screen.picture(picture)
    }

    pub(super) fn presses(&mut self, caption: &str) -> Result<()> {
        self.ask(&["press", caption]).map(drop)
    }

    pub(super) fn enters(&mut self, label: &str, text: &str) -> Result<()> {
        self.ask(&["enter", label, text]).map(drop)
    }

    /// The field after the label has that text.
    pub(super) fn reads(&mut self, label: &str, text: &str) -> Result<()> {
        let found = self.ask(&["field", label])?.join("\n");
        ensure!(found == text, "the field {label:?} has {found:?}, not {text:?}");
        Ok(())
    }

    /// Every control of the foremost dialog: class, `usable` or `grey`, `checked` or nothing, caption.
    pub(super) fn looks(&mut self) -> Result<Vec<[String; 4]>> {
        let lines = self.ask(&["look"])?;
        let controls = lines.iter().map(|line| {
            let mut parts = line.splitn(4, '\t').map(str::to_owned);
            [(); 4].map(|()| parts.next().unwrap_or_default())
        });
        Ok(controls.collect())
    }

    /// The control with that caption is as expected: `usable`, `grey`, `checked` or `unchecked`.
    pub(super) fn finds(&mut self, caption: &str, expected: &str) -> Result<()> {
        let control = self.looks()?.into_iter().find(|[.., text]| text == caption);
        let [_, usable, checked, _] = control.with_context(|| format!("there is no {caption:?}"))?;
        let is = match expected {
            "checked" => checked == "checked",
            "unchecked" => checked.is_empty(),
            state => usable == state,
        };
        ensure!(is, "{caption:?} is {usable} and {checked:?}, not {expected}");
        Ok(())
    }

    /// No control of the foremost dialog has that caption.
    pub(super) fn misses(&mut self, caption: &str) -> Result<()> {
        let there = self.looks()?.iter().any(|[.., text]| text == caption);
        ensure!(!there, "{caption:?} is there");
        Ok(())
    }

    /// Presses keys, such as `TAB` or `ALT+N`.
    pub(super) fn types(&mut self, keys: &[&str]) -> Result<()> {
        self.ask(&[&["keys"], keys].concat()).map(drop)
    }

    /// The control that has the keyboard has that caption or text.
    pub(super) fn is_at(&mut self, caption: &str) -> Result<()> {
        let found = self.ask(&["focus"])?.join("\n");
        ensure!(found.split('\t').nth(1) == Some(caption), "the keyboard is at {found:?}, not {caption:?}");
        Ok(())
    }

    /// Shows a dialog of the package at `C:\package.msi` without an installation.
    pub(super) fn previews(&mut self, dialog: &str) -> Result<()> {
        self.ask(&["preview", r"C:\package.msi", dialog]).map(drop)
    }

    /// Waits until every dialog is gone.
    pub(super) fn is_done(&mut self) -> Result<()> {
        self.ask(&["gone"]).map(drop)
    }
}

impl Drop for Person<'_> {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

/// An installation with dialogs, which goes on while a person is at them.
pub(super) struct Setup(Child);

impl Setup {
    /// Opens the package, as a double click does, with further properties.
    pub(super) fn open(station: &Station, msi: &Path, properties: &str) -> Result<Setup> {
        let (package, log) = (station.path(r"C:\package.msi"), station.path(r"C:\msi.log"));
        fs::copy(msi, package).with_context(|| format!("copying {}", msi.display()))?;
        if log.exists() {
            fs::remove_file(log)?;
        }
        let batch =
            format!("@msiexec /i C:\\package.msi /l*v C:\\msi.log {properties}\r\n@exit /b %ERRORLEVEL%\r\n");
        fs::write(station.path(r"C:\setup.bat"), batch)?;
        let mut command = station.prefix().command("timeout");
        command.args([PATIENCE_SECONDS, "wine", "cmd", "/c", r"C:\setup.bat"]);
        Ok(Setup(command.spawn().context("cannot run `wine`")?))
    }

    /// Waits for the end, which must have that exit code. Of it, eight bits come out of Wine.
    pub(super) fn ends_with(mut self, code: i32, station: &Station) -> Result<()> {
        let found = self.0.wait()?.code();
        ensure!(found == Some(code & 0xff), "Setup ended with {found:?}, not {code}\n{}", station.log());
        Ok(())
    }
}

impl Drop for Setup {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
