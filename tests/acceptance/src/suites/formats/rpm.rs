//! RPM packages, read by rpm, cpio and libarchive and judged by rpmlint.

use super::{file_name, one_value, same_names};
use crate::bench::Bench;
use crate::command::{said, tool};
use anyhow::{Result, ensure};
use std::path::Path;

/// What the rpm of Enterprise Linux 8 (4.14) can read, and nothing newer.
const FEATURES: &[&str] = &["CompressedFileNames", "FileDigests", "PayloadFilesHavePrefix", "PayloadIsXz", "RichDependencies"];

/// Judges a package. `rpmlint` is the configuration that says what is as it should be in it.
pub(super) fn judge(bench: &mut Bench, path: &Path, rpmlint: &Path) -> Result<()> {
    let name = file_name(path);
    let query = |format: &str| tool("rpm", 120).args(["-qp", "--queryformat", format]).arg(path).read();

    bench.case_needing(&["rpm"], &format!("{name}: digests are right"), || {
        let said = tool("rpm", 120).args(["--checksig", "--nosignature", "--verbose"]).arg(path).read()?;
        ensure!(said.contains("Payload SHA256") && !said.contains("BAD"), "{said}");
        Ok(())
    });

    bench.case_needing(
        &["rpm", "rpm2cpio", "cpio", "bsdtar"],
        &format!("{name}: rpm, cpio and bsdtar read the same files"),
        || {
            let listed = tool("rpm", 120).arg("-qpl").arg(path).read()?;
            let unpacked =
                tool("sh", 120).arg("-c").arg("rpm2cpio \"$0\" | cpio --list --quiet").arg(path).read()?;
            same_names(&listed, &unpacked)?;
            same_names(&listed, &tool("bsdtar", 120).arg("-tf").arg(path).read()?)
        },
    );

    bench.case_needing(&["rpm"], &format!("{name}: the name tells version and architecture"), || {
        let told = query("%{NAME}-%{VERSION}-%{RELEASE}.%{ARCH}.rpm")?;
        ensure!(told == name, "its header says {told}");
        Ok(())
    });

    bench.case_needing(&["rpm"], &format!("{name}: one time, no trace of the building machine"), || {
        let time = one_value("the time of the files", &query("[%{FILEMTIMES}\n]")?)?;
        ensure!(query("%{BUILDTIME}")? == time, "the package is built at another time than its files");
        let host = query("%{BUILDHOST}")?;
        ensure!(host == "localhost", "the build host is {host}");
        Ok(())
    });

    bench.case_needing(&["rpm"], &format!("{name}: Enterprise Linux 8 can read it"), || {
        let requires = tool("rpm", 120).args(["-qp", "--requires"]).arg(path).read()?;
        let features = requires.lines().filter_map(|line| line.strip_prefix("rpmlib(")?.split_once(')'));
        for (feature, _) in features {
            ensure!(FEATURES.contains(&feature), "it needs the feature {feature} of rpm");
        }
        ensure!(query("%{PAYLOADCOMPRESSOR}")? == "xz", "the payload is not compressed by xz");
        Ok(())
    });

    bench.case_needing(&["rpm"], &format!("{name}: licence and manual pages are marked"), || {
        let flags = query("[%{FILEFLAGS:fflags} %{FILENAMES}\n]")?;
        // What has no program has no manual page.
        let has_program = query("%{ARCH}")? != "noarch";
        for (flag, file) in
            [("l", "/usr/share/licenses/"), ("d", "/usr/share/man/")].into_iter().take(1 + usize::from(has_program))
        {
            let mut marked = flags.lines().filter(|line| line.contains(file)).peekable();
            ensure!(marked.peek().is_some(), "nothing in {file}");
            // Folders carry no mark.
            ensure!(
                marked.any(|line| line.starts_with(&format!("{flag} "))),
                "{file} is not marked {flag}: {flags}"
            );
        }
        Ok(())
    });

    bench.case_needing(&["rpmlint"], &format!("{name}: rpmlint is content"), || {
        let output = tool("rpmlint", 120).arg("--config").arg(rpmlint).arg(path).output()?;
        ensure!(
            output.status.success() && said(&output).contains("0 errors, 0 warnings"),
            "{}",
            said(&output)
        );
        Ok(())
    });
    Ok(())
}
