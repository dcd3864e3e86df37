//! The card of a Raspberry Pi. QEMU has no board whose firmware reads a card, so it is handed what the firmware would take:
//! kernel and initial RAM disk, read from the card's first partition as `config.txt` there says, and the command line beside
//! it. The board is one for virtual machines, whose disk is the card.

use super::life::{self, Site};
use super::machine::{ARM, Firmware, Login, Machine, Qemu};
use crate::bench::Bench;
use crate::command::{Tool, tool};
use crate::products::workspace;
use anyhow::{Context, Result, ensure};
use std::cell::RefCell;
use std::fs;
use std::path::{Path, PathBuf};

/// The row of `artifacts.toml`.
const ROW: &str = "appliance-raspberry-pi";

/// Bytes of a card that is larger than the image.
const CARD: &str = "8G";

/// What tells one machine from another.
const IDENTITY: &str = "cat /etc/machine-id /etc/ssh/ssh_host_ed25519_key.pub";

/// Makes the card, judges it and starts it.
pub(super) fn judge(bench: &mut Bench, out: &Path) -> Result<()> {
    let make = || tool(super::super::dist::xtask(), 1800).args(["dist", ROW, "--out"]).arg(out).aloud().run();
    if !bench.case_for_others("a card for a Raspberry Pi is made", make) {
        return Ok(());
    }
    let list = packager::Artifacts::load(out)?.context("there is no list of what was made")?;
    let (file, artifact) = list.of_row(ROW).with_context(|| format!("{ROW} was not made"))?;
    let packed = out.join(file);
    artifact.verify_file(&packed)?;
    bench.judge([packed.clone()].into_iter());
    let folder = bench.folder("card")?;
    let card = folder.join("card.img");
    let unpack = || {
        tool("zstd", 60).args(["-q", "-t"]).arg(&packed).run()?;
        tool("zstd", 60).args(["-q", "-d", "--sparse"]).arg(&packed).arg("-o").arg(&card).run()
    };
    if !bench.case_for_others("zstd unpacks the card", unpack) {
        return Ok(());
    }
    bench.case("partitions and file systems of the card are in order", || file_systems(&card, &folder));
    let site = Site::new("card")?;
    let starting = starting(&card, &site.folder)?;
    let qemu = Qemu::find(ARM)?;
    life(bench, &qemu, &site, &card, starting)
}

/// The partitions, as sfdisk finds them: first byte, length and kind of each.
fn partitions(card: &Path) -> Result<Vec<(u64, u64, String)>> {
    let table: serde_json::Value = serde_json::from_str(&tool("sfdisk", 30).arg("--json").arg(card).read()?)?;
    let table = &table["partitiontable"];
    ensure!(table["label"] == "dos", "a boot ROM finds no table of partitions: {table}");
    let partitions = table["partitions"].as_array().context("sfdisk finds no partitions")?;
    let place = |partition: &serde_json::Value| {
        let number = |key: &str| partition[key].as_u64().with_context(|| format!("no {key} in {partition}"));
        Ok((number("start")? * 512, number("size")? * 512, partition["type"].to_string()))
    };
    partitions.iter().map(place).collect()
}

/// One of the programs that have made the card, for what this machine may not have.
fn program(name: &str) -> Result<Tool> {
    let root = std::env::var_os("PYWATS_DISK_PROGRAMS")
        .context("PYWATS_DISK_PROGRAMS is not set: run this by cargo xtask test appliance")?;
    let libraries = Path::new(&root).join("usr/lib/x86_64-linux-gnu");
    let program = tool(libraries.join("ld-linux-x86-64.so.2"), 60).args(["--argv0", name, "--library-path"]);
    Ok(program.arg(&libraries).arg(Path::new(&root).join("usr").join(name)))
}

/// The first partition, in a file of its own.
fn firmware(card: &Path, folder: &Path) -> Result<PathBuf> {
    let (start, length, _) = partitions(card)?.swap_remove(0);
    let image = folder.join("firmware.img");
    let dd = [format!("if={}", card.display()), format!("of={}", image.display())];
    let places = [format!("skip={}", start >> 20), format!("count={}", length >> 20)];
    tool("dd", 60).args(["bs=1M", "conv=sparse", "status=none"]).args(dd).args(places).run()?;
    Ok(image)
}

fn file_systems(card: &Path, folder: &Path) -> Result<()> {
    tool("sfdisk", 30).arg("--verify").arg(card).run()?;
    let partitions = partitions(card)?;
    let kinds: Vec<&str> = partitions.iter().map(|(.., kind)| kind.trim_matches('"')).collect();
    ensure!(kinds == ["c", "83", "83"], "the partitions are {kinds:?}");
    for (start, ..) in &partitions[1..] {
        let at = format!("{}?offset={start}", card.display());
        tool("e2fsck", 60).args(["-f", "-n", &at]).run().context("e2fsck finds something")?;
    }
    let image = firmware(card, folder)?;
    program("sbin/fsck.fat")?.arg("-n").arg(&image).run().context("fsck.fat finds something")?;
    let listed = tool("7z", 60).args(["l", "-ba", "-slt"]).arg(&image).read()?;
    for file in ["bootcode.bin", "start4.elf", "bcm2837-rpi-3-b-plus.dtb", "bcm2711-rpi-4-b.dtb"] {
        ensure!(listed.contains(&format!("Path = {file}\n")), "7z finds no {file}:\n{listed}");
    }
    tool("7z", 60).arg("t").arg(&image).run()?;
    fs::remove_file(&image)?;
    Ok(())
}

/// What the board's firmware would start, taken from the card.
fn starting(card: &Path, folder: &Path) -> Result<Firmware> {
    let image = firmware(card, folder)?;
    let unpacked = folder.join("firmware");
    let into = format!("-o{}", unpacked.display());
    tool("7z", 60).args(["x", "-y", "-bd", &into]).arg(&image).run()?;
    fs::remove_file(&image)?;
    let config = fs::read_to_string(unpacked.join("config.txt"))?;
    let named = |word: &str| {
        let name = config.lines().find_map(|line| line.strip_prefix(word));
        let file = unpacked.join(name.with_context(|| format!("config.txt has no {word}:\n{config}"))?);
        ensure!(file.is_file(), "config.txt names {}, which is not there", file.display());
        Ok(file)
    };
    let files = [named("kernel=")?, named("initramfs ")?];
    let line = fs::read_to_string(unpacked.join("cmdline.txt"))?;
    // The port of that board instead of a Pi's.
    Ok(Firmware::Kernel(files, format!("{} console=ttyAMA0,115200", line.trim())))
}

/// Sets it up by a seed, as a technician puts one onto the card, and pulls the plug.
fn life(bench: &mut Bench, qemu: &Qemu, site: &Site, card: &Path, starting: Firmware) -> Result<()> {
    let (start, ..) = partitions(card)?.swap_remove(0);
    let place = format!("{}@@{start}", card.display());
    for (name, text) in site.seed()? {
        let file = site.folder.join(name);
        fs::write(&file, text)?;
        let put = program("bin/mcopy")?.args(["-i", &place]).arg(&file).arg(format!("::/{name}"));
        put.run().with_context(|| format!("putting {name} onto the card"))?;
    }
    let machine = Machine::of_format(qemu, card, "raw", &site.folder)?.with_firmware(starting)?;
    qemu.img(30).args(["resize", "-q"]).arg(machine.disk()).arg(CARD).run()?;
    let machine = RefCell::new(machine);
    let root = |script: &str| machine.borrow().root(&site.key, script);
    let first = || {
        let mut machine = machine.borrow_mut();
        machine.start()?;
        machine.wait_for_ssh(&site.key)
    };
    let is_set_up = || {
        root("cloud-init status --wait").context("cloud-init has something to say")?;
        life::is_configured(&machine.borrow(), site)
    };
    let read_only = || {
        for (place, says) in [("/", "ro,"), ("/boot/firmware", "ro,"), ("/etc", "rw,"), ("/var", "rw,")] {
            let options = root(&format!("findmnt --noheadings --output OPTIONS --mountpoint {place}"))?;
            ensure!(options.starts_with(says), "{place} is mounted with {options}");
        }
        let wrote = root("touch /usr/x 2>&1 && echo it was written || :")?;
        ensure!(wrote.contains("Read-only file system"), "the root can be written: {wrote}");
        let seed = root("ls /boot/firmware")?;
        ensure!(!seed.contains("user-data"), "the token is on the first partition still:\n{seed}");
        let size: u64 = root("df --output=size -B1M /data | tail -1")?.trim().parse()?;
        ensure!(size > 5000, "the data has {size} MB of a card of {CARD}");
        Ok(())
    };
    let delivered = || life::operator(&machine.borrow(), site);
    let upgrade = || {
        let before = root("cat /boot/firmware/cmdline.txt /boot/firmware/config.txt")?;
        // What apt does around dpkg, and what a new kernel does then.
        let hook = "DEB_MAINT_PARAMS=configure /etc/kernel/postinst.d/z50-raspi-firmware";
        root(&format!("appliance-writable on; touch /usr/x; rm /usr/x; {hook}; appliance-writable off"))?;
        let after = root("cat /boot/firmware/cmdline.txt /boot/firmware/config.txt")?;
        ensure!(after == before, "a new kernel is started in another way:\n{before}\n{after}");
        ensure!(root("findmnt -no OPTIONS /")?.starts_with("ro,"), "the root can be written after an upgrade");
        Ok(())
    };
    let power_cut = || {
        let before = root(IDENTITY)?;
        root("pywats-client config set server.url http://10.0.2.9:1; systemctl restart pywats-client")?;
        let put = format!(
            "put {} /watch/w.part\nrename /watch/w.part /watch/waits.json\n",
            site.folder.join("report.json").display()
        );
        machine.borrow().sftp(life::OPERATOR, Login::Password(life::PASSWORD), &put)?;
        root("for i in $(seq 120); do [ -z \"$(find /var/lib/pywats/spool -type f)\" ] || exit 0; sleep 1; done; exit 1")?;
        {
            let mut machine = machine.borrow_mut();
            machine.pull_the_plug();
            machine.start()?;
            machine.wait_for_ssh(&site.key)?;
        }
        ensure!(root(IDENTITY)? == before, "it is another machine after a power cut");
        ensure!(root("findmnt -no OPTIONS /")?.starts_with("ro,"), "the root can be written after a power cut");
        ensure!(!root("find /var/lib/pywats/spool -type f")?.is_empty(), "the report that waited is gone");
        let count = site.server.reports().len();
        let address = site.address();
        root(&format!("pywats-client config set server.url {address}; systemctl restart pywats-client"))?;
        crate::client::expect_report(&site.server, count + 1, &crate::client::sample()?)
            .with_context(|| machine.borrow().last_words())
    };
    bench.steps(
        "a Raspberry Pi's card, in QEMU",
        &[
            ("its administrator can log in by the key", &first),
            ("it is set up as the seed on the card says", &is_set_up),
            ("its root is read-only, its data takes the card, and the seed is gone", &read_only),
            ("an operator's report arrives", &delivered),
            ("a new kernel is started in the same way, from a root that is read-only again", &upgrade),
            ("a report that waits outlives a power cut", &power_cut),
        ],
    );
    let _ = fs::remove_dir_all(workspace().join("target/test/appliance-card/firmware"));
    Ok(())
}
