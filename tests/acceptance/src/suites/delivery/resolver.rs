//! DNS servers that answer well for IPv4 and badly for IPv6 (`AAAA`), as small routers do. What a program makes of them
//! depends on the C library it is linked with, so the program of a package is asked. It sees an `/etc/resolv.conf` of its
//! own, by a mount that only it has.

use crate::client;
use crate::command::tool;
use anyhow::{Context, Result, bail, ensure};
use std::fs;
use std::net::UdpSocket;
use std::path::Path;
use wats_test_server::Server;

/// Programs without which it cannot be tried.
pub(super) const NEEDS: &[&str] = &["unshare", "mount"];

/// Answers of [RFC 1035](https://www.rfc-editor.org/rfc/rfc1035#section-4.1.1) to the question for IPv6.
const ANSWERS: [(&str, Option<u8>); 7] = [
    ("no such address", Some(0)),
    ("FORMERR", Some(1)),
    ("SERVFAIL", Some(2)),
    ("NXDOMAIN", Some(3)),
    ("NOTIMP", Some(4)),
    ("REFUSED", Some(5)),
    ("nothing", None),
];

/// Fails if: the server is not found because of how DNS answers for IPv6, or only after a long time.
pub(super) fn finds_the_server(program: &Path, folder: &Path) -> Result<()> {
    let server = Server::start()?;
    let url = server.url().replace("127.0.0.1", "wats.example");
    let config = folder.join("config.json");
    fs::write(&config, client::configuration(&folder.join("data"), &url, client::free_port()?).to_string())?;
    for (last, (what, code)) in (1..).zip(ANSWERS) {
        let socket = UdpSocket::bind(format!("127.77.0.{last}:53")).context("being a DNS server takes root")?;
        std::thread::spawn(move || while answer(&socket, code).is_ok() {});
        let file = folder.join("resolv.conf");
        fs::write(&file, format!("nameserver 127.77.0.{last}\noptions timeout:2 attempts:2\n"))?;
        let said = tool("unshare", 60)
            .args(["--mount", "sh", "-c", "mount --bind \"$0\" /etc/resolv.conf && exec \"$@\""])
            .arg(&file)
            .arg(program)
            .args(["test-connection", "--config"])
            .arg(&config)
            .read()
            .with_context(|| format!("DNS says {what} of IPv6"))?;
        ensure!(said.contains(&url), "{said}");
    }
    Ok(())
}

/// Answers a question: one for IPv4 with 127.0.0.1, one for IPv6 with this code or not at all.
fn answer(socket: &UdpSocket, code: Option<u8>) -> Result<()> {
    let mut question = [0; 512];
    let (length, from) = socket.recv_from(&mut question)?;
    let question = &question[..length];
    let Some(name) = question.get(12..).and_then(|rest| rest.iter().position(|byte| *byte == 0)) else {
        bail!("not a question: {question:02x?}");
    };
    let end = 12 + name + 5;
    let is_ipv4 = question.get(end - 4..end - 2) == Some(&[0, 1]);
    let Some(code) = (if is_ipv4 { Some(0) } else { code }) else { return Ok(()) };
    let mut answer = question[..2].to_vec();
    answer.extend([0x81, 0x80 | code, 0, 1, 0, u8::from(is_ipv4), 0, 0, 0, 0]);
    answer.extend(question.get(12..end).context("the question is cut off")?);
    if is_ipv4 {
        // The name as a pointer to the question, A, IN, a second, four bytes.
        answer.extend([0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, 127, 0, 0, 1]);
    }
    socket.send_to(&answer, from)?;
    Ok(())
}
