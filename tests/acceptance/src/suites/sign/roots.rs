//! A machine without roots of its own: what `signing.toml` names is enough, and what is missing is said.

use super::Case;
use super::workshop::{ROOTS, VARIABLE, Workshop, failed_cleanly, find, programs};
use crate::command::{Tool, said, tool};
use crate::suites::dist;
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::Path;

pub(super) const CASES: &[(&str, Case)] = &[
    ("a machine without roots signs and verifies by those that are named", named),
    ("roots that are missing are called that before the key is used", missing),
];

/// Hides the roots of the system, wherever osslsigncode would find them.
const WITHOUT_ROOTS: &str = r#"
for place in /etc/ssl /etc/pki /usr/share/ssl /usr/local/share/certs; do
    test ! -d "$place" || mount -t tmpfs tmpfs "$place" || exit 99
done
exec "$@""#;

/// `cargo xtask` where the system has no roots.
fn xtask(verb: &str) -> Tool {
    tool("unshare", 120)
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", WITHOUT_ROOTS, "sh"])
        .arg(dist::xtask())
        .arg(verb)
        .env_remove(VARIABLE)
}

fn sign(workshop: &Workshop, out: &Path) -> Tool {
    xtask("sign").args(["zip", "--program"]).arg(programs(&workshop.program)).arg("--out").arg(out)
}

/// Fails if: a program that we start looks for roots of the system although others are named.
fn named(workshop: &Workshop, folder: &Path) -> Result<()> {
    let configuration = workshop.configure(folder, "pem")?;
    let [signed, attached] = ["signed", "attached"].map(|name| folder.join(name));
    sign(workshop, &signed).arg("--config").arg(&configuration).run()?;
    let again = sign(workshop, &attached).arg("--config").arg(&configuration).arg("--attach");
    again.arg(signed.join("signatures")).run()?;
    for out in [signed, attached] {
        let zip = find(&out, "-windows-gnu.zip")?;
        xtask("verify").arg("--config").arg(&configuration).arg(&zip).run()?;
        workshop.verify_good(&zip)?;
    }
    Ok(())
}

/// Fails if: what is missing is called by the option of another program, or is found out after signing.
fn missing(workshop: &Workshop, folder: &Path) -> Result<()> {
    let out = folder.join("out");
    let asked = workshop.server.asked();
    let [signer, tsa] = ROOTS.map(|name| format!("{:?}", workshop.authority.path(name)));
    let http = workshop.server.address();
    let https = "https://127.0.0.1:1/".to_owned();
    let (ca, tsa_ca) = (format!("ca_file = {signer}\n"), format!("tsa_ca_file = {tsa}\n"));
    for (server, trust, whom, name) in [
        (&http, String::new(), "code signing certificates", "ca_file"),
        (&http, tsa_ca.clone(), "code signing certificates", "ca_file"),
        (&http, ca.clone(), "time stamp servers", "tsa_ca_file"),
        (&https, ca + &tsa_ca, "https servers", "https_ca_file"),
    ] {
        let configuration = workshop.configure_with(folder, "pem", std::slice::from_ref(server))?;
        let text = fs::read_to_string(&configuration)?;
        let (text, _) = text.split_once("[trust]").context("there is no [trust]")?;
        fs::write(&configuration, format!("{text}[trust]\n{trust}"))?;
        let output = sign(workshop, &out).arg("--config").arg(&configuration).output()?;
        let messages =
            [&format!("no roots for {whom}"), &format!("give {name} in [trust]"), "install ca-certificates"];
        failed_cleanly(&output, &out, &messages, &["-CAfile"]).context(trust)?;
    }
    ensure!(workshop.server.asked() == asked, "a time stamp server was asked before");

    let zip = find(workshop.release()?, "-windows-gnu.zip")?;
    let output = xtask("verify").arg(&zip).output()?;
    ensure!(output.status.code() == Some(1), "it ended with {}", output.status);
    ensure!(said(&output).contains("there are no roots for code signing certificates"), "{}", said(&output));
    let root = workshop.authority.path(ROOTS[0]);
    let output = xtask("verify").arg("--ca-file").arg(root).arg(&zip).output()?;
    ensure!(said(&output).contains("there are no roots for time stamp servers"), "{}", said(&output));
    Ok(())
}
