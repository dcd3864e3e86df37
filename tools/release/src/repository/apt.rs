//! A repository for apt: a pool of packages, and for each suite the indexes that name them.
//!
//! Specified in [DebianRepository/Format](https://wiki.debian.org/DebianRepository/Format). Every index is there under
//! its digest, too (`by-hash`), where it stays, so that whoever has the `InRelease` of yesterday finds its set today.

use super::Names;
use super::index::{self, Listed};
use super::publish::Plan;
use crate::openpgp::{Kind, PublicKey, clear_text, read_clear_text};
use crate::signatures::{Signatures, Subject};
use anyhow::{Context, Result, bail, ensure};
use packager::digest::sha256;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::io::Read;
use std::path::Path;

/// The folder below the repository's in which apt looks.
pub(crate) const FOLDER: &str = "apt";
/// Where the packages of all suites are.
pub(crate) const POOL: &str = "apt/pool";
/// The only component.
const COMPONENT: &str = "main";

/// A package, as an index describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Deb {
    /// Its place below the repository's folder, and its digest.
    pub(crate) listed: Listed,
    name: String,
    architecture: String,
    stanza: String,
}

impl Deb {
    /// Reads a package.
    ///
    /// # Errors
    /// If it is none, or is for no single architecture.
    pub(crate) fn read(bytes: &[u8]) -> Result<Deb> {
        let control = control(bytes)?;
        let field = |name: &str| {
            let value = control.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            let value = value.map(str::trim).unwrap_or_default();
            let fits = |c: char| c.is_ascii_alphanumeric() || "+-.~:_".contains(c);
            ensure!(
                !value.is_empty() && value.chars().all(fits) && !value.starts_with('.'),
                "its control file says nothing usable for {name}"
            );
            Ok(value.to_owned())
        };
        let (name, version, architecture) = (field("Package")?, field("Version")?, field("Architecture")?);
        ensure!(architecture != "all", "it is for all architectures, which this repository does not know");
        // The epoch is in no file name.
        let version = version.split_once(':').map_or(&*version, |(_, version)| version);
        let first = name.get(..1).context("it has no name")?;
        let below = format!("pool/{COMPONENT}/{first}/{name}/{name}_{version}_{architecture}.deb");
        let digest = sha256(bytes);
        let stanza = format!(
            "{}\nFilename: {below}\nSize: {}\nSHA256: {digest}\n",
            control.trim_end_matches('\n'),
            bytes.len()
        );
        let listed = Listed { path: format!("{FOLDER}/{below}"), sha256: digest };
        Ok(Deb { listed, name, architecture, stanza })
    }
}

/// The control file of a package.
fn control(bytes: &[u8]) -> Result<String> {
    let mut archive = ar::Archive::new(bytes);
    while let Some(member) = archive.next_entry() {
        let mut member = member.context("it is no Debian package, or damaged")?;
        let name = String::from_utf8_lossy(member.header().identifier()).into_owned();
        let Some(suffix) = name.trim_end_matches('/').strip_prefix("control.tar") else { continue };
        let mut packed = Vec::new();
        member.read_to_end(&mut packed).context("reading its control archive")?;
        let tar: Box<dyn Read> = match suffix {
            "" => Box::new(&*packed),
            ".gz" => Box::new(flate2::read::GzDecoder::new(&*packed)),
            ".xz" => Box::new(liblzma::read::XzDecoder::new(&*packed)),
            _ => bail!("its control archive is compressed in an unknown way, {suffix}"),
        };
        for entry in tar::Archive::new(tar).entries().context("reading its control archive")? {
            let mut entry = entry.context("reading its control archive")?;
            if entry.path()?.strip_prefix(".").unwrap_or(&entry.path()?) == Path::new("control") {
                let mut text = String::new();
                entry.read_to_string(&mut text).context("reading its control file")?;
                return Ok(text);
            }
        }
    }
    bail!("it is no Debian package, or damaged: it has no control file")
}

/// The suites that a repository has.
///
/// # Errors
/// If it cannot be read.
pub(crate) fn suites(repository: &Path) -> Result<Vec<String>> {
    let folder = repository.join(FOLDER).join("dists");
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let reading = || format!("reading {}", folder.display());
    let mut names = Vec::new();
    for entry in fs::read_dir(&folder).with_context(reading)? {
        names.push(entry.with_context(reading)?.file_name().to_string_lossy().into_owned());
    }
    Ok(names)
}

/// What is published in a suite.
#[derive(Debug, Default)]
pub(crate) struct Published {
    /// The packages.
    pub(crate) packages: BTreeSet<Listed>,
    /// When its index was signed, in seconds since 1970 UTC.
    pub(crate) time: u32,
}

impl Published {
    /// Reads the indexes of a suite, and believes them only if the key vouches for them.
    ///
    /// # Errors
    /// If they cannot be read, or are signed by another key or changed.
    pub(crate) fn read(repository: &Path, suite: &str, key: &PublicKey) -> Result<Published> {
        let folder = repository.join(FOLDER).join("dists").join(suite);
        let path = folder.join("InRelease");
        if !path.try_exists().with_context(|| format!("looking for {}", path.display()))? {
            return Ok(Published::default());
        }
        let signed = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        let checked = read_clear_text(&signed).and_then(|(text, signature)| {
            key.verify(Kind::Clear, text.as_bytes(), &signature)?;
            Ok(text)
        });
        let text = checked.with_context(|| {
            format!("{} cannot be believed: bring back the file that was published", path.display())
        })?;
        let mut published = Published::default();
        for line in text.lines() {
            if let Some(date) = line.strip_prefix("Date:") {
                published.time = index::from_mail_date(date)?;
            }
            let mut words = line.split_whitespace();
            if let (true, Some(digest), Some(_), Some(name)) =
                (line.starts_with(' '), words.next(), words.next(), words.next())
                && let Some(of) = name.strip_suffix("/Packages")
            {
                let listed = Listed {
                    path: format!("{FOLDER}/dists/{suite}/{of}/by-hash/SHA256/{digest}"),
                    sha256: digest.to_owned(),
                };
                let packages = String::from_utf8(listed.read(repository)?)?;
                published.packages.extend(packages.split("\n\n").filter_map(listed_by));
            }
        }
        Ok(published)
    }
}

/// What a stanza of an index names.
fn listed_by(stanza: &str) -> Option<Listed> {
    let field = |name: &str| stanza.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    Some(Listed { path: format!("{FOLDER}/{}", field("Filename:")?), sha256: field("SHA256:")?.to_owned() })
}

/// The indexes of a suite with these packages, the entry last.
///
/// # Errors
/// If they cannot be signed.
pub(crate) fn indexes(names: &Names<'_>, debs: &[Deb], signatures: &Signatures<'_>) -> Result<Plan> {
    let mut by_architecture: BTreeMap<&str, Vec<&Deb>> = BTreeMap::new();
    for deb in debs {
        by_architecture.entry(&deb.architecture).or_default().push(deb);
    }
    let suite = format!("{FOLDER}/dists/{}", names.suite);
    let mut plan = Plan::default();
    let mut entries = Plan::default();
    let mut digests = BTreeMap::new();
    for (architecture, debs) in &mut by_architecture {
        debs.sort_by_key(|deb| (&deb.name, &deb.listed.path));
        let stanzas: Vec<&str> = debs.iter().map(|deb| deb.stanza.as_str()).collect();
        let plain = stanzas.join("\n").into_bytes();
        let folder = format!("{COMPONENT}/binary-{architecture}");
        let copies = [("", plain.clone()), (".gz", index::gz(&plain)?), (".xz", index::xz(&plain)?)];
        for (suffix, content) in copies {
            let digest = sha256(&content);
            digests.insert(format!("{folder}/Packages{suffix}"), (digest.clone(), content.len()));
            plan.forever(format!("{suite}/{folder}/by-hash/SHA256/{digest}"), content.clone());
            entries.until_next(format!("{suite}/{folder}/Packages{suffix}"), content);
        }
    }
    let architectures: Vec<&str> = by_architecture.keys().copied().collect();
    let release = |time: u32| {
        let mut text = format!(
            "Origin: {vendor}\nLabel: {product}\nSuite: {suite}\nCodename: {suite}\nDate: {date}\n\
             Acquire-By-Hash: yes\nArchitectures: {architectures}\nComponents: {COMPONENT}\n\
             Description: {product}\nSHA256:\n",
            vendor = names.vendor,
            product = names.display_name,
            suite = names.suite,
            date = index::mail_date(time)?,
            architectures = architectures.join(" "),
        );
        for (name, (digest, size)) in &digests {
            writeln!(text, " {digest} {size} {name}")?;
        }
        Ok(text.into_bytes())
    };
    let name = format!("apt-{}", names.suite);
    let signed = signatures.sign(&Subject::of_time(&name, &[Kind::Detached, Kind::Clear], &release)?)?;
    let text = String::from_utf8(signed.content)?;
    let [detached, clear] = &signed.signatures[..] else { bail!("a signature of the index is missing") };
    entries.until_next(format!("{suite}/Release.gpg"), detached.armored()?);
    entries.until_next(format!("{suite}/Release"), text.clone());
    entries.until_next(format!("{suite}/InRelease"), clear_text(&text, clear)?);
    plan.then(entries);
    Ok(plan)
}

/// The file that tells apt of a suite, with the key in it.
///
/// # Errors
/// If the key cannot be written.
pub(crate) fn sources(names: &Names<'_>, key: &PublicKey) -> Result<String> {
    let mut text = format!(
        "# For /etc/apt/sources.list.d, on Debian 12, Ubuntu 22.04 and later\nTypes: deb\nURIs: {}/{FOLDER}\n\
         Suites: {}\nComponents: {COMPONENT}\nSigned-By:\n",
        names.url, names.suite
    );
    for line in key.armored()?.trim_end().lines() {
        writeln!(text, " {}", if line.trim().is_empty() { "." } else { line.trim_end() })?;
    }
    Ok(text)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A small package.
    pub(crate) fn package(version: &str, architecture: &str, content: &str) -> Vec<u8> {
        let control = format!(
            "Package: x\nVersion: {version}\nArchitecture: {architecture}\nMaintainer: A <a@example.com>\n\
             Description: for a test\n of more lines\n .\n than one\n"
        );
        let mut tar = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(control.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, "./control", control.as_bytes()).unwrap();
        let control = index::gz(&tar.into_inner().unwrap()).unwrap();
        let data = index::gz(&[content.as_bytes(), &[0; 1024]].concat()).unwrap();
        let mut archive = ar::Builder::new(Vec::new());
        for (name, bytes) in
            [("debian-binary", &b"2.0\n"[..]), ("control.tar.gz", &control), ("data.tar.gz", &data)]
        {
            archive.append(&ar::Header::new(name.into(), bytes.len() as u64), bytes).unwrap();
        }
        archive.into_inner().unwrap()
    }

    /// Fails if: a package is described wrongly, has another place than its name says, or nonsense counts as one.
    #[test]
    fn describes_packages() {
        let bytes = package("1:1.0~beta1", "amd64", "a");
        let deb = Deb::read(&bytes).unwrap();
        assert_eq!(deb.listed.path, "apt/pool/main/x/x/x_1.0~beta1_amd64.deb");
        assert!(deb.stanza.contains(&format!(
            "\n than one\nFilename: pool/main/x/x/x_1.0~beta1_amd64.deb\nSize: {}\n",
            bytes.len()
        )));
        assert_eq!(listed_by(&deb.stanza), Some(deb.listed));
        for (bytes, message) in [
            (package("../1", "amd64", ""), "nothing usable for Version"),
            (package("1", "all", ""), "all architectures"),
            (b"!<arch>\n".to_vec(), "no control file"),
            (b"nonsense".to_vec(), "no Debian package"),
        ] {
            let error = format!("{:#}", Deb::read(&bytes).unwrap_err());
            assert!(error.contains(message), "{error}");
        }
    }
}
