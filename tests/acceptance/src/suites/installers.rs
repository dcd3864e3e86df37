//! The installers by script, made by cargo-dist of the archives at hand: judged by shells, linters and grammars, and run in
//! a Debian that has neither Rust nor anything of ours, from a server on the loopback interface.

use super::repositories::server::Server;
use crate::bench::Bench;
use crate::command::{Tool, missing, said, tool};
use crate::products::{compare, workspace};
use crate::scratch::{self, Root};
use anyhow::{Context, Result, ensure};
use packager::Artifacts;
use packager::digest::collect_files;
use serde_json::Value;
use std::env::consts::ARCH;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

const SHELL: &str = "pywats-client-installer.sh";
const POWERSHELL: &str = "pywats-client-installer.ps1";
const FORMULA: &str = "pywats-client.rb";
const MANIFEST: &str = "dist-manifest.json";
const WINDOWS: &str = "pywats-client-x86_64-pc-windows-gnu.zip";
const ON_ARM: &str = "pywats-client-aarch64-pc-windows-gnullvm.zip";
/// Where a user's own programs are.
const INSTALLED: &str = "home/alice/.local/bin/pywats-client";

/// Programs that say a digest as Perl's and OpenSSL's do.
const STAND_INS: &[(&str, &str)] = &[
    ("shasum", "#!/bin/sh\n[ \"$1 $2 $3\" = '-a 256 -b' ] && exec away-sha256sum -b \"$4\"\n"),
    (
        "openssl",
        "#!/bin/sh\n[ \"$1 $2\" = 'dgst -sha256' ] && away-sha256sum \"$3\" | sed 's/\\([0-9a-f]*\\) .*/SHA2-256(file)= \\1/'\n",
    ),
];

/// Makes the installers, judges them, and runs one.
pub(crate) fn run(bench: &mut Bench) -> Result<()> {
    let dist = bench.artifact(WINDOWS)?;
    let dist = dist.parent().context("an artifact is in a folder")?;
    let archive = bench.artifact(&format!("-{ARCH}-unknown-linux-musl.tar.gz"))?;
    let release = make(dist, bench.folder("release")?)?;
    let again = bench.folder("again")?;
    bench.case("made again in another place, they are the same bits", || {
        let again = make(dist, again.join("a folder with blanks"))?;
        let mut files = Vec::new();
        collect_files(&release, &mut files)?;
        ensure!(files.len() > 10, "there is too little: {files:?}");
        files.iter().try_for_each(|file| compare(file, &again.join(file.strip_prefix(&release)?)))
    });
    bench.case("each has the digest of every archive that it fetches", || check_digests(&release));
    let files = release.join("files");
    bench.case_needing(&["dash", "shellcheck"], "the script for shells: dash and shellcheck", || {
        tool("dash", 10).arg("-n").arg(files.join(SHELL)).run()?;
        tool("shellcheck", 60).arg("--severity=warning").arg(files.join(SHELL)).run()
    });
    bench.case_needing(&["ruby"], "Homebrew's formula and cask: ruby", || {
        tool("ruby", 30).arg("-c").arg(files.join(FORMULA)).run()?;
        match cask(&release)? {
            Some(cask) => tool("ruby", 30).arg("-c").arg(cask).run(),
            None => Ok(()),
        }
    });
    match std::env::var_os("PYWATS_POWERSHELL") {
        None => bench.not_run("the script for PowerShell: its grammar", "run `cargo xtask test installers`"),
        Some(set) => {
            bench.case("the script for PowerShell: its grammar", || {
                let judge = workspace().join("xtask/src/test/workflows/powershell.py");
                let python = tool("python3", 30).env("PYTHONPATH", set).env("PYTHONDONTWRITEBYTECODE", "1");
                python.arg("-s").arg(judge).arg(files.join(POWERSHELL)).run()
            });
        }
    }
    in_debian(bench, &files, &archive)
}

/// A release of these artifacts in `folder`, with what `cargo xtask release installers` makes.
fn make(dist: &Path, folder: PathBuf) -> Result<PathBuf> {
    let files = folder.join("files");
    fs::create_dir_all(&files)?;
    let list = Artifacts::load(dist)?.with_context(|| format!("{} has no list", dist.display()))?;
    for name in list.0.keys() {
        fs::copy(dist.join(name), files.join(name)).with_context(|| format!("copying {name}"))?;
    }
    list.write(&files)?;
    let xtask = tool(super::dist::xtask(), 120).args(["release", "installers", "--folder"]);
    xtask.arg(&folder).current_dir(workspace()).run()?;
    Ok(folder)
}

/// Fails if: an installer lacks the digest of an archive or has another one, or would fetch it from another release.
fn check_digests(release: &Path) -> Result<()> {
    let files = release.join("files");
    let list = Artifacts::load(&files)?.context("the release has a list")?;
    let address = format!(
        "https://github.com/virinco/pywats-client/releases/download/v{}",
        list.0[WINDOWS].version
    );
    let read = |path: &Path| fs::read_to_string(path).with_context(|| format!("reading {}", path.display()));
    let manifest: Value = serde_json::from_str(&read(&files.join(MANIFEST))?)?;
    let (shell, powershell, formula) =
        (read(&files.join(SHELL))?, read(&files.join(POWERSHELL))?, read(&files.join(FORMULA))?);
    ensure!(shell.contains(&address) && powershell.contains(&address), "they fetch from elsewhere");
    for (name, artifact) in &list.0 {
        let sha256 = artifact.sha256.as_str();
        ensure!(manifest["artifacts"][name]["checksums"]["sha256"] == sha256, "{MANIFEST} is wrong about {name}");
        if artifact.format == "zip" {
            ensure!(powershell.contains(&format!("\"{name}\" = \"{sha256}\"")), "{POWERSHELL} lacks {name}");
        } else if artifact.format != "tar.gz" || name.contains("-universal-") {
            continue;
        } else {
            let fetched = format!("url \"{address}/{name}\"\n      sha256 \"{sha256}\"\n");
            ensure!(formula.contains(&fetched), "{FORMULA} lacks {name}");
        }
        let (_, place) = shell.split_once(&format!("\"{name}\")")).with_context(|| format!("{SHELL} lacks {name}"))?;
        ensure!(place.lines().take(6).any(|line| line.contains(sha256)), "{SHELL} has no digest of {name}");
    }
    let known = |name: &String| list.0.contains_key(name) || [SHELL, POWERSHELL, FORMULA].contains(&name.as_str());
    let artifacts = manifest["artifacts"].as_object().context("the manifest lists no artifacts")?;
    ensure!(artifacts.keys().all(known), "{MANIFEST} lists what is not published: {:?}", artifacts.keys());

    compare(&files.join(FORMULA), &release.join("work/homebrew/Formula").join(FORMULA))?;
    let scoop: Value = serde_json::from_str(&read(&release.join("work/scoop/bucket/pywats-client.json"))?)?;
    for (processor, name) in [("64bit", WINDOWS), ("arm64", ON_ARM)] {
        let offered = &scoop["architecture"][processor];
        ensure!(offered["hash"] == list.0[name].sha256, "Scoop has another digest: {scoop}");
        ensure!(offered["url"] == format!("{address}/{name}"), "Scoop fetches from elsewhere: {scoop}");
    }
    Ok(())
}

/// The cask of the package for macOS, where the release has a package: with its digest, and of this version alone.
fn cask(release: &Path) -> Result<Option<PathBuf>> {
    let list = Artifacts::load(&release.join("files"))?.context("the release has a list")?;
    let Some((name, package)) = list.0.iter().find(|(_, artifact)| artifact.format == "pkg") else { return Ok(None) };
    let cask = release.join("work/homebrew/Casks/pywats-client-service.rb");
    let text = fs::read_to_string(&cask).with_context(|| format!("reading {}", cask.display()))?;
    ensure!(text.contains(&package.sha256), "the cask has no digest of {name}");
    ensure!(text.matches(&package.version).count() == 1, "the cask says the version more than once:\n{text}");
    Ok(Some(cask))
}

/// A user without rights pipes the script into a shell.
fn in_debian(bench: &mut Bench, files: &Path, archive: &Path) -> Result<()> {
    let reason = match missing(&["mmdebstrap", "unshare", "chroot"]) {
        Some(program) => Some(format!("{program} is not installed")),
        None if !scratch::is_root()? => {
            Some("only root can enter a scratch system; run this as root".to_owned())
        }
        None => None,
    };
    if let Some(reason) = reason {
        bench.not_run("the script for shells in a Debian", &reason);
        return Ok(());
    }
    let station = Station::make(bench, files, archive)?;
    bench.steps(
        "in a Debian without Rust",
        &[
            ("a changed archive is refused", &|| station.refuses_a_change()),
            ("an ordinary user installs the program of the archive", &|| station.installs()),
            ("a second run upgrades, unless the archive is changed", &|| station.upgrades()),
            ("what cannot be verified is refused", &|| station.verifies_always()),
        ],
    );
    Ok(())
}

/// A Debian with a user, the server, and what is to be installed.
struct Station {
    root: Root,
    server: Server,
    /// The release, and one whose archive was changed on its way.
    good: PathBuf,
    changed: PathBuf,
    /// The program out of the archive, and the version that it is to say.
    program: PathBuf,
    version: String,
}

impl Station {
    fn make(bench: &Bench, files: &Path, archive: &Path) -> Result<Station> {
        let root = Root::unpack(&scratch::base()?, &bench.folder("debian")?)?;
        root.run("useradd --create-home --shell /bin/sh alice && ! command -v cargo && ! command -v rustc")?;
        let name = archive.file_name().context("an archive has a name")?.to_string_lossy().into_owned();
        let changed = bench.folder("changed")?;
        fs::copy(files.join(SHELL), changed.join(SHELL))?;
        fs::copy(archive, changed.join(&name))?;
        fs::OpenOptions::new().append(true).open(changed.join(&name))?.write_all(b"\0")?;
        let unpacked = bench.folder("unpacked")?;
        let tar = tool("tar", 60).args(["--extract", "--strip-components=1", "--file"]);
        tar.arg(archive).arg("-C").arg(&unpacked).run()?;
        let list = Artifacts::load(files)?.context("the release has a list")?;
        let version = list.0.get(&name).context("the archive is listed")?.version.clone();
        Ok(Station {
            root,
            server: Server::start()?,
            good: files.to_owned(),
            changed,
            program: unpacked.join("pywats-client"),
            version,
        })
    }

    /// What the documentation tells users, but from the loopback interface.
    fn install(&self, from: &Path) -> Tool {
        self.server.serve(from);
        let url = self.server.url();
        let script = format!("curl -LsSf {url}/{SHELL} | PYWATS_CLIENT_DOWNLOAD_URL={url} sh");
        self.root.script(&format!("su - alice -c '{script}'"))
    }

    fn is_installed(&self) -> bool {
        self.root.path(INSTALLED).exists()
    }

    fn refuses(&self, from: &Path, message: &str) -> Result<()> {
        let output = self.install(from).output()?;
        let said = said(&output);
        ensure!(!output.status.success() && said.contains(message), "it ended with {}:\n{said}", output.status);
        Ok(())
    }

    fn has_the_program(&self) -> Result<()> {
        compare(&self.root.path(INSTALLED), &self.program)?;
        let rights = self.root.read(&format!("stat --format '%a %U' /{INSTALLED}"))?;
        ensure!(rights.trim() == "755 alice", "it is {}", rights.trim());
        // A new session finds it by its name.
        let version = self.root.read("su - alice -c 'pywats-client --version'")?;
        ensure!(version.trim() == format!("pywats-client {}", self.version), "it says {version}");
        Ok(())
    }

    fn refuses_a_change(&self) -> Result<()> {
        self.refuses(&self.changed, "checksum mismatch")?;
        ensure!(!self.is_installed(), "it was installed");
        Ok(())
    }

    fn installs(&self) -> Result<()> {
        self.install(&self.good).run()?;
        self.has_the_program()
    }

    fn upgrades(&self) -> Result<()> {
        let older = "#!/bin/sh\necho older\n";
        self.root.write(INSTALLED, older)?;
        self.refuses(&self.changed, "checksum mismatch")?;
        ensure!(fs::read_to_string(self.root.path(INSTALLED))? == older, "a refused download replaced it");
        self.install(&self.good).run()?;
        self.has_the_program()
    }

    /// Without coreutils' program, as on many a Mac, another one verifies; without any, nothing is installed.
    fn verifies_always(&self) -> Result<()> {
        let away = "for name in sha256sum shasum openssl; do
            file=$(command -v $name) && mv $file /usr/bin/away-$name
        done; [ -e /usr/bin/away-sha256sum ]";
        self.root.run(away)?;
        let installed = self.root.path(INSTALLED);
        fs::remove_file(&installed)?;
        self.refuses(&self.good, "the download cannot be verified")?;
        ensure!(!installed.exists(), "it was installed");
        for (name, stand_in) in STAND_INS {
            let place = format!("usr/bin/{name}");
            self.root.write(&place, stand_in)?;
            self.root.run(&format!("chmod 755 /{place}"))?;
            self.refuses(&self.changed, "checksum mismatch").context(*name)?;
            self.install(&self.good).run().context(*name)?;
            self.has_the_program()?;
            fs::remove_file(&installed)?;
            fs::remove_file(self.root.path(&place))?;
        }
        Ok(())
    }
}
