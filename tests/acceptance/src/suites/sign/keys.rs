//! Keys: in files, in a token, behind somebody else's program; and when one cannot be used.

use super::Case;
use super::authority::{PASSWORD, PIN};
use super::workshop::{ACTIONS, VARIABLE, Workshop, everything, failed_cleanly, files, find, installed, signatures};
use crate::command::{said, tool};
use crate::products;
use crate::suites::{dist, msi};
use anyhow::{Context, Result, ensure};
use sha2::{Digest, Sha256};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

pub(super) const CASES: &[(&str, Case)] = &[
    ("a key in PEM signs program, library, installer, and what is made of them", pem),
    ("a key in PEM signs what is for Windows on Arm", on_arm),
    ("a key in PKCS#12", |workshop, folder| signs(workshop, folder, "pkcs12")),
    ("a chain that is named twice", chain_twice),
    ("a password from the environment", password_from_environment),
    ("a key in a token, the certificate in a file", |workshop, folder| signs(workshop, folder, "pkcs11")),
    ("a key and its certificate in a token", |w, folder| signs(w, folder, "pkcs11 with its certificate")),
    ("an external command", external_command),
    ("an external command that signs in place, without MsiDigitalSignatureEx", external_in_place),
    ("an external command that does not do it", external_failures),
    ("wrong and missing passwords", wrong_passwords),
    ("a key of another certificate, in a folder of passphrases", not_the_password),
    ("what cannot be signed", not_to_be_signed),
    ("what the command line cannot mean", impossible_arguments),
    ("osslsigncode is missing or too old", without_osslsigncode),
];

/// Fails if: an artifact is missing, not listed, or not signed; the signature does not say what it should; or the
/// programs in the artifacts differ.
fn pem(workshop: &Workshop, folder: &Path) -> Result<()> {
    let out = workshop.release()?;
    let [msi, zip, exe, wheel, kit] =
        [".msi", "-windows-gnu.zip", ".exe", ".whl", "-gpo-kit.zip"].map(|name| find(out, name));
    let (msi, zip, exe, wheel, kit) = (msi?, zip?, exe?, wheel?, kit?);
    let names = ["SHA256SUMS", "artifacts.json"].map(PathBuf::from);
    let found = files(out)?;
    for name in &names {
        ensure!(found.contains(name), "there is no {} in {found:?}", name.display());
    }
    let stored = signatures(out)?;
    for name in [".msi.p7s", "-installer_actions.dll.p7s", "-pywats-client.exe.p7s", "signatures.json"] {
        find(&stored, name)?;
    }
    ensure!(found.len() == 11, "there are other files in {found:?}");
    let sums = fs::read_to_string(out.join("SHA256SUMS"))?;
    let list = fs::read_to_string(out.join("artifacts.json"))?;
    for file in [&msi, &zip, &exe, &wheel, &kit] {
        let sha256 = format!("{:x}", Sha256::digest(fs::read(file)?));
        ensure!(
            sums.contains(&sha256) && list.contains(&sha256),
            "{} is not listed as it is",
            file.display()
        );
        ensure!(fs::metadata(file)?.mode() & 0o777 == 0o644, "the umask shows in {}", file.display());
        let signature = &workshop.verify_good(file)?["signature"];
        for (field, expected) in [
            ("signer", "CN=Test signing"),
            ("issuer", "CN=Test issuer"),
            ("digest", "SHA-256"),
            ("description", "pyWATS Client"),
            ("url", "https://wats.com"),
        ] {
            ensure!(signature[field] == expected, "{field} is not {expected:?} in {signature:#}");
        }
        ensure!(signature["time_stamp"]["authority"] == "CN=Test tsa", "{signature:#}");
    }
    // The judge is not of ours.
    tool("osslsigncode", 30)
        .args(["verify", "-CAfile"])
        .arg(workshop.authority.path("root.pem"))
        .arg("-TSA-CAfile")
        .arg(workshop.authority.path("tsa-root.pem"))
        .arg("-in")
        .arg(&msi)
        .run()?;
    let program = msi::program(&msi, folder)?;
    // What runs with the rights of the installation is signed as well as what is installed.
    workshop.verify_good(&program.with_file_name(ACTIONS))?;
    products::compare(&program, &exe).context("the program in the MSI and the one alone differ")?;
    products::compare(&program, &workshop.signed_program(folder)?)
        .context("the programs in MSI and zip differ")?;
    let unpack = tool("unzip", 30).args(["-q", "-o", "-j", "-d"]).arg(folder).arg(&kit);
    unpack.arg("*.msi").run().context("unpacking the kit")?;
    products::compare(&msi, &find(folder, ".msi")?).context("the kit has another MSI than the signed one")
}

/// Fails if: what is for the other processor is not signed, or the programs in its artifacts differ.
fn on_arm(workshop: &Workshop, folder: &Path) -> Result<()> {
    let [unsigned, signed, out] = ["unsigned", "signed", "out"].map(|name| folder.join(name));
    let program = msi::program(&workshop.on_arm, &unsigned)?;
    let programs = program.parent().context("a program is in a folder")?.display();
    tool(dist::xtask(), 120)
        .args(["sign", "msi-arm64", "zip-aarch64-windows", "--config"])
        .arg(workshop.configure(folder, "pem")?)
        .args(["--program", &format!("aarch64-pc-windows-gnullvm={programs}"), "--out"])
        .arg(&out)
        .run()?;
    let [msi, zip] = ["-arm64.msi", "-windows-gnullvm.zip"].map(|name| find(&out, name));
    let (msi, zip) = (msi?, zip?);
    workshop.verify_good(&msi)?;
    workshop.verify_good(&zip)?;
    let program = msi::program(&msi, &signed)?;
    workshop.verify_good(&program.with_file_name(ACTIONS))?;
    tool("unzip", 30).args(["-q", "-j", "-d"]).arg(folder).arg(&zip).arg("pywats-client.exe").run()?;
    products::compare(&program, &folder.join("pywats-client.exe"))
}

/// Signs with a key that is kept in this way, and verifies.
fn signs(workshop: &Workshop, folder: &Path, key: &str) -> Result<()> {
    let out = folder.join("out");
    workshop.sign(&workshop.configure(folder, key)?, &out).arg("msi").run()?;
    workshop.verify_good(&find(&out, ".msi")?)?;
    Ok(())
}

/// Fails if: a certificate in two files spoils the signature, or one in file and container is not called that.
fn chain_twice(workshop: &Workshop, folder: &Path) -> Result<()> {
    signs(workshop, folder, "pem with the chain twice")?;
    let out = folder.join("other");
    let output = workshop.sign(&workshop.configure(folder, "pkcs12 with the chain twice")?, &out).args(everything()?).output()?;
    // Newer versions of osslsigncode leave the second one out by themselves.
    if output.status.success() {
        return workshop.verify_good(&find(&out, ".msi")?).map(|_| ());
    }
    failed_cleanly(&output, &out, &["a certificate is in it twice: name in chain only those"], &[])
}

/// Fails if: a password in the variable that is documented, or in one that the configuration names, is not used.
fn password_from_environment(workshop: &Workshop, folder: &Path) -> Result<()> {
    for (key, variable, secret) in [
        ("pkcs12 without its password", VARIABLE, PASSWORD),
        ("pkcs11 with a PIN from the environment", "OUR_PIN", PIN),
    ] {
        let out = folder.join(variable);
        workshop.sign(&workshop.configure(folder, key)?, &out).env(variable, secret).arg("zip").run()?;
        workshop.verify_good(&find(&out, "-windows-gnu.zip")?)?;
    }
    Ok(())
}

/// A script that signs `$1`, or the file at `$2` in its place, as another program would.
pub(super) fn script(workshop: &Workshop, folder: &Path, name: &str, sign: &str) -> Result<PathBuf> {
    let path = folder.join(name);
    let key = |name: &str| workshop.authority.path(name).to_string_lossy().into_owned();
    let options = format!(
        "-h sha256 -certs '{}' -key '{}' -ac '{}'",
        key("signing.pem"),
        key("signing.key"),
        key("issuer.pem")
    );
    fs::write(&path, format!("#!/bin/sh\nset -eu\n{}\n", sign.replace("OPTIONS", &options)))?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    Ok(path)
}

/// The configuration of a command.
pub(super) fn command(program: &Path, arguments: &[&str]) -> String {
    let mut words = vec![program.to_string_lossy().into_owned()];
    words.extend(arguments.iter().map(|word| (*word).to_owned()));
    format!("[key.command]\nrun = {words:?}\n")
}

/// Fails if: a command does not get both files, an argument goes through a shell, or its signature gets no time stamp.
fn external_command(workshop: &Workshop, folder: &Path) -> Result<()> {
    let sign = r#"test "$3" = '$(exit 1); *' && osslsigncode sign OPTIONS -in "$1" -out "$2""#;
    script(workshop, folder, "sign it", sign)?;
    // As every path, it is relative to the folder of the configuration.
    signs(workshop, folder, &command(Path::new("./sign it"), &["{in}", "{out}", "$(exit 1); *"]))
}

/// Fails if: the command finds nothing to sign, or a signature without MsiDigitalSignatureEx is attached with it.
fn external_in_place(workshop: &Workshop, folder: &Path) -> Result<()> {
    let sign = r#"osslsigncode sign OPTIONS -in "$1" -out "$1.signed" && mv "$1.signed" "$1""#;
    let program = script(workshop, folder, "in-place", sign)?;
    signs(workshop, folder, &command(&program, &["{out}"]))?;
    let list = signatures(&folder.join("out"))?.join("signatures.json");
    ensure!(!fs::read_to_string(list)?.contains("true"), "a signature counts as extended that is not");
    Ok(())
}

/// Fails if: a command that fails, does nothing or is not there leaves a file, or the error does not say why.
fn external_failures(workshop: &Workshop, folder: &Path) -> Result<()> {
    let failing = script(workshop, folder, "failing", "echo 'the cloud is closed' >&2; exit 3")?;
    let idle = script(workshop, folder, "idle", "exit 0")?;
    for (program, messages) in [
        (failing, &["the cloud is closed", "exit status: 3"]),
        (idle, &["ended well, but left no signature", "idle"]),
        (PathBuf::from("/no/such/program"), &["cannot start", "/no/such/program"]),
    ] {
        let out = folder.join("out");
        let configuration = workshop.configure(folder, &command(&program, &["{out}"]))?;
        let output = workshop.sign(&configuration, &out).args(everything()?).output()?;
        failed_cleanly(&output, &out, messages, &[])?;
    }
    Ok(())
}

/// Fails if: a wrong or missing password is not called that, shows in the error, or leaves a file.
fn wrong_passwords(workshop: &Workshop, folder: &Path) -> Result<()> {
    for key in [
        "pem with the wrong password",
        "pem without its password",
        "pkcs12 with the wrong password",
        "pkcs12 without its password",
        "pkcs11 with the wrong PIN",
    ] {
        let out = folder.join("out");
        let output = workshop.sign(&workshop.configure(folder, key)?, &out).args(everything()?).output()?;
        let messages = ["the password or PIN is missing or wrong", "osslsigncode sign"];
        failed_cleanly(&output, &out, &messages, &["not-the-pAssword", PASSWORD]).context(key)?;
    }
    Ok(())
}

/// Fails if: a password is blamed because the name of a folder has the word in it.
fn not_the_password(workshop: &Workshop, folder: &Path) -> Result<()> {
    let place = folder.join("passphrases");
    fs::create_dir(&place)?;
    let key = place.join("other.key");
    fs::copy(workshop.authority.path("tsa.key"), &key)?;
    let key =
        format!("[key.pem]\nkey = {key:?}\ncertificates = {:?}", workshop.authority.path("signing.pem"));
    let out = place.join("out");
    let output = workshop.sign(&workshop.configure(folder, &key)?, &out).args(everything()?).output()?;
    failed_cleanly(
        &output,
        &out,
        &["the key could not be used"],
        &["the password or PIN is missing or wrong"],
    )
}

/// Fails if: a signed program is signed again, or what is no program at all.
fn not_to_be_signed(workshop: &Workshop, folder: &Path) -> Result<()> {
    let place = |name: &str| folder.join(name).join("pywats-client.exe");
    for name in ["signed", "text", "missing", "alone"] {
        fs::create_dir(folder.join(name))?;
        if name != "alone" {
            workshop.bring_actions(&folder.join(name))?;
        }
    }
    fs::copy(workshop.signed_program(folder)?, place("signed"))?;
    fs::write(place("text"), "MZ, but no program")?;
    fs::copy(&workshop.program, place("alone"))?;
    let configuration = workshop.configure(folder, "pem")?;
    for (name, message) in [
        ("signed", "is signed already"),
        ("text", "it is no 64-bit program for Windows"),
        ("missing", "pywats-client.exe is not a file; a package needs it"),
        ("alone", "installer_actions.dll is not a file; a package needs it"),
    ] {
        let out = folder.join("out");
        let sign = workshop.sign_program(&place(name), &out).arg("--config").arg(&configuration);
        let output = sign.args(everything()?).output()?;
        failed_cleanly(&output, &out, &[message], &[])?;
    }
    Ok(())
}

/// Fails if: what cannot be meant is signed anyway, or the unsigned artifacts could be taken for signed ones.
fn impossible_arguments(workshop: &Workshop, folder: &Path) -> Result<()> {
    let configuration = workshop.configure(folder, "pem")?;
    let before = workshop.server.asked();
    for (arguments, message) in [
        (
            ["zip", "deb-amd64"],
            "nothing in the artifact \"deb-amd64\" is signed: use msi, zip, exe, msi-arm64,",
        ),
        (["zip", "exe-cute"], "there is no artifact \"exe-cute\""),
        (["--program", "x86_64-apple-darwin=."], "none of these artifacts takes programs for"),
        (["--timestamp-server", "ftp://a"], "--timestamp-server"),
        (["--config", "/no/such/signing.toml"], "docs/signing.md"),
    ] {
        let out = folder.join("out");
        let mut sign = workshop.sign_program(&workshop.program, &out).args(arguments);
        if arguments[0] != "--config" {
            sign = sign.arg("--config").arg(&configuration);
        }
        failed_cleanly(&sign.output()?, &out, &[message], &[]).context(arguments[1])?;
    }
    let list = tool(dist::xtask(), 30).args(["sign", "--list"]).read()?;
    ensure!(list.contains("\ngpo-kit ") && !list.contains("deb-amd64"), "--list says\n{list}");
    let unsigned = products::workspace().join("dist");
    if unsigned.is_dir() {
        let output = workshop.sign(&configuration, &unsigned).args(everything()?).output()?;
        ensure!(output.status.code() == Some(1), "it ended with {}", output.status);
        ensure!(said(&output).contains("has the unsigned artifacts"), "{}", said(&output));
    }
    ensure!(workshop.server.asked() == before, "something was signed");
    Ok(())
}

/// Fails if: it is not said what to install.
fn without_osslsigncode(workshop: &Workshop, folder: &Path) -> Result<()> {
    let configuration = workshop.configure(folder, "pem")?;
    let out = folder.join("out");
    // A search path with nothing but the program that watches over the time.
    let programs = folder.join("programs");
    fs::create_dir(&programs)?;
    std::os::unix::fs::symlink(installed("timeout")?, programs.join("timeout"))?;
    let output = workshop.sign(&configuration, &out).args(everything()?).env("PATH", &programs).output()?;
    failed_cleanly(&output, &out, &["apt-get install osslsigncode"], &[])?;

    let old = folder.join("osslsigncode");
    fs::write(&old, "#!/bin/sh\necho 'osslsigncode 2.4, using:'\n")?;
    fs::set_permissions(&old, fs::Permissions::from_mode(0o755))?;
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap_or_default());
    let output = workshop.sign(&configuration, &out).args(everything()?).env("PATH", path).output()?;
    failed_cleanly(&output, &out, &["osslsigncode 2.4 is too old", "2.5 or later"], &[])
}
