//! An unpacked archive and `pywats-client service install`: what the packages do by themselves.

use super::{Booted, Kind, Service};
use crate::bench::Bench;
use crate::client;
use crate::command::tool;
use crate::scratch::Root;
use anyhow::{Context, Result, ensure};
use std::path::Path;
use wats_test_server::Server;

/// As a package's, for what needs only the running service.
const KIND: Kind = Kind {
    name: "archive",
    install: "false",
    start: "true",
    remove: "/usr/local/bin/pywats-client service uninstall",
};
/// Where it is unpacked: the service sees no home folders.
const UNPACKED: &str = "root/unpacked";
/// The program there.
const PROGRAM: &str = "/root/unpacked/pywats-client";
/// The program where it is installed.
const INSTALLED: &str = "/usr/local/bin/pywats-client";
/// What an installation makes, other than accounts, configuration and data.
const MADE: [&str; 4] = [
    "etc/systemd/system/pywats-client.service",
    "etc/tmpfiles.d/pywats-client.conf",
    "usr/local/bin/pywats-client",
    "run/pywats",
];
/// Lets the service fail to start.
const OBSTACLE: &str = "etc/systemd/system/pywats-client.service.d/obstacle.conf";

pub(super) fn run(bench: &mut Bench, base: &Path, archive: &Path, appimage: &Path) -> Result<()> {
    let root = Root::unpack(base, &bench.folder("archive")?)?;
    let folder = root.path(UNPACKED);
    std::fs::create_dir_all(&folder)?;
    tool("tar", 60).args(["--strip-components=1", "-xzf"]).arg(archive).arg("-C").arg(&folder).run()?;
    let mut booted = None;
    bench.case("archive: a system boots for it", || {
        booted = Some(Booted::start(&root)?);
        Ok(())
    });
    let Some(system) = booted else {
        bench.not_run("archive: service install in a running system", "no system booted");
        return Ok(());
    };
    let service = Service { kind: &KIND, root: &root, system };
    let told = |outcome: Result<()>| outcome.with_context(|| service.journal());
    bench.steps(
        "archive",
        &[
            ("is not installed from where the service cannot run it", &|| service.stays_out()),
            ("an installation that fails leaves nothing", &|| told(service.rolls_back())),
            ("service install starts it as its own account", &|| told(service.is_installed())),
            ("operators reach the folder of the sockets, others do not", &|| told(service.has_doors())),
            ("delivers what an operator drops", &|| told(service.delivers())),
            ("health and support-bundle speak of it", &|| told(service.is_described())),
            ("start, stop and restart wait until it is done", &|| told(service.is_operated())),
            ("service uninstall keeps configuration and data, a purge does not", &|| {
                told(service.is_uninstalled())
            }),
        ],
    );
    super::appimage::run(bench, &service, appimage, &folder.join("pywats-client"));
    Ok(())
}

impl Service<'_> {
    /// Fails if: a program in a home folder is registered, or what to do is not said; or a dry run changes anything.
    fn stays_out(&self) -> Result<()> {
        let said = self.ends_with(12, &format!("{PROGRAM} service install"))?;
        ensure!(said.contains("--copy-to /usr/local/bin"), "{said}");
        self.ends_with(11, &format!("{PROGRAM} service status"))?;
        let said = self.ends_with(0, &format!("{PROGRAM} service install --copy-to /usr/local/bin --dry-run"))?;
        ensure!(said.contains("write the unit") && said.contains("systemctl enable"), "{said}");
        self.expect_nothing()?;
        ensure!(self.run("getent passwd pywats").is_err(), "a dry run has made the account");
        Ok(())
    }

    /// Fails if: a service that does not start is left behind in part.
    fn rolls_back(&self) -> Result<()> {
        self.root.write(OBSTACLE, "[Service]\nExecStartPre=/bin/false\n")?;
        let said = self.ends_with(30, &format!("{PROGRAM} service install --copy-to /usr/local/bin"))?;
        ensure!(said.contains("what was done before is undone"), "{said}");
        self.expect_nothing()?;
        ensure!(self.property("LoadState")? == "not-found", "systemd still knows it");
        std::fs::remove_file(self.root.path(OBSTACLE))?;
        Ok(())
    }

    /// Fails if: the service does not run as the packages let it, or is installed twice.
    fn is_installed(&self) -> Result<()> {
        self.ends_with(0, &format!("{PROGRAM} service install --copy-to /usr/local/bin"))?;
        self.run("systemctl is-active pywats-client && systemctl is-enabled pywats-client")?;
        self.has_no_rights()?;
        for (folder, expected) in [
            ("/etc/pywats", "750 root:pywats"),
            ("/var/lib/pywats", "751 pywats:pywats"),
            ("/var/lib/pywats/watch", "2770 pywats:pywats-operators"),
            ("/usr/local/bin/pywats-client", "755 root:root"),
        ] {
            let found = self.system.read(&format!("stat --format '%a %U:%G' {folder}"))?;
            ensure!(found.trim() == expected, "{folder} is {}, not {expected}", found.trim());
        }
        let said = self.ends_with(10, &format!("{INSTALLED} service install"))?;
        ensure!(said.contains("installed already"), "{said}");
        let state = self.ends_with(0, &format!("{INSTALLED} service status --json"))?;
        for part in
            ["\"installed_by\": \"service install\"", "\"running\": true", "\"account\": \"pywats\"", "not ready"]
        {
            ensure!(state.contains(part), "{part} is not in {state}");
        }
        Ok(())
    }

    /// Fails if: a container's probe or support would be told nothing, or root makes a file in the data folder.
    fn is_described(&self) -> Result<()> {
        let server = Server::start()?;
        let data = Path::new("/var/lib/pywats");
        let configuration = client::configuration(data, server.url(), client::free_port()?);
        self.root.write("etc/pywats/config.json", &configuration.to_string())?;
        // The port is a new one, at which the service listens by and by.
        client::wait_until(|| self.ends_with(0, &format!("{INSTALLED} health --ready")).is_ok())?;
        self.ends_with(0, &format!("{INSTALLED} support-bundle -o /bundle.zip"))?;
        self.ends_with(1, &format!("{INSTALLED} support-bundle -o /var/lib/pywats/bundle.zip"))?;
        let rights = self.system.read("stat --format '%a %U' /bundle.zip")?;
        ensure!(rights.trim() == "600 root", "the bundle is {rights}");
        let of_root = self.system.read("find /var/lib/pywats -user root")?;
        ensure!(of_root.is_empty(), "of root in the data folder: {of_root}");
        Ok(())
    }

    /// Fails if: a verb returns before the service does what it says, or has another exit code.
    fn is_operated(&self) -> Result<()> {
        self.ends_with(0, &format!("{INSTALLED} service stop"))?;
        ensure!(self.property("ActiveState")? == "inactive", "it is not stopped");
        self.ends_with(32, &format!("{INSTALLED} service status"))?;
        self.ends_with(0, &format!("{INSTALLED} service start"))?;
        let before = self.property("MainPID")?;
        self.ends_with(0, &format!("{INSTALLED} service restart"))?;
        ensure!(self.property("ActiveState")? == "active", "it does not run");
        ensure!(self.property("MainPID")? != before, "it was not restarted");
        self.ends_with(14, &format!("su alice -s /bin/sh -c '{INSTALLED} service stop'")).map(drop)
    }

    /// Fails if: a removal leaves the service or takes reports and configuration with it, or a purge leaves any.
    fn is_uninstalled(&self) -> Result<()> {
        self.ends_with(0, &format!("{INSTALLED} service uninstall --dry-run"))?;
        self.run("systemctl is-active pywats-client")?;
        self.ends_with(0, &format!("{INSTALLED} service uninstall"))?;
        self.expect_nothing()?;
        ensure!(self.property("LoadState")? == "not-found", "systemd still knows it");
        for kept in ["etc/pywats/config.json", "var/lib/pywats/queue.db", "var/lib/pywats/done/one.json"] {
            ensure!(self.root.path(kept).exists(), "/{kept} is gone");
        }
        self.ends_with(11, &format!("{PROGRAM} service uninstall"))?;
        self.ends_with(0, &format!("{PROGRAM} service uninstall --purge"))?;
        for gone in ["etc/pywats", "var/lib/pywats"] {
            ensure!(!self.root.path(gone).exists(), "/{gone} is still there");
        }
        Ok(())
    }

    /// Nothing of an installation is there. What lies in /run is looked at from inside.
    fn expect_nothing(&self) -> Result<()> {
        for path in MADE {
            ensure!(self.run(&format!("! test -e /{path}")).is_ok(), "/{path} is there");
        }
        Ok(())
    }
}
