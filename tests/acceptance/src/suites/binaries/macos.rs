//! Programs for macOS: hardened, signed ad hoc under the product's name, and universal as Apple's `lipo` makes them.
//!
//! A signature is specified by `<kern/cs_blobs.h>` of [XNU](https://github.com/apple-oss-distributions/xnu).

use super::{extract, llvm};
use crate::bench::Bench;
use crate::command::tool;
use crate::products;
use anyhow::{Context, Result, ensure};
use goblin::mach::{Mach, MachO, header, load_command::CommandVariant};
use sha2::{Digest, Sha256};
use std::fs;

/// `CSMAGIC_EMBEDDED_SIGNATURE` and `CSMAGIC_CODEDIRECTORY`.
const SIGNATURE: u32 = 0xfade_0cc0;
const DIRECTORY: u32 = 0xfade_0c02;

/// Judges a program, or every slice of a universal one.
pub(super) fn judge(bytes: &[u8]) -> Result<()> {
    match Mach::parse(bytes)? {
        Mach::Binary(program) => judge_slice(&program, bytes),
        Mach::Fat(fat) => {
            let slices = fat.arches()?;
            ensure!(slices.len() == 2, "it has {} slices", slices.len());
            slices.iter().try_for_each(|slice| {
                let bytes = slice.slice(bytes);
                judge_slice(&MachO::parse(bytes, 0)?, bytes)
            })
        }
    }
}

/// Position independent, nothing but the system library, macOS 11, and signed.
fn judge_slice(mach: &MachO<'_>, bytes: &[u8]) -> Result<()> {
    ensure!(mach.header.flags & header::MH_PIE != 0, "it is not position independent");
    ensure!(mach.header.flags & header::MH_ALLOW_STACK_EXECUTION == 0, "its stack is executable");
    // goblin lists the file itself first.
    for library in mach.libs.iter().filter(|library| **library != "self") {
        ensure!(*library == "/usr/lib/libSystem.B.dylib", "it needs {library}");
    }
    ensure!(mach.rpaths.is_empty(), "it has a run path");
    let (mut oldest, mut signature) = (None, None);
    for command in &mach.load_commands {
        match command.command {
            CommandVariant::BuildVersion(version) => oldest = Some(version.minos >> 16),
            CommandVariant::VersionMinMacosx(version) => oldest = Some(version.version >> 16),
            CommandVariant::CodeSignature(found) => signature = Some(found),
            _ => {}
        }
    }
    ensure!(oldest.is_some_and(|major| major <= 11), "it asks for macOS {oldest:?}, not 11");
    let signature = signature.context("it has no signature, without which Apple's processors run nothing")?;
    let start = signature.dataoff as usize;
    let end = start + signature.datasize as usize;
    ensure!(end == bytes.len(), "its signature is not the end of the file");
    judge_signature(&bytes[..start], bytes.get(start..end).context("its signature is cut off")?)
}

/// An ad hoc signature under the product's name, with the digest of every page of the program.
fn judge_signature(program: &[u8], signature: &[u8]) -> Result<()> {
    let word = |at: usize| -> Result<usize> {
        let bytes = signature.get(at..at + 4).context("the signature is cut off")?;
        Ok(u32::from_be_bytes(bytes.try_into()?) as usize)
    };
    ensure!(word(0)? == SIGNATURE as usize, "it is no signature");
    let at = word(16)?;
    ensure!(word(12)? == 0 && word(at)? == DIRECTORY as usize, "its first blob is no code directory");
    let [flags, hashes, identifier, pages, limit] =
        [12, 16, 20, 28, 32].map(|field| word(at + field)).into_iter().collect::<Result<Vec<_>>>()?[..]
    else {
        unreachable!("five fields were read")
    };
    ensure!(flags == 2, "its flags are {flags:#x}, not those of an ad hoc signature");
    ensure!(limit == program.len(), "it is for {limit} bytes, and the program has {}", program.len());
    let name = signature[at + identifier..].split(|byte| *byte == 0).next().unwrap_or_default();
    let wanted = products::recipe()?.product.macos.identifier.context("the manifest has no identifier")?;
    ensure!(name == wanted.as_bytes(), "it names {:?}", String::from_utf8_lossy(name));
    ensure!(pages == program.chunks(4096).count(), "it has digests of {pages} pages");
    for (number, page) in program.chunks(4096).enumerate() {
        let from = at + hashes + 32 * number;
        let said = signature.get(from..from + 32).context("digests are missing")?;
        ensure!(Sha256::digest(page)[..] == *said, "the digest of page {number} is another");
    }
    Ok(())
}

/// Fails if: the universal program is another than LLVM's `lipo` makes of the thin ones.
pub(super) fn judge_universal(bench: &mut Bench) -> Result<()> {
    let archives =
        ["x86_64", "aarch64", "universal"].map(|arch| bench.artifact(&format!("-{arch}-apple-darwin.tar.gz")));
    let [Ok(x64), Ok(arm64), Ok(universal)] = archives else { return Ok(()) };
    let folder = bench.folder("universal")?;
    let Some(lipo) = llvm("llvm-lipo") else {
        bench.not_run("the universal program is what llvm-lipo makes", "llvm-lipo is not installed");
        return Ok(());
    };
    bench.case("the universal program is what llvm-lipo makes of the thin ones", || {
        let mut programs = Vec::new();
        for archive in [&x64, &arm64, &universal] {
            let inside = folder.join(programs.len().to_string());
            fs::create_dir(&inside)?;
            programs.push(extract(archive, &inside)?);
        }
        let made = folder.join("made");
        tool(&lipo, 60).arg("-create").args(&programs[..2]).arg("-output").arg(&made).run()?;
        products::compare(&programs[2], &made)
    });
    Ok(())
}
