//! `cargo xtask release publish image` against a real registry on the loopback interface: what it has afterwards is what
//! was built, whoever reads it; broken off at every request and gone on with; and what is refused.

mod broken_off;
mod refused;
mod server;
mod tokens;
mod way;
mod workshop;

use crate::bench::Bench;
use crate::command::tool;
use crate::products::{compare, recipe};
use anyhow::{Context, Result, ensure};
use packager::digest::sha256;
use serde_json::Value;
use server::{Doors, PASSWORD, Server, USER};
use std::fs;
use std::path::{Path, PathBuf};
use tokens::Tokens;
use way::{Asked, Way};
use workshop::{PROCESSORS, Workshop, said, unpack};

/// The version whose image is small.
const SMALL: &str = workshop::VERSIONS[0];
/// The one whose image has the real programs.
const REAL: &str = workshop::VERSIONS[1];

const NEEDS: &[&str] = &["curl", "docker-registry", "openssl", "skopeo", "tar"];

/// Runs every case.
pub(crate) fn run(bench: &mut Bench) -> Result<()> {
    if let Some(program) = crate::command::missing(NEEDS) {
        bench.not_run("registry", &format!("{program} is not installed"));
        return Ok(());
    }
    let mut archives = Vec::new();
    for (_, triple) in PROCESSORS {
        archives.push(bench.artifact(&format!("-{triple}.tar.gz"))?);
    }
    let folder = bench.folder("workshop")?;
    let workshop = Workshop::open(folder.join("releases"))?;
    unpack(&archives, &folder.join("programs"))?;
    workshop.small(SMALL, SMALL)?;
    workshop.real(REAL, &folder.join("programs"))?;
    workshop.publish(SMALL)?;
    workshop.publish(REAL)?;
    bench.case("what is pushed is what skopeo reads, with a bill of materials for each processor", || {
        pushes(&workshop, &folder.join("password"))
    });
    bench.case("a registry that wants tokens gets them", || with_tokens(&workshop, &folder.join("tokens")));
    bench.case("a registry that keeps the list of bills gets no tags for them", || {
        with_lists(&workshop, &folder.join("lists"))
    });
    bench.case("tags move to what is newest, never to a pre-release, and that of a version never", || {
        tags(&workshop, &folder.join("tags"))
    });
    bench.case("what is refused says what to do, and changes nothing", || {
        refused::judge(&workshop, &folder.join("refused"))
    });
    let often = if bench.thorough { "every request, before, in the middle and after it" } else { "every fourth request" };
    let about = format!("broken off at {often}, the same comes of it, and nothing is sent twice");
    let thorough = bench.thorough;
    bench.case(&about, || broken_off::judge(&workshop, &folder.join("broken"), thorough));
    Ok(())
}

/// A registry, and the way to it.
struct Place {
    server: Server,
    way: Way,
}

impl Place {
    fn open(folder: &Path, doors: &Doors<'_>) -> Result<Place> {
        let way = Way::open(None)?;
        let server = Server::start(folder, doors)?;
        way.to(&server.socket());
        Ok(Place { server, way })
    }

    /// Pushes a version, which has to work.
    fn push(&self, workshop: &Workshop, version: &str) -> Result<String> {
        let output = workshop.push(version, &self.way.address()).output().context("starting release-tools")?;
        let said = said(&output);
        ensure!(output.status.success(), "{version} is not pushed:\n{said}");
        ensure!(!said.contains(PASSWORD), "a secret shows:\n{said}");
        Ok(said)
    }

    /// A push that is to fail.
    fn refused(&self, workshop: &Workshop, version: &str) -> Result<String> {
        let output = workshop.push(version, &self.way.address()).output().context("starting release-tools")?;
        let said = said(&output);
        ensure!(!output.status.success(), "{version} is pushed:\n{said}");
        ensure!(!said.contains(PASSWORD) && !said.contains("panicked"), "{said}");
        Ok(said)
    }

    /// Requests that change something.
    fn writes(&self) -> Vec<Asked> {
        let is_write = |asked: &Asked| !["GET", "HEAD"].contains(&asked.method.as_str());
        self.way.log().into_iter().filter(is_write).collect()
    }

    /// `docker://HOST/NAME` and what follows.
    fn name(&self, reference: &str) -> Result<String> {
        let repository = recipe()?.product.image()?.repository.clone();
        let (_, name) = repository.split_once('/').context("a repository has a registry")?;
        Ok(format!("docker://{}/{name}{reference}", self.way.host()))
    }

    /// What skopeo reads of a manifest.
    fn manifest(&self, reference: &str) -> Result<Vec<u8>> {
        let name = self.name(reference)?;
        let user = format!("{USER}:{PASSWORD}");
        let output = tool("skopeo", 60)
            .args(["--insecure-policy", "inspect", "--raw", "--tls-verify=false", "--creds", &user, &name])
            .output()?;
        ensure!(output.status.success(), "skopeo does not read {name}:\n{}", said(&output));
        Ok(output.stdout)
    }

    /// The digest of what a tag stands for, if there is one, as the registry has stored it.
    fn tag(&self, tag: &str) -> Result<Option<String>> {
        let repository = recipe()?.product.image()?.repository.clone();
        let (_, name) = repository.split_once('/').context("a repository has a registry")?;
        self.server.tag(name, tag)
    }
}

/// Fails if: what others read in the registry is not what was built, bills are not found by it or are others, a dry run
/// changes something, or a second run sends anything.
fn pushes(workshop: &Workshop, folder: &Path) -> Result<()> {
    let place = Place::open(folder, &Doors::Password)?;
    let output = workshop.push(REAL, &place.way.address()).arg("--dry-run").output()?;
    ensure!(output.status.success() && said(&output).contains("would: tagging it"), "{}", said(&output));
    ensure!(place.writes().is_empty(), "a dry run sends {:?}", place.writes());
    place.push(workshop, REAL)?;
    let (archive, digest) = workshop.image(REAL)?;
    for tag in [REAL, "200.1", "200", "latest"] {
        let found = place.tag(tag)?;
        ensure!(found.as_ref() == Some(&digest), "{tag} is {found:?}, and {digest} was built");
    }
    let read = format!("sha256:{}", sha256(&place.manifest(":latest")?));
    ensure!(read == digest, "skopeo reads {read}, and {digest} was built");
    // What comes out is what went in, to the bit.
    let user = format!("{USER}:{PASSWORD}");
    let [ours, theirs] = ["ours", "theirs"].map(|name| folder.join(name));
    for (from, to) in [
        (format!("oci-archive:{}", archive.display()), &ours),
        (place.name(&format!("@{digest}"))?, &theirs),
    ] {
        tool("skopeo", 120)
            .args(["--insecure-policy", "copy", "--all", "--quiet", "--src-tls-verify=false", "--src-creds", &user])
            .arg(from)
            .arg(format!("oci:{}:it", to.display()))
            .run()?;
    }
    let blobs = files(&ours)?;
    ensure!(blobs == files(&theirs)? && blobs.len() >= 8, "others read {blobs:?} otherwise");
    for name in blobs {
        compare(&ours.join(&name), &theirs.join(&name)).with_context(|| format!("reading {}", name.display()))?;
    }
    bills(workshop, &place)?;
    place.way.mend();
    let again = place.push(workshop, REAL)?;
    ensure!(again.contains("image: was done") && place.writes().is_empty(), "{again}\n{:?}", place.writes());
    Ok(())
}

/// The files below a folder, but for what says where each reader keeps its own.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    packager::digest::collect_files(folder, &mut files)?;
    let mut names = files.iter().map(|file| file.strip_prefix(folder).map(Path::to_owned)).collect::<Result<Vec<_>, _>>()?;
    names.retain(|name| name.starts_with("blobs"));
    names.sort();
    Ok(names)
}

/// Fails if: the list of what is about an image lacks a bill, or what it leads to is another file than was released.
fn bills(workshop: &Workshop, place: &Place) -> Result<()> {
    let index: Value = serde_json::from_slice(&place.manifest(&format!(":{REAL}"))?)?;
    let repository = recipe()?.product.image()?.repository.clone();
    let (_, name) = repository.split_once('/').context("a repository has a registry")?;
    for (processor, triple) in PROCESSORS {
        let mut images = index["manifests"].as_array().into_iter().flatten();
        let image = images.find(|one| one["platform"]["architecture"] == processor);
        let image = image.and_then(|one| one["digest"].as_str()).context("there is an image")?;
        let list: Value = serde_json::from_slice(&place.manifest(&format!(":{}", image.replace(':', "-")))?)?;
        let found = list["manifests"].as_array().context("it is a list")?;
        ensure!(found.len() == 2, "{found:?}");
        for (one, (end, kind)) in
            found.iter().zip([("cdx", "application/vnd.cyclonedx+json"), ("spdx", "application/spdx+json")])
        {
            let digest = one["digest"].as_str().context("it has a digest")?;
            let manifest: Value = serde_json::from_slice(&place.manifest(&format!("@{digest}"))?)?;
            ensure!(manifest["subject"]["digest"] == image, "{manifest} is about something else than {image}");
            ensure!(one["artifactType"] == kind && manifest["artifactType"] == kind, "{one} and {manifest}");
            let blob = manifest["layers"][0]["digest"].as_str().context("it has a file")?;
            let url = format!("{}/v2/{name}/blobs/{blob}", place.way.address());
            let user = format!("{USER}:{PASSWORD}");
            let bytes = tool("curl", 30).args(["--silent", "--fail", "--user", &user, &url]).read()?;
            let file = format!("{}-{REAL}-{triple}.{end}.json", recipe()?.product.name);
            let released = fs::read_to_string(workshop.release(REAL).join("files").join(&file))?;
            ensure!(bytes == released, "{file} is another one:\n{bytes}");
            ensure!(manifest["layers"][0]["annotations"]["org.opencontainers.image.title"] == file.as_str(), "{manifest}");
        }
    }
    Ok(())
}

/// Fails if: a registry that sends to a service for tokens is not pushed to, or a token that is not taken any more is not
/// replaced.
fn with_tokens(workshop: &Workshop, folder: &Path) -> Result<()> {
    let tokens = Tokens::make(folder)?;
    let certificate = tokens.certificate();
    let way = Way::open(Some(tokens))?;
    let realm = format!("{}/token", way.address());
    let server = Server::start(folder, &Doors::Tokens { realm: &realm, certificate: &certificate })?;
    way.to(&server.socket());
    // Another registry would say which service; this one stands in for it in the middle of the push.
    let head: &'static str =
        Box::leak(format!("WWW-Authenticate: Bearer realm=\"{realm}\",service=\"{}\"\r\n", server::SERVICE).into());
    way.fault(way::At::Next("PUT", "/blobs/uploads/"), way::Fault::Answer(401, head, "expired"));
    let place = Place { server, way };
    place.push(workshop, REAL)?;
    let asked = place.way.log().iter().filter(|asked| asked.path.starts_with("/token?")).count();
    ensure!(asked == 2, "{asked} tokens were asked for");
    let (_, digest) = workshop.image(REAL)?;
    let found = format!("sha256:{}", sha256(&place.manifest(":latest")?));
    ensure!(found == digest, "latest is {found}, and {digest} was built");
    place.way.mend();
    place.push(workshop, REAL)?;
    ensure!(place.writes().is_empty(), "{:?}", place.writes());
    Ok(())
}

/// Fails if: a registry that knows what is about an image is given tags for it, or is sent something twice.
fn with_lists(workshop: &Workshop, folder: &Path) -> Result<()> {
    let place = Place::open(folder, &Doors::Password)?;
    place.way.keep_lists();
    place.push(workshop, REAL)?;
    let tagged = place.writes().into_iter().filter(|asked| asked.path.contains("/manifests/sha256-")).count();
    ensure!(tagged == 0, "{tagged} lists are tagged");
    let before = place.writes().len();
    place.push(workshop, REAL)?;
    ensure!(place.writes().len() == before, "{:?}", &place.writes()[before..]);
    Ok(())
}

/// Fails if: after releases one after another, an older line and a pre-release among them, a tag stands for something else
/// than documented, or that of a version is moved.
fn tags(workshop: &Workshop, folder: &Path) -> Result<()> {
    let place = Place::open(folder, &Doors::Password)?;
    place.push(workshop, REAL)?;
    for version in &workshop::VERSIONS[2..] {
        workshop.small(version, version)?;
        workshop.publish(version)?;
        place.push(workshop, version)?;
        let (_, digest) = workshop.image(version)?;
        ensure!(place.tag(version)? == Some(digest), "{version} is something else");
    }
    let expected = [
        ("200.1", "200.1.2"),
        ("200.2", "200.2.1"),
        ("200", "200.2.1"),
        ("201.0", "201.0.0"),
        ("201", "201.0.0"),
        ("latest", "201.0.0"),
    ];
    let judge = || -> Result<()> {
        for (tag, version) in expected {
            let (_, digest) = workshop.image(version)?;
            let found = place.tag(tag)?;
            ensure!(found == Some(digest), "{tag} is {found:?}, and is to be {version}");
        }
        Ok(())
    };
    judge()?;
    ensure!(place.tag("201.1")?.is_none(), "a pre-release has a tag that people follow");
    // An older one again, and one that became another image.
    place.way.mend();
    place.push(workshop, REAL)?;
    ensure!(place.writes().is_empty(), "{:?}", place.writes());
    judge()?;
    let last = workshop::VERSIONS[workshop::VERSIONS.len() - 1];
    let before = place.server.state()?;
    workshop.small(last, "something else")?;
    let said = place.refused(workshop, last)?;
    ensure!(said.contains("what was published never changes") && said.contains("release what was changed as a new version"), "{said}");
    ensure!(place.server.state()? == before, "an image that was refused changed something");
    workshop.small(last, last)?;
    judge()
}
