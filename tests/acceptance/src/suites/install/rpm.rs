//! The RPM package, installed by Debian's rpm.

use super::*;
use crate::command::{said, tool};
use std::fs;

/// What may be said: Debian's rpm warns that it is not meant for this, systemd tells which accounts and
/// links it makes.
const EXPECTED: &[&str] = &[
    "RPM should not be used directly",
    "However assuming you know what you are doing",
    "Creating group 'pywats",
    "Creating user 'pywats'",
    "Created symlink",
    "Removed ",
];

pub(super) fn run(bench: &mut Bench, base: &Path) -> Result<()> {
    let given = of_this_machine(bench, ".x86_64.rpm", ".aarch64.rpm")?;
    let folder = bench.folder("rpm")?;
    let tree = folder.join("tree");
    fs::create_dir_all(&tree)?;
    let unpack = "rpm2cpio \"$0\" | cpio --extract --make-directories --quiet";
    tool("sh", 60).arg("-c").arg(unpack).arg(&given).current_dir(&tree).run()?;
    let higher = other_version("rpm", HIGHER, &tree, &folder)?;
    let candidate = other_version("rpm", &format!("{HIGHER}-rc.1"), &tree, &folder)?;
    let stand_in = scratch::rpm_stand_in(&folder)?;

    let root = bench.folder("rpm root")?;
    let root = system(base, &root, &stand_in)?;
    bench.steps(
        "RPM",
        &[
            ("installs, and leaves enabling to the presets", &|| installs(&root, &given)),
            ("operators can drop reports and nothing else", &|| check_operators(&root)),
            ("an upgrade keeps configuration, queue and an enabled service", &|| upgrades(&root, &candidate)),
            ("a pre-release comes before its release", &|| orders(&root, &candidate, &higher)),
            ("erasure keeps configuration and data", &|| erases(&root)),
            ("reinstallation finds them again", &|| reinstalls(&root, &higher)),
            ("installs where no systemd runs, enabled by a preset", &|| installs_offline(&root, &given)),
        ],
    );
    surroundings::run(bench, base, &surroundings::rpm(stand_in), &given)
}

/// Where services are enabled by their installation, or not.
const PRESET: &str = "etc/systemd/system-preset/10-test.preset";

/// A scratch system in which rpm knows what is there, and which enables no service by itself.
fn system(base: &Path, folder: &Path, stand_in: &Path) -> Result<Root> {
    let root = Root::without_systemd(base, folder)?;
    root.write(PRESET, "disable *\n")?;
    let stand_in = root.bring(stand_in)?;
    root.run(&format!("rpm --initdb && rpm --install {stand_in}"))?;
    Ok(root)
}

/// rpm, which must succeed and warn of nothing: it goes on where a scriptlet fails.
fn rpm(root: &Root, arguments: &str) -> Result<()> {
    let output = root.script(&format!("rpm {arguments}")).output()?;
    let text = said(&output);
    let complaints: Vec<_> = text.lines().filter(|line| !EXPECTED.iter().any(|e| line.contains(e))).collect();
    ensure!(
        output.status.success() && complaints.concat().is_empty(),
        "rpm {arguments}: {}\n{text}",
        output.status
    );
    Ok(())
}

fn installs(root: &Root, package: &Path) -> Result<()> {
    root.pretend_booted()?;
    let package = root.bring(package)?;
    rpm(root, &format!("--install {package}"))?;
    rpm(root, "--verify pywats-client")?;
    check_asked(root, &["daemon-reload", "preset"])?;
    check_drop_ins(root)?;
    ensure!(!is_enabled(root), "the service is enabled against the preset");
    check_accounts_and_folders(root)
}

fn upgrades(root: &Root, to: &Path) -> Result<()> {
    write_config_and_queue(root)?;
    root.run("systemctl enable pywats-client.service")?;
    root.take_asked()?;
    let to = root.bring(to)?;
    rpm(root, &format!("--upgrade {to}"))?;
    // What does not run is not started. That what runs is restarted, is a case of the suite `service`.
    check_asked(root, &["daemon-reload"])?;
    check_drop_ins(root)?;
    ensure!(is_enabled(root), "the upgrade disabled a service that was enabled");
    check_accounts_and_folders(root)?;
    check_config_and_queue(root)
}

fn orders(root: &Root, candidate: &Path, release: &Path) -> Result<()> {
    let (candidate, release) = (root.bring(candidate)?, root.bring(release)?);
    rpm(root, &format!("--upgrade {release}"))?;
    let output = root.script(&format!("rpm --upgrade {candidate}")).output()?;
    ensure!(!output.status.success() && said(&output).contains("newer than"), "{}", said(&output));
    check_config_and_queue(root)
}

fn erases(root: &Root) -> Result<()> {
    root.take_asked()?;
    rpm(root, "--erase pywats-client")?;
    check_asked(root, &["disable --now", "daemon-reload"])?;
    ensure!(!is_enabled(root), "the service is still enabled");
    for path in
        [
            "usr/bin/pywats-client", "usr/lib/systemd/system/pywats-client.service",
            "usr/lib/systemd/system/pywats-client.service.d", "usr/share/pywats-client", "run/pywats",
        ]
    {
        ensure_gone(root, path)?;
    }
    root.run("getent passwd pywats")?;
    check_config_and_queue(root)
}

fn reinstalls(root: &Root, package: &Path) -> Result<()> {
    let package = root.bring(package)?;
    rpm(root, &format!("--install {package}"))?;
    ensure_there(root, "usr/bin/pywats-client")?;
    check_accounts_and_folders(root)?;
    check_config_and_queue(root)
}

fn installs_offline(root: &Root, package: &Path) -> Result<()> {
    root.run("rpm --erase pywats-client")?;
    root.pretend_not_booted()?;
    root.write(PRESET, "enable pywats-client.service\n")?;
    root.take_asked()?;
    prepare_config(root)?;
    let package = root.bring(package)?;
    rpm(root, &format!("--install {package}"))?;
    check_asked(root, &["preset"])?;
    ensure!(is_enabled(root), "the service is not enabled by the preset");
    check_accounts_and_folders(root)?;
    check_prepared_config(root)?;
    rpm(root, "--erase pywats-client")?;
    check_asked(root, &["disable"])?;
    ensure!(!is_enabled(root), "the service is still enabled");
    Ok(())
}
