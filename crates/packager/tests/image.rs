//! What is inside container images, and that what points to something points to what is there. Whether others can run
//! them is for the acceptance bench.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod sample;

use packager::digest::sha256;
use packager::{Part, Source};
use sample::{EPOCH, MANIFEST, ROWS, Sample};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use tar::EntryType;

/// The files of an archive by their names.
type Files = BTreeMap<String, Vec<u8>>;

/// The files of a tar archive.
fn files(tar: impl Read) -> Files {
    let mut archive = tar::Archive::new(tar);
    let mut files = BTreeMap::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        if entry.header().entry_type() == EntryType::Regular {
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            files.insert(entry.path().unwrap().to_string_lossy().into_owned(), bytes);
        }
    }
    files
}

fn saved(sample: &Sample, target: &str) -> Files {
    let path = sample.pack("docker-archive", target, EPOCH).unwrap();
    files(File::open(path).unwrap())
}

/// What is compressed.
fn unpacked(bytes: &[u8]) -> Vec<u8> {
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(bytes).read_to_end(&mut unpacked).unwrap();
    unpacked
}

fn json_of(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap()
}

/// The archives of both processors, as parts.
fn parts(sample: &Sample) -> Vec<Part> {
    let part =
        |name: &str, target: &str| Part::new(name, sample.pack("docker-archive", target, EPOCH).unwrap());
    vec![part("image-amd64", "x86_64-linux"), part("image-arm64", "aarch64-linux")]
}

/// Fails if: a folder or file has another owner or mode than the manifest says, comes before the folder that it is in,
/// or the program is not in a layer of its own.
#[test]
fn layers_have_the_owners_of_the_manifest() {
    let sample = Sample::new(MANIFEST, ROWS);
    let saved = saved(&sample, "x86_64-linux");
    let list = json_of(&saved["manifest.json"]);
    let layers = list[0]["Layers"].as_array().unwrap().clone();
    let entries = |layer: &Value| -> Vec<String> {
        let bytes = unpacked(&saved[layer.as_str().unwrap()]);
        let mut archive = tar::Archive::new(&bytes[..]);
        let entries = archive.entries().unwrap().map(|entry| {
            let entry = entry.unwrap();
            let header = entry.header();
            assert_eq!(header.mtime().unwrap(), u64::from(EPOCH));
            format!(
                "{} {:o} {}:{}",
                String::from_utf8_lossy(&entry.path_bytes()),
                header.mode().unwrap(),
                header.uid().unwrap(),
                header.gid().unwrap()
            )
        });
        entries.collect()
    };
    assert_eq!(layers.len(), 2);
    assert_eq!(
        entries(&layers[0]),
        [
            "etc/ 755 0:0",
            "etc/group 644 0:0",
            "etc/passwd 644 0:0",
            "etc/ssl/ 755 0:0",
            "etc/ssl/certs/ 755 0:0",
            "etc/ssl/certs/ca-certificates.crt 644 0:0",
            "var/ 755 0:0",
            "var/lib/ 755 0:0",
            "var/lib/sample/ 750 65532:65532",
        ]
    );
    assert_eq!(entries(&layers[1]), ["usr/ 755 0:0", "usr/bin/ 755 0:0", "usr/bin/sample 755 0:0"]);
    let base = files(&unpacked(&saved[layers[0].as_str().unwrap()])[..]);
    let text = |name: &str| String::from_utf8(base[name].clone()).unwrap();
    assert!(text("etc/passwd").ends_with("\nsample:x:65532:65532:Sample:/var/lib/sample:/sbin/nologin\n"));
    assert_eq!(text("etc/group"), "root:x:0:\nsample:x:65532:\n");
    assert!(text("etc/ssl/certs/ca-certificates.crt").starts_with("-----BEGIN CERTIFICATE-----\n"));
}

/// Fails if: a container starts another way than the manifest says, or its image has another name.
#[test]
fn the_configuration_says_what_the_manifest_says() {
    let sample = Sample::new(MANIFEST, ROWS);
    for (target, architecture) in [("x86_64-linux", "amd64"), ("aarch64-linux", "arm64")] {
        let saved = saved(&sample, target);
        let list = json_of(&saved["manifest.json"]);
        assert_eq!(list[0]["RepoTags"], json!(["registry.example.org/example/sample:0.2.0-rc.1"]));
        let name = list[0]["Config"].as_str().unwrap();
        assert_eq!(name, format!("{}.json", sha256(&saved[name])));
        let read = json_of(&saved[name]);
        assert_eq!(read["created"], "2026-01-02T00:00:00Z");
        assert_eq!([&read["architecture"], &read["os"]], [architecture, "linux"]);
        let second = 1_000_000_000_u64;
        let mut config = read["config"].clone();
        let labels = config.as_object_mut().unwrap().remove("Labels").unwrap();
        assert_eq!(
            config,
            json!({
                "User": "65532:65532",
                "ExposedPorts": { "8080/tcp": {} },
                "Env": ["PATH=/usr/bin", "SAMPLE_A=1", "SAMPLE_B=2"],
                "Entrypoint": ["/usr/bin/sample"],
                "Cmd": ["run"],
                "Healthcheck": {
                    "Test": ["CMD", "/usr/bin/sample", "health"],
                    "Interval": 30 * second, "Timeout": 5 * second, "StartPeriod": 10 * second, "Retries": 3,
                },
                "Volumes": { "/var/lib/sample": {} },
                "WorkingDir": "/var/lib/sample",
                "StopSignal": "SIGTERM",
            })
        );
        for (key, value) in [
            ("title", "Sample"),
            ("version", "0.2.0-rc.1"),
            ("vendor", "Example"),
            ("licenses", "MIT"),
            ("source", "https://example.org/source"),
            ("created", "2026-01-02T00:00:00Z"),
        ] {
            assert_eq!(labels[format!("org.opencontainers.image.{key}")], value);
        }
    }
}

/// Fails if: a digest or size in the layout is not that of the blob, a processor is missing, or what both have in common
/// is there twice.
#[test]
fn the_layout_points_to_what_is_there() {
    let sample = Sample::new(MANIFEST, ROWS);
    let image = sample.image_of(parts(&sample)).unwrap();
    assert!(image.ends_with("sample-0.2.0-rc.1-oci.tar"));
    let mut files = files(File::open(image).unwrap());
    assert_eq!(json_of(&files.remove("oci-layout").unwrap()), json!({ "imageLayoutVersion": "1.0.0" }));
    let top = json_of(&files.remove("index.json").unwrap());
    let pointed = |descriptor: &Value| {
        let digest = descriptor["digest"].as_str().unwrap().strip_prefix("sha256:").unwrap();
        let blob = files[&format!("blobs/sha256/{digest}")].clone();
        assert_eq!((sha256(&blob), json!(blob.len())), (digest.to_owned(), descriptor["size"].clone()));
        blob
    };
    let name = "registry.example.org/example/sample:0.2.0-rc.1";
    assert_eq!(top["manifests"][0]["annotations"]["org.opencontainers.image.ref.name"], name);
    let index = json_of(&pointed(&top["manifests"][0]));
    assert_eq!(index["annotations"]["org.opencontainers.image.version"], "0.2.0-rc.1");
    let mut architectures = Vec::new();
    for descriptor in index["manifests"].as_array().unwrap() {
        architectures.push(descriptor["platform"]["architecture"].as_str().unwrap().to_owned());
        let manifest = json_of(&pointed(descriptor));
        let config = json_of(&pointed(&manifest["config"]));
        assert_eq!(config["architecture"], descriptor["platform"]["architecture"]);
        let layers = manifest["layers"]
            .as_array()
            .unwrap()
            .iter()
            .map(|layer| json!(format!("sha256:{}", sha256(&unpacked(&pointed(layer))))));
        assert_eq!(config["rootfs"]["diff_ids"], layers.collect::<Value>());
    }
    assert_eq!(architectures, ["amd64", "arm64"]);
    // One index; of each processor manifest, configuration and program; one layer that they share.
    assert_eq!(files.len(), 1 + 2 * 3 + 1);
}

/// Fails if: the same archives give another image.
#[test]
fn the_same_parts_give_the_same_image() {
    let images = [Sample::new(MANIFEST, ROWS), Sample::new(MANIFEST, ROWS)]
        .map(|sample| fs::read(sample.image_of(parts(&sample)).unwrap()).unwrap());
    assert!(images[0] == images[1]);
}

/// A tar archive of these files.
fn archive(files: &Files) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        builder.append_data(&mut header, name, &bytes[..]).unwrap();
    }
    builder.into_inner().unwrap()
}

/// Fails if: an image is made of what is damaged, cut off or no such archive, or the error does not say which part.
#[test]
fn refuses_damaged_parts() {
    let sample = Sample::new(MANIFEST, ROWS);
    let good = saved(&sample, "aarch64-linux");
    let bytes = archive(&good);
    let changed = |change: &dyn Fn(&mut Files)| {
        let mut files = good.clone();
        change(&mut files);
        archive(&files)
    };
    let list = json_of(&good["manifest.json"]);
    let layer = list[0]["Layers"][1].as_str().unwrap();
    let other = list[0]["Layers"][0].as_str().unwrap();
    let config = list[0]["Config"].as_str().unwrap();
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (bytes[..bytes.len() / 2].to_vec(), "damaged"),
        (bytes[..5].to_vec(), "damaged"),
        (Vec::new(), "no member"),
        (b"no archive".to_vec(), "damaged"),
        (archive(&Files::new()), "no member \"manifest.json\""),
        (changed(&|files| drop(files.remove(layer))), "no member"),
        (changed(&|files| files.get_mut(layer).unwrap().truncate(30)), "is damaged"),
        (changed(&|files| drop(files.insert(layer.to_owned(), files[other].clone()))), "make it again"),
        (changed(&|files| drop(files.insert(config.to_owned(), b"{".to_vec()))), "reading"),
        (changed(&|files| drop(files.insert("manifest.json".to_owned(), b"[]".to_vec()))), "0 images"),
        (fs::read(sample.pack("docker-archive", "x86_64-linux", EPOCH).unwrap()).unwrap(), "another one"),
    ];
    for (bytes, complaint) in cases {
        let mut parts = parts(&sample);
        parts[1].source = Source::Bytes(bytes);
        let error = format!("{:#}", sample.image_of(parts).expect_err(complaint));
        assert!(error.contains("docker-arm64.tar") && error.contains(complaint), "{complaint:?}: {error}");
    }
}
