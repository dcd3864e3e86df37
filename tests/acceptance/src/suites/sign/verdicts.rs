//! `cargo xtask verify`: what is right passes, and whatever is not is refused with the reason.

use super::Case;
use super::workshop::{ROOTS, Workshop, everything, failed_cleanly, find, signatures};
use crate::command::{Tool, said, tool};
use crate::suites::dist;
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

pub(super) const CASES: &[(&str, Case)] = &[
    ("what was tampered with is refused", tampered),
    ("what is not signed is refused", unsigned),
    ("what other authorities vouch for is refused", other_authorities),
    ("SHA-1 is refused", weak_digest),
    ("a signature inside a signature is refused", nested),
    ("certificates that are not for signing code are refused", other_uses),
    ("a certificate in between that is missing is named", missing_issuer),
    ("signatures of other files are refused", swapped),
    ("an expired certificate needs a time stamp", expired),
    ("what cannot be verified is named, and the others are judged", not_verifiable),
    ("the configuration says whom to trust", configured_trust),
];

/// Verifies a file that must be refused, for that reason.
pub(super) fn refused(workshop: &Workshop, roots: [&str; 2], file: &Path, reason: &str) -> Result<()> {
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
        refused(workshop, ROOTS, &changed, reason).with_context(|| format!("byte {at}"))?;
    }
    Ok(())
}

/// Fails if: an unsigned file passes, also one in an archive.
fn unsigned(workshop: &Workshop, folder: &Path) -> Result<()> {
    let zip = {
        let version = crate::products::recipe()?.version.to_string();
        crate::products::package("zip", "x86_64-windows", &version, &workshop.program, folder)?
    };
    for file in [&workshop.program, &workshop.msi, &zip] {
        refused(workshop, ROOTS, file, "it is not signed")?;
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
pub(super) fn sign_by_hand(workshop: &Workshop, name: &str, options: &[&str], to: &Path) -> Result<()> {
    sign_file_by_hand(workshop, name, options, [&workshop.program, to])
}

fn sign_file_by_hand(
    workshop: &Workshop,
    name: &str,
    options: &[&str],
    [from, to]: [&Path; 2],
) -> Result<()> {
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
        .arg(from)
        .arg("-out")
        .arg(to)
        .run()
}

/// Fails if: a digest that can be forged passes, although osslsigncode accepts it.
fn weak_digest(workshop: &Workshop, folder: &Path) -> Result<()> {
    let weak = folder.join("weak.exe");
    sign_by_hand(workshop, "signing", &["-h", "sha1"], &weak)?;
    refused(workshop, ROOTS, &weak, "the digest of the file is made with SHA-1, which is too weak")?;
    let strong = folder.join("strong.exe");
    sign_by_hand(workshop, "signing", &["-h", "sha384"], &strong)?;
    let verdict = workshop.verify_good(&strong)?;
    ensure!(verdict["signature"]["digest"] == "SHA-384", "{verdict:#}");
    Ok(())
}

/// Fails if: a file passes because one of two signatures is right, whichever it is: osslsigncode wants only one.
fn nested(workshop: &Workshop, folder: &Path) -> Result<()> {
    workshop.authority.certificate("stranger", "other-root", "signing")?;
    for [first, second] in [["signing", "stranger"], ["stranger", "signing"]] {
        let [once, twice] = ["once", "twice"].map(|name| folder.join(format!("{name}-{first}.exe")));
        sign_by_hand(workshop, first, &["-h", "sha256"], &once)?;
        sign_file_by_hand(workshop, second, &["-h", "sha256", "-nest"], [&once, &twice])?;
        refused(workshop, ROOTS, &twice, "it has a second signature inside the first")?;
    }
    Ok(())
}

/// Fails if: a certificate for something else passes, or one that does not say what it is for, or the reason is not
/// said.
fn other_uses(workshop: &Workshop, folder: &Path) -> Result<()> {
    for usage in ["serving", "unlimited"] {
        workshop.authority.certificate(usage, "issuer", usage)?;
        let signed = folder.join(format!("{usage}.exe"));
        sign_by_hand(workshop, usage, &["-h", "sha256"], &signed)?;
        let reason = format!("the certificate of CN=Test {usage} is not one for signing code");
        refused(workshop, ROOTS, &signed, &reason)?;
    }
    Ok(())
}

/// Fails if: whoever forgot a certificate of the chain is told only that nobody vouches.
fn missing_issuer(workshop: &Workshop, folder: &Path) -> Result<()> {
    let configuration = workshop.configure(folder, "pem")?;
    let text = fs::read_to_string(&configuration)?;
    let without: Vec<&str> = text.lines().filter(|line| !line.starts_with("chain")).collect();
    fs::write(&configuration, without.join("\n"))?;
    let out = folder.join("out");
    let output = workshop.sign(&configuration, &out).args(everything()?).output()?;
    let message = "the certificate of its issuer, CN=Test issuer, is not in the signature";
    failed_cleanly(&output, &out, &[message, "name it in chain"], &[])
}

/// Fails if: a right signature on the wrong file passes.
fn swapped(workshop: &Workshop, folder: &Path) -> Result<()> {
    let mut bytes = fs::read(&workshop.program)?;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let other = folder.join("other.exe");
    fs::write(&other, bytes)?;
    let signatures = signatures(workshop.release()?)?;
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
            refused(workshop, ROOTS, &to, reason)?;
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
    // As long as signing twice takes on this machine, and some seconds.
    let started = Instant::now();
    workshop.sign(&workshop.configure(folder, "pem")?, &folder.join("rehearsal")).arg("zip").run()?;
    let (end, text) = moment(8 + 4 * started.elapsed().as_secs())?;
    workshop.authority.certificate_until("brief", &text)?;
    let configuration = workshop.configure(folder, "plain brief")?;
    let sign =
        |out: &Path, options: &[&str]| workshop.sign(&configuration, out).arg("zip").args(options).run();
    let [with, without, late] = ["with", "without", "late"].map(|name| folder.join(name));
    sign(&with, &[])?;
    sign(&without, &["--no-timestamp"])?;
    for out in [&with, &without] {
        workshop.verify_good(&find(out, "-windows-gnu.zip")?).context("before it has expired")?;
    }
    let left =
        end.duration_since(SystemTime::now()).context("signing took longer than the certificate lasts")?;
    std::thread::sleep(left + Duration::from_secs(2));
    workshop.verify_good(&find(&with, "-windows-gnu.zip")?).context("after it has expired")?;
    refused(workshop, ROOTS, &find(&without, "-windows-gnu.zip")?, "the certificate has expired")?;
    // Nor can one sign with it any more, stamp or not.
    let output = workshop.sign(&configuration, &late).args(everything()?).output()?;
    failed_cleanly(&output, &late, &["the certificate has expired"], &[])
}

/// Fails if: a file that is of no kind that has signatures passes, the error does not name it, or the verdict on the
/// others is missing.
fn not_verifiable(workshop: &Workshop, folder: &Path) -> Result<()> {
    let text = folder.join("text.exe");
    fs::write(&text, "no program")?;
    let missing = folder.join("missing.msi");
    let good = find(workshop.release()?, ".msi")?;
    let output = verify(workshop).arg("--json").args([&text, &missing, &good]).output()?;
    ensure!(output.status.code() == Some(1), "it ended with {}\n{}", output.status, said(&output));
    let verdicts: Value = serde_json::from_slice(&output.stdout).context("it prints no JSON")?;
    for (index, ok, problem) in [(0, false, "it is nothing that can be signed"), (1, false, "reading "), (2, true, "")]
    {
        let verdict = &verdicts[index];
        ensure!(verdict["ok"] == ok, "{verdict:#}");
        ensure!(verdict["problems"].to_string().contains(problem), "{verdict:#}");
    }
    for (ca_file, message) in
        [(Path::new("/no/such/root.pem"), "/no/such/root.pem"), (&text, "has no certificate")]
    {
        let output =
            tool(dist::xtask(), 30).args(["verify", "--ca-file"]).arg(ca_file).arg(&good).output()?;
        ensure!(output.status.code() == Some(1), "it ended with {}\n{}", output.status, said(&output));
        ensure!(said(&output).contains(message), "it does not say {message:?}\n{}", said(&output));
    }
    Ok(())
}

/// `cargo xtask verify`, which trusts the authority's roots.
fn verify(workshop: &Workshop) -> Tool {
    let [root, tsa] = ROOTS.map(|name| workshop.authority.path(name));
    tool(dist::xtask(), 60).args(["verify", "--ca-file"]).arg(root).arg("--tsa-ca-file").arg(tsa)
}

/// Fails if: what was signed by a configuration is refused by those whom that does not trust, or the key of the
/// configuration has to be there for verifying.
fn configured_trust(workshop: &Workshop, folder: &Path) -> Result<()> {
    let msi = find(workshop.release()?, ".msi")?;
    let configuration = workshop.configure(folder, "plain nobody")?;
    let with = |options: &[&str]| {
        tool(dist::xtask(), 60)
            .args(["verify", "--config"])
            .arg(&configuration)
            .args(options)
            .arg(&msi)
            .output()
    };
    let output = with(&[])?;
    ensure!(output.status.success(), "{}", said(&output));
    // The command line has its way.
    let other = workshop.authority.path("other-root.pem");
    let output = with(&["--ca-file", &other.to_string_lossy()])?;
    ensure!(said(&output).contains("nobody who is trusted vouches"), "{}", said(&output));
    Ok(())
}
