//! A repository for dnf, yum and zypper: packages, and for each suite three lists that `repomd.xml` names.
//!
//! What the lists have is what [createrepo_c](https://rpm-software-management.github.io/createrepo_c/) writes. They are
//! compressed by gzip, which Enterprise Linux 8 knows, and named by their digests: those of yesterday stay, so that
//! whoever has yesterday's `repomd.xml` finds them.

use super::Names;
use super::index::{self, Listed};
use super::publish::Plan;
use crate::openpgp::{Detached, Kind, PublicKey};
use crate::signatures::{Signatures, Subject};
use anyhow::{Context, Result, bail, ensure};
use packager::digest::sha256;
use rpm::{Dependency, DependencyFlags, PackageMetadata};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// The folder below the repository's in which dnf looks.
pub(crate) const FOLDER: &str = "rpm";

const XML: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
const NAMESPACE: &str = "http://linux.duke.edu/metadata/";

/// A package, as the lists describe it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rpm {
    /// Its place below the repository's folder, and its digest.
    pub(crate) listed: Listed,
    primary: String,
    filelists: String,
    other: String,
}

/// The place of a package below the repository's folder.
///
/// # Errors
/// If it is no RPM.
pub(crate) fn place(suite: &str, bytes: &[u8]) -> Result<String> {
    let package = parse(bytes)?;
    let name = format!("{}.rpm", package.get_nevra()?.nvra());
    let fits = |c: char| c.is_ascii_alphanumeric() || "+-.~^_".contains(c);
    ensure!(name.chars().all(fits), "its name or version has characters that no RPM has");
    Ok(format!("{}/{name}", packages(suite)))
}

fn parse(mut bytes: &[u8]) -> Result<PackageMetadata> {
    PackageMetadata::parse(&mut bytes).context("it is no RPM, or damaged")
}

impl Rpm {
    /// Reads a package of a suite.
    ///
    /// # Errors
    /// If it is no RPM.
    pub(crate) fn read(suite: &str, bytes: &[u8]) -> Result<Rpm> {
        let package = parse(bytes)?;
        let listed = Listed { path: place(suite, bytes)?, sha256: sha256(bytes) };
        let (name, arch) = (escape(package.get_name()?), escape(package.get_arch()?));
        let version = format!(
            "<version epoch=\"{}\" ver=\"{}\" rel=\"{}\"/>",
            package.get_epoch().unwrap_or(0),
            escape(package.get_version()?),
            escape(package.get_release()?)
        );
        let head =
            format!("<package pkgid=\"{}\" name=\"{name}\" arch=\"{arch}\">\n  {version}\n", listed.sha256);
        let files = files(&package)?;
        let all: String = files.iter().map(|file| file.xml.as_str()).collect();
        let mut other = head.clone();
        // Oldest first, as others have them; the package has them the other way round.
        for entry in package.get_changelog_entries()?.iter().rev() {
            writeln!(
                other,
                "  <changelog author=\"{}\" date=\"{}\">{}</changelog>",
                escape(&entry.name),
                entry.timestamp,
                escape(&entry.description)
            )?;
        }
        let primary = primary(&package, &listed, bytes.len(), &version, &files)?;
        Ok(Rpm {
            listed,
            primary,
            filelists: format!("{head}{all}</package>\n"),
            other: other + "</package>\n",
        })
    }
}

/// A file of a package.
struct File {
    path: String,
    xml: String,
}

impl File {
    /// Whether dnf wants to know it without loading the long list: what other packages may require by its path.
    fn is_primary(&self) -> bool {
        let path = &self.path;
        path.starts_with("/etc/") || path.contains("bin/") || path == "/usr/lib/sendmail"
    }
}

fn files(package: &PackageMetadata) -> Result<Vec<File>> {
    let entries = package.get_file_entries()?;
    let files = entries.iter().map(|entry| {
        let path = entry.path().to_string_lossy().into_owned();
        let kind = if entry.file_type() == rpm::FileType::Dir {
            " type=\"dir\""
        } else if entry.flags().contains(rpm::FileFlags::GHOST) {
            " type=\"ghost\""
        } else {
            ""
        };
        File { xml: format!("  <file{kind}>{}</file>\n", escape(&path)), path }
    });
    Ok(files.collect())
}

fn primary(
    package: &PackageMetadata,
    listed: &Listed,
    size: usize,
    version: &str,
    files: &[File],
) -> Result<String> {
    let optional = |value: std::result::Result<&str, rpm::Error>| escape(value.unwrap_or_default());
    let time = package.get_build_time().unwrap_or(0);
    let offsets = package.get_package_segment_offsets();
    let archive = package
        .header
        .get_entry_data_as_u64(rpm::IndexTag::RPMTAG_LONGARCHIVESIZE)
        .or_else(|_| package.header.get_entry_data_as_u32(rpm::IndexTag::RPMTAG_ARCHIVESIZE).map(u64::from))
        .or_else(|_| {
            package
                .signature
                .get_entry_data_as_u32(rpm::IndexSignatureTag::RPMSIGTAG_PAYLOADSIZE)
                .map(u64::from)
        })
        .unwrap_or(0);
    let (_, href) = listed.path.rsplit_once("/Packages/").context("a package is in the folder Packages")?;
    let mut text = format!(
        "<package type=\"rpm\">\n  <name>{}</name>\n  <arch>{}</arch>\n  {version}\n  \
         <checksum type=\"sha256\" pkgid=\"YES\">{}</checksum>\n  <summary>{}</summary>\n  \
         <description>{}</description>\n  <packager>{}</packager>\n  <url>{}</url>\n  \
         <time file=\"{time}\" build=\"{time}\"/>\n  \
         <size package=\"{size}\" installed=\"{}\" archive=\"{archive}\"/>\n  \
         <location href=\"Packages/{href}\"/>\n  <format>\n    <rpm:license>{}</rpm:license>\n    \
         <rpm:vendor>{}</rpm:vendor>\n    <rpm:group>{}</rpm:group>\n    \
         <rpm:buildhost>{}</rpm:buildhost>\n    <rpm:sourcerpm>{}</rpm:sourcerpm>\n    \
         <rpm:header-range start=\"{}\" end=\"{}\"/>\n",
        escape(package.get_name()?),
        escape(package.get_arch()?),
        listed.sha256,
        optional(package.get_summary()),
        optional(package.get_description()),
        optional(package.get_packager()),
        optional(package.get_url()),
        package.get_installed_size().unwrap_or(0),
        optional(package.get_license()),
        optional(package.get_vendor()),
        escape(package.get_group().unwrap_or("Unspecified")),
        optional(package.get_build_host()),
        optional(package.get_source_rpm()),
        offsets.header,
        offsets.payload,
    );
    for (kind, dependencies) in [
        ("provides", package.get_provides()?),
        ("requires", package.get_requires()?),
        ("conflicts", package.get_conflicts()?),
        ("obsoletes", package.get_obsoletes()?),
        ("suggests", package.get_suggests()?),
        ("enhances", package.get_enhances()?),
        ("recommends", package.get_recommends()?),
        ("supplements", package.get_supplements()?),
    ] {
        text += &relations(kind, &dependencies);
    }
    for file in files.iter().filter(|file| file.is_primary()) {
        write!(text, "  {}", file.xml)?;
    }
    Ok(text + "  </format>\n</package>\n")
}

/// What a package provides, requires and so on.
fn relations(kind: &str, dependencies: &[Dependency]) -> String {
    let mut entries: Vec<String> = Vec::new();
    // What rpm itself has to know is no package.
    for dependency in dependencies.iter().filter(|other| !other.name.starts_with("rpmlib(")) {
        let mut entry = format!("      <rpm:entry name=\"{}\"", escape(&dependency.name));
        let flags = match dependency.flags.comparator_str() {
            "<" => "LT",
            ">" => "GT",
            "=" => "EQ",
            "<=" => "LE",
            ">=" => "GE",
            _ => "",
        };
        if !flags.is_empty() && !dependency.version.is_empty() {
            let (epoch, rest) = dependency.version.split_once(':').unwrap_or(("0", &dependency.version));
            entry += &format!(" flags=\"{flags}\" epoch=\"{}\"", escape(epoch));
            entry += &match rest.rsplit_once('-') {
                Some((version, release)) => {
                    format!(" ver=\"{}\" rel=\"{}\"", escape(version), escape(release))
                }
                None => format!(" ver=\"{}\"", escape(rest)),
            };
        }
        let before = DependencyFlags::PREREQ | DependencyFlags::SCRIPT_PRE | DependencyFlags::SCRIPT_POST;
        if kind == "requires" && dependency.flags.intersects(before) {
            entry += " pre=\"1\"";
        }
        entry += "/>\n";
        if !entries.contains(&entry) {
            entries.push(entry);
        }
    }
    if entries.is_empty() {
        return String::new();
    }
    format!("    <rpm:{kind}>\n{}    </rpm:{kind}>\n", entries.concat())
}

/// Text as XML has it, without the control characters that it cannot have.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            '\n' | '\t' => escaped.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

/// Where the packages of a suite are.
pub(crate) fn packages(suite: &str) -> String {
    format!("{FOLDER}/{suite}/Packages")
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
    /// Reads the lists of a suite, and believes them only if the key vouches for them.
    ///
    /// # Errors
    /// If they cannot be read, or are signed by another key or changed.
    pub(crate) fn read(repository: &Path, suite: &str, key: &PublicKey) -> Result<Published> {
        let folder = repository.join(FOLDER).join(suite);
        let path = folder.join("repodata/repomd.xml");
        if !path.try_exists().with_context(|| format!("looking for {}", path.display()))? {
            return Ok(Published::default());
        }
        let doing =
            || format!("{} cannot be believed: bring back the file that was published", path.display());
        let repomd = fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
        // The one that clients read may be newer, if the last publication was broken off just there.
        let signature = folder.join(kept_signature(&repomd));
        let signature = fs::read(&signature).with_context(|| format!("reading {}", signature.display()));
        signature
            .and_then(|signature| key.verify(Kind::Detached, &repomd, &Detached::parse(&signature)?))
            .with_context(doing)?;
        let text = String::from_utf8(repomd)?;
        let xml = roxmltree::Document::parse(&text).with_context(doing)?;
        let child = |node: roxmltree::Node<'_, '_>, name: &str| {
            let found = node.children().find(|child| child.has_tag_name((node_namespace(node), name)));
            found.map(|child| {
                (child.text().unwrap_or_default().to_owned(), child.attribute("href").map(str::to_owned))
            })
        };
        let root = xml.root_element();
        let time = child(root, "revision").and_then(|(text, _)| text.trim().parse().ok());
        let primary = root.children().find(|data| data.attribute("type") == Some("primary"));
        let primary = primary.with_context(doing)?;
        let (Some((digest, _)), Some((_, Some(href)))) =
            (child(primary, "checksum"), child(primary, "location"))
        else {
            bail!(doing())
        };
        let listed = Listed { path: format!("{FOLDER}/{suite}/{href}"), sha256: digest };
        let list = String::from_utf8(index::from_gz(&listed.read(repository)?)?)?;
        let list = roxmltree::Document::parse(&list).context("reading the list of packages")?;
        let packages = list
            .root_element()
            .children()
            .filter(|node| node.has_tag_name((node_namespace(*node), "package")));
        let packages = packages.map(|package| {
            let (Some((digest, _)), Some((_, Some(href)))) =
                (child(package, "checksum"), child(package, "location"))
            else {
                bail!("the list of packages has one without checksum or location")
            };
            Ok(Listed { path: format!("{FOLDER}/{suite}/{href}"), sha256: digest })
        });
        Ok(Published { packages: packages.collect::<Result<_>>()?, time: time.unwrap_or(0) })
    }
}

fn node_namespace<'a>(node: roxmltree::Node<'a, '_>) -> &'a str {
    node.tag_name().namespace().unwrap_or_default()
}

/// Where the signature of an index is kept, below the suite's folder.
fn kept_signature(repomd: &[u8]) -> String {
    format!("repodata/{}-repomd.xml.asc", sha256(repomd))
}

/// The lists of a suite with these packages, the entry last.
///
/// # Errors
/// If they cannot be signed.
pub(crate) fn indexes(names: &Names<'_>, rpms: &[Rpm], signatures: &Signatures<'_>) -> Result<Plan> {
    let mut rpms: Vec<&Rpm> = rpms.iter().collect();
    rpms.sort_by_key(|rpm| &rpm.listed.path);
    let number = rpms.len();
    let all = |part: fn(&Rpm) -> &str| rpms.iter().map(|rpm| part(rpm)).collect::<String>();
    let lists = [
        (
            "primary",
            format!("metadata xmlns=\"{NAMESPACE}common\" xmlns:rpm=\"{NAMESPACE}rpm\""),
            all(|rpm| &rpm.primary),
        ),
        ("filelists", format!("filelists xmlns=\"{NAMESPACE}filelists\""), all(|rpm| &rpm.filelists)),
        ("other", format!("otherdata xmlns=\"{NAMESPACE}other\""), all(|rpm| &rpm.other)),
    ];
    let suite = format!("{FOLDER}/{}", names.suite);
    let mut plan = Plan::default();
    let mut data = Vec::new();
    for (name, root, packages) in lists {
        let element = root.split(' ').next().unwrap_or_default();
        let plain = format!("{XML}<{root} packages=\"{number}\">\n{packages}</{element}>\n").into_bytes();
        let packed = index::gz(&plain)?;
        let (digest, open_digest) = (sha256(&packed), sha256(&plain));
        let href = format!("repodata/{digest}-{name}.xml.gz");
        let sizes = (packed.len(), plain.len());
        plan.forever(format!("{suite}/{href}"), packed);
        data.push((name, digest, open_digest, href, sizes));
    }
    let repomd = |time: u32| {
        let mut text = format!(
            "{XML}<repomd xmlns=\"{NAMESPACE}repo\" xmlns:rpm=\"{NAMESPACE}rpm\">\n  <revision>{time}</revision>\n"
        );
        for (name, digest, open_digest, href, (size, open_size)) in &data {
            write!(
                text,
                "  <data type=\"{name}\">\n    <checksum type=\"sha256\">{digest}</checksum>\n    \
                 <open-checksum type=\"sha256\">{open_digest}</open-checksum>\n    \
                 <location href=\"{href}\"/>\n    <timestamp>{time}</timestamp>\n    <size>{size}</size>\n    \
                 <open-size>{open_size}</open-size>\n  </data>\n"
            )?;
        }
        Ok((text + "</repomd>\n").into_bytes())
    };
    let name = format!("rpm-{}", names.suite);
    let signed = signatures.sign(&Subject::of_time(&name, &[Kind::Detached], &repomd)?)?;
    let signature = signed.signatures.first().context("the signature of the index is missing")?.armored()?;
    plan.forever(format!("{suite}/{}", kept_signature(&signed.content)), signature.clone().into_bytes());
    plan.until_next(format!("{suite}/repodata/repomd.xml.asc"), signature);
    plan.until_next(format!("{suite}/repodata/repomd.xml"), signed.content);
    Ok(plan)
}

/// The file that tells dnf of a suite.
pub(crate) fn repo_file(names: &Names<'_>) -> String {
    format!(
        "# For /etc/yum.repos.d\n[{file}]\nname={}\nbaseurl={url}/{FOLDER}/{}\nenabled=1\ngpgcheck=1\n\
         repo_gpgcheck=1\ngpgkey={url}/{}\n",
        names.display_name,
        names.suite,
        names.key_file(),
        file = names.file(),
        url = names.url,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rpm_header::tests::write_package;

    /// Fails if: a list is no XML, or does not name package, files and relations.
    #[test]
    fn describes_packages() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.rpm");
        write_package(&path, "1.0~beta1", "a <&> b");
        let bytes = fs::read(&path).unwrap();
        let rpm = Rpm::read("stable", &bytes).unwrap();
        assert_eq!(rpm.listed.path, "rpm/stable/Packages/x-1.0~beta1-1.x86_64.rpm");
        for (list, part) in [
            (&rpm.primary, "<rpm:entry name=\"x\" flags=\"EQ\" epoch=\"0\" ver=\"1.0~beta1\" rel=\"1\"/>"),
            (&rpm.primary, "<location href=\"Packages/x-1.0~beta1-1.x86_64.rpm\"/>"),
            (&rpm.filelists, "<file>/usr/share/x/content</file>"),
            (&rpm.other, "name=\"x\" arch=\"x86_64\""),
        ] {
            assert!(list.contains(part), "{part} is not in\n{list}");
            let whole = format!("<a xmlns:rpm=\"b\">{list}</a>");
            roxmltree::Document::parse(&whole).unwrap();
        }
        assert_eq!(escape("a<b>&\"\u{1}"), "a&lt;b&gt;&amp;&quot;\u{fffd}");
        assert!(Rpm::read("stable", b"nonsense").is_err());
    }
}
