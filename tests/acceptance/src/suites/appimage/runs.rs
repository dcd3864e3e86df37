//! An AppImage is run: with nothing around it, and as its program would be.

use super::{Subject, as_root, deliver, names_in, open_to_all, version_line, write_program};
use crate::bench::Bench;
use crate::command::{said, tool};
use crate::products;
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};

/// Prints what it is given, and ends with 42.
const PROGRAM: &str = r#"#include <stdio.h>
extern char **environ;
int main(int count, char **arguments) {
    for (int i = 0; i < count; i++) printf("%d=%s\n", i, arguments[i]);
    for (char **variable = environ; *variable; variable++) printf("%s\n", *variable);
    return 42;
}
"#;

pub(super) fn judge(bench: &mut Bench, file: &Subject) -> Result<()> {
    let name = &file.name;
    let case = format!("{name}: starts as nobody, with an empty environment");
    if as_root(bench, &case)? {
        open_to_all(file.path.parent().context("a file has a folder")?)?;
        bench.case(&case, || {
            let nobody = ["--reuid=65534", "--regid=65534", "--clear-groups", "env", "-i"];
            let found = tool("setpriv", 60).args(nobody).arg(&file.path).arg("--version").read()?;
            ensure!(found == version_line()?, "it says {found}");
            Ok(())
        });
    }
    let case = format!("{name}: starts in a root folder with nothing else in it");
    if as_root(bench, &case)? {
        let root = bench.folder("root")?;
        bench.case(&case, || {
            write_program(&root.join("it"), &file.bytes)?;
            let nobody = "--userspec=65534:65534";
            let found = tool("chroot", 60).arg(nobody).arg(&root).args(["/it", "--version"]).read()?;
            ensure!(found == version_line()?, "it says {found}");
            ensure!(names_in(&root)? == ["it"], "it has left something");
            Ok(())
        });
    }
    let folder = bench.folder("told")?;
    bench.case_needing(&["cc"], &format!("{name}: the program is told what the usual runtime tells"), || {
        tells(file, &folder)
    });
    let folder = bench.folder("options")?;
    bench.case(&format!("{name}: its options do what they say, and unknown ones nothing"), || options(file, &folder));
    let folder = bench.folder("delivery")?;
    bench.case(&format!("{name}: delivers a report"), || deliver(&file.path, &file.runner(), &folder));
    Ok(())
}

/// For another processor: a program in memory would be executed by the kernel, which knows no emulator.
pub(super) fn judge_emulated(bench: &mut Bench, file: &Subject) -> Result<()> {
    let folder = bench.folder("emulated")?;
    bench.case(&format!("{}: its program, unpacked by itself, delivers a report", file.name), || {
        file.start().arg("--appimage-extract").current_dir(&folder).run()?;
        deliver(&folder.join("squashfs-root/AppRun"), &file.runner(), &folder)
    });
    Ok(())
}

/// Fails if: arguments, variables or the exit code get lost on the way, or the program is told of another AppImage.
fn tells(file: &Subject, folder: &Path) -> Result<()> {
    let other = with_program(file, PROGRAM, folder)?;
    let link = folder.join("a link");
    std::os::unix::fs::symlink(&other, &link)?;
    let shown = |path: &Path| path.display().to_string();
    let (other_shown, link_shown, folder_shown) = (shown(&other), shown(&link), shown(folder));
    let own = &["--appimage-extract-and-run"][..];
    for (program, first, variables) in [
        (&other, &[][..], &[][..]),
        (&link, &[][..], &[][..]),
        (&other, own, &[]),
        (&other, &[], &[("APPIMAGE_EXTRACT_AND_RUN", "1")]),
        // By another one, which takes it for itself.
        (&file.path, &[], &[("TARGET_APPIMAGE", other_shown.as_str())]),
    ] {
        let mut run = tool(program, 60).args(first).args(["one", "--two words", "", "--appimage-offset"]);
        for (name, value) in variables.iter().chain(&[("KEPT", "a b"), ("APPIMAGE", "/x"), ("APPDIR", "/y")]) {
            run = run.env(name, value);
        }
        let output = run.current_dir(folder).output()?;
        ensure!(output.status.code() == Some(42), "it ends with {}\n{}", output.status, said(&output));
        let text = String::from_utf8(output.stdout)?;
        let lines: Vec<&str> = text.lines().collect();
        let called = if program == &link { &link_shown } else { &shown(program) };
        for line in [
            &format!("0={called}"),
            "1=one",
            "2=--two words",
            "3=",
            "4=--appimage-offset",
            "KEPT=a b",
            &format!("APPIMAGE={other_shown}"),
            &format!("ARGV0={called}"),
            &format!("OWD={folder_shown}"),
        ] {
            let count = lines.iter().filter(|other| *other == &line).count();
            ensure!(count == 1, "{line} is there {count} times in\n{text}");
        }
        let wrong = lines.iter().find(|line| line.starts_with("APPDIR=") || line.starts_with("TARGET_APPIMAGE="));
        ensure!(wrong.is_none(), "the program is told {wrong:?}");
    }
    Ok(())
}

/// An AppImage with the same head and another program.
pub(super) fn with_program(file: &Subject, source: &str, folder: &Path) -> Result<PathBuf> {
    let programs = folder.join("programs");
    fs::create_dir(&programs)?;
    let mut head = file.bytes[..file.offset].to_vec();
    head[8..11].fill(0);
    fs::write(programs.join("appimage-runtime"), head)?;
    fs::write(folder.join("program.c"), source)?;
    let compile = tool("cc", 60).args(["-static-pie", "-Os", "-s", "program.c", "-o", "programs/pywats-client"]);
    compile.current_dir(folder).run()?;
    let target = format!("{}-linux", file.arch);
    let made = products::package("appimage", &target, "0.0.1", &programs.join("pywats-client"), folder)?;
    write_program(&made, &fs::read(&made)?)
}

/// Fails if: an option does something else than it says, or one that nobody knows reaches the program.
fn options(file: &Subject, folder: &Path) -> Result<()> {
    let run = |arguments: &[&str]| file.start().args(arguments).current_dir(folder).output();
    for (arguments, code, part) in [
        (&["--appimage-help"][..], 0, "--appimage-extract-and-run"),
        (&["--appimage-version"], 0, &*products::recipe()?.version.to_string()),
        (&["--appimage-updateinformation"], 0, ""),
        (&["--appimage-signature"], 0, ""),
        (&["--appimage-mount"], 127, &format!("offset={}", file.offset)),
        (&["--appimage-nonsense"], 127, "no option --appimage-nonsense; --appimage-help"),
        (&["--appimage-extract", "a", "b"], 127, "one pattern at most"),
        (&["--appimage-extract", "nowhere/*"], 127, "nothing in it is called \"nowhere/*\""),
        (&["no-such-verb"], 2, "no-such-verb"),
    ] {
        let output = run(arguments)?;
        let said = said(&output);
        ensure!(output.status.code() == Some(code), "{arguments:?} ends with {}\n{said}", output.status);
        ensure!(said.contains(part) && (!part.is_empty() || said.trim().is_empty()), "{arguments:?} says\n{said}");
        ensure!(names_in(folder)?.is_empty(), "{arguments:?} has left something");
    }
    // Of what a pattern names, that alone.
    ensure!(run(&["--appimage-extract", "usr/share/man/man1/*-run.1"])?.status.success(), "nothing is unpacked");
    let found = tool("find", 10).args(["squashfs-root", "-type", "f"]).current_dir(folder).read()?;
    ensure!(found == "squashfs-root/usr/share/man/man1/pywats-client-run.1\n", "unpacked is\n{found}");
    // What is there stays.
    let output = run(&["--appimage-extract"])?;
    ensure!(output.status.code() == Some(127) && said(&output).contains("there already"), "{}", said(&output));
    ensure!(names_in(folder)? == ["squashfs-root"], "it has left something");
    Ok(())
}
