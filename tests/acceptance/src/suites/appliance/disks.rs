//! The files themselves: QEMU reads every format and finds one disk in all of them, sgdisk, e2fsck and 7z find what is on
//! it in order, and Python's readers of tar and XML find in the OVA what VMware and VirtualBox look for.

use super::machine::Qemu;
use crate::bench::Bench;
use crate::command::tool;
use anyhow::{Context, Result, ensure};
use std::path::{Path, PathBuf};

/// Whose disk is compared with those of the others.
const RAW: &str = "appliance-raw";

/// Formats that QEMU looks for faults in. It can read VHD, and not check it.
const CHECKED: &[&str] = &["qcow2", "vhdx", "vmdk"];

/// How QEMU calls a format, by the end of a file's name.
const CALLED: &[(&str, &str)] = &[("qcow2", "qcow2"), ("vhd", "vpc"), ("vhdx", "vhdx"), ("ova", "vmdk")];

/// What whoever imports an OVA relies on: members in their order, digests, a description that names the disk, its size, a
/// card and a firmware. It prints the name of the disk in it.
const OVA: &str = r#"
import hashlib, sys, tarfile
import xml.etree.ElementTree as XML

OVF = "{http://schemas.dmtf.org/ovf/envelope/1}"
RASD = "{http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData}"
VMW = "{http://www.vmware.com/schema/ovf}"
with tarfile.open(sys.argv[1], "r:") as ova:
    names = ova.getnames()
    ovf, mf, vmdk = names
    assert ovf.endswith(".ovf") and mf.endswith(".mf") and vmdk.endswith(".vmdk"), names
    assert all(member.isfile() and member.uid == 0 and member.mode == 0o644 for member in ova), names
    listed = dict(line.split("= ") for line in ova.extractfile(mf).read().decode().splitlines())
    for name in (ovf, vmdk):
        with ova.extractfile(name) as file:
            assert listed[f"SHA256({name})"] == hashlib.sha256(file.read()).hexdigest(), name
    machine = XML.parse(ova.extractfile(ovf)).getroot()
    file = machine.find(f"{OVF}References/{OVF}File")
    assert file.get(OVF + "href") == vmdk and int(file.get(OVF + "size")) == ova.getmember(vmdk).size
    disk = machine.find(f"{OVF}DiskSection/{OVF}Disk")
    assert disk.get(OVF + "fileRef") == file.get(OVF + "id")
    items = {}
    for item in machine.iter():
        kind = item.find(RASD + "ResourceType")
        if kind is not None:
            items.setdefault(kind.text, []).append(item)
    # Processors, memory, a network card, a disk: the numbers are those of CIM.
    assert all(kind in items for kind in ("3", "4", "10", "17")), items.keys()
    assert {card.find(RASD + "ResourceSubType").text.upper() for card in items["10"]} <= {"VMXNET3", "VIRTIO"}
    settings = {key.get(VMW + "key"): key.get(VMW + "value") for key in machine.iter(VMW + "Config")}
    assert settings.get("firmware") == "efi", settings
    ova.extract(vmdk, sys.argv[2])
    print(vmdk)
"#;

/// Judges every format.
pub(super) fn judge(bench: &mut Bench, qemu: &Qemu, files: &[(&str, PathBuf)]) -> Result<()> {
    let folder = bench.folder("disks")?;
    let raw = folder.join("disk.raw");
    let packed = files.iter().find(|(name, _)| *name == RAW).context("there is no raw disk")?.1.clone();
    let unpack = || tool("zstd", 60).args(["-q", "-d", "--sparse"]).arg(&packed).arg("-o").arg(&raw).run();
    if !bench.case("zstd unpacks the raw disk", unpack) {
        return Ok(());
    }
    bench.case("partitions and file systems are in order", || partitions(&raw, &folder));
    for (name, file) in files.iter().filter(|(name, _)| *name != RAW) {
        bench.case(&format!("QEMU finds the same disk in {name}"), || {
            let disk = if file.extension().is_some_and(|end| end == "ova") {
                let python = tool("python3", 60).args(["-c", OVA]).arg(file).arg(&folder);
                folder.join(python.read()?.trim())
            } else {
                file.clone()
            };
            same_disk(qemu, &disk, file, &raw)
        });
    }
    Ok(())
}

/// Asks QEMU whether a disk is sound, and the same as the raw one. The format is not guessed: it is that of the name.
fn same_disk(qemu: &Qemu, disk: &Path, file: &Path, raw: &Path) -> Result<()> {
    let end = file.extension().unwrap_or_default().to_string_lossy().into_owned();
    let called = CALLED.iter().find(|(known, _)| *known == end);
    let format = called.with_context(|| format!("it is not known how QEMU calls {end}"))?.1;
    if CHECKED.contains(&format) {
        qemu.img(60).args(["check", "-q", "-f", format]).arg(disk).run()?;
    }
    qemu.img(60).args(["compare", "-q", "-f", format, "-F", "raw"]).arg(disk).arg(raw).run()
}

fn partitions(raw: &Path, folder: &Path) -> Result<()> {
    let said = tool("sgdisk", 30).arg("--verify").arg(raw).read()?;
    ensure!(said.contains("No problems found"), "sgdisk finds something:\n{said}");
    // Number, start and length in sectors, name.
    let table = tool("sfdisk", 30).args(["--json"]).arg(raw).read()?;
    let table: serde_json::Value = serde_json::from_str(&table)?;
    let partitions =
        table["partitiontable"]["partitions"].as_array().context("sfdisk finds no partitions")?;
    let place = |name: &str| -> Result<(u64, u64)> {
        let found = partitions.iter().find(|partition| partition["name"] == name);
        let found = found.with_context(|| format!("there is no partition {name}"))?;
        let number = |key: &str| found[key].as_u64().with_context(|| format!("{name} has no {key}"));
        Ok((number("start")? * 512, number("size")? * 512))
    };
    let (root, _) = place("root")?;
    let at = format!("{}?offset={root}", raw.display());
    tool("e2fsck", 60).args(["-f", "-n", &at]).run().context("e2fsck finds something in the root")?;
    let ((start, length), esp) = (place("esp")?, folder.join("esp.img"));
    let dd = [format!("if={}", raw.display()), format!("of={}", esp.display())];
    let places = [format!("skip={}", start >> 20), format!("count={}", length >> 20)];
    tool("dd", 30).args(["bs=1M", "status=none"]).args(dd).args(places).run()?;
    let listed = tool("7z", 30).args(["l", "-ba", "-slt"]).arg(&esp).read()?;
    for loader in ["EFI/BOOT/BOOTX64.EFI", "EFI/BOOT/grubx64.efi", "EFI/debian/grub.cfg"] {
        ensure!(listed.contains(&format!("Path = {loader}\n")), "7z finds no {loader} in the ESP:\n{listed}");
    }
    tool("7z", 30).arg("t").arg(&esp).run()
}
