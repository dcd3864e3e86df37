//! `cargo xtask verify`: what is right passes, and whatever is not is refused with the reason.

use super::Case;
use super::workshop::{TARGET, Workshop, find};
use crate::command::{said, tool};
use crate::suites::dist;
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub(super) const CASES: &[(&str, Case)] = &[
    ("what was tampered with is refused", tampered),
    ("what is not signed is refused", unsigned),
    ("what other authorities vouch for is refused", other_authorities),
    ("SHA-1 is refused", weak_digest),
    ("signatures of other files are refused", swapped),
    ("an expired certificate needs a time stamp", expired),
    ("what cannot be verified is named", not_verifiable),
];

const OURS: [&str; 2] = ["root.pem", "tsa-root.pem"];

/// Verifies a file that must be refused, for that reason.
fn refused(workshop: &Workshop, roots: [&str; 2], file: &Path, reason: &str) -> Result<()> {
    let (ok, verdict) = workshop.verify(roots, file)?;
    ensure!(!ok, "{} is accepted: {verdict:#}", file.display());
    let said = verdict["problems"].to_string();
    ensure!(said.contains(reason), "{}: the reason is {said}, not {reason:?}", file.display());
    Ok(())
}

/// Fails if: a changed byte in program, installer or signature goes unnoticed.
fn tampered(workshop: &Workshop, folder: &Path) -> Result<()> {
    const CHANGED: &str = "it was changed after it was signed";
    let msi = find(workshop.release()?, ".msi")?;
    let program = workshop.signed_program(folder)?;
    let unsigned_length = fs::metadata(&workshop.program)?.len();
    // In the headers, the code, the data; and in the signature, whose structure may then be unreadable.
    for (file, at, reason) in [
        (&program, 0x300, CHANGED),
        (&program, unsigned_length / 2, CHANGED),
        (&program, unsigned_length - 10, CHANGED),
        (&program, unsigned_length + 2000, ""),
        (&msi, fs::metadata(&msi)?.len() / 2, CHANGED),
        (&msi, 0x8000, CHANGED),
    ] {
        let changed = folder.join(format!("changed-{at}"));
        let mut bytes = fs::read(file)?;
        let byte =
            usize::try_from(at).ok().and_then(|at| bytes.get_mut(at)).context("the file is too short")?;
        *byte ^= 1;
        fs::write(&changed, bytes)?;
        refused(workshop, OURS, &changed, reason).with_context(|| format!("byte {at}"))?;
    }
    Ok(())
}

/// Fails if: an unsigned file passes, also one in an archive.
fn unsigned(workshop: &Workshop, folder: &Path) -> Result<()> {
    let zip = crate::products::package_as_released("zip", "x86_64-windows", &workshop.program, folder)?;
    for file in [&workshop.program, &workshop.msi, &zip] {
        refused(workshop, OURS, file, "it is not signed")?;
    }
    Ok(())
}

/// Fails if: a chain that ends nowhere passes, for the signature or for its time stamp.
fn other_authorities(workshop: &Workshop, folder: &Path) -> Result<()> {
    let program = workshop.signed_program(folder)?;
    let msi = find(workshop.release()?, ".msi")?;
    for file in [&program, &msi] {
        refused(workshop, ["other-root.pem", "tsa-root.pem"], file, "nobody who is trusted vouches")?;
        refused(workshop, ["tsa-root.pem", "tsa-root.pem"], file, "nobody who is trusted vouches")?;
        refused(workshop, ["root.pem", "other-root.pem"], file, "the time stamp of CN=Test tsa is not by")?;
    }
    Ok(())
}

/// Signs the program as `cargo xtask sign` never would.
fn sign_by_hand(workshop: &Workshop, name: &str, options: &[&str], to: &Path) -> Result<()> {
    let of = |name: &str| workshop.authority.path(name);
    tool("osslsigncode", 30)
        .args(["sign", "-certs"])
        .arg(of(&format!("{name}.pem")))
        .arg("-key")
        .arg(of(&format!("{name}.key")))
        .arg("-ac")
        .arg(of("issuer.pem"))
        .args(options)
        .arg("-in")
        .arg(&workshop.program)
        .arg("-out")
        .arg(to)
        .run()
}

/// Fails if: a digest that can be forged passes, although osslsigncode accepts it.
fn weak_digest(workshop: &Workshop, folder: &Path) -> Result<()> {
    let weak = folder.join("weak.exe");
    sign_by_hand(workshop, "signing", &["-h", "sha1"], &weak)?;
    refused(workshop, OURS, &weak, "the digest of the file is made with SHA-1, which is too weak")?;
    let strong = folder.join("strong.exe");
    sign_by_hand(workshop, "signing", &["-h", "sha384"], &strong)?;
    let verdict = workshop.verify_good(&strong)?;
    ensure!(verdict["signature"]["digest"] == "SHA-384", "{verdict:#}");
    Ok(())
}

/// Fails if: a right signature on the wrong file passes.
fn swapped(workshop: &Workshop, folder: &Path) -> Result<()> {
    let mut bytes = fs::read(&workshop.program)?;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let other = folder.join("other.exe");
    fs::write(&other, bytes)?;
    let signatures = workshop.release()?.join("signatures").join(TARGET);
    for (signature, unsigned, to, reason) in [
        (".exe.p7s", &other, "program.exe", "the signature is that of another file"),
        (".msi.p7s", &workshop.program, "installer.exe", "osslsigncode verify"),
        (".exe.p7s", &workshop.msi, "program.msi", "the signature is that of another file"),
    ] {
        let to = folder.join(to);
        let output = tool("osslsigncode", 30)
            .args(["attach-signature", "-sigin"])
            .arg(find(&signatures, signature)?)
            .arg("-in")
            .arg(unsigned)
            .arg("-out")
            .arg(&to)
            .output()?;
        // Newer versions see it themselves and make no file.
        if to.is_file() {
            refused(workshop, OURS, &to, reason)?;
        } else {
            ensure!(!output.status.success(), "osslsigncode made no file, and no error\n{}", said(&output));
        }
    }
    Ok(())
}

/// `20261125024557Z`, in so many seconds.
fn moment(seconds: u64) -> Result<(SystemTime, String)> {
    let time = SystemTime::now() + Duration::from_secs(seconds);
    let epoch = time.duration_since(UNIX_EPOCH)?.as_secs();
    let text =
        tool("date", 5).args(["--utc", "--date"]).arg(format!("@{epoch}")).arg("+%Y%m%d%H%M%SZ").read()?;
    Ok((UNIX_EPOCH + Duration::from_secs(epoch), text.trim().to_owned()))
}

/// Fails if: an expired certificate passes without a time stamp, or one with it does not: it is what time stamps are
/// for.
fn expired(workshop: &Workshop, folder: &Path) -> Result<()> {
    let (end, text) = moment(16)?;
    workshop.authority.certificate_until("brief", &text)?;
    let configuration = workshop.configure(folder, "plain brief")?;
    let sign = |out: &Path, options: &[&str]| {
        workshop.sign(&configuration, out).args(["--format", "zip"]).args(options).run()
    };
    let [with, without, late] = ["with", "without", "late"].map(|name| folder.join(name));
    sign(&with, &[])?;
    sign(&without, &["--no-timestamp"])?;
    for out in [&with, &without] {
        workshop.verify_good(&find(out, ".zip")?).context("before it has expired")?;
    }
    let left =
        end.duration_since(SystemTime::now()).context("signing took longer than the certificate lasts")?;
    std::thread::sleep(left + Duration::from_secs(2));
    workshop.verify_good(&find(&with, ".zip")?).context("after it has expired")?;
    refused(workshop, OURS, &find(&without, ".zip")?, "the certificate has expired")?;
    // Nor can one sign with it any more, stamp or not.
    let output = workshop.sign(&configuration, &late).output()?;
    super::workshop::failed_cleanly(&output, &late, &["the certificate has expired"], &[])
}

/// Fails if: a file that is of no kind that has signatures passes, or the error does not name it.
fn not_verifiable(workshop: &Workshop, folder: &Path) -> Result<()> {
    let text = folder.join("text.exe");
    fs::write(&text, "no program")?;
    let missing = folder.join("missing.msi");
    let good = find(workshop.release()?, ".msi")?;
    for (file, ca_file, message) in [
        (&text, workshop.authority.path("root.pem"), "text.exe is neither a program"),
        (&missing, workshop.authority.path("root.pem"), "missing.msi"),
        (&good, PathBuf::from("/no/such/root.pem"), "/no/such/root.pem"),
    ] {
        let output = tool(dist::xtask(), 30).args(["verify", "--ca-file"]).arg(ca_file).arg(file).output()?;
        ensure!(output.status.code() == Some(1), "it ended with {}\n{}", output.status, said(&output));
        ensure!(said(&output).contains(message), "it does not say {message:?}\n{}", said(&output));
    }
    Ok(())
}
