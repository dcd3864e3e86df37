//! An AppImage and `pywats-client service install`: the service runs the file, not what was unpacked of it into memory.

use super::Service;
use crate::bench::Bench;
use crate::products::compare;
use anyhow::{Context, Result, ensure};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Where it stays.
const FILE: &str = "/opt/pywats-client.AppImage";
/// Where the program that is in it is copied to.
const COPY: &str = "usr/local/bin/pywats-client";
const UNIT: &str = "etc/systemd/system/pywats-client.service";

/// Its life, in a system from which the service is removed; `program` is the one that is to be in it.
pub(super) fn run(bench: &mut Bench, service: &Service<'_>, appimage: &Path, program: &Path) {
    let told = |outcome: Result<()>| outcome.with_context(|| service.journal());
    bench.steps(
        "AppImage",
        &[
            ("service install runs the AppImage", &|| told(service.runs_the_appimage(appimage))),
            ("the service delivers what an operator drops", &|| told(service.delivers())),
            ("service uninstall leaves the AppImage", &|| told(service.leaves_the_appimage())),
            ("--copy-to copies the program that is in it", &|| told(service.copies_what_is_in_it(program))),
        ],
    );
}

impl Service<'_> {
    /// Fails if: the unit names something else than the AppImage, or the service has more rights than a package's.
    fn runs_the_appimage(&self, appimage: &Path) -> Result<()> {
        let file = self.root.path(FILE.trim_start_matches('/'));
        fs::copy(appimage, &file)?;
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755))?;
        self.ends_with(0, &format!("{FILE} service install"))?;
        let unit = fs::read_to_string(self.root.path(UNIT))?;
        let start: Vec<_> = unit.lines().filter(|line| line.starts_with("ExecStart=")).collect();
        ensure!(start == [format!("ExecStart={FILE} run")], "the unit says {start:?}");
        self.run("systemctl is-active pywats-client && systemctl is-enabled pywats-client")?;
        self.has_no_rights()?;
        let state = self.ends_with(0, &format!("{FILE} service status"))?;
        ensure!(state.contains(&format!("{FILE} run")) && state.contains("service install"), "{state}");
        let said = self.ends_with(10, &format!("{FILE} service install"))?;
        ensure!(said.contains("installed already"), "{said}");
        Ok(())
    }

    /// Fails if: the file that is the installation goes with the service, or anything else stays.
    fn leaves_the_appimage(&self) -> Result<()> {
        self.ends_with(0, &format!("{FILE} service uninstall --purge"))?;
        ensure!(self.root.path(FILE.trim_start_matches('/')).is_file(), "{FILE} is gone");
        for gone in [UNIT, "etc/pywats", "var/lib/pywats"] {
            ensure!(!self.root.path(gone).exists(), "/{gone} is still there");
        }
        Ok(())
    }

    /// Fails if: the copy is not the program, bit for bit, or stays when the service is removed.
    fn copies_what_is_in_it(&self, program: &Path) -> Result<()> {
        self.ends_with(0, &format!("{FILE} service install --copy-to /usr/local/bin --no-start"))?;
        compare(program, &self.root.path(COPY))?;
        self.ends_with(0, &format!("/{COPY} service uninstall --purge"))?;
        ensure!(!self.root.path(COPY).exists(), "/{COPY} is still there");
        Ok(())
    }
}
