//! The signature of a program of one slice: the bytes that its load command names, at the end of the file.
//!
//! The directory covers the load commands, too, so the place for a signature has to be as large as it was when it was
//! signed: what is stored is the signature with the zeros that fill up its place.

use super::{Embedded, Result, ensure, fail, number};
use crate::mach_o::Layout;
use object::macho::LC_CODE_SIGNATURE;

/// What the memory of the last segment is rounded to on either processor: 16 KiB.
const MEMORY_PAGE: u64 = 1 << 14;
/// Bytes of the load command that points to the signature.
const COMMAND_SIZE: usize = 16;
/// Where the sizes in memory and in the file are in the load command of a segment.
const SIZE_IN_MEMORY: usize = 32;
const SIZE_IN_FILE: usize = 48;

/// The code of a program and its signature, if it has one.
///
/// # Errors
/// If it is no program of one slice.
pub fn split(program: &[u8]) -> Result<(&[u8], Option<&[u8]>)> {
    Ok(match Layout::read(program)?.signature {
        Some(range) => {
            let (code, signature) = program.split_at(range.start);
            (code, Some(signature))
        }
        None => (program, None),
    })
}

/// Whether a key signed a program, right or wrong. What only a linker or nobody signed is not.
///
/// # Errors
/// If it is no program of one slice.
pub fn is_signed_by_key(program: &[u8]) -> Result<bool> {
    Ok(split(program)?.1.is_some_and(Embedded::has_cms))
}

/// The signature of a program.
///
/// # Errors
/// If it is no program of one slice, or has none.
pub fn detach(program: &[u8]) -> Result<&[u8]> {
    match split(program)?.1 {
        Some(signature) => Ok(signature),
        None => fail("it is not signed"),
    }
}

/// A program with a signature in place of the one that it may have.
///
/// # Errors
/// If it is no program of one slice, has no room for the load command, or the signature is for something else.
pub fn attach(program: &[u8], signature: &[u8]) -> Result<Vec<u8>> {
    let mut signed = make_room(program, signature.len())?;
    Embedded::parse(signature)?.check(&signed)?;
    signed.extend(signature);
    Ok(signed)
}

/// The code of a program with a load command for a signature of `size` bytes behind it.
pub(super) fn make_room(bytes: &[u8], size: usize) -> Result<Vec<u8>> {
    let layout = Layout::read(bytes)?;
    let mut program = bytes.to_vec();
    let command = if let (Some(command), Some(range)) = (layout.signature_command, &layout.signature) {
        program.truncate(range.start);
        command
    } else {
        program.resize(program.len().next_multiple_of(16), 0);
        add_command(&mut program, &layout)?;
        layout.room.start
    };
    let words = [LC_CODE_SIGNATURE.0, COMMAND_SIZE as u32, number(program.len())?, number(size)?];
    put(&mut program, command, &words.map(u32::to_le_bytes).concat());
    let (linkedit, start) = layout.linkedit;
    let Some(in_file) = ((program.len() + size) as u64).checked_sub(start) else {
        return fail("its segment __LINKEDIT begins behind its end");
    };
    put(&mut program, linkedit + SIZE_IN_MEMORY, &in_file.next_multiple_of(MEMORY_PAGE).to_le_bytes());
    put(&mut program, linkedit + SIZE_IN_FILE, &in_file.to_le_bytes());
    Ok(program)
}

/// Makes room for the load command of the signature behind the others.
fn add_command(program: &mut [u8], layout: &Layout) -> Result<()> {
    let (end, free_until) = (layout.room.start, layout.room.end);
    let room = program.get(end..end + COMMAND_SIZE).filter(|_| end + COMMAND_SIZE <= free_until);
    ensure(
        room.is_some_and(|room| room.iter().all(|byte| *byte == 0)),
        "there is no room for the load command of a signature: link with -headerpad",
    )?;
    let (count, size) = layout.commands;
    put(program, 16, &(count + 1).to_le_bytes());
    put(program, 20, &(size + COMMAND_SIZE as u32).to_le_bytes());
    Ok(())
}

fn put(program: &mut [u8], at: usize, bytes: &[u8]) {
    program[at..at + bytes.len()].copy_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code_signature::{AdHoc, sample, sign_ad_hoc};
    use crate::mach_o::{self, Cpu};

    const WITH: AdHoc<'_> = AdHoc { identifier: "org.example.sample", info_plist: None, resources: None };

    /// The digest that a key would sign, if all else is what the directory says.
    fn checked(program: &[u8]) -> Result<Vec<u8>> {
        let (code, signature) = split(program)?;
        let embedded = Embedded::parse(signature.unwrap_or_default())?;
        embedded.check(code)?;
        assert_eq!(embedded.cms()?, None);
        Ok(embedded.directories()?[0].digest())
    }

    /// Fails if: a signature is not taken off as it was put on, one that is there is not replaced, or signing twice gives
    /// other bits.
    #[test]
    fn attaches_what_it_detached() {
        for cpu in [Cpu::X86_64, Cpu::Arm64] {
            let unsigned = sample::program(cpu, b"symbols of a program");
            let signed = sign_ad_hoc(&unsigned, &WITH).unwrap();
            checked(&signed).unwrap();
            assert!(!is_signed_by_key(&signed).unwrap() && !is_signed_by_key(&unsigned).unwrap());
            let signature = detach(&signed).unwrap();
            assert_eq!(attach(&unsigned, signature).unwrap(), signed);
            let other = AdHoc { identifier: "other", ..WITH };
            let other = sign_ad_hoc(&signed, &other).unwrap();
            assert_eq!(attach(&other, signature).unwrap(), signed);
            assert_eq!(sign_ad_hoc(&signed, &WITH).unwrap(), signed);
            let directories = Embedded::parse(signature).unwrap();
            let directory = &directories.directories().unwrap()[0];
            assert_eq!(directory.identifier, "org.example.sample");
            assert!(directory.is_ad_hoc() && !directory.is_hardened() && directory.team.is_none());
            assert!(detach(&unsigned).unwrap_err().to_string().contains("not signed"));
        }
    }

    /// Fails if: a bundle's files are not vouched for by its program, or the wrong ones are.
    #[test]
    fn vouches_for_a_bundle() {
        let with = AdHoc { info_plist: Some(b"info"), resources: Some(b"resources"), ..WITH };
        let signed = sign_ad_hoc(&sample::program(Cpu::Arm64, b""), &with).unwrap();
        checked(&signed).unwrap();
        let embedded = Embedded::parse(detach(&signed).unwrap()).unwrap();
        let directory = &embedded.directories().unwrap()[0];
        directory.check_special(1, "Info.plist", b"info").unwrap();
        directory.check_special(3, "CodeResources", b"resources").unwrap();
        let said = directory.check_special(1, "Info.plist", b"other").unwrap_err().to_string();
        assert_eq!(said, "Info.plist is not the one that was signed");
        assert!(directory.check_special(5, "entitlements", b"").is_err());
    }

    /// Fails if: a changed byte changes nothing that is looked at, or a cut-off program makes the reader panic.
    #[test]
    fn finds_every_change() {
        let signed = sign_ad_hoc(&sample::program(Cpu::Arm64, b"symbols"), &WITH).unwrap();
        let good = checked(&signed);
        let universal = mach_o::universal(&[signed.clone(), sample::program(Cpu::X86_64, b"x")]).unwrap();
        for at in (0..signed.len()).step_by(7).chain(signed.len() - 700..signed.len()) {
            let mut changed = signed.clone();
            changed[at] ^= 0x10;
            assert_ne!(checked(&changed), good, "byte {at} of {}", signed.len());
            assert!(checked(&signed[..at]).is_err(), "cut off at {at}");
            assert!(mach_o::slices(&universal[..at * universal.len() / signed.len()]).is_err(), "{at}");
        }
    }
}
