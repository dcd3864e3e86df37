//! The container image in its registry: blobs, manifests and bills of materials by their digests, and only when all of
//! that is there the tags by which people ask for it.
//!
//! What the registry says is the truth, as with GitHub: a run that was broken off is gone on with by the next. The tag of
//! a version never moves. `1.2`, `1` and `latest` move to what is newest of each, and never to a pre-release.

mod answer;
mod bills;
mod challenge;
mod layout;
mod registry;

use super::settings::{self, Settings};
use super::{Context as Run, Outcome, sealed};
use crate::wire::is_loopback;
use anyhow::{Context, Result, bail, ensure};
use bills::{Bill, EMPTY, digest_of, tag_of};
use layout::Layout;
use packager::{Artifacts, Version, artifacts::LIST};
use registry::{Account, Registry};
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::fs;

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// The image, in `artifacts.toml`.
const ARTIFACT: &str = "image";

/// The address of the registry: the one that the product names, or one of this machine in a rehearsal.
///
/// # Errors
/// If a rehearsal would push to everybody's registry, or a release to that of a rehearsal.
pub(crate) fn address(repository: &str, rehearsal: Option<&str>, api: &str) -> Result<Option<String>> {
    match (rehearsal, is_loopback(api)) {
        (Some(address), true) => {
            ensure!(is_loopback(address), "--registry {address} is to be an address of this machine");
            Ok(Some(address.to_owned()))
        }
        (Some(_), false) => bail!(
            "--registry is for rehearsals: where the image is published, packaging/product.toml says ([image] repository)"
        ),
        (None, true) => Ok(None),
        (None, false) => Ok(Some(format!("https://{}", split(repository)?.0))),
    }
}

/// Registry and name of a repository.
fn split(repository: &str) -> Result<(&str, &str)> {
    let parts = repository.split_once('/').filter(|(host, name)| host.contains('.') && !name.is_empty());
    parts.with_context(|| {
        format!("[image] repository {repository:?} in packaging/product.toml is to be REGISTRY/NAME")
    })
}

/// Pushes the image, or finds that it was.
///
/// # Errors
/// If something is not as it has to be. Until everything is there, no tag says so.
pub(crate) fn push(
    run: &Run<'_>,
    settings: &Settings,
    image: &settings::Image,
    registry: Option<&str>,
    published: &[Version],
) -> Result<Outcome> {
    let repository = &run.product.image()?.repository;
    let Some(address) = address(repository, registry, run.http.api())? else {
        let what = "a rehearsal pushes to a registry of this machine only: name one by --registry";
        return Ok(Outcome::not_for_this(what.to_owned()));
    };
    let account = match settings.image_token(image) {
        Ok(token) => Some(Account { user: image.user.clone(), token }),
        Err(_) if run.dry => None,
        Err(error) => return Err(error),
    };
    let folder = run.files();
    let files = sealed::read(&folder)?;
    let list = Artifacts::load(&folder)?.with_context(|| format!("{} has no {LIST}", folder.display()))?;
    let (name, _) = list.of_row(ARTIFACT).with_context(|| format!("{LIST} has no artifact {ARTIFACT}"))?;
    let file = files.get(name).with_context(|| format!("{name} is missing, and {LIST} names it"))?;
    let doing = || format!("reading the image {}", file.path.display());
    let layout = fs::read(&file.path).map_err(Into::into).and_then(|bytes| Layout::read(&bytes));
    let layout = layout.with_context(doing)?;
    let tag = run.version.to_string();
    let expected = format!("{repository}:{tag}");
    ensure!(
        layout.name == expected,
        "{} is {}, and is to be {expected}: build the release again",
        file.path.display(),
        layout.name
    );
    let bills = bills::of_image(&folder, &files, &layout, ARTIFACT)?;
    let name = split(repository)?.1;
    let push = Push {
        run,
        registry: Registry::new(&address, name, account)?,
        layout,
        bills,
        there: RefCell::default(),
        sent: Cell::new((0, 0)),
        is_changed: Cell::new(false),
    };
    let host = address.split_once("://").map_or(&*address, |(_, host)| host);
    push.all(&tag, &moving(run.version, published), repository)
        .with_context(|| format!("pushing the image {tag} to {host}/{name}"))
}

/// The tags that are to move to a version, of those that are published.
fn moving(version: Version, published: &[Version]) -> Vec<String> {
    if version.is_pre_release() {
        return Vec::new();
    }
    let triple = version.triple();
    let minor = triple.rsplit_once('.').map_or(&*triple, |(minor, _)| minor);
    let major = minor.split('.').next().unwrap_or(minor);
    let is_newest = |line: &str| {
        let is_of_line = |other: &Version| other.triple().starts_with(line);
        !published.iter().any(|other| *other > version && is_of_line(other))
    };
    let tags = [(minor, format!("{minor}.")), (major, format!("{major}.")), ("latest", String::new())];
    tags.into_iter().filter(|(_, line)| is_newest(line)).map(|(tag, _)| tag.to_owned()).collect()
}

/// See the [module](self).
struct Push<'a> {
    run: &'a Run<'a>,
    registry: Registry,
    layout: Layout,
    bills: Vec<Bill>,
    /// The blobs that are there, as far as is known.
    there: RefCell<BTreeSet<String>>,
    /// Blobs that were sent, and their bytes.
    sent: Cell<(usize, usize)>,
    /// Whether anything was, or in a dry run would be.
    is_changed: Cell<bool>,
}

impl Push<'_> {
    fn all(&self, tag: &str, moving: &[String], repository: &str) -> Result<Outcome> {
        let index = &self.layout.index;
        let has = self.registry.digest_of(tag)?;
        if let Some(has) = has.as_ref().filter(|has| **has != index.digest) {
            bail!(
                "there is {tag} already, and it is another image ({has}, and this one is {}): what was published never changes; release what was changed as a new version",
                index.digest
            );
        }
        self.image()?;
        for bill in &self.bills {
            self.attach(bill).with_context(|| format!("attaching {}", bill.file))?;
        }
        if !(self.run.dry && self.is_changed.get()) {
            self.read_back()?;
        }
        // Only now anybody can find it.
        let tags = [&[tag.to_owned()], moving].concat();
        for tag in &tags {
            self.tag(tag)?;
        }
        let (blobs, bytes) = self.sent.get();
        let is = format!("{repository} has {} as {}", index.digest, tags.join(", "));
        Ok(match (self.is_changed.get(), self.run.dry) {
            (false, _) => Outcome::was_done(is, ""),
            (true, true) => Outcome::would(format!("push {} as {}", index.digest, tags.join(", "))),
            (true, false) => Outcome::done(format!("{is}; {blobs} blobs were sent, {bytes} bytes"), ""),
        })
    }

    /// What is to be done; whether it is done.
    fn doing(&self, what: &str) -> bool {
        self.is_changed.set(true);
        self.run.say(what);
        !self.run.dry
    }

    fn blob(&self, digest: &str, bytes: &[u8]) -> Result<()> {
        // What all have in common is asked for once.
        if !self.there.borrow_mut().insert(digest.to_owned())
            || self.registry.has_blob(digest, bytes.len())?
        {
            return Ok(());
        }
        if self.doing(&format!("sending {digest} ({} bytes)", bytes.len())) {
            self.registry.push_blob(digest, bytes)?;
            let (blobs, all) = self.sent.get();
            self.sent.set((blobs + 1, all + bytes.len()));
        }
        Ok(())
    }

    /// The image of each processor, then the index of them, by their digests.
    fn image(&self) -> Result<()> {
        // A registry takes no manifest before it has everything that the manifest names. One that has the manifest may
        // all the same have lost the rest.
        for single in &self.layout.singles {
            for blob in &single.blobs {
                self.blob(&blob.digest, self.layout.blob(blob)?)?;
            }
            self.store(&single.manifest, &format!("image for {}", single.architecture))?;
        }
        self.store(&self.layout.index, "image for all processors")
    }

    /// What everybody would read, as the registry delivers it.
    fn read_back(&self) -> Result<()> {
        let singles = self.layout.singles.iter().map(|single| single.manifest.digest.clone());
        let bills = self.bills.iter().map(Bill::digest);
        for digest in singles.chain(bills).chain([self.layout.index.digest.clone()]) {
            let found = self.registry.manifest(&digest)?;
            ensure!(
                found.is_some(),
                "it does not have {digest}, which was there just now: run this again, it sends what is missing"
            );
        }
        Ok(())
    }

    fn store(&self, descriptor: &layout::Descriptor, what: &str) -> Result<()> {
        if self.registry.digest_of(&descriptor.digest)?.is_some() {
            return Ok(());
        }
        if self.doing(&format!("storing the {what}, {}", descriptor.digest)) {
            let bytes = self.layout.blob(descriptor)?;
            self.registry.store(&descriptor.digest, &descriptor.media_type, bytes)?;
        }
        Ok(())
    }

    /// A bill, and that it is found.
    fn attach(&self, bill: &Bill) -> Result<()> {
        let digest = bill.digest();
        let listed = self.registry.referrers(&bill.subject)?;
        let mut is_listed = listed.is_some_and(|listed| listed.contains(&digest));
        self.blob(&digest_of(EMPTY), EMPTY)?;
        self.blob(&digest_of(&bill.bytes), &bill.bytes)?;
        if self.registry.digest_of(&digest)?.is_none()
            && self.doing(&format!("attaching {} to {}", bill.file, bill.subject))
        {
            is_listed |= self.registry.store(&digest, MANIFEST, &bill.manifest)?;
        }
        if is_listed {
            return Ok(());
        }
        let tag = tag_of(&bill.subject);
        let list = self.registry.manifest(&tag)?;
        let list = bill.listed(list.as_deref()).with_context(|| format!("looking at the tag {tag}"))?;
        if let Some(list) = list
            && self.doing(&format!("listing {} by the tag {tag}", bill.file))
        {
            self.registry.store(&tag, INDEX, &list)?;
        }
        Ok(())
    }

    fn tag(&self, tag: &str) -> Result<()> {
        let index = &self.layout.index;
        if self.registry.digest_of(tag)?.as_ref() == Some(&index.digest) {
            return Ok(());
        }
        if self.doing(&format!("tagging it {tag}")) {
            self.registry.store(tag, &index.media_type, self.layout.blob(index)?)?;
            let has = self.registry.digest_of(tag)?;
            ensure!(
                has.as_ref() == Some(&index.digest),
                "the tag {tag} is {has:?} although {} was stored: somebody else pushes at the same time; wait until that run has ended, then run this again",
                index.digest
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::str::FromStr;

    /// Fails if: a tag that people follow goes to a pre-release, or back to something older.
    #[test]
    fn moves_tags_to_what_is_newest() {
        for (version, published, expected) in [
            ("1.0.0", &["1.0.0"][..], &["1.0", "1", "latest"][..]),
            ("1.0.0", &[], &["1.0", "1", "latest"]),
            ("1.0.1", &["1.0.0", "1.0.1"], &["1.0", "1", "latest"]),
            ("1.0.1", &["1.0.0", "1.1.0", "1.0.1"], &["1.0"]),
            ("1.0.0", &["1.0.0", "1.0.1"], &[]),
            ("1.1.0", &["1.10.0", "2.0.0"], &["1.1"]),
            ("1.10.0", &["1.2.0", "11.0.0"], &["1.10", "1"]),
            ("2.0.0-rc.1", &["1.0.0"], &[]),
            ("0.1.0", &[], &["0.1", "0", "latest"]),
        ] {
            let version = Version::from_str(version).unwrap();
            let published: Vec<_> = published.iter().map(|text| Version::from_str(text).unwrap()).collect();
            assert_eq!(moving(version, &published), expected, "{version} of {published:?}");
        }
    }

    /// Fails if: a rehearsal pushes to everybody's registry, or a release to another than the product's.
    #[test]
    fn pushes_where_it_must() {
        let (real, here) = ("https://api.github.com", "http://127.0.0.1:1");
        let ours = "ghcr.io/virinco/pywats-client";
        for (repository, rehearsal, api, expected) in [
            (ours, None, real, Some(Some("https://ghcr.io"))),
            (ours, None, here, Some(None)),
            (ours, Some("http://127.0.0.1:5000"), here, Some(Some("http://127.0.0.1:5000"))),
            (ours, Some("http://127.0.0.1:5000"), real, None),
            (ours, Some("https://ghcr.io"), here, None),
            ("virinco/pywats-client", None, real, None),
        ] {
            let found = address(repository, rehearsal, api);
            let expected = expected.map(|address| address.map(str::to_owned));
            assert_eq!(found.as_ref().ok(), expected.as_ref(), "{repository} {rehearsal:?} {api}: {found:?}");
        }
    }
}
