//! Time stamp servers: several are asked, until one answers as it should.

use super::Case;
use super::server::{DOWN, Manner, Server};
use super::workshop::{Workshop, everything, failed_cleanly, files, find, programs};
use crate::client::wait_until;
use crate::command::{said, tool};
use anyhow::{Context, Result, ensure};
use std::path::Path;
use std::process::{Command, Stdio};

pub(super) const CASES: &[(&str, Case)] = &[
    ("time stamp servers that are down, faulty, or lie; then one that works", bad_servers),
    ("no time stamp server works", all_bad),
    ("no time stamp server is named", none_named),
    ("Ctrl-C while a time stamp server is silent", interrupted),
];

fn start(workshop: &Workshop, folder: &Path, manner: Manner) -> Result<Server> {
    Server::start(&workshop.authority, &folder.join(format!("{manner:?}")), manner)
}

/// Fails if: one bad server stops the signing, its failure is not shown, or what it said is believed.
fn bad_servers(workshop: &Workshop, folder: &Path) -> Result<()> {
    let manners = [Manner::Garbage, Manner::Fault, Manner::Stale, Manner::Stranger, Manner::Silent];
    let servers: Vec<Server> = manners.iter().map(|m| start(workshop, folder, *m)).collect::<Result<_>>()?;
    let mut addresses = vec![DOWN.to_owned()];
    addresses.extend(servers.iter().map(Server::address));
    let bad = addresses.clone();
    addresses.push(workshop.server.address());

    let out = folder.join("out");
    let configuration = workshop.configure_with(folder, "pem", &addresses)?;
    let output = workshop.sign(&configuration, &out).arg("zip").output()?;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success(), "it failed\n{text}");
    for address in &bad {
        ensure!(
            text.contains(&format!("no time stamp from {address}")),
            "the failure of {address} is not shown\n{text}"
        );
    }
    ensure!(text.contains("is not by somebody who is trusted"), "the stranger is believed\n{text}");
    ensure!(text.contains("did not end within 2 s"), "the silent server was not given up\n{text}");
    for (server, manner) in servers.iter().zip(manners) {
        ensure!(server.asked() == 1, "the server {manner:?} was asked {} times", server.asked());
    }
    let verdict = workshop.verify_good(&find(&out, "-windows-gnu.zip")?)?;
    ensure!(verdict["signature"]["time_stamp"]["authority"] == "CN=Test tsa", "{verdict:#}");
    Ok(())
}

/// Fails if: a file comes out without time stamp, servers are not asked as often as configured, or for ever.
fn all_bad(workshop: &Workshop, folder: &Path) -> Result<()> {
    let faulty = start(workshop, folder, Manner::Fault)?;
    let out = folder.join("out");
    let configuration = workshop.configure_with(folder, "pem", &[DOWN.to_owned(), faulty.address()])?;
    let output = workshop.sign(&configuration, &out).args(everything()?).output()?;
    let messages =
        ["none of the time stamp servers", DOWN, &faulty.address(), "asked 2 times", "attempt 2 of 2"];
    failed_cleanly(&output, &out, &messages, &[])?;
    ensure!(faulty.asked() == 2, "it was asked {} times, not twice", faulty.asked());

    // The command line has its way.
    let other = start(workshop, &folder.join("other"), Manner::Garbage)?;
    let sign = workshop.sign(&configuration, &out).args(everything()?);
    let output = sign.arg("--timestamp-server").arg(other.address()).output()?;
    failed_cleanly(&output, &out, &["none of the time stamp servers", &other.address()], &[])?;
    ensure!((other.asked(), faulty.asked()) == (2, 2), "the configuration's servers were asked");
    Ok(())
}

/// Fails if: signing without time stamps happens by mistake, is impossible, or cannot be made good.
fn none_named(workshop: &Workshop, folder: &Path) -> Result<()> {
    let out = folder.join("out");
    let configuration = workshop.configure_with(folder, "pem", &[])?;
    let output = workshop.sign(&configuration, &out).args(everything()?).output()?;
    failed_cleanly(&output, &out, &["names no time stamp servers", "--no-timestamp"], &[])?;
    workshop.sign(&configuration, &out).args(["--no-timestamp", "zip"]).run()?;
    let verdict = workshop.verify_good(&find(&out, "-windows-gnu.zip")?)?;
    ensure!(verdict["signature"]["time_stamp"].is_null(), "there is a time stamp: {verdict:#}");
    // A stored signature without time stamp does not count where one is wanted.
    workshop.sign(&workshop.configure(folder, "pem")?, &out).arg("zip").run()?;
    let verdict = workshop.verify_good(&find(&out, "-windows-gnu.zip")?)?;
    ensure!(verdict["signature"]["time_stamp"].is_object(), "there is no time stamp: {verdict:#}");
    Ok(())
}

/// Fails if: an interrupt is not heeded, or leaves files or programs.
fn interrupted(workshop: &Workshop, folder: &Path) -> Result<()> {
    let silent = start(workshop, folder, Manner::Silent)?;
    let (out, temporary) = (folder.join("out"), folder.join("temporary"));
    std::fs::create_dir(&temporary)?;
    let configuration = workshop.configure_with(folder, "pem", &[silent.address()])?;
    let text =
        std::fs::read_to_string(&configuration)?.replace("timeout_seconds = 2", "timeout_seconds = 60");
    std::fs::write(&configuration, text)?;
    let child = Command::new(crate::suites::dist::xtask())
        .args(["sign".as_ref(), "--config".as_ref(), configuration.as_os_str()])
        .args(["--program".as_ref(), &*programs(&workshop.program), "--out".as_ref(), out.as_os_str()])
        .env("TMPDIR", &temporary)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    wait_until(|| silent.asked() > 0).context("waiting for the server to be asked")?;
    tool("kill", 5).arg("-INT").arg(child.id().to_string()).run()?;
    let output = child.wait_with_output()?;
    ensure!(output.status.code() == Some(130), "it ended with {}\n{}", output.status, said(&output));
    for place in [&out, &temporary] {
        ensure!(files(place)?.is_empty(), "it left {:?}", files(place)?);
    }
    let running = tool("ps", 5).args(["-e", "-o", "args"]).read()?;
    ensure!(!running.contains(&silent.address()), "a program is still asking:\n{running}");
    Ok(())
}
