//! What becomes of programs when they enter an artifact, and which are refused.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod sample;

use packager::{Compiled, Product, Programs};
use sample::programs::{elf, macho, pe};
use sample::{MANIFEST, ROWS, Sample};
use std::fs;

const X64: u32 = 0x0100_0007;
const ARM64: u32 = 0x0100_000c;

/// The program as it goes into an artifact for these targets, whose folders have these files.
fn enter(name: &str, compiled: &[(&str, &[u8])]) -> anyhow::Result<Vec<u8>> {
    let sample = Sample::new(&format!("{MANIFEST}\n[macos]\nidentifier = \"org.example.sample\"\n"), ROWS);
    let product = Product::load(&sample.path("product.toml"))?;
    let compiled = compiled.iter().map(|(triple, bytes)| {
        let folder = sample.path(&format!("compiled/{triple}"));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(name), bytes).unwrap();
        Compiled { triple: (*triple).to_owned(), folder }
    });
    let compiled = compiled.collect();
    Programs::new(&product, compiled)?.source(name)?.read()
}

/// A file without its last byte.
fn cut(mut file: Vec<u8>) -> Vec<u8> {
    file.pop();
    file
}

/// A file with another number at a place.
fn with(mut file: Vec<u8>, at: usize, number: u32) -> Vec<u8> {
    file[at..at + 4].copy_from_slice(&number.to_le_bytes());
    file
}

/// Fails if: a damaged program, one for another system or processor, or one that asks for a library that Windows does not have, is
/// packed, or the error does not say what is wrong with which file.
#[test]
fn refuses_what_would_not_start() {
    let refused: &[(&str, Vec<u8>, &str)] = &[
        ("x86_64-linux", b"#!/bin/sh\n".to_vec(), "no 64-bit program for Linux"),
        ("x86_64-linux", Vec::new(), "no 64-bit program for Linux"),
        ("x86_64-linux", pe(0x8664, &[]), "no 64-bit program for Linux"),
        ("x86_64-linux", elf(0xb7), "another processor than x86_64"),
        ("x86_64-windows", elf(0x3e), "no 64-bit program for Windows"),
        ("x86_64-windows", pe(0xaa64, &[]), "another processor than x64"),
        ("aarch64-windows", pe(0x8664, &[]), "another processor than arm64"),
        (
            "x86_64-windows",
            pe(0x8664, &["kernel32.dll", "libgcc_s_seh-1.dll"]),
            "it needs libgcc_s_seh-1.dll",
        ),
        ("x86_64-windows", pe(0x8664, &["mcfgthread-2.dll"]), "it needs mcfgthread-2.dll"),
        ("x86_64-windows", pe(0x8664, &["api-ms-win-crt-heap-l1-1-1.dll"]), "api-ms-win-crt-heap-l1-1-1.dll"),
        ("x86_64-windows", pe(0x8664, &[])[..0x80].to_vec(), "no 64-bit program for Windows"),
        ("x86_64-macos", elf(0x3e), "no 64-bit program for macOS"),
        ("x86_64-macos", macho(ARM64, false), "a program for aarch64, not for x86_64"),
        ("aarch64-macos", macho(ARM64, false)[..100].to_vec(), "cannot be packed"),
        ("aarch64-macos", cut(macho(ARM64, true)), "its segment __LINKEDIT reaches behind its end"),
        ("aarch64-macos", [macho(ARM64, true), vec![0]].concat(), "something was cut off or appended"),
        ("aarch64-macos", with(macho(ARM64, false), 12, 6), "no program that can be started"),
        ("aarch64-macos", with(macho(ARM64, true), 32 + 2 * 72 + 12, 8), "its signature does not end"),
        ("aarch64-macos", with(macho(ARM64, false), 32 + 48, 0), "no segment __TEXT"),
    ];
    for (target, bytes, complaint) in refused {
        let error = format!("{:#}", enter("sample", &[(target, bytes)]).expect_err(complaint));
        assert!(error.contains(complaint) && error.contains(&format!("{target}/sample")), "{error}");
    }
    for (target, bytes) in [
        ("x86_64-linux", elf(0x3e)),
        ("aarch64-windows", pe(0xaa64, &["KERNEL32.DLL", "ws2_32.dll", "api-ms-win-crt-time-l1-1-0.dll"])),
    ] {
        assert!(enter("sample", &[(target, &bytes)]).unwrap() == bytes, "{target} was changed");
    }
}

/// Fails if: the signature of the linker stays, what is signed is changed by signing it again, a signature is made for
/// something else than the program, or the program's name is not in it.
#[test]
fn macos_programs_are_signed_ad_hoc() {
    for (target, cpu) in [("x86_64-macos", X64), ("aarch64-macos", ARM64)] {
        let unsigned = macho(cpu, false);
        let signed = enter("sample", &[(target, &unsigned)]).unwrap();
        assert!(enter("sample", &[(target, &signed)]).unwrap() == signed, "signing again changes {target}");
        let at = unsigned.len().next_multiple_of(16);
        assert_eq!(signed[at..at + 4], [0xfa, 0xde, 0x0c, 0xc0]);
        assert_eq!(signed.len() % 16, 0);
        let identifier = b"org.example.sample\0";
        assert!(
            signed.windows(identifier.len()).any(|bytes| bytes == identifier),
            "{target} has no identifier"
        );

        let by_linker = enter("sample", &[(target, &macho(cpu, true))]).unwrap();
        assert_eq!(by_linker[at - 32..at - 28], signed[at..at + 4], "the old signature is in it");
    }
}

/// Fails if: a slice of a universal program differs in a bit from the thin program, or lies where no processor maps it.
#[test]
fn universal_programs_hold_the_thin_ones() {
    let [x64, arm64] = [macho(X64, false), macho(ARM64, true)];
    let both = [("aarch64-macos", &*arm64), ("x86_64-macos", &*x64)];
    let universal = enter("sample", &both).unwrap();
    let number = |at: usize| u32::from_be_bytes(universal[at..at + 4].try_into().unwrap());
    assert_eq!([number(0), number(4)], [0xcafe_babe, 2]);
    for (index, (cpu, bits, target, bytes)) in
        [(X64, 12, "x86_64-macos", &x64), (ARM64, 14, "aarch64-macos", &arm64)].into_iter().enumerate()
    {
        let at = 8 + 20 * index;
        let [start, size] = [8, 12].map(|field| number(at + field) as usize);
        assert_eq!([number(at), number(at + 16)], [cpu, bits], "{target}");
        assert_eq!(start % (1 << bits), 0, "{target}");
        assert!(universal[start..start + size] == enter("sample", &[(target, bytes)]).unwrap(), "{target}");
    }
    let reversed: Vec<_> = both.iter().rev().copied().collect();
    assert!(enter("sample", &reversed).unwrap() == universal, "the order of the targets shows");
}
