//! Programs for macOS: each gets an ad hoc signature that says what it is, the same wherever it is packed.

use crate::Arch;
use anyhow::{Result, ensure};
use apple_archives::code_signature::{self, AdHoc, program};
use apple_archives::mach_o::{Cpu, Layout};

/// A program of one slice as it goes into artifacts: signed ad hoc under this identifier, unless a key signed it.
///
/// # Errors
/// If it is no program for this processor, or has no room for a signature.
pub(super) fn enter(bytes: Vec<u8>, arch: Arch, identifier: &str) -> Result<Vec<u8>> {
    let is_for = match Layout::read(&bytes)?.cpu {
        Cpu::X86_64 => Arch::X86_64,
        Cpu::Arm64 => Arch::Aarch64,
    };
    ensure!(is_for == arch, "it is a program for {}, not for {}", is_for.name(), arch.name());
    if program::is_signed_by_key(&bytes)? {
        return Ok(bytes);
    }
    Ok(code_signature::sign_ad_hoc(&bytes, &AdHoc { identifier, info_plist: None, resources: None })?)
}
