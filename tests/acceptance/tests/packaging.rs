//! Facts that packaging has to say in more than one place, because each place is read by another program:
//! here they are held together.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use anyhow::{Context, Result};
use packager::{Kind, Payload, Platform, Product, Programs, Target, formats};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

fn packaging() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging")
}

fn read(file: &str) -> String {
    let path = packaging().join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The lines of a file that say something: no comments, no empty lines.
fn lines(text: &str) -> Vec<&str> {
    text.lines().map(str::trim_end).filter(|line| !line.is_empty() && !line.starts_with('#')).collect()
}

/// The value of a key of the unit.
fn unit(key: &str) -> String {
    let unit = read("systemd/pywats-client.service");
    let value = lines(&unit).into_iter().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
    value.unwrap_or_else(|| panic!("the unit does not set {key}")).to_owned()
}

fn product() -> Product {
    Product::load(&packaging().join("product.toml")).expect("the product manifest")
}

fn payload(format: &str, target: &str) -> Result<Payload> {
    let platform = Platform::from(target.parse::<Target>()?);
    Payload::resolve(&product(), format, &platform, &Programs::none(platform.clone()))
        .with_context(|| format!("{format} for {target}"))
}

/// Folders of tmpfiles.d: mode and owner by path.
fn tmpfiles() -> BTreeMap<String, (String, String)> {
    let text = read("systemd/tmpfiles.conf");
    let fields = lines(&text).into_iter().map(|line| line.split_whitespace().collect::<Vec<_>>());
    fields
        .filter(|fields| fields[0] == "d")
        .map(|fields| (fields[1].to_owned(), (fields[2].to_owned(), format!("{}:{}", fields[3], fields[4]))))
        .collect()
}

/// Fails if: the unit runs another account, program or folder than the packages make.
#[test]
fn the_unit_uses_what_the_packages_make() {
    let product = product();
    let service = product.service().unwrap();
    let sysusers = read("systemd/sysusers.conf");
    let user: Vec<_> = lines(&sysusers)[0].split_whitespace().collect();
    let [kind, account, .., home] = user[..] else { panic!("{sysusers}") };
    assert_eq!(kind, "u");
    assert_eq!([unit("User"), unit("Group")], [account, account]);
    assert_eq!(format!("/var/lib/{}", unit("StateDirectory")), home);
    assert_eq!(unit("StateDirectoryMode"), tmpfiles()[home].0);
    assert_eq!(unit("Description"), service.description);

    for format in ["deb", "rpm"] {
        let payload = payload(format, "x86_64-linux").unwrap();
        let program = format!("/{}", payload.program().unwrap().path);
        assert_eq!(unit("ExecStart").split(' ').next(), Some(&*program), "{format}");
        let unit = format!("usr/lib/systemd/system/{}.service", service.name);
        assert!(payload.entries().iter().any(|entry| entry.path == unit), "{format} has no {unit}");
    }
    let scripts =
        [product.deb.as_ref().unwrap().scripts.iter(), product.rpm.as_ref().unwrap().scripts.iter()];
    for (name, script) in scripts.into_iter().flatten() {
        assert!(script.text(&product).unwrap().contains(&format!("{}.service", service.name)), "{name}");
    }
}

/// Fails if: the unit has a line that the oldest systemd meant does not know, a drop-in has one that is older than its
/// name says or newer, or two files have the same line.
#[test]
fn drop_ins_hold_what_is_newer() {
    // The first systemd that knows a key, from its NEWS; what is not here, 239 knows.
    const SINCE: [(&str, u32); 9] = [
        ("RestrictSUIDSGID", 242),
        ("ProtectHostname", 242),
        ("ProtectKernelLogs", 244),
        ("ProtectClock", 245),
        ("ProtectProc", 247),
        ("ProcSubset", 247),
        ("PrivateIPC", 248),
        ("RestartSteps", 254),
        ("RestartMaxDelaySec", 254),
    ];
    let since =
        |line: &str| SINCE.iter().find(|(key, _)| line.starts_with(&format!("{key}="))).map(|(_, v)| *v);
    let text = read("systemd/pywats-client.service");
    for line in lines(&text) {
        assert_eq!(since(line), None, "{line}");
    }
    let mut seen = Vec::new();
    for file in fs::read_dir(packaging().join("systemd/newer")).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        let least = name.strip_prefix("systemd-").and_then(|name| name.strip_suffix(".conf")).unwrap();
        let least: u32 = least.parse().unwrap();
        let text = read(&format!("systemd/newer/{name}"));
        let said = lines(&text);
        let keys: Vec<_> = said.iter().filter_map(|line| since(line)).collect();
        assert_eq!(keys.len() + 1, said.len(), "{name}: {said:?}");
        assert_eq!(keys.iter().max(), Some(&least), "{name}");
        seen.extend(keys);
    }
    assert_eq!(seen.len(), SINCE.len());
}

/// Fails if: rpm creates other accounts before unpacking than the file it unpacks, or folders belong to
/// accounts that nobody creates.
#[test]
fn accounts_are_the_same_everywhere() {
    let sysusers = read("systemd/sysusers.conf");
    let scriptlet = read("rpm/pre");
    let inline: Vec<_> = lines(&scriptlet)
        .into_iter()
        .filter(|line| line.starts_with("u ") || line.starts_with("g "))
        .collect();
    assert_eq!(inline, lines(&sysusers));

    let created: BTreeSet<_> =
        lines(&sysusers).iter().filter_map(|line| line.split_whitespace().nth(1)).collect();
    for (folder, (_, owner)) in tmpfiles() {
        for name in owner.split(':').filter(|name| *name != "root") {
            assert!(created.contains(name), "{folder} belongs to {name}, which nobody creates");
        }
    }
}

/// Fails if: rpm and tmpfiles.d make other folders, modes or owners, or Debian's purge leaves some behind. What lies
/// in /run is nobody's own: it goes with each boot, and a removal takes it away.
#[test]
fn folders_are_the_same_everywhere() {
    let payload = payload("rpm", "x86_64-linux").unwrap();
    let owned =
        payload.entries().iter().filter(|e| matches!(e.kind, Kind::Directory) && !e.path.starts_with("usr/"));
    let owned: BTreeMap<_, _> = owned
        .map(|entry| {
            let owner = format!("{}:{}", entry.owner.user, entry.owner.group);
            (format!("/{}", entry.path), (format!("{:04o}", entry.mode), owner))
        })
        .collect();
    let (fleeting, kept): (BTreeMap<_, _>, BTreeMap<_, _>) =
        tmpfiles().into_iter().partition(|(path, _)| path.starts_with("/run/"));
    assert_eq!(owned, kept);
    for path in fleeting.keys() {
        assert!(read("debian/postrm").contains(&format!("\"${{DPKG_ROOT}}{path}\"")), "{path}");
        assert!(read("rpm/postun").contains(path.as_str()), "{path}");
        assert_eq!(unit("ReadWritePaths"), format!("-{path}"));
    }

    let is_top = |path: &&String| !owned.keys().any(|other| path.starts_with(&format!("{other}/")));
    let top: Vec<_> = owned.keys().filter(is_top).cloned().collect();
    let purged = format!("for folder in {}; do", top.join(" "));
    assert!(read("debian/postrm").contains(&purged), "postrm does not say {purged:?}");
}

/// Fails if: `service install` registers another service on Windows than the MSI, or gives its folders other rights.
#[test]
fn windows_is_told_the_same() {
    use packager::formats::msi::{rights, service};
    use pywats_client::installation::{NAME, registered};
    let product = product();
    let (ours, msi) = (product.service().unwrap(), product.msi().unwrap());
    assert_eq!(NAME, ours.name);
    assert_eq!(registered::DISPLAY_NAME, product.display_name);
    assert_eq!(registered::DESCRIPTION, ours.description);
    assert_eq!(registered::ARGUMENTS[..], ours.windows_arguments[..]);
    assert_eq!(registered::account(), format!(r"NT SERVICE\{}", ours.name));
    assert_eq!(registered::FOLDERS[..], msi.data_subfolders[..]);
    assert_eq!(registered::FOLDERS[0], msi.drop_folder);
    assert_eq!(
        [
            registered::RESTART_DELAY_SECONDS,
            registered::RESTART_RESET_SECONDS,
            registered::PRESHUTDOWN_SECONDS
        ],
        [service::RESTART_DELAY_SECONDS, service::RESTART_RESET_SECONDS, service::PRESHUTDOWN_SECONDS]
    );
    assert_eq!(registered::IDENTITY, rights::identity(NAME));
    assert_eq!(registered::data_rights(), rights::data(NAME));
    assert_eq!(registered::drop_rights(), rights::drop(NAME));
}

/// Fails if: the copyright file of the Debian package states another licence than the LICENSE file.
#[test]
fn licences_are_the_same() {
    let words = |text: &str| {
        let words = text.split_whitespace().filter(|word| *word != ".");
        words.map(str::to_owned).collect::<Vec<_>>()
    };
    let license = read("../LICENSE");
    let (head, license) = license.split_once("\n\nPermission").expect("the MIT licence");
    let copyright = read("debian/copyright");
    let (stated, text) = copyright.rsplit_once("License: Expat\n Permission").expect("the licence's stanza");
    assert_eq!(words(text), words(license));
    let holder = head.lines().last().and_then(|line| line.strip_prefix("Copyright (c) ")).expect("a holder");
    assert!(stated.contains(&format!("Copyright: {holder}\n")), "the holder is not {holder}");
}

/// Fails if: desktops and shops are told something else of the program than those who install a package.
#[test]
fn desktops_are_told_the_same() {
    let product = product();
    let desktop = read("linux/com.virinco.pywats_client.desktop");
    for (key, value) in [
        ("Name", &product.display_name),
        ("Comment", &product.summary),
        ("Exec", &product.name),
        ("Icon", &product.name),
    ] {
        assert!(lines(&desktop).contains(&&*format!("{key}={value}")), "{key} is not {value}");
    }
    let metadata = read("linux/com.virinco.pywats_client.appdata.xml");
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let about = product.description.split("\n\n").next().unwrap();
    for element in [
        format!("<name>{}</name>", product.display_name),
        format!("<summary>{}</summary>", product.summary),
        format!("<name>{}</name>", product.vendor),
        format!("<project_license>{}</project_license>", product.license),
        format!("<url type=\"homepage\">{}</url>", product.homepage),
        format!("<binary>{}</binary>", product.name),
        format!("<p> {} </p>", words(about)),
    ] {
        assert!(words(&metadata).contains(&element), "{element} is not in the metadata");
    }
}

/// Fails if: a file that the manifest names does not exist, or a format has no payload for a system it
/// supports.
#[test]
fn every_payload_resolves() {
    for format in formats::ALL.iter().filter(|format| !["gpo-kit", "oci"].contains(&format.name())) {
        for target in ["x86_64-linux", "aarch64-linux", "x86_64-windows", "x86_64-macos", "aarch64-macos"] {
            if !format.supports(&target.parse::<Target>().unwrap().into()) {
                continue;
            }
            for entry in payload(format.name(), target).unwrap().entries() {
                // Programs are built, not read.
                let is_built = matches!(entry.kind, Kind::Program(_) | Kind::Actions(_) | Kind::Runtime(_));
                if let (Some(source), false) = (entry.source(), is_built) {
                    source.read().unwrap_or_else(|e| panic!("{} for {target}: {e:#}", format.name()));
                }
            }
        }
    }
}

/// Fails if: a package that can carry files has a program and not the licences of what is in it.
#[test]
fn packages_carry_the_licences_of_others() {
    let texts = read("third-party-licenses.txt");
    // What is made of another artifact has them in that.
    for format in
        formats::ALL.iter().filter(|format| !["exe", "gpo-kit", "oci", "pkg", "dmg"].contains(&format.name()))
    {
        for target in ["x86_64-linux", "x86_64-windows", "aarch64-macos"] {
            if !format.supports(&target.parse::<Target>().unwrap().into()) {
                continue;
            }
            let payload = payload(format.name(), target).unwrap();
            let licenses = payload.entries().iter().filter_map(|entry| match &entry.kind {
                Kind::License(source) => Some(source.read().unwrap()),
                _ => None,
            });
            let carried = licenses.filter(|license| *license == texts.as_bytes()).count();
            assert_eq!(carried, 1, "{} for {target}", format.name());
        }
    }
}

/// Fails if: the SELinux policy labels other folders, another program or other places of logs than there are, or does not
/// know the port of the health page as it is by default.
#[test]
fn the_policy_labels_what_the_packages_make() {
    let policy = read("selinux/pywats_client.cil");
    let labels: Vec<&str> = policy.lines().filter_map(|line| line.strip_prefix("(filecon \"")).collect();
    let type_of = |start: &str| {
        let found = labels.iter().find_map(|line| line.strip_prefix(start)?.split(' ').nth(4));
        found.unwrap_or_else(|| panic!("{start} has no label"))
    };
    for folder in tmpfiles().keys() {
        // Folders in a labelled one have its label.
        let around = folder.trim_end_matches("/done").trim_end_matches("/failed");
        assert!(type_of(&format!("{around}(/.*)?\"")).starts_with("pywats_"), "{folder}");
    }
    let program = unit("ExecStart");
    assert_eq!(type_of(&format!("{}\"", program.split(' ').next().unwrap())), "pywats_exec_t");
    // Both installations and the scriptlets label the same.
    let script = read("selinux/install-selinux.sh");
    for path in labels.iter().filter_map(|line| line.split(['(', '"']).next()) {
        let is_below =
            |other: &str| Path::new(path).starts_with(other) || path.strip_prefix("/var") == Some(other);
        let words = script
            .split_whitespace()
            .map(|word| word.trim_matches(['"', '\\']).trim_start_matches("labelled=\""));
        assert!(
            words.filter(|word| word.starts_with('/')).any(is_below),
            "install-selinux.sh does not label {path}"
        );
    }
}

/// Fails if: the image says another source, port or folder than the product has, sets a variable that the program does not
/// know, or its number for the account changes, which the volumes of running containers have.
#[test]
fn the_image_is_of_this_product() {
    use pywats_client::config::{Config, settings::SETTINGS};
    let product = product();
    let image = product.image().unwrap();
    assert_eq!(image.source, env!("CARGO_PKG_REPOSITORY"));
    assert!(image.documentation.ends_with("/docs/containers.md"));
    assert!(packaging().join("../docs/containers.md").is_file());
    let defaults = Config::new();
    assert_eq!(image.ports, [defaults.health.port]);
    assert_eq!(image.volume, defaults.client.data_dir.to_str().unwrap());
    assert_eq!((image.account.as_str(), image.id), (unit("User").as_str(), 65532));
    for name in image.environment.keys() {
        assert!(SETTINGS.iter().any(|setting| setting.env_name() == *name), "{name} is no setting");
    }
}
