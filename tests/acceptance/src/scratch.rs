//! A scratch Debian system in a folder: made once by mmdebstrap, kept in a cache, unpacked for each case.

use crate::command::{Tool, tool};
use anyhow::{Context, Result, ensure};
use sha2::{Digest, Sha256};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// What the system consists of; the cache is made again when this changes.
const RECIPE: &[&str] = &[
    "--mode=root",
    "--variant=minbase",
    "--include=acl,curl,rpm,systemd",
    "--aptopt=Acquire::Languages \"none\"",
    "--aptopt=APT::Install-Recommends \"false\"",
    "--dpkgopt=force-unsafe-io",
];
const SUITE: &str = "bookworm";
/// The machine's own package sources, where it is a Debian: they may be the only ones it can reach.
const SOURCES: &[&str] = &["/etc/apt/sources.list.d/debian.sources", "/etc/apt/sources.list"];

/// A package for Debian's rpm: it provides what Debian has, and Enterprise Linux has as RPM packages.
const RPM_STAND_IN: &str = "\
Name: debian
Version: 1
Release: 1
Summary: What the scratch system has
License: MIT
BuildArch: noarch
Provides: /bin/sh systemd
%description
%files
";

/// Notes what it is asked. What needs a running service manager it leaves at that, and says that nothing
/// runs; everything else the real program does, on files alone.
const SYSTEMCTL: &str = r#"#!/bin/sh
echo "$*" >> /asked
for word in "$@"; do
    shift
    case $word in
    start | stop | restart | try-restart | daemon-reload) exit 0 ;;
    is-active) exit 3 ;;
    --now) ;;
    *) set -- "$@" "$word" ;;
    esac
done
SYSTEMD_OFFLINE=1 exec /usr/bin/systemctl.real "$@"
"#;

/// A shell that takes nothing over from this machine.
pub(crate) const CLEAN_SHELL: &[&str] = &[
    "/usr/bin/env",
    "-i",
    "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
    "LC_ALL=C.UTF-8",
    "DEBIAN_FRONTEND=noninteractive",
    "/bin/sh",
    "-c",
];

pub(crate) fn is_root() -> Result<bool> {
    Ok(tool("id", 10).arg("-u").read()?.trim() == "0")
}

/// The archive of the system, from the cache or made now.
pub(crate) fn base() -> Result<PathBuf> {
    cached(SUITE, &format!("{SUITE} {RECIPE:?}"), make)
}

/// An archive from the cache, or made now: by its name, and what it consists of. `make` writes it to its first path; the
/// other one is the folder of the cache.
///
/// # Errors
/// If there is no place for a cache, or it cannot be made.
pub(crate) fn cached(
    name: &str,
    recipe: &str,
    make: impl FnOnce(&Path, &Path) -> Result<()>,
) -> Result<PathBuf> {
    let cache = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")))
        .context("neither XDG_CACHE_HOME nor HOME is set: there is no place for the cache")?
        .join("acceptance");
    fs::create_dir_all(&cache).with_context(|| format!("creating {}", cache.display()))?;
    let digest: String = Sha256::digest(recipe).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let base = cache.join(format!("{name}-{digest}.tar"));
    // Two suites may want it at once.
    let lock = fs::File::create(cache.join("lock"))?;
    lock.lock().with_context(|| format!("locking {}", cache.display()))?;
    if !base.is_file() {
        println!("         making a scratch system in {}", base.display());
        // Under another name until it is whole.
        let unfinished = cache.join(format!("unfinished-{}.tar", std::process::id()));
        make(&unfinished, &cache)?;
        fs::rename(&unfinished, &base)?;
    }
    Ok(base)
}

/// Makes the system by the machine's own package sources. One of them may be of no use for a while, such as that of
/// security updates while a mirror is being synchronised: then by the main suite alone, which has all that is needed.
fn make(archive: &Path, cache: &Path) -> Result<()> {
    let is_debian = fs::read_to_string("/etc/os-release").is_ok_and(|text| text.contains("\nID=debian\n"));
    let sources = SOURCES.iter().map(Path::new).find(|path| is_debian && path.is_file());
    let mmdebstrap = |sources: Option<&Path>| {
        tool("mmdebstrap", 900).args(RECIPE).arg(SUITE).arg(archive).args(sources).run()
    };
    let Err(first) = mmdebstrap(sources) else { return Ok(()) };
    println!("         it could not be made; another try, by the main suite alone:\n{first:#}");
    let main = match sources {
        Some(sources) => {
            let list = cache.join("main.list");
            fs::write(&list, main_suite(&fs::read_to_string(sources)?)?)?;
            Some(list)
        }
        None => None,
    };
    mmdebstrap(main.as_deref())
        .with_context(|| format!("making a scratch system; the first try ended with {first:#}"))
}

/// Makes a system of another suite in a folder, with these packages, from where the machine gets its own.
///
/// # Errors
/// If the suite cannot be had there.
pub(crate) fn of_suite(suite: &str, include: &str, folder: &Path) -> Result<()> {
    mmdebstrap_from_here(suite, "apt", include, folder)
}

/// Unpacks packages of a suite and all that they depend on into a folder, without running any of their scripts.
///
/// # Errors
/// If the suite cannot be had there.
pub(crate) fn extract(suite: &str, include: &str, folder: &Path) -> Result<()> {
    mmdebstrap_from_here(suite, "extract", include, folder)?;
    // What the package base-files would bring.
    for name in ["bin", "lib", "lib64", "sbin"] {
        let link = folder.join(name);
        if !link.exists() {
            std::os::unix::fs::symlink(format!("usr/{name}"), &link)?;
        }
    }
    Ok(())
}

fn mmdebstrap_from_here(suite: &str, variant: &str, include: &str, folder: &Path) -> Result<()> {
    let sources = SOURCES.iter().find_map(|path| main_suite(&fs::read_to_string(path).ok()?).ok());
    let line = sources.map(|line| line.replace(&format!(" {SUITE} "), &format!(" {suite} ")));
    // Not even the machine's own devices may be writable for the account that apt would take for the network.
    let options = ["--mode=root", "--aptopt=APT::Sandbox::User \"root\"", "--dpkgopt=force-unsafe-io"];
    let mmdebstrap = tool("mmdebstrap", 300).args(options).arg(format!("--variant={variant}"));
    mmdebstrap.arg(format!("--include={include}")).arg(suite).arg(folder).args(line).run()
}

/// The line of the main suite's archive, out of a machine's package sources in either of their two formats.
fn main_suite(sources: &str) -> Result<String> {
    let words = sources
        .lines()
        .filter(|line| line.starts_with("URIs:") || line.starts_with("deb "))
        .flat_map(str::split_whitespace);
    let mut mirrors = words.filter(|word| word.contains("://"));
    let mirror = mirrors.find(|uri| uri.trim_end_matches('/').ends_with("/debian"));
    let mirror = mirror.context("the machine's package sources name no archive of Debian")?;
    Ok(format!("deb {mirror} {SUITE} main\n"))
}

/// Makes the RPM that stands for the system's own packages.
pub(crate) fn rpm_stand_in(folder: &Path) -> Result<PathBuf> {
    let spec = folder.join("debian.spec");
    fs::write(&spec, RPM_STAND_IN)?;
    let top = format!("_topdir {}", folder.join("rpmbuild").display());
    // rpmbuild reads macros from HOME, which may redefine anything.
    tool("rpmbuild", 60).args(["-bb", "--quiet", "--define", &top]).arg(&spec).env("HOME", folder).run()?;
    Ok(folder.join("rpmbuild/RPMS/noarch/debian-1-1.noarch.rpm"))
}

/// A scratch system.
pub(crate) struct Root {
    folder: PathBuf,
}

impl Root {
    /// Unpacks the system into a folder.
    pub(crate) fn unpack(base: &Path, folder: &Path) -> Result<Root> {
        tool("tar", 300).arg("-xf").arg(base).arg("-C").arg(folder).run()?;
        Ok(Root { folder: folder.to_owned() })
    }

    /// Unpacks the system into a folder and puts the stand-in for `systemctl` in its place.
    pub(crate) fn without_systemd(base: &Path, folder: &Path) -> Result<Root> {
        let root = Root::unpack(base, folder)?;
        fs::rename(root.path("usr/bin/systemctl"), root.path("usr/bin/systemctl.real"))?;
        root.write("usr/bin/systemctl", SYSTEMCTL)?;
        fs::set_permissions(root.path("usr/bin/systemctl"), fs::Permissions::from_mode(0o755))?;
        Ok(root)
    }

    /// Makes scripts believe that systemd runs.
    pub(crate) fn pretend_booted(&self) -> Result<()> {
        Ok(fs::create_dir_all(self.path("run/systemd/system"))?)
    }

    /// Lets scripts see that no systemd runs, as in the making of an image.
    pub(crate) fn pretend_not_booted(&self) -> Result<()> {
        Ok(fs::remove_dir(self.path("run/systemd/system"))?)
    }

    /// The path outside of what is `path` inside.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.folder.join(path)
    }

    pub(crate) fn write(&self, path: &str, text: &str) -> Result<()> {
        let path = self.path(path);
        let folder = path.parent().context("a file has a folder")?;
        fs::create_dir_all(folder)?;
        fs::write(&path, text).with_context(|| format!("writing {}", path.display()))
    }

    /// Copies a package in and returns its path inside.
    pub(crate) fn bring(&self, package: &Path) -> Result<String> {
        let name = package.file_name().context("a package has a name")?.to_string_lossy().into_owned();
        fs::copy(package, self.path(&name)).with_context(|| format!("copying {}", package.display()))?;
        Ok(format!("/{name}"))
    }

    /// A shell script inside. The kernel's `/proc` is there, in a name space that ends with the script.
    pub(crate) fn script(&self, script: &str) -> Tool {
        let enter = r#"mount -t proc proc "$0/proc" && exec chroot "$0" "$@""#;
        tool("unshare", 120)
            .args(["--mount", "sh", "-c", enter])
            .arg(&self.folder)
            .args(CLEAN_SHELL)
            .arg(script)
    }

    pub(crate) fn run(&self, script: &str) -> Result<()> {
        self.script(script).run()
    }

    pub(crate) fn read(&self, script: &str) -> Result<String> {
        self.script(script).read()
    }

    /// What the service manager was asked to do with the service since the last call, questions left out.
    pub(crate) fn take_asked(&self) -> Result<Vec<String>> {
        let asked = fs::read_to_string(self.path("asked")).unwrap_or_default();
        if self.path("asked").exists() {
            fs::remove_file(self.path("asked"))?;
        }
        let verbs =
            ["start", "stop", "restart", "try-restart", "daemon-reload", "enable", "disable", "preset"];
        let word = |line: &str| {
            let verb = line.split(' ').find(|word| verbs.contains(word))?;
            let now = if line.contains("--now") { " --now" } else { "" };
            Some(format!("{verb}{now}"))
        };
        Ok(asked.lines().filter_map(word).collect())
    }

    /// Everything inside whose name contains `text`.
    pub(crate) fn find(&self, text: &str) -> Result<Vec<String>> {
        let found = self.read(&format!("find / -xdev -name '*{text}*'"))?;
        ensure!(!found.contains('\0'), "a name with a NUL");
        Ok(found.lines().map(str::to_owned).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: the archive of the main suite is not found, or that of security updates is taken for it.
    #[test]
    fn finds_the_main_suite() {
        let deb822 = "Types: deb\nURIs: http://mirror.example/debian-security\nSuites: bookworm-security\n\n\
                      Types: deb\nURIs: http://mirror.example/debian\nSuites: bookworm bookworm-updates\n";
        let lines = "# deb http://old.example/debian bookworm main\n\
                     deb http://mirror.example/debian-security bookworm-security main\n\
                     deb [signed-by=/k.gpg] http://mirror.example/debian bookworm main\n";
        for sources in [deb822, lines] {
            assert_eq!(main_suite(sources).unwrap(), "deb http://mirror.example/debian bookworm main\n");
        }
        assert!(main_suite("deb http://mirror.example/ubuntu noble main\n").is_err());
    }
}
