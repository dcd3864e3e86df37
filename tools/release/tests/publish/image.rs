//! The image in its registry, when registry, storage, proxies and networks answer otherwise than they should.

use crate::bench::{Bench, Run};
use crate::registry::{Ask, BEARER, Otherwise, Registry, Reply, TOKEN, USER, basic};
use packager::artifacts::MadeFrom;
use packager::digest::sha256;
use packager::programs::Program;
use packager::{Artifact, Artifacts, Product};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

const VERSION: &str = "1.2.3";
const TARGETS: [(&str, &str); 2] =
    [("amd64", "x86_64-unknown-linux-musl"), ("arm64", "aarch64-unknown-linux-musl")];
/// Blobs of the images and of their bills: what all have in common, the empty one, and of each processor four.
const BLOBS: usize = 2 + 2 * 4;
const TAGS: [&str; 4] = ["1", "1.2", "1.2.3", "latest"];

/// A release with an image, published on GitHub.
fn bench() -> Bench {
    let bench = Bench::new(VERSION);
    let product = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging/product.toml");
    let product = Product::load(&product).unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(bench.file(VERSION, name), bytes).unwrap();
    let artifact = |artifact: &str, bytes: &[u8], programs, made_from| Artifact {
        artifact: artifact.to_owned(),
        format: String::new(),
        version: VERSION.to_owned(),
        programs,
        made_from,
        size: bytes.len() as u64,
        sha256: sha256(bytes),
        inputs: String::new(),
        toolchain: String::new(),
        source_date_epoch: 0,
    };
    let (mut list, mut made_from) = (Artifacts::default(), Vec::new());
    for (processor, triple) in TARGETS {
        let (name, file) = (format!("image-docker-{processor}"), format!("{processor}.tar"));
        let program =
            Program { name: "product".to_owned(), target: triple.to_owned(), sha256: String::new() };
        write(&file, processor.as_bytes());
        let part = artifact(&name, processor.as_bytes(), vec![program], Vec::new());
        made_from.push(MadeFrom { artifact: name, file: file.clone(), sha256: part.sha256.clone() });
        list.0.insert(file, part);
        for end in ["cdx", "spdx"] {
            write(&format!("product-{VERSION}-{triple}.{end}.json"), format!("{end} {processor}").as_bytes());
        }
    }
    let image = image(&format!("{}:{VERSION}", product.image().unwrap().repository));
    write("image.tar", &image);
    list.0.insert("image.tar".to_owned(), artifact("image", &image, Vec::new(), made_from));
    list.write(&bench.path(VERSION).join("files")).unwrap();
    let mut sums = String::new();
    for entry in fs::read_dir(bench.path(VERSION).join("files")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !name.starts_with("SHA256SUMS") {
            sums += &format!("{}  {name}\n", sha256(&fs::read(&path).unwrap()));
        }
    }
    write("SHA256SUMS", sums.as_bytes());
    fs::write(bench.path("registry-token"), TOKEN).unwrap();
    let settings = format!(
        "token = {{ file = 'token' }}\n[image]\nuser = '{USER}'\ntoken = {{ file = 'registry-token' }}\n"
    );
    fs::write(bench.path("release.toml"), settings).unwrap();
    bench.run(VERSION, &["github"]).fine();
    bench
}

/// A small image for two processors.
fn image(name: &str) -> Vec<u8> {
    let mut files = BTreeMap::new();
    let mut add = |kind: &str, bytes: &[u8]| -> Value {
        files.insert(format!("blobs/sha256/{}", sha256(bytes)), bytes.to_vec());
        let media_type = format!("application/vnd.oci.image.{kind}");
        json!({ "mediaType": media_type, "digest": format!("sha256:{}", sha256(bytes)), "size": bytes.len() })
    };
    let mut manifests = Vec::new();
    for (processor, _) in TARGETS {
        let config = add("config.v1+json", json!({ "architecture": processor }).to_string().as_bytes());
        let layers = [&b"what all have in common"[..], processor.as_bytes()];
        let layers = layers.map(|layer| add("layer.v1.tar+gzip", layer));
        let manifest = json!({ "schemaVersion": 2, "config": config, "layers": layers });
        let mut manifest = add("manifest.v1+json", manifest.to_string().as_bytes());
        manifest["platform"] = json!({ "architecture": processor, "os": "linux" });
        manifests.push(manifest);
    }
    let index = json!({ "schemaVersion": 2, "manifests": manifests }).to_string();
    let mut index = add("index.v1+json", index.as_bytes());
    index["annotations"] = json!({ "org.opencontainers.image.ref.name": name });
    files.insert("index.json".to_owned(), json!({ "manifests": [index] }).to_string().into());
    let mut archive = tar::Builder::new(Vec::new());
    for (path, bytes) in &files {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, path, &bytes[..]).unwrap();
    }
    archive.into_inner().unwrap()
}

/// Pushes it. Whatever comes of it, no secret shows, no terminal is told anything, and nobody else gets a token.
fn push(bench: &Bench, registry: &Registry, what: &str) -> Run {
    let report = bench.path("report.json");
    let arguments = ["image", "--registry", &registry.address(), "--json", &report.to_string_lossy()];
    let run = bench.run(VERSION, &arguments);
    let written = fs::read_to_string(&report).unwrap();
    for text in [&run.said, &written] {
        for secret in [TOKEN, BEARER, basic().trim_end_matches('='), "\u{1b}", "\\u001b"] {
            assert!(!text.contains(secret), "{what}: {secret:?} shows: {text}");
        }
    }
    let leaks = registry.content().leaks.clone();
    assert!(leaks.is_empty(), "{what}: a token went to another server: {leaks:?}");
    run
}

/// Fails if: something is not there of which the tags tell.
fn is_whole(registry: &Registry, what: &str) {
    let content = registry.content();
    assert_eq!(content.blobs.len(), BLOBS, "{what}");
    let tags: Vec<_> = content.tags.keys().filter(|tag| !tag.starts_with("sha256-")).collect();
    assert_eq!(tags, TAGS, "{what}");
}

fn html(status: u16, headers: &[(&'static str, &str)]) -> Option<Reply> {
    let headers = [headers, &[("Content-Type", "text/html; charset=utf-8")]].concat();
    Some(Reply::new(status, &headers, "<html><title>Welcome to the hotel</title></html>"))
}

fn echo(ask: &Ask<'_>, status: u16) -> Option<Reply> {
    let body = format!("\u{1b}[31m authorization: {}, Basic {}", ask.authorization(), basic());
    Some(Reply::new(status, &[], &body))
}

fn to(location: &str) -> Option<Reply> {
    Some(Reply::new(202, &[("Location", location)], ""))
}

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const ELSE: &str = "the page by which a network wants one to log in";

/// What is answered otherwise, what has to be said, and what must not be.
const REFUSED: &[(&str, Otherwise, &str, &str)] = &[
    (
        "a proxy in trouble that repeats what it was sent",
        |ask| if ask.is("POST", "/uploads/") { echo(ask, 500) } else { None },
        "[31m authorization: Bearer ***, Basic ***: the registry is in trouble; run this again later",
        "denied",
    ),
    (
        "a registry that repeats what it was sent, as its error",
        |ask| {
            let error = format!("\\u001b[31m {}", ask.authorization());
            let body = format!(r#"{{"errors":[{{"code":"DENIED","message":"{error}"}}]}}"#);
            ask.is("PUT", "/manifests/").then(|| Reply::new(400, &[], &body))
        },
        "DENIED [31m Bearer ***",
        "",
    ),
    (
        "a service for tokens that repeats what it was sent",
        |ask| if ask.is_for_token() { echo(ask, 400) } else { None },
        "make a new one and put it there",
        "",
    ),
    (
        "a service for tokens that gives one out and fails",
        |ask| ask.is_for_token().then(|| Reply::new(500, &[], r#"{"token":"bearer-0815"}"#)),
        "the service for tokens is in trouble",
        "the registry is in trouble",
    ),
    (
        "a service that gives a page out",
        |ask| if ask.is_for_token() { html(200, &[]) } else { None },
        ELSE,
        "",
    ),
    ("a page for everything", |_| html(200, &[]), ELSE, "release what was changed"),
    (
        "everything is somewhere else",
        |ask| html(302, &[("Location", &format!("http://{}/login?token=x", ask.storage))]),
        "/login",
        "nobody is told",
    ),
    (
        "a digest has another manifest",
        |ask| {
            let digest = format!("sha256:{}", "b".repeat(64));
            let headers = [("Content-Type", INDEX), ("Docker-Content-Digest", &digest)];
            ask.is("HEAD", "/manifests/sha256:").then(|| Reply::new(200, &headers, ""))
        },
        "is what it has by this name",
        "",
    ),
    (
        "a digest delivers something else",
        |ask| ask.is("GET", "/manifests/sha256:").then(|| Reply::new(200, &[("Content-Type", INDEX)], "{}")),
        "is what it has by this name",
        "",
    ),
    (
        "what was stored is gone",
        |ask| ask.is("GET", "/manifests/sha256:").then(|| Reply::new(404, &[], "")),
        "run this again, it sends what is missing",
        "",
    ),
    (
        "an answer that ends too early",
        |ask| {
            let reply = Reply::new(200, &[("Content-Type", INDEX)], "{");
            ask.is("GET", "/manifests/sha256:").then_some(Reply { is_cut: true, ..reply })
        },
        "run this again, it goes on where it was",
        "",
    ),
    (
        "a blob that was stored before it was sent",
        |ask| ask.is("POST", "/uploads/").then(|| Reply::new(201, &[], "")),
        ELSE,
        "",
    ),
    (
        "a blob that was stored as another",
        |ask| {
            let digest = format!("sha256:{}", "b".repeat(64));
            ask.is("PUT", "/up/").then(|| Reply::new(201, &[("Docker-Content-Digest", &digest)], ""))
        },
        "other bits arrived than were sent: run this again",
        "",
    ),
    (
        "an upload to nowhere",
        |ask| ask.is("POST", "/uploads/").then(|| Reply::new(202, &[], "")),
        "it has no Location",
        "not trusted",
    ),
    (
        "an upload to no address",
        |ask| if ask.is("POST", "/uploads/") { to("http:///u1?state=x") } else { None },
        "which is no address",
        "state=x",
    ),
    (
        "an upload to another machine in the clear",
        |ask| if ask.is("POST", "/uploads/") { to("//storage.example/u1") } else { None },
        "sends us to http://storage.example/u1, which is not trusted",
        "",
    ),
    (
        "storage that wants somebody else",
        |ask| match ask.is_storage {
            true => Some(Reply::new(401, &[], "signature expired")),
            false if ask.is("POST", "/uploads/") => to(&format!("http://{}/up/u1?sig=x", ask.storage)),
            false => None,
        },
        "401 signature expired: the registry sent us there",
        "give the token the permission",
    ),
];

/// Fails if: what cannot be believed is not refused, the sentence does not say what to do or blames somebody else, a tag
/// tells of what is not there, a secret or a command for the terminal shows, or a token goes to another server.
#[test]
fn refuses_what_cannot_be_believed() {
    let bench = bench();
    for (what, otherwise, message, other) in REFUSED {
        let registry = Registry::start();
        registry.answer(*otherwise);
        let said = push(&bench, &registry, what).error();
        assert!(said.contains(message), "{what}: {said}");
        assert!(other.is_empty() || !said.contains(other), "{what}: {said}");
        let content = registry.content();
        assert!(!content.tags.keys().any(|tag| !tag.starts_with("sha256-")), "{what}: {:?}", content.tags);
    }
}

/// What is answered otherwise, which is fine.
const FINE: &[(&str, Otherwise)] = &[
    ("as usual", |_| None),
    ("an upload beside", |ask| if ask.is("POST", "/uploads/") { to("u1?x=1") } else { None }),
    ("an upload above", |ask| if ask.is("POST", "/uploads/") { to("../../up/./u1") } else { None }),
    ("an upload to a host", |ask| match ask.is("POST", "/uploads/") {
        true => to(&format!("//{}/up/u1?x=1", ask.storage)),
        false => None,
    }),
    ("an upload to storage", |ask| match ask.is("POST", "/uploads/") {
        true => to(&format!("http://{}/up/u1", ask.storage)),
        false => None,
    }),
    ("blobs are said to be anywhere", |ask| match ask.is("HEAD", "/blobs/") {
        true => html(302, &[("Location", &format!("http://{}/login", ask.storage))]),
        false => ask.is("HEAD", "/login").then(|| html(200, &[])).flatten(),
    }),
    ("blobs are said to be there", |ask| if ask.is("HEAD", "/blobs/") { html(200, &[]) } else { None }),
    ("blobs are sent round and round", |ask| match ask.is("HEAD", "/blobs/") {
        true => html(307, &[("Location", &format!("./{}", ask.last()))]),
        false => None,
    }),
    ("storage is not to be asked", |ask| match ask.is("HEAD", "/blobs/") {
        true if ask.is_storage => Some(Reply::new(403, &[], "")),
        true => html(307, &[("Location", &format!("//{}/blobs/x", ask.storage))]),
        false => None,
    }),
];

/// Fails if: what a registry may answer is refused, or is believed without being there.
#[test]
fn sends_what_is_not_there() {
    let bench = bench();
    for (what, otherwise) in FINE {
        let registry = Registry::start();
        registry.answer(*otherwise);
        let said = push(&bench, &registry, what).fine();
        assert!(said.contains(&format!("{BLOBS} blobs were sent")), "{what}: {said}");
        is_whole(&registry, what);
    }
}

/// Fails if: what is there is sent again, be it in storage elsewhere, or what got lost is not.
#[test]
fn asks_where_blobs_are() {
    let (bench, registry) = (bench(), Registry::start());
    push(&bench, &registry, "at first").fine();
    for (what, otherwise) in [
        ("as usual", (|_| None) as Otherwise),
        ("neither type nor digest before the whole", |ask| {
            ask.is("HEAD", "/manifests/").then(|| Reply::new(200, &[], ""))
        }),
        ("in storage", |ask| match ask.is("HEAD", "/blobs/") && !ask.is_storage {
            true => html(307, &[("Location", &format!("//{}/{}?sig=x", ask.storage, ask.last()))]),
            false => None,
        }),
    ] {
        registry.answer(otherwise);
        let said = push(&bench, &registry, what).fine();
        assert!(said.contains("image: was done"), "{what}: {said}");
    }
    registry.content().blobs.clear();
    let said = push(&bench, &registry, "lost").fine();
    assert!(said.contains(&format!("{BLOBS} blobs were sent")), "{said}");
    is_whole(&registry, "lost");
}
