//! Installations in surroundings that are not as usual, one after the other in a system that is cleaned in between. No
//! service manager runs in it unless a case says so.

use super::{check_drop_ins, check_folders};
use crate::bench::Bench;
use crate::scratch::Root;
use anyhow::{Context, Result, ensure};
use std::path::{Path, PathBuf};

/// How a package manager is called.
pub(super) struct Manager {
    format: &'static str,
    /// Installs `$package`, or upgrades to it.
    install: &'static str,
    /// Does what one does that is killed after unpacking, and what an administrator does then.
    killed: &'static str,
    repair: &'static str,
    purge: &'static str,
    /// What the system needs before.
    stand_in: Option<PathBuf>,
}

pub(super) const DEB: Manager = Manager {
    format: "DEB",
    install: "dpkg --install \"$package\"",
    killed: "dpkg --unpack \"$package\"",
    repair: "dpkg --configure -a",
    purge: "dpkg --purge pywats-client",
    stand_in: None,
};

pub(super) fn rpm(stand_in: PathBuf) -> Manager {
    Manager {
        format: "RPM",
        install: "rpm --upgrade --replacepkgs \"$package\"",
        killed: "rpm --install --noscripts \"$package\"",
        repair: "rpm --upgrade --replacepkgs \"$package\"",
        purge: "rpm --erase pywats-client",
        stand_in: Some(stand_in),
    }
}

/// What is in the way, as a shell script that calls `install`, and what must hold afterwards, besides folders and rights.
/// A mount lasts as long as the script.
const CASES: &[(&str, &str, &str)] = &[
    ("with umask 077", "umask 077; install", "true"),
    (
        "where nothing in /tmp may be executed",
        "mount -t tmpfs -o noexec none /tmp; mount -t tmpfs -o noexec none /var/tmp; install",
        "true",
    ),
    (
        "where a person has the account",
        "useradd --create-home --gid users pywats; install",
        "[ \"$(getent passwd pywats | cut -d: -f6)\" = /home/pywats ] && getent group pywats",
    ),
    ("where the group is there already", "groupadd pywats; install", "[ \"$(id -gn pywats)\" = pywats ]"),
    (
        "where the data are a link to another disk",
        "mkdir -p /disk/data; ln -s /disk/data /var/lib/pywats; install; install >/said 2>&1",
        "[ -L /var/lib/pywats ] && [ \"$(stat -c %U:%G /disk/data/done)\" = pywats:pywats ] &&
         grep -F \"echo '/disk/data /var/lib/pywats none bind' >>/etc/fstab\" /said",
    ),
    (
        "where an archive has installed the service",
        "echo '[Service]' >/etc/systemd/system/pywats-client.service; install >/said 2>&1 &&
         rm /etc/systemd/system/pywats-client.service",
        "grep -F 'pywats-client.service stands above the unit of this package' /said",
    ),
    (
        "and opens a folder for it while nothing runs",
        "install; mkdir -p /disk/ict; pywats-client folders add /disk/ict --name ict",
        "grep -x 'ReadWritePaths=-/disk/ict' /etc/systemd/system/pywats-client.service.d/folder-ict.conf; found=$?
         rm -r /etc/systemd/system/pywats-client.service.d; exit $found",
    ),
    ("after a package manager that was killed", "killed && repair", "true"),
];

/// Further cases of DEB. rpm sets the rights of /etc/pywats whenever it is unpacked, and so needs /etc.
const ONLY_DEB: &[(&str, &str, &str)] = &[
    (
        "an upgrade where /etc is read-only by now",
        "install; mount --bind /etc /etc; mount -o remount,bind,ro /etc; install",
        "[ \"$(dpkg-query -W -f '${db:Status-Abbrev}' pywats-client)\" = 'ii ' ]",
    ),
    (
        "after a purge, which spares what is mounted in the data folder",
        "install; mkdir /other; touch /other/kept; mount --bind /other /var/lib/pywats/done
         dpkg --purge pywats-client 2>/said || exit 1; umount /var/lib/pywats/done; install",
        "[ -e /other/kept ] && grep -F 'something is mounted in /var/lib/pywats, so it stays' /said",
    ),
    (
        "after a purge, whose watch folder is seen elsewhere as well",
        "install; mkdir /other; mount --bind /var/lib/pywats/watch /other
         dpkg --purge pywats-client && [ ! -e /var/lib/pywats ] || exit 1; umount /other; install",
        "true",
    ),
    (
        "where policy-rc.d lets nothing start",
        "mkdir -p /run/systemd/system; printf '#!/bin/sh\\nexit 101\\n' > /usr/sbin/policy-rc.d
         chmod 755 /usr/sbin/policy-rc.d; install",
        "! grep -E '(^| )(start|restart) ' /asked",
    ),
    (
        "and into a folder that is to become another system",
        "mkdir -p /other/var/lib/dpkg/info /other/var/lib/dpkg/updates /other/etc; touch /other/var/lib/dpkg/status
         for file in passwd group shadow gshadow; do cp -a /etc/$file /other/etc/$file; done
         dpkg --root=/other --force-script-chrootless --force-depends --install \"$package\" || exit 1; install",
        "[ -L /other/etc/systemd/system/multi-user.target.wants/pywats-client.service ] &&
         [ \"$(stat -c %a /other/var/lib/pywats/watch)\" = 2770 ]",
    ),
];

/// Installs the package in each of them.
pub(super) fn run(bench: &mut Bench, base: &Path, manager: &Manager, package: &Path) -> Result<()> {
    let root = Root::without_systemd(base, &bench.folder("surroundings")?)?;
    if let Some(stand_in) = &manager.stand_in {
        let stand_in = root.bring(stand_in)?;
        root.run(&format!("rpm --initdb && rpm --install {stand_in}"))?;
    }
    let package = root.bring(package)?;
    let more = if manager.format == "DEB" { ONLY_DEB } else { &[] };
    for (name, script, holds) in CASES.iter().chain(more) {
        bench.case(&format!("{}: installs {name}", manager.format), || {
            install(&root, manager, &package, script, holds)?;
            clean(&root, manager)
        });
    }
    Ok(())
}

fn install(root: &Root, manager: &Manager, package: &str, script: &str, holds: &str) -> Result<()> {
    let functions = format!(
        "package={package}\ninstall() {{ {}; }}\nkilled() {{ {}; }}\nrepair() {{ {}; }}\n",
        manager.install, manager.killed, manager.repair
    );
    root.run(&format!("{functions}{script}"))?;
    root.run(holds).with_context(|| format!("`{holds}` does not hold"))?;
    ensure!(root.path("usr/bin/pywats-client").exists(), "the program is not there");
    check_folders(root)?;
    check_drop_ins(root)
}

/// Leaves nothing of a case to the next one.
fn clean(root: &Root, manager: &Manager) -> Result<()> {
    root.run(&format!(
        "{} && userdel pywats && for group in pywats pywats-operators; do groupdel $group 2>/dev/null; done
         rm -rf /var/lib/pywats /etc/pywats /home/pywats /disk /other /asked /usr/sbin/policy-rc.d /run/systemd/system",
        manager.purge
    ))
}
