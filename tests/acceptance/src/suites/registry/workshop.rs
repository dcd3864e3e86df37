//! Releases with an image: one of the real programs, and many with a small image that others could have made.

use super::server::{PASSWORD, USER};
use crate::products::{recipe, release_tools_program, workspace};
use crate::suites::release::stand_in::{StandIn, TOKEN};
use anyhow::{Context, Result, ensure};
use packager::artifacts::MadeFrom;
use packager::digest::sha256;
use packager::programs::Program;
use packager::recipe::parts_from;
use packager::{Artifact, Artifacts, Compiled, Origin};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A commit; the stand-in of git asks for no real one.
const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// What images are for, as OCI and Rust call it.
pub(super) const PROCESSORS: [(&str, &str); 2] =
    [("amd64", "x86_64-unknown-linux-musl"), ("arm64", "aarch64-unknown-linux-musl")];

/// Every version that is released here, in this order.
pub(super) const VERSIONS: &[&str] =
    &["100.0.0", "200.1.0", "200.1.1", "200.2.0", "200.1.2", "201.0.0", "201.1.0-rc.1", "200.2.1"];

/// See the [module](self).
pub(super) struct Workshop {
    folder: PathBuf,
    github: StandIn,
}

impl Workshop {
    pub(super) fn open(folder: PathBuf) -> Result<Workshop> {
        let tags: Vec<_> = VERSIONS.iter().map(|version| format!("v{version}")).collect();
        let github = StandIn::start(&tags.iter().map(String::as_str).collect::<Vec<_>>(), COMMIT)?;
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("release.toml"), format!("[image]\nuser = {USER:?}\n"))?;
        Ok(Workshop { folder, github })
    }

    /// The folder of a version's release.
    pub(super) fn release(&self, version: &str) -> PathBuf {
        self.folder.join(version)
    }

    /// A release with the image of the programs in folders that are named after their targets.
    pub(super) fn real(&self, version: &str, programs: &Path) -> Result<()> {
        let mut recipe = recipe()?;
        recipe.version = version.parse()?;
        let files = self.release(version).join("files");
        fs::create_dir_all(&files)?;
        let mut list = Artifacts::default();
        for (processor, _) in PROCESSORS {
            let row = recipe.rows.row(&format!("image-docker-{processor}"))?;
            let compiled =
                row.targets.iter().map(|triple| Compiled { triple: triple.clone(), folder: programs.join(triple) });
            let taken = recipe.take(row, compiled.collect())?;
            let origin = Origin { inputs: "of the test", toolchain: "" };
            add(&mut list, recipe.make(row, &taken, Vec::new(), origin, &files)?)?;
        }
        list.write(&files)?;
        let row = recipe.rows.row("image")?;
        let parts = parts_from(row, std::slice::from_ref(&files))?;
        let origin = Origin { inputs: "of the test", toolchain: "" };
        let taken = recipe.take(row, Vec::new())?;
        add(&mut list, recipe.make(row, &taken, parts, origin, &files)?)?;
        list.write(&files)?;
        self.seal(version)
    }

    /// A release with a small image, which `content` is in.
    pub(super) fn small(&self, version: &str, content: &str) -> Result<()> {
        let recipe = recipe()?;
        let files = self.release(version).join("files");
        fs::create_dir_all(&files)?;
        let artifact = |artifact: &str, bytes: &[u8], programs, made_from| Artifact {
            artifact: artifact.to_owned(),
            format: String::new(),
            version: version.to_owned(),
            programs,
            made_from,
            size: bytes.len() as u64,
            sha256: sha256(bytes),
            inputs: String::new(),
            toolchain: String::new(),
            source_date_epoch: 0,
        };
        let (mut list, mut made_from) = (Artifacts::default(), Vec::new());
        for (processor, triple) in PROCESSORS {
            let (name, file) = (format!("image-docker-{processor}"), format!("{processor}.tar"));
            fs::write(files.join(&file), processor)?;
            let program =
                Program { name: recipe.product.name.clone(), target: triple.to_owned(), sha256: String::new() };
            let part = artifact(&name, processor.as_bytes(), vec![program], Vec::new());
            made_from.push(MadeFrom { artifact: name, file: file.clone(), sha256: part.sha256.clone() });
            list.0.insert(file, part);
        }
        let name = format!("{}:{version}", recipe.product.image()?.repository);
        let image = image(&name, content, &self.folder.join("layout"))?;
        let file = "image.tar".to_owned();
        fs::write(files.join(&file), &image)?;
        list.0.insert(file, artifact("image", &image, Vec::new(), made_from));
        list.write(&files)?;
        self.seal(version)
    }

    /// Adds bills of materials and notes, and seals.
    fn seal(&self, version: &str) -> Result<()> {
        let release = self.release(version);
        let files = release.join("files");
        let name = recipe()?.product.name;
        for (_, triple) in PROCESSORS {
            for end in ["cdx", "spdx"] {
                let bill = json!({ "of": format!("{name} {version} for {triple}, as {end}") });
                fs::write(files.join(format!("{name}-{version}-{triple}.{end}.json")), bill.to_string())?;
            }
        }
        let mut sums = BTreeMap::new();
        for entry in fs::read_dir(&files)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if !name.starts_with("SHA256SUMS") {
                sums.insert(name, packager::digest::sha256_file(&entry.path())?);
            }
        }
        let text: String = sums.iter().map(|(name, sum)| format!("{sum}  {name}\n")).collect();
        fs::write(files.join("SHA256SUMS"), text)?;
        fs::write(files.join("SHA256SUMS.asc"), "a signature")?;
        Ok(fs::write(release.join("notes.md"), format!("What is new in {version}.\n"))?)
    }

    /// The image of a release, and its digest.
    pub(super) fn image(&self, version: &str) -> Result<(PathBuf, String)> {
        let files = self.release(version).join("files");
        let list = Artifacts::load(&files)?.context("it is listed")?;
        let (name, _) = list.of_row("image").context("there is an image")?;
        let path = files.join(name);
        let index = crate::command::tool("tar", 20).arg("-xOf").arg(&path).arg("index.json").read()?;
        let index: Value = serde_json::from_str(&index)?;
        let digest = index["manifests"][0]["digest"].as_str().context("an image has a digest")?;
        Ok((path, digest.to_owned()))
    }

    /// Publishes the release itself, so that its image may be pushed.
    pub(super) fn publish(&self, version: &str) -> Result<()> {
        let output = self.step("github", version, &[]).output().context("starting release-tools")?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{version} is not published:\n{said}");
        Ok(())
    }

    /// `release-tools publish image`, to the registry at an address.
    pub(super) fn push(&self, version: &str, registry: &str) -> Command {
        self.step("image", version, &["--registry", registry])
    }

    fn step(&self, step: &str, version: &str, further: &[&str]) -> Command {
        let mut command = Command::new(release_tools_program());
        command.args(["publish", step, "--version", version, "--commit", COMMIT]);
        command.arg("--folder").arg(self.release(version));
        command.args(["--repository", self.github.repository(), "--api", self.github.api()]);
        command.arg("--product").arg(workspace().join("packaging/product.toml"));
        let settings = self.folder.join("release.toml");
        command.arg("--config").arg(settings).args(further);
        command.env("GITHUB_TOKEN", TOKEN).env("REGISTRY_TOKEN", PASSWORD);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

fn add(list: &mut Artifacts, (path, artifact): (PathBuf, Artifact)) -> Result<()> {
    let name = path.file_name().context("an artifact has a name")?.to_string_lossy().into_owned();
    list.0.insert(name, artifact);
    Ok(())
}

/// A small image for all processors, packed by tar.
fn image(name: &str, content: &str, folder: &Path) -> Result<Vec<u8>> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    let blobs = folder.join("blobs/sha256");
    fs::create_dir_all(&blobs)?;
    let oci = |kind: &str| format!("application/vnd.oci.image.{kind}");
    let add = |kind: &str, bytes: &[u8]| -> Result<Value> {
        fs::write(blobs.join(sha256(bytes)), bytes)?;
        let digest = format!("sha256:{}", sha256(bytes));
        Ok(json!({ "mediaType": oci(kind), "digest": digest, "size": bytes.len() }))
    };
    let base = add("layer.v1.tar+gzip", b"what all have in common")?;
    let mut manifests = Vec::new();
    for (processor, _) in PROCESSORS {
        let config = json!({ "architecture": processor, "os": "linux", "rootfs": { "type": "layers", "diff_ids": [] } });
        let config = add("config.v1+json", config.to_string().as_bytes())?;
        let program = add("layer.v1.tar+gzip", format!("{processor} {content}").repeat(2000).as_bytes())?;
        let manifest = json!({ "schemaVersion": 2, "mediaType": oci("manifest.v1+json"), "config": config, "layers": [base, program] });
        let mut manifest = add("manifest.v1+json", manifest.to_string().as_bytes())?;
        manifest["platform"] = json!({ "architecture": processor, "os": "linux" });
        manifests.push(manifest);
    }
    let created = json!({ "org.opencontainers.image.created": "2026-01-02T00:00:00Z" });
    let index = json!({ "schemaVersion": 2, "mediaType": oci("index.v1+json"), "manifests": manifests, "annotations": created });
    let mut index = add("index.v1+json", index.to_string().as_bytes())?;
    index["annotations"] = json!({ "org.opencontainers.image.ref.name": name });
    fs::write(folder.join("index.json"), json!({ "schemaVersion": 2, "manifests": [index] }).to_string())?;
    fs::write(folder.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#)?;
    let packed = folder.with_extension("tar");
    crate::command::tool("tar", 20).arg("-cf").arg(&packed).arg("-C").arg(folder).args(["blobs", "index.json", "oci-layout"]).run()?;
    Ok(fs::read(packed)?)
}

/// Everything that a run of the program said.
pub(super) fn said(output: &Output) -> String {
    [&output.stderr, &output.stdout].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat()
}

/// The programs in the archives of the distribution, in folders that are named after their targets.
pub(super) fn unpack(archives: &[PathBuf], folder: &Path) -> Result<()> {
    for (archive, (_, triple)) in archives.iter().zip(PROCESSORS) {
        let place = folder.join(triple);
        fs::create_dir_all(&place)?;
        let name = recipe()?.product.name;
        crate::command::tool("tar", 60)
            .arg("-xzf")
            .arg(archive)
            .arg("-C")
            .arg(&place)
            .args(["--strip-components", "1"])
            .arg(format!("{name}-{triple}/{name}"))
            .run()?;
    }
    Ok(())
}
