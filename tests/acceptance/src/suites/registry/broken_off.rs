//! A push that is broken off at each of its requests, and gone on with.

use super::{Place, SMALL};
use super::server::Doors;
use super::way::{Asked, At, Fault, TIMES, When};
use super::workshop::Workshop;
use anyhow::{Context, Result, ensure};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// How many pushes go on side by side: as many as small machines have processors.
const LANES: usize = 2;

/// Fails if: a push that is broken off does not say that it can be gone on with, what comes of the next run is something
/// else than of an undisturbed one, or a blob that had arrived is sent again.
pub(super) fn judge(workshop: &Workshop, folder: &Path, thorough: bool) -> Result<()> {
    let lane = |number: usize| -> Result<()> {
        // Passwords are made to be slow.
        let doors = if thorough { Doors::Password } else { Doors::Open };
        let place = Place::open(&folder.join(number.to_string()), &doors)?;
        place.push(workshop, SMALL)?;
        let expected = place.server.state()?;
        let requests = place.way.log();
        ensure!(requests.len() > 40, "only {} requests: {requests:?}", requests.len());
        // Blobs take three requests each, so every fourth has all kinds of them.
        let (step, times) = if thorough { (1, TIMES.len()) } else { (4, 1) };
        for (turn, at) in (0..requests.len()).step_by(step).enumerate().filter(|(turn, _)| turn % LANES == number) {
            for time in 0..times {
                let when = TIMES[(turn / LANES + time) % TIMES.len()];
                let request = &requests[at];
                break_off(workshop, &place, at + 1, when, &expected)
                    .with_context(|| format!("broken off {when:?} {} {}", request.method, request.path))?;
            }
        }
        // A single answer that gets lost is not worth a word.
        place.server.clear()?;
        place.way.mend();
        for (number, when) in [(3, When::After), (12, When::Half), (21, When::Before), (30, When::After)] {
            place.way.fault(At::Number(number), Fault::Lose(when));
        }
        place.push(workshop, SMALL)?;
        ensure!(place.server.state()? == expected, "lost answers changed what comes of it");
        Ok(())
    };
    std::thread::scope(|scope| {
        let lanes: Vec<_> = (0..LANES).map(|number| scope.spawn(move || lane(number))).collect();
        let ends = lanes.into_iter().map(|lane| lane.join().map_err(|_| anyhow::anyhow!("a lane crashed"))?);
        ends.collect::<Vec<Result<()>>>().into_iter().collect()
    })
}

fn break_off(
    workshop: &Workshop,
    place: &Place,
    number: usize,
    when: When,
    expected: &BTreeMap<PathBuf, String>,
) -> Result<()> {
    place.server.clear()?;
    place.way.mend();
    place.way.fault(At::Number(number), Fault::Cut(when));
    let said = place.refused(workshop, SMALL)?;
    ensure!(said.contains("run this again"), "it does not say how to go on:\n{said}");
    let first = place.way.log();
    place.way.mend();
    place.push(workshop, SMALL)?;
    let found = place.server.state()?;
    ensure!(found == *expected, "something else came of it:\n{found:#?}\n{expected:#?}");
    let mut sent = BTreeMap::new();
    for asked in first.iter().chain(&place.way.log()).filter(|asked| is_blob(asked)) {
        let (_, digest) = asked.path.rsplit_once("digest=").context("a blob is sent by its digest")?;
        *sent.entry(digest.to_owned()).or_insert(0) += 1;
    }
    let twice: Vec<_> = sent.iter().filter(|(_, times)| **times > 1).collect();
    ensure!(twice.is_empty(), "sent again although it had arrived: {twice:?}");
    Ok(())
}

/// Whether it is a blob that has arrived.
fn is_blob(asked: &Asked) -> bool {
    asked.method == "PUT" && asked.path.contains("/blobs/uploads/") && asked.status == 201
}
