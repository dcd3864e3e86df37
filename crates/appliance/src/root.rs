//! The root folder of the appliance, as a tar.
//!
//! mmdebstrap takes the packages of the lock from a folder that is laid out as an archive; then, from another one, those of
//! the client. It asks nobody else, so what is installed is what the lock says. Debian takes longest by far, and is the same
//! for every version of the client: whoever keeps it waits for it once. An ordinary user has it work in a namespace, which takes
//! `newuidmap` and a range of accounts in `/etc/subuid`, as most systems give one to every user; root needs neither.
//!
//! With `SOURCE_DATE_EPOCH` everything that Debian's packages do while they are installed is the same each time, the
//! initial RAM disk included.

use crate::disk::Identifiers;
use crate::edit::{self, Additions, New};
use crate::fetch::{self, sha256};
use crate::lock::Lock;
use crate::system::System;
use crate::{PATH, Run, archive, command};
use anyhow::{Context, Result, bail, ensure};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::fs::{self, File, Permissions};
use std::io::{BufReader, BufWriter, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The release of Debian, as its archive calls it.
pub const SUITE: &str = "trixie";
/// The same by its number.
pub const RELEASE: &str = "13";

/// What mmdebstrap is told whatever there is to install.
fn options_of_all(system: &System) -> Vec<String> {
    let architecture = format!("--architectures={}", system.architecture);
    let options = [
        "--variant=custom",
        &architecture,
        "--format=tar",
        "--aptopt=APT::Install-Recommends \"false\"",
        "--aptopt=Acquire::Languages \"none\"",
        // The folder is thrown away if this fails: nobody has to wait for the disk.
        "--dpkgopt=force-unsafe-io",
        "--hook-dir=/usr/share/mmdebstrap/hooks/file-mirror-automount",
    ];
    options.map(str::to_owned).into()
}

/// What it is told besides when Debian is installed.
fn options_of_debian(system: &System) -> Vec<String> {
    let further = [
        // Debian installs it, and leaves it to others whether it runs.
        "--customize-hook=chroot \"$1\" systemctl enable systemd-networkd.service",
        // Once, with everything in it, and then the links that lead to it: see `NO_INITRD`.
        "--customize-hook=env --unset=INITRD chroot \"$1\" sh -euc 'for kernel in /boot/vmlinuz-*; do \
             version=${kernel#/boot/vmlinuz-}; update-initramfs -c -k \"$version\"; \
             linux-update-symlinks install \"$version\" \"$kernel\"; done; test -s /initrd.img'",
    ];
    options_of_all(system).into_iter().chain(further.map(str::to_owned)).collect()
}

/// The variable by which a kernel that is installed gets no initial RAM disk, nor a link to one: packages that come after it
/// would have it made again, which takes minutes on an emulated processor.
const NO_INITRD: (&str, &str) = ("INITRD", "No");

/// What begins with the Debian that was installed, in the tar that a variable names. That tells where its own packages came
/// from, and has devices, which mmdebstrap makes if it may.
const UNPACK: &str = "--setup-hook=tar --extract --file=\"$UNPACKED\" --directory=\"$1\" --xattrs --xattrs-include='*' \
                      --exclude='./dev/*' --exclude=./etc/apt/sources.list";
const UNPACKED: &str = "UNPACKED";

/// Everything of [`Installation::debian`] but the packages that decides its bits, for digests.
pub fn recipe_of_debian(system: &System) -> String {
    format!("{SUITE} {:?} {NO_INITRD:?}", options_of_debian(system))
}

/// The same of [`Installation::client`].
pub fn recipe_of_client(system: &System) -> String {
    format!("{SUITE} {:?} {UNPACK}", options_of_all(system))
}

/// What only the machine that builds has, or what every appliance has to make for itself.
const GOES: &[&str] = &[
    // The kernel makes it.
    "dev/",
    // How apt and dpkg were told to be quick.
    "etc/apt/apt.conf.d/99mmdebstrap",
    "etc/dpkg/dpkg.cfg.d/99mmdebstrap",
    // The name servers of this machine.
    "etc/.resolv.conf.systemd-resolved.bak",
    // Of each machine its own.
    "etc/ssh/ssh_host_",
    "etc/machine-id",
    "var/lib/dbus/machine-id",
    "var/lib/systemd/random-seed",
    // Whoever wants files by SMB says so. The second one is for names of NetBIOS, which nobody needs.
    "etc/systemd/system/multi-user.target.wants/smbd.service",
    "etc/systemd/system/multi-user.target.wants/nmbd.service",
];

/// Whether something that mmdebstrap left does not get onto the disk.
fn goes(name: &str) -> bool {
    GOES.iter().any(|gone| name == *gone || (name.starts_with(gone) && gone.ends_with(['/', '_'])))
}

/// What comes besides the files of `packaging/appliance`, for a disk with these identifiers, and a server of Debian's
/// archives from which updates come.
fn made(system: &System, identifiers: Identifiers, server: &str) -> Additions {
    let file = |content: String| New::File(0o644, content.into_bytes());
    let mut made = (system.made)(identifiers);
    made.extend([
        // Empty, it is filled at the first boot. Without it systemd would take that for one at which all units are
        // enabled that there are.
        ("etc/machine-id".to_owned(), file(String::new())),
        // Instead of the folder that the packages were taken from.
        ("etc/apt/sources.list".to_owned(), file(archive::sources(system, server))),
        // It would let the hypervisor in by SSH, at once: with a key, but before anybody has set the machine up.
        ("etc/systemd/system-generators/systemd-ssh-generator".to_owned(), New::Link("/dev/null".to_owned())),
        // Where operators are shut in, and the watch folder is mounted.
        ("srv/operators/watch".to_owned(), New::Folder),
    ]);
    made
}

/// What somebody or something calls on an appliance, though no unit of `packaging/appliance` names it: agetty, an
/// administrator by the documentation, a script. Debian leaves out of its essential packages more and more of these.
const CALLED: &[&str] = &[
    // agetty, without which nobody gets in at a console, and PAM.
    "login",
    "unix_chkpwd",
    // What docs/appliance.md and docs/linux.md tell people to type, and what shows and edits for it.
    "apt-get apt-mark dpkg journalctl less lsattr nano passwd smbpasswd sudo systemctl useradd usermod visudo zstd",
    // The scripts.
    "awk blkid blockdev cat chattr chmod chown chpasswd cloud-init cmp cp cut du find findmnt flock getent grep id install \
     ip lsblk mkdir mkfs.ext4 mktemp mount mountpoint mv networkctl python3 rm rmdir sed sh sleep sort ssh-keygen stty sync \
     systemd-tmpfiles tar tr umount userdel wc wipefs",
    // What comes by itself.
    "unattended-upgrade",
];

/// Where programs are. `/bin` and `/sbin` lead there.
const PROGRAMS: [&str; 2] = ["usr/bin/", "usr/sbin/"];

/// The programs that the lines of units in these files call, also as an argument of each other.
fn called_by_units(additions: &Additions) -> Vec<&str> {
    let texts = additions.iter().filter_map(|(name, new)| match new {
        New::File(_, content) if name.starts_with("usr/lib/systemd/system/") => {
            std::str::from_utf8(content).ok()
        }
        _ => None,
    });
    let lines = texts.flat_map(str::lines).filter_map(|line| line.strip_prefix("Exec")?.split_once('='));
    let words = lines.flat_map(|(_, command)| command.split(' '));
    words.filter_map(|word| Some(word.rsplit_once("bin/")?.1)).collect()
}

/// Refuses a root folder, by the names in it, on which something that is called is not.
fn has_what_is_called(names: &BTreeSet<String>, additions: &Additions) -> Result<()> {
    let called = CALLED.iter().flat_map(|names| names.split_whitespace());
    let missing =
        |program: &&str| !PROGRAMS.iter().any(|folder| names.contains(&format!("{folder}{program}")));
    let missing: BTreeSet<&str> = called.chain(called_by_units(additions)).filter(missing).collect();
    let missing: Vec<&str> = missing.into_iter().collect();
    ensure!(
        missing.is_empty(),
        "there is no program {}, which is called on the appliance; have the package of it in packaging/appliance/*.txt",
        missing.join(", ")
    );
    Ok(())
}

/// How root folders are installed.
pub struct Installation<'a> {
    /// What it is for.
    pub system: &'a System,
    /// A command that runs another one where programs of that system's processor can be run: empty, if this machine's can.
    pub emulator: &'a [OsString],
    /// An empty folder that [`may_be_entered`].
    pub work: &'a Path,
    /// What runs programs.
    pub run: Run<'a>,
}

/// What the making of a root folder needs of this machine, beside Debian's apt, and the package that brings it.
const NEEDED: &[(&str, &str)] = &[("mmdebstrap", "mmdebstrap"), ("dpkg-deb", "dpkg"), ("apt-get", "apt")];

/// The same, if it is not done by root.
const NEEDED_BY_USERS: (&str, &str) = ("newuidmap", "uidmap");

/// Refuses to begin on a machine that cannot make a root folder.
///
/// # Errors
/// If a program is missing, or an ordinary user may not make namespaces here: with what to do.
pub fn is_possible_here(run: Run<'_>) -> Result<()> {
    let root = by_root()?;
    let installed = |program: &str| PATH.split(':').any(|folder| Path::new(folder).join(program).is_file());
    let further = (!root).then_some(&NEEDED_BY_USERS);
    let missing = NEEDED.iter().chain(further).find(|(program, _)| !installed(program));
    if let Some((program, package)) = missing {
        bail!("{program} is not installed; on Debian and Ubuntu: apt-get install {package}");
    }
    if !root {
        let mut unshare = command("unshare");
        unshare.args(["--user", "--map-root-user", "true"]);
        run(unshare).context(
            "ordinary users may not make namespaces on this machine; allow it (Ubuntu: sysctl \
             kernel.apparmor_restrict_unprivileged_userns=0), or do this as root",
        )?;
    }
    Ok(())
}

/// Whether root runs this.
fn by_root() -> Result<bool> {
    Ok(fs::metadata("/proc/self").context("asking who runs this")?.uid() == 0)
}

/// Whether the accounts of a namespace may enter a folder: those of an ordinary user's mmdebstrap are not that user.
///
/// # Errors
/// If it cannot be asked.
pub fn may_be_entered(folder: &Path) -> Result<bool> {
    if by_root()? {
        return Ok(true);
    }
    for folder in folder.ancestors() {
        let about = fs::metadata(folder).with_context(|| format!("reading {}", folder.display()))?;
        if about.mode() & 0o001 == 0 {
            return Ok(false);
        }
    }
    Ok(true)
}

/// A package: its file, what that is called in an archive, and its SHA-256 if that is known.
type Package<'a> = (PathBuf, String, Option<&'a str>);

impl Installation<'_> {
    /// Installs Debian's packages, all of the lock, into a tar. Their files are in a folder, as [`fetch::fetch`] leaves it.
    ///
    /// # Errors
    /// If a package is missing or refuses, or mmdebstrap cannot work on this machine.
    pub fn debian(&self, lock: &Lock, packages: &Path, tar: &Path) -> Result<()> {
        let locked = lock.packages.iter().map(|package| {
            (fetch::file(packages, package), package.file_name().to_owned(), Some(&*package.sha256))
        });
        let (mut mmdebstrap, place) = self.mmdebstrap("debian", locked.collect(), lock.epoch()?)?;
        mmdebstrap.args(options_of_debian(self.system)).arg(SUITE).arg(tar).arg(place);
        (self.run)(mmdebstrap).context(
            "installing Debian's packages; an ordinary user needs a range of accounts in /etc/subuid",
        )
    }

    /// Installs the client's own packages, of such a moment, besides what [`debian`](Self::debian) has left.
    ///
    /// # Errors
    /// As there.
    pub fn client(&self, packages: &[PathBuf], epoch: u32, debian: &Path, tar: &Path) -> Result<()> {
        let own = packages.iter().map(|file| {
            let name = file.file_name().unwrap_or(file.as_os_str()).to_string_lossy().into_owned();
            (file.clone(), name, None)
        });
        let (mut mmdebstrap, place) = self.mmdebstrap("client", own.collect(), epoch)?;
        // Where the accounts of the namespace may read it.
        let unpacked = self.work.join("debian.tar");
        fs::copy(debian, &unpacked).with_context(|| format!("copying {}", debian.display()))?;
        open(&unpacked, 0o644)?;
        mmdebstrap.args(options_of_all(self.system)).arg(UNPACK).env(UNPACKED, &unpacked);
        mmdebstrap.arg(SUITE).arg(tar).arg(place);
        (self.run)(mmdebstrap).context("installing the client's packages")?;
        fs::remove_file(&unpacked).with_context(|| format!("removing {}", unpacked.display()))
    }

    /// mmdebstrap, told of packages and their moment, and the source that it takes them from.
    fn mmdebstrap(&self, name: &str, packages: Vec<Package<'_>>, epoch: u32) -> Result<(Command, String)> {
        let repository = self.work.join(name);
        let names = lay_out(packages, &repository)?;
        let place = repository.to_str().filter(|path| !path.contains(char::is_whitespace));
        let place = place.with_context(|| {
            format!(
                "apt takes no folder with spaces in its path, as in {}; choose another",
                repository.display()
            )
        })?;
        let (mut mmdebstrap, mode) = match self.emulator {
            [] => (command("mmdebstrap"), if by_root()? { "--mode=root" } else { "--mode=unshare" }),
            // It has a namespace of its own, in which this is root. What mmdebstrap looks for is elsewhere.
            [program, arguments @ ..] => {
                let mut command = command(program);
                command.args(arguments).args(["mmdebstrap", "--skip=check/qemu"]);
                (command, "--mode=root")
            }
        };
        mmdebstrap.arg(mode).arg(format!("--include={}", names.join(",")));
        mmdebstrap.env("SOURCE_DATE_EPOCH", epoch.to_string());
        // Nothing of this account's is looked at, and its folder may be shut to the accounts of the namespace.
        mmdebstrap.env("HOME", self.work).env("TMPDIR", self.work).env(NO_INITRD.0, NO_INITRD.1);
        Ok((mmdebstrap, format!("deb [trusted=yes] copy://{place} ./")))
    }
}

/// Sets the mode of a file or folder, whatever the umask is: see [`may_be_entered`].
fn open(path: &Path, mode: u32) -> Result<()> {
    fs::set_permissions(path, Permissions::from_mode(mode))
        .with_context(|| format!("opening {} for others", path.display()))
}

/// Lays packages out as an archive of one folder, and returns their names.
fn lay_out(packages: Vec<Package<'_>>, folder: &Path) -> Result<Vec<String>> {
    fs::create_dir_all(folder).with_context(|| format!("making the folder {}", folder.display()))?;
    open(folder, 0o755)?;
    let (mut index, mut names) = (String::new(), Vec::new());
    for (file, name, digest) in packages {
        let into = folder.join(&name);
        fs::copy(&file, &into)
            .with_context(|| format!("copying {} to {}", file.display(), into.display()))?;
        open(&into, 0o644)?;
        let found = sha256(&into)?;
        let right = digest.is_none_or(|digest| digest == found);
        ensure!(right, "{} is not what the lock says; fetch it again", file.display());
        let control = control(&into)?;
        let (text, package) = entry(&control, &name, fs::metadata(&into)?.len(), &found)?;
        index += &text;
        names.push(package);
    }
    let packages = folder.join("Packages");
    fs::write(&packages, index).context("writing the index of the packages")?;
    open(&packages, 0o644)?;
    Ok(names)
}

/// What a package says of itself.
fn control(file: &Path) -> Result<String> {
    let output = command("dpkg-deb").args([OsStr::new("--field"), file.as_os_str()]).output();
    let output = output.context("starting dpkg-deb")?;
    ensure!(
        output.status.success(),
        "{} is no package: {}",
        file.display(),
        String::from_utf8_lossy(&output.stderr).trim()
    );
    String::from_utf8(output.stdout).with_context(|| format!("{} says what is not UTF-8", file.display()))
}

/// A package's entry in the index, and its name.
fn entry(control: &str, file: &str, size: u64, sha256: &str) -> Result<(String, String)> {
    let name = control.lines().find_map(|line| line.strip_prefix("Package: "));
    let name = name.with_context(|| format!("{file} says no name"))?.to_owned();
    let mut text = control.trim_end().to_owned();
    write!(text, "\nFilename: ./{file}\nSize: {size}\nSHA256: {sha256}\n\n")?;
    Ok((text, name))
}

/// What a root folder that was installed becomes the one on a disk with.
pub struct Finishing<'a> {
    /// What it is for.
    pub system: &'a System,
    /// What [`Installation::client`] has left.
    pub installed: &'a Path,
    /// The folder `packaging/appliance`.
    pub files: &'a Path,
    /// Where updates come from: an address without the name of an archive.
    pub server: &'a str,
    /// The moment that everything is dated, in seconds since 1970.
    pub epoch: u32,
}

/// Takes out of a root folder what is not for the disk, and puts in what is, for a disk with these identifiers.
///
/// # Errors
/// If the tar is damaged, a file cannot be read or written, or a program that is called on an appliance is missing.
pub fn finish(finishing: &Finishing<'_>, identifiers: Identifiers, finished: &Path) -> Result<()> {
    let output = File::create(finished).with_context(|| format!("writing {}", finished.display()))?;
    finish_into(finishing, identifiers, &mut BufWriter::new(output))
        .and_then(|(names, additions)| has_what_is_called(&names, &additions))
        .with_context(|| format!("making {} of {}", finished.display(), finishing.installed.display()))
}

/// The identifiers of a disk, derived from what [`finish`] makes without them. What was installed is another file each time:
/// keys were made that do not stay.
///
/// # Errors
/// As [`finish`].
pub fn identifiers(finishing: &Finishing<'_>) -> Result<Identifiers> {
    let mut digest = Sha256::new();
    finish_into(finishing, Identifiers::unknown(), &mut digest)
        .with_context(|| format!("reading {}", finishing.installed.display()))?;
    let digest: String = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Identifiers::of(&digest))
}

/// Returns the names of all that is no folder, and what came besides.
fn finish_into(
    finishing: &Finishing<'_>,
    identifiers: Identifiers,
    output: &mut impl Write,
) -> Result<(BTreeSet<String>, Additions)> {
    let Finishing { system, installed, files, server, epoch } = *finishing;
    let mut parts = vec![made(system, identifiers, server)];
    for folder in system.files {
        parts.push(edit::additions(&files.join(folder))?);
    }
    let mut additions = Additions::new();
    for (name, new) in parts.into_iter().flatten() {
        let first = additions.insert(name.clone(), new).is_none();
        ensure!(first, "{name} comes twice: of two folders in {}, or also of a program", files.display());
    }
    let input = File::open(installed).with_context(|| format!("reading {}", installed.display()))?;
    let names = edit::edit(BufReader::new(input), output, goes, &additions, epoch)?;
    Ok((names, additions))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::SYSTEMS;

    /// Fails if: all appliances share a key, the path of the machine that built them is on them, or something that is
    /// needed goes, too.
    #[test]
    fn leaves_out_what_is_not_to_be_shared() {
        for name in [
            "etc/ssh/ssh_host_rsa_key",
            "etc/ssh/ssh_host_ed25519_key.pub",
            "etc/.resolv.conf.systemd-resolved.bak",
            "dev/null",
        ] {
            assert!(goes(name), "{name}");
        }
        for name in
            ["etc/ssh/sshd_config", "etc/apt/sources.list.d/debian.sources", "dev", "etc/machine-info"]
        {
            assert!(!goes(name), "{name}");
        }
        for system in &SYSTEMS {
            let made = made(system, Identifiers::unknown(), "http://archive.example");
            assert_eq!(made["etc/machine-id"], New::File(0o644, Vec::new()));
            let New::File(_, sources) = &made["etc/apt/sources.list"] else {
                panic!("updates have no source")
            };
            let line =
                format!("http://archive.example/debian-security trixie-security {}\n", system.components);
            assert!(String::from_utf8_lossy(sources).contains(&line), "{line}");
        }
    }

    /// Fails if: two machines that install the same get other identifiers for their disks, since their keys differ, or two
    /// that install something else get the same ones.
    #[test]
    fn digests_what_stays() {
        let folder = tempfile::tempdir().unwrap();
        let system = &SYSTEMS[0];
        for part in system.files {
            fs::create_dir_all(folder.path().join("files").join(part)).unwrap();
        }
        let root = |contents: &[(&str, &str)]| {
            let mut tar = tar::Builder::new(Vec::new());
            tar.append_dir("./etc", folder.path()).unwrap();
            for (name, content) in contents {
                let mut header = tar::Header::new_ustar();
                header.set_size(content.len() as u64);
                header.set_mode(0o644);
                tar.append_data(&mut header, name, content.as_bytes()).unwrap();
            }
            let path = folder.path().join("installed.tar");
            fs::write(&path, tar.into_inner().unwrap()).unwrap();
            let files = folder.path().join("files");
            let server = "http://archive.example";
            let finishing = Finishing { system, installed: &path, files: &files, server, epoch: 1 };
            identifiers(&finishing).unwrap().root()
        };
        let key = |content| [("./etc/passwd", "root"), ("./etc/ssh/ssh_host_rsa_key", content)];
        assert_eq!(root(&key("one")), root(&key("two")));
        assert_ne!(root(&key("one")), root(&[("./etc/passwd", "boot")]));
    }

    /// Fails if: a disk is made on which nobody can log in, or without what a unit or docs/appliance.md calls.
    #[test]
    fn refuses_a_root_without_what_is_called() {
        let packaging = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging/appliance");
        let docs = fs::read_to_string(packaging.join("../../docs/appliance.md")).unwrap();
        for system in &SYSTEMS {
            let mut additions = Additions::new();
            for folder in system.files {
                additions.extend(edit::additions(&packaging.join(folder)).unwrap());
            }
            let by_units = called_by_units(&additions);
            assert!(by_units.contains(&"agetty") && by_units.contains(&"appliance-setup"), "{by_units:?}");
            let called = CALLED.iter().flat_map(|names| names.split_whitespace());
            let mut names: BTreeSet<String> = additions.keys().cloned().collect();
            names.extend(called.chain(by_units).map(|name| format!("usr/bin/{name}")));
            has_what_is_called(&names, &additions).unwrap();
            for missing in ["login", "agetty"] {
                let mut names = names.clone();
                names.remove(&format!("usr/bin/{missing}"));
                let error = has_what_is_called(&names, &additions).unwrap_err().to_string();
                assert!(error.contains(&format!("no program {missing}, which")), "{error}");
            }
            // The client's package brings that. The rest of the words are commands of this machine.
            let said = docs.split("sudo ").skip(1).filter_map(|rest| rest.split([' ', '`', '\n']).next());
            for program in said.filter(|word| word.starts_with(|sign: char| sign.is_ascii_lowercase())) {
                let known = names.contains(&format!("usr/bin/{program}"))
                    || packaging.join("root/usr/sbin").join(program).is_file()
                    || packaging.join("raspberry-pi/usr/sbin").join(program).is_file();
                assert!(known || ["pywats-client", "dd"].contains(&program), "{program}");
            }
        }
    }

    /// Fails if: apt would not find the file of a package, or take another.
    #[test]
    fn writes_an_entry_of_an_index() {
        let (text, name) = entry("Package: a\nVersion: 1\nDescription: b\n c\n", "a_1.deb", 5, "ab").unwrap();
        assert_eq!(
            text,
            "Package: a\nVersion: 1\nDescription: b\n c\nFilename: ./a_1.deb\nSize: 5\nSHA256: ab\n\n"
        );
        assert_eq!(name, "a");
        assert!(
            entry("Version: 1\n", "a_1.deb", 5, "ab")
                .unwrap_err()
                .to_string()
                .contains("a_1.deb says no name")
        );
    }
}
