//! What the cases of the suite share: an unsigned program, an authority, and a release signed by it.

use super::authority::Authority;
use super::server::{Manner, Server};
use crate::command::{Tool, said, tool};
use crate::products;
use crate::suites::{dist, msi};
use anyhow::{Context, Result, anyhow, ensure};
use serde_json::Value;
use std::cell::OnceCell;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

/// What the programs are compiled for.
pub(super) const TRIPLE: &str = "x86_64-pc-windows-gnu";

/// The names of the artifacts of the one program, and of what is made of them: the cases need no second processor.
pub(super) fn everything() -> Result<Vec<String>> {
    let rows = products::recipe()?.rows;
    let mut names = Vec::new();
    for row in rows.artifacts() {
        let targets = rows.targets(row)?;
        if !targets.is_empty() && targets.iter().all(|target| *target == TRIPLE) {
            names.push(row.name.clone());
        }
    }
    ensure!(names.len() > 3, "there are only {names:?} for {TRIPLE}");
    Ok(names)
}

/// The roots of the authority: those who vouch for what it signs, and for its time stamps.
pub(super) const ROOTS: [&str; 2] = ["root.pem", "tsa-root.pem"];

/// The DLL of the installer's custom actions, which lies beside the program.
pub(super) const ACTIONS: &str = "installer_actions.dll";

/// The environment variable that has the password by default.
pub(super) const VARIABLE: &str = "PYWATS_SIGN_PASSWORD";

/// See the [module](self).
pub(super) struct Workshop {
    folder: PathBuf,
    pub(super) authority: Authority,
    /// The unsigned program.
    pub(super) program: PathBuf,
    /// The unsigned installer.
    pub(super) msi: PathBuf,
    /// The one for the other processor.
    pub(super) on_arm: PathBuf,
    /// A time stamp server that works.
    pub(super) server: Server,
    release: OnceCell<Result<PathBuf, String>>,
}

impl Workshop {
    pub(super) fn open(folder: &Path, (msi, on_arm): (PathBuf, PathBuf)) -> Result<Workshop> {
        let [keys, unpacked, office] = ["keys", "unpacked", "office"].map(|name| folder.join(name));
        fs::create_dir_all(&keys)?;
        let authority = Authority::make(&keys).context("making a throw-away authority")?;
        let program = msi::program(&msi, &unpacked)?;
        let server = Server::start(&authority, &office, Manner::Stamps)?;
        let (folder, release) = (folder.to_owned(), OnceCell::new());
        Ok(Workshop { folder, authority, program, msi, on_arm, server, release })
    }

    /// Writes a configuration for a key that is kept in this way, with a working time stamp server.
    pub(super) fn configure(&self, folder: &Path, key: &str) -> Result<PathBuf> {
        self.configure_with(folder, key, &[self.server.address()])
    }

    /// Writes a configuration with these time stamp servers.
    pub(super) fn configure_with(&self, folder: &Path, key: &str, servers: &[String]) -> Result<PathBuf> {
        fs::create_dir_all(folder)?;
        let path = folder.join("signing.toml");
        let key = if key.starts_with('[') { key.to_owned() } else { self.authority.key(key)? };
        let text = format!(
            "{key}\n[timestamp]\nservers = {servers:?}\nattempts = 2\npause_seconds = 0\ntimeout_seconds = 2\n[trust]\nca_file = {:?}\ntsa_ca_file = {:?}\n",
            self.authority.path("root.pem"),
            self.authority.path("tsa-root.pem"),
        );
        fs::write(&path, text)?;
        Ok(path)
    }

    /// `cargo xtask sign` of the program, in every artifact, into `out`.
    pub(super) fn sign(&self, configuration: &Path, out: &Path) -> Tool {
        self.sign_program(&self.program, out).arg("--config").arg(configuration)
    }

    /// `cargo xtask sign` without a configuration.
    pub(super) fn sign_program(&self, program: &Path, out: &Path) -> Tool {
        tool(dist::xtask(), 120)
            .arg("sign")
            .arg("--program")
            .arg(programs(program))
            .arg("--out")
            .arg(out)
            .env_remove(VARIABLE)
            .env("SOFTHSM2_CONF", self.authority.token_configuration())
    }

    /// `cargo xtask sign --attach`.
    pub(super) fn attach(&self, program: &Path, signatures: &Path, out: &Path) -> Tool {
        let [root, tsa] = ROOTS.map(|name| self.authority.path(name));
        let trust = ["--ca-file".as_ref(), root.as_os_str(), "--tsa-ca-file".as_ref(), tsa.as_os_str()];
        self.sign_program(program, out).arg("--attach").arg(signatures).args(trust)
    }

    /// A folder with [`everything`], signed with the key in PEM. Made once.
    pub(super) fn release(&self) -> Result<&Path> {
        let made = self.release.get_or_init(|| self.make_release().map_err(|error| format!("{error:#}")));
        made.as_deref().map_err(|error| anyhow!("there is no signed release: {error}"))
    }

    fn make_release(&self) -> Result<PathBuf> {
        let out = self.folder.join("release");
        let configuration = self.configure(&self.folder.join("release-configuration"), "pem")?;
        self.sign(&configuration, &out).args(everything()?).run()?;
        Ok(out)
    }

    /// Puts what is packed with the program beside another one.
    pub(super) fn bring_actions(&self, folder: &Path) -> Result<PathBuf> {
        let to = folder.join(ACTIONS);
        fs::copy(self.program.with_file_name(ACTIONS), &to)?;
        Ok(to)
    }

    /// The signed program, out of the release's archive.
    pub(super) fn signed_program(&self, folder: &Path) -> Result<PathBuf> {
        tool("unzip", 30)
            .args(["-q", "-o", "-j"])
            .arg(find(self.release()?, "-windows-gnu.zip")?)
            .arg("-d")
            .arg(folder)
            .run()?;
        Ok(folder.join("pywats-client.exe"))
    }

    /// `cargo xtask verify`, which trusts the roots of these names.
    pub(super) fn verify(&self, [root, tsa]: [&str; 2], file: &Path) -> Result<(bool, Value)> {
        let output = tool(dist::xtask(), 60)
            .args(["verify", "--json", "--ca-file"])
            .arg(self.authority.path(root))
            .arg("--tsa-ca-file")
            .arg(self.authority.path(tsa))
            .arg(file)
            .output()?;
        let code = output.status.code();
        ensure!(matches!(code, Some(0 | 1)), "verify ended with {}\n{}", output.status, said(&output));
        let verdicts: Value = serde_json::from_slice(&output.stdout)
            .with_context(|| format!("verify --json prints no JSON\n{}", said(&output)))?;
        let verdict = verdicts[0].clone();
        ensure!(verdict["ok"] == (code == Some(0)), "exit code {code:?}, but {verdict}");
        Ok((code == Some(0), verdict))
    }

    /// Verifies a file that must be right.
    pub(super) fn verify_good(&self, file: &Path) -> Result<Value> {
        let (ok, verdict) = self.verify(ROOTS, file)?;
        ensure!(ok, "{} is refused: {verdict:#}", file.display());
        Ok(verdict)
    }
}

/// The option that names the folder of a program.
pub(super) fn programs(program: &Path) -> OsString {
    let mut option = OsString::from(format!("{TRIPLE}="));
    option.push(program.parent().unwrap_or(Path::new(".")));
    option
}

/// Where the signatures of this version are.
pub(super) fn signatures(out: &Path) -> Result<PathBuf> {
    Ok(out.join("signatures").join(products::recipe()?.version.to_string()))
}

/// The first file of a folder whose name ends so.
pub(super) fn find(folder: &Path, suffix: &str) -> Result<PathBuf> {
    let paths = fs::read_dir(folder).with_context(|| format!("listing {}", folder.display()))?;
    let paths = paths.flatten().map(|entry| entry.path());
    let found = paths.filter(|path| path.to_string_lossy().ends_with(suffix)).min();
    found.with_context(|| format!("there is no *{suffix} in {}", folder.display()))
}

/// Every file below a folder, by its path there; none if there is no folder.
pub(super) fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    if folder.exists() {
        packager::digest::collect_files(folder, &mut files)?;
    }
    files.iter_mut().try_for_each(|file| -> Result<()> {
        *file = file.strip_prefix(folder)?.to_owned();
        Ok(())
    })?;
    files.sort();
    Ok(files)
}

/// Where a program is installed.
pub(super) fn installed(program: &str) -> Result<PathBuf> {
    let path = std::env::var_os("PATH").context("PATH is not set")?;
    let mut places = std::env::split_paths(&path).map(|place| place.join(program));
    places.find(|file| file.is_file()).with_context(|| format!("{program} is not installed"))
}

/// The run failed, said all of `messages` and nothing of `secrets`, and left nothing.
pub(super) fn failed_cleanly(output: &Output, out: &Path, messages: &[&str], secrets: &[&str]) -> Result<()> {
    let text = said(output);
    ensure!(output.status.code() == Some(1), "it ended with {}:\n{text}", output.status);
    for message in messages {
        ensure!(text.contains(message), "it does not say {message:?}:\n{text}");
    }
    for secret in secrets {
        ensure!(!text.contains(secret), "it says the secret:\n{text}");
    }
    ensure!(!out.exists(), "it left {:?}", files(out)?);
    Ok(())
}
