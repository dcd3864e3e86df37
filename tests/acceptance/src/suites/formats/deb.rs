//! Debian packages, read by dpkg and tar and judged by lintian.

use super::{file_name, one_value, same_names};
use crate::bench::Bench;
use crate::command::{said, tool};
use anyhow::{Context, Result, ensure};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

pub(super) fn judge(bench: &mut Bench, path: &Path) -> Result<()> {
    let name = file_name(path);
    let tree = bench.folder(&name)?;

    bench.case_needing(&["dpkg-deb", "bsdtar"], &format!("{name}: dpkg and tar read the same files"), || {
        tool("dpkg-deb", 120).arg("--info").arg(path).run()?;
        tool("dpkg-deb", 120).arg("-x").args([path, &tree]).run()?;
        let members = tool("ar", 120).arg("t").arg(path).read()?;
        ensure!(members == "debian-binary\ncontrol.tar.xz\ndata.tar.xz\n", "members are {members:?}");
        let archive = bench_file(&tree, "data.tar");
        let listed = tool("dpkg-deb", 120).arg("--contents").arg(path).read()?;
        let listed: String = listed.lines().map(|line| format!("{}\n", last_field(line))).collect();
        tool("sh", 120)
            .arg("-c")
            .arg("dpkg-deb --fsys-tarfile \"$0\" > \"$1\"")
            .arg(path)
            .arg(&archive)
            .run()?;
        same_names(&tool("bsdtar", 120).arg("-tf").arg(&archive).read()?, &listed)
    });

    bench.case_needing(&["dpkg-deb"], &format!("{name}: the name tells version and architecture"), || {
        let field = |field| tool("dpkg-deb", 120).arg("-f").arg(path).arg(field).read();
        let told = format!(
            "{}_{}_{}.deb",
            field("Package")?.trim(),
            field("Version")?.trim(),
            field("Architecture")?.trim()
        );
        ensure!(told == name, "its control file says {told}");
        Ok(())
    });

    bench.case_needing(
        &["dpkg-deb"],
        &format!("{name}: everything belongs to root and has one time"),
        || {
            let listed = tool("dpkg-deb", 120).arg("--contents").arg(path).read()?;
            let column = |number: usize| -> String {
                listed
                    .lines()
                    .map(|line| line.split_whitespace().nth(number).unwrap_or_default().to_owned() + "\n")
                    .collect()
            };
            let owner = one_value("the owner", &column(1))?;
            ensure!(owner == "root/root", "the owner is {owner}");
            one_value("the date", &column(3))?;
            one_value("the time", &column(4))?;
            Ok(())
        },
    );

    bench.case(&format!("{name}: digests and size are those of the files"), || {
        let control = bench_file(&tree, "control");
        tool("dpkg-deb", 120).arg("-e").args([path, &control]).run()?;
        tool("md5sum", 120)
            .args(["--check", "--quiet", "--strict"])
            .arg(control.join("md5sums"))
            .current_dir(&tree)
            .run()?;
        let stated: u64 =
            tool("dpkg-deb", 120).arg("-f").arg(path).arg("Installed-Size").read()?.trim().parse()?;
        let measured = installed_size(&tree)?;
        ensure!(stated == measured, "Installed-Size is {stated}, the files take {measured} KiB");
        Ok(())
    });

    bench.case_needing(&["lintian"], &format!("{name}: lintian is content"), || {
        let output = tool("lintian", 120)
            .args([
                "--allow-root",
                "--display-info",
                "--tag-display-limit",
                "0",
                "--fail-on",
                "error,warning",
            ])
            .arg(path)
            .output()?;
        ensure!(output.status.success(), "{}", said(&output));
        // An override that no longer hides anything hides the next mistake.
        let text = said(&output);
        ensure!(!text.contains("unused-override") && !text.contains("mismatched-override"), "{text}");
        Ok(())
    });
    Ok(())
}

/// A path beside a folder of the bench.
fn bench_file(folder: &Path, suffix: &str) -> std::path::PathBuf {
    folder.with_extension(suffix)
}

/// The name in a line of `ls -l` form.
fn last_field(line: &str) -> &str {
    let line = line.split(" -> ").next().unwrap_or_default();
    line.rsplit(' ').next().unwrap_or_default()
}

/// KiB on disk by the rule of dpkg-gencontrol: files and links rounded up one by one, one for anything else.
fn installed_size(path: &Path) -> Result<u64> {
    let metadata = path.symlink_metadata().with_context(|| path.display().to_string())?;
    if !metadata.is_dir() {
        return Ok(metadata.size().div_ceil(1024));
    }
    let mut size = 1;
    for entry in fs::read_dir(path)? {
        size += installed_size(&entry?.path())?;
    }
    Ok(size)
}
