//! Reports of all kinds and an outage, in every order: what a station owes the good ones, and the server.

use super::station::{Reply, SECOND, Station, WAITS};
use super::{HOUR, MINUTE, most};
use std::time::Duration;
use tokio::time::Instant;
use wats::FailureKind as Kind;

/// What the server answers to a report when it is there.
const ANSWERS: [Reply; 5] = [
    Reply::Accept,
    Reply::Refuse(Kind::Trouble, 500),
    Reply::Refuse(Kind::RefusedBlank, 413),
    Reply::OtherId(Ok(false)),
    Reply::Refuse(Kind::Gate, 401),
];

/// Reports in the order of their coming; the server goes before one of them, and is back before one of them.
#[derive(Debug)]
struct Case<'a> {
    answers: &'a [&'a Reply],
    goes: usize,
    comes: usize,
    outage: Duration,
    concurrency: usize,
}

/// All orders of so many reports.
fn words(length: usize) -> Vec<Vec<&'static Reply>> {
    let mut words = vec![Vec::new()];
    for _ in 0..length {
        let longer = |word: &Vec<&'static Reply>| {
            let word = word.clone();
            ANSWERS.iter().map(move |answer| [&word[..], &[answer]].concat())
        };
        words = words.iter().flat_map(longer).collect();
    }
    words
}

async fn play(case: &Case<'_>) {
    let mut station = Station::new(case.concurrency);
    station.start();
    station.pass(SECOND).await;
    let mut put = Vec::new();
    let mut back = Instant::now();
    for place in 0..=case.answers.len() {
        if place == case.goes {
            station.remote.server().down = true;
        }
        if place == case.comes {
            station.pass(case.outage).await;
            station.remote.server().down = false;
            back = Instant::now();
        }
        if let Some(answer) = case.answers.get(place) {
            let seq = station.put();
            station.replies(seq, std::slice::from_ref(*answer));
            put.push((seq, Instant::now(), matches!(answer, Reply::Accept)));
            station.pass(3 * SECOND).await;
        }
    }
    // An outage may have made the waits as long as itself.
    let patience = case.outage.min(5 * MINUTE) + 45 * SECOND;
    for (seq, at, _) in put.iter().filter(|(_, _, is_good)| *is_good) {
        let limit = (back.max(*at) + patience).saturating_duration_since(Instant::now());
        station.wait(limit.max(SECOND), &format!("{seq} of {case:?}"), |it| it.is_delivered(*seq)).await;
    }
    station.pass(6 * MINUTE).await;
    let reason = station.reason();
    assert!(!reason.contains("Unreachable"), "that is over: {reason}: {case:?}");
    let server = station.remote.server();
    let sent = most(server.sent.iter().map(|(at, _)| *at).collect());
    let versions = most(server.versions.clone());
    assert!(sent <= 12 && versions <= 12, "{sent} reports, {versions} versions in 10 s: {case:?}");
}

/// Fails if: after an outage a good report waits behind others for longer than it must, in whatever order they
/// came; the server is asked again and again; or people are told what is over.
#[tokio::test(start_paused = true)]
async fn reports_and_an_outage_in_every_order() {
    for word in [2, 3].into_iter().flat_map(words) {
        for goes in 0..=word.len() {
            for comes in goes..=word.len() {
                let all = [(7 * SECOND, 4), (7 * SECOND, 1), (10 * MINUTE, 4)];
                let tried = if word.len() > 2 { &all[..1] } else { &all };
                for &(outage, concurrency) in tried {
                    play(&Case { answers: &word, goes, comes, outage, concurrency }).await;
                }
            }
        }
    }
}

/// Fails if: one report on which the server fails, after an outage, is sent again and again for as long as
/// nothing else comes, or what comes then waits.
#[tokio::test(start_paused = true)]
async fn one_bad_report_after_an_outage() {
    for answer in &ANSWERS[1..] {
        let mut station = Station::new(4);
        station.remote.server().down = true;
        station.start();
        let bad = station.put();
        station.replies(bad, std::slice::from_ref(answer));
        station.pass(10 * SECOND).await;
        station.remote.server().down = false;
        station.pass(HOUR).await;
        let (sent, asked) = (station.times(bad), station.remote.server().versions.len());
        assert!(sent <= 40 && asked <= 150, "{answer:?}: {sent} times, {asked} versions");
        let good = station.put();
        station.wait(3 * SECOND, "the next one", |station| station.is_delivered(good)).await;
    }
}

/// Fails if: a suspect that is being sent when another report passes is counted as under way for ever, so that
/// the next outage never ends.
#[tokio::test(start_paused = true)]
async fn a_suspect_under_way_while_another_passes() {
    let mut station = Station::new(4);
    let suspect = station.put();
    station.replies(suspect, &[Reply::Refuse(Kind::Trouble, 500)]);
    station.start();
    let sent_again = |station: &Station| station.times(suspect) == 2;
    station.wait(5 * SECOND, "the suspect is under way", sent_again).await;
    station.put();
    station.pass(SECOND).await;
    station.remote.server().down = true;
    station.pass(20 * SECOND).await;
    let last = station.put();
    station.pass(MINUTE).await;
    station.remote.server().down = false;
    // It may be waiting for longer than the outage has lasted.
    station.wait(WAITS.max, "what came in the outage", |station| station.is_delivered(last)).await;
}
