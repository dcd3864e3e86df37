//! `cargo xtask release`, from built artifacts to what everybody can download: a whole release of the real artifacts,
//! against a stand-in of GitHub; the same again without keys; broken off; and what must not be published.
//!
//! Keys and authorities are made for the run and thrown away.

mod checkout;
mod keys;
pub(in crate::suites) mod stand_in;

use crate::bench::Bench;
use crate::command::{Tool, tool};
use crate::products::{RELEASE_TOOLS, compare, release_tools_program};
use anyhow::{Context, Result, ensure};
use checkout::{Checkout, VERSION};
use keys::Keys;
use packager::Artifacts;
use packager::digest::sha256_file;
use stand_in::StandIn;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Runs every case.
pub(crate) fn run(bench: &mut Bench) -> Result<()> {
    // It is judged what is made of them.
    bench.all_artifacts();
    let folder = bench.folder("workshop")?;
    let mut made = None;
    let begun = bench.case_for_others("a checkout with a release, its artifacts and the results of their tests", || {
        made = Some(Workshop::open(&folder)?);
        Ok(())
    });
    let Some(workshop) = made.filter(|_| begun) else {
        bench.not_run("release", "there is no checkout with a release");
        return Ok(());
    };
    bench.case("steps out of order, and what is no release, are refused", || out_of_order(&workshop));
    let whole = bench.case_for_others("build, sign, describe, verify: every step, and each again", || whole(&workshop));
    if !whole {
        bench.not_run("publishing", "there is no release to publish");
        return Ok(());
    }
    bench.case("without keys, stored signatures make the same files", || keyless(&workshop, &folder));
    bench.case("signing and describing, killed and continued, make the same files", || killed(&workshop, &folder));
    bench.case("what was changed after the tests is not published", || changed(&workshop));
    bench.case("a rehearsal publishes every file once, and what comes after it", || published(&workshop));
    if bench.thorough {
        bench.case("from the sources, everything is built again to the bit, signed files included", || {
            rebuilt(&workshop, &folder)
        });
    }
    Ok(())
}

/// Where the release stands, and no step.
const NOTHING: &[&str] = &[];

/// What the cases share.
struct Workshop {
    checkout: Checkout,
    keys: Keys,
    github: StandIn,
}

impl Workshop {
    fn open(folder: &Path) -> Result<Workshop> {
        let checkout = Checkout::make(&folder.join("checkout"))?;
        checkout.results(&folder.join("results"))?;
        let keys = Keys::make(&folder.join("keys"))?;
        keys.configure(&checkout.root)?;
        let github = StandIn::start(&[&checkout.tag()], &checkout.commit)?;
        Ok(Workshop { checkout, keys, github })
    }

    /// A step that has to work.
    fn step(&self, arguments: &[impl AsRef<OsStr>]) -> Result<String> {
        self.keys.with(self.checkout.step(arguments)).read()
    }

    /// A step that is to be refused, in these words.
    fn refused(&self, arguments: &[impl AsRef<OsStr>], words: &str) -> Result<()> {
        let output = self.keys.with(self.checkout.step(arguments)).output()?;
        let whole = [&output.stdout, &output.stderr].map(|stream| String::from_utf8_lossy(stream).into_owned());
        let text = whole.concat();
        let step = arguments.first().map(AsRef::as_ref).unwrap_or_default();
        ensure!(!output.status.success() && text.contains(words), "{step:?} does not say {words:?}:\n{text}");
        Ok(())
    }

    fn build(&self) -> Result<String> {
        let results = self.checkout.root.with_file_name("results");
        let results = results.to_string_lossy();
        let dist = self.checkout.path("dist");
        self.step(&["build", "--without-nix", "--from", &dist.to_string_lossy(), "--results", &results])
    }
}

/// Every file below a folder that is uploaded, with its digest.
fn files(release: &Path) -> Result<BTreeMap<String, String>> {
    let folder = release.join("files");
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))? {
        let path = entry?.path();
        let name = path.file_name().context("a file has a name")?.to_string_lossy().into_owned();
        found.insert(name, sha256_file(&path)?);
    }
    Ok(found)
}

/// Fails if: a step is taken before those it needs, or of something that is not what the tag says.
fn out_of_order(workshop: &Workshop) -> Result<()> {
    let checkout = &workshop.checkout;
    for (step, words) in [
        (&["sign"][..], "the step build was not taken"),
        (&["describe"], "the step sign was not taken"),
        (&["publish"], "the step build was not taken"),
        (&["build", "--without-nix", "--from", "packaging"], "has no list of artifacts"),
    ] {
        workshop.refused(step, words)?;
    }
    fs::write(checkout.path("new"), "")?;
    workshop.refused(&["build"], "files are changed")?;
    fs::remove_file(checkout.path("new"))?;
    checkout.git(&["commit", "--quiet", "--allow-empty", "--message", "Later"])?;
    workshop.refused(&["build"], "is another commit")?;
    checkout.git(&["reset", "--quiet", "--hard", &checkout.tag()])?;
    let said = workshop.step(&["--dry-run", "build", "--without-nix"])?;
    ensure!(said.contains("would build every artifact"), "{said}");
    ensure!(!checkout.release().join("state.json").exists(), "a dry run left a state");
    Ok(())
}

/// Fails if: a step fails, changes something the second time, or the next one is not named.
fn whole(workshop: &Workshop) -> Result<()> {
    let release = workshop.checkout.release();
    workshop.build()?;
    ensure!(workshop.step(NOTHING)?.contains("next: cargo xtask release sign"), "sign is not named as the next step");
    workshop.step(&["sign"])?;
    ensure!(workshop.step(NOTHING)?.contains("next: cargo xtask release describe"), "describe is not named");
    workshop.step(&["describe"])?;
    ensure!(workshop.step(NOTHING)?.contains("next: cargo xtask release verify"), "verify is not named");
    let first = files(&release)?;
    for step in [&["sign"][..], &["sign", "--again"], &["describe"], &["describe", "--again"]] {
        workshop.step(step)?;
    }
    ensure!(files(&release)? == first, "steps that were taken again changed something");
    for name in [&format!("documentation/{VERSION}/index.html"), &format!("documentation/{VERSION}/docs/releasing.md"), "scoop", "homebrew", "winget"] {
        let path = release.join("work").join(name);
        ensure!(path.exists(), "there is nothing to publish: {}", path.display());
    }
    workshop.step(&workshop.keys.trusted(&["verify"]))?;
    let list = Artifacts::load(&release.join("unsigned"))?.context("what was built is listed")?;
    for name in list.0.keys() {
        ensure!(first.contains_key(name), "{name} is not among the files");
    }
    for (end, is_released) in [(".ova", true), (".vhdx", true), (".img.zst", false)] {
        let found = first.keys().any(|name| name.ends_with(end));
        ensure!(found == is_released, "a file {end} is {}among the files", if found { "" } else { "not " });
    }
    let is_signed = |end: &str| -> Result<bool> {
        let (name, built) = list.0.iter().find(|(name, _)| name.ends_with(end)).context("it was built")?;
        Ok(first[name] != built.sha256)
    };
    for end in [".msi", ".exe", ".rpm"] {
        ensure!(is_signed(end)?, "{end} is not signed");
    }
    ensure!(!is_signed(".deb")?, "a DEB is not as it was built");
    Ok(())
}

/// A folder of the release in which only what was built, and the signatures, are there.
fn without_files(workshop: &Workshop, folder: &Path) -> Result<()> {
    let release = workshop.checkout.release();
    fs::create_dir_all(folder)?;
    for name in ["unsigned", "signatures", "state.json"] {
        tool("cp", 60).arg("--recursive").arg(release.join(name)).arg(folder.join(name)).run()?;
    }
    Ok(())
}

/// Fails if: without the keys, other files come of the same signatures.
fn keyless(workshop: &Workshop, folder: &Path) -> Result<()> {
    let again = folder.join("keyless");
    without_files(workshop, &again)?;
    let place = again.to_string_lossy();
    let bare = |arguments: &[String]| {
        let step = workshop.checkout.step(arguments).args(["--folder", &place]);
        // With an umask and in a language of its own.
        step.env("LC_ALL", "de_DE.UTF-8").env("TZ", "Pacific/Auckland").run()
    };
    bare(&workshop.keys.trusted(&["sign", "--attach"]))?;
    bare(&["describe".to_owned(), "--attach".to_owned()])?;
    same(&workshop.checkout.release(), &again)
}

fn same(one: &Path, other: &Path) -> Result<()> {
    let (ours, theirs) = (files(one)?, files(other)?);
    ensure!(ours.keys().eq(theirs.keys()), "other files: {:?} and {:?}", ours.keys(), theirs.keys());
    for name in ours.keys() {
        let [one, other] = [one, other].map(|folder| folder.join("files").join(name));
        compare(&one, &other).with_context(|| format!("comparing {name}"))?;
    }
    Ok(())
}

/// Fails if: a step that was killed cannot be continued, or other files come of it.
fn killed(workshop: &Workshop, folder: &Path) -> Result<()> {
    let again = folder.join("killed");
    without_files(workshop, &again)?;
    let place = again.to_string_lossy().into_owned();
    for step in ["sign", "describe"] {
        for after in [300, 1500] {
            kill_after(workshop.step_to_kill(&[step, "--folder", &place]), Duration::from_millis(after))?;
        }
        if step == "describe" {
            // However the moment of the kill was, it could have left this.
            fs::write(again.join("files/.unfinished-of-the-test"), "half")?;
        }
        workshop.step(&[step, "--folder", &place])?;
    }
    same(&workshop.checkout.release(), &again)
}

impl Workshop {
    fn step_to_kill(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(crate::suites::dist::xtask());
        command.arg("release").args(arguments).current_dir(&self.checkout.root);
        command.env(RELEASE_TOOLS, release_tools_program());
        command.envs(self.keys.environment());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    }
}

/// Ends a program, and what it started, without letting it clean up.
fn kill_after(mut command: Command, time: Duration) -> Result<()> {
    use std::os::unix::process::CommandExt as _;
    let mut child = command.process_group(0).spawn()?;
    let started = Instant::now();
    while started.elapsed() < time && child.try_wait()?.is_none() {
        std::thread::sleep(Duration::from_millis(20));
    }
    let group = format!("-{}", child.id());
    // Fails if it has ended already.
    let _ = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status()?;
    child.wait()?;
    Ok(())
}

/// Fails if: bits are published that no green test judged.
fn changed(workshop: &Workshop) -> Result<()> {
    let release = workshop.checkout.release();
    let publish = workshop.github.publish();
    let refused = |file: &Path, change: &dyn Fn(&mut Vec<u8>), words: &str| -> Result<()> {
        let before = fs::read(file)?;
        let mut bytes = before.clone();
        change(&mut bytes);
        fs::write(file, bytes)?;
        let outcome = workshop.refused(&publish, words);
        fs::write(file, before)?;
        outcome.with_context(|| format!("with a change in {}", file.display()))
    };
    let flip = |bytes: &mut Vec<u8>| {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
    };
    let list = Artifacts::load(&release.join("unsigned"))?.context("what was built is listed")?;
    let deb = list.0.keys().find(|name| name.ends_with(".deb")).context("a DEB was built")?;
    refused(&release.join("unsigned").join(deb), &flip, "the step build was taken")?;
    refused(&release.join("files").join(deb), &flip, "the step sign was taken")?;
    let failed = |bytes: &mut Vec<u8>| {
        let text = String::from_utf8_lossy(bytes).replace("\"failed\":0", "\"failed\":1");
        *bytes = text.into_bytes();
    };
    refused(&release.join("tests/1/formats.json"), &failed, "step test was taken")?;
    refused(&release.join("files/SHA256SUMS.asc"), &flip, "the step describe was taken")?;
    let stray = release.join("files/notes.txt");
    fs::write(&stray, "not for everybody")?;
    workshop.refused(&["describe"], "notes.txt, which no step made")?;
    Ok(fs::remove_file(stray)?)
}

/// Fails if: what everybody can download differs from the files, or publishing twice does something twice.
fn published(workshop: &Workshop) -> Result<()> {
    let publish = workshop.github.publish();
    let would = workshop.step(&[&publish[..], &["--dry-run".to_owned()]].concat())?;
    ensure!(would.contains("would"), "a dry run says nothing:\n{would}");
    ensure!(workshop.github.assets(&workshop.checkout.tag())?.is_none(), "a dry run published something");
    workshop.step(&publish)?;
    let assets = workshop.github.assets(&workshop.checkout.tag())?.context("nothing was published")?;
    ensure!(assets == files(&workshop.checkout.release())?, "what was published are not the files: {assets:?}");
    let again = workshop.step(&publish)?;
    ensure!(again.contains("was"), "it does not say that it was published:\n{again}");
    ensure!(workshop.github.assets(&workshop.checkout.tag())?.as_ref() == Some(&assets), "the second run changed it");
    let stands = workshop.step(NOTHING)?;
    ensure!(stands.contains("release publish"), "after a rehearsal of {VERSION} nothing is left to do:\n{stands}");
    Ok(())
}

/// Fails if: what is built again from the tag, with the published signatures, differs from what is published.
fn rebuilt(workshop: &Workshop, folder: &Path) -> Result<()> {
    let checkout = Checkout::without_artifacts(&folder.join("rebuilt"))?;
    workshop.keys.configure(&checkout.root)?;
    // By the checkout's own tools: an installer is also identified by the version of what packed it.
    let step = |arguments: &[String]| {
        let step = tool("cargo", 3600).args(["xtask", "release"]).args(arguments).current_dir(&checkout.root);
        workshop.keys.with(step.env(RELEASE_TOOLS, release_tools_program())).run()
    };
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    step(&words(&["build", "--without-nix", "--without-tests"]))?;
    step(&words(&["sign"]))?;
    step(&words(&["describe"]))?;
    step(&workshop.keys.trusted(&["verify", "--rebuild"]))
}

impl Keys {
    /// A step that may sign.
    fn with(&self, step: Tool) -> Tool {
        self.environment().into_iter().fold(step, |step, (name, value)| step.env(&name, value))
    }
}
