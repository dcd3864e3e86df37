//! The disk, kernel and initial RAM disk of a guest, made of Debian's packages and kept in the cache.
//!
//! mmdebstrap makes the root folder; the kernel is unpacked instead of installed, which saves its initial RAM disk
//! for real machines; every file is labelled for SELinux here, so that the first boot is like any other; mke2fs copies
//! the folder with its labels. All of this needs root.

use super::registry::Guest;
use crate::cache;
use crate::process;
use crate::progress::{Progress, Step};
use crate::toolchain::debian::{Archive, mirror};
use crate::toolchain::qemu::{self, Qemu};
use crate::toolchain::rust::clean_command;
use crate::workspace;
use anyhow::{Context, Result, bail, ensure};
use packager::digest::{self, Inputs};
use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// How large a guest's disk is. Only what is used takes space.
const SIZE: &str = "4G";

/// What mmdebstrap is told of every guest: nothing that nobody reads in a test, and no waiting for the disk.
const OPTIONS: &[&str] = &[
    "--mode=root",
    "--variant=minbase",
    "--components=main",
    "--aptopt=Acquire::Languages \"none\"",
    "--aptopt=APT::Install-Recommends \"false\"",
    "--dpkgopt=path-exclude=/usr/share/man/*",
    "--dpkgopt=path-exclude=/usr/share/doc/*",
    "--dpkgopt=path-exclude=/usr/share/locale/*",
    "--dpkgopt=force-unsafe-io",
];

/// What the kernel of a guest must load before it sees its disk.
const MODULES: &[&str] = &["virtio_pci", "virtio_blk", "ext4"];

/// Finished by hand, because modprobe does not know that ext4 asks for it at run time.
const CHECKSUMS: &[&str] = &["crc32c_generic", "crc32c-intel", "libcrc32c"];

/// A guest that can be booted.
pub(crate) struct Image {
    /// The key of its entry in the cache, which tells it from others.
    pub(crate) key: String,
    /// The digest of all of its files.
    pub(crate) identity: String,
    folder: PathBuf,
}

impl Image {
    pub(crate) fn disk(&self) -> PathBuf {
        self.folder.join("disk.qcow2")
    }

    pub(crate) fn kernel(&self) -> PathBuf {
        self.folder.join("kernel")
    }

    pub(crate) fn initrd(&self) -> PathBuf {
        self.folder.join("initrd")
    }
}

/// Where the files of guests are, in the sources.
fn files() -> PathBuf {
    workspace::root().join("tests/vm/guest")
}

/// Everything that decides what an image is, but the state of Debian's archive.
fn recipe(guest: &Guest) -> Result<String> {
    let mut inputs = Inputs::default().value("source", include_str!("image.rs"));
    for (name, value) in [
        ("name", &guest.name),
        ("release", &guest.release),
        ("architecture", &guest.architecture),
        ("kernel", &guest.kernel),
    ] {
        inputs = inputs.value(name, value);
    }
    inputs = inputs.value("selinux", &guest.selinux.to_string());
    for package in &guest.packages {
        inputs = inputs.value("package", package);
    }
    Ok(inputs.tree(&files(), "")?.finish())
}

/// Returns the image of a guest, and makes it if it is not in the cache.
///
/// # Errors
/// If it cannot be made: for want of root, a program or Debian's archive.
pub(crate) fn prepare(guest: &Guest, qemu: &Qemu, progress: &Progress) -> Result<Image> {
    let key = format!("vm-{}-{}", guest.name, &recipe(guest)?[..12]);
    // The cache makes one thing at a time.
    let emulator = emulator(guest, progress)?;
    let folder = cache::entry(&key, |folder| {
        ensure!(rustix::process::geteuid().is_root(), "only root can make the image of a guest");
        let step = progress.step(format!("image of {}", guest.name));
        // On the same disk as the cache, which has room.
        let work = tempfile::tempdir_in(folder.parent().unwrap_or(folder))?;
        let making = Making { guest, folder, work: work.path(), step: &step, emulator };
        making.root()?;
        let kernel = making.kernel()?;
        making.set_up(&kernel)?;
        making.initrd(&kernel)?;
        making.disk(qemu)?;
        step.done();
        Ok(())
    })?;
    Ok(Image { key, identity: digest::sha256_file(&folder.join(cache::MANIFEST))?, folder })
}

/// An image in the making.
struct Making<'a> {
    guest: &'a Guest,
    folder: &'a Path,
    work: &'a Path,
    step: &'a Step,
    /// What runs the guest's programs on this machine, if that cannot.
    emulator: Option<PathBuf>,
}

/// QEMU's user emulation for a guest with another processor.
fn emulator(guest: &Guest, progress: &Progress) -> Result<Option<PathBuf>> {
    if guest.architecture == std::env::consts::ARCH {
        return Ok(None);
    }
    qemu::user(&guest.architecture, progress).map(Some)
}

impl Making<'_> {
    fn run(&self, program: &str, arguments: &[&OsStr]) -> Result<()> {
        let mut command = clean_command(program, &[]);
        command.args(arguments);
        self.watch(command)
    }

    fn watch(&self, command: Command) -> Result<()> {
        process::run(command, |line| self.step.note(line))
    }

    /// A command that runs programs of the guest.
    fn with_programs_of_the_guest(&self, program: &str) -> Command {
        let Some(emulator) = &self.emulator else { return clean_command(program, &[]) };
        let mut command = clean_command("sh", &[]);
        command.arg(files().join("foreign")).arg(emulator).arg(program);
        command
    }

    /// A place in the guest's root folder.
    fn inside(&self, path: &str) -> PathBuf {
        let root = self.work.join("root");
        if path.is_empty() { root } else { root.join(path) }
    }

    /// The system, without a kernel.
    fn root(&self) -> Result<()> {
        let mut command = self.with_programs_of_the_guest("mmdebstrap");
        if self.emulator.is_some() {
            command.args(["--skip=check/qemu", "--architectures", debian_name(self.guest)?]);
        }
        command.args(OPTIONS).arg(format!("--include={}", self.guest.packages.join(",")));
        command.arg(&self.guest.release).arg(self.inside("")).arg(mirror()?);
        self.watch(command)?;
        self.run("cp", &["-a".as_ref(), files().join("root/.").as_os_str(), self.inside("").as_os_str()])?;
        self.run("chown", &["-R".as_ref(), "0:0".as_ref(), self.inside("etc/systemd").as_os_str()])
    }

    /// The kernel; returns its version.
    fn kernel(&self) -> Result<String> {
        let archive = Archive::open_for(&self.guest.release, debian_name(self.guest)?, self.step)?;
        let needed = archive.with_dependencies(&self.guest.kernel)?;
        let is_it = |name: &&String| {
            name.strip_prefix("linux-image-")
                .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        };
        let package = needed.iter().find(is_it);
        let package = package.with_context(|| format!("{} depends on no kernel", self.guest.kernel))?;
        let unpacked = self.work.join("kernel");
        fs::create_dir(&unpacked)?;
        archive.unpack(&[package, "busybox-static"].map(OsStr::new), &unpacked)?;
        let version = package.trim_start_matches("linux-image-").to_owned();
        fs::copy(unpacked.join(format!("boot/vmlinuz-{version}")), self.folder.join("kernel"))?;
        // Debian 12 has them in /lib, which is a link in the guest.
        let places = ["usr/lib/modules", "lib/modules"].map(|place| unpacked.join(place).join(&version));
        let modules = places.iter().find(|place| place.is_dir()).context("the kernel has no modules")?;
        fs::create_dir_all(self.inside("usr/lib/modules"))?;
        self.run("cp", &["-a".as_ref(), modules.as_os_str(), self.inside("usr/lib/modules/").as_os_str()])?;
        Ok(version)
    }

    /// What the guest's own programs do to it, at last the labels.
    fn set_up(&self, kernel: &str) -> Result<()> {
        let needed = ["setup", "logind.cil", "rpm.cil"];
        for name in needed {
            fs::copy(files().join(name), self.inside(name))?;
        }
        // Debian 12's setfiles looks into /proc. The mount is gone when the program ends, however it does. With an
        // emulator that is in a user namespace, which may not mount a new one.
        let mount = if self.emulator.is_some() { "--rbind /proc" } else { "-t proc proc" };
        let script = format!("mount {mount} \"$0/proc\" && exec chroot \"$0\" \"$@\"");
        let mut command = self.with_programs_of_the_guest("unshare");
        command.args(["--mount", "--propagation", "private", "sh", "-c", &script]).arg(self.inside(""));
        command.args(["/setup", &self.guest.name, kernel]);
        command.arg(if self.guest.selinux { "selinux" } else { "plain" });
        self.watch(command)?;
        needed.iter().try_for_each(|name| Ok(fs::remove_file(self.inside(name))?))
    }

    /// What the kernel starts first: busybox, the modules that the disk needs, and `tests/vm/guest/init`.
    fn initrd(&self, kernel: &str) -> Result<()> {
        let initrd = self.work.join("initrd");
        for folder in ["bin", "dev", "modules", "root"] {
            fs::create_dir_all(initrd.join(folder))?;
        }
        let unpacked = self.work.join("kernel");
        let busybox = ["usr/bin/busybox", "bin/busybox"].map(|place| unpacked.join(place));
        let busybox = busybox.iter().find(|file| file.is_file()).context("busybox-static has no busybox")?;
        fs::copy(busybox, initrd.join("bin/busybox"))?;
        fs::copy(files().join("init"), initrd.join("init"))?;
        let mut list = String::new();
        for module in self.modules(kernel)? {
            let file = self.inside(module.trim_start_matches('/'));
            let name = Path::new(&module).file_name().unwrap_or_default().to_string_lossy().into_owned();
            let plain = name.trim_end_matches(".xz");
            if plain == name {
                fs::copy(&file, initrd.join("modules").join(&name))?;
            } else {
                let into = fs::File::create(initrd.join("modules").join(plain))?;
                let done = clean_command("xz", &[]).arg("-dc").arg(&file).stdout(into).status()?;
                ensure!(done.success(), "xz cannot unpack {}", file.display());
            }
            list += plain;
            list.push('\n');
        }
        fs::write(initrd.join("modules/list"), list)?;
        pack(&initrd, &self.folder.join("initrd"))
    }

    /// The files of the modules, in the order in which they are loaded.
    fn modules(&self, kernel: &str) -> Result<Vec<String>> {
        let mut files: Vec<String> = Vec::new();
        for module in CHECKSUMS.iter().chain(MODULES) {
            let mut command = self.with_programs_of_the_guest("chroot");
            command.arg(self.inside("")).args([
                "modprobe",
                "--set-version",
                kernel,
                "--show-depends",
                module,
            ]);
            let output = command.output().context("starting chroot")?;
            // What is part of the kernel, or what another kernel has: the guest will not boot if it is missing.
            for line in String::from_utf8_lossy(&output.stdout).lines() {
                let file = line.strip_prefix("insmod ").map(|rest| rest.trim().to_owned());
                files.extend(file.filter(|file| !files.contains(file)));
            }
        }
        ensure!(!files.is_empty(), "the kernel {kernel} of {} has none of its modules", self.guest.name);
        Ok(files)
    }

    /// The disk, compressed.
    fn disk(&self, qemu: &Qemu) -> Result<()> {
        let raw = self.work.join("disk.raw");
        let mut command = clean_command("mke2fs", &[]);
        command.args(["-q", "-t", "ext4", "-m", "0", "-d"]).arg(self.inside("")).arg(&raw).arg(SIZE);
        self.watch(command)?;
        let mut convert = clean_command(&qemu.img, &[]);
        convert.args(["convert", "-q", "-c", "-f", "raw", "-O", "qcow2", "-o", "compression_type=zstd"]);
        convert.arg(&raw).arg(self.folder.join("disk.qcow2"));
        self.watch(convert)
    }
}

/// How Debian calls the processor of a guest.
fn debian_name(guest: &Guest) -> Result<&'static str> {
    Ok(match guest.architecture.as_str() {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => bail!("guests with the processor {other} are not known to xtask/src/vm/image.rs"),
    })
}

/// Packs a folder as the kernel wants its first files: https://docs.kernel.org/driver-api/early-userspace/.
fn pack(folder: &Path, into: &Path) -> Result<()> {
    let mut names = vec![".".to_owned()];
    let mut found = Vec::new();
    digest::collect_files(folder, &mut found)?;
    names.extend(["bin", "dev", "modules", "root"].map(str::to_owned));
    for file in found {
        names.push(file.strip_prefix(folder).unwrap_or(&file).to_string_lossy().into_owned());
    }
    let mut cpio = clean_command("cpio", &[]);
    cpio.args(["--quiet", "--create", "--format=newc", "--owner=0:0"]).current_dir(folder);
    let mut child =
        cpio.stdin(Stdio::piped()).stdout(fs::File::create(into)?).spawn().context("starting cpio")?;
    let mut input = child.stdin.take().context("cpio takes no input")?;
    input.write_all((names.join("\n") + "\n").as_bytes())?;
    drop(input);
    ensure!(child.wait()?.success(), "cpio failed");
    Ok(())
}
