//! Whole publications, with small packages and a key of their own.

use super::*;
use crate::openpgp::tests::write_key;
use crate::rpm_header::tests::write_package;
use packager::digest::{collect_files, sha256_file};
use packager::{Artifact, Artifacts};
use std::collections::BTreeMap;
use tempfile::TempDir;

/// A place with a key, its settings and folders of packages.
pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) fn new() -> Place {
        let place = Place(tempfile::tempdir().unwrap());
        write_key(&place.path("key.asc"));
        place.settings("repository.toml", "key.asc");
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn settings(&self, name: &str, key: &str) {
        let text = format!("url = 'https://packages.example.com'\n[key.file]\nsecret = '{key}'\n");
        fs::write(self.path(name), text).unwrap();
    }

    /// A folder with a DEB and an RPM of a version.
    pub(crate) fn packages(&self, name: &str, version: &str, content: &str) -> PathBuf {
        let folder = self.path(name);
        fs::create_dir_all(&folder).unwrap();
        let mut artifacts = Artifacts::default();
        let file = format!("x_{version}_amd64.deb");
        fs::write(folder.join(&file), apt::tests::package(version, "amd64", content)).unwrap();
        artifacts.0.insert(file.clone(), artifact("deb", &folder.join(file)));
        let file = format!("x-{version}-1.x86_64.rpm");
        write_package(&folder.join(&file), version, content);
        artifacts.0.insert(file.clone(), artifact("rpm", &folder.join(file)));
        artifacts.write(&folder).unwrap();
        folder
    }

    fn repo(&self, dir: &str, add: &Path) -> Repo {
        Repo {
            dir: self.path(dir),
            add: vec![add.to_owned()],
            suite: Some(STABLE.to_owned()),
            sign_rpms: true,
            signatures: Some(self.path("signatures")),
            attach: None,
            config: self.path("repository.toml"),
            url: None,
            product: Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging/product.toml"),
        }
    }

    /// Publishes with the signatures in the repository's own folder.
    pub(crate) fn sign_and_publish(&self, dir: &str, add: &Path) {
        let repo = Repo { signatures: None, ..self.repo(dir, add) };
        repo.publish(&mut |_| Ok(())).unwrap();
    }

    fn key(&self) -> PublicKey {
        crate::openpgp::SecretKey::read(&self.path("key.asc"), None).unwrap().public().unwrap()
    }
}

pub(crate) fn artifact(format: &str, path: &Path) -> Artifact {
    Artifact {
        artifact: path.file_name().unwrap().to_string_lossy().into_owned(),
        format: format.to_owned(),
        version: String::new(),
        programs: Vec::new(),
        made_from: Vec::new(),
        size: fs::metadata(path).unwrap().len(),
        sha256: sha256_file(path).unwrap(),
        inputs: String::new(),
        toolchain: String::new(),
        source_date_epoch: 0,
    }
}

/// Every file below a folder, with its digest.
pub(crate) fn tree(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut files = Vec::new();
    collect_files(folder, &mut files).unwrap();
    let files = files.into_iter();
    files.map(|file| (file.strip_prefix(folder).unwrap().to_owned(), sha256_file(&file).unwrap())).collect()
}

fn copy(from: &Path, to: &Path) {
    for path in tree(from).keys() {
        let target = to.join(path);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(from.join(path), target).unwrap();
    }
}

/// How many packages the indexes name; all of them are there.
fn named(repository: &Path, key: &PublicKey) -> [usize; 2] {
    let apt = apt::Published::read(repository, STABLE, key).unwrap().packages;
    let dnf = dnf::Published::read(repository, STABLE, key).unwrap().packages;
    for listed in apt.iter().chain(&dnf) {
        listed.read(repository).unwrap();
    }
    [apt.len(), dnf.len()]
}

/// Fails if: a publication that was broken off at any file leaves indexes that name what is not there, loses a file
/// that yesterday's indexes name, or ends otherwise when it is run again.
#[test]
fn goes_on_where_it_was_broken_off() {
    let place = Place::new();
    let key = place.key();
    let (first, second) = (place.packages("1", "1.0", "a"), place.packages("2", "2.0", "b"));
    place.repo("first", &first).publish(&mut |_| Ok(())).unwrap();
    let before = tree(&place.path("first"));
    copy(&place.path("first"), &place.path("whole"));
    let mut order = Vec::new();
    place
        .repo("whole", &second)
        .publish(&mut |path| {
            order.push(path.to_owned());
            Ok(())
        })
        .unwrap();
    assert_eq!(named(&place.path("whole"), &key), [2, 2]);
    let whole = tree(&place.path("whole"));
    let entries = ["InRelease", "Release", "Release.gpg", "repomd.xml", "repomd.xml.asc"];
    let is_entry = |path: &Path| {
        let name = path.file_name().unwrap().to_string_lossy();
        name.starts_with("Packages") || entries.contains(&&*name)
    };
    for (path, digest) in &before {
        assert!(is_entry(path) || whole.get(path) == Some(digest), "{} was changed", path.display());
    }
    assert!(order.len() > 15, "{order:?}");
    for stop in 0..order.len() {
        let dir = format!("broken-{stop}");
        copy(&place.path("first"), &place.path(&dir));
        let mut left = stop;
        let broken = place.repo(&dir, &second).publish(&mut |_| {
            left = left.checked_sub(1).context("broken off")?;
            Ok(())
        });
        assert!(broken.is_err());
        let expected = named(&place.path(&dir), &key);
        assert!([[1, 1], [2, 1], [2, 2]].contains(&expected), "{expected:?} after {stop}");
        // A run that was killed leaves this, too.
        fs::write(place.path(&dir).join(".unfinished-x"), "").unwrap();
        place.repo(&dir, &second).publish(&mut |_| Ok(())).unwrap();
        assert_eq!(tree(&place.path(&dir)), whole, "after {stop} files");
    }
}

/// Fails if: stored signatures do not give the same bits without the key, a second run changes something, or a new
/// signature is made where an old one is there.
#[test]
fn attaches_stored_signatures() {
    let place = Place::new();
    let (first, second) = (place.packages("1", "1.0", "a"), place.packages("2", "2.0", "b"));
    for add in [&first, &second, &second] {
        place.repo("signed", add).publish(&mut |_| Ok(())).unwrap();
    }
    let stored = tree(&place.path("signatures"));
    fs::remove_file(place.path("key.asc")).unwrap();
    for add in [&first, &second] {
        let mut repo = place.repo("attached", add);
        repo.attach = repo.signatures.take();
        repo.publish(&mut |_| Ok(())).unwrap();
    }
    assert_eq!(tree(&place.path("signed")), tree(&place.path("attached")));
    assert_eq!(tree(&place.path("signatures")), stored);
    let mut repo = place.repo("other", &place.packages("3", "3.0", "c"));
    repo.attach = repo.signatures.take();
    let error = format!("{:#}", repo.publish(&mut |_| Ok(())).unwrap_err());
    assert!(error.contains("has no signature for this apt-stable"), "{error}");
}

/// Fails if: RPMs that are published, or come signed, get other bits because a store was lost.
#[test]
fn keeps_signed_packages() {
    let place = Place::new();
    let first = place.packages("1", "1.0", "a");
    place.repo("out", &first).publish(&mut |_| Ok(())).unwrap();
    let before = tree(&place.path("out/rpm/stable/Packages"));
    fs::remove_dir_all(place.path("signatures")).unwrap();
    let mut again = place.repo("out", &first);
    again.sign_rpms = false;
    again.publish(&mut |_| Ok(())).unwrap();
    // The signed ones, in a folder of their own.
    let signed = place.packages("signed", "1.0", "a");
    let name = "x-1.0-1.x86_64.rpm";
    fs::copy(place.path("out/rpm/stable/Packages").join(name), signed.join(name)).unwrap();
    let mut artifacts = Artifacts::load(&signed).unwrap().unwrap();
    artifacts.0.insert(name.to_owned(), artifact("rpm", &signed.join(name)));
    artifacts.write(&signed).unwrap();
    let mut other = place.repo("other", &signed);
    other.sign_rpms = false;
    other.publish(&mut |_| Ok(())).unwrap();
    for dir in ["out", "other"] {
        assert_eq!(tree(&place.path(dir).join("rpm/stable/Packages")), before);
    }
    // Signed by somebody else, which must not end among the signatures of this key.
    write_key(&place.path("key.asc"));
    let error = format!("{:#}", place.repo("theirs", &signed).publish(&mut |_| Ok(())).unwrap_err());
    assert!(error.contains("key.asc is the key") && error.contains("--signatures"), "{error}");
    fs::remove_dir_all(place.path("signatures")).unwrap();
    let error = format!("{:#}", place.repo("theirs", &signed).publish(&mut |_| Ok(())).unwrap_err());
    assert!(error.contains(name) && error.contains("another key"), "{error}");
}

/// Fails if: what cannot or must not be published is, or the error does not say which file it is about and what to do.
#[test]
fn refuses_what_must_not_be_published() {
    type Spoil = fn(&Place, &mut Repo);
    let cases: &[(&str, Spoil, &[&str])] = &[
        ("unsigned", |_, repo| repo.sign_rpms = false, &["x-2.0-1.x86_64.rpm", "give --sign-rpms"]),
        (
            "another key",
            |place, _| write_key(&place.path("key.asc")),
            &["repository.json", "begin another repository"],
        ),
        (
            "the same version",
            |place, repo| repo.add = vec![place.packages("again", "1.0", "z")],
            &["x_1.0_amd64.deb", "give it another version"],
        ),
        (
            "a damaged package",
            |place, _| fs::write(place.path("2/x_2.0_amd64.deb"), "z").unwrap(),
            &["x_2.0_amd64.deb is damaged", "make it again"],
        ),
        (
            "a damaged package that is published",
            |place, _| fs::write(place.path("out/apt/pool/main/x/x/x_1.0_amd64.deb"), "z").unwrap(),
            &["x_1.0_amd64.deb is damaged", "bring back"],
        ),
        (
            "a package that is gone",
            |place, _| fs::remove_file(place.path("out/rpm/stable/Packages/x-1.0-1.x86_64.rpm")).unwrap(),
            &["x-1.0-1.x86_64.rpm", "bring back"],
        ),
        (
            "a changed index",
            |place, _| replace(&place.path("out/apt/dists/stable/InRelease"), "stable", "stabel"),
            &["InRelease cannot be believed", "changed after it was signed", "bring back"],
        ),
        (
            "a changed list",
            |place, _| replace(&place.path("out/rpm/stable/repodata/repomd.xml"), "primary", "primray"),
            &["repomd.xml", "bring back"],
        ),
        (
            "a folder that is something else",
            |place, repo| repo.dir = place.path("1"),
            &["no repository of ours", "choose another folder"],
        ),
        (
            "the repository of another product",
            |place, _| replace(&place.path("out/repository.json"), "pywats-client", "y"),
            &["repository.json", "a repository of y", "choose another folder"],
        ),
        (
            "a folder without list",
            |place, repo| repo.add = vec![place.path("out")],
            &["out has no artifacts.json", "cargo xtask dist"],
        ),
        (
            "an index for apt that was lost",
            |place, _| fs::remove_file(place.path("out/apt/dists/stable/InRelease")).unwrap(),
            &["no signed index names: apt/pool/main/x/x/x_1.0_amd64.deb", "Bring back the newest"],
        ),
        (
            "an index for dnf that was lost",
            |place, _| fs::remove_file(place.path("out/rpm/stable/repodata/repomd.xml")).unwrap(),
            &["no signed index names: rpm/stable/Packages/x-1.0-1.x86_64.rpm", "Bring back the newest"],
        ),
        (
            "a pre-release that nobody gave a suite",
            |place, repo| {
                let mut list = Artifacts::load(&place.path("2")).unwrap().unwrap();
                list.0.values_mut().for_each(|made| made.version = "2.0.0-beta.1".to_owned());
                list.write(&place.path("2")).unwrap();
                repo.suite = None;
            },
            &["is a pre-release", "--suite beta"],
        ),
        ("a suite with a path", |_, repo| repo.suite = Some("../x".to_owned()), &["--suite"]),
        (
            "a signature that is damaged",
            |place, repo| {
                // Of the first version, whose index is to be made once more.
                repo.add = vec![place.path("1")];
                for (path, _) in tree(&place.path("signatures")) {
                    if path.to_string_lossy().starts_with("apt-stable") {
                        replace(&place.path("signatures").join(path), "BEGIN PGP SIG", "BEGIN PGP GIS");
                    }
                }
            },
            &["apt-stable-", "sign anew"],
        ),
    ];
    for (name, spoil, messages) in cases {
        let place = Place::new();
        let (first, second) = (place.packages("1", "1.0", "a"), place.packages("2", "2.0", "b"));
        place.repo("out", &first).publish(&mut |_| Ok(())).unwrap();
        let mut repo = place.repo("out", &second);
        spoil(&place, &mut repo);
        let before = tree(&place.path("out"));
        let error = format!("{:#}", repo.publish(&mut |_| Ok(())).expect_err(name));
        for message in *messages {
            assert!(error.contains(message), "{name}: {error}");
        }
        assert_eq!(tree(&place.path("out")), before, "{name} changed something");
    }
}

fn replace(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{}", path.display());
    fs::write(path, text.replace(from, to)).unwrap();
}

/// Fails if: a suite of its own names the packages of another, or is found under the same names.
#[test]
fn keeps_suites_apart() {
    let place = Place::new();
    let (first, second) = (place.packages("1", "1.0", "a"), place.packages("2", "2.0", "b"));
    place.repo("out", &first).publish(&mut |_| Ok(())).unwrap();
    let before = tree(&place.path("out"));
    let mut beta = place.repo("out", &second);
    beta.suite = Some("beta".to_owned());
    beta.publish(&mut |_| Ok(())).unwrap();
    let after = tree(&place.path("out"));
    assert!(before.iter().all(|(path, digest)| after.get(path) == Some(digest)));
    assert_eq!(named(&place.path("out"), &place.key()), [1, 1]);
    let sources = fs::read_to_string(place.path("out/pywats-client-beta.sources")).unwrap();
    assert!(sources.contains("\nSuites: beta\n"), "{sources}");
}
