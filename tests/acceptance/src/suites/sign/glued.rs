//! Files with more in them than was signed: `java -jar signed.msi` runs what was glued to a signed installer.

use super::Case;
use super::verdicts::{refused, sign_by_hand};
use super::workshop::{ROOTS, Workshop, find};
use crate::command::tool;
use anyhow::{Context, Result};
use std::fs;
use std::path::Path;

pub(super) const CASES: &[(&str, Case)] = &[
    ("what another file is glued to is refused", glued),
    ("what hides something in its signature is refused", hidden),
];

const STRAY: &str = "it has bytes that belong to none of its parts";

type Gluing = fn(&[u8], &[u8]) -> Vec<u8>;

/// What is glued to which of the signed files: an archive that somebody's reader may find there.
const GLUED: &[(&str, &str, Gluing)] = &[
    (".msi", "an archive behind the last sector", behind),
    (".msi", "a few bytes behind the last sector", |file, _| behind(file, b"#!/bin/sh")),
    (".msi", "whole sectors behind the last one", |file, _| behind(file, &[b'#'; 4096])),
    (".exe", "an archive behind the signature", behind),
    (".exe", "eight bytes behind the signature", |file, _| behind(file, b"#!/bin/s")),
    (".zip", "an archive behind the list", behind),
    (".zip", "an archive before the first member", |file, _| behind(file, file)),
    (".zip", "a comment", with_comment),
    (".zip", "an archive between the last member and the list", before_list),
];

fn behind(file: &[u8], other: &[u8]) -> Vec<u8> {
    [file, other].concat()
}

fn with_comment(archive: &[u8], _: &[u8]) -> Vec<u8> {
    let mut bytes = archive.to_vec();
    let length = bytes.len();
    bytes[length - 2] = 9;
    behind(&bytes, b"#!/bin/sh")
}

/// Moves the list of the members, as whoever hides something between would.
fn before_list(archive: &[u8], other: &[u8]) -> Vec<u8> {
    let (rest, end) = archive.split_at(archive.len() - 22);
    let mut end = end.to_vec();
    let at = u32::from_le_bytes([end[16], end[17], end[18], end[19]]);
    let moved = at + u32::try_from(other.len()).unwrap_or_default();
    end[16..20].copy_from_slice(&moved.to_le_bytes());
    let (members, list) = rest.split_at(usize::try_from(at).unwrap_or_default());
    [members, other, list, &end].concat()
}

/// Fails if: bytes that no signature covers and no part of the file has go unnoticed, in any kind of file.
fn glued(workshop: &Workshop, folder: &Path) -> Result<()> {
    // An archive without members: the shortest file that other programs look for at the end of any file.
    let other = [&b"PK\x05\x06"[..], &[0; 18]].concat();
    for (index, (kind, what, glue)) in GLUED.iter().enumerate() {
        let signed = fs::read(find(workshop.release()?, kind)?)?;
        let path = folder.join(format!("{index}{kind}"));
        fs::write(&path, glue(&signed, &other))?;
        refused(workshop, ROOTS, &path, STRAY).with_context(|| format!("{what} in {kind}"))?;
    }
    Ok(())
}

/// Fails if: an attribute or a certificate that anybody can add to a signature goes unnoticed.
fn hidden(workshop: &Workshop, folder: &Path) -> Result<()> {
    for kind in [".msi", ".exe"] {
        let path = folder.join(format!("blob{kind}"));
        tool("osslsigncode", 30)
            .args(["add", "-addUnauthenticatedBlob", "-h", "sha256", "-add-msi-dse", "-in"])
            .arg(find(workshop.release()?, kind)?)
            .arg("-out")
            .arg(&path)
            .run()?;
        refused(workshop, ROOTS, &path, "in it is not signed and may hold anything").context(kind)?;
    }
    let certificates = ["issuer.pem", "other-root.pem"].map(|name| fs::read(workshop.authority.path(name)));
    let both = folder.join("both.pem");
    fs::write(&both, certificates.into_iter().collect::<std::io::Result<Vec<_>>>()?.concat())?;
    let path = folder.join("certificate.exe");
    sign_by_hand(workshop, "signing", &["-h", "sha256", "-ac", &both.to_string_lossy()], &path)?;
    refused(workshop, ROOTS, &path, "the certificate of CN=Test other-root in it vouches for nobody")
}
