//! What is refused, or waited for: by a sentence that names registry and repository and says what to do.

use super::server::{Doors, PASSWORD};
use super::way::{At, Fault};
use super::workshop::{Workshop, said};
use super::{Place, SMALL, recipe};
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::Path;
use std::process::Command;

/// What a registry answers to which request, and what is said of it.
const ANSWERS: &[(At, Fault, &str)] = &[
    (
        At::Next("POST", "/blobs/uploads/"),
        Fault::Answer(403, "", r#"{"errors":[{"code":"DENIED","message":"requested access is denied"}]}"#),
        "403 DENIED requested access is denied: robot may not do this",
    ),
    (
        At::Next("POST", "/blobs/uploads/"),
        Fault::Answer(404, "", r#"{"errors":[{"code":"NAME_UNKNOWN","message":"repository name not known"}]}"#),
        "make it there, or correct [image] repository in packaging/product.toml",
    ),
    (
        At::Next("PUT", "/blobs/uploads/"),
        Fault::Answer(400, "", r#"{"errors":[{"code":"DIGEST_INVALID","message":"provided digest did not match"}]}"#),
        "other bits arrived than were sent: run this again",
    ),
    (
        At::Next("PUT", "/manifests/"),
        Fault::Answer(404, "", r#"{"errors":[{"code":"MANIFEST_BLOB_UNKNOWN","message":"blob unknown"}]}"#),
        "it has lost what was there just now: run this again",
    ),
    (
        At::Next("HEAD", "/manifests/"),
        Fault::Answer(429, "Retry-After: 3000\r\n", ""),
        "lasts another 50 minutes: run this again then",
    ),
    (
        At::Next("POST", "/blobs/uploads/"),
        Fault::Answer(202, "Location: http://registry.example/v2/\r\n", ""),
        "the server sends us to http://registry.example/v2/, which is not trusted",
    ),
    (
        At::Next("HEAD", "/manifests/"),
        Fault::Answer(401, "WWW-Authenticate: Bearer realm=\"http://tokens.example/\"\r\n", ""),
        "which is not trusted",
    ),
    (
        At::Next("HEAD", "/manifests/"),
        Fault::Answer(401, "WWW-Authenticate: Negotiate\r\n", ""),
        "Basic and Bearer are known here",
    ),
    (
        At::Next("GET", "/manifests/sha256-"),
        Fault::Answer(200, "Content-Type: application/vnd.oci.image.index.v1+json\r\n", "{}"),
        "remove the tag, then run this again",
    ),
    (
        At::Next("PUT", "/manifests/"),
        Fault::Answer(201, "Docker-Content-Digest: sha256:0\r\n", ""),
        "it was stored as sha256:0",
    ),
];

type Change = fn(&mut Command);

/// What is wrong on this side: another registry, or what is changed; and what is said of it.
const OURS: &[(&str, Change, &str)] = &[
    ("", |c| _ = c.env("REGISTRY_TOKEN", "wrong"), "make a new one and put it there"),
    ("", |c| _ = c.env_remove("REGISTRY_TOKEN"), "a token for the registry is needed"),
    ("", |c| _ = c.env("REGISTRY_TOKEN", "two words"), "put in the token and nothing else"),
    ("http://127.0.0.1:1", |_| (), "check the network and run this again"),
    ("https://registry.example", |_| (), "is to be an address of this machine"),
];

pub(super) fn judge(workshop: &Workshop, folder: &Path) -> Result<()> {
    let place = Place::open(folder, &Doors::Password)?;
    let repository = recipe()?.product.image()?.repository.clone();
    let (_, name) = repository.split_once('/').context("a repository has a registry")?;
    let who = format!("pushing the image {SMALL} to {}/{name}", place.way.host());
    let refused = |said: &str, words: &str| {
        ensure!(said.contains(words), "it does not say {words:?}:\n{said}");
        ensure!(place.tag(SMALL)?.is_none(), "{words}: it is told of all the same");
        place.server.clear()?;
        place.way.mend();
        Ok(())
    };
    for (at, fault, words) in ANSWERS {
        place.way.fault(at.clone(), fault.clone());
        let said = place.refused(workshop, SMALL)?;
        ensure!(said.contains(&who), "it does not say where:\n{said}");
        refused(&said, words)?;
    }
    for (other, change, words) in OURS {
        let here = place.way.address();
        let mut command = workshop.push(SMALL, if other.is_empty() { &here } else { other });
        change(&mut command);
        let output = command.output().context("starting release-tools")?;
        ensure!(!output.status.success(), "{words}: it is pushed");
        ensure!(!said(&output).contains(PASSWORD) && !said(&output).contains("two words"), "{}", said(&output));
        refused(&said(&output), words)?;
    }
    damaged(workshop, &place)?;
    read_only(workshop, &folder.join("read-only"))?;
    waits(workshop, &place)
}

/// Fails if: an image is pushed that is not the one that was sealed, or of another version.
fn damaged(workshop: &Workshop, place: &Place) -> Result<()> {
    let (path, _) = workshop.image(SMALL)?;
    let image = fs::read(&path)?;
    let mut other = image.clone();
    other[image.len() / 2] ^= 1;
    fs::write(&path, other)?;
    let said = place.refused(workshop, SMALL)?;
    ensure!(said.contains("was changed after SHA256SUMS was written"), "{said}");
    fs::write(&path, image)?;
    ensure!(place.writes().is_empty(), "{:?}", place.writes());
    Ok(())
}

/// Fails if: a registry that takes nothing in is not known for it.
fn read_only(workshop: &Workshop, folder: &Path) -> Result<()> {
    let said = Place::open(folder, &Doors::ReadOnly)?.refused(workshop, SMALL)?;
    ensure!(said.contains("it takes nothing in"), "{said}");
    Ok(())
}

/// Fails if: a registry that wants to be left alone for a while, or is in trouble once, is given up.
fn waits(workshop: &Workshop, place: &Place) -> Result<()> {
    for (at, fault) in [
        (At::Next("POST", "/blobs/uploads/"), Fault::Answer(429, "Retry-After: 1\r\n", "")),
        (At::Next("PUT", "/blobs/uploads/"), Fault::Answer(503, "Retry-After: 1\r\n", "")),
        (At::Next("PUT", "/blobs/uploads/"), Fault::Answer(502, "", "bad gateway")),
        (At::Next("PUT", "/blobs/uploads/"), Fault::Answer(404, "", "")),
        (At::Next("PUT", "/manifests/"), Fault::Answer(500, "", "")),
        (At::Next("HEAD", "/manifests/"), Fault::Answer(504, "", "")),
    ] {
        place.way.fault(at, fault);
    }
    let said = place.push(workshop, SMALL)?;
    ensure!(said.matches("wants to be left alone for 1 s").count() == 2, "{said}");
    ensure!(place.tag(SMALL)?.is_some(), "it is not there");
    Ok(())
}
