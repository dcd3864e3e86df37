//! The images as files: read by skopeo and umoci.

use super::{Image, READERS, unpack};
use crate::bench::Bench;
use crate::command::tool;
use crate::products::{compare, recipe, workspace};
use anyhow::{Context, Result, ensure};
use packager::digest::collect_files;
use serde_json::Value;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// How much larger an image may be than its compressed programs: in bytes, besides a tenth. Most of it are the
/// certificates of authorities.
const BESIDES: u64 = 300_000;

pub(super) fn judge(bench: &mut Bench, oci: &Path, images: &[Image]) -> Result<()> {
    let name = oci.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let folder = bench.folder("reading")?;
    bench.case_needing(READERS, &format!("{name}: skopeo finds an image for each processor"), || {
        finds_all(oci, images)
    });
    for image in images {
        let about = image.archive.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let oci_name = image.processor.oci;
        bench.case_needing(READERS, &format!("{about}: is the image for {oci_name} that is in the index"), || {
            same_image(oci, image)
        });
        bench.case_needing(READERS, &format!("{about}: umoci unpacks what belongs in it, and nothing else"), || {
            unpack(oci, image)?;
            has_what_belongs(image)
        });
        bench.case_needing(READERS, &format!("{about}: its program is the one of the archive for {oci_name}"), || {
            unpack(oci, image)?;
            same_program(oci, image, &folder)
        });
    }
    bench.case_needing(READERS, "images are hardly larger than their compressed programs", || {
        let mut programs = 0;
        for image in images {
            unpack(oci, image)?;
            let packed = folder.join(image.processor.oci);
            tool("sh", 60).args(["-c", "gzip -9 < \"$0\" > \"$1\""]).arg(image.program()).arg(&packed).run()?;
            let size = fs::metadata(&packed)?.len();
            small_enough(&image.archive, size)?;
            programs += size;
        }
        small_enough(oci, programs)
    });
    Ok(())
}

fn small_enough(image: &Path, program: u64) -> Result<()> {
    let (size, most) = (fs::metadata(image)?.len(), program + program / 10 + BESIDES);
    ensure!(size <= most, "{} has {size} bytes, more than {most}", image.display());
    Ok(())
}

/// Fails if: the index lacks a processor, names another, or says nothing of itself.
fn finds_all(oci: &Path, images: &[Image]) -> Result<()> {
    let raw = tool("skopeo", 60)
        .args(["--insecure-policy", "inspect", "--raw"])
        .arg(format!("oci-archive:{}", oci.display()))
        .read()?;
    let index: Value = serde_json::from_str(&raw)?;
    let manifests = index["manifests"].as_array().context("it is no index")?;
    let found: Vec<&str> =
        manifests.iter().filter_map(|manifest| manifest["platform"]["architecture"].as_str()).collect();
    let expected: Vec<&str> = images.iter().map(|image| image.processor.oci).collect();
    ensure!(found == expected, "it is for {found:?}");
    let title = &index["annotations"]["org.opencontainers.image.title"];
    ensure!(*title == recipe()?.product.display_name.as_str(), "its title is {title}");
    Ok(())
}

/// The configuration that skopeo reads out of an image.
fn configuration(image: &Image, from: &str) -> Result<Value> {
    let said = tool("skopeo", 60)
        .args(["--insecure-policy", "--override-os=linux", "--override-arch", image.processor.oci])
        .args(["inspect", "--config", from])
        .read()?;
    Ok(serde_json::from_str(&said)?)
}

/// Fails if: what `docker load` takes is another image than what registries have, for the wrong processor, or runs as
/// root.
fn same_image(oci: &Path, image: &Image) -> Result<()> {
    let saved = configuration(image, &format!("docker-archive:{}", image.archive.display()))?;
    let layout = configuration(image, &format!("oci-archive:{}", oci.display()))?;
    // skopeo leaves the health check out where the form has none.
    let known = |mut value: Value| {
        value["config"].as_object_mut().map(|config| config.remove("Healthcheck"));
        value
    };
    ensure!(known(saved.clone()) == known(layout.clone()), "they differ:\n{saved}\n{layout}");
    ensure!(saved["architecture"] == image.processor.oci, "it is for {}", saved["architecture"]);
    ensure!(saved["config"]["User"] == "65532:65532", "it runs as {}", saved["config"]["User"]);
    Ok(())
}

/// Fails if: a file is missing, does not belong there, or has another owner or mode than it must.
fn has_what_belongs(image: &Image) -> Result<()> {
    let mut files = Vec::new();
    collect_files(&image.tree, &mut files)?;
    let mut names: Vec<String> = Vec::new();
    for file in &files {
        names.push(file.strip_prefix(&image.tree)?.to_string_lossy().into_owned());
    }
    names.sort();
    let expected = [
        "etc/group",
        "etc/passwd",
        "etc/ssl/certs/ca-certificates.crt",
        "usr/bin/pywats-client",
        "usr/share/licenses/pywats-client/LICENSE",
        "usr/share/licenses/pywats-client/third-party-licenses.txt",
    ];
    ensure!(names == expected, "it has {names:?}");
    compare(
        &image.tree.join("usr/share/licenses/pywats-client/third-party-licenses.txt"),
        &workspace().join("packaging/third-party-licenses.txt"),
    )?;
    let as_root = crate::scratch::is_root()?;
    for (path, owner, mode) in [
        ("usr/bin/pywats-client", 0, 0o755),
        ("etc/passwd", 0, 0o644),
        ("etc/pywats", 0, 0o755),
        ("tmp", 0, 0o1777),
        ("var/lib/pywats", 65532, 0o770),
        ("var/lib/pywats/watch", 65532, 0o770),
    ] {
        let facts = fs::metadata(image.tree.join(path)).with_context(|| format!("looking at {path}"))?;
        ensure!(facts.mode() & 0o7777 == mode, "{path} has mode {:o}", facts.mode() & 0o7777);
        // Who unpacks without root owns everything.
        let owners = (facts.uid(), facts.gid());
        ensure!(!as_root || owners == (owner, 0), "{path} belongs to {owners:?}");
    }
    Ok(())
}

/// Fails if: the program differs in a bit from the one that is in the archive for this processor.
fn same_program(oci: &Path, image: &Image, folder: &Path) -> Result<()> {
    let rust = image.processor.rust;
    let archive = format!("pywats-client-{rust}-unknown-linux-musl");
    let dist = oci.parent().unwrap_or(Path::new("."));
    tool("tar", 60)
        .arg("-xzf")
        .arg(dist.join(format!("{archive}.tar.gz")))
        .arg("-C")
        .arg(folder)
        .arg(format!("{archive}/pywats-client"))
        .run()?;
    compare(&folder.join(archive).join("pywats-client"), &image.program())
}
