//! What is measured, and how.

use crate::contestant::{Contestant, Programs, TOKEN, Who};
use crate::folders;
use crate::machine::{Memory, load, size_below};
use crate::report::report;
use crate::summary::{self, Figure, Goal};
use anyhow::{Context, Result, ensure};
use clap::Parser;
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use wats_test_server::{Options, Server};

/// The size of an ordinary report.
const ORDINARY: usize = 51_000;
/// How long idleness is watched.
const IDLE: Duration = Duration::from_secs(20);
pub(crate) const PATIENCE: Duration = Duration::from_secs(3600);

/// Measures the client side by side with a plain loop in Python.
#[derive(Parser)]
#[command(name = "client-bench")]
pub(crate) struct Plan {
    /// The client to measure
    #[arg(long, value_name = "FILE")]
    client: PathBuf,
    /// The Python that runs the loop
    #[arg(long, value_name = "FILE", default_value = "python3")]
    python: PathBuf,
    /// How often client and loop are measured in turn
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    pairs: u32,
    /// Measures only this; may be repeated
    #[arg(long, value_enum)]
    only: Vec<What>,
    /// How many reports wait in the long queue
    #[arg(long, value_name = "N", default_value_t = 50_000)]
    waiting: usize,
    /// How many bytes each of them has
    #[arg(long, value_name = "BYTES", default_value_t = 2_000)]
    waiting_size: usize,
    /// How many reports lie in the watch folders when the client starts, of as many bytes each
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    lying: usize,
    /// Where the results go
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum What {
    /// 200 and 1,000 reports at once
    Bursts,
    /// Syncs a report, counted by strace
    Syncs,
    /// One report after the other
    Single,
    /// A server that is 100 ms away
    Latency,
    /// Nothing to do, and four reports of 60 MB
    Memory,
    /// A long queue
    Waiting,
    /// Many files in ten watch folders, and in one
    Folders,
}

/// What one burst came to, by the report.
#[derive(Clone, Copy, Debug)]
struct Burst {
    a_second: f64,
    processor_ms: f64,
    written: f64,
}

impl Plan {
    pub(crate) fn run(self) -> Result<()> {
        fs::create_dir_all(&self.out).with_context(|| format!("creating {}", self.out.display()))?;
        let scratch = tempfile::Builder::new().prefix("scratch-").tempdir_in(&self.out)?;
        let strace = Command::new("strace").arg("-V").output().is_ok_and(|output| output.status.success());
        let client =
            self.client.canonicalize().with_context(|| format!("no client {}", self.client.display()))?;
        let programs =
            Programs { client, python: self.python.clone(), scratch: scratch.path().to_owned(), strace };
        let mut figures = Vec::new();
        let loads_before = load();
        type Scenario = fn(&Plan, &Programs) -> Result<Vec<Figure>>;
        let scenarios: [(What, Scenario); 7] = [
            (What::Bursts, Plan::bursts),
            (What::Syncs, Plan::syncs),
            (What::Single, Plan::single),
            (What::Latency, Plan::latency),
            (What::Memory, Plan::memory),
            (What::Waiting, Plan::waiting),
            (What::Folders, |plan, programs| folders::measure(programs, plan.lying, plan.waiting_size)),
        ];
        for (what, scenario) in scenarios {
            if !self.only.is_empty() && !self.only.contains(&what) {
                continue;
            }
            let before = load();
            eprintln!("== {what:?} (load {before:.1})");
            let new = scenario(&self, &programs).with_context(|| format!("measuring {what:?}"))?;
            eprint!("{}", summary::table(&new));
            figures.extend(new);
            // What was measured so far is there even if the next fails.
            let about = json!({
                "client": self.client, "pairs": self.pairs, "processors": processors(),
                "load_before": loads_before, "load_after": load(),
            });
            summary::write(&self.out, &about, &figures)?;
        }
        println!("{}", summary::table(&figures));
        println!(
            "{} processors; load {loads_before:.1} before, {:.1} after; median (lowest to highest) of {} pairs",
            processors(),
            load(),
            self.pairs
        );
        println!("{}", self.out.join("client.json").display());
        let broken = summary::broken(&figures);
        ensure!(broken.is_empty(), "the client does not keep what it promises: {}", broken.join("; "));
        Ok(())
    }

    fn bursts(&self, programs: &Programs) -> Result<Vec<Figure>> {
        let mut figures = Vec::new();
        for count in [200, 1000] {
            figures.extend(self.pairs(programs, count, Duration::ZERO)?);
        }
        Ok(figures)
    }

    fn latency(&self, programs: &Programs) -> Result<Vec<Figure>> {
        self.pairs(programs, 100, Duration::from_millis(100))
    }

    /// Client and loop in turn.
    fn pairs(&self, programs: &Programs, count: usize, latency: Duration) -> Result<Vec<Figure>> {
        let (mut client, mut of_loop) = (Vec::new(), Vec::new());
        for pair in 0..self.pairs {
            let order = if pair % 2 == 0 { [Who::Client, Who::Loop] } else { [Who::Loop, Who::Client] };
            for who in order {
                let burst = burst(programs, who, count, latency)?;
                eprintln!("{} of {count}, load {:.1}: {burst:?}", who.name(), load());
                match who {
                    Who::Client => client.push(burst),
                    Who::Loop => of_loop.push(burst),
                }
            }
        }
        let about = match latency.as_millis() {
            0 => format!("{count} reports of 51 KB"),
            away => format!("{count} reports of 51 KB, {away} ms away"),
        };
        let figure = |name: &str, unit, value: fn(&Burst) -> f64, goal| Figure {
            name: format!("{about}: {name}"),
            unit,
            client: client.iter().map(value).collect(),
            of_loop: of_loop.iter().map(value).collect(),
            goal,
        };
        // Eight times what one connection did, with some allowance.
        let times = if latency.is_zero() { 2.0 } else { 7.0 };
        Ok(vec![
            figure("reports", "1/s", |burst| burst.a_second, Goal::AtLeastTimesLoop(times)),
            figure("processor", "ms a report", |burst| burst.processor_ms, Goal::AtMostTimesLoop(1.0)),
            figure("written", "times its size", |burst| burst.written, Goal::AtMost(2.0)),
        ])
    }

    fn syncs(&self, programs: &Programs) -> Result<Vec<Figure>> {
        ensure!(programs.strace, "strace is not installed");
        let many = |who| -> Result<f64> {
            let server = server()?;
            let contestant = Contestant::start(programs, who, server.url(), true)?;
            let names = contestant.stage(some(0..200, ORDINARY))?;
            let before = contestant.syncs();
            contestant.drop_in(&names)?;
            contestant.wait_for_done(names.len())?;
            // Lazy commits come a little later.
            std::thread::sleep(Duration::from_secs(3));
            Ok((contestant.syncs() - before) as f64 / names.len() as f64)
        };
        let single = |who| -> Result<Vec<f64>> {
            let server = server()?;
            let contestant = Contestant::start(programs, who, server.url(), true)?;
            let mut counts = Vec::new();
            for number in 0..5 {
                let names = contestant.stage(some(number..number + 1, ORDINARY))?;
                let before = contestant.syncs();
                contestant.drop_in(&names)?;
                contestant.wait_for_done(number + 1)?;
                std::thread::sleep(Duration::from_secs(3));
                counts.push((contestant.syncs() - before) as f64);
            }
            Ok(counts)
        };
        let figure = |name: &str, client, of_loop, goal| Figure {
            name: name.to_owned(),
            unit: "syncs a report",
            client,
            of_loop,
            goal,
        };
        Ok(vec![
            figure(
                "200 reports at once",
                vec![many(Who::Client)?],
                vec![many(Who::Loop)?],
                Goal::AtMost(2.0),
            ),
            figure("one report", single(Who::Client)?, single(Who::Loop)?, Goal::AtMost(4.0)),
        ])
    }

    fn single(&self, programs: &Programs) -> Result<Vec<Figure>> {
        let measure = |who| -> Result<Vec<f64>> {
            let server = server()?;
            let contestant = Contestant::start(programs, who, server.url(), false)?;
            let mut times = Vec::new();
            for number in 0..20 {
                let names = contestant.stage(some(number..number + 1, ORDINARY))?;
                std::thread::sleep(Duration::from_millis(150 + 13 * number as u64));
                let started = Instant::now();
                contestant.drop_in(&names)?;
                server.wait_for_reports_blocking(number + 1, PATIENCE)?;
                times.push(started.elapsed().as_secs_f64() * 1000.0);
            }
            Ok(times)
        };
        Ok(vec![Figure {
            name: "one report: from its rename until the server has it".to_owned(),
            unit: "ms",
            client: measure(Who::Client)?,
            of_loop: measure(Who::Loop)?,
            goal: Goal::None,
        }])
    }

    fn memory(&self, programs: &Programs) -> Result<Vec<Figure>> {
        let server = server()?;
        let client = Contestant::start(programs, Who::Client, server.url(), false)?;
        client.wait("ready", Contestant::is_ready)?;
        std::thread::sleep(Duration::from_secs(3));
        let (memory, (processor, written)) = (Memory::of(client.pid())?, idle(&client)?);
        let names = client.stage(some(0..4, 60_000_000))?;
        client.drop_in(&names)?;
        server.wait_for_reports_blocking(names.len(), PATIENCE)?;
        client.wait_for_done(names.len())?;
        let peak = Memory::of(client.pid())?.peak;
        Ok(vec![
            Figure::alone("idle: memory", "MB", memory.now as f64 / 1e6, Goal::AtMost(10.0)),
            Figure::alone("idle: written in 20 s", "KB", written, Goal::AtMost(0.0)),
            Figure::alone("idle: processor in 20 s", "ms", processor, Goal::None),
            Figure::alone("4 reports of 60 MB: peak memory", "MB", peak as f64 / 1e6, Goal::AtMost(120.0)),
        ])
    }

    fn waiting(&self, programs: &Programs) -> Result<Vec<Figure>> {
        let server = server()?;
        let url = server.url().to_owned();
        let address = url.trim_start_matches("http://").parse().context("reading the server's address")?;
        drop(server);
        let client = Contestant::start(programs, Who::Client, &url, false)?;
        let waiting = self.waiting;
        let names = client.stage(some(0..waiting, self.waiting_size))?;
        let started = Instant::now();
        client.drop_in(&names)?;
        client.wait_long("all are queued", |client| client.pending() == Some(waiting as u64))?;
        let queued = waiting as f64 / started.elapsed().as_secs_f64();
        // Whatever is still to be written away.
        std::thread::sleep(Duration::from_secs(10));
        let memory = Memory::of(client.pid())?.now as f64 / 1e6;
        let (processor, written) = idle(&client)?;
        let mut seen = Vec::new();
        for number in 0..10 {
            let names = client.stage(some(waiting + number..waiting + number + 1, ORDINARY))?;
            std::thread::sleep(Duration::from_millis(700 + 130 * number as u64));
            let started = Instant::now();
            client.drop_in(&names)?;
            let wanted = (waiting + number + 1) as u64;
            client.wait_long("one more is queued", |client| client.pending() == Some(wanted))?;
            seen.push(started.elapsed().as_secs_f64() * 1000.0);
        }
        let slowest = seen.iter().copied().fold(0.0, f64::max);
        let total = waiting + seen.len();
        let before = database(&client.data());
        let server = Server::start_with(Options {
            listen: address,
            token: Some(TOKEN.to_owned()),
            keep: false,
            ..Options::default()
        })?;
        let (client, started) = client.restart(programs, &url)?;
        let alive = started.elapsed();
        client.wait("ready", Contestant::is_ready)?;
        let ready = started.elapsed();
        server.wait_for_reports_blocking(total, PATIENCE)?;
        let drained = total as f64 / started.elapsed().as_secs_f64();
        client.wait_long("none waits", |client| client.pending() == Some(0))?;
        client.wait_for_done(total)?;
        std::thread::sleep(Duration::from_secs(10));
        let after = database(&client.data());
        let about = |name: &str| format!("{waiting} waiting: {name}");
        let alone = |name, unit, value, goal| Figure::alone(&about(name), unit, value, goal);
        Ok(vec![
            alone("queued", "1/s", queued, Goal::None),
            alone("memory", "MB", memory, Goal::None),
            alone("idle processor in 20 s", "ms", processor, Goal::AtMost(20.0)),
            // The server is away: each attempt is noted.
            alone("idle written in 20 s", "KB", written, Goal::None),
            alone("a new file is queued, the slowest of 10", "ms", slowest, Goal::AtMost(200.0)),
            alone("start until alive and watching", "ms", alive.as_secs_f64() * 1e3, Goal::None),
            alone("start until ready", "ms", ready.as_secs_f64() * 1e3, Goal::AtMost(300.0)),
            alone("drained", "1/s", drained, Goal::None),
            alone("database before", "MB", before, Goal::None),
            // What it remembers of each: the identifier, and which file it put into done/.
            alone("database afterwards", "MB", after, Goal::AtMost(1.0 + 0.0002 * self.waiting as f64)),
        ])
    }
}

/// Lets so many reports appear at once, and waits until they are delivered and moved.
fn burst(programs: &Programs, who: Who, count: usize, latency: Duration) -> Result<Burst> {
    let server = server()?;
    let contestant = Contestant::start(programs, who, server.url(), false)?;
    let names = contestant.stage(some(0..count, ORDINARY))?;
    server.set_latency(latency);
    let (before, started) = (contestant.usage()?, Instant::now());
    contestant.drop_in(&names)?;
    server.wait_for_reports_blocking(count, PATIENCE)?;
    let seconds = started.elapsed().as_secs_f64();
    contestant.wait_for_done(count)?;
    // What is written lazily counts too.
    std::thread::sleep(Duration::from_secs(3));
    let used = contestant.usage()?.since(before);
    let serial_numbers: Vec<String> = (0..count).map(serial_number).collect();
    server.each_once(serial_numbers.iter().map(String::as_str)).map_err(anyhow::Error::msg)?;
    Ok(Burst {
        a_second: count as f64 / seconds,
        processor_ms: used.processor.as_secs_f64() * 1000.0 / count as f64,
        written: used.written as f64 / (count * ORDINARY) as f64,
    })
}

/// Processor time in milliseconds and kilobytes written while nothing happens.
fn idle(contestant: &Contestant) -> Result<(f64, f64)> {
    let before = contestant.usage()?;
    std::thread::sleep(IDLE);
    let used = contestant.usage()?.since(before);
    Ok((used.processor.as_secs_f64() * 1000.0, used.written as f64 / 1000.0))
}

pub(crate) fn server() -> Result<Server> {
    let options = Options { token: Some(TOKEN.to_owned()), keep: false, ..Options::default() };
    Server::start_with(options).context("starting the test server")
}

pub(crate) fn serial_number(number: usize) -> String {
    format!("SN{number:06}")
}

/// Reports with their names.
fn some(numbers: std::ops::Range<usize>, bytes: usize) -> impl Iterator<Item = (String, String)> {
    numbers.map(move |number| (format!("r{number:06}.json"), report(&serial_number(number), bytes)))
}

/// Megabytes of the database, with its journals.
fn database(data: &Path) -> f64 {
    let is_part =
        |path: &Path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("queue.db"));
    size_below(data, &is_part) as f64 / 1e6
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
