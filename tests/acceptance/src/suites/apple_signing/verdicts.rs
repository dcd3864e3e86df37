//! `cargo xtask verify`: whatever is not right is refused with the reason; and others judge as it does.

use super::Case;
use super::workshop::{TARGETS, Workshop};
use crate::command::tool;
use anyhow::{Context, Result, ensure};
use goblin::mach::MachO;
use goblin::mach::load_command::CommandVariant;
use std::fs;
use std::path::Path;

pub(super) const CASES: &[(&str, Case)] = &[
    ("one changed byte is found", changed),
    ("what no key signed is refused", unsigned),
    ("openssl believes the signature of each program", believed),
];

/// A signed program.
fn signed(workshop: &Workshop, folder: &Path) -> Result<Vec<u8>> {
    let target = TARGETS[1];
    Ok(fs::read(workshop.unpack(workshop.release()?, target, &folder.join(target))?)?)
}

/// The code of a program, and its signature.
fn split(program: &[u8]) -> Result<(&[u8], &[u8])> {
    let mach = MachO::parse(program, 0)?;
    let mut commands = mach.load_commands.iter().filter_map(|command| match command.command {
        CommandVariant::CodeSignature(found) => Some(found.dataoff as usize),
        _ => None,
    });
    Ok(program.split_at(commands.next().context("it is not signed")?))
}

/// A blob of a signature.
fn blob(signature: &[u8], slot: u32) -> Result<&[u8]> {
    let word = |at: usize| -> Result<u32> {
        Ok(u32::from_be_bytes(signature.get(at..at + 4).context("it is cut off")?.try_into()?))
    };
    for index in 0..word(8)? as usize {
        if word(12 + 8 * index)? == slot {
            let at = word(16 + 8 * index)? as usize;
            return signature.get(at..at + word(at + 4)? as usize).context("it is cut off");
        }
    }
    anyhow::bail!("there is no blob {slot:#x}")
}

/// Fails if: a changed byte of a program or its signature goes unnoticed, or something that is appended.
fn changed(workshop: &Workshop, folder: &Path) -> Result<()> {
    let good = signed(workshop, folder)?;
    let code = split(&good)?.0.len();
    let file = folder.join("changed");
    let last = good.len() - 1;
    for at in [0x28, 0x1000, code / 2, code - 1, code + 4, code + 200, code + 0x1000, last] {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        fs::write(&file, bytes)?;
        let (ok, verdicts) = workshop.verify(&file)?;
        ensure!(!ok, "byte {at} of {last}: {verdicts:#}");
    }
    for bytes in [&[&good[..], b"more"].concat()[..], &good[..last], &good[..code], &good[..100]] {
        fs::write(&file, bytes)?;
        let (ok, verdicts) = workshop.verify(&file)?;
        ensure!(!ok, "{} of {} bytes: {verdicts:#}", bytes.len(), good.len());
    }
    Ok(())
}

/// Fails if: a program passes that is signed ad hoc only, or by somebody whom nobody trusts.
fn unsigned(workshop: &Workshop, folder: &Path) -> Result<()> {
    let (ok, verdicts) = workshop.verify(&workshop.program(TARGETS[0]))?;
    ensure!(!ok && verdicts.to_string().contains("signed ad hoc only"), "{verdicts:#}");
    let program = folder.join("program");
    fs::write(&program, signed(workshop, folder)?)?;
    let output = tool(crate::suites::dist::xtask(), 60)
        .args(["verify", "--ca-file"])
        .arg(workshop.authority.path("other-root.pem"))
        .arg("--tsa-ca-file")
        .arg(workshop.authority.path("tsa-root.pem"))
        .arg(&program)
        .output()?;
    let text = crate::command::said(&output);
    ensure!(!output.status.success() && text.contains("nobody who is trusted vouches"), "{text}");
    Ok(())
}

/// Fails if: OpenSSL, asked by the commands of the documentation, does not believe what our own reading does.
fn believed(workshop: &Workshop, folder: &Path) -> Result<()> {
    let program = signed(workshop, folder)?;
    let signature = split(&program)?.1;
    let [cms, directory] = ["cms", "directory"].map(|name| folder.join(name));
    fs::write(&cms, &blob(signature, 0x1_0000)?[8..])?;
    fs::write(&directory, blob(signature, 0)?)?;
    let verify = |content: &Path| {
        tool("openssl", 20)
            .args(["cms", "-verify", "-inform", "DER", "-binary", "-purpose", "any", "-ignore_critical"])
            .args(["-out", "/dev/null", "-in"])
            .arg(&cms)
            .arg("-content")
            .arg(content)
            .arg("-CAfile")
            .arg(workshop.authority.path("root.pem"))
            .output()
    };
    ensure!(verify(&directory)?.status.success(), "openssl does not believe the signature");
    let mut bytes = fs::read(&directory)?;
    bytes[60] ^= 1;
    fs::write(&directory, bytes)?;
    ensure!(!verify(&directory)?.status.success(), "openssl believes everything");
    Ok(())
}
