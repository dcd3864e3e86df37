//! What the cases share: keys that gpg made, folders of packages, and repositories.

use super::server::Server;
use crate::bench::Bench;
use crate::command::{Tool, tool};
use crate::products;
use crate::scratch;
use anyhow::{Context, Result, bail, ensure};
use packager::Artifacts;
use packager::artifacts::Artifact;
use packager::digest::{collect_files, sha256_file};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The version to which is upgraded.
pub(in crate::suites) const HIGHER: &str = "255.0.0";
/// The password of the key. Odd enough to be found wherever it should not be.
pub(super) const PASSWORD: &str = "hush-4711-pAssword";

/// What this machine's packages are called by Debian and by rpm.
pub(super) const ARCH: [&str; 2] =
    if cfg!(target_arch = "aarch64") { ["arm64", "aarch64"] } else { ["amd64", "x86_64"] };

/// See the [module](self).
pub(super) struct Workshop {
    folder: PathBuf,
    /// An RPM that stands for what the package needs.
    pub(super) stand_in: PathBuf,
    pub(super) server: Server,
}

impl Workshop {
    /// Makes the keys `key` and `other`, and `given` and `higher`, folders of packages.
    pub(super) fn open(bench: &Bench, folder: &Path) -> Result<Workshop> {
        let stand_in = scratch::rpm_stand_in(folder)?;
        let workshop = Workshop { folder: folder.to_owned(), stand_in, server: Server::start()? };
        workshop.make_key("key", "ed25519", &["2y"], PASSWORD)?;
        workshop.make_key("other", "ed25519", &["2y"], "")?;
        fs::write(workshop.path("password"), format!("{PASSWORD}\n"))?;
        workshop.settings("key", "[key.file]\nsecret = \"key.asc\"\npassword = { file = \"password\" }\n")?;
        workshop.settings("other", "[key.file]\nsecret = \"other.asc\"\n")?;
        let [debs, rpms] = [bench.artifacts(".deb")?, bench.artifacts(".rpm")?];
        let given: Vec<_> = debs.iter().chain(&rpms).cloned().collect();
        workshop.packages("given", &given)?;
        let [deb, _] = ARCH.map(|arch| debs.iter().find(|deb| deb.to_string_lossy().contains(arch)));
        let deb = deb.with_context(|| format!("there is no DEB for {}", ARCH[0]))?;
        workshop.make_higher(deb, &["deb", "rpm"])?;
        Ok(workshop)
    }

    /// Makes `higher`, a folder of packages in these formats, of the program in a DEB.
    fn make_higher(&self, deb: &Path, formats: &[&'static str]) -> Result<()> {
        tool("dpkg-deb", 60).arg("--extract").arg(deb).arg(self.path("tree")).run()?;
        let program = &self.path("tree/usr/bin/pywats-client");
        // What takes longest here is compressing the program, each time.
        let made = std::thread::scope(|scope| {
            let make = |format: &&'static str| {
                let (format, folder) = (*format, self.path(&format!("made-{format}")));
                let target = format!("{}-linux", ARCH[1]);
                scope.spawn(move || {
                    fs::create_dir_all(&folder)?;
                    products::package(format, &target, HIGHER, program, &folder)
                })
            };
            let running: Vec<_> = formats.iter().map(make).collect();
            let ended =
                running.into_iter().map(|one| one.join().unwrap_or_else(|_| bail!("packing panicked")));
            ended.collect::<Result<Vec<_>>>()
        })?;
        self.packages("higher", &made)
    }

    /// The path of a file.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// See [`Gpg::make_key`].
    pub(super) fn make_key(&self, name: &str, kind: &str, life: &[&str], password: &str) -> Result<()> {
        Gpg(self.folder.clone()).make_key(name, kind, life, password)
    }

    /// Writes settings `NAME.toml`.
    pub(super) fn settings(&self, name: &str, key: &str) -> Result<()> {
        let text = format!("url = \"{}\"\n{key}", self.server.url());
        Ok(fs::write(self.path(&format!("{name}.toml")), text)?)
    }

    /// See [`packages`].
    pub(super) fn packages(&self, name: &str, files: &[PathBuf]) -> Result<()> {
        packages(&self.path(name), files)
    }

    /// `cargo xtask repo DIR --add FOLDER`, as it is started.
    pub(super) fn repo(&self, dir: &str, add: &str) -> Tool {
        products::release_tools()
            .arg("repo")
            .arg(self.path(dir))
            .arg("--add")
            .arg(self.path(add))
            .arg("--product")
            .arg(products::workspace().join("packaging/product.toml"))
            .current_dir(&self.folder)
    }

    /// The same, signed by a key; returns the files in the order in which they appeared.
    pub(super) fn publish(&self, dir: &str, add: &str, key: &str) -> Result<Vec<String>> {
        let config = self.path(&format!("{key}.toml"));
        let printed = self.repo(dir, add).arg("--sign-rpms").arg("--config").arg(config).read()?;
        Ok(printed.lines().map(str::to_owned).collect())
    }

    /// A copy of a repository, whose files are the same until they are replaced by [`put`].
    pub(super) fn copy(&self, from: &str, to: &str) -> Result<PathBuf> {
        let (from, to) = (self.path(from), self.path(to));
        for file in tree(&from)?.keys() {
            let target = to.join(file);
            fs::create_dir_all(target.parent().context("a file has a folder")?)?;
            fs::hard_link(from.join(file), target)?;
        }
        Ok(to)
    }
}

/// A repository with a higher version of the program in a DEB, and the server of it.
pub(in crate::suites) fn repository_of_upgrade(deb: &Path, folder: &Path) -> Result<Server> {
    let workshop = Workshop { folder: folder.to_owned(), stand_in: PathBuf::new(), server: Server::start()? };
    fs::create_dir_all(folder)?;
    workshop.make_key("key", "ed25519", &["2y"], "")?;
    workshop.settings("key", "[key.file]\nsecret = \"key.asc\"\n")?;
    workshop.make_higher(deb, &["deb"])?;
    workshop.publish("repository", "higher", "key")?;
    workshop.server.serve(&workshop.path("repository"));
    Ok(workshop.server)
}

/// gpg, with nothing of the user's, and with a folder for keys.
pub(crate) struct Gpg(pub(crate) PathBuf);

impl Gpg {
    /// gpg as it is started.
    pub(crate) fn run(&self) -> Tool {
        tool("gpg", 120).args(["--batch", "--quiet", "--homedir", "gnupg"]).current_dir(&self.0)
    }

    /// A key of gpg's, its secret half in `NAME.asc`, its public one in `NAME.pub.asc` and, for gpgv, in `NAME.gpg`.
    pub(crate) fn make_key(&self, name: &str, kind: &str, life: &[&str], password: &str) -> Result<()> {
        fs::create_dir_all(self.0.join("gnupg"))?;
        tool("chmod", 10).args(["700", "gnupg"]).current_dir(&self.0).run()?;
        let address = format!("{name}@example.com");
        let loopback = ["--pinentry-mode", "loopback", "--passphrase", password];
        let made = self.run().args(loopback).args(if life.len() > 1 { &life[1..] } else { &[] });
        made.args(["--quick-generate-key", &address, kind, "sign", life[0]]).run()?;
        for (file, armor, what) in
            [("asc", true, "--export-secret-keys"), ("pub.asc", true, "--export"), ("gpg", false, "--export")]
        {
            let armor: &[&str] = if armor { &["--armor"] } else { &[] };
            let to = format!("{name}.{file}");
            self.run().args(loopback).args(armor).args(["--output", &to, what, &address]).run()?;
        }
        Ok(())
    }
}

/// A folder of packages, with the list that `cargo xtask dist` writes.
pub(crate) fn packages(folder: &Path, files: &[PathBuf]) -> Result<()> {
    fs::create_dir_all(folder)?;
    let mut artifacts = Artifacts::default();
    for file in files {
        let name = file.file_name().context("a package has a name")?.to_string_lossy().into_owned();
        fs::copy(file, folder.join(&name))?;
        let format = name.rsplit_once('.').map_or("", |(_, format)| format).to_owned();
        let artifact = Artifact {
            artifact: name.clone(),
            format,
            version: String::new(),
            programs: Vec::new(),
            made_from: Vec::new(),
            size: fs::metadata(file)?.len(),
            sha256: sha256_file(file)?,
            inputs: String::new(),
            toolchain: String::new(),
            source_date_epoch: 0,
        };
        artifacts.0.insert(name, artifact);
    }
    artifacts.write(folder)
}

/// Writes a file anew, and not into another file that it is linked with.
pub(crate) fn put(path: &Path, content: &[u8]) -> Result<()> {
    if path.exists() {
        fs::remove_file(path)?;
    }
    fs::write(path, content).with_context(|| format!("writing {}", path.display()))
}

/// Changes a byte in the middle of a file.
pub(crate) fn change(path: &Path) -> Result<()> {
    let mut content = fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    let middle = content.len() / 2;
    // Still a letter where it was one.
    content[middle] ^= 1;
    put(path, &content)
}

/// Every file below a folder, with its digest.
pub(crate) fn tree(folder: &Path) -> Result<BTreeMap<PathBuf, String>> {
    let mut files = Vec::new();
    collect_files(folder, &mut files)?;
    files.iter().map(|file| Ok((file.strip_prefix(folder)?.to_owned(), sha256_file(file)?))).collect()
}

/// The one file of a folder with this end of its name.
pub(crate) fn only(folder: &Path, end: &str) -> Result<PathBuf> {
    let mut files = Vec::new();
    collect_files(folder, &mut files)?;
    files.retain(|file| file.to_string_lossy().ends_with(end));
    ensure!(files.len() == 1, "{} has {} files *{end}", folder.display(), files.len());
    Ok(files.remove(0))
}
