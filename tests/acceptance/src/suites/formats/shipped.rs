//! The files inside the packages that other programs read: unit, scripts, manual pages, completions.

use super::names;
use crate::bench::Bench;
use crate::command::{said, tool};
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};

/// The exposure of the unit, times ten, by `systemd-analyze security` of systemd 252 (Debian 12): what is
/// left is the network, local sockets, and seeing the host's root folder.
const EXPOSURE: &str = "11";

/// Judges the files of the first DEB and the scriptlets of the first RPM.
pub(super) fn judge(bench: &mut Bench) -> Result<()> {
    let deb = bench.artifacts(".deb")?.swap_remove(0);
    let rpm = bench.artifacts(".rpm")?.swap_remove(0);
    let folder = bench.folder("shipped")?;
    let (tree, control) = (folder.join("tree"), folder.join("control"));
    tool("dpkg-deb", 120).arg("-x").args([&deb, &tree]).run()?;
    tool("dpkg-deb", 120).arg("-e").args([&deb, &control]).run()?;
    let unit = unit_as_installed(&tree, &folder)?;

    bench.case_needing(&["systemd-analyze"], "the unit is understood by systemd", || {
        let output = tool("systemd-analyze", 120).args(["verify", "--man=no"]).arg(&unit).output()?;
        let complaints = String::from_utf8_lossy(&output.stderr).into_owned();
        let of_ours: Vec<_> = complaints.lines().filter(|line| line.contains("pywats")).collect();
        ensure!(output.status.success() && of_ours.is_empty(), "{of_ours:?}\n{}", said(&output));
        Ok(())
    });
    bench.case_needing(&["systemd-analyze"], "the unit exposes no more than it must", || {
        tool("systemd-analyze", 120)
            .args(["security", "--offline=yes", "--threshold", EXPOSURE])
            .arg(&unit)
            .run()
    });
    bench.case_needing(&["shellcheck"], "maintainer scripts are sound", || {
        let scripts = files(&control)?;
        let is_script = |path: &PathBuf| fs::read(path).is_ok_and(|bytes| bytes.starts_with(b"#!"));
        let scripts: Vec<_> = scripts.into_iter().filter(is_script).collect();
        ensure!(scripts.len() >= 3, "only {scripts:?}");
        // Functions are asked in conditions (SC2310), and what fails in a pipe or a substitution says nothing (SC2312).
        tool("shellcheck", 120)
            .args(["--shell", "sh", "--enable", "all", "--exclude", "SC2250,SC2292,SC2310,SC2312"])
            .args(scripts)
            .run()
    });
    bench.case_needing(&["shellcheck", "rpm"], "scriptlets are sound", || {
        for tag in ["PREIN", "POSTIN", "PREUN", "POSTUN", "POSTTRANS"] {
            let script = folder.join(tag);
            let text =
                tool("rpm", 120).args(["-qp", "--queryformat", &format!("%{{{tag}}}")]).arg(&rpm).read()?;
            ensure!(text != "(none)", "there is no {tag}");
            fs::write(&script, text + "\n")?;
            tool("shellcheck", 120).args(["--shell", "sh"]).arg(&script).run()?;
        }
        Ok(())
    });
    bench.case_needing(&["mandoc", "groff"], "manual pages are sound", || {
        let pages = files(&tree.join("usr/share/man/man1"))?;
        ensure!(!pages.is_empty(), "there are none");
        for page in pages {
            let plain = folder.join("page.1");
            tool("sh", 120).arg("-c").arg("gzip -dc \"$0\" > \"$1\"").arg(&page).arg(&plain).run()?;
            tool("mandoc", 120).args(["-T", "lint", "-W", "error"]).arg(&plain).run()?;
            let output = tool("groff", 120).args(["-man", "-ww", "-z", "-Tutf8"]).arg(&plain).output()?;
            ensure!(
                output.status.success() && output.stderr.is_empty(),
                "{}: {}",
                page.display(),
                said(&output)
            );
        }
        Ok(())
    });
    for (shell, path) in [
        ("bash", "usr/share/bash-completion/completions/pywats-client"),
        ("zsh", "usr/share/zsh/vendor-completions/_pywats-client"),
        ("fish", "usr/share/fish/vendor_completions.d/pywats-client.fish"),
    ] {
        bench.case_needing(&[shell], &format!("{shell} reads its completions"), || {
            tool(shell, 120).arg("-n").arg(tree.join(path)).run()
        });
    }
    bench.case_needing(&["rpm", "dpkg-deb"], "DEB and RPM install the same files", || {
        let listed = tool("rpm", 120).arg("-qpl").arg(&rpm).read()?;
        let places = [("usr/share/zsh/site-functions/", "usr/share/zsh/vendor-completions/")];
        let mut rpm: Vec<_> = names(&listed).into_iter().filter(|name| name.starts_with("usr/")).collect();
        for name in &mut rpm {
            for (theirs, ours) in places {
                *name = name.replace(theirs, ours);
            }
        }
        let only_rpm: Vec<_> =
            rpm.iter().filter(|name| !name.contains("/licenses/") && !tree.join(name).exists()).collect();
        ensure!(rpm.len() > 5, "the RPM holds only {rpm:?}");
        ensure!(only_rpm.is_empty(), "only in the RPM: {only_rpm:?}");
        Ok(())
    });
    Ok(())
}

/// The unit and those drop-ins that are for the systemd here, as the package's scripts link them.
fn unit_as_installed(tree: &Path, folder: &Path) -> Result<PathBuf> {
    let unit = folder.join("pywats-client.service");
    let text = fs::read_to_string(tree.join("usr/lib/systemd/system/pywats-client.service"))?;
    // The program is not installed here, and systemd-analyze looks for it.
    fs::write(&unit, text.replace("/usr/bin/pywats-client", "/bin/true"))?;
    let Ok(said) = tool("systemctl", 10).arg("--version").read() else { return Ok(unit) };
    let version = said.split([' ', '.', '~', '\n']).nth(1).and_then(|number| number.parse().ok());
    let version: u32 = version.with_context(|| format!("systemctl says {said}"))?;
    let drop_ins = folder.join("pywats-client.service.d");
    fs::create_dir(&drop_ins)?;
    for file in files(&tree.join("usr/share/pywats-client/systemd"))? {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let least = name.strip_prefix("systemd-").and_then(|name| name.strip_suffix(".conf"));
        let least: u32 = least.and_then(|least| least.parse().ok()).with_context(|| name.clone())?;
        if least <= version {
            fs::copy(&file, drop_ins.join(&name))?;
        }
    }
    Ok(unit)
}

/// The files of a folder, sorted.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let reading = || format!("reading {}", folder.display());
    let entries = fs::read_dir(folder).with_context(reading)?;
    let mut files =
        entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>().with_context(reading)?;
    files.sort();
    Ok(files)
}
