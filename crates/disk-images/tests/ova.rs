//! An OVA is a tar with a description, digests and a disk, as others read them.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)] // also in helpers, which clippy does not know to be tests

mod common;

use common::{MIB, Sample, TIME, judge, samples, text};
use disk_images::ova::{self, Appliance, Card, Firmware, System};
use disk_images::{Disk, Result};
use roxmltree::{Document, Node};
use std::fs;
use std::io::Cursor;
use std::path::Path;

fn appliance() -> Appliance<'static> {
    Appliance {
        name: "sample-1.2.3",
        product: "Sample & \"Söhne\"",
        vendor: "<Vendor>",
        version: "1.2.3",
        description: "First line\nlog in as 'nobody' \u{1}",
        processors: 2,
        memory: 1024,
        card: Card::Paravirtual,
        firmware: Firmware::SecureBoot,
        system: System { name: "Debian 13", cim: 96, vmware: "debian11_64Guest", virtualbox: "Debian_64" },
    }
}

fn made(appliance: &Appliance<'_>, disk: &mut Disk) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    ova::write(appliance, disk, TIME, &mut Cursor::new(Vec::new()), &mut out)?;
    Ok(out)
}

/// The first element of a name.
fn element<'a, 'b>(within: Node<'a, 'b>, name: &str) -> Node<'a, 'b> {
    let found = within.descendants().find(|node| node.tag_name().name() == name);
    found.unwrap_or_else(|| panic!("there is no {name}"))
}

/// The value of an attribute, in whatever namespace.
fn attribute<'a>(node: Node<'a, '_>, name: &str) -> &'a str {
    let found = node.attributes().find(|attribute| attribute.name() == name);
    found.unwrap_or_else(|| panic!("{:?} has no {name}", node.tag_name())).value()
}

/// Fails if: tar, sha256sum, QEMU or an XML parser find something else in it than was put there, or files are in an order
/// that the specification forbids.
#[test]
fn others_read_it() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let sample = samples().into_iter().find(|sample| sample.name == "mixed").unwrap();
    let raw = sample.file(folder);
    let ova = folder.join("x.ova");
    let bytes = made(&appliance(), &mut Disk::open(&raw).unwrap()).unwrap();
    fs::write(&ova, &bytes).unwrap();
    assert!(bytes == made(&appliance(), &mut Disk::open(&raw).unwrap()).unwrap(), "differs the second time");

    let files = ["sample-1.2.3.ovf", "sample-1.2.3.mf", "sample-1.2.3-disk1.vmdk"];
    let listed = judge("tar", "tar", &["--list", "--file", text(&ova)]);
    assert_eq!(listed.lines().collect::<Vec<_>>(), files);
    judge("tar", "tar", &["--extract", "--directory", text(folder), "--file", text(&ova)]);
    let [description, digests, image] = files.map(|file| folder.join(file));
    let digest = |file: &Path| {
        judge("coreutils", "sha256sum", &[text(file)]).split_whitespace().next().unwrap().to_owned()
    };
    let expected =
        format!("SHA256({})= {}\nSHA256({})= {}\n", files[0], digest(&description), files[2], digest(&image));
    assert_eq!(fs::read_to_string(digests).unwrap(), expected);

    judge("qemu-utils", "qemu-img", &["check", "-f", "vmdk", text(&image)]);
    judge("qemu-utils", "qemu-img", &["compare", "-f", "raw", "-F", "vmdk", text(&raw), text(&image)]);

    let text = fs::read_to_string(description).unwrap();
    let document = Document::parse(&text).unwrap();
    let root = document.root_element();
    let item = |kind: &str, name: &str| {
        let mut items = root.descendants().filter(|node| node.tag_name().name() == "Item");
        let item = items.find(|item| element(*item, "ResourceType").text() == Some(kind)).unwrap();
        element(item, name).text().unwrap().to_owned()
    };
    let setting = |key: &str| {
        let mut settings = root.descendants().filter(|node| node.tag_name().name() == "Config");
        attribute(settings.find(|setting| attribute(*setting, "key") == key).unwrap(), "value")
    };
    let size = fs::metadata(&image).unwrap().len().to_string();
    for (found, expected) in [
        (attribute(element(root, "File"), "href"), files[2]),
        (attribute(element(root, "File"), "size"), &size),
        (attribute(element(root, "Disk"), "capacity"), &(37 * MIB).to_string()),
        (element(root, "Product").text().unwrap(), "Sample & \"Söhne\""),
        (element(root, "Vendor").text().unwrap(), "<Vendor>"),
        (element(root, "Annotation").text().unwrap(), "First line\nlog in as 'nobody' \u{fffd}"),
        (attribute(element(root, "OperatingSystemSection"), "osType"), "debian11_64Guest"),
        (setting("firmware"), "efi"),
        (setting("bootOptions.efiSecureBootEnabled"), "true"),
        (&item("3", "VirtualQuantity"), "2"),
        (&item("4", "VirtualQuantity"), "1024"),
        (&item("10", "ResourceSubType"), "VmxNet3"),
        // The disk is on the controller.
        (&item("17", "Parent"), &item("20", "InstanceID")),
        (attribute(element(root, "Adapter"), "type"), "virtio"),
        (attribute(element(root, "Firmware"), "type"), "EFI"),
        // VirtualBox finds its disk by the identifier.
        (
            attribute(element(root, "Image"), "uuid"),
            &format!("{{{}}}", attribute(element(root, "Disk"), "uuid")),
        ),
    ] {
        assert_eq!(found, expected);
    }
    // The schema wants the elements of an item in the order of the alphabet.
    for item in root.descendants().filter(|node| node.tag_name().name() == "Item") {
        assert!(item.children().filter(Node::is_element).map(|node| node.tag_name().name()).is_sorted());
    }
}

/// Fails if: another card or firmware than was asked for is described.
#[test]
fn card_and_firmware_are_what_was_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let sample = Sample { name: "small", size: MIB, pieces: vec![] };
    let appliance = Appliance { card: Card::E1000, firmware: Firmware::Bios, ..appliance() };
    let bytes = made(&appliance, &mut sample.open(folder.path())).unwrap();
    let text = String::from_utf8_lossy(&bytes);
    for expected in [">E1000<", "type=\"82540EM\"", "vmw:value=\"bios\"", "<Firmware type=\"BIOS\"/>"] {
        assert!(text.contains(expected), "{expected}");
    }
    for unexpected in ["VmxNet3", "efi"] {
        assert!(!text.contains(unexpected), "{unexpected}");
    }
}

/// Fails if: a name is taken that is no name of a file.
#[test]
fn refuses_names() {
    let folder = tempfile::tempdir().unwrap();
    let mut disk = Sample { name: "small", size: MIB, pieces: vec![] }.open(folder.path());
    let long = "x".repeat(81);
    for name in ["", "a b", "a/b", "..", "-a", "ü", "a\"b", &long] {
        let error = made(&Appliance { name, ..appliance() }, &mut disk).unwrap_err().to_string();
        assert!(error.contains("use letters, digits"), "{error}");
    }
    made(&Appliance { name: &"x".repeat(80), ..appliance() }, &mut disk).unwrap();
}
