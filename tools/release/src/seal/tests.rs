//! Small releases, sealed by a key of their own.

use super::*;
use crate::openpgp::tests::write_key;
use crate::repository::tests::{artifact, tree};
use crate::rpm_header::tests::write_package;
use crate::sign::Sign;
use packager::artifacts::Artifact;
use packager::programs::Program;
use serde_json::json;
use tempfile::TempDir;

/// The name of the package.
pub(crate) const RPM: &str = "x-1.0-1.x86_64.rpm";
/// The digest of the program that the package is said to have in it.
const PROGRAM: &str = "0f0e0d0c0b0a09080706050403020100ffeeddccbbaa99887766554433221100";

/// A place with a key, its settings, and a release in the folder `release`.
pub(crate) struct Place(TempDir);

impl Place {
    /// A release whose files are there, and nothing signed.
    pub(crate) fn new() -> Place {
        let place = Place(tempfile::tempdir().unwrap());
        write_key(&place.path("key.asc"));
        let settings = "url = 'https://packages.example.com'\n[key.file]\nsecret = 'key.asc'\n";
        fs::write(place.path("repository.toml"), settings).unwrap();
        fs::create_dir_all(place.path("release/files")).unwrap();
        write_package(&place.file(RPM), "1.0", "a");
        fs::write(place.file("x.tar.gz"), "an archive").unwrap();
        fs::write(place.file("install.html"), "a page").unwrap();
        let mut artifacts = Artifacts::default();
        for (name, format) in [(RPM, "rpm"), ("x.tar.gz", "tar.gz")] {
            let program = Program { name: "x".into(), target: "t".into(), sha256: PROGRAM.into() };
            let artifact = Artifact { programs: vec![program], ..artifact(format, &place.file(name)) };
            artifacts.0.insert(name.to_owned(), artifact);
        }
        artifacts.write(&place.path("release/files")).unwrap();
        let hash = json!([{ "alg": "SHA-256", "content": PROGRAM }]);
        let cyclonedx = json!({ "bomFormat": "CycloneDX", "metadata": { "component": { "hashes": hash } } });
        let sum = json!([{ "algorithm": "SHA256", "checksumValue": PROGRAM }]);
        let spdx = json!({
            "spdxVersion": "SPDX-2.3",
            "relationships": [{
                "spdxElementId": "SPDXRef-DOCUMENT",
                "relationshipType": "DESCRIBES",
                "relatedSpdxElement": "SPDXRef-x",
            }],
            "packages": [{ "SPDXID": "SPDXRef-x", "checksums": sum }],
        });
        fs::write(place.file("x-t.cdx.json"), cyclonedx.to_string()).unwrap();
        fs::write(place.file("x-t.spdx.json"), spdx.to_string()).unwrap();
        place
    }

    /// The same, signed and sealed.
    pub(crate) fn sealed() -> Place {
        let place = Place::new();
        place.sign(false).unwrap();
        place.describe();
        place.seal(false).unwrap();
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A file of the release.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path("release/files").join(name)
    }

    /// The one file of the release with this end of its name.
    pub(crate) fn ending(&self, end: &str) -> PathBuf {
        let names = sums::files(&self.path("release/files")).unwrap();
        let mut names = names.iter().filter(|name| name.ends_with(end) && !sums::is_own(name));
        self.file(names.next().unwrap())
    }

    pub(crate) fn key(&self) -> crate::openpgp::SecretKey {
        crate::openpgp::SecretKey::read(&self.path("key.asc"), None).unwrap()
    }

    pub(crate) fn sign(&self, attach: bool) -> Result<()> {
        let [files, signatures] = ["files", "signatures"].map(|name| self.path("release").join(name));
        Sign { files, signatures, config: self.path("repository.toml"), attach }.run()
    }

    /// Writes a statement about the artifacts.
    pub(crate) fn describe(&self) {
        let artifacts = Artifacts::load(&self.path("release/files")).unwrap().unwrap();
        let subjects: Vec<_> = artifacts
            .0
            .iter()
            .map(|(name, artifact)| json!({ "name": name, "digest": { "sha256": artifact.sha256 } }))
            .collect();
        let parameters = json!({ "externalParameters": { "ref": "refs/tags/v", "commit": "c0ffee" } });
        let statement = json!({
            "_type": "https://in-toto.io/Statement/v1", "subject": subjects,
            "predicateType": "https://slsa.dev/provenance/v1", "predicate": { "buildDefinition": parameters },
        });
        fs::write(self.path("release/provenance.json"), statement.to_string()).unwrap();
    }

    pub(crate) fn seal(&self, attach: bool) -> Result<()> {
        let product = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging/product.toml");
        Seal { folder: self.path("release"), config: self.path("repository.toml"), attach, product }.run()
    }
}

fn waiting(error: &anyhow::Error) -> Vec<String> {
    let waiting = error.chain().find_map(|cause| cause.downcast_ref::<crate::signatures::Waiting>());
    waiting.into_iter().flat_map(|waiting| waiting.0.iter().map(|(a, b)| format!("{a}: {b}"))).collect()
}

/// Fails if: from stored signatures and the unsigned files other bits come, anything is signed twice, or a second run
/// writes anything.
#[test]
fn attaches_stored_signatures() {
    let place = Place::sealed();
    let sealed = tree(&place.path("release"));
    let time = |name: &str| fs::metadata(place.file(name)).unwrap().modified().unwrap();
    let times = [SUMS, RPM].map(time);
    for attach in [false, true] {
        place.sign(attach).unwrap();
        place.seal(attach).unwrap();
        assert_eq!(tree(&place.path("release")), sealed);
        assert_eq!([SUMS, RPM].map(time), times);
    }
    // Another folder, with nothing but the signatures and no key.
    let other = Place::new();
    fs::remove_file(other.path("key.asc")).unwrap();
    let from = place.path("release/signatures");
    for name in tree(&from).keys() {
        let to = other.path("release/signatures").join(name);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(from.join(name), to).unwrap();
    }
    other.sign(true).unwrap();
    other.describe();
    other.seal(true).unwrap();
    assert_eq!(tree(&other.path("release")), sealed);
    let artifacts = Artifacts::load(&place.path("release/files")).unwrap().unwrap();
    let [made_from] = &artifacts.0[RPM].made_from[..] else { panic!("{:?}", artifacts.0[RPM]) };
    write_package(&place.path("unsigned"), "1.0", "a");
    assert_eq!(made_from.sha256, sha256_file(&place.path("unsigned")).unwrap());
}

/// Fails if: a run that was broken off leaves what the next one does not mend.
#[test]
fn goes_on_where_it_was_broken_off() {
    let place = Place::sealed();
    let sealed = tree(&place.path("release"));
    let own = sums::files(&place.path("release/files")).unwrap().into_iter();
    let own = own.filter(|name| !["x.tar.gz", "install.html", LIST, RPM].contains(&name.as_str()));
    for name in own.filter(|name| !name.ends_with(".cdx.json") && !name.ends_with(".spdx.json")) {
        for half in [false, true] {
            if half {
                fs::write(place.file(&name), "half").unwrap();
            } else {
                fs::remove_file(place.file(&name)).unwrap();
            }
            fs::write(place.file(".unfinished-x"), "").unwrap();
            place.seal(true).unwrap();
            assert_eq!(tree(&place.path("release")), sealed, "{name}");
        }
    }
    // The package was renamed, and the list not yet written.
    let place = Place::new();
    let unsigned = fs::read(place.file(LIST)).unwrap();
    place.sign(false).unwrap();
    let signed = tree(&place.path("release"));
    fs::write(place.file(LIST), unsigned).unwrap();
    place.sign(false).unwrap();
    assert_eq!(tree(&place.path("release")), signed);
    // The signatures were lost: the packages have them.
    fs::remove_dir_all(place.path("release/signatures")).unwrap();
    place.sign(false).unwrap();
    place.sign(true).unwrap();
    assert_eq!(tree(&place.path("release/files")).len(), 7);
}

/// Fails if: what was changed is vouched for by the old signatures, or by the key without saying what it is, or the error
/// does not name it.
#[test]
fn notices_changes() {
    let place = Place::sealed();
    let before = tree(&place.path("release/files"));
    fs::write(place.file("install.html"), "another page").unwrap();
    let error = format!("{:#}", place.seal(true).unwrap_err());
    assert!(
        error.contains("install.html changed since")
            && error.contains("has no signature for this SHA256SUMS")
    );
    assert_ne!(tree(&place.path("release/files")), before);
    place.seal(false).unwrap();
    place.seal(true).unwrap();
    fs::write(place.file("install.html"), "a page").unwrap();
    // What was signed once is so still.
    place.seal(true).unwrap();
    assert_eq!(tree(&place.path("release/files")), before);
    type Spoil = fn(&Place);
    let cases: &[(&str, Spoil, &[&str])] = &[
        (
            "an artifact",
            |place| fs::write(place.file("x.tar.gz"), "z").unwrap(),
            &["x.tar.gz is not what", "Make it again"],
        ),
        (
            "the statement",
            |place| fs::write(place.path("release/provenance.json"), "{}").unwrap(),
            &["has no signature for this", "intoto.jsonl"],
        ),
        (
            "no statement",
            |place| fs::remove_file(place.path("release/provenance.json")).unwrap(),
            &["provenance.json is missing"],
        ),
        (
            "a link",
            |place| std::os::unix::fs::symlink(place.file(LIST), place.file("l")).unwrap(),
            &["no plain file"],
        ),
        ("a name", |place| fs::write(place.file("a b"), "").unwrap(), &["a b", "move it away"]),
        (
            "a signature",
            |place| {
                let stored = place.path("release/signatures/seal");
                for name in tree(&stored).keys().filter(|name| name.to_string_lossy().starts_with(SUMS)) {
                    let text = fs::read_to_string(stored.join(name)).unwrap();
                    fs::write(stored.join(name), text.replace("BEGIN PGP SIG", "BEGIN PGP GIS")).unwrap();
                }
            },
            &["seal/SHA256SUMS-", "is of no use", "bring back"],
        ),
    ];
    for (name, spoil, words) in cases {
        let place = Place::sealed();
        spoil(&place);
        let before = tree(&place.path("release"));
        let error = format!("{:#}", place.seal(true).expect_err(name));
        assert!(words.iter().all(|word| error.contains(word)), "{name}: {error}");
        assert_eq!(tree(&place.path("release")), before, "{name} changed something");
    }
}

/// Fails if: a signature for other bits or by another key is taken for an RPM, or the error does not say which it is.
#[test]
fn refuses_signatures_of_something_else() {
    type Spoil = fn(&Place);
    let cases: &[(&str, Spoil, bool, &[&str])] = &[
        ("another key", |place| write_key(&place.path("key.asc")), false, &["key.asc is the key"]),
        (
            "a damaged package",
            |place| fs::write(place.file(RPM), "z").unwrap(),
            true,
            &[RPM, "no RPM, or damaged"],
        ),
        (
            "another package",
            |place| write_package(&place.file(RPM), "1.0", "b"),
            true,
            &[RPM, "not what artifacts.json says"],
        ),
        (
            "no signature",
            |place| {
                write_package(&place.file(RPM), "1.0", "b");
                let list = Artifacts([(RPM.to_owned(), artifact("rpm", &place.file(RPM)))].into());
                list.write(&place.path("release/files")).unwrap();
            },
            true,
            &[RPM, "has no signature for this"],
        ),
        (
            "a signature of other bits",
            |place| {
                let store = place.path("release/signatures/openpgp");
                let name =
                    tree(&store).into_keys().find(|name| name.to_string_lossy().starts_with(RPM)).unwrap();
                let stored = fs::read_to_string(store.join(name)).unwrap();
                write_package(&place.file(RPM), "1.0", "b");
                let artifact = artifact("rpm", &place.file(RPM));
                let mut stored: serde_json::Value = serde_json::from_str(&stored).unwrap();
                stored["sha256"] = artifact.sha256.clone().into();
                let to = store.join(format!("{RPM}-{}.json", &artifact.sha256[..16]));
                fs::write(to, stored.to_string()).unwrap();
                Artifacts([(RPM.to_owned(), artifact)].into()).write(&place.path("release/files")).unwrap();
            },
            true,
            &[RPM, "is of no use", "changed after it was signed"],
        ),
        (
            "another signature",
            |place| {
                fs::remove_dir_all(place.path("release/signatures")).unwrap();
                let signed = fs::read(place.file(RPM)).unwrap();
                write_package(&place.file(RPM), "1.0", "a");
                let list = Artifacts([(RPM.to_owned(), artifact("rpm", &place.file(RPM)))].into());
                list.write(&place.path("release/files")).unwrap();
                // A second at least lies between them, so that they differ.
                std::thread::sleep(std::time::Duration::from_millis(1100));
                place.sign(false).unwrap();
                fs::write(place.file(RPM), signed).unwrap();
                let list = Artifacts([(RPM.to_owned(), artifact("rpm", &place.file(RPM)))].into());
                list.write(&place.path("release/files")).unwrap();
            },
            true,
            &[RPM, "another signature than the stored one"],
        ),
    ];
    for (name, spoil, attach, words) in cases {
        let place = Place::new();
        place.sign(false).unwrap();
        spoil(&place);
        let error = format!("{:#}", place.sign(*attach).expect_err(name));
        assert!(words.iter().all(|word| error.contains(word)), "{name}: {error}");
    }
}

/// Fails if: a signing program that waits ends the run otherwise, is not told what it said, or what it has to sign changes
/// meanwhile.
#[test]
fn waits_for_signing_programs() {
    let place = Place::new();
    fs::write(place.path("public.asc"), place.key().public().unwrap().armored().unwrap()).unwrap();
    let script = "echo \"$PYWATS_SIGN_WAITING+\"; sha256sum < $1 >> asked; exit 75";
    let settings = format!(
        "url = 'https://packages.example.com'\n[key.command]\npublic = 'public.asc'\nrun = ['sh', '-c', '{}', 'sh', '{{in}}', '{{out}}', '{{mode}}']\n",
        script.replace("asked", &place.path("asked").to_string_lossy())
    );
    fs::write(place.path("repository.toml"), settings).unwrap();
    let before = tree(&place.path("release/files"));
    for said in ["+", "++", "+++"] {
        assert_eq!(waiting(&place.sign(false).unwrap_err()), [format!("{RPM}: {said}")]);
        let error = place.seal(false).unwrap_err();
        assert_eq!(waiting(&error), [format!("SHA256SUMS: {said}")]);
        assert_eq!(tree(&place.path("release/files")), before);
    }
    let asked = fs::read_to_string(place.path("asked")).unwrap();
    let asked: Vec<_> = asked.lines().collect();
    assert_eq!((asked.len(), asked[0], asked[1]), (6, asked[2], asked[3]));
    // What is waited for is no signature yet.
    assert!(archive::make(&place.path("release/signatures"), STORE, 0).unwrap().is_some());
    fs::remove_file(place.path("release/signatures/openpgp/key.asc")).unwrap();
    assert!(archive::make(&place.path("release/signatures"), STORE, 0).unwrap().is_none());
}
