//! Reads the container images with the programs of others, and runs them as administrators do: hardened, configured by
//! the environment, with a secret and folders mounted. Images for another processor run in qemu's user-mode emulation.

mod engine;
mod life;
mod read;
mod volumes;

use crate::bench::Bench;
use crate::command::tool;
use crate::products::workspace;
use crate::scratch;
use anyhow::{Context, Result};
use engine::Engine;
use std::fs;
use std::path::{Path, PathBuf};

/// What reads images.
const READERS: &[&str] = &["skopeo", "umoci"];
/// What runs them.
const ENGINE: &[&str] = &["podman", "runc", "skopeo", "umoci"];

/// A processor as OCI, Rust and qemu call it.
#[derive(Clone, Copy)]
struct Processor {
    oci: &'static str,
    rust: &'static str,
}

const PROCESSORS: &[Processor] =
    &[Processor { oci: "amd64", rust: "x86_64" }, Processor { oci: "arm64", rust: "aarch64" }];

impl Processor {
    /// The program that runs its programs here, if it is not this machine's own.
    fn emulator(self) -> Option<String> {
        (self.rust != std::env::consts::ARCH).then(|| format!("qemu-{}-static", self.rust))
    }
}

/// An image as it is in the distribution folder, and unpacked.
struct Image {
    processor: Processor,
    /// For `docker load`.
    archive: PathBuf,
    /// What a container would see.
    tree: PathBuf,
}

impl Image {
    /// The program in it.
    fn program(&self) -> PathBuf {
        self.tree.join("usr/bin/pywats-client")
    }
}

/// Judges the image of all processors, and that of each.
pub(crate) fn run(bench: &mut Bench) -> Result<()> {
    let oci = bench.artifact("-oci.tar")?;
    let mut images = Vec::new();
    for processor in PROCESSORS {
        let archive = bench.artifact(&format!("-docker-{}.tar", processor.oci))?;
        let tree = bench.folder(processor.oci)?.join("bundle/rootfs");
        images.push(Image { processor: *processor, archive, tree });
    }
    read::judge(bench, &oci, &images)?;
    judge_manifests(bench);
    for image in &images {
        let mut needs = ENGINE.to_vec();
        let emulator = image.processor.emulator();
        needs.extend(emulator.as_deref());
        let about = format!("container on {}", image.processor.oci);
        let why_not = crate::command::missing(&needs).map(|program| format!("{program} is not installed"));
        let why_not = match scratch::is_root()? {
            true => why_not,
            false => Some("containers need root".to_owned()),
        };
        match why_not {
            Some(reason) => bench.not_run(&about, &reason),
            None => {
                let engine = Engine::new(bench.folder(&format!("engine {}", image.processor.oci))?)?;
                life::judge(bench, &engine, image, &oci, &about)?;
                // What a folder is like has nothing to do with the processor.
                if emulator.is_none() {
                    volumes::judge(bench, &engine, &about)?;
                }
            }
        }
    }
    Ok(())
}

/// What starts containers of it, by the schemas of Compose and Kubernetes; `PYWATS_SCHEMAS` names the folder with these.
fn judge_manifests(bench: &mut Bench) {
    let about = "Compose file and Kubernetes manifests are what their schemas allow";
    let Some(schemas) = std::env::var_os("PYWATS_SCHEMAS") else {
        bench.not_run(about, "run `cargo xtask test image`");
        return;
    };
    bench.case_needing(&["python3"], about, || {
        tool("python3", 60)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .arg("-s")
            .arg(workspace().join("tests/image/judge_manifests.py"))
            .arg(&schemas)
            .arg(workspace().join("packaging/container"))
            .run()
    });
}

/// Unpacks the image of a processor, unless that was done.
fn unpack(oci: &Path, image: &Image) -> Result<()> {
    if image.tree.is_dir() {
        return Ok(());
    }
    let bundle = image.tree.parent().context("a tree is in a bundle")?;
    let layout = bundle.with_file_name("layout");
    fs::create_dir_all(&layout)?;
    // umoci follows no index: skopeo takes the image of one processor out of it.
    tool("skopeo", 60)
        .args(["--insecure-policy", "--override-os=linux", "--override-arch", image.processor.oci, "copy"])
        .arg(format!("oci-archive:{}", oci.display()))
        .arg(format!("oci:{}:it", layout.display()))
        .run()?;
    let mut umoci = tool("umoci", 60).args(["unpack", "--image"]);
    umoci = umoci.arg(format!("{}:it", layout.display()));
    if !scratch::is_root()? {
        umoci = umoci.arg("--rootless");
    }
    umoci.arg(bundle).run()
}
