//! A person at the dialogs: reads, presses, fills in. `tests/wine/dialogs.c` does it inside Wine.

use super::screen::Screen;
use crate::suites::wine::prefix::Prefix;
use crate::suites::wine::station::Station;
use anyhow::{Context, Result, bail, ensure};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

/// The program, as Wine sees it.
const PROGRAM: &str = r"C:\dialogs.exe";
/// The package and the log of its installation.
const PACKAGE: &str = r"C:\package.msi";
const LOG: &str = r"C:\msi.log";
/// How long a person or an installation may take in all, in seconds.
const PATIENCE_SECONDS: &str = "150";

/// Where Debian has the font that dialogs are drawn in, with the widths that it has on Windows. Its Wine looks
/// for it elsewhere and takes a wider one; Wine of other systems has it in its own folder.
const FONTS: &str = "/usr/share/wine/fonts";

/// Puts the program and the font into a prefix. The program says so where the font is missing.
pub(super) fn invite(prefix: &Prefix) -> Result<()> {
    for font in ["tahoma.ttf", "tahomabd.ttf"] {
        let file = Path::new(FONTS).join(font);
        if file.exists() {
            fs::copy(&file, prefix.path(r"C:\windows\Fonts").join(font))
                .with_context(|| format!("copying {}", file.display()))?;
        }
    }
    prefix.compile("dialogs.c", PROGRAM, &["-lmsi", "-lgdi32"])
}

/// A person at a station.
pub(super) struct Person<'a> {
    screen: &'a Screen,
    program: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl<'a> Person<'a> {
    fn at(station: &Station, screen: &'a Screen) -> Result<Person<'a>> {
        let mut command = station.prefix().command("timeout");
        command.args([PATIENCE_SECONDS, "wine", PROGRAM]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut program = command.spawn().context("cannot run `wine`")?;
        let input = program.stdin.take().context("no input")?;
        let output = BufReader::new(program.stdout.take().context("no output")?);
        Ok(Person { screen, program, input, output })
    }

    /// A person who has opened the package, as by a double click.
    pub(super) fn opens(msi: &Path, station: &Station, screen: &'a Screen) -> Result<Person<'a>> {
        let log = station.path(LOG);
        fs::copy(msi, station.path(PACKAGE)).with_context(|| format!("copying {}", msi.display()))?;
        if log.exists() {
            fs::remove_file(log)?;
        }
        let mut person = Person::at(station, screen)?;
        person.ask(&["install", PACKAGE, LOG])?;
        Ok(person)
    }

    /// A person who sees a dialog of the package without an installation.
    pub(super) fn previews(
        dialog: &str,
        msi: &Path,
        station: &Station,
        screen: &'a Screen,
    ) -> Result<Person<'a>> {
        fs::copy(msi, station.path(PACKAGE)).with_context(|| format!("copying {}", msi.display()))?;
        let mut person = Person::at(station, screen)?;
        person.ask(&["preview", PACKAGE, dialog])?;
        Ok(person)
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
    pub(super) fn awaits(&mut self, text: &str, picture: &str) -> Result<()> {
        self.ask(&["show", text])?;
        self.screen.picture(picture)
    }

    /// Waits for a dialog with that text, and takes a picture of it. Everything has to fit into it.
    pub(super) fn sees(&mut self, text: &str, picture: &str) -> Result<()> {
        self.awaits(text, picture)?;
        let misfits = self.ask(&["misfits"])?;
        ensure!(misfits.is_empty(), "in the dialog of {picture}.png:\n{}", misfits.join("\n"));
        Ok(())
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

    /// Waits until every dialog is gone.
    pub(super) fn is_done(&mut self) -> Result<()> {
        self.ask(&["gone"]).map(drop)
    }

    /// Waits for the end of the installation, of which Windows Installer must have said that.
    pub(super) fn ends_with(mut self, code: &str, station: &Station) -> Result<()> {
        let found = self.ask(&["ended"])?.join("\n");
        ensure!(found == code, "Setup ended with {found}, not {code}\n{}", station.log());
        Ok(())
    }
}

impl Drop for Person<'_> {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}
