//! What takes long: the wizard at the console, under UEFI with Secure Boot; what happens to a machine in the years after; a
//! power cut while it is set up; and that another user makes the same bits.

use super::life::{self, OPERATOR, PASSWORD, STATION, Site};
use super::machine::{Firmware, HOST, Login, Machine, Qemu};
use crate::bench::Bench;
use crate::client::{TOKEN, sample};
use crate::command::tool;
use crate::products::{recipe, workspace};
use crate::suites::dist;
use crate::suites::repositories::workshop::{HIGHER, repository_of_upgrade};
use anyhow::{Context, Result, ensure};
use std::cell::RefCell;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

/// The password of the administrator.
const SECRET: &str = r#"a 'b' "c" $d"#;

/// How long updates may take.
const UPGRADE: Duration = Duration::from_secs(600);

/// The last byte of the firmware's variable: 1 if nothing runs that is not signed.
const SECURE: &str =
    "od -An -t u1 -j 4 /sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c";

/// Judges all of it: the disk, and the DEB on it.
pub(super) fn judge(bench: &mut Bench, qemu: &Qemu, image: &Path, client: &Path) -> Result<()> {
    by_the_wizard(bench, qemu, image, client)?;
    cut_off(bench, qemu, image)?;
    let folder = bench.folder("another user")?;
    bench.case("another user makes the same disk", || another_user(qemu, &folder));
    Ok(())
}

fn by_the_wizard(bench: &mut Bench, qemu: &Qemu, image: &Path, client: &Path) -> Result<()> {
    let site = Site::new("wizard")?;
    let machine = Machine::new(qemu, image, &site.folder)?.with_firmware(Firmware::SecureBoot)?;
    let machine = RefCell::new(machine.with_data_disk(2 << 30)?.with_password(SECRET));
    let root = |script: &str| machine.borrow().root(&site.key, script);
    let first = || {
        let mut machine = machine.borrow_mut();
        machine.start()?;
        machine.expect("Press Enter")?;
        let answer = machine.ssh("admin", Login::Password(SECRET), "true")?.output()?;
        let said = String::from_utf8_lossy(&answer.stderr).into_owned();
        ensure!(!said.contains("Permission denied"), "somebody listens before it is set up: {said}");
        Ok(())
    };
    let power_cut = || {
        let mut machine = machine.borrow_mut();
        ask_up_to_the_server(&mut machine, &site)?;
        machine.pull_the_plug();
        machine.start()
    };
    let wizard = || {
        let mut machine = machine.borrow_mut();
        machine.expect("Press Enter")?;
        ask_up_to_the_server(&mut machine, &site)?;
        for (question, answer) in [
            ("Address of the WATS server", &*site.address()),
            ("Token of the server", TOKEN),
            ("Name of this station", STATION),
            ("Name of an account", OPERATOR),
            ("Password of line-3", PASSWORD),
            ("Once more", PASSWORD),
            ("shares the watch folder with Windows", "y"),
            ("Is that right?", "y"),
        ] {
            machine.answer(question, answer)?;
        }
        machine.expect("Done.")?;
        machine.expect("login:")?;
        machine.wait_for_ssh(&site.key)
    };
    let login = || log_in_at_the_console(&mut machine.borrow_mut());
    let is_set_up = || {
        life::is_configured(&machine.borrow(), &site)?;
        ensure!(root(SECURE)?.trim() == "1", "the firmware would run anything");
        life::operator(&machine.borrow(), &site)
    };
    let by_smb = || by_smb(&machine.borrow(), &site);
    let upgrade = || upgrade(&machine.borrow(), &site, client);
    let reboot = || {
        let identity = "cat /etc/machine-id /etc/ssh/ssh_host_ed25519_key.pub";
        let before = root(identity)?;
        machine.borrow_mut().reboot(&site.key)?;
        ensure!(root(identity)? == before, "it is another machine after a reboot");
        life::operator(&machine.borrow(), &site)
    };
    let grow = || {
        let size = || -> Result<u64> { Ok(root("df --output=size -B1M / | tail -1")?.trim().parse()?) };
        let before = size()?;
        machine.borrow_mut().shut_down(&site.key)?;
        qemu.img(30).args(["resize", "-q"]).arg(machine.borrow().disk()).arg("+4G").run()?;
        machine.borrow_mut().start()?;
        machine.borrow_mut().wait_for_ssh(&site.key)?;
        ensure!(size()? > before + 3500, "the root has {} MB, and had {before} before", size()?);
        Ok(())
    };
    let full = || {
        root(
            "fallocate -l $(df --output=avail -B1 / | tail -1) /full || dd if=/dev/zero of=/full bs=1M || :",
        )?;
        let report = site.folder.join("report.json");
        let put = format!("put {} /watch/report.json.part\n", report.display());
        let refused = machine.borrow().sftp(OPERATOR, Login::Password(PASSWORD), &put);
        let said = refused.err().map(|error| format!("{error:#}")).unwrap_or_default();
        ensure!(said.contains("ailure") || said.contains("No space"), "a full disk takes a report: {said}");
        root("rm /full")?;
        life::operator(&machine.borrow(), &site)
    };
    let data_disk = || {
        let count = "find /var/lib/pywats/done -type f | wc -l";
        let before = root(count)?;
        root("appliance-data-disk /dev/disk/by-id/virtio-data")?;
        ensure!(root(count)? == before, "reports are missing on the new disk");
        root("mountpoint /var/lib/pywats")?;
        life::operator(&machine.borrow(), &site)?;
        machine.borrow_mut().reboot(&site.key)?;
        root("mountpoint /var/lib/pywats")?;
        life::operator(&machine.borrow(), &site)
    };
    let backup = || backup(&machine.borrow(), &site);
    let reset = || {
        let reports = root("find /var/lib/pywats -name '*.json' | wc -l")?;
        let before = root("cat /etc/machine-id")?;
        // Folders in a home; accounts and a password that no wizard has made; and no Samba any more.
        root(
            "mkdir /home/admin/reports /home/admin/failed && chown -R admin: /home/admin && \
             pywats-client folders add --name home --failed=/home/admin/failed -- /home/admin/reports && \
             su admin -c 'echo kept >/home/admin/failed/kept.txt; echo x >/srv/x || echo x >/var/tmp/x' && \
             useradd --create-home other && useradd --system --shell /bin/bash helper && \
             echo root:known | chpasswd && apt-get -q -y remove samba",
        )?;
        // The connection may end before the command does.
        let _ = machine.borrow().sudo(&site.key, "appliance-reset --yes")?.output();
        let mut machine = machine.borrow_mut();
        machine.expect("Press Enter")?;
        wizard_again(&mut machine, &site)?;
        let now = machine.root(&site.key, "cat /etc/machine-id")?;
        ensure!(now != before, "it is the same machine after a reset");
        let kept = machine.root(&site.key, "find /var/lib/pywats -name '*.json' | wc -l")?;
        ensure!(kept == reports, "{} reports were there, and {} are", reports.trim(), kept.trim());
        let root = |script: &str| machine.root(&site.key, script);
        let passwords = root(life::PASSWORDS)?;
        ensure!(passwords.trim() == "admin", "accounts with a password: {passwords}");
        let others = root("getent passwd other helper line-3 || :")?;
        ensure!(others.is_empty(), "accounts are left: {others}");
        let owners =
            root("stat -c %U /home/admin /home/admin/.bashrc /home/admin/failed /home/admin/failed/kept.txt")?;
        ensure!(owners == "admin\nadmin\nroot\nroot\n", "what was kept is of:\n{owners}");
        let nobodys = root("find / -xdev \\( -nouser -o -nogroup \\)")?;
        ensure!(nobodys.is_empty(), "the next accounts inherit:\n{nobodys}");
        let failed = root("journalctl --no-pager --quiet --merge -t appliance-reset")?;
        ensure!(failed.is_empty(), "the reset says: {failed}");
        Ok(())
    };
    bench.steps(
        "UEFI with Secure Boot, by the wizard",
        &[
            ("it asks at its console, and listens nowhere", &first),
            ("after a power cut it asks again", &power_cut),
            ("it takes what is typed", &wizard),
            ("its administrator logs in at the console, and may do everything there", &login),
            ("it is set up as it was typed, and only what is signed runs", &is_set_up),
            ("a station brings a report by SMB, and nobody without the password does", &by_smb),
            ("the client is upgraded from its repository with the security updates", &upgrade),
            ("it is the same machine after a reboot", &reboot),
            ("it takes what a larger disk has", &grow),
            ("a full disk is told, and over when there is room", &full),
            ("its data moves to a disk of its own", &data_disk),
            ("a backup brings back configuration and queue", &backup),
            ("it forgets who has set it up, and keeps the reports", &reset),
        ],
    );
    Ok(())
}

/// Fails if: nobody can log in at the console with the password that was typed there, somebody can with another one, or sudo
/// does not take it.
fn log_in_at_the_console(machine: &mut Machine<'_>) -> Result<()> {
    machine.type_line("admin")?;
    machine.answer("Password:", "wrong")?;
    machine.expect("Login incorrect")?;
    machine.answer("login:", "admin")?;
    machine.answer("Password:", SECRET)?;
    // What is typed is shown, too, and is not what is waited for.
    machine.answer("admin@", "sudo -k -p 'Sudo'' asks:' sh -c 'echo This is $(id -un), who has $(command -v login)'")?;
    machine.answer("Sudo asks:", SECRET)?;
    machine.expect("This is root, who has /")?;
    machine.answer("admin@", "exit")?;
    machine.expect("login:")
}

/// Answers with a fixed address, a password and a key.
fn ask_up_to_the_server(machine: &mut Machine<'_>, site: &Site) -> Result<()> {
    machine.type_line("")?;
    for (question, answer) in [
        ("d for DHCP", "f"),
        ("Network card", ""),
        ("Address with the length", "10.0.2.15"),
        ("Address with the length", "10.0.2.15/24"),
        ("Gateway", "10.0.2.2"),
        ("Name server", "10.0.2.3"),
        ("Password of admin", SECRET),
        ("Once more", SECRET),
        ("Public SSH key", &*site.public_key()?),
    ] {
        machine.answer(question, answer)?;
    }
    Ok(())
}

/// The shortest way through the wizard.
fn wizard_again(machine: &mut Machine<'_>, site: &Site) -> Result<()> {
    machine.type_line("")?;
    for (question, answer) in [
        ("d for DHCP", "d"),
        ("Password of admin", SECRET),
        ("Once more", SECRET),
        ("Public SSH key", &*site.public_key()?),
        ("Address of the WATS server", &*site.address()),
        ("Token of the server", TOKEN),
        ("Name of this station", ""),
        ("Name of an account", ""),
        ("Is that right?", "y"),
    ] {
        machine.answer(question, answer)?;
    }
    machine.expect("Done.")?;
    // It has other host keys now.
    machine.forget_host_keys();
    machine.wait_for_ssh(&site.key)
}

/// Fails if: what the wizard shares is not shared, or is with anybody; or the client does not take what comes that way.
///
/// The kernel of the machine itself is the station.
fn by_smb(machine: &Machine<'_>, site: &Site) -> Result<()> {
    let root = |script: &str| machine.root(&site.key, script);
    let mount = |user: &str, password: &str| {
        let options = format!("ip=127.0.0.1,vers=3.1.1,username={user},password={password}");
        let options: String = options.bytes().map(|byte| format!("{byte:02x}")).collect();
        root(&format!(
            "mkdir -p /mnt/share && modprobe cifs && python3 -c 'import ctypes, os; \
             c = ctypes.CDLL(None, use_errno=True); \
             failed = c.mount(b\"//127.0.0.1/watch\", b\"/mnt/share\", b\"cifs\", 0, bytes.fromhex(\"{options}\")); \
             print(os.strerror(ctypes.get_errno()) if failed else \"mounted\")'"
        ))
    };
    for (user, password) in [(OPERATOR, "wrong"), ("admin", SECRET), ("", "")] {
        let said = mount(user, password)?;
        ensure!(said.trim() == "Permission denied", "{user:?} with {password:?}: {said}");
    }
    let said = mount(OPERATOR, PASSWORD)?;
    ensure!(
        said.trim() == "mounted",
        "{said}; {}",
        root("journalctl --no-pager -u smbd | tail -20; dmesg | tail")?
    );
    let count = site.server.reports().len();
    root(
        "cp \"$(find /var/lib/pywats/done -type f -size +0 | head -n 1)\" /mnt/share/smb.json; umount /mnt/share",
    )?;
    life::expect_arrival(machine, site, count + 1, &sample()?)
}

/// Fails if: the machine does not know the repository by the command in docs/appliance.md, or a higher version of the client
/// is not installed with the security updates of Debian, or does not work.
fn upgrade(machine: &Machine<'_>, site: &Site, client: &Path) -> Result<()> {
    let root = |script: &str| machine.root(&site.key, script);
    // Builds the program that makes repositories.
    tool(dist::xtask(), 900).args(["repo", "--help"]).run()?;
    let repository = repository_of_upgrade(client, &site.folder.join("repository"))?;
    let address = repository.url().replace("127.0.0.1", HOST);
    let file = "/etc/apt/sources.list.d/pywats-client.sources";
    root(&format!("/usr/lib/apt/apt-helper download-file {address}/pywats-client.sources {file}"))?;
    root(&format!("sed -i s/127.0.0.1/{HOST}/ {file}"))?;
    // Of nothing else: Debian's own are not this test's.
    root(
        "apt-get -q -o Dir::Etc::SourceList=/dev/null update && systemd-run --unit=upgrade unattended-upgrade -v",
    )?;
    let began = Instant::now();
    while root("systemctl is-active upgrade || :")?.trim() != "inactive" {
        ensure!(
            began.elapsed() < UPGRADE,
            "it takes too long: {}",
            root("journalctl --no-pager -u upgrade")?
        );
        std::thread::sleep(Duration::from_secs(2));
    }
    let version = root("dpkg-query --show --showformat '${Version}' pywats-client")?;
    ensure!(version == HIGHER, "it has {version} still: {}", root("journalctl --no-pager -u upgrade")?);
    life::operator(machine, site)
}

/// Fails if: a report that waits is not in the backup, or the configuration does not come back.
fn backup(machine: &Machine<'_>, site: &Site) -> Result<()> {
    let root = |script: &str| machine.root(&site.key, script);
    // What waits: the server is out of reach.
    root("pywats-client config set server.url http://10.0.2.9:1; systemctl restart pywats-client")?;
    let count = site.server.reports().len();
    root("appliance-backup >/before.tar")?;
    // One that the server has not: of one that it has, the client would ask, and not send it again.
    let report = String::from_utf8(sample()?)?.replace("33a2d408", "5f0c1d77");
    let file = site.folder.join("waits.json");
    fs::write(&file, &report)?;
    let put = format!("put {} /watch/w.part\nrename /watch/w.part /watch/waits.json\n", file.display());
    machine.sftp(OPERATOR, Login::Password(PASSWORD), &put)?;
    root(
        "for i in $(seq 120); do [ -z \"$(find /var/lib/pywats/spool -type f)\" ] || exit 0; sleep 1; done; exit 1",
    )?;
    root("appliance-backup >/waiting.tar")?;
    let refused = root("appliance-restore </before.tar 2>&1").expect_err("it loses a report that waits");
    ensure!(format!("{refused:#}").contains("reports wait here"), "{refused:#}");
    root("appliance-restore --replace </before.tar")?;
    ensure!(root("find /var/lib/pywats/spool -type f")?.trim().is_empty(), "something waits still");
    root("head -c 2000 /waiting.tar >/damaged.tar; ! appliance-restore </damaged.tar")?;
    root("appliance-restore </waiting.tar")?;
    ensure!(!root("find /var/lib/pywats/spool -type f")?.trim().is_empty(), "what waited is not back");
    let address = site.address();
    root(&format!("pywats-client config set server.url {address}; systemctl restart pywats-client"))?;
    life::expect_arrival(machine, site, count + 1, report.as_bytes())
}

/// Fails if: a machine whose power is cut while a seed sets it up is lost.
fn cut_off(bench: &mut Bench, qemu: &Qemu, image: &Path) -> Result<()> {
    let site = Site::new("cut-off")?;
    let files = site.seed()?;
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, &**text)).collect();
    bench.case("a power cut while a seed sets it up, and it is set up the next time", || {
        let mut machine = Machine::new(qemu, image, &site.folder)?.with_seed("cidata", &files)?;
        machine.start()?;
        machine.expect("cloud-init")?;
        machine.pull_the_plug();
        machine.start()?;
        machine.wait_for_ssh(&site.key)?;
        machine.root(&site.key, "cloud-init status --wait >/dev/null || :")?;
        life::is_configured(&machine, &site)?;
        life::operator(&machine, &site)
    });
    Ok(())
}

/// Fails if: rights, user, umask or folder show on the disk. What `cargo xtask dist` has made as root is
/// made again by an account that exists in this namespace only.
fn another_user(qemu: &Qemu, folder: &Path) -> Result<()> {
    let list = packager::Artifacts::load(&workspace().join("target/appliance/judged"))?.context("no list")?;
    let (qcow2, disk) = list.of_row("appliance-qcow2").context("no appliance")?;
    let deb = &disk.made_from.first().context("it is made of nothing")?.file;
    let epoch = recipe()?.epoch.to_string();
    fs::set_permissions(folder.parent().context("no folder")?, fs::Permissions::from_mode(0o755))?;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o777))?;
    for (name, from) in [
        ("appliance", workspace().join("target/debug/appliance")),
        ("client.deb", workspace().join("target/appliance/judged").join(deb)),
        ("packages.lock", workspace().join("packaging/appliance/packages.lock")),
    ] {
        fs::copy(&from, folder.join(name)).with_context(|| format!("copying {}", from.display()))?;
    }
    // Only in here is there such an account.
    let script = r#"
set -eu
umask 022
for file in passwd group subuid subgid; do
    cp "/etc/$file" "$1/$file"
done
echo 'builder:x:12345:12345::/nonexistent:/bin/sh' >>"$1/passwd"
echo 'builder:x:12345:' >>"$1/group"
for file in subuid subgid; do
    echo 'builder:700000:65536' >>"$1/$file"
done
for file in passwd group subuid subgid; do
    [ -e "/etc/$file" ] || : >"/etc/$file"
    mount --bind "$1/$file" "/etc/$file"
done
mkdir -m 0755 "$1/work" "$1/packages" "$1/programs" "$1/files"
mount --bind "$2" "$1/packages"
mount --bind "$3" "$1/programs"
mount --bind "$4" "$1/files"
chown 12345 "$1/work"
umask 077
cd "$1"
as() {
    setpriv --reuid 12345 --regid 12345 --clear-groups env -i PATH="$PATH" TZ=Asia/Tokyo LANG=C ./appliance "$@"
}
as root virtual-machine packages.lock packages "$5" "$1/work" "$1/work/made.tar" client.deb
as disk virtual-machine "$1/work/made.tar" files "$6" programs "$5" "$1/work" "$1/work/disk.raw"
"#;
    let given = |name: &str| {
        std::env::var_os(name)
            .with_context(|| format!("{name} is not set: run this by cargo xtask test appliance"))
    };
    tool("unshare", 600)
        .args(["--mount", "--propagation", "private", "sh", "-c", script, "sh"])
        .arg(folder)
        .arg(given("PYWATS_DEBIAN_PACKAGES")?)
        .arg(given("PYWATS_DISK_PROGRAMS")?)
        .arg(workspace().join("packaging/appliance"))
        .arg(epoch)
        .arg(given("PYWATS_DEBIAN_SERVER")?)
        .run()?;
    let ours = workspace().join("target/appliance/judged").join(qcow2);
    let compare = ["compare", "-q", "-f", "qcow2", "-F", "raw"];
    qemu.img(60).args(compare).arg(ours).arg(folder.join("work/disk.raw")).run().context("the disks differ")
}
