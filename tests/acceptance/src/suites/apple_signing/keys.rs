//! Where a key may be, what becomes of passwords, and the same bits without a key.

use super::Case;
use super::workshop::{IDENTIFIER, TARGETS, TEAM, VARIABLE, Workshop, pkcs12};
use crate::command::said;
use crate::products;
use crate::suites::sign::authority::PASSWORD;
use anyhow::{Context, Result, ensure};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

pub(super) const CASES: &[(&str, Case)] = &[
    ("a Developer ID key signs every program for macOS", signs),
    ("keys in PEM, in an old PKCS#12 file, and behind a command sign, too", other_keys),
    ("signatures attached to unsigned programs give the same bits", same_bits),
    ("what cannot sign is said, and leaves nothing", refused),
    ("secrets show nowhere", nowhere),
];

/// Fails if: a program is not signed as Gatekeeper and the notary want it, or the slices of the universal program are others
/// than those of the thin ones.
fn signs(workshop: &Workshop, folder: &Path) -> Result<()> {
    let release = workshop.release()?;
    let mut slices = Vec::new();
    for target in TARGETS.iter().chain(&["universal-apple-darwin"]) {
        let archive = release.join(format!("pywats-client-{target}.tar.gz"));
        let verdicts = workshop.verify_good(&archive)?;
        for verdict in verdicts.as_array().into_iter().flatten() {
            let (code, signature) = (&verdict["code"], &verdict["signature"]);
            ensure!(code["identifier"] == IDENTIFIER && code["team"] == TEAM, "{verdict:#}");
            ensure!(code["hardened"] == true && code["ticket"] == false, "{verdict:#}");
            ensure!(signature["time_stamp"]["authority"] == "CN=Test tsa", "{verdict:#}");
            slices.push(code["code_hash"].to_string());
        }
        let program = workshop.unpack(release, target, &folder.join(target))?;
        ensure!(fs::metadata(&program)?.permissions().mode() & 0o111 == 0o111, "it cannot be started");
    }
    ensure!(slices.len() == 4 && slices[..2] == slices[2..], "there are {slices:?}");
    Ok(())
}

/// Fails if: a key that people have cannot be used.
fn other_keys(workshop: &Workshop, folder: &Path) -> Result<()> {
    let authority = &workshop.authority;
    let path = |name: &str| authority.path(name);
    let out = folder.join("out");
    fs::copy(path("application.key"), path("old.key"))?;
    fs::copy(path("application.pem"), path("old.pem"))?;
    pkcs12(authority, "old", &["-legacy"])?;
    authority.openssl(&[
        "pkey", "-in", "application.key", "-out", "encrypted.key", "-aes256", "-passout", "file:password",
    ])?;
    // Somebody else's program: another run, with a configuration of its own.
    let inner = workshop.configure(&folder.join("inner"), &workshop.usual())?;
    let script = folder.join("sign it");
    let text = format!(
        "#!/bin/sh\nset -eu\ntest \"$3\" = '*'\nmkdir \"$2.work\"\ncp \"$1\" \"$2.work/pywats-client\"\n\
        case $(od -A n -t x1 -j 4 -N 1 \"$1\") in *07*) target=x86_64;; *) target=aarch64;; esac\n\
        '{xtask}' sign --config '{inner}' --program \"$target-apple-darwin=$2.work\" --out \"$2.out\" \"tarball-$target-macos\" 2>&1\n\
        tar --extract --strip-components=1 --file \"$2.out/pywats-client-$target-apple-darwin.tar.gz\" -C \"$2.work\"\n\
        mv \"$2.work/pywats-client\" \"$2\"\n",
        xtask = crate::suites::dist::xtask().display(),
        inner = inner.display(),
    );
    fs::write(&script, text)?;
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755))?;
    for key in [
        format!("pkcs12]\nfile = {:?}\npassword = {{ file = {:?} }}", path("old.p12"), path("password")),
        format!(
            "pem]\nkey = {:?}\ncertificates = {:?}\nchain = {:?}\npassword = {{ file = {:?} }}",
            path("encrypted.key"),
            path("application.pem"),
            path("issuer.pem"),
            path("password")
        ),
        "command]\nrun = ['./sign it', '{in}', '{out}', '*']".to_owned(),
    ] {
        if out.exists() {
            fs::remove_dir_all(&out)?;
        }
        let configuration = workshop.configure(folder, &key)?;
        workshop.sign_thin(&configuration, &out).run().context(key)?;
        workshop.verify_good(&out.join("pywats-client-aarch64-apple-darwin.tar.gz"))?;
    }
    Ok(())
}

/// Fails if: a single bit differs, a key is needed, or a wrong input makes a file.
fn same_bits(workshop: &Workshop, folder: &Path) -> Result<()> {
    let release = workshop.release()?;
    let out = folder.join("out");
    workshop.attach(&release.join("signatures"), &out).run()?;
    let mut compared = 0;
    for entry in fs::read_dir(release)?.flatten().filter(|entry| entry.path().is_file()) {
        products::compare(&entry.path(), &out.join(entry.file_name()))?;
        compared += 1;
    }
    ensure!(compared >= 10, "only {compared} files were compared");

    let version = products::recipe()?.version.to_string();
    let changed = folder.join("signatures");
    products::copy_sources(&release.join("signatures"), &changed)?;
    let file = changed.join(&version).join("aarch64-apple-darwin-pywats-client.signature");
    let mut bytes = fs::read(&file)?;
    bytes[2000] ^= 1;
    fs::write(&file, bytes)?;
    let again = folder.join("again");
    let output = workshop.attach(&changed, &again).output()?;
    ensure!(said(&output).contains("is not the signature that was stored for aarch64-apple-darwin/pywats-client"));
    ensure!(!output.status.success() && !again.exists(), "it left something");
    Ok(())
}

/// Fails if: a key that cannot sign is not called what it is, a secret shows in the error, or a file is left.
fn refused(workshop: &Workshop, folder: &Path) -> Result<()> {
    let authority = &workshop.authority;
    let path = |name: &str| authority.path(name);
    authority.certificate_with_end("expired", "developer-id-application", "20210101000000Z")?;
    pkcs12(authority, "expired", &[])?;
    pkcs12(authority, "signing", &[])?;
    let with = |file: &str, password: &str| {
        format!("pkcs12]\nfile = {:?}\npassword = {{ file = {:?} }}", path(file), path(password))
    };
    for (key, message) in [
        (with("application.p12", "wrong"), "the password is missing or wrong"),
        (format!("pkcs12]\nfile = {:?}", path("application.p12")), "the password is missing or wrong"),
        (
            format!(
                "pem]\nkey = {:?}\ncertificates = {:?}\npassword = {{ file = {:?} }}",
                path("signing-encrypted.key"),
                path("application.pem"),
                path("wrong")
            ),
            "the password is missing or wrong",
        ),
        (with("expired.p12", "password"), "has expired: it was valid until 2021-01-01"),
        (with("signing.p12", "password"), "is no Developer ID Application certificate"),
        (with("installer.p12", "password"), "is no Developer ID Application certificate"),
        (with("application.pem", "password"), "openssl cannot read it"),
        (with("none.p12", "password"), "none.p12, which is no file"),
        ("command]\nrun = ['false', '{out}']".to_owned(), "the signing command of the configuration failed"),
        ("command]\nrun = ['true', '{out}']".to_owned(), "left no signature"),
    ] {
        let out = folder.join("out");
        let configuration = workshop.configure(folder, &key)?;
        let output = workshop.sign_thin(&configuration, &out).env_remove(VARIABLE).output()?;
        let text = said(&output);
        ensure!(output.status.code() == Some(1), "{key}: it ended with {}\n{text}", output.status);
        ensure!(text.contains(message), "{key}: it does not say {message:?}\n{text}");
        ensure!(!text.contains("pAssword") && !text.contains("PRIVATE KEY"), "{key}: a secret shows\n{text}");
        ensure!(!out.exists(), "{key}: it left something");
    }
    Ok(())
}

/// Stands before another program: notes arguments, as `/proc` shows them, environment, and what lies in the folder for
/// unfinished files.
const WITNESS: &str = r#"#!/bin/sh
{ tr '\0' '\n' < "/proc/$$/cmdline"; env; find "$TMPDIR" -type f -size -100k -exec cat {} +; } >> 'SEEN' 2> /dev/null
exec 'PROGRAM' "$@"
"#;

/// Fails if: somebody else on the machine, or who reads the log, the artifacts or what lies about, learns a password or the
/// key.
fn nowhere(workshop: &Workshop, folder: &Path) -> Result<()> {
    let path = std::env::var_os("PATH").context("PATH is not set")?;
    let [programs, seen, temporary, out] =
        ["programs", "seen", "temporary", "out"].map(|name| folder.join(name));
    fs::create_dir(&programs)?;
    fs::create_dir(&temporary)?;
    for name in ["openssl", "python3"] {
        let real = std::env::split_paths(&path).map(|place| place.join(name)).find(|file| file.is_file());
        let real = real.with_context(|| format!("{name} is not installed"))?;
        let witness = WITNESS.replace("PROGRAM", &real.to_string_lossy()).replace("SEEN", &seen.to_string_lossy());
        fs::write(programs.join(name), witness)?;
        fs::set_permissions(programs.join(name), fs::Permissions::from_mode(0o755))?;
    }
    let path = std::env::join_paths([programs].into_iter().chain(std::env::split_paths(&path)))?;
    let key = format!("pkcs12]\nfile = {:?}", workshop.authority.path("application.p12"));
    let configuration = workshop.configure(folder, &key)?;
    let sign = workshop.sign_thin(&configuration, &out).env("PATH", &path).env("TMPDIR", &temporary);
    let output = sign.env(VARIABLE, PASSWORD).output()?;
    ensure!(output.status.success(), "{}", said(&output));
    let mut places = vec![
        (PathBuf::from("what programs see"), fs::read(&seen)?),
        (PathBuf::from("what it prints"), [output.stdout, output.stderr].concat()),
    ];
    let text = String::from_utf8_lossy(&places[0].1).into_owned();
    ensure!(text.contains("engine.py") && text.contains("pkcs12"), "the witness saw nothing:\n{text}");
    ensure!(fs::read_dir(&temporary)?.next().is_none(), "it left something in {}", temporary.display());
    let mut files = Vec::new();
    packager::digest::collect_files(&out, &mut files)?;
    for file in files {
        places.push((file.clone(), fs::read(file)?));
    }
    // Some of the key, and its beginning.
    let key = fs::read_to_string(workshop.authority.path("application.key"))?;
    let line = key.lines().nth(3).context("the key is short")?;
    for (place, bytes) in places {
        for secret in [PASSWORD, line, "BEGIN PRIVATE KEY"] {
            let shows = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            ensure!(!shows, "a secret shows in {}", place.display());
        }
    }
    Ok(())
}
