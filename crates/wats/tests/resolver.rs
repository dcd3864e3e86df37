//! DNS servers that answer well for IPv4 and badly for IPv6 (`AAAA`), as small routers do.
//!
//! The system's resolver is told of a server in `/etc/resolv.conf`, so the client runs in a process that sees another
//! one there: that takes root. Where it is not root, nothing is tested. What musl makes of these answers shows in a
//! test that is built for musl: `cargo test -p wats --target x86_64-unknown-linux-musl --test resolver`.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)] // also in helpers, which clippy does not know to be tests

mod support;

use std::net::UdpSocket;
use std::process::Command;
use std::time::{Duration, Instant};

use support::client;
use wats_test_server::Server;

/// Names the server to the process that sees another `/etc/resolv.conf`.
const TARGET: &str = "WATS_TEST_TARGET";

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

/// Answers every question for IPv4 with 127.0.0.1, and those for IPv6 with this code or not at all.
fn answer(socket: &UdpSocket, code: Option<u8>) {
    let mut question = [0; 512];
    while let Ok((length, from)) = socket.recv_from(&mut question) {
        let question = &question[..length];
        let name_end = 12 + question[12..].iter().position(|byte| *byte == 0).unwrap() + 1;
        let kind = u16::from_be_bytes([question[name_end], question[name_end + 1]]);
        let code = if kind == 1 { Some(0) } else { code };
        let Some(code) = code else { continue };
        let mut answer = question[..2].to_vec();
        answer.extend([0x81, 0x80 | code, 0, 1, 0, u8::from(kind == 1), 0, 0, 0, 0]);
        answer.extend(&question[12..name_end + 4]);
        if kind == 1 {
            // The name as a pointer to the question, A, IN, a second, four bytes.
            answer.extend([0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, 127, 0, 0, 1]);
        }
        socket.send_to(&answer, from).unwrap();
    }
}

/// Fails if: a server is not found because of how DNS answers for IPv6, or only after a long time.
#[tokio::test]
async fn finds_the_server_whatever_is_said_of_ipv6() {
    if let Ok(target) = std::env::var(TARGET) {
        let start = Instant::now();
        client(&target).version().await.unwrap();
        println!("found after {:?}", start.elapsed());
        return;
    }
    let sockets: Vec<_> =
        (1..=ANSWERS.len()).map(|last| UdpSocket::bind(format!("127.77.0.{last}:53"))).collect();
    if sockets.iter().any(Result::is_err) || !sees_another_file() {
        println!("not run: only root can direct the resolver");
        return;
    }
    let server = Server::start().unwrap();
    let target = server.url().replace("127.0.0.1", "wats.example");
    let directory = tempfile::tempdir().unwrap();
    for (number, (socket, (what, code))) in sockets.into_iter().zip(ANSWERS).enumerate() {
        let socket = socket.unwrap();
        std::thread::spawn(move || answer(&socket, code));
        let file = directory.path().join(what);
        std::fs::write(&file, format!("nameserver 127.77.0.{}\noptions timeout:2 attempts:2\n", number + 1))
            .unwrap();
        let mut child = with_resolv_conf(file.to_str().unwrap());
        child.arg(std::env::current_exe().unwrap());
        child
            .args(["--exact", "finds_the_server_whatever_is_said_of_ipv6", "--nocapture"])
            .env(TARGET, &target);
        let start = Instant::now();
        let output = tokio::task::spawn_blocking(move || child.output()).await.unwrap().unwrap();
        let shown = String::from_utf8_lossy(&output.stdout);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && shown.contains("1 passed"), "{what}: {shown}{errors}");
        println!("{what}: {}", shown.lines().find(|line| line.contains("found after")).unwrap_or_default());
        assert!(start.elapsed() < Duration::from_secs(60), "{what}: {:?}", start.elapsed());
    }
}

/// A command that runs what is appended with this file in place of `/etc/resolv.conf`.
fn with_resolv_conf(file: &str) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", "mount --bind \"$0\" /etc/resolv.conf && exec \"$@\"", file]);
    command
}

fn sees_another_file() -> bool {
    with_resolv_conf("/etc/hosts")
        .args(["cmp", "/etc/hosts", "/etc/resolv.conf"])
        .status()
        .is_ok_and(|status| status.success())
}
