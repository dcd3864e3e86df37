//! The status page and the metrics of the program in the Linux archive. A browser shows the page of a station where a
//! file and the server say what would be markup; Prometheus' parser, in the folder that `PYWATS_PROMETHEUS` names, reads
//! the metrics.
//!
//! Pictures for people are in `target/test/page`.

use super::models;
use crate::bench::Bench;
use crate::browser::{Browser, Visit};
use crate::client::{self, Running};
use crate::command::tool;
use crate::products::workspace;
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::env::consts::ARCH;
use std::fs;
use std::path::{Path, PathBuf};
use wats_test_server::{Answer, Server};

/// Text is read from where the ratio of luminances is at least this (WCAG 2.2, 1.4.3).
const READABLE: f64 = 4.5;
/// What a program could be made of: a name of a file, and what the server says of a report.
const FILE: &str = "<script>document.title='run'<⁄script>.json";
const ANSWER: &str = "{\"Message\": \"<script>document.title='run'</script><img src=x onerror=alert(1)>\"}";
/// How the page is shown: name of the picture, width, height, dark, and width at which it must not scroll sideways.
const VIEWS: &[(&str, u32, u32, bool)] = &[
    ("wall", 1920, 1080, false),
    ("desk", 1280, 1400, false),
    ("dark", 1280, 1400, true),
    ("phone", 500, 1600, false),
    ("phone-dark", 500, 1600, true),
];
/// The width of a small phone.
const PHONE: u32 = 360;

/// Runs the cases.
pub(crate) fn run(bench: &mut Bench) -> Result<()> {
    let archive = bench.artifact(&format!("-{ARCH}-unknown-linux-musl.tar.gz"))?;
    let folder = bench.folder("page")?;
    let pictures = workspace().join("target/test/page");
    fs::create_dir_all(&pictures).with_context(|| format!("creating {}", pictures.display()))?;
    let station = Station::start(&archive, &folder)?;
    bench.case("the metrics are read by Prometheus' parser, and named by its rules", || metrics(&station));
    let Some(browser) = Browser::find() else {
        bench.not_run("the page in a browser", "none of the browsers is installed");
        return Ok(());
    };
    let page = folder.join("page.html");
    fs::write(&page, browser.document(&station.address())?)?;
    bench.case("what a file and the server say stays text", || stays_text(&page));
    for &(name, width, height, dark) in VIEWS {
        bench.case(&format!("{name}: the page asks nobody, complains of nothing, and can be read"), || {
            let visit =
                browser.visit(&station.address(), &pictures.join(format!("{name}.png")), (width, height), dark)?;
            alone(&visit, &station)?;
            styled(&visit)?;
            readable(&browser, &page, &folder, dark)?;
            let (scroll, client) = browser.phone(&page, &folder, width.min(if width < 600 { PHONE } else { width }))?;
            ensure!(scroll <= client, "the page is {scroll} pixels wide, in a window of {client}");
            Ok(())
        });
    }
    station.running.stop()
}

/// A running client with a delivered report and a refused one.
struct Station {
    running: Running,
    port: u16,
    server: Server,
}

impl Station {
    fn start(archive: &Path, folder: &Path) -> Result<Station> {
        let program = models::extract(archive, folder)?;
        let server = Server::start()?;
        let data = folder.join("data");
        fs::create_dir(&data)?;
        let port = client::free_port()?;
        let config = folder.join("config.json");
        fs::write(&config, client::configuration(&data, server.url(), port).to_string())?;
        let running = Running::start(&[], &program, &config, folder.join("log"))?;
        let station = Station { running, port, server: server };
        station.meet(&data).with_context(|| station.running.log_tail())?;
        Ok(station)
    }

    fn meet(&self, data: &Path) -> Result<()> {
        let watch = data.join("watch");
        client::expect_file(&watch)?;
        client::drop_report(&watch, "board-0042.json", &client::sample()?)?;
        client::expect_file(&data.join("done/board-0042.json"))?;
        self.server.script([Answer::status_with_json(400, ANSWER)]);
        // Another report, so that it is sent.
        let mut other: Value = serde_json::from_slice(&client::sample()?)?;
        other["id"] = "0f8fad5b-d9cb-469f-a165-70867728950e".into();
        other["sn"] = "\"><b>4711".into();
        client::drop_report(&watch, FILE, other.to_string().as_bytes())?;
        client::expect_file(&data.join("failed").join(FILE))?;
        client::drop_report(&watch, "not a report.json", b"[1]")?;
        client::expect_file(&data.join("failed/not a report.json"))
    }

    fn address(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }
}

/// Fails if: the parser does not read the metrics, or a name breaks a rule.
fn metrics(station: &Station) -> Result<()> {
    let set = std::env::var_os("PYWATS_PROMETHEUS").context("PYWATS_PROMETHEUS: run `cargo xtask test page`")?;
    let (_, text) = client::health(station.port, "/metrics")?;
    let judged = tool("sh", 30)
        .env("PYTHONPATH", PathBuf::from(set))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("METRICS", &text)
        .args(["-c", "printf '%s\\n' \"$METRICS\" | python3 -s \"$0\""])
        .arg(workspace().join("tests/page/judge_metrics.py"))
        .output()?;
    let said = String::from_utf8_lossy(&judged.stdout).into_owned();
    ensure!(judged.status.success(), "{said}{}\n{text}", String::from_utf8_lossy(&judged.stderr));
    for name in ["pywats_build_info", "pywats_server_answers_total", "pywats_last_delivery_timestamp_seconds"] {
        ensure!(said.lines().any(|line| line == name), "{name} is not there:\n{said}");
    }
    Ok(())
}

/// Fails if: what looks like markup became some, or is not shown.
fn stays_text(page: &Path) -> Result<()> {
    let document = fs::read_to_string(page)?;
    for markup in ["<script", "<img", "<b>4711"] {
        ensure!(!document.contains(markup), "{markup} is in the page:\n{document}");
    }
    for text in ["&lt;script&gt;document.title", "&lt;img src=x", "board-0042.json", "Have a look"] {
        ensure!(document.contains(text), "{text:?} is not in the page:\n{document}");
    }
    ensure!(!document.contains("<title>run"), "a script ran");
    Ok(())
}

/// Fails if: the page asks for anything but itself, or makes the browser complain.
fn alone(visit: &Visit, station: &Station) -> Result<()> {
    ensure!(visit.console.is_empty(), "the browser says {:?}", visit.console);
    ensure!(!visit.asked.is_empty(), "the browser asked nobody: its log was not read");
    let own = station.address();
    let other = visit.asked.iter().find(|address| **address != own && !address.starts_with("data:"));
    ensure!(other.is_none(), "the page asked {other:?}");
    Ok(())
}

/// Fails if: the page's policy keeps its own style out. The middle of the headline's band has its color then.
fn styled(visit: &Visit) -> Result<()> {
    let paper = visit.picture.at(2, 2);
    let band = (40..260).any(|y| !visit.picture.at(60, y).is_near(paper));
    ensure!(band, "there is no band of color: the style is not in force");
    Ok(())
}

/// Fails if: a text cannot be read on what is behind it.
fn readable(browser: &Browser, page: &Path, folder: &Path, dark: bool) -> Result<()> {
    let texts = browser.texts(page, folder, dark)?;
    ensure!(texts.len() > 20, "there are only {} texts", texts.len());
    for text in texts {
        let ratio = text.ground.contrast(text.ink);
        ensure!(ratio >= READABLE, "{:?}: its ratio is {ratio:.1}, {:?} on {:?}", text.text, text.ink, text.ground);
    }
    Ok(())
}
