//! The order of versions, judged by those who decide by it what is newer: dpkg, rpm and Python's `packaging`, which is
//! what pip has. That of Windows is in the tests of `product-version`.

use crate::bench::Bench;
use crate::command::tool;
use anyhow::{Context, Result, ensure};
use packager::Version;

/// Releases in their order; what is built after each comes between it and the next.
const RELEASES: &[&str] = &[
    "0.1.0",
    "1.0.0-alpha.2",
    "1.0.0-beta.1",
    "1.0.0-beta.2",
    "1.0.0-beta.10",
    "1.0.0-rc.1",
    "1.0.0",
    "1.0.1-alpha.1",
    "1.0.1",
    "1.0.10",
    "1.1.0-beta.1",
    "1.1.0",
    "2.0.0-alpha.1",
    "2.0.0",
];

/// Debian's package of what pip has its own copy of.
const PACKAGING: &str = "import sys
from packaging.version import Version
versions = [Version(text) for text in sys.argv[1:]]
assert [str(version) for version in versions] == sys.argv[1:], 'not in the normal form'
for before, after in zip(versions, versions[1:]):
    assert before < after, f'{before} is not before {after}'
for version in versions:
    assert version.is_prerelease == any(letter.isalpha() for letter in str(version)), version
";

pub(super) fn judge(bench: &mut Bench) -> Result<()> {
    let mut versions: Vec<Version> = Vec::new();
    for release in RELEASES {
        let release: Version = release.parse()?;
        versions.extend([release, release.dev()]);
    }
    let tilde: Vec<String> = versions.iter().map(Version::tilde).collect();
    bench.case("dpkg orders versions as they follow each other", || {
        for pair in tilde.windows(2) {
            tool("dpkg", 60).args(["--compare-versions", &pair[0], "lt", &pair[1]]).run()?;
        }
        Ok(())
    });
    bench.case_needing(&["rpm"], "rpm orders versions as they follow each other", || {
        ensure!(!tilde.concat().contains('^'), "rpm of Enterprise Linux 8 does not know ^");
        let ask = |pair: &[String]| format!("print(rpm.vercmp('{}', '{}'), '')", pair[0], pair[1]);
        let program: String = tilde.windows(2).map(ask).collect::<Vec<_>>().join(" ");
        let said = tool("rpm", 60).arg("--eval").arg(format!("%{{lua: {program}}}")).read()?;
        let said: Vec<&str> = said.split_whitespace().collect();
        ensure!(said.len() + 1 == tilde.len(), "{} answers about {} versions", said.len(), tilde.len());
        let wrong = tilde.windows(2).zip(&said).find(|(_, said)| **said != "-1");
        ensure!(wrong.is_none(), "rpm.vercmp says {wrong:?}");
        Ok(())
    });
    bench.case("pip orders versions as they follow each other", || {
        let pep440 = versions.iter().map(Version::pep440);
        tool("/usr/bin/python3", 60)
            .args(["-c", PACKAGING])
            .args(pep440)
            .run()
            .context("package python3-packaging")
    });
    Ok(())
}
