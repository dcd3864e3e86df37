//! Keys for Windows, OpenPGP and ssh, with the settings that name them, made by others' programs for the run.

use super::stand_in::TOKEN;
use crate::command::tool;
use crate::suites::sign::authority::Authority;
use crate::suites::sign::server::{Manner, Server};
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};

/// See the [module](self).
pub(super) struct Keys {
    folder: PathBuf,
    authority: Authority,
    stamps: Server,
}

impl Keys {
    pub(super) fn make(folder: &Path) -> Result<Keys> {
        let [windows, stamps, home] = ["windows", "stamps", "gnupg"].map(|name| folder.join(name));
        for folder in [&windows, &home] {
            fs::create_dir_all(folder)?;
        }
        let authority = Authority::make(&windows).context("making a throw-away authority")?;
        let stamps = Server::start(&authority, &stamps, Manner::Stamps)?;
        tool("chmod", 5).arg("700").arg(&home).run()?;
        let gpg = |arguments: &[&str]| {
            tool("gpg", 60).args(["--batch", "--quiet", "--homedir"]).arg(&home).args(arguments)
        };
        let unprotected = ["--passphrase", "", "--pinentry-mode", "loopback"];
        let key = ["--quick-generate-key", "Test <test@example.com>", "ed25519", "sign", "1y"];
        gpg(&[&unprotected[..], &key].concat()).run()?;
        let secret = gpg(&[&unprotected[..], &["--armor", "--export-secret-keys"]].concat()).read()?;
        fs::write(folder.join("openpgp.key"), secret)?;
        // The agent would outlive the run.
        let _ = tool("gpgconf", 20).arg("--homedir").arg(&home).args(["--kill", "all"]).run();
        let ssh = ["-q", "-t", "ed25519", "-N", "", "-C", "test@example.com", "-f"];
        tool("ssh-keygen", 20).args(ssh).arg(folder.join("ssh")).run()?;
        Ok(Keys { folder: folder.to_owned(), authority, stamps })
    }

    /// Writes the settings into a checkout.
    pub(super) fn configure(&self, checkout: &Path) -> Result<()> {
        let signing = format!(
            "{}\n[timestamp]\nservers = [{:?}]\n[trust]\nca_file = {:?}\ntsa_ca_file = {:?}\n",
            self.authority.key("pem")?,
            self.stamps.address(),
            self.authority.path("root.pem"),
            self.authority.path("tsa-root.pem"),
        );
        fs::write(checkout.join("signing.toml"), signing)?;
        let openpgp = format!(
            "url = \"https://packages.example.com/x\"\n[key.file]\nsecret = {:?}\n[ssh]\nkey = {:?}\nprincipal = \"test@example.com\"\n",
            self.folder.join("openpgp.key"),
            self.folder.join("ssh"),
        );
        Ok(fs::write(checkout.join("repository.toml"), openpgp)?)
    }

    /// A step of somebody who trusts the authority.
    pub(super) fn trusted(&self, step: &[&str]) -> Vec<String> {
        let mut step: Vec<String> = step.iter().map(|word| (*word).to_owned()).collect();
        for (option, root) in [("--ca-file", "root.pem"), ("--tsa-ca-file", "tsa-root.pem")] {
            step.extend([option.to_owned(), self.authority.path(root).to_string_lossy().into_owned()]);
        }
        step
    }

    /// What steps that sign find in the environment.
    pub(super) fn environment(&self) -> Vec<(String, String)> {
        vec![("GITHUB_TOKEN".to_owned(), TOKEN.to_owned())]
    }
}
