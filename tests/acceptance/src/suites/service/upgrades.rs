//! Upgrades that cannot succeed: each is refused before unpacking, or ends with the old process still at work, and in a
//! state that the package manager mends.

use super::Service;
use anyhow::{Context, Result, ensure};
use std::path::Path;

/// What is in the way, and how it is put there and taken away again. While it is there, the service either runs or was
/// stopped, and does what it did afterwards.
struct Obstacle {
    what: &'static str,
    put: &'static str,
    /// What the upgrade must say, by dpkg or by rpm.
    says: [&'static str; 2],
    take_away: &'static str,
}

/// Space is taken away in a file system that is laid over the folder, with the same files in it.
const REFUSED: &[Obstacle] = &[
    Obstacle {
        what: "a configuration that is damaged",
        put: "cp -a /etc/pywats/config.json /kept && echo '{' > /etc/pywats/config.json",
        says: ["the configuration is damaged"; 2],
        take_away: "cat /kept > /etc/pywats/config.json",
    },
    Obstacle {
        what: "a queue of a later version",
        put: "systemctl stop pywats-client && cp -a /var/lib/pywats/queue.db /kept-queue &&
              printf '\\377' | dd of=/var/lib/pywats/queue.db bs=1 seek=63 conv=notrunc status=none",
        says: ["written by a later version"; 2],
        take_away: "mv /kept-queue /var/lib/pywats/queue.db && systemctl start pywats-client",
    },
    Obstacle {
        what: "a disk of the data that is full",
        put: "systemctl stop pywats-client && mount -t tmpfs -o size=3m none /var/lib/pywats &&
              systemd-tmpfiles --create pywats-client.conf && systemctl start pywats-client &&
              { dd if=/dev/zero of=/var/lib/pywats/fill bs=1k status=none || true; }",
        says: ["is full"; 2],
        take_away: "systemctl stop pywats-client && umount /var/lib/pywats && systemctl start pywats-client",
    },
    Obstacle {
        what: "a link to a disk that is not mounted",
        put: "systemctl stop pywats-client && mv /var/lib/pywats /kept-data && ln -s /not/mounted /var/lib/pywats",
        says: ["/var/lib/pywats is a link to /not/mounted"; 2],
        take_away: "rm /var/lib/pywats && mv /kept-data /var/lib/pywats && systemctl start pywats-client",
    },
    Obstacle {
        what: "no room for the program",
        put: "size=$(du -sm /usr/bin | cut -f1) && mount -t tmpfs -o size=$((size + 8))m none /mnt &&
              cp -a /usr/bin/. /mnt/ && mount --bind /mnt /usr/bin &&
              { dd if=/dev/zero of=/usr/bin/fill bs=64k status=none || true; }",
        says: ["must be free in /usr", "more space on the /usr/bin filesystem"],
        // Programs that were started meanwhile may still use it.
        take_away: "umount --lazy /usr/bin && umount --lazy /mnt",
    },
];

impl Service<'_> {
    /// Fails if: an upgrade that cannot succeed changes anything, does not say why, or ends the old process.
    pub(super) fn refuses_upgrades(&self, higher: &Path) -> Result<()> {
        let higher = self.root.bring(higher)?;
        let before = self.installed()?;
        for obstacle in REFUSED {
            (|| {
                self.run(obstacle.put)?;
                let running = self.property("MainPID")?;
                let said = self.fails_to_install(&higher)?;
                let expected = obstacle.says[usize::from(self.kind.name == "RPM")];
                ensure!(said.contains(expected), "{expected:?} is not in {said}");
                ensure!(self.installed()? == before, "the installed version has become {}", self.installed()?);
                ensure!(self.property("MainPID")? == running, "the old process was ended");
                self.run(obstacle.take_away)?;
                self.run("pywats-client --version && systemctl is-active pywats-client")
            })()
            .with_context(|| obstacle.what.to_owned())?;
        }
        Ok(())
    }

    /// Fails if: the old process is ended although the new program cannot work with the configuration, that is not said,
    /// or the package manager cannot finish once it is mended.
    pub(super) fn waits_for_a_fit_program(&self, higher: &Path) -> Result<()> {
        let higher = self.root.bring(higher)?;
        let before = self.property("MainPID")?;
        let config = "/etc/pywats/config.json";
        self.run(&format!("cp -a {config} /kept && echo '{{\"health\":{{\"port\":\"many\"}}}}' > {config}"))?;
        let is_rpm = self.kind.name == "RPM";
        let said = if is_rpm {
            // Nothing that fails after unpacking is rpm's failure; it is said.
            self.system.read(&format!("{} {higher} 2>&1", self.kind.install))?
        } else {
            self.fails_to_install(&higher)?
        };
        for expected in ["cannot work with the configuration", "health.port", "the old process goes on"] {
            ensure!(said.contains(expected), "{expected:?} is not in {said}");
        }
        ensure!(self.property("MainPID")? == before, "the old process was ended");
        self.run(&format!("systemctl is-active pywats-client && cat /kept > {config}"))?;
        self.run(if is_rpm { "systemctl restart pywats-client" } else { "dpkg --configure -a" })?;
        self.wait_for_another(&before)?;
        if !is_rpm {
            ensure!(self.installed()?.starts_with("ii "), "the package is {}", self.installed()?);
        }
        Ok(())
    }

    /// State and version of the package.
    fn installed(&self) -> Result<String> {
        self.system.read(if self.kind.name == "RPM" {
            "rpm --query pywats-client && sha256sum /usr/bin/pywats-client"
        } else {
            "dpkg-query --show --showformat '${db:Status-Abbrev}${Version} ' pywats-client && sha256sum /usr/bin/pywats-client"
        })
    }

    /// What an installation says that must not succeed.
    fn fails_to_install(&self, package: &str) -> Result<String> {
        let script = format!("{} {package} > /said 2>&1 && echo succeeded >> /said; cat /said", self.kind.install);
        let said = self.system.read(&script)?;
        ensure!(!said.ends_with("succeeded\n"), "it succeeded: {said}");
        Ok(said)
    }
}
