//! What the cases share: the unsigned programs, an authority with Developer ID certificates, and a release signed by it.

use crate::command::{Tool, said, tool};
use crate::suites::dist;
use crate::suites::sign::authority::{Authority, PASSWORD};
use crate::suites::sign::server::{Manner, Server};
use anyhow::{Context, Result, anyhow, ensure};
use serde_json::Value;
use std::cell::OnceCell;
use std::fs;
use std::path::{Path, PathBuf};

/// What the programs are compiled for.
pub(super) const TARGETS: [&str; 2] = ["x86_64-apple-darwin", "aarch64-apple-darwin"];
/// The artifact that needs least: the archive for the last of them.
pub(super) const THIN: &str = "tarball-aarch64-macos";
/// Whose certificates they are.
pub(super) const TEAM: &str = "TEAM123456";
/// What macOS is to call the programs.
pub(super) const IDENTIFIER: &str = "com.virinco.pywats-client";
/// The environment variable that has the password by default.
pub(super) const VARIABLE: &str = "PYWATS_SIGN_PASSWORD";

/// See the [module](self).
pub(super) struct Workshop {
    folder: PathBuf,
    /// The application as it was built.
    pub(super) app: PathBuf,
    pub(super) authority: Authority,
    /// A time stamp server that works.
    pub(super) server: Server,
    release: OnceCell<Result<PathBuf, String>>,
}

impl Workshop {
    pub(super) fn open(folder: &Path, archives: [Result<PathBuf>; 2], app: PathBuf) -> Result<Workshop> {
        let [keys, office] = ["keys", "office"].map(|name| folder.join(name));
        fs::create_dir_all(&keys)?;
        let authority = Authority::make(&keys).context("making a throw-away authority")?;
        for (name, usage) in
            [("application", "developer-id-application"), ("installer", "developer-id-installer")]
        {
            let subject = format!("/CN=Developer ID: Test/OU={TEAM}/O=Test/C=NO");
            authority.certificate_of(name, &subject, "issuer", usage)?;
            pkcs12(&authority, name, &[])?;
        }
        authority.openssl(&["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "AuthKey.p8"])?;
        for (target, archive) in TARGETS.iter().zip(archives) {
            let programs = folder.join(target);
            fs::create_dir_all(&programs)?;
            let unpack = tool("tar", 60).args(["--extract", "--strip-components=1", "--file"]);
            unpack.arg(archive?).arg("-C").arg(&programs).run()?;
        }
        let server = Server::start(&authority, &office, Manner::Stamps)?;
        Ok(Workshop { folder: folder.to_owned(), app, authority, server, release: OnceCell::new() })
    }

    /// The unsigned program for a target.
    pub(super) fn program(&self, target: &str) -> PathBuf {
        self.folder.join(target).join("pywats-client")
    }

    /// Writes a configuration for keys that are kept in this way.
    pub(super) fn configure(&self, folder: &Path, application: &str) -> Result<PathBuf> {
        fs::create_dir_all(folder)?;
        let path = |name: &str| format!("{:?}", self.authority.path(name).to_string_lossy());
        let text = format!(
            "[apple.application.{application}\n[apple.installer.pkcs12]\nfile = {}\npassword = {{ file = {} }}\n\
            [apple.timestamp]\nservers = [{:?}]\nattempts = 2\npause_seconds = 0\n\
            [apple.trust]\nca_file = {}\ntsa_ca_file = {}\nhttps_ca_file = {}\n\
            [apple.notary]\nissuer = \"11111111-2222-3333-4444-555555555555\"\nkey_id = \"TESTKEY123\"\nkey = {}\nwait_seconds = 5\n",
            path("installer.p12"),
            path("password"),
            self.server.address(),
            path("root.pem"),
            path("tsa-root.pem"),
            path("root.pem"),
            path("AuthKey.p8"),
        );
        let file = folder.join("signing.toml");
        fs::write(&file, text)?;
        Ok(file)
    }

    /// The usual way to keep the key.
    pub(super) fn usual(&self) -> String {
        let path = |name: &str| self.authority.path(name);
        format!("pkcs12]\nfile = {:?}\npassword = {{ file = {:?} }}", path("application.p12"), path("password"))
    }

    /// `cargo xtask sign` of both programs and of all that is made of them.
    pub(super) fn sign(&self, configuration: &Path, out: &Path) -> Tool {
        self.sign_for(&TARGETS, configuration, out)
    }

    /// `cargo xtask sign` of the archive for one processor.
    pub(super) fn sign_thin(&self, configuration: &Path, out: &Path) -> Tool {
        self.sign_for(&TARGETS[1..], configuration, out).arg(THIN)
    }

    fn sign_for(&self, targets: &[&str], configuration: &Path, out: &Path) -> Tool {
        let sign = self.add_programs(tool(dist::xtask(), 120), targets);
        sign.arg("--config").arg(configuration).arg("--out").arg(out)
    }

    /// `sign`, with the programs, behind what starts it.
    pub(super) fn add_programs(&self, start: Tool, targets: &[&str]) -> Tool {
        targets.iter().fold(start.arg("sign"), |command, target| {
            let folder = self.folder.join(target);
            command.arg("--program").arg(format!("{target}={}", folder.display()))
        })
    }

    /// `cargo xtask sign --attach`.
    pub(super) fn attach(&self, signatures: &Path, out: &Path) -> Tool {
        let [root, tsa] = ["root.pem", "tsa-root.pem"].map(|name| self.authority.path(name));
        let attach = self.add_programs(tool(dist::xtask(), 120), &TARGETS).arg("--attach").arg(signatures);
        attach.arg("--out").arg(out).arg("--ca-file").arg(root).arg("--tsa-ca-file").arg(tsa)
    }

    /// How the time stamp server makes stamps, for `openssl ts -reply`.
    pub(super) fn office(&self) -> PathBuf {
        self.folder.join("office/office")
    }

    /// A folder with every artifact, signed by the usual key. Made once.
    pub(super) fn release(&self) -> Result<&Path> {
        let make = || {
            let out = self.folder.join("release");
            let configuration = self.configure(&self.folder.join("configuration"), &self.usual())?;
            self.sign(&configuration, &out).run()?;
            Ok(out)
        };
        let made = self.release.get_or_init(|| make().map_err(|error: anyhow::Error| format!("{error:#}")));
        made.as_deref().map_err(|error| anyhow!("there is no signed release: {error}"))
    }

    /// The artifact of the release whose file ends so.
    pub(super) fn released(&self, ending: &str) -> Result<PathBuf> {
        let files = fs::read_dir(self.release()?)?.flatten().map(|entry| entry.path());
        let mut found = files.into_iter().filter(|file| file.to_string_lossy().ends_with(ending));
        found.next().with_context(|| format!("the release has no artifact {ending}"))
    }

    /// The program out of a signed archive.
    pub(super) fn unpack(&self, out: &Path, target: &str, folder: &Path) -> Result<PathBuf> {
        fs::create_dir_all(folder)?;
        let archive = out.join(format!("pywats-client-{target}.tar.gz"));
        let unpack = tool("tar", 60).args(["--extract", "--strip-components=1", "--file"]);
        unpack.arg(archive).arg("-C").arg(folder).run()?;
        Ok(folder.join("pywats-client"))
    }

    /// `cargo xtask verify`: whether all is right, and all verdicts.
    pub(super) fn verify(&self, file: &Path) -> Result<(bool, Value)> {
        let output = tool(dist::xtask(), 60)
            .args(["verify", "--json", "--ca-file"])
            .arg(self.authority.path("root.pem"))
            .arg("--tsa-ca-file")
            .arg(self.authority.path("tsa-root.pem"))
            .arg(file)
            .output()?;
        let verdicts = serde_json::from_slice(&output.stdout)
            .with_context(|| format!("verify --json prints no JSON\n{}", said(&output)))?;
        Ok((output.status.success(), verdicts))
    }

    /// Verifies a file that must be right.
    pub(super) fn verify_good(&self, file: &Path) -> Result<Value> {
        let (ok, verdicts) = self.verify(file)?;
        ensure!(ok, "{} is refused: {verdicts:#}", file.display());
        Ok(verdicts)
    }
}

/// Puts a key and its certificates, with that of the issuer, into a PKCS#12 file, in the way that options say.
pub(super) fn pkcs12(authority: &Authority, name: &str, options: &[&str]) -> Result<()> {
    let of = |kind: &str| format!("{name}.{kind}");
    let (key, certificate, to) = (of("key"), of("pem"), of("p12"));
    let words = ["pkcs12", "-export", "-inkey", &key, "-in", &certificate, "-certfile", "issuer.pem"];
    authority.openssl(&[&words[..], &["-passout", "file:password", "-out", &to], options].concat())?;
    let text = fs::read(authority.path(&to))?;
    ensure!(!text.windows(PASSWORD.len()).any(|part| part == PASSWORD.as_bytes()), "the password is in it");
    Ok(())
}
