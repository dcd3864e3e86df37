//! Many small reports that lie in watch folders already when the service starts, as after a weekend without it: in ten
//! folders, some with sub-folders, and the same number in one.

use crate::contestant::{Contestant, Programs};
use crate::machine::Memory;
use crate::report::report;
use crate::scenario::{PATIENCE, serial_number, server};
use crate::summary::{Figure, Goal};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// What the client promises, in megabytes.
const MOST_MEMORY: f64 = 64.0;
/// How many folders are watched.
const FOLDERS: usize = 10;
/// Every third of them has so many sub-folders, which hold most of its reports.
const SUBFOLDERS: usize = 9;

/// What it came to.
struct Delivered {
    a_second: f64,
    processor_ms: f64,
    peak: f64,
    afterwards: f64,
}

/// Measures both.
pub(crate) fn measure(programs: &Programs, count: usize, bytes: usize) -> Result<Vec<Figure>> {
    let one = deliver(programs, 1, count, bytes).context("from one folder")?;
    let ten = deliver(programs, FOLDERS, count, bytes).context("from ten folders")?;
    let times = ten.a_second / one.a_second;
    let of = |folders: &str, delivered: Delivered| {
        let about = |name: &str| format!("{count} files in {folders}: {name}");
        let Delivered { a_second, processor_ms, peak, afterwards } = delivered;
        [
            Figure::alone(&about("from the start until delivered"), "1/s", a_second, Goal::None),
            Figure::alone(&about("processor"), "ms a report", processor_ms, Goal::None),
            Figure::alone(&about("peak memory"), "MB", peak, Goal::Limit(MOST_MEMORY)),
            Figure::alone(&about("memory afterwards"), "MB", afterwards, Goal::None),
        ]
    };
    let mut figures: Vec<Figure> = of("one folder", one).into_iter().chain(of("ten folders", ten)).collect();
    figures.push(Figure::alone("ten folders in place of one", "times its rate", times, Goal::None));
    Ok(figures)
}

/// Starts the client where so many reports lie in so many folders; waits until all are delivered and moved.
fn deliver(programs: &Programs, folders: usize, count: usize, bytes: usize) -> Result<Delivered> {
    let dir = tempfile::tempdir_in(&programs.scratch).context("making a folder to measure in")?;
    let (more, places) = watch_folders(dir.path(), folders)?;
    for number in 0..count {
        let place = &places[number % places.len()];
        fs::write(place.join(format!("r{number:06}.json")), report(&serial_number(number), bytes))
            .with_context(|| format!("writing a report into {}", place.display()))?;
    }
    // They lie there for long.
    rustix::fs::sync();
    let server = server()?;
    let started = Instant::now();
    let client = Contestant::start_on(programs, server.url(), dir, &more)?;
    server.wait_for_reports_blocking(count, PATIENCE)?;
    let seconds = started.elapsed().as_secs_f64();
    client.wait_long("none waits", |client| client.pending() == Some(0))?;
    client.wait_for_done(count)?;
    let serial_numbers: Vec<String> = (0..count).map(serial_number).collect();
    server.each_once(serial_numbers.iter().map(String::as_str)).map_err(anyhow::Error::msg)?;
    for place in &places {
        ensure!(fs::read_dir(place)?.all(|entry| entry.is_ok_and(|e| e.path().is_dir())), "left behind");
    }
    let (memory, used) = (Memory::of(client.pid())?, client.usage()?);
    let delivered = Delivered {
        a_second: count as f64 / seconds,
        processor_ms: used.processor.as_secs_f64() * 1e3 / count as f64,
        peak: memory.peak as f64 / 1e6,
        afterwards: memory.now as f64 / 1e6,
    };
    eprintln!(
        "{count} from {folders}: {:.0}/s, peak {:.1} MB, then {:.1} MB",
        delivered.a_second, delivered.peak, delivered.afterwards
    );
    Ok(delivered)
}

/// Makes so many watch folders; says which are to be configured beside the default one, and where reports go so that
/// each folder gets as many.
fn watch_folders(dir: &Path, count: usize) -> Result<(Value, Vec<PathBuf>)> {
    let (mut more, mut places) = (Vec::new(), Vec::new());
    let mut leaves = Vec::new();
    for number in 0..count {
        let folder = match number {
            0 => dir.join("data/watch"),
            _ => dir.join(format!("line{number}")),
        };
        let has_subfolders = number % 3 == 2;
        if number > 0 {
            more.push(
                json!({ "name": format!("line{number}"), "path": folder, "subfolders": has_subfolders }),
            );
        }
        let below = if has_subfolders { SUBFOLDERS } else { 0 };
        let mut own = vec![folder.clone()];
        own.extend((0..below).map(|day| folder.join(format!("day{day}"))));
        for place in &own {
            fs::create_dir_all(place).with_context(|| format!("making {}", place.display()))?;
        }
        leaves.push(own);
    }
    // As often each folder, and in it each of its own in turn.
    let rounds = if count > 1 { SUBFOLDERS + 1 } else { 1 };
    for round in 0..rounds {
        places.extend(leaves.iter().map(|own| own[round % own.len()].clone()));
    }
    Ok((more.into(), places))
}
