//! `release-tools sign`, `seal` and `verify` on a small release with a real package: other people's programs believe what
//! was signed, nobody believes what was changed, and from stored signatures come the same bits.

use crate::bench::Bench;
use crate::command::{Tool, said, tool};
use crate::products;
use crate::suites::dist;
use crate::suites::repositories::workshop::{Gpg, change, packages, put, tree};
use anyhow::{Context, Result, ensure};
use packager::Artifacts;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The password of the key. Odd enough to be found wherever it should not be.
const PASSWORD: &str = "hush-4711-pAssword";
/// Who signs by ssh.
const PRINCIPAL: &str = "releases@example.com";

/// Signs a release, and judges it.
pub(crate) fn run(bench: &mut Bench) -> Result<()> {
    let built = bench.case("`cargo xtask` builds the program", || {
        tool(dist::xtask(), 900).args(["repo", "--help"]).run()?;
        products::release_tools().args(["verify", "--help"]).run()
    });
    if !built {
        bench.not_run("signing a release", "the program could not be built");
        return Ok(());
    }
    let folder = bench.folder("release")?;
    let rpms = bench.artifacts(".rpm")?;
    let workshop = &Workshop::open(&folder, &rpms[..1])?;
    workshop.release("release", "key")?;
    bench.case("gpg, gpgv, sqv, rpmkeys, ssh-keygen, sha256sum and openssl agree", || agree(workshop));
    bench.case("`verify` believes it, and says what it did not check", || believes(workshop));
    for (name, spoil, words) in CHANGES {
        bench.case(&format!("`verify` refuses {name}"), || refuses(workshop, name, *spoil, words));
    }
    bench.case("the same bits from stored signatures, in another folder, umask and time", || attached(workshop));
    bench.case("broken off anywhere, the next run ends with the same bits", || broken_off(workshop));
    bench.case("what was changed is told, and signed anew by ssh, too", || signed_anew(workshop));
    bench.case("an RSA key behind a signing command that lets everybody wait", || waits(workshop));
    bench.case("a key of ssh in an agent", || in_agent(workshop));
    bench.case("`repo` takes the signed package as it is", || into_repository(workshop));
    bench.case("keys that cannot be used are refused, and no secret shows", || useless_keys(workshop));
    Ok(())
}

/// A folder with keys and releases.
struct Workshop(PathBuf);

impl Workshop {
    fn open(folder: &Path, rpms: &[PathBuf]) -> Result<Workshop> {
        let workshop = Workshop(folder.to_owned());
        let gpg = Gpg(folder.to_owned());
        gpg.make_key("key", "ed25519", &["2y"], PASSWORD)?;
        gpg.make_key("other", "ed25519", &["2y"], "")?;
        fs::write(workshop.path("password"), format!("{PASSWORD}\n"))?;
        workshop.ssh_key("id", "")?;
        workshop.settings("key", "[key.file]\nsecret = \"key.asc\"\npassword = { file = \"password\" }\n", Some("id"))?;
        workshop.settings("other", "[key.file]\nsecret = \"other.asc\"\n", Some("id"))?;
        packages(&workshop.path("unsigned"), rpms)?;
        let program = json!({ "name": "pywats-client", "target": "x", "sha256": "00".repeat(32) });
        let list = workshop.path("unsigned/artifacts.json");
        let mut artifacts: Value = serde_json::from_slice(&fs::read(&list)?)?;
        for artifact in artifacts["artifacts"].as_object_mut().context("a list has artifacts")?.values_mut() {
            artifact["programs"] = json!([program]);
        }
        fs::write(&list, serde_json::to_string(&artifacts)?)?;
        let bill = json!({
            "bomFormat": "CycloneDX",
            "metadata": { "component": { "hashes": [{ "alg": "SHA-256", "content": "00".repeat(32) }] } },
        });
        fs::write(workshop.path("unsigned/pywats-client-x.cdx.json"), bill.to_string())?;
        fs::write(workshop.path("unsigned/install.html"), "<!doctype html>\n")?;
        Ok(workshop)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn ssh_key(&self, name: &str, password: &str) -> Result<()> {
        let made = tool("ssh-keygen", 30).args(["-q", "-t", "ed25519", "-N", password, "-C", "nobody", "-f"]);
        made.arg(self.path(name)).run()
    }

    fn settings(&self, name: &str, key: &str, ssh: Option<&str>) -> Result<()> {
        let ssh = ssh.map(|ssh| format!("[ssh]\nkey = \"{ssh}\"\nprincipal = \"{PRINCIPAL}\"\n"));
        let text = format!("url = \"https://packages.example.com\"\n{key}{}", ssh.unwrap_or_default());
        Ok(fs::write(self.path(&format!("{name}.toml")), text)?)
    }

    /// An unsigned release.
    fn unsigned(&self, name: &str) -> Result<()> {
        copy(&self.path("unsigned"), &self.path(name).join("files"))
    }

    /// A release that is signed and sealed by the key of these settings.
    fn release(&self, name: &str, key: &str) -> Result<()> {
        self.unsigned(name)?;
        self.sign(name, &["--config", &format!("{key}.toml")]).run()?;
        self.describe(name)?;
        self.seal(name, &["--config", &format!("{key}.toml")]).run()
    }

    fn sign(&self, name: &str, more: &[&str]) -> Tool {
        let [files, signatures] = ["files", "signatures"].map(|part| self.path(name).join(part));
        let sign = products::release_tools().arg("sign").arg("--files").arg(files).arg("--signatures").arg(signatures);
        sign.args(more).current_dir(&self.0)
    }

    /// A statement about the artifacts.
    fn describe(&self, name: &str) -> Result<()> {
        let artifacts = Artifacts::load(&self.path(name).join("files"))?.context("a release has a list")?;
        let subjects = artifacts.0.iter();
        let subjects: Vec<_> = subjects
            .map(|(name, artifact)| json!({ "name": name, "digest": { "sha256": artifact.sha256 } }))
            .collect();
        let parameters = json!({ "externalParameters": { "ref": "refs/tags/v", "commit": "c0ffee" } });
        let statement = json!({
            "_type": "https://in-toto.io/Statement/v1", "subject": subjects,
            "predicateType": "https://slsa.dev/provenance/v1", "predicate": { "buildDefinition": parameters },
        });
        Ok(fs::write(self.path(name).join("provenance.json"), statement.to_string())?)
    }

    fn seal(&self, name: &str, more: &[&str]) -> Tool {
        let product = products::workspace().join("packaging/product.toml");
        let seal = products::release_tools().args(["seal", "--folder"]).arg(self.path(name));
        seal.arg("--product").arg(product).args(more).current_dir(&self.0)
    }

    fn fingerprint(&self, key: &str) -> Result<String> {
        let shown = Gpg(self.0.clone()).run().args(["--with-colons", "--list-keys", &format!("{key}@example.com")]);
        let shown = shown.read()?;
        let line = shown.lines().find_map(|line| line.strip_prefix("fpr:")).context("gpg shows a fingerprint")?;
        Ok(line.trim_matches(':').to_owned())
    }

    fn verify(&self, name: &str) -> Result<Output> {
        let verify = products::release_tools().arg("verify").arg(self.path(name).join("files"));
        verify.arg("--fingerprint").arg(self.fingerprint("key")?).current_dir(&self.0).output()
    }

    /// The one file of a release with this end of its name.
    fn ending(&self, name: &str, end: &str) -> Result<PathBuf> {
        let names = tree(&self.path(name).join("files"))?.into_keys();
        let mut names = names.filter(|name| name.to_string_lossy().ends_with(end) && !name.starts_with("SHA256SUMS.asc"));
        let found = names.next().with_context(|| format!("the release has no *{end}"))?;
        Ok(self.path(name).join("files").join(found))
    }
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    for file in tree(from)?.keys() {
        let target = to.join(file);
        fs::create_dir_all(target.parent().context("a file has a folder")?)?;
        fs::copy(from.join(file), target)?;
    }
    Ok(())
}

/// The files of a release, without what is only there for the next run.
fn files(workshop: &Workshop, name: &str) -> Result<BTreeMap<PathBuf, String>> {
    let files = tree(&workshop.path(name).join("files"))?;
    ensure!(files.len() == 11, "a release has {} files: {:?}", files.len(), files.keys());
    Ok(files)
}

/// Fails if: somebody else's program does not believe a signature, or believes one that it should not.
fn agree(workshop: &Workshop) -> Result<()> {
    let folder = workshop.path("release/files");
    let here = |program: &str| tool(program, 60).current_dir(&folder);
    here("sha256sum").args(["--check", "--strict", "SHA256SUMS"]).run()?;
    for program in ["gpgv", "sqv"] {
        for (key, is_right) in [("key.gpg", true), ("other.gpg", false)] {
            let judge = here(program).arg("--keyring").arg(workshop.path(key)).args(["SHA256SUMS.asc", "SHA256SUMS"]);
            ensure!(judge.output()?.status.success() == is_right, "{program}, with {key}");
        }
    }
    // As docs/verifying.md says it, with the key that is published.
    let key = workshop.ending("release", ".asc")?;
    fs::create_dir(workshop.path("stranger"))?;
    tool("chmod", 10).arg("700").arg(workshop.path("stranger")).run()?;
    let gpg = || here("gpg").args(["--batch", "--homedir"]).arg(workshop.path("stranger"));
    gpg().arg("--import").arg(&key).run()?;
    gpg().args(["--verify", "SHA256SUMS.asc", "SHA256SUMS"]).run()?;
    by_ssh(&folder, "SHA256SUMS", true)?;
    by_ssh(&folder, "artifacts.json", false)?;
    let database = workshop.path("rpmdb");
    let rpmkeys = || tool("rpmkeys", 60).arg("--dbpath").arg(&database);
    rpmkeys().arg("--import").arg(&key).run()?;
    let rpm = workshop.ending("release", ".rpm")?;
    let judged = rpmkeys().arg("--checksig").arg(&rpm).read()?;
    ensure!(judged.contains("digests signatures OK"), "{judged}");
    let unsigned = workshop.path("unsigned").join(rpm.file_name().context("a package has a name")?);
    let judged = rpmkeys().args(["--define", "_pkgverify_level all", "--checksig"]).arg(unsigned).output()?;
    ensure!(!judged.status.success(), "rpmkeys takes the unsigned package: {}", said(&judged));
    envelope(workshop)
}

/// Lets ssh-keygen judge, by the file that came with the release.
fn by_ssh(folder: &Path, file: &str, is_right: bool) -> Result<()> {
    let command = format!(
        "ssh-keygen -Y verify -f allowed_signers -I {PRINCIPAL} -n file -s SHA256SUMS.sig < {file}"
    );
    let output = tool("sh", 30).args(["-c", &command]).current_dir(folder).output()?;
    ensure!(output.status.success() == is_right, "ssh-keygen, with {file}: {}", said(&output));
    Ok(())
}

/// Takes the envelope of the provenance apart by openssl, and lets gpgv judge.
fn envelope(workshop: &Workshop) -> Result<()> {
    let path = workshop.ending("release", ".intoto.jsonl")?;
    let envelope: Value = serde_json::from_slice(&fs::read(path)?)?;
    let decode = |value: &Value, name: &str| -> Result<PathBuf> {
        let (from, to) = (workshop.path(&format!("{name}.64")), workshop.path(name));
        fs::write(&from, value.as_str().context("an envelope has texts")?)?;
        tool("openssl", 30).args(["base64", "-d", "-A", "-in"]).arg(from).arg("-out").arg(&to).run()?;
        Ok(to)
    };
    let payload = fs::read(decode(&envelope["payload"], "payload")?)?;
    ensure!(payload == fs::read(workshop.path("release/provenance.json"))?, "the statement is another one");
    ensure!(envelope["signatures"][0]["keyid"] == workshop.fingerprint("key")?, "{envelope}");
    let kind = "application/vnd.in-toto+json";
    ensure!(envelope["payloadType"] == kind, "{envelope}");
    let head = format!("DSSEv1 {} {kind} {} ", kind.len(), payload.len());
    fs::write(workshop.path("pae"), [head.as_bytes(), &payload].concat())?;
    let signature = decode(&envelope["signatures"][0]["sig"], "sig")?;
    tool("gpgv", 30).arg("--keyring").arg(workshop.path("key.gpg")).arg(signature).arg(workshop.path("pae")).run()
}

/// Fails if: a release is refused as it is, something that was not checked is not told, or machines are not told at all.
fn believes(workshop: &Workshop) -> Result<()> {
    let output = workshop.verify("release")?;
    let text = said(&output);
    ensure!(output.status.success() && text.contains("everything that was checked is right"), "{text}");
    ensure!(text.contains("ED25519 key SHA256:") && text.contains("not checked  the same bits"), "{text}");
    let folder = workshop.path("release/files");
    let unpinned = || products::release_tools().arg("verify").arg(&folder);
    let text = unpinned().read()?;
    ensure!(text.contains("came with the files: compare it"), "{text}");
    let verdict: Value = serde_json::from_str(&unpinned().arg("--json").read()?)?;
    ensure!(verdict["ok"] == true && verdict["key_is_given"] == false, "{verdict}");
    ensure!(verdict["key"] == workshop.fingerprint("key")?, "{verdict}");
    // Without ssh-keygen, it is not checked, and said.
    let program = products::workspace().join("target/tools/debug/release-tools");
    let command = format!("PATH=/nonexistent; export PATH; exec '{}' verify files", program.display());
    let bare = tool("sh", 60).args(["-c", &command]).current_dir(workshop.path("release")).read()?;
    ensure!(bare.contains("ssh-keygen is not there"), "{bare}");
    // An allowed_signers from elsewhere counts.
    workshop.ssh_key("stranger-id", "")?;
    let other = fs::read_to_string(workshop.path("stranger-id.pub"))?;
    fs::write(workshop.path("stranger_signers"), format!("{PRINCIPAL} {other}"))?;
    let output = unpinned().arg("--allowed-signers").arg(workshop.path("stranger_signers")).output()?;
    ensure!(!output.status.success() && said(&output).contains("nobody whom allowed_signers names"), "{}", said(&output));
    Ok(())
}

type Spoil = fn(&Workshop, &str) -> Result<()>;

/// What is done to a release, and what `verify` has to say. The tests of the program itself have more.
const CHANGES: &[(&str, Spoil, &[&str])] = &[
    (
        "a changed package",
        |workshop, name| change(&workshop.ending(name, ".rpm")?),
        &["WRONG", ".rpm", "is not what SHA256SUMS says", "get it again"],
    ),
    (
        "a package that was changed and vouched for, but not signed anew",
        |workshop, name| {
            change(&workshop.ending(name, ".rpm")?)?;
            let rpm = workshop.ending(name, ".rpm")?;
            let (sum, list) = (packager::digest::sha256_file(&rpm)?, workshop.path(name).join("files/artifacts.json"));
            let mut artifacts: Value = serde_json::from_slice(&fs::read(&list)?)?;
            let file = rpm.file_name().context("a package has a name")?.to_string_lossy().into_owned();
            artifacts["artifacts"][&file]["sha256"] = sum.into();
            put(&list, serde_json::to_string(&artifacts)?.as_bytes())?;
            workshop.describe(name)?;
            workshop.seal(name, &["--config", "key.toml"]).run()
        },
        &["WRONG", ".rpm", "it is damaged", "do not install it"],
    ),
    (
        "a signature by ssh of something else",
        |workshop, name| {
            let path = workshop.path(name).join("files/SHA256SUMS.sig");
            fs::remove_file(&path)?;
            fs::write(workshop.path("something"), "else")?;
            let sign = tool("ssh-keygen", 30).args(["-Y", "sign", "-n", "file", "-f"]).arg(workshop.path("id"));
            sign.arg(workshop.path("something")).run()?;
            Ok(fs::rename(workshop.path("something.sig"), path)?)
        },
        &["WRONG", "SHA256SUMS.sig", "changed after it was signed"],
    ),
    (
        "a release without its signature by ssh",
        |workshop, name| Ok(fs::remove_file(workshop.path(name).join("files/SHA256SUMS.sig"))?),
        &["WRONG", "SHA256SUMS.sig", "it is missing"],
    ),
    (
        "a release of somebody else",
        |workshop, name| {
            fs::remove_dir_all(workshop.path(name))?;
            workshop.release(name, "other")
        },
        &["WRONG", ".asc", "and not the one that you gave", "use none of them"],
    ),
    (
        "a list that an expired key signed",
        |workshop, name| {
            let made = ["1d", "--faked-system-time", "20200101T000000"];
            Gpg(workshop.0.clone()).make_key("late", "ed25519", &made, "")?;
            let list = workshop.path(name).join("files/SHA256SUMS");
            let key = workshop.ending(name, ".asc")?;
            put(&key, &fs::read(workshop.path("late.pub.asc"))?)?;
            let sums = fs::read_to_string(&list)?;
            let digest = packager::digest::sha256_file(&key)?;
            let file = key.file_name().context("a key has a name")?.to_string_lossy().into_owned();
            let lines: String = sums
                .lines()
                .map(|line| if line.ends_with(&file) { format!("{digest}  {file}\n") } else { format!("{line}\n") })
                .collect();
            put(&list, lines.as_bytes())?;
            fs::remove_file(list.with_extension("asc"))?;
            let sign = Gpg(workshop.0.clone()).run().args(["--faked-system-time", "20200101T120000!"]);
            let sign = sign.args(["--local-user", "late@example.com", "--detach-sign", "--armor", "--output"]);
            sign.arg(list.with_extension("asc")).arg(&list).run()?;
            let judged = products::release_tools().arg("verify").arg(workshop.path(name).join("files")).output()?;
            ensure!(said(&judged).contains("the key has expired since"), "{}", said(&judged));
            fs::remove_file(list.with_extension("asc"))?;
            // After it had expired; gpg itself refuses to sign then.
            let sign = Gpg(workshop.0.clone()).run().args(["--faked-system-time", "20200101T120000!"]);
            sign.args(["--quick-set-expire", &workshop.fingerprint("late")?, "0"]).run()?;
            let sign = Gpg(workshop.0.clone()).run().args(["--local-user", "late@example.com"]);
            let sign = sign.args(["--detach-sign", "--armor", "--output"]);
            sign.arg(list.with_extension("asc")).arg(&list).run()?;
            let judged = products::release_tools().arg("verify").arg(workshop.path(name).join("files")).output()?;
            let text = said(&judged);
            ensure!(text.contains("had expired on 2020-01-02") && text.contains("in case it was extended"), "{text}");
            Ok(())
        },
        &["WRONG", "and not the one that you gave"],
    ),
];

fn refuses(workshop: &Workshop, name: &str, spoil: Spoil, words: &[&str]) -> Result<()> {
    let place = name.replace(' ', "-");
    copy(&workshop.path("release"), &workshop.path(&place))?;
    spoil(workshop, &place)?;
    let output = workshop.verify(&place)?;
    let text = said(&output);
    ensure!(!output.status.success(), "it takes {name}: {text}");
    ensure!(words.iter().all(|word| text.contains(word)), "{text}");
    Ok(())
}

/// Fails if: from the stored signatures other bits come, a second run changes anything, or rights depend on the umask.
fn attached(workshop: &Workshop) -> Result<()> {
    let sealed = files(workshop, "release")?;
    for more in [&["--config", "key.toml"][..], &["--attach"]] {
        workshop.sign("release", more).run()?;
        let text = workshop.seal("release", more).read()?;
        ensure!(text.contains("nothing has changed"), "{text}");
    }
    ensure!(files(workshop, "release")? == sealed, "a second run changed something");
    let other = Workshop(workshop.path("elsewhere"));
    workshop.unsigned("elsewhere/again")?;
    copy(&workshop.path("release/signatures"), &workshop.path("elsewhere/again/signatures"))?;
    let program = products::workspace().join("target/tools/debug/release-tools");
    let with_umask = |arguments: &str| {
        let command = format!("umask 077; exec '{}' {arguments} --attach", program.display());
        tool("sh", 60).args(["-c", &command]).env("TZ", "Asia/Tokyo").env("HOME", "/nonexistent").current_dir(&other.0)
    };
    with_umask("sign --files again/files --signatures again/signatures").run()?;
    other.describe("again")?;
    let product = products::workspace().join("packaging/product.toml");
    with_umask(&format!("seal --folder again --product '{}'", product.display())).run()?;
    ensure!(files(&other, "again")? == sealed, "other bits came of the stored signatures");
    for file in sealed.keys() {
        use std::os::unix::fs::PermissionsExt;
        let path = other.path("again/files").join(file);
        let mode = fs::metadata(&path)?.permissions().mode() & 0o777;
        ensure!(mode == 0o644 || path.ends_with("install.html") || path.ends_with("pywats-client-x.cdx.json"), "{} has the mode {mode:o}", path.display());
    }
    Ok(())
}

/// Fails if: a run that was killed while it wrote a file leaves what the next one does not mend.
fn broken_off(workshop: &Workshop) -> Result<()> {
    let sealed = files(workshop, "release")?;
    let name = "broken";
    let program = products::workspace().join("target/tools/debug/release-tools");
    let product = products::workspace().join("packaging/product.toml");
    let mut killed = 0;
    // No file can become larger than so many kilobytes: whoever writes one is killed, as on a full disk.
    for limit in [0, 1, 2, 4, 1000] {
        if workshop.path(name).exists() {
            fs::remove_dir_all(workshop.path(name))?;
        }
        workshop.unsigned(name)?;
        copy(&workshop.path("release/signatures"), &workshop.path(name).join("signatures"))?;
        for verb in [
            format!("sign --files {name}/files --signatures {name}/signatures"),
            format!("seal --folder {name} --product '{}'", product.display()),
        ] {
            let run = |limit: &str| {
                let command = format!("{limit} exec '{}' {verb} --attach", program.display());
                tool("bash", 60).args(["-c", &command]).current_dir(&workshop.0).output()
            };
            let output = run(&format!("ulimit -c 0; ulimit -f {limit};"))?;
            killed += usize::from(!output.status.success());
            let again = run("")?;
            ensure!(again.status.success(), "{limit} kilobytes, {verb}: {}", said(&again));
            workshop.describe(name)?;
        }
        ensure!(files(workshop, name)? == sealed, "{limit} kilobytes: other bits came of it");
    }
    ensure!(killed >= 6, "only {killed} runs were broken off");
    Ok(())
}

/// Fails if: what was changed is signed without saying so, the old signatures stay, or `--attach` takes it.
fn signed_anew(workshop: &Workshop) -> Result<()> {
    copy(&workshop.path("release"), &workshop.path("changed"))?;
    fs::write(workshop.path("changed/files/install.html"), "<!doctype html>\nanother\n")?;
    let output = workshop.seal("changed", &["--attach"]).output()?;
    let text = said(&output);
    ensure!(!output.status.success() && text.contains("install.html changed since"), "{text}");
    let text = workshop.seal("changed", &["--config", "key.toml"]).read()?;
    ensure!(text.contains("changed since it was sealed: install.html"), "{text}");
    by_ssh(&workshop.path("changed/files"), "SHA256SUMS", true)?;
    let output = workshop.verify("changed")?;
    ensure!(output.status.success(), "{}", said(&output));
    // Without a key of ssh, there is no old signature by it.
    workshop.settings("no-ssh", "[key.file]\nsecret = \"key.asc\"\npassword = { file = \"password\" }\n", None)?;
    let text = workshop.seal("changed", &["--config", "no-ssh.toml"]).read()?;
    ensure!(text.contains("left out: allowed_signers and SHA256SUMS.sig"), "{text}");
    ensure!(!workshop.path("changed/files/SHA256SUMS.sig").exists(), "the old signature is there still");
    let output = workshop.verify("changed")?;
    ensure!(output.status.success() && said(&output).contains("SHA256SUMS.sig"), "{}", said(&output));
    Ok(())
}

/// Fails if: a signing command that waits ends a run otherwise than with 75, what was signed is lost, or what came of it in
/// the end is refused.
fn waits(workshop: &Workshop) -> Result<()> {
    Gpg(workshop.0.clone()).make_key("rsa", "rsa4096", &["2y"], "")?;
    let script = "#!/bin/sh\nif [ -z \"$PYWATS_SIGN_WAITING\" ]; then echo 'the office, request 4711'; exit 75; fi\n\
                  exec gpg --batch --homedir gnupg --local-user rsa@example.com --digest-algo SHA512 \"$@\"\n";
    fs::write(workshop.path("office"), script)?;
    tool("chmod", 10).arg("755").arg(workshop.path("office")).run()?;
    let run = "[\"./office\", \"--output\", \"{out}\", \"--{mode}\", \"{in}\"]";
    workshop.settings("rsa", &format!("[key.command]\npublic = \"rsa.pub.asc\"\nrun = {run}\n"), Some("id"))?;
    let name = "waiting";
    workshop.unsigned(name)?;
    let config = ["--config", "rsa.toml"];
    let before = tree(&workshop.path(name).join("files"))?;
    let wait = |run: Tool, what: &str| -> Result<()> {
        let output = run.output()?;
        let text = said(&output);
        ensure!(output.status.code() == Some(75), "it ends with {}: {text}", output.status);
        ensure!(text.contains(&format!("{what} for the office, request 4711")), "{text}");
        ensure!(text.contains("run the same command again later"), "{text}");
        Ok(())
    };
    wait(workshop.sign(name, &config), ".rpm")?;
    ensure!(tree(&workshop.path(name).join("files"))? == before, "something was changed");
    workshop.sign(name, &config).run()?;
    workshop.describe(name)?;
    wait(workshop.seal(name, &config), ".intoto.jsonl")?;
    wait(workshop.seal(name, &config), "waiting: SHA256SUMS")?;
    workshop.seal(name, &config).run()?;
    let output = products::release_tools().arg("verify").arg(workshop.path(name).join("files")).output()?;
    ensure!(output.status.success(), "{}", said(&output));
    let files = workshop.path(name).join("files");
    let judge = tool("gpgv", 30).arg("--keyring").arg(workshop.path("rsa.gpg")).current_dir(&files);
    judge.args(["SHA256SUMS.asc", "SHA256SUMS"]).run()?;
    let database = workshop.path("rpmdb-rsa");
    let rpmkeys = || tool("rpmkeys", 60).arg("--dbpath").arg(&database);
    rpmkeys().arg("--import").arg(workshop.path("rsa.pub.asc")).run()?;
    let judged = rpmkeys().arg("--checksig").arg(workshop.ending(name, ".rpm")?).read()?;
    ensure!(judged.contains("digests signatures OK"), "{judged}");
    let left = tree(&workshop.path(name).join("signatures"))?;
    ensure!(!left.keys().any(|name| name.to_string_lossy().ends_with(".waiting")), "{:?}", left.keys());
    Ok(())
}

/// Fails if: a key with a password, which only an agent has, does not sign.
fn in_agent(workshop: &Workshop) -> Result<()> {
    workshop.ssh_key("guarded", PASSWORD)?;
    workshop.settings("guarded", "[key.file]\nsecret = \"other.asc\"\n", Some("guarded"))?;
    copy(&workshop.path("unsigned"), &workshop.path("guarded-release/files"))?;
    let output = workshop.seal("guarded-release", &["--config", "guarded.toml"]).output()?;
    let text = said(&output);
    ensure!(!output.status.success() && text.contains("give it to an agent"), "{text}");
    ensure!(!workshop.path("guarded-release/files/SHA256SUMS.sig").exists(), "it signed without the password");
    let socket = workshop.path("agent");
    let mut agent = Command::new("ssh-agent").arg("-D").arg("-a").arg(&socket).stdout(Stdio::null()).spawn()?;
    let sealed = (|| -> Result<()> {
        // By its socket; it needs a moment.
        let ready = "i=0; until ssh-add -l >/dev/null 2>&1 || [ $? = 1 ] || [ $i = 300 ]; do i=$((i+1)); sleep 0.1; done";
        let ask = "#!/bin/sh\ncat password\n";
        fs::write(workshop.path("ask"), ask)?;
        tool("chmod", 10).arg("755").arg(workshop.path("ask")).run()?;
        let add = tool("sh", 60).args(["-c", &format!("{ready}; exec ssh-add guarded")]);
        let add = add.env("SSH_AUTH_SOCK", &socket).env("SSH_ASKPASS", workshop.path("ask"));
        add.env("SSH_ASKPASS_REQUIRE", "force").env("DISPLAY", ":").current_dir(&workshop.0).run()?;
        workshop.seal("guarded-release", &["--config", "guarded.toml"]).env("SSH_AUTH_SOCK", &socket).run()
    })();
    let ended = agent.kill();
    agent.wait()?;
    ended?;
    sealed?;
    by_ssh(&workshop.path("guarded-release/files"), "SHA256SUMS", true)
}

/// Fails if: a repository does not take the signed package, or gives it other bits.
fn into_repository(workshop: &Workshop) -> Result<()> {
    let product = products::workspace().join("packaging/product.toml");
    let repo = products::release_tools().arg("repo").arg(workshop.path("repository")).arg("--add");
    let repo = repo.arg(workshop.path("release/files")).arg("--product").arg(product).args(["--config", "key.toml"]);
    repo.current_dir(&workshop.0).run()?;
    let rpm = workshop.ending("release", ".rpm")?;
    let digest = packager::digest::sha256_file(&rpm)?;
    let published = tree(&workshop.path("repository/rpm/stable/Packages"))?;
    ensure!(published.values().eq([&digest]), "{published:?} is not {digest}");
    Ok(())
}

/// Fails if: a key signs that nobody would believe, an error does not say what is wrong, or a secret shows.
fn useless_keys(workshop: &Workshop) -> Result<()> {
    let past = ["1d", "--faked-system-time", "20200101T000000"];
    Gpg(workshop.0.clone()).make_key("expired", "ed25519", &past, "")?;
    workshop.unsigned("useless")?;
    let good = "[key.file]\nsecret = \"key.asc\"\npassword = { file = \"password\" }\n";
    let ssh = |key: &str, principal: &str| format!("{good}[ssh]\nkey = \"{key}\"\nprincipal = \"{principal}\"\n");
    for (name, settings, words) in [
        ("expired-key", "[key.file]\nsecret = \"expired.asc\"\n".to_owned(), ["expired on 2020-01-02", "--quick-set-expire"]),
        ("no-key", String::new(), ["has no [key]", "--attach"]),
        ("no-ssh-key", ssh("none", "a"), ["none.pub", "ssh-keygen -y"]),
        ("no-principal", ssh("id", "hush-4711-pAssword here"), ["ssh.principal", "letters"]),
        ("no-table", format!("ssh = \"hush-4711-pAssword\"\n{good}"), ["line 2", "not what belongs"]),
        ("strange", format!("{good}[ssh]\nkey = \"id\"\npassword = \"hush-4711-pAssword\"\n"), ["line 7", "unknown field"]),
    ] {
        workshop.settings(name, &settings, None)?;
        let output = workshop.seal("useless", &["--config", &format!("{name}.toml")]).output()?;
        let text = said(&output);
        ensure!(!output.status.success(), "{name} was accepted: {text}");
        ensure!(words.iter().all(|word| text.contains(word)), "{name}: {text}");
        ensure!(!text.contains("pAssword"), "{name}: the secret shows: {text}");
        ensure!(!workshop.path("useless/files/SHA256SUMS.asc").exists(), "{name}: something was signed");
    }
    Ok(())
}
