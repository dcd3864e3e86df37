//! Flat packages for Apple's Installer: a product archive with one component.
//!
//! A package is a [`xar`](crate::xar) archive. `Distribution` says what Installer shows and asks: see Apple's
//! [Distribution Definition Reference](https://developer.apple.com/library/archive/documentation/DeveloperTools/Reference/DistributionDefinitionRef/).
//! The component is a folder with `PackageInfo`, [`Bom`](crate::bom), `Payload` and `Scripts`, both
//! [cpio](crate::cpio) in gzip; `pkgbuild(1)` and `productbuild(1)` write the same.

use crate::tree::{Content, Entry, Tree};
use crate::xar::{Encoding, Writer};
use crate::xml::escape;
use crate::{Error, bom, cpio};
use flate2::{Compression, GzBuilder};
use std::fmt::Write as _;
use std::io::Write;

const FORMAT: &str = "package";
/// What gzip calls Unix.
const GZIP_OS_UNIX: u8 = 3;

/// What a package says of itself and what is in it.
#[derive(Debug)]
pub struct Package<'a> {
    /// Identifies the package over all its versions, such as `org.example.program`: receipts have its name.
    pub identifier: &'a str,
    /// Numbers with dots between them, which Installer orders.
    pub version: &'a str,
    /// The name that Installer shows.
    pub title: &'a str,
    /// The component's file in the archive, without its suffix.
    pub name: &'a str,
    /// The oldest macOS, such as `11.0`.
    pub minimum_system: &'a str,
    /// The processors as Apple calls them. If arm64 is not among them, Installer asks for Rosetta there.
    pub architectures: &'a [&'a str],
    /// What Installer shows, in this order.
    pub pages: &'a [Page<'a>],
    /// What runs before and after the files are laid down: `preinstall`, `postinstall`.
    pub scripts: &'a [(&'a str, &'a [u8])],
    /// What is laid down, from the root of the system.
    pub payload: &'a Tree,
    /// The applications in the payload.
    pub bundles: &'a [Bundle<'a>],
    /// The time of every file, in seconds since 1970.
    pub time: u32,
}

/// A page of Installer.
#[derive(Debug)]
pub struct Page<'a> {
    /// Which.
    pub kind: PageKind,
    /// The name of its file, whose suffix says what it is: txt, html or rtf.
    pub file: &'a str,
    /// Its file.
    pub content: &'a [u8],
}

/// What a page is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageKind {
    /// What is going to happen.
    Welcome,
    /// What has to be agreed to.
    License,
    /// What to do next.
    Conclusion,
}

impl PageKind {
    fn tag(self) -> &'static str {
        match self {
            PageKind::Welcome => "welcome",
            PageKind::License => "license",
            PageKind::Conclusion => "conclusion",
        }
    }
}

/// An application in the payload: an upgrade replaces the whole of it, also by an older one, and where it is, not where
/// a user may have put it.
#[derive(Debug)]
pub struct Bundle<'a> {
    /// Its path in the payload.
    pub path: &'a str,
    /// `CFBundleIdentifier`
    pub identifier: &'a str,
    /// `CFBundleShortVersionString`
    pub short_version: &'a str,
    /// `CFBundleVersion`
    pub version: &'a str,
}

const SCRIPTS: [&str; 2] = ["preinstall", "postinstall"];

/// Writes a package.
///
/// # Errors
/// If it says what a package cannot hold, or `out` cannot be written.
pub fn write(package: &Package<'_>, out: &mut dyn Write) -> Result<(), Error> {
    check(package)?;
    let component = |file: &str| format!("{}.pkg/{file}", package.name);
    let mut archive = Writer::new(package.time);
    archive.add("Distribution", distribution(package)?.as_bytes(), Encoding::Zlib)?;
    for page in package.pages {
        archive.add(&format!("Resources/{}", page.file), page.content, Encoding::Zlib)?;
    }
    archive.add(&component("Bom"), &bom::write(package.payload, package.time)?, Encoding::Zlib)?;
    archive.add(&component("PackageInfo"), package_info(package).as_bytes(), Encoding::Zlib)?;
    archive.add(&component("Payload"), &compressed_cpio(package.payload, package.time)?, Encoding::Plain)?;
    if !package.scripts.is_empty() {
        let scripts = compressed_cpio(&scripts(package.scripts)?, package.time)?;
        archive.add(&component("Scripts"), &scripts, Encoding::Plain)?;
    }
    archive.write(out)
}

fn check(package: &Package<'_>) -> Result<(), Error> {
    let unfit = |what: String| Err(Error::unfit(FORMAT, what));
    if let Some((name, _)) = package.scripts.iter().find(|(name, _)| !SCRIPTS.contains(name)) {
        return unfit(format!("a script {name:?}; Installer knows {}", SCRIPTS.join(" and ")));
    }
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !package.version.split('.').all(is_number) {
        return unfit(format!(
            "the version {:?}: Installer orders numbers with dots between them",
            package.version
        ));
    }
    for bundle in package.bundles {
        if package.payload.entry(bundle.path).is_none_or(|entry| entry.content != Content::Folder) {
            return unfit(format!("the application {:?}, which is no folder of the payload", bundle.path));
        }
    }
    Ok(())
}

fn compressed_cpio(tree: &Tree, time: u32) -> Result<Vec<u8>, Error> {
    let mut gzip =
        GzBuilder::new().mtime(0).operating_system(GZIP_OS_UNIX).write(Vec::new(), Compression::best());
    cpio::write(tree, time, &mut gzip)?;
    Ok(gzip.finish()?)
}

fn scripts(scripts: &[(&str, &[u8])]) -> Result<Tree, Error> {
    let entry =
        |path: &str, content| Entry { path: path.to_owned(), mode: 0o755, user: 0, group: 0, content };
    let files = scripts.iter().map(|(name, bytes)| entry(name, Content::File(bytes.to_vec())));
    Tree::new(std::iter::once(entry("", Content::Folder)).chain(files).collect())
}

/// Kilobytes of what is laid down.
fn kilobytes(tree: &Tree) -> usize {
    tree.entries().iter().map(|entry| entry.data().len().div_ceil(1024)).sum()
}

fn package_info(package: &Package<'_>) -> String {
    let bundle_names = |tag: &str| {
        let names =
            package.bundles.iter().map(|bundle| format!("<bundle id=\"{}\"/>", escape(bundle.identifier)));
        format!("    <{tag}>{}</{tag}>\n", names.collect::<String>())
    };
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
         <pkg-info overwrite-permissions=\"true\" relocatable=\"false\" identifier=\"{}\" postinstall-action=\"none\" \
         version=\"{}\" format-version=\"2\" install-location=\"/\" auth=\"root\" minimumSystemVersion=\"{}\">\n    \
         <payload numberOfFiles=\"{}\" installKBytes=\"{}\"/>\n",
        escape(package.identifier),
        escape(package.version),
        escape(package.minimum_system),
        package.payload.entries().len(),
        kilobytes(package.payload),
    );
    for bundle in package.bundles {
        let _ = writeln!(
            text,
            "    <bundle path=\"./{}\" id=\"{}\" CFBundleShortVersionString=\"{}\" CFBundleVersion=\"{}\"/>",
            escape(bundle.path),
            escape(bundle.identifier),
            escape(bundle.short_version),
            escape(bundle.version),
        );
    }
    // No application is searched for elsewhere (relocate), nor left alone because it is newer (bundle-version).
    text += "    <bundle-version/>\n";
    text += &bundle_names("upgrade-bundle");
    text += "    <update-bundle/>\n    <atomic-update-bundle/>\n";
    text += &bundle_names("strict-identifier");
    text += "    <relocate/>\n";
    if !package.scripts.is_empty() {
        text += "    <scripts>\n";
        for name in SCRIPTS.iter().filter(|name| package.scripts.iter().any(|(script, _)| script == *name)) {
            let _ = writeln!(text, "        <{name} file=\"./{name}\"/>");
        }
        text += "    </scripts>\n";
    }
    text + "</pkg-info>\n"
}

fn distribution(package: &Package<'_>) -> Result<String, Error> {
    let mut pages = String::new();
    for page in package.pages {
        let mime_type = match page.file.rsplit_once('.').map_or("", |(_, suffix)| suffix) {
            // Installer takes other characters of a text for those of the user's language.
            "txt" if page.content.is_ascii() => "text/plain",
            "txt" => {
                return Err(Error::unfit(FORMAT, format!("{}: plain text that is not all ASCII", page.file)));
            }
            "html" => "text/html",
            "rtf" => "text/rtf",
            _ => return Err(Error::unfit(FORMAT, format!("{}: a page is txt, html or rtf", page.file))),
        };
        let (tag, file) = (page.kind.tag(), escape(page.file));
        let _ = writeln!(pages, "    <{tag} file=\"{file}\" mime-type=\"{mime_type}\"/>");
    }
    let (identifier, version) = (escape(package.identifier), escape(package.version));
    let (title, name, system) = (escape(package.title), escape(package.name), escape(package.minimum_system));
    let (architectures, kilobytes) = (escape(&package.architectures.join(",")), kilobytes(package.payload));
    let needs_scripts = "require-scripts=\"false\"";
    Ok(format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
         <installer-gui-script minSpecVersion=\"2\">\n    \
         <title>{title}</title>\n\
         {pages}    \
         <options customize=\"never\" {needs_scripts} hostArchitectures=\"{architectures}\" rootVolumeOnly=\"true\"/>\n    \
         <domains enable_anywhere=\"false\" enable_currentUserHome=\"false\" enable_localSystem=\"true\"/>\n    \
         <volume-check>\n        \
         <allowed-os-versions>\n            \
         <os-version min=\"{system}\"/>\n        \
         </allowed-os-versions>\n    \
         </volume-check>\n    \
         <choices-outline>\n        \
         <line choice=\"default\">\n            \
         <line choice=\"{identifier}\"/>\n        \
         </line>\n    \
         </choices-outline>\n    \
         <choice id=\"default\"/>\n    \
         <choice id=\"{identifier}\" visible=\"false\">\n        \
         <pkg-ref id=\"{identifier}\"/>\n    \
         </choice>\n    \
         <pkg-ref id=\"{identifier}\" version=\"{version}\" onConclusion=\"none\" installKBytes=\"{kilobytes}\" \
         auth=\"root\">#{name}.pkg</pkg-ref>\n    \
         <product id=\"{identifier}\" version=\"{version}\"/>\n\
         </installer-gui-script>\n"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::tests::sample;
    use crate::xar::Archive;
    use flate2::read::GzDecoder;
    use roxmltree::Document;
    use std::io::Read;

    const APP: &str = "Applications/A & B.app";

    fn package(payload: &Tree) -> Package<'_> {
        Package {
            identifier: "org.example.it",
            version: "1.2.399.0",
            title: "A & \"B\"",
            name: "it",
            minimum_system: "11.0",
            architectures: &["arm64", "x86_64"],
            pages: &[Page { kind: PageKind::License, file: "license.txt", content: b"Do as you like.\n" }],
            scripts: &[("postinstall", b"#!/bin/sh\n")],
            payload,
            bundles: &[Bundle {
                path: APP,
                identifier: "org.example.it",
                short_version: "1.2.3",
                version: "1.2.399",
            }],
            time: 1_767_312_000,
        }
    }

    /// Fails if: payload, bill and scripts do not say the same, or a text of the package is not well-formed or does not
    /// say what the package is.
    #[test]
    fn parts_agree() {
        let tree = sample();
        let mut bytes = Vec::new();
        write(&package(&tree), &mut bytes).unwrap();
        let archive = Archive::open(&bytes).unwrap();
        let unpacked = |name: &str| {
            let mut unpacked = Vec::new();
            GzDecoder::new(&archive.read(name).unwrap()[..]).read_to_end(&mut unpacked).unwrap();
            cpio::read(&unpacked).unwrap()
        };
        assert_eq!(unpacked("it.pkg/Payload"), tree);
        let bill = bom::read(&archive.read("it.pkg/Bom").unwrap()).unwrap();
        assert_eq!(bill.len(), tree.entries().len());
        let scripts = unpacked("it.pkg/Scripts");
        assert_eq!(scripts.entry("postinstall").unwrap().data(), b"#!/bin/sh\n");

        let text = |name: &str| String::from_utf8(archive.read(name).unwrap()).unwrap();
        let (info, distribution) = (text("it.pkg/PackageInfo"), text("Distribution"));
        let info = Document::parse(&info).unwrap();
        let element = |tag: &str| info.descendants().find(|node| node.has_tag_name(tag)).unwrap();
        assert_eq!(element("payload").attribute("numberOfFiles"), Some("7"));
        assert_eq!(element("payload").attribute("installKBytes"), Some("22"));
        assert_eq!(element("bundle").attribute("path"), Some("./Applications/A & B.app"));
        assert!(info.descendants().any(|node| node.attribute("file") == Some("./postinstall")));
        assert!(!info.descendants().any(|node| node.has_tag_name("preinstall")));
        let distribution = Document::parse(&distribution).unwrap();
        let element = |tag: &str| distribution.descendants().find(|node| node.has_tag_name(tag)).unwrap();
        assert_eq!(element("title").text(), Some("A & \"B\""));
        assert_eq!(element("options").attribute("hostArchitectures"), Some("arm64,x86_64"));
        assert_eq!(element("os-version").attribute("min"), Some("11.0"));
        assert_eq!(element("license").attribute("file"), Some("license.txt"));
        assert!(distribution.descendants().any(|node| node.text() == Some("#it.pkg")));
        assert_eq!(archive.read("Resources/license.txt").unwrap(), b"Do as you like.\n");
    }

    /// Fails if: what Installer could not make sense of is packed, or the error does not name it.
    #[test]
    fn refuses_with_a_reason() {
        let tree = sample();
        let page = |file, content| [Page { kind: PageKind::Welcome, file, content }];
        let (text, picture) = (page("a.txt", "æ".as_bytes()), page("a.pdf", b""));
        for (package, complaint) in [
            (Package { version: "1.2.3-beta.1", ..package(&tree) }, "\"1.2.3-beta.1\""),
            (Package { scripts: &[("preflight", b"")], ..package(&tree) }, "\"preflight\""),
            (Package { pages: &text, ..package(&tree) }, "a.txt: plain text"),
            (Package { pages: &picture, ..package(&tree) }, "a.pdf"),
            (
                Package {
                    bundles: &[Bundle { path: "B.app", identifier: "", short_version: "", version: "" }],
                    ..package(&tree)
                },
                "\"B.app\"",
            ),
        ] {
            let error = write(&package, &mut Vec::new()).unwrap_err().to_string();
            assert!(error.contains(complaint), "{error}");
        }
    }
}
