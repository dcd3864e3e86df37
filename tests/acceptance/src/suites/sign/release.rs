//! The folder of a release: what may be signed into it, and what happens to what is there already.

use super::Case;
use super::server::{Manner, Server};
use super::workshop::{ACTIONS, ROOTS, TRIPLE, VARIABLE, Workshop, everything, failed_cleanly, files, find, programs, signatures};
use crate::client::wait_until;
use crate::command::{Tool, said, tool};
use crate::products;
use crate::suites::dist;
use anyhow::{Context, Result, ensure};
use packager::programs::Program;
use packager::{Artifact, Artifacts};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

pub(super) const CASES: &[(&str, Case)] = &[
    ("only the program that dist built for this version is signed", stale_program),
    ("a program for another processor", other_processor),
    ("a newer version supersedes the older one; what made it is kept with the signatures", newer_version),
    ("a run that fails at the end leaves the old release", late_failure),
    ("a run for a part of the artifacts loses nothing", partial_run),
    ("what a run that failed or was killed left is removed", leftovers),
    ("Ctrl-C while another run holds the folder", interrupted_waiting),
    ("a full disk is called that", full_disk),
    ("winget manifests of an installer that is not signed", unsigned_for_winget),
];

/// Every file of a folder with its digest.
fn digests(folder: &Path) -> Result<BTreeMap<PathBuf, String>> {
    let read = |file: PathBuf| Ok((file.clone(), packager::digest::sha256_file(&folder.join(file))?));
    files(folder)?.into_iter().map(read).collect()
}

/// The files of a folder of artifacts, without the signatures.
fn artifacts(folder: &Path) -> Result<Vec<PathBuf>> {
    Ok(files(folder)?.into_iter().filter(|file| !file.starts_with("signatures")).collect())
}

/// A copy of the signed release.
fn copy_of_release(workshop: &Workshop, to: &Path) -> Result<()> {
    products::copy_sources(workshop.release()?, to)
}

/// The run failed with this message, and everything in the folder is as it was.
fn refused(sign: Tool, out: &Path, before: &BTreeMap<PathBuf, String>, messages: &[&str]) -> Result<()> {
    let output = sign.output()?;
    let text = said(&output);
    ensure!(output.status.code() == Some(1), "it ended with {}:\n{text}", output.status);
    for message in messages {
        ensure!(text.contains(message), "it does not say {message:?}:\n{text}");
    }
    let after = digests(out)?;
    ensure!(after == *before, "it changed something: {:?} instead of {:?}", after.keys(), before.keys());
    Ok(())
}

/// A checkout in which the program was built.
struct Checkout(PathBuf);

impl Checkout {
    fn make(workshop: &Workshop, folder: PathBuf) -> Result<Checkout> {
        for part in ["packaging", "docs"] {
            products::copy_sources(&products::workspace().join(part), &folder.join(part))?;
        }
        fs::create_dir_all(folder.join("xtask"))?;
        fs::write(folder.join("xtask/Cargo.toml"), "")?;
        for file in ["targets.toml", "CHANGELOG.md", "LICENSE", "README.md", "artifacts.toml"] {
            fs::copy(products::workspace().join(file), folder.join(file))?;
        }
        let checkout = Checkout(folder);
        let built = checkout.program();
        let built = built.parent().context("a program is in a folder")?;
        fs::create_dir_all(built)?;
        fs::copy(&workshop.program, checkout.program())?;
        workshop.bring_actions(built)?;
        Ok(checkout)
    }

    fn program(&self) -> PathBuf {
        self.0.join("target/programs").join(TRIPLE).join("release/pywats-client.exe")
    }

    /// Lists an artifact of this version as `dist` does, with the programs of that folder.
    fn list(&self, version: &str, programs: &Path) -> Result<()> {
        let program = |name: &&str| {
            let sha256 = packager::digest::sha256_file(&programs.join(name))?;
            Ok(Program { name: (*name).to_owned(), target: TRIPLE.into(), sha256 })
        };
        let artifact = Artifact {
            artifact: "zip".into(),
            format: "zip".into(),
            version: version.to_owned(),
            programs: ["pywats-client.exe", ACTIONS].iter().map(program).collect::<Result<_>>()?,
            made_from: Vec::new(),
            size: 0,
            sha256: String::new(),
            inputs: String::new(),
            toolchain: "made for the test".into(),
            source_date_epoch: 0,
        };
        Artifacts([(format!("pywats-client-{TRIPLE}.zip"), artifact)].into()).write(&self.0.join("dist"))
    }

    /// Begins another version.
    fn raise_version(&self) -> Result<()> {
        let path = self.0.join("CHANGELOG.md");
        let text = fs::read_to_string(&path)?;
        let newer = "\n## [9.9.9] - 2027-01-01\n\n- Something changed.\n";
        let mut releases =
            text.match_indices("\n## ").filter(|(at, _)| !text[*at..].starts_with("\n## [Unrel"));
        let (newest, _) = releases.next().context("the changelog has no release")?;
        Ok(fs::write(path, format!("{}{newer}{}", &text[..newest], &text[newest..]))?)
    }

    fn sign(&self, workshop: &Workshop, out: &Path) -> Result<Tool> {
        let configuration = workshop.configure(&self.0, "pem")?;
        let sign = tool(dist::xtask(), 120).args(["sign", "--config"]).arg(configuration);
        Ok(sign.arg("--out").arg(out).env_remove(VARIABLE).current_dir(&self.0))
    }
}

fn version() -> Result<String> {
    let product = packager::Product::load(&products::workspace().join("packaging/product.toml"))?;
    Ok(product.changelog()?.latest().version.to_string())
}

/// Fails if: what lies where programs are built is signed although `dist` does not list it for this version.
fn stale_program(workshop: &Workshop, folder: &Path) -> Result<()> {
    let checkout = Checkout::make(workshop, folder.join("checkout"))?;
    let out = folder.join("out");
    let refuses = |step: &str| {
        let output = checkout.sign(workshop, &out)?.args(everything()?).output()?;
        let messages = [".dll is in none of the artifacts of version", "run `cargo xtask dist"];
        failed_cleanly(&output, &out, &messages, &[]).context(step.to_owned())
    };
    refuses("dist made nothing")?;
    let other = folder.join("other");
    fs::create_dir(&other)?;
    for name in ["pywats-client.exe", ACTIONS] {
        fs::write(other.join(name), "")?;
    }
    checkout.list(&version()?, &other)?;
    refuses("dist made another program")?;
    checkout.list(&version()?, workshop.program.parent().context("a program is in a folder")?)?;
    checkout.sign(workshop, &out)?.arg("zip").run()?;
    fs::remove_dir_all(&out)?;
    checkout.raise_version()?;
    refuses("the version was raised")
}

/// Fails if: an installer says that it is for one processor, and its program is for another.
fn other_processor(workshop: &Workshop, folder: &Path) -> Result<()> {
    let mut bytes = fs::read(&workshop.program)?;
    let header = bytes.get(0x3c..0x40).context("the program is too short")?.try_into()?;
    let machine = usize::try_from(u32::from_le_bytes(header))? + 4;
    bytes.get_mut(machine..machine + 2).context("the program is too short")?.copy_from_slice(&[0x64, 0xaa]);
    let program = folder.join("pywats-client.exe");
    fs::write(&program, bytes)?;
    workshop.bring_actions(folder)?;
    let out = folder.join("out");
    let configuration = workshop.configure(folder, "pem")?;
    let sign = workshop.sign_program(&program, &out).arg("--config").arg(configuration);
    let output = sign.args(everything()?).output()?;
    failed_cleanly(&output, &out, &["it is a program for another processor than x64"], &[])
}

/// Fails if: artifacts or signatures of the older version stay among those of the newer one, a note is missing, or the
/// lists of a release that is made again from its signatures differ because `dist` knows less.
fn newer_version(workshop: &Workshop, folder: &Path) -> Result<()> {
    let checkout = Checkout::make(workshop, folder.join("checkout"))?;
    let out = folder.join("out");
    checkout.list(&version()?, workshop.program.parent().context("a program is in a folder")?)?;
    checkout.sign(workshop, &out)?.args(everything()?).run()?;
    let kept = digests(&out.join("signatures"))?;
    let old = artifacts(&out)?;
    checkout.raise_version()?;
    let sign = checkout.sign(workshop, &out)?.arg("--program").arg(programs(&checkout.program()));
    let newer = sign.args(everything()?).read()?;
    let new = artifacts(&out)?;
    ensure!(new.len() == old.len(), "there are {new:?} after {old:?}");
    let listed = Artifacts::load(&out)?.context("there is no list")?;
    for (name, artifact) in &listed.0 {
        ensure!(artifact.version.starts_with("9.9.9"), "{name} is outdated");
        artifact.verify_file(&out.join(name)).with_context(|| name.clone())?;
    }
    for name in old.iter().filter(|name| !new.contains(name)) {
        ensure!(newer.contains(&*out.join(name).to_string_lossy()), "{} vanished silently", name.display());
    }
    let stored = digests(&out.join("signatures"))?;
    let is_there = |(path, digest): (&PathBuf, &String)| stored.get(path) == Some(digest);
    ensure!(kept.iter().all(is_there), "signatures of the older version are lost: {:?}", stored.keys());

    fs::remove_dir_all(checkout.0.join("dist"))?;
    let again = folder.join("again");
    let [root, tsa] = ROOTS.map(|name| workshop.authority.path(name));
    tool(dist::xtask(), 60)
        .arg("sign")
        .args(everything()?)
        .arg("--program")
        .arg(programs(&checkout.program()))
        .arg("--attach")
        .arg(out.join("signatures"))
        .arg("--out")
        .arg(&again)
        .arg("--ca-file")
        .arg(root)
        .arg("--tsa-ca-file")
        .arg(tsa)
        .current_dir(&checkout.0)
        .run()?;
    let list = fs::read_to_string(again.join("artifacts.json"))?;
    ensure!(list.contains("made for the test"), "what the program was made with is lost:\n{list}");
    products::compare(&out.join("artifacts.json"), &again.join("artifacts.json"))
}

/// Fails if: part of the old release is replaced although the run fails in the end.
fn late_failure(workshop: &Workshop, folder: &Path) -> Result<()> {
    let out = folder.join("out");
    let configuration = workshop.configure(folder, "pem")?;
    let name_of = |folder: &Path, suffix: &str| -> Result<PathBuf> {
        Ok(find(folder, suffix)?.strip_prefix(workshop.release()?)?.to_owned())
    };
    let release = workshop.release()?;
    let stored = signatures(release)?;
    for obstacle in [PathBuf::from("SHA256SUMS"), name_of(release, ".zip")?, name_of(&stored, ".msi.p7s")?] {
        copy_of_release(workshop, &out)?;
        // So that everything is signed anew.
        fs::remove_file(signatures(&out)?.join("signatures.json"))?;
        fs::remove_file(out.join(&obstacle))?;
        fs::create_dir(out.join(&obstacle))?;
        let before = digests(&out)?;
        let message = format!("{}", obstacle.display());
        let sign = workshop.sign(&configuration, &out).args(everything()?);
        refused(sign, &out, &before, &[&message, "directory"])
            .with_context(|| format!("a directory instead of {message}"))?;
        fs::remove_dir_all(&out)?;
    }
    Ok(())
}

/// Fails if: artifacts or signatures that a run does not make are lost, or are left where they no longer fit.
fn partial_run(workshop: &Workshop, folder: &Path) -> Result<()> {
    let configuration = workshop.configure(folder, "pem")?;
    let out = folder.join("out");
    copy_of_release(workshop, &out)?;
    let before = digests(&out)?;
    // The stored signatures make the same bits again, which fit what is there.
    workshop.sign(&configuration, &out).arg("zip").run()?;
    workshop.attach(&workshop.program, &out.join("signatures"), &out).arg("zip").run()?;
    ensure!(digests(&out)? == before, "signing a part again changed something");
    let other = folder.join("other");
    let elsewhere = |sign: Tool| sign.arg("--signatures").arg(out.join("signatures"));
    elsewhere(workshop.sign(&configuration, &other)).arg("zip").run()?;
    ensure!(digests(&out)? == before, "signing elsewhere changed something");
    fs::remove_dir_all(&other)?;

    // The signatures of program and installer belong together. A program that is longer is another one.
    let changed = folder.join("changed/pywats-client.exe");
    fs::create_dir(folder.join("changed"))?;
    fs::write(&changed, [fs::read(&workshop.program)?, vec![0; 8]].concat())?;
    let sign = workshop.sign_program(&changed, &other).arg("--config").arg(&configuration);
    let messages = ["signatures of files that are not signed now", "choose another folder with --signatures"];
    refused(elsewhere(sign).arg("zip"), &out, &before, &messages)?;
    ensure!(!other.exists(), "it left {:?}", files(&other)?);

    // With no signature stored, those of what is there and of what is made would differ.
    let away = folder.join("away");
    for (name, others) in [("zip", ["-x64.msi", "-windows.exe"]), ("exe", ["-x64.msi", "-windows-gnu.zip"])] {
        let sign = workshop.sign(&configuration, &out).arg(name).arg("--signatures").arg(&away);
        refused(sign, &out, &before, &[others[0], others[1], "sign all of them at once"])?;
    }
    // The kit has the installer, but no program of its own.
    for name in ["-x64.msi", "-windows.exe", "-windows-gnu.zip", ".whl"] {
        fs::remove_file(find(&out, name)?)?;
    }
    let without = digests(&out)?;
    let sign = workshop.sign(&configuration, &out).arg("msi").arg("--signatures").arg(&away);
    refused(
        sign,
        &out,
        &without,
        &["-gpo-kit.zip", "-x64.msi than what is made now", "sign all of them at once"],
    )?;

    let list = fs::read_to_string(out.join("artifacts.json"))?;
    fs::write(out.join("artifacts.json"), list.replacen("\"zip\"", "\"deb-amd64\"", 1))?;
    let before = digests(&out)?;
    refused(workshop.sign(&configuration, &out).args(everything()?), &out, &before, &["in which nothing is signed"])
}

/// Fails if: folders that a failed run made stay, or unfinished files of one that was killed.
fn leftovers(workshop: &Workshop, folder: &Path) -> Result<()> {
    let parent = folder.join("a");
    let wrong = workshop.configure(&folder.join("wrong"), "pem with the wrong password")?;
    let output = workshop.sign(&wrong, &parent.join("b/c")).args(everything()?).output()?;
    failed_cleanly(&output, &parent, &["the password or PIN is missing or wrong"], &[])?;

    let out = folder.join("out");
    let stored = signatures(&out)?;
    fs::create_dir_all(&stored)?;
    for place in [&out, &stored] {
        fs::write(place.join(".unfinished-file"), "")?;
        fs::create_dir(place.join(".unfinished-folder"))?;
        fs::write(place.join(".unfinished-folder/file"), "")?;
    }
    let configuration = workshop.configure(folder, "pem")?;
    workshop.sign(&configuration, &out).arg("zip").run()?;
    let left: Vec<_> =
        files(&out)?.into_iter().filter(|file| file.to_string_lossy().contains(".unfinished-")).collect();
    ensure!(left.is_empty(), "it left {left:?}");
    Ok(())
}

/// Fails if: a run that waits for another one does not say so, or cannot be ended.
fn interrupted_waiting(workshop: &Workshop, folder: &Path) -> Result<()> {
    let [out, said] = ["out", "said"].map(|name| folder.join(name));
    fs::create_dir(&out)?;
    let other = File::open(&out)?;
    other.lock()?;
    let configuration = workshop.configure(folder, "pem")?;
    let mut child = Command::new(dist::xtask())
        .args(["sign".as_ref(), "--config".as_ref(), configuration.as_os_str()])
        .args(["--program".as_ref(), &*programs(&workshop.program), "--out".as_ref(), out.as_os_str()])
        .stdin(Stdio::null())
        .stderr(File::create(&said)?)
        .spawn()?;
    let tells = || fs::read_to_string(&said).is_ok_and(|text| text.contains("another run is writing to"));
    let waits = wait_until(tells).context("waiting to be told");
    tool("kill", 5).arg("-INT").arg(child.id().to_string()).run()?;
    let ended = wait_until(|| child.try_wait().is_ok_and(|status| status.is_some()));
    if ended.is_err() {
        child.kill()?;
    }
    let status = child.wait()?;
    waits?;
    ensure!(status.code() == Some(130), "it ended with {status}");
    Ok(())
}

/// Fails if: a full disk is taken for wrong bits, or for the fault of a time stamp server.
fn full_disk(workshop: &Workshop, folder: &Path) -> Result<()> {
    // The small disk is seen only inside the namespace, so what is left is listed there.
    const SCRIPT: &str = r#"disk=$1 size=$2; shift 2
        mount -t tmpfs -o "size=$size" tmpfs "$disk" || exit 99
        "$@"; status=$?; ls -A "$disk"; exit $status"#;
    let disk = folder.join("disk");
    fs::create_dir(&disk)?;
    let length = fs::metadata(&workshop.program)?.len();
    let on_disk = |size: u64, arguments: &[&Path], temporary: &Path| -> Result<String> {
        let output = tool("unshare", 120)
            .args(["--user", "--map-root-user", "--mount", "sh", "-c", SCRIPT, "sh"])
            .arg(&disk)
            .arg(size.to_string())
            .arg(dist::xtask())
            .args(["sign", "zip", "--program"])
            .arg(programs(&workshop.program))
            .args(arguments)
            .env_remove(VARIABLE)
            .env("TMPDIR", temporary)
            .output()?;
        let text = said(&output);
        ensure!(output.status.code() == Some(1), "it ended with {}:\n{text}", output.status);
        ensure!(!text.lines().any(|line| line.starts_with('.')), "it left something:\n{text}");
        Ok(text)
    };
    let path = |text: &'static str| Path::new(text);

    // Too small for the signed program.
    let [root, tsa] = ROOTS.map(|name| workshop.authority.path(name));
    let signatures = workshop.release()?.join("signatures");
    let trust = [path("--ca-file"), &root, path("--tsa-ca-file"), &tsa];
    let attach = [&trust[..], &[path("--attach"), &signatures, path("--out"), &disk]].concat();
    let text = on_disk(length * 9 / 10, &attach, folder)?;
    ensure!(text.contains("osslsigncode attach-signature"), "the reason is lost:\n{text}");
    ensure!(!text.contains("has other bits than it had"), "the advice is wrong:\n{text}");

    // Large enough for it, but not for the one with the time stamp, too.
    let server = Server::start(&workshop.authority, &folder.join("office"), Manner::Stamps)?;
    let configuration = workshop.configure_with(folder, "pem", &[server.address()])?;
    let out = folder.join("out");
    let sign = [path("--config"), &configuration, path("--out"), &out];
    let text = on_disk(length * 3 / 2, &sign, &disk)?;
    ensure!(text.contains("takes no more files: make room"), "the reason is lost:\n{text}");
    ensure!(server.asked() <= 1, "the server was asked {} times", server.asked());
    ensure!(!out.exists(), "it left {:?}", files(&out)?);
    Ok(())
}

/// Fails if: manifests are written for an installer that is signed afterwards, and nobody says that they are wrong then.
fn unsigned_for_winget(workshop: &Workshop, folder: &Path) -> Result<()> {
    let signed = find(workshop.release()?, ".msi")?;
    for (msi, notes) in [(&workshop.msi, true), (&signed, false)] {
        let winget = tool(dist::xtask(), 30).args(["winget", "--url", "https://example.org/v1", "--out"]);
        let output = winget.arg(folder).arg(msi).output()?;
        // Between two releases it says why there are no manifests.
        ensure!(output.status.success() != products::recipe()?.version.is_dev(), "{}", said(&output));
        ensure!(said(&output).contains("is not signed: sign first") == notes, "{}", said(&output));
    }
    Ok(())
}
