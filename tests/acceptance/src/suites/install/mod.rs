//! Installs the packages in a scratch Debian system, as an administrator would, and looks at what is left.
//!
//! The system is a folder entered by chroot, in which no systemd runs. A stand-in for `systemctl` notes
//! what maintainer scripts ask of the service manager, and answers as if one ran where a case wants that.

mod deb;
mod rpm;
mod surroundings;

use crate::bench::Bench;
use crate::command::missing;
use crate::scratch::{self, Root};
use anyhow::{Context, Result, ensure};

use std::path::Path;

/// A version above every other: what the packages are upgraded to.
const HIGHER: &str = "255.0.0";
/// A configuration as an administrator may have edited it, layout included.
const EDITED_CONFIG: &str = "{\n\t\"server\": { \"url\": \"https://example.wats.com\" }\n}\n";
/// Stands for a queue with reports in it.
const QUEUE: &str = "reports that were not uploaded yet\n";

/// Installs the `.deb` and the `.rpm` for the architecture of this machine.
pub(crate) fn run(bench: &mut Bench) -> Result<()> {
    let tools = ["mmdebstrap", "unshare", "chroot", "dpkg-deb", "rpm", "rpm2cpio", "rpmbuild"];
    let reason = match missing(&tools) {
        Some(program) => Some(format!("{program} is not installed")),
        None if !scratch::is_root()? => {
            Some("only root can enter a scratch system; run this as root".to_owned())
        }
        None => None,
    };
    if let Some(reason) = reason {
        bench.not_run("DEB and RPM in a scratch system", &reason);
        return Ok(());
    }
    let base = scratch::base()?;
    deb::run(bench, &base)?;
    rpm::run(bench, &base)
}

/// The drop-ins of the unit: those that the system's systemd, 252, knows, and no others.
fn check_drop_ins(root: &Root) -> Result<()> {
    let found = root.read("cd /usr/lib/systemd/system/pywats-client.service.d && readlink -e *")?;
    let source = "/usr/share/pywats-client/systemd/systemd-";
    let expected: String = ["245", "247", "248"].iter().map(|least| format!("{source}{least}.conf\n")).collect();
    ensure!(found == expected, "the drop-ins are {found}");
    Ok(())
}

/// Both packages promise the same accounts, folders and rights.
fn check_accounts_and_folders(root: &Root) -> Result<()> {
    let account = root.read("getent passwd pywats")?;
    let fields: Vec<_> = account.trim().split(':').collect();
    ensure!(
        fields.get(5) == Some(&"/var/lib/pywats")
            && fields.get(6).is_some_and(|shell| shell.ends_with("nologin")),
        "the account is {account}"
    );
    check_folders(root)
}

fn check_folders(root: &Root) -> Result<()> {
    for (folder, expected) in [
        ("/etc/pywats", "750 root:pywats"),
        ("/var/lib/pywats", "751 pywats:pywats"),
        ("/var/lib/pywats/watch", "2770 pywats:pywats-operators"),
        ("/var/lib/pywats/done", "750 pywats:pywats"),
        ("/var/lib/pywats/failed", "750 pywats:pywats"),
        ("/run/pywats", "2750 pywats:pywats-operators"),
    ] {
        let found = root.read(&format!("stat --dereference --format '%a %U:%G' {folder}"))?;
        ensure!(found.trim() == expected, "{folder} is {}, not {expected}", found.trim());
    }
    Ok(())
}

/// An operator with the strictest umask drops a report; the service takes it; nobody sees more than that.
fn check_operators(root: &Root) -> Result<()> {
    root.run("useradd --groups pywats-operators alice")?;
    root.run("useradd visitor")?;
    root.run("echo secret > /etc/pywats/config.json && chown root:pywats /etc/pywats/config.json && chmod 640 /etc/pywats/config.json")?;
    let watch = "/var/lib/pywats/watch";
    let may = |user: &str, script: &str| root.run(&format!("su {user} -s /bin/sh -c '{script}'"));
    may("alice", &format!("umask 077; echo report > {watch}/one.json"))?;
    may("pywats", &format!("cat {watch}/one.json && mv {watch}/one.json /var/lib/pywats/done/"))?;
    may("pywats", "cat /etc/pywats/config.json")?;
    // As the service makes its sockets: the group is that of the folder, whatever its own is.
    may("pywats", "umask 117; echo open > /run/pywats/control && umask 177; echo shut > /run/pywats/admin")?;
    may("alice", "cat /run/pywats/control && echo more >> /run/pywats/control")?;
    for (user, forbidden) in [
        ("alice", "cat /etc/pywats/config.json"),
        ("alice", "ls /var/lib/pywats"),
        ("alice", "cat /var/lib/pywats/done/one.json"),
        ("visitor", "touch /var/lib/pywats/watch/two.json"),
        ("visitor", "ls /var/lib/pywats/watch"),
        ("pywats", "touch /etc/pywats/config.json"),
        ("alice", "cat /run/pywats/admin"),
        ("alice", "touch /run/pywats/mine"),
        ("visitor", "cat /run/pywats/control"),
        ("visitor", "ls /run/pywats"),
    ] {
        ensure!(may(user, forbidden).is_err(), "{user} may `{forbidden}`");
    }
    Ok(())
}

fn write_config_and_queue(root: &Root) -> Result<()> {
    root.write("etc/pywats/config.json", EDITED_CONFIG)?;
    root.write("var/lib/pywats/queue.db", QUEUE)?;
    root.run("chown root:pywats /etc/pywats/config.json && chmod 640 /etc/pywats/config.json")?;
    root.run("chown pywats:pywats /var/lib/pywats/queue.db && chmod 640 /var/lib/pywats/queue.db")
}

/// What an administrator has prepared before there is an account for it: a configuration for root alone.
fn prepare_config(root: &Root) -> Result<()> {
    root.write("etc/pywats/config.json", EDITED_CONFIG)?;
    root.run("chown root:root /etc/pywats/config.json && chmod 600 /etc/pywats/config.json")
}

/// The service can read what was prepared, and nobody else.
fn check_prepared_config(root: &Root) -> Result<()> {
    let found = root.read("stat --format '%a %U:%G' /etc/pywats/config.json")?;
    ensure!(found.trim() == "640 root:pywats", "the prepared configuration is {}", found.trim());
    let found = std::fs::read_to_string(root.path("etc/pywats/config.json"))?;
    ensure!(found == EDITED_CONFIG, "the prepared configuration was changed to {found:?}");
    Ok(())
}

/// Configuration and queue are as they were, to the byte, with the rights they had.
fn check_config_and_queue(root: &Root) -> Result<()> {
    for (file, content, rights) in [
        ("etc/pywats/config.json", EDITED_CONFIG, "640 root:pywats"),
        ("var/lib/pywats/queue.db", QUEUE, "640 pywats:pywats"),
    ] {
        let found = std::fs::read_to_string(root.path(file)).with_context(|| format!("{file} is gone"))?;
        ensure!(found == content, "{file} was changed to {found:?}");
        let found = root.read(&format!("stat --format '%a %U:%G' /{file}"))?;
        ensure!(found.trim() == rights, "{file} has become {}", found.trim());
    }
    Ok(())
}

fn is_enabled(root: &Root) -> bool {
    let link = root.path("etc/systemd/system/multi-user.target.wants/pywats-client.service");
    link.symlink_metadata().is_ok()
}

/// What was asked of the service manager since the last call must be exactly this, in this order.
fn check_asked(root: &Root, expected: &[&str]) -> Result<()> {
    let asked = root.take_asked()?;
    ensure!(asked == expected, "the service manager was asked {asked:?}, not {expected:?}");
    Ok(())
}

fn ensure_gone(root: &Root, path: &str) -> Result<()> {
    ensure!(root.path(path).symlink_metadata().is_err(), "/{path} is still there");
    Ok(())
}

fn ensure_there(root: &Root, path: &str) -> Result<()> {
    ensure!(root.path(path).symlink_metadata().is_ok(), "/{path} is not there");
    Ok(())
}

/// The machine's own packages among the given ones, by what their names call the architecture.
fn of_this_machine(bench: &Bench, x86_64: &str, aarch64: &str) -> Result<std::path::PathBuf> {
    bench.artifact(if cfg!(target_arch = "aarch64") { aarch64 } else { x86_64 })
}

fn target() -> &'static str {
    if cfg!(target_arch = "aarch64") { "aarch64-linux" } else { "x86_64-linux" }
}

/// Packs the program of an unpacked package again, as another version.
fn other_version(format: &str, version: &str, tree: &Path, folder: &Path) -> Result<std::path::PathBuf> {
    crate::products::package(format, target(), version, &tree.join("usr/bin/pywats-client"), folder)
}
