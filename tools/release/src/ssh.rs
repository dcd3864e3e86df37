//! Signatures by a key of ssh, for people who have no OpenPGP: made and checked by `ssh-keygen`, which everybody has and
//! which reaches agents and keys in hardware.
//!
//! Their form is [SSHSIG](https://cvsweb.openbsd.org/src/usr.bin/ssh/PROTOCOL.sshsig), in the namespace `file`;
//! that of `allowed_signers` is in ssh-keygen(1).

use crate::settings::SshKey;
use anyhow::{Context, Result, bail, ensure};
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The file that says whose signatures count.
pub(crate) const ALLOWED: &str = "allowed_signers";
const PROGRAM: &str = "ssh-keygen";
const NAMESPACE: &str = "file";

/// The text of `allowed_signers` for a key.
///
/// # Errors
/// If the public half of the key is not there, or the name of who signs cannot stand in the file.
pub(crate) fn allowed_signers(ssh: &SshKey) -> Result<String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "@._+-".contains(c);
    ensure!(
        !ssh.principal.is_empty() && ssh.principal.chars().all(fits),
        "ssh.principal is to be an address of mail or a name, of letters, digits and @._+-"
    );
    let path = public_half(&ssh.key);
    let text = fs::read_to_string(&path).with_context(|| {
        format!("reading {}: make it by `ssh-keygen -y -f {}`", path.display(), ssh.key.display())
    })?;
    let mut words = text.split_whitespace();
    let (Some(kind), Some(key)) = (words.next(), words.next()) else {
        bail!("{} is no public key of ssh", path.display())
    };
    ensure!(
        ["ssh-", "ecdsa-", "sk-"].iter().any(|start| kind.starts_with(start)) && key.starts_with("AAAA"),
        "{} is no public key of ssh",
        path.display()
    );
    Ok(format!("{} namespaces=\"{NAMESPACE}\" {kind} {key}\n", ssh.principal))
}

fn public_half(key: &Path) -> PathBuf {
    if key.extension().is_some_and(|end| end == "pub") {
        return key.to_owned();
    }
    let mut name = key.as_os_str().to_owned();
    name.push(".pub");
    name.into()
}

/// Signs. A password is asked for by the agent.
///
/// # Errors
/// If ssh-keygen is not there, or does not sign.
pub(crate) fn sign(ssh: &SshKey, data: &[u8]) -> Result<String> {
    let folder = tempfile::tempdir().context("making a folder for what is to be signed")?;
    let file = folder.path().join("unsigned");
    fs::write(&file, data).with_context(|| format!("writing {}", file.display()))?;
    let mut command = Command::new(PROGRAM);
    command.args(["-Y", "sign", "-n", NAMESPACE, "-f"]).arg(&ssh.key).arg(&file).stdin(Stdio::null());
    let output = run(command)?
        .with_context(|| format!("{PROGRAM} is not there, or older than 8.2: install OpenSSH"))?;
    ensure!(
        output.status.success(),
        "{PROGRAM} does not sign with {}: give it to an agent, if it has a password. It says: {}",
        ssh.key.display(),
        said(&output)
    );
    fs::read_to_string(folder.path().join("unsigned.sig")).context("reading the signature of ssh-keygen")
}

/// By whom something is signed, as `ssh-keygen` says it; nothing, if it is not there to be asked.
///
/// # Errors
/// If it is not signed by somebody whom `allowed` names.
pub(crate) fn verify(allowed: &str, data: &[u8], signature: &str) -> Result<Option<String>> {
    let folder = tempfile::tempdir().context("making a folder for what is to be checked")?;
    let path = |name: &str| folder.path().join(name);
    for (name, content) in
        [("data", data), ("signature", signature.as_bytes()), (ALLOWED, allowed.as_bytes())]
    {
        fs::write(path(name), content).with_context(|| format!("writing {}", path(name).display()))?;
    }
    let ask = |what: &str| {
        let mut command = Command::new(PROGRAM);
        command
            .args(["-Y", what, "-s"])
            .arg(path("signature"))
            .arg("-f")
            .arg(path(ALLOWED))
            .stdin(Stdio::null());
        command
    };
    let Some(output) = run(ask("find-principals"))? else { return Ok(None) };
    let names = String::from_utf8_lossy(&output.stdout).into_owned();
    let Some(name) = names.lines().next().filter(|_| output.status.success()) else {
        bail!("nobody whom {ALLOWED} names has signed it: {}", said(&output))
    };
    let mut command = ask("verify");
    command.args(["-n", NAMESPACE, "-I", name]).stdin(File::open(path("data"))?);
    let Some(output) = run(command)? else { return Ok(None) };
    ensure!(output.status.success(), "it was changed after it was signed: {}", said(&output));
    Ok(Some(said(&output)))
}

/// Runs ssh-keygen; nothing, if it is not there or too old.
fn run(mut command: Command) -> Result<Option<Output>> {
    match command.env("LC_ALL", "C").output() {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("starting {PROGRAM}")),
        Ok(output) if said(&output).contains("option -- ") => Ok(None),
        Ok(output) => Ok(Some(output)),
    }
}

/// What it printed, in one line.
fn said(output: &Output) -> String {
    let text =
        [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat();
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    text.trim().replace('\n', "; ").chars().map(plain).collect()
}
