//! What a real WATS server answers, by curl: a request for each row of the table by which the client judges answers, as
//! far as a server can be brought to give it. Nothing of this is known for certain until it has been seen.
//!
//! It needs an address (`PYWATS_TEST_SERVER_URL`) and a token (`PYWATS_TEST_SERVER_TOKEN`) of a server that may be given
//! reports of units that do not exist: their serial numbers begin with `PYWATS-TEST-`. Every answer is kept in
//! `target/test/real-server-answers.json`; a case fails where the public documents say something else.

use crate::bench::Bench;
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

const ADDRESS: &str = "PYWATS_TEST_SERVER_URL";
const TOKEN: &str = "PYWATS_TEST_SERVER_TOKEN";
/// How much of an answer is kept.
const KEPT: usize = 16_384;

/// A request, and what the public documents make one expect.
struct Case {
    /// The row of the table.
    row: &'static str,
    name: &'static str,
    method: &'static str,
    path: String,
    accept: &'static str,
    token: Sent,
    body: Option<Value>,
    /// Curl's further arguments.
    further: Vec<String>,
    expected: &'static [u16],
}

#[derive(Clone, Copy, PartialEq)]
enum Sent {
    Right,
    Wrong,
    None,
}

struct Server {
    url: String,
    token: String,
    folder: PathBuf,
}

struct Answer {
    status: u16,
    head: String,
    body: String,
}

pub(crate) fn run(bench: &mut Bench) -> Result<()> {
    let (Ok(url), Ok(token)) = (std::env::var(ADDRESS), std::env::var(TOKEN)) else {
        bench.not_run("a real server", &format!("set {ADDRESS} and {TOKEN} to those of a WATS server for tests"));
        return Ok(());
    };
    let folder = bench.folder("answers")?;
    let server = Server { url: url.trim_end_matches('/').to_owned(), token, folder };
    let seen = RefCell::new(Vec::new());
    for case in cases() {
        let name = format!("{}: {}", case.row, case.name);
        bench.case(&name, || {
            let answer = server.ask(&case)?;
            println!("         {} {}", answer.status, first_words(&answer.body));
            seen.borrow_mut().push(json!({
                "row": case.row, "case": case.name, "request": format!("{} {}", case.method, case.path),
                "accept": case.accept, "expected": case.expected, "status": answer.status,
                "head": answer.head, "body": answer.body.chars().take(KEPT).collect::<String>(),
            }));
            ensure!(
                case.expected.contains(&answer.status),
                "the server answers {}, the documents say {:?}: {}",
                answer.status,
                case.expected,
                first_words(&answer.body)
            );
            Ok(())
        });
    }
    let path = Path::new("target/test/real-server-answers.json");
    fs::create_dir_all("target/test")?;
    let text = serde_json::to_string_pretty(&Value::Array(seen.into_inner()))? + "\n";
    fs::write(path, text).with_context(|| format!("writing {}", path.display()))
}

fn first_words(body: &str) -> String {
    body.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(200).collect()
}

/// A report of a unit that does not exist. `name` tells the cases apart.
fn report(name: &str, id: &str) -> Value {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    json!({
        "type": "T", "id": id, "pn": "PYWATS-TEST", "sn": format!("PYWATS-TEST-{name}-{now}"), "rev": "1",
        "processCode": 10, "result": "P", "machineName": "PYWATS-TEST", "location": "Test", "purpose": "Test",
        "start": "2026-01-15T10:00:00+01:00", "uut": { "user": "pywats", "execTime": 1.0 },
        "root": { "id": 1, "group": "M", "stepType": "SequenceCall", "name": "Main", "status": "P", "steps": [] },
    })
}

/// The same with one member changed.
fn changed(name: &str, id: &str, member: &str, value: Value) -> Option<Value> {
    let mut report = report(name, id);
    report[member] = value;
    Some(report)
}

fn cases() -> Vec<Case> {
    const SUBMIT: &str = "/api/Report/WSJF";
    const VERSION: &str = "/api/App/Version";
    const JSON: &str = "application/json";
    let ids: Vec<String> = (0..9).map(new_id).collect();
    let case = |row, name, method, path: &str, body: Option<Value>, expected| Case {
        row,
        name,
        method,
        path: path.to_owned(),
        accept: JSON,
        token: Sent::Right,
        body,
        further: Vec::new(),
        expected,
    };
    let with = |arguments: &[&str]| arguments.iter().map(|argument| (*argument).to_owned()).collect();
    let read_back = |id: &str| format!("/api/Report/Wsjf/{id}");
    let looped = json!({
        "id": 1, "group": "M", "stepType": "SequenceCall", "name": "Main", "status": "P", "steps": [
            { "id": 2, "group": "M", "stepType": "SequenceCall", "name": "Loop", "status": "P",
              "loop": { "idx": null, "num": 3, "endingIndex": 3, "passed": 3, "failed": 0 }, "steps": [] } ],
    });
    let large = json!("x".repeat(31_000_000));
    let mut without_id = report("NO-ID", "");
    without_id.as_object_mut().map(|report| report.remove("id"));
    vec![
        case("A", "version as JSON", "GET", VERSION, None, &[200]),
        Case { accept: "application/xml", ..case("A", "version as XML", "GET", VERSION, None, &[200]) },
        case("A", "a report", "POST", SUBMIT, Some(report("GOOD", &ids[0])), &[200]),
        case("A", "the same report again", "POST", SUBMIT, Some(report("GOOD", &ids[0])), &[200]),
        Case {
            accept: "application/xml",
            ..case("A", "a report, answered as XML", "POST", SUBMIT, Some(report("XML", &ids[1])), &[200])
        },
        case("A", "an id in capitals", "POST", SUBMIT, Some(report("CAPITALS", &ids[2].to_uppercase())), &[200]),
        case("B", "a report without an id", "POST", SUBMIT, Some(without_id), &[200, 400]),
        case("B", "reading back a report", "GET", &read_back(&ids[0]), None, &[200]),
        case("B", "reading back a report that is not there", "GET", &read_back(&ids[8]), None, &[404]),
        case("D", "no token", "GET", VERSION, None, &[401, 403]).token(Sent::None),
        case("D", "a wrong token", "POST", SUBMIT, Some(report("TOKEN", &ids[3])), &[401, 403]).token(Sent::Wrong),
        case("E", "no process code", "POST", SUBMIT, changed("PROCESS", &ids[4], "processCode", Value::Null), &[400]),
        case("E", "a process that is not there", "POST", SUBMIT, changed("4711", &ids[4], "processCode", json!(47_110_815)), &[400]),
        case("E", "a loop as it is exported", "POST", SUBMIT, changed("LOOP", &ids[5], "root", looped), &[400]),
        case("E", "no offset", "POST", SUBMIT, changed("OFFSET", &ids[6], "start", json!("2026-01-15T10:00:00")), &[200, 400]),
        case("E", "not a report", "POST", SUBMIT, Some(json!([1])), &[400]),
        case("E", "from the future", "POST", SUBMIT, changed("FUTURE", &ids[7], "start", json!("2036-01-15T10:00:00+01:00")), &[200]),
        case("F", "31 MB", "POST", SUBMIT, changed("LARGE", &ids[8], "comment", large), &[200, 400, 404, 413]),
        case("F", "an address that is not there", "GET", "/api/NoSuchThing", None, &[404]),
        case("F", "a method that is not there", "PUT", SUBMIT, Some(report("PUT", &ids[8])), &[404, 405]),
        Case {
            further: with(&["--header", "Host: no-such-name.invalid"]),
            ..case("F", "another host name", "GET", VERSION, None, &[200, 400, 403, 404, 421])
        },
    ]
}

impl Case {
    fn token(self, token: Sent) -> Case {
        Case { token, ..self }
    }
}

/// An id that nobody had before.
fn new_id(number: u64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64);
    format!("{:08x}-{:04x}-4{number:03x}-8000-{:012x}", now >> 32, now >> 16 & 0xffff, now & 0xffff_ffff)
}

impl Server {
    fn ask(&self, case: &Case) -> Result<Answer> {
        let file = |name: &str| self.folder.join(name);
        let mut curl = Command::new("curl");
        // The token comes through a pipe: arguments are for everybody to see.
        curl.args(["--silent", "--show-error", "--max-time", "120", "--config", "-"]);
        curl.args(["--request", case.method, "--header", &format!("Accept: {}", case.accept)]);
        curl.arg("--dump-header").arg(file("head")).arg("--output").arg(file("body"));
        if let Some(body) = &case.body {
            fs::write(file("request"), body.to_string())?;
            let mut argument = std::ffi::OsString::from("@");
            argument.push(file("request"));
            curl.args(["--header", "Content-Type: application/json", "--header", "Expect:"]);
            curl.arg("--data-binary").arg(argument);
        }
        curl.args(&case.further).arg(format!("{}{}", self.url, case.path));
        for name in ["head", "body"] {
            fs::write(file(name), "")?;
        }
        let mut child = curl
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .context("starting curl")?;
        let token = match case.token {
            Sent::Right => Some(self.token.as_str()),
            Sent::Wrong => Some("d3Jvbmc6d3Jvbmc="),
            Sent::None => None,
        };
        if let (Some(mut input), Some(token)) = (child.stdin.take(), token) {
            writeln!(input, "header = \"Authorization: Basic {token}\"")?;
        }
        let output = child.wait_with_output()?;
        let head = fs::read_to_string(file("head"))?;
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        // The last head is that of the answer: others are of proxies, or of `100 Continue`.
        let last = head.trim_end().rsplit("\r\n\r\n").next().unwrap_or_default();
        let status = last.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.with_context(|| format!("no answer ({}): {said}", output.status))?;
        let body = String::from_utf8_lossy(&fs::read(file("body"))?).into_owned();
        Ok(Answer { status, head: last.to_owned(), body })
    }
}
