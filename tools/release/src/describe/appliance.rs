//! What is on the disk of an appliance: Debian's packages, as the lock in `packaging/appliance` has them, and the client.
//!
//! The formats of a disk have the same content, so there is one bill for all of them. The package URLs are those by which
//! scanners find what Debian has published about a package: with the release of Debian, and with the source package where it
//! has another name ([deb](https://github.com/package-url/purl-spec/blob/main/types-doc/deb-definition.md)). Which licence a
//! package has stands on the disk and not in the lock.

use super::Checkout;
use super::bill::{Bill, Component, NO_LICENSE};
use super::release::{Release, Subject};
use anyhow::{Context, Result};
use appliance::lock::{Lock, Package};
use appliance::root;
use appliance::system::{SYSTEMS, System};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

/// The bill of each system that the release has a disk for, made of those of its programs.
///
/// # Errors
/// If its lock cannot be read, or its client has no bill.
pub(super) fn bills(
    checkout: &Checkout,
    release: &Release,
    programs: &[(Bill, Subject)],
) -> Result<Vec<(Bill, Subject)>> {
    let bill = |system| bill(checkout, release, programs, system).transpose();
    SYSTEMS.iter().filter_map(bill).collect()
}

fn bill(
    checkout: &Checkout,
    release: &Release,
    programs: &[(Bill, Subject)],
    system: &System,
) -> Result<Option<(Bill, Subject)>> {
    let rows = checkout.rows.appliances().iter().filter(|row| row.system == system.name);
    let disks: Vec<_> = rows.filter_map(|row| Some((row, release.artifacts.of_row(&row.name)?))).collect();
    let Some((row, _)) = disks.first() else { return Ok(None) };
    let path = checkout.root.join("packaging/appliance").join(system.lock).with_extension("lock");
    let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let lock = Lock::parse(&text).with_context(|| format!("reading {}", path.display()))?;

    let (_, package) = release.artifacts.of_row(&row.of).with_context(|| {
        format!("the release has the disk {}, and not {}, which is on it", row.name, row.of)
    })?;
    let is_on_it = |digest: &String| package.programs.iter().any(|program| program.sha256 == *digest);
    let (client, program) = programs
        .iter()
        .find(|(_, subject)| subject.published.iter().any(is_on_it))
        .with_context(|| format!("{} has no program that is described", row.of))?;

    let name = format!("{}-{}", checkout.product.name, system.file);
    let purl = format!("pkg:generic/{name}@{}", release.version);
    let disk = Component {
        name,
        version: release.version.to_string(),
        license: NO_LICENSE.to_owned(),
        purl: purl.clone(),
        cpe: None,
        sha256: None,
        description: Some(format!("{} on Debian {}", checkout.product.display_name, root::RELEASE)),
        url: None,
        is_ours: true,
    };
    let mut bill = Bill { roots: vec![purl.clone()], ..client.clone() };
    let debian = lock.packages.iter().map(debian).map(|package| (package.purl.clone(), package));
    let debian: BTreeMap<_, _> = debian.collect();
    let on_it = debian.keys().chain([&program.purl]).cloned().collect::<BTreeSet<_>>();
    bill.uses.insert(purl.clone(), on_it);
    bill.components.extend(debian);
    bill.components.insert(purl.clone(), disk);

    let subject = Subject {
        purl,
        stem: format!("{}-{}-{}", checkout.product.name, release.version, system.file),
        class: "operating-system",
        summary: format!("The disk of an appliance ({})", system.name),
        files: disks.iter().map(|(_, (file, _))| (*file).to_owned()).collect(),
        properties: vec![("snapshot", lock.snapshot)],
        published: disks.iter().map(|(_, (_, disk))| disk.sha256.clone()).collect(),
        unsigned: BTreeSet::new(),
    };
    Ok(Some((bill, subject)))
}

/// A package of Debian.
fn debian(package: &Package) -> Component {
    let Package { name, version, sha256, .. } = package;
    let architecture = package.architecture();
    let mut purl = format!("pkg:deb/debian/{}@{}?arch={architecture}", escaped(name), escaped(version));
    purl += &format!("&distro=debian-{}", root::RELEASE);
    if package.source() != name {
        purl += &format!("&upstream={}", escaped(package.source()));
    }
    Component {
        name: name.clone(),
        version: version.clone(),
        license: NO_LICENSE.to_owned(),
        purl,
        cpe: None,
        sha256: Some(sha256.clone()),
        description: None,
        url: None,
        is_ours: false,
    }
}

/// A name or version as a part of a package URL: of what Debian lets stand in one, `+` would be read as a space.
fn escaped(part: &str) -> String {
    part.replace('+', "%2B")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: a scanner would not find a package by its package URL.
    #[test]
    fn names_packages_as_scanners_do() {
        let package = |name: &str, version: &str, path: &str| {
            let [name, version, path] = [name, version, path].map(str::to_owned);
            debian(&Package { name, version, sha256: "00".into(), path }).purl
        };
        let own = package("adduser", "3.152", "debian/pool/main/a/adduser/adduser_3.152_all.deb");
        assert_eq!(own, "pkg:deb/debian/adduser@3.152?arch=all&distro=debian-13");
        let path = "debian-security/pool/updates/main/g/gcc-14/libstdc++6_14.2.0-19+b1_amd64.deb";
        assert_eq!(
            package("libstdc++6", "1:14.2.0-19+b1", path),
            "pkg:deb/debian/libstdc%2B%2B6@1:14.2.0-19%2Bb1?arch=amd64&distro=debian-13&upstream=gcc-14"
        );
    }
}
