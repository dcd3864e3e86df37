//! `cargo xtask sign --notarize`, against a stand-in of Apple's notary that is reached as the real one.

use super::Case;
use super::workshop::{TARGETS, THIN, Workshop};
use crate::command::{Tool, said, tool};
use crate::products;
use crate::suites::dist;
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::fs;
use std::path::Path;

pub(super) const CASES: &[(&str, Case)] = &[
    ("a notary accepts what is signed", accepts),
    ("a notary rejects, and its reasons are shown", rejects),
    ("a notary that is slow is asked again by the next run", slow),
    ("a notary that breaks off gets the same file by the next run", breaks),
    ("a key that the notary does not know is said", denies),
];

pub(super) const LONG_CASES: &[(&str, Case)] =
    &[("a ticket that is not there yet is asked for by the next run", forgets)];

/// What is a notary for a run.
struct Notary<'a> {
    workshop: &'a Workshop,
    folder: &'a Path,
}

impl Notary<'_> {
    /// Its files, and a folder with signatures that it knows nothing of.
    fn open<'a>(workshop: &'a Workshop, folder: &'a Path) -> Result<Notary<'a>> {
        let state = folder.join("notary");
        fs::create_dir(&state)?;
        let authority = &workshop.authority;
        if !authority.path("server.pem").exists() {
            // A name for each server: the extension is made for these.
            fs::write(authority.path("names"), NAMES)?;
            authority.openssl(&[
                "req", "-newkey", "rsa:2048", "-nodes", "-keyout", "server.key", "-out", "server.csr", "-subj",
                "/CN=stand-in",
            ])?;
            authority.openssl(&[
                "x509", "-req", "-days", "20", "-in", "server.csr", "-CA", "root.pem", "-CAkey", "root.key",
                "-CAcreateserial", "-extfile", "names", "-out", "server.pem",
            ])?;
        }
        for name in ["server.pem", "server.key"] {
            fs::copy(authority.path(name), state.join(name))?;
        }
        let address = workshop.server.address();
        let port = address.trim_end_matches('/').rsplit(':').next().unwrap_or_default();
        fs::write(state.join("port"), port)?;
        fs::copy(workshop.office(), state.join("office"))?;
        fs::create_dir(folder.join("out"))?;
        products::copy_sources(&workshop.release()?.join("signatures"), &folder.join("out/signatures"))?;
        Ok(Notary { workshop, folder })
    }

    /// `cargo xtask sign --notarize` of an artifact, or of all, in a network in which there is nothing but the notary, which
    /// behaves in this manner, and a time stamp server for what has another ticket in it than it had.
    fn sign(&self, manner: &str, artifact: Option<&str>) -> Result<Tool> {
        let configuration = self.workshop.configure(self.folder, &self.workshop.usual())?;
        let script = products::workspace().join("tests/acceptance/src/suites/apple_signing/notary.py");
        let start = tool("unshare", 240)
            .args(["--user", "--map-root-user", "--net", "--mount", "python3"])
            .arg(script)
            .arg(manner)
            .arg(self.folder.join("notary"))
            .arg(dist::xtask());
        let targets = if artifact == Some(THIN) { &TARGETS[1..] } else { &TARGETS[..] };
        let sign = self.workshop.add_programs(start, targets).args(["--notarize", "--json", "--config"]);
        Ok(sign.arg(configuration).arg("--out").arg(self.folder.join("out")).args(artifact))
    }

    /// A run that ends well, and what it says.
    fn signs(&self, manner: &str, artifact: Option<&str>) -> Result<Value> {
        let report = self.sign(manner, artifact)?.read()?;
        serde_json::from_str(&report).context("--json prints no JSON")
    }

    /// The lines that the notary noted.
    fn noted(&self, what: &str) -> Vec<String> {
        let text = fs::read_to_string(self.folder.join("notary").join(what)).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }
}

/// What the certificate of the stand-in is for.
const NAMES: &str = "subjectAltName = DNS:appstoreconnect.apple.com, DNS:api.apple-cloudkit.com, DNS:notary-submissions-prod.s3.us-west-2.amazonaws.com\n";

/// Fails if: something is not handed in, the artifacts are not all there, are not what comes of stored signatures, or are
/// handed in twice.
fn accepts(workshop: &Workshop, folder: &Path) -> Result<()> {
    let notary = Notary::open(workshop, folder)?;
    let report = notary.signs("accepts", Some("dmg"))?;
    ensure!(report["missing"].as_array().is_some_and(Vec::is_empty), "{report:#}");
    let uploaded = notary.noted("uploaded");
    // Two programs, the application, the package and the disk image.
    ensure!(uploaded.len() == 5, "there were {} uploads", uploaded.len());
    let issuer = "issuer 11111111-2222-3333-4444-555555555555".to_owned();
    ensure!(notary.noted("asked").contains(&issuer), "{:?}", notary.noted("asked"));
    let out = folder.join("out");
    let again = folder.join("again");
    workshop.attach(&out.join("signatures"), &again).arg("dmg").run()?;
    for name in report["artifacts"].as_array().context("no artifacts")? {
        let name = name.as_str().context("a name")?;
        let verdicts = workshop.verify_good(&out.join(name))?;
        ensure!(verdicts[0]["code"]["ticket"] == true, "{verdicts:#}");
        products::compare(&out.join(name), &again.join(name))?;
    }
    notary.signs("accepts", Some(THIN))?;
    ensure!(notary.noted("uploaded") == uploaded, "something was handed in twice");
    Ok(())
}

/// Fails if: what the notary rejects is released, or its log is not shown.
fn rejects(workshop: &Workshop, folder: &Path) -> Result<()> {
    let notary = Notary::open(workshop, folder)?;
    let output = notary.sign("rejects", Some(THIN))?.output()?;
    let text = said(&output);
    ensure!(output.status.code() == Some(1), "it ended with {}\n{text}", output.status);
    for words in [
        "Apple's notary did not accept it (invalid, submission 00000000-0000-0000-0000-000000000001)",
        "Archive contains critical validation errors",
        "error: client.pkg/Payload/pywats-client: The signature does not include a secure timestamp.",
    ] {
        ensure!(text.contains(words), "it does not say {words:?}\n{text}");
    }
    ensure!(!folder.join("out/SHA256SUMS").exists(), "it released something");
    Ok(())
}

/// Fails if: a run waits for ever, what is waited for is not said, or it is handed in again.
fn slow(workshop: &Workshop, folder: &Path) -> Result<()> {
    let notary = Notary::open(workshop, folder)?;
    let report = notary.signs("slow", Some(THIN))?;
    let waits = &report["waiting"][0];
    ensure!(waits["for"] == "Apple's notary, submission 00000000-0000-0000-0000-000000000001", "{report:#}");
    ensure!(report["missing"].as_array().is_some_and(|missing| !missing.is_empty()), "{report:#}");
    let uploaded = notary.noted("uploaded");
    let report = notary.signs("accepts", Some(THIN))?;
    ensure!(report["missing"].as_array().is_some_and(Vec::is_empty), "{report:#}");
    let later = notary.noted("uploaded");
    ensure!(later[..uploaded.len()] == uploaded && unique(&later), "{later:?} after {uploaded:?}");
    Ok(())
}

fn unique(lines: &[String]) -> bool {
    let mut sorted = lines.to_vec();
    sorted.sort();
    sorted.dedup();
    sorted.len() == lines.len()
}

/// Fails if: a broken upload costs the signature, or ends what cannot go on as an error, or is taken for a success.
fn breaks(workshop: &Workshop, folder: &Path) -> Result<()> {
    let notary = Notary::open(workshop, folder)?;
    let report = notary.signs("breaks", Some(THIN))?;
    let waits = report["waiting"][0]["for"].as_str().unwrap_or_default();
    ensure!(waits.starts_with("Apple's notary, to which nothing could be handed in: "), "{report:#}");
    ensure!(notary.noted("uploaded").is_empty(), "something was handed in");
    let signatures = fs::read(workshop.release()?.join("signatures").join(version()?).join(ONE))?;
    let report = notary.signs("accepts", Some(THIN))?;
    ensure!(report["missing"].as_array().is_some_and(Vec::is_empty), "{report:#}");
    let after = fs::read(folder.join("out/signatures").join(version()?).join(ONE))?;
    ensure!(after == signatures, "it was signed again");
    Ok(())
}

const ONE: &str = "aarch64-apple-darwin-pywats-client.signature";

fn version() -> Result<String> {
    Ok(products::recipe()?.version.to_string())
}

/// Fails if: what has no ticket yet is released, is handed in again, or is not stapled by the next run.
fn forgets(workshop: &Workshop, folder: &Path) -> Result<()> {
    let notary = Notary::open(workshop, folder)?;
    let report = notary.signs("forgets", Some("app"))?;
    let waits = report["waiting"][0]["for"].as_str().unwrap_or_default();
    ensure!(waits.ends_with("000003: its ticket is not there yet"), "{report:#}");
    let uploaded = notary.noted("uploaded");
    let report = notary.signs("accepts", Some("app"))?;
    ensure!(report["missing"].as_array().is_some_and(Vec::is_empty), "{report:#}");
    ensure!(notary.noted("uploaded") == uploaded, "it was handed in again");
    let app = workshop.released("-macos-app.zip")?;
    let app = folder.join("out").join(app.file_name().context("a name")?);
    let verdicts = workshop.verify_good(&app)?;
    ensure!(verdicts[0]["code"]["ticket"] == true, "{verdicts:#}");
    Ok(())
}

/// Fails if: a key that is not known is not called so, or shows.
fn denies(workshop: &Workshop, folder: &Path) -> Result<()> {
    let notary = Notary::open(workshop, folder)?;
    let output = notary.sign("denies", Some(THIN))?.output()?;
    let text = said(&output);
    ensure!(output.status.code() == Some(1), "it ended with {}\n{text}", output.status);
    for words in ["Apple's notary refuses the request", "[apple.notary]", "NOT_AUTHORIZED"] {
        ensure!(text.contains(words), "it does not say {words:?}\n{text}");
    }
    let key = fs::read_to_string(workshop.authority.path("AuthKey.p8"))?;
    let line = key.lines().nth(1).context("the key is short")?;
    ensure!(!text.contains(line), "the key shows\n{text}");
    Ok(())
}
