//! `cargo xtask repo`: real apt and real dnf get the packages from the folder that it makes, over HTTP, and refuse
//! whatever was changed in it; at whichever file its publication stops, both find all that its indexes name.

mod apt;
mod dnf;
mod server;
pub(super) mod workshop;

use crate::bench::Bench;
use crate::command::{said, tool};
use crate::products::compare;
use crate::scratch;
use crate::suites::dist;
use anyhow::{Context, Result, ensure};
use apt::Apt;
use dnf::Dnf;
use std::fs;
use std::path::{Path, PathBuf};
use workshop::{ARCH, HIGHER, PASSWORD, Workshop, change, only, put, tree};

/// Where the indexes for this machine are.
const SUITE: &str = "apt/dists/stable";
const LISTS: &str = "rpm/stable/repodata";

/// Makes repositories of the given packages, and uses them.
pub(crate) fn run(bench: &mut Bench) -> Result<()> {
    let built = bench.case("`cargo xtask repo --help` builds the program and tells its options", || {
        let help = tool(dist::xtask(), 900).args(["repo", "--help"]).read()?;
        ensure!(help.contains("--sign-rpms") && help.contains("--attach"), "{help}");
        Ok(())
    });
    if !built {
        bench.not_run("repositories", "the program could not be built");
        return Ok(());
    }
    let folder = bench.folder("workshop")?;
    let workshop = &Workshop::open(bench, &folder)?;
    workshop.publish("repository", "given", "key")?;
    workshop.server.serve(&workshop.path("repository"));
    bench.case("gpgv, sqv, rpmkeys and createrepo_c agree", || agree(workshop));
    bench.case("apt installs and upgrades", || apt_installs(workshop, &folder.join("apt")));
    for (name, spoil, words) in APT {
        let place = folder.join(format!("apt-{}", name.replace(' ', "-")));
        bench.case(&format!("apt refuses {name}"), || {
            let spoilt = spoil(workshop, &place.with_extension("repository"))?;
            workshop.server.serve(&spoilt);
            Apt::new(&place, &workshop.path("repository"))?.refuses(&workshop.given("deb")?, words)
        });
    }
    if scratch::is_root()? {
        if bench.thorough {
            bench.case("the apt of Debian 13 installs, and refuses what apt has to refuse", || {
                newer_apt(workshop, &folder.join("trixie"))
            });
        }
        bench.case("dnf installs and upgrades", || dnf_installs(workshop, &folder.join("dnf")));
        for (name, spoil, words) in DNF {
            let place = folder.join(format!("dnf-{}", name.replace(' ', "-")));
            bench.case(&format!("dnf refuses {name}"), || {
                let spoilt = spoil(workshop, &place.with_extension("repository"))?;
                workshop.server.serve(&spoilt);
                Dnf::new(&place, &workshop.path("repository"), &workshop.stand_in)?.refuses(words)
            });
        }
        bench.case("dnf refuses packages that are not signed by the key, whatever vouches for the index", || {
            dnf_checks_packages(workshop, &folder.join("dnf-packages"))
        });
    } else {
        bench.not_run("dnf", "only root can install RPMs into a folder; run this as root");
    }
    bench.case("publication stopped after each file: clients find all that the indexes name", || {
        stopped(workshop, &folder)
    });
    bench.case("the same bits from stored signatures, without the key", || attached(workshop));
    bench.case("an RSA key behind a signing command", || by_command(workshop));
    bench.case("keys that cannot be used are refused, and no secret shows", || useless_keys(workshop));
    Ok(())
}

impl Workshop {
    /// The given package for this machine, as it is in the first repository.
    fn given(&self, format: &str) -> Result<PathBuf> {
        match format {
            "deb" => only(&self.path("repository/apt/pool"), &format!("_{}.deb", ARCH[0])),
            _ => only(&self.path("repository/rpm"), &format!(".{}.rpm", ARCH[1])),
        }
    }
}

/// Fails if: other programs do not believe a signature, or describe the packages otherwise.
fn agree(workshop: &Workshop) -> Result<()> {
    let repository = workshop.path("repository");
    let keyring = workshop.path("key.gpg");
    let release = repository.join(SUITE);
    let repomd = repository.join(LISTS).join("repomd.xml");
    let signed = [
        (release.join("Release.gpg"), release.join("Release")),
        (repomd.with_extension("xml.asc"), repomd),
    ];
    for (signature, file) in signed {
        tool("gpgv", 30).arg("--keyring").arg(&keyring).arg(&signature).arg(&file).run()?;
        tool("sqv", 30).arg("--keyring").arg(&keyring).arg(&signature).arg(&file).run()?;
    }
    tool("gpgv", 30).arg("--keyring").arg(&keyring).arg(release.join("InRelease")).run()?;
    let database = workshop.path("rpmdb");
    let rpmkeys = || tool("rpmkeys", 60).arg("--dbpath").arg(&database);
    rpmkeys().arg("--import").arg(workshop.path("key.pub.asc")).run()?;
    let packages = workshop.path("createrepo");
    fs::create_dir_all(&packages)?;
    for (path, _) in tree(&repository.join("rpm/stable/Packages"))? {
        let package = repository.join("rpm/stable/Packages").join(&path);
        let judged = rpmkeys().arg("--checksig").arg(&package).read()?;
        ensure!(judged.contains("digests signatures OK"), "{judged}");
        fs::copy(&package, packages.join(path))?;
    }
    let compress = ["--quiet", "--no-database", "--general-compress-type", "gz"];
    tool("createrepo_c", 60).args(compress).arg(&packages).run()?;
    for list in ["-primary.xml.gz", "-filelists.xml.gz"] {
        let read = |folder: &Path| -> Result<Vec<String>> {
            let text = tool("gzip", 30).args(["-dc"]).arg(only(folder, list)?).read()?;
            // When and where it found the files is its own.
            let lines = text.lines().map(str::trim).filter(|line| !line.starts_with("<time file="));
            Ok(lines.map(|line| line.replace("href=\"Packages/", "href=\"")).collect())
        };
        let (ours, theirs) = (read(&repository.join(LISTS))?, read(&packages.join("repodata"))?);
        for (some, others, whose) in [(&theirs, &ours, "createrepo_c"), (&ours, &theirs, "our tool")] {
            let more = some.iter().find(|line| !others.contains(line));
            ensure!(more.is_none(), "only {whose} has this in *{list}: {more:?}");
        }
    }
    Ok(())
}

/// Fails if: apt does not find the package, gets other bits, or does not learn of a higher version.
fn apt_installs(workshop: &Workshop, folder: &Path) -> Result<()> {
    let repository = workshop.copy("repository", "growing-apt")?;
    workshop.server.serve(&repository);
    let client = Apt::new(folder, &repository)?;
    client.update()?;
    let given = workshop.given("deb")?;
    client.fetch(&given)?;
    client.has_installed(Some(&given))?;
    let nothing = client.upgrade()?;
    ensure!(!nothing.contains("Inst "), "apt upgrades to the same version\n{nothing}");
    workshop.publish("growing-apt", "higher", "key")?;
    client.update()?;
    let upgrade = client.upgrade()?;
    ensure!(upgrade.contains("Inst pywats-client [") && upgrade.contains(HIGHER), "{upgrade}");
    client.has_installed(None)?;
    client.fetch(&only(&workshop.path("higher"), ".deb")?)
}

/// Fails if: apt 3, whose sqv is stricter than gpgv, does not take the package, or takes what was spoilt.
fn newer_apt(workshop: &Workshop, folder: &Path) -> Result<()> {
    let given = workshop.given("deb")?;
    let client = apt::Newer::new(folder, &workshop.path("repository"))?;
    workshop.server.serve(&workshop.path("repository"));
    client.fetch(&given)?;
    for (name, spoil, _) in APT {
        let place = workshop.path(&format!("newer-{}", name.replace(' ', "-")));
        workshop.server.serve(&spoil(workshop, &place)?);
        ensure!(client.fetch(&given).is_err(), "it takes {name}");
    }
    workshop.server.serve(&workshop.path("repository"));
    client.fetch(&given)
}

/// Fails if: dnf does not install the package, or does not upgrade it.
fn dnf_installs(workshop: &Workshop, folder: &Path) -> Result<()> {
    let repository = workshop.copy("repository", "growing-dnf")?;
    workshop.server.serve(&repository);
    let client = Dnf::new(folder, &repository, &workshop.stand_in)?;
    client.install(&["install"])?;
    let version = client.installed()?;
    ensure!(version != HIGHER, "the given package has the version {version}");
    workshop.publish("growing-dnf", "higher", "key")?;
    client.install(&["--refresh", "upgrade"])?;
    let version = client.installed()?;
    ensure!(version == HIGHER, "after the upgrade, {version} is installed");
    Ok(())
}

/// Makes a spoilt copy of the repository at a place.
type Spoil = fn(&Workshop, &Path) -> Result<PathBuf>;

fn copy_to(workshop: &Workshop, place: &Path) -> Result<PathBuf> {
    let name = place.file_name().context("a repository has a name")?.to_string_lossy().into_owned();
    workshop.copy("repository", &name)
}

/// The repository of somebody else who has the same packages.
fn by_another_key(workshop: &Workshop, place: &Path) -> Result<PathBuf> {
    let name = place.file_name().context("a repository has a name")?.to_string_lossy().into_owned();
    workshop.publish(&name, "given", "other")?;
    Ok(place.to_owned())
}

/// What apt has to refuse, and what it may say.
const APT: &[(&str, Spoil, &[&str])] = &[
    (
        "a changed package",
        |workshop, place| {
            let repository = copy_to(workshop, place)?;
            change(&only(&repository.join("apt/pool"), &format!("_{}.deb", ARCH[0]))?)?;
            Ok(repository)
        },
        &["Hash Sum mismatch"],
    ),
    (
        "a changed index",
        |workshop, place| {
            let repository = copy_to(workshop, place)?;
            for (path, _) in tree(&repository.join(SUITE).join("main"))? {
                change(&repository.join(SUITE).join("main").join(path))?;
            }
            Ok(repository)
        },
        &["Hash Sum mismatch"],
    ),
    (
        "a changed list of indexes",
        |workshop, place| {
            let repository = copy_to(workshop, place)?;
            let path = repository.join(SUITE).join("InRelease");
            let text = fs::read_to_string(&path)?;
            put(&path, text.replace("Label: pyWATS", "Label: pyRATS").as_bytes())?;
            Ok(repository)
        },
        &["invalid signature", "BADSIG", "is not signed", "Bad signature"],
    ),
    (
        "a changed signature",
        |workshop, place| {
            let repository = copy_to(workshop, place)?;
            fs::remove_file(repository.join(SUITE).join("InRelease"))?;
            let release = repository.join(SUITE).join("Release");
            put(&release, fs::read_to_string(&release)?.replace("Label: pyWATS", "Label: pyRATS").as_bytes())?;
            Ok(repository)
        },
        &["invalid signature", "BADSIG", "is not signed", "Bad signature"],
    ),
    (
        "an unsigned repository",
        |workshop, place| {
            let repository = copy_to(workshop, place)?;
            for name in ["InRelease", "Release.gpg"] {
                fs::remove_file(repository.join(SUITE).join(name))?;
            }
            Ok(repository)
        },
        &["is not signed"],
    ),
    ("a repository by another key", by_another_key, &["NO_PUBKEY", "is not signed", "Missing key"]),
];

/// What dnf has to refuse, and what it may say.
const DNF: &[(&str, Spoil, &[&str])] = &[
    (
        "a changed package",
        |workshop, place| {
            let repository = copy_to(workshop, place)?;
            change(&only(&repository.join("rpm"), &format!(".{}.rpm", ARCH[1]))?)?;
            Ok(repository)
        },
        &["hecksum"],
    ),
    (
        "a changed list",
        |workshop, place| {
            let repository = copy_to(workshop, place)?;
            change(&only(&repository.join(LISTS), "-primary.xml.gz")?)?;
            Ok(repository)
        },
        &["hecksum"],
    ),
    (
        "a changed index",
        |workshop, place| {
            let repository = copy_to(workshop, place)?;
            let path = repository.join(LISTS).join("repomd.xml");
            put(&path, fs::read_to_string(&path)?.replace("<revision>1", "<revision>2").as_bytes())?;
            Ok(repository)
        },
        &["GPG", "signature"],
    ),
    (
        "an unsigned index",
        |workshop, place| {
            let repository = copy_to(workshop, place)?;
            fs::remove_file(repository.join(LISTS).join("repomd.xml.asc"))?;
            Ok(repository)
        },
        &["repomd.xml.asc"],
    ),
    (
        "an index by another key",
        |workshop, place| {
            let repository = by_another_key(workshop, place)?;
            // Who has only the web server cannot change the key either, that clients have taken; here they have not yet.
            put(&repository.join("pywats-client.asc"), &fs::read(workshop.path("key.pub.asc"))?)?;
            Ok(repository)
        },
        &["GPG", "signature"],
    ),
];

/// Fails if: dnf installs an RPM that somebody else signed, or nobody, from an index that it believes.
fn dnf_checks_packages(workshop: &Workshop, folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    let unsigned = folder.join("unsigned");
    for (name, repository) in [("theirs", by_another_key(workshop, &workshop.path("by-another"))?), ("nobody", unsigned)] {
        let lists = repository.join("rpm/stable");
        if name == "nobody" {
            fs::create_dir_all(&lists)?;
            let rpm = only(&workshop.path("given"), &format!(".{}.rpm", ARCH[1]))?;
            fs::copy(&rpm, lists.join(rpm.file_name().context("a package has a name")?))?;
            tool("createrepo_c", 60).arg("--quiet").arg(&lists).run()?;
        }
        put(&repository.join("pywats-client.asc"), &fs::read(workshop.path("key.pub.asc"))?)?;
        workshop.server.serve(&repository);
        let client = Dnf::new(&folder.join(name), &workshop.path("repository"), &workshop.stand_in)?;
        client.believe_any_index()?;
        client.refuses(&["GPG check FAILED", "is not signed"])?;
    }
    Ok(())
}

/// Fails if: after any file of a publication, a client that knows the old index does not find what it names, one that
/// comes then finds half of something, or an index appears before what it names.
fn stopped(workshop: &Workshop, folder: &Path) -> Result<()> {
    workshop.copy("repository", "whole")?;
    let order = workshop.publish("whole", "higher", "key")?;
    let whole = workshop.path("whole");
    let last = |folder: &str| order.iter().rfind(|path| path.starts_with(folder)).map(String::as_str);
    ensure!(
        last("apt/") == Some(&format!("{SUITE}/InRelease")) && last("rpm/") == Some(&format!("{LISTS}/repomd.xml")),
        "the entries are not the last: {order:?}"
    );
    let stage = workshop.copy("repository", "stage")?;
    workshop.server.serve(&stage);
    let debs = [workshop.given("deb")?, only(&workshop.path("higher"), ".deb")?];
    let old = Apt::new(&folder.join("old-apt"), &stage)?;
    old.update()?;
    let root = scratch::is_root()?;
    let dnf = root.then(|| Dnf::new(&folder.join("old-dnf"), &stage, &workshop.stand_in)).transpose()?;
    let fresh_dnf = root.then(|| Dnf::new(&folder.join("new-dnf"), &stage, &workshop.stand_in)).transpose()?;
    if let Some(dnf) = &dnf {
        dnf.fetch()?;
    }
    for (number, path) in order.iter().enumerate() {
        let target = stage.join(path);
        fs::create_dir_all(target.parent().context("a file has a folder")?)?;
        put(&target, &fs::read(whole.join(path))?)?;
        let step = || -> Result<()> {
            if path.starts_with("apt/") {
                let fresh = Apt::new(&folder.join(format!("new-apt-{number}")), &stage)?;
                fresh.update()?;
                fresh.fetch(if path.ends_with("/InRelease") { &debs[1] } else { &debs[0] })?;
                old.clone_to(&folder.join(format!("old-apt-{number}")), &stage)?.fetch(&debs[0])?;
            } else if let (true, Some(dnf), Some(fresh)) = (path.starts_with("rpm/"), &dnf, &fresh_dnf) {
                fresh.forget()?;
                // Index and signature are two files, and no folder can turn both at once: between them, a client that
                // comes then has to wait, and takes nothing.
                if path.ends_with("/repomd.xml.asc") {
                    fresh.refuses(&["GPG", "signature"])?;
                } else {
                    fresh.fetch()?;
                }
                dnf.fetch()?;
            }
            Ok(())
        };
        step().with_context(|| format!("stopped after {path}"))?;
    }
    ensure!(tree(&stage)? == without_signatures(tree(&whole)?, &tree(&stage)?), "a file was not named");
    Ok(())
}

/// A tree without those stored signatures that the other one does not have.
fn without_signatures(
    mut all: std::collections::BTreeMap<PathBuf, String>,
    other: &std::collections::BTreeMap<PathBuf, String>,
) -> std::collections::BTreeMap<PathBuf, String> {
    all.retain(|path, _| !path.starts_with("signatures") || other.contains_key(path));
    all
}

/// Fails if: the stored signatures do not give the same bits, or a run too many changes anything.
fn attached(workshop: &Workshop) -> Result<()> {
    workshop.copy("repository", "signed")?;
    workshop.publish("signed", "higher", "key")?;
    let signed = tree(&workshop.path("signed"))?;
    let again = workshop.publish("signed", "higher", "key")?;
    ensure!(again.is_empty() && tree(&workshop.path("signed"))? == signed, "a second run wrote {again:?}");
    for add in ["given", "higher"] {
        let url = workshop.server.url();
        workshop.repo("attached", add).args(["--url", &url, "--attach"]).arg(workshop.path("signed/signatures")).run()?;
    }
    let attached = tree(&workshop.path("attached"))?;
    for (path, _) in signed.iter().filter(|(path, _)| !path.starts_with("signatures")) {
        ensure!(attached.contains_key(path), "{} is missing", path.display());
        compare(&workshop.path("signed").join(path), &workshop.path("attached").join(path))?;
    }
    ensure!(attached.keys().all(|path| signed.contains_key(path)), "there are more files than were signed");
    Ok(())
}

/// Fails if: a key of the kind that Enterprise Linux 8 wants, behind a command, does not sign what others believe.
fn by_command(workshop: &Workshop) -> Result<()> {
    workshop.make_key("rsa", "rsa4096", &["2y"], "")?;
    let run = "[\"gpg\", \"--batch\", \"--homedir\", \"gnupg\", \"--local-user\", \"rsa@example.com\", \
               \"--digest-algo\", \"SHA512\", \"--output\", \"{out}\", \"--{mode}\", \"{in}\"]";
    workshop.settings("rsa", &format!("[key.command]\npublic = \"rsa.pub.asc\"\nrun = {run}\n"))?;
    workshop.publish("rsa", "given", "rsa")?;
    let release = workshop.path("rsa").join(SUITE);
    let gpgv = || tool("gpgv", 30).arg("--keyring").arg(workshop.path("rsa.gpg"));
    gpgv().arg(release.join("InRelease")).run()?;
    gpgv().arg(release.join("Release.gpg")).arg(release.join("Release")).run()?;
    let database = workshop.path("rpmdb-rsa");
    let rpmkeys = || tool("rpmkeys", 60).arg("--dbpath").arg(&database);
    rpmkeys().arg("--import").arg(workshop.path("rsa.pub.asc")).run()?;
    let rpm = only(&workshop.path("rsa/rpm"), &format!(".{}.rpm", ARCH[1]))?;
    let judged = rpmkeys().arg("--checksig").arg(rpm).read()?;
    ensure!(judged.contains("digests signatures OK"), "{judged}");
    // SHA-1 is refused, whoever made it.
    let weak = run.replace("SHA512", "SHA1");
    workshop.settings("weak", &format!("[key.command]\npublic = \"rsa.pub.asc\"\nrun = {weak}\n"))?;
    refused(workshop, "weak", &["Sha1", "SHA-256"])
}

/// Fails if: a key that nobody would believe signs, or an error does not say what is wrong, or shows the password.
fn useless_keys(workshop: &Workshop) -> Result<()> {
    let past = ["1d", "--faked-system-time", "20200101T000000"];
    workshop.make_key("expired", "ed25519", &past, "")?;
    workshop.make_key("short", "rsa2048", &["2y"], "")?;
    fs::write(workshop.path("wrong"), "not-the-pAssword\n")?;
    for (name, key, words) in [
        ("expired", "[key.file]\nsecret = \"expired.asc\"\n", ["expired on 2020-01-02", "--quick-set-expire"]),
        ("short", "[key.file]\nsecret = \"short.asc\"\n", ["2048 bits", "RSA with 4096"]),
        (
            "wrong",
            "[key.file]\nsecret = \"key.asc\"\npassword = { file = \"wrong\" }\n",
            ["the password does not open", "key.asc"],
        ),
        ("public", "[key.file]\nsecret = \"key.pub.asc\"\n", ["no armored secret key", "--export-secret-keys"]),
        ("plain", "[key.file]\nsecret = \"key.asc\"\npassword = \"hush-4711-pAssword\"\n", ["line 4", "not what"]),
    ] {
        workshop.settings(name, key)?;
        refused(workshop, name, &words)?;
    }
    Ok(())
}

/// Fails if: a repository is made by the settings of this name, or the error does not have all these words.
fn refused(workshop: &Workshop, name: &str, words: &[&str]) -> Result<()> {
    let config = workshop.path(&format!("{name}.toml"));
    let dir = format!("refused-{name}");
    let output = workshop.repo(&dir, "given").arg("--sign-rpms").arg("--config").arg(config).output()?;
    let text = said(&output);
    ensure!(!output.status.success(), "the settings {name} were accepted\n{text}");
    ensure!(words.iter().all(|word| text.contains(word)), "{name}: {text}");
    ensure!(!text.contains(PASSWORD) && !text.contains("pAssword"), "the password shows: {text}");
    ensure!(!workshop.path(&dir).join(SUITE).exists(), "{name}: something was published");
    Ok(())
}
