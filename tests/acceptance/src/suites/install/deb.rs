//! The Debian package: installation, upgrade, removal, purge, and an administrator's choices in between.

use super::*;
use crate::command::{said, tool};
use std::path::PathBuf;

pub(super) fn run(bench: &mut Bench, base: &Path) -> Result<()> {
    let given = of_this_machine(bench, "_amd64.deb", "_arm64.deb")?;
    let folder = bench.folder("deb")?;
    let tree = folder.join("tree");
    tool("dpkg-deb", 60).arg("-x").args([&given, &tree]).run()?;
    let higher = other_version("deb", HIGHER, &tree, &folder)?;
    let candidate = other_version("deb", &format!("{HIGHER}-rc.1"), &tree, &folder)?;

    let root = bench.folder("deb root")?;
    let root = Root::without_systemd(base, &root)?;
    bench.steps(
        "DEB",
        &[
            ("installs, enables and starts the service", &|| installs(&root, &given)),
            ("operators can drop reports and nothing else", &|| check_operators(&root)),
            ("an upgrade keeps configuration, queue and a disabled service", &|| {
                upgrades(&root, &given, &higher)
            }),
            ("removal keeps configuration and data", &|| removes(&root)),
            ("reinstallation finds them again", &|| reinstalls(&root, &higher)),
            ("a masked service stays masked", &|| stays_masked(&root, &higher)),
            ("purge leaves nothing but the account", &|| purges(&root)),
            ("installs where no systemd runs", &|| installs_offline(&root, &given)),
            ("says what to do when the account cannot be created", &|| fails_with_a_message(&root, &given)),
        ],
    );
    surroundings::run(bench, base, &surroundings::DEB, &given)?;
    bench.case("DEB: a pre-release comes before its release", || orders(&[&given, &candidate, &higher]));
    Ok(())
}

fn installs(root: &Root, package: &Path) -> Result<()> {
    root.pretend_booted()?;
    let package = root.bring(package)?;
    root.run(&format!("dpkg --install {package}"))?;
    let status = root.read("dpkg-query --show --showformat '${db:Status-Abbrev}' pywats-client")?;
    ensure!(status.trim() == "ii", "the package is in the state {status}");
    let differing = root.read("dpkg --verify pywats-client")?;
    ensure!(differing.is_empty(), "installed otherwise than packed: {differing}");
    // deb-systemd-helper enables by way of the presets.
    check_asked(root, &["preset", "daemon-reload", "start"])?;
    ensure!(is_enabled(root), "the service is not enabled");
    ensure_gone(root, "etc/pywats/config.json")?;
    check_drop_ins(root)?;
    check_accounts_and_folders(root)
}

fn upgrades(root: &Root, from: &Path, to: &Path) -> Result<()> {
    write_config_and_queue(root)?;
    root.run("systemctl disable pywats-client.service")?;
    root.take_asked()?;
    let (from, to) = (root.bring(from)?, root.bring(to)?);
    root.run(&format!("dpkg --install {to}"))?;
    check_asked(root, &["daemon-reload"])?;
    check_config_and_queue(root)?;
    ensure!(!is_enabled(root), "the upgrade enabled a service that was disabled");
    check_accounts_and_folders(root)?;

    root.run("systemctl enable pywats-client.service")?;
    root.take_asked()?;
    root.run(&format!("dpkg --install {from} && dpkg --install {to}"))?;
    check_asked(root, &["daemon-reload", "restart", "daemon-reload", "restart"])?;
    ensure!(is_enabled(root), "the upgrade disabled a service that was enabled");
    check_config_and_queue(root)
}

fn removes(root: &Root) -> Result<()> {
    root.take_asked()?;
    root.run("dpkg --remove pywats-client")?;
    check_asked(root, &["stop", "daemon-reload"])?;
    for path in
        [
            "usr/bin/pywats-client", "usr/lib/systemd/system/pywats-client.service",
            "usr/lib/systemd/system/pywats-client.service.d", "run/pywats",
        ]
    {
        ensure_gone(root, path)?;
    }
    root.run("getent passwd pywats")?;
    check_config_and_queue(root)
}

/// The configuration that is found was prepared since.
fn reinstalls(root: &Root, package: &Path) -> Result<()> {
    root.run("rm -r /etc/pywats && install -d -m 0700 /etc/pywats")?;
    prepare_config(root)?;
    let package = root.bring(package)?;
    root.run(&format!("dpkg --install {package}"))?;
    ensure_there(root, "usr/bin/pywats-client")?;
    ensure!(is_enabled(root), "the service is not enabled");
    check_accounts_and_folders(root)?;
    check_config_and_queue(root)
}

fn stays_masked(root: &Root, package: &Path) -> Result<()> {
    let package = root.bring(package)?;
    root.run("systemctl mask pywats-client.service")?;
    root.take_asked()?;
    root.run(&format!("dpkg --install {package}"))?;
    let unit = std::fs::read_link(root.path("etc/systemd/system/pywats-client.service"))?;
    ensure!(unit == Path::new("/dev/null"), "the mask has become {}", unit.display());
    root.run("systemctl unmask pywats-client.service")
}

fn purges(root: &Root) -> Result<()> {
    root.write("etc/systemd/system/pywats-client.service.d/folder-ict.conf", "[Service]\n")?;
    root.run("dpkg --purge pywats-client")?;
    for path in ["etc/pywats", "var/lib/pywats"] {
        ensure_gone(root, path)?;
    }
    root.run("getent passwd pywats")?;
    // The packages that were brought in lie in the top folder.
    let left = root.find("pywats")?;
    let left: Vec<_> = left.iter().filter(|path| !path.ends_with(".deb")).collect();
    ensure!(left.is_empty(), "left behind: {left:?}");
    Ok(())
}

fn installs_offline(root: &Root, package: &Path) -> Result<()> {
    root.pretend_not_booted()?;
    prepare_config(root)?;
    let package = root.bring(package)?;
    root.take_asked()?;
    root.run(&format!("dpkg --install {package}"))?;
    check_asked(root, &["preset"])?;
    ensure!(is_enabled(root), "the service is not enabled for the next boot");
    check_accounts_and_folders(root)?;
    check_prepared_config(root)?;
    root.run("dpkg --remove pywats-client && dpkg --purge pywats-client")?;
    check_asked(root, &[])
}

fn fails_with_a_message(root: &Root, package: &Path) -> Result<()> {
    let package = root.bring(package)?;
    root.run("userdel pywats && mv /usr/bin/systemd-sysusers /kept && ln -s /bin/false /usr/bin/systemd-sysusers")?;
    let output = root.script(&format!("dpkg --install {package}")).output()?;
    ensure!(!output.status.success(), "the installation passed without the account");
    let text = said(&output);
    ensure!(text.contains("the account pywats could not be created"), "{text}");
    ensure!(text.contains("then run: dpkg --configure pywats-client"), "{text}");
    root.run("mv /kept /usr/bin/systemd-sysusers")?;
    root.run("dpkg --configure pywats-client")?;
    check_accounts_and_folders(root)
}

fn orders(ascending: &[&PathBuf]) -> Result<()> {
    let version = |path| tool("dpkg-deb", 60).arg("-f").arg(path).arg("Version").read();
    for pair in ascending.windows(2) {
        let (one, other) = (version(pair[0])?, version(pair[1])?);
        tool("dpkg", 60).args(["--compare-versions", one.trim(), "lt", other.trim()]).run()?;
    }
    Ok(())
}
